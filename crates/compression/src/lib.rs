//! Makes a pseudo-gradient small: few values of a chunk, few bits each.
//!
//! Decides which values of a flat vector of parameter changes are sent, and with how many bits:
//!
//! 1. In every chunk of [`CHUNK`] values as many are chosen as the [`Density`] says: the largest, or values drawn so that
//!    the expectation of the update is the change ([`Selection`]).
//! 2. Each chosen value becomes a sign and one of the levels of its chunk: one level for one bit a value, two for two
//!    [`Bits`], and so on. These bits, and the gaps between the chosen positions, are the encoded update.
//!
//! An update depends on the change and on public random numbers alone: nothing that an earlier one did not send is
//! carried over, so that anyone with public data can repeat it.
//!
//! Invariants: every number is finite and at most [`MAGNITUDE_MAX`]; one update has one encoding, of at most
//! [`encoded_size_max`] bytes; the same input gives the same bytes on every machine, because all sums run in index order
//! and no math library is used.
//!
//! The crate does not know layers, devices, rounds or digests, and it does not decide the density of a round.
//!
//! Source: SparseLoCo (arXiv 2508.15706), which cuts chunks per tensor as 64×64 tiles, sends the largest values,
//! quantizes them by ranges of a standard deviation, and has every worker keep an error-feedback memory. Here chunks are
//! cut from the flat vector, levels are means, and nobody keeps a memory: a worker could withhold it from an auditor,
//! and in our runs it raised the loss on both sides. What a memory is for, that nothing is lost for good, is done by
//! drawing: the error of a round has no direction (`docs/measurements.md`).

mod bits;
mod codec;
mod compress;
mod spacing;

pub use codec::{
    Bits, BitsError, CHUNK, DecodeError, Density, DensityError, Format, MAGNITUDE_MAX, decompress,
    encoded_size_max,
};
pub use compress::{Change, CompressError, Encoder, Numbers, Selection, compress, join_chunks};
