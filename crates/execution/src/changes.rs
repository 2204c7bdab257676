//! The difference between two states.

use alloy_primitives::{Address, B256, Bytes, U256};
use std::collections::BTreeMap;

/// An account without its storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountState {
    /// Number of transactions sent (for a contract: of contracts created).
    pub nonce: u64,
    /// Balance in the smallest unit.
    pub balance: U256,
    /// Keccak-256 of the code; `KECCAK256_EMPTY` without code.
    pub code_hash: B256,
}

/// A value before and after a block; the two differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change<T> {
    /// Value in the parent's state.
    pub before: T,
    /// Value in the block's state.
    pub after: T,
}

/// All changes of a block. Maps have only changed entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateChanges {
    /// Accounts by address; `None` is an account that does not exist.
    pub accounts: BTreeMap<Address, Change<Option<AccountState>>>,
    /// Storage by address and slot; zero is an absent slot.
    pub slots: BTreeMap<(Address, U256), Change<U256>>,
    /// Code that an account got in this block, by its hash. May be known already; is never removed.
    pub codes: BTreeMap<B256, Bytes>,
}

impl StateChanges {
    /// Returns whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.slots.is_empty() && self.codes.is_empty()
    }
}
