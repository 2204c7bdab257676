//! The lossless half: how chosen positions, signs and levels are encoded, and what the decoder refuses.
//!
//! ```text
//! version u8 | parameter count u32 LE | density u16 LE | chunk …
//! chunk:  low level bf16 LE | high level bf16 LE | positions | codes | zero bits up to a whole byte
//! positions:  nothing when all are chosen · 12 bits each, ascending, when that is shorter · else one bit for each value of the chunk
//! codes:      2 bits for each chosen value: sign (1 = negative), then level (1 = high)
//! ```
//!
//! Bits fill a byte from the lowest up. The encoding of the positions follows from the counts, so every update has
//! exactly one encoding.

use thiserror::Error;

/// Number of values in a chunk; the last chunk may be shorter.
pub const CHUNK: usize = 4096;

/// Largest magnitude anywhere in an update: 2^100. Norms of such vectors stay far from overflow in f64.
pub const MAGNITUDE_MAX: f32 = f32::from_bits((127 + 100) << 23);

/// Largest number of parameters: bounds what a header can request.
const PARAMETERS_MAX: usize = 1 << 31;

const VERSION: u8 = 1;
const HEADER_SIZE: usize = 7;
const POSITION_BITS: usize = 12;
const CODE_BITS: usize = 2;
const _: () = assert!(CHUNK == 1 << POSITION_BITS, "a position must address a whole chunk");

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

/// Why bytes are not an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The size does not fit the parameter count and the density.
    #[error(
        "update of {size} bytes, {expected} expected: it is cut short or made for other settings"
    )]
    Size {
        /// Size of the given bytes.
        size: usize,
        /// Size that follows from parameter count and density.
        expected: usize,
    },
    /// The update has another version of the encoding.
    #[error(
        "update has version {0} of the encoding, {VERSION} expected: update this program or the sender's"
    )]
    Version(u8),
    /// The header has other settings than the run.
    #[error(
        "update for {parameter_count} parameters at density {density}: it belongs to another run or round"
    )]
    Settings {
        /// Parameter count of the header.
        parameter_count: u32,
        /// Density of the header.
        density: u16,
    },
    /// Levels are negative, not finite, out of range, or in the wrong order.
    #[error("update has invalid levels in chunk {chunk}")]
    Levels {
        /// Index of the chunk.
        chunk: usize,
    },
    /// Positions are not ascending, lie outside the chunk, or their number does not match the density.
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

/// Returns the size of every update of `parameter_count` parameters at `density`, in bytes.
#[must_use]
pub fn encoded_size(parameter_count: usize, density: Density) -> usize {
    let rest = parameter_count % CHUNK;
    let last = if rest == 0 { 0 } else { chunk_size(rest, density) };
    HEADER_SIZE + parameter_count / CHUNK * chunk_size(CHUNK, density) + last
}

/// Decodes an update to one value per parameter; values that were not sent are 0.
///
/// # Errors
/// When the bytes are not the only encoding of an update with these settings. Never panics, and allocates nothing
/// before the size is checked.
pub fn decompress(
    encoded: &[u8],
    parameter_count: usize,
    density: Density,
) -> Result<Vec<f32>, DecodeError> {
    let mut values = vec![0.0; check_header(encoded, parameter_count, density)?];
    let mut at = HEADER_SIZE;
    for (chunk, values) in values.chunks_mut(CHUNK).enumerate() {
        let size = chunk_size(values.len(), density);
        read_chunk(&encoded[at..at + size], chunk, values.len(), density)?.unpack(values);
        at += size;
    }
    Ok(values)
}

/// Checks version, size and settings, and returns the parameter count.
fn check_header(
    encoded: &[u8],
    parameter_count: usize,
    density: Density,
) -> Result<usize, DecodeError> {
    assert!(parameter_count <= PARAMETERS_MAX, "the encoding bounds the parameter count");
    let expected = encoded_size(parameter_count, density);
    let size_error = DecodeError::Size { size: encoded.len(), expected };
    let Some((header, _)) = encoded.split_first_chunk::<HEADER_SIZE>() else {
        return Err(size_error);
    };
    let [version, a, b, c, d, e, f] = *header;
    if version != VERSION {
        return Err(DecodeError::Version(version));
    }
    let (named_count, named_density) =
        (u32::from_le_bytes([a, b, c, d]), u16::from_le_bytes([e, f]));
    if usize::try_from(named_count) != Ok(parameter_count) || named_density != density.0 {
        return Err(DecodeError::Settings { parameter_count: named_count, density: named_density });
    }
    if encoded.len() == expected { Ok(parameter_count) } else { Err(size_error) }
}

/// The two magnitudes of a chunk, as bf16 bits; `low` is not above `high`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Levels {
    pub(crate) low: u16,
    pub(crate) high: u16,
}

/// A chosen value: its sign and which level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) is_negative: bool,
    pub(crate) is_high: bool,
}

/// The chosen values of one chunk, by ascending position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(crate) positions: Vec<u16>,
    pub(crate) codes: Vec<Code>,
    pub(crate) levels: Levels,
}

impl Packed {
    /// Writes the chosen values to their positions.
    pub(crate) fn unpack(&self, values: &mut [f32]) {
        let (low, high) = (f32_from_bf16(self.levels.low), f32_from_bf16(self.levels.high));
        for (&position, code) in self.positions.iter().zip(&self.codes) {
            let magnitude = if code.is_high { high } else { low };
            values[usize::from(position)] = if code.is_negative { -magnitude } else { magnitude };
        }
    }
}

/// How positions are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    All,
    List,
    Bitmap,
}

impl Form {
    fn of(length: usize, count: usize) -> Self {
        if count == length {
            Self::All
        } else if count * POSITION_BITS < length {
            Self::List
        } else {
            Self::Bitmap
        }
    }

    fn bits(self, length: usize, count: usize) -> usize {
        match self {
            Self::All => 0,
            Self::List => count * POSITION_BITS,
            Self::Bitmap => length,
        }
    }
}

/// Returns the size in bytes of one chunk with `length` values.
fn chunk_size(length: usize, density: Density) -> usize {
    let count = density.of_chunk(length);
    let bits = Form::of(length, count).bits(length, count) + count * CODE_BITS;
    2 * size_of::<u16>() + bits.div_ceil(8)
}

/// Writes an update, chunk after chunk.
pub(crate) struct Writer {
    bytes: Vec<u8>,
    size: usize,
}

impl Writer {
    /// Creates a writer and writes the header.
    pub(crate) fn new(parameter_count: usize, density: Density) -> Self {
        assert!(parameter_count <= PARAMETERS_MAX, "the encoding bounds the parameter count");
        let size = encoded_size(parameter_count, density);
        let mut bytes = Vec::with_capacity(size);
        bytes.push(VERSION);
        let count = u32::try_from(parameter_count).expect("bounded above");
        bytes.extend(count.to_le_bytes());
        bytes.extend(density.0.to_le_bytes());
        Self { bytes, size }
    }

    /// Appends a chunk of `length` values.
    pub(crate) fn chunk(&mut self, packed: &Packed, length: usize) {
        self.bytes.extend(packed.levels.low.to_le_bytes());
        self.bytes.extend(packed.levels.high.to_le_bytes());
        let mut bits = BitWriter { bytes: &mut self.bytes, pending: 0, pending_count: 0 };
        match Form::of(length, packed.positions.len()) {
            Form::All => {}
            Form::List => {
                packed.positions.iter().for_each(|&at| bits.put(u32::from(at), POSITION_BITS));
            }
            Form::Bitmap => {
                let mut chosen = packed.positions.iter().peekable();
                for position in 0..length {
                    let is_chosen = chosen.next_if(|&&at| usize::from(at) == position).is_some();
                    bits.put(u32::from(is_chosen), 1);
                }
            }
        }
        for code in &packed.codes {
            bits.put(u32::from(code.is_negative) | (u32::from(code.is_high) << 1), CODE_BITS);
        }
        bits.pad();
    }

    /// Returns the whole encoded update.
    pub(crate) fn finish(self) -> Vec<u8> {
        assert_eq!(self.bytes.len(), self.size, "the size follows from the settings");
        self.bytes
    }
}

/// Decodes one chunk from exactly its bytes.
fn read_chunk(
    bytes: &[u8],
    chunk: usize,
    length: usize,
    density: Density,
) -> Result<Packed, DecodeError> {
    let count = density.of_chunk(length);
    let levels = Levels {
        low: u16::from_le_bytes([bytes[0], bytes[1]]),
        high: u16::from_le_bytes([bytes[2], bytes[3]]),
    };
    // Bits of non-negative floats sort like the floats; a sign bit, infinity or NaN lies above the bound.
    if levels.low > levels.high || u32::from(levels.high) > MAGNITUDE_MAX.to_bits() >> 16 {
        return Err(DecodeError::Levels { chunk });
    }
    let mut bits = BitReader { bytes: &bytes[4..], pending: 0, pending_count: 0 };
    let positions = read_positions(&mut bits, length, count);
    let is_rising = positions.is_sorted_by(|a, b| a < b);
    let is_inside = positions.last().is_none_or(|&last| usize::from(last) < length);
    if positions.len() != count || !is_rising || !is_inside {
        return Err(DecodeError::Positions { chunk });
    }
    let mut codes = Vec::with_capacity(count);
    for _ in 0..count {
        let code = bits.take(CODE_BITS);
        codes.push(Code { is_negative: code & 1 == 1, is_high: code & 2 == 2 });
    }
    if !bits.is_rest_zero() {
        return Err(DecodeError::Padding { chunk });
    }
    Ok(Packed { positions, codes, levels })
}

/// Reads positions as written; the caller checks that they are valid.
fn read_positions(bits: &mut BitReader<'_>, length: usize, count: usize) -> Vec<u16> {
    let all = (0..=u16::MAX).take(length);
    match Form::of(length, count) {
        Form::All => all.collect(),
        Form::List => (0..count).map(|_| bits.take(POSITION_BITS)).collect(),
        Form::Bitmap => all.filter(|_| bits.take(1) == 1).collect(),
    }
}

/// Writes bits into bytes, lowest first.
struct BitWriter<'a> {
    bytes: &'a mut Vec<u8>,
    pending: u32,
    pending_count: usize,
}

impl BitWriter<'_> {
    /// Appends the lowest `count` bits of `value`, at most 24.
    fn put(&mut self, value: u32, count: usize) {
        self.pending |= value << self.pending_count;
        self.pending_count += count;
        while self.pending_count >= 8 {
            self.flush_byte();
            self.pending_count -= 8;
        }
    }

    /// Fills the last byte with zero bits.
    fn pad(mut self) {
        if self.pending_count > 0 {
            self.flush_byte();
        }
    }

    fn flush_byte(&mut self) {
        let [lowest, ..] = self.pending.to_le_bytes();
        self.bytes.push(lowest);
        self.pending >>= 8;
    }
}

/// Reads bits from bytes, lowest first. Past the end it reads zeros; the caller has checked sizes.
struct BitReader<'a> {
    bytes: &'a [u8],
    pending: u32,
    pending_count: usize,
}

impl BitReader<'_> {
    /// Returns the next `count` bits, at most 16.
    fn take(&mut self, count: usize) -> u16 {
        while self.pending_count < count {
            let next = self.bytes.split_off_first().copied().unwrap_or(0);
            self.pending |= u32::from(next) << self.pending_count;
            self.pending_count += 8;
        }
        let taken = self.pending & ((1 << count) - 1);
        self.pending >>= count;
        self.pending_count -= count;
        u16::try_from(taken).expect("at most 16 bits were taken")
    }

    fn is_rest_zero(&self) -> bool {
        self.pending == 0 && self.bytes.iter().all(|&byte| byte == 0)
    }
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
