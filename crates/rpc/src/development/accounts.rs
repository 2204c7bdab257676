//! The accounts with public keys, and what the node signs for them.

use super::{development, failures};
use crate::{
    context::Context,
    error::{Answer, ErrorObject, invalid, not_submitted, refused},
    filling::{Unsigned, filled},
    method_table::Methods,
    parameters::{one, parse},
    submission,
};
use alloy_consensus::SignableTransaction;
use alloy_dyn_abi::TypedData;
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_signer::SignerSync;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use execution::Transaction;
use serde_json::Value;

/// The mnemonic of the accounts that every local development node unlocks.
pub const TEST_PHRASE: &str = "test test test test test test test test test test test junk";
/// Number of these accounts.
const TEST_ACCOUNTS: u32 = 10;

/// Returns the first ten accounts of [`TEST_PHRASE`], at `m/44'/60'/0'/0/i`. Their keys are public: on a ledger with
/// real value anybody can take what they hold.
///
/// # Panics
/// Never: the phrase is valid.
#[must_use]
pub fn test_accounts() -> Vec<PrivateKeySigner> {
    let builder = MnemonicBuilder::<English>::default().phrase(TEST_PHRASE);
    let key = |index| builder.clone().index(index).and_then(|builder| builder.build());
    (0..TEST_ACCOUNTS).map(|index| key(index).expect("a valid phrase and path")).collect()
}

pub(super) fn add(methods: &mut Methods) {
    methods.add_kept("eth_sendTransaction", |context, params| {
        let request: TransactionRequest = one(params)?;
        let sender = sender(context, &request)?;
        let hash = match context.account(&sender) {
            Some(key) => send_signed(context, key, request),
            None if development(&context.node)?.is_impersonated(&sender) => {
                send_unsigned(context, sender, request)
            }
            None => Err(unknown(&sender)),
        };
        failures::hash_or_error(context, hash?)
    });
    methods.add_kept("eth_sendRawTransaction", |context, params| {
        failures::hash_or_error(context, submission::send(&context.node, &one(params)?)?)
    });
    methods.add_kept("anvil_sendUnsignedTransaction", |context, params| {
        let request: TransactionRequest = one(params)?;
        let hash = send_unsigned(context, sender(context, &request)?, request)?;
        failures::hash_or_error(context, hash)
    });
    methods.add_kept("eth_signTransaction", |context, params| {
        let request: TransactionRequest = one(params)?;
        let key = key(context, &sender(context, &request)?)?;
        let signed = signed(key, filled(&context.node, key.address(), request)?)?;
        Ok(Bytes::from(signed.encoded_2718()))
    });
    methods.add_kept("eth_sign", |context, params| {
        let (address, message) =
            parse(params, |sequence| Ok((sequence.next()?, sequence.next()?)))?;
        sign_message(context, address, &message)
    });
    methods.add_kept("personal_sign", |context, params| {
        let (message, address) =
            parse(params, |sequence| Ok((sequence.next()?, sequence.next()?)))?;
        sign_message(context, address, &message)
    });
    methods.add_kept("eth_signTypedData_v4", |context, params| {
        let (address, data): (Address, Value) =
            parse(params, |sequence| Ok((sequence.next()?, sequence.next()?)))?;
        sign_typed_data(context, address, data)
    });
}

fn unknown(address: &Address) -> ErrorObject {
    invalid(format!("unknown account {address}: use one of eth_accounts, or impersonate it first"))
}

fn key<'a>(context: &'a Context, address: &Address) -> Answer<&'a PrivateKeySigner> {
    context.account(address).ok_or_else(|| unknown(address))
}

/// Returns the sender; the node's first account by default.
fn sender(context: &Context, request: &TransactionRequest) -> Answer<Address> {
    let first = || context.accounts.first().map(PrivateKeySigner::address);
    request.from.or_else(first).ok_or_else(|| invalid("the transaction needs a sender: from"))
}

fn send_signed(
    context: &Context,
    key: &PrivateKeySigner,
    request: TransactionRequest,
) -> Answer<B256> {
    let _sending = context.sending();
    let signed = signed(key, filled(&context.node, key.address(), request)?)?;
    context.node.submit(&signed.encoded_2718()).map_err(not_submitted)
}

fn send_unsigned(context: &Context, sender: Address, request: TransactionRequest) -> Answer<B256> {
    let _sending = context.sending();
    let transaction = filled(&context.node, sender, request)?;
    let seal = |signature| transaction.into_envelope(signature);
    development(&context.node)?.impersonate(sender, seal).map_err(not_submitted)
}

fn signed(key: &PrivateKeySigner, transaction: Unsigned) -> Answer<Transaction> {
    let signature = checked(key.sign_hash_sync(&transaction.signature_hash()))?;
    Ok(transaction.into_envelope(signature))
}

/// Signs a message (EIP-191, version `E`).
fn sign_message(context: &Context, address: Address, message: &Bytes) -> Answer<Bytes> {
    let signature = checked(key(context, &address)?.sign_message_sync(message))?;
    Ok(Bytes::copy_from_slice(&signature.as_bytes()))
}

/// Signs typed data (EIP-712). The data may also be JSON text in a string: some clients send it so.
fn sign_typed_data(context: &Context, address: Address, data: Value) -> Answer<Bytes> {
    let data: Result<TypedData, _> = match data {
        Value::String(text) => serde_json::from_str(&text),
        data => serde_json::from_value(data),
    };
    let data = data.map_err(|error| invalid(format!("the data is not typed data: {error}")))?;
    let hash = data.eip712_signing_hash();
    let hash =
        hash.map_err(|error| invalid(format!("the data does not fit its types: {error}")))?;
    let signature = checked(key(context, &address)?.sign_hash_sync(&hash))?;
    Ok(Bytes::copy_from_slice(&signature.as_bytes()))
}

fn checked(signature: Result<Signature, alloy_signer::Error>) -> Answer<Signature> {
    signature.map_err(|error| refused(format!("no signature: {error}")))
}
