//! The ledger as the next block would find it. A ledger without transactions makes no blocks, so the newest one may be of long ago.

use alloy_eips::BlockId;
use alloy_primitives::{Address, U64};
use alloy_rpc_types_eth::TransactionRequest;
use ledger_views::{AccountState, Ask, Call, Head, LogFilter, Outcome, PlacedLog};
use serde::Deserialize;
use serde_json::json;
use units::UnixSeconds;

use crate::{Ledger, LedgerError};

/// The fields of the pending block that are read; it has no hash.
#[derive(Deserialize)]
struct PendingBlock {
    number: U64,
    timestamp: U64,
}

/// The state of the newest block, with calls that run in the block that would follow it now: what asks for the time gets that of now. Of a connection
/// [at a standstill](Ledger::at_standstill), with calls that run in the newest block itself.
#[derive(Clone, Debug)]
pub struct NextLedger {
    ledger: Ledger,
}

impl Ledger {
    /// The ledger as the next block would find it, without the transactions that wait.
    #[must_use]
    pub fn next(&self) -> NextLedger {
        NextLedger { ledger: self.clone() }
    }

    /// Returns the time that a block would have now, by the node's clock; that of the newest block at a standstill.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn next_time(&self) -> Result<UnixSeconds, LedgerError> {
        if self.is_at_standstill {
            return Ok(Ask::head(self).await?.time);
        }
        Ok(UnixSeconds::new(self.pending_block().await?.timestamp.to()))
    }

    /// Returns why the node makes no further block, in its own words: the next one has a revision of the rules that it does not know. `None` when it can
    /// make one.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn standstill(&self) -> Result<Option<String>, LedgerError> {
        match self.pending_block().await {
            Ok(_) => Ok(None),
            Err(LedgerError::Standstill { message, .. }) => Ok(Some(message)),
            Err(error) => Err(error),
        }
    }

    /// Returns the same connection for reading from a node that makes no further block: [`Self::next`] and [`Self::next_time`] are of the newest one.
    #[must_use]
    pub fn at_standstill(&self) -> Self {
        Self { is_at_standstill: true, ..self.clone() }
    }

    /// Returns whether this connection reads from a node that makes no further block.
    #[must_use]
    pub fn is_at_standstill(&self) -> bool {
        self.is_at_standstill
    }

    async fn pending_block(&self) -> Result<PendingBlock, LedgerError> {
        let found: Option<PendingBlock> =
            self.ask("eth_getBlockByNumber", json!(["pending", false])).await?;
        found.ok_or_else(|| self.shared.node.malformed("there is no pending block"))
    }
}

/// Calls run in the next block; everything else is of the newest one.
impl Ask for NextLedger {
    type Error = LedgerError;

    async fn head(&self) -> Result<Head, LedgerError> {
        self.ledger.head().await
    }

    async fn block(&self, height: u64) -> Result<Option<Head>, LedgerError> {
        self.ledger.block_if_kept(height).await
    }

    async fn calls(&self, calls: Vec<Call>) -> Result<Vec<Outcome>, LedgerError> {
        if self.ledger.is_at_standstill {
            return self.ledger.calls(calls).await;
        }
        let PendingBlock { number, timestamp } = self.ledger.pending_block().await?;
        let block = json!({ "number": number, "time": timestamp });
        let mut outcomes = Vec::with_capacity(calls.len());
        for call in calls {
            let request = TransactionRequest::default().to(call.to).input(call.input.into());
            let parameters = json!([request, BlockId::latest(), {}, block]);
            outcomes.push(match self.ledger.ask("eth_call", parameters).await {
                Ok(bytes) => Outcome::Returned(bytes),
                Err(LedgerError::Refused { data, .. }) => Outcome::Reverted(data),
                Err(error) => return Err(error),
            });
        }
        Ok(outcomes)
    }

    async fn account(&self, address: Address) -> Result<AccountState, LedgerError> {
        Ask::account(&self.ledger, address).await
    }

    async fn logs(&self, filter: LogFilter) -> Result<Vec<PlacedLog>, LedgerError> {
        self.ledger.logs(filter).await
    }
}
