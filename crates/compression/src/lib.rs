//! Makes a pseudo-gradient small: top-k in chunks, 2-bit values.
//!
//! Decides which values of a flat vector of parameter changes are sent, and with how many bits:
//!
//! 1. In every chunk of [`CHUNK`] values the [`Density`] largest magnitudes are chosen; ties go to the lower index.
//! 2. Each chosen value becomes a sign and one of two levels of its chunk. These bits are the encoded update.
//!
//! A worker's update depends on the change alone ([`compress`]), so that anyone with public data can repeat it. The
//! coordinator's outer update may also carry over what earlier ones did not send ([`compress_with_memory`], error
//! feedback): that [`Memory`] follows from the run's updates, which are public, too.
//!
//! Invariants: `decoded + memory` is the sum of old memory and change, up to the rounding of the memory to bf16; every
//! number is finite and at most [`MAGNITUDE_MAX`]; one update has one encoding, whose size follows from the parameter
//! count and the density alone; the same input gives the same bytes on every machine, because all sums run in index
//! order and no math library is used.
//!
//! The crate does not know layers, devices, rounds or digests, and it does not decide the density of a round.
//!
//! Source: SparseLoCo (arXiv 2508.15706), which cuts chunks per tensor as 64×64 tiles, quantizes values by ranges of
//! a standard deviation, and has every worker keep an error-feedback memory. Here chunks are cut from the flat vector
//! and levels are means. Workers keep no memory: whoever holds one can withhold it from an auditor, and in our runs it
//! raised the loss.

mod codec;
mod compress;
mod memory;

pub use codec::{
    CHUNK, DecodeError, Density, DensityError, MAGNITUDE_MAX, decompress, encoded_size,
};
pub use compress::{Change, CompressError, WithMemory, compress, compress_with_memory};
pub use memory::{Memory, MemoryError};
