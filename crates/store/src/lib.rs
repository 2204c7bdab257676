//! Keeps blocks and state on disk, one transaction a block.
//!
//! One file, `ledger.redb`, in a directory of its own. [`Store::commit`] writes a block, its receipts, its indexes, the state it leads to
//! and the new head in one redb transaction with an fsync: killed at any moment, the file reopens at a whole block.
//!
//! Invariants, checked where written and where read back:
//! - the head follows its parent by number and hash;
//! - what a block says it found is what the file holds ([`StoreError::StaleState`] otherwise);
//! - the commitment's root is the state root in the head's header.
//!
//! Opening: the file is locked ([`StoreError::AlreadyOpen`] for the second), its page checksums are verified (this reads the whole
//! file: about a second a gigabyte), then head and commitment are compared. [`Store::verify`] also recomputes the state root
//! from every account and slot.
//!
//! What it does not do: execute, choose between forks (the head only grows), keep past states, prune.

mod encoding;
mod error;
mod reader;
mod store;
mod tables;

pub use error::StoreError;
pub use reader::{Block, Reader, TransactionLocation};
pub use store::Store;
