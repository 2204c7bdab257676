//! Producing blocks, setting their time, snapshots and reverts.

use super::{development, not_done};
use crate::{
    client_version::ClientVersion,
    context::Context,
    error::{Answer, invalid},
    fees,
    method_table::Methods,
    parameters::{Count, Parameter, Params, one, parse},
};
use alloy_primitives::{B256, U64};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// Seconds between blocks that one request produces, by default.
const STEP: u64 = 1;

pub(super) fn add(methods: &mut Methods) {
    methods.add_kept("evm_snapshot", |context, _| {
        development(&context.node)?.snapshot().map(U64::from).map_err(not_done)
    });
    methods.add_kept("evm_revert", |context, params| {
        let snapshot: Count = one(params)?;
        development(&context.node)?.revert(snapshot.value()).map_err(not_done)
    });
    methods.add_kept("hardhat_reset", reset);
    add_mining(methods);
    add_time(methods);
    add_next_block(methods);
    methods.add_kept("anvil_nodeInfo", |context, _| node_info(context));
    methods.add_kept("hardhat_metadata", |context, _| metadata(context));
    // Requests are not logged, so this does nothing; test suites that switch logging off get the answer they expect.
    methods.add_kept("hardhat_setLoggingEnabled", |_, params| one::<bool>(params).map(|_| true));
}

fn add_mining(methods: &mut Methods) {
    methods.add_kept("evm_mine", mine_one);
    methods.add_kept("hardhat_mine", mine);
    methods.add_kept("evm_setAutomine", |context, params| {
        development(&context.node)?.set_automine(one(params)?);
        Ok(true)
    });
    methods.add_kept("hardhat_getAutomine", |context, _| {
        Ok(development(&context.node)?.is_automine())
    });
    // The unit depends on the client version: hardhat counts milliseconds, anvil seconds.
    methods.add_kept("evm_setIntervalMining", |context, params| match context.client_version {
        ClientVersion::Anvil => set_interval(context, params, Duration::from_secs),
        ClientVersion::Gleaner | ClientVersion::Hardhat => {
            set_interval(context, params, Duration::from_millis)
        }
    });
    methods.add_kept("anvil_setIntervalMining", |context, params| {
        set_interval(context, params, Duration::from_secs)
    });
    methods.add_kept("hardhat_dropTransaction", |context, params| {
        Ok(development(&context.node)?.drop_transaction(&one(params)?))
    });
    methods.add_kept("anvil_dropTransaction", |context, params| {
        let hash: B256 = one(params)?;
        Ok(development(&context.node)?.drop_transaction(&hash).then_some(hash))
    });
    methods.add_kept("hardhat_dropAllTransactions", |context, _| {
        development(&context.node)?.drop_all_transactions();
        Ok(())
    });
}

fn add_time(methods: &mut Methods) {
    methods.add_kept("evm_increaseTime", |context, params| {
        let seconds = one::<Count>(params)?.value();
        development(&context.node)?.increase_time(seconds).map_err(not_done)
    });
    methods.add_kept("evm_setTime", |context, params| {
        let seconds = one::<Count>(params)?.value();
        development(&context.node)?.set_time(seconds).map_err(not_done)
    });
    methods.add_kept("evm_setNextBlockTimestamp", |context, params| {
        let seconds = one::<Count>(params)?.value();
        development(&context.node)?.set_next_timestamp(seconds).map_err(not_done)
    });
    methods.add_kept("evm_setBlockTimestampInterval", |context, params| {
        let seconds = one::<Count>(params)?.value();
        development(&context.node)?.set_timestamp_step(Some(seconds));
        Ok(())
    });
    methods.add_kept("evm_removeBlockTimestampInterval", |context, _| {
        Ok(development(&context.node)?.set_timestamp_step(None).is_some())
    });
}

fn add_next_block(methods: &mut Methods) {
    methods.add_kept("evm_setBlockGasLimit", |context, params| {
        development(&context.node)?.set_gas_limit(one::<Count>(params)?.value());
        Ok(true)
    });
    methods.add_kept("hardhat_setNextBlockBaseFeePerGas", |context, params| {
        development(&context.node)?.set_next_base_fee(one::<Count>(params)?.value());
        Ok(())
    });
    methods.add_kept("eth_coinbase", |context, _| Ok(development(&context.node)?.beneficiary()));
    methods.add_kept("hardhat_setCoinbase", |context, params| {
        development(&context.node)?.set_beneficiary(one(params)?);
        Ok(())
    });
    methods.add_kept("hardhat_setPrevRandao", |context, params| {
        development(&context.node)?.set_next_prevrandao(one(params)?);
        Ok(())
    });
}

/// The optional parameter of `evm_mine`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Asked {
    At(Count),
    Blocks { timestamp: Option<Count>, blocks: Option<Count> },
}

impl Parameter for Asked {
    const FORM: &'static str = "a time in seconds, or an object with timestamp and blocks";
}

/// Produces blocks. The answer is always the same, as in every node that has the method.
fn mine_one(context: &Context, params: &Params<'_>) -> Answer<&'static str> {
    let asked = parse(params, |sequence| sequence.optional_next())?;
    let (timestamp, blocks) = match asked {
        None => (None, None),
        Some(Asked::At(timestamp)) => (Some(timestamp), None),
        Some(Asked::Blocks { timestamp, blocks }) => (timestamp, blocks),
    };
    let development = development(&context.node)?;
    if let Some(timestamp) = timestamp {
        development.set_next_timestamp(timestamp.value()).map_err(not_done)?;
    }
    development.mine(blocks.map_or(1, Count::value), None).map_err(not_done)?;
    Ok("0x0")
}

fn mine(context: &Context, params: &Params<'_>) -> Answer<()> {
    let (blocks, step): (Option<Count>, Option<Count>) =
        parse(params, |sequence| Ok((sequence.optional_next()?, sequence.optional_next()?)))?;
    let (blocks, step) = (blocks.map_or(1, Count::value), step.map_or(STEP, Count::value));
    development(&context.node)?.mine(blocks, Some(step)).map_err(not_done)
}

/// Sets the interval between blocks; zero switches it off.
fn set_interval(context: &Context, params: &Params<'_>, unit: fn(u64) -> Duration) -> Answer<bool> {
    let interval: Count = one(params)?;
    let interval = Some(interval.value()).filter(|interval| *interval > 0);
    development(&context.node)?.set_interval(interval.map(unit));
    Ok(true)
}

/// The optional parameter of `hardhat_reset`. Clients also send its fields empty.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResetOptions {
    forking: Option<Forking>,
}

impl Parameter for ResetOptions {
    const FORM: &'static str = "an empty object, or an object with an empty forking";
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Forking {
    json_rpc_url: Option<Value>,
    block_number: Option<Value>,
}

/// Resets the ledger to its genesis block: forking is not supported.
fn reset(context: &Context, params: &Params<'_>) -> Answer<bool> {
    let options: Option<ResetOptions> = parse(params, |sequence| sequence.optional_next())?;
    let forking = options.and_then(|options| options.forking).unwrap_or_default();
    if forking.json_rpc_url.is_some() || forking.block_number.is_some() {
        return Err(invalid(
            "forking is not supported: a reset without parameters goes to the genesis block",
        ));
    }
    development(&context.node)?.reset().map_err(not_done)?;
    Ok(true)
}

fn node_info(context: &Context) -> Answer<Value> {
    let node = &context.node;
    let head = node.head();
    Ok(json!({
        "currentBlockNumber": U64::from(head.number),
        "currentBlockTimestamp": head.timestamp,
        "currentBlockHash": head.hash(),
        "hardFork": "Osaka",
        "transactionOrder": "fees",
        "environment": {
            "baseFee": U64::from(node.next_base_fee()),
            "chainId": node.rules().chain_id,
            "gasLimit": U64::from(node.next_gas_limit()),
            "gasPrice": fees::gas_price(node)?,
        },
        "forkConfig": { "forkUrl": null, "forkBlockNumber": null, "forkRetryBackoff": null },
    }))
}

fn metadata(context: &Context) -> Answer<Value> {
    let head = context.node.head();
    let genesis = context.node.reader().and_then(|reader| reader.header(0));
    let genesis = genesis.map_err(crate::error::internal)?;
    Ok(json!({
        "clientVersion": context.client_version.text(),
        "chainId": context.node.rules().chain_id,
        "instanceId": genesis.map(|header| header.hash()),
        "latestBlockNumber": head.number,
        "latestBlockHash": head.hash(),
    }))
}
