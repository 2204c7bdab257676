//! Calls, estimates, and transactions handed in.

use crate::{
    error::{
        Answer, halted, internal, invalid, not_called, not_estimated, not_submitted, reverted,
    },
    parameters,
};
use alloy_eips::BlockId;
use alloy_primitives::{B256, Bytes, TxKind, U64};
use alloy_rpc_types_eth::TransactionRequest;
use execution::{Call, CallOutcome};
use jsonrpsee::types::Params;
use node::Node;
use serde_json::Value;

/// A message and perhaps a block. Overrides of state and block are refused unless they are empty: to leave them out would be a wrong answer.
pub(crate) fn parameters(params: &Params<'_>) -> Answer<(TransactionRequest, Option<BlockId>)> {
    parameters::parse(params, |sequence| {
        let parsed = (sequence.next()?, sequence.optional_next()?);
        for _ in 0..2 {
            let overrides: Option<Value> = sequence.optional_next()?;
            let is_empty = |value: &Value| value.as_object().is_some_and(serde_json::Map::is_empty);
            if overrides.is_some_and(|value| !is_empty(&value)) {
                return Err(invalid("state and block overrides are not supported"));
            }
        }
        Ok(parsed)
    })
}

pub(crate) fn call(
    node: &Node,
    request: TransactionRequest,
    block: Option<BlockId>,
) -> Answer<Bytes> {
    let block = parameters::state(&*node.reader().map_err(internal)?, block)?;
    match node.call(&message(request)?, block).map_err(not_called)? {
        CallOutcome::Returned { output, .. } => Ok(output),
        CallOutcome::Reverted { output, .. } => Err(reverted(output)),
        CallOutcome::Halted { reason, .. } => Err(halted(&reason)),
    }
}

pub(crate) fn estimate_gas(
    node: &Node,
    request: TransactionRequest,
    block: Option<BlockId>,
) -> Answer<U64> {
    parameters::state(&*node.reader().map_err(internal)?, block)?;
    node.estimate_gas(&message(request)?).map(U64::from).map_err(not_estimated)
}

pub(crate) fn send(node: &Node, bytes: &Bytes) -> Answer<B256> {
    node.submit(bytes).map_err(not_submitted)
}

/// The message as the machine takes it: calldata may stand in `input` (the standard's name), in `data` (the older one), or in both alike.
fn message(request: TransactionRequest) -> Answer<Call> {
    let data = request.input.unique_input().map_err(|_| {
        invalid("both \"data\" and \"input\" are set and not equal: use \"input\" only")
    })?;
    let data = data.cloned().unwrap_or_default();
    if request.gas_price.is_some() && request.max_fee_per_gas.is_some() {
        return Err(invalid("both gasPrice and maxFeePerGas specified"));
    }
    Ok(Call {
        from: request.from.unwrap_or_default(),
        to: request.to.unwrap_or(TxKind::Create),
        value: request.value.unwrap_or_default(),
        data,
        gas_limit: request.gas,
        max_fee_per_gas: request.max_fee_per_gas.or(request.gas_price),
        access_list: request.access_list.unwrap_or_default(),
        authorization_list: request.authorization_list.unwrap_or_default(),
    })
}
