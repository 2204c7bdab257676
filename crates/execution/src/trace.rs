//! Traces: what happened within a call, or within a transaction of a block.

use crate::{
    call::{Call, CallError, CallOutcome, Scene},
    environment::Environment,
    evm::{Checks, Machine, machine},
    frames::{Frame, FrameOptions, Frames, TREE_SIZE_MAX},
    genesis::Rules,
    overlay::Overlay,
    prestate::{PRESTATE_SIZE_MAX, Prestate, PrestateOptions},
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

/// What is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracer {
    /// The tree of calls.
    Calls(FrameOptions),
    /// Every account touched, as it was before, or before and after.
    Prestate(PrestateOptions),
    /// Every instruction.
    Steps(StepOptions),
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trace {
    /// The tree of calls.
    Calls(Frame),
    /// Accounts touched.
    Prestate(Prestate),
    /// Instructions, and how it ended.
    Steps {
        /// In order.
        steps: Vec<Step>,
        /// How it ended.
        outcome: CallOutcome,
    },
}

/// Why there is no trace.
#[derive(Debug, thiserror::Error)]
pub enum TraceError<E: std::error::Error + 'static> {
    /// It did not run.
    #[error(transparent)]
    Call(#[from] CallError<E>),
    /// More than [`TREE_SIZE_MAX`], [`STEPS_SIZE_MAX`] or [`PRESTATE_SIZE_MAX`].
    #[error(
        "trace is too large: more than {TREE_SIZE_MAX} bytes of calls, {STEPS_SIZE_MAX} of steps or {PRESTATE_SIZE_MAX} of accounts; ask for less with the tracer's options"
    )]
    TooLarge,
    /// The block has fewer transactions.
    #[error("block has no transaction {index}")]
    NoTransaction {
        /// Position asked for, from 0.
        index: usize,
    },
    /// The block did not run as it did when it was made: the state given is not the one before it.
    #[error("transaction {index} of the block does not run on the state given: {reason}")]
    Diverged {
        /// Position in the block, from 0.
        index: usize,
        /// Why.
        reason: String,
    },
}

impl<DB: DatabaseRef> Scene<'_, DB> {
    /// Runs `call` and tells what happened.
    ///
    /// # Errors
    /// [`TraceError`]; a revert is a trace.
    pub fn trace(&self, call: &Call, tracer: &Tracer) -> Result<Trace, TraceError<DB::Error>> {
        let gas_limit = self.gas_limit(call);
        let (result, machine) = self.inspect(call, Watch::new(tracer))?;
        told(tracer, gas_limit, result, machine).map(|(trace, _)| trace)
    }
}

/// A block that is, to be run again.
#[derive(Clone, Copy, Debug)]
pub struct Replay<'a, DB> {
    /// The state before the block.
    pub state: &'a DB,
    /// The ledger's.
    pub rules: &'a Rules,
    /// Its header.
    pub header: &'a Header,
    /// Its transactions.
    pub transactions: &'a [Recovered<Transaction>],
}

impl<DB: DatabaseRef> Replay<'_, DB> {
    /// Runs the block up to the transaction at `index`, and tells what happened in that one.
    ///
    /// # Errors
    /// [`TraceError`]; a revert is a trace.
    pub fn trace(&self, index: usize, tracer: &Tracer) -> Result<Trace, TraceError<DB::Error>> {
        let Some(transaction) = self.transactions.get(index) else {
            return Err(TraceError::NoTransaction { index });
        };
        let environment = Environment::of(self.header);
        let overlay = Overlay::new(self.state);
        let mut machine = machine(overlay, self.rules, &environment, Checks::Included);
        for (index, earlier) in self.transactions.iter().take(index).enumerate() {
            let given = transaction::environment(earlier);
            machine
                .transact_commit(given.clone())
                .map_err(|error| diverged(index, CallError::from_machine(error, &given)))?;
        }
        traced(machine, (index, transaction), tracer).map(|(trace, _)| trace)
    }

    /// Runs the block and tells `tell` what happened in each transaction, in order, until it has heard enough.
    ///
    /// # Errors
    /// [`TraceError`]; a revert is a trace.
    pub fn trace_each(
        &self,
        tracer: &Tracer,
        mut tell: impl FnMut(&Recovered<Transaction>, Trace) -> ControlFlow<()>,
    ) -> Result<(), TraceError<DB::Error>> {
        let environment = Environment::of(self.header);
        let mut overlay = Overlay::new(self.state);
        for (index, transaction) in self.transactions.iter().enumerate() {
            let machine = machine(overlay, self.rules, &environment, Checks::Included);
            let (trace, after) = traced(machine, (index, transaction), tracer)?;
            if tell(transaction, trace).is_break() {
                break;
            }
            overlay = after;
        }
        Ok(())
    }
}

/// Runs a transaction of a block; what happened, and the block so far.
fn traced<'a, DB: DatabaseRef>(
    machine: Machine<'a, DB>,
    (index, transaction): (usize, &Recovered<Transaction>),
    tracer: &Tracer,
) -> Result<(Trace, Overlay<'a, DB>), TraceError<DB::Error>> {
    let given = transaction::environment(transaction);
    let mut machine = machine.with_inspector(Watch::new(tracer));
    let result = machine.inspect_tx(given.clone());
    let result = result.map_err(|error| diverged(index, CallError::from_machine(error, &given)))?;
    told(tracer, given.gas_limit, result, machine)
}

fn diverged<E: std::error::Error>(index: usize, error: CallError<E>) -> TraceError<E> {
    match error {
        CallError::Refused(reason) => TraceError::Diverged { index, reason: reason.to_string() },
        error @ CallError::State(_) => TraceError::Call(error),
    }
}

/// What happened, and the state that it left.
fn told<'a, DB: DatabaseRef>(
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
            let reason = "the machine ran nothing".to_owned();
            let nothing = || CallError::Refused(Refusal::Fault { reason });
            Trace::Calls(tree.map_err(|_| TraceError::TooLarge)?.ok_or_else(nothing)?)
        }
        (Watch::Steps(steps), _) => {
            let steps = steps.finish().map_err(|_| TraceError::TooLarge)?;
            Trace::Steps { steps, outcome: result.into() }
        }
        (Watch::Nothing, Tracer::Prestate(options)) => {
            let told = Prestate::new(*options, &mut overlay, state.clone());
            let told = told.map_err(CallError::State)?;
            Trace::Prestate(told.ok_or(TraceError::TooLarge)?)
        }
        (Watch::Nothing, Tracer::Calls(_) | Tracer::Steps(_)) => {
            unreachable!("who tells calls or steps watches them")
        }
    };
    overlay.commit(state);
    Ok((trace, overlay))
}

/// What looks at the machine while it runs.
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
