//! The rules of GRAIN's issuance: what work counts, and what it is rewarded with.
//!
//! `docs/issuance.md` explains the whole; in short:
//!
//! 1. [`Schedule`]: in epochs of 7 days, 8 % of the initial supply in the first year, each year 0.85 of the year before, in four
//!    [`Buckets`]. What a bucket does not pay out is never issued.
//! 2. [`Released`]: what a run has really paid for work, to somebody else than its owner. Nothing that may still be forfeited.
//! 3. [`Claim`]: rounds that are claimed are checked from outside. The hash of a later block draws three of them, the ledger's
//!    referees repeat these, and one that is not the work, or whose data can't be had, voids the claim.
//! 4. [`Specification`]: how many floating-point operations a round takes, from the bytes whose digest is in the run's terms.
//! 5. Work that was checked is collected: a part of its pay is burnt, its account gets voice, and a share of the epoch's buckets
//!    ([`Epoch`], [`Grant`]) that vests over 180 days.
//!
//! Invariants: an epoch pays at most its buckets; a claim counts no round twice, and no pay that was not released;
//! splitting work over accounts gains nothing, because every share is linear and rounded down; input that is refused
//! changes nothing.
//!
//! The crate knows no account and no device: the adapter loads records, applies a rule, stores, and moves GRAIN. It reads no
//! clock and no randomness: the time and the hash of a block are arguments.
//!
//! What it does not do: it can't see that a run's owner, seats and auditors are one person, and not whether work was worth
//! anything, or easy. A run of one person counts if its rounds are what the specification says; that voice and rewards are not
//! free then is due to what collecting burns ([`Rate`]).

#![deny(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm
)]

mod claim;
mod refused;
mod released;
mod rewards;
mod sample;
mod schedule;
mod specification;

pub use claim::{Check, Claim, Collection, DRAW_BLOCKS_MAX, Offer, Rate, Stage};
pub use refused::Refused;
pub use released::Released;
pub use rewards::{DeviceShare, Epoch, Grant, VESTING_SECONDS};
pub use sample::{SAMPLES_MAX, Samples, WINDOW_ROUNDS};
pub use schedule::{Buckets, EPOCH_SECONDS, SUPPLY_MAX, Schedule, TOTAL_MAX, YEAR_EPOCHS};
pub use specification::{SPECIFICATION_SIZE_MAX, Specification, SpecificationError};
