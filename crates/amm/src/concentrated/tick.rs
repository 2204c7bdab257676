//! Ticks that positions reference: their liquidity, and what accumulated on the other side of them.
//!
//! "Outside" of a tick means the side that the current tick is not on. The values themselves depend on when the tick was initialized; only differences
//! between two ticks count.
//!
//! Source: Uniswap v3 whitepaper, section 6.3; `Tick`.

use alloy_primitives::{I256, U256};
use fixed_point::growth_wrapping;

use super::{
    Accumulators, FeeGrowth, Refused, TICK_MAX,
    oracle::{tick_cumulative_difference, wrapped_160_difference},
};

/// The liquidity that positions have at a tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TickLiquidity {
    /// Of all positions that begin or end here: 0 exactly if there is none.
    pub gross: u128,
    /// What becomes active when the price rises through the tick.
    pub net: i128,
}

/// Time and the oracle's accumulators on the other side of a tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TickAccumulators {
    /// The oracle's accumulators outside.
    pub outside: Accumulators,
    /// Seconds outside, modulo 2^32.
    pub seconds_outside: u32,
    /// Whether positions reference the tick.
    pub is_initialized: bool,
}

impl TickAccumulators {
    /// Returns them after the price crossed the tick: the other side is now the one before.
    pub(crate) fn crossed(self, now: Accumulators, seconds: u32) -> Self {
        let Accumulators { tick_cumulative, seconds_per_liquidity } = now;
        Self {
            outside: Accumulators {
                tick_cumulative: tick_cumulative_difference(
                    self.outside.tick_cumulative,
                    tick_cumulative,
                ),
                seconds_per_liquidity: wrapped_160_difference(
                    self.outside.seconds_per_liquidity,
                    seconds_per_liquidity,
                ),
            },
            seconds_outside: seconds.wrapping_sub(self.seconds_outside),
            ..self
        }
    }
}

/// Which end of a position a tick is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Lower,
    Upper,
}

impl TickLiquidity {
    /// Returns the liquidity after a position that ends here has changed by `delta`.
    pub(crate) fn changed(self, delta: i128, end: End, most: u128) -> Result<Self, Refused> {
        let gross = liquidity_after(self.gross, delta)?;
        if gross > most {
            return Err(Refused::TickLiquidity);
        }
        let net = match end {
            End::Lower => self.net.checked_add(delta),
            End::Upper => self.net.checked_sub(delta),
        };
        Ok(Self { gross, net: net.ok_or(Refused::Arithmetic)? })
    }
}

/// Returns the liquidity changed by `delta`.
///
/// # Errors
/// [`Refused::LiquidityUnderflow`], [`Refused::LiquidityOverflow`].
///
/// Source: `LiquidityMath.addDelta`.
pub(crate) fn liquidity_after(liquidity: u128, delta: i128) -> Result<u128, Refused> {
    let after = liquidity.checked_add_signed(delta);
    after.ok_or(if delta < 0 { Refused::LiquidityUnderflow } else { Refused::LiquidityOverflow })
}

/// Returns the most liquidity that one tick may have with this spacing, so that the sum over all ticks fits 128 bits. A spacing of 0 or less gives 0.
///
/// Source: `Tick.tickSpacingToMaxLiquidityPerTick`.
#[must_use]
pub fn liquidity_per_tick_max(spacing: i32) -> u128 {
    // Rounded toward zero, so as many above zero as below it.
    let each = u32::try_from(spacing).ok().and_then(|it| TICK_MAX.unsigned_abs().checked_div(it));
    let ticks = each.map(|each| u128::from(each).saturating_mul(2).saturating_add(1));
    ticks.and_then(|ticks| u128::MAX.checked_div(ticks)).unwrap_or_default()
}

/// Returns the fee growth between two ticks, modulo 2^256.
///
/// Source: Uniswap v3 whitepaper, equations 6.17 to 6.19; `Tick.getFeeGrowthInside`.
#[must_use]
pub fn fee_growth_inside(
    (lower, outside_lower): (i32, FeeGrowth),
    (upper, outside_upper): (i32, FeeGrowth),
    tick: i32,
    global: FeeGrowth,
) -> FeeGrowth {
    let below = if tick >= lower { outside_lower } else { global.since(outside_lower) };
    let above = if tick < upper { outside_upper } else { global.since(outside_upper) };
    global.since(below).since(above)
}

impl FeeGrowth {
    /// Returns how much more this is than `before`, modulo 2^256.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            of0: growth_wrapping(before.of0, self.of0),
            of1: growth_wrapping(before.of1, self.of1),
        }
    }
}

/// Returns an unsigned number as a signed one.
pub(crate) fn signed(number: U256) -> Result<I256, Refused> {
    I256::try_from(number).map_err(|_| Refused::Arithmetic)
}
