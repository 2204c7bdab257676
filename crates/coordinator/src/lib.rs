//! Drives a training run: rounds, aggregation, checkpoints, the ledger.
//!
//! 1. [`run`] opens the project on the ledger with its escrow, or takes up again the one its [folder](Folder) drives.
//! 2. Workers dial in; what they have signed is relayed to the ledger, at the owner's cost.
//! 3. Round by round: collect commitments and updates, aggregate, keep the new state on disk, publish its digest, tell the workers.
//! 4. Audits: ask the ledger to draw them, pass the evidence from subject to auditor, relay the verdicts, replace the silent.
//! 5. At the end: save the model, [report](Report).
//!
//! Invariants: a state is on disk before the ledger knows it; nothing is paid by this crate (the ledger pays); a worker can delay a round
//! by at most its deadline and can't spoil it: what it sends is bound by its commitment, decoded with bounds, and clipped.
//!
//! Everything here is a shell around `verification` and the ledger's rules. It does not decide who is right.

mod aggregate;
mod drive;
mod folder;
mod ledger_events;
mod opening;
mod project;
mod relay;
mod report;

pub use drive::run;
pub use folder::{Folder, FolderError, RunRecord, State};
pub use opening::{Options, Refusal};
pub use project::{Conditions, Project};
pub use report::{AuditReport, EscrowReport, Event, Payout, Report, RunReport, TrafficReport};
