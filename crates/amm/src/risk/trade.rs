//! What a trade gives, and what it costs beside the fee.

use alloy_primitives::{I256, U256, U512, uint};
use fixed_point::{BPS, mul_div_down, mul_div_up};
use units::Bps;

use super::{
    Price, TooLarge, WHOLE,
    price::{fitting, loss_up},
};
use crate::{
    concentrated::{
        Book, Direction, Pool, Refused, SQRT_PRICE_MAX, SQRT_PRICE_MIN, SwapTerms, Trial,
    },
    constant_product::{Depth, QuoteError, amount_in_up, amount_out_down},
};

/// The fee of a pair in thousandths of the input.
const PAIR_FEE: U256 = uint!(3_U256);
const THOUSAND: U256 = uint!(1_000_U256);
/// Bits of a pair's reserve.
const RESERVE_BITS: usize = 112;

/// Which side of a trade is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// What is paid in, fee included.
    Input(U256),
    /// What is to be received.
    Output(U256),
}

/// A trade with one pool, and the prices around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// What is paid in, fee included.
    pub amount_in: U256,
    /// What is received.
    pub amount_out: U256,
    /// The part of what is paid in that is the fee.
    pub fee: U256,
    /// The price before it.
    pub price_before: Price,
    /// The price after it; `None` if there is none any more.
    pub price_after: Option<Price>,
}

impl Trade {
    /// Returns how much less is received than what is paid in, less the fee, was worth at the price before: times [`WHOLE`], rounded up.
    ///
    /// # Errors
    /// [`TooLarge`].
    ///
    /// Source: Uniswap SDK, `computePriceImpact`, with the fee taken out of the input first.
    pub fn impact_up(&self) -> Result<U256, TooLarge> {
        loss_up(U512::from(self.amount_out), U512::from(self.worth_before()?))
    }

    /// Returns what is paid in, less the fee, at the price before, rounded up.
    fn worth_before(&self) -> Result<U256, TooLarge> {
        self.price_before.worth_up(self.amount_in.saturating_sub(self.fee))
    }
}

/// What several trades one after the other keep of what is paid in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// After the impact of all trades, times [`WHOLE`], rounded down.
    kept_by_impact: U256,
    /// After the fees of all trades.
    kept_by_fees: U256,
}

impl Route {
    /// Returns a route without trades.
    #[must_use]
    pub const fn new() -> Self {
        Self { kept_by_impact: WHOLE, kept_by_fees: WHOLE }
    }

    /// Returns the route with one more trade.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn with(self, trade: &Trade) -> Result<Self, TooLarge> {
        let worth = trade.worth_before()?;
        let after_fee = trade.amount_in.saturating_sub(trade.fee);
        Ok(Self {
            kept_by_impact: kept_down(self.kept_by_impact, trade.amount_out, worth)?,
            kept_by_fees: kept_down(self.kept_by_fees, after_fee, trade.amount_in)?,
        })
    }

    /// Returns the price impact of all trades together, times [`WHOLE`], rounded up.
    #[must_use]
    pub fn impact_up(self) -> U256 {
        WHOLE.saturating_sub(self.kept_by_impact)
    }

    /// Returns the fees of all trades together as a part of what is paid in, times [`WHOLE`], rounded up.
    #[must_use]
    pub fn fees_up(self) -> U256 {
        WHOLE.saturating_sub(self.kept_by_fees)
    }
}

impl Default for Route {
    fn default() -> Self {
        Self::new()
    }
}

fn kept_down(kept: U256, part: U256, whole: U256) -> Result<U256, TooLarge> {
    if whole.is_zero() {
        return Ok(kept);
    }
    Ok(mul_div_down(kept, part.min(whole), whole)?)
}

/// Returns the trade with a pair that has these reserves in its direction. `None` if the pair can't hold what is paid in: a reserve has 112 bits.
///
/// # Errors
/// [`QuoteError`].
pub fn pair_trade(depth: Depth, given: Given) -> Result<Option<Trade>, QuoteError> {
    let (amount_in, amount_out) = match given {
        Given::Input(amount) => (amount, amount_out_down(amount, depth)?),
        Given::Output(amount) => (amount_in_up(amount, depth)?, amount),
    };
    let price_before = Price::of_reserves(depth).ok_or(QuoteError::NoLiquidity)?;
    // Both have less than 256 bits, otherwise there would be no quote.
    let fee = mul_div_up(amount_in, PAIR_FEE, THOUSAND).unwrap_or(amount_in);
    let after = Depth {
        reserve_in: depth.reserve_in.saturating_add(amount_in),
        reserve_out: depth.reserve_out.saturating_sub(amount_out),
    };
    let price_after = Price::of_reserves(after);
    let trade = Trade { amount_in, amount_out, fee, price_before, price_after };
    Ok((after.reserve_in.bit_len() <= RESERVE_BITS).then_some(trade))
}

/// Returns the trade with a pool, as its own swap does it at `now` in Unix seconds modulo 2^32. `None` if the pool can't trade the whole amount.
///
/// # Errors
/// Those of [`Pool::swap`].
pub fn pool_trade<B: Book>(
    book: &mut B,
    direction: Direction,
    given: Given,
    now: u32,
) -> Result<Option<Trade>, B::Error> {
    let (amount, wanted) = match given {
        Given::Input(amount) => (signed(amount)?, amount),
        Given::Output(amount) => (signed(amount)?.wrapping_neg(), amount),
    };
    let price_limit = match direction {
        Direction::ZeroForOne => SQRT_PRICE_MIN.wrapping_add(uint!(1_U160)),
        Direction::OneForZero => SQRT_PRICE_MAX.wrapping_sub(uint!(1_U160)),
    };
    let before = book.slot0()?.sqrt_price;
    let terms = SwapTerms { direction, amount, price_limit };
    let swapped = Pool::new(&mut Trial::new(book), now).swap(&terms)?;
    let (paid_in, paid_out) = match direction {
        Direction::ZeroForOne => (swapped.amount0, swapped.amount1),
        Direction::OneForZero => (swapped.amount1, swapped.amount0),
    };
    let (amount_in, amount_out) = (paid_in.unsigned_abs(), paid_out.unsigned_abs());
    let done = match given {
        Given::Input(_) => amount_in,
        Given::Output(_) => amount_out,
    };
    if done != wanted {
        return Ok(None);
    }
    let price = |root| Price::of_root(root, direction);
    Ok(price(before).map(|price_before| Trade {
        amount_in,
        amount_out,
        fee: swapped.fee,
        price_before,
        price_after: price(swapped.sqrt_price),
    }))
}

fn signed(amount: U256) -> Result<I256, Refused> {
    I256::try_from(amount).map_err(|_| Refused::Arithmetic)
}

/// Returns the least to accept of a trade that would now give `amount`: `amount · (1 − slippage)`, rounded down.
///
/// # Errors
/// None occurs: the result is at most the amount.
///
/// Source: Uniswap SDK, `Trade.minimumAmountOut`, which divides by `1 + slippage`; multiplying by `1 − slippage` accepts less by the slippage's square.
pub fn least_received_down(amount: U256, slippage: Bps) -> Result<U256, TooLarge> {
    let kept = BPS.one().saturating_sub(U256::from(slippage.as_u16()));
    Ok(mul_div_down(amount, kept, BPS.one())?)
}

/// Returns the most to pay for a trade that would now cost `amount`: `amount · (1 + slippage)`, rounded up.
///
/// # Errors
/// [`TooLarge`].
///
/// Source: Uniswap SDK, `Trade.maximumAmountIn`.
pub fn most_paid_up(amount: U256, slippage: Bps) -> Result<U256, TooLarge> {
    let raised = BPS.one().saturating_add(U256::from(slippage.as_u16()));
    let product: U512 = amount.widening_mul(raised);
    fitting(super::price::div_up(product, U512::from(BPS.one()))?)
}
