//! Proofs of an account or slot for anyone who knows the root.

use super::{
    CommitmentError, State,
    bucket::{halves, hash, hashed},
    leaf::{Entry, StateKey, node_hash},
    node::{DEPTH_MAX, Node, bit},
    update::read,
};
use alloy_primitives::B256;

/// The path from the root to the end of a key's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateProof {
    /// Hashes of the sibling sets, from the root down; at most 256.
    pub siblings: Vec<B256>,
    /// What is at its end.
    pub end: PathEnd,
}

/// The end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathEnd {
    /// Nothing: the key does not exist.
    Empty,
    /// The only leaf on this path: that of the key, or another one; then the key does not exist.
    Leaf(Entry),
}

/// Why a proof is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The proof has more steps than a path has bits.
    #[error("proof has {count} steps, more than the 256 bits of a path")]
    TooLong {
        /// Number of steps.
        count: usize,
    },
    /// The end is a slot of value zero, which is never a leaf.
    #[error("proof ends in a slot with value zero, which is never a leaf")]
    ZeroSlot,
    /// The leaf at the end is not on the path of the key.
    #[error("proof ends in a leaf that is not on the path of the key")]
    OtherPath,
    /// The proof belongs to another state, or was changed.
    #[error("proof leads to root {found}, not to {expected}")]
    Root {
        /// The root it leads to.
        found: B256,
        /// The given root.
        expected: B256,
    },
}

impl StateProof {
    /// Returns the entry of `key` in the state with `root`; `None` when it does not exist.
    ///
    /// # Errors
    /// [`ProofError`] when the proof is invalid.
    pub fn verify(&self, root: &B256, key: &StateKey) -> Result<Option<Entry>, ProofError> {
        let count = self.siblings.len();
        if count > DEPTH_MAX {
            return Err(ProofError::TooLong { count });
        }
        let path = key.path();
        let (mut hash, entry) = match &self.end {
            PathEnd::Empty => (B256::ZERO, None),
            PathEnd::Leaf(Entry::Slot(_, _, value)) if value.is_zero() => {
                return Err(ProofError::ZeroSlot);
            }
            PathEnd::Leaf(entry) => {
                let own = entry.key().path();
                if (0..count).any(|depth| bit(&own, depth) != bit(&path, depth)) {
                    return Err(ProofError::OtherPath);
                }
                (entry.hash(&own), (entry.key() == *key).then_some(*entry))
            }
        };
        for (depth, sibling) in self.siblings.iter().enumerate().rev() {
            hash = match bit(&path, depth) {
                0 => node_hash(&hash, sibling),
                _ => node_hash(sibling, &hash),
            };
        }
        if hash != *root {
            return Err(ProofError::Root { found: hash, expected: *root });
        }
        Ok(entry)
    }
}

pub(super) fn prove<S: State>(
    root: &Node,
    key: &StateKey,
    state: &S,
) -> Result<StateProof, CommitmentError<S::Error>> {
    let path = key.path();
    let (mut node, mut siblings) = (root, Vec::new());
    while let Node::Inner(inner) = node {
        let side = bit(&path, siblings.len());
        siblings.push(inner.halves[1 - side].hash());
        node = &inner.halves[side];
    }
    let Node::Bucket(kept) = node else {
        return Ok(StateProof { siblings, end: PathEnd::Empty });
    };
    let bucket = read(state, kept)?;
    let leaves = bucket.leaves().ok_or(CommitmentError::Bucket { id: kept.id })?;
    let hashes = hashed(&leaves);
    let mut rest = hashes.as_slice();
    while rest.len() > 1 {
        let depth = siblings.len();
        let (left, right) = halves(rest, depth, |(path, _)| path);
        let (own, beside) = if bit(&path, depth) == 0 { (left, right) } else { (right, left) };
        siblings.push(hash(beside, depth + 1));
        rest = own;
    }
    let end = match rest {
        [(path, _)] => leaves.iter().find(|leaf| leaf.path == *path).map(|leaf| leaf.entry),
        _ => None,
    };
    Ok(StateProof { siblings, end: end.map_or(PathEnd::Empty, PathEnd::Leaf) })
}
