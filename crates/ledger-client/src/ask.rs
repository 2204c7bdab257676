//! The ledger behind a node, as views ask it.

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, Bytes};
use alloy_provider::Provider as _;
use alloy_rpc_types_eth::{Filter, Log, TransactionRequest};
use ledger_views::{AccountState, Ask, Call, Head, LogFilter, Outcome, PlacedLog, ViewError};

use crate::{Ledger, LedgerError, node};

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
        let provider = &self.shared.node.provider;
        let found = self.ask(|| async { provider.get_block_by_number(block).await }).await?;
        let missing = || self.shared.node.malformed(format!("there is no block {block}"));
        let header = found.ok_or_else(missing)?.header;
        Ok(Head {
            height: header.number,
            hash: abi::convert::digest(header.hash),
            time: units::UnixSeconds::new(header.timestamp),
        })
    }

    async fn outcome(&self, call: &Call, block: BlockId) -> Result<Outcome, LedgerError> {
        let request = TransactionRequest::default().to(call.to).input(call.input.clone().into());
        let provider = &self.shared.node.provider;
        let answer = self.ask(|| async { provider.call(request.clone()).block(block).await });
        match answer.await {
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
        let provider = &self.shared.node.provider;
        let balance = self.ask(|| async { provider.get_balance(address).block_id(block).await });
        let balance = balance.await?;
        let nonce =
            self.ask(|| async { provider.get_transaction_count(address).block_id(block).await });
        let nonce = nonce.await?;
        let code: Bytes =
            self.ask(|| async { provider.get_code_at(address).block_id(block).await }).await?;
        Ok(AccountState { balance, nonce, code })
    }

    async fn find_logs(&self, filter: &LogFilter) -> Result<Vec<PlacedLog>, LedgerError> {
        let mut asked = Filter::new()
            .address(filter.address)
            .from_block(*filter.heights.start())
            .to_block(*filter.heights.end());
        for (place, topic) in asked.topics.iter_mut().zip(&filter.topics) {
            *place = topic.map_or_else(Default::default, Into::into);
        }
        let provider = &self.shared.node.provider;
        let logs = self.ask(|| async { provider.get_logs(&asked).await }).await?;
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
