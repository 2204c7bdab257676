//! The ledger behind a node, as views ask it.

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_rpc_types_eth::{Filter, Log, TransactionRequest};
use ledger_views::{AccountState, Ask, Call, Head, LogFilter, Outcome, PlacedLog, ViewError};
use serde::Deserialize;
use serde_json::json;

use crate::{Ledger, LedgerError, node};

/// The fields of a block that are read.
#[derive(Deserialize)]
struct BlockHead {
    number: U64,
    hash: B256,
    timestamp: U64,
}

/// The ledger as it stood after one block. The node must still keep that state.
#[derive(Clone, Debug)]
pub struct PastLedger {
    ledger: Ledger,
    height: u64,
}

impl Ledger {
    /// The ledger as it stood after the block at `height`.
    #[must_use]
    pub fn at(&self, height: u64) -> PastLedger {
        PastLedger { ledger: self.clone(), height }
    }

    async fn head_at(&self, block: BlockNumberOrTag) -> Result<Head, LedgerError> {
        let found: Option<BlockHead> =
            self.ask("eth_getBlockByNumber", json!([block, false])).await?;
        let missing = || self.shared.node.malformed(format!("there is no block {block}"));
        let head = found.ok_or_else(missing)?;
        Ok(Head {
            height: head.number.to(),
            hash: abi::convert::digest(head.hash),
            time: units::UnixSeconds::new(head.timestamp.to()),
        })
    }

    /// A block that is not kept any longer is none.
    pub(crate) async fn block_if_kept(&self, height: u64) -> Result<Option<Head>, LedgerError> {
        match self.head_at(height.into()).await {
            Ok(head) => Ok(Some(head)),
            Err(LedgerError::Rejected { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn outcome(&self, call: &Call, block: BlockId) -> Result<Outcome, LedgerError> {
        let mut request =
            TransactionRequest::default().to(call.to).input(call.input.clone().into());
        request.gas = call.gas;
        match self.ask("eth_call", json!([request, block])).await {
            Ok(bytes) => Ok(Outcome::Returned(bytes)),
            Err(LedgerError::Refused { data, .. }) => Ok(Outcome::Reverted(data)),
            Err(error) => Err(error),
        }
    }

    async fn outcomes(&self, calls: &[Call], block: BlockId) -> Result<Vec<Outcome>, LedgerError> {
        let mut outcomes = Vec::with_capacity(calls.len());
        for call in calls {
            outcomes.push(self.outcome(call, block).await?);
        }
        Ok(outcomes)
    }

    async fn account_at(
        &self,
        address: Address,
        block: BlockId,
    ) -> Result<AccountState, LedgerError> {
        let balance: U256 = self.ask("eth_getBalance", json!([address, block])).await?;
        let nonce: U64 = self.ask("eth_getTransactionCount", json!([address, block])).await?;
        let code: Bytes = self.ask("eth_getCode", json!([address, block])).await?;
        Ok(AccountState { balance, nonce: nonce.to(), code })
    }

    async fn find_logs(&self, filter: &LogFilter) -> Result<Vec<PlacedLog>, LedgerError> {
        let mut asked = Filter::new()
            .address(filter.address)
            .from_block(*filter.heights.start())
            .to_block(*filter.heights.end());
        for (place, topic) in asked.topics.iter_mut().zip(&filter.topics) {
            *place = topic.map_or_else(Default::default, Into::into);
        }
        let logs: Vec<Log> = self.ask("eth_getLogs", json!([asked])).await?;
        logs.into_iter().map(|log| self.placed(log)).collect()
    }

    fn placed(&self, log: Log) -> Result<PlacedLog, LedgerError> {
        match (log.block_number, log.transaction_hash) {
            (Some(height), Some(transaction)) => {
                Ok(PlacedLog { height, transaction, log: log.inner })
            }
            _ => Err(self.shared.node.malformed("a log without a block or transaction")),
        }
    }
}

/// Each read is of the newest block; use [`Ledger::at`] where several must be of the same one.
impl Ask for Ledger {
    type Error = LedgerError;

    async fn head(&self) -> Result<Head, LedgerError> {
        self.head_at(BlockNumberOrTag::Latest).await
    }

    async fn block(&self, height: u64) -> Result<Option<Head>, LedgerError> {
        self.block_if_kept(height).await
    }

    async fn calls(&self, calls: Vec<Call>) -> Result<Vec<Outcome>, LedgerError> {
        self.outcomes(&calls, BlockId::latest()).await
    }

    async fn account(&self, address: Address) -> Result<AccountState, LedgerError> {
        self.account_at(address, BlockId::latest()).await
    }

    async fn logs(&self, filter: LogFilter) -> Result<Vec<PlacedLog>, LedgerError> {
        self.find_logs(&filter).await
    }
}

impl Ask for PastLedger {
    type Error = LedgerError;

    async fn head(&self) -> Result<Head, LedgerError> {
        self.ledger.head_at(self.height.into()).await
    }

    async fn block(&self, height: u64) -> Result<Option<Head>, LedgerError> {
        self.ledger.block_if_kept(height).await
    }

    async fn calls(&self, calls: Vec<Call>) -> Result<Vec<Outcome>, LedgerError> {
        self.ledger.outcomes(&calls, self.height.into()).await
    }

    async fn account(&self, address: Address) -> Result<AccountState, LedgerError> {
        self.ledger.account_at(address, self.height.into()).await
    }

    async fn logs(&self, filter: LogFilter) -> Result<Vec<PlacedLog>, LedgerError> {
        self.ledger.find_logs(&filter).await
    }
}

impl From<ViewError<LedgerError>> for LedgerError {
    fn from(error: ViewError<LedgerError>) -> Self {
        match error {
            ViewError::Unanswered(error) => error,
            ViewError::Refused { data, .. } => node::refused(data),
            ViewError::Undecodable { .. } | ViewError::Impossible { .. } => {
                Self::Unreadable { source: Box::new(error) }
            }
        }
    }
}
