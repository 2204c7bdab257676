//! What the node's history index finds.

use std::collections::BTreeSet;

use abi::{
    TRAINING_RUNS, TrainingRuns,
    convert::{address, device_word, wei},
};
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U64};
use alloy_rpc_types_eth::Log;
use alloy_sol_types::SolEvent as _;
use serde::Deserialize;
use serde_json::{Value, json};
use units::{AccountId, DeviceId, UnixSeconds, Wei};

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

/// The fields of a transaction that are read.
#[derive(Deserialize)]
struct Sent {
    to: Option<Address>,
    input: Bytes,
}

/// A commitment of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastCommitment {
    /// The run.
    pub run: u64,
    /// The round.
    pub round: u32,
    /// Time of its block.
    pub at: UnixSeconds,
}

impl Ledger {
    /// Returns the header of a block; none of a block that the node does not keep. It is the node's word: its hash must be compared with one that is known.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn header(&self, height: u64) -> Result<Option<Header>, LedgerError> {
        match self.ask("eth_getBlockByNumber", json!([U64::from(height), false])).await {
            Ok(header) => Ok(header),
            Err(LedgerError::Rejected { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns to whom a transaction was sent and with which data; none of one that the node does not keep.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn sent(
        &self,
        transaction: B256,
    ) -> Result<Option<(Option<Address>, Bytes)>, LedgerError> {
        let sent: Option<Sent> = self.ask("eth_getTransactionByHash", json!([transaction])).await?;
        Ok(sent.map(|sent| (sent.to, sent.input)))
    }

    /// Returns the newest commitment of a device; none where the node's history index has none, or can't say.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn last_commitment(
        &self,
        device: &DeviceId,
    ) -> Result<Option<LastCommitment>, LedgerError> {
        let signature = TrainingRuns::Committed::SIGNATURE_HASH;
        let topics = [Some(signature), None, None, Some(device_word(*device))];
        let filter = json!({ "address": TRAINING_RUNS, "topics": topics });
        let page = self.event_page(&filter, None).await?;
        let Some(log) = page.and_then(|page| page.logs.into_iter().next()) else {
            return Ok(None);
        };
        let event = TrainingRuns::Committed::decode_log(&log.inner);
        let event = event.map_err(|_| self.shared.node.malformed("another event"))?;
        let at = UnixSeconds::new(log.block_timestamp.unwrap_or_default());
        Ok(Some(LastCommitment { run: event.run, round: event.round, at }))
    }

    /// Returns what an account was paid for a device from `since` on. `None` when the node's history index can't say.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn paid_since(
        &self,
        (account, device): (&AccountId, &DeviceId),
        since: UnixSeconds,
    ) -> Result<Option<Wei>, LedgerError> {
        let signature = TrainingRuns::Paid::SIGNATURE_HASH;
        let (account, device) = (address(*account).into_word(), device_word(*device));
        let topics = [Some(signature), None, Some(account), Some(device)];
        let filter = json!({ "address": TRAINING_RUNS, "topics": topics });
        let (mut sum, mut before) = (Wei::ZERO, None);
        for _ in 0..PAGES_MAX {
            let Some(page) = self.event_page(&filter, before.as_deref()).await? else {
                return Ok(None);
            };
            for log in &page.logs {
                if log.block_timestamp.is_some_and(|at| at < since.as_u64()) {
                    return Ok(Some(sum));
                }
                let event = TrainingRuns::Paid::decode_log(&log.inner);
                let event = event.map_err(|_| self.shared.node.malformed("another event"))?;
                let amount = wei(event.amount).ok().and_then(|amount| sum.checked_add(amount).ok());
                sum = amount.ok_or_else(|| self.shared.node.malformed("a payment without end"))?;
            }
            before = page.next;
            if before.is_none() {
                return Ok(Some(sum));
            }
        }
        Err(self.shared.node.malformed("a list of events without an end"))
    }

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
