//! Read-only calls and gas estimates.

use crate::{
    abandonment::watched,
    error::{Answer, NO_BLOBS, halted, internal, invalid, not_called, not_estimated, reverted},
    overrides,
    parameters::{self, Params},
};
use alloy_eips::{BlockId, eip2930::AccessListResult};
use alloy_primitives::{Bytes, TxKind, U64, U256};
use alloy_rpc_types_eth::TransactionRequest;
use execution::{Accesses, Call, CallOutcome, Overrides};
use node::{CallBlock, Node, StateView};
use std::{borrow::Cow, sync::Arc};

/// A read-only call: the message, the block whose state it reads, and the overrides of that state and block.
pub(crate) struct CallParameters {
    pub(crate) call: Call,
    pub(crate) block: Option<BlockId>,
    pub(crate) overrides: Overrides,
}

/// Parses the message, then the optional block, state overrides and block overrides.
pub(crate) fn parameters(params: &Params<'_>) -> Answer<CallParameters> {
    parameters::parse(params, |sequence| {
        let call = message(sequence.next()?)?;
        let block = sequence.optional_next()?;
        let accounts = sequence.optional_next()?;
        let overrides = overrides::read(accounts, sequence.optional_next()?)?;
        Ok(CallParameters { call, block, overrides })
    })
}

pub(crate) fn call(node: &Node, asked: &CallParameters) -> Answer<Bytes> {
    let view = parameters::state(node, asked.block)?;
    let context = view.call_context(&asked.overrides);
    let outcome = watched(context, |context| context.call(&asked.call));
    match outcome.map_err(not_called)? {
        CallOutcome::Returned { output, .. } => Ok(output),
        CallOutcome::Reverted { output, .. } => Err(reverted(output)),
        CallOutcome::Halted { reason, .. } => Err(halted(&reason)),
    }
}

/// Unless a block is named, behind what waits for the next one.
pub(crate) fn estimate_gas(node: &Node, asked: &CallParameters) -> Answer<U64> {
    let mut view = parameters::state(node, Some(asked.block.unwrap_or(BlockId::pending())))?;
    // An estimated transaction is usually sent next: on the head's state it is estimated for the block that follows.
    if view.header().number == node.head().number {
        view = node.view(Arc::clone(view.reader()), CallBlock::Next);
    }
    let overrides = match node.development() {
        Some(_) => Cow::Owned(funded(&view, asked)?),
        None => Cow::Borrowed(&asked.overrides),
    };
    let estimate = |view: &StateView| {
        let context = view.call_context(&overrides);
        watched(context, |context| context.estimate_gas(&asked.call))
    };
    let gas = estimate(&view).map_err(not_estimated)?;
    // Contracts may do more once time has passed (Uniswap's pools write their price accumulators then). What fails only later is no reason to refuse.
    let later = view.in_the_next_second().and_then(|later| estimate(&later).ok());
    Ok(U64::from(later.map_or(gas, |later| later.max(gas))))
}

/// The overrides with whatever the sender lacks for its value and its gas: as hardhat and anvil estimate.
fn funded(view: &StateView, asked: &CallParameters) -> Answer<Overrides> {
    let call = &asked.call;
    let gas = U256::from(call.gas_limit.unwrap_or(view.header().gas_limit));
    let fees = gas.saturating_mul(U256::from(call.max_fee_per_gas.unwrap_or_default()));
    let needed = call.value.saturating_add(fees);
    let mut overrides = asked.overrides.clone();
    let sender = overrides.accounts.entry(call.from).or_default();
    let balance = match sender.balance {
        Some(balance) => balance,
        None => {
            let account = view.account(&call.from).map_err(internal)?;
            account.map_or(U256::ZERO, |account| account.balance)
        }
    };
    sender.balance = Some(balance.max(needed));
    Ok(overrides)
}

/// Returns the access list of a call. A call that fails has one, too; its result also holds the failure.
pub(crate) fn access_list(node: &Node, asked: &CallParameters) -> Answer<AccessListResult> {
    let view = parameters::state(node, asked.block)?;
    let context = view.call_context(&asked.overrides);
    let accesses = watched(context, |context| context.access_list(&asked.call));
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

/// Returns the call for the EVM. Calldata may be in `input` (the standard's name), in `data` (the older name), or in
/// both if they are equal.
pub(crate) fn message(request: TransactionRequest) -> Answer<Call> {
    let data = request.input.unique_input().map_err(|_| {
        invalid("both \"data\" and \"input\" are set and not equal: use \"input\" only")
    })?;
    let data = data.cloned().unwrap_or_default();
    if request.gas_price.is_some() && request.max_fee_per_gas.is_some() {
        return Err(invalid("both gasPrice and maxFeePerGas specified"));
    }
    if request.blob_versioned_hashes.is_some() || request.max_fee_per_blob_gas.is_some() {
        return Err(invalid(NO_BLOBS));
    }
    Ok(Call {
        from: request.from.unwrap_or_default(),
        to: request.to.unwrap_or(TxKind::Create),
        value: request.value.unwrap_or_default(),
        data,
        gas_limit: request.gas,
        max_fee_per_gas: request.max_fee_per_gas.or(request.gas_price),
        // A `gasPrice` is paid whatever the base fee is: it is a tip up to that price.
        max_priority_fee_per_gas: request.max_priority_fee_per_gas.or(request.gas_price),
        chain_id: request.chain_id,
        access_list: request.access_list.unwrap_or_default(),
        authorization_list: request.authorization_list.unwrap_or_default(),
    })
}
