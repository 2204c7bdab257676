//! Submitted transactions.

use crate::{
    context::Context,
    error::{Answer, NO_BLOBS, not_awaited, not_submitted, refused, unready, untimely},
    parameters::{self, Count, Params},
    receipts::{self, Receipt},
};
use alloy_eips::eip2718::EIP4844_TX_TYPE_ID;
use alloy_primitives::{B256, Bytes};
use node::Node;
use std::{sync::Arc, time::Duration};

/// How long a sender waits for a receipt by default. EIP-7966 recommends it.
const WAIT: Duration = Duration::from_secs(2);
/// The longest wait that a sender may request.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// A transaction, and how long its sender waits for its receipt.
pub(crate) struct Awaited {
    bytes: Bytes,
    wait: Duration,
}

/// Parses the bytes and the optional wait in milliseconds; a wait that is 0 or above the maximum is replaced by the
/// default (EIP-7966).
pub(crate) fn parameters(params: &Params<'_>) -> Answer<Awaited> {
    parameters::parse(params, |sequence| {
        let bytes = sequence.next()?;
        let asked: Option<Count> = sequence.optional_next()?;
        let asked = asked.map(|asked| Duration::from_millis(asked.value()));
        let asked = asked.filter(|asked| !asked.is_zero() && *asked <= WAIT_MAX);
        Ok(Awaited { bytes, wait: asked.unwrap_or(WAIT) })
    })
}

pub(crate) fn send(node: &Node, bytes: &Bytes) -> Answer<B256> {
    // Checked before the size: its blobs make it large, and its size is not the reason for the refusal.
    if bytes.first() == Some(&EIP4844_TX_TYPE_ID) {
        return Err(refused(NO_BLOBS));
    }
    node.submit(bytes).map_err(not_submitted)
}

/// Submits a transaction and returns its receipt: one request instead of many. Source: EIP-7966.
pub(crate) async fn send_and_wait(context: Arc<Context>, asked: Awaited) -> Answer<Receipt> {
    let Awaited { bytes, wait } = asked;
    let (node, blocking) = (context.node.clone(), context.blocking);
    let own = node.clone();
    let sending = move || {
        let hash = send(&own, &bytes)?;
        Ok((hash, own.is_ready(&hash)))
    };
    let (hash, is_ready) = blocking.run(sending).await?;
    if !is_ready {
        return Err(unready(hash));
    }
    match tokio::time::timeout(wait, node.wait_for(hash)).await {
        Err(_) => return Err(untimely(hash, wait)),
        Ok(waited) => waited.map_err(not_awaited)?,
    };
    let receipt = blocking.run(move || receipts::of_transaction(&node, hash)).await?;
    receipt.ok_or_else(|| untimely(hash, wait))
}
