//! Calls that leave no trace: `eth_call` and `eth_estimateGas`.

use crate::{
    evm::{Nonces, machine},
    genesis::Rules,
    overlay::Overlay,
    transaction::Refusal,
};
use alloy_consensus::Header;
use alloy_eips::{eip2930::AccessList, eip7702::SignedAuthorization};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use revm::{
    Database, DatabaseRef, ExecuteEvm,
    context::{
        TxEnv,
        either::Either,
        result::{EVMError, ExecutionResult},
    },
};

/// What a call sees as its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Height.
    pub number: u64,
    /// Unix seconds.
    pub timestamp: u64,
    /// Receives tips.
    pub beneficiary: Address,
    /// Randomness (EIP-4399).
    pub prevrandao: B256,
    /// Gas limit of the block.
    pub gas_limit: u64,
    /// Base fee in the smallest unit per gas.
    pub base_fee: u64,
}

impl Environment {
    /// The environment of a block that exists. What `eth_call` uses; for what the next block would do see [`Self::next`].
    #[must_use]
    pub fn of(header: &Header) -> Self {
        Self {
            number: header.number,
            timestamp: header.timestamp,
            beneficiary: header.beneficiary,
            prevrandao: header.mix_hash,
            gas_limit: header.gas_limit,
            base_fee: header.base_fee_per_gas.unwrap_or_default(),
        }
    }
}

/// A message that is run but not recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Sender; needs no signature. A sender with code is refused (EIP-3607).
    pub from: Address,
    /// Receiver, or contract creation.
    pub to: TxKind,
    /// In the smallest unit; the sender must have it.
    pub value: U256,
    /// Calldata or creation code.
    pub data: Bytes,
    /// Most gas to use; the block's gas limit if absent or above it.
    pub gas_limit: Option<u64>,
    /// What the sender would pay per gas, in the smallest unit. Only [`estimate_gas`] looks at it: no more gas than the sender can pay.
    pub max_fee_per_gas: Option<u128>,
    /// EIP-2930.
    pub access_list: AccessList,
    /// EIP-7702.
    pub authorization_list: Vec<SignedAuthorization>,
}

impl Call {
    /// A question to a contract: from nobody, without value.
    #[must_use]
    pub fn question(to: Address, data: Bytes) -> Self {
        Self {
            from: Address::ZERO,
            to: TxKind::Call(to),
            value: U256::ZERO,
            data,
            gas_limit: None,
            max_fee_per_gas: None,
            access_list: AccessList::default(),
            authorization_list: Vec::new(),
        }
    }
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// It returned.
    Returned {
        /// Returned bytes; the deployed code for a creation.
        output: Bytes,
        /// As it would stand in a receipt.
        gas_used: u64,
    },
    /// It reverted.
    Reverted {
        /// ABI-encoded error, possibly empty.
        output: Bytes,
        /// As it would stand in a receipt.
        gas_used: u64,
    },
    /// It ran out of gas or met an invalid instruction.
    Halted {
        /// The machine's word for it.
        reason: String,
        /// All of the gas, as a rule.
        gas_used: u64,
    },
}

/// Why a call did not run.
#[derive(Debug, thiserror::Error)]
pub enum CallError<E: std::error::Error + 'static> {
    /// A rule of inclusion.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The snapshot could not be read.
    #[error("state could not be read")]
    State(#[source] E),
}

/// Why there is no estimate.
#[derive(Debug, thiserror::Error)]
pub enum EstimateError<E: std::error::Error + 'static> {
    /// It did not run.
    #[error(transparent)]
    Call(#[from] CallError<E>),
    /// It reverts whatever the gas.
    #[error("execution reverted")]
    Reverted {
        /// ABI-encoded error, possibly empty.
        output: Bytes,
    },
    /// It does not end well within the gas allowed.
    #[error("execution does not succeed with {gas_limit} gas: {reason}")]
    Halted {
        /// The most gas tried: the block's, the call's, or what the sender can pay.
        gas_limit: u64,
        /// The machine's word for it.
        reason: String,
    },
}

/// Runs `call` on `state` and forgets what it wrote. Gas is free and the nonce is not looked at; within the call `BASEFEE` is 0.
///
/// # Errors
/// [`CallError`] when the call could not run at all; a revert is a [`CallOutcome`].
pub fn call<DB: DatabaseRef>(
    state: &DB,
    rules: &Rules,
    environment: &Environment,
    call: &Call,
) -> Result<CallOutcome, CallError<DB::Error>> {
    let limit = call.gas_limit.unwrap_or(u64::MAX).min(environment.gas_limit);
    Ok(run(state, rules, environment, call, limit)?.0)
}

/// The smallest gas limit, within 1/64, with which `call` succeeds.
///
/// # Errors
/// [`EstimateError`]: reverted with its data, halted, or not run at all.
pub fn estimate_gas<DB: DatabaseRef>(
    state: &DB,
    rules: &Rules,
    environment: &Environment,
    call: &Call,
) -> Result<u64, EstimateError<DB::Error>> {
    let limit = affordable(state, environment, call)?;
    let (outcome, spent) = run(state, rules, environment, call, limit)?;
    let used = match outcome {
        CallOutcome::Returned { gas_used, .. } => gas_used,
        CallOutcome::Reverted { output, .. } => return Err(EstimateError::Reverted { output }),
        CallOutcome::Halted { reason, .. } => {
            return Err(EstimateError::Halted { gas_limit: limit, reason });
        }
    };
    let succeeds = |gas_limit: u64| match run(state, rules, environment, call, gas_limit) {
        Ok((outcome, _)) => Ok(matches!(outcome, CallOutcome::Returned { .. })),
        Err(CallError::Refused(Refusal::IntrinsicGas { .. })) => Ok(false),
        Err(error) => Err(error),
    };
    // `used` may be too little: refunds come at the end, and a call passes on 63/64 of what it has (EIP-150).
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

/// The most gas the call may have, given what its sender owns.
fn affordable<DB: DatabaseRef>(
    state: &DB,
    environment: &Environment,
    call: &Call,
) -> Result<u64, CallError<DB::Error>> {
    let limit = call.gas_limit.unwrap_or(u64::MAX).min(environment.gas_limit);
    let Some(fee) = call.max_fee_per_gas.filter(|fee| *fee > 0) else { return Ok(limit) };
    let balance = state
        .basic_ref(call.from)
        .map_err(CallError::State)?
        .map_or(U256::ZERO, |account| account.balance);
    let Some(left) = balance.checked_sub(call.value) else {
        return Err(Refusal::InsufficientFunds { needed: call.value, balance }.into());
    };
    Ok(u64::try_from(left / U256::from(fee)).unwrap_or(u64::MAX).min(limit))
}

/// The outcome, and the gas spent before refunds.
fn run<DB: DatabaseRef>(
    state: &DB,
    rules: &Rules,
    environment: &Environment,
    call: &Call,
    gas_limit: u64,
) -> Result<(CallOutcome, u64), CallError<DB::Error>> {
    let free = Environment { base_fee: 0, ..*environment };
    let mut overlay = Overlay::new(state);
    let sender = overlay.basic(call.from).map_err(CallError::State)?;
    let transaction = TxEnv {
        tx_type: if call.authorization_list.is_empty() { 2 } else { 4 },
        caller: call.from,
        gas_limit,
        gas_price: 0,
        kind: call.to,
        value: call.value,
        data: call.data.clone(),
        nonce: sender.map_or(0, |account| account.nonce),
        chain_id: Some(rules.chain_id),
        access_list: call.access_list.clone(),
        gas_priority_fee: Some(0),
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: call.authorization_list.iter().cloned().map(Either::Left).collect(),
    };
    let mut machine = machine(overlay, rules, &free, Nonces::Ignored);
    let result = machine.transact(transaction.clone()).map_err(|error| match error {
        EVMError::Transaction(reason) => {
            CallError::Refused(Refusal::from_machine(reason, &transaction, 0))
        }
        EVMError::Database(error) => CallError::State(error),
        error @ (EVMError::Header(_) | EVMError::Custom(_) | EVMError::CustomAny(_)) => {
            CallError::Refused(Refusal::Fault { reason: error.to_string() })
        }
    })?;
    let spent = result.result.gas().total_gas_spent();
    let gas_used = result.result.tx_gas_used();
    let outcome = match result.result {
        ExecutionResult::Success { output, .. } => {
            CallOutcome::Returned { output: output.into_data(), gas_used }
        }
        ExecutionResult::Revert { output, .. } => CallOutcome::Reverted { output, gas_used },
        ExecutionResult::Halt { reason, .. } => {
            CallOutcome::Halted { reason: format!("{reason:?}"), gas_used }
        }
    };
    Ok((outcome, spent))
}
