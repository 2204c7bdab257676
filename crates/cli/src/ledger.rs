//! The ledger as commands read it.

use std::time::Duration;

use alloy_signer_local::PrivateKeySigner;
use ledger_client::{Ledger, RunPhase, RunSummary, SeatRecord};
use training_run::{Cause, Ending, Standing};

use crate::failure::Hint as _;
use crate::options::LedgerArgs;

/// How long a command waits for the node's first answer.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);

/// How long it waits from then on, for a block too.
const PATIENCE: Duration = Duration::from_secs(30);

/// Connects to the node that `args` name; with a `signer` to write too.
///
/// # Errors
/// When nobody answers there.
pub(crate) async fn connect(
    args: &LedgerArgs,
    signer: Option<PrivateKeySigner>,
) -> anyhow::Result<Ledger> {
    let ledger = Ledger::connect(&args.rpc, signer, CONNECT_PATIENCE).await;
    let hint = "start a ledger with `gleaner node`, or say with --rpc URL where one answers";
    Ok(ledger.hint(hint)?.with_patience(PATIENCE))
}

/// One project.
///
/// # Errors
/// When there is no such project, or the ledger does not answer.
pub(crate) async fn project(ledger: &Ledger, run: u64) -> anyhow::Result<RunSummary> {
    let count = ledger.run_count().await?;
    if run == 0 || count < run {
        return Err(anyhow::anyhow!("there is no project {run}: the ledger has {count}"))
            .hint("gleaner project list");
    }
    Ok(ledger.run_summary(run).await?)
}

/// Whether machines can still join a project.
pub(crate) fn is_open(phase: RunPhase) -> bool {
    matches!(phase, RunPhase::Gathering | RunPhase::Training { .. } | RunPhase::Closed)
}

/// What a project is doing, in words.
pub(crate) fn state(phase: RunPhase) -> &'static str {
    match phase {
        RunPhase::Gathering => "gathering",
        RunPhase::Training { .. } => "training",
        RunPhase::Closed => "closing a round",
        RunPhase::WindingUp(Ending::Completed) => "winding up",
        RunPhase::WindingUp(Ending::Cancelled) => "being cancelled",
        RunPhase::WindingUp(Ending::Abandoned) => "being abandoned",
        RunPhase::Finished(Ending::Completed) => "completed",
        RunPhase::Finished(Ending::Cancelled) => "cancelled",
        RunPhase::Finished(Ending::Abandoned) => "abandoned",
    }
}

/// How a seat stands, in words.
pub(crate) fn standing(seat: &SeatRecord) -> &'static str {
    match seat.standing {
        Standing::Active if seat.on_probation => "on probation",
        Standing::Active => "active",
        Standing::Left => "left",
        Standing::Expelled { cause: Cause::Convicted, .. } => "expelled: made up its work",
        Standing::Expelled { cause: Cause::FalseAudit, .. } => "expelled: accused falsely",
    }
}
