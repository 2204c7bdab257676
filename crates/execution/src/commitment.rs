//! The state root: a hash of the set of all accounts and slots, moved by differences.
//!
//! `LtHash`: each element is expanded to 1024 lanes of 16 bits by the BLAKE3 extendable output; the set's lanes are the sums
//! modulo 2^16, so that order does not matter and removing an element is subtraction. The root is the BLAKE3 hash of the lanes.
//! Elements are never repeated (one per account, one per non-zero slot), which the construction needs.
//!
//! Source: Bellare and Micciancio, "A new paradigm for collision-free hashing" (EUROCRYPT 1997), AdHash/LtHash; parameters
//! as in Lewi et al., "Securing update propagation with homomorphic hashing" (2019), section 4: lthash16, 1024 lanes.

use crate::changes::{AccountState, StateChanges};
use alloy_primitives::{Address, B256, U256};

/// Bytes of the lanes: 1024 lanes of 16 bits.
pub const LTHASH_SIZE: usize = 2048;

/// Stands for a set of accounts and slots by 32 bytes. Equal sets have equal roots; unequal sets practically never.
pub trait StateCommitment {
    /// Scheme number written into the genesis file.
    const SCHEME: u8;

    /// Moves from the state before `changes` to the state after them.
    fn apply(&mut self, changes: &StateChanges);

    /// Root of the state.
    fn root(&self) -> B256;
}

/// Lanes over the whole state, as the module's text says.
#[derive(Clone, PartialEq, Eq)]
pub struct LtHash {
    lanes: Box<[u16; LTHASH_SIZE / 2]>,
}

impl LtHash {
    /// The commitment to the empty state.
    #[must_use]
    pub fn empty() -> Self {
        Self { lanes: Box::new([0; LTHASH_SIZE / 2]) }
    }

    /// The lanes, little-endian: what the store keeps.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.lanes.iter().flat_map(|lane| lane.to_le_bytes()).collect()
    }

    /// Reads what [`Self::to_bytes`] wrote; `None` unless it is [`LTHASH_SIZE`] bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != LTHASH_SIZE {
            return None;
        }
        let mut commitment = Self::empty();
        for (lane, pair) in commitment.lanes.iter_mut().zip(bytes.chunks_exact(2)) {
            *lane = u16::from_le_bytes([pair[0], pair[1]]);
        }
        Some(commitment)
    }

    /// Adds an account to the set.
    pub fn add_account(&mut self, address: &Address, account: &AccountState) {
        self.combine(&account_element(address, account), u16::wrapping_add);
    }

    /// Adds a non-zero slot to the set; a zero slot is no element and is passed over.
    pub fn add_slot(&mut self, address: &Address, slot: &U256, value: &U256) {
        if !value.is_zero() {
            self.combine(&slot_element(address, slot, value), u16::wrapping_add);
        }
    }

    fn combine(&mut self, element: &[u8], operation: fn(u16, u16) -> u16) {
        let mut expanded = [0_u8; LTHASH_SIZE];
        blake3::Hasher::new_derive_key("gleaner 2026 state element v1")
            .update(element)
            .finalize_xof()
            .fill(&mut expanded);
        for (lane, pair) in self.lanes.iter_mut().zip(expanded.chunks_exact(2)) {
            *lane = operation(*lane, u16::from_le_bytes([pair[0], pair[1]]));
        }
    }
}

impl StateCommitment for LtHash {
    const SCHEME: u8 = 1;

    fn apply(&mut self, changes: &StateChanges) {
        for (address, change) in &changes.accounts {
            if let Some(before) = &change.before {
                self.combine(&account_element(address, before), u16::wrapping_sub);
            }
            if let Some(after) = &change.after {
                self.add_account(address, after);
            }
        }
        for ((address, slot), change) in &changes.slots {
            if !change.before.is_zero() {
                self.combine(&slot_element(address, slot, &change.before), u16::wrapping_sub);
            }
            self.add_slot(address, slot, &change.after);
        }
    }

    fn root(&self) -> B256 {
        let mut hasher = blake3::Hasher::new_derive_key("gleaner 2026 state root v1");
        hasher.update(&[Self::SCHEME]).update(&self.to_bytes());
        B256::from(*hasher.finalize().as_bytes())
    }
}

impl std::fmt::Debug for LtHash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("LtHash").field(&self.root()).finish()
    }
}

/// Fixed width for each kind, the kind first: no two elements share an encoding.
fn account_element(address: &Address, account: &AccountState) -> Vec<u8> {
    let mut element = Vec::with_capacity(93);
    element.push(0);
    element.extend_from_slice(address.as_slice());
    element.extend_from_slice(&account.nonce.to_be_bytes());
    element.extend_from_slice(&account.balance.to_be_bytes::<32>());
    element.extend_from_slice(account.code_hash.as_slice());
    element
}

fn slot_element(address: &Address, slot: &U256, value: &U256) -> Vec<u8> {
    let mut element = Vec::with_capacity(85);
    element.push(1);
    element.extend_from_slice(address.as_slice());
    element.extend_from_slice(&slot.to_be_bytes::<32>());
    element.extend_from_slice(&value.to_be_bytes::<32>());
    element
}

#[cfg(test)]
mod tests;
