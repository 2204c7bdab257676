//! The lossy half: which values are sent, and with which levels.

use thiserror::Error;

use crate::codec::{
    self, CHUNK, Code, Density, Levels, MAGNITUDE_MAX, Packed, bf16_from_f32, f32_from_bf16,
};

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

/// Compresses `change`: the same change and density give the same bytes, whatever was sent before.
///
/// One pass, chunk by chunk: besides the result it needs memory for one chunk.
///
/// # Errors
/// [`CompressError::Lengths`] when `before` and `after` differ in length; [`CompressError::Range`] when a value is not
/// finite or larger than [`MAGNITUDE_MAX`].
pub fn compress(change: Change<'_>, density: Density) -> Result<Vec<u8>, CompressError> {
    let length = change.length()?;
    let mut writer = codec::Writer::new(length, density);
    let mut values = [0.0; CHUNK];
    let mut chooser = Chooser::default();
    for first in (0..length).step_by(CHUNK) {
        let values = &mut values[..CHUNK.min(length - first)];
        change.copy_to(first, values);
        if let Some(at) = values.iter().position(|value| !codec::is_within_range(*value)) {
            return Err(CompressError::Range { index: first + at });
        }
        writer.chunk(chooser.pack(values, density.of_chunk(values.len())), values.len());
    }
    Ok(writer.finish())
}

/// Selects the values of a chunk to send; its buffers are reused for all chunks.
#[derive(Default)]
struct Chooser {
    keys: Vec<u64>,
    packed: Packed,
}

impl Chooser {
    /// Selects the `count` largest magnitudes and rounds them to two levels.
    fn pack(&mut self, values: &[f32], count: usize) -> &Packed {
        self.choose(values, count);
        let Packed { positions, codes, levels } = &mut self.packed;
        let chosen = || positions.iter().map(|&at| values[usize::from(at)]);
        let mean = mean_of(chosen().map(|value| f64::from(value.abs())));
        codes.clear();
        codes.extend(chosen().map(|value| Code {
            is_negative: value.is_sign_negative(),
            is_high: f64::from(value.abs()) > mean,
        }));
        let half = |high: bool| {
            let members = chosen().zip(&*codes).filter(move |(_, code)| code.is_high == high);
            mean_of(members.map(|(value, _)| f64::from(value.abs())))
        };
        let low = level(half(false));
        // If no value is above the mean, all are equal, and the second level repeats the first.
        let high = if codes.iter().any(|code| code.is_high) { level(half(true)) } else { low };
        *levels = Levels { low, high };
        &self.packed
    }

    /// Stores the positions of the `count` largest magnitudes, ascending; of equal magnitudes the lower position is
    /// taken.
    fn choose(&mut self, values: &[f32], count: usize) {
        let Self { keys, packed: Packed { positions, .. } } = self;
        // The bits of non-negative floats sort like the floats. All keys differ, so the selection has one result.
        let key =
            |(position, value): (u64, &f32)| (u64::from(!value.abs().to_bits()) << 32) | position;
        keys.clear();
        keys.extend((0..).zip(values).map(key));
        if count < keys.len() {
            keys.select_nth_unstable(count);
            keys.truncate(count);
        }
        positions.clear();
        let position = |key: &u64| u16::try_from(key & 0xffff).expect("masked to 16 bits");
        positions.extend(keys.iter().map(position));
        positions.sort_unstable();
    }
}

/// Returns the mean, summed in the given order, or 0 for no values.
fn mean_of(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

/// Returns a level as it is sent: rounded to f32, then to bf16, each to nearest, ties to even.
fn level(mean: f64) -> u16 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounding to nearest is intended; the mean is within range"
    )]
    let bits = bf16_from_f32(mean as f32);
    debug_assert!(
        f32_from_bf16(bits) <= MAGNITUDE_MAX,
        "a mean is not larger than its largest value"
    );
    bits
}
