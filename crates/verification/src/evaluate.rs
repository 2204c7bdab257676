//! Measures how good a state is.

use model::Trainer;
use thiserror::Error;

use crate::spec::{RunSpec, to_usize};

/// The validation text is shorter than one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the validation text has {size} bytes: give at least {minimum}")]
pub struct TooShort {
    /// Size of the given text.
    pub size: usize,
    /// Size of one window: the context and the byte after it.
    pub minimum: usize,
}

/// Returns the mean loss over `validation`, in nats per byte.
///
/// The text is read in windows that don't overlap, from the beginning; an incomplete window at the end is not read.
/// The same text therefore gives the same number on every machine.
///
/// `trainer` must be built for the model of `spec`, with its batch or a larger one.
///
/// # Errors
/// When the text is shorter than one window.
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
    let windows: Vec<&[u8]> =
        (0..count).map(|index| &validation[index * context..=(index + 1) * context]).collect();
    let (mut sum, mut read) = (0.0, 0.0);
    for batch in windows.chunks(to_usize(spec.batch)) {
        let tokens: Vec<u8> = batch.iter().flat_map(|window| &window[..context]).copied().collect();
        let targets: Vec<u8> = batch.iter().flat_map(|window| &window[1..]).copied().collect();
        let weight =
            f64::from(u32::try_from(batch.len()).expect("at most a batch, which fits u32"));
        sum += weight * f64::from(trainer.loss(parameters, &tokens, &targets));
        read += weight;
    }
    Ok(sum / read)
}
