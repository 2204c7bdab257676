//! How the contracts of Uniswap v3 move assets.

use abi::{Erc20, GRAIN, asset_number};
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall as _;
use native_kit::{Call, Failure, Host};

use crate::tokens;

/// Transfers an asset, as `TransferHelper.safeTransfer`: no return data counts as success, even without code; everything else that is not `true` is refused
/// with `message`.
pub(super) fn transfer(
    host: &mut dyn Host,
    token: Address,
    to: Address,
    amount: U256,
    message: &str,
) -> Result<(), Failure> {
    if is_native(token) {
        return tokens::transfer(host, token, to, amount).map_err(|failure| with(failure, message));
    }
    let input = Erc20::transferCall { to, value: amount }.abi_encode();
    called(host, token, input, message)
}

/// Returns the module's balance of an asset, as `UniswapV3Pool.balance0`: refuses without a message where the asset does not answer a word.
pub(super) fn balance(host: &mut dyn Host, token: Address) -> Result<U256, Failure> {
    let module = host.module();
    tokens::balance_of(host, token, module).map_err(|failure| match failure {
        Failure::Revert(_) => Failure::Revert(Bytes::new()),
        other => other,
    })
}

/// Returns whether an asset is moved by its rules, without a call.
fn is_native(token: Address) -> bool {
    token == GRAIN || asset_number(&token).is_some()
}

fn called(
    host: &mut dyn Host,
    token: Address,
    input: Vec<u8>,
    message: &str,
) -> Result<(), Failure> {
    let output = host.call(&Call::new(token, input))?.returned();
    let output = output.map_err(|failure| with(failure, message))?;
    if output.is_empty() {
        return Ok(());
    }
    let word = output.get(..32).ok_or_else(|| Failure::Revert(Bytes::new()))?;
    // The original's compiler takes any word but 0 for true.
    if word.iter().any(|byte| *byte != 0) { Ok(()) } else { Err(Failure::message(message)) }
}

/// Replaces a revert by one with a message.
fn with(failure: Failure, message: &str) -> Failure {
    match failure {
        Failure::Revert(_) => Failure::message(message),
        other => other,
    }
}
