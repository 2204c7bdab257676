//! Snapshots: a ledger's state at its head in one file, from which another ledger goes on.
//!
//! **Format.** 16 bytes that say what it is, then frames: kind (1 byte), size (4 bytes, big-endian), so many bytes, and a BLAKE3 checksum
//! (32 bytes) of all four: the checksum before, kind, size and bytes. So nothing can be changed, left out, moved or cut off unseen. In this order:
//!
//! 1. `genesis`: the genesis file, JSON, with the schedule of revisions.
//! 2. `headers`: the newest headers up to the head, at most 256 (`BLOCKHASH` reaches that far), each its size (4 bytes) and its RLP.
//! 3. `block`: the rest of the head: the proof of its randomness, its transactions, its receipts (EIP-2718); each of the three with its
//!    size (4 bytes) before it, and so is each transaction and receipt.
//! 4. `entries`, any number: accounts and slots in path order, as buckets hold them.
//! 5. `codes`, any number: the codes that accounts name, each its size and its bytes.
//! 6. `end`: how many entries and how many codes there were, 8 bytes each. Nothing follows.
//!
//! Checksums find damage. What is *true* only the head's hash says: headers are linked up to it, and transactions, receipts and state
//! have the roots that its header names. Earlier blocks are not in it.

mod export;
mod frames;
mod import;

pub use export::PendingExport;
pub use import::{import, import_by};

use crate::error::StoreError;
use alloy_primitives::B256;
use execution::UnknownRevision;
use std::{io, path::PathBuf};

/// How many headers a snapshot has: as many as `BLOCKHASH` may ask for.
const HEADERS_MAX: u64 = 256;

/// How many bytes of entries or codes are gathered to a frame.
const FRAME_SIZE: usize = 1 << 20;

/// What a snapshot holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotSummary {
    /// Which network it is of.
    pub chain_id: u64,
    /// Hash of its block 0.
    pub genesis_hash: B256,
    /// Height of its head.
    pub block_number: u64,
    /// Hash of its head.
    pub block_hash: B256,
    /// Root of the state.
    pub state_root: B256,
    /// Accounts and slots.
    pub entry_count: u64,
    /// Codes.
    pub code_count: u64,
}

/// Why a snapshot could not be written or taken in.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The ledger can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The snapshot can't be read or written.
    #[error("snapshot can't be read or written")]
    Io(#[from] io::Error),
    /// Some other file.
    #[error("this is no snapshot of a ledger, or one of another version")]
    NotASnapshot,
    /// Bytes are not what was written, or do not belong together.
    #[error("snapshot is damaged at byte {offset} ({what}): get it again")]
    Damaged {
        /// How far it was read.
        offset: u64,
        /// What does not fit.
        what: &'static str,
    },
    /// Of another block than the trusted one.
    #[error("snapshot is of block {found}, not of {expected}")]
    OtherBlock {
        /// Its head.
        found: B256,
        /// The trusted one.
        expected: B256,
    },
    /// Of a block with rules that this program does not know.
    #[error("snapshot can't be taken in")]
    UnknownRevision(#[from] UnknownRevision),
    /// Something is where the ledger would be put.
    #[error("{} is not empty: name a new data directory", path.display())]
    Occupied {
        /// The directory.
        path: PathBuf,
    },
    /// Another import is at work, or was cut short.
    #[error("{} is there already: another import is at work; if none is, remove that folder and start again", path.display())]
    UnderWay {
        /// Its folder.
        path: PathBuf,
    },
}
