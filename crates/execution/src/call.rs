//! Calls without a transaction: `eth_call` and `eth_estimateGas`.

use crate::{
    environment::Environment,
    evm::{Checks, Machine, MachineContext, machine},
    halt,
    modules::{self, BeginError},
    overlay::Overlay,
    overrides::{self, Overrides},
    revision::UnknownRevision,
    rules::Rules,
    stateless::check_fees,
    transaction::Refusal,
};
use alloy_eips::{eip2930::AccessList, eip7702::SignedAuthorization};
use alloy_primitives::{Address, Bytes, TxKind, U256};
use revm::{
    Database, DatabaseRef, ExecuteEvm, InspectEvm, Inspector,
    context::{
        TxEnv,
        either::Either,
        result::{EVMError, ExecutionResult, ResultAndState},
    },
};

/// A message call that is executed but not recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Sender; needs no signature, and may be a contract.
    pub from: Address,
    /// Receiver, or contract creation.
    pub to: TxKind,
    /// In the smallest unit; the sender must have it.
    pub value: U256,
    /// Calldata or creation code.
    pub data: Bytes,
    /// Largest gas to use; the block's gas limit if absent or above it.
    pub gas_limit: Option<u64>,
    /// The most that the sender would pay per gas, in the smallest unit. A call pays nothing; [`estimate_gas`] allows
    /// no more gas than the sender can pay.
    pub max_fee_per_gas: Option<u128>,
    /// The part of it that the producer would get at most.
    pub max_priority_fee_per_gas: Option<u128>,
    /// The chain that the call is for; any chain if absent.
    pub chain_id: Option<u64>,
    /// Access list (EIP-2930).
    pub access_list: AccessList,
    /// Authorizations (EIP-7702).
    pub authorization_list: Vec<SignedAuthorization>,
}

impl Call {
    /// Returns a read-only call of a contract: from the zero address, without value.
    #[must_use]
    pub fn read_only(to: Address, data: Bytes) -> Self {
        Self {
            from: Address::ZERO,
            to: TxKind::Call(to),
            value: U256::ZERO,
            data,
            gas_limit: None,
            max_fee_per_gas: None,
            max_priority_fee_per_gas: None,
            chain_id: None,
            access_list: AccessList::default(),
            authorization_list: Vec::new(),
        }
    }
}

/// The outcome of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// It returned.
    Returned {
        /// Returned bytes; for a creation the deployed code.
        output: Bytes,
        /// Gas used, as in a receipt.
        gas_used: u64,
    },
    /// It reverted.
    Reverted {
        /// ABI-encoded error, possibly empty.
        output: Bytes,
        /// Gas used, as in a receipt.
        gas_used: u64,
    },
    /// It ran out of gas or executed an invalid instruction.
    Halted {
        /// Why, in words.
        reason: String,
        /// Usually all of the gas.
        gas_used: u64,
    },
}

/// Why a call was not executed.
#[derive(Debug, thiserror::Error)]
pub enum CallError<E: std::error::Error + 'static> {
    /// A rule of inclusion was broken.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The block of the call needs rules of a later version of this program.
    #[error(transparent)]
    UnknownRevision(#[from] UnknownRevision),
    /// The snapshot could not be read.
    #[error("state could not be read")]
    State(#[source] E),
}

impl<E: std::error::Error> From<BeginError<E>> for CallError<E> {
    fn from(error: BeginError<E>) -> Self {
        match error {
            BeginError::UnknownRevision(error) => Self::UnknownRevision(error),
            BeginError::State(error) => Self::State(error),
        }
    }
}

/// Why there is no estimate.
#[derive(Debug, thiserror::Error)]
pub enum EstimateError<E: std::error::Error + 'static> {
    /// The call was not executed.
    #[error(transparent)]
    Call(#[from] CallError<E>),
    /// The call reverts with any gas limit.
    #[error("execution reverted")]
    Reverted {
        /// ABI-encoded error, possibly empty.
        output: Bytes,
    },
    /// The allowed gas is less than the smallest transaction of this kind costs.
    #[error("gas required exceeds allowance ({gas_limit})")]
    Allowance {
        /// The call's limit, or what the sender can pay.
        gas_limit: u64,
    },
    /// The call fails with the largest allowed gas.
    #[error("execution does not succeed with {gas_limit} gas: {reason}")]
    Halted {
        /// The largest gas tried: that of the block, of the call, or what the sender can pay.
        gas_limit: u64,
        /// Why, in words.
        reason: String,
    },
}

/// The state, block and overrides of a call.
#[derive(Clone, Copy, Debug)]
pub struct CallContext<'a, DB> {
    /// The state at the beginning.
    pub state: &'a DB,
    /// The rules of the ledger.
    pub rules: &'a Rules,
    /// The block of the call.
    pub environment: Environment,
    /// The overrides of account and block fields.
    pub overrides: &'a Overrides,
}

impl<DB: DatabaseRef> CallContext<'_, DB> {
    /// Executes `call` and discards its changes. Gas is free and the nonce is ignored; within the call `BASEFEE` is
    /// 0, unless it is overridden.
    ///
    /// # Errors
    /// [`CallError`] when the call could not run at all; a revert is a [`CallOutcome`].
    pub fn call(&self, call: &Call) -> Result<CallOutcome, CallError<DB::Error>> {
        let limit = self.gas_limit(call);
        Ok(self.run(call, limit)?.0)
    }

    /// Returns the smallest gas limit, within 1/64, with which `call` succeeds.
    ///
    /// # Errors
    /// [`EstimateError`]: reverted with its data, halted, or not run at all.
    pub fn estimate_gas(&self, call: &Call) -> Result<u64, EstimateError<DB::Error>> {
        let limit = self.affordable(call)?;
        let (outcome, spent) = match self.run(call, limit) {
            Err(CallError::Refused(Refusal::IntrinsicGas { gas_limit, .. })) => {
                return Err(EstimateError::Allowance { gas_limit });
            }
            run => run?,
        };
        let used = match outcome {
            CallOutcome::Returned { gas_used, .. } => gas_used,
            CallOutcome::Reverted { output, .. } => return Err(EstimateError::Reverted { output }),
            CallOutcome::Halted { reason, .. } => {
                return Err(EstimateError::Halted { gas_limit: limit, reason });
            }
        };
        let succeeds = |gas_limit: u64| match self.run(call, gas_limit) {
            Ok((outcome, _)) => Ok(matches!(outcome, CallOutcome::Returned { .. })),
            Err(CallError::Refused(Refusal::IntrinsicGas { .. })) => Ok(false),
            Err(error) => Err(error),
        };
        // `used` may be too little: refunds come at the end, and a call passes on 63/64 of its gas (EIP-150).
        let mut failing = used.saturating_sub(1);
        let mut succeeding = limit;
        let guess = spent.saturating_add(spent / 63).saturating_add(2_300).clamp(used, limit);
        for gas_limit in [used, guess] {
            if gas_limit < succeeding && succeeds(gas_limit)? {
                succeeding = gas_limit;
            } else if gas_limit < succeeding {
                failing = failing.max(gas_limit);
            }
        }
        while succeeding - failing > (succeeding / 64).max(1) {
            let middle = failing + (succeeding - failing) / 2;
            if succeeds(middle)? {
                succeeding = middle;
            } else {
                failing = middle;
            }
        }
        Ok(succeeding)
    }

    /// Returns the largest gas of a call, whoever pays.
    pub(crate) fn gas_limit(&self, call: &Call) -> u64 {
        let block = self.overrides.block.gas_limit.unwrap_or(self.environment.gas_limit);
        // An override may give the block more gas, but a call never gets more than a real block has.
        call.gas_limit.unwrap_or(u64::MAX).min(block).min(self.rules.gas_limit)
    }

    /// Returns the largest gas of the call that its sender can pay.
    fn affordable(&self, call: &Call) -> Result<u64, CallError<DB::Error>> {
        let limit = self.gas_limit(call);
        let Some(fee) = call.max_fee_per_gas.filter(|fee| *fee > 0) else { return Ok(limit) };
        let sender = self.overlay()?.basic(call.from).map_err(CallError::State)?;
        let balance = sender.map_or(U256::ZERO, |account| account.balance);
        let value = call.value;
        let left = balance.checked_sub(value).filter(|left| !left.is_zero());
        let left = left.ok_or(Refusal::InsufficientFundsForTransfer { value, balance })?;
        Ok(u64::try_from(left / U256::from(fee)).unwrap_or(u64::MAX).min(limit))
    }

    /// Returns the block of the call, with its overrides.
    pub(crate) fn overridden_environment(&self) -> Environment {
        self.overrides.block.applied_to(&self.environment, self.rules)
    }

    /// Returns the outcome, and the gas spent before refunds.
    fn run(&self, call: &Call, gas_limit: u64) -> Result<(CallOutcome, u64), CallError<DB::Error>> {
        let (mut machine, transaction) = self.prepare(call, gas_limit)?;
        let result = machine.transact(transaction.clone());
        let result = result.map_err(|error| CallError::from_machine(error, &transaction))?.result;
        let spent = result.gas().total_gas_spent();
        Ok((CallOutcome::from(result), spent))
    }

    /// Returns the state at the start of the call, with its overrides. It is the state after the block or before it:
    /// not older than the parent block.
    fn overlay(&self) -> Result<Overlay<'_, DB>, CallError<DB::Error>> {
        let mut overlay = Overlay::new(self.state);
        let parent = self.environment.number.saturating_sub(1);
        modules::begin_block(&mut overlay, self.rules, parent, &self.overridden_environment())?;
        overrides::apply(&mut overlay, &self.overrides.accounts).map_err(CallError::State)?;
        Ok(overlay)
    }

    /// Returns an EVM for this context, and the call as its transaction.
    fn prepare(
        &self,
        call: &Call,
        gas_limit: u64,
    ) -> Result<(Machine<'_, DB>, TxEnv), CallError<DB::Error>> {
        check_call(call, self.rules)?;
        let base_fee = self.overrides.block.base_fee.unwrap_or_default();
        let environment = Environment { base_fee, ..self.overridden_environment() };
        let mut overlay = self.overlay()?;
        let sender = overlay.basic(call.from).map_err(CallError::State)?;
        let nonce = sender.map_or(0, |account| account.nonce);
        let transaction = read_only_transaction(call, gas_limit, nonce, self.rules.chain_id);
        Ok((machine(overlay, self.rules, &environment, Checks::ReadOnly), transaction))
    }

    /// Executes a call with `inspector`; returns the result with everything that was read and written.
    pub(crate) fn inspect<'s, I: Inspector<MachineContext<'s, DB>>>(
        &'s self,
        call: &Call,
        inspector: I,
    ) -> Result<Inspected<'s, DB, I>, CallError<DB::Error>> {
        let (machine, transaction) = self.prepare(call, self.gas_limit(call))?;
        let mut machine = machine.with_inspector(inspector);
        machine.modules_mut().note_touched();
        match machine.inspect_tx(transaction.clone()) {
            Ok(result) => Ok((result, machine)),
            Err(error) => Err(CallError::from_machine(error, &transaction)),
        }
    }
}

/// Checks what every message must satisfy, whatever its sender and its fee.
pub(crate) fn check_call(call: &Call, rules: &Rules) -> Result<(), Refusal> {
    let chain = rules.chain_id;
    if let Some(signed) = call.chain_id.filter(|asked| *asked != chain) {
        return Err(Refusal::WrongChain { signed, chain });
    }
    match call.max_fee_per_gas {
        Some(max_fee) => check_fees(max_fee, call.max_priority_fee_per_gas),
        None => Ok(()),
    }
}

/// The result of an EVM, and the EVM with its inspector.
pub(crate) type Inspected<'s, DB, I> = (ResultAndState, Machine<'s, DB, I>);

/// Returns a call as a transaction of the EVM that pays nothing.
pub(crate) fn read_only_transaction(
    call: &Call,
    gas_limit: u64,
    nonce: u64,
    chain_id: u64,
) -> TxEnv {
    TxEnv {
        tx_type: if call.authorization_list.is_empty() { 2 } else { 4 },
        caller: call.from,
        gas_limit,
        gas_price: 0,
        kind: call.to,
        value: call.value,
        data: call.data.clone(),
        nonce,
        chain_id: Some(chain_id),
        access_list: call.access_list.clone(),
        gas_priority_fee: Some(0),
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: call.authorization_list.iter().cloned().map(Either::Left).collect(),
    }
}

impl<E: std::error::Error + 'static> CallError<E> {
    pub(crate) fn from_machine(error: EVMError<E>, transaction: &TxEnv) -> Self {
        match error {
            EVMError::Transaction(reason) => {
                Self::Refused(Refusal::from_machine(reason, transaction, 0))
            }
            EVMError::Database(error) => Self::State(error),
            error @ (EVMError::Header(_) | EVMError::Custom(_) | EVMError::CustomAny(_)) => {
                Self::Refused(Refusal::Fault { reason: error.to_string() })
            }
        }
    }
}

impl From<ExecutionResult> for CallOutcome {
    fn from(result: ExecutionResult) -> Self {
        let gas_used = result.tx_gas_used();
        match result {
            ExecutionResult::Success { output, .. } => {
                Self::Returned { output: output.into_data(), gas_used }
            }
            ExecutionResult::Revert { output, .. } => Self::Reverted { output, gas_used },
            ExecutionResult::Halt { reason, .. } => {
                Self::Halted { reason: halt::reason(reason), gas_used }
            }
        }
    }
}

/// Executes [`CallContext::call`] without overrides.
///
/// # Errors
/// [`CallError`] when the call could not run at all; a revert is a [`CallOutcome`].
pub fn call<DB: DatabaseRef>(
    state: &DB,
    rules: &Rules,
    environment: &Environment,
    call: &Call,
) -> Result<CallOutcome, CallError<DB::Error>> {
    let overrides = &Overrides::default();
    CallContext { state, rules, environment: *environment, overrides }.call(call)
}

/// Executes [`CallContext::estimate_gas`] without overrides.
///
/// # Errors
/// [`EstimateError`]: reverted with its data, halted, or not run at all.
pub fn estimate_gas<DB: DatabaseRef>(
    state: &DB,
    rules: &Rules,
    environment: &Environment,
    call: &Call,
) -> Result<u64, EstimateError<DB::Error>> {
    let overrides = &Overrides::default();
    CallContext { state, rules, environment: *environment, overrides }.estimate_gas(call)
}
