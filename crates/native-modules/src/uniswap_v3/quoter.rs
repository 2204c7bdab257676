//! `QuoterV2`: what swaps would give. It begins a swap in the pool, and its callback reverts with the result, so that nothing has happened.
//!
//! Difference: `gasEstimate` is the gas of the native modules.

use abi::{
    QuoterV2::{self, QuoterV2Calls as Calls},
    UNISWAP_V3_FACTORY, UniswapV3Pool, WRAPPED_GRAIN,
};
use alloy_primitives::{Address, Bytes, I256, U160, U256, aliases::I24};
use alloy_sol_types::{SolCall, SolValue as _};
use native_kit::{Call, Failure, Function, Host, Outcome, slots::Value};

use super::{
    empty,
    path::{self, Hop},
    router::limit_or_end,
};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(QuoterV2::factoryCall::SELECTOR),
    Function::view(QuoterV2::WETH9Call::SELECTOR),
    Function::nonpayable(QuoterV2::quoteExactInputCall::SELECTOR).unlocked(),
    Function::nonpayable(QuoterV2::quoteExactInputSingleCall::SELECTOR).unlocked(),
    Function::nonpayable(QuoterV2::quoteExactOutputCall::SELECTOR).unlocked(),
    Function::nonpayable(QuoterV2::quoteExactOutputSingleCall::SELECTOR).unlocked(),
    Function::view(QuoterV2::uniswapV3SwapCallbackCall::SELECTOR),
];

/// The output that an exact output without a limit must give; zero between calls.
const AMOUNT_OUT: Value<U256> = Value::new(U256::ZERO, 0);
/// Bytes of a quote that a callback reverts with.
const QUOTE_SIZE: usize = 96;
/// Bytes of the shortest revert with a message.
const MESSAGE_SIZE_MIN: usize = 68;

/// What one pool answers.
struct Quote {
    amount: U256,
    price: U160,
    ticks: u32,
    gas: U256,
}

/// What several pools answer.
struct Quotes {
    amount: U256,
    prices: Vec<U160>,
    ticks: Vec<u32>,
    gas: U256,
}

/// Which side of a swap is given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Given {
    Input,
    Output,
}

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let call = native_kit::decode::<Calls>(input).map_err(|_| empty())?;
    Ok(match call {
        Calls::factory(_) => QuoterV2::factoryCall::abi_encode_returns(&UNISWAP_V3_FACTORY),
        Calls::WETH9(_) => QuoterV2::WETH9Call::abi_encode_returns(&WRAPPED_GRAIN),
        Calls::quoteExactInputSingle(call) => {
            let asked = call.params;
            let hop = Hop { first: asked.tokenIn, second: asked.tokenOut, fee: asked.fee };
            let limit = asked.sqrtPriceLimitX96;
            let Quote { amount, price, ticks, gas } =
                quote(host, &hop, Given::Input, asked.amountIn, limit)?;
            (amount, price, ticks, gas).abi_encode_params()
        }
        Calls::quoteExactOutputSingle(call) => {
            let asked = call.params;
            let hop = Hop { first: asked.tokenOut, second: asked.tokenIn, fee: asked.fee };
            let limit = asked.sqrtPriceLimitX96;
            let Quote { amount, price, ticks, gas } =
                quote(host, &hop, Given::Output, asked.amount, limit)?;
            (amount, price, ticks, gas).abi_encode_params()
        }
        Calls::quoteExactInput(call) => {
            let Quotes { amount, prices, ticks, gas } =
                quotes(host, call.path, Given::Input, call.amountIn)?;
            (amount, prices, ticks, gas).abi_encode_params()
        }
        Calls::quoteExactOutput(call) => {
            let Quotes { amount, prices, ticks, gas } =
                quotes(host, call.path, Given::Output, call.amountOut)?;
            (amount, prices, ticks, gas).abi_encode_params()
        }
        Calls::uniswapV3SwapCallback(call) => return Err(called_back(host, &call)?),
    })
}

/// Quotes a path; that of an exact output leads from the last asset to the first.
fn quotes(
    host: &mut dyn Host,
    mut path: Bytes,
    given: Given,
    mut amount: U256,
) -> Result<Quotes, Failure> {
    if path.len() < path::ASSET_SIZE {
        // The original makes room for as many pools as the path has: fewer than none are too many.
        return Err(empty());
    }
    let (mut prices, mut ticks, mut gas) = (Vec::new(), Vec::new(), U256::ZERO);
    loop {
        let hop = Hop::first_of(&path)?;
        let quote = quote(host, &hop, given, amount, U160::ZERO)?;
        prices.push(quote.price);
        ticks.push(quote.ticks);
        amount = quote.amount;
        gas = gas.wrapping_add(quote.gas);
        if !path::has_more(&path) {
            return Ok(Quotes { amount, prices, ticks, gas });
        }
        path = path::rest(&path)?;
    }
}

/// Quotes one pool, whose assets are in the order of the path.
fn quote(
    host: &mut dyn Host,
    hop: &Hop,
    given: Given,
    amount: U256,
    limit: U160,
) -> Result<Quote, Failure> {
    let pool = hop.pool(host)?;
    let is_exact = given == Given::Output && limit.is_zero();
    if is_exact {
        AMOUNT_OUT.set(host, amount)?;
    }
    let signed = I256::try_from(amount).map_err(|_| empty())?;
    let (is_zero_for_one, signed) = match given {
        Given::Input => (hop.first < hop.second, signed),
        Given::Output => (hop.second < hop.first, signed.wrapping_neg()),
    };
    let call = UniswapV3Pool::swapCall {
        recipient: host.module(),
        zeroForOne: is_zero_for_one,
        amountSpecified: signed,
        sqrtPriceLimitX96: limit_or_end(limit, is_zero_for_one),
        data: hop.path(),
    };
    let before = host.gas_left();
    if !host.has_code(pool)? {
        return Err(empty());
    }
    let outcome = host.call(&Call::new(pool, call.abi_encode()))?;
    let gas = U256::from(before.saturating_sub(host.gas_left()));
    if is_exact {
        AMOUNT_OUT.set(host, U256::ZERO)?;
    }
    let reason = match outcome {
        Outcome::Reverted(reason) => reason,
        Outcome::Halted => Bytes::new(),
        // The callback has not been called, so nothing would be paid.
        Outcome::Returned(_) => {
            return Ok(Quote { amount: U256::ZERO, price: U160::ZERO, ticks: 0, gas: U256::ZERO });
        }
    };
    let (amount, price, after) = parsed(&reason)?;
    let before = slot0(host, pool)?.tick;
    let ticks = ticks_crossed(host, pool, before, after)?;
    Ok(Quote { amount, price, ticks, gas })
}

/// Returns the quote that a callback has reverted with.
fn parsed(reason: &[u8]) -> Result<(U256, U160, I24), Failure> {
    if reason.len() == QUOTE_SIZE {
        return <(U256, U160, I24)>::abi_decode_params(reason).map_err(|_| empty());
    }
    if reason.len() < MESSAGE_SIZE_MIN {
        return Err(Failure::message("Unexpected error"));
    }
    let message = reason.get(4..).map(String::abi_decode);
    match message {
        Some(Ok(message)) => Err(Failure::message(&message)),
        _ => Err(empty()),
    }
}

/// Returns the revert that tells the quote.
fn called_back(
    host: &mut dyn Host,
    call: &QuoterV2::uniswapV3SwapCallbackCall,
) -> Result<Failure, Failure> {
    let (delta0, delta1) = (call.amount0Delta, call.amount1Delta);
    if !delta0.is_positive() && !delta1.is_positive() {
        return Err(empty());
    }
    let hop = Hop::first_of(&call.path)?;
    let pool = host.caller();
    if hop.pool(host)? != pool {
        return Err(empty());
    }
    let (is_input, paid, received) = match delta0.is_positive() {
        true => (hop.first < hop.second, delta0, delta1.wrapping_neg()),
        false => (hop.second < hop.first, delta1, delta0.wrapping_neg()),
    };
    let slot0 = slot0(host, pool)?;
    let mut amount = received.into_raw();
    if !is_input {
        let expected = AMOUNT_OUT.get(host)?;
        if !expected.is_zero() && expected != amount {
            return Err(empty());
        }
        amount = paid.into_raw();
    }
    let quote = (amount, slot0.sqrtPriceX96, slot0.tick).abi_encode_params();
    Ok(Failure::Revert(quote.into()))
}

fn slot0(host: &mut dyn Host, pool: Address) -> Result<UniswapV3Pool::slot0Return, Failure> {
    let input = UniswapV3Pool::slot0Call {}.abi_encode();
    let output = host.call(&Call::reading(pool, input))?.returned()?;
    UniswapV3Pool::slot0Call::abi_decode_returns(&output).map_err(|_| empty())
}

/// Returns the number of initialized ticks between two ticks. As in the original, ticks are divided by the spacing toward zero, so a tick below zero that
/// is not a multiple is counted at the multiple above it.
fn ticks_crossed(
    host: &mut dyn Host,
    pool: Address,
    before: I24,
    after: I24,
) -> Result<u32, Failure> {
    let input = UniswapV3Pool::tickSpacingCall {}.abi_encode();
    let output = host.call(&Call::reading(pool, input))?.returned()?;
    let spacing = UniswapV3Pool::tickSpacingCall::abi_decode_returns(&output);
    let spacing = spacing.map_err(|_| empty())?.as_i32();
    let (before, after) = (before.as_i32(), after.as_i32());
    let place = |tick: i32| tick.checked_div(spacing).ok_or_else(empty);
    let (at_before, at_after) = (place(before)?, place(after)?);
    let is_multiple = |tick: i32| tick.checked_rem(spacing) == Some(0);
    // The tick where a swap ends or begins counts only if it was crossed.
    let ends_on = before > after && is_multiple(after) && is_set(host, pool, at_after)?;
    let begins_on = before < after && is_multiple(before) && is_set(host, pool, at_before)?;
    let (low, high) = (at_before.min(at_after), at_before.max(at_after));
    let mut count = 0_u32;
    for index in word_of(low)..=word_of(high) {
        let mut word = word(host, pool, index)?;
        if index == word_of(low) {
            word &= U256::MAX.wrapping_shl(bit_of(low));
        }
        if index == word_of(high) {
            word &= U256::MAX.wrapping_shr(255_usize.saturating_sub(bit_of(high)));
        }
        count = count.saturating_add(u32::try_from(word.count_ones()).unwrap_or_default());
    }
    Ok(count.wrapping_sub(u32::from(ends_on)).wrapping_sub(u32::from(begins_on)))
}

fn is_set(host: &mut dyn Host, pool: Address, place: i32) -> Result<bool, Failure> {
    Ok(word(host, pool, word_of(place))?.bit(bit_of(place)))
}

fn word(host: &mut dyn Host, pool: Address, index: i16) -> Result<U256, Failure> {
    let input = UniswapV3Pool::tickBitmapCall { wordPosition: index }.abi_encode();
    let output = host.call(&Call::reading(pool, input))?.returned()?;
    U256::abi_decode(&output).map_err(|_| empty())
}

fn word_of(place: i32) -> i16 {
    amm::concentrated::place(place).0
}

fn bit_of(place: i32) -> usize {
    usize::from(amm::concentrated::place(place).1)
}
