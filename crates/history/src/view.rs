//! What the index answers, read from the ledger where it says.

use crate::{
    entries::{self, Entries, Kind, List, Role},
    error::IndexError,
    filter::EventFilter,
    index::Kept,
    position::Position,
    tables::{BlockRow, Cursor, KEY_SIZE, key, position},
};
use alloy_consensus::{ReceiptEnvelope, Transaction as _, transaction::Recovered};
use alloy_primitives::{Address, B256, Log, U256};
use execution::Transaction;
use redb::ReadOnlyTable;
use std::{path::PathBuf, sync::Arc};
use store::Reader;

/// Most items of a page.
pub const PAGE_MAX: usize = 100;
/// A page ends early when its items hold so many bytes of calldata and event data.
const PAGE_SIZE_MAX: usize = 1 << 20;
/// Most events that are read for one page; those that do not match are passed over.
const EVENTS_READ_MAX: usize = 1_000;
/// Most blocks newer than the index that are read for an answer.
const NEWER_BLOCKS_MAX: u64 = 32;
/// When the blocks newer than the index hold so many entries, no more of them are read.
const NEWER_ENTRIES_MAX: usize = 16_384;
/// Most rows that are looked at for a block that both the index and the ledger have.
const LOOKED_BACK_MAX: usize = 1_024;

/// The index at one moment.
pub struct Snapshot {
    pub(crate) path: PathBuf,
    pub(crate) kept: Kept,
    pub(crate) cursor: Cursor,
    pub(crate) entries: ReadOnlyTable<&'static [u8; KEY_SIZE], u32>,
    pub(crate) blocks: ReadOnlyTable<u64, &'static [u8]>,
}

/// Which blocks an answer is complete for: from `first` to `last`, both included; none when `last` is below `first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The first block.
    pub first: u64,
    /// The last block.
    pub last: u64,
    /// The ledger's last block.
    pub head: u64,
}

impl Coverage {
    /// Whether the newest blocks are in.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.last == self.head
    }

    /// Whether every block since the ledger's genesis is in.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.first <= 1 && self.is_current()
    }
}

/// Which part of a list is wanted, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// What comes before this; `None` is from the newest.
    pub before: Option<Position>,
    /// Most items, at most [`PAGE_MAX`].
    pub limit: usize,
}

/// Part of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where to go on: [`PageRequest::before`] of the next page. `None` when nothing older is left.
    pub next: Option<Position>,
}

/// A transaction that an account has to do with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionEntry {
    /// Where it is.
    pub position: Position,
    /// Time of its block, Unix seconds.
    pub timestamp: u64,
    /// What the account has to do with it.
    pub roles: Vec<Role>,
    /// The transaction.
    pub transaction: Recovered<Transaction>,
    /// What came of it.
    pub receipt: ReceiptEnvelope,
}

/// A move of a token, or of GRAIN as the value of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferEntry {
    /// Where it is.
    pub position: Position,
    /// Time of its block, Unix seconds.
    pub timestamp: u64,
    /// The transaction.
    pub transaction_hash: B256,
    /// Index of the event in its block; `None` for the value of a transaction.
    pub log_index: Option<u32>,
    /// The token's contract; `None` for the value of a transaction, which is GRAIN.
    pub token: Option<Address>,
    /// From whom; zero when minted.
    pub from: Address,
    /// To whom; zero when burnt.
    pub to: Address,
    /// How much, in the smallest unit. What a contract of unknown origin says need not be true.
    pub amount: U256,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventEntry {
    /// Where it is.
    pub position: Position,
    /// Time of its block, Unix seconds.
    pub timestamp: u64,
    /// Hash of its block.
    pub block_hash: B256,
    /// The transaction.
    pub transaction_hash: B256,
    /// Index of the event in its block.
    pub log_index: u32,
    /// Who said what.
    pub log: Log,
}

/// The index together with the ledger it points into.
pub struct View {
    snapshot: Snapshot,
    reader: Arc<Reader>,
    /// The last block that is read from the index.
    indexed: u64,
    coverage: Coverage,
    /// Of the blocks after `indexed`.
    newer: Entries,
}

impl Snapshot {
    /// Joins the index with the ledger, whose reader was made after the snapshot.
    ///
    /// # Errors
    /// [`IndexError`] when one of them cannot be read.
    pub fn view(self, reader: Arc<Reader>) -> Result<View, IndexError> {
        let head = reader.head().number;
        // A ledger that went back may end before what the index begins with.
        let first = self.cursor.first.max(reader.first_block()).clamp(1, head + 1);
        let indexed = self.last_common(&reader)?.unwrap_or(first - 1).max(first - 1);
        let mut newer = Entries::new();
        let mut last = indexed;
        if head.saturating_sub(indexed) <= NEWER_BLOCKS_MAX {
            while last < head && newer.len() < NEWER_ENTRIES_MAX {
                last += 1;
                let block = reader.block(last)?.ok_or_else(|| self.missing(last))?;
                let receipts = reader.receipts(last)?.ok_or_else(|| self.missing(last))?;
                entries::of_block(self.kept, &block, &receipts, &mut newer);
            }
        }
        let coverage = Coverage { first, last, head };
        Ok(View { snapshot: self, reader, indexed, coverage, newer })
    }

    /// The last block that is in the index and on the ledger. All before it are on both then, as blocks name their parents.
    fn last_common(&self, reader: &Reader) -> Result<Option<u64>, IndexError> {
        let hash = |number: u64| -> Result<Option<B256>, IndexError> {
            Ok(reader.header(number)?.map(|header| header.hash()))
        };
        let Cursor { first, next, hash: last_hash } = self.cursor;
        if next == first {
            return Ok(None);
        }
        if hash(next - 1)? == Some(last_hash) {
            return Ok(Some(next - 1));
        }
        let rows = self.read(self.blocks.range(first..next))?;
        for row in rows.rev().take(LOOKED_BACK_MAX) {
            let (number, row) = self.read(row)?;
            let number = number.value();
            let found = BlockRow::hash(row.value());
            if found.is_some() && found == hash(number)? {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    fn missing(&self, number: u64) -> IndexError {
        IndexError::damaged(&self.path, format!("block {number} is not on the ledger"))
    }

    fn read<T, E: Into<redb::Error>>(&self, result: Result<T, E>) -> Result<T, IndexError> {
        result.map_err(|error| IndexError::from_database(&self.path, error))
    }
}

impl View {
    /// Which blocks the answers are complete for.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        self.coverage
    }

    /// Which lists there are.
    #[must_use]
    pub fn kept(&self) -> Kept {
        self.snapshot.kept
    }

    /// The ledger that the answers are of.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Transactions that an account sent or received, or that created it.
    ///
    /// # Errors
    /// [`IndexError`] when they cannot be read.
    pub fn transactions(
        &self,
        account: &Address,
        request: PageRequest,
    ) -> Result<Page<TransactionEntry>, IndexError> {
        check_kept(self.kept().transactions, "transactions")?;
        let list = List::of_account(Kind::Transaction, account);
        self.page(&list, request, |position, value| {
            let (transaction, receipt) = self.transaction(position)?;
            let roles = Role::ALL.into_iter().filter(|role| value & role.bit() != 0).collect();
            let size = transaction.input().len();
            let timestamp = self.timestamp(position)?;
            let entry = TransactionEntry { position, timestamp, roles, transaction, receipt };
            Ok(Some((entry, size)))
        })
    }

    /// Transfers of tokens from or to an account, and those of GRAIN as the value of a transaction.
    ///
    /// # Errors
    /// [`IndexError`] when they cannot be read.
    pub fn transfers(
        &self,
        account: &Address,
        request: PageRequest,
    ) -> Result<Page<TransferEntry>, IndexError> {
        check_kept(self.kept().transfers, "transfers")?;
        let list = List::of_account(Kind::Transfer, account);
        self.page(&list, request, |position, value| {
            let entry = match position.event_index() {
                None => self.value_transfer(position)?,
                Some(_) => self.token_transfer(position, value)?,
            };
            Ok(Some((entry, 0)))
        })
    }

    /// Events that match `filter`. A page may hold fewer than wanted, even none, and still have a next one, when few of many match.
    ///
    /// # Errors
    /// [`IndexError`] when they cannot be read.
    pub fn events(
        &self,
        filter: &EventFilter,
        request: PageRequest,
    ) -> Result<Page<EventEntry>, IndexError> {
        check_kept(self.kept().events, "events")?;
        self.page(&filter.list(), request, |position, log_index| {
            let (transaction_hash, log) = self.log(position)?;
            if !filter.matches(&log) {
                return Ok(None);
            }
            let header = self.reader.header(position.block_number)?;
            let header = header.ok_or_else(|| self.missing(position))?;
            let (timestamp, block_hash) = (header.timestamp, header.hash());
            let size = log.data.data.len();
            let entry =
                EventEntry { position, timestamp, block_hash, transaction_hash, log_index, log };
            Ok(Some((entry, size)))
        })
    }

    /// A page of a list; `read` gives an item and its size, or `None` for one that is passed over.
    fn page<T>(
        &self,
        list: &List,
        request: PageRequest,
        mut read: impl FnMut(Position, u32) -> Result<Option<(T, usize)>, IndexError>,
    ) -> Result<Page<T>, IndexError> {
        let limit = request.limit.clamp(1, PAGE_MAX);
        let (mut items, mut size) = (Vec::new(), 0_usize);
        let mut last = None;
        for (count, place) in self.places(list, request.before)?.enumerate() {
            if items.len() >= limit || size >= PAGE_SIZE_MAX || count >= EVENTS_READ_MAX {
                return Ok(Page { items, next: last });
            }
            let (position, value) = place?;
            if let Some((item, item_size)) = read(position, value)? {
                items.push(item);
                size = size.saturating_add(item_size);
            }
            last = Some(position);
        }
        Ok(Page { items, next: None })
    }

    /// The places of a list before a position, newest first.
    fn places(
        &self,
        list: &List,
        before: Option<Position>,
    ) -> Result<impl Iterator<Item = Result<(Position, u32), IndexError>>, IndexError> {
        let start = Position { block_number: self.coverage.first, transaction_index: 0, slot: 0 };
        // Without its end: nothing stands at the last position there is.
        let end = before.unwrap_or(Position::end_of(u64::MAX)).max(start);
        let newer = self.newer.range((*list, start)..(*list, end)).rev();
        let newer = newer.map(|((_, position), value)| Ok((*position, *value)));
        let indexed_end = end.min(Position::end_of(self.indexed)).max(start);
        let (from, to) = (key(list, start), key(list, indexed_end));
        let range =
            self.snapshot.read(self.snapshot.entries.range::<&[u8; KEY_SIZE]>(&from..&to))?;
        let indexed = range.rev().map(|row| {
            let (key, value) = self.snapshot.read(row)?;
            Ok((position(key.value()), value.value()))
        });
        Ok(newer.chain(indexed))
    }

    fn value_transfer(&self, position: Position) -> Result<TransferEntry, IndexError> {
        let (transaction, receipt) = self.transaction(position)?;
        let target = entries::target(&transaction, &receipt);
        let (to, _) = target.ok_or_else(|| self.missing(position))?;
        Ok(TransferEntry {
            position,
            timestamp: self.timestamp(position)?,
            transaction_hash: *transaction.tx_hash(),
            log_index: None,
            token: None,
            from: transaction.signer(),
            to,
            amount: transaction.value(),
        })
    }

    fn token_transfer(
        &self,
        position: Position,
        log_index: u32,
    ) -> Result<TransferEntry, IndexError> {
        let (transaction_hash, log) = self.log(position)?;
        let transfer = entries::token_transfer(&log).ok_or_else(|| self.missing(position))?;
        Ok(TransferEntry {
            position,
            timestamp: self.timestamp(position)?,
            transaction_hash,
            log_index: Some(log_index),
            token: Some(log.address),
            from: transfer.from,
            to: transfer.to,
            amount: transfer.value,
        })
    }

    fn transaction(
        &self,
        position: Position,
    ) -> Result<(Recovered<Transaction>, ReceiptEnvelope), IndexError> {
        let (number, index) = self.place(position)?;
        let transaction = self.reader.transaction(number, index)?;
        let receipt = self.reader.receipt(number, index)?;
        transaction.zip(receipt).ok_or_else(|| self.missing(position))
    }

    /// An event, with the hash of its transaction.
    fn log(&self, position: Position) -> Result<(B256, Log), IndexError> {
        let (transaction, receipt) = self.transaction(position)?;
        let log = position.event_index().and_then(|index| receipt.logs().get(index).cloned());
        Ok((*transaction.tx_hash(), log.ok_or_else(|| self.missing(position))?))
    }

    fn timestamp(&self, position: Position) -> Result<u64, IndexError> {
        let header = self.reader.header(position.block_number)?;
        Ok(header.ok_or_else(|| self.missing(position))?.timestamp)
    }

    fn place(&self, position: Position) -> Result<(u64, usize), IndexError> {
        let index = usize::try_from(position.transaction_index);
        Ok((position.block_number, index.map_err(|_| self.missing(position))?))
    }

    fn missing(&self, position: Position) -> IndexError {
        IndexError::damaged(&self.snapshot.path, format!("the ledger has nothing at {position}"))
    }
}

fn check_kept(is_kept: bool, what: &'static str) -> Result<(), IndexError> {
    if is_kept { Ok(()) } else { Err(IndexError::NotKept { what }) }
}
