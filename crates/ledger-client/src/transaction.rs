//! Changes the ledger: estimates, signs, sends, and polls the transaction until it is in a block.

use std::time::Duration;

use alloy_consensus::{SignableTransaction as _, TxEip1559};
use alloy_eips::{BlockId, eip2718::Encodable2718 as _};
use alloy_network::TxSignerSync as _;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_provider::Provider as _;
use alloy_rpc_types_eth::{Log, TransactionReceipt, TransactionRequest};
use alloy_signer_local::PrivateKeySigner;
use tokio::time::{sleep, timeout};
use units::Wei;

use crate::{
    Ledger,
    error::{Failure, LedgerError},
};

/// First pause between requests for a receipt.
const LOOK_MIN: Duration = Duration::from_millis(50);
const LOOK_MAX: Duration = Duration::from_secs(1);

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

/// A signed transaction, kept so that it can be sent again.
struct Sent {
    hash: B256,
    raw: Vec<u8>,
}

/// The result of sending it.
enum Outcome {
    /// The node accepted it.
    Taken,
    /// The account has used that nonce already.
    Outdated,
}

impl Ledger {
    /// Makes the change, or returns why not; waits until it is in a block.
    pub(crate) async fn change(&self, change: Change) -> Result<Receipt, LedgerError> {
        let signer = self.shared.signer.as_ref().ok_or(LedgerError::ReadOnly)?;
        let request = TransactionRequest::default()
            .from(signer.address())
            .to(change.to)
            .value(U256::from(change.value.as_u128()));
        let request = request.input(change.input.clone().into());
        let provider = &self.shared.node.provider;
        // A change that a rule refuses ends here and costs nothing.
        let gas = self
            .ask(|| async { provider.estimate_gas(request.clone()).block(BlockId::latest()).await })
            .await?;
        let fees = self.ask(|| async { provider.estimate_eip1559_fees().await }).await?;
        let unsigned = TxEip1559 {
            chain_id: self.shared.chain_id,
            nonce: 0,
            // Other transactions change the state between estimate and block, and unused gas costs nothing.
            gas_limit: gas.saturating_mul(2),
            max_fee_per_gas: fees.max_fee_per_gas,
            max_priority_fee_per_gas: fees.max_priority_fee_per_gas,
            to: TxKind::Call(change.to),
            value: U256::from(change.value.as_u128()),
            access_list: Default::default(),
            input: change.input,
        };
        let sent = self.send_next(signer, unsigned).await?;
        let receipt = match timeout(self.patience, self.receipt(&sent)).await {
            Ok(receipt) => receipt?,
            Err(_) => {
                // The transaction may be lost, and later ones would wait for it: the next change asks the ledger for
                // the nonce.
                *self.shared.nonce.lock().await = None;
                return Err(LedgerError::Unconfirmed { hash: sent.hash, waited: self.patience });
            }
        };
        if receipt.status() {
            self.read_receipt(&receipt)
        } else {
            Err(self.why_failed(request).await)
        }
    }

    /// Signs with the account's next nonce and sends the transaction. One at a time: a nonce is used once the node has it.
    async fn send_next(
        &self,
        signer: &PrivateKeySigner,
        mut unsigned: TxEip1559,
    ) -> Result<Sent, LedgerError> {
        let provider = &self.shared.node.provider;
        let mut next = self.shared.nonce.lock().await;
        loop {
            let known = *next;
            unsigned.nonce = match known {
                Some(nonce) => nonce,
                None => {
                    self.ask(|| async {
                        provider.get_transaction_count(signer.address()).pending().await
                    })
                    .await?
                }
            };
            let sent = sign(signer, unsigned.clone())?;
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
        let provider = &self.shared.node.provider;
        let answer = self.shared.node.ask_raw(self.patience, || async {
            provider.send_raw_transaction(&sent.raw).await.map(drop)
        });
        match answer.await? {
            Ok(()) => Ok(Outcome::Taken),
            Err(Failure::Rejected(message)) if is_known(&message) => Ok(Outcome::Taken),
            Err(Failure::Rejected(message)) if is_outdated(&message) => Ok(Outcome::Outdated),
            Err(failure) => Err(self.shared.node.error(failure)),
        }
    }

    /// Polls until the transaction is in a block. If the node has lost it, for example after a restart, sends it again.
    async fn receipt(&self, sent: &Sent) -> Result<TransactionReceipt, LedgerError> {
        let provider = &self.shared.node.provider;
        let mut pause = LOOK_MIN;
        let mut displaced = false;
        loop {
            if let Some(receipt) =
                self.ask(|| async { provider.get_transaction_receipt(sent.hash).await }).await?
            {
                return Ok(receipt);
            }
            if displaced {
                // The nonce is used, but not by this transaction: the receipt was requested after that was known.
                return Err(LedgerError::Displaced { hash: sent.hash });
            }
            if self
                .ask(|| async { provider.get_transaction_by_hash(sent.hash).await })
                .await?
                .is_none()
            {
                tracing::debug!(hash = %sent.hash, "the node does not know the transaction: sending it again");
                displaced = matches!(self.send(sent).await?, Outcome::Outdated);
                if displaced {
                    continue;
                }
            }
            sleep(pause).await;
            pause = pause.saturating_mul(2).min(LOOK_MAX);
        }
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
        let provider = &self.shared.node.provider;
        match self
            .ask(|| async { provider.call(request.clone()).block(BlockId::latest()).await })
            .await
        {
            Err(error) => error,
            Ok(_) => LedgerError::Refused {
                reason: "the transaction failed in its block, because an earlier transaction changed the state"
                    .to_owned(),
                data: Bytes::new(),
            },
        }
    }
}

fn sign(signer: &PrivateKeySigner, mut unsigned: TxEip1559) -> Result<Sent, LedgerError> {
    let signature = signer
        .sign_transaction_sync(&mut unsigned)
        .expect("a local key signs for the chain it was bound to in `connect`");
    let signed = unsigned.into_signed(signature);
    Ok(Sent { hash: *signed.hash(), raw: signed.encoded_2718() })
}

/// Returns whether the node has the transaction. There is no error code for this; geth, reth and our node use these words.
fn is_known(message: &str) -> bool {
    message.to_lowercase().contains("already known")
}

fn is_outdated(message: &str) -> bool {
    message.to_lowercase().contains("nonce too low")
}
