//! Updates a tree by changes.

use super::{
    State,
    bucket::{BUCKET_ENTRIES_MAX, Bucket, MERGED_ENTRIES_MAX, halves, hash, hashed},
    leaf::{Entry, Leaf, StateKey},
    node::{Kept, Node, Place},
};
use crate::changes::{Change, StateChanges};
use alloy_primitives::{Address, B256};
use std::collections::BTreeMap;

/// Why a commitment could not be updated or read.
#[derive(Debug, thiserror::Error)]
pub enum CommitmentError<E: std::error::Error + 'static> {
    /// The state could not be read.
    #[error("state could not be read")]
    State(#[source] E),
    /// A bucket is missing or has other entries.
    #[error("bucket {id} of the state is missing or damaged")]
    Bucket {
        /// Its id.
        id: u64,
    },
    /// The changes were made on another state.
    #[error("changes were made on another state: account {address} differs")]
    Stale {
        /// First account that differs.
        address: Address,
    },
}

/// A leaf before and after.
pub(super) struct LeafChange {
    path: B256,
    key: StateKey,
    before: Option<Entry>,
    after: Option<Entry>,
}

impl LeafChange {
    /// Returns the changed leaves in path order.
    pub(super) fn of(changes: &StateChanges) -> Vec<Self> {
        let accounts = changes.accounts.iter().map(|(address, Change { before, after })| {
            let entry = |account| Entry::Account(*address, account);
            (StateKey::Account(*address), before.map(entry), after.map(entry))
        });
        let slots = changes.slots.iter().map(|((address, slot), Change { before, after })| {
            let entry = |value: &alloy_primitives::U256| {
                (!value.is_zero()).then_some(Entry::Slot(*address, *slot, *value))
            };
            (StateKey::Slot(*address, *slot), entry(before), entry(after))
        });
        let mut changes: Vec<Self> = accounts
            .chain(slots)
            .map(|(key, before, after)| Self { path: key.path(), key, before, after })
            .collect();
        changes.sort_unstable_by_key(|change| change.path);
        changes
    }
}

/// An update in progress: the state before, and the new buckets so far.
pub(super) struct Update<'a, S> {
    state: &'a S,
    next_id: u64,
    live_count: u64,
    written: BTreeMap<u64, Vec<u8>>,
}

type Outcome<T, S> = Result<T, CommitmentError<<S as revm::DatabaseRef>::Error>>;

impl<'a, S: State> Update<'a, S> {
    pub(super) fn new(state: &'a S, next_id: u64, live_count: u64) -> Self {
        Self { state, next_id, live_count, written: BTreeMap::new() }
    }

    /// Returns the next id, the number of live buckets, and the new ones.
    pub(super) fn finish(self) -> (u64, u64, BTreeMap<u64, Vec<u8>>) {
        (self.next_id, self.live_count, self.written)
    }

    /// Returns the node that replaces `node` at `place`. All parts with changes are written again, so that new
    /// buckets cover them completely.
    pub(super) fn change(
        &mut self,
        node: &Node,
        place: Place,
        changes: &[LeafChange],
    ) -> Outcome<Node, S> {
        if changes.is_empty() {
            return Ok(node.clone());
        }
        let Node::Inner(inner) = node else {
            let leaves = self.take(node)?;
            return Ok(self.build(place, &merge(&leaves, changes)?));
        };
        let (left, right) = halves(changes, place.depth, |change| &change.path);
        let [left_place, right_place] = place.halves();
        let left = self.change(&inner.halves[0], left_place, left)?;
        let right = self.change(&inner.halves[1], right_place, right)?;
        self.join(place, [left, right])
    }

    /// Merges halves that have become small into one bucket.
    fn join(&mut self, place: Place, halves: [Node; 2]) -> Outcome<Node, S> {
        let count = halves[0].count().zip(halves[1].count()).map(|(left, right)| left + right);
        if count.is_none_or(|count| count > MERGED_ENTRIES_MAX) {
            return Ok(Node::inner(halves));
        }
        let mut leaves = self.take(&halves[0])?;
        leaves.extend(self.take(&halves[1])?);
        Ok(self.write(place, &leaves))
    }

    fn build(&mut self, place: Place, leaves: &[Leaf]) -> Node {
        if leaves.len() <= BUCKET_ENTRIES_MAX {
            return self.write(place, leaves);
        }
        let (left, right) = halves(leaves, place.depth, |leaf| &leaf.path);
        let [left_place, right_place] = place.halves();
        Node::inner([self.build(left_place, left), self.build(right_place, right)])
    }

    /// Writes a bucket, also an empty one: it makes older ones at its place dead.
    fn write(&mut self, place: Place, leaves: &[Leaf]) -> Node {
        let id = self.next_id;
        self.next_id += 1;
        self.written.insert(id, Bucket::to_bytes(&place, leaves));
        if leaves.is_empty() {
            return Node::Empty;
        }
        self.live_count += 1;
        let hash = hash(&hashed(leaves), place.depth);
        Node::Bucket(Kept { id, count: leaves.len(), hash })
    }

    /// Returns the leaves of a bucket that will be written again.
    fn take(&mut self, node: &Node) -> Outcome<Vec<Leaf>, S> {
        let Node::Bucket(kept) = node else { return Ok(Vec::new()) };
        self.live_count -= 1;
        let bucket = match self.written.remove(&kept.id) {
            Some(bytes) => Bucket::from_bytes(&bytes).expect("the bucket was written here"),
            None => read(self.state, kept)?,
        };
        bucket.leaves().ok_or(CommitmentError::Bucket { id: kept.id })
    }
}

/// Reads a bucket of the tree.
pub(super) fn read<S: State>(state: &S, kept: &Kept) -> Outcome<Bucket, S> {
    let bytes = state.bucket(kept.id).map_err(CommitmentError::State)?;
    bytes
        .and_then(|bytes| Bucket::from_bytes(&bytes))
        .filter(|bucket| bucket.entries.len() == kept.count)
        .ok_or(CommitmentError::Bucket { id: kept.id })
}

/// Returns sorted leaves after sorted changes of them.
fn merge<E: std::error::Error>(
    leaves: &[Leaf],
    changes: &[LeafChange],
) -> Result<Vec<Leaf>, CommitmentError<E>> {
    let mut merged = Vec::with_capacity(leaves.len() + changes.len());
    let mut leaves = leaves.iter().copied().peekable();
    for change in changes {
        while let Some(leaf) = leaves.next_if(|leaf| leaf.path < change.path) {
            merged.push(leaf);
        }
        let found = leaves.next_if(|leaf| leaf.path == change.path).map(|leaf| leaf.entry);
        if found != change.before {
            return Err(CommitmentError::Stale { address: change.key.address() });
        }
        merged.extend(change.after.map(|entry| Leaf { path: change.path, entry }));
    }
    merged.extend(leaves);
    Ok(merged)
}
