//! Impermanent loss: a position at another price, compared with holding.

use alloy_primitives::{U160, U256, U512, uint};
use fixed_point::{Q96, mul_div_down, mul_div_up, sqrt_ratio_down};

use super::{
    TooLarge,
    price::{div_up, fitting, loss_up},
};
use crate::{
    concentrated::{amount0_down, amount0_up, amount1_down, amount1_up},
    constant_product::Amounts,
};

/// The prices of [`scenarios`], as parts of the current one in basis points.
pub const SCENARIOS_BPS: [u32; 9] =
    [2_500, 5_000, 7_500, 10_000, 12_500, 15_000, 20_000, 30_000, 40_000];
const WHOLE_BPS: U256 = uint!(10_000_U256);

/// Where liquidity is provided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// At every price, as in a pair.
    Whole,
    /// Between the square roots of two prices, in Q64.96.
    Between {
        /// Where it begins.
        low: U160,
        /// Where it ends.
        high: U160,
    },
}

/// A position's liquidity, and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provided {
    /// Where it is.
    pub range: Range,
    /// How much.
    pub liquidity: u128,
}

/// A position at a price, without fees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// The price as a part of the current one, in basis points.
    pub price_bps: u32,
    /// What the position would be worth, in asset 1, rounded down.
    pub value: U256,
    /// What the amounts at the entry price would be worth, in asset 1, rounded up.
    pub held: U256,
    /// How much less `value` is than `held`, times [`super::WHOLE`], rounded up.
    pub loss: U256,
}

impl Provided {
    /// Returns what the liquidity pays at the square root of a price, rounded down, as the pool pays.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn amounts_down(&self, root: U256) -> Result<Amounts, TooLarge> {
        let liquidity = self.liquidity;
        match self.range {
            Range::Whole => {
                let amount0 = mul_div_down(U256::from(liquidity), Q96.one(), root)?;
                let amount1 = Q96.mul_down(U256::from(liquidity), root)?;
                Ok(Amounts { amount0, amount1 })
            }
            Range::Between { low, high } => {
                let inside = inside(root, low, high);
                let amount0 = amount0_down(inside, high, liquidity)?;
                Ok(Amounts { amount0, amount1: amount1_down(low, inside, liquidity)? })
            }
        }
    }

    /// Returns what the liquidity costs at the square root of a price, rounded up, as the pool is paid.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn amounts_up(&self, root: U256) -> Result<Amounts, TooLarge> {
        let liquidity = self.liquidity;
        match self.range {
            Range::Whole => {
                let amount0 = mul_div_up(U256::from(liquidity), Q96.one(), root)?;
                let amount1 = Q96.mul_up(U256::from(liquidity), root)?;
                Ok(Amounts { amount0, amount1 })
            }
            Range::Between { low, high } => {
                let inside = inside(root, low, high);
                let amount0 = amount0_up(inside, high, liquidity)?;
                Ok(Amounts { amount0, amount1: amount1_up(low, inside, liquidity)? })
            }
        }
    }

    /// Returns the position at a price, of which `root` is the square root.
    fn at(&self, held: Amounts, root: U256, price_bps: u32) -> Result<Scenario, TooLarge> {
        let value = worth(self.amounts_down(root)?, root)?;
        let held = worth(held, root)?;
        let one = U512::ONE.wrapping_shl(192);
        Ok(Scenario {
            price_bps,
            value: fitting(value.wrapping_shr(192))?,
            held: fitting(div_up(held, one)?)?,
            loss: loss_up(value, held)?,
        })
    }
}

/// Returns the position at each of [`SCENARIOS_BPS`], compared with the amounts that it was at `entry`; `entry` and `now` are square roots of prices in
/// Q64.96. Of an inexact square root, the neighbour with the greater loss is taken; the lower one if they lose the same.
///
/// The loss is `1 − (x(p)·p + y(p)) / (x(e)·p + y(e))` with the position's amounts `x` and `y`, price `p` and entry price `e`. For [`Range::Whole`] that is
/// `1 − 2√r / (1 + r)` with `r = p / e`.
///
/// # Errors
/// [`TooLarge`], also for a price of 0.
pub fn scenarios(position: &Provided, entry: U160, now: U160) -> Result<Vec<Scenario>, TooLarge> {
    let held = position.amounts_up(U256::from(entry))?;
    let one = |price_bps: u32| {
        let (low, high) = roots(now, price_bps)?;
        let low = position.at(held, low, price_bps)?;
        let high = position.at(held, high, price_bps)?;
        Ok(if low.loss < high.loss { high } else { low })
    };
    SCENARIOS_BPS.into_iter().map(one).collect()
}

/// Returns the square root of a part of a price, from the price's, rounded down and up.
pub(super) fn roots(root: U160, price_bps: u32) -> Result<(U256, U256), TooLarge> {
    let part = U256::from(price_bps);
    let factor = sqrt_ratio_down(part, WHOLE_BPS)?;
    let square: U512 = factor.widening_mul(factor);
    let exact = U512::from(part).wrapping_shl(192);
    let is_exact = square.checked_mul(U512::from(WHOLE_BPS)) == Some(exact);
    let above = factor.saturating_add(U256::from(!is_exact));
    let root = U256::from(root);
    Ok((Q96.mul_down(root, factor)?, Q96.mul_up(root, above)?))
}

/// Returns what amounts are worth in asset 1, times 2^192: exact.
fn worth(amounts: Amounts, root: U256) -> Result<U512, TooLarge> {
    let square: U512 = root.widening_mul(root);
    let of0 = square.checked_mul(U512::from(amounts.amount0)).ok_or(TooLarge)?;
    // At most 448 bits.
    of0.checked_add(U512::from(amounts.amount1).wrapping_shl(192)).ok_or(TooLarge)
}

fn inside(root: U256, low: U160, high: U160) -> U160 {
    // Between two numbers of 160 bits.
    root.clamp(U256::from(low), U256::from(high).max(U256::from(low))).wrapping_to()
}
