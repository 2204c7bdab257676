//! One device-round as a reproducible job: execute it, commit to it, replay it.
//!
//! Decides what exactly a device computes in a round, so that another machine can repeat it to the last bit and compare one digest:
//!
//! 1. [`RunSpec`] fixes model, data draws, inner and outer steps and compression; its digest stands in the terms of the run.
//! 2. [`execute`] trains from the base state, compresses the pseudo-gradient with the device's memory, and returns the update, the
//!    new memory and the Merkle [root](merkle_root) over job, state digests, update and memory.
//! 3. [`units::seal`] hides the root in a commitment: only who did the work, or repeated it, knows what opens the seal.
//! 4. [`advance`] joins the updates of a round into the new state and one encoded outer update; [`apply_outer`] takes a worker that has
//!    the base and the encoded update to the bit-equal state.
//!
//! Invariants: same job, same bytes, on any machine and any number of threads; every input (specification, round, device, base, memory,
//! data) is bound by the root; coordinator and workers hold bit-equal states because both subtract the same decoded update.
//!
//! It does not decide whom to audit or what a finding means (`training-run` does), fetch anything, or keep anything on disk.
//!
//! Deviation: the design's bisection to a single step is not built; the leaves are already the segment states that it will need.

mod evaluate;
mod execute;
mod merkle;
mod outer_step;
mod spec;

pub use evaluate::{TooShort, evaluate};
pub use execute::{Job, JobError, Outcome, StepReport, execute, fabricate};
pub use merkle::{LEAF_COUNT_MAX, NoSuchLeaf, Proof, disputed, merkle_root, proof, verify_proof};
pub use optimizer::InnerKind;
pub use outer_step::{
    Advanced, Contribution, OuterState, OuterStateError, OuterStepError, advance, apply_outer,
};
pub use spec::{RunSpec, Seed, SpecError};
