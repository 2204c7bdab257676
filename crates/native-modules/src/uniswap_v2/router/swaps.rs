//! Swaps along a path of pairs.

use abi::{UniswapV2Pair as Pair, UniswapV2Router02 as Router, WRAPPED_GRAIN};
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use native_kit::{Failure, Host};

use super::{
    call_known, check_in_time, check_limit,
    library::{Hop, Quoted, amount_out, amounts_in, amounts_out},
    refund, take, unwrap_to, wrap_into,
};
use crate::uniswap_v2::{arithmetic, empty, transfers::balance_of};
use ::amm::constant_product::ArithmeticError;

const TOO_LITTLE: &str = "UniswapV2Router: INSUFFICIENT_OUTPUT_AMOUNT";
const TOO_MUCH: &str = "UniswapV2Router: EXCESSIVE_INPUT_AMOUNT";

pub(super) fn exact_tokens_for_tokens(
    host: &mut dyn Host,
    call: &Router::swapExactTokensForTokensCall,
) -> Result<Vec<u8>, Failure> {
    check_in_time(host, call.deadline)?;
    let quoted = amounts_out(host, call.amountIn, &call.path)?;
    check_limit(quoted.last()? >= call.amountOutMin, TOO_LITTLE)?;
    take_quoted(host, &call.path, &quoted)?;
    swap_along(host, &quoted, call.to)?;
    Ok(Router::swapExactTokensForTokensCall::abi_encode_returns(&quoted.amounts))
}

pub(super) fn tokens_for_exact_tokens(
    host: &mut dyn Host,
    call: &Router::swapTokensForExactTokensCall,
) -> Result<Vec<u8>, Failure> {
    check_in_time(host, call.deadline)?;
    let quoted = amounts_in(host, call.amountOut, &call.path)?;
    check_limit(quoted.first()? <= call.amountInMax, TOO_MUCH)?;
    take_quoted(host, &call.path, &quoted)?;
    swap_along(host, &quoted, call.to)?;
    Ok(Router::swapTokensForExactTokensCall::abi_encode_returns(&quoted.amounts))
}

pub(super) fn exact_grain_for_tokens(
    host: &mut dyn Host,
    call: &Router::swapExactETHForTokensCall,
) -> Result<Vec<u8>, Failure> {
    check_in_time(host, call.deadline)?;
    check_is_wrapped(call.path.first())?;
    let value = host.value();
    let quoted = amounts_out(host, value, &call.path)?;
    check_limit(quoted.last()? >= call.amountOutMin, TOO_LITTLE)?;
    wrap_quoted(host, &quoted)?;
    swap_along(host, &quoted, call.to)?;
    Ok(Router::swapExactETHForTokensCall::abi_encode_returns(&quoted.amounts))
}

pub(super) fn tokens_for_exact_grain(
    host: &mut dyn Host,
    call: &Router::swapTokensForExactETHCall,
) -> Result<Vec<u8>, Failure> {
    check_in_time(host, call.deadline)?;
    check_is_wrapped(call.path.last())?;
    let quoted = amounts_in(host, call.amountOut, &call.path)?;
    check_limit(quoted.first()? <= call.amountInMax, TOO_MUCH)?;
    take_quoted(host, &call.path, &quoted)?;
    let router = host.module();
    swap_along(host, &quoted, router)?;
    unwrap_to(host, call.to, quoted.last()?)?;
    Ok(Router::swapTokensForExactETHCall::abi_encode_returns(&quoted.amounts))
}

pub(super) fn exact_tokens_for_grain(
    host: &mut dyn Host,
    call: &Router::swapExactTokensForETHCall,
) -> Result<Vec<u8>, Failure> {
    check_in_time(host, call.deadline)?;
    check_is_wrapped(call.path.last())?;
    let quoted = amounts_out(host, call.amountIn, &call.path)?;
    check_limit(quoted.last()? >= call.amountOutMin, TOO_LITTLE)?;
    take_quoted(host, &call.path, &quoted)?;
    let router = host.module();
    swap_along(host, &quoted, router)?;
    unwrap_to(host, call.to, quoted.last()?)?;
    Ok(Router::swapExactTokensForETHCall::abi_encode_returns(&quoted.amounts))
}

pub(super) fn grain_for_exact_tokens(
    host: &mut dyn Host,
    call: &Router::swapETHForExactTokensCall,
) -> Result<Vec<u8>, Failure> {
    check_in_time(host, call.deadline)?;
    check_is_wrapped(call.path.first())?;
    let quoted = amounts_in(host, call.amountOut, &call.path)?;
    let used = quoted.first()?;
    check_limit(used <= host.value(), TOO_MUCH)?;
    wrap_quoted(host, &quoted)?;
    swap_along(host, &quoted, call.to)?;
    refund(host, used)?;
    Ok(Router::swapETHForExactTokensCall::abi_encode_returns(&quoted.amounts))
}

pub(super) fn exact_tokens_for_tokens_by_balance(
    host: &mut dyn Host,
    call: &Router::swapExactTokensForTokensSupportingFeeOnTransferTokensCall,
) -> Result<Vec<u8>, Failure> {
    check_in_time(host, call.deadline)?;
    take_first(host, &call.path, call.amountIn)?;
    swap_to_receiver(host, &call.path, call.to, call.amountOutMin)
}

pub(super) fn exact_grain_for_tokens_by_balance(
    host: &mut dyn Host,
    call: &Router::swapExactETHForTokensSupportingFeeOnTransferTokensCall,
) -> Result<Vec<u8>, Failure> {
    check_in_time(host, call.deadline)?;
    check_is_wrapped(call.path.first())?;
    let value = host.value();
    wrap_first(host, &call.path, value)?;
    swap_to_receiver(host, &call.path, call.to, call.amountOutMin)
}

pub(super) fn exact_tokens_for_grain_by_balance(
    host: &mut dyn Host,
    call: &Router::swapExactTokensForETHSupportingFeeOnTransferTokensCall,
) -> Result<Vec<u8>, Failure> {
    check_in_time(host, call.deadline)?;
    check_is_wrapped(call.path.last())?;
    take_first(host, &call.path, call.amountIn)?;
    let router = host.module();
    swap_by_balance(host, &call.path, router)?;
    let amount = balance_of(host, WRAPPED_GRAIN, router)?;
    check_limit(amount >= call.amountOutMin, TOO_LITTLE)?;
    unwrap_to(host, call.to, amount)?;
    Ok(Vec::new())
}

/// Swaps amounts that were computed before, each pair paying into the next.
fn swap_along(host: &mut dyn Host, quoted: &Quoted, to: Address) -> Result<(), Failure> {
    for hop in &quoted.hops {
        hop.again(host)?;
    }
    for (index, hop) in quoted.hops.iter().enumerate() {
        let receiver = quoted.hops.get(index + 1).map_or(to, |next| next.pair);
        let amount = *quoted.amounts.get(index + 1).ok_or_else(empty)?;
        swap(host, *hop, amount, receiver)?;
    }
    Ok(())
}

/// Swaps what has really arrived at each pair.
fn swap_by_balance(host: &mut dyn Host, path: &[Address], to: Address) -> Result<(), Failure> {
    for index in 0..path.len().saturating_sub(1) {
        let hop = Hop::of(host, path[index], path[index + 1])?;
        let (reserve_in, reserve_out) = hop.reserves(host)?;
        let balance = balance_of(host, path[index], hop.pair)?;
        let arrived = balance.checked_sub(reserve_in);
        let arrived = arrived.ok_or_else(|| arithmetic(ArithmeticError::Subtraction))?;
        let amount = amount_out(arrived, (reserve_in, reserve_out))?;
        let receiver = match path.get(index + 2) {
            Some(after) => Hop::of(host, path[index + 1], *after)?.pair,
            None => to,
        };
        swap(host, hop, amount, receiver)?;
    }
    Ok(())
}

/// Swaps what has arrived, and checks what the receiver has got.
fn swap_to_receiver(
    host: &mut dyn Host,
    path: &[Address],
    to: Address,
    minimum: U256,
) -> Result<Vec<u8>, Failure> {
    let token = *path.last().ok_or_else(empty)?;
    let before = balance_of(host, token, to)?;
    swap_by_balance(host, path, to)?;
    let got = balance_of(host, token, to)?.checked_sub(before);
    let got = got.ok_or_else(|| arithmetic(ArithmeticError::Subtraction))?;
    check_limit(got >= minimum, TOO_LITTLE)?;
    Ok(Vec::new())
}

fn swap(host: &mut dyn Host, hop: Hop, amount: U256, to: Address) -> Result<(), Failure> {
    let (amount0, amount1) = match hop.gives_token0 {
        true => (U256::ZERO, amount),
        false => (amount, U256::ZERO),
    };
    let call = Pair::swapCall { amount0Out: amount0, amount1Out: amount1, to, data: Bytes::new() };
    call_known(host, hop.pair, &call)?;
    Ok(())
}

/// Takes the first asset of a path from the caller, as much as was quoted, into the first pair.
fn take_quoted(host: &mut dyn Host, path: &[Address], quoted: &Quoted) -> Result<(), Failure> {
    let given = *path.first().ok_or_else(empty)?;
    let pair = quoted.first_hop()?.again(host)?.pair;
    take(host, given, (pair, quoted.first()?))
}

/// Wraps as much GRAIN as was quoted into the first pair.
fn wrap_quoted(host: &mut dyn Host, quoted: &Quoted) -> Result<(), Failure> {
    let pair = quoted.first_hop()?.again(host)?.pair;
    wrap_into(host, pair, quoted.first()?)
}

/// Takes the first asset of a path from the caller, into the first pair.
fn take_first(host: &mut dyn Host, path: &[Address], amount: U256) -> Result<(), Failure> {
    let [given, got, ..] = *path else { return Err(empty()) };
    let pair = Hop::of(host, given, got)?.pair;
    take(host, given, (pair, amount))
}

/// Wraps GRAIN into the first pair of a path.
fn wrap_first(host: &mut dyn Host, path: &[Address], amount: U256) -> Result<(), Failure> {
    let [given, got, ..] = *path else { return Err(empty()) };
    let pair = Hop::of(host, given, got)?.pair;
    wrap_into(host, pair, amount)
}

/// Refuses a path whose end is not wrapped GRAIN; an empty one like an index out of range.
fn check_is_wrapped(end: Option<&Address>) -> Result<(), Failure> {
    let end = end.ok_or_else(empty)?;
    check_limit(*end == WRAPPED_GRAIN, "UniswapV2Router: INVALID_PATH")
}
