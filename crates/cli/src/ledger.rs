//! Access to the ledger for commands.

use std::time::Duration;

use alloy_signer_local::PrivateKeySigner;
use ledger_client::Ledger;
use ledger_views::{
    Ask as _, ViewError,
    runs::{self, RunDetails, RunPhase, RunView, SeatView},
};
use training_run::{Cause, Ending, Standing};

use crate::failure::Hint as _;
use crate::options::{LedgerArgs, SignerArgs};
use crate::output::Output;

/// How long a command waits for the node's first answer.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);

/// How long it waits afterwards, also for a block.
const PATIENCE: Duration = Duration::from_secs(30);

/// Connects to the node in `args`, for reading.
///
/// # Errors
/// When no node answers.
pub(crate) async fn connect(args: &LedgerArgs) -> anyhow::Result<Ledger> {
    connect_with(args, None).await
}

/// Connects to the node in `args` for changes that the unlocked key of `signer` signs, within the fees that `signer` allows.
///
/// # Errors
/// When no node answers.
pub(crate) async fn connect_to_change(
    args: &LedgerArgs,
    signer: &SignerArgs,
    key: PrivateKeySigner,
) -> anyhow::Result<Ledger> {
    Ok(connect_with(args, Some(key)).await?.with_fee_max(signer.max_fee))
}

async fn connect_with(args: &LedgerArgs, key: Option<PrivateKeySigner>) -> anyhow::Result<Ledger> {
    let ledger = Ledger::connect(&args.rpc, key, CONNECT_PATIENCE).await;
    let hint = "start a ledger with `gleaner node`, or give the address of one with --rpc URL";
    Ok(ledger.hint(hint)?.with_patience(PATIENCE))
}

/// Connects for showing what the next block would find. A node that has stopped before rules that it does not know makes no other block: then it is what the
/// newest one has, and stderr says so.
///
/// # Errors
/// When no node answers.
pub(crate) async fn connect_to_show(args: &LedgerArgs, output: &Output) -> anyhow::Result<Ledger> {
    let ledger = connect(args).await?;
    let Some(reason) = ledger.standstill().await? else { return Ok(ledger) };
    let height = ledger.head().await?.height;
    output.say(&format!(
        "note: the node makes no block after {height} ({reason}): what follows is as of that block"
    ));
    Ok(ledger.at_standstill())
}

/// Returns the hash of the ledger's first block, which tells it from others; empty if the node does not keep that block.
///
/// # Errors
/// When the ledger does not answer.
pub(crate) async fn identity(ledger: &Ledger) -> anyhow::Result<String> {
    let first = ledger.block(0).await?;
    Ok(first.map_or_else(String::new, |first| format!("0x{}", first.hash)))
}

/// Reads all that the ledger says of one project.
///
/// # Errors
/// When the project does not exist, or the ledger does not answer.
pub(crate) async fn project(ledger: &Ledger, run: u64) -> anyhow::Result<RunDetails> {
    match runs::details(ledger, run).await {
        Err(ViewError::Refused { .. }) => {
            let count = runs::count(ledger).await?;
            Err(anyhow::anyhow!("project {run} does not exist: the ledger has {count}"))
                .hint("gleaner project list")
        }
        details => Ok(details?),
    }
}

/// Returns the number of the round that is open, or of those done when none is; rounds count from 1.
pub(crate) fn round(summary: &RunView) -> u32 {
    match summary.phase {
        RunPhase::Training { .. } | RunPhase::Closed => summary.round.saturating_add(1),
        RunPhase::Gathering | RunPhase::WindingUp { .. } | RunPhase::Finished(_) => summary.round,
    }
}

/// Describes the phase of a project.
pub(crate) fn state(phase: RunPhase) -> &'static str {
    match phase {
        RunPhase::Gathering => "gathering",
        RunPhase::Training { .. } => "training",
        RunPhase::Closed => "closing a round",
        RunPhase::WindingUp { ending: Ending::Completed, .. } => "winding up",
        RunPhase::WindingUp { ending: Ending::Cancelled, .. } => "being cancelled",
        RunPhase::WindingUp { ending: Ending::Abandoned, .. } => "being abandoned",
        RunPhase::Finished(Ending::Completed) => "completed",
        RunPhase::Finished(Ending::Cancelled) => "cancelled",
        RunPhase::Finished(Ending::Abandoned) => "abandoned",
    }
}

/// The standing of a seat that takes part.
pub(crate) const ACTIVE: &str = "active";

/// Describes the standing of a seat.
pub(crate) fn standing(seat: &SeatView) -> &'static str {
    match seat.standing {
        Standing::Active => ACTIVE,
        Standing::Left => "left",
        Standing::Expelled { cause: Cause::Convicted, .. } => "expelled: made up its work",
        Standing::Expelled { cause: Cause::FalseAudit, .. } => "expelled: accused falsely",
        Standing::Expelled { cause: Cause::Vouched, .. } => "expelled: vouched for made-up work",
    }
}
