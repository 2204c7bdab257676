//! The same functions for modules to move any ERC-20.
//!
//! GRAIN and issued assets are moved by their rules, without a frame: same checks, same events, no ABI encoding.
//! Every other token is called, with the tolerance of OpenZeppelin's `SafeERC20`: no return data counts as success if
//! there is code, `false` is a failure, and a token's own revert is passed on. The amount that a token with fees or
//! rebasing really moved is the difference of balances: [`receive`] returns it.
//!
//! A deployed token is foreign code: it may call back. Modules must move tokens under their lock, after storing their
//! own state.
//!
//! Source: OpenZeppelin Contracts 5, `SafeERC20.sol`, `_callOptionalReturn`.

use abi::{Erc20, GRAIN, ModuleErrors, asset_number, convert::account};
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use assets::Book;
use native_kit::{Call, Failure, Host};

use crate::{
    assets::issued::Asset,
    ended::Ended,
    erc20::{Described, emit_approval, emit_transfer},
    grain::Grain,
};

/// Transfers `amount` of the module's balance to `to`.
///
/// # Errors
/// Those of the token; `SafeERC20FailedOperation` if it returns `false` or malformed data, or has no code.
pub fn transfer(
    host: &mut dyn Host,
    token: Address,
    to: Address,
    amount: U256,
) -> Result<(), Failure> {
    let module = account(host.module());
    match Kind::of(host, token)? {
        Kind::Grain => move_native(&mut Grain { host }, |book| {
            assets::transfer(book, module, account(to), amount)
        }),
        Kind::Issued => move_native(&mut Asset { host, address: token }, |book| {
            assets::transfer(book, module, account(to), amount)
        }),
        Kind::Deployed => call(host, token, Erc20::transferCall { to, value: amount }.abi_encode()),
    }
}

/// Moves `amount` from `from` to `to` by the allowance that `from` has given the module.
///
/// # Errors
/// As [`transfer`].
pub fn transfer_from(
    host: &mut dyn Host,
    token: Address,
    (from, to): (Address, Address),
    amount: U256,
) -> Result<(), Failure> {
    let module = account(host.module());
    let (payer, payee) = (account(from), account(to));
    match Kind::of(host, token)? {
        Kind::Grain => move_native(&mut Grain { host }, |book| {
            assets::transfer_from(book, module, payer, payee, amount)
        }),
        Kind::Issued => move_native(&mut Asset { host, address: token }, |book| {
            assets::transfer_from(book, module, payer, payee, amount)
        }),
        Kind::Deployed => {
            call(host, token, Erc20::transferFromCall { from, to, value: amount }.abi_encode())
        }
    }
}

/// Moves `amount` from `from` to the module by its allowance and returns the amount received, which is smaller for a
/// token with fees.
///
/// # Errors
/// As [`transfer`]; `SafeERC20FailedOperation` if the module's balance is lower afterwards than before.
pub fn receive(
    host: &mut dyn Host,
    token: Address,
    from: Address,
    amount: U256,
) -> Result<U256, Failure> {
    let module = host.module();
    let before = balance_of(host, token, module)?;
    transfer_from(host, token, (from, module), amount)?;
    let after = balance_of(host, token, module)?;
    after.checked_sub(before).ok_or_else(|| failed(token))
}

/// Approves `amount` of the module's balance for `spender`.
///
/// # Errors
/// As [`transfer`].
pub fn approve(
    host: &mut dyn Host,
    token: Address,
    spender: Address,
    amount: U256,
) -> Result<(), Failure> {
    let module = account(host.module());
    match Kind::of(host, token)? {
        Kind::Grain => {
            let mut book = Grain { host };
            let approved = assets::approve(&mut book, module, account(spender), amount)?;
            emit_approval(&mut book, &approved)
        }
        Kind::Issued => {
            let mut book = Asset { host, address: token };
            let approved = assets::approve(&mut book, module, account(spender), amount)?;
            emit_approval(&mut book, &approved)
        }
        Kind::Deployed => {
            call(host, token, Erc20::approveCall { spender, value: amount }.abi_encode())
        }
    }
}

/// Returns the balance of `holder`.
///
/// # Errors
/// Those of the token; an empty revert if it has no code or returns less than a word, as Solidity's high-level call does.
pub fn balance_of(host: &mut dyn Host, token: Address, holder: Address) -> Result<U256, Failure> {
    match Kind::of(host, token)? {
        Kind::Grain => host.balance(holder),
        Kind::Issued => {
            Asset { host, address: token }.balance(account(holder)).map_err(Failure::from)
        }
        Kind::Deployed => {
            let input = Erc20::balanceOfCall { account: holder }.abi_encode();
            let output = host.call(&Call::reading(token, input))?.returned()?;
            let word = output.get(..32).ok_or_else(|| Failure::Revert(Bytes::new()))?;
            Ok(U256::from_be_slice(word))
        }
    }
}

/// How a token is moved.
enum Kind {
    Grain,
    Issued,
    Deployed,
}

impl Kind {
    /// Returns the kind of a token, for the gas of accessing its account.
    fn of(host: &mut dyn Host, token: Address) -> Result<Self, Failure> {
        if token == GRAIN {
            return Ok(Self::Grain);
        }
        if asset_number(&token).is_none() {
            return Ok(Self::Deployed);
        }
        // An account without code at an address of assets is an asset that does not exist.
        if host.has_code(token)? { Ok(Self::Issued) } else { Err(failed(token)) }
    }
}

fn move_native<B: Described>(
    book: &mut B,
    rule: impl FnOnce(&mut B) -> Result<assets::Transferred, Ended>,
) -> Result<(), Failure> {
    let moved = rule(book)?;
    emit_transfer(book, &moved)
}

/// Calls a deployed token.
fn call(host: &mut dyn Host, token: Address, input: Vec<u8>) -> Result<(), Failure> {
    let output = host.call(&Call::new(token, input))?.returned()?;
    let is_done = if output.is_empty() {
        host.has_code(token)?
    } else {
        output.get(..32).is_some_and(|word| U256::from_be_slice(word) == U256::ONE)
    };
    if is_done { Ok(()) } else { Err(failed(token)) }
}

fn failed(token: Address) -> Failure {
    Failure::revert(&ModuleErrors::SafeERC20FailedOperation { token })
}
