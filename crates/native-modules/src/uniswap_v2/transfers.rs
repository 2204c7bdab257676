//! Assets as Uniswap's contracts move them: more tolerant than `tokens`, with their own messages.
//!
//! No return data counts as success, also of an account without code; so does a first word that is not zero. Whatever goes wrong in
//! the asset ends with the contract's own message. GRAIN and issued assets move by their rules, without a frame.

use abi::{Erc20, GRAIN, asset_number};
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use native_kit::{Call, Failure, Host, Outcome};

use super::empty;
use crate::tokens;

pub(super) use crate::tokens::balance_of;

/// Transfers `amount` of the module's balance to `to`.
///
/// # Errors
/// `message`; empty if the asset returns between 1 and 31 bytes.
pub(crate) fn send(
    host: &mut dyn Host,
    asset: Address,
    (to, amount): (Address, U256),
    message: &str,
) -> Result<(), Failure> {
    if is_native(host, asset)? {
        return named(tokens::transfer(host, asset, to, amount), message);
    }
    let input = Erc20::transferCall { to, value: amount }.abi_encode();
    call_tolerantly(host, asset, input, message)
}

/// Moves `amount` from `from` to `to` by the allowance that `from` has given the module.
///
/// # Errors
/// As [`send`].
pub(crate) fn take(
    host: &mut dyn Host,
    asset: Address,
    (from, to): (Address, Address),
    amount: U256,
    message: &str,
) -> Result<(), Failure> {
    if is_native(host, asset)? {
        return named(tokens::transfer_from(host, asset, (from, to), amount), message);
    }
    let input = Erc20::transferFromCall { from, to, value: amount }.abi_encode();
    call_tolerantly(host, asset, input, message)
}

/// Sends GRAIN with all gas that is left, as `to.call{value: amount}("")`.
///
/// # Errors
/// `TransferHelper: ETH_TRANSFER_FAILED`.
pub(super) fn send_grain(host: &mut dyn Host, to: Address, amount: U256) -> Result<(), Failure> {
    match host.call(&Call { value: amount, ..Call::new(to, Bytes::new()) })? {
        Outcome::Returned(_) => Ok(()),
        Outcome::Reverted(_) | Outcome::Halted => {
            Err(Failure::message("TransferHelper: ETH_TRANSFER_FAILED"))
        }
    }
}

fn is_native(host: &mut dyn Host, asset: Address) -> Result<bool, Failure> {
    if asset == GRAIN {
        return Ok(true);
    }
    Ok(asset_number(&asset).is_some() && host.has_code(asset)?)
}

fn named(result: Result<(), Failure>, message: &str) -> Result<(), Failure> {
    result.map_err(|failure| match failure {
        Failure::Revert(_) => Failure::message(message),
        Failure::OutOfGas | Failure::WriteProtection | Failure::Broken(_) | Failure::Database => {
            failure
        }
    })
}

fn call_tolerantly(
    host: &mut dyn Host,
    asset: Address,
    input: Vec<u8>,
    message: &str,
) -> Result<(), Failure> {
    let Outcome::Returned(output) = host.call(&Call::new(asset, input))? else {
        return Err(Failure::message(message));
    };
    if output.is_empty() {
        return Ok(());
    }
    let word = output.first_chunk::<32>().ok_or_else(empty)?;
    if word.iter().all(|byte| *byte == 0) { Err(Failure::message(message)) } else { Ok(()) }
}
