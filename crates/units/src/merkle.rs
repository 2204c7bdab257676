//! A Merkle tree over digests.

use thiserror::Error;

use crate::Digest;

/// Largest number of leaves of a tree.
pub const LEAF_COUNT_MAX: usize = 1 << 16;

/// First hashed byte of a leaf and of a node, so that neither can be taken for the other.
const LEAF: u8 = 0;
const NODE: u8 = 1;

/// Returns the root of `leaves`, in their order.
///
/// As in RFC 6962, section 2.1, with BLAKE3: a leaf is `BLAKE3(0 ‖ digest)`, a node `BLAKE3(1 ‖ left ‖ right)`, and
/// the left side holds the largest power of two below the number of leaves. Leaves are never repeated as padding.
///
/// # Panics
/// When there is no leaf.
#[must_use]
pub fn merkle_root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => panic!("a tree without leaves has no root"),
        [leaf] => hash(LEAF, &[leaf]),
        _ => {
            let (left, right) = leaves.split_at(left_count(leaves.len()));
            hash(NODE, &[&merkle_root(left), &merkle_root(right)])
        }
    }
}

/// A proof that a leaf belongs to a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Index of the leaf.
    pub index: usize,
    /// Number of leaves of the tree.
    pub leaf_count: usize,
    /// The sibling of each node on the path, from the leaf up.
    pub siblings: Vec<Digest>,
}

/// The leaf does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("leaf {index} does not exist: the tree has {leaf_count} leaves, counted from 0")]
pub struct NoSuchLeaf {
    index: usize,
    leaf_count: usize,
}

/// Returns the proof of one leaf.
///
/// # Errors
/// When there is no leaf at `index`.
pub fn proof(leaves: &[Digest], index: usize) -> Result<Proof, NoSuchLeaf> {
    if index >= leaves.len() {
        return Err(NoSuchLeaf { index, leaf_count: leaves.len() });
    }
    let mut siblings = Vec::new();
    let (mut rest, mut at) = (leaves, index);
    while rest.len() > 1 {
        let (left, right) = rest.split_at(left_count(rest.len()));
        let other = match at.checked_sub(left.len()) {
            Some(within) => {
                (rest, at) = (right, within);
                left
            }
            None => {
                rest = left;
                right
            }
        };
        siblings.push(merkle_root(other));
    }
    siblings.reverse();
    Ok(Proof { index, leaf_count: leaves.len(), siblings })
}

/// Returns whether `proof` shows that `leaf` is the leaf at its index under `root`.
#[must_use]
pub fn verify_proof(root: &Digest, leaf: &Digest, proof: &Proof) -> bool {
    if proof.index >= proof.leaf_count || proof.leaf_count > LEAF_COUNT_MAX {
        return false;
    }
    // Collects left and right turns from the root down to the leaf; hashing goes the other way.
    let (mut at, mut count) = (proof.index, proof.leaf_count);
    let mut is_right = Vec::new();
    while count > 1 {
        let left = left_count(count);
        let within = at.checked_sub(left);
        is_right.push(within.is_some());
        (at, count) = match within {
            Some(within) => (within, count.saturating_sub(left)),
            None => (at, left),
        };
    }
    if is_right.len() != proof.siblings.len() {
        return false;
    }
    let turns = is_right.iter().rev().zip(&proof.siblings);
    let top = turns.fold(hash(LEAF, &[leaf]), |own, (&is_right, sibling)| {
        if is_right { hash(NODE, &[sibling, &own]) } else { hash(NODE, &[&own, sibling]) }
    });
    top == *root
}

/// Returns the largest power of two below `count`, which is at least 2.
fn left_count(count: usize) -> usize {
    count.div_ceil(2).next_power_of_two()
}

fn hash(kind: u8, parts: &[&Digest]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[kind]);
    for part in parts {
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test that indexes wrongly has failed")]
mod tests {
    use super::*;

    fn leaves(count: u8) -> Vec<Digest> {
        (0..count).map(|byte| Digest::from_bytes([byte; 32])).collect()
    }

    #[test]
    fn the_left_side_is_the_largest_power_of_two_below() {
        for (count, expected) in [(2, 1), (3, 2), (4, 2), (5, 4), (7, 4), (8, 4), (9, 8)] {
            assert_eq!(left_count(count), expected, "of {count}");
        }
    }

    #[test]
    fn every_leaf_has_a_proof_and_only_its_own() {
        for count in 1..20 {
            let leaves = leaves(count);
            let root = merkle_root(&leaves);
            for (index, leaf) in leaves.iter().enumerate() {
                let good = proof(&leaves, index).unwrap();
                assert!(verify_proof(&root, leaf, &good), "leaf {index} of {count}");
                assert!(!verify_proof(&root, &Digest::from_bytes([99; 32]), &good));
                assert!(!verify_proof(&Digest::from_bytes([99; 32]), leaf, &good));
                let longer = Proof {
                    siblings: [good.siblings.clone(), vec![root]].concat(),
                    ..good.clone()
                };
                assert!(!verify_proof(&root, leaf, &longer));
                for other in 0..leaves.len() {
                    let moved = Proof { index: other, ..good.clone() };
                    assert_eq!(verify_proof(&root, leaf, &moved), other == index);
                }
            }
            assert!(proof(&leaves, leaves.len()).is_err());
        }
    }

    #[test]
    fn a_proof_from_outside_is_bounded() {
        let huge = Proof { index: 0, leaf_count: usize::MAX, siblings: vec![] };
        assert!(!verify_proof(&Digest::from_bytes([0; 32]), &Digest::from_bytes([0; 32]), &huge));
    }

    #[test]
    fn roots_depend_on_order_and_number() {
        let leaves = leaves(5);
        let root = merkle_root(&leaves);
        assert_ne!(root, merkle_root(&leaves[..4]));
        let mut swapped = leaves.clone();
        swapped.swap(0, 4);
        assert_ne!(root, merkle_root(&swapped));
        // A node must not be accepted as a leaf.
        let pair = hash(NODE, &[&hash(LEAF, &[&leaves[0]]), &hash(LEAF, &[&leaves[1]])]);
        assert_ne!(merkle_root(&[pair]), merkle_root(&leaves[..2]));
    }
}
