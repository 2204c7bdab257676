//! The node's ledger, asked with a bound: what answers may be a stranger's contract.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use abi::Module;
use alloy_primitives::{Address, Bytes};
use alloy_sol_types::SolCall;
use execution::{AccountState as Stored, CallError, CallOutcome, Overrides};
use ledger_views::{AccountState, Ask, Call, Head, LogFilter, Outcome, PlacedLog};
use node::{CallBlock, LocalError, LocalLedger, Node, StateView};
use store::{Reader, StoreError};

/// Gas of a question to a stranger's contract at most: a storage read or a few, and a text of some hundred bytes.
const STRANGER_GAS_MAX: u64 = 120_000;
/// Gas of all questions of a page to strangers' contracts at most.
const STRANGERS_GAS_MAX: u64 = 30_000_000;
/// Gas that each question to a native module may use: what most of them need.
const MODULE_GAS: u64 = 300_000;
/// Gas that a question to a native module may use beyond that: some read a lot, or ask a stranger themselves.
const MODULE_GAS_MORE: u64 = 4_000_000;
/// Gas that all questions of a page to native modules may use beyond [`MODULE_GAS`] each.
const MODULES_GAS_MORE: u64 = 80_000_000;

/// The ledger at its head, for one page. A call that takes more gas than it may has reverted without a reason. What strangers' contracts use up is not taken from the questions to
/// modules: so whoever makes a contract slow can spoil what is said of it and of others like it, and not the page.
pub(crate) struct Bounded<'a> {
    node: &'a Node,
    state: StateView,
    whole: LocalLedger,
    /// Of [`STRANGERS_GAS_MAX`].
    strangers_gas: AtomicU64,
    /// Of [`MODULES_GAS_MORE`].
    modules_gas: AtomicU64,
}

impl<'a> Bounded<'a> {
    pub(crate) fn new(node: &'a Node) -> Result<Self, StoreError> {
        Self::calling_in(node, CallBlock::Same)
    }

    /// As [`Self::new`], with calls that run in the block that would follow now: the head of an idle ledger is old. In the head itself where this node can't make
    /// another block, because it does not know the rules of the next one.
    pub(crate) fn next(node: &'a Node) -> Result<Self, StoreError> {
        let next = node.head().number.saturating_add(1);
        match node.rules().check_known(next) {
            Ok(()) => Self::calling_in(node, CallBlock::Next),
            Err(_) => Self::new(node),
        }
    }

    fn calling_in(node: &'a Node, block: CallBlock) -> Result<Self, StoreError> {
        let state = node.view(node.reader()?, block);
        Ok(Self {
            node,
            state,
            whole: node.local()?,
            strangers_gas: AtomicU64::new(STRANGERS_GAS_MAX),
            modules_gas: AtomicU64::new(MODULES_GAS_MORE),
        })
    }

    pub(crate) fn node(&self) -> &'a Node {
        self.node
    }

    /// The time of the block in which calls run.
    pub(crate) fn time(&self) -> u64 {
        self.state.call_context(&Overrides::default()).environment.timestamp
    }

    pub(crate) fn reader(&self) -> &Arc<Reader> {
        self.state.reader()
    }

    /// What a contract answers; `None` when it does not, or not in the type that is asked for.
    pub(crate) fn ask<C: SolCall>(
        &self,
        to: Address,
        call: &C,
    ) -> Result<Option<C::Return>, StoreError> {
        let output = self.output(to, call)?;
        Ok(output.and_then(|output| C::abi_decode_returns_validate(&output).ok()))
    }

    /// The bytes that a contract answers; `None` when it refuses.
    pub(crate) fn output<C: SolCall>(
        &self,
        to: Address,
        call: &C,
    ) -> Result<Option<Bytes>, StoreError> {
        let call = Call { to, input: call.abi_encode().into(), gas: None };
        Ok(match self.run(call)? {
            Outcome::Returned(output) => Some(output),
            Outcome::Reverted(_) => None,
        })
    }

    /// The code at an address and what else the state says of it.
    pub(crate) fn stored(&self, address: &Address) -> Result<Option<Stored>, StoreError> {
        self.state.account(address)
    }

    /// The code at an address; empty when there is none.
    pub(crate) fn code(&self, address: &Address) -> Result<Bytes, StoreError> {
        match self.stored(address)? {
            Some(account) => self.state.code(&account.code_hash),
            None => Ok(Bytes::new()),
        }
    }

    fn run(&self, call: Call) -> Result<Outcome, StoreError> {
        let code = self.code(&call.to)?;
        let (always, more, purse) = match Module::of(&call.to, &code) {
            Some(_) => (MODULE_GAS, MODULE_GAS_MORE, &self.modules_gas),
            None => (0, STRANGER_GAS_MAX, &self.strangers_gas),
        };
        let left = purse.load(Ordering::Relaxed);
        let gas = more.min(left).saturating_add(always);
        let given = execution::Call::read_only(call.to, call.input);
        let given = execution::Call { gas_limit: Some(gas), ..given };
        let overrides = Overrides::default();
        let context = self.state.call_context(&overrides);
        let nothing = Outcome::Reverted(Bytes::new());
        let (outcome, used) = match context.call(&given) {
            Ok(CallOutcome::Returned { output, gas_used }) => (Outcome::Returned(output), gas_used),
            Ok(CallOutcome::Reverted { output, gas_used }) => (Outcome::Reverted(output), gas_used),
            Ok(CallOutcome::Halted { gas_used, .. }) => (nothing, gas_used),
            // Too little gas is left to begin; or this program does not know the ledger's rules, and so no module.
            Err(CallError::Refused(_) | CallError::UnknownRevision(_)) => (nothing, 0),
            Err(CallError::State(error)) => return Err(error),
        };
        let spent = used.saturating_sub(always);
        purse.store(left.saturating_sub(spent), Ordering::Relaxed);
        Ok(outcome)
    }
}

impl Ask for Bounded<'_> {
    type Error = LocalError;

    async fn head(&self) -> Result<Head, LocalError> {
        self.whole.head().await
    }

    async fn block(&self, height: u64) -> Result<Option<Head>, LocalError> {
        self.whole.block(height).await
    }

    async fn calls(&self, calls: Vec<Call>) -> Result<Vec<Outcome>, LocalError> {
        let mut outcomes = Vec::with_capacity(calls.len());
        for call in calls {
            outcomes.push(self.run(call)?);
        }
        Ok(outcomes)
    }

    async fn account(&self, address: Address) -> Result<AccountState, LocalError> {
        self.whole.account(address).await
    }

    async fn logs(&self, filter: LogFilter) -> Result<Vec<PlacedLog>, LocalError> {
        self.whole.logs(filter).await
    }
}
