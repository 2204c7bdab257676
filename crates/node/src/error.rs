//! Why a node does not start, or does not take a transaction.

use crate::mempool::PoolRefusal;
use alloy_primitives::B256;
use execution::{AmendmentError, DecodeError};
use std::path::PathBuf;
use store::StoreError;

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The chain could not be opened: in use, another genesis, damaged, disk full, …
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The node's key can't be read or made.
    #[error("node key {} cannot be read or written: check its permissions and the disk", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// The system's word.
        #[source]
        source: std::io::Error,
    },
    /// The file is not a key.
    #[error("node key {} is not 64 hex digits: restore it from a copy, or remove it to get a new one", path.display())]
    KeyMalformed {
        /// The file.
        path: PathBuf,
    },
    /// The system gives no randomness for a new key.
    #[error("no randomness for a new node key: {reason}")]
    Randomness {
        /// The system's word.
        reason: String,
    },
    /// The waiting transactions can't be read or written.
    #[error("the journal of waiting transactions in {} cannot be read or written: check permissions and the disk", path.display())]
    Journal {
        /// The data directory.
        path: PathBuf,
        /// The system's word.
        #[source]
        source: std::io::Error,
    },
    /// The system gives no thread.
    #[error("block production cannot start")]
    Thread(#[source] std::io::Error),
}

/// Why a transaction was not taken. It may be in the chain or the mempool already: [`PoolRefusal::AlreadyKnown`].
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The bytes are no signed transaction.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It can't be included, or not at that price.
    #[error(transparent)]
    Refused(#[from] PoolRefusal),
    /// The node can write no blocks.
    #[error("block production has halted: {reason}")]
    Halted {
        /// What happened.
        reason: String,
    },
    /// The node is going down.
    #[error("the node is stopping: send it again when it is back")]
    Stopping,
    /// It could not be written down.
    #[error("the transaction could not be kept: the node's disk refuses")]
    Journal(#[source] std::io::Error),
    /// The state could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a ledger for development does not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum DevelopmentError {
    /// Time runs forward.
    #[error("timestamp {timestamp} is too early: the last block's is {head}")]
    Time {
        /// Asked for, in Unix seconds.
        timestamp: u64,
        /// The last block's.
        head: u64,
    },
    /// More than [`MINED_MAX`](crate::MINED_MAX).
    #[error("{count} blocks are more than {} at once: ask several times", crate::MINED_MAX)]
    Blocks {
        /// Asked for.
        count: u64,
    },
    /// Too many are kept.
    #[error("there are too many snapshots: revert to an earlier one, or reset")]
    Snapshots,
    /// The account can't be like that.
    #[error(transparent)]
    Amendment(#[from] AmendmentError<StoreError>),
    /// The node can write no blocks.
    #[error("block production has halted: {reason}")]
    Halted {
        /// What happened.
        reason: String,
    },
    /// The node is going down.
    #[error("the node is stopping")]
    Stopping,
    /// The chain could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why waiting for a transaction ended without it.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// Never submitted, replaced, or found impossible when its turn came.
    #[error("transaction {hash} is neither in a block nor waiting: send it again")]
    Unknown {
        /// The transaction.
        hash: B256,
    },
    /// The node can write no blocks.
    #[error("block production has halted: {reason}")]
    Halted {
        /// What happened.
        reason: String,
    },
    /// The node is going down.
    #[error("the node is stopping: transaction {hash} is not in a block")]
    Stopping {
        /// The transaction.
        hash: B256,
    },
    /// The chain could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}
