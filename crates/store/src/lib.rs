//! Keeps blocks and state on disk, one transaction a block.
//!
//! One file, `ledger.redb`, in a directory of its own. [`Store::commit`] writes a block, its receipts, its indexes, the state it leads to
//! and the new head in one redb transaction with an fsync: killed at any moment, the file reopens at a whole block.
//!
//! Invariants, checked where written and where read back:
//! - the head follows its parent by number and hash;
//! - a block was executed on the state that the file holds ([`StoreError::StaleState`] otherwise);
//! - the root over all accounts and slots is the state root in the head's header.
//!
//! The state is kept as the buckets of `execution`'s commitment, in the order in which they were written; the tree above them is in memory.
//! A block adds its buckets at the end of their table and takes as many dead ones away at the beginning, moving what is alive there to
//! the end: there are never many more dead ones than live ones. The states of the newest blocks stay readable ([`Reader::at`]): what
//! they need is taken away when they are forgotten, not before.
//!
//! Opening: the file is locked ([`StoreError::AlreadyOpen`] for the second), its page checksums are verified (this reads the whole
//! file: about a second a gigabyte), then the roots of all states that are kept are recomputed from every account and slot.
//! [`Store::verify`] also follows every block to the genesis.
//!
//! Old blocks leave when [`StoreOptions::blocks_max`] says so: memory and file then stop growing with the number of blocks.
//!
//! A snapshot of the head ([`Store::export`], [`import`]) lets a ledger go on elsewhere, without its past.
//!
//! What it does not do: execute, choose between forks (the head only grows, but in development).

mod development;
mod encoding;
mod error;
mod file;
mod pruning;
mod reader;
mod snapshot;
mod state;
mod store;
mod tables;
mod versions;

pub use development::Mark;
pub use error::StoreError;
pub use reader::{Block, Reader, TransactionLocation};
pub use snapshot::{PendingExport, SnapshotError, SnapshotSummary, import, import_by};
pub use store::{Store, StoreOptions};
