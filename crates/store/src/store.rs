//! The file and its one writer.

use crate::{
    encoding,
    error::StoreError,
    reader::{Reader, head_number, header_at},
    state::{self, Versions},
    tables::{
        BODIES, BUCKETS, CODES, FORMAT, FORMAT_VERSION, GENESIS, HEAD, HEADERS, META, NUMBERS,
        PROOFS, RECEIPTS, TRANSACTIONS,
    },
};
use alloy_consensus::{Header, Sealed};
use alloy_primitives::B256;
use execution::{Commitment, ExecutedBlock, Genesis};
use redb::{
    Database, ReadableDatabase, ReadableTable, TableHandle, WriteTransaction, backends::FileBackend,
};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

/// Name of the file in the data directory.
const FILE_NAME: &str = "ledger.redb";

/// Page cache, in bytes.
const CACHE_SIZE: usize = 64 << 20;

/// A ledger on disk. Readers do not wait for the writer, nor it for them; two commits wait for each other.
///
/// ```
/// let directory = tempfile::tempdir()?;
/// let store = store::Store::open(directory.path())?;
/// assert!(store.genesis()?.is_none(), "nothing is in it yet");
/// assert!(store::Store::open(directory.path()).is_err(), "one opener at a time");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Store {
    database: Database,
    path: PathBuf,
    versions: Versions,
}

impl Store {
    /// Opens the ledger in `directory`, making both if they are not there. Checks the whole file, see the crate's text.
    ///
    /// # Errors
    /// [`StoreError`] naming the directory or file and what to do.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(directory)
            .map_err(|error| StoreError::from_io(directory, error))?;
        let path = directory.join(FILE_NAME);
        let backend = FileBackend::new(open_file(&path)?)
            .map_err(|error| StoreError::from_database(&path, error))?;
        let database = Database::builder()
            .set_cache_size(CACHE_SIZE)
            .set_check_integrity_on_open(true)
            .create_with_backend(backend)
            .map_err(|error| StoreError::from_database(&path, error))?;
        let store = Self { database, path, versions: Versions::default() };
        store.check_format()?;
        store.restore_state()?;
        Ok(store)
    }

    /// Writes block 0, or checks that it is the one the file begins with. Call it once after [`Self::open`].
    ///
    /// # Errors
    /// [`StoreError::GenesisMismatch`] when the file holds another chain; [`StoreError::Genesis`]; a failure to write.
    pub fn initialize(&self, genesis: &Genesis) -> Result<(), StoreError> {
        let block = genesis.block()?;
        if let Some(reader) = self.try_reader()? {
            let found = reader.header(0)?.map_or(B256::ZERO, |header| header.hash());
            if found == block.hash {
                return Ok(());
            }
            let (path, expected) = (self.path.clone(), block.hash);
            return Err(StoreError::GenesisMismatch { path, found, expected });
        }
        let write = self.begin_write()?;
        let mut meta = self.read(write.open_table(META))?;
        self.read(meta.insert(GENESIS, genesis.to_json().as_bytes()))?;
        drop(meta);
        self.write_block(write, &Commitment::empty(), &block)
    }

    /// The genesis file this ledger began with; `None` before [`Self::initialize`].
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn genesis(&self) -> Result<Option<Genesis>, StoreError> {
        let snapshot = self.read(self.database.begin_read())?;
        let meta = self.read(snapshot.open_table(META))?;
        let Some(row) = self.read(meta.get(GENESIS))? else { return Ok(None) };
        let json = std::str::from_utf8(row.value())
            .map_err(|_| StoreError::damaged(&self.path, "the genesis file"))?;
        Ok(Some(Genesis::from_json(json)?))
    }

    /// Writes a block and everything it changed, and makes it the head. When this returns, it is on the disk.
    ///
    /// # Errors
    /// [`StoreError`]; the file is as before then. After [`StoreError::DiskFull`] and [`StoreError::Io`] open it again.
    pub fn commit(&self, block: &ExecutedBlock) -> Result<(), StoreError> {
        let write = self.begin_write()?;
        let head = self.check_follows_head(&write, block)?;
        let commitment = self.versions.find(&head.hash());
        let commitment = commitment
            .ok_or_else(|| StoreError::damaged(&self.path, "the head's state is not known"))?;
        self.write_block(write, &commitment, block)
    }

    /// A snapshot at the head.
    ///
    /// # Errors
    /// [`StoreError::Empty`] before [`Self::initialize`]; [`StoreError`] when it cannot be read.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        self.try_reader()?.ok_or_else(|| StoreError::Empty { path: self.path.clone() })
    }

    /// Recomputes the state root from every account and slot, and follows every block to the genesis.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the first thing that does not fit. Takes time proportional to the file.
    pub fn verify(&self) -> Result<(), StoreError> {
        self.reader()?.verify()
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A snapshot whose head has moved on before its commitment was found is taken anew.
    fn try_reader(&self) -> Result<Option<Reader>, StoreError> {
        loop {
            let snapshot = self.read(self.database.begin_read())?;
            if let Some(reader) = Reader::new(&self.path, &snapshot, &self.versions)? {
                return Ok(Some(reader));
            }
            if self.versions.is_empty() {
                return Ok(None);
            }
        }
    }

    /// Builds the tree above the buckets; refuses a file in which it does not lead to the head's state root.
    fn restore_state(&self) -> Result<(), StoreError> {
        let snapshot = self.read(self.database.begin_read())?;
        let meta = self.read(snapshot.open_table(META))?;
        let Some(number) = head_number(&self.path, &meta)? else { return Ok(()) };
        let headers = self.read(snapshot.open_table(HEADERS))?;
        let head = header_at(&self.path, &headers, number)?
            .ok_or_else(|| StoreError::damaged(&self.path, format!("block {number} is missing")))?;
        let buckets = self.read(snapshot.open_table(BUCKETS))?;
        let scan = state::scan(&self.path, &meta, &buckets)?;
        if scan.commitment.root() != head.state_root {
            let what = "the state does not have the head's root";
            return Err(StoreError::damaged(&self.path, what));
        }
        self.versions.offer(head.hash(), scan.commitment);
        Ok(())
    }

    /// Marks a new file as ours; refuses one that is not.
    fn check_format(&self) -> Result<(), StoreError> {
        let write = self.begin_write()?;
        let tables: Vec<_> = self.read(write.list_tables())?.collect();
        if !tables.is_empty() && !tables.iter().any(|table| table.name() == META.name()) {
            return Err(StoreError::NotALedger { path: self.path.clone() });
        }
        let mut meta = self.read(write.open_table(META))?;
        let row = self.read(meta.get(FORMAT))?.map(|row| <[u8; 4]>::try_from(row.value()));
        match row {
            Some(Ok(version)) if u32::from_be_bytes(version) == FORMAT_VERSION => return Ok(()),
            Some(Ok(version)) => {
                let (found, expected) = (u32::from_be_bytes(version), FORMAT_VERSION);
                return Err(StoreError::Format { path: self.path.clone(), found, expected });
            }
            Some(Err(_)) => return Err(StoreError::NotALedger { path: self.path.clone() }),
            None => {}
        }
        self.read(meta.insert(FORMAT, FORMAT_VERSION.to_be_bytes().as_slice()))?;
        drop(meta);
        self.read(write.commit())
    }

    fn check_follows_head(
        &self,
        write: &WriteTransaction,
        block: &ExecutedBlock,
    ) -> Result<Sealed<Header>, StoreError> {
        let meta = self.read(write.open_table(META))?;
        let headers = self.read(write.open_table(HEADERS))?;
        let Some(head_number) = head_number(&self.path, &meta)? else {
            return Err(StoreError::Empty { path: self.path.clone() });
        };
        let head = header_at(&self.path, &headers, head_number)?
            .ok_or_else(|| StoreError::damaged(&self.path, "the head's header is missing"))?;
        let (number, parent) = (block.header.number, block.header.parent_hash);
        if number != head_number + 1 || parent != head.hash() {
            let head = head.hash();
            return Err(StoreError::NotNext { number, parent, head_number, head });
        }
        Ok(head)
    }

    /// `commitment` is of the state that the block must have been executed on.
    fn write_block(
        &self,
        write: WriteTransaction,
        commitment: &Commitment,
        block: &ExecutedBlock,
    ) -> Result<(), StoreError> {
        let number = block.header.number;
        if block.moved.commitment.root() != block.header.state_root {
            let what = "its commitment is not its state root";
            return Err(StoreError::Inconsistent { number, what });
        }
        if block.header.hash_slow() != block.hash {
            return Err(StoreError::Inconsistent { number, what: "its hash is not its header's" });
        }
        // Its parent has this root; so the id says whether it knew the buckets under the ids that they have.
        if block.moved.base_id != commitment.next_id() {
            return Err(StoreError::StaleState { number });
        }
        let mut codes = self.read(write.open_table(CODES))?;
        for (hash, code) in &block.changes.codes {
            self.read(codes.insert(&hash.0, code.as_ref()))?;
        }
        drop(codes);
        let commitment = state::write(&self.path, &write, &block.moved)?;
        self.write_history(&write, block)?;
        let mut meta = self.read(write.open_table(META))?;
        self.read(meta.insert(HEAD, number.to_be_bytes().as_slice()))?;
        drop(meta);
        self.versions.offer(block.hash, commitment);
        let written = self.read(write.commit());
        if written.is_err() {
            self.versions.retract(&block.hash);
        }
        written
    }

    fn write_history(
        &self,
        write: &WriteTransaction,
        block: &ExecutedBlock,
    ) -> Result<(), StoreError> {
        let number = block.header.number;
        let header = encoding::header_to_bytes(&block.hash, &block.header);
        let body = encoding::body_to_bytes(&block.transactions);
        let receipts = encoding::receipts_to_bytes(&block.receipts);
        self.read(self.read(write.open_table(HEADERS))?.insert(number, header.as_slice()))?;
        self.read(self.read(write.open_table(BODIES))?.insert(number, body.as_slice()))?;
        self.read(self.read(write.open_table(RECEIPTS))?.insert(number, receipts.as_slice()))?;
        self.read(self.read(write.open_table(PROOFS))?.insert(number, block.proof.as_ref()))?;
        self.read(self.read(write.open_table(NUMBERS))?.insert(&block.hash.0, number))?;
        let mut transactions = self.read(write.open_table(TRANSACTIONS))?;
        for (index, transaction) in (0_u32..).zip(&block.transactions) {
            self.read(transactions.insert(&transaction.tx_hash().0, (number, index)))?;
        }
        Ok(())
    }

    fn begin_write(&self) -> Result<WriteTransaction, StoreError> {
        self.read(self.database.begin_write())
    }

    fn read<T, E: Into<redb::Error>>(&self, result: Result<T, E>) -> Result<T, StoreError> {
        result.map_err(|error| StoreError::from_database(&self.path, error))
    }
}

/// Opens or makes the file. One whose making was cut short is emptied first, as redb refuses it.
fn open_file(path: &Path) -> Result<File, StoreError> {
    let fault = |error| StoreError::from_io(path, error);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(fault)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(StoreError::already_open(path)),
        Err(TryLockError::Error(error)) => return Err(fault(error)),
    }
    if is_unfinished(&file).map_err(fault)? {
        file.set_len(0).map_err(fault)?;
    }
    // redb takes the lock itself, on the same file.
    file.unlock().map_err(fault)?;
    Ok(file)
}

/// Whether redb began to make this file and was stopped. It writes a header without its magic number, then the number, and only then
/// any page; so: no number, and nothing behind the header. A ledger that merely lost its first bytes has pages, and is left alone.
fn is_unfinished(file: &File) -> std::io::Result<bool> {
    const MAGIC_SIZE: usize = 9;
    const HEADER_SIZE: usize = 320;
    let mut reader = BufReader::new(file);
    let mut header = Vec::with_capacity(HEADER_SIZE);
    reader.by_ref().take(HEADER_SIZE as u64).read_to_end(&mut header)?;
    if header.iter().take(MAGIC_SIZE).any(|byte| *byte != 0) {
        return Ok(false);
    }
    loop {
        let read = reader.fill_buf()?;
        if read.is_empty() {
            return Ok(true);
        }
        if read.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        let count = read.len();
        reader.consume(count);
    }
}
