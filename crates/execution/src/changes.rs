//! The difference between two states.

use alloy_primitives::{Address, B256, Bytes, U256};
use std::collections::BTreeMap;

/// What the ledger keeps of an account, its storage aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountState {
    /// Transactions sent (or contracts created, for a contract).
    pub nonce: u64,
    /// Balance in the smallest unit.
    pub balance: U256,
    /// Keccak-256 of the code; `KECCAK256_EMPTY` without code.
    pub code_hash: B256,
}

/// A value before a block and after it; the two differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change<T> {
    /// Value in the parent's state.
    pub before: T,
    /// Value in the block's state.
    pub after: T,
}

/// Everything a block changed. Maps hold changed entries only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateChanges {
    /// Accounts by address; `None` is an account that does not exist.
    pub accounts: BTreeMap<Address, Change<Option<AccountState>>>,
    /// Storage by address and slot; zero is an absent slot.
    pub slots: BTreeMap<(Address, U256), Change<U256>>,
    /// Code that an account took on in this block, by its hash. May already be known; is never removed.
    pub codes: BTreeMap<B256, Bytes>,
}

impl StateChanges {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.slots.is_empty() && self.codes.is_empty()
    }
}
