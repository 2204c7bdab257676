//! `eth_simulateV1`: simulates blocks after a block of the ledger.

use crate::{
    abandonment::watching,
    blocks::{self, Content, WireBlock},
    calls,
    error::{Answer, halted, invalid, not_simulated, reverted},
    overrides,
    parameters::{self, Params},
};
use alloy_consensus::{Header, Sealed};
use alloy_eips::BlockId;
use alloy_primitives::B256;
use alloy_rpc_types_eth::{
    self as wire, TransactionRequest,
    simulate::{
        SimBlock, SimCallResult, SimulateError as WireError, SimulatePayload, SimulatedBlock,
    },
};
use execution::{BlockPlan, CallOutcome, Message, SimulatedCall, Simulation};
use node::{Abandonable, Node};

/// The error code of a call that stopped with an EVM error.
const HALTED_CODE: i32 = -32_015;

/// The blocks to simulate, the form of the answer, and the block to start from.
pub(crate) struct Asked {
    simulation: Simulation,
    content: Content,
    block: Option<BlockId>,
}

pub(crate) fn parameters(params: &Params<'_>) -> Answer<Asked> {
    let (payload, block): (SimulatePayload, _) = parameters::one_at(params)?;
    let content = Content::from(Some(payload.return_full_transactions));
    let blocks = payload.block_state_calls.into_iter().map(plan).collect::<Answer<Vec<_>>>()?;
    if blocks.is_empty() {
        return Err(invalid("empty input: name a block in blockStateCalls"));
    }
    let simulation = Simulation {
        blocks,
        is_validated: payload.validation,
        with_transfers: payload.trace_transfers,
    };
    Ok(Asked { simulation, content, block })
}

fn plan(block: SimBlock) -> Answer<BlockPlan> {
    let overrides = overrides::read(block.state_overrides, block.block_overrides)?;
    let messages = block.calls.into_iter().map(message).collect::<Answer<Vec<_>>>()?;
    Ok(BlockPlan { overrides, messages })
}

fn message(request: TransactionRequest) -> Answer<Message> {
    let nonce = request.nonce;
    Ok(Message { call: calls::message(request)?, nonce })
}

pub(crate) fn simulate(node: &Node, asked: &Asked) -> Answer<Vec<SimulatedBlock<WireBlock>>> {
    let view = parameters::state(node, asked.block)?;
    let blocks = watching(|is_abandoned| {
        let state = Abandonable { state: &view, is_abandoned };
        execution::simulate(&state, &node.rules(), view.header(), &asked.simulation)
    });
    let blocks = blocks.map_err(not_simulated)?;
    Ok(blocks.into_iter().map(|block| shown(block, asked.content)).collect())
}

fn shown(block: execution::SimulatedBlock, content: Content) -> SimulatedBlock<WireBlock> {
    let header = {
        let hash = block.header.hash_slow();
        Sealed::new_unchecked(block.header, hash)
    };
    let mut log_index = 0;
    let mut calls = Vec::with_capacity(block.calls.len());
    for ((index, transaction), call) in (0_u64..).zip(&block.transactions).zip(block.calls) {
        let mut result = result(&call);
        let place = place(&header, *transaction.tx_hash(), index);
        for inner in call.logs {
            result.logs.push(wire::Log { inner, log_index: Some(log_index), ..place.clone() });
            log_index += 1;
        }
        calls.push(result);
    }
    SimulatedBlock { inner: blocks::shown(&header, &block.transactions, content), calls }
}

/// Returns a log's position, without its number in the block.
fn place(header: &Sealed<Header>, transaction: B256, index: u64) -> wire::Log {
    wire::Log {
        block_hash: Some(header.hash()),
        block_number: Some(header.number),
        block_timestamp: Some(header.timestamp),
        transaction_hash: Some(transaction),
        transaction_index: Some(index),
        ..wire::Log::default()
    }
}

/// Returns the result of a call without its logs.
fn result(call: &SimulatedCall) -> SimCallResult {
    let mut result =
        SimCallResult { max_used_gas: Some(call.gas_spent), ..SimCallResult::default() };
    match &call.outcome {
        CallOutcome::Returned { output, gas_used } => {
            (result.return_data, result.gas_used, result.status) =
                (output.clone(), *gas_used, true);
        }
        CallOutcome::Reverted { output, gas_used } => {
            (result.return_data, result.gas_used) = (output.clone(), *gas_used);
            let error = reverted(output.clone());
            let (code, message) = (error.code(), error.message().to_owned());
            result.error = Some(WireError { code, message, data: Some(output.clone()) });
        }
        CallOutcome::Halted { reason, gas_used } => {
            result.gas_used = *gas_used;
            let message = halted(reason).message().to_owned();
            result.error = Some(WireError { code: HALTED_CODE, message, data: None });
        }
    }
    result
}
