//! The tables of the file. Numbers are big-endian.

use crate::{
    entries::{Entries, List, SUBJECT_SIZE},
    position::Position,
};
use alloy_primitives::B256;
use redb::TableDefinition;

/// Version of this layout, in [`META`] under [`FORMAT`].
pub(crate) const FORMAT_VERSION: u32 = 1;

/// Single values by name.
pub(crate) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// [`META`]: what the file is an index of ([`Origin`]).
pub(crate) const ORIGIN: &str = "origin";
/// [`META`]: how far it is ([`Cursor`]).
pub(crate) const CURSOR: &str = "cursor";

/// Kind, subject, position ([`key`]) → a value that depends on the kind.
pub(crate) const ENTRIES: TableDefinition<'_, &[u8; KEY_SIZE], u32> =
    TableDefinition::new("entries");
/// Height → hash of the block, then the keys of its entries without the height ([`BlockRow`]). There is a row for each block that has entries,
/// and for every [`CHECKPOINT_BLOCKS`]th.
pub(crate) const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");

/// Blocks whose height is a multiple have a row in [`BLOCKS`] even if they are empty, so that where a ledger went back to is found without
/// reading far.
pub(crate) const CHECKPOINT_BLOCKS: u64 = 16;

const LIST_SIZE: usize = 1 + SUBJECT_SIZE;
pub(crate) const KEY_SIZE: usize = LIST_SIZE + Position::SIZE;
/// Of a key in a [`BlockRow`].
const SHORT_SIZE: usize = KEY_SIZE - 8;

/// The key of an entry.
pub(crate) fn key(list: &List, position: Position) -> [u8; KEY_SIZE] {
    let mut key = [0; KEY_SIZE];
    key[0] = list.kind.byte();
    key[1..LIST_SIZE].copy_from_slice(&list.subject);
    key[LIST_SIZE..].copy_from_slice(&position.to_bytes());
    key
}

/// The position in a key.
pub(crate) fn position(key: &[u8; KEY_SIZE]) -> Position {
    let bytes = key[LIST_SIZE..].try_into().expect("a key ends in a position");
    Position::from_bytes(bytes)
}

/// What a file is an index of; another one means that it must be made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Hash of the ledger's genesis block.
    pub(crate) genesis: B256,
    /// What is kept, a bit each.
    pub(crate) kept: u8,
}

impl Origin {
    pub(crate) fn to_bytes(self) -> [u8; 37] {
        let mut bytes = [0; 37];
        bytes[..4].copy_from_slice(&FORMAT_VERSION.to_be_bytes());
        bytes[4] = self.kept;
        bytes[5..].copy_from_slice(self.genesis.as_slice());
        bytes
    }
}

/// How far the index is: it holds the blocks from `first` up to, without, `next`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) first: u64,
    pub(crate) next: u64,
    /// Of the block before `next`; zero when that is not known, or not in the index.
    pub(crate) hash: B256,
}

impl Cursor {
    pub(crate) fn to_bytes(self) -> [u8; 48] {
        let mut bytes = [0; 48];
        bytes[..8].copy_from_slice(&self.first.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.next.to_be_bytes());
        bytes[16..].copy_from_slice(self.hash.as_slice());
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (first, rest) = bytes.split_first_chunk::<8>()?;
        let (next, hash) = rest.split_first_chunk::<8>()?;
        let (first, next) = (u64::from_be_bytes(*first), u64::from_be_bytes(*next));
        let hash = B256::from(<[u8; 32]>::try_from(hash).ok()?);
        (first <= next).then_some(Self { first, next, hash })
    }
}

/// A row of [`BLOCKS`].
pub(crate) struct BlockRow;

impl BlockRow {
    /// `entries` are those of this block.
    pub(crate) fn to_bytes(hash: &B256, entries: &Entries) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(32 + entries.len() * SHORT_SIZE);
        bytes.extend_from_slice(hash.as_slice());
        for (list, position) in entries.keys() {
            let key = key(list, *position);
            bytes.extend_from_slice(&key[..LIST_SIZE]);
            bytes.extend_from_slice(&key[LIST_SIZE + 8..]);
        }
        bytes
    }

    /// Hash of the block.
    pub(crate) fn hash(bytes: &[u8]) -> Option<B256> {
        bytes.first_chunk::<32>().map(B256::from)
    }

    /// Keys of the entries of the block at `number`.
    pub(crate) fn keys(number: u64, bytes: &[u8]) -> Option<Vec<[u8; KEY_SIZE]>> {
        let (short, rest) = bytes.get(32..)?.as_chunks::<SHORT_SIZE>();
        let whole = |short: &[u8; SHORT_SIZE]| {
            let mut key = [0; KEY_SIZE];
            key[..LIST_SIZE].copy_from_slice(&short[..LIST_SIZE]);
            key[LIST_SIZE..LIST_SIZE + 8].copy_from_slice(&number.to_be_bytes());
            key[LIST_SIZE + 8..].copy_from_slice(&short[LIST_SIZE..]);
            key
        };
        rest.is_empty().then(|| short.iter().map(whole).collect())
    }
}
