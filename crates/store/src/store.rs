//! The ledger file and its only writer.

use crate::{
    development::Marks,
    encoding,
    error::StoreError,
    file,
    reader::{Reader, head_number, header_at, version_at},
    state::{self, Place},
    tables::{
        BEGINNING, BODIES, BUCKETS, CODES, DEVELOPMENT, FORMAT, FORMAT_VERSION, GENESIS, HEAD,
        HEADERS, META, NUMBERS, PROOFS, RECEIPTS, TRANSACTIONS, VERSIONS, VersionRow,
    },
    versions::{Version, Versions},
};
use alloy_consensus::{Header, ReceiptEnvelope, transaction::Recovered};
use alloy_primitives::B256;
use execution::{Commitment, ExecutedBlock, Genesis, Moved, StateChanges, Transaction};
use redb::{
    Database, ReadableDatabase, ReadableTable, StorageBackend, TableHandle, WriteTransaction,
    backends::FileBackend,
};
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Name of the file in the data directory.
pub(crate) const FILE_NAME: &str = "ledger.redb";

/// Page cache, in bytes.
const CACHE_SIZE: usize = 64 << 20;

/// A ledger on disk. Readers and the writer do not wait for each other; two commits do.
///
/// ```
/// let directory = tempfile::tempdir()?;
/// let store = store::Store::open(directory.path())?;
/// assert!(store.genesis()?.is_none(), "nothing is in it yet");
/// assert!(store::Store::open(directory.path()).is_err(), "one opener at a time");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Store {
    pub(crate) database: Database,
    pub(crate) path: PathBuf,
    pub(crate) versions: Arc<Versions>,
    pub(crate) marks: Option<Marks>,
    pub(crate) blocks_max: Option<u64>,
}

/// What is kept, and which operations are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// Number of states before the head's that can be read ([`Reader::at`]). Fewer are kept when blocks change much,
    /// so that they take at most about 170 MiB of memory.
    pub past_states_max: u64,
    /// Number of blocks that are kept whole; older ones are pruned unless their states are kept. `None` keeps all,
    /// and so does a development ledger.
    pub blocks_max: Option<u64>,
    /// A development ledger, for tests: it keeps all past states, and allows [`Store::rewind`] and [`Store::amend`].
    /// Its file is marked, and can't be opened as a production ledger.
    pub is_development: bool,
}

impl Default for StoreOptions {
    /// Returns the options of a production ledger with 1,024 past states and all blocks.
    fn default() -> Self {
        Self { past_states_max: 1_024, blocks_max: None, is_development: false }
    }
}

impl Store {
    /// Opens the ledger in `directory` and creates both if they do not exist. Checks the whole file, see the crate's
    /// documentation.
    ///
    /// # Errors
    /// [`StoreError`] naming the directory or file and what to do.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        Self::open_with(directory, StoreOptions::default())
    }

    /// Opens the ledger as [`Self::open`] does, with options.
    ///
    /// # Errors
    /// [`StoreError`] naming the directory or file and what to do.
    pub fn open_with(directory: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        std::fs::create_dir_all(directory)
            .map_err(|error| StoreError::from_io(directory, error))?;
        let path = directory.join(FILE_NAME);
        let backend = FileBackend::new(file::open(&path)?)
            .map_err(|error| StoreError::from_database(&path, error))?;
        Self::open_on(path, backend, options)
    }

    /// As [`Self::open_with`], but creates nothing: neither the directory nor a ledger.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when the directory has no ledger; [`StoreError`] naming the directory or file and what
    /// to do.
    pub fn open_existing(directory: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        if Self::exists(directory)? {
            Self::open_with(directory, options)
        } else {
            Err(StoreError::Missing { directory: directory.to_path_buf() })
        }
    }

    /// Returns whether `directory` has a ledger, or another file with its name. A file of size 0 does not count: its
    /// creation was interrupted.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the directory can't be read.
    pub fn exists(directory: &Path) -> Result<bool, StoreError> {
        let path = directory.join(FILE_NAME);
        match std::fs::metadata(&path) {
            Ok(metadata) => Ok(metadata.len() > 0),
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Ok(false)
            }
            Err(error) => Err(StoreError::from_io(&path, error)),
        }
    }

    /// Opens the ledger in another kind of storage; errors name it `path`. The caller ensures that nobody else opens it.
    ///
    /// # Errors
    /// [`StoreError`] naming the path and what to do.
    pub fn open_on(
        path: PathBuf,
        backend: impl StorageBackend,
        options: StoreOptions,
    ) -> Result<Self, StoreError> {
        let database = Database::builder()
            .set_cache_size(CACHE_SIZE)
            .set_check_integrity_on_open(true)
            .create_with_backend(backend)
            .map_err(|error| StoreError::from_database(&path, error))?;
        let StoreOptions { past_states_max, blocks_max, is_development } = options;
        let blocks_max = blocks_max.filter(|_| !is_development);
        let versions = Arc::new(Versions::new(past_states_max, is_development));
        let marks = is_development.then(Marks::default);
        let store = Self { database, path, versions, marks, blocks_max };
        store.check_format()?;
        store.restore_states()?;
        Ok(store)
    }

    /// Writes block 0, or checks that it is the one in the file. Call it once after [`Self::open`].
    ///
    /// # Errors
    /// [`StoreError::GenesisMismatch`] when the file has another genesis block; [`StoreError::Genesis`]; a failure to
    /// write.
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
        if self.marks.is_some() {
            let commitment = &block.moved.commitment;
            let (next_id, root) = (commitment.next_id(), commitment.root());
            let row = VersionRow { next_id, cleaned_id: 0, root };
            self.read(meta.insert(BEGINNING, row.to_bytes().as_slice()))?;
        }
        drop(meta);
        self.write_block(write, None, &block)
    }

    /// Returns the genesis file of this ledger; `None` before [`Self::initialize`].
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

    /// Writes a block and all its changes, and makes it the head. When this returns, it is on disk; in a development
    /// ledger it is on disk a few writes later, or when the store is dropped.
    ///
    /// # Errors
    /// [`StoreError`]; the file is then unchanged. After [`StoreError::DiskFull`] and [`StoreError::Io`] open it again.
    pub fn commit(&self, block: &ExecutedBlock) -> Result<(), StoreError> {
        let write = self.begin_write()?;
        self.check_follows_head(&write, block)?;
        let before = self.newest()?;
        self.write_block(write, Some(&before), block)
    }

    /// Returns a snapshot at the head.
    ///
    /// # Errors
    /// [`StoreError::Empty`] before [`Self::initialize`]; [`StoreError`] when it cannot be read.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        self.try_reader()?.ok_or_else(|| StoreError::Empty { path: self.path.clone() })
    }

    /// Recomputes the state root from every account and slot, and follows every block to the genesis.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the first inconsistency. Takes time proportional to the file.
    pub fn verify(&self) -> Result<(), StoreError> {
        self.reader()?.verify()
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns a snapshot at the head; `None` when the head changed before its commitment was found: then try again.
    fn try_reader(&self) -> Result<Option<Reader>, StoreError> {
        loop {
            let snapshot = self.read(self.database.begin_read())?;
            if let Some(reader) = Reader::new(&self.path, &snapshot, &self.versions)? {
                return Ok(Some(reader));
            }
            if self.versions.newest().is_none() {
                return Ok(None);
            }
        }
    }

    /// Builds the trees above the buckets, of the oldest kept state and then of each later one; refuses a file in
    /// which one does not have its block's state root.
    fn restore_states(&self) -> Result<(), StoreError> {
        let at = Place(&self.path);
        let snapshot = self.read(self.database.begin_read())?;
        let meta = self.read(snapshot.open_table(META))?;
        let Some(head) = head_number(&self.path, &meta)? else { return Ok(()) };
        let headers = self.read(snapshot.open_table(HEADERS))?;
        let buckets = self.read(snapshot.open_table(BUCKETS))?;
        let rows = self.read(snapshot.open_table(VERSIONS))?;
        let first = self.read(rows.first())?.map_or(head, |(number, _)| number.value());
        if self.read(rows.last())?.is_none_or(|(number, _)| number.value() != head) {
            return Err(at.damaged("the head is not the block of the newest state"));
        }
        let mut before: Option<Commitment> = None;
        for number in first..=head {
            let missing = || at.damaged(format!("block {number} or its state is missing"));
            let row = version_at(&self.path, &rows, number)?.ok_or_else(missing)?;
            let header = header_at(&self.path, &headers, number)?.ok_or_else(missing)?;
            let commitment = match &before {
                None => state::scan(&at, &buckets, row.next_id)?.commitment,
                Some(before) => state::replay(&at, &buckets, before, row.next_id)?,
            };
            let is_amended = self.marks.is_some() && row.root != header.state_root;
            if commitment.root() != row.root || (row.root != header.state_root && !is_amended) {
                return Err(at.damaged(format!("state {number} does not have its block's root")));
            }
            let base_id = before.as_ref().map_or(row.next_id, Commitment::next_id);
            let block = (number, header.hash());
            before = Some(commitment.clone());
            self.versions.offer(Version::new(block, commitment, row.cleaned_id, base_id));
        }
        Ok(())
    }

    /// Marks a new file as a ledger; refuses one that is not a ledger.
    fn check_format(&self) -> Result<(), StoreError> {
        let write = self.begin_write()?;
        let tables: Vec<_> = self.read(write.list_tables())?.collect();
        if !tables.is_empty() && !tables.iter().any(|table| table.name() == META.name()) {
            return Err(StoreError::NotALedger { path: self.path.clone() });
        }
        let mut meta = self.read(write.open_table(META))?;
        let row = self.read(meta.get(FORMAT))?.map(|row| <[u8; 4]>::try_from(row.value()));
        match row {
            Some(Ok(version)) if u32::from_be_bytes(version) == FORMAT_VERSION => {
                let found = self.read(meta.get(DEVELOPMENT))?.is_some();
                return match found == self.marks.is_some() {
                    true => Ok(()),
                    false => Err(StoreError::Purpose { path: self.path.clone(), found }),
                };
            }
            Some(Ok(version)) => {
                let (found, expected) = (u32::from_be_bytes(version), FORMAT_VERSION);
                return Err(StoreError::Format { path: self.path.clone(), found, expected });
            }
            Some(Err(_)) => return Err(StoreError::NotALedger { path: self.path.clone() }),
            None => {}
        }
        self.read(meta.insert(FORMAT, FORMAT_VERSION.to_be_bytes().as_slice()))?;
        if self.marks.is_some() {
            self.read(meta.insert(DEVELOPMENT, [].as_slice()))?;
        }
        drop(meta);
        self.read(write.commit())
    }

    fn check_follows_head(
        &self,
        write: &WriteTransaction,
        block: &ExecutedBlock,
    ) -> Result<(), StoreError> {
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
        Ok(())
    }

    /// Writes a block; `before` is the state on which it must have been executed, `None` for the empty one.
    fn write_block(
        &self,
        write: WriteTransaction,
        before: Option<&Version>,
        block: &ExecutedBlock,
    ) -> Result<(), StoreError> {
        let number = block.header.number;
        if block.moved.commitment.root() != block.header.state_root {
            let what = "its commitment does not have its state root";
            return Err(StoreError::Inconsistent { number, what });
        }
        if block.header.hash_slow() != block.hash {
            return Err(StoreError::Inconsistent {
                number,
                what: "its hash is not that of its header",
            });
        }
        // The parent has this root; the id shows whether the block was executed with the present ids of the buckets.
        if block.moved.base_id != before.map_or(0, |version| version.commitment.next_id()) {
            return Err(StoreError::StaleState { number });
        }
        self.write_codes(&write, &block.changes)?;
        self.write_history(&write, block)?;
        let mut meta = self.read(write.open_table(META))?;
        self.read(meta.insert(HEAD, number.to_be_bytes().as_slice()))?;
        drop(meta);
        let cleaned_id = before.map_or(0, |version| version.cleaned_id);
        self.write_state(write, cleaned_id, (number, block.hash), &block.moved)
    }

    /// Writes the state after a block, and commits.
    pub(crate) fn write_state(
        &self,
        write: WriteTransaction,
        cleaned_id: u64,
        block: (u64, B256),
        moved: &Moved,
    ) -> Result<(), StoreError> {
        let before = (&*self.versions, cleaned_id);
        let (version, oldest) = state::write(&Place(&self.path), &write, before, block, moved)?;
        self.prune(&write, oldest)?;
        self.versions.offer(version.clone());
        let written = self.read(write.commit());
        match written {
            Ok(()) => self.versions.settle(&version, oldest),
            Err(_) => self.versions.retract(),
        }
        written
    }

    pub(crate) fn write_codes(
        &self,
        write: &WriteTransaction,
        changes: &StateChanges,
    ) -> Result<(), StoreError> {
        let mut codes = self.read(write.open_table(CODES))?;
        for (hash, code) in &changes.codes {
            self.read(codes.insert(&hash.0, code.as_ref()))?;
        }
        Ok(())
    }

    fn write_history(
        &self,
        write: &WriteTransaction,
        block: &ExecutedBlock,
    ) -> Result<(), StoreError> {
        self.write_header(write, &block.hash, &block.header)?;
        let (transactions, receipts) = (&block.transactions, &block.receipts);
        self.write_body(write, block.header.number, transactions, receipts, &block.proof)
    }

    pub(crate) fn write_header(
        &self,
        write: &WriteTransaction,
        hash: &B256,
        header: &Header,
    ) -> Result<(), StoreError> {
        let number = header.number;
        let bytes = encoding::header_to_bytes(hash, header);
        self.read(self.read(write.open_table(HEADERS))?.insert(number, bytes.as_slice()))?;
        self.read(self.read(write.open_table(NUMBERS))?.insert(&hash.0, number))?;
        Ok(())
    }

    pub(crate) fn write_body(
        &self,
        write: &WriteTransaction,
        number: u64,
        transactions: &[Recovered<Transaction>],
        receipts: &[ReceiptEnvelope],
        proof: &[u8],
    ) -> Result<(), StoreError> {
        let body = encoding::body_to_bytes(transactions);
        let receipts = encoding::list_to_bytes(receipts.iter());
        self.read(self.read(write.open_table(BODIES))?.insert(number, body.as_slice()))?;
        self.read(self.read(write.open_table(RECEIPTS))?.insert(number, receipts.as_slice()))?;
        self.read(self.read(write.open_table(PROOFS))?.insert(number, proof))?;
        let mut table = self.read(write.open_table(TRANSACTIONS))?;
        for (index, transaction) in (0_u32..).zip(transactions) {
            self.read(table.insert(&transaction.tx_hash().0, (number, index)))?;
        }
        Ok(())
    }

    pub(crate) fn newest(&self) -> Result<Version, StoreError> {
        let newest = self.versions.newest();
        newest.ok_or_else(|| StoreError::Empty { path: self.path.clone() })
    }

    pub(crate) fn begin_write(&self) -> Result<WriteTransaction, StoreError> {
        let mut write = self.read(self.database.begin_write())?;
        if let Some(marks) = &self.marks {
            self.read(write.set_durability(marks.durability()))?;
        }
        Ok(write)
    }

    pub(crate) fn read<T, E: Into<redb::Error>>(
        &self,
        result: Result<T, E>,
    ) -> Result<T, StoreError> {
        result.map_err(|error| StoreError::from_database(&self.path, error))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // No caller is left to receive an error. Such a ledger opens again at the last block that is on disk.
        let _ = self.settle_development();
    }
}
