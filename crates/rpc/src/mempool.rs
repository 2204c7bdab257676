//! `txpool_…`: the transactions that wait for a block, in geth's form.

use crate::{
    blocks::WireTransaction,
    error::{Answer, too_large},
};
use alloy_consensus::{Transaction as _, transaction::TransactionInfo};
use alloy_primitives::{Address, U64};
use node::{Node, Waiting};
use serde::Serialize;
use std::collections::BTreeMap;

/// Most bytes of transactions that are returned in full.
const CONTENT_SIZE_MAX: usize = 4 << 20;

/// Transactions that the next block can include, and those that wait for earlier nonces or funds of their sender.
#[derive(Clone, Default, Serialize)]
pub(crate) struct Parts<T> {
    pending: T,
    queued: T,
}

/// By nonce, in decimal digits.
type OfSender<T> = BTreeMap<String, T>;
type BySender<T> = BTreeMap<Address, OfSender<T>>;

impl<T> Parts<T> {
    fn part(&mut self, is_ready: bool) -> &mut T {
        if is_ready { &mut self.pending } else { &mut self.queued }
    }
}

pub(crate) fn status(node: &Node) -> Parts<U64> {
    let mut parts = Parts::default();
    for waiting in node.all_waiting(None) {
        *parts.part(waiting.is_ready) += U64::ONE;
    }
    parts
}

pub(crate) fn content(node: &Node) -> Answer<Parts<BySender<WireTransaction>>> {
    by_sender(node.all_waiting(None), to_wire)
}

pub(crate) fn content_from(
    node: &Node,
    sender: Address,
) -> Answer<Parts<OfSender<WireTransaction>>> {
    let Parts { mut pending, mut queued } = by_sender(node.all_waiting(Some(sender)), to_wire)?;
    let own = |part: &mut BySender<_>| part.remove(&sender).unwrap_or_default();
    Ok(Parts { pending: own(&mut pending), queued: own(&mut queued) })
}

/// Returns a line of text for each transaction.
pub(crate) fn inspect(node: &Node) -> Answer<Parts<BySender<String>>> {
    by_sender(node.all_waiting(None), |waiting| {
        let transaction = &waiting.transaction;
        let to = transaction.to().map_or("contract creation".to_owned(), |to| to.to_string());
        let (value, gas) = (transaction.value(), transaction.gas_limit());
        format!("{to}: {value} wei + {gas} gas × {} wei", transaction.max_fee_per_gas())
    })
}

fn to_wire(waiting: Waiting) -> WireTransaction {
    WireTransaction::from_transaction(waiting.transaction, TransactionInfo::default())
}

fn by_sender<T>(all: Vec<Waiting>, shown: impl Fn(Waiting) -> T) -> Answer<Parts<BySender<T>>> {
    let size: usize = all.iter().map(|waiting| waiting.transaction.input().len()).sum();
    if size > CONTENT_SIZE_MAX {
        return Err(too_large(format!(
            "more than {CONTENT_SIZE_MAX} bytes of calldata are in the mempool: ask for one sender with txpool_contentFrom, or for txpool_status"
        )));
    }
    let mut parts: Parts<BySender<T>> = Parts { pending: BTreeMap::new(), queued: BTreeMap::new() };
    for waiting in all {
        let (sender, nonce) = (waiting.transaction.signer(), waiting.transaction.nonce());
        let part = parts.part(waiting.is_ready).entry(sender).or_default();
        part.insert(nonce.to_string(), shown(waiting));
    }
    Ok(parts)
}
