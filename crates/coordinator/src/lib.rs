//! Drives a training run: rounds, aggregation, checkpoints, the ledger.
//!
//! 1. [`run`] opens the project on the ledger with its escrow, or resumes the run of its [folder](Folder).
//! 2. Workers connect; what they have signed is relayed to the ledger, and the owner pays the gas.
//! 3. Each round: collect commitments and updates, aggregate, write the new state to disk, publish its digest,
//!    announce the next round.
//! 4. Audits: ask the ledger to draw them, announce them to the auditors, relay the verdicts, replace
//!    silent auditors.
//! 5. At the end: save the ledger's newest state as the model, return a [report](Report).
//!
//! A transaction that the ledger refuses, rejects or does not confirm, and a ledger that does not answer, end nothing: the
//! next pass reads again what is due. A run whose workers report that the training diverged ends once a replay here
//! confirms it; a new run can start from any state on disk ([`Options::rewind`]).
//!
//! A folder belongs to one ledger (its first block), run, specification, corpus and set of terms, and to one process at a
//! time. What has changed is named; a lost record is found on the ledger.
//!
//! A run is not bound to a machine: another coordinator [takes it over](take_over) with the owner's account, from the ledger and
//! from what workers hold. One that was replaced stops.
//!
//! Invariants: a state is on disk, and the outer update that leads to it with workers, before its digest is on the ledger; this
//! crate pays nothing (the ledger pays); a
//! worker can delay a round at most until its deadline and can't corrupt it: its update is bound by its commitment,
//! decoded with bounds, and clipped.
//!
//! The crate connects `verification` with the rules on the ledger. It does not decide disputes.

mod aggregate;
mod chain;
mod drive;
mod folder;
mod handover;
mod identity;
mod ledger_events;
mod opening;
mod project;
mod relay;
mod report;

pub use drive::run;
pub use folder::{Folder, FolderError, Rewound, RunRecord, State};
pub use handover::{Claim, Taken, take_over};
pub use identity::Change;
pub use opening::{Options, Refusal};
pub use project::{Conditions, Project};
pub use report::{AuditReport, EscrowReport, Event, Payout, Report, RunReport, TrafficReport};
