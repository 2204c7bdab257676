//! `debug_traceCall`, `debug_traceTransaction` and `debug_traceBlock…`, in geth's form.

use crate::{
    abandonment::{is_abandoned, watched, watching},
    blocks, calls,
    error::{Answer, internal, invalid, not_traced, refused, too_large},
    overrides,
    parameters::{self, Parameter, Params},
};
use alloy_consensus::transaction::Recovered;
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest, state::StateOverride};
use alloy_sol_types::{Revert, SolError};
use execution::{
    AccountSeen, Call, CallOutcome, Frame, FrameKind, FrameOptions, Overrides, Prestate,
    PrestateOptions, Replay, Step, StepOptions, Trace, Tracer, Transaction,
};
use node::{Abandonable, Node};
use serde::{Deserialize, Serialize};
use serde_json::{
    Map, Value, json,
    value::{RawValue, to_raw_value},
};
use std::ops::ControlFlow;
use store::Reader;

/// Largest traces of a block, in bytes of JSON.
const BLOCK_SIZE_MAX: usize = 16 << 20;

/// The options of a trace.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Options {
    tracer: Option<String>,
    tracer_config: Option<TracerConfig>,
    enable_memory: bool,
    disable_stack: bool,
    disable_storage: bool,
    limit: usize,
    state_overrides: Option<StateOverride>,
    block_overrides: Option<BlockOverrides>,
}

/// The options of the tracers.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TracerConfig {
    only_top_call: bool,
    with_log: bool,
    diff_mode: bool,
}

impl Parameter for Options {
    const FORM: &'static str = "options of a trace (tracer, tracerConfig, ...)";
}

impl Options {
    fn tracer(&self) -> Answer<Tracer> {
        let config = self.tracer_config.unwrap_or_default();
        match self.tracer.as_deref() {
            Some("callTracer") => Ok(Tracer::Calls(FrameOptions {
                with_logs: config.with_log,
                only_top: config.only_top_call,
            })),
            Some("prestateTracer") => {
                Ok(Tracer::Prestate(PrestateOptions { only_changes: config.diff_mode }))
            }
            None | Some("" | "structLogger") => Ok(Tracer::Steps(StepOptions {
                without_stack: self.disable_stack,
                without_storage: self.disable_storage,
                with_memory: self.enable_memory,
                count_max: self.limit,
            })),
            Some(other) => Err(invalid(format!(
                "tracer {other:?} is not supported: use \"callTracer\", \"prestateTracer\", or leave it out for single steps"
            ))),
        }
    }
}

/// A call to trace.
pub(crate) struct AskedCall {
    call: Call,
    block: Option<BlockId>,
    tracer: Tracer,
    overrides: Overrides,
}

pub(crate) fn call_parameters(params: &Params<'_>) -> Answer<AskedCall> {
    parameters::parse(params, |sequence| {
        let request: TransactionRequest = sequence.next()?;
        let block = sequence.optional_next()?;
        let options: Options = sequence.optional_next()?.unwrap_or_default();
        let tracer = options.tracer()?;
        let overrides = overrides::read(options.state_overrides, options.block_overrides)?;
        Ok(AskedCall { call: calls::message(request)?, block, tracer, overrides })
    })
}

pub(crate) fn call(node: &Node, asked: &AskedCall) -> Answer<Value> {
    let view = parameters::state(node, asked.block)?;
    let context = view.call_context(&asked.overrides);
    let trace = watched(context, |context| context.trace(&asked.call, &asked.tracer));
    Ok(shown(trace.map_err(not_traced)?))
}

pub(crate) fn transaction_parameters(params: &Params<'_>) -> Answer<(B256, Tracer)> {
    parameters::parse(params, |sequence| {
        Ok((sequence.next()?, tracer_as_it_was(sequence.optional_next()?)?))
    })
}

/// Parses a block, by its number or its hash, and the options.
pub(crate) fn block_parameters<B: Parameter + Into<BlockId>>(
    params: &Params<'_>,
) -> Answer<(BlockId, Tracer)> {
    parameters::parse(params, |sequence| {
        let block: B = sequence.next()?;
        Ok((block.into(), tracer_as_it_was(sequence.optional_next()?)?))
    })
}

fn tracer_as_it_was(options: Option<Options>) -> Answer<Tracer> {
    let options = options.unwrap_or_default();
    if options.state_overrides.is_some() || options.block_overrides.is_some() {
        return Err(invalid(
            "a transaction is traced as it was executed: give overrides to debug_traceCall only",
        ));
    }
    options.tracer()
}

pub(crate) fn transaction(node: &Node, hash: B256, tracer: &Tracer) -> Answer<Value> {
    let reader = node.reader().map_err(internal)?;
    let Some((block, index)) = blocks::locate(&reader, hash)? else {
        return Err(refused(format!("transaction {hash} not found")));
    };
    let state = state_before(&reader, &block)?;
    let trace = replayed(node, (&state, &block), |replay| replay.trace(index, tracer));
    Ok(shown(trace.map_err(not_traced)?))
}

/// Returns the outermost call of a transaction that is in a block.
pub(crate) fn outermost(node: &Node, hash: B256) -> Answer<Frame> {
    let reader = node.reader().map_err(internal)?;
    let missing = || refused(format!("transaction {hash} not found"));
    let (block, index) = blocks::locate(&reader, hash)?.ok_or_else(missing)?;
    let state = state_before(&reader, &block)?;
    let tracer = Tracer::Calls(FrameOptions { with_logs: false, only_top: true });
    let trace = replayed(node, (&state, &block), |replay| replay.trace(index, &tracer));
    match trace.map_err(not_traced)? {
        Trace::Calls(frame) => Ok(frame),
        Trace::Prestate(_) | Trace::Steps { .. } => unreachable!("calls were asked for"),
    }
}

/// Returns the traces of all transactions of a block.
pub(crate) fn block(
    node: &Node,
    block: BlockId,
    tracer: &Tracer,
) -> Answer<Vec<TransactionTraced>> {
    let reader = node.reader().map_err(internal)?;
    let Some(block) = blocks::find(&reader, block)? else {
        return Err(refused("block not found"));
    };
    let state = state_before(&reader, &block)?;
    let (mut traces, mut room) = (Vec::new(), Some(BLOCK_SIZE_MAX));
    let report = |transaction: &Recovered<Transaction>, trace| {
        let result = to_raw_value(&shown(trace)).expect("a tree of JSON is written");
        room = room.and_then(|room| room.checked_sub(result.get().len()));
        traces.push(TransactionTraced { tx_hash: *transaction.tx_hash(), result });
        match room.is_none() || is_abandoned() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    let all = replayed(node, (&state, &block), |replay| replay.trace_each(tracer, report));
    all.map_err(not_traced)?;
    if room.is_none() {
        return Err(too_large(format!(
            "the traces of the block have more than {BLOCK_SIZE_MAX} bytes: ask for transactions with debug_traceTransaction"
        )));
    }
    Ok(traces)
}

/// The trace of one transaction of a block.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TransactionTraced {
    tx_hash: B256,
    result: Box<RawValue>,
}

/// Returns the state before a block. The genesis block has no transactions, so any state is correct for it.
fn state_before(reader: &Reader, block: &store::Block) -> Answer<Reader> {
    parameters::state_at(reader, block.header.number.saturating_sub(1))
}

/// Calls `trace` with a block that is executed again, on the state before it, as long as somebody waits for the result.
fn replayed<T>(
    node: &Node,
    (state, block): (&Reader, &store::Block),
    trace: impl FnOnce(Replay<'_, Abandonable<'_, Reader>>) -> T,
) -> T {
    let store::Block { header, transactions, .. } = block;
    watching(|is_abandoned| {
        let state = Abandonable { state, is_abandoned };
        trace(Replay { state: &state, rules: &node.rules(), header, transactions })
    })
}

fn shown(trace: Trace) -> Value {
    match trace {
        Trace::Calls(root) => tree_shown(root),
        Trace::Prestate(Prestate { before, after: None }) => accounts_shown(before),
        Trace::Prestate(Prestate { before, after: Some(after) }) => {
            json!({ "pre": accounts_shown(before), "post": accounts_shown(after) })
        }
        Trace::Steps { steps, outcome } => steps_shown(steps, outcome),
    }
}

/// A frame that is being written, with the calls written so far.
struct Showing {
    own: Map<String, Value>,
    calls: Vec<Value>,
    rest: std::vec::IntoIter<Frame>,
}

impl Showing {
    fn new(mut frame: Frame) -> Self {
        let rest = std::mem::take(&mut frame.calls).into_iter();
        Self { own: alone(frame), calls: Vec::new(), rest }
    }
}

/// Returns the tree of calls. It uses no recursion: calls can be 1,024 deep, too many for this thread's stack.
fn tree_shown(root: Frame) -> Value {
    let (mut frame, mut around) = (Showing::new(root), Vec::new());
    loop {
        if let Some(call) = frame.rest.next() {
            around.push(std::mem::replace(&mut frame, Showing::new(call)));
            continue;
        }
        let Showing { mut own, calls, .. } = frame;
        if !calls.is_empty() {
            own.insert("calls".to_owned(), Value::Array(calls));
        }
        let Some(caller) = around.pop() else { return Value::Object(own) };
        frame = caller;
        frame.calls.push(Value::Object(own));
    }
}

/// Returns a frame without its calls. Absent values are left out, as in geth.
fn alone(frame: Frame) -> Map<String, Value> {
    let kind = match frame.kind {
        FrameKind::Call => "CALL",
        FrameKind::CallCode => "CALLCODE",
        FrameKind::DelegateCall => "DELEGATECALL",
        FrameKind::StaticCall => "STATICCALL",
        FrameKind::Create => "CREATE",
        FrameKind::Create2 => "CREATE2",
        FrameKind::SelfDestruct => "SELFDESTRUCT",
    };
    let mut shown = Map::new();
    let mut set = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    set("type", json!(kind));
    set("from", lower(frame.from));
    if let Some(to) = frame.to {
        set("to", lower(to));
    }
    set("gas", json!(U256::from(frame.gas)));
    set("gasUsed", json!(U256::from(frame.gas_used)));
    set("input", json!(frame.input));
    if let Some(value) = frame.value {
        set("value", json!(value));
    }
    if let Some(error) = &frame.error {
        set("error", json!(error));
        if let Ok(revert) = Revert::abi_decode(&frame.output) {
            set("revertReason", json!(revert.reason));
        }
    }
    if !frame.output.is_empty() {
        set("output", json!(frame.output));
    }
    if !frame.logs.is_empty() {
        let logs = frame.logs.into_iter().map(|each| {
            let (log, position) = (each.log, U256::from(each.position));
            json!({ "address": lower(log.address), "topics": log.topics(), "data": log.data.data, "position": position })
        });
        set("logs", logs.collect());
    }
    shown
}

fn lower(address: Address) -> Value {
    json!(format!("{address:#x}"))
}

fn accounts_shown(accounts: std::collections::BTreeMap<Address, AccountSeen>) -> Value {
    let pairs = accounts.into_iter().map(|(address, seen)| {
        let mut shown = Map::new();
        let mut set = |name: &str, value: Value| shown.insert(name.to_owned(), value);
        if let Some(balance) = seen.balance {
            set("balance", json!(balance));
        }
        if let Some(nonce) = seen.nonce.filter(|nonce| *nonce > 0) {
            set("nonce", json!(nonce));
        }
        if let Some(code) = seen.code {
            set("code", json!(code));
        }
        if !seen.storage.is_empty() {
            set("storage", slots_shown(seen.storage));
        }
        (format!("{address:#x}"), Value::Object(shown))
    });
    Value::Object(pairs.collect())
}

fn slots_shown(slots: std::collections::BTreeMap<U256, U256>) -> Value {
    let pair =
        |(slot, value): (U256, U256)| (B256::from(slot).to_string(), json!(B256::from(value)));
    Value::Object(slots.into_iter().map(pair).collect())
}

fn steps_shown(steps: Vec<Step>, outcome: CallOutcome) -> Value {
    let (gas, failed, output) = match outcome {
        CallOutcome::Returned { output, gas_used } => (gas_used, false, output),
        CallOutcome::Reverted { output, gas_used } => (gas_used, true, output),
        CallOutcome::Halted { gas_used, .. } => (gas_used, true, Bytes::new()),
    };
    let steps: Vec<_> = steps.into_iter().map(step_shown).collect();
    json!({ "gas": gas, "failed": failed, "returnValue": output, "structLogs": steps })
}

fn step_shown(step: Step) -> Value {
    let mut shown = json!({
        "pc": step.program_counter,
        "op": step.name,
        "gas": step.gas,
        "gasCost": step.gas_cost,
        "depth": step.depth,
    });
    if let Some(stack) = step.stack {
        shown["stack"] = json!(stack);
    }
    if let Some(memory) = step.memory {
        shown["memory"] =
            memory.chunks(32).map(|word| json!(Bytes::copy_from_slice(word))).collect();
    }
    if let Some(storage) = step.storage {
        shown["storage"] = slots_shown(storage);
    }
    shown
}
