//! `Brake`: who would rather leave than live with a decision locks GRAIN, and so delays it.

use abi::{
    Brake::{self, BrakeCalls as Calls},
    GOVERNOR,
};
use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, sol};
use governance::brake::{self, BrakeError, check_release};
use native_kit::{
    Call, Failure, Function, Host, emit,
    slots::{Layout as _, Mapping, Value},
    storage,
};

use crate::GRAIN_SUPPLY;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(Brake::delayOfCall::SELECTOR),
    Function::view(Brake::totalOfCall::SELECTOR),
    Function::view(Brake::lockOfCall::SELECTOR),
    Function::payable(Brake::lockCall::SELECTOR),
    Function::nonpayable(Brake::releaseCall::SELECTOR),
];

/// The state of a proposal that waits for its execution, in OpenZeppelin's `IGovernor.ProposalState`.
const QUEUED: u8 = 5;

sol! {
    function state(uint256 proposal) external view returns (uint8);
    function proposalEta(uint256 proposal) external view returns (uint256);
}

storage! {
    struct Storage {
        totals: Mapping<U256, Value<U256>>,
        locks: Mapping<U256, Mapping<Address, StoredLock>>,
    }
}

storage! {
    struct StoredLock {
        amount: Value<U256>,
        until: Value<u64>,
    }
}

fn stored() -> Storage {
    Storage::at(U256::ZERO, 0)
}

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let call = native_kit::decode::<Calls>(input).map_err(|_| Failure::bad_call())?;
    Ok(match call {
        Calls::lock(call) => {
            lock(host, call.proposal)?;
            Vec::new()
        }
        Calls::release(call) => {
            Brake::releaseCall::abi_encode_returns(&release(host, call.proposal)?)
        }
        Calls::delayOf(call) => {
            let supply = supply(host)?;
            let delay = load(host, call.proposal)?.delay_seconds(supply);
            Brake::delayOfCall::abi_encode_returns(&delay)
        }
        Calls::totalOf(call) => {
            Brake::totalOfCall::abi_encode_returns(&load(host, call.proposal)?.total)
        }
        Calls::lockOf(call) => {
            let slots = stored().locks.of(host, call.proposal)?.of(host, call.account)?;
            let (amount, until) = (slots.amount.get(host)?, slots.until.get(host)?);
            Brake::lockOfCall::abi_encode_returns(&Brake::lockOfReturn { amount, until })
        }
    })
}

fn lock(host: &mut dyn Host, proposal: U256) -> Result<(), Failure> {
    let (account, amount, now) = (host.caller(), host.value(), host.timestamp());
    // Checks.
    let eta = eta(host, proposal)?;
    let supply = supply(host)?;
    let mut brake = load(host, proposal)?;
    let until = brake.lock(amount, supply, eta, now).map_err(refused)?;
    // Effects.
    stored().totals.of(host, proposal)?.set(host, brake.total)?;
    let slots = stored().locks.of(host, proposal)?.of(host, account)?;
    let sum = slots.amount.get(host)?.checked_add(amount);
    slots.amount.set(host, sum.ok_or_else(|| refused(BrakeError::Overflow))?)?;
    let until = slots.until.get(host)?.max(until);
    slots.until.set(host, until)?;
    let delay = brake.delay_seconds(supply);
    emit(host, &Brake::Locked { proposal, account, amount, until, delay })
}

fn release(host: &mut dyn Host, proposal: U256) -> Result<U256, Failure> {
    let account = host.caller();
    let slots = stored().locks.of(host, proposal)?.of(host, account)?;
    let (amount, until) = (slots.amount.get(host)?, slots.until.get(host)?);
    check_release(amount, until, host.timestamp()).map_err(refused)?;
    // The proposal's total stays: it is over, and its delay is part of what happened.
    slots.amount.set(host, U256::ZERO)?;
    slots.until.set(host, 0)?;
    host.pay(account, amount)?;
    emit(host, &Brake::Released { proposal, account, amount })?;
    Ok(amount)
}

/// Returns from when on a queued proposal may be executed, its delay not counted.
fn eta(host: &mut dyn Host, proposal: U256) -> Result<u64, Failure> {
    let not_queued = || Failure::revert(&Brake::NotQueued { proposal });
    if ask(host, &stateCall { proposal })?.is_none_or(|state| state != QUEUED) {
        return Err(not_queued());
    }
    let eta = ask(host, &proposalEtaCall { proposal })?.ok_or_else(not_queued)?;
    u64::try_from(eta).map_err(|_| not_queued())
}

/// Asks the Governor; `None` if it refuses.
fn ask<C: SolCall>(host: &mut dyn Host, call: &C) -> Result<Option<C::Return>, Failure> {
    let outcome = host.call(&Call::reading(GOVERNOR, call.abi_encode()))?;
    let Ok(returned) = outcome.returned() else { return Ok(None) };
    Ok(C::abi_decode_returns(&returned).ok())
}

/// Returns what is locked against a proposal; for the Governor too.
pub(crate) fn load(host: &mut dyn Host, proposal: U256) -> Result<brake::Brake, Failure> {
    let total = stored().totals.of(host, proposal)?.get_of(host, abi::BRAKE)?;
    Ok(brake::Brake { total })
}

fn supply(host: &mut dyn Host) -> Result<U256, Failure> {
    host.load_of(GRAIN_SUPPLY.0, GRAIN_SUPPLY.1)
}

fn refused(error: BrakeError) -> Failure {
    match error {
        BrakeError::TooLittle { amount, least } => {
            Failure::revert(&Brake::TooLittle { amount, least })
        }
        BrakeError::TooLate { due, now } => Failure::revert(&Brake::TooLate { due, current: now }),
        BrakeError::Locked { until, now } => {
            Failure::revert(&Brake::StillLocked { until, current: now })
        }
        BrakeError::Nothing => Failure::revert(&Brake::NothingLocked {}),
        BrakeError::Overflow => Failure::revert(&Brake::SumTooLarge {}),
    }
}
