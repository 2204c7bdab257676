//! Builds the tree again from stored buckets: completely, or from an earlier version and the buckets written since.

use super::{
    Commitment, Entry,
    bucket::{Bucket, hash, hashed},
    node::{Inner, Kept, Node, Place, bit},
};
use alloy_primitives::B256;
use std::sync::Arc;

/// A tree being built: buckets are added from the newest to the oldest.
#[derive(Debug)]
pub struct Restored {
    root: Option<Draft>,
    next_id: u64,
    last_id: Option<u64>,
    live_count: u64,
}

/// The stored buckets do not make a commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bucket {id} of the state is damaged")]
pub struct RestoreError {
    /// Its id.
    pub id: u64,
}

/// A part of the tree covered by a bucket; an absent part is not covered yet.
#[derive(Debug)]
enum Draft {
    Covered(Node),
    Split(Box<[Option<Draft>; 2]>),
}

impl Restored {
    /// Returns an empty tree for a commitment whose [`Commitment::next_id`] was `next_id`.
    #[must_use]
    pub fn new(next_id: u64) -> Self {
        Self { root: None, next_id, last_id: None, live_count: 0 }
    }

    /// Adds a stored bucket, older than all before. Returns the entries of a live one; of a dead one nothing.
    ///
    /// # Errors
    /// [`RestoreError`] when the bytes are not a bucket, or the order is wrong.
    pub fn add(&mut self, id: u64, bytes: &[u8]) -> Result<Vec<Entry>, RestoreError> {
        let damaged = RestoreError { id };
        let place = Bucket::place(bytes).ok_or(damaged)?;
        if id >= self.last_id.unwrap_or(self.next_id) {
            return Err(damaged);
        }
        self.last_id = Some(id);
        let Some(free) = descend(&mut self.root, &place) else { return Ok(Vec::new()) };
        let bucket = Bucket::from_bytes(bytes).ok_or(damaged)?;
        let leaves = bucket.leaves().ok_or(damaged)?;
        *free = Some(Draft::Covered(if leaves.is_empty() {
            Node::Empty
        } else {
            self.live_count += 1;
            let hash = hash(&hashed(&leaves), place.depth);
            Node::Bucket(Kept { id, count: leaves.len(), hash })
        }));
        Ok(bucket.entries)
    }

    /// Returns the commitment; the caller must compare its root.
    #[must_use]
    pub fn finish(self) -> Commitment {
        let root = finish(self.root);
        Commitment { root, next_id: self.next_id, live_count: self.live_count }
    }
}

/// A tree that repeats its history: buckets are added in the order in which they were written.
#[derive(Debug)]
pub struct Replayed {
    root: Node,
    last_id: Option<u64>,
    next_id: u64,
    live_count: u64,
}

impl Commitment {
    /// Begins to repeat the changes from here until the next id was `next_id`.
    #[must_use]
    pub fn replay(&self, next_id: u64) -> Replayed {
        let (root, live_count) = (self.root.clone(), self.live_count);
        Replayed { root, last_id: self.next_id.checked_sub(1), next_id, live_count }
    }
}

impl Replayed {
    /// Adds a bucket, newer than all before; it may be dead at the end.
    ///
    /// # Errors
    /// [`RestoreError`] when the bytes are not a bucket, or the order is wrong.
    pub fn add(&mut self, id: u64, bytes: &[u8]) -> Result<(), RestoreError> {
        let damaged = RestoreError { id };
        if self.last_id.is_some_and(|last| id <= last) || id >= self.next_id {
            return Err(damaged);
        }
        self.last_id = Some(id);
        let bucket = Bucket::from_bytes(bytes).ok_or(damaged)?;
        let leaves = bucket.leaves().ok_or(damaged)?;
        let node = match leaves.len() {
            0 => Node::Empty,
            count => {
                Node::Bucket(Kept { id, count, hash: hash(&hashed(&leaves), bucket.place.depth) })
            }
        };
        self.live_count += live_count(&node);
        let covered = cover(&mut self.root, &bucket.place, 0, node);
        self.live_count = self.live_count.checked_sub(covered).ok_or(damaged)?;
        Ok(())
    }

    /// Returns the commitment; the caller must compare its root.
    #[must_use]
    pub fn finish(mut self) -> Commitment {
        rehash(&mut self.root);
        Commitment { root: self.root, next_id: self.next_id, live_count: self.live_count }
    }
}

/// Replaces what is at a place by `new`; returns the number of live buckets that were there. Hashes on the path
/// become zero.
fn cover(node: &mut Node, place: &Place, depth: usize, new: Node) -> u64 {
    if depth == place.depth {
        return live_count(&std::mem::replace(node, new));
    }
    let mut covered = 0;
    if !matches!(node, Node::Inner(_)) {
        covered = live_count(node);
        let halves = [Node::Empty, Node::Empty];
        *node = Node::Inner(Arc::new(Inner { hash: B256::ZERO, halves }));
    }
    if let Node::Inner(inner) = node {
        let inner = Arc::make_mut(inner);
        inner.hash = B256::ZERO;
        covered += cover(&mut inner.halves[bit(&place.path, depth)], place, depth + 1, new);
    }
    covered
}

fn live_count(node: &Node) -> u64 {
    match node {
        Node::Empty => 0,
        Node::Bucket(_) => 1,
        Node::Inner(inner) => inner.halves.iter().map(live_count).sum(),
    }
}

/// Computes the hashes that are zero; that of an inner node never is, since its halves are not both empty.
fn rehash(node: &mut Node) {
    if let Node::Inner(inner) = node
        && inner.hash == B256::ZERO
    {
        let inner = Arc::make_mut(inner);
        inner.halves.iter_mut().for_each(rehash);
        *node = joined(inner.halves.clone());
    }
}

/// Returns the part at `place` if nothing covers any of it.
fn descend<'a>(root: &'a mut Option<Draft>, place: &Place) -> Option<&'a mut Option<Draft>> {
    let mut part = root;
    for depth in 0..place.depth {
        let split = part.get_or_insert_with(|| Draft::Split(Box::new([None, None])));
        let Draft::Split(halves) = split else { return None };
        part = &mut halves[bit(&place.path, depth)];
    }
    part.is_none().then_some(part)
}

fn finish(part: Option<Draft>) -> Node {
    match part {
        None => Node::Empty,
        Some(Draft::Covered(node)) => node,
        Some(Draft::Split(halves)) => {
            let [left, right] = *halves;
            joined([finish(left), finish(right)])
        }
    }
}

fn joined(halves: [Node; 2]) -> Node {
    match &halves {
        // Both halves of a path are empty: only in a damaged file.
        [Node::Empty, Node::Empty] => Node::Inner(Arc::new(Inner { hash: B256::ZERO, halves })),
        _ => Node::inner(halves),
    }
}
