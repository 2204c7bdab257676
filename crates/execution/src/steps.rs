//! Every instruction that ran.

use alloy_primitives::{Address, Bytes, U256};
use revm::{
    bytecode::opcode::{self, OpCode},
    interpreter::{
        Interpreter,
        interpreter_types::{InputsTr, Jumps, MemoryTr},
    },
};
use std::collections::BTreeMap;

/// Most bytes of a trace: stack, memory and storage of its steps.
pub const STEPS_SIZE_MAX: usize = 8 << 20;
/// What a step counts beside its stack, memory and storage.
const STEP_SIZE: usize = 96;

/// What to keep of each step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepOptions {
    /// Not the stack.
    pub without_stack: bool,
    /// Not the storage.
    pub without_storage: bool,
    /// Memory, too.
    pub with_memory: bool,
    /// Most steps kept; 0 is all.
    pub count_max: usize,
}

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where in the code.
    pub program_counter: usize,
    /// Which.
    pub name: String,
    /// Gas left before it.
    pub gas: u64,
    /// Gas it took, with what it passed on.
    pub gas_cost: u64,
    /// 1 for the outermost frame.
    pub depth: usize,
    /// Before it, the top last.
    pub stack: Option<Vec<U256>>,
    /// Before it.
    pub memory: Option<Bytes>,
    /// Of `SLOAD` and `SSTORE`: all slots that the account's code has read or written so far.
    pub storage: Option<BTreeMap<U256, U256>>,
}

/// Gathers steps while the machine runs.
#[derive(Debug)]
pub(crate) struct Steps {
    options: StepOptions,
    steps: Vec<Step>,
    slots: BTreeMap<Address, BTreeMap<U256, U256>>,
    /// Whether the instruction that runs is the last of `steps`.
    is_open: bool,
    /// The slot that it reads, if it is `SLOAD`.
    reading: Option<U256>,
    depth: usize,
    size: usize,
}

/// There are more than [`STEPS_SIZE_MAX`].
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

    /// The gas it took, and what it read, are known when it is done.
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

    /// Notes a slot, and shows with the last step all that are known of the account.
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

    /// Counts a step, or what is added to one; once it is too much, nothing is kept any more.
    fn count(&mut self, words: usize, bytes: usize) {
        let size = words.saturating_mul(32).saturating_add(bytes).saturating_add(STEP_SIZE);
        self.size = self.size.saturating_add(size);
        if self.size > STEPS_SIZE_MAX {
            self.steps.clear();
        }
    }
}
