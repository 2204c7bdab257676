//! The file, and how it follows the ledger.

use crate::{
    entries::{self, Entries},
    error::IndexError,
    tables::{
        BLOCKS, BlockRow, CHECKPOINT_BLOCKS, CURSOR, Cursor, ENTRIES, KEY_SIZE, META, ORIGIN,
        Origin, key,
    },
    view::Snapshot,
};
use alloy_consensus::EMPTY_ROOT_HASH;
use alloy_primitives::B256;
use redb::{Database, Durability, ReadableDatabase, ReadableTable, Table, WriteTransaction};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};
use store::Reader;

/// Name of the file in the data directory.
const FILE_NAME: &str = "history.redb";
/// Page cache, in bytes.
const CACHE_SIZE: usize = 32 << 20;
/// Most blocks that one step adds or takes away.
const STEP_BLOCKS_MAX: u64 = 4_096;
/// When a step has touched so many entries it ends after the block it is at.
const STEP_ENTRIES_MAX: usize = 16_384;
/// A step is synced to the disk when so many entries and blocks together were touched since the last that was. What is lost when the process is
/// killed is made again.
const UNSYNCED_MAX: u64 = 65_536;
/// As [`UNSYNCED_MAX`], in steps: pages that a step frees are used again only once it is synced.
const UNSYNCED_STEPS_MAX: u64 = 64;

/// Which lists are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Transactions by account.
    pub transactions: bool,
    /// Transfers of tokens and of GRAIN by account.
    pub transfers: bool,
    /// Events by emitter and topic.
    pub events: bool,
}

impl Kept {
    /// Everything.
    pub const ALL: Self = Self { transactions: true, transfers: true, events: true };

    fn bits(self) -> u8 {
        u8::from(self.transactions) | u8::from(self.transfers) << 1 | u8::from(self.events) << 2
    }
}

/// What the index holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Which lists.
    pub kept: Kept,
    /// Of how many of the newest blocks; `None` is of all that the ledger keeps.
    pub blocks_max: Option<u64>,
}

impl Options {
    /// Everything of every block.
    pub const STANDARD: Self = Self { kept: Kept::ALL, blocks_max: None };
}

/// How far the index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The first block it holds.
    pub first: u64,
    /// The block that it takes next; the ones before it are in.
    pub next: u64,
    /// The ledger's last block when the step was made.
    pub head: u64,
    /// Whether a further step has something to do.
    pub is_behind: bool,
}

/// The index of one ledger.
///
/// ```
/// # use history::{Index, Options};
/// let directory = tempfile::tempdir()?;
/// let index = Index::open(directory.path(), Options::STANDARD)?;
/// assert!(directory.path().join("history.redb").exists());
/// assert!(index.snapshot()?.is_none(), "it knows no ledger yet");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Index {
    database: Database,
    path: PathBuf,
    options: Options,
    /// Locked during a step.
    unsynced: Mutex<Unsynced>,
}

/// What is not on the disk yet.
#[derive(Default)]
struct Unsynced {
    touched: u64,
    steps: u64,
}

impl Index {
    /// Opens the index in `directory`, which exists, and makes it if it is missing or damaged. Checks the whole file, about a second a gigabyte.
    ///
    /// # Errors
    /// [`IndexError`] when the file is in use, or cannot be read or written.
    pub fn open(directory: &Path, options: Options) -> Result<Self, IndexError> {
        let path = directory.join(FILE_NAME);
        let database = match open_file(&path) {
            Err(error @ (IndexError::Damaged { .. } | IndexError::Database { .. })) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the history index is made anew"
                );
                fs::remove_file(&path)
                    .map_err(|source| IndexError::Io { path: path.clone(), source })?;
                open_file(&path)?
            }
            database => database?,
        };
        Ok(Self { database, path, options, unsynced: Mutex::default() })
    }

    /// Takes one step towards the ledger that `reader` shows, in one transaction. Call it again while [`Progress::is_behind`].
    ///
    /// # Errors
    /// [`IndexError`]; the index is as before then.
    pub fn advance(&self, reader: &Reader) -> Result<Progress, IndexError> {
        let mut unsynced = self.unsynced.lock().unwrap_or_else(PoisonError::into_inner);
        let mut write = self.read(self.database.begin_write())?;
        let before = self.begin(&write, reader)?;
        let mut step = Step::new(self, reader, &write, before)?;
        step.go_back()?;
        step.prune()?;
        step.add()?;
        let (cursor, touched) = (step.cursor, step.touched());
        let (head, is_behind) = (reader.head().number, step.is_behind());
        drop(step);
        let mut meta = self.read(write.open_table(META))?;
        self.read(meta.insert(CURSOR, cursor.to_bytes().as_slice()))?;
        drop(meta);
        let (touched, steps) = (unsynced.touched + touched, unsynced.steps + 1);
        let is_synced = touched >= UNSYNCED_MAX || steps >= UNSYNCED_STEPS_MAX;
        let durability = if is_synced { Durability::Immediate } else { Durability::None };
        self.read(write.set_durability(durability))?;
        self.read(write.commit())?;
        *unsynced = if is_synced { Unsynced::default() } else { Unsynced { touched, steps } };
        Ok(Progress { first: cursor.first, next: cursor.next, head, is_behind })
    }

    /// The index as it is now; `None` before the first step. Take the ledger's reader after it: then the ledger is not behind the index.
    ///
    /// # Errors
    /// [`IndexError`] when it cannot be read.
    pub fn snapshot(&self) -> Result<Option<Snapshot>, IndexError> {
        let read = self.read(self.database.begin_read())?;
        let meta = match read.open_table(META) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            meta => self.read(meta)?,
        };
        let Some(row) = self.read(meta.get(CURSOR))? else { return Ok(None) };
        let cursor = Cursor::from_bytes(row.value()).ok_or_else(|| self.damaged("its cursor"))?;
        let entries = self.read(read.open_table(ENTRIES))?;
        let blocks = self.read(read.open_table(BLOCKS))?;
        let (path, kept) = (self.path.clone(), self.options.kept);
        Ok(Some(Snapshot { path, kept, cursor, entries, blocks }))
    }

    /// Puts on the disk what was only told to the system.
    ///
    /// # Errors
    /// [`IndexError`] when it cannot be written.
    pub fn sync(&self) -> Result<(), IndexError> {
        let mut write = self.read(self.database.begin_write())?;
        self.read(write.set_durability(Durability::Immediate))?;
        self.read(write.commit())
    }

    /// Where the last step ended. An index of another ledger, or made with other options, is emptied first.
    fn begin(&self, write: &WriteTransaction, reader: &Reader) -> Result<Cursor, IndexError> {
        let lowest = self.lowest(reader);
        let genesis = reader.header(0)?.map_or(B256::ZERO, |header| header.hash());
        let origin = Origin { genesis, kept: self.options.kept.bits() }.to_bytes();
        let mut meta = self.read(write.open_table(META))?;
        let is_known =
            self.read(meta.get(ORIGIN))?.is_some_and(|row| row.value() == origin.as_slice());
        let cursor = self.read(meta.get(CURSOR))?.and_then(|row| Cursor::from_bytes(row.value()));
        if let Some(cursor) = cursor.filter(|_| is_known) {
            // Blocks are added at the end only: where earlier ones are to be held now, it begins anew, and so it does where all have left.
            if lowest >= cursor.first && lowest <= cursor.next {
                return Ok(cursor);
            }
        }
        self.read(write.delete_table(ENTRIES))?;
        self.read(write.delete_table(BLOCKS))?;
        self.read(meta.insert(ORIGIN, origin.as_slice()))?;
        Ok(Cursor { first: lowest, next: lowest, hash: B256::ZERO })
    }

    /// The lowest block that the index is to hold.
    fn lowest(&self, reader: &Reader) -> u64 {
        let blocks_max = self.options.blocks_max.unwrap_or(u64::MAX).max(1);
        let bound = (reader.head().number + 1).saturating_sub(blocks_max);
        // The genesis block has no transactions.
        bound.max(reader.first_block()).max(1)
    }

    fn read<T, E: Into<redb::Error>>(&self, result: Result<T, E>) -> Result<T, IndexError> {
        result.map_err(|error| IndexError::from_database(&self.path, error))
    }

    fn damaged(&self, what: impl Into<String>) -> IndexError {
        IndexError::damaged(&self.path, what)
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        // Nobody is left to tell. What is not on the disk is made again.
        let _ = self.sync();
    }
}

fn open_file(path: &Path) -> Result<Database, IndexError> {
    Database::builder()
        .set_cache_size(CACHE_SIZE)
        .set_check_integrity_on_open(true)
        .create(path)
        .map_err(|error| IndexError::from_database(path, error))
}

/// One step: what it does to the tables.
struct Step<'a> {
    index: &'a Index,
    reader: &'a Reader,
    entries: Table<'a, &'static [u8; KEY_SIZE], u32>,
    blocks: Table<'a, u64, &'static [u8]>,
    cursor: Cursor,
    lowest: u64,
    block_count: u64,
    entry_count: usize,
}

impl<'a> Step<'a> {
    fn new(
        index: &'a Index,
        reader: &'a Reader,
        write: &'a WriteTransaction,
        cursor: Cursor,
    ) -> Result<Self, IndexError> {
        Ok(Self {
            index,
            reader,
            entries: index.read(write.open_table(ENTRIES))?,
            blocks: index.read(write.open_table(BLOCKS))?,
            cursor,
            lowest: index.lowest(reader),
            block_count: 0,
            entry_count: 0,
        })
    }

    fn touched(&self) -> u64 {
        self.block_count.saturating_add(u64::try_from(self.entry_count).unwrap_or(u64::MAX))
    }

    fn is_full(&self) -> bool {
        self.block_count >= STEP_BLOCKS_MAX || self.entry_count >= STEP_ENTRIES_MAX
    }

    /// Whether the ledger has another block where the index ends than the one that it took in.
    fn has_left_the_ledger(&self) -> Result<bool, IndexError> {
        let Cursor { first, next, hash } = self.cursor;
        if next == first {
            return Ok(false);
        }
        Ok(self.ledger_hash(next - 1)? != Some(hash))
    }

    fn is_behind(&self) -> bool {
        let is_whole = self.cursor.next > self.reader.head().number;
        self.is_full() || !is_whole || self.cursor.first < self.lowest
    }

    fn ledger_hash(&self, number: u64) -> Result<Option<B256>, IndexError> {
        Ok(self.reader.header(number)?.map(|header| header.hash()))
    }

    /// Takes away blocks that the ledger no longer has, newest first.
    fn go_back(&mut self) -> Result<(), IndexError> {
        while !self.is_full() && self.has_left_the_ledger()? {
            let below = self.cursor.first..self.cursor.next;
            let last = self.index.read(self.blocks.range(below))?.next_back();
            let Some((number, hash)) = self
                .index
                .read(last.transpose())?
                .map(|(number, row)| (number.value(), BlockRow::hash(row.value())))
            else {
                // Nothing in the index is of a block: it begins anew where it began.
                (self.cursor.next, self.cursor.hash) = (self.cursor.first, B256::ZERO);
                return Ok(());
            };
            if hash.is_some() && hash == self.ledger_hash(number)? {
                // What is between has no entries; the ledger may have other blocks there.
                self.cursor.next = number + 1;
                self.cursor.hash = hash.unwrap_or_default();
                return Ok(());
            }
            self.take(number)?;
            (self.cursor.next, self.cursor.hash) = (number, B256::ZERO);
        }
        Ok(())
    }

    /// Takes away blocks below the lowest that is to be held, oldest first.
    fn prune(&mut self) -> Result<(), IndexError> {
        while !self.is_full() && self.cursor.first < self.lowest {
            let below = self.cursor.first..self.lowest;
            let first = self.index.read(self.blocks.range(below))?.next();
            let first = self.index.read(first.transpose())?.map(|(number, _)| number.value());
            let Some(number) = first else {
                self.cursor.first = self.lowest;
                break;
            };
            self.take(number)?;
            self.cursor.first = number + 1;
        }
        if self.cursor.next < self.cursor.first {
            (self.cursor.next, self.cursor.hash) = (self.cursor.first, B256::ZERO);
        }
        Ok(())
    }

    /// Adds the next blocks of the ledger.
    fn add(&mut self) -> Result<(), IndexError> {
        if self.has_left_the_ledger()? {
            return Ok(());
        }
        let mut all = Entries::new();
        while !self.is_full() && self.cursor.next <= self.reader.head().number {
            self.add_block(self.cursor.next, &mut all)?;
        }
        // In order: neighbours lie on one page.
        for ((list, position), value) in &all {
            self.index.read(self.entries.insert(&key(list, *position), value))?;
        }
        Ok(())
    }

    fn add_block(&mut self, number: u64, all: &mut Entries) -> Result<(), IndexError> {
        let missing = || self.index.damaged(format!("block {number} of the ledger is missing"));
        let header = self.reader.header(number)?.ok_or_else(missing)?;
        let hash = header.hash();
        let mut own = Entries::new();
        if header.transactions_root != EMPTY_ROOT_HASH {
            let block = self.reader.block(number)?.ok_or_else(missing)?;
            let receipts = self.reader.receipts(number)?.ok_or_else(missing)?;
            entries::of_block(self.index.options.kept, &block, &receipts, &mut own);
        }
        if !own.is_empty() || number.is_multiple_of(CHECKPOINT_BLOCKS) {
            let row = BlockRow::to_bytes(&hash, &own);
            self.index.read(self.blocks.insert(number, row.as_slice()))?;
        }
        self.block_count += 1;
        self.entry_count += own.len();
        all.append(&mut own);
        (self.cursor.next, self.cursor.hash) = (number + 1, hash);
        Ok(())
    }

    /// Takes away a block that has a row, with its entries.
    fn take(&mut self, number: u64) -> Result<(), IndexError> {
        let row = self.index.read(self.blocks.remove(number))?;
        let keys = row.as_ref().map(|row| BlockRow::keys(number, row.value()));
        let keys = keys.flatten().ok_or_else(|| self.index.damaged(format!("block {number}")))?;
        drop(row);
        for key in &keys {
            self.index.read(self.entries.remove(key))?;
        }
        self.block_count += 1;
        self.entry_count += keys.len();
        Ok(())
    }
}
