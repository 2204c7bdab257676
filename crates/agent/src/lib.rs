//! Decides when a machine works for others, and what its owner is left with.
//!
//! 1. [`Limits`] are the owner's: parsed from a file of their own, with a default for every value that protects them. A policy fetched from
//!    an account can only tighten them ([`Limits::tightened_by`]).
//! 2. [`Policy::step`] takes what the sensors say ([`sensors::Readings`]) and the [`Situation`] of the worker, and returns a [`Decision`]: what the worker may do
//!    now, with every reason against more, its evidence, and what would change it.
//! 3. Whoever acts on a decision is elsewhere: the policy reads no clock, no file and no sensor.
//!
//! Invariants, tested over 10^6 steps:
//!
//! - Nothing runs while the machine is in use, or while a sensor that a limit needs is silent, late, contradicts itself or tells of the future.
//! - Work stops in the step that sees a reason; it comes back only after all reasons have been absent for [`limits::Idle::settle_seconds`].
//! - No reading above a limit goes with a decision to work, and no allowance exceeds its limit.
//! - Of two sets of limits, the tightened one never allows more than either.

pub mod earn;
#[cfg(target_os = "linux")]
mod hold;
pub mod limits;
mod policy;
mod status;

#[cfg(target_os = "linux")]
pub use hold::{
    ApplyError, Cgroups, Freezer, Hold, HoldOptions, Level, Pipes, Protection, Released,
    SpawnError, Standing,
};
pub use limits::{Limits, LimitsError};
pub use policy::{
    Activity, Allowance, Change, Decision, GAP_MS_MAX, Offer, Pause, Policy, Reason, Resource,
    Sensor, Situation, Why, Worker,
};
pub use status::{
    Answer, EarnedStatus, EarnedSums, Missing, ProtectionStatus, Request, STATUS_VERSION, Status,
    WorkerStatus, missing,
};
