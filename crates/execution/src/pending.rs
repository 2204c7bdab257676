//! The next block before it is sealed, and the state after it.

use crate::{
    changes::{AccountState, StateChanges},
    transaction::Transaction,
};
use alloy_consensus::{Header, ReceiptEnvelope, transaction::Recovered};
use alloy_primitives::{Address, B256, U256};
use revm::{DatabaseRef, bytecode::Bytecode, state::AccountInfo};

/// A block that was executed but not sealed.
#[derive(Clone, Debug, PartialEq)]
pub struct PendingBlock {
    /// Its header. The state root is zero, so its hash is not the hash of any block.
    pub header: Header,
    /// Transactions in order, with their senders.
    pub transactions: Vec<Recovered<Transaction>>,
    /// One a transaction; logs of successful ones only.
    pub receipts: Vec<ReceiptEnvelope>,
    /// Differences to the parent's state.
    pub changes: StateChanges,
}

/// A state with the changes of a block on top of it.
#[derive(Clone, Copy, Debug)]
pub struct StateAfter<'a, DB> {
    /// The state before the block.
    pub base: &'a DB,
    /// The differences.
    pub changes: &'a StateChanges,
}

impl<DB: DatabaseRef> DatabaseRef for StateAfter<'_, DB> {
    type Error = DB::Error;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Self::Error> {
        match self.changes.accounts.get(&address) {
            Some(change) => Ok(change.after.map(info)),
            None => self.base.basic_ref(address),
        }
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, Self::Error> {
        match self.changes.codes.get(&code_hash) {
            Some(code) => Ok(Bytecode::new_raw_checked(code.clone())
                .unwrap_or_else(|_| Bytecode::new_legacy(code.clone()))),
            None => self.base.code_by_hash_ref(code_hash),
        }
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Self::Error> {
        match self.changes.slots.get(&(address, slot)) {
            Some(change) => Ok(change.after),
            None => self.base.storage_ref(address, slot),
        }
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Self::Error> {
        self.base.block_hash_ref(number)
    }
}

fn info(state: AccountState) -> AccountInfo {
    AccountInfo {
        nonce: state.nonce,
        balance: state.balance,
        code_hash: state.code_hash,
        account_id: None,
        code: None,
    }
}
