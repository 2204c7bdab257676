//! The state in the file: buckets, the tree above them, and the removal of dead buckets.

use crate::{
    error::StoreError,
    tables::{BUCKETS, VERSIONS, VersionRow},
    versions::{Version, Versions},
};
use alloy_primitives::{B256, KECCAK256_EMPTY};
use execution::{Commitment, Entry, Moved, Restored};
use redb::{ReadableTable, Table, WriteTransaction};
use std::{collections::BTreeSet, path::Path};

/// Number of dead buckets that may be in the file in addition to as many as there are live ones: with fewer, cleaning
/// is not worth its cost.
const DEAD_COUNT_MIN: u64 = 1_024;

/// Number of buckets that a block examines for cleaning, for each one that it writes. Two are enough: one is added,
/// and of two of the oldest at least one is dead once there are as many dead as live ones.
const CLEANED_PER_BUCKET: usize = 2;

/// The file, named in errors.
pub(crate) struct Place<'a>(pub(crate) &'a Path);

impl Place<'_> {
    pub(crate) fn check<T, E: Into<redb::Error>>(
        &self,
        result: Result<T, E>,
    ) -> Result<T, StoreError> {
        result.map_err(|error| StoreError::from_database(self.0, error))
    }

    pub(crate) fn damaged(&self, what: impl Into<String>) -> StoreError {
        StoreError::damaged(self.0, what)
    }
}

/// Writes the buckets of a block, cleans some of the oldest, and forgets states that need not be kept any longer.
/// Returns the new state with the ids of its buckets, and the height of the oldest kept state.
pub(crate) fn write(
    at: &Place<'_>,
    write: &WriteTransaction,
    before: (&Versions, u64),
    block: (u64, B256),
    moved: &Moved,
) -> Result<(Version, u64), StoreError> {
    let (versions, cleaned_id) = before;
    let mut buckets = at.check(write.open_table(BUCKETS))?;
    for (id, bytes) in &moved.buckets {
        at.check(buckets.insert(id, bytes.as_slice()))?;
    }
    let mut commitment = moved.commitment.clone();
    // In development nothing is cleaned: a mark may need it.
    let looks =
        if versions.may_be_amended() { 0 } else { CLEANED_PER_BUCKET * moved.buckets.len() };
    let cleaned_id = clean(at, &mut buckets, &mut commitment, cleaned_id, looks)?;
    let version = Version::new(block, commitment, cleaned_id, moved.base_id);
    let (oldest, dead_below) = versions.oldest_after(&version);
    at.check(buckets.retain_in(..dead_below, |_, _| false))?;
    let mut rows = at.check(write.open_table(VERSIONS))?;
    at.check(rows.retain_in(..oldest, |_, _| false))?;
    at.check(rows.insert(block.0, VersionRow::of(&version).to_bytes().as_slice()))?;
    Ok((version, oldest))
}

/// Moves live entries from the oldest buckets to the newest end. The buckets left behind are dead from this state on,
/// and are removed from the file when this state is the oldest kept one.
fn clean(
    at: &Place<'_>,
    buckets: &mut Table<'_, u64, &'static [u8]>,
    commitment: &mut Commitment,
    mut cleaned_id: u64,
    looks_max: usize,
) -> Result<u64, StoreError> {
    for _ in 0..looks_max {
        if commitment.next_id() - cleaned_id <= 2 * commitment.live_count() + DEAD_COUNT_MIN {
            break;
        }
        let oldest = at.check(at.check(buckets.range(cleaned_id..))?.next().transpose())?;
        let Some((id, bytes)) = oldest.map(|(id, row)| (id.value(), row.value().to_vec())) else {
            break;
        };
        if let Some(new_id) = commitment.move_bucket(id, &bytes) {
            at.check(buckets.insert(new_id, bytes.as_slice()))?;
        }
        cleaned_id = id + 1;
    }
    Ok(cleaned_id)
}

/// The state of the file, hashed again.
pub(crate) struct Scan {
    /// The commitment, whose root the caller compares.
    pub(crate) commitment: Commitment,
    /// Codes of accounts.
    pub(crate) codes: BTreeSet<B256>,
}

/// Reads the buckets that existed when the next id was `next_id`, and recomputes the tree above them.
pub(crate) fn scan(
    at: &Place<'_>,
    buckets: &impl ReadableTable<u64, &'static [u8]>,
    next_id: u64,
) -> Result<Scan, StoreError> {
    let mut restored = Restored::new(next_id);
    let mut codes = BTreeSet::new();
    for row in at.check(buckets.range(..next_id))?.rev() {
        let (id, bytes) = at.check(row)?;
        let entries = restored.add(id.value(), bytes.value());
        let entries = entries.map_err(|error| at.damaged(error.to_string()))?;
        codes.extend(entries.iter().filter_map(code_of));
    }
    Ok(Scan { commitment: restored.finish(), codes })
}

/// Returns the state that results from `before` and the buckets written since, up to `next_id`.
pub(crate) fn replay(
    at: &Place<'_>,
    buckets: &impl ReadableTable<u64, &'static [u8]>,
    before: &Commitment,
    next_id: u64,
) -> Result<Commitment, StoreError> {
    if next_id < before.next_id() {
        return Err(at.damaged("the ids of the state's buckets do not ascend"));
    }
    let mut replayed = before.replay(next_id);
    for row in at.check(buckets.range(before.next_id()..next_id))? {
        let (id, bytes) = at.check(row)?;
        let added = replayed.add(id.value(), bytes.value());
        added.map_err(|error| at.damaged(error.to_string()))?;
    }
    Ok(replayed.finish())
}

/// Returns the code hash of an entry, if it has one.
pub(crate) fn code_of(entry: &Entry) -> Option<B256> {
    match entry {
        Entry::Account(_, account) => {
            (account.code_hash != KECCAK256_EMPTY).then_some(account.code_hash)
        }
        Entry::Slot(..) => None,
    }
}
