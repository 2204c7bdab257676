//! The lossy half: what is chosen, what is kept back.

use thiserror::Error;

use crate::codec::{
    self, CHUNK, Code, Density, Levels, MAGNITUDE_MAX, Packed, bf16_from_f32, f32_from_bf16,
};
use crate::memory::Memory;

/// An update ready to travel.
#[derive(Clone, Debug, PartialEq)]
pub struct Compressed {
    /// What travels; [`crate::decompress`] reads it.
    pub encoded: Vec<u8>,
    /// What the receiver will decode, one value a parameter.
    pub decoded: Vec<f32>,
    /// What is kept back for the next round.
    pub memory: Memory,
}

/// Why a change can't be compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CompressError {
    /// Change and memory belong to different models.
    #[error("change of {delta} parameters, memory of {memory}: they belong to different models")]
    Length {
        /// Length of the change.
        delta: usize,
        /// Length of the memory.
        memory: usize,
    },
    /// A value that is not finite or out of range: the training diverged.
    #[error(
        "change of parameter {index} is not finite or out of range: the training diverged, lower the learning rate"
    )]
    Range {
        /// Parameter index.
        index: usize,
    },
}

/// Compresses `decay · memory + delta` and keeps back the rest.
///
/// `decay` is the part of the memory that is still believed after a round, between 0 and 1 (0.95 in SparseLoCo).
///
/// # Errors
/// [`CompressError::Length`] when `delta` and `memory` differ in length; [`CompressError::Range`] when a sum is not finite or larger
/// than [`MAGNITUDE_MAX`].
pub fn compress(
    delta: &[f32],
    memory: &Memory,
    decay: f32,
    density: Density,
) -> Result<Compressed, CompressError> {
    if delta.len() != memory.len() {
        return Err(CompressError::Length { delta: delta.len(), memory: memory.len() });
    }
    // Multiplied, then added: two roundings that every machine does alike.
    let mut rest: Vec<f32> =
        memory.values().zip(delta).map(|(kept, &change)| decay * kept + change).collect();
    if let Some(index) = rest.iter().position(|value| !codec::is_within_range(*value)) {
        return Err(CompressError::Range { index });
    }
    let mut writer = codec::Writer::new(delta.len(), density);
    let mut decoded = vec![0.0; delta.len()];
    for (rest, decoded) in rest.chunks_mut(CHUNK).zip(decoded.chunks_mut(CHUNK)) {
        let packed = pack(rest, density.of_chunk(rest.len()));
        packed.unpack(decoded);
        for (rest, decoded) in rest.iter_mut().zip(decoded.iter()) {
            *rest -= decoded;
        }
        writer.chunk(&packed, rest.len());
    }
    Ok(Compressed {
        encoded: writer.finish(),
        decoded,
        memory: Memory::from_values(rest.into_iter()),
    })
}

/// Chooses the `count` largest magnitudes and rounds them to two levels.
fn pack(values: &[f32], count: usize) -> Packed {
    let positions = largest(values, count);
    let magnitudes: Vec<f64> =
        positions.iter().map(|&at| f64::from(values[usize::from(at)].abs())).collect();
    let mean = mean_of(magnitudes.iter().copied());
    let is_high: Vec<bool> = magnitudes.iter().map(|&magnitude| magnitude > mean).collect();
    let half = |high: bool| {
        let members = magnitudes.iter().zip(&is_high).filter(move |(_, is)| **is == high);
        mean_of(members.map(|(magnitude, _)| *magnitude))
    };
    let low = level(half(false));
    // Without a value above the mean all are equal, and the second level repeats the first.
    let high = if is_high.contains(&true) { level(half(true)) } else { low };
    let codes = positions
        .iter()
        .zip(&is_high)
        .map(|(&at, &is_high)| Code {
            is_negative: values[usize::from(at)].is_sign_negative(),
            is_high,
        })
        .collect();
    Packed { positions, codes, levels: Levels { low, high } }
}

/// Positions of the `count` largest magnitudes, in rising order; of equal magnitudes the lower position is taken.
fn largest(values: &[f32], count: usize) -> Vec<u16> {
    // Bits of non-negative floats sort like the floats. All keys differ, so the selection has one answer.
    let mut keys: Vec<u64> = (0_u64..)
        .zip(values)
        .map(|(position, value)| (u64::from(!value.abs().to_bits()) << 32) | position)
        .collect();
    if count < keys.len() {
        keys.select_nth_unstable(count);
        keys.truncate(count);
    }
    let mut positions: Vec<u16> =
        keys.iter().map(|key| u16::try_from(key & 0xffff).expect("masked to 16 bits")).collect();
    positions.sort_unstable();
    positions
}

/// Mean in the given order, or 0 of nothing.
fn mean_of(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

/// A level as it travels: to f32, then to bf16, each to nearest, ties to even.
fn level(mean: f64) -> u16 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounding to nearest is what is meant; the mean is within range"
    )]
    let bits = bf16_from_f32(mean as f32);
    debug_assert!(
        f32_from_bf16(bits) <= MAGNITUDE_MAX,
        "a mean is not larger than its largest value"
    );
    bits
}
