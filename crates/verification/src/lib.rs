//! One device's round as a reproducible job: execute it, commit to it, replay it.
//!
//! Decides what exactly a device computes in a round, so that another machine can repeat it bit for bit and compare
//! one digest:
//!
//! 1. [`RunSpec`] fixes model, data draws, inner and outer steps and compression; the terms of the run contain its
//!    digest.
//! 2. [`execute`] trains from the base state, compresses the pseudo-gradient, and returns the update and the Merkle
//!    [root](units::merkle_root) over job, state digests and update. Its inputs are public: base state, specification, shards.
//! 3. [`units::seal`] hides the root in a commitment: only a device that did the work, or repeated it, knows the root that
//!    opens the seal.
//! 4. [`compare`] repeats a round as far as it leads to the leaves that a disputed device has disclosed; [`RunSpec::part`] says
//!    what a leaf stands for.
//! 5. [`resume`] continues a round that was [saved](Standing::save) after any of its steps, to the same bytes.
//! 6. [`advance`] aggregates the updates of a round into the new state and one encoded outer update; with it
//!    [`apply_outer`] takes a worker from the base state to the bit-equal new state.
//!
//! Invariants: same job, same bytes, on any machine and any number of threads; the root binds every input
//! (specification, round, device, base, data); coordinator and workers have bit-equal states because both
//! subtract the same decoded update.
//!
//! The crate does not decide whom to audit or what a finding means (`training-run` does), fetch anything, or open
//! files: whoever saves a round says where.
//!
//! Deviation: the design's replay of one segment from a state that both sides agree on is not built: two devices that agree
//! could pass a made-up state off as agreed (`docs/protocol.md`). A comparison starts from the base state.

mod evaluate;
mod execute;
mod outer_step;
mod sizes;
mod spec;
mod unfinished;

pub use evaluate::{TooShort, evaluate};
pub use execute::{
    Comparison, Job, JobError, Outcome, Resume, Spare, Standing, StepReport, check, compare,
    execute, fabricate, first_difference, job_digest_of, resume,
};
pub use optimizer::InnerKind;
pub use outer_step::{
    Advanced, Contribution, OuterState, OuterStateError, OuterStepError, advance, apply_outer,
};
pub use sizes::{outer_update_size_max, state_size, update_size_max};
pub use spec::{LEAVES_MAX, Part, RunSpec, Seed, SelectionKind, SpecError};
pub use unfinished::{SAVED_HEAD_SIZE, saved_size, saved_step};
