//! The state in the file: buckets, the tree above them, and the cleaning of those that died.

use crate::{
    error::StoreError,
    tables::{BUCKETS, META, NEXT_BUCKET},
};
use alloy_primitives::{B256, KECCAK256_EMPTY};
use execution::{Commitment, Entry, Moved, Restored};
use redb::{ReadableTable, ReadableTableMetadata, WriteTransaction};
use std::{
    collections::{BTreeSet, VecDeque},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// As many dead buckets as live ones may be in the file, and so many more: below it cleaning would only be work.
const DEAD_COUNT_MIN: u64 = 1_024;

/// Most buckets that a block looks at to clean, for each one that it writes. Two keep pace: one is added, and of two of the oldest one is
/// dead at the least, once there are as many dead as live.
const CLEANED_PER_BUCKET: usize = 2;

/// The commitments of the newest states, by their blocks: of the head, and of the head that is being written or was before.
#[derive(Default)]
pub(crate) struct Versions {
    recent: Mutex<VecDeque<(B256, Commitment)>>,
}

impl Versions {
    /// Of the state after a block; `None` when the block is neither the head nor its neighbour.
    pub(crate) fn find(&self, block: &B256) -> Option<Commitment> {
        let recent = self.recent();
        recent.iter().find(|(found, _)| found == block).map(|(_, commitment)| commitment.clone())
    }

    /// Whether no block is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.recent().is_empty()
    }

    /// To be called before the block can be seen in the file.
    pub(crate) fn offer(&self, block: B256, commitment: Commitment) {
        let mut recent = self.recent();
        recent.retain(|(found, _)| *found != block);
        recent.push_back((block, commitment));
        while recent.len() > 2 {
            recent.pop_front();
        }
    }

    /// The block did not get into the file.
    pub(crate) fn retract(&self, block: &B256) {
        self.recent().retain(|(found, _)| found != block);
    }

    /// Every change of it is whole, so a panic elsewhere leaves it whole.
    fn recent(&self) -> MutexGuard<'_, VecDeque<(B256, Commitment)>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the buckets of a block and cleans some of the oldest; the commitment with the ids they then have.
pub(crate) fn write(
    path: &Path,
    write: &WriteTransaction,
    moved: &Moved,
) -> Result<Commitment, StoreError> {
    let fault = |error: redb::StorageError| StoreError::from_database(path, error);
    let open = |error: redb::TableError| StoreError::from_database(path, error);
    let mut buckets = write.open_table(BUCKETS).map_err(open)?;
    for (id, bytes) in &moved.buckets {
        buckets.insert(id, bytes.as_slice()).map_err(fault)?;
    }
    let mut commitment = moved.commitment.clone();
    let kept_max = 2 * commitment.live_count() + DEAD_COUNT_MIN;
    for _ in 0..CLEANED_PER_BUCKET * moved.buckets.len() {
        if buckets.len().map_err(fault)? <= kept_max {
            break;
        }
        let oldest = buckets.pop_first().map_err(fault)?;
        let Some((id, bytes)) = oldest.map(|(id, row)| (id.value(), row.value().to_vec())) else {
            break;
        };
        if let Some(new_id) = commitment.move_bucket(id, &bytes) {
            buckets.insert(new_id, bytes.as_slice()).map_err(fault)?;
        }
    }
    let next_id = commitment.next_id().to_be_bytes();
    let mut meta = write.open_table(META).map_err(open)?;
    meta.insert(NEXT_BUCKET, next_id.as_slice()).map_err(fault)?;
    Ok(commitment)
}

/// What is in the file, hashed again.
pub(crate) struct Scan {
    /// Its root is to be compared.
    pub(crate) commitment: Commitment,
    /// Codes that accounts name.
    pub(crate) codes: BTreeSet<B256>,
}

/// Reads every bucket and recomputes the tree above them.
pub(crate) fn scan(
    path: &Path,
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    buckets: &impl ReadableTable<u64, &'static [u8]>,
) -> Result<Scan, StoreError> {
    let fault = |error: redb::StorageError| StoreError::from_database(path, error);
    let next_id = meta.get(NEXT_BUCKET).map_err(fault)?;
    let next_id = next_id.and_then(|row| <[u8; 8]>::try_from(row.value()).ok());
    let next_id = next_id.ok_or_else(|| StoreError::damaged(path, "the id of the next bucket"))?;
    let mut restored = Restored::new(u64::from_be_bytes(next_id));
    let mut codes = BTreeSet::new();
    for row in buckets.iter().map_err(fault)?.rev() {
        let (id, bytes) = row.map_err(fault)?;
        let entries = restored
            .add(id.value(), bytes.value())
            .map_err(|error| StoreError::damaged(path, error.to_string()))?;
        codes.extend(entries.iter().filter_map(code_of));
    }
    Ok(Scan { commitment: restored.finish(), codes })
}

fn code_of(entry: &Entry) -> Option<B256> {
    match entry {
        Entry::Account(_, account) => {
            (account.code_hash != KECCAK256_EMPTY).then_some(account.code_hash)
        }
        Entry::Slot(..) => None,
    }
}
