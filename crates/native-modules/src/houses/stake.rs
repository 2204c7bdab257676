//! `StakeHouse`: votes by deposited GRAIN.

use abi::{
    StakeHouse::{self, StakeHouseCalls},
    Votes::VotesCalls,
    convert::account,
};
use alloy_primitives::U256;
use alloy_sol_types::SolCall as _;
use governance::{
    RECEIVED_CAP,
    votes::{self, House},
};
use native_kit::{Failure, Function, Host, emit};
use units::{AccountId, Bps};

use super::{Face, HostBook, emit_changes, now, seconds};
use crate::{openzeppelin::answer, parameters};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::payable(StakeHouse::depositCall::SELECTOR),
    Function::nonpayable(StakeHouse::withdrawCall::SELECTOR),
    Function::view(StakeHouse::lockedUntilCall::SELECTOR),
];

const FACE: Face =
    Face { name: "Gleaner Stake House", symbol: "STAKE", decimals: 18, house, delegate };

/// For what reads no votes: the cap is applied when they are read.
const UNCAPPED: House = House::stake(Bps::WHOLE);

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    if let Ok(call) = native_kit::decode::<VotesCalls>(input) {
        return super::call(host, &FACE, &call);
    }
    let call = native_kit::decode::<StakeHouseCalls>(input).map_err(|_| Failure::bad_call())?;
    match call {
        StakeHouseCalls::deposit(_) => {
            deposit(host)?;
            Ok(Vec::new())
        }
        StakeHouseCalls::withdraw(call) => {
            withdraw(host, call.amount)?;
            Ok(Vec::new())
        }
        StakeHouseCalls::lockedUntil(call) => {
            let until = votes::locked_until(&mut HostBook(host), account(call.account))?;
            Ok(answer(seconds(until)))
        }
    }
}

fn house(host: &mut dyn Host) -> Result<House, Failure> {
    let share = parameters::load(host, &RECEIVED_CAP)?;
    let share = u16::try_from(share).ok().and_then(|share| Bps::new(share).ok());
    let share = share.ok_or_else(|| Failure::Broken("a cap is above the whole".to_owned()))?;
    Ok(House::stake(share))
}

fn deposit(host: &mut dyn Host) -> Result<(), Failure> {
    let (now, holder, amount) = (now(host), host.caller(), host.value());
    let changes = votes::credit(&mut HostBook(host), &UNCAPPED, now, account(holder), amount)?;
    emit(host, &StakeHouse::Deposited { account: holder, amount })?;
    emit_changes(host, &changes)
}

fn withdraw(host: &mut dyn Host, amount: U256) -> Result<(), Failure> {
    let (now, holder) = (now(host), host.caller());
    let changes = votes::debit(&mut HostBook(host), &UNCAPPED, now, account(holder), amount)?;
    host.pay(holder, amount)?;
    emit(host, &StakeHouse::Withdrawn { account: holder, amount })?;
    emit_changes(host, &changes)
}

fn delegate(host: &mut dyn Host, holder: AccountId, to: AccountId) -> Result<(), Failure> {
    let now = now(host);
    let changes = votes::delegate(&mut HostBook(host), &UNCAPPED, now, holder, to)?;
    emit_changes(host, &changes)
}
