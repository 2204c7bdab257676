//! The error-feedback memory: what earlier updates did not send, in bf16.

use thiserror::Error;

use crate::codec::{f32_from_bf16, is_within_range};

/// An error-feedback memory: one bf16 for each parameter, stored as little-endian bf16 in parameter order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory(Vec<u16>);

/// Why bytes are not a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MemoryError {
    /// The size is wrong.
    #[error("memory of {size} bytes, {expected} expected: it belongs to another model")]
    Size {
        /// Bytes given.
        size: usize,
        /// Two bytes for each parameter.
        expected: usize,
    },
    /// A value is out of the range that compression produces.
    #[error("memory holds a value at index {index} that is not finite or is out of range")]
    Range {
        /// Parameter index.
        index: usize,
    },
}

impl Memory {
    /// Returns the memory before the first update: all zero.
    #[must_use]
    pub fn zero(parameter_count: usize) -> Self {
        Self(vec![0; parameter_count])
    }

    /// Returns the number of parameters.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns true for a model without parameters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the values as little-endian bf16, two bytes per parameter.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|bits| bits.to_le_bytes()).collect()
    }

    /// Parses the bytes of [`Memory::to_bytes`].
    ///
    /// # Errors
    /// When the size is not two bytes per parameter, or a value is not finite or larger than [`crate::MAGNITUDE_MAX`].
    pub fn from_bytes(bytes: &[u8], parameter_count: usize) -> Result<Self, MemoryError> {
        let expected = parameter_count.saturating_mul(2);
        if bytes.len() != expected {
            return Err(MemoryError::Size { size: bytes.len(), expected });
        }
        let bits: Vec<u16> =
            bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        match bits.iter().position(|&bits| !is_within_range(f32_from_bf16(bits))) {
            Some(index) => Err(MemoryError::Range { index }),
            None => Ok(Self(bits)),
        }
    }

    /// Returns the values in parameter order.
    pub fn values(&self) -> impl Iterator<Item = f32> + '_ {
        self.0.iter().map(|&bits| f32_from_bf16(bits))
    }

    /// Returns the bf16 bits of each parameter.
    pub(crate) fn bits(&self) -> &[u16] {
        &self.0
    }

    /// Returns the memory with these bf16 values, each finite and at most [`crate::MAGNITUDE_MAX`].
    pub(crate) fn from_bits(bits: Vec<u16>) -> Self {
        Self(bits)
    }
}
