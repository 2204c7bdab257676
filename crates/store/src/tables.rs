//! The tables of the file. Numbers are big-endian; what a row holds is said beside it.

use redb::TableDefinition;

/// Version of this layout, in [`META`] under [`FORMAT`].
pub(crate) const FORMAT_VERSION: u32 = 3;

/// Single values by name.
pub(crate) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// [`META`]: layout version, 4 bytes.
pub(crate) const FORMAT: &str = "format";
/// [`META`]: height of the head, 8 bytes.
pub(crate) const HEAD: &str = "head";
/// [`META`]: the id that the next bucket of the state will have, 8 bytes.
pub(crate) const NEXT_BUCKET: &str = "next bucket";
/// [`META`]: the genesis file, JSON.
pub(crate) const GENESIS: &str = "genesis";

/// Id → a bucket of the state (`execution::Commitment`), live or dead. Rows are added at the end and taken away at the beginning, so that a
/// block writes few pages, whichever accounts it touches.
pub(crate) const BUCKETS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("buckets");
/// Code hash → code.
pub(crate) const CODES: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("codes");
/// Height → block hash, then the header in RLP.
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
