//! What can go wrong with the index's file.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};
use store::StoreError;

/// Why the index cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] StoreError),
    /// Another process has the file open.
    #[error("history index {} is open in another process: stop it", path.display())]
    AlreadyOpen {
        /// The file.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("history index {} cannot be read or written: check its permissions and the free space", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's word.
        #[source]
        source: std::io::Error,
    },
    /// Bytes are not what was written.
    #[error("history index {} is damaged ({what}): remove the file, it is made anew from the blocks", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// The node's owner has the index leave this out.
    #[error("the history index of this node does not keep {what}")]
    NotKept {
        /// Transactions, transfers or events.
        what: &'static str,
    },
    /// The database refuses.
    #[error("history index {}: database error", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// Its words.
        #[source]
        source: Box<redb::Error>,
    },
}

impl IndexError {
    /// Puts a database error into words that name the file.
    pub(crate) fn from_database(path: &Path, error: impl Into<redb::Error>) -> Self {
        let path = path.to_path_buf();
        match error.into() {
            redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => {
                Self::AlreadyOpen { path }
            }
            redb::Error::Io(source) if source.kind() == ErrorKind::InvalidData => {
                Self::Damaged { path, what: "it is not a database".to_owned() }
            }
            redb::Error::Io(source) => Self::Io { path, source },
            redb::Error::Corrupted(what) => Self::Damaged { path, what },
            redb::Error::UpgradeRequired(_) => {
                Self::Damaged { path, what: "it is of another version".to_owned() }
            }
            redb::Error::TableTypeMismatch { table, .. } | redb::Error::TableIsMultimap(table) => {
                Self::Damaged { path, what: format!("table {table} is of another kind") }
            }
            source => Self::Database { path, source: Box::new(source) },
        }
    }

    pub(crate) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_path_buf(), what: what.into() }
    }
}
