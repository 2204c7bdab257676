//! `RewardReserve`: deposits of one token, and claims on it, which its owner draws and holders redeem.
//!
//! Storage is that of the shares, followed by `address owner; address underlying; uint256 undrawn; mapping(address => uint256) fundedBy`.

use abi::{
    RewardReserve::{self, RewardReserveCalls as Calls},
    Shares::SharesCalls,
};
use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall as _, SolInterface as _};
use native_kit::{
    Failure, Function, Host, emit, instance_code,
    slots::{Layout as _, Mapping, Value},
    storage,
};
use staking::reserve::{Reserve, ReserveError};

use crate::{
    openzeppelin::{answer, only_owner, safe_math},
    shares, tokens, vault,
};

pub(crate) const CODE: [u8; 15] = instance_code(abi::REWARD_RESERVE);

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(RewardReserve::ownerCall::SELECTOR),
    Function::view(RewardReserve::underlyingCall::SELECTOR),
    Function::view(RewardReserve::undrawnCall::SELECTOR),
    Function::view(RewardReserve::fundedByCall::SELECTOR),
    Function::nonpayable(RewardReserve::fundCall::SELECTOR),
    Function::nonpayable(RewardReserve::mintCall::SELECTOR),
    Function::nonpayable(RewardReserve::withdrawToCall::SELECTOR),
];

storage! {
    struct Storage {
        owner: Value<Address>,
        underlying: Value<Address>,
        undrawn: Value<U256>,
        funded_by: Mapping<Address, Value<U256>>,
    }
}

fn stored() -> Storage {
    Storage::at(U256::from(shares::NEXT_SLOT), 0)
}

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let selector = input.first_chunk().copied().unwrap_or_default();
    let bad = |_| Failure::bad_call();
    if SharesCalls::valid_selector(selector) {
        let call = native_kit::decode::<SharesCalls>(input).map_err(bad)?;
        return shares::call(host, call, |host| {
            let underlying = stored().underlying.get(host)?;
            vault::decimals_of(host, underlying)
        });
    }
    let call = native_kit::decode::<Calls>(input).map_err(bad)?;
    Ok(match call {
        Calls::owner(_) => answer(stored().owner.get(host)?),
        Calls::underlying(_) => answer(stored().underlying.get(host)?),
        Calls::undrawn(_) => answer(stored().undrawn.get(host)?),
        Calls::fundedBy(call) => answer(stored().funded_by.of(host, call.account)?.get(host)?),
        Calls::fund(call) => answer(fund(host, call.amount)?),
        Calls::mint(call) => {
            mint(host, call.to, call.amount)?;
            Vec::new()
        }
        Calls::withdrawTo(call) => {
            withdraw_to(host, call.account, call.amount)?;
            answer(true)
        }
    })
}

/// Returns what is undrawn of a reserve; for the farm, which promises no more.
pub(crate) fn undrawn_of(host: &mut dyn Host, reserve: Address) -> Result<U256, Failure> {
    stored().undrawn.get_of(host, reserve)
}

/// Writes the variables of a new reserve.
pub(crate) fn begin(
    host: &mut dyn Host,
    reserve: Address,
    owner: Address,
    underlying: Address,
) -> Result<(), Failure> {
    stored().owner.set_of(host, reserve, owner)?;
    stored().underlying.set_of(host, reserve, underlying)
}

fn fund(host: &mut dyn Host, amount: U256) -> Result<U256, Failure> {
    let from = host.caller();
    let underlying = stored().underlying.get(host)?;
    // Interaction first: only then is it known what has arrived. The lock is held.
    let received = tokens::receive(host, underlying, from, amount)?;
    let mut reserve = load(host)?;
    reserve.fund(received).map_err(refused)?;
    stored().undrawn.set(host, reserve.undrawn)?;
    let funded = stored().funded_by.of(host, from)?;
    let sum = funded.get(host)?.saturating_add(received);
    funded.set(host, sum)?;
    emit(host, &RewardReserve::Funded { from, amount: received })?;
    Ok(received)
}

fn mint(host: &mut dyn Host, to: Address, amount: U256) -> Result<(), Failure> {
    only_owner(host, stored().owner)?;
    if to.is_zero() {
        return Err(Failure::message("ERC20: mint to the zero address"));
    }
    let mut reserve = load(host)?;
    reserve.draw(amount).map_err(refused)?;
    stored().undrawn.set(host, reserve.undrawn)?;
    shares::mint(host, to, amount)
}

fn withdraw_to(host: &mut dyn Host, account: Address, amount: U256) -> Result<(), Failure> {
    let holder = host.caller();
    shares::burn(host, holder, amount)?;
    let underlying = stored().underlying.get(host)?;
    tokens::transfer(host, underlying, account, amount)
}

fn load(host: &mut dyn Host) -> Result<Reserve, Failure> {
    let undrawn = stored().undrawn.get(host)?;
    Ok(Reserve { undrawn, claims: shares::stored().total_supply.get(host)? })
}

fn refused(error: ReserveError) -> Failure {
    match error {
        ReserveError::Math(error) => safe_math(error),
        ReserveError::NotFunded { amount, undrawn } => {
            Failure::revert(&RewardReserve::ReserveNotFunded { amount, undrawn })
        }
    }
}
