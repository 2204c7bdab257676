//! Makes a pseudo-gradient small: top-k in chunks, 2-bit values, error feedback.
//!
//! Decides which values of a flat vector of parameter changes are sent, with how many bits, and what is kept for
//! later rounds. The protocol, once per round:
//!
//! 1. `sum = decay · memory + change`, where [`Memory`] is what earlier rounds did not send.
//! 2. In every chunk of [`CHUNK`] values the [`Density`] largest magnitudes are chosen; ties go to the lower index.
//! 3. Each chosen value becomes a sign and one of two levels of its chunk. These bits are the encoded update.
//! 4. `memory = bf16(sum − decoded)`: what was not sent waits for the next round.
//!
//! Invariants: `decoded + memory` is `sum`, up to the rounding of the memory to bf16; every number is finite and at
//! most [`MAGNITUDE_MAX`]; one update has one encoding, whose size follows from the parameter count and the density
//! alone; the same input gives the same bytes on every machine, because all sums run in index order and no math
//! library is used.
//!
//! The crate does not know layers, devices, rounds or digests, and it does not decide the density of a round.
//!
//! Source: SparseLoCo (arXiv 2508.15706), which cuts chunks per tensor as 64×64 tiles, quantizes values by ranges of
//! a standard deviation, and keeps the memory in f32. Here chunks are cut from the flat vector, levels are means, and
//! the memory is *defined* as bf16, so that an audit transfers 2 bytes per parameter.

mod codec;
mod compress;
mod memory;

pub use codec::{
    CHUNK, DecodeError, Density, DensityError, MAGNITUDE_MAX, decompress, encoded_size,
};
pub use compress::{Change, CompressError, Compressed, compress};
pub use memory::{Memory, MemoryError};
