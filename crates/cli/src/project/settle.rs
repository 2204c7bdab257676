//! `gleaner project settle`: has a node do what is due in a project, when its coordinator does not.

use std::time::Duration;

use abi::{TRAINING_RUNS, TrainingRuns};
use alloy_sol_types::SolCall;
use ledger_client::{Ledger, LedgerError};
use ledger_views::runs;
use serde::Serialize;

use crate::ledger;
use crate::options::LedgerArgs;
use crate::output::Output;
use crate::shell;

/// Number of times to look for what is due: what is done may make more due, a block later.
const LOOKS: u32 = 20;

/// Pause between two looks, longer than a block takes.
const PAUSE: Duration = Duration::from_millis(1_200);

/// Number of seats in one call.
const SEATS: usize = 50;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The project's number
    project: u64,
    /// End the project, if nothing has happened in it for the time that its terms say
    #[arg(long)]
    abandon: bool,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// Keys of `gleaner project settle --json`.
#[derive(Serialize)]
struct Document {
    id: u64,
    state: &'static str,
    draws: u32,
    seats_settled: usize,
    disputes_expired: u32,
    /// Commitments whose audits are not over.
    unsettled: u32,
    /// Held back or not decided, in the smallest unit.
    owed: String,
}

/// What was done.
#[derive(Default)]
struct Done {
    draws: u32,
    seats: usize,
    expired: u32,
}

/// Has everything done that is due.
///
/// # Errors
/// When the project does not exist, or the node does not answer.
pub(super) fn run(args: &Args, output: &Output) -> anyhow::Result<()> {
    shell::block_on_until_interrupted(async {
        let (ledger, run) = (ledger::connect(&args.ledger).await?, args.project);
        ledger::project(&ledger, run).await?;
        if args.abandon {
            let call = TrainingRuns::abandonCall { run }.abi_encode();
            ledger.submit_statement(TRAINING_RUNS, &call).await?;
            tokio::time::sleep(PAUSE).await;
        }
        let mut done = Done::default();
        for _ in 0..LOOKS {
            if !look(&ledger, run, &mut done).await? {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        let summary = runs::run(&ledger, run).await?;
        let document = Document {
            id: run,
            state: ledger::state(summary.phase),
            draws: done.draws,
            seats_settled: done.seats,
            disputes_expired: done.expired,
            unsettled: summary.unsettled,
            owed: summary.owed.to_string(),
        };
        let text = format!(
            "project {run} is {}: {} draws made, {} seats settled, {} disputes expired; {} commitments wait for their audits, {} GRAIN are held back or not decided",
            document.state,
            done.draws,
            done.seats,
            done.expired,
            summary.unsettled,
            summary.owed.to_grain()
        );
        output.print(&document, &text)
    })
}

/// Does what is due in the next block; returns whether there was something. The newest block may be an old one: a ledger on which nothing
/// happens makes none.
async fn look(ledger: &Ledger, run: u64, done: &mut Done) -> anyhow::Result<bool> {
    let (mut is_busy, next) = (false, ledger.next());
    for open in runs::open_rounds(&next, run).await?.iter().filter(|open| open.is_due) {
        let call = TrainingRuns::drawCall { run, round: open.round };
        if submitted(ledger, &call).await? {
            (done.draws, is_busy) = (done.draws.saturating_add(1), true);
        }
    }
    let seats = runs::seats(&next, run).await?;
    let due = (0_u16..).zip(&seats).filter(|(_, seat)| seat.due || seat.overdue);
    let due: Vec<u16> = due.map(|(index, _)| index).collect();
    for part in due.chunks(SEATS) {
        let call = TrainingRuns::settleCall { run, seats: part.to_vec() };
        if submitted(ledger, &call).await? {
            (done.seats, is_busy) = (done.seats.saturating_add(part.len()), true);
        }
    }
    let now = ledger.next_time().await?;
    for dispute in runs::disputes(ledger, run).await?.iter().filter(|open| open.deadline <= now) {
        let subject = abi::convert::device_word(dispute.subject);
        let call = TrainingRuns::expireCall { run, round: dispute.round, subject };
        if submitted(ledger, &call).await? {
            (done.expired, is_busy) = (done.expired.saturating_add(1), true);
        }
    }
    Ok(is_busy)
}

/// Gives a call to the node; returns whether it took it. What is not due yet is refused.
async fn submitted(ledger: &Ledger, call: &impl SolCall) -> anyhow::Result<bool> {
    match ledger.submit_statement(TRAINING_RUNS, &call.abi_encode()).await {
        Ok(_) => Ok(true),
        Err(LedgerError::Refused { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
