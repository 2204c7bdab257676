//! Blocks, transactions and receipts as JSON wants them.

use crate::{
    error::{Answer, internal, pruned},
    parameters::{self, Count},
};
use alloy_consensus::{
    Header, ReceiptEnvelope, Sealed, Transaction as _,
    transaction::{Recovered, TransactionInfo},
};
use alloy_eips::{BlockId, eip2718::Encodable2718 as _, eip4895::Withdrawals};
use alloy_primitives::{B256, Bytes, U64, U256};
use alloy_rlp::Encodable;
use alloy_rpc_types_eth as wire;
use execution::Transaction;
use node::Node;
use store::Reader;

/// A transaction on the wire.
pub(crate) type WireTransaction = wire::Transaction<Transaction>;
/// A block on the wire.
pub(crate) type WireBlock = wire::Block<WireTransaction>;

/// How much of a block's transactions is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Hashes,
    Full,
}

impl From<Option<bool>> for Content {
    fn from(is_full: Option<bool>) -> Self {
        if is_full == Some(true) { Self::Full } else { Self::Hashes }
    }
}

pub(crate) fn block(node: &Node, block: BlockId, content: Content) -> Answer<Option<WireBlock>> {
    let reader = node.reader().map_err(internal)?;
    let Some(block) = find(&reader, block)? else { return Ok(None) };
    Ok(Some(shown(&block.header, &block.transactions, content)))
}

/// A block as JSON wants it.
pub(crate) fn shown(
    header: &Sealed<Header>,
    transactions: &[Recovered<Transaction>],
    content: Content,
) -> WireBlock {
    let hashes = || transactions.iter().map(|transaction| *transaction.tx_hash()).collect();
    let listed = match content {
        Content::Hashes => wire::BlockTransactions::Hashes(hashes()),
        Content::Full => {
            let indexed = (0_u64..).zip(transactions);
            let full = indexed.map(|(index, transaction)| included(header, transaction, index));
            wire::BlockTransactions::Full(full.collect())
        }
    };
    let body_size: usize = transactions.iter().map(|each| each.inner().length()).sum();
    let size = U256::from(header.length() + body_size);
    let header = wire::Header::from_consensus(header.clone(), None, Some(size));
    WireBlock::new(header, listed).with_withdrawals(Some(Withdrawals::default()))
}

/// A block's header alone, with the size of the whole block.
pub(crate) fn header(node: &Node, asked: BlockId) -> Answer<Option<wire::Header>> {
    Ok(block(node, asked, Content::Hashes)?.map(|block| block.header))
}

/// How many transactions a block has.
pub(crate) fn transaction_count(node: &Node, block: BlockId) -> Answer<Option<U64>> {
    let reader = node.reader().map_err(internal)?;
    Ok(find(&reader, block)?.map(|block| U64::from(block.transactions.len())))
}

/// How many uncles a block has: none, ever.
pub(crate) fn uncle_count(node: &Node, block: BlockId) -> Answer<Option<U64>> {
    let reader = node.reader().map_err(internal)?;
    Ok(find(&reader, block)?.map(|_| U64::ZERO))
}

pub(crate) fn receipts(
    node: &Node,
    block: BlockId,
) -> Answer<Option<Vec<wire::TransactionReceipt>>> {
    let reader = node.reader().map_err(internal)?;
    let Some(block) = find(&reader, block)? else { return Ok(None) };
    block_receipts(&reader, &block).map(Some)
}

/// From a block, or from the mempool.
pub(crate) fn transaction(node: &Node, hash: B256) -> Answer<Option<WireTransaction>> {
    // The mempool first: a transaction that leaves it for a block is found there afterwards.
    let waiting = node.waiting(&hash);
    let reader = node.reader().map_err(internal)?;
    let Some((block, index)) = locate(&reader, hash)? else {
        return Ok(waiting.map(|transaction| {
            WireTransaction::from_transaction(transaction, TransactionInfo::default())
        }));
    };
    Ok(nth(&block, index))
}

/// The transaction at a place in a block.
pub(crate) fn transaction_at(
    node: &Node,
    block: BlockId,
    index: Count,
) -> Answer<Option<WireTransaction>> {
    let reader = node.reader().map_err(internal)?;
    let block = find(&reader, block)?;
    Ok(block.and_then(|block| nth(&block, usize::try_from(index.value()).ok()?)))
}

/// A transaction as it was signed.
pub(crate) fn raw(transaction: &WireTransaction) -> Bytes {
    transaction.inner.encoded_2718().into()
}

fn nth(block: &store::Block, index: usize) -> Option<WireTransaction> {
    let (index, transaction) = (0_u64..).zip(&block.transactions).nth(index)?;
    Some(included(&block.header, transaction, index))
}

pub(crate) fn receipt(node: &Node, hash: B256) -> Answer<Option<wire::TransactionReceipt>> {
    let reader = node.reader().map_err(internal)?;
    let Some((block, index)) = locate(&reader, hash)? else { return Ok(None) };
    Ok(block_receipts(&reader, &block)?.into_iter().nth(index))
}

/// All receipts of a block: a receipt alone does not say its gas nor the position of its logs.
pub(crate) fn block_receipts(
    reader: &Reader,
    block: &store::Block,
) -> Answer<Vec<wire::TransactionReceipt>> {
    let number = block.header.number;
    let receipts = reader.receipts(number).map_err(internal)?.unwrap_or_default();
    let mut position = Position { transaction_index: 0, log_index: 0, gas_before: 0 };
    let pairs = block.transactions.iter().zip(receipts);
    Ok(pairs
        .map(|(transaction, receipt)| position.next(&block.header, transaction, receipt))
        .collect())
}

/// The block with its transactions; `None` if there is none.
pub(crate) fn find(reader: &Reader, block: BlockId) -> Answer<Option<store::Block>> {
    let Some(number) = parameters::height(reader, block)? else { return Ok(None) };
    match reader.block(number).map_err(internal)? {
        None if number < reader.first_block() => Err(pruned(reader.first_block())),
        block => Ok(block),
    }
}

/// The block a transaction is in, and its position there.
pub(crate) fn locate(reader: &Reader, hash: B256) -> Answer<Option<(store::Block, usize)>> {
    let Some(location) = reader.locate(&hash).map_err(internal)? else { return Ok(None) };
    let block = reader.block(location.block_number).map_err(internal)?;
    Ok(block.map(|block| (block, location.index)))
}

fn included(
    header: &Sealed<Header>,
    transaction: &Recovered<Transaction>,
    index: u64,
) -> WireTransaction {
    WireTransaction {
        inner: transaction.clone(),
        block_hash: Some(header.hash()),
        block_number: Some(header.number),
        transaction_index: Some(index),
        effective_gas_price: Some(transaction.effective_gas_price(header.base_fee_per_gas)),
        block_timestamp: Some(header.timestamp),
    }
}

/// Where in its block the next receipt stands.
struct Position {
    transaction_index: u64,
    log_index: u64,
    gas_before: u64,
}

impl Position {
    fn next(
        &mut self,
        header: &Sealed<Header>,
        transaction: &Recovered<Transaction>,
        receipt: ReceiptEnvelope,
    ) -> wire::TransactionReceipt {
        let (hash, index) = (*transaction.tx_hash(), self.transaction_index);
        let gas_total = receipt.cumulative_gas_used();
        let inner = receipt.map_logs(|log| {
            let log_index = self.log_index;
            self.log_index += 1;
            wire::Log {
                inner: log,
                block_hash: Some(header.hash()),
                block_number: Some(header.number),
                block_timestamp: Some(header.timestamp),
                transaction_hash: Some(hash),
                transaction_index: Some(index),
                log_index: Some(log_index),
                removed: false,
            }
        });
        let gas_used = gas_total - self.gas_before;
        self.gas_before = gas_total;
        self.transaction_index += 1;
        let from = transaction.signer();
        let created = transaction.is_create().then(|| from.create(transaction.nonce()));
        wire::TransactionReceipt {
            inner,
            transaction_hash: hash,
            transaction_index: Some(index),
            block_hash: Some(header.hash()),
            block_number: Some(header.number),
            gas_used,
            effective_gas_price: transaction.effective_gas_price(header.base_fee_per_gas),
            blob_gas_used: None,
            blob_gas_price: None,
            from,
            to: transaction.to(),
            contract_address: created,
        }
    }
}
