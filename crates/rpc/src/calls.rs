//! Calls and estimates.

use crate::{
    error::{Answer, halted, invalid, not_called, not_estimated, reverted},
    overrides, parameters,
};
use alloy_eips::{BlockId, eip2930::AccessListResult};
use alloy_primitives::{Bytes, TxKind, U64, U256};
use alloy_rpc_types_eth::TransactionRequest;
use execution::{Accesses, Call, CallOutcome, Overrides};
use jsonrpsee::types::Params;
use node::{CallBlock, Node};

/// What is asked about a message: in which block, and what to imagine.
pub(crate) struct Question {
    pub(crate) call: Call,
    pub(crate) block: Option<BlockId>,
    pub(crate) overrides: Overrides,
}

/// A message, perhaps a block, perhaps overrides of the state, and of the block.
pub(crate) fn parameters(params: &Params<'_>) -> Answer<Question> {
    parameters::parse(params, |sequence| {
        let call = message(sequence.next()?)?;
        let block = sequence.optional_next()?;
        let accounts = sequence.optional_next()?;
        let overrides = overrides::read(accounts, sequence.optional_next()?)?;
        Ok(Question { call, block, overrides })
    })
}

pub(crate) fn call(node: &Node, asked: &Question) -> Answer<Bytes> {
    let (reader, block) = parameters::state(node, asked.block)?;
    let outcome = node.scene(&reader, block, &asked.overrides).call(&asked.call);
    match outcome.map_err(not_called)? {
        CallOutcome::Returned { output, .. } => Ok(output),
        CallOutcome::Reverted { output, .. } => Err(reverted(output)),
        CallOutcome::Halted { reason, .. } => Err(halted(&reason)),
    }
}

pub(crate) fn estimate_gas(node: &Node, asked: &Question) -> Answer<U64> {
    let (reader, mut block) = parameters::state(node, asked.block)?;
    // What is estimated is sent next: on the head's state it is taken for the block that follows.
    if reader.head().number == node.head().number {
        block = CallBlock::Next;
    }
    let estimate = node.scene(&reader, block, &asked.overrides).estimate_gas(&asked.call);
    estimate.map(U64::from).map_err(not_estimated)
}

/// A call that fails has a list, too, and says beside it how it failed.
pub(crate) fn access_list(node: &Node, asked: &Question) -> Answer<AccessListResult> {
    let (reader, block) = parameters::state(node, asked.block)?;
    let accesses = node.scene(&reader, block, &asked.overrides).access_list(&asked.call);
    let Accesses { list, outcome } = accesses.map_err(not_called)?;
    let (gas_used, error) = match outcome {
        CallOutcome::Returned { gas_used, .. } => (gas_used, None),
        CallOutcome::Reverted { output, gas_used } => {
            (gas_used, Some(reverted(output).message().to_owned()))
        }
        CallOutcome::Halted { reason, gas_used } => {
            (gas_used, Some(halted(&reason).message().to_owned()))
        }
    };
    Ok(AccessListResult { access_list: list, gas_used: U256::from(gas_used), error })
}

/// The message as the machine takes it: calldata may stand in `input` (the standard's name), in `data` (the older one), or in both alike.
pub(crate) fn message(request: TransactionRequest) -> Answer<Call> {
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
