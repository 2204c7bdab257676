//! The outer step: the coordinator aggregates a round's updates, and workers apply the result.

use compression::{CHUNK, CompressError, DecodeError, Encoder, decompress, join_chunks};
use optimizer::{Combination, OuterRates};
use thiserror::Error;
use units::DeviceId;

use crate::spec::RunSpec;

/// The state that the outer step carries from round to round. Only the coordinator needs it, and anyone who checks
/// the coordinator: it is new before the first round, and after every change of the coordinator's key on the ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct OuterState {
    /// Nesterov momentum, one value per parameter.
    pub momentum: Vec<f32>,
}

/// The update that a device committed to in this round.
#[derive(Clone, Copy, Debug)]
pub struct Contribution<'a> {
    /// The device that committed to the update.
    pub device: DeviceId,
    /// The encoded update, as fetched by its digest.
    pub encoded: &'a [u8],
}

/// The result of a round.
#[derive(Clone, Debug, PartialEq)]
pub struct Advanced {
    /// The new parameters.
    pub parameters: Vec<f32>,
    /// The encoded outer update from the base to the new parameters.
    pub encoded: Vec<u8>,
    /// The outer state for the next round.
    pub state: OuterState,
    /// Devices whose updates were aggregated.
    pub joined: Vec<DeviceId>,
    /// Devices whose bytes could not be decoded, and why.
    pub rejected: Vec<(DeviceId, DecodeError)>,
}

/// Why the outer step failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OuterStepError {
    /// A device has two updates; the ledger accepts one commitment per device.
    #[error("device {0} has two updates in this round: one is allowed")]
    Twice(DeviceId),
    /// Parameters or state have the wrong length for the model.
    #[error("{what} of {count} parameters, the run's model has {expected}")]
    WrongModel {
        /// The input with the wrong length.
        what: &'static str,
        /// Its length.
        count: usize,
        /// The length for the run's model.
        expected: usize,
    },
    /// The outer update can't be compressed.
    #[error("outer update can't be compressed")]
    Compress(#[from] CompressError),
}

/// Why bytes are not an outer state.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OuterStateError {
    /// The size is wrong.
    #[error("outer state of {size} bytes, {expected} expected: it belongs to another model")]
    Size {
        /// Bytes given.
        size: usize,
        /// Four bytes for each parameter.
        expected: usize,
    },
    /// A momentum is not finite.
    #[error("outer momentum of parameter {index} is not finite: the file is damaged")]
    Momentum {
        /// Parameter index.
        index: usize,
    },
}

impl OuterState {
    /// Returns the state before the first round.
    #[must_use]
    pub fn new(parameter_count: usize) -> Self {
        Self { momentum: vec![0.0; parameter_count] }
    }

    /// Returns the momentum in little-endian f32: four bytes per parameter.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        model::params_to_bytes(&self.momentum)
    }

    /// Parses the bytes of [`OuterState::to_bytes`].
    ///
    /// # Errors
    /// When the size is wrong or a value is not finite.
    pub fn from_bytes(bytes: &[u8], parameter_count: usize) -> Result<Self, OuterStateError> {
        let expected = parameter_count.saturating_mul(4);
        if bytes.len() != expected {
            return Err(OuterStateError::Size { size: bytes.len(), expected });
        }
        let (momentum, _) = bytes.as_chunks::<4>();
        let momentum: Vec<f32> = momentum.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        if let Some(index) = momentum.iter().position(|value| !value.is_finite()) {
            return Err(OuterStateError::Momentum { index });
        }
        Ok(Self { momentum })
    }
}

/// Aggregates the updates of a round: decode, combine robustly, Nesterov step, compress, apply the compressed update.
///
/// The result does not depend on the order of `contributions` or the number of threads. Bytes that can't be decoded are left out and
/// reported. Without any update the pseudo-gradient is zero, and only the momentum changes the parameters.
///
/// # Errors
/// When a device appears twice, a length does not fit the model, or the result is out of range.
pub fn advance(
    spec: &RunSpec,
    round: u32,
    base: &[f32],
    state: &OuterState,
    contributions: &[Contribution<'_>],
    threads: usize,
) -> Result<Advanced, OuterStepError> {
    let parameter_count = spec.model.parameter_count();
    check(parameter_count, base, state)?;
    let mut sorted = contributions.to_vec();
    sorted.sort_by_key(|contribution| contribution.device);
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0].device == pair[1].device) {
        return Err(OuterStepError::Twice(pair[0].device));
    }

    let (mut joined, mut updates, mut rejected) = (Vec::new(), Vec::new(), Vec::new());
    let decoded = side_by_side(sorted.chunks(share(sorted.len(), threads)), |contributions| {
        let format = spec.format(round);
        let decoded = contributions.iter().map(|contribution| {
            (contribution.device, decompress(contribution.encoded, parameter_count, format))
        });
        decoded.collect::<Vec<_>>()
    });
    for (device, decoded) in decoded.into_iter().flatten() {
        match decoded {
            Ok(update) => {
                joined.push(device);
                updates.push(update);
            }
            Err(error) => rejected.push((device, error)),
        }
    }
    let views: Vec<&[f32]> = updates.iter().map(Vec::as_slice).collect();
    // Equal weights: every device of a round has trained on equally many tokens.
    let combination = Combination::new(&views, &vec![1; views.len()], threads);
    let (mut parameters, mut momentum) = (base.to_vec(), state.momentum.clone());
    let encoded = step(spec, &combination, &mut parameters, &mut momentum, threads)?;
    Ok(Advanced { parameters, encoded, state: OuterState { momentum }, joined, rejected })
}

/// Takes the outer step, in parts of whole chunks that go side by side, each in one pass; returns the encoded outer update.
fn step(
    spec: &RunSpec,
    combination: &Combination<'_>,
    parameters: &mut [f32],
    momentum: &mut [f32],
    threads: usize,
) -> Result<Vec<u8>, CompressError> {
    let rates =
        OuterRates { learning_rate: spec.outer_learning_rate, momentum: spec.outer_momentum };
    let (count, format) = (parameters.len(), spec.format_down());
    let part = share(count.div_ceil(CHUNK), threads) * CHUNK;
    let parts = parameters.chunks_mut(part).zip(momentum.chunks_mut(part)).enumerate();
    let encoded = side_by_side(parts, |(index, (parameters, momentum))| {
        let mut encoder = Encoder::new(format);
        let mut change = [0.0; CHUNK];
        let chunks = parameters.chunks_mut(CHUNK).zip(momentum.chunks_mut(CHUNK));
        for (first, (parameters, momentum)) in (index * part..).step_by(CHUNK).zip(chunks) {
            let change = &mut change[..parameters.len()];
            combination.copy_to(first, change);
            rates.step(momentum, change);
            encoder.encode(first, change)?;
            subtract(parameters, change);
        }
        Ok(encoder.finish())
    });
    let encoded = encoded.into_iter().collect::<Result<Vec<_>, CompressError>>()?;
    Ok(join_chunks(count, format, &encoded))
}

/// Returns how many of `count` things each of at most `threads` threads takes.
fn share(count: usize, threads: usize) -> usize {
    count.div_ceil(threads.max(1)).max(1)
}

/// Does something with each part in a thread of its own, and returns the results in order.
fn side_by_side<P: Send, R: Send>(
    parts: impl Iterator<Item = P>,
    work: impl Fn(P) -> R + Sync,
) -> Vec<R> {
    std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = parts.map(|part| scope.spawn(move || work(part))).collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        ended
            .map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

/// Changes `parameters` from the base of a round to its result, bit-equal to what [`advance`] returned. On `Err`
/// nothing has changed.
///
/// # Errors
/// When `encoded` is not an outer update of this run.
pub fn apply_outer(
    spec: &RunSpec,
    parameters: &mut [f32],
    encoded: &[u8],
) -> Result<(), DecodeError> {
    let change = decompress(encoded, parameters.len(), spec.format_down())?;
    subtract(parameters, &change);
    Ok(())
}

fn subtract(parameters: &mut [f32], change: &[f32]) {
    parameters.iter_mut().zip(change).for_each(|(parameter, change)| *parameter -= change);
}

fn check(expected: usize, base: &[f32], state: &OuterState) -> Result<(), OuterStepError> {
    let lengths = [("base", base.len()), ("outer momentum", state.momentum.len())];
    match lengths.into_iter().find(|(_, count)| *count != expected) {
        Some((what, count)) => Err(OuterStepError::WrongModel { what, count, expected }),
        None => Ok(()),
    }
}
