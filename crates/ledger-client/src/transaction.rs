//! Changes the ledger: estimates, signs, sends, and polls the transaction until it is in a block.

use std::time::Duration;

use alloy_consensus::{SignableTransaction as _, TxEip1559};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, B256, Bytes, TxKind, U64, U256};
use alloy_rpc_types_eth::{FeeHistory, Log, TransactionReceipt, TransactionRequest};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use serde::de::IgnoredAny;
use serde_json::json;
use tokio::time::{sleep, timeout};
use units::Wei;

use crate::{
    Ledger,
    error::{Failure, LedgerError},
    node::Boxed,
};

/// Pause between the first requests for a receipt: a node that makes blocks on demand has it within a few of them.
const LOOK_MIN: Duration = Duration::from_millis(10);
/// Number of requests with that pause; each later pause is twice as long.
const LOOKS_SOON: u32 = 8;
const LOOK_MAX: Duration = Duration::from_secs(1);

/// Number of times that a change is made again after a transaction of another program took its nonce.
const TRIES_MAX: u32 = 12;
/// First pause before that; each later one is twice as long.
const TRY_PAUSE_MIN: Duration = Duration::from_millis(20);
const TRY_PAUSE_MAX: Duration = Duration::from_secs(1);

/// Blocks whose tips are looked at.
const FEE_BLOCKS: u64 = 10;
/// Per cent of a block's gas that paid at most the tip looked at.
const FEE_PERCENTILE: u64 = 20;
/// Least tip that is offered, in wei for a unit of gas.
const TIP_MIN: u128 = 1;

/// A transaction in a block.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The transaction.
    pub hash: B256,
    /// The block's height.
    pub height: u64,
    /// Gas used.
    pub gas: u64,
    /// The fee that the sender paid.
    pub fee: Wei,
    /// Events.
    pub logs: Vec<Log>,
}

/// A change to make.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) to: Address,
    pub(crate) value: Wei,
    pub(crate) input: Bytes,
}

/// In wei for a unit of gas.
struct Fees {
    /// Base fee and tip together, at most.
    most: u128,
    /// For the block's producer, at most.
    tip: u128,
}

/// A signed transaction, kept so that it can be sent again.
struct Sent {
    hash: B256,
    raw: Vec<u8>,
}

/// The result of sending it.
enum Outcome {
    /// The node accepted it.
    Taken,
    /// Another transaction of the account has that nonce.
    Outdated,
}

impl Ledger {
    /// Makes the change, or returns why not; waits until it is in a block.
    pub(crate) fn change(&self, change: Change) -> Boxed<'_, Result<Receipt, LedgerError>> {
        Box::pin(self.insist(change))
    }

    /// Makes the change, again while other programs use the account's nonces. A displaced transaction can never be in a
    /// block, so nothing is done twice; and each try is estimated first, so a rule can say that it has become needless.
    async fn insist(&self, change: Change) -> Result<Receipt, LedgerError> {
        let mut pause = TRY_PAUSE_MIN;
        for _ in 1..TRIES_MAX {
            match self.estimate_and_send(change.clone()).await {
                Err(LedgerError::Displaced { hash }) => {
                    tracing::debug!(%hash, "another program used the account's nonce");
                    sleep(pause).await;
                    pause = pause.saturating_mul(2).min(TRY_PAUSE_MAX);
                }
                result => return result,
            }
        }
        self.estimate_and_send(change).await
    }

    async fn estimate_and_send(&self, change: Change) -> Result<Receipt, LedgerError> {
        let signer = self.shared.signer.as_ref().ok_or(LedgerError::ReadOnly)?;
        let request = TransactionRequest::default()
            .from(signer.address())
            .to(change.to)
            .value(U256::from(change.value.as_u128()));
        let request = request.input(change.input.clone().into());
        // A change that a rule refuses ends here and costs nothing.
        let gas: U64 = self.ask("eth_estimateGas", json!([request, "latest"])).await?;
        let fees = self.fees().await?;
        // Other transactions change the state between estimate and block, and unused gas costs nothing.
        let gas_limit = gas.to::<u64>().saturating_mul(2);
        let fee = Wei::new(fees.most.saturating_mul(gas_limit.into()));
        if fee > self.fee_max {
            return Err(LedgerError::TooDear { fee, fee_max: self.fee_max });
        }
        let unsigned = TxEip1559 {
            chain_id: self.shared.chain_id,
            nonce: 0,
            gas_limit,
            max_fee_per_gas: fees.most,
            max_priority_fee_per_gas: fees.tip,
            to: TxKind::Call(change.to),
            value: U256::from(change.value.as_u128()),
            access_list: Default::default(),
            input: change.input,
        };
        let sent = self.send_next(signer, unsigned).await?;
        let receipt = match timeout(self.patience, self.receipt(&sent)).await {
            Ok(Ok(receipt)) => receipt,
            outcome => {
                // The transaction may be lost, and later ones would wait for it: the next change asks the ledger for
                // the nonce.
                *self.shared.queue.next.lock().await = None;
                let waited = self.patience;
                let lost = LedgerError::Unconfirmed { hash: sent.hash, waited };
                return Err(outcome.map_or(lost, |receipt| receipt.expect_err("just matched")));
            }
        };
        if receipt.status() {
            self.read_receipt(&receipt)
        } else {
            Err(self.why_failed(request).await)
        }
    }

    /// Returns the fees to offer: twice the base fee of the next block, plus the usual tip of the newest blocks.
    async fn fees(&self) -> Result<Fees, LedgerError> {
        let parameters = json!([U64::from(FEE_BLOCKS), "latest", [FEE_PERCENTILE]]);
        let history: FeeHistory = self.ask("eth_feeHistory", parameters).await?;
        let malformed =
            |reason: &str| self.shared.node.malformed(format!("a fee history {reason}"));
        let base = history.next_block_base_fee().ok_or_else(|| malformed("without base fees"))?;
        let tip = median_tip(&history.reward.unwrap_or_default());
        let most = base.checked_mul(2).and_then(|most| most.checked_add(tip));
        Ok(Fees { most: most.ok_or_else(|| malformed("with fees that are too large"))?, tip })
    }

    /// Signs with the account's next nonce and sends the transaction. One at a time: a nonce is used once the node has it.
    async fn send_next(
        &self,
        signer: &PrivateKeySigner,
        mut unsigned: TxEip1559,
    ) -> Result<Sent, LedgerError> {
        let mut next = self.shared.queue.next.lock().await;
        loop {
            let known = *next;
            unsigned.nonce = match known {
                Some(nonce) => nonce,
                None => {
                    let parameters = json!([signer.address(), "pending"]);
                    self.ask::<U64>("eth_getTransactionCount", parameters).await?.to()
                }
            };
            let sent = sign(signer, unsigned.clone());
            // After any error from here on, the ledger must be asked for the nonce.
            *next = None;
            match self.send(&sent).await? {
                Outcome::Taken => {
                    *next = unsigned.nonce.checked_add(1);
                    return Ok(sent);
                }
                // Another program uses the account, or the network was restarted: try once more with the ledger's nonce.
                Outcome::Outdated if known.is_some() => {}
                Outcome::Outdated => return Err(LedgerError::Displaced { hash: sent.hash }),
            }
        }
    }

    async fn send(&self, sent: &Sent) -> Result<Outcome, LedgerError> {
        let parameters = json!([Bytes::copy_from_slice(&sent.raw)]);
        let node = &self.shared.node;
        match node.ask_raw(self.patience, "eth_sendRawTransaction", parameters).await? {
            Ok(_) => Ok(Outcome::Taken),
            Err(Failure::Rejected(message)) if is_known(&message) => Ok(Outcome::Taken),
            // The nonce may be used by this very transaction: its first answer was lost, and it is in a block by now.
            Err(Failure::Rejected(message)) if is_outdated(&message) => {
                let mined: Option<IgnoredAny> =
                    self.ask("eth_getTransactionReceipt", json!([sent.hash])).await?;
                Ok(if mined.is_some() { Outcome::Taken } else { Outcome::Outdated })
            }
            Err(failure) => Err(node.error(failure)),
        }
    }

    /// Polls until the transaction is in a block. If the node has lost it, for example after a restart, sends it again.
    async fn receipt(&self, sent: &Sent) -> Result<TransactionReceipt, LedgerError> {
        let (mut displaced, mut looks) = (false, 0_u32);
        loop {
            let receipt: Option<TransactionReceipt> =
                self.ask("eth_getTransactionReceipt", json!([sent.hash])).await?;
            if let Some(receipt) = receipt {
                return Ok(receipt);
            }
            if displaced {
                // The nonce is used, but not by this transaction: the receipt was requested after that was known.
                return Err(LedgerError::Displaced { hash: sent.hash });
            }
            looks = looks.saturating_add(1);
            if looks > LOOKS_SOON && !self.is_known(sent).await? {
                tracing::debug!(hash = %sent.hash, "the node does not know the transaction: sending it again");
                displaced = matches!(self.send(sent).await?, Outcome::Outdated);
                if displaced {
                    continue;
                }
            }
            let later = 1_u32.checked_shl(looks.saturating_sub(LOOKS_SOON)).unwrap_or(u32::MAX);
            sleep(LOOK_MIN.saturating_mul(later).min(LOOK_MAX)).await;
        }
    }

    async fn is_known(&self, sent: &Sent) -> Result<bool, LedgerError> {
        let known: Option<IgnoredAny> =
            self.ask("eth_getTransactionByHash", json!([sent.hash])).await?;
        Ok(known.is_some())
    }

    fn read_receipt(&self, receipt: &TransactionReceipt) -> Result<Receipt, LedgerError> {
        let malformed = |reason: &str| self.shared.node.malformed(format!("a receipt {reason}"));
        let fee = receipt.effective_gas_price.checked_mul(receipt.gas_used.into());
        Ok(Receipt {
            hash: receipt.transaction_hash,
            height: receipt.block_number.ok_or_else(|| malformed("without a block"))?,
            gas: receipt.gas_used,
            fee: Wei::new(fee.ok_or_else(|| malformed("with a fee out of range"))?),
            logs: receipt.logs().to_vec(),
        })
    }

    /// Returns the error of a transaction that was estimated successfully but failed in its block, by calling it again.
    async fn why_failed(&self, request: TransactionRequest) -> LedgerError {
        match self.ask::<Bytes>("eth_call", json!([request, "latest"])).await {
            Err(error) => error,
            Ok(_) => LedgerError::Refused {
                reason: "the transaction failed in its block, because an earlier transaction changed the state"
                    .to_owned(),
                data: Bytes::new(),
            },
        }
    }
}

fn sign(signer: &PrivateKeySigner, unsigned: TxEip1559) -> Sent {
    let signature = signer
        .sign_hash_sync(&unsigned.signature_hash())
        .expect("a key in memory signs whatever it is given");
    let signed = unsigned.into_signed(signature);
    Sent { hash: *signed.hash(), raw: signed.encoded_2718() }
}

/// Returns the median of the tips that are not zero. Each block brings a list of one.
fn median_tip(blocks: &[Vec<u128>]) -> u128 {
    let tips = blocks.iter().filter_map(|tips| tips.first().copied());
    let mut tips: Vec<u128> = tips.filter(|tip| 0 < *tip).collect();
    tips.sort_unstable();
    let below = tips.get(tips.len().saturating_sub(1) / 2);
    let above = tips.get(tips.len() / 2);
    match (below, above) {
        (Some(below), Some(above)) => below.midpoint(*above).max(TIP_MIN),
        _ => TIP_MIN,
    }
}

/// Returns whether the node has the transaction. There is no error code for this; geth, reth and our node use these words.
fn is_known(message: &str) -> bool {
    message.to_lowercase().contains("already known")
}

/// Returns whether another transaction has the nonce: in a block, or in the node's mempool, where it pays more.
fn is_outdated(message: &str) -> bool {
    let message = message.to_lowercase();
    message.contains("nonce too low") || message.contains("replacement transaction underpriced")
}
