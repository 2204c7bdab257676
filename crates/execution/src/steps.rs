//! Traces every executed instruction.

use alloy_primitives::{Address, Bytes, U256};
use revm::{
    bytecode::opcode::{self, OpCode},
    interpreter::{
        Interpreter,
        interpreter_types::{InputsTr, Jumps, MemoryTr},
    },
};
use std::collections::BTreeMap;

/// Largest size of a trace in bytes: stack, memory and storage of its steps.
pub const STEPS_SIZE_MAX: usize = 8 << 20;
/// Size that a step counts in addition to its stack, memory and storage.
const STEP_SIZE: usize = 96;

/// Which parts of each step to keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepOptions {
    /// Whether to leave out the stack.
    pub without_stack: bool,
    /// Whether to leave out the storage.
    pub without_storage: bool,
    /// Whether to keep memory.
    pub with_memory: bool,
    /// Largest number of steps to keep; 0 keeps all.
    pub count_max: usize,
}

/// An executed instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its position in the code.
    pub program_counter: usize,
    /// Its name.
    pub name: String,
    /// Gas left before it.
    pub gas: u64,
    /// Gas it used, including gas passed to a call.
    pub gas_cost: u64,
    /// Depth of its frame; 1 is the outermost.
    pub depth: usize,
    /// Stack before it, the top last.
    pub stack: Option<Vec<U256>>,
    /// Memory before it.
    pub memory: Option<Bytes>,
    /// For `SLOAD` and `SSTORE`: all slots that the account's code has read or written so far.
    pub storage: Option<BTreeMap<U256, U256>>,
}

/// Collects steps while the EVM runs.
#[derive(Debug)]
pub(crate) struct Steps {
    options: StepOptions,
    steps: Vec<Step>,
    slots: BTreeMap<Address, BTreeMap<U256, U256>>,
    /// Whether the running instruction is the last of `steps`.
    is_open: bool,
    /// The slot that it reads, if it is `SLOAD`.
    reading: Option<U256>,
    depth: usize,
    size: usize,
}

/// The trace exceeds [`STEPS_SIZE_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Steps {
    pub(crate) fn new(options: StepOptions) -> Self {
        let (steps, slots) = (Vec::new(), BTreeMap::new());
        Self { options, steps, slots, is_open: false, reading: None, depth: 0, size: 0 }
    }

    pub(crate) fn finish(self) -> Result<Vec<Step>, TooMany> {
        if self.size > STEPS_SIZE_MAX { Err(TooMany) } else { Ok(self.steps) }
    }

    pub(crate) fn enter(&mut self) {
        self.depth += 1;
    }

    pub(crate) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    pub(crate) fn begin(&mut self, interpreter: &Interpreter) {
        let enough = self.options.count_max > 0 && self.steps.len() >= self.options.count_max;
        self.is_open = !enough && self.size <= STEPS_SIZE_MAX;
        if !self.is_open {
            return;
        }
        let code = interpreter.bytecode.opcode();
        let stack = (!self.options.without_stack).then(|| interpreter.stack.data().to_vec());
        let memory = self.options.with_memory.then(|| {
            Bytes::copy_from_slice(&interpreter.memory.slice(0..interpreter.memory.size()))
        });
        let words = stack.as_ref().map_or(0, Vec::len);
        self.count(words, memory.as_ref().map_or(0, |memory| memory.len()));
        if self.size > STEPS_SIZE_MAX {
            self.is_open = false;
            return;
        }
        self.steps.push(Step {
            program_counter: interpreter.bytecode.pc(),
            name: OpCode::new(code)
                .map_or_else(|| format!("opcode {code:#x} not defined"), |code| code.to_string()),
            gas: interpreter.gas.remaining(),
            gas_cost: 0,
            depth: self.depth,
            stack,
            memory,
            storage: None,
        });
        self.reading = None;
        match code {
            opcode::SLOAD => self.reading = interpreter.stack.peek(0).ok(),
            opcode::SSTORE => {
                let (slot, value) = (interpreter.stack.peek(0), interpreter.stack.peek(1));
                if let (Ok(slot), Ok(value)) = (slot, value) {
                    self.touch(interpreter.input.target_address(), slot, value);
                }
            }
            _ => {}
        }
    }

    /// Records gas and read slot, which are known only after the instruction.
    pub(crate) fn end(&mut self, interpreter: &Interpreter) {
        if !std::mem::take(&mut self.is_open) {
            return;
        }
        let Some(step) = self.steps.last_mut() else { return };
        step.gas_cost = step.gas.saturating_sub(interpreter.gas.remaining());
        let account = interpreter.input.target_address();
        if let (Some(slot), Ok(value)) = (self.reading.take(), interpreter.stack.peek(0)) {
            self.touch(account, slot, value);
        }
    }

    /// Records a slot, and adds all known slots of the account to the last step.
    fn touch(&mut self, account: Address, slot: U256, value: U256) {
        if self.options.without_storage {
            return;
        }
        let slots = self.slots.entry(account).or_default();
        slots.insert(slot, value);
        let slots = slots.clone();
        self.count(slots.len().saturating_mul(2), 0);
        if let Some(step) = self.steps.last_mut() {
            step.storage = Some(slots);
        }
    }

    /// Counts a step, or an addition to one; once the bound is exceeded, nothing more is kept.
    fn count(&mut self, words: usize, bytes: usize) {
        let size = words.saturating_mul(32).saturating_add(bytes).saturating_add(STEP_SIZE);
        self.size = self.size.saturating_add(size);
        if self.size > STEPS_SIZE_MAX {
            self.steps.clear();
        }
    }
}
