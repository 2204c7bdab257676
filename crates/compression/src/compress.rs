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
    let mut encoder = Encoder { chunks: codec::header(length, format), ..Encoder::new(format) };
    let mut values = [0.0; CHUNK];
    for first in (0..length).step_by(CHUNK) {
        let values = &mut values[..CHUNK.min(length - first)];
        change.copy_to(first, values);
        encoder.write(first, values, selection)?;
    }
    Ok(bounded(encoder.chunks, length, format))
}

/// Compresses a change as [`compress`] does with [`Selection::Largest`], for callers who compute it chunk by chunk and want to
/// know what a receiver will read. Parts of a change can be encoded at the same time, each by an encoder of its own: their
/// chunks, [joined](join_chunks) in order, are the update.
#[derive(Debug)]
pub struct Encoder {
    format: Format,
    chunks: Vec<u8>,
    chooser: Chooser,
}

impl Encoder {
    /// Returns an encoder without chunks.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self { format, chunks: Vec::new(), chooser: Chooser::default() }
    }

    /// Appends a chunk, and replaces its values by what a receiver reads. `first` is the index of its first value in the whole
    /// change.
    ///
    /// # Errors
    /// As [`compress`].
    ///
    /// # Panics
    /// When there are more values than [`CHUNK`].
    pub fn encode(&mut self, first: usize, values: &mut [f32]) -> Result<(), CompressError> {
        assert!(values.len() <= CHUNK, "one chunk at a time");
        // As `Change::Given`.
        values.iter_mut().for_each(|value| *value += 0.0);
        self.write(first, values, Selection::Largest)?;
        values.fill(0.0);
        self.chooser.packed.unpack(values);
        Ok(())
    }

    /// Returns the encoded chunks.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.chunks
    }

    /// Appends a chunk.
    fn write(
        &mut self,
        first: usize,
        values: &[f32],
        selection: Selection<'_>,
    ) -> Result<(), CompressError> {
        let Self { format, chunks, chooser } = self;
        // Without a branch for each value.
        if !values.iter().fold(true, |all, value| all & codec::is_within_range(*value)) {
            let at = values.iter().position(|value| !codec::is_within_range(*value));
            return Err(CompressError::Range { index: first + at.unwrap_or_default() });
        }
        let count = format.density.of_chunk(values.len());
        match selection {
            Selection::Largest => chooser.choose_largest(values, count),
            Selection::Drawn(numbers) => chooser.draw(values, count, (first, numbers)),
        }
        chooser.round(format.bits).write(values.len(), *format, chunks);
        Ok(())
    }
}

/// Returns the update of `parameter_count` values whose chunks [encoders](Encoder) have written, part after part. Every part but the
/// last is of whole chunks.
#[must_use]
pub fn join_chunks(parameter_count: usize, format: Format, parts: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = codec::header(parameter_count, format);
    parts.iter().for_each(|part| bytes.extend(part));
    bounded(bytes, parameter_count, format)
}

/// Returns the bytes of an update, whose size its receivers bound.
fn bounded(bytes: Vec<u8>, parameter_count: usize, format: Format) -> Vec<u8> {
    let size_max = codec::encoded_size_max(parameter_count, format);
    assert!(bytes.len() <= size_max, "a receiver would refuse the update");
    bytes
}

/// Selects the values of a chunk to send; its buffers are reused for all chunks.
#[derive(Debug, Default)]
struct Chooser {
    /// The priority of each value, as bits of which the lowest come first.
    keys: Vec<u64>,
    /// The same, in another order.
    ranked: Vec<u64>,
    /// The chosen values.
    chosen: Vec<f32>,
    /// For each chosen value the magnitude to send.
    magnitudes: Vec<f64>,
    packed: Packed,
}

impl Chooser {
    /// Selects the `count` largest magnitudes; of equal ones those at the lower positions.
    fn choose_largest(&mut self, values: &[f32], count: usize) {
        self.keys.clear();
        if count < values.len() {
            self.keys.extend(values.iter().map(|value| key(f64::from(value.abs()))));
        }
        self.choose(values, count);
        self.keep(0.0);
    }

    /// Selects `count` values by priority; the chunk's first value has the index `first` in the whole change.
    fn draw(&mut self, values: &[f32], count: usize, (first, numbers): (usize, Numbers<'_>)) {
        self.keys.clear();
        if count < values.len() {
            let blocks = u64::try_from(first / 4).expect("usize has at most 64 bits")..;
            for (values, block) in values.chunks(4).zip(blocks) {
                for (value, number) in values.iter().zip(numbers(block)) {
                    let share = (f64::from(number) + 1.0) / SHARES;
                    self.keys.push(key(f64::from(value.abs()) / share));
                }
            }
        }
        let threshold = self.choose(values, count);
        self.keep(threshold.min(MAGNITUDE_MAX.into()));
    }

    /// Stores positions and values of those with the `count` highest priorities, by position, and returns the highest priority of the
    /// others; 0 if all are chosen, for which there need be no priorities. Of equal priorities the lower position is taken.
    fn choose(&mut self, values: &[f32], count: usize) -> f64 {
        let Self { keys, ranked, chosen, packed: Packed { positions, .. }, .. } = self;
        positions.clear();
        chosen.clear();
        if count == values.len() {
            positions.extend((0_u16..).take(count));
            chosen.extend(values);
            return 0.0;
        }
        ranked.clone_from(keys);
        let (higher, threshold, _) = ranked.select_nth_unstable(count);
        let threshold = *threshold;
        // Those that are left after the higher ones go to the first of the equal ones.
        let mut left = count - higher.iter().filter(|key| **key < threshold).count();
        for (position, (key, value)) in (0_u16..).zip(keys.iter().zip(values)) {
            let is_last = *key == threshold && left > 0;
            left -= usize::from(is_last);
            if *key < threshold || is_last {
                positions.push(position);
                chosen.push(*value);
            }
        }
        f64::from_bits(!threshold)
    }

    /// Stores the magnitudes of the chosen values, none below `least`.
    fn keep(&mut self, least: f64) {
        self.magnitudes.clear();
        self.magnitudes.extend(self.chosen.iter().map(|value| f64::from(value.abs()).max(least)));
    }

    /// Stores levels and codes: the magnitudes are split at their mean, each half again, until there are as many parts
    /// as levels; the mean of a part is its level. An empty part repeats the level below it.
    fn round(&mut self, bits: Bits) -> &Packed {
        let Self { chosen, magnitudes, packed: Packed { codes, levels, .. }, .. } = self;
        let mut parts = [0_u8; CHUNK];
        let parts = &mut parts[..magnitudes.len()];
        let mut means = [0.0; PARTS_MAX];
        means[0] = mean(magnitudes);
        for split in 1..bits.count() {
            for (part, magnitude) in parts.iter_mut().zip(&*magnitudes) {
                let is_above = *magnitude > means[usize::from(*part)];
                *part = *part * 2 + u8::from(is_above);
            }
            means = if split == 1 {
                means_of_two(magnitudes, parts)
            } else {
                means_of(magnitudes, parts)
            };
        }
        let mut below = 0;
        levels.clear();
        levels.extend(means[..bits.level_count()].iter().map(|mean| {
            below = level(*mean).max(below);
            below
        }));
        codes.clear();
        let signs = chosen.iter().map(|value| u8::from(value.is_sign_negative()));
        codes.extend(signs.zip(&*parts).map(|(sign, part)| sign | (part << 1)));
        &self.packed
    }
}

/// The random numbers 0 to 2^32 − 1 stand for shares above 0 and up to 1.
const SHARES: f64 = 4_294_967_296.0;

/// Returns bits that are lower, the higher the priority: the bits of floats that are not negative sort like the floats.
fn key(priority: f64) -> u64 {
    !priority.to_bits()
}

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
        *mean = quotient(*mean, count);
    }
    means
}

/// As [`means_of`] where there are two parts, without a branch or a place in memory that depends on the part: each magnitude is added
/// to both sums, to one of them as zero, which changes no sum of numbers that are not negative.
fn means_of_two(magnitudes: &[f64], parts: &[u8]) -> [f64; PARTS_MAX] {
    let (mut lower, mut upper, mut upper_count) = (0.0, 0.0, 0_u16);
    for (magnitude, part) in magnitudes.iter().zip(parts) {
        let (bits, of_upper) = (magnitude.to_bits(), u64::from(*part).wrapping_neg());
        lower += f64::from_bits(bits & !of_upper);
        upper += f64::from_bits(bits & of_upper);
        upper_count += u16::from(*part);
    }
    let count = u16::try_from(magnitudes.len()).expect("at most a chunk");
    let mut means = [0.0; PARTS_MAX];
    means[..2]
        .copy_from_slice(&[quotient(lower, count - upper_count), quotient(upper, upper_count)]);
    means
}

fn mean(magnitudes: &[f64]) -> f64 {
    let sum = magnitudes.iter().fold(0.0, |sum, magnitude| sum + magnitude);
    quotient(sum, u16::try_from(magnitudes.len()).expect("at most a chunk"))
}

/// Returns `sum / count`; 0 if there is nothing.
fn quotient(sum: f64, count: u16) -> f64 {
    if count > 0 { sum / f64::from(count) } else { 0.0 }
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
