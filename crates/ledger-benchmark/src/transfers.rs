//! Transfers, signed before the measurement starts.

use std::thread;

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, B256, TxKind, U256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};

use crate::{json_rpc, load::LoadError};

/// Gas of a transfer.
const GAS: u64 = 21_000;

/// A transfer ready to be sent.
pub(crate) struct Transfer {
    pub(crate) hash: B256,
    /// The whole JSON-RPC request.
    pub(crate) request: String,
}

/// What all transfers share.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) chain_id: u64,
    /// Largest fee per gas.
    pub(crate) fee: u128,
}

/// Returns the first accounts of a phrase, on the usual derivation path.
pub(crate) fn senders(phrase: &str, count: usize) -> Result<Vec<PrivateKeySigner>, LoadError> {
    let builder = MnemonicBuilder::<English>::default().phrase(phrase);
    let account = |index: u32| builder.clone().index(index).and_then(|builder| builder.build());
    (0..).take(count).map(|index| account(index).map_err(|_| LoadError::Phrase)).collect()
}

/// Signs `count` transfers of each sender from its nonce on, to the next sender, on all cores.
pub(crate) fn sign(
    senders: &[(PrivateKeySigner, u64)],
    terms: Terms,
    count: usize,
) -> Result<Vec<Vec<Transfer>>, LoadError> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let share = senders.len().div_ceil(cores).max(1);
    let recipient = |index: usize| senders[(index + 1) % senders.len()].0.address();
    let parts = thread::scope(|scope| {
        let threads: Vec<_> = (0..senders.len())
            .step_by(share)
            .map(|first| {
                let part = &senders[first..senders.len().min(first + share)];
                scope.spawn(move || {
                    let all = part.iter().zip(first..);
                    let all = all.map(|(sender, at)| sign_all(sender, recipient(at), terms, count));
                    all.collect::<Result<Vec<_>, _>>()
                })
            })
            .collect();
        let joined =
            threads.into_iter().map(|thread| thread.join().map_err(|_| LoadError::Signing));
        joined.map(|part| part.and_then(|part| part)).collect::<Result<Vec<_>, _>>()
    })?;
    Ok(parts.into_iter().flatten().collect())
}

fn sign_all(
    (signer, nonce): &(PrivateKeySigner, u64),
    recipient: Address,
    terms: Terms,
    count: usize,
) -> Result<Vec<Transfer>, LoadError> {
    (*nonce..).take(count).map(|nonce| sign_one(signer, nonce, recipient, terms)).collect()
}

fn sign_one(
    signer: &PrivateKeySigner,
    nonce: u64,
    recipient: Address,
    terms: Terms,
) -> Result<Transfer, LoadError> {
    let transaction = TxEip1559 {
        chain_id: terms.chain_id,
        nonce,
        gas_limit: GAS,
        max_fee_per_gas: terms.fee,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(recipient),
        value: U256::ONE,
        ..TxEip1559::default()
    };
    let signature = signer.sign_hash_sync(&transaction.signature_hash());
    let signature = signature.map_err(|_| LoadError::Signing)?;
    let signed = TxEnvelope::from(transaction.into_signed(signature));
    let request = json_rpc::send_request(&signed.encoded_2718());
    Ok(Transfer { hash: *signed.tx_hash(), request })
}
