//! The encoding of a bucket.
//!
//! Depth (1 byte), the bytes of the path that it covers, then the entries in path order. An entry: its kind (0
//! account without code, 1 with code, 2 slot), address, then nonce, balance and, with code, its hash; or slot and
//! value. Numbers have a length byte and no leading zeros: a plain account takes about 35 bytes. Only one encoding is
//! valid.

use super::{
    leaf::{Entry, Leaf, node_hash},
    node::{Place, bit},
};
use crate::changes::AccountState;
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256};

/// Largest number of entries of a bucket; with one more, it is split. Measured: with fewer the tree above takes more
/// memory (about 14 bytes per entry at 16), with more a changed entry costs more bytes and hashes.
pub const BUCKET_ENTRIES_MAX: usize = 16;

/// Neighbours with at most this many entries together are merged. Half of the maximum, so that buckets don't split
/// and merge all the time.
pub(super) const MERGED_ENTRIES_MAX: usize = BUCKET_ENTRIES_MAX / 2;

const PLAIN_ACCOUNT: u8 = 0;
const ACCOUNT_WITH_CODE: u8 = 1;
const SLOT: u8 = 2;

/// Entries that share a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    pub(super) place: Place,
    pub(super) entries: Vec<Entry>,
}

impl Bucket {
    pub(super) fn to_bytes(place: &Place, leaves: &[Leaf]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(40 * leaves.len() + 8);
        bytes.push(u8::try_from(place.depth).expect("two leaves differ in one of 256 bits"));
        bytes.extend_from_slice(&place.path[..place.depth.div_ceil(8)]);
        for leaf in leaves {
            put_entry(&mut bytes, &leaf.entry);
        }
        bytes
    }

    /// Decodes a bucket; returns `None` for bytes that [`Self::to_bytes`] does not write. The order of the entries is
    /// not checked.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (place, mut bytes) = take_place(bytes)?;
        let mut entries = Vec::with_capacity(BUCKET_ENTRIES_MAX);
        while !bytes.is_empty() {
            entries.push(take_entry(&mut bytes)?);
            if entries.len() > BUCKET_ENTRIES_MAX {
                return None;
            }
        }
        Some(Self { place, entries })
    }

    /// Decodes only the place of a bucket.
    pub(super) fn place(bytes: &[u8]) -> Option<Place> {
        take_place(bytes).map(|(place, _)| place)
    }

    /// Returns the entries with their paths; `None` unless they ascend and share the bucket's path.
    pub(super) fn leaves(&self) -> Option<Vec<Leaf>> {
        let leaves: Vec<Leaf> = self.entries.iter().copied().map(Leaf::new).collect();
        let ascend = leaves.windows(2).all(|pair| pair[0].path < pair[1].path);
        let belong = leaves.iter().all(|leaf| shares(&leaf.path, &self.place));
        (ascend && belong).then_some(leaves)
    }
}

/// Returns whether `path` begins as `place` does.
pub(super) fn shares(path: &B256, place: &Place) -> bool {
    let (whole, rest) = (place.depth / 8, place.depth % 8);
    path[..whole] == place.path[..whole]
        && (rest == 0 || (path[whole] ^ place.path[whole]) >> (8 - rest) == 0)
}

/// Returns the hash of leaves that share the first `depth` bits, by the definition above.
pub(super) fn hash(leaves: &[(B256, B256)], depth: usize) -> B256 {
    match leaves {
        [] => B256::ZERO,
        [(_, hash)] => *hash,
        _ => {
            let (left, right) = halves(leaves, depth, |(path, _)| path);
            node_hash(&hash(left, depth + 1), &hash(right, depth + 1))
        }
    }
}

/// Returns paths and hashes of leaves.
pub(super) fn hashed(leaves: &[Leaf]) -> Vec<(B256, B256)> {
    leaves.iter().map(|leaf| (leaf.path, leaf.entry.hash(&leaf.path))).collect()
}

/// Splits sorted items that share `depth` bits by the next bit.
pub(super) fn halves<T>(items: &[T], depth: usize, path: impl Fn(&T) -> &B256) -> (&[T], &[T]) {
    items.split_at(items.partition_point(|item| bit(path(item), depth) == 0))
}

pub(super) fn put_entry(bytes: &mut Vec<u8>, entry: &Entry) {
    match entry {
        Entry::Account(address, account) => {
            let is_plain = account.code_hash == KECCAK256_EMPTY;
            bytes.push(if is_plain { PLAIN_ACCOUNT } else { ACCOUNT_WITH_CODE });
            bytes.extend_from_slice(address.as_slice());
            put_number(bytes, &U256::from(account.nonce));
            put_number(bytes, &account.balance);
            if !is_plain {
                bytes.extend_from_slice(account.code_hash.as_slice());
            }
        }
        Entry::Slot(address, slot, value) => {
            bytes.push(SLOT);
            bytes.extend_from_slice(address.as_slice());
            put_number(bytes, slot);
            put_number(bytes, value);
        }
    }
}

fn put_number(bytes: &mut Vec<u8>, number: &U256) {
    let size = number.byte_len();
    bytes.push(u8::try_from(size).expect("at most 32"));
    bytes.extend_from_slice(&number.to_be_bytes::<32>()[32 - size..]);
}

fn take_place(bytes: &[u8]) -> Option<(Place, &[u8])> {
    let (depth, rest) = bytes.split_first()?;
    let depth = usize::from(*depth);
    let (head, rest) = rest.split_at_checked(depth.div_ceil(8))?;
    let mut path = B256::ZERO;
    path[..head.len()].copy_from_slice(head);
    let is_bare = depth % 8 == 0 || path[depth / 8] << (depth % 8) == 0;
    is_bare.then_some((Place { depth, path }, rest))
}

pub(super) fn take_entry(bytes: &mut &[u8]) -> Option<Entry> {
    let [kind] = take::<1>(bytes)?;
    let address = Address::from(take::<20>(bytes)?);
    match kind {
        PLAIN_ACCOUNT | ACCOUNT_WITH_CODE => {
            let nonce = u64::try_from(take_number(bytes)?).ok()?;
            let balance = take_number(bytes)?;
            let code_hash = match kind {
                PLAIN_ACCOUNT => KECCAK256_EMPTY,
                _ => B256::from(take::<32>(bytes)?),
            };
            let is_one_way = kind == PLAIN_ACCOUNT || code_hash != KECCAK256_EMPTY;
            let account = AccountState { nonce, balance, code_hash };
            is_one_way.then_some(Entry::Account(address, account))
        }
        SLOT => {
            let (slot, value) = (take_number(bytes)?, take_number(bytes)?);
            (!value.is_zero()).then_some(Entry::Slot(address, slot, value))
        }
        _ => None,
    }
}

fn take_number(bytes: &mut &[u8]) -> Option<U256> {
    let [size] = take::<1>(bytes)?;
    let (number, rest) = bytes.split_at_checked(usize::from(size))?;
    *bytes = rest;
    let is_bare = number.len() <= 32 && number.first() != Some(&0);
    is_bare.then(|| U256::from_be_slice(number))
}

fn take<const SIZE: usize>(bytes: &mut &[u8]) -> Option<[u8; SIZE]> {
    let (head, rest) = bytes.split_first_chunk::<SIZE>()?;
    *bytes = rest;
    Some(*head)
}
