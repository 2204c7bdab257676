//! Operations of development ledgers only: going back, and changing the state without a block.

use crate::{
    error::StoreError,
    reader::{head_number, header_at},
    state::{self, Place},
    store::Store,
    tables::{BEGINNING, BUCKETS, DEVELOPMENT, HEAD, HEADERS, META, VERSIONS, VersionRow},
    versions::Version,
};
use execution::{CommitmentError, StateChanges};
use redb::{Durability, ReadableDatabase, WriteTransaction};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// A block and the state after it, until the store is closed. Can be used for one [`Store::rewind`], which also
/// invalidates later marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(u64);

/// Number of writes of a development ledger that may be lost when its process is killed: the operating system must
/// write to disk after each such number of writes, and after the last one. This makes the creation of thousands of
/// blocks, to let time pass, ten times cheaper.
const UNSYNCED_MAX: u64 = 64;

/// The additional state of a development ledger.
#[derive(Default)]
pub(crate) struct Marks {
    /// Valid marks, in the order of their creation.
    made: Mutex<(u64, BTreeMap<u64, Version>)>,
    writes: AtomicU64,
}

impl Marks {
    /// Returns the durability of the next write.
    pub(crate) fn durability(&self) -> Durability {
        let before = self.writes.fetch_add(1, Ordering::Relaxed);
        if before.is_multiple_of(UNSYNCED_MAX) { Durability::Immediate } else { Durability::None }
    }

    fn lock(&self) -> MutexGuard<'_, (u64, BTreeMap<u64, Version>)> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Records the head and its state.
    ///
    /// # Errors
    /// [`StoreError::NotAllowed`] unless the ledger is for development.
    pub fn mark(&self) -> Result<Mark, StoreError> {
        let version = self.newest()?;
        let mut made = self.marks()?.lock();
        made.0 += 1;
        let id = made.0;
        made.1.insert(id, version);
        Ok(Mark(id))
    }

    /// Makes the block at `mark` the head again, with its state at that time. Later blocks are removed from the file.
    ///
    /// # Errors
    /// [`StoreError::NotAllowed`] unless the ledger is for development and the mark is valid; a failure to write.
    pub fn rewind(&self, mark: Mark) -> Result<(), StoreError> {
        let mut made = self.marks()?.lock();
        let what = "this mark was used already, or belongs to another store";
        let used_up = || StoreError::NotAllowed { path: self.path.clone(), what };
        let version = made.1.get(&mark.0).cloned().ok_or_else(used_up)?;
        self.go_back(version)?;
        made.1.split_off(&mark.0);
        Ok(())
    }

    /// Makes the genesis block the head again, with its original state. All marks become invalid.
    ///
    /// # Errors
    /// [`StoreError::NotAllowed`] unless the ledger is for development; a failure to read or write.
    pub fn rewind_to_beginning(&self) -> Result<(), StoreError> {
        let mut made = self.marks()?.lock();
        let version = self.first_version()?;
        self.go_back(version)?;
        made.1.clear();
        Ok(())
    }

    /// Returns the state after the genesis block.
    fn first_version(&self) -> Result<Version, StoreError> {
        let at = Place(&self.path);
        let snapshot = self.read(self.database.begin_read())?;
        let meta = self.read(snapshot.open_table(META))?;
        let row = self.read(meta.get(BEGINNING))?;
        let row = row.and_then(|row| VersionRow::from_bytes(row.value()));
        let row = row.ok_or_else(|| at.damaged("the original state is missing"))?;
        let headers = self.read(snapshot.open_table(HEADERS))?;
        let header = header_at(&self.path, &headers, 0)?;
        let block = header.ok_or_else(|| at.damaged("block 0"))?.hash();
        let buckets = self.read(snapshot.open_table(BUCKETS))?;
        let commitment = state::scan(&at, &buckets, row.next_id)?.commitment;
        if commitment.root() != row.root {
            return Err(at.damaged("the original state does not have its root"));
        }
        Ok(Version::new((0, block), commitment, row.cleaned_id, row.next_id))
    }

    fn go_back(&self, version: Version) -> Result<(), StoreError> {
        let write = self.begin_write()?;
        self.remove_blocks_above(&write, version.number)?;
        let mut buckets = self.read(write.open_table(BUCKETS))?;
        self.read(buckets.retain_in(version.commitment.next_id().., |_, _| false))?;
        drop(buckets);
        let mut rows = self.read(write.open_table(VERSIONS))?;
        self.read(rows.retain_in(version.number.., |_, _| false))?;
        let row = VersionRow::of(&version).to_bytes();
        self.read(rows.insert(version.number, row.as_slice()))?;
        drop(rows);
        let mut meta = self.read(write.open_table(META))?;
        self.read(meta.insert(HEAD, version.number.to_be_bytes().as_slice()))?;
        drop(meta);
        self.read(write.commit())?;
        self.versions.rewind(version);
        Ok(())
    }

    /// Changes the state after the head without a block: the head's header keeps its state root, and the next block
    /// builds on the change. The caller must update the supply when it changes balances, see `execution`.
    ///
    /// # Errors
    /// [`StoreError::NotAllowed`] unless the ledger is for development; [`StoreError::StaleState`] when the changes
    /// belong to another state; a failure to write.
    pub fn amend(&self, changes: &StateChanges) -> Result<(), StoreError> {
        self.marks()?;
        let write = self.begin_write()?;
        let (reader, before) = (self.reader()?, self.newest()?);
        let moved = before.commitment.apply(changes, &reader).map_err(|error| match error {
            CommitmentError::State(error) => error,
            CommitmentError::Stale { .. } => StoreError::StaleState { number: before.number },
            error => StoreError::damaged(&self.path, error.to_string()),
        })?;
        self.write_codes(&write, changes)?;
        self.write_state(write, before.cleaned_id, (before.number, before.block), &moved)
    }

    /// Stores by how many seconds the ledger's time is ahead of the clock, for the next start.
    ///
    /// # Errors
    /// [`StoreError::NotAllowed`] unless it is a development ledger; a failure to write.
    pub fn keep_time_offset(&self, seconds: i64) -> Result<(), StoreError> {
        self.marks()?;
        let write = self.begin_write()?;
        let mut meta = self.read(write.open_table(META))?;
        self.read(meta.insert(DEVELOPMENT, seconds.to_be_bytes().as_slice()))?;
        drop(meta);
        self.read(write.commit())
    }

    /// Returns the offset stored by [`Self::keep_time_offset`]; 0 if none was.
    ///
    /// # Errors
    /// [`StoreError`] when it can't be read.
    pub fn time_offset(&self) -> Result<i64, StoreError> {
        let snapshot = self.read(self.database.begin_read())?;
        let meta = self.read(snapshot.open_table(META))?;
        let row = self.read(meta.get(DEVELOPMENT))?;
        let Some(row) = row.filter(|row| !row.value().is_empty()) else { return Ok(0) };
        let bytes = <[u8; 8]>::try_from(row.value())
            .map_err(|_| StoreError::damaged(&self.path, "the time of a development ledger"))?;
        Ok(i64::from_be_bytes(bytes))
    }

    /// Syncs the writes of a development ledger that were not synced yet.
    pub(crate) fn settle_development(&self) -> Result<(), StoreError> {
        if self.marks.is_none() {
            return Ok(());
        }
        let mut write = self.begin_write()?;
        self.read(write.set_durability(Durability::Immediate))?;
        self.read(write.commit())
    }

    fn marks(&self) -> Result<&Marks, StoreError> {
        let what = "only a development ledger can be rewound or amended";
        self.marks.as_ref().ok_or_else(|| StoreError::NotAllowed { path: self.path.clone(), what })
    }

    /// Removes the blocks above `number`.
    fn remove_blocks_above(&self, write: &WriteTransaction, number: u64) -> Result<(), StoreError> {
        let meta = self.read(write.open_table(META))?;
        let head = head_number(&self.path, &meta)?.unwrap_or(number);
        for number in number + 1..=head {
            self.take_body(write, number)?;
            self.take_header(write, number)?;
        }
        Ok(())
    }
}
