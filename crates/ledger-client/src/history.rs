//! What the node's history index finds.

use std::collections::BTreeSet;

use abi::{TRAINING_RUNS, TrainingRuns, convert::address};
use alloy_primitives::{B256, U64};
use alloy_rpc_types_eth::Log;
use alloy_sol_types::SolEvent as _;
use serde_json::{Value, json};
use units::AccountId;

use crate::{Ledger, LedgerError};

/// Most seats of one account that are asked for, in pages: more than any machine can take.
const PAGES_MAX: usize = 1_000;
/// Events a page.
const PAGE: u64 = 100;

/// A page of events, and the blocks that it is complete for.
struct EventPage {
    logs: Vec<Log>,
    next: Option<String>,
    /// Whether it knows every block since the ledger began.
    is_whole: bool,
}

impl Ledger {
    /// Returns the runs in which an account has ever taken a seat. `None` when the node's history index can't say, because it is switched off,
    /// being built, or holds only the newest blocks.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn runs_of(&self, account: &AccountId) -> Result<Option<BTreeSet<u64>>, LedgerError> {
        let signature = TrainingRuns::Enrolled::SIGNATURE_HASH;
        let topics: [Option<B256>; 4] =
            [Some(signature), None, None, Some(address(*account).into_word())];
        let filter = json!({ "address": TRAINING_RUNS, "topics": topics });
        let (mut runs, mut before) = (BTreeSet::new(), None);
        for _ in 0..PAGES_MAX {
            let Some(page) = self.event_page(&filter, before.as_deref()).await? else {
                return Ok(None);
            };
            if !page.is_whole {
                return Ok(None);
            }
            for log in &page.logs {
                let event = TrainingRuns::Enrolled::decode_log(&log.inner);
                let event = event.map_err(|_| self.shared.node.malformed("another event"))?;
                runs.insert(event.run);
            }
            before = page.next;
            if before.is_none() {
                return Ok(Some(runs));
            }
        }
        Err(self.shared.node.malformed("a list of events without an end"))
    }

    /// `None` when the node does not say.
    async fn event_page(
        &self,
        filter: &Value,
        before: Option<&str>,
    ) -> Result<Option<EventPage>, LedgerError> {
        let mut page = json!({ "limit": PAGE });
        if let Some(before) = before {
            page["before"] = json!(before);
        }
        match self.ask::<Value>("gleaner_getEvents", json!([filter, page])).await {
            Ok(answer) => parse(answer)
                .map(Some)
                .map_err(|error| self.shared.node.malformed(format!("a page of events: {error}"))),
            // A node without the method, or whose index is off or not ready.
            Err(LedgerError::Rejected { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn parse(mut answer: Value) -> serde_json::Result<EventPage> {
    let first: U64 = serde_json::from_value(answer["firstBlock"].take())?;
    let last: U64 = serde_json::from_value(answer["lastBlock"].take())?;
    let head: U64 = serde_json::from_value(answer["headBlock"].take())?;
    Ok(EventPage {
        logs: serde_json::from_value(answer["items"].take())?,
        next: serde_json::from_value(answer["next"].take())?,
        is_whole: first <= U64::ONE && last == head,
    })
}
