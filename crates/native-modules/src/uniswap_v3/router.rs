//! `SwapRouter`: swaps along paths, and pays for the caller.
//!
//! It has no lock, as the original: a pool calls it back in the middle of its own call. It keeps nothing between transactions but the constant that the
//! original keeps: slot 0, what an exact output has cost, is the largest number between calls.
//!
//! Differences: calls inside `multicall` may be nested 8 deep at most; slot 0 is zero until the first exact output.

pub(super) mod money;

use abi::{
    SwapRouter::{self, SwapRouterCalls as Calls},
    UNISWAP_V3_FACTORY, UniswapV3Pool, WRAPPED_GRAIN,
};
use alloy_primitives::{Address, I256, U160, U256};
use alloy_sol_types::{SolCall, SolValue as _, sol};
use amm::concentrated::{SQRT_PRICE_MAX, SQRT_PRICE_MIN};
use native_kit::{Call, Failure, Function, Host, slots::Value};

use super::{
    empty,
    multicall::{check_plain_send, multicall},
    path::{self, Hop},
};

sol! {
    /// What a swap's callback gets.
    struct SwapCallbackData {
        bytes path;
        address payer;
    }
}

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(SwapRouter::factoryCall::SELECTOR),
    Function::view(SwapRouter::WETH9Call::SELECTOR),
    Function::payable(SwapRouter::exactInputSingleCall::SELECTOR).unlocked(),
    Function::payable(SwapRouter::exactInputCall::SELECTOR).unlocked(),
    Function::payable(SwapRouter::exactOutputSingleCall::SELECTOR).unlocked(),
    Function::payable(SwapRouter::exactOutputCall::SELECTOR).unlocked(),
    Function::nonpayable(SwapRouter::uniswapV3SwapCallbackCall::SELECTOR).unlocked(),
    Function::payable(SwapRouter::multicallCall::SELECTOR).unlocked(),
    Function::payable(SwapRouter::refundETHCall::SELECTOR).unlocked(),
    Function::payable(SwapRouter::unwrapWETH9Call::SELECTOR).unlocked(),
    Function::payable(SwapRouter::unwrapWETH9WithFeeCall::SELECTOR).unlocked(),
    Function::payable(SwapRouter::sweepTokenCall::SELECTOR).unlocked(),
    Function::payable(SwapRouter::sweepTokenWithFeeCall::SELECTOR).unlocked(),
    Function::payable(SwapRouter::selfPermitCall::SELECTOR).unlocked(),
    Function::payable(SwapRouter::selfPermitIfNecessaryCall::SELECTOR).unlocked(),
    Function::payable(SwapRouter::selfPermitAllowedCall::SELECTOR).unlocked(),
    Function::payable(SwapRouter::selfPermitAllowedIfNecessaryCall::SELECTOR).unlocked(),
    Function::receive(),
];

/// What the last exact output has cost.
const AMOUNT_IN: Value<U256> = Value::new(U256::ZERO, 0);
/// Its value between calls.
const NO_AMOUNT: U256 = U256::MAX;
pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    dispatch(host, input, 0)
}

fn dispatch(host: &mut dyn Host, input: &[u8], nested: u8) -> Result<Vec<u8>, Failure> {
    if input.is_empty() {
        check_plain_send(host.caller())?;
        return Ok(Vec::new());
    }
    let call = native_kit::decode::<Calls>(input).map_err(|_| empty())?;
    Ok(match call {
        Calls::factory(_) => SwapRouter::factoryCall::abi_encode_returns(&UNISWAP_V3_FACTORY),
        Calls::WETH9(_) => SwapRouter::WETH9Call::abi_encode_returns(&WRAPPED_GRAIN),
        Calls::exactInputSingle(call) => {
            let out = exact_input_single(host, &call.params)?;
            SwapRouter::exactInputSingleCall::abi_encode_returns(&out)
        }
        Calls::exactInput(call) => {
            SwapRouter::exactInputCall::abi_encode_returns(&exact_input(host, call.params)?)
        }
        Calls::exactOutputSingle(call) => {
            let paid = exact_output_single(host, &call.params)?;
            SwapRouter::exactOutputSingleCall::abi_encode_returns(&paid)
        }
        Calls::exactOutput(call) => {
            SwapRouter::exactOutputCall::abi_encode_returns(&exact_output(host, call.params)?)
        }
        Calls::uniswapV3SwapCallback(call) => {
            called_back(host, &call)?;
            Vec::new()
        }
        Calls::multicall(call) => {
            let results = multicall(host, &call.data, nested, (FUNCTIONS, dispatch))?;
            SwapRouter::multicallCall::abi_encode_returns(&results)
        }
        other => {
            money::call(host, &other)?;
            Vec::new()
        }
    })
}

fn exact_input_single(
    host: &mut dyn Host,
    asked: &SwapRouter::ExactInputSingleParams,
) -> Result<U256, Failure> {
    check_deadline(host, asked.deadline)?;
    let hop = Hop { first: asked.tokenIn, second: asked.tokenOut, fee: asked.fee };
    let data = SwapCallbackData { path: hop.path(), payer: host.caller() };
    let to = (asked.recipient, asked.sqrtPriceLimitX96);
    let out = swap_input(host, asked.amountIn, to, &data)?;
    check_received(out, asked.amountOutMinimum)?;
    Ok(out)
}

fn exact_input(host: &mut dyn Host, asked: SwapRouter::ExactInputParams) -> Result<U256, Failure> {
    check_deadline(host, asked.deadline)?;
    let SwapRouter::ExactInputParams { mut path, recipient, amountIn: mut amount, .. } = asked;
    let mut payer = host.caller();
    loop {
        let has_more = path::has_more(&path);
        let to = if has_more { host.module() } else { recipient };
        let data = SwapCallbackData { path: path::first_pool(&path)?, payer };
        amount = swap_input(host, amount, (to, U160::ZERO), &data)?;
        if !has_more {
            break;
        }
        // The next pool is paid with what this one has given.
        payer = host.module();
        path = path::rest(&path)?;
    }
    check_received(amount, asked.amountOutMinimum)?;
    Ok(amount)
}

fn exact_output_single(
    host: &mut dyn Host,
    asked: &SwapRouter::ExactOutputSingleParams,
) -> Result<U256, Failure> {
    check_deadline(host, asked.deadline)?;
    let hop = Hop { first: asked.tokenOut, second: asked.tokenIn, fee: asked.fee };
    let data = SwapCallbackData { path: hop.path(), payer: host.caller() };
    let to = (asked.recipient, asked.sqrtPriceLimitX96);
    let paid = swap_output(host, asked.amountOut, to, &data)?;
    check_paid(paid, asked.amountInMaximum)?;
    AMOUNT_IN.set(host, NO_AMOUNT)?;
    Ok(paid)
}

fn exact_output(
    host: &mut dyn Host,
    asked: SwapRouter::ExactOutputParams,
) -> Result<U256, Failure> {
    check_deadline(host, asked.deadline)?;
    let data = SwapCallbackData { path: asked.path, payer: host.caller() };
    // The pools are called from the last to the first, each in the callback of the one before.
    swap_output(host, asked.amountOut, (asked.recipient, U160::ZERO), &data)?;
    let paid = AMOUNT_IN.get(host)?;
    check_paid(paid, asked.amountInMaximum)?;
    AMOUNT_IN.set(host, NO_AMOUNT)?;
    Ok(paid)
}

/// Swaps an exact input in one pool and returns the output.
fn swap_input(
    host: &mut dyn Host,
    amount: U256,
    (recipient, limit): (Address, U160),
    data: &SwapCallbackData,
) -> Result<U256, Failure> {
    let hop = Hop::first_of(&data.path)?;
    let is_zero_for_one = hop.first < hop.second;
    let amount = I256::try_from(amount).map_err(|_| empty())?;
    let moved = swap(host, &hop, is_zero_for_one, amount, (recipient, limit), data)?;
    let out = if is_zero_for_one { moved.amount1 } else { moved.amount0 };
    Ok(out.wrapping_neg().into_raw())
}

/// Swaps for an exact output in one pool and returns its input.
fn swap_output(
    host: &mut dyn Host,
    amount: U256,
    (recipient, limit): (Address, U160),
    data: &SwapCallbackData,
) -> Result<U256, Failure> {
    let hop = Hop::first_of(&data.path)?;
    let is_zero_for_one = hop.second < hop.first;
    let asked = I256::try_from(amount).map_err(|_| empty())?.wrapping_neg();
    let moved = swap(host, &hop, is_zero_for_one, asked, (recipient, limit), data)?;
    let (paid, out) = match is_zero_for_one {
        true => (moved.amount0, moved.amount1),
        false => (moved.amount1, moved.amount0),
    };
    // Without a limit, a swap that ends early has used up the pool.
    if limit.is_zero() && out.wrapping_neg().into_raw() != amount {
        return Err(empty());
    }
    Ok(paid.into_raw())
}

fn swap(
    host: &mut dyn Host,
    hop: &Hop,
    is_zero_for_one: bool,
    amount: I256,
    (recipient, limit): (Address, U160),
    data: &SwapCallbackData,
) -> Result<UniswapV3Pool::swapReturn, Failure> {
    let recipient = if recipient.is_zero() { host.module() } else { recipient };
    let pool = hop.pool(host)?;
    let call = UniswapV3Pool::swapCall {
        recipient,
        zeroForOne: is_zero_for_one,
        amountSpecified: amount,
        sqrtPriceLimitX96: limit_or_end(limit, is_zero_for_one),
        data: data.abi_encode().into(),
    };
    let output = host.call_contract(&Call::new(pool, call.abi_encode()))?;
    UniswapV3Pool::swapCall::abi_decode_returns(&output).map_err(|_| empty())
}

/// Returns the limit of a swap, or the end of all prices.
pub(super) fn limit_or_end(limit: U160, is_zero_for_one: bool) -> U160 {
    if !limit.is_zero() {
        return limit;
    }
    match is_zero_for_one {
        true => SQRT_PRICE_MIN.saturating_add(U160::ONE),
        false => SQRT_PRICE_MAX.saturating_sub(U160::ONE),
    }
}

/// Pays a pool for a swap; an exact output is first swapped for in the next pool.
fn called_back(
    host: &mut dyn Host,
    call: &SwapRouter::uniswapV3SwapCallbackCall,
) -> Result<(), Failure> {
    let (delta0, delta1) = (call.amount0Delta, call.amount1Delta);
    if !delta0.is_positive() && !delta1.is_positive() {
        return Err(empty());
    }
    let mut data = SwapCallbackData::abi_decode_validate(&call._data).map_err(|_| empty())?;
    let hop = Hop::first_of(&data.path)?;
    let pool = host.caller();
    if hop.pool(host)? != pool {
        return Err(empty());
    }
    let (is_input, amount) = match delta0.is_positive() {
        true => (hop.first < hop.second, delta0.into_raw()),
        false => (hop.second < hop.first, delta1.into_raw()),
    };
    if is_input {
        return money::pay(host, hop.first, (data.payer, pool), amount);
    }
    if path::has_more(&data.path) {
        data.path = path::rest(&data.path)?;
        return swap_output(host, amount, (pool, U160::ZERO), &data).map(|_| ());
    }
    AMOUNT_IN.set(host, amount)?;
    // In an exact output the path leads from the last asset to the first.
    money::pay(host, hop.second, (data.payer, pool), amount)
}

pub(super) fn check_deadline(host: &dyn Host, deadline: U256) -> Result<(), Failure> {
    let is_in_time = U256::from(host.timestamp()) <= deadline;
    if is_in_time { Ok(()) } else { Err(Failure::message("Transaction too old")) }
}

fn check_received(out: U256, minimum: U256) -> Result<(), Failure> {
    if out >= minimum { Ok(()) } else { Err(Failure::message("Too little received")) }
}

fn check_paid(paid: U256, maximum: U256) -> Result<(), Failure> {
    if paid <= maximum { Ok(()) } else { Err(Failure::message("Too much requested")) }
}
