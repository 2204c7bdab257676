//! Receipts as they are answered.

use crate::{
    blocks::{self, Shown},
    error::{Answer, internal},
    reverts, traces,
};
use alloy_eips::BlockId;
use alloy_primitives::B256;
use alloy_rpc_types_eth::TransactionReceipt;
use node::Node;
use serde::Serialize;

/// A receipt, and on a ledger for development why its transaction failed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Receipt {
    #[serde(flatten)]
    inner: TransactionReceipt,
    #[serde(skip_serializing_if = "Option::is_none")]
    revert_reason: Option<String>,
}

impl Receipt {
    /// Adds the reason. Elsewhere nobody pays for running the block again, so there receipts have none.
    fn new(node: &Node, inner: TransactionReceipt) -> Answer<Self> {
        if inner.status() || node.development().is_none() {
            return Ok(Self { inner, revert_reason: None });
        }
        // A block whose state before it is gone can't be run again.
        let frame = traces::outermost(node, inner.transaction_hash).ok();
        let revert_reason = frame.and_then(|frame| reverts::reason(&frame.output));
        Ok(Self { inner, revert_reason })
    }
}

/// The receipt of a transaction that is in a block.
pub(crate) fn of_transaction(node: &Node, hash: B256) -> Answer<Option<Receipt>> {
    let reader = node.reader().map_err(internal)?;
    let Some((block, index)) = blocks::locate(&reader, hash)? else { return Ok(None) };
    let receipt = blocks::block_receipts(&reader, &block)?.into_iter().nth(index);
    receipt.map(|receipt| Receipt::new(node, receipt)).transpose()
}

/// The receipts of a block. None of the pending one can say why it failed: it is in no block yet.
pub(crate) fn of_block(node: &Node, block: BlockId) -> Answer<Option<Shown<Vec<Receipt>>>> {
    blocks::receipts(node, block, |receipt| Receipt::new(node, receipt))
}
