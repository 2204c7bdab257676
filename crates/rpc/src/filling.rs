//! Fills in the fields that the sender of a transaction left out.

use crate::{
    calls::{self, CallParameters},
    error::{Answer, NO_BLOBS, internal, invalid},
    fees,
};
use alloy_consensus::{
    EthereumTypedTransaction, TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxLegacy,
};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256};
use alloy_rpc_types_eth::TransactionRequest;
use execution::{Overrides, Transaction};
use node::Node;
use serde::Serialize;

/// A transaction without its signature.
pub(crate) type Unsigned = EthereumTypedTransaction<TxEip4844>;

/// A complete transaction whose signature is zero.
#[derive(Serialize)]
pub(crate) struct Filled {
    raw: Bytes,
    tx: Transaction,
}

/// Answers `eth_fillTransaction`: returns the transaction that the sender's wallet would sign, in geth's form.
pub(crate) fn fill(node: &Node, request: TransactionRequest) -> Answer<Filled> {
    let sender = request.from.unwrap_or_default();
    let unsigned = filled(node, sender, request)?;
    let tx = unsigned.into_envelope(Signature::new(U256::ZERO, U256::ZERO, false));
    Ok(Filled { raw: tx.encoded_2718().into(), tx })
}

/// Fills in the fields that the sender left out. Gas is estimated, and an estimate that reverts is an error; a given
/// gas limit is not checked.
pub(crate) fn filled(
    node: &Node,
    sender: Address,
    request: TransactionRequest,
) -> Answer<Unsigned> {
    let chain_id = node.rules().chain_id;
    if let Some(asked) = request.chain_id.filter(|asked| *asked != chain_id) {
        return Err(invalid(format!("invalid chain id: {asked}, this chain is {chain_id}")));
    }
    if request.blob_versioned_hashes.is_some() || request.sidecar.is_some() {
        return Err(invalid(NO_BLOBS));
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
            let parameters = CallParameters { call, block: None, overrides: Overrides::default() };
            calls::estimate_gas(node, &parameters)?.to()
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
