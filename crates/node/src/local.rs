//! The ledger of this node, as those in the same process ask it.

use std::sync::Arc;

use abi::convert;
use alloy_primitives::{Address, Bloom, BloomInput};
use execution::{Call, CallError, CallOutcome, Overrides};
use ledger_views::{AccountState, Ask, Head, LogFilter, Outcome, PlacedLog};
use store::{Reader, StoreError};
use units::UnixSeconds;

use crate::{CallBlock, Node, StateView};

/// The largest number of blocks in which logs are searched at a time.
const BLOCKS_MAX: u64 = 10_000;
/// The largest number of logs returned at a time.
const LOGS_MAX: usize = 10_000;

/// The ledger as it stands after one block. It answers at once: read views of it with [`ledger_views::ready`].
pub struct LocalLedger {
    state: StateView,
}

/// Why the local ledger gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The disk.
    #[error("the chain can't be read")]
    Store(#[from] StoreError),
    /// A call did not run.
    #[error("the call of {to} did not run")]
    Call {
        /// Who was called.
        to: Address,
        /// Why.
        source: CallError<StoreError>,
    },
    /// A call ran out of gas or met an invalid instruction.
    #[error("the call of {to} halted: {reason}")]
    Halted {
        /// Who was called.
        to: Address,
        /// The machine's word for it.
        reason: String,
    },
    /// Old blocks were removed to save space.
    #[error("this node keeps the blocks from {first} on, and block {asked} was asked for")]
    Pruned {
        /// The oldest block asked for.
        asked: u64,
        /// The oldest block kept.
        first: u64,
    },
    /// Too many blocks or logs.
    #[error(
        "logs are read from at most {BLOCKS_MAX} blocks at a time, and at most {LOGS_MAX} of them: ask for fewer blocks"
    )]
    TooLarge,
}

impl Node {
    /// The ledger as it stands now.
    ///
    /// # Errors
    /// [`StoreError`] when it can't be read.
    pub fn local(&self) -> Result<LocalLedger, StoreError> {
        Ok(self.local_on(self.reader()?))
    }

    /// The ledger as it stood after an earlier block; `None` when that state is not kept any longer, or there is no such block.
    ///
    /// # Errors
    /// [`StoreError`] when it can't be read.
    pub fn local_at(&self, height: u64) -> Result<Option<LocalLedger>, StoreError> {
        let reader = self.reader()?.at(height)?;
        Ok(reader.map(|reader| self.local_on(Arc::new(reader))))
    }

    fn local_on(&self, reader: Arc<Reader>) -> LocalLedger {
        LocalLedger { state: self.view(reader, CallBlock::Same) }
    }
}

impl LocalLedger {
    fn call(&self, call: ledger_views::Call) -> Result<Outcome, LocalError> {
        let to = call.to;
        let overrides = Overrides::default();
        let context = self.state.call_context(&overrides);
        let given = Call { gas_limit: call.gas, ..Call::read_only(to, call.input) };
        match context.call(&given) {
            Ok(CallOutcome::Returned { output, .. }) => Ok(Outcome::Returned(output)),
            Ok(CallOutcome::Reverted { output, .. }) => Ok(Outcome::Reverted(output)),
            Ok(CallOutcome::Halted { reason, .. }) => Err(LocalError::Halted { to, reason }),
            Err(source) => Err(LocalError::Call { to, source }),
        }
    }

    fn state_of(&self, address: &Address) -> Result<AccountState, StoreError> {
        let Some(account) = self.state.account(address)? else {
            return Ok(AccountState::default());
        };
        let code = self.state.code(&account.code_hash)?;
        Ok(AccountState { balance: account.balance, nonce: account.nonce, code })
    }

    fn find_logs(&self, filter: &LogFilter) -> Result<Vec<PlacedLog>, LocalError> {
        let (asked, first) = (*filter.heights.start(), self.state.reader().first_block());
        let last = self.state.reader().head().number.min(*filter.heights.end());
        if asked < first {
            return Err(LocalError::Pruned { asked, first });
        }
        if last.saturating_sub(asked) >= BLOCKS_MAX {
            return Err(LocalError::TooLarge);
        }
        let mut logs = Vec::new();
        for height in asked..=last {
            self.append_logs(height, filter, &mut logs)?;
            // The logs of one block can't be divided; its gas bounds them.
            if asked < last && logs.len() > LOGS_MAX {
                return Err(LocalError::TooLarge);
            }
        }
        Ok(logs)
    }

    fn append_logs(
        &self,
        height: u64,
        filter: &LogFilter,
        logs: &mut Vec<PlacedLog>,
    ) -> Result<(), StoreError> {
        let may_hold = |bloom: Bloom| {
            let topics = filter.topics.iter().flatten();
            let mut asked = std::iter::once(filter.address.as_slice())
                .chain(topics.map(|topic| topic.as_slice()));
            asked.all(|asked| bloom.contains_input(BloomInput::Raw(asked)))
        };
        let header = self.state.reader().header(height)?;
        if !header.is_some_and(|header| may_hold(header.logs_bloom)) {
            return Ok(());
        }
        let Some(block) = self.state.reader().block(height)? else { return Ok(()) };
        let receipts = self.state.reader().receipts(height)?.unwrap_or_default();
        for (transaction, receipt) in block.transactions.iter().zip(&receipts) {
            let matching = receipt.logs().iter().filter(|log| filter.matches(log));
            logs.extend(matching.map(|log| PlacedLog {
                height,
                transaction: *transaction.tx_hash(),
                log: log.clone(),
            }));
        }
        Ok(())
    }
}

impl Ask for LocalLedger {
    type Error = LocalError;

    async fn head(&self) -> Result<Head, LocalError> {
        let head = self.state.reader().head();
        Ok(Head {
            height: head.number,
            hash: convert::digest(head.hash()),
            time: UnixSeconds::new(head.timestamp),
        })
    }

    async fn block(&self, height: u64) -> Result<Option<Head>, LocalError> {
        let header = self.state.reader().header(height)?;
        Ok(header.map(|header| Head {
            height,
            hash: convert::digest(header.hash()),
            time: UnixSeconds::new(header.timestamp),
        }))
    }

    async fn calls(&self, calls: Vec<ledger_views::Call>) -> Result<Vec<Outcome>, LocalError> {
        calls.into_iter().map(|call| self.call(call)).collect()
    }

    async fn account(&self, address: Address) -> Result<AccountState, LocalError> {
        Ok(self.state_of(&address)?)
    }

    async fn logs(&self, filter: LogFilter) -> Result<Vec<PlacedLog>, LocalError> {
        self.find_logs(&filter)
    }
}
