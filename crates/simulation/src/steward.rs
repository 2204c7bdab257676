//! Somebody who has the node do what is due in a run, as `gleaner project settle` does: nobody else does it when the coordinator
//! is gone. It has an account, so that it can have a block made: a ledger without transactions makes none, and its time stands.

use std::time::Duration;

use abi::{TRAINING_RUNS, TrainingRuns};
use alloy_sol_types::SolCall;
use ledger_client::{Ledger, LedgerError};
use ledger_views::runs::{self, RunPhase};
use tokio::time::sleep;
use units::Wei;

/// How often it looks.
const PAUSE: Duration = Duration::from_secs(15);
/// Largest number of seats in one call.
const SEATS: usize = 64;

/// Abandons the run once that is possible, and settles it until it is over.
pub(crate) async fn settle(ledger: &Ledger, run: u64, say: impl Fn(String)) {
    loop {
        match look(ledger, run).await {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => say(format!("{error:#}")),
        }
        sleep(PAUSE).await;
    }
}

/// Does what is due now; returns whether the run is over.
async fn look(ledger: &Ledger, run: u64) -> anyhow::Result<bool> {
    let summary = runs::run(ledger, run).await?;
    if summary.phase.is_over() {
        return Ok(true);
    }
    if !matches!(summary.phase, RunPhase::WindingUp { .. }) {
        // Refused until nothing has happened for long enough.
        submit(ledger, &TrainingRuns::abandonCall { run }).await?;
    }
    // The time of the newest block may be long ago: what is not due yet is refused.
    for open in runs::open_rounds(ledger, run).await? {
        submit(ledger, &TrainingRuns::drawCall { run, round: open.round }).await?;
    }
    let disputes = runs::disputes(ledger, run).await?;
    for dispute in &disputes {
        let subject = abi::convert::device_word(dispute.subject);
        let call = TrainingRuns::expireCall { run, round: dispute.round, subject };
        submit(ledger, &call).await?;
    }
    if let Some(own) = ledger.account().filter(|_| summary.unsettled > 0) {
        ledger.transfer(&own, Wei::ZERO).await?;
    }
    let seats = runs::seats(ledger, run).await?;
    let due = (0_u16..).zip(&seats).filter(|(_, seat)| seat.due || seat.overdue);
    let due: Vec<u16> = due.map(|(index, _)| index).collect();
    for part in due.chunks(SEATS) {
        submit(ledger, &TrainingRuns::settleCall { run, seats: part.to_vec() }).await?;
    }
    Ok(false)
}

/// Gives a call to the node. What is not due yet is refused.
async fn submit(ledger: &Ledger, call: &impl SolCall) -> anyhow::Result<()> {
    match ledger.submit_statement(TRAINING_RUNS, &call.abi_encode()).await {
        Ok(_) | Err(LedgerError::Refused { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
