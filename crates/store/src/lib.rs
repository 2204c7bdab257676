//! Keeps blocks and state on disk, one transaction a block.
//!
//! One file, `ledger.redb`, in a directory of its own. [`Store::commit`] writes a block, its receipts, its indexes,
//! the state after it and the new head in one redb transaction with an fsync: killed at any moment, the file reopens
//! at a whole block.
//!
//! Invariants, checked when written and when read:
//! - the head follows its parent by number and hash;
//! - a block was executed on the state of the file ([`StoreError::StaleState`] otherwise);
//! - the root over all accounts and slots is the state root in the head's header.
//!
//! The state is stored as the buckets of `execution`'s commitment, in the order in which they were written; the tree
//! above them is in memory. A block appends its buckets to their table and removes as many dead ones from the
//! beginning, after moving the live entries there to the end: so there are never many more dead buckets than live
//! ones. The states of the newest blocks stay readable ([`Reader::at`]): their buckets are removed when these states
//! are forgotten, not before.
//!
//! Opening locks the file ([`StoreError::AlreadyOpen`] for a second process), verifies its page checksums (this reads
//! the whole file: about a second per gigabyte), then recomputes the roots of all kept states from every account and
//! slot. [`Store::verify`] also follows every block to the genesis.
//!
//! [`StoreOptions::blocks_max`] prunes old blocks: memory and file then stop growing with the number of blocks.
//!
//! A snapshot of the head ([`Store::export`], [`import`]) lets another ledger continue without the past.
//!
//! The crate does not execute blocks or choose between forks (the head only grows, except in development).

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
