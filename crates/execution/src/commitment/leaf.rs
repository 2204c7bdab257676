//! Leaves and their hashes.

use crate::changes::AccountState;
use alloy_primitives::{Address, B256, U256};
use std::sync::LazyLock;

/// Keys of the three domains. An input of one can't be an input of another.
static DOMAINS: LazyLock<[[u8; 32]; 3]> = LazyLock::new(|| {
    ["gleaner 2026 state key v2", "gleaner 2026 state leaf v2", "gleaner 2026 state node v2"]
        .map(|domain| blake3::derive_key(domain, &[]))
});

/// Returns the hash of a set of two or more leaves from those of its halves.
pub(super) fn node_hash(left: &B256, right: &B256) -> B256 {
    let mut input = [0; 64];
    input[..32].copy_from_slice(left.as_slice());
    input[32..].copy_from_slice(right.as_slice());
    B256::from(*blake3::keyed_hash(&DOMAINS[2], &input).as_bytes())
}

/// The account or slot of a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StateKey {
    /// An account.
    Account(Address),
    /// A storage slot of an account.
    Slot(Address, U256),
}

impl StateKey {
    /// Returns the leaf's key: keyed BLAKE3 of the address, or of address and slot (32 bytes, big-endian). The
    /// lengths differ, so the inputs do.
    #[must_use]
    pub fn path(&self) -> B256 {
        let hash = match self {
            Self::Account(address) => blake3::keyed_hash(&DOMAINS[0], address.as_slice()),
            Self::Slot(address, slot) => {
                let mut input = [0; 52];
                input[..20].copy_from_slice(address.as_slice());
                input[20..].copy_from_slice(&slot.to_be_bytes::<32>());
                blake3::keyed_hash(&DOMAINS[0], &input)
            }
        };
        B256::from(*hash.as_bytes())
    }

    /// Returns the address of the account.
    #[must_use]
    pub fn address(&self) -> Address {
        match self {
            Self::Account(address) | Self::Slot(address, _) => *address,
        }
    }
}

/// A leaf: an account, or a slot that is not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// An account.
    Account(Address, AccountState),
    /// Address, slot, value.
    Slot(Address, U256, U256),
}

impl Entry {
    /// Returns the account or slot of the leaf.
    #[must_use]
    pub fn key(&self) -> StateKey {
        match self {
            Self::Account(address, _) => StateKey::Account(*address),
            Self::Slot(address, slot, _) => StateKey::Slot(*address, *slot),
        }
    }

    /// Returns the hash of the leaf: its key, then nonce (8 bytes), balance (32) and code hash, or the value (32),
    /// big-endian.
    pub(super) fn hash(&self, path: &B256) -> B256 {
        let mut input = [0; 104];
        input[..32].copy_from_slice(path.as_slice());
        let size = match self {
            Self::Account(_, account) => {
                input[32..40].copy_from_slice(&account.nonce.to_be_bytes());
                input[40..72].copy_from_slice(&account.balance.to_be_bytes::<32>());
                input[72..].copy_from_slice(account.code_hash.as_slice());
                104
            }
            Self::Slot(_, _, value) => {
                input[32..64].copy_from_slice(&value.to_be_bytes::<32>());
                64
            }
        };
        B256::from(*blake3::keyed_hash(&DOMAINS[1], &input[..size]).as_bytes())
    }
}

/// An entry with its path, by which buckets and changes are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) path: B256,
    pub(super) entry: Entry,
}

impl Leaf {
    pub(super) fn new(entry: Entry) -> Self {
        Self { path: entry.key().path(), entry }
    }
}
