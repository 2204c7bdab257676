//! How good a state is.

use model::Trainer;
use thiserror::Error;

use crate::spec::{RunSpec, to_usize};

/// The validation text is shorter than what the model reads at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("validation text of {size} bytes, at least {minimum} are needed")]
pub struct TooShort {
    /// Bytes given.
    pub size: usize,
    /// Context and the byte after it.
    pub minimum: usize,
}

/// Mean loss over `validation`, in nats per byte.
///
/// The text is read in windows that don't overlap, in batches of the specification; what is left over at the end is not read, and when
/// the last batch is not full, windows from the beginning fill it. The same text therefore gives the same number on every machine.
///
/// `trainer` must be built for the model and batch of `spec`.
///
/// # Errors
/// When there is not one window.
pub fn evaluate(
    spec: &RunSpec,
    parameters: &[f32],
    validation: &[u8],
    trainer: &mut Trainer,
) -> Result<f64, TooShort> {
    let context = spec.model.context;
    let count = validation.len().saturating_sub(1) / context;
    if count == 0 {
        return Err(TooShort { size: validation.len(), minimum: context + 1 });
    }
    let batch = to_usize(spec.batch);
    let (mut sum, mut batches) = (0.0, 0.0);
    for first in (0..count).step_by(batch) {
        let starts = (first..first + batch).map(|window| window % count * context);
        let tokens: Vec<u8> =
            starts.clone().flat_map(|at| &validation[at..at + context]).copied().collect();
        let targets: Vec<u8> =
            starts.flat_map(|at| &validation[at + 1..=at + context]).copied().collect();
        sum += f64::from(trainer.loss(parameters, &tokens, &targets));
        batches += 1.0;
    }
    Ok(sum / batches)
}
