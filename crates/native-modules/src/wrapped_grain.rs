//! `WrappedGrain`: GRAIN as WETH9 wraps ether.
//!
//! It keeps balances of its own and holds as much GRAIN, as WETH9 does. A face without balances, that shows those of GRAIN, would be
//! smaller, but contracts rely on what it can't do: a deposit moves value *into* the contract, and the wrapped balance of a
//! contract is apart from the value it holds. The router's own refunds are computed from that. Who wants no wrapping trades GRAIN
//! itself: it is an ERC-20 and can be in a pair.
//!
//! Storage is WETH9's: balances at slot 3, allowances at slot 4. Slots 0 to 2, there name, symbol and decimals, are constants here.
//! Differences: name and symbol; what the kit refuses has the kit's errors.

use abi::WrappedGrain::{self, WrappedGrainCalls as Calls};
use alloy_primitives::{Address, Bytes, U256, uint};
use alloy_sol_types::{SolCall, SolInterface as _};
use native_kit::{
    Call, Failure, Function, Host, emit,
    slots::{Mapping, Value},
};

use crate::table::LEAN_MARKETS;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(WrappedGrain::nameCall::SELECTOR),
    Function::view(WrappedGrain::symbolCall::SELECTOR),
    Function::view(WrappedGrain::decimalsCall::SELECTOR),
    Function::view(WrappedGrain::totalSupplyCall::SELECTOR),
    Function::view(WrappedGrain::balanceOfCall::SELECTOR),
    Function::view(WrappedGrain::allowanceCall::SELECTOR),
    Function::payable(WrappedGrain::depositCall::SELECTOR).unlocked(),
    Function::nonpayable(WrappedGrain::withdrawCall::SELECTOR).unlocked(),
    Function::nonpayable(WrappedGrain::approveCall::SELECTOR).unlocked(),
    Function::nonpayable(WrappedGrain::transferCall::SELECTOR).unlocked(),
    Function::nonpayable(WrappedGrain::transferFromCall::SELECTOR).unlocked(),
    Function::fallback(),
];

const NAME: &str = "Wrapped Grain";
const SYMBOL: &str = "WGRAIN";
const DECIMALS: u8 = 18;
/// `mapping(address owner => uint256)`.
const BALANCES: Mapping<Address, Value<U256>> = Mapping::new(uint!(3_U256));
/// `mapping(address owner => mapping(address spender => uint256))`.
const ALLOWANCES: Mapping<Address, Mapping<Address, Value<U256>>> = Mapping::new(uint!(4_U256));

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let is_named = input.first_chunk().is_some_and(|selector| Calls::valid_selector(*selector));
    if !is_named {
        return deposit(host).map(|()| Vec::new());
    }
    let call = Calls::abi_decode(input).map_err(|_| empty())?;
    let caller = host.caller();
    Ok(match call {
        Calls::name(_) => WrappedGrain::nameCall::abi_encode_returns(&NAME.to_owned()),
        Calls::symbol(_) => WrappedGrain::symbolCall::abi_encode_returns(&SYMBOL.to_owned()),
        Calls::decimals(_) => WrappedGrain::decimalsCall::abi_encode_returns(&DECIMALS),
        Calls::totalSupply(_) => {
            let module = host.module();
            WrappedGrain::totalSupplyCall::abi_encode_returns(&host.balance(module)?)
        }
        Calls::balanceOf(call) => {
            let balance = BALANCES.of(host, call.owner)?.get(host)?;
            WrappedGrain::balanceOfCall::abi_encode_returns(&balance)
        }
        Calls::allowance(call) => {
            let allowance = ALLOWANCES.of(host, call.owner)?.of(host, call.spender)?.get(host)?;
            WrappedGrain::allowanceCall::abi_encode_returns(&allowance)
        }
        Calls::deposit(_) => {
            deposit(host)?;
            Vec::new()
        }
        Calls::withdraw(call) => {
            withdraw(host, call.wad)?;
            Vec::new()
        }
        Calls::approve(call) => {
            let (src, guy, wad) = (caller, call.guy, call.wad);
            ALLOWANCES.of(host, src)?.of(host, guy)?.set(host, wad)?;
            emit(host, &WrappedGrain::Approval { src, guy, wad })?;
            WrappedGrain::approveCall::abi_encode_returns(&true)
        }
        Calls::transfer(call) => {
            transfer_from(host, (caller, call.dst), call.wad)?;
            WrappedGrain::transferCall::abi_encode_returns(&true)
        }
        Calls::transferFrom(call) => {
            transfer_from(host, (call.src, call.dst), call.wad)?;
            WrappedGrain::transferFromCall::abi_encode_returns(&true)
        }
    })
}

fn deposit(host: &mut dyn Host) -> Result<(), Failure> {
    let (dst, wad) = (host.caller(), host.value());
    BALANCES.of(host, dst)?.update(host, |held| Ok(held.wrapping_add(wad)))?;
    emit(host, &WrappedGrain::Deposit { dst, wad })
}

fn withdraw(host: &mut dyn Host, wad: U256) -> Result<(), Failure> {
    let src = host.caller();
    BALANCES.of(host, src)?.update(host, |held| held.checked_sub(wad).ok_or_else(empty))?;
    // Solidity's `transfer`: no gas but the stipend, which a call without value does not have.
    let gas_limit = Some(if wad.is_zero() { STIPEND } else { 0 });
    host.call(&Call { value: wad, gas_limit, ..Call::new(src, Bytes::new()) })?.returned()?;
    emit(host, &WrappedGrain::Withdrawal { src, wad })
}

/// Gas that a call with value has for its callee.
const STIPEND: u64 = 2_300;

/// Moves wrapped GRAIN. The sender's own needs no allowance.
fn transfer_from(
    host: &mut dyn Host,
    (src, dst): (Address, Address),
    wad: U256,
) -> Result<(), Failure> {
    let from = BALANCES.of(host, src)?;
    if host.revision() < LEAN_MARKETS {
        from.update(host, |held| held.checked_sub(wad).ok_or_else(empty))?;
        spend_allowance(host, src, wad)?;
    } else {
        let held = from.get(host)?;
        let rest = held.checked_sub(wad).ok_or_else(empty)?;
        spend_allowance(host, src, wad)?;
        if rest != held {
            host.store(from.slot(), rest)?;
        }
    }
    // Read after the sender's is written: they may be the same.
    BALANCES.of(host, dst)?.update(host, |held| Ok(held.wrapping_add(wad)))?;
    emit(host, &WrappedGrain::Transfer { src, dst, wad })
}

/// Uses an allowance, unless it is unlimited or the caller moves its own.
fn spend_allowance(host: &mut dyn Host, src: Address, wad: U256) -> Result<(), Failure> {
    let spender = host.caller();
    if src == spender {
        return Ok(());
    }
    ALLOWANCES.of(host, src)?.of(host, spender)?.update(host, |allowed| match allowed {
        U256::MAX => Ok(allowed),
        limited => limited.checked_sub(wad).ok_or_else(empty),
    })
}

fn empty() -> Failure {
    Failure::Revert(Bytes::new())
}
