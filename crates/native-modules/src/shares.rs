//! The ERC-20 of vaults and reserves: shares and claims.
//!
//! Source: OpenZeppelin Contracts 5.4, `ERC20.sol`: its storage, its errors, its order of checks. Unlike an issued asset, a
//! share can be sent to the contract itself, as there.

use abi::Shares::{self, SharesCalls as Calls};
use alloy_primitives::{Address, U256};
use alloy_sol_types::{PanicKind, SolCall as _};
use native_kit::{
    Failure, Function, Host, emit,
    slots::{Layout as _, Mapping, Text, Value},
    storage,
};

use crate::openzeppelin::answer;

/// None is locked: the contracts leave them open, too.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(Shares::nameCall::SELECTOR),
    Function::view(Shares::symbolCall::SELECTOR),
    Function::view(Shares::decimalsCall::SELECTOR),
    Function::view(Shares::totalSupplyCall::SELECTOR),
    Function::view(Shares::balanceOfCall::SELECTOR),
    Function::view(Shares::allowanceCall::SELECTOR),
    Function::nonpayable(Shares::transferCall::SELECTOR).unlocked(),
    Function::nonpayable(Shares::approveCall::SELECTOR).unlocked(),
    Function::nonpayable(Shares::transferFromCall::SELECTOR).unlocked(),
];

/// An allowance that is not used up.
const UNLIMITED: U256 = U256::MAX;

storage! {
    pub(crate) struct Storage {
        balances: Mapping<Address, Value<U256>>,
        allowances: Mapping<Address, Mapping<Address, Value<U256>>>,
        pub(crate) total_supply: Value<U256>,
        pub(crate) name: Text,
        pub(crate) symbol: Text,
    }
}

/// First slot after the variables above, for the contract that inherits them.
pub(crate) const NEXT_SLOT: u64 = 5;

pub(crate) fn stored() -> Storage {
    Storage::at(U256::ZERO, 0)
}

/// Executes a call; `decimals` is the inheriting contract's.
pub(crate) fn call(
    host: &mut dyn Host,
    call: Calls,
    decimals: impl FnOnce(&mut dyn Host) -> Result<u8, Failure>,
) -> Result<Vec<u8>, Failure> {
    let caller = host.caller();
    Ok(match call {
        Calls::name(_) => Shares::nameCall::abi_encode_returns(&stored().name.get(host)?),
        Calls::symbol(_) => Shares::symbolCall::abi_encode_returns(&stored().symbol.get(host)?),
        Calls::decimals(_) => answer(decimals(host)?),
        Calls::totalSupply(_) => answer(stored().total_supply.get(host)?),
        Calls::balanceOf(call) => answer(balance_of(host, call.account)?),
        Calls::allowance(call) => {
            answer(stored().allowances.of(host, call.owner)?.of(host, call.spender)?.get(host)?)
        }
        Calls::transfer(call) => {
            transfer(host, caller, call.to, call.value)?;
            answer(true)
        }
        Calls::approve(call) => {
            let (spender, value) = (call.spender, call.value);
            approve(host, caller, spender, value)?;
            emit(host, &Shares::Approval { owner: caller, spender, value })?;
            answer(true)
        }
        Calls::transferFrom(call) => {
            spend_allowance(host, call.from, caller, call.value)?;
            transfer(host, call.from, call.to, call.value)?;
            answer(true)
        }
    })
}

pub(crate) fn balance_of(host: &mut dyn Host, account: Address) -> Result<U256, Failure> {
    stored().balances.of(host, account)?.get(host)
}

/// Creates `value` for `to`.
pub(crate) fn mint(host: &mut dyn Host, to: Address, value: U256) -> Result<(), Failure> {
    if to.is_zero() {
        return Err(Failure::revert(&Shares::ERC20InvalidReceiver { receiver: to }));
    }
    let supply = stored().total_supply;
    let more = supply.get(host)?.checked_add(value);
    supply.set(host, more.ok_or_else(|| Failure::panic(PanicKind::UnderOverflow))?)?;
    credit(host, to, value)?;
    emit(host, &Shares::Transfer { from: Address::ZERO, to, value })
}

/// Destroys `value` of `from`.
pub(crate) fn burn(host: &mut dyn Host, from: Address, value: U256) -> Result<(), Failure> {
    if from.is_zero() {
        return Err(Failure::revert(&Shares::ERC20InvalidSender { sender: from }));
    }
    debit(host, from, value)?;
    let supply = stored().total_supply;
    let less = supply.get(host)?.checked_sub(value);
    let less = less.ok_or_else(|| Failure::Broken("a balance is above the supply".to_owned()))?;
    supply.set(host, less)?;
    emit(host, &Shares::Transfer { from, to: Address::ZERO, value })
}

/// Uses `value` of an allowance, unless it is unlimited.
pub(crate) fn spend_allowance(
    host: &mut dyn Host,
    owner: Address,
    spender: Address,
    value: U256,
) -> Result<(), Failure> {
    let allowance = stored().allowances.of(host, owner)?.of(host, spender)?.get(host)?;
    if allowance == UNLIMITED {
        return Ok(());
    }
    let left = allowance.checked_sub(value).ok_or_else(|| {
        Failure::revert(&Shares::ERC20InsufficientAllowance { spender, allowance, needed: value })
    })?;
    approve(host, owner, spender, left)
}

fn transfer(host: &mut dyn Host, from: Address, to: Address, value: U256) -> Result<(), Failure> {
    if from.is_zero() {
        return Err(Failure::revert(&Shares::ERC20InvalidSender { sender: from }));
    }
    if to.is_zero() {
        return Err(Failure::revert(&Shares::ERC20InvalidReceiver { receiver: to }));
    }
    debit(host, from, value)?;
    credit(host, to, value)?;
    emit(host, &Shares::Transfer { from, to, value })
}

fn approve(
    host: &mut dyn Host,
    owner: Address,
    spender: Address,
    value: U256,
) -> Result<(), Failure> {
    if owner.is_zero() {
        return Err(Failure::revert(&Shares::ERC20InvalidApprover { approver: owner }));
    }
    if spender.is_zero() {
        return Err(Failure::revert(&Shares::ERC20InvalidSpender { spender }));
    }
    stored().allowances.of(host, owner)?.of(host, spender)?.set(host, value)
}

fn debit(host: &mut dyn Host, from: Address, value: U256) -> Result<(), Failure> {
    let slot = stored().balances.of(host, from)?;
    let balance = slot.get(host)?;
    let left = balance.checked_sub(value).ok_or_else(|| {
        let needed = value;
        Failure::revert(&Shares::ERC20InsufficientBalance { sender: from, balance, needed })
    })?;
    slot.set(host, left)
}

/// Below the supply, so the sum fits.
fn credit(host: &mut dyn Host, to: Address, value: U256) -> Result<(), Failure> {
    let slot = stored().balances.of(host, to)?;
    let sum = slot.get(host)?.checked_add(value);
    slot.set(host, sum.ok_or_else(|| Failure::Broken("a balance is above the supply".to_owned()))?)
}
