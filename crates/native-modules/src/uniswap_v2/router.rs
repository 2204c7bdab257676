//! The router: swaps along paths, and liquidity, within limits. It has no storage and no lock.

mod library;
mod liquidity;
mod swaps;

use ::amm::constant_product::check_deadline;
use abi::{
    UNISWAP_V2_FACTORY, UniswapV2Router02 as Router,
    UniswapV2Router02::UniswapV2Router02Calls as Calls, WRAPPED_GRAIN, WrappedGrain,
};
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall, SolInterface as _};
use native_kit::{Call, Failure, Function, Host};

use super::{empty, transfers};
use library::{amount_in, amount_out, amounts_in, amounts_out, quote};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(Router::factoryCall::SELECTOR),
    Function::view(Router::WETHCall::SELECTOR),
    Function::view(Router::quoteCall::SELECTOR),
    Function::view(Router::getAmountOutCall::SELECTOR),
    Function::view(Router::getAmountInCall::SELECTOR),
    Function::view(Router::getAmountsOutCall::SELECTOR),
    Function::view(Router::getAmountsInCall::SELECTOR),
    Function::nonpayable(Router::addLiquidityCall::SELECTOR).unlocked(),
    Function::payable(Router::addLiquidityETHCall::SELECTOR).unlocked(),
    Function::nonpayable(Router::removeLiquidityCall::SELECTOR).unlocked(),
    Function::nonpayable(Router::removeLiquidityETHCall::SELECTOR).unlocked(),
    Function::nonpayable(Router::removeLiquidityWithPermitCall::SELECTOR).unlocked(),
    Function::nonpayable(Router::removeLiquidityETHWithPermitCall::SELECTOR).unlocked(),
    Function::nonpayable(Router::removeLiquidityETHSupportingFeeOnTransferTokensCall::SELECTOR)
        .unlocked(),
    Function::nonpayable(
        Router::removeLiquidityETHWithPermitSupportingFeeOnTransferTokensCall::SELECTOR,
    )
    .unlocked(),
    Function::nonpayable(Router::swapExactTokensForTokensCall::SELECTOR).unlocked(),
    Function::nonpayable(Router::swapTokensForExactTokensCall::SELECTOR).unlocked(),
    Function::payable(Router::swapExactETHForTokensCall::SELECTOR).unlocked(),
    Function::nonpayable(Router::swapTokensForExactETHCall::SELECTOR).unlocked(),
    Function::nonpayable(Router::swapExactTokensForETHCall::SELECTOR).unlocked(),
    Function::payable(Router::swapETHForExactTokensCall::SELECTOR).unlocked(),
    Function::nonpayable(
        Router::swapExactTokensForTokensSupportingFeeOnTransferTokensCall::SELECTOR,
    )
    .unlocked(),
    Function::payable(Router::swapExactETHForTokensSupportingFeeOnTransferTokensCall::SELECTOR)
        .unlocked(),
    Function::nonpayable(Router::swapExactTokensForETHSupportingFeeOnTransferTokensCall::SELECTOR)
        .unlocked(),
    Function::receive(),
];

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    if input.is_empty() {
        // Only what is unwrapped may arrive here with a call. `GRAIN.transfer` runs no code of the receiver, so it is not refused.
        return if host.caller() == WRAPPED_GRAIN { Ok(Vec::new()) } else { Err(empty()) };
    }
    let call = Calls::abi_decode(input).map_err(|_| empty())?;
    if let Some(output) = view(host, &call)? {
        return Ok(output);
    }
    if let Some(output) = change_liquidity(host, &call)? {
        return Ok(output);
    }
    swap(host, call)
}

/// Executes a call that only reads; returns `None` for others.
fn view(host: &mut dyn Host, call: &Calls) -> Result<Option<Vec<u8>>, Failure> {
    Ok(Some(match call {
        Calls::factory(_) => Router::factoryCall::abi_encode_returns(&UNISWAP_V2_FACTORY),
        Calls::WETH(_) => Router::WETHCall::abi_encode_returns(&WRAPPED_GRAIN),
        Calls::quote(call) => Router::quoteCall::abi_encode_returns(&quote(
            call.amountA,
            (call.reserveA, call.reserveB),
        )?),
        Calls::getAmountOut(call) => Router::getAmountOutCall::abi_encode_returns(&amount_out(
            call.amountIn,
            (call.reserveIn, call.reserveOut),
        )?),
        Calls::getAmountIn(call) => Router::getAmountInCall::abi_encode_returns(&amount_in(
            call.amountOut,
            (call.reserveIn, call.reserveOut),
        )?),
        Calls::getAmountsOut(call) => {
            let quoted = amounts_out(host, call.amountIn, &call.path)?;
            Router::getAmountsOutCall::abi_encode_returns(&quoted.amounts)
        }
        Calls::getAmountsIn(call) => {
            let quoted = amounts_in(host, call.amountOut, &call.path)?;
            Router::getAmountsInCall::abi_encode_returns(&quoted.amounts)
        }
        _ => return Ok(None),
    }))
}

/// Executes a call that adds or removes liquidity; returns `None` for others.
fn change_liquidity(host: &mut dyn Host, call: &Calls) -> Result<Option<Vec<u8>>, Failure> {
    match call {
        Calls::addLiquidity(call) => liquidity::add(host, call),
        Calls::addLiquidityETH(call) => liquidity::add_grain(host, call),
        Calls::removeLiquidity(call) => liquidity::remove(host, call),
        Calls::removeLiquidityETH(call) => liquidity::remove_grain(host, call),
        Calls::removeLiquidityWithPermit(call) => liquidity::remove_with_permit(host, call),
        Calls::removeLiquidityETHWithPermit(call) => {
            liquidity::remove_grain_with_permit(host, call)
        }
        Calls::removeLiquidityETHSupportingFeeOnTransferTokens(call) => {
            liquidity::remove_grain_by_balance(host, call)
        }
        Calls::removeLiquidityETHWithPermitSupportingFeeOnTransferTokens(call) => {
            liquidity::remove_grain_with_permit_by_balance(host, call)
        }
        _ => return Ok(None),
    }
    .map(Some)
}

fn swap(host: &mut dyn Host, call: Calls) -> Result<Vec<u8>, Failure> {
    match call {
        Calls::swapExactTokensForTokens(call) => swaps::exact_tokens_for_tokens(host, &call),
        Calls::swapTokensForExactTokens(call) => swaps::tokens_for_exact_tokens(host, &call),
        Calls::swapExactETHForTokens(call) => swaps::exact_grain_for_tokens(host, &call),
        Calls::swapTokensForExactETH(call) => swaps::tokens_for_exact_grain(host, &call),
        Calls::swapExactTokensForETH(call) => swaps::exact_tokens_for_grain(host, &call),
        Calls::swapETHForExactTokens(call) => swaps::grain_for_exact_tokens(host, &call),
        Calls::swapExactTokensForTokensSupportingFeeOnTransferTokens(call) => {
            swaps::exact_tokens_for_tokens_by_balance(host, &call)
        }
        Calls::swapExactETHForTokensSupportingFeeOnTransferTokens(call) => {
            swaps::exact_grain_for_tokens_by_balance(host, &call)
        }
        Calls::swapExactTokensForETHSupportingFeeOnTransferTokens(call) => {
            swaps::exact_tokens_for_grain_by_balance(host, &call)
        }
        _ => unreachable!("answered before"),
    }
}

/// Refuses a call after its deadline.
fn check_in_time(host: &dyn Host, deadline: U256) -> Result<(), Failure> {
    if check_deadline(deadline, host.timestamp()) {
        Ok(())
    } else {
        Err(Failure::message("UniswapV2Router: EXPIRED"))
    }
}

/// Refuses a call with `message` unless a limit is kept.
fn check_limit(is_kept: bool, message: &str) -> Result<(), Failure> {
    if is_kept { Ok(()) } else { Err(Failure::message(message)) }
}

/// Takes `amount` from the caller, into a pair.
fn take(
    host: &mut dyn Host,
    token: Address,
    (pair, amount): (Address, U256),
) -> Result<(), Failure> {
    let caller = host.caller();
    transfers::take(host, token, (caller, pair), amount, "TransferHelper: TRANSFER_FROM_FAILED")
}

/// Wraps GRAIN of the router for a pair.
fn wrap_into(host: &mut dyn Host, pair: Address, amount: U256) -> Result<(), Failure> {
    let deposit = WrappedGrain::depositCall {}.abi_encode();
    host.call_contract(&Call { value: amount, ..Call::new(WRAPPED_GRAIN, deposit) })?;
    let transfer = WrappedGrain::transferCall { dst: pair, wad: amount }.abi_encode();
    host.call_contract(&Call::new(WRAPPED_GRAIN, transfer))?;
    Ok(())
}

/// Unwraps GRAIN of the router and sends it on.
fn unwrap_to(host: &mut dyn Host, to: Address, amount: U256) -> Result<(), Failure> {
    let withdraw = WrappedGrain::withdrawCall { wad: amount }.abi_encode();
    host.call_contract(&Call::new(WRAPPED_GRAIN, withdraw))?;
    transfers::send_grain(host, to, amount)
}

/// Returns what is left of the call's value.
fn refund(host: &mut dyn Host, used: U256) -> Result<(), Failure> {
    let rest = host.value().saturating_sub(used);
    if rest.is_zero() {
        return Ok(());
    }
    let caller = host.caller();
    transfers::send_grain(host, caller, rest)
}

/// Calls a pair, or the factory.
fn call_known(host: &mut dyn Host, to: Address, call: &impl SolCall) -> Result<Bytes, Failure> {
    host.call_contract(&Call::new(to, call.abi_encode()))
}
