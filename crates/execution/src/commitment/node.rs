//! The tree above the buckets.

use super::leaf::node_hash;
use alloy_primitives::B256;
use std::sync::Arc;

/// Number of bits of a path.
pub(super) const DEPTH_MAX: usize = 256;

/// A set of leaves that share a path.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Empty,
    Bucket(Kept),
    Inner(Arc<Inner>),
}

/// A bucket as a node of the tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub(super) id: u64,
    pub(super) count: usize,
    pub(super) hash: B256,
}

/// A node with more leaves than a merged bucket, split by the next bit.
#[derive(Clone, Debug)]
pub(super) struct Inner {
    pub(super) hash: B256,
    pub(super) halves: [Node; 2],
}

/// A position in the tree: the first `depth` bits of `path`, whose other bits are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) depth: usize,
    pub(super) path: B256,
}

impl Place {
    pub(super) const TOP: Self = Self { depth: 0, path: B256::ZERO };

    /// Returns the two places one bit further down.
    pub(super) fn halves(&self) -> [Self; 2] {
        assert!(self.depth < DEPTH_MAX, "keys of one path are equal, and equal keys are one leaf");
        let depth = self.depth + 1;
        let mut right = self.path;
        right[self.depth / 8] |= 0x80 >> (self.depth % 8);
        [Self { depth, path: self.path }, Self { depth, path: right }]
    }
}

/// Returns the bit of a path that decides at `depth`.
pub(super) fn bit(path: &B256, depth: usize) -> usize {
    usize::from(path[depth / 8] >> (7 - depth % 8) & 1)
}

impl Node {
    /// Combines two halves that have at least two leaves.
    pub(super) fn inner(halves: [Self; 2]) -> Self {
        let hash = node_hash(&halves[0].hash(), &halves[1].hash());
        Self::Inner(Arc::new(Inner { hash, halves }))
    }

    pub(super) fn hash(&self) -> B256 {
        match self {
            Self::Empty => B256::ZERO,
            Self::Bucket(kept) => kept.hash,
            Self::Inner(inner) => inner.hash,
        }
    }

    /// Returns the number of leaves; `None` when they are not in one bucket.
    pub(super) fn count(&self) -> Option<usize> {
        match self {
            Self::Empty => Some(0),
            Self::Bucket(kept) => Some(kept.count),
            Self::Inner(_) => None,
        }
    }

    /// Returns the end of a path in the tree, and its depth.
    pub(super) fn descend(&self, path: &B256) -> (usize, &Self) {
        let (mut node, mut depth) = (self, 0);
        while let Self::Inner(inner) = node {
            node = &inner.halves[bit(path, depth)];
            depth += 1;
        }
        (depth, node)
    }

    /// Gives the bucket at a place another id, if it has `id` now.
    pub(super) fn renumber(&mut self, place: &Place, id: u64, new_id: u64) -> bool {
        let (depth, Self::Bucket(kept)) = self.descend(&place.path) else { return false };
        if depth != place.depth || kept.id != id {
            return false;
        }
        // Done only now, because nodes on the path are copied if a reader shares them.
        let mut node = self;
        for depth in 0..place.depth {
            let Self::Inner(inner) = node else { return false };
            node = &mut Arc::make_mut(inner).halves[bit(&place.path, depth)];
        }
        if let Self::Bucket(kept) = node {
            kept.id = new_id;
        }
        true
    }
}
