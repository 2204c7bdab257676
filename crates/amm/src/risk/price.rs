//! Prices as exact fractions.

use alloy_primitives::{U160, U256, U512};

use super::{PRICE_SCALE, TooLarge, WHOLE};
use crate::{concentrated::Direction, constant_product::Depth};

/// What one smallest unit of an asset is worth in another's: an exact fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    numerator: U512,
    denominator: U512,
}

impl Price {
    /// Returns the price of the asset that is given, in a pair with these reserves, without the fee. `None` without one of the reserves.
    #[must_use]
    pub fn of_reserves(depth: Depth) -> Option<Self> {
        let Depth { reserve_in, reserve_out } = depth;
        let is_there = !reserve_in.is_zero() && !reserve_out.is_zero();
        let (numerator, denominator) = (U512::from(reserve_out), U512::from(reserve_in));
        is_there.then_some(Self { numerator, denominator })
    }

    /// Returns the price of the asset that is paid in, at the square root of a price in Q64.96. `None` for 0.
    #[must_use]
    pub fn of_root(root: U160, direction: Direction) -> Option<Self> {
        let square: U512 = U256::from(root).widening_mul(U256::from(root));
        let one = U512::ONE.wrapping_shl(192);
        let (numerator, denominator) = match direction {
            Direction::ZeroForOne => (square, one),
            Direction::OneForZero => (one, square),
        };
        (!root.is_zero()).then_some(Self { numerator, denominator })
    }

    /// Returns the price times [`PRICE_SCALE`], rounded down.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn scaled_down(self) -> Result<U256, TooLarge> {
        self.worth_down(PRICE_SCALE)
    }

    /// Returns what an amount is worth at this price, rounded down.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn worth_down(self, amount: U256) -> Result<U256, TooLarge> {
        let product = self.numerator.checked_mul(U512::from(amount)).ok_or(TooLarge)?;
        fitting(product.checked_div(self.denominator).ok_or(TooLarge)?)
    }

    /// Returns what an amount is worth at this price, rounded up.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn worth_up(self, amount: U256) -> Result<U256, TooLarge> {
        let product = self.numerator.checked_mul(U512::from(amount)).ok_or(TooLarge)?;
        fitting(div_up(product, self.denominator)?)
    }
}

/// Returns the price of asset 0 in asset 1 at its square root in Q64.96, times [`PRICE_SCALE`], rounded down; 0 for 0.
///
/// # Errors
/// None occurs for a root that ticks express: the price is below 2^128.
pub fn price_at_root_down(root: U160) -> Result<U256, TooLarge> {
    Price::of_root(root, Direction::ZeroForOne).map_or(Ok(U256::ZERO), Price::scaled_down)
}

/// Returns `part / whole` times [`WHOLE`], rounded down and at most [`WHOLE`]; 0 of nothing.
pub(super) fn ratio_down(part: U512, whole: U512) -> Result<U256, TooLarge> {
    if whole <= part {
        return Ok(if whole.is_zero() { U256::ZERO } else { WHOLE });
    }
    let product = part.checked_mul(U512::from(WHOLE)).ok_or(TooLarge)?;
    fitting(product.checked_div(whole).ok_or(TooLarge)?)
}

/// Returns how much less `kept` is than `whole`, as a ratio, rounded up; 0 of nothing.
pub(super) fn loss_up(kept: U512, whole: U512) -> Result<U256, TooLarge> {
    if whole.is_zero() {
        return Ok(U256::ZERO);
    }
    Ok(WHOLE.saturating_sub(ratio_down(kept, whole)?))
}

pub(super) fn div_up(a: U512, b: U512) -> Result<U512, TooLarge> {
    let quotient = a.checked_div(b).ok_or(TooLarge)?;
    let is_exact = quotient.checked_mul(b) == Some(a);
    Ok(if is_exact { quotient } else { quotient.saturating_add(U512::ONE) })
}

/// Narrows a number of 512 bits to 256.
pub(super) fn fitting(number: U512) -> Result<U256, TooLarge> {
    match U256::overflowing_from_limbs_slice(number.as_limbs()) {
        (number, false) => Ok(number),
        (_, true) => Err(TooLarge),
    }
}
