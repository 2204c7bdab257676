//! Errors of the store, with messages for the owner of the file.

use alloy_primitives::B256;
use revm::database_interface::DBErrorMarker;
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// Why an operation of the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process, or this one, has the ledger open.
    #[error("{} is already open: stop the other node, or use another data directory", directory.display())]
    AlreadyOpen {
        /// The data directory.
        directory: PathBuf,
    },
    /// The directory has no ledger, and none was to be created.
    #[error("{} holds no ledger: give the data directory of a ledger", directory.display())]
    Missing {
        /// The data directory.
        directory: PathBuf,
    },
    /// The file is not a ledger.
    #[error("{} is not a ledger: move it away, or use another data directory", path.display())]
    NotALedger {
        /// The file.
        path: PathBuf,
    },
    /// The ledger was written by another version of this program.
    #[error("{} has format {found}, this program reads {expected}: use the program that wrote it", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Format of the file.
        found: u32,
        /// Format of this program.
        expected: u32,
    },
    /// A development ledger was opened as a production ledger, or the reverse.
    #[error("{} is {}", path.display(), match found {
        true => "a development ledger: open it in development mode, or use another data directory",
        false => "a production ledger: open it without development mode, or use another data directory",
    })]
    Purpose {
        /// The file.
        path: PathBuf,
        /// Whether it is a development ledger.
        found: bool,
    },
    /// The operation needs a development ledger, or the mark is invalid.
    #[error("{}: {what}", path.display())]
    NotAllowed {
        /// The file.
        path: PathBuf,
        /// The reason.
        what: &'static str,
    },
    /// The content of the file is invalid.
    #[error("{} is damaged ({what}): restore the file from a copy, or remove it and start again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is invalid.
        what: String,
    },
    /// The disk is full. The last whole block is safe; this store accepts no more blocks until it is opened again.
    #[error("no space left for {}: free some space and start again", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: std::io::Error,
    },
    /// The operating system refused an operation.
    #[error("{} cannot be read or written: check its permissions and the disk, then start again", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: std::io::Error,
    },
    /// An earlier write failed; the file accepts no more writes until it is opened again.
    #[error("an earlier write to {} failed: start again", path.display())]
    Halted {
        /// The file.
        path: PathBuf,
    },
    /// Another error of the database.
    #[error("database error at {}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// The error of the database.
        #[source]
        source: Box<redb::Error>,
    },
    /// There is no genesis block.
    #[error("{} has no blocks yet: initialize it with a genesis file", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file has another genesis block.
    #[error("{} has the genesis block {found}, not {expected}: use its genesis file, or another data directory", path.display())]
    GenesisMismatch {
        /// The file.
        path: PathBuf,
        /// Hash of its block 0.
        found: B256,
        /// Hash of the given block 0.
        expected: B256,
    },
    /// The genesis file is invalid.
    #[error("the genesis file is invalid")]
    Genesis(#[from] execution::GenesisError),
    /// The block does not follow the head.
    #[error("block {number} on parent {parent} does not follow the head {head_number} {head}")]
    NotNext {
        /// Height of the block.
        number: u64,
        /// Its parent.
        parent: B256,
        /// Height of the head.
        head_number: u64,
        /// The head.
        head: B256,
    },
    /// The block was executed on another state than that of the file.
    #[error("block {number} was executed on another state: execute it again on the head")]
    StaleState {
        /// Height of the block.
        number: u64,
    },
    /// The parts of a block don't match.
    #[error("block {number} is inconsistent: {what}")]
    Inconsistent {
        /// Height of the block.
        number: u64,
        /// What does not match.
        what: &'static str,
    },
}

impl DBErrorMarker for StoreError {}

impl StoreError {
    /// Converts a database error into one that names the file.
    pub(crate) fn from_database(path: &Path, error: impl Into<redb::Error>) -> Self {
        let path = path.to_path_buf();
        match error.into() {
            redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => {
                Self::already_open(&path)
            }
            redb::Error::Io(source) => Self::from_io(&path, source),
            redb::Error::Corrupted(what) => Self::Damaged { path, what },
            redb::Error::UpgradeRequired(_)
            | redb::Error::TableTypeMismatch { .. }
            | redb::Error::TableIsMultimap(_) => Self::NotALedger { path },
            redb::Error::PreviousIo => Self::Halted { path },
            source => Self::Database { path, source: Box::new(source) },
        }
    }

    /// Converts an error of the operating system into one that names the file.
    pub(crate) fn from_io(path: &Path, source: std::io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull { path, source },
            ErrorKind::InvalidData => Self::NotALedger { path },
            _ => Self::Io { path, source },
        }
    }

    pub(crate) fn already_open(path: &Path) -> Self {
        Self::AlreadyOpen { directory: path.parent().unwrap_or(path).to_path_buf() }
    }

    pub(crate) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_path_buf(), what: what.into() }
    }
}
