//! Amounts, rates, times and digests: the types that every layer shares.
//!
//! A number with a unit is a type of its own, so that wei are never added to tokens. Arithmetic is checked; a
//! function that rounds says so in its name. No floats, no clock, no I/O.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm
)]

mod amount;
mod bytes;
mod merkle;
mod seal;
mod share;
mod text;
mod time;

pub use amount::{Overflow, ParseGrainError, Wei};
pub use bytes::{AccountId, DeviceId, Digest, ParseBytesError};
pub use merkle::{LEAF_COUNT_MAX, NoSuchLeaf, Proof, merkle_root, proof, verify_proof};
pub use seal::seal;
pub use share::{Bps, BpsError};
pub use text::is_hidden;
pub use time::UnixSeconds;
