//! Quotes: what a trade along pools gives, costs and moves.

use abi::MarketLens;
use alloy_primitives::{Address, U256};
use amm::{
    concentrated::Direction,
    constant_product::{Amounts, ArithmeticError, Depth, QuoteError},
    risk::{
        Given, Price, Route, TooLarge, Trade, least_received_down, most_paid_up, pair_trade,
        pool_trade,
    },
};
use native_kit::{Failure, Host};
use units::Bps;

use super::{
    in_pool, now,
    pools::{self, Found, State},
    too_large,
};
use crate::uniswap_v3::pool::PoolRecords;

/// Pools of a route at most.
const POOLS_MAX: usize = 8;

/// A pool of a route, with the assets in the direction of the trade.
struct Step {
    found: Found,
    direction: Direction,
    token_in: Address,
    token_out: Address,
}

pub(super) fn exact_input(
    host: &mut dyn Host,
    call: &MarketLens::quoteExactInputCall,
) -> Result<MarketLens::Route, Failure> {
    let slippage = slippage(call.slippageBps)?;
    let steps = steps(host, call.tokenIn, &call.pools)?;
    let mut amount = call.amountIn;
    let mut trades = Vec::new();
    for step in &steps {
        let trade = trade(host, step, Given::Input(amount))?;
        amount = trade.amount_out;
        trades.push(trade);
    }
    let limit = least_received_down(amount, slippage).map_err(too_large)?;
    route(&steps, &trades, limit)
}

pub(super) fn exact_output(
    host: &mut dyn Host,
    call: &MarketLens::quoteExactOutputCall,
) -> Result<MarketLens::Route, Failure> {
    let slippage = slippage(call.slippageBps)?;
    let steps = steps(host, call.tokenIn, &call.pools)?;
    let mut amount = call.amountOut;
    let mut trades = Vec::new();
    // What the last pool costs, the one before it must give.
    for step in steps.iter().rev() {
        let trade = trade(host, step, Given::Output(amount))?;
        amount = trade.amount_in;
        trades.push(trade);
    }
    trades.reverse();
    let limit = most_paid_up(amount, slippage).map_err(too_large)?;
    route(&steps, &trades, limit)
}

pub(super) fn direct(
    host: &mut dyn Host,
    call: &MarketLens::directQuotesCall,
) -> Result<Vec<MarketLens::Route>, Failure> {
    let slippage = slippage(call.slippageBps)?;
    let mut routes = Vec::new();
    for found in pools::all_between(host, call.tokenIn, call.tokenOut)? {
        let (direction, token_out) = found.direction(call.tokenIn)?;
        let step = Step { found, direction, token_in: call.tokenIn, token_out };
        let trade = match trade(host, &step, Given::Input(call.amountIn)) {
            Ok(trade) => trade,
            // It can't trade the amount.
            Err(Failure::Revert(_)) => continue,
            Err(other) => return Err(other),
        };
        let limit = least_received_down(trade.amount_out, slippage).map_err(too_large)?;
        routes.push(route(&[step], &[trade], limit)?);
    }
    routes.sort_by_key(|route| std::cmp::Reverse(route.amountOut));
    Ok(routes)
}

fn slippage(given: u16) -> Result<Bps, Failure> {
    let max = Bps::WHOLE.as_u16();
    Bps::new(given).map_err(|_| Failure::revert(&MarketLens::SlippageOutOfRange { given, max }))
}

/// Finds the pools of a route, and the assets between them.
fn steps(
    host: &mut dyn Host,
    mut token_in: Address,
    pools: &[Address],
) -> Result<Vec<Step>, Failure> {
    if !(1..=POOLS_MAX).contains(&pools.len()) {
        let (count, max) = (U256::from(pools.len()), U256::from(POOLS_MAX));
        return Err(Failure::revert(&MarketLens::RouteLength { count, max }));
    }
    let mut steps: Vec<Step> = Vec::new();
    for pool in pools.iter().copied() {
        if steps.iter().any(|step| step.found.address == pool) {
            return Err(Failure::revert(&MarketLens::PoolTwice { pool }));
        }
        let found = pools::find(host, pool)?;
        let (direction, token_out) = found.direction(token_in)?;
        steps.push(Step { found, direction, token_in, token_out });
        token_in = token_out;
    }
    Ok(steps)
}

/// Asks a pool for a trade. One that gives nothing is refused, as nobody wants it.
fn trade(host: &mut dyn Host, step: &Step, given: Given) -> Result<Trade, Failure> {
    let pool = step.found.address;
    let (Given::Input(amount) | Given::Output(amount)) = given;
    if amount.is_zero() {
        return Err(Failure::revert(&MarketLens::NoTradeAmount { pool }));
    }
    let trade = match step.found.state {
        State::Pair(reserves) => {
            step.found.check_unlocked(host)?;
            let Amounts { amount0, amount1 } = reserves.amounts();
            let depth = match step.direction {
                Direction::ZeroForOne => Depth { reserve_in: amount0, reserve_out: amount1 },
                Direction::OneForZero => Depth { reserve_in: amount1, reserve_out: amount0 },
            };
            pair_trade(depth, given).map_err(|error| match error {
                QuoteError::NoLiquidity => pools::no_liquidity(pool),
                QuoteError::NoAmount => Failure::revert(&MarketLens::NoTradeAmount { pool }),
                // It asks for a whole reserve, or more.
                QuoteError::Arithmetic(
                    ArithmeticError::Subtraction | ArithmeticError::Division,
                ) => Failure::revert(&MarketLens::NotEnoughLiquidity { pool, amount }),
                QuoteError::Arithmetic(_) => too_large(TooLarge),
            })?
        }
        State::Pool(_) => {
            step.found.check_unlocked(host)?;
            let now = now(host);
            let mut records = PoolRecords::of(host, pool);
            pool_trade(&mut records, step.direction, given, now).map_err(in_pool)?
        }
    };
    match trade {
        None => Err(Failure::revert(&MarketLens::NotEnoughLiquidity { pool, amount })),
        Some(trade) if trade.amount_out.is_zero() => {
            Err(Failure::revert(&MarketLens::NoTradeAmount { pool }))
        }
        Some(trade) => Ok(trade),
    }
}

fn route(steps: &[Step], trades: &[Trade], limit: U256) -> Result<MarketLens::Route, Failure> {
    let (mut whole, mut hops) = (Route::new(), Vec::new());
    for (step, trade) in steps.iter().zip(trades) {
        whole = whole.with(trade).map_err(too_large)?;
        hops.push(hop(step, trade).map_err(too_large)?);
    }
    Ok(MarketLens::Route {
        amountIn: trades.first().map_or(U256::ZERO, |trade| trade.amount_in),
        amountOut: trades.last().map_or(U256::ZERO, |trade| trade.amount_out),
        limit,
        priceImpact: whole.impact_up(),
        feeRatio: whole.fees_up(),
        hops,
    })
}

fn hop(step: &Step, trade: &Trade) -> Result<MarketLens::Hop, TooLarge> {
    Ok(MarketLens::Hop {
        pool: step.found.address,
        kind: step.found.kind(),
        tokenIn: step.token_in,
        tokenOut: step.token_out,
        amountIn: trade.amount_in,
        amountOut: trade.amount_out,
        fee: trade.fee,
        priceImpact: trade.impact_up()?,
        priceBefore: trade.price_before.scaled_down()?,
        priceAfter: trade.price_after.map_or(Ok(U256::ZERO), Price::scaled_down)?,
    })
}
