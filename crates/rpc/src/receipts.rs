//! Receipts in the form of their JSON.

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

/// A receipt and, on a development ledger, the reason of a failed transaction.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Receipt {
    #[serde(flatten)]
    inner: TransactionReceipt,
    #[serde(skip_serializing_if = "Option::is_none")]
    revert_reason: Option<String>,
}

impl Receipt {
    /// Adds the reason. On other ledgers receipts have no reason, because it costs another execution of the block.
    fn new(node: &Node, inner: TransactionReceipt) -> Answer<Self> {
        if inner.status() || node.development().is_none() {
            return Ok(Self { inner, revert_reason: None });
        }
        // A block whose parent state was pruned can't be executed again.
        let frame = traces::outermost(node, inner.transaction_hash).ok();
        let revert_reason = frame.and_then(|frame| reverts::reason(&frame.output));
        Ok(Self { inner, revert_reason })
    }
}

/// Returns the receipt of a transaction that is in a block.
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
