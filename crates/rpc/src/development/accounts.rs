//! Accounts whose keys everybody knows, and what the node signs for them.

use super::{development, failures};
use crate::{
    calls::{self, Question},
    context::Context,
    error::{Answer, internal, invalid, not_submitted, refused},
    fees,
    methods::Methods,
    parameters::{one, parse},
    submission,
};
use alloy_consensus::{
    EthereumTypedTransaction, SignableTransaction, TxEip1559, TxEip2930, TxEip4844, TxEip7702,
    TxLegacy,
};
use alloy_dyn_abi::TypedData;
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_signer::SignerSync;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use execution::{Overrides, Transaction};
use serde_json::Value;

/// The phrase of the accounts that every local node unlocks.
pub const TEST_PHRASE: &str = "test test test test test test test test test test test junk";
/// How many of them.
const TEST_ACCOUNTS: u32 = 10;

/// A transaction without its signature.
type Unsigned = EthereumTypedTransaction<TxEip4844>;

/// The first ten accounts of [`TEST_PHRASE`], at `m/44'/60'/0'/0/i`. Their keys are public: whatever they hold on a ledger that is meant is
/// lost.
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
        failures::told(context, hash?)
    });
    methods.add_kept("eth_sendRawTransaction", |context, params| {
        failures::told(context, submission::send(&context.node, &one(params)?)?)
    });
    methods.add_kept("anvil_sendUnsignedTransaction", |context, params| {
        let request: TransactionRequest = one(params)?;
        let hash = send_unsigned(context, sender(context, &request)?, request)?;
        failures::told(context, hash)
    });
    methods.add_kept("eth_signTransaction", |context, params| {
        let request: TransactionRequest = one(params)?;
        let key = key(context, &sender(context, &request)?)?;
        let signed = signed(key, filled(context, key.address(), request)?)?;
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

fn unknown(address: &Address) -> jsonrpsee::types::ErrorObjectOwned {
    invalid(format!(
        "unknown account {address}: the node signs for eth_accounts, and sends for who is impersonated"
    ))
}

fn key<'a>(context: &'a Context, address: &Address) -> Answer<&'a PrivateKeySigner> {
    context.account(address).ok_or_else(|| unknown(address))
}

/// The first account unless named.
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
    let signed = signed(key, filled(context, key.address(), request)?)?;
    context.node.submit(&signed.encoded_2718()).map_err(not_submitted)
}

fn send_unsigned(context: &Context, sender: Address, request: TransactionRequest) -> Answer<B256> {
    let _sending = context.sending();
    let transaction = filled(context, sender, request)?;
    let seal = |signature| transaction.into_envelope(signature);
    development(&context.node)?.impersonate(sender, seal).map_err(not_submitted)
}

fn signed(key: &PrivateKeySigner, transaction: Unsigned) -> Answer<Transaction> {
    let signature = checked(key.sign_hash_sync(&transaction.signature_hash()))?;
    Ok(transaction.into_envelope(signature))
}

/// EIP-191, version `E`.
fn sign_message(context: &Context, address: Address, message: &Bytes) -> Answer<Bytes> {
    let signature = checked(key(context, &address)?.sign_message_sync(message))?;
    Ok(Bytes::copy_from_slice(&signature.as_bytes()))
}

/// EIP-712. The data may come as text, too: some clients send it so.
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

/// What the sender left out is filled in. Gas is estimated, and an estimate that reverts is the answer; a gas limit that is given is not
/// questioned.
fn filled(context: &Context, sender: Address, request: TransactionRequest) -> Answer<Unsigned> {
    let node = &context.node;
    let chain_id = node.rules().chain_id;
    if let Some(asked) = request.chain_id.filter(|asked| *asked != chain_id) {
        return Err(invalid(format!("invalid chain id: {asked}, this chain is {chain_id}")));
    }
    if request.blob_versioned_hashes.is_some() || request.sidecar.is_some() {
        return Err(invalid("transaction type not supported: blobs are not carried by this chain"));
    }
    let request = TransactionRequest { from: Some(sender), ..request };
    let nonce = match request.nonce {
        Some(nonce) => nonce,
        None => node.next_nonce(&sender).map_err(internal)?,
    };
    let (tip, max_fee, wished) =
        (request.max_priority_fee_per_gas, request.max_fee_per_gas, request.transaction_type);
    let gas_price = request.gas_price;
    let call = calls::message(request)?;
    let (to, value, access_list) = (call.to, call.value, call.access_list.clone());
    let (input, authorization_list) = (call.data.clone(), call.authorization_list.clone());
    let gas_limit = match call.gas_limit {
        Some(gas_limit) => gas_limit,
        None => {
            let question = Question { call, block: None, overrides: Overrides::default() };
            calls::estimate_gas(node, &question)?.to()
        }
    };
    if gas_price.is_some() || matches!(wished, Some(0 | 1)) {
        let gas_price = match gas_price {
            Some(gas_price) => gas_price,
            None => fees::gas_price(node)?.saturating_to(),
        };
        if access_list.is_empty() && wished != Some(1) {
            let chain_id = Some(chain_id);
            return Ok(TxLegacy { chain_id, nonce, gas_price, gas_limit, to, value, input }.into());
        }
        let transaction =
            TxEip2930 { chain_id, nonce, gas_price, gas_limit, to, value, access_list, input };
        return Ok(transaction.into());
    }
    let (max_fee_per_gas, max_priority_fee_per_gas) = fees::of_next(node, max_fee, tip);
    if authorization_list.is_empty() {
        return Ok(TxEip1559 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to,
            value,
            access_list,
            input,
        }
        .into());
    }
    let TxKind::Call(to) = to else {
        return Err(invalid("a transaction with authorizations creates no contract (EIP-7702)"));
    };
    Ok(TxEip7702 {
        chain_id,
        nonce,
        gas_limit,
        max_fee_per_gas,
        max_priority_fee_per_gas,
        to,
        value,
        access_list,
        authorization_list,
        input,
    }
    .into())
}
