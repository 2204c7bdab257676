//! The rules of governance: who may decide what, by which majority, and when it takes effect.
//!
//! 1. Modules of the ledger have [`Parameter`]s. Each has a published band that no vote can leave, and a [`Class`] that says how a change is decided.
//! 2. The [`treasury`] spends at most a budget in each window, unless a constitutional proposal says otherwise.
//! 3. The [`brake`]: who would rather leave locks GRAIN, and so delays what was decided.
//! 4. A [`proposal`] is posted, voted on, queued and executed: as OpenZeppelin's Governor does it for one token, and by the rules of two houses.
//! 5. [`breakers`] watch how many hold the power, and make rules stricter while it is few.
//! 6. A [`jury`] decides in place of a house that does not vote.
//! 7. [`votes`]: who has how many votes at any time, delegation and locks. [`voice`]: votes by work, which mature and decay.
//! 8. [`revisions`]: the schedule of rules grows by votes, and only long enough ahead.
//!
//! Invariants: a parameter is always within its band; the votes of all are what all hold; refused input changes nothing.
//!
//! The crate knows no account's key and no storage, and reads no clock: times are arguments.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm
)]

pub mod brake;
pub mod breakers;
pub mod jury;
pub mod proposal;
pub mod revisions;
pub mod treasury;
pub mod voice;
pub mod votes;

mod class;
mod parameters;

pub use class::Class;
pub use parameters::{
    AUDIT_RATE_FLOOR, BURN_SHARE, LEAST_BURN, PARAMETERS, Parameter, ParameterError, RECEIVED_CAP,
    SAMPLES, parameter,
};
