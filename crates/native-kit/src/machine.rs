//! revm's EVM with one more kind of frame: that of a native module.

use std::marker::PhantomData;

use alloy_primitives::{Address, Bytes, Log};
use revm::{
    Database, DatabaseCommit, ExecuteCommitEvm, ExecuteEvm, InspectCommitEvm, InspectEvm,
    Inspector,
    context::{
        Cfg, ContextSetters, ContextTr, Evm, FrameStack, JournalTr,
        result::{EVMError, ExecutionResult, HaltReason, InvalidTransaction, ResultAndState},
    },
    handler::{
        EthFrame, EvmTr, FrameInitOrResult, FrameResult, Handler, ItemOrResult, MainnetHandler,
        evm::{ContextDbError, FrameInitResult},
        instructions::EthInstructions,
    },
    inspector::{
        InspectorEvmTr, InspectorHandler, JournalExt,
        handler::{frame_end, frame_start},
    },
    interpreter::{
        CallInput, CallInputs, FrameInput, Host as Instructable, InterpreterResult, SharedMemory,
        interpreter::EthInterpreter, interpreter_action::FrameInit,
    },
    primitives::hardfork::SpecId,
    state::EvmState,
};

use crate::{
    Module, Modules,
    frame::{self, Message},
};

type Interpreting = EthFrame<EthInterpreter>;
type Inner<CTX, I> = Evm<CTX, I, EthInstructions<EthInterpreter, CTX>, Modules, Interpreting>;

/// The context of the machine: any context of revm whose specification is Ethereum's.
pub trait MachineContext:
    ContextTr<Cfg: Cfg<Spec = SpecId>, Journal: JournalTr<State = EvmState> + JournalExt>
    + ContextSetters
    + Instructable
{
}

impl<CTX> MachineContext for CTX where
    CTX: ContextTr<Cfg: Cfg<Spec = SpecId>, Journal: JournalTr<State = EvmState> + JournalExt>
        + ContextSetters
        + Instructable
{
}

/// The EVM with native modules. It is used as revm's own: [`ExecuteEvm`], [`ExecuteCommitEvm`], [`InspectEvm`].
#[derive(Debug)]
pub struct Machine<CTX, I = ()> {
    inner: Inner<CTX, I>,
}

impl<CTX: MachineContext> Machine<CTX> {
    /// Returns a machine in `context` with `modules`.
    #[must_use]
    pub fn new(context: CTX, modules: Modules) -> Self {
        let spec = context.cfg().spec();
        let instructions = EthInstructions::new_mainnet_with_spec(spec);
        Self { inner: Evm::new(context, instructions, modules) }
    }
}

impl<CTX: MachineContext, I> Machine<CTX, I> {
    /// Returns the same machine with `inspector`.
    pub fn with_inspector<J>(self, inspector: J) -> Machine<CTX, J> {
        Machine { inner: self.inner.with_inspector(inspector) }
    }

    /// Returns the context.
    pub fn context(&self) -> &CTX {
        &self.inner.ctx
    }

    /// Returns the context, to change it between transactions.
    pub fn context_mut(&mut self) -> &mut CTX {
        &mut self.inner.ctx
    }

    /// Returns the modules.
    pub fn modules(&self) -> &Modules {
        &self.inner.precompiles
    }

    /// Returns the modules, to record what they touch.
    pub fn modules_mut(&mut self) -> &mut Modules {
        &mut self.inner.precompiles
    }

    /// Takes the inspector out and leaves a new one.
    pub fn take_inspector(&mut self) -> I
    where
        I: Default,
    {
        std::mem::take(&mut self.inner.inspector)
    }

    /// Returns the parts of the machine: context, inspector, modules.
    pub fn into_parts(self) -> (CTX, I, Modules) {
        (self.inner.ctx, self.inner.inspector, self.inner.precompiles)
    }

    /// Finds the module that executes a frame.
    fn module(&self, input: &FrameInput) -> Option<&'static Module> {
        let FrameInput::Call(inputs) = input else { return None };
        self.module_of(inputs)
    }

    /// Finds the module that executes a call.
    fn module_of(&self, inputs: &CallInputs) -> Option<&'static Module> {
        self.inner.precompiles.find(&inputs.bytecode_address, &inputs.known_bytecode.0)
    }
}

/// How a native frame uses the machine: with an inspector, or without.
pub(crate) trait Drive {
    type Context: MachineContext;
    /// Returns the context, for reading what is the same for the whole block.
    fn facts(&self) -> &Self::Context;
    fn context(&mut self) -> &mut Self::Context;
    fn modules(&mut self) -> &mut Modules;
    /// The revision of the ledger's rules.
    fn revision(&self) -> u32;
    /// The last entry of the genesis file's schedule.
    fn founding(&self) -> (u32, u64);
    /// Returns whether a locked function of this instance is running.
    fn is_locked(&self, instance: Address) -> bool;
    /// Returns whether a function of this instance that changes something is running.
    fn is_running(&self, instance: Address) -> bool;
    /// Runs a call by a module, and all that it calls, to its end.
    fn run(&mut self, call: Nested<'_>)
    -> Result<InterpreterResult, ContextDbError<Self::Context>>;
    /// Passes a log to the inspector.
    fn saw(&mut self, log: &Log);
}

/// A call by a module.
pub(crate) struct Nested<'a> {
    /// All of the call but its calldata.
    pub(crate) inputs: CallInputs,
    pub(crate) input: &'a Bytes,
    pub(crate) depth: usize,
    pub(crate) memory: SharedMemory,
}

/// Who watches the frames of a machine.
trait Watch<CTX: MachineContext, I> {
    /// Whether each frame is to be shown as revm describes it.
    const SEES_FRAMES: bool;

    fn init(machine: &mut Machine<CTX, I>, init: FrameInit) -> Begun<CTX>;
    fn run(
        machine: &mut Machine<CTX, I>,
    ) -> Result<FrameInitOrResult<Interpreting>, ContextDbError<CTX>>;
    fn saw(machine: &mut Machine<CTX, I>, log: &Log);
}

/// A frame that began, or ended at once.
type Begun<CTX> = Result<ItemOrResult<(), FrameResult>, ContextDbError<CTX>>;

/// Nobody.
struct Nobody;

impl<CTX: MachineContext, I> Watch<CTX, I> for Nobody {
    const SEES_FRAMES: bool = false;

    fn init(machine: &mut Machine<CTX, I>, init: FrameInit) -> Begun<CTX> {
        Ok(machine.frame_init(init)?.map_item(|_| ()))
    }

    fn run(
        machine: &mut Machine<CTX, I>,
    ) -> Result<FrameInitOrResult<Interpreting>, ContextDbError<CTX>> {
        machine.frame_run()
    }

    fn saw(_: &mut Machine<CTX, I>, _: &Log) {}
}

/// The machine's inspector.
struct ItsInspector;

impl<CTX: MachineContext, I: Inspector<CTX>> Watch<CTX, I> for ItsInspector {
    const SEES_FRAMES: bool = true;

    fn init(machine: &mut Machine<CTX, I>, init: FrameInit) -> Begun<CTX> {
        Ok(machine.inspect_frame_init(init)?.map_item(|_| ()))
    }

    fn run(
        machine: &mut Machine<CTX, I>,
    ) -> Result<FrameInitOrResult<Interpreting>, ContextDbError<CTX>> {
        machine.inspect_frame_run()
    }

    fn saw(machine: &mut Machine<CTX, I>, log: &Log) {
        let Evm { ctx, inspector, .. } = &mut machine.inner;
        inspector.log(ctx, log.clone());
    }
}

/// A machine whose frames are watched by `W`.
struct Driver<'a, CTX, I, W> {
    machine: &'a mut Machine<CTX, I>,
    watch: PhantomData<W>,
}

impl<'a, CTX, I, W> Driver<'a, CTX, I, W> {
    fn new(machine: &'a mut Machine<CTX, I>) -> Self {
        Self { machine, watch: PhantomData }
    }
}

impl<CTX: MachineContext, I, W: Watch<CTX, I>> Drive for Driver<'_, CTX, I, W> {
    type Context = CTX;

    fn facts(&self) -> &CTX {
        &self.machine.inner.ctx
    }

    fn context(&mut self) -> &mut CTX {
        &mut self.machine.inner.ctx
    }

    fn modules(&mut self) -> &mut Modules {
        &mut self.machine.inner.precompiles
    }

    fn revision(&self) -> u32 {
        self.machine.inner.precompiles.revision()
    }

    fn founding(&self) -> (u32, u64) {
        self.machine.inner.precompiles.founding()
    }

    fn is_locked(&self, instance: Address) -> bool {
        let running = &self.machine.inner.precompiles.running;
        running.iter().any(|running| running.instance == instance && running.is_locked)
    }

    fn is_running(&self, instance: Address) -> bool {
        let running = &self.machine.inner.precompiles.running;
        running.iter().any(|running| running.instance == instance)
    }

    fn run(&mut self, call: Nested<'_>) -> Result<InterpreterResult, ContextDbError<CTX>> {
        let Nested { mut inputs, input, depth, memory } = call;
        if !W::SEES_FRAMES
            && let Some(module) = self.machine.module_of(&inputs)
        {
            return frame::run(self, module, Message { inputs: &inputs, input, depth, memory });
        }
        inputs.input = CallInput::Bytes(input.clone());
        let frame_input = FrameInput::Call(Box::new(inputs));
        let result = self.run_init(FrameInit { depth, memory, frame_input })?;
        let FrameResult::Call(outcome) = result else { unreachable!("a call ends as a call") };
        Ok(outcome.result)
    }

    fn saw(&mut self, log: &Log) {
        W::saw(self.machine, log);
    }
}

impl<CTX: MachineContext, I, W: Watch<CTX, I>> Driver<'_, CTX, I, W> {
    /// Runs a frame, and all that it calls, to its end.
    fn run_init(&mut self, init: FrameInit) -> Result<FrameResult, ContextDbError<CTX>> {
        let machine = &mut *self.machine;
        let base = machine.inner.frame_stack.index();
        if let ItemOrResult::Result(result) = W::init(machine, init)? {
            return Ok(result);
        }
        loop {
            let result = match W::run(machine)? {
                ItemOrResult::Item(init) => match W::init(machine, init)? {
                    ItemOrResult::Item(()) => continue,
                    ItemOrResult::Result(result) => result,
                },
                ItemOrResult::Result(result) => result,
            };
            if let Some(result) = machine.hand_back(base, result)? {
                return Ok(result);
            }
        }
    }
}

impl<CTX: MachineContext, I> Machine<CTX, I> {
    /// Passes a frame's result to the frame below it, or returns it if the native frame is that frame.
    fn hand_back(
        &mut self,
        base: Option<usize>,
        result: FrameResult,
    ) -> Result<Option<FrameResult>, ContextDbError<CTX>> {
        let Evm { ctx, frame_stack, .. } = &mut self.inner;
        if frame_stack.get().is_finished() {
            frame_stack.pop();
        }
        if frame_stack.index() == base {
            return Ok(Some(result));
        }
        frame_stack.get().return_result::<_, ContextDbError<CTX>>(ctx, result)?;
        Ok(None)
    }
}

impl<CTX: MachineContext, I> EvmTr for Machine<CTX, I> {
    type Context = CTX;
    type Instructions = EthInstructions<EthInterpreter, CTX>;
    type Precompiles = Modules;
    type Frame = Interpreting;

    fn all(
        &self,
    ) -> (&Self::Context, &Self::Instructions, &Self::Precompiles, &FrameStack<Self::Frame>) {
        let Evm { ctx, instruction, precompiles, frame_stack, .. } = &self.inner;
        (ctx, instruction, precompiles, frame_stack)
    }

    fn all_mut(
        &mut self,
    ) -> (
        &mut Self::Context,
        &mut Self::Instructions,
        &mut Self::Precompiles,
        &mut FrameStack<Self::Frame>,
    ) {
        let Evm { ctx, instruction, precompiles, frame_stack, .. } = &mut self.inner;
        (ctx, instruction, precompiles, frame_stack)
    }

    fn frame_init(
        &mut self,
        init: FrameInit,
    ) -> Result<FrameInitResult<'_, Self::Frame>, ContextDbError<CTX>> {
        match self.module(&init.frame_input) {
            Some(module) => frame::run_init(&mut Driver::<_, _, Nobody>::new(self), module, init)
                .map(ItemOrResult::Result),
            None => self.inner.frame_init(init),
        }
    }

    fn frame_run(&mut self) -> Result<FrameInitOrResult<Self::Frame>, ContextDbError<CTX>> {
        self.inner.frame_run()
    }

    fn frame_return_result(
        &mut self,
        result: FrameResult,
    ) -> Result<Option<FrameResult>, ContextDbError<CTX>> {
        self.inner.frame_return_result(result)
    }
}

impl<CTX: MachineContext, I: Inspector<CTX>> InspectorEvmTr for Machine<CTX, I> {
    type Inspector = I;

    fn all_inspector(
        &self,
    ) -> (
        &Self::Context,
        &Self::Instructions,
        &Self::Precompiles,
        &FrameStack<Self::Frame>,
        &Self::Inspector,
    ) {
        let Evm { ctx, instruction, precompiles, frame_stack, inspector, .. } = &self.inner;
        (ctx, instruction, precompiles, frame_stack, inspector)
    }

    fn all_mut_inspector(
        &mut self,
    ) -> (
        &mut Self::Context,
        &mut Self::Instructions,
        &mut Self::Precompiles,
        &mut FrameStack<Self::Frame>,
        &mut Self::Inspector,
    ) {
        let Evm { ctx, instruction, precompiles, frame_stack, inspector, .. } = &mut self.inner;
        (ctx, instruction, precompiles, frame_stack, inspector)
    }

    fn inspect_frame_init(
        &mut self,
        mut init: FrameInit,
    ) -> Result<FrameInitResult<'_, Self::Frame>, ContextDbError<CTX>> {
        let Some(module) = self.module(&init.frame_input) else {
            return self.inner.inspect_frame_init(init);
        };
        let (context, inspector) = self.ctx_inspector();
        let early = frame_start(context, inspector, &mut init.frame_input);
        let input = init.frame_input.clone();
        let mut result = match early {
            Some(result) => result,
            None => frame::run_init(&mut Driver::<_, _, ItsInspector>::new(self), module, init)?,
        };
        let (context, inspector) = self.ctx_inspector();
        frame_end(context, inspector, &input, &mut result);
        Ok(ItemOrResult::Result(result))
    }

    fn inspect_frame_run(&mut self) -> Result<FrameInitOrResult<Self::Frame>, ContextDbError<CTX>> {
        self.inner.inspect_frame_run()
    }
}

type Outcome<CTX, T> = Result<T, EVMError<<<CTX as ContextTr>::Db as Database>::Error>>;

impl<CTX: MachineContext, I> ExecuteEvm for Machine<CTX, I> {
    type ExecutionResult = ExecutionResult<HaltReason>;
    type State = EvmState;
    type Error = EVMError<<CTX::Db as Database>::Error, InvalidTransaction>;
    type Tx = <CTX as ContextTr>::Tx;
    type Block = <CTX as ContextTr>::Block;

    fn set_block(&mut self, block: Self::Block) {
        self.inner.ctx.set_block(block);
    }

    fn transact_one(&mut self, tx: Self::Tx) -> Outcome<CTX, Self::ExecutionResult> {
        self.inner.ctx.set_tx(tx);
        MainnetHandler::default().run(self)
    }

    fn finalize(&mut self) -> Self::State {
        self.inner.ctx.journal_mut().finalize()
    }

    fn replay(&mut self) -> Outcome<CTX, ResultAndState<HaltReason>> {
        let result: Outcome<CTX, _> = MainnetHandler::default().run(self);
        let state = self.finalize();
        Ok(ResultAndState::new(result?, state))
    }
}

impl<CTX: MachineContext<Db: DatabaseCommit>, I> ExecuteCommitEvm for Machine<CTX, I> {
    fn commit(&mut self, state: Self::State) {
        self.inner.ctx.db_mut().commit(state);
    }
}

impl<CTX: MachineContext<Db: DatabaseCommit>, I: Inspector<CTX>> InspectCommitEvm
    for Machine<CTX, I>
{
}

impl<CTX: MachineContext, I: Inspector<CTX>> InspectEvm for Machine<CTX, I> {
    type Inspector = I;

    fn set_inspector(&mut self, inspector: I) {
        self.inner.inspector = inspector;
    }

    fn inspect_one_tx(&mut self, tx: Self::Tx) -> Outcome<CTX, Self::ExecutionResult> {
        self.inner.ctx.set_tx(tx);
        MainnetHandler::default().inspect_run(self)
    }
}
