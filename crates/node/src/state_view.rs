//! A state for queries, and the block in which a call on it runs.

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use execution::{
    AccountState, CallContext, Environment, Overrides, PendingBlock, Rules, StateAfter,
};
use revm::{DatabaseRef, bytecode::Bytecode, state::AccountInfo};
use std::sync::Arc;
use store::{Reader, StoreError};

/// The state after a block, or after the transactions of the mempool.
#[derive(Clone)]
pub struct StateView {
    reader: Arc<Reader>,
    pending: Option<Arc<PendingBlock>>,
    rules: Arc<Rules>,
    environment: Environment,
}

impl StateView {
    /// Returns the state after the head of `reader`; a call runs in `environment`, by `rules`.
    pub(crate) fn new(reader: Arc<Reader>, rules: Arc<Rules>, environment: Environment) -> Self {
        Self { reader, pending: None, rules, environment }
    }

    /// Returns the state after `pending`, which follows the head of `reader`; a call runs in that block, after its
    /// transactions.
    pub(crate) fn pending(
        reader: Arc<Reader>,
        pending: Arc<PendingBlock>,
        rules: Arc<Rules>,
        environment: Environment,
    ) -> Self {
        Self { reader, pending: Some(pending), rules, environment }
    }

    /// Returns the last sealed block of the state.
    #[must_use]
    pub fn reader(&self) -> &Arc<Reader> {
        &self.reader
    }

    /// Returns the header of the block before this state.
    #[must_use]
    pub fn header(&self) -> &alloy_consensus::Header {
        match &self.pending {
            Some(pending) => &pending.header,
            None => self.reader.head(),
        }
    }

    /// Returns the same state for calls in a block one second later, if the block of this one may have the timestamp of
    /// the block before it: a transaction that is sent now can still be in a block of the next second.
    #[must_use]
    pub fn in_the_next_second(&self) -> Option<Self> {
        if self.environment.timestamp > self.reader.head().timestamp {
            return None;
        }
        let timestamp = self.environment.timestamp.saturating_add(1);
        Some(Self { environment: Environment { timestamp, ..self.environment }, ..self.clone() })
    }

    /// Returns the context of a call, with `overrides`. The call changes nothing.
    #[must_use]
    pub fn call_context<'a>(&'a self, overrides: &'a Overrides) -> CallContext<'a, Self> {
        let (rules, environment) = (self.rules.as_ref(), self.environment);
        CallContext { state: self, rules, environment, overrides }
    }

    /// Returns an account; `None` if it does not exist.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn account(&self, address: &Address) -> Result<Option<AccountState>, StoreError> {
        let change = self.pending.as_ref().and_then(|block| block.changes.accounts.get(address));
        match change {
            Some(change) => Ok(change.after),
            None => self.reader.account(address),
        }
    }

    /// Returns code by its hash. The empty code is known without being stored.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read or was never stored.
    pub fn code(&self, code_hash: &B256) -> Result<Bytes, StoreError> {
        if *code_hash == KECCAK256_EMPTY {
            return Ok(Bytes::new());
        }
        match self.pending.as_ref().and_then(|block| block.changes.codes.get(code_hash)) {
            Some(code) => Ok(code.clone()),
            None => self.reader.code(code_hash),
        }
    }

    /// Returns the value of a storage slot; zero if never written.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn slot(&self, address: &Address, slot: &U256) -> Result<U256, StoreError> {
        self.storage_ref(*address, *slot)
    }
}

impl DatabaseRef for StateView {
    type Error = StoreError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StoreError> {
        match &self.pending {
            Some(block) => after(&self.reader, block).basic_ref(address),
            None => self.reader.basic_ref(address),
        }
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, StoreError> {
        match &self.pending {
            Some(block) => after(&self.reader, block).code_by_hash_ref(code_hash),
            None => self.reader.code_by_hash_ref(code_hash),
        }
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, StoreError> {
        match &self.pending {
            Some(block) => after(&self.reader, block).storage_ref(address, slot),
            None => self.reader.storage_ref(address, slot),
        }
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, StoreError> {
        self.reader.block_hash_ref(number)
    }
}

fn after<'a>(reader: &'a Reader, block: &'a PendingBlock) -> StateAfter<'a, Reader> {
    StateAfter { base: reader, changes: &block.changes }
}
