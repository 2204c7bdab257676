//! A native frame: a call of a module, from its value transfer to its result.

use alloy_primitives::Bytes;
use revm::{
    context::{ContextTr, JournalTr},
    context_interface::context::ContextError,
    handler::{FrameResult, evm::ContextDbError},
    interpreter::{
        CallInputs, CallOutcome, CallScheme, CallValue, FrameInput, Gas, InstructionResult,
        InterpreterResult, SharedMemory, interpreter_action::FrameInit,
    },
    primitives::constants::CALL_STACK_LIMIT,
};

use abi::ModuleErrors;

use crate::{Failure, Module, dispatch::enter, journal::NativeFrame, machine::Drive};

/// A call of a module.
pub(crate) struct Message<'a> {
    pub(crate) inputs: &'a CallInputs,
    /// Calldata. `inputs` may name it by its place in memory that calls of the module move.
    pub(crate) input: &'a [u8],
    pub(crate) depth: usize,
    pub(crate) memory: SharedMemory,
}

/// Runs a call of `module` that revm begins.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_init<D: Drive>(
    drive: &mut D,
    module: &Module,
    init: FrameInit,
) -> Result<FrameResult, ContextDbError<D::Context>> {
    let FrameInit { depth, memory, frame_input } = init;
    let FrameInput::Call(inputs) = frame_input else {
        unreachable!("only calls are answered by modules")
    };
    let input = inputs.input.bytes(drive.context());
    let message = Message { inputs: &inputs, input: &input, depth, memory };
    let result = run(drive, module, message)?;
    let mut outcome = CallOutcome::new(result, inputs.return_memory_offset.clone());
    outcome.charged_new_account_state_gas = inputs.charged_new_account_state_gas;
    Ok(FrameResult::Call(outcome))
}

/// Runs a call of `module`: what revm's call frame does for bytecode, with the module's entrance in place of the interpreter.
///
/// # Errors
/// The database's, and a module's [`Failure::Broken`]; either way the transaction has no result.
pub(crate) fn run<D: Drive>(
    drive: &mut D,
    module: &Module,
    message: Message<'_>,
) -> Result<InterpreterResult, ContextDbError<D::Context>> {
    let Message { inputs, input, depth, memory } = message;
    let mut gas = Gas::new_with_regular_gas_and_reservoir(inputs.gas_limit, inputs.reservoir);
    let refused = |result| Ok(InterpreterResult::new(result, Bytes::new(), gas));
    if depth > usize::try_from(CALL_STACK_LIMIT).unwrap_or(usize::MAX) {
        return refused(InstructionResult::CallTooDeep);
    }
    let journal = drive.context().journal_mut();
    let checkpoint = journal.checkpoint();
    if let CallValue::Transfer(value) = inputs.value
        && let Some(error) = journal.transfer_loaded(inputs.caller, inputs.target_address, value)
    {
        journal.checkpoint_revert(checkpoint);
        return refused(error.into());
    }
    let mut frame = NativeFrame::new(drive, inputs, depth, memory);
    let answer = answer(module, &mut frame, inputs, input);
    let (tracker, fault) = frame.finish();
    let journal = drive.context().journal_mut();
    // A fault counts even if the module has gone on after it.
    if let Some(fault) = fault {
        journal.checkpoint_revert(checkpoint);
        return Err(fault);
    }
    let (result, output) = match answer {
        Ok(output) => (InstructionResult::Return, output.into()),
        Err(Failure::Revert(output)) => (InstructionResult::Revert, output),
        Err(Failure::OutOfGas) => (InstructionResult::OutOfGas, Bytes::new()),
        Err(Failure::WriteProtection) => {
            (InstructionResult::StateChangeDuringStaticCall, Bytes::new())
        }
        Err(Failure::Broken(reason)) => {
            journal.checkpoint_revert(checkpoint);
            return Err(ContextError::Custom(reason));
        }
        Err(Failure::Database) => unreachable!("the frame keeps the error of the database"),
    };
    if result.is_ok() {
        journal.checkpoint_commit();
    } else {
        journal.checkpoint_revert(checkpoint);
    }
    *gas.tracker_mut() = tracker;
    Ok(InterpreterResult::new(result, output, gas))
}

fn answer<D: Drive>(
    module: &Module,
    frame: &mut NativeFrame<'_, D>,
    inputs: &CallInputs,
    input: &[u8],
) -> Result<Vec<u8>, Failure> {
    let is_own = inputs.target_address == inputs.bytecode_address;
    if !is_own || !matches!(inputs.scheme, CallScheme::Call | CallScheme::StaticCall) {
        return Err(Failure::revert(&ModuleErrors::DelegateCallNotAllowed {}));
    }
    enter(module, frame, input)
}
