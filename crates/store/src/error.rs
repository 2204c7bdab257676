//! What can go wrong with a file, in words for its owner.

use alloy_primitives::B256;
use revm::database_interface::DBErrorMarker;
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// Why the store cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process, or this one, has it open.
    #[error("{} is already open: stop the other node, or use another data directory", directory.display())]
    AlreadyOpen {
        /// The data directory.
        directory: PathBuf,
    },
    /// There is no ledger, and none is to be made.
    #[error("{} holds no ledger: name the data directory of one", directory.display())]
    Missing {
        /// The data directory.
        directory: PathBuf,
    },
    /// A file of something else.
    #[error("{} is not a ledger: move it away, or use another data directory", path.display())]
    NotALedger {
        /// The file.
        path: PathBuf,
    },
    /// A ledger of another version of this program.
    #[error("{} has format {found}, this program reads {expected}: use the program that wrote it", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// In the file.
        found: u32,
        /// Ours.
        expected: u32,
    },
    /// A ledger for development opened as one that is meant, or the other way round.
    #[error("{} is {}", path.display(), match found {
        true => "a ledger for development: open it in development mode, or use another data directory",
        false => "no ledger for development: use another data directory for that",
    })]
    Purpose {
        /// The file.
        path: PathBuf,
        /// Whether it is for development.
        found: bool,
    },
    /// What only a ledger for development allows, or a mark that is used up.
    #[error("{}: {what}", path.display())]
    NotAllowed {
        /// The file.
        path: PathBuf,
        /// Why not.
        what: &'static str,
    },
    /// Bytes are not what was written.
    #[error("{} is damaged ({what}): restore the file from a copy, or remove it and start anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// No space left. The last whole block is safe; this store takes no more blocks until it is opened again.
    #[error("no space left for {}: free some and start again", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// The system's word.
        #[source]
        source: std::io::Error,
    },
    /// The system refuses.
    #[error("{} cannot be read or written: check its permissions and the disk, then start again", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The system's word.
        #[source]
        source: std::io::Error,
    },
    /// An earlier write went wrong; the file is locked against more until it is opened again.
    #[error("an earlier write to {} went wrong: start again", path.display())]
    Halted {
        /// The file.
        path: PathBuf,
    },
    /// Any other answer of the database.
    #[error("database error at {}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// Its words.
        #[source]
        source: Box<redb::Error>,
    },
    /// There is no genesis block yet.
    #[error("{} holds no chain yet: initialize it with a genesis file", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file begins with another genesis block.
    #[error("{} holds the chain of genesis {found}, not of {expected}: use its genesis file, or another data directory", path.display())]
    GenesisMismatch {
        /// The file.
        path: PathBuf,
        /// Hash of its block 0.
        found: B256,
        /// Hash of the block 0 given.
        expected: B256,
    },
    /// The genesis file is not usable.
    #[error("genesis is not usable")]
    Genesis(#[from] execution::GenesisError),
    /// A block that does not follow the head.
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
    /// A block executed on another state than the one in the file.
    #[error("block {number} was executed on another state: execute it again on the head")]
    StaleState {
        /// Height of the block.
        number: u64,
    },
    /// A block whose parts do not belong together.
    #[error("block {number} does not hold together: {what}")]
    Inconsistent {
        /// Height of the block.
        number: u64,
        /// What does not fit.
        what: &'static str,
    },
}

impl DBErrorMarker for StoreError {}

impl StoreError {
    /// Puts a database error into words that name the file.
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

    /// Puts a system error into words that name the file.
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
