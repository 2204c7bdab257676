//! Creates a ledger from a snapshot.

use super::{
    FRAME_SIZE, HEADERS_MAX, SnapshotError, SnapshotSummary,
    frames::{FrameReader, Kind},
};
use crate::{
    encoding::{self, take_bytes},
    error::StoreError,
    state::code_of,
    store::{FILE_NAME, Store, StoreOptions},
    tables::{BUCKETS, CODES, FIRST, GENESIS, HEAD, META, VERSIONS, VersionRow},
};
use alloy_consensus::{Header, ReceiptEnvelope, Sealed, proofs, transaction::Recovered};
use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::Decodable;
use execution::{
    Commitment, Entry, ExecutedBlock, Genesis, MODULES, ModuleTable, OutOfOrder, Rules,
    Transaction, decode_transaction,
};
use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    io::{BufReader, ErrorKind, Read},
    path::{Path, PathBuf},
};

/// Number of buckets written in one transaction of the file.
const BUCKETS_WRITTEN: usize = 1 << 14;

/// Creates the ledger of a snapshot in `directory`; calls `report` with the number of bytes read. The directory must be
/// new or empty, and is complete or absent afterwards. With `trusted`, only a snapshot of the block with this hash is
/// accepted: all of its content is then proven except the genesis file, of which only the rules for later blocks are
/// used.
///
/// The genesis file contains the schedule of revisions, and the state what votes have added. A snapshot of a block whose revision this program does not
/// know is refused; one of an earlier block is accepted, and its ledger continues up to that revision.
///
/// # Errors
/// [`SnapshotError`]; nothing is left behind then.
pub fn import(
    directory: &Path,
    source: impl Read,
    trusted: Option<&B256>,
    report: &mut dyn FnMut(u64),
) -> Result<SnapshotSummary, SnapshotError> {
    import_by(&MODULES, directory, source, trusted, report)
}

/// As [`import`], for a program that knows `modules`: for tests.
///
/// # Errors
/// [`SnapshotError`]; nothing is left behind then.
pub fn import_by(
    modules: &ModuleTable,
    directory: &Path,
    source: impl Read,
    trusted: Option<&B256>,
    report: &mut dyn FnMut(u64),
) -> Result<SnapshotSummary, SnapshotError> {
    let is_there = match fs::read_dir(directory) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(SnapshotError::Occupied { path: directory.to_owned() });
            }
            true
        }
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => return Err(StoreError::from_io(directory, error).into()),
    };
    let draft = Draft::begin(directory)?;
    let import = Import::begin(modules, &draft.path, source, trusted)?;
    let rules = import.rules.clone();
    let summary = import.run(report)?;
    check_votes(&draft.path, &rules, summary.block_number)?;
    if is_there {
        fs::remove_dir(directory).map_err(|error| StoreError::from_io(directory, error))?;
    }
    draft.finish(directory)?;
    Ok(summary)
}

/// Refuses a head whose revision this program does not know, though the genesis file does not name it: votes have brought it.
fn check_votes(directory: &Path, rules: &Rules, head: u64) -> Result<(), SnapshotError> {
    let store = Store::open_with(directory, StoreOptions::default())?;
    let rules = rules.at(&store.reader()?)?;
    Ok(rules.check_known(head)?)
}

/// The directory under a temporary name; removed unless the import is finished.
struct Draft {
    path: PathBuf,
    is_finished: bool,
}

impl Draft {
    fn begin(directory: &Path) -> Result<Self, SnapshotError> {
        let mut name = directory.file_name().map_or_else(OsString::new, OsString::from);
        name.push(".importing");
        let path = directory.with_file_name(name);
        let fault = |error| StoreError::from_io(&path, error);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(fault)?;
        }
        match fs::create_dir(&path) {
            Ok(()) => Ok(Self { path, is_finished: false }),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(SnapshotError::UnderWay { path })
            }
            Err(error) => Err(fault(error).into()),
        }
    }

    fn finish(mut self, directory: &Path) -> Result<(), SnapshotError> {
        let renamed = fs::rename(&self.path, directory);
        renamed.map_err(|error| StoreError::from_io(directory, error))?;
        self.is_finished = true;
        // The name is on disk once its parent folder is synced. Not every operating system can do this.
        if let Some(Ok(parent)) = directory.parent().map(fs::File::open) {
            let _ = parent.sync_all();
        }
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_finished {
            // If it can't be removed, the next import reports it.
            let _ = fs::remove_file(self.path.join(FILE_NAME));
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// The head, with transactions and receipts checked against its header.
struct Head {
    header: Sealed<Header>,
    transactions: Vec<Recovered<Transaction>>,
    receipts: Vec<ReceiptEnvelope>,
    proof: Bytes,
}

struct Import<R> {
    store: Store,
    frames: FrameReader<BufReader<R>>,
    genesis: Genesis,
    genesis_block: ExecutedBlock,
    /// Those of the genesis file, without votes.
    rules: Rules,
    headers: Vec<Sealed<Header>>,
    head: Head,
}

impl<R: Read> Import<R> {
    /// Reads and checks everything except the state.
    fn begin(
        modules: &ModuleTable,
        path: &Path,
        source: R,
        trusted: Option<&B256>,
    ) -> Result<Self, SnapshotError> {
        let mut frames = FrameReader::new(BufReader::with_capacity(FRAME_SIZE, source))?;
        let json = frames.next(Kind::Genesis)?;
        let json = std::str::from_utf8(&json)
            .map_err(|_| frames.damaged("the genesis file is not text"))?;
        let genesis = Genesis::from_json(json).map_err(StoreError::from)?;
        let genesis_block = genesis.block().map_err(StoreError::from)?;
        let bytes = frames.next(Kind::Headers)?;
        let headers = headers(&bytes, &genesis_block.hash);
        let headers = headers.map_err(|what| frames.damaged(what))?;
        let header = headers.last().ok_or_else(|| frames.damaged("no head"))?.clone();
        if let Some(expected) = trusted.filter(|trusted| **trusted != header.hash()) {
            return Err(SnapshotError::OtherBlock { found: header.hash(), expected: *expected });
        }
        let rules = Rules { modules: *modules, ..genesis.rules() };
        rules.check_known(header.number)?;
        let bytes = frames.next(Kind::Block)?;
        let head = head(&bytes, header).map_err(|what| frames.damaged(what))?;
        let store = Store::open_with(path, StoreOptions::default())?;
        Ok(Self { store, frames, genesis, genesis_block, rules, headers, head })
    }

    fn run(mut self, report: &mut dyn FnMut(u64)) -> Result<SnapshotSummary, SnapshotError> {
        let (commitment, entry_count, mut codes) = self.take_entries(report)?;
        let header = &self.head.header;
        if commitment.root() != header.state_root {
            return Err(self.frames.damaged("the state does not have the head's root"));
        }
        let code_count = codes.len() as u64;
        self.take_codes(&mut codes)?;
        if !codes.is_empty() {
            return Err(self.frames.damaged("a code is missing"));
        }
        let end = self.frames.next(Kind::End)?;
        if end != [entry_count.to_be_bytes(), code_count.to_be_bytes()].concat() {
            return Err(self
                .frames
                .damaged("the number of entries differs from the one at the end"));
        }
        self.write_chain(&commitment)?;
        report(self.frames.offset());
        self.frames.finish()?;
        Ok(SnapshotSummary {
            chain_id: self.genesis.chain_id,
            genesis_hash: self.genesis_block.hash,
            block_number: self.head.header.number,
            block_hash: self.head.header.hash(),
            state_root: self.head.header.state_root,
            entry_count,
            code_count,
        })
    }

    /// Returns the state's commitment, the number of its entries, and the codes that they name.
    fn take_entries(
        &mut self,
        report: &mut dyn FnMut(u64),
    ) -> Result<(Commitment, u64, BTreeSet<B256>), SnapshotError> {
        let (store, frames) = (&self.store, &mut self.frames);
        let mut entries = EntryStream { frames, bytes: Vec::new(), taken: 0, report };
        let (mut count, mut codes) = (0, BTreeSet::new());
        let counted = std::iter::from_fn(|| entries.next().transpose()).inspect(|entry| {
            count += 1;
            codes.extend(entry.as_ref().ok().and_then(code_of));
        });
        let mut waiting = Vec::with_capacity(BUCKETS_WRITTEN);
        let commitment = Commitment::gather(counted, |id, bytes| -> Result<(), EntryError> {
            waiting.push((id, bytes));
            if waiting.len() == BUCKETS_WRITTEN {
                write_buckets(store, &mut waiting)?;
            }
            Ok(())
        });
        let commitment = commitment.map_err(|trouble| match trouble {
            EntryError::Snapshot(error) => error,
            EntryError::OutOfOrder => self.frames.damaged("the state's entries are not in order"),
        })?;
        write_buckets(store, &mut waiting)?;
        Ok((commitment, count, codes))
    }

    /// Reads and writes codes, and removes their hashes from `named`.
    fn take_codes(&mut self, named: &mut BTreeSet<B256>) -> Result<(), SnapshotError> {
        while let Some(bytes) = self.frames.next_if(Kind::Codes)? {
            let write = self.store.begin_write()?;
            let mut table = self.store.read(write.open_table(CODES))?;
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let code = take_bytes(&mut rest);
                let code = code.ok_or_else(|| self.frames.damaged("a code ends too soon"))?;
                let hash = keccak256(code);
                if !named.remove(&hash) {
                    return Err(self.frames.damaged("a code that no account has"));
                }
                self.store.read(table.insert(&hash.0, code))?;
            }
            drop(table);
            self.store.read(write.commit())?;
        }
        Ok(())
    }

    /// Writes the blocks and everything else of a ledger.
    fn write_chain(&self, commitment: &Commitment) -> Result<(), SnapshotError> {
        let (store, block) = (&self.store, &self.genesis_block);
        let write = store.begin_write()?;
        store.write_header(&write, &block.hash, &block.header)?;
        store.write_body(&write, 0, &block.transactions, &block.receipts, &block.proof)?;
        for header in &self.headers {
            store.write_header(&write, &header.hash(), header)?;
        }
        let Head { header, transactions, receipts, proof } = &self.head;
        let number = header.number;
        store.write_body(&write, number, transactions, receipts, proof)?;
        let row =
            VersionRow { next_id: commitment.next_id(), cleaned_id: 0, root: commitment.root() };
        let mut rows = store.read(write.open_table(VERSIONS))?;
        store.read(rows.insert(number, row.to_bytes().as_slice()))?;
        drop(rows);
        let mut meta = store.read(write.open_table(META))?;
        store.read(meta.insert(GENESIS, self.genesis.to_json().as_bytes()))?;
        store.read(meta.insert(FIRST, number.to_be_bytes().as_slice()))?;
        store.read(meta.insert(HEAD, number.to_be_bytes().as_slice()))?;
        drop(meta);
        Ok(store.read(write.commit())?)
    }
}

/// Why the entries gave no commitment.
enum EntryError {
    Snapshot(SnapshotError),
    OutOfOrder,
}

impl From<OutOfOrder> for EntryError {
    fn from(_: OutOfOrder) -> Self {
        Self::OutOfOrder
    }
}

impl<E: Into<SnapshotError>> From<E> for EntryError {
    fn from(error: E) -> Self {
        Self::Snapshot(error.into())
    }
}

/// Iterates over the entries of the frames.
struct EntryStream<'a, R> {
    frames: &'a mut FrameReader<R>,
    bytes: Vec<u8>,
    taken: usize,
    report: &'a mut dyn FnMut(u64),
}

impl<R: Read> EntryStream<'_, R> {
    fn next(&mut self) -> Result<Option<Entry>, EntryError> {
        if self.taken == self.bytes.len() {
            let Some(bytes) = self.frames.next_if(Kind::Entries)? else { return Ok(None) };
            (self.report)(self.frames.offset());
            (self.bytes, self.taken) = (bytes, 0);
        }
        let mut rest = &self.bytes[self.taken..];
        let entry = Entry::read(&mut rest);
        self.taken = self.bytes.len() - rest.len();
        Ok(Some(entry.ok_or_else(|| self.frames.damaged("an account or slot is malformed"))?))
    }
}

fn write_buckets(store: &Store, waiting: &mut Vec<(u64, Vec<u8>)>) -> Result<(), StoreError> {
    let write = store.begin_write()?;
    let mut table = store.read(write.open_table(BUCKETS))?;
    for (id, bytes) in waiting.drain(..) {
        store.read(table.insert(id, bytes.as_slice()))?;
    }
    drop(table);
    store.read(write.commit())
}

/// Decodes the newest headers and checks that they are linked up to the head.
fn headers(mut bytes: &[u8], genesis_hash: &B256) -> Result<Vec<Sealed<Header>>, &'static str> {
    let mut headers: Vec<Sealed<Header>> = Vec::new();
    while !bytes.is_empty() {
        let encoded = take_bytes(&mut bytes).ok_or("a header ends too soon")?;
        let mut rest = encoded;
        let header = Header::decode(&mut rest).map_err(|_| "a header is malformed")?;
        let header = Sealed::new(header);
        // Only one encoding of a header has its hash.
        if !rest.is_empty() || keccak256(encoded) != header.hash() {
            return Err("a header is malformed");
        }
        let follows = headers.last().is_none_or(|before| {
            before.number.checked_add(1) == Some(header.number)
                && before.hash() == header.parent_hash
        });
        if !follows {
            return Err("the headers are not linked");
        }
        headers.push(header);
    }
    let (first, head) = headers.first().zip(headers.last()).ok_or("no head")?;
    if first.number != head.number.saturating_add(1).saturating_sub(HEADERS_MAX) {
        return Err("the number of headers is wrong");
    }
    if first.number == 0 && first.hash() != *genesis_hash {
        return Err("the chain does not begin with the genesis file");
    }
    Ok(headers)
}

fn head(mut bytes: &[u8], header: Sealed<Header>) -> Result<Head, &'static str> {
    const SHORT: &str = "the head's block ends too soon";
    let proof = take_bytes(&mut bytes).ok_or(SHORT)?;
    let mut encoded = take_bytes(&mut bytes).ok_or(SHORT)?;
    let receipts = take_bytes(&mut bytes).ok_or(SHORT)?;
    if !bytes.is_empty() {
        return Err("the head's block is too long");
    }
    let mut transactions = Vec::new();
    while !encoded.is_empty() {
        let transaction = decode_transaction(take_bytes(&mut encoded).ok_or(SHORT)?);
        transactions.push(transaction.map_err(|_| "a transaction of the head is malformed")?);
    }
    let receipts =
        encoding::receipts_from_bytes(receipts).ok_or("a receipt of the head is malformed")?;
    let fits = proofs::calculate_transaction_root(&transactions) == header.transactions_root
        && proofs::calculate_receipt_root(&receipts) == header.receipts_root
        && transactions.len() == receipts.len();
    if !fits {
        return Err("the head's block is inconsistent");
    }
    let proof = Bytes::copy_from_slice(proof);
    Ok(Head { header, transactions, receipts, proof })
}
