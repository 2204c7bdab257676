//! The tables of the file. Numbers are big-endian; what a row holds is said beside it.

use redb::TableDefinition;

/// Version of this layout, in [`META`] under [`FORMAT`].
pub(crate) const FORMAT_VERSION: u32 = 2;

/// Single values by name.
pub(crate) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// [`META`]: layout version, 4 bytes.
pub(crate) const FORMAT: &str = "format";
/// [`META`]: height of the head, 8 bytes.
pub(crate) const HEAD: &str = "head";
/// [`META`]: lanes of the commitment to the head's state.
pub(crate) const COMMITMENT: &str = "commitment";
/// [`META`]: the genesis file, JSON.
pub(crate) const GENESIS: &str = "genesis";

/// Address → nonce, balance, code hash.
pub(crate) const ACCOUNTS: TableDefinition<'_, &[u8; 20], &[u8; 72]> =
    TableDefinition::new("accounts");
/// Address and slot → non-zero value.
pub(crate) const SLOTS: TableDefinition<'_, &[u8; 52], &[u8; 32]> = TableDefinition::new("slots");
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
