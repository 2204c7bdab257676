//! The lossy half: which values are sent, and with which levels.

use thiserror::Error;

use crate::codec::{self, Bits, CHUNK, Format, MAGNITUDE_MAX, Packed, bf16_from_f32};

/// A change of the parameters, one value per parameter.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// The values themselves.
    Given(&'a [f32]),
    /// `before − after`: a pseudo-gradient, computed chunk by chunk and never held as a whole.
    Between {
        /// Parameters at the start of a round.
        before: &'a [f32],
        /// Parameters at the end of the round, equally many.
        after: &'a [f32],
    },
}

impl Change<'_> {
    /// Returns the number of parameters.
    fn length(self) -> Result<usize, CompressError> {
        match self {
            Self::Given(values) => Ok(values.len()),
            Self::Between { before, after } if before.len() == after.len() => Ok(before.len()),
            Self::Between { before, after } => {
                Err(CompressError::Lengths { given: after.len(), expected: before.len() })
            }
        }
    }

    /// Writes the values from index `first` on to `values`.
    fn copy_to(self, first: usize, values: &mut [f32]) {
        match self {
            Self::Given(given) => {
                // Adding zero turns minus zero into zero, as the difference of equal numbers is.
                let given = &given[first..];
                values.iter_mut().zip(given).for_each(|(value, given)| *value = given + 0.0);
            }
            Self::Between { before, after } => {
                let both = before[first..].iter().zip(&after[first..]);
                values
                    .iter_mut()
                    .zip(both)
                    .for_each(|(value, (before, after))| *value = before - after);
            }
        }
    }
}

/// Why a change can't be compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CompressError {
    /// The two states have different lengths.
    #[error("{given} parameters, {expected} expected: the states belong to different models")]
    Lengths {
        /// Length of the state after the change.
        given: usize,
        /// Length of the state before it.
        expected: usize,
    },
    /// A value is not finite or out of range: the training diverged.
    #[error(
        "change of parameter {index} is not finite or out of range: the training diverged, lower the learning rate"
    )]
    Range {
        /// Parameter index.
        index: usize,
    },
}

/// Random numbers by their index: the block at `index` holds those of the values from `4 · index` on.
pub type Numbers<'a> = &'a dyn Fn(u64) -> [u32; 4];

/// Which values of a chunk are sent.
#[derive(Clone, Copy)]
pub enum Selection<'a> {
    /// Those of largest magnitude; of equal magnitudes the lower index. What is sent is smaller than the change.
    Largest,
    /// Drawn with a probability that grows with the magnitude, so that the expectation of what is sent is the change.
    ///
    /// This is priority sampling: with a random number `u` between 0 and 1 for each value `w`, those of largest `|w| / u`
    /// are sent, as `max(|w|, τ)` with the sign of `w`, where `τ` is the largest `|w| / u` that is not sent.
    ///
    /// Source: Duffield, Lund, Thorup, "Priority sampling for estimation of arbitrary subset sums", J. ACM 54(6), 2007.
    Drawn(Numbers<'a>),
}

/// Compresses `change`: the same arguments give the same bytes, whatever was sent before.
///
/// One pass, chunk by chunk: besides the result it needs memory for one chunk.
///
/// # Errors
/// [`CompressError::Lengths`] when `before` and `after` differ in length; [`CompressError::Range`] when a value is not
/// finite or larger than [`MAGNITUDE_MAX`].
pub fn compress(
    change: Change<'_>,
    format: Format,
    selection: Selection<'_>,
) -> Result<Vec<u8>, CompressError> {
    let length = change.length()?;
    let mut writer = codec::Writer::new(length, format);
    let mut values = [0.0; CHUNK];
    let mut chooser = Chooser::default();
    for first in (0..length).step_by(CHUNK) {
        let values = &mut values[..CHUNK.min(length - first)];
        change.copy_to(first, values);
        if let Some(at) = values.iter().position(|value| !codec::is_within_range(*value)) {
            return Err(CompressError::Range { index: first + at });
        }
        let count = format.density.of_chunk(values.len());
        match selection {
            Selection::Largest => chooser.choose_largest(values, count),
            Selection::Drawn(numbers) => chooser.draw(values, count, (first, numbers)),
        }
        writer.chunk(chooser.round(values, format.bits), values.len());
    }
    Ok(writer.finish())
}

/// Selects the values of a chunk to send; its buffers are reused for all chunks.
#[derive(Default)]
struct Chooser {
    /// Priorities, as bits of which the lowest come first, and positions.
    keys: Vec<(u64, u16)>,
    /// For each chosen value the magnitude to send.
    magnitudes: Vec<f64>,
    packed: Packed,
}

impl Chooser {
    /// Selects the `count` largest magnitudes; of equal ones those at the lower positions.
    fn choose_largest(&mut self, values: &[f32], count: usize) {
        let priorities = values.iter().map(|value| f64::from(value.abs()));
        self.choose(priorities, values.len(), count);
        self.keep(values, 0.0);
    }

    /// Selects `count` values by priority; the chunk's first value has the index `first` in the whole change.
    fn draw(&mut self, values: &[f32], count: usize, (first, numbers): (usize, Numbers<'_>)) {
        let blocks = (u64::try_from(first / 4).expect("usize has at most 64 bits")..).map(numbers);
        let shares = blocks.flatten().map(|number| (f64::from(number) + 1.0) / SHARES);
        let priorities =
            values.iter().zip(shares).map(|(value, share)| f64::from(value.abs()) / share);
        let threshold = self.choose(priorities, values.len(), count);
        self.keep(values, threshold.min(MAGNITUDE_MAX.into()));
    }

    /// Stores the positions of the `count` largest of `length` priorities, ascending, and returns the largest of the others; 0 if
    /// all are chosen. Of equal priorities the lower position is taken.
    fn choose(
        &mut self,
        priorities: impl Iterator<Item = f64>,
        length: usize,
        count: usize,
    ) -> f64 {
        let Self { keys, packed: Packed { positions, .. }, .. } = self;
        positions.clear();
        if count == length {
            positions.extend((0_u16..).take(length));
            return 0.0;
        }
        // The bits of non-negative floats sort like the floats. All keys differ, so the selection has one result.
        keys.clear();
        keys.extend(priorities.map(|priority| !priority.to_bits()).zip(0_u16..));
        let (_, (bits, _), _) = keys.select_nth_unstable(count);
        let threshold = f64::from_bits(!*bits);
        positions.extend(keys[..count].iter().map(|(_, position)| *position));
        positions.sort_unstable();
        threshold
    }

    /// Stores the magnitudes of the chosen values, none below `least`.
    fn keep(&mut self, values: &[f32], least: f64) {
        let Self { magnitudes, packed: Packed { positions, .. }, .. } = self;
        let chosen = positions.iter().map(|&at| f64::from(values[usize::from(at)].abs()));
        magnitudes.clear();
        magnitudes.extend(chosen.map(|magnitude| magnitude.max(least)));
    }

    /// Stores levels and codes: the magnitudes are split at their mean, each half again, until there are as many parts
    /// as levels; the mean of a part is its level. An empty part repeats the level below it.
    fn round(&mut self, values: &[f32], bits: Bits) -> &Packed {
        let Self { magnitudes, packed: Packed { positions, codes, levels }, .. } = self;
        let mut parts = [0_u8; CHUNK];
        let parts = &mut parts[..magnitudes.len()];
        let mut means = means_of(magnitudes, parts);
        for _ in 1..bits.count() {
            for (part, magnitude) in parts.iter_mut().zip(&*magnitudes) {
                let is_above = *magnitude > means[usize::from(*part)];
                *part = *part * 2 + u8::from(is_above);
            }
            means = means_of(magnitudes, parts);
        }
        let mut below = 0;
        levels.clear();
        levels.extend(means[..bits.level_count()].iter().map(|mean| {
            below = level(*mean).max(below);
            below
        }));
        codes.clear();
        let chosen = positions.iter().map(|&at| values[usize::from(at)]);
        let signs = chosen.map(|value| u8::from(value.is_sign_negative()));
        codes.extend(signs.zip(&*parts).map(|(sign, part)| sign | (part << 1)));
        &self.packed
    }
}

/// The random numbers 0 to 2^32 − 1 stand for shares above 0 and up to 1.
const SHARES: f64 = 4_294_967_296.0;

/// Largest number of parts: the levels of four bits.
const PARTS_MAX: usize = 8;

/// Returns the mean of each part, summed in the given order; 0 for an empty one.
fn means_of(magnitudes: &[f64], parts: &[u8]) -> [f64; PARTS_MAX] {
    let (mut sums, mut counts) = ([0.0; PARTS_MAX], [0_u16; PARTS_MAX]);
    for (magnitude, part) in magnitudes.iter().zip(parts) {
        sums[usize::from(*part)] += magnitude;
        counts[usize::from(*part)] += 1;
    }
    let mut means = sums;
    for (mean, count) in means.iter_mut().zip(counts) {
        *mean = if count > 0 { *mean / f64::from(count) } else { 0.0 };
    }
    means
}

/// Returns a level as it is sent: rounded to f32, then to bf16, each to nearest, ties to even.
fn level(mean: f64) -> u16 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounding to nearest is intended; the mean is within range"
    )]
    let bits = bf16_from_f32(mean as f32);
    bits
}
