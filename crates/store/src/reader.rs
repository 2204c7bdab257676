//! A read view of the store at one block.

use crate::{
    encoding,
    error::StoreError,
    state::{self, Place},
    tables::{
        BODIES, BUCKETS, CODES, FIRST, HEAD, HEADERS, META, NUMBERS, PROOFS, RECEIPTS,
        TRANSACTIONS, VERSIONS, VersionRow,
    },
    versions::Versions,
};
use alloy_consensus::{Header, ReceiptEnvelope, Sealed, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use execution::{
    AccountState, Commitment, CommitmentError, Parent, State, StateKey, StateProof, Transaction,
};
use redb::{ReadOnlyTable, ReadTransaction, ReadableTable};
use revm::{DatabaseRef, bytecode::Bytecode, state::AccountInfo};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A stored block. Its receipts are stored separately: [`Reader::receipts`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Header and hash.
    pub header: Sealed<Header>,
    /// Transactions in order, with their senders.
    pub transactions: Vec<Recovered<Transaction>>,
}

/// The block and index of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionLocation {
    /// Height of its block.
    pub block_number: u64,
    /// Position in the block, from 0.
    pub index: usize,
}

/// A database snapshot: blocks committed later do not appear in it. Cheap to create; don't keep one for long, as it
/// keeps old pages in the file.
///
/// As [`DatabaseRef`] it is the state after its head.
///
/// Blocks are those of the snapshot, also in a reader of an earlier state ([`Reader::at`]).
pub struct Reader {
    tables: Arc<Tables>,
    head: Sealed<Header>,
    commitment: Commitment,
}

/// The tables of a snapshot.
struct Tables {
    path: PathBuf,
    first: u64,
    versions: Arc<Versions>,
    version_rows: ReadOnlyTable<u64, &'static [u8]>,
    buckets: ReadOnlyTable<u64, &'static [u8]>,
    codes: ReadOnlyTable<&'static [u8; 32], &'static [u8]>,
    headers: ReadOnlyTable<u64, &'static [u8]>,
    bodies: ReadOnlyTable<u64, &'static [u8]>,
    proofs: ReadOnlyTable<u64, &'static [u8]>,
    receipts: ReadOnlyTable<u64, &'static [u8]>,
    numbers: ReadOnlyTable<&'static [u8; 32], u64>,
    transactions: ReadOnlyTable<&'static [u8; 32], (u64, u32)>,
}

impl Reader {
    /// Returns `None` when there is no genesis block yet, or when the head has changed since the snapshot, according
    /// to `versions`.
    pub(crate) fn new(
        path: &Path,
        snapshot: &ReadTransaction,
        versions: &Arc<Versions>,
    ) -> Result<Option<Self>, StoreError> {
        let fault = |error: redb::TableError| StoreError::from_database(path, error);
        let meta = snapshot.open_table(META).map_err(fault)?;
        let Some(number) = head_number(path, &meta)? else { return Ok(None) };
        let tables = Tables {
            path: path.to_path_buf(),
            first: height(path, &meta, FIRST)?.unwrap_or(0),
            versions: Arc::clone(versions),
            version_rows: snapshot.open_table(VERSIONS).map_err(fault)?,
            buckets: snapshot.open_table(BUCKETS).map_err(fault)?,
            codes: snapshot.open_table(CODES).map_err(fault)?,
            headers: snapshot.open_table(HEADERS).map_err(fault)?,
            bodies: snapshot.open_table(BODIES).map_err(fault)?,
            proofs: snapshot.open_table(PROOFS).map_err(fault)?,
            receipts: snapshot.open_table(RECEIPTS).map_err(fault)?,
            numbers: snapshot.open_table(NUMBERS).map_err(fault)?,
            transactions: snapshot.open_table(TRANSACTIONS).map_err(fault)?,
        };
        let head = header_at(path, &tables.headers, number)?
            .ok_or_else(|| StoreError::damaged(path, format!("block {number} is missing")))?;
        Self::of(Arc::new(tables), head)
    }

    /// Returns the reader of a block's state; `None` when the state is not kept.
    fn of(tables: Arc<Tables>, head: Sealed<Header>) -> Result<Option<Self>, StoreError> {
        let Some(row) = version_at(&tables.path, &tables.version_rows, head.number)? else {
            return Ok(None);
        };
        let version = tables.versions.find(&head.hash(), &row);
        Ok(version.map(|version| Self { tables, head, commitment: version.commitment }))
    }

    /// Returns the state after an earlier block, or this one's; `None` when it is not kept any longer, or the block
    /// does not exist.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn at(&self, number: u64) -> Result<Option<Self>, StoreError> {
        match self.header(number)?.filter(|_| number <= self.head.number) {
            Some(head) => Self::of(Arc::clone(&self.tables), head),
            None => Ok(None),
        }
    }

    /// Returns the height of the first block whose state is kept.
    #[must_use]
    pub fn oldest_state(&self) -> u64 {
        self.tables.versions.oldest().unwrap_or(self.head.number)
    }

    /// Returns the height of the first block after the genesis block that is kept whole: 0, the head of the snapshot
    /// from which the ledger began, or the first block that was not pruned. Some headers before it are kept.
    #[must_use]
    pub fn first_block(&self) -> u64 {
        self.tables.first
    }

    /// Returns the last block of the snapshot, or the one given to [`Reader::at`].
    #[must_use]
    pub fn head(&self) -> &Sealed<Header> {
        &self.head
    }

    /// Returns the commitment to the state; its root is the head's.
    #[must_use]
    pub fn commitment(&self) -> &Commitment {
        &self.commitment
    }

    /// Returns this block as the parent of the next one.
    #[must_use]
    pub fn as_parent(&self) -> Parent<'_, Self> {
        let may_be_amended = self.tables.versions.may_be_amended();
        Parent { header: &self.head, commitment: &self.commitment, state: self, may_be_amended }
    }

    /// Proves an account or slot to anyone who knows the head's state root.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn prove(&self, key: &StateKey) -> Result<StateProof, StoreError> {
        self.commitment.prove(key, self).map_err(|error| self.of_state(error))
    }

    /// Returns the header at a height; `None` above the head, and if it is not kept.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn header(&self, number: u64) -> Result<Option<Sealed<Header>>, StoreError> {
        header_at(&self.tables.path, &self.tables.headers, number)
    }

    /// Returns the height of a block.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn block_number(&self, hash: &B256) -> Result<Option<u64>, StoreError> {
        Ok(self.read(self.tables.numbers.get(&hash.0))?.map(|number| number.value()))
    }

    /// Returns the block at a height; `None` above the head, and below [`Self::first_block`].
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn block(&self, number: u64) -> Result<Option<Block>, StoreError> {
        let Some(header) = self.header(number)? else { return Ok(None) };
        let body = self.read(self.tables.bodies.get(number))?;
        if body.is_none() && number < self.tables.first {
            return Ok(None);
        }
        let transactions = body
            .and_then(|bytes| encoding::body_from_bytes(bytes.value()))
            .ok_or_else(|| self.damaged(format!("body of block {number}")))?;
        Ok(Some(Block { header, transactions }))
    }

    /// Returns the producer's proof of a block's randomness; `None` for the genesis block and above the head.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn proof(&self, number: u64) -> Result<Option<Bytes>, StoreError> {
        let proof = self.read(self.tables.proofs.get(number))?;
        Ok(proof.map(|proof| Bytes::copy_from_slice(proof.value())))
    }

    /// Returns the receipts of the block at a height, in order of its transactions; `None` above the head.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn receipts(&self, number: u64) -> Result<Option<Vec<ReceiptEnvelope>>, StoreError> {
        let Some(bytes) = self.read(self.tables.receipts.get(number))? else { return Ok(None) };
        let receipts = encoding::receipts_from_bytes(bytes.value())
            .ok_or_else(|| self.damaged(format!("receipts of block {number}")))?;
        Ok(Some(receipts))
    }

    /// Returns the transaction at an index of a block, without decoding the others; `None` when the block is not kept or has fewer.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn transaction(
        &self,
        number: u64,
        index: usize,
    ) -> Result<Option<Recovered<Transaction>>, StoreError> {
        let Some(bytes) = self.read(self.tables.bodies.get(number))? else { return Ok(None) };
        encoding::nth_of_body(bytes.value(), index)
            .ok_or_else(|| self.damaged(format!("body of block {number}")))
    }

    /// Returns the receipt at an index of a block, without decoding the others; `None` when the block is not kept or has fewer.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn receipt(
        &self,
        number: u64,
        index: usize,
    ) -> Result<Option<ReceiptEnvelope>, StoreError> {
        let Some(bytes) = self.read(self.tables.receipts.get(number))? else { return Ok(None) };
        encoding::nth_of_receipts(bytes.value(), index)
            .ok_or_else(|| self.damaged(format!("receipts of block {number}")))
    }

    /// Returns the location of a transaction, if it is in a block.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn locate(&self, transaction: &B256) -> Result<Option<TransactionLocation>, StoreError> {
        let Some(row) = self.read(self.tables.transactions.get(&transaction.0))? else {
            return Ok(None);
        };
        let (block_number, index) = row.value();
        let index = usize::try_from(index).map_err(|_| self.damaged("a transaction index"))?;
        Ok(Some(TransactionLocation { block_number, index }))
    }

    /// Returns an account; `None` if it does not exist.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn account(&self, address: &Address) -> Result<Option<AccountState>, StoreError> {
        self.commitment.account(address, self).map_err(|error| self.of_state(error))
    }

    /// Returns code by its hash. The empty code is known without being stored.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read or was never stored.
    pub fn code(&self, code_hash: &B256) -> Result<Bytes, StoreError> {
        if *code_hash == KECCAK256_EMPTY {
            return Ok(Bytes::new());
        }
        self.read(self.tables.codes.get(&code_hash.0))?
            .map(|code| Bytes::copy_from_slice(code.value()))
            .ok_or_else(|| self.damaged(format!("code {code_hash} is missing")))
    }

    /// Returns a storage slot; zero if never written.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn slot(&self, address: &Address, slot: &U256) -> Result<U256, StoreError> {
        self.commitment.slot(address, slot, self).map_err(|error| self.of_state(error))
    }

    /// Recomputes the state root from every account and slot, and follows every block to the genesis.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the first inconsistency. Takes time proportional to the file.
    pub(crate) fn verify(&self) -> Result<(), StoreError> {
        let at = Place(&self.tables.path);
        let scan = state::scan(&at, &self.tables.buckets, self.commitment.next_id())?;
        if scan.commitment != self.commitment {
            return Err(self.damaged("the state does not have the head's root"));
        }
        for code_hash in &scan.codes {
            self.code(code_hash)?;
        }
        let first = self.tables.first;
        let mut parent_hash = None;
        for number in 0..=self.head.number {
            if number == 0 || number >= first {
                parent_hash = Some(self.verify_block(number, parent_hash)?);
            } else if let Some(header) = self.header(number)? {
                self.verify_link(&header, parent_hash)?;
                parent_hash = Some(header.hash());
            } else {
                parent_hash = None;
            }
        }
        Ok(())
    }

    /// Checks a block's link to its parent; `parent_hash` is `None` if the parent is not kept.
    fn verify_link(
        &self,
        header: &Sealed<Header>,
        parent_hash: Option<B256>,
    ) -> Result<(), StoreError> {
        let number = header.number;
        let is_linked = parent_hash.is_none_or(|hash| header.parent_hash == hash);
        if is_linked && self.block_number(&header.hash())? == Some(number) {
            return Ok(());
        }
        Err(self.damaged(format!("block {number} is inconsistent")))
    }

    fn verify_block(&self, number: u64, parent_hash: Option<B256>) -> Result<B256, StoreError> {
        let block = self.block(number)?.ok_or_else(|| self.damaged(format!("block {number}")))?;
        let receipts =
            self.receipts(number)?.ok_or_else(|| self.damaged(format!("receipts of {number}")))?;
        let transactions = &block.transactions;
        self.verify_link(&block.header, parent_hash)?;
        let is_first = number == 0;
        let fits = (!is_first || block.header.parent_hash == B256::ZERO)
            && alloy_consensus::proofs::calculate_transaction_root(transactions)
                == block.header.transactions_root
            && alloy_consensus::proofs::calculate_receipt_root(&receipts)
                == block.header.receipts_root;
        if !fits {
            return Err(self.damaged(format!("block {number} is inconsistent")));
        }
        for (index, transaction) in transactions.iter().enumerate() {
            let expected = TransactionLocation { block_number: number, index };
            if self.locate(transaction.tx_hash())? != Some(expected) {
                return Err(self.damaged(format!("index of the transactions of block {number}")));
            }
        }
        Ok(block.header.hash())
    }

    /// Returns the error of reading the state, naming the file.
    #[must_use]
    pub fn of_state(&self, error: CommitmentError<StoreError>) -> StoreError {
        match error {
            CommitmentError::State(error) => error,
            error => self.damaged(error.to_string()),
        }
    }

    fn read<T>(&self, result: Result<T, redb::StorageError>) -> Result<T, StoreError> {
        result.map_err(|error| StoreError::from_database(&self.tables.path, error))
    }

    pub(crate) fn damaged(&self, what: impl Into<String>) -> StoreError {
        StoreError::damaged(&self.tables.path, what)
    }
}

impl DatabaseRef for Reader {
    type Error = StoreError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StoreError> {
        Ok(self.account(&address)?.map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            account_id: None,
            code: None,
        }))
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, StoreError> {
        let code = self.code(&code_hash)?;
        Bytecode::new_raw_checked(code)
            .map_err(|_| self.damaged(format!("code {code_hash} is not valid code")))
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, StoreError> {
        self.slot(&address, &slot)
    }

    /// Returns zero above the head, as `BLOCKHASH` requires.
    fn block_hash_ref(&self, number: u64) -> Result<B256, StoreError> {
        let header = self.header(number)?.filter(|_| number <= self.head.number);
        Ok(header.map_or(B256::ZERO, |header| header.hash()))
    }
}

impl State for Reader {
    fn bucket(&self, id: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.read(self.tables.buckets.get(id))?.map(|row| row.value().to_vec()))
    }
}

/// Returns the height in the `HEAD` row; `None` without one.
pub(crate) fn head_number(
    path: &Path,
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Result<Option<u64>, StoreError> {
    height(path, meta, HEAD)
}

pub(crate) fn height(
    path: &Path,
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &str,
) -> Result<Option<u64>, StoreError> {
    let row = meta.get(name).map_err(|error| StoreError::from_database(path, error))?;
    let Some(row) = row else { return Ok(None) };
    let bytes = <[u8; 8]>::try_from(row.value())
        .map_err(|_| StoreError::damaged(path, format!("the height under {name}")))?;
    Ok(Some(u64::from_be_bytes(bytes)))
}

/// Returns the header in the row of a height, after checking its hash and number.
pub(crate) fn header_at(
    path: &Path,
    headers: &impl ReadableTable<u64, &'static [u8]>,
    number: u64,
) -> Result<Option<Sealed<Header>>, StoreError> {
    let row = headers.get(number).map_err(|error| StoreError::from_database(path, error))?;
    let Some(row) = row else { return Ok(None) };
    encoding::header_from_bytes(row.value())
        .filter(|header| header.number == number)
        .map(Some)
        .ok_or_else(|| StoreError::damaged(path, format!("header of block {number}")))
}

/// Returns where to find the state after a block; `None` when it is not kept.
pub(crate) fn version_at(
    path: &Path,
    rows: &impl ReadableTable<u64, &'static [u8]>,
    number: u64,
) -> Result<Option<VersionRow>, StoreError> {
    let row = rows.get(number).map_err(|error| StoreError::from_database(path, error))?;
    let Some(row) = row else { return Ok(None) };
    VersionRow::from_bytes(row.value())
        .map(Some)
        .ok_or_else(|| StoreError::damaged(path, format!("the location of state {number}")))
}
