//! The lossless half: how chosen positions, signs and levels are encoded, and what the decoder refuses.
//!
//! ```text
//! version u8 | parameter count u32 LE | density u16 LE | bits u8 | chunk …
//! chunk:  levels, bf16 LE, ascending | positions | codes | zero bits up to a whole byte
//! codes:  for each chosen value its sign (1 = negative), then the index of its level, lowest bit first
//! ```
//!
//! Bits fill a byte from the lowest up. With `bits` a value there are `2^(bits − 1)` levels in a chunk. How positions are
//! written, and why every update has exactly one encoding, is in [`spacing`].

use thiserror::Error;

use crate::{
    bits::{BitReader, BitWriter},
    spacing::Spacing,
};

/// Number of values in a chunk; the last chunk may be shorter.
pub const CHUNK: usize = 4096;

/// Largest magnitude anywhere in an update: 2^100. Norms of such vectors stay far from overflow in f64.
pub const MAGNITUDE_MAX: f32 = f32::from_bits((127 + 100) << 23);

/// Largest number of parameters: bounds what a header can request.
const PARAMETERS_MAX: usize = 1 << 31;

const VERSION: u8 = 2;
const HEADER_SIZE: usize = 8;

/// Number of values of a chunk of [`CHUNK`] that are sent: 1 to 4096.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Density(u16);

/// The density is outside 1 to 4096.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("density of {0} values in a chunk of {CHUNK}: choose 1 to {CHUNK}")]
pub struct DensityError(pub u16);

impl Density {
    /// Every value is sent.
    pub const WHOLE: Self = Self(4096);

    /// Returns the density of `per_chunk` values in every full chunk.
    ///
    /// # Errors
    /// When `per_chunk` is not 1 to 4096.
    pub fn new(per_chunk: u16) -> Result<Self, DensityError> {
        if per_chunk == 0 || usize::from(per_chunk) > CHUNK {
            return Err(DensityError(per_chunk));
        }
        Ok(Self(per_chunk))
    }

    /// Returns the number of values of a full chunk that are sent.
    #[must_use]
    pub fn per_chunk(self) -> u16 {
        self.0
    }

    /// Returns the number of values that are sent of a chunk with `length` values: in proportion, rounded up.
    pub(crate) fn of_chunk(self, length: usize) -> usize {
        (usize::from(self.0) * length).div_ceil(CHUNK)
    }
}

/// Bits of a value that is sent: its sign, and an index of one of its chunk's levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bits(u8);

/// The number of bits is outside 1 to 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0} bits a value: choose 1 to 4")]
pub struct BitsError(pub u8);

impl Bits {
    /// Returns `count` bits a value: the sign alone, or up to three bits more.
    ///
    /// # Errors
    /// When `count` is not 1 to 4.
    pub fn new(count: u8) -> Result<Self, BitsError> {
        if (1..=4).contains(&count) { Ok(Self(count)) } else { Err(BitsError(count)) }
    }

    /// Returns the number of bits.
    #[must_use]
    pub fn count(self) -> u8 {
        self.0
    }

    /// Returns the number of levels in a chunk.
    pub(crate) fn level_count(self) -> usize {
        1 << (self.0 - 1)
    }
}

/// How much of a change is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// How many values.
    pub density: Density,
    /// How finely each.
    pub bits: Bits,
}

/// Why bytes are not an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// There are more bytes than any update with these settings has.
    #[error("update of {size} bytes, at most {size_max} expected: it is made for other settings")]
    Size {
        /// Size of the given bytes.
        size: usize,
        /// Largest size with the given parameter count and format.
        size_max: usize,
    },
    /// The update has another version of the encoding.
    #[error(
        "update has version {0} of the encoding, {VERSION} expected: update this program or the sender's"
    )]
    Version(u8),
    /// The header has other settings than the run.
    #[error(
        "update for {parameter_count} parameters at density {density} with {bits} bits a value: it belongs to another run or round"
    )]
    Settings {
        /// Parameter count of the header.
        parameter_count: u32,
        /// Density of the header.
        density: u16,
        /// Bits a value of the header.
        bits: u8,
    },
    /// The bytes end inside the header or a chunk.
    #[error("update of {size} bytes is cut short")]
    Short {
        /// Size of the given bytes.
        size: usize,
    },
    /// There are bytes after the last chunk.
    #[error("update has {size} bytes after its last chunk")]
    Long {
        /// Number of bytes that are left.
        size: usize,
    },
    /// Levels are negative, not finite, out of range, or in the wrong order.
    #[error("update has invalid levels in chunk {chunk}")]
    Levels {
        /// Index of the chunk.
        chunk: usize,
    },
    /// Positions lie outside the chunk.
    #[error("update has invalid positions in chunk {chunk}")]
    Positions {
        /// Index of the chunk.
        chunk: usize,
    },
    /// Padding bits are set.
    #[error("update has padding bits set at the end of chunk {chunk}")]
    Padding {
        /// Index of the chunk.
        chunk: usize,
    },
}

/// Returns the largest size of an update of `parameter_count` parameters, in bytes: a receiver refuses more.
///
/// The size of an update depends on which positions are chosen, within a few per cent.
#[must_use]
pub fn encoded_size_max(parameter_count: usize, format: Format) -> usize {
    let rest = parameter_count % CHUNK;
    let last = if rest == 0 { 0 } else { chunk_size_max(rest, format) };
    HEADER_SIZE + parameter_count / CHUNK * chunk_size_max(CHUNK, format) + last
}

/// Decodes an update to one value per parameter; values that were not sent are 0.
///
/// # Errors
/// When the bytes are not the only encoding of an update with these settings. Never panics, and allocates nothing
/// before size and header are checked.
pub fn decompress(
    encoded: &[u8],
    parameter_count: usize,
    format: Format,
) -> Result<Vec<f32>, DecodeError> {
    let mut values = Vec::new();
    read(encoded, parameter_count, format, |packed, length| {
        values.reserve_exact(if values.is_empty() { parameter_count } else { 0 });
        let first = values.len();
        values.resize(first + length, 0.0);
        packed.unpack(&mut values[first..]);
    })?;
    Ok(values)
}

/// Reads an update: `take` gets every chunk and its number of values.
fn read(
    encoded: &[u8],
    parameter_count: usize,
    format: Format,
    mut take: impl FnMut(&Packed, usize),
) -> Result<(), DecodeError> {
    let short = DecodeError::Short { size: encoded.len() };
    let mut rest = check_header(encoded, parameter_count, format)?;
    let mut packed = Packed::default();
    for (chunk, first) in (0..parameter_count).step_by(CHUNK).enumerate() {
        let length = CHUNK.min(parameter_count - first);
        rest = match packed.read(rest, length, format) {
            Ok(rest) => rest,
            Err(Flaw::Short) => return Err(short),
            Err(Flaw::Levels) => return Err(DecodeError::Levels { chunk }),
            Err(Flaw::Positions) => return Err(DecodeError::Positions { chunk }),
            Err(Flaw::Padding) => return Err(DecodeError::Padding { chunk }),
        };
        take(&packed, length);
    }
    if rest.is_empty() { Ok(()) } else { Err(DecodeError::Long { size: rest.len() }) }
}

/// Checks size, version and settings, and returns what follows the header.
fn check_header(
    encoded: &[u8],
    parameter_count: usize,
    format: Format,
) -> Result<&[u8], DecodeError> {
    assert!(parameter_count <= PARAMETERS_MAX, "the encoding bounds the parameter count");
    let (size, size_max) = (encoded.len(), encoded_size_max(parameter_count, format));
    if size > size_max {
        return Err(DecodeError::Size { size, size_max });
    }
    let Some((header, rest)) = encoded.split_first_chunk::<HEADER_SIZE>() else {
        return Err(DecodeError::Short { size });
    };
    let [version, a, b, c, d, e, f, bits] = *header;
    if version != VERSION {
        return Err(DecodeError::Version(version));
    }
    let (named_count, density) = (u32::from_le_bytes([a, b, c, d]), u16::from_le_bytes([e, f]));
    let is_count = usize::try_from(named_count) == Ok(parameter_count);
    if !is_count || density != format.density.0 || bits != format.bits.0 {
        return Err(DecodeError::Settings { parameter_count: named_count, density, bits });
    }
    Ok(rest)
}

/// What is wrong with a chunk.
pub(crate) enum Flaw {
    Short,
    Levels,
    Positions,
    Padding,
}

/// The chosen values of one chunk, by ascending position; its buffers are reused for all chunks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(crate) positions: Vec<u16>,
    /// For each position the sign in the lowest bit, above it the index of the level.
    pub(crate) codes: Vec<u8>,
    /// The magnitudes, as bf16 bits, ascending.
    pub(crate) levels: Vec<u16>,
}

impl Packed {
    /// Writes the chosen values to their positions.
    pub(crate) fn unpack(&self, values: &mut [f32]) {
        let mut by_code = [0.0; 16];
        for (of_level, level) in by_code.as_chunks_mut().0.iter_mut().zip(&self.levels) {
            let magnitude = f32_from_bf16(*level);
            *of_level = [magnitude, -magnitude];
        }
        let decoded = self.codes.iter().map(|code| by_code[usize::from(code & 15)]);
        if self.codes.len() == values.len() {
            values.iter_mut().zip(decoded).for_each(|(value, decoded)| *value = decoded);
        } else {
            self.positions
                .iter()
                .zip(decoded)
                .for_each(|(&at, decoded)| values[usize::from(at)] = decoded);
        }
    }

    /// Appends a chunk of `length` values to `bytes`.
    pub(crate) fn write(&self, length: usize, format: Format, bytes: &mut Vec<u8>) {
        bytes.extend(self.levels.iter().flat_map(|level| level.to_le_bytes()));
        let mut bits = BitWriter::new(bytes);
        Spacing::of(length, self.positions.len()).write(&self.positions, &mut bits);
        bits.put_all(&self.codes, format.bits.0.into());
        bits.pad();
    }

    /// Decodes a chunk of `length` values from the beginning of `bytes`, and returns what follows it.
    fn read<'a>(
        &mut self,
        bytes: &'a [u8],
        length: usize,
        format: Format,
    ) -> Result<&'a [u8], Flaw> {
        let level_count = format.bits.level_count();
        let (levels, rest) =
            bytes.split_at_checked(level_count * size_of::<u16>()).ok_or(Flaw::Short)?;
        let (levels, _) = levels.as_chunks::<2>();
        self.levels.clear();
        self.levels.extend(levels.iter().map(|level| u16::from_le_bytes(*level)));
        // Bits of non-negative floats sort like the floats; a sign bit, infinity or NaN lies above the bound.
        let is_within = |level: &u16| u32::from(*level) <= MAGNITUDE_MAX.to_bits() >> 16;
        if !self.levels.is_sorted() || !self.levels.last().is_some_and(is_within) {
            return Err(Flaw::Levels);
        }
        let count = format.density.of_chunk(length);
        let mut bits = BitReader::new(rest);
        Spacing::of(length, count).read(&mut bits, &mut self.positions)?;
        self.codes.clear();
        bits.take_all(format.bits.0.into(), count, &mut self.codes).ok_or(Flaw::Short)?;
        bits.end().ok_or(Flaw::Padding)
    }
}

/// Returns the largest size in bytes of one chunk with `length` values.
fn chunk_size_max(length: usize, format: Format) -> usize {
    let count = format.density.of_chunk(length);
    let bits = Spacing::of(length, count).bits_max() + count * usize::from(format.bits.0);
    format.bits.level_count() * size_of::<u16>() + bits.div_ceil(8)
}

/// Returns the header of an update, with room for what follows it.
pub(crate) fn header(parameter_count: usize, format: Format) -> Vec<u8> {
    assert!(parameter_count <= PARAMETERS_MAX, "the encoding bounds the parameter count");
    let mut bytes = Vec::with_capacity(encoded_size_max(parameter_count, format));
    bytes.push(VERSION);
    let count = u32::try_from(parameter_count).expect("bounded above");
    bytes.extend(count.to_le_bytes());
    bytes.extend(format.density.0.to_le_bytes());
    bytes.push(format.bits.0);
    bytes
}

/// Returns whether the magnitude is at most [`MAGNITUDE_MAX`]; false for NaN.
pub(crate) fn is_within_range(value: f32) -> bool {
    (-MAGNITUDE_MAX..=MAGNITUDE_MAX).contains(&value)
}

/// Rounds to bf16, to nearest, ties to even. `value` must be finite and not within half a step of overflow.
pub(crate) fn bf16_from_f32(value: f32) -> u16 {
    let bits = value.to_bits();
    let rounded = bits + 0x7fff + ((bits >> 16) & 1);
    u16::try_from(rounded >> 16).expect("a u32 shifted by 16 is a u16")
}

/// Widens bf16 without loss.
pub(crate) fn f32_from_bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests;
