//! The tables of the file. Numbers are big-endian; the content of a row is described at its table.

use crate::versions::Version;
use alloy_primitives::B256;
use redb::TableDefinition;

/// Version of this layout, in [`META`] under [`FORMAT`].
pub(crate) const FORMAT_VERSION: u32 = 4;

/// Single values by name.
pub(crate) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// [`META`]: layout version, 4 bytes.
pub(crate) const FORMAT: &str = "format";
/// [`META`]: height of the head, 8 bytes.
pub(crate) const HEAD: &str = "head";
/// [`META`]: present in a development ledger: by how many seconds its time is ahead of the clock's, 8 bytes; empty means 0.
pub(crate) const DEVELOPMENT: &str = "development";
/// [`META`]: where to find the original state after the genesis block, before amendments ([`VersionRow`]); only in a
/// development ledger.
pub(crate) const BEGINNING: &str = "beginning";
/// [`META`]: height of the first block after the genesis block that is kept whole, 8 bytes; absent if the ledger did
/// not begin with a snapshot and was not pruned.
pub(crate) const FIRST: &str = "first";
/// [`META`]: the genesis file, JSON.
pub(crate) const GENESIS: &str = "genesis";

/// Id → a bucket of the state (`execution::Commitment`), live or dead. Rows are appended at the end and removed at
/// the beginning, so that a block writes few pages, whichever accounts it changes.
pub(crate) const BUCKETS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("buckets");
/// Height → where to find the state after that block ([`VersionRow`]). Rows of states that are not kept are removed
/// at the beginning.
pub(crate) const VERSIONS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("versions");
/// Code hash → code.
pub(crate) const CODES: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("codes");
/// Height → block hash, then the header in RLP. In a ledger that began with a snapshot or was pruned: of the genesis
/// block, and from 255 before the first whole block.
pub(crate) const HEADERS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("headers");
/// Height → for each transaction its sender, its size in 4 bytes, its EIP-2718 encoding.
pub(crate) const BODIES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("bodies");
/// Height → for each receipt its size in 4 bytes, its EIP-2718 encoding.
pub(crate) const RECEIPTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("receipts");
/// Height → the producer's proof of the randomness; no row for the genesis block.
pub(crate) const PROOFS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("proofs");
/// Block hash → height.
pub(crate) const NUMBERS: TableDefinition<'_, &[u8; 32], u64> = TableDefinition::new("numbers");
/// Transaction hash → height, index in the block.
pub(crate) const TRANSACTIONS: TableDefinition<'_, &[u8; 32], (u64, u32)> =
    TableDefinition::new("transactions");

/// A row of [`VERSIONS`]: 8, 8 and 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VersionRow {
    /// The id of the next bucket at that time.
    pub(crate) next_id: u64,
    /// All buckets below this id were dead.
    pub(crate) cleaned_id: u64,
    /// Root of the state: that of the block's header, except for amended states in development.
    pub(crate) root: B256,
}

impl VersionRow {
    pub(crate) fn of(version: &Version) -> Self {
        let Version { commitment, cleaned_id, .. } = version;
        Self { next_id: commitment.next_id(), cleaned_id: *cleaned_id, root: commitment.root() }
    }

    pub(crate) fn to_bytes(self) -> [u8; 48] {
        let mut bytes = [0; 48];
        bytes[..8].copy_from_slice(&self.next_id.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.cleaned_id.to_be_bytes());
        bytes[16..].copy_from_slice(self.root.as_slice());
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (next_id, rest) = bytes.split_first_chunk::<8>()?;
        let (cleaned_id, root) = rest.split_first_chunk::<8>()?;
        Some(Self {
            next_id: u64::from_be_bytes(*next_id),
            cleaned_id: u64::from_be_bytes(*cleaned_id),
            root: B256::from(<[u8; 32]>::try_from(root).ok()?),
        })
    }
}
