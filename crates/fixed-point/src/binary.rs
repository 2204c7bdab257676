//! Binary fractions: an integer `x` with `n` bits after the point represents `x / 2^n`.

use alloy_primitives::{U256, U512, uint};

use crate::{ArithmeticError, mul_div::fitting, mul_div_down, mul_div_up};

/// Q64.96: square roots of prices in Uniswap v3.
pub const Q96: BinaryPoint = BinaryPoint { bits: 96 };
/// UQ112.112: prices in Uniswap v2.
pub const Q112: BinaryPoint = BinaryPoint { bits: 112 };
/// Q128.128: fee growth per unit of liquidity in Uniswap v3.
pub const Q128: BinaryPoint = BinaryPoint { bits: 128 };

/// A binary fraction: how many bits are after its point.
///
/// ```
/// use alloy_primitives::U256;
/// use fixed_point::Q128;
/// // Fee growth of 7 units over a liquidity of 2, then the share of a position of 1.
/// let growth = Q128.div_down(U256::from(7), U256::from(2)).unwrap();
/// assert_eq!(Q128.mul_down(growth, U256::from(1)), Ok(U256::from(3)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BinaryPoint {
    bits: usize,
}

impl BinaryPoint {
    /// Returns the integer that stands for 1: `2^bits`.
    #[must_use]
    pub fn one(self) -> U256 {
        U256::ONE.wrapping_shl(self.bits)
    }

    /// Returns `a · b / 2^bits`, rounded down; the product has 512 bits.
    ///
    /// # Errors
    /// [`ArithmeticError::Overflow`] when the result does not fit.
    pub fn mul_down(self, a: U256, b: U256) -> Result<U256, ArithmeticError> {
        let product: U512 = a.widening_mul(b);
        fitting(product.wrapping_shr(self.bits))
    }

    /// Returns `a · b / 2^bits`, rounded up; the product has 512 bits.
    ///
    /// # Errors
    /// As of [`BinaryPoint::mul_down`].
    pub fn mul_up(self, a: U256, b: U256) -> Result<U256, ArithmeticError> {
        let product: U512 = a.widening_mul(b);
        let down = fitting(product.wrapping_shr(self.bits))?;
        if product.trailing_zeros() >= self.bits {
            return Ok(down);
        }
        down.checked_add(U256::ONE).ok_or(ArithmeticError::Overflow)
    }

    /// Returns `a · 2^bits / b`, rounded down; the product has 512 bits.
    ///
    /// # Errors
    /// [`ArithmeticError::DivisionByZero`]; [`ArithmeticError::Overflow`] when the result does not fit.
    pub fn div_down(self, a: U256, b: U256) -> Result<U256, ArithmeticError> {
        mul_div_down(a, self.one(), b)
    }

    /// Returns `a · 2^bits / b`, rounded up; the product has 512 bits.
    ///
    /// # Errors
    /// As of [`BinaryPoint::div_down`].
    pub fn div_up(self, a: U256, b: U256) -> Result<U256, ArithmeticError> {
        mul_div_up(a, self.one(), b)
    }
}

/// Returns how much an accumulator grew from `before` to `now`, modulo 2^256: exact if it grew by less than 2^256, even if it wrapped around.
///
/// Source: Uniswap v3 `Tick.getFeeGrowthInside`, `Position.update`; v2 oracles.
#[must_use]
#[inline]
pub fn growth_wrapping(before: U256, now: U256) -> U256 {
    now.wrapping_sub(before)
}

/// Returns an accumulator after it grew by `more`, modulo 2^256.
///
/// Source: Uniswap v3 `UniswapV3Pool.swap` (`feeGrowthGlobalX128`); v2 `UniswapV2Pair._update`.
#[must_use]
pub fn accumulated_wrapping(accumulator: U256, more: U256) -> U256 {
    accumulator.wrapping_add(more)
}

/// 2^192: the square of the integer that represents 1 in [`Q96`].
pub(crate) const Q96_SQUARED: U256 =
    uint!(0x1_0000_0000_0000_0000_0000_0000_0000_0000_0000_0000_0000_0000_U256);
