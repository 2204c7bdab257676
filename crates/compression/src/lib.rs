//! Makes a pseudo-gradient small: top-k in chunks, 2-bit values.
//!
//! Decides which values of a flat vector of parameter changes are sent, and with how many bits:
//!
//! 1. In every chunk of [`CHUNK`] values the [`Density`] largest magnitudes are chosen; ties go to the lower index.
//! 2. Each chosen value becomes a sign and one of two levels of its chunk. These bits are the encoded update.
//!
//! An update depends on the change alone: nothing that an earlier one did not send is carried over, so that anyone with
//! public data can repeat it.
//!
//! Invariants: every number is finite and at most [`MAGNITUDE_MAX`]; one update has one encoding, whose size follows from the parameter
//! count and the density alone; the same input gives the same bytes on every machine, because all sums run in index
//! order and no math library is used.
//!
//! The crate does not know layers, devices, rounds or digests, and it does not decide the density of a round.
//!
//! Source: SparseLoCo (arXiv 2508.15706), which cuts chunks per tensor as 64×64 tiles, quantizes values by ranges of
//! a standard deviation, and has every worker keep an error-feedback memory. Here chunks are cut from the flat vector,
//! levels are means, and nobody keeps a memory: a worker could withhold it from an auditor, and in our runs it raised
//! the loss on both sides (`docs/measurements.md`).

mod codec;
mod compress;

pub use codec::{
    CHUNK, DecodeError, Density, DensityError, MAGNITUDE_MAX, decompress, encoded_size,
};
pub use compress::{Change, CompressError, compress};
