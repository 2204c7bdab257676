//! The node's ledger, asked with a bound: what answers may be a stranger's contract.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use alloy_primitives::{Address, Bytes};
use alloy_sol_types::SolCall;
use execution::{AccountState as Stored, CallError, CallOutcome, Overrides};
use ledger_views::{AccountState, Ask, Call, Head, LogFilter, Outcome, PlacedLog};
use node::{CallBlock, LocalError, LocalLedger, Node, StateView};
use store::{Reader, StoreError};

/// Gas of one read-only call at most.
const CALL_GAS_MAX: u64 = 4_000_000;
/// Gas of all read-only calls of a page at most.
const PAGE_GAS_MAX: u64 = 100_000_000;

/// The ledger at its head, for one page. A call that takes more gas than [`CALL_GAS_MAX`], or than is left of [`PAGE_GAS_MAX`], has reverted without a reason: so whoever makes
/// a contract slow can spoil what is said of it, and not the page.
pub(crate) struct Bounded<'a> {
    node: &'a Node,
    state: StateView,
    whole: LocalLedger<'a>,
    gas_left: AtomicU64,
}

impl<'a> Bounded<'a> {
    pub(crate) fn new(node: &'a Node) -> Result<Self, StoreError> {
        let state = node.view(node.reader()?, CallBlock::Same);
        let gas_left = AtomicU64::new(PAGE_GAS_MAX);
        Ok(Self { node, state, whole: node.local()?, gas_left })
    }

    pub(crate) fn node(&self) -> &'a Node {
        self.node
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
        let output = self.output(to, call, CALL_GAS_MAX)?;
        Ok(output.and_then(|output| C::abi_decode_returns_validate(&output).ok()))
    }

    /// The bytes that a contract answers with at most `gas`.
    pub(crate) fn output<C: SolCall>(
        &self,
        to: Address,
        call: &C,
        gas: u64,
    ) -> Result<Option<Bytes>, StoreError> {
        let call = Call { to, input: call.abi_encode().into() };
        Ok(match self.run(call, gas)? {
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

    fn run(&self, call: Call, gas: u64) -> Result<Outcome, StoreError> {
        let left = self.gas_left.load(Ordering::Relaxed);
        let gas = gas.min(left);
        let given = execution::Call::read_only(call.to, call.input);
        let given = execution::Call { gas_limit: Some(gas), ..given };
        let overrides = Overrides::default();
        let context = self.state.call_context(self.node.rules(), &overrides);
        let nothing = Outcome::Reverted(Bytes::new());
        let (outcome, used) = match context.call(&given) {
            Ok(CallOutcome::Returned { output, gas_used }) => (Outcome::Returned(output), gas_used),
            Ok(CallOutcome::Reverted { output, gas_used }) => (Outcome::Reverted(output), gas_used),
            Ok(CallOutcome::Halted { gas_used, .. }) => (nothing, gas_used),
            // Too little gas is left to begin; or this program does not know the ledger's rules, and so no module.
            Err(CallError::Refused(_) | CallError::UnknownRevision(_)) => (nothing, 0),
            Err(CallError::State(error)) => return Err(error),
        };
        self.gas_left.store(left.saturating_sub(used), Ordering::Relaxed);
        Ok(outcome)
    }
}

impl Ask for Bounded<'_> {
    type Error = LocalError;

    async fn head(&self) -> Result<Head, LocalError> {
        self.whole.head().await
    }

    async fn calls(&self, calls: Vec<Call>) -> Result<Vec<Outcome>, LocalError> {
        let mut outcomes = Vec::with_capacity(calls.len());
        for call in calls {
            outcomes.push(self.run(call, CALL_GAS_MAX)?);
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
