//! The state root: a binary Merkle trie over all accounts and slots, updated by the changes of a block, with proofs.
//!
//! **Definition.** Each account and each non-zero slot is a leaf ([`Entry`]) under a 32-byte key, the keyed BLAKE3
//! hash of what it describes. A key's bits, highest first, are its path. The hash of the set of leaves that share the
//! first `depth` bits of a path:
//! - no leaf: 32 zero bytes;
//! - one leaf: `H(leaf; key ‖ value)`, at any depth: a path ends where no other leaf shares it;
//! - more: `H(node; set with bit 0 next ‖ set with bit 1 next)`.
//!
//! `H(domain; …)` is BLAKE3 keyed by the domain's derived key, one compression for a node. The root is the hash at
//! depth 0. It does not depend on history: equal states have equal roots.
//!
//! **Storage.** Leaves that share a path are stored together in *buckets* of at most [`BUCKET_ENTRIES_MAX`] entries;
//! hashes inside a bucket are recomputed when needed, those above the buckets are in memory. A bucket is never
//! overwritten. A changed one is written again under the next id, so that a block appends some bytes at one place
//! instead of changing pages all over a file: the cost of a block hardly depends on the size of the state. The store
//! removes dead buckets from the oldest id on ([`Commitment::move_bucket`]). The tree is shared between versions: a
//! [`Commitment`] is cheap to clone and never changes under a reader.
//!
//! Invariant on which [`Commitment::restore`] relies: buckets written together cover a path completely, also if
//! nothing is left (an empty bucket). So a bucket is alive exactly when no newer one covers a part of its path.

mod ancestry;
mod bucket;
mod document;
mod leaf;
mod node;
mod proof;
mod restore;
mod stream;
mod update;

pub use ancestry::{AncestryError, ancestor, encoded_header};
pub use bucket::BUCKET_ENTRIES_MAX;
pub use document::{
    AccountDocument, DocumentError, LeafDocument, PROVEN_SLOTS_MAX, PathDocument, ProofDocument,
    Proven, SlotDocument,
};
pub use leaf::{Entry, StateKey};
pub use proof::{PathEnd, ProofError, StateProof};
pub use restore::{Replayed, RestoreError, Restored};
pub use stream::{Entries, OutOfOrder};
pub use update::CommitmentError;

use crate::changes::{AccountState, StateChanges};
use alloy_primitives::{Address, B256, U256};
use bucket::Bucket;
use node::{Node, Place};
use revm::DatabaseRef;
use std::collections::BTreeMap;
use update::{LeafChange, Update};

/// A state that can be read by address and, for its root, by bucket.
pub trait State: DatabaseRef {
    /// Returns the bytes of a bucket as they were written; `None` if it does not exist.
    ///
    /// # Errors
    /// When it cannot be read.
    fn bucket(&self, id: u64) -> Result<Option<Vec<u8>>, Self::Error>;
}

/// A commitment to a set of accounts and slots: the root, and the bucket of each of them.
#[derive(Clone, Debug)]
pub struct Commitment {
    root: Node,
    next_id: u64,
    live_count: u64,
}

/// The commitment after a block, and its new buckets.
#[derive(Clone, Debug)]
pub struct Moved {
    /// [`Commitment::next_id`] of the commitment before.
    pub base_id: u64,
    /// The commitment after the block.
    pub commitment: Commitment,
    /// New buckets by id, from `base_id` on.
    pub buckets: BTreeMap<u64, Vec<u8>>,
}

impl Commitment {
    /// Number of this scheme in the genesis file. Scheme 1 was a set hash without proofs.
    pub const SCHEME: u8 = 2;

    /// Returns the commitment to the empty state.
    #[must_use]
    pub fn empty() -> Self {
        Self { root: Node::Empty, next_id: 0, live_count: 0 }
    }

    /// Returns the root of the state.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.root.hash()
    }

    /// Returns the id that the next bucket will have. Two commitments of one chain with equal ids and roots are equal.
    #[must_use]
    pub fn next_id(&self) -> u64 {
        self.next_id
    }

    /// Returns the number of buckets of this state. Older ones may still exist, but are not needed.
    #[must_use]
    pub fn live_count(&self) -> u64 {
        self.live_count
    }

    /// Computes the commitment after `changes`; `state` has the buckets before them.
    ///
    /// # Errors
    /// [`CommitmentError`] when `state` cannot be read, does not have the buckets, or is not the one on which
    /// `changes` began.
    pub fn apply<S: State>(
        &self,
        changes: &StateChanges,
        state: &S,
    ) -> Result<Moved, CommitmentError<S::Error>> {
        let changes = LeafChange::of(changes);
        let mut update = Update::new(state, self.next_id, self.live_count);
        let root = update.change(&self.root, Place::TOP, &changes)?;
        let (next_id, live_count, buckets) = update.finish();
        let commitment = Self { root, next_id, live_count };
        Ok(Moved { base_id: self.next_id, commitment, buckets })
    }

    /// Returns an account; `None` if it does not exist.
    ///
    /// # Errors
    /// [`CommitmentError`] when its bucket cannot be read.
    pub fn account<S: State>(
        &self,
        address: &Address,
        state: &S,
    ) -> Result<Option<AccountState>, CommitmentError<S::Error>> {
        Ok(match self.entry(&StateKey::Account(*address), state)? {
            Some(Entry::Account(_, account)) => Some(account),
            _ => None,
        })
    }

    /// Returns a storage slot; zero if never written.
    ///
    /// # Errors
    /// [`CommitmentError`] when its bucket cannot be read.
    pub fn slot<S: State>(
        &self,
        address: &Address,
        slot: &U256,
        state: &S,
    ) -> Result<U256, CommitmentError<S::Error>> {
        Ok(match self.entry(&StateKey::Slot(*address, *slot), state)? {
            Some(Entry::Slot(_, _, value)) => value,
            _ => U256::ZERO,
        })
    }

    fn entry<S: State>(
        &self,
        key: &StateKey,
        state: &S,
    ) -> Result<Option<Entry>, CommitmentError<S::Error>> {
        let (_, Node::Bucket(found)) = self.root.descend(&key.path()) else { return Ok(None) };
        let bucket = update::read(state, found)?;
        Ok(bucket.entries.into_iter().find(|entry| entry.key() == *key))
    }

    /// Proves an account or slot, or that it does not exist, to anyone who knows [`Self::root`].
    ///
    /// # Errors
    /// [`CommitmentError`] when a bucket cannot be read.
    pub fn prove<S: State>(
        &self,
        key: &StateKey,
        state: &S,
    ) -> Result<StateProof, CommitmentError<S::Error>> {
        proof::prove(&self.root, key, state)
    }

    /// Gives a bucket the next id, so that it can be stored at the newest end; the root stays the same. Returns
    /// `None` when the bucket is dead: it is not needed, and can be removed once all older ones are.
    #[must_use]
    pub fn move_bucket(&mut self, id: u64, bytes: &[u8]) -> Option<u64> {
        let place = Bucket::place(bytes)?;
        let moved = self.root.renumber(&place, id, self.next_id);
        moved.then(|| {
            self.next_id += 1;
            self.next_id - 1
        })
    }
}

impl PartialEq for Commitment {
    /// Compares roots and next ids: see [`Commitment::next_id`].
    fn eq(&self, other: &Self) -> bool {
        (self.root(), self.next_id, self.live_count)
            == (other.root(), other.next_id, other.live_count)
    }
}

impl PartialEq for Moved {
    fn eq(&self, other: &Self) -> bool {
        (self.base_id, &self.commitment, &self.buckets)
            == (other.base_id, &other.commitment, &other.buckets)
    }
}

#[cfg(test)]
mod tests;
