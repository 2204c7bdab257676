//! Blocks, transactions and receipts in the form of their JSON.

use crate::{
    error::{Answer, internal, not_pending, pruned},
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
use execution::{PendingBlock, Transaction};
use node::Node;
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use store::Reader;

/// A transaction in the form of its JSON.
pub(crate) type WireTransaction = wire::Transaction<Transaction>;
/// A block in the form of its JSON.
pub(crate) type WireBlock = wire::Block<WireTransaction>;

/// Whether a block is returned with its transactions or with their hashes.
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

pub(crate) fn block(
    node: &Node,
    block: BlockId,
    content: Content,
) -> Answer<Option<Shown<WireBlock>>> {
    let Some(found) = look(node, block)? else { return Ok(None) };
    let Found { block: store::Block { header, transactions }, .. } = &found;
    found.shown(shown(header, transactions, content)).map(Some)
}

/// A block, or a part of it, on the wire: what is pending has no hash.
#[derive(Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum Shown<T> {
    Sealed(T),
    Pending(Value),
}

/// A block that somebody asked for.
struct Found {
    /// The header of a pending block has a hash that means nothing.
    block: store::Block,
    /// Of a pending block; those of others are in the chain.
    pending: Option<Vec<ReceiptEnvelope>>,
}

impl Found {
    /// `value`, which tells of this block, without its hash if it has none.
    fn shown<T: Serialize>(&self, value: T) -> Answer<Shown<T>> {
        if self.pending.is_none() {
            return Ok(Shown::Sealed(value));
        }
        let mut value = serde_json::to_value(value).map_err(internal)?;
        forget_hash(&mut value, self.block.header.hash());
        if let Some(fields) = value.as_object_mut().filter(|fields| fields.contains_key("nonce")) {
            fields.insert("nonce".to_owned(), Value::Null);
        }
        Ok(Shown::Pending(value))
    }
}

/// Puts nothing wherever `hash` stands.
fn forget_hash(value: &mut Value, hash: B256) {
    match value {
        Value::String(text) if *text == hash.to_string() => *value = Value::Null,
        Value::Array(values) => values.iter_mut().for_each(|value| forget_hash(value, hash)),
        Value::Object(fields) => fields.values_mut().for_each(|value| forget_hash(value, hash)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The block meant, the pending one executed for this; `None` if there is none.
fn look(node: &Node, block: BlockId) -> Answer<Option<Found>> {
    if block == BlockId::pending() {
        let PendingBlock { header, transactions, receipts, .. } =
            Arc::unwrap_or_clone(node.pending_block().map_err(not_pending)?);
        let block = store::Block { header: Sealed::new(header), transactions };
        return Ok(Some(Found { block, pending: Some(receipts) }));
    }
    let reader = node.reader().map_err(internal)?;
    Ok(find(&reader, block)?.map(|block| Found { block, pending: None }))
}

/// Returns a block in the form of its JSON.
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

/// Returns a block's header, with the size of the whole block.
pub(crate) fn header(node: &Node, asked: BlockId) -> Answer<Option<Shown<wire::Header>>> {
    let Some(found) = look(node, asked)? else { return Ok(None) };
    let store::Block { header, transactions } = &found.block;
    found.shown(shown(header, transactions, Content::Hashes).header).map(Some)
}

/// Returns the number of a block's transactions.
pub(crate) fn transaction_count(node: &Node, block: BlockId) -> Answer<Option<U64>> {
    Ok(look(node, block)?.map(|found| U64::from(found.block.transactions.len())))
}

/// Returns the number of a block's uncles: always 0.
pub(crate) fn uncle_count(node: &Node, block: BlockId) -> Answer<Option<U64>> {
    Ok(look(node, block)?.map(|_| U64::ZERO))
}

/// The receipts of a block, each as `tell` has it.
pub(crate) fn receipts<T: Serialize>(
    node: &Node,
    block: BlockId,
    tell: impl Fn(wire::TransactionReceipt) -> Answer<T>,
) -> Answer<Option<Shown<Vec<T>>>> {
    let Some(found) = look(node, block)? else { return Ok(None) };
    let receipts = match &found.pending {
        Some(receipts) => placed(&found.block, receipts.clone()),
        None => block_receipts(&*node.reader().map_err(internal)?, &found.block)?,
    };
    let told = receipts.into_iter().map(tell).collect::<Answer<Vec<_>>>()?;
    found.shown(told).map(Some)
}

/// Returns a transaction from the mempool or from its block.
pub(crate) fn transaction(node: &Node, hash: B256) -> Answer<Option<WireTransaction>> {
    // The mempool first: a transaction that leaves it for a block between the two reads is found in the block.
    let waiting = node.waiting(&hash);
    let reader = node.reader().map_err(internal)?;
    let Some((block, index)) = locate(&reader, hash)? else {
        return Ok(waiting.map(|transaction| {
            WireTransaction::from_transaction(transaction, TransactionInfo::default())
        }));
    };
    Ok(nth(&block, index))
}

/// Returns the transaction at an index of a block.
pub(crate) fn transaction_at(
    node: &Node,
    block: BlockId,
    index: Count,
) -> Answer<Option<WireTransaction>> {
    let Some(found) = look(node, block)? else { return Ok(None) };
    let place = usize::try_from(index.value()).ok();
    let mut transaction = place.and_then(|index| nth(&found.block, index));
    if let Some(transaction) = transaction.as_mut().filter(|_| found.pending.is_some()) {
        transaction.block_hash = None;
    }
    Ok(transaction)
}

/// Returns the signed bytes of a transaction.
pub(crate) fn raw(transaction: &WireTransaction) -> Bytes {
    transaction.inner.encoded_2718().into()
}

fn nth(block: &store::Block, index: usize) -> Option<WireTransaction> {
    let (index, transaction) = (0_u64..).zip(&block.transactions).nth(index)?;
    Some(included(&block.header, transaction, index))
}

/// Returns all receipts of a block: a stored receipt holds neither its own gas nor the index of its logs, which
/// follow from the receipts before it.
pub(crate) fn block_receipts(
    reader: &Reader,
    block: &store::Block,
) -> Answer<Vec<wire::TransactionReceipt>> {
    let number = block.header.number;
    let receipts = reader.receipts(number).map_err(internal)?.unwrap_or_default();
    Ok(placed(block, receipts))
}

/// The receipts of a block with their places in it.
fn placed(block: &store::Block, receipts: Vec<ReceiptEnvelope>) -> Vec<wire::TransactionReceipt> {
    let mut position = Position { transaction_index: 0, log_index: 0, gas_before: 0 };
    let pairs = block.transactions.iter().zip(receipts);
    pairs.map(|(transaction, receipt)| position.next(&block.header, transaction, receipt)).collect()
}

/// Returns the block with its transactions; `None` if it does not exist.
pub(crate) fn find(reader: &Reader, block: BlockId) -> Answer<Option<store::Block>> {
    let Some(number) = parameters::height(reader, block)? else { return Ok(None) };
    match reader.block(number).map_err(internal)? {
        None if number < reader.first_block() => Err(pruned(reader.first_block())),
        block => Ok(block),
    }
}

/// Returns the block that holds a transaction, and the transaction's index there.
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

/// The indexes that the next receipt of a block gets.
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
