//! Traces the execution of a call, or of a transaction in a block.

use crate::{
    call::{Call, CallContext, CallError, CallOutcome},
    environment::Environment,
    evm::{Checks, Machine, machine},
    frames::{Frame, FrameOptions, Frames, TREE_SIZE_MAX},
    modules,
    overlay::Overlay,
    prestate::{PRESTATE_SIZE_MAX, Prestate, PrestateOptions},
    rules::Rules,
    steps::{STEPS_SIZE_MAX, Step, StepOptions, Steps},
    transaction::{self, Refusal, Transaction},
};
use alloy_consensus::{Header, transaction::Recovered};
use alloy_primitives::{Address, Log, U256};
use revm::{
    DatabaseCommit, DatabaseRef, ExecuteCommitEvm, InspectEvm, Inspector,
    context::result::ResultAndState,
    context_interface::ContextTr,
    interpreter::{
        CallInputs, CallOutcome as FrameOutcome, CreateInputs, CreateOutcome, Interpreter,
    },
};
use std::ops::ControlFlow;

/// The kind of trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracer {
    /// The tree of calls.
    Calls(FrameOptions),
    /// Every accessed account, before or before and after.
    Prestate(PrestateOptions),
    /// Every instruction.
    Steps(StepOptions),
}

/// The result of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trace {
    /// The tree of calls.
    Calls(Frame),
    /// Accessed accounts.
    Prestate(Prestate),
    /// Instructions and outcome.
    Steps {
        /// The instructions, in order.
        steps: Vec<Step>,
        /// The outcome.
        outcome: CallOutcome,
    },
}

/// Why there is no trace.
#[derive(Debug, thiserror::Error)]
pub enum TraceError<E: std::error::Error + 'static> {
    /// The call or transaction was not executed.
    #[error(transparent)]
    Call(#[from] CallError<E>),
    /// The trace exceeds [`TREE_SIZE_MAX`], [`STEPS_SIZE_MAX`] or [`PRESTATE_SIZE_MAX`].
    #[error(
        "trace is too large: more than {TREE_SIZE_MAX} bytes of calls, {STEPS_SIZE_MAX} of steps or {PRESTATE_SIZE_MAX} of accounts; reduce it with the tracer's options"
    )]
    TooLarge,
    /// The index is outside the block.
    #[error("block has no transaction {index}")]
    NoTransaction {
        /// Given index, from 0.
        index: usize,
    },
    /// The block's execution differs from the original: the given state is not the one before it.
    #[error("transaction {index} of the block can't be executed on the given state: {reason}")]
    Diverged {
        /// Position in the block, from 0.
        index: usize,
        /// The reason.
        reason: String,
    },
}

impl<DB: DatabaseRef> CallContext<'_, DB> {
    /// Executes `call` and returns its trace.
    ///
    /// # Errors
    /// [`TraceError`]; a revert is a trace.
    pub fn trace(&self, call: &Call, tracer: &Tracer) -> Result<Trace, TraceError<DB::Error>> {
        let gas_limit = self.gas_limit(call);
        let (result, machine) = self.inspect(call, Watch::new(tracer))?;
        finish(tracer, gas_limit, result, machine).map(|(trace, _)| trace)
    }
}

/// An existing block to execute again.
#[derive(Clone, Copy, Debug)]
pub struct Replay<'a, DB> {
    /// The state before the block.
    pub state: &'a DB,
    /// The rules of the ledger. What votes have scheduled is read from the state.
    pub rules: &'a Rules,
    /// Its header.
    pub header: &'a Header,
    /// Its transactions.
    pub transactions: &'a [Recovered<Transaction>],
}

impl<DB: DatabaseRef> Replay<'_, DB> {
    /// Executes the block up to the transaction at `index`, and returns the trace of that one.
    ///
    /// # Errors
    /// [`TraceError`]; a revert is a trace.
    pub fn trace(&self, index: usize, tracer: &Tracer) -> Result<Trace, TraceError<DB::Error>> {
        let Some(transaction) = self.transactions.get(index) else {
            return Err(TraceError::NoTransaction { index });
        };
        let rules = &self.rules.at(self.state).map_err(CallError::State)?;
        let environment = Environment::of(self.header, rules);
        let overlay = self.overlay(rules, &environment)?;
        let mut machine = machine(overlay, rules, &environment, Checks::Included);
        for (index, earlier) in self.transactions.iter().take(index).enumerate() {
            let given = transaction::environment(earlier);
            machine
                .transact_commit(given.clone())
                .map_err(|error| diverged(index, CallError::from_machine(error, &given)))?;
        }
        traced(machine, (index, transaction), tracer).map(|(trace, _)| trace)
    }

    /// Executes the block and calls `report` with the trace of each transaction, in order, until it breaks.
    ///
    /// # Errors
    /// [`TraceError`]; a revert is a trace.
    pub fn trace_each(
        &self,
        tracer: &Tracer,
        mut report: impl FnMut(&Recovered<Transaction>, Trace) -> ControlFlow<()>,
    ) -> Result<(), TraceError<DB::Error>> {
        let rules = &self.rules.at(self.state).map_err(CallError::State)?;
        let environment = Environment::of(self.header, rules);
        let mut overlay = self.overlay(rules, &environment)?;
        for (index, transaction) in self.transactions.iter().enumerate() {
            let machine = machine(overlay, rules, &environment, Checks::Included);
            let (trace, after) = traced(machine, (index, transaction), tracer)?;
            if report(transaction, trace).is_break() {
                break;
            }
            overlay = after;
        }
        Ok(())
    }

    /// Returns the state before the first transaction.
    fn overlay(
        &self,
        rules: &Rules,
        environment: &Environment,
    ) -> Result<Overlay<'_, DB>, CallError<DB::Error>> {
        let mut overlay = Overlay::new(self.state);
        let parent = environment.number.saturating_sub(1);
        modules::begin_block(&mut overlay, rules, parent, environment)?;
        Ok(overlay)
    }
}

/// Executes a transaction of a block; returns its trace, and the block so far.
fn traced<'a, DB: DatabaseRef>(
    machine: Machine<'a, DB>,
    (index, transaction): (usize, &Recovered<Transaction>),
    tracer: &Tracer,
) -> Result<(Trace, Overlay<'a, DB>), TraceError<DB::Error>> {
    let given = transaction::environment(transaction);
    let mut machine = machine.with_inspector(Watch::new(tracer));
    let result = machine.inspect_tx(given.clone());
    let result = result.map_err(|error| diverged(index, CallError::from_machine(error, &given)))?;
    finish(tracer, given.gas_limit, result, machine)
}

fn diverged<E: std::error::Error>(index: usize, error: CallError<E>) -> TraceError<E> {
    match error {
        CallError::Refused(reason) => TraceError::Diverged { index, reason: reason.to_string() },
        error @ (CallError::State(_) | CallError::UnknownRevision(_)) => TraceError::Call(error),
    }
}

/// Returns the trace and the resulting state.
fn finish<'a, DB: DatabaseRef>(
    tracer: &Tracer,
    gas_limit: u64,
    result: ResultAndState,
    machine: Machine<'a, DB, Watch>,
) -> Result<(Trace, Overlay<'a, DB>), TraceError<DB::Error>> {
    let (ctx, inspector, _) = machine.into_parts();
    let ResultAndState { result, state } = result;
    let mut overlay = ctx.journaled_state.database;
    let trace = match (inspector, tracer) {
        (Watch::Calls(frames), _) => {
            let tree = frames.finish(gas_limit, result.tx_gas_used());
            let reason = "the EVM executed nothing".to_owned();
            let nothing = || CallError::Refused(Refusal::Fault { reason });
            Trace::Calls(tree.map_err(|_| TraceError::TooLarge)?.ok_or_else(nothing)?)
        }
        (Watch::Steps(steps), _) => {
            let steps = steps.finish().map_err(|_| TraceError::TooLarge)?;
            Trace::Steps { steps, outcome: result.into() }
        }
        (Watch::Nothing, Tracer::Prestate(options)) => {
            let prestate = Prestate::new(*options, &mut overlay, state.clone());
            let prestate = prestate.map_err(CallError::State)?;
            Trace::Prestate(prestate.ok_or(TraceError::TooLarge)?)
        }
        (Watch::Nothing, Tracer::Calls(_) | Tracer::Steps(_)) => {
            unreachable!("a tracer of calls or steps has its inspector")
        }
    };
    overlay.commit(state);
    Ok((trace, overlay))
}

/// The inspector of a tracer.
enum Watch {
    Calls(Frames),
    Steps(Steps),
    Nothing,
}

impl Watch {
    fn new(tracer: &Tracer) -> Self {
        match tracer {
            Tracer::Calls(options) => Self::Calls(Frames::new(*options)),
            Tracer::Steps(options) => Self::Steps(Steps::new(*options)),
            Tracer::Prestate(_) => Self::Nothing,
        }
    }
}

impl<CTX: ContextTr> Inspector<CTX> for Watch {
    fn step(&mut self, interpreter: &mut Interpreter, _: &mut CTX) {
        if let Self::Steps(steps) = self {
            steps.begin(interpreter);
        }
    }

    fn step_end(&mut self, interpreter: &mut Interpreter, _: &mut CTX) {
        if let Self::Steps(steps) = self {
            steps.end(interpreter);
        }
    }

    fn log(&mut self, context: &mut CTX, log: Log) {
        if let Self::Calls(frames) = self {
            frames.log(context, log);
        }
    }

    fn call(&mut self, context: &mut CTX, inputs: &mut CallInputs) -> Option<FrameOutcome> {
        match self {
            Self::Calls(frames) => return frames.call(context, inputs),
            Self::Steps(steps) => steps.enter(),
            Self::Nothing => {}
        }
        None
    }

    fn call_end(&mut self, context: &mut CTX, inputs: &CallInputs, outcome: &mut FrameOutcome) {
        match self {
            Self::Calls(frames) => frames.call_end(context, inputs, outcome),
            Self::Steps(steps) => steps.leave(),
            Self::Nothing => {}
        }
    }

    fn create(&mut self, context: &mut CTX, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        match self {
            Self::Calls(frames) => return frames.create(context, inputs),
            Self::Steps(steps) => steps.enter(),
            Self::Nothing => {}
        }
        None
    }

    fn create_end(
        &mut self,
        context: &mut CTX,
        inputs: &CreateInputs,
        outcome: &mut CreateOutcome,
    ) {
        match self {
            Self::Calls(frames) => frames.create_end(context, inputs, outcome),
            Self::Steps(steps) => steps.leave(),
            Self::Nothing => {}
        }
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        if let Self::Calls(frames) = self {
            Inspector::<CTX>::selfdestruct(frames, contract, target, value);
        }
    }
}
