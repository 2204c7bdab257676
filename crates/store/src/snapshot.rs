//! Snapshots: a ledger's state at its head in one file, from which another ledger continues.
//!
//! **Format.** 16 magic bytes, then frames: kind (1 byte), size (4 bytes, big-endian), that many bytes, and a BLAKE3
//! checksum (32 bytes) of the previous checksum, kind, size and bytes. So any change, omission, reordering or
//! truncation is detected. In this order:
//!
//! 1. `genesis`: the genesis file, JSON, with the schedule of revisions.
//! 2. `headers`: the newest headers up to the head, at most 256 (the range of `BLOCKHASH`), each its size (4 bytes)
//!    and its RLP.
//! 3. `block`: the rest of the head: the proof of its randomness, its transactions, its receipts (EIP-2718); each of
//!    the three with its size (4 bytes) before it, and so is each transaction and receipt.
//! 4. `entries`, any number: accounts and slots in path order, encoded as in buckets.
//! 5. `codes`, any number: the codes of accounts, each its size and its bytes.
//! 6. `end`: the number of entries and of codes, 8 bytes each. Nothing follows.
//!
//! Checksums detect damage. Only the head's hash proves the content: headers are linked up to the head, and
//! transactions, receipts and state must have the roots in its header. Earlier blocks are not included.

mod export;
mod frames;
mod import;

pub use export::PendingExport;
pub use import::{import, import_by};

use crate::error::StoreError;
use alloy_primitives::B256;
use execution::UnknownRevision;
use std::{io, path::PathBuf};

/// Number of headers in a snapshot: the range of `BLOCKHASH`.
const HEADERS_MAX: u64 = 256;

/// Number of bytes of entries or codes collected into a frame.
const FRAME_SIZE: usize = 1 << 20;

/// The content of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotSummary {
    /// Chain id of its network.
    pub chain_id: u64,
    /// Hash of its block 0.
    pub genesis_hash: B256,
    /// Height of its head.
    pub block_number: u64,
    /// Hash of its head.
    pub block_hash: B256,
    /// Root of the state.
    pub state_root: B256,
    /// Number of accounts and slots.
    pub entry_count: u64,
    /// Number of codes.
    pub code_count: u64,
}

/// Why a snapshot could not be written or imported.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The ledger can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The snapshot can't be read or written.
    #[error("snapshot can't be read or written")]
    Io(#[from] io::Error),
    /// The file is not a snapshot.
    #[error("the file is not a snapshot of a ledger, or has another version")]
    NotASnapshot,
    /// The content is damaged or inconsistent.
    #[error("snapshot is damaged at byte {offset} ({what}): get it again")]
    Damaged {
        /// Offset at which it was detected.
        offset: u64,
        /// What is damaged.
        what: &'static str,
    },
    /// The snapshot belongs to another block than the trusted one.
    #[error(
        "the snapshot belongs to block {found}, not to {expected}: get another snapshot, or check the hash"
    )]
    OtherBlock {
        /// Hash of its head.
        found: B256,
        /// The trusted hash.
        expected: B256,
    },
    /// A block with rules that this program does not know.
    #[error("snapshot can't be imported")]
    UnknownRevision(#[from] UnknownRevision),
    /// The directory for the ledger is not empty.
    #[error("{} is not empty: name a new data directory", path.display())]
    Occupied {
        /// The directory.
        path: PathBuf,
    },
    /// Another import runs, or was interrupted.
    #[error("{} exists: another import is running; if none is, remove that folder and start again", path.display())]
    UnderWay {
        /// Its folder.
        path: PathBuf,
    },
}
