//! Events of runs, read from logs.

use abi::{TRAINING_RUNS, TrainingRuns};
use alloy_primitives::{B256, U256};
use alloy_rpc_types_eth::{Filter, Log};
use alloy_sol_types::SolEventInterface as _;
use serde_json::json;

use crate::{Ledger, LedgerError, Receipt};

/// An event of the `TrainingRuns` module, as its interface declares it.
pub use abi::TrainingRuns::TrainingRunsEvents as RunEvent;

/// An event and its place on the ledger.
#[derive(Clone, Debug)]
pub struct LoggedEvent {
    /// Height of its block.
    pub height: u64,
    /// The transaction.
    pub transaction: B256,
    /// The run.
    pub run: u64,
    /// The event.
    pub event: RunEvent,
}

impl Receipt {
    /// Returns the events of runs in this transaction, in order, each with its run. Events of other
    /// contracts are left out.
    #[must_use]
    pub fn events(&self) -> Vec<(u64, RunEvent)> {
        self.logs.iter().filter_map(decode).collect()
    }
}

impl Ledger {
    /// Returns the events of a run in the blocks from `from_height` to `to_height`, both included, in order.
    ///
    /// # Errors
    /// [`LedgerError`]; in particular [`LedgerError::Rejected`] when the node refuses the range as too large.
    pub async fn run_events(
        &self,
        run: u64,
        from_height: u64,
        to_height: u64,
    ) -> Result<Vec<LoggedEvent>, LedgerError> {
        let filter = Filter::new()
            .address(TRAINING_RUNS)
            .topic1(B256::from(U256::from(run)))
            .from_block(from_height)
            .to_block(to_height);
        let logs: Vec<Log> = self.ask("eth_getLogs", json!([filter])).await?;
        logs.iter()
            .filter_map(|log| Some((log, decode(log)?)))
            .map(|(log, (run, event))| self.place(log, run, event))
            .collect()
    }

    fn place(&self, log: &Log, run: u64, event: RunEvent) -> Result<LoggedEvent, LedgerError> {
        match (log.block_number, log.transaction_hash) {
            (Some(height), Some(transaction)) => {
                Ok(LoggedEvent { height, transaction, run, event })
            }
            _ => Err(self.shared.node.malformed("a log without a block or transaction")),
        }
    }
}

fn decode(log: &Log) -> Option<(u64, RunEvent)> {
    if log.address() != TRAINING_RUNS {
        return None;
    }
    let event = TrainingRuns::TrainingRunsEvents::decode_log(&log.inner).ok()?.data;
    Some((run_of(&event), event))
}

fn run_of(event: &RunEvent) -> u64 {
    match event {
        RunEvent::Opened(event) => event.run,
        RunEvent::Announced(event) => event.run,
        RunEvent::Enrolled(event) => event.run,
        RunEvent::Left(event) => event.run,
        RunEvent::RoundOpened(event) => event.run,
        RunEvent::Committed(event) => event.run,
        RunEvent::RoundClosed(event) => event.run,
        RunEvent::Advanced(event) => event.run,
        RunEvent::Drawn(event) => event.run,
        RunEvent::AuditPassed(event) => event.run,
        RunEvent::Disputed(event) => event.run,
        RunEvent::Convicted(event) => event.run,
        RunEvent::AuditorExpelled(event) => event.run,
        RunEvent::Unresolved(event) => event.run,
        RunEvent::Paid(event) => event.run,
        RunEvent::Cancelled(event) => event.run,
        RunEvent::Finished(event) => event.run,
    }
}
