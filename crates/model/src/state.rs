//! Conversions of parameters: numbers, bytes, digest.

use units::Digest;

use crate::config::Config;
use crate::layout::Layout;
use crate::philox::Philox;

/// Size of one parameter in bytes.
const PARAMETER_SIZE: usize = size_of::<f32>();
/// Number of parameters converted at once: 64 KiB, which BLAKE3 hashes with the widest instructions.
const PIECE: usize = 16 << 10;
/// Standard deviation of a fresh embedding: small, so that a fresh model predicts nearly uniformly.
const EMBEDDING_DEVIATION: f32 = 0.02;

/// The bytes are not parameters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    /// The length belongs to another model.
    #[error("the parameters have {size} bytes: this model has {expected_size}")]
    Length {
        /// Size of the given bytes.
        size: usize,
        /// Size of this model's parameters in bytes.
        expected_size: usize,
    },
    /// A parameter is infinite or not a number.
    #[error(
        "parameter {index} is not finite: the training diverged, or the bytes are not parameters"
    )]
    NotFinite {
        /// Index of the first such parameter.
        index: usize,
    },
}

/// Returns fresh parameters: a pure function of sizes and seed.
///
/// Norms are 1. Other values are a sum of eight uniform 16-bit numbers (close to normal, at most 4.9 deviations) with
/// the deviation 0.02 in the embedding, `1/(2·√in)` in matrices, and for matrices that write to the residual stream
/// that over `√(2·layers)`, as in GPT-2.
#[must_use]
pub fn initial_parameters(config: &Config, seed: &[u8; 32]) -> Vec<f32> {
    let layout = Layout::new(config);
    let philox = Philox::derive("gleaner 2026 initial parameters v1", seed);
    let mut params = vec![1.0; layout.parameter_count()];
    for tensor in layout.tensors() {
        let &[_, inputs] = tensor.shape.as_slice() else { continue };
        let name = tensor.name.as_str();
        let deviation = if name.contains("embed_tokens") {
            EMBEDDING_DEVIATION
        } else if name.contains("o_proj") || name.contains("down_proj") {
            0.5 / (count(inputs) * count(2 * config.layers)).sqrt()
        } else {
            0.5 / count(inputs).sqrt()
        };
        for (index, value) in
            (0_u64..).zip(&mut params).skip(tensor.range.start).take(tensor.range.len())
        {
            *value = deviation * bell(philox.block_at(index));
        }
    }
    params
}

/// Combines eight uniform 16-bit numbers into one with mean 0 and variance 1, exact before the last product.
fn bell(words: [u32; 4]) -> f32 {
    const MEAN: f32 = 8.0 * 65535.0 / 2.0;
    const DEVIATION: f32 = 53_509.65; // √(8 · (65536² − 1) / 12)
    let sum: u32 = words.iter().map(|word| (word & 0xffff) + (word >> 16)).sum();
    #[expect(clippy::cast_precision_loss, reason = "the sum is below 2^19")]
    let sum = sum as f32;
    (sum - MEAN) * (1.0 / DEVIATION)
}

/// Returns the parameters' bytes, little-endian, in the order of the [`Layout`].
#[must_use]
pub fn params_to_bytes(params: &[f32]) -> Vec<u8> {
    let mut all = Vec::with_capacity(params.len() * PARAMETER_SIZE);
    for_each_bytes(params, |bytes| all.extend_from_slice(bytes));
    all
}

/// Returns the parameters of `config` from their bytes.
///
/// # Errors
/// [`ParametersError`] on another length, and on values that are not finite.
pub fn params_from_bytes(config: &Config, bytes: &[u8]) -> Result<Vec<f32>, ParametersError> {
    let expected_size = config.parameter_count() * PARAMETER_SIZE;
    if bytes.len() != expected_size {
        return Err(ParametersError::Length { size: bytes.len(), expected_size });
    }
    let (values, _) = bytes.as_chunks::<PARAMETER_SIZE>();
    let params: Vec<f32> = values.iter().map(|value| f32::from_le_bytes(*value)).collect();
    match params.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(ParametersError::NotFinite { index }),
        None => Ok(params),
    }
}

/// Returns BLAKE3 of [`params_to_bytes`], without allocating these bytes: the state digest.
#[must_use]
pub fn state_digest(params: &[f32]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    for_each_bytes(params, |bytes| {
        hasher.update(bytes);
    });
    hasher.finalize().into()
}

/// Calls `take` with [`params_to_bytes`] in chunks, for hashing: only one chunk is in memory.
pub fn for_each_bytes(params: &[f32], mut take: impl FnMut(&[u8])) {
    let mut bytes = [0; PIECE * PARAMETER_SIZE];
    for piece in params.chunks(PIECE) {
        let (slots, _) = bytes.as_chunks_mut::<PARAMETER_SIZE>();
        for (slot, value) in slots.iter_mut().zip(piece) {
            *slot = value.to_le_bytes();
        }
        take(&bytes[..piece.len() * PARAMETER_SIZE]);
    }
}

#[expect(clippy::cast_precision_loss, reason = "widths are below 2^24")]
fn count(value: usize) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: Config =
        Config { layers: 2, width: 32, heads: 2, context: 8, vocabulary: 256, hidden: 48 };

    #[test]
    fn initial_parameters_have_their_moments() {
        let params = initial_parameters(&CONFIG, &[1; 32]);
        let moments = |range: std::ops::Range<usize>| {
            let n = f64::from(u32::try_from(range.len()).unwrap());
            let mean = params[range.clone()].iter().map(|v| f64::from(*v)).sum::<f64>() / n;
            let square = params[range].iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>();
            (mean, (square / n).sqrt())
        };
        for tensor in Layout::new(&CONFIG).tensors().iter().filter(|t| t.shape.len() == 2) {
            let (mean, deviation) = moments(tensor.range.clone());
            let expected = match tensor.name.rsplit('.').nth(1).unwrap() {
                "embed_tokens" => 0.02,
                "o_proj" => 0.5 / 128_f64.sqrt(),
                "down_proj" => 0.5 / 192_f64.sqrt(),
                _ => 0.5 / 32_f64.sqrt(),
            };
            assert!(mean.abs() < 0.15 * expected, "{}: mean {mean}", tensor.name);
            assert!((deviation / expected - 1.0).abs() < 0.1, "{}: {deviation}", tensor.name);
        }
        assert_eq!(params.last(), Some(&1.0), "norms must start at one");
    }

    /// The pinned digest covers Philox, the mapping and the layout.
    #[test]
    fn initial_parameters_are_a_function_of_the_seed() {
        let digest = |seed| state_digest(&initial_parameters(&CONFIG, &[seed; 32]));
        assert_eq!(digest(1), digest(1));
        assert_ne!(digest(1), digest(2));
    }

    #[test]
    fn bytes_are_those_of_each_value_and_the_digest_is_theirs() {
        for length in [0, 1, PIECE, PIECE + 1] {
            let length = u16::try_from(length).unwrap();
            let params: Vec<f32> = (0..length).map(|each| f32::from(each) / 3.0).collect();
            let whole: Vec<u8> = params.iter().flat_map(|value| value.to_le_bytes()).collect();
            assert_eq!(params_to_bytes(&params), whole);
            assert_eq!(state_digest(&params).as_bytes(), blake3::hash(&whole).as_bytes());
        }
    }

    #[test]
    fn bytes_give_the_parameters_back_or_say_why_not() {
        let mut params = initial_parameters(&CONFIG, &[3; 32]);
        let bytes = params_to_bytes(&params);
        assert_eq!(params_from_bytes(&CONFIG, &bytes), Ok(params.clone()));
        let (size, expected_size) = (bytes.len() - 1, bytes.len());
        let short = params_from_bytes(&CONFIG, &bytes[1..]);
        assert_eq!(short, Err(ParametersError::Length { size, expected_size }));
        params[7] = f32::NAN;
        let refused = params_from_bytes(&CONFIG, &params_to_bytes(&params));
        assert_eq!(refused, Err(ParametersError::NotFinite { index: 7 }));
    }
}
