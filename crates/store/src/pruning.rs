//! Removes old blocks, if the options say so.
//!
//! Afterwards the file looks as if the ledger had begun with a snapshot of the first block that is kept whole: of the
//! blocks before it there are the genesis block, and the headers in the range of `BLOCKHASH`.

use crate::{
    encoding,
    error::StoreError,
    reader::{head_number, header_at, height},
    store::Store,
    tables::{BODIES, FIRST, HEADERS, META, NUMBERS, PROOFS, RECEIPTS, TRANSACTIONS},
};
use redb::WriteTransaction;

/// Number of headers that are kept before the first whole block.
const HEADERS_BEFORE: u64 = 255;
/// Largest number of blocks removed with one new block. More than one, so that a ledger that was not pruned before is
/// pruned gradually.
const BLOCKS_AT_ONCE: u64 = 16;
/// After this many removed transactions the next block removes the rest.
const TRANSACTIONS_AT_ONCE: usize = 8_192;

impl Store {
    /// Removes blocks that need not be kept, but none whose state is kept; `oldest_state` is the first of those.
    pub(crate) fn prune(
        &self,
        write: &WriteTransaction,
        oldest_state: u64,
    ) -> Result<(), StoreError> {
        let Some(blocks_max) = self.blocks_max else { return Ok(()) };
        let mut meta = self.read(write.open_table(META))?;
        let head = head_number(&self.path, &meta)?.unwrap_or(0);
        let wanted = (head + 1).saturating_sub(blocks_max.max(1)).min(oldest_state);
        // The genesis block is always kept.
        let first = height(&self.path, &meta, FIRST)?.unwrap_or(0).max(1);
        let mut next = first;
        let mut gone = 0;
        while next < wanted.min(first + BLOCKS_AT_ONCE) && gone < TRANSACTIONS_AT_ONCE {
            gone += self.take_body(write, next)?;
            if let Some(number) = next.checked_sub(HEADERS_BEFORE).filter(|number| *number > 0) {
                self.take_header(write, number)?;
            }
            next += 1;
        }
        if next > first {
            self.read(meta.insert(FIRST, next.to_be_bytes().as_slice()))?;
        }
        Ok(())
    }

    /// Removes transactions and receipts of a block; returns the number of transactions.
    pub(crate) fn take_body(
        &self,
        write: &WriteTransaction,
        number: u64,
    ) -> Result<usize, StoreError> {
        let missing = || StoreError::damaged(&self.path, format!("body of block {number}"));
        let mut bodies = self.read(write.open_table(BODIES))?;
        let body = self.read(bodies.remove(number))?;
        let body = body.and_then(|row| encoding::body_from_bytes(row.value()));
        let body = body.ok_or_else(missing)?;
        let mut transactions = self.read(write.open_table(TRANSACTIONS))?;
        for transaction in &body {
            self.read(transactions.remove(&transaction.tx_hash().0))?;
        }
        self.read(self.read(write.open_table(RECEIPTS))?.remove(number))?;
        self.read(self.read(write.open_table(PROOFS))?.remove(number))?;
        Ok(body.len())
    }

    pub(crate) fn take_header(
        &self,
        write: &WriteTransaction,
        number: u64,
    ) -> Result<(), StoreError> {
        let mut headers = self.read(write.open_table(HEADERS))?;
        let header = header_at(&self.path, &headers, number)?;
        let missing = || StoreError::damaged(&self.path, format!("header of block {number}"));
        let hash = header.ok_or_else(missing)?.hash();
        self.read(self.read(write.open_table(NUMBERS))?.remove(&hash.0))?;
        self.read(headers.remove(number))?;
        Ok(())
    }
}
