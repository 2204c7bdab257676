//! The tree of calls within a call or a transaction, modules included.

use crate::halt;
use alloy_primitives::{Address, Bytes, Log, U256};
use revm::{
    Inspector,
    context_interface::ContextTr,
    interpreter::{
        CallInputs, CallOutcome, CallScheme, CreateInputs, CreateOutcome, CreateScheme,
        InstructionResult, InterpreterResult,
    },
};

/// Largest size of calldata, output and logs of one tree in bytes; each frame and log counts 512 bytes more.
pub const TREE_SIZE_MAX: usize = 8 << 20;
/// Size that a frame or a log counts in addition to its bytes.
const FRAME_SIZE: usize = 512;

/// The kind of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// `CALL`, or a transaction.
    Call,
    /// `CALLCODE`.
    CallCode,
    /// `DELEGATECALL`.
    DelegateCall,
    /// `STATICCALL`.
    StaticCall,
    /// `CREATE`, or a transaction without receiver.
    Create,
    /// `CREATE2`.
    Create2,
    /// `SELFDESTRUCT`: transfers the balance, runs no code.
    SelfDestruct,
}

/// A log, and its position among the calls of its frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameLog {
    /// The log.
    pub log: Log,
    /// Number of calls of the frame that began before it.
    pub position: usize,
}

/// One call, creation or self-destruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// How it was called.
    pub kind: FrameKind,
    /// The caller; for a delegated call, the account on whose behalf it runs.
    pub from: Address,
    /// The account whose code runs, the created contract, or the receiver of a self-destruction; `None` for a failed
    /// creation.
    pub to: Option<Address>,
    /// Value in the smallest unit; `None` if the call can't have value.
    pub value: Option<U256>,
    /// Gas given; for the outermost frame the gas limit.
    pub gas: u64,
    /// Gas used; for the outermost frame as in a receipt.
    pub gas_used: u64,
    /// Calldata, or creation code.
    pub input: Bytes,
    /// Returned bytes, deployed code, or the data of a revert.
    pub output: Bytes,
    /// Error in the words of geth; `None` after success.
    pub error: Option<String>,
    /// Logs of this frame without those of its calls; empty if they were reverted.
    pub logs: Vec<FrameLog>,
    /// Its calls, in order.
    pub calls: Vec<Frame>,
}

/// Which parts of the tree to keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameOptions {
    /// Whether to keep logs.
    pub with_logs: bool,
    /// Whether to keep only the outermost frame.
    pub only_top: bool,
}

/// Builds the tree while the EVM runs.
#[derive(Debug)]
pub(crate) struct Frames {
    options: FrameOptions,
    /// Running frames that are kept, outermost first.
    open: Vec<Frame>,
    root: Option<Frame>,
    /// Number of running frames, kept or not.
    depth: usize,
    size: usize,
}

/// The tree would exceed [`TREE_SIZE_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

impl Frames {
    pub(crate) fn new(options: FrameOptions) -> Self {
        Self { options, open: Vec::new(), root: None, depth: 0, size: 0 }
    }

    /// Returns the tree, with the gas of the whole transaction in its root; `None` when the EVM ran nothing.
    pub(crate) fn finish(self, gas: u64, gas_used: u64) -> Result<Option<Frame>, TooLarge> {
        if self.is_full() {
            return Err(TooLarge);
        }
        Ok(self.root.map(|root| Frame { gas, gas_used, ..root }))
    }

    fn is_full(&self) -> bool {
        self.size > TREE_SIZE_MAX
    }

    /// Returns whether a frame that begins at this depth is kept.
    fn is_kept(&self) -> bool {
        !self.is_full() && (self.depth == 0 || !self.options.only_top)
    }

    /// Counts `bytes` and a frame; once the bound is exceeded, nothing more is kept.
    fn count(&mut self, bytes: usize) {
        self.size = self.size.saturating_add(bytes).saturating_add(FRAME_SIZE);
        if self.is_full() {
            self.open.clear();
            self.root = None;
        }
    }

    fn begin(&mut self, frame: Frame) {
        if self.is_kept() {
            self.count(frame.input.len());
            if !self.is_full() {
                self.open.push(frame);
            }
        }
        self.depth += 1;
    }

    fn end(&mut self, result: &InterpreterResult, created: Option<Option<Address>>) {
        self.depth = self.depth.saturating_sub(1);
        if !self.is_kept() {
            return;
        }
        self.count(result.output.len());
        let Some(mut frame) = self.open.pop() else { return };
        if let Some(address) = created {
            frame.to = address;
        }
        frame.error = halt::words(result.result).map(str::to_owned);
        frame.gas_used = result.gas.total_gas_spent();
        if frame.error.is_none() || result.result == InstructionResult::Revert {
            frame.output = result.output.clone();
        }
        if frame.error.is_some() {
            if created.is_some() {
                frame.to = None;
            }
            if !result.result.is_revert() {
                frame.gas_used = frame.gas;
            }
            forget_logs(&mut frame);
        }
        match self.open.last_mut() {
            Some(caller) => caller.calls.push(frame),
            None => self.root = Some(frame),
        }
    }
}

/// Removes the logs of a reverted frame and of all its calls.
fn forget_logs(frame: &mut Frame) {
    let mut rest = vec![frame];
    while let Some(frame) = rest.pop() {
        frame.logs.clear();
        rest.extend(frame.calls.iter_mut());
    }
}

impl<CTX: ContextTr> Inspector<CTX> for Frames {
    fn call(&mut self, context: &mut CTX, inputs: &mut CallInputs) -> Option<CallOutcome> {
        if !self.is_kept() {
            self.depth += 1;
            return None;
        }
        let kind = match inputs.scheme {
            CallScheme::Call => FrameKind::Call,
            CallScheme::CallCode => FrameKind::CallCode,
            CallScheme::DelegateCall => FrameKind::DelegateCall,
            CallScheme::StaticCall => FrameKind::StaticCall,
        };
        let is_delegated = kind == FrameKind::DelegateCall;
        self.begin(Frame {
            from: if is_delegated { inputs.target_address } else { inputs.caller },
            to: Some(inputs.bytecode_address),
            value: (kind != FrameKind::StaticCall).then(|| inputs.call_value()),
            input: inputs.input.bytes(context),
            ..Frame::empty(kind, inputs.gas_limit)
        });
        None
    }

    fn call_end(&mut self, _: &mut CTX, _: &CallInputs, outcome: &mut CallOutcome) {
        self.end(&outcome.result, None);
    }

    fn create(&mut self, _: &mut CTX, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        let kind = match inputs.scheme() {
            CreateScheme::Create2 { .. } => FrameKind::Create2,
            CreateScheme::Create | CreateScheme::Custom { .. } => FrameKind::Create,
        };
        self.begin(Frame {
            from: inputs.caller(),
            value: Some(inputs.value()),
            input: inputs.init_code().clone(),
            ..Frame::empty(kind, inputs.gas_limit())
        });
        None
    }

    fn create_end(&mut self, _: &mut CTX, _: &CreateInputs, outcome: &mut CreateOutcome) {
        self.end(&outcome.result, Some(outcome.address));
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        if !self.is_kept() {
            return;
        }
        self.count(0);
        if let Some(frame) = self.open.last_mut() {
            frame.calls.push(Frame {
                from: contract,
                to: Some(target),
                value: Some(value),
                ..Frame::empty(FrameKind::SelfDestruct, 0)
            });
        }
    }

    fn log(&mut self, _: &mut CTX, log: Log) {
        let is_outer = self.depth == 1 || !self.options.only_top;
        if !self.options.with_logs || !is_outer || self.is_full() {
            return;
        }
        self.count(log.data.data.len());
        if let Some(frame) = self.open.last_mut() {
            let position = frame.calls.len();
            frame.logs.push(FrameLog { log, position });
        }
    }
}

impl Frame {
    fn empty(kind: FrameKind, gas: u64) -> Self {
        Self {
            kind,
            from: Address::ZERO,
            to: None,
            value: None,
            gas,
            gas_used: 0,
            input: Bytes::new(),
            output: Bytes::new(),
            error: None,
            logs: Vec::new(),
            calls: Vec::new(),
        }
    }
}
