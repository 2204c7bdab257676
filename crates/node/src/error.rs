//! Errors of a node: why it does not start, or refuses a transaction.

use crate::mempool::PoolRefusal;
use alloy_primitives::B256;
use execution::{AmendmentError, DecodeError, UnknownRevision};
use std::path::PathBuf;
use store::StoreError;

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The chain could not be opened: in use, another genesis, damaged, disk full, …
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The last block has rules that this program does not know, so that even reading the ledger could give wrong results.
    #[error(transparent)]
    UnknownRevision(#[from] UnknownRevision),
    /// The node's key can't be read or created.
    #[error("node key {} cannot be read or written: check its permissions and the disk", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: std::io::Error,
    },
    /// The file is not a key.
    #[error("node key {} is not 64 hex digits: restore it from a copy, or remove it to get a new one", path.display())]
    KeyMalformed {
        /// The file.
        path: PathBuf,
    },
    /// The operating system gave no random bytes for a new key.
    #[error("no random bytes for a new node key: {reason}")]
    Randomness {
        /// The error of the operating system.
        reason: String,
    },
    /// The journal of waiting transactions can't be read or written.
    #[error("the journal of waiting transactions in {} cannot be read or written: check permissions and the disk", path.display())]
    Journal {
        /// The data directory.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: std::io::Error,
    },
    /// The operating system gave no thread.
    #[error("block production cannot start")]
    Thread(#[source] std::io::Error),
}

/// Why a transaction was refused. It may be in the chain or the mempool already: [`PoolRefusal::AlreadyKnown`].
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The bytes are not a signed transaction.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It can't be included, or not at this price.
    #[error(transparent)]
    Refused(#[from] PoolRefusal),
    /// Block production has stopped.
    #[error("block production has stopped: {reason}")]
    Halted {
        /// The cause.
        reason: String,
    },
    /// The node is stopping.
    #[error("the node is stopping: send the transaction again after its restart")]
    Stopping,
    /// It could not be written to the journal.
    #[error("the transaction could not be written to the node's disk")]
    Journal(#[source] std::io::Error),
    /// The state could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an operation of a development ledger failed.
#[derive(Debug, thiserror::Error)]
pub enum DevelopmentError {
    /// The timestamp is before that of the last block.
    #[error("timestamp {timestamp} is too early: the last block's is {head}")]
    Time {
        /// Given timestamp, in Unix seconds.
        timestamp: u64,
        /// Timestamp of the last block.
        head: u64,
    },
    /// More than [`MINED_MAX`](crate::MINED_MAX) blocks were requested.
    #[error("{count} blocks are more than {} per request: send several requests", crate::MINED_MAX)]
    Blocks {
        /// Requested number.
        count: u64,
    },
    /// There are too many snapshots.
    #[error("there are too many snapshots: revert to an earlier one, or reset")]
    Snapshots,
    /// The change of the account is invalid.
    #[error(transparent)]
    Amendment(#[from] AmendmentError<StoreError>),
    /// Block production has stopped.
    #[error("block production has stopped: {reason}")]
    Halted {
        /// The cause.
        reason: String,
    },
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
    /// The chain could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a transaction that was waited for is not in a block.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// It was never submitted, was replaced, or could not be included.
    #[error("transaction {hash} is neither in a block nor waiting: send it again")]
    Unknown {
        /// The transaction.
        hash: B256,
    },
    /// Block production has stopped.
    #[error("block production has stopped: {reason}")]
    Halted {
        /// The cause.
        reason: String,
    },
    /// The node is stopping.
    #[error("the node is stopping: transaction {hash} is not in a block")]
    Stopping {
        /// The transaction.
        hash: B256,
    },
    /// The chain could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}
