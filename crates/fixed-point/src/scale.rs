//! Decimal fractions: an integer `x` at scale `s` represents `x / s`.

use alloy_primitives::{U256, uint};

use crate::{ArithmeticError, mul_div};

/// 18 decimals: rates and indices of Compound, amounts of MakerDAO and Aave.
pub const WAD: Scale = Scale::new(uint!(1_000_000_000_000_000_000_U256));
/// 27 decimals: rates and indices of Aave and MakerDAO.
pub const RAY: Scale = Scale::new(uint!(1_000_000_000_000_000_000_000_000_000_U256));
/// Basis points, 4 decimals: Aave's `PercentageMath`.
pub const BPS: Scale = Scale::new(uint!(10_000_U256));

/// Units of [`RAY`] in one of [`WAD`].
const RAY_PER_WAD: U256 = uint!(1_000_000_000_U256);

/// A decimal scale: the integer that stands for 1.
///
/// The product in each operation must fit 256 bits, as in the contracts: where they revert, this refuses, even if the
/// quotient would fit. For a product of 512 bits call [`mul_div_down`](crate::mul_div_down) with [`Scale::one`].
///
/// ```
/// use alloy_primitives::U256;
/// use fixed_point::BPS;
/// assert_eq!(BPS.mul_up(U256::from(101), U256::from(50)), Ok(U256::from(1)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale(U256);

impl Scale {
    /// Returns a scale on which `one` stands for 1. With 0 every operation is refused as a division by zero.
    #[must_use]
    pub const fn new(one: U256) -> Self {
        Self(one)
    }

    /// Returns the integer that stands for 1.
    #[must_use]
    pub const fn one(self) -> U256 {
        self.0
    }

    /// Returns `a · b / one`, rounded down: Aave `rayMulFloor`, MakerDAO `rmul`, `wmul`, Compound `mul_`.
    ///
    /// # Errors
    /// [`ArithmeticError::Overflow`] when `a · b` does not fit.
    pub fn mul_down(self, a: U256, b: U256) -> Result<U256, ArithmeticError> {
        above_zero(self.0)?;
        quotient_down(product(a, b)?, self.0)
    }

    /// Returns `a · b / one`, rounded up: Aave `rayMulCeil`.
    ///
    /// # Errors
    /// As of [`Scale::mul_down`].
    pub fn mul_up(self, a: U256, b: U256) -> Result<U256, ArithmeticError> {
        above_zero(self.0)?;
        mul_div::div_up(product(a, b)?, self.0)
    }

    /// Returns `a · b / one`, rounded to the nearest, a half up: Aave `wadMul`, `rayMul`, `percentMul`.
    ///
    /// # Errors
    /// [`ArithmeticError::Overflow`] when `a · b + one / 2` does not fit.
    pub fn mul_half_up(self, a: U256, b: U256) -> Result<U256, ArithmeticError> {
        above_zero(self.0)?;
        quotient_half_up(product(a, b)?, self.0)
    }

    /// Returns `a · one / b`, rounded down: Aave `rayDivFloor`, MakerDAO `rdiv`, `wdiv`, Compound `div_`.
    ///
    /// # Errors
    /// [`ArithmeticError::DivisionByZero`]; [`ArithmeticError::Overflow`] when `a · one` does not fit.
    pub fn div_down(self, a: U256, b: U256) -> Result<U256, ArithmeticError> {
        above_zero(b)?;
        quotient_down(product(a, self.0)?, b)
    }

    /// Returns `a · one / b`, rounded up: Aave `rayDivCeil`, `percentDivCeil`.
    ///
    /// # Errors
    /// As of [`Scale::div_down`].
    pub fn div_up(self, a: U256, b: U256) -> Result<U256, ArithmeticError> {
        above_zero(b)?;
        mul_div::div_up(product(a, self.0)?, b)
    }

    /// Returns `a · one / b`, rounded to the nearest, a half up: Aave `wadDiv`, `rayDiv`, `percentDiv`.
    ///
    /// # Errors
    /// [`ArithmeticError::DivisionByZero`]; [`ArithmeticError::Overflow`] when `a · one + b / 2` does not fit.
    pub fn div_half_up(self, a: U256, b: U256) -> Result<U256, ArithmeticError> {
        above_zero(b)?;
        quotient_half_up(product(a, self.0)?, b)
    }

    /// Returns `base` to the power of `exponent`, by squaring, each step rounded to the nearest, a half up. `0^0` is 1.
    ///
    /// # Errors
    /// [`ArithmeticError::Overflow`] when a product plus `one / 2` does not fit, that of the last square included, as
    /// in the contract: it squares only while bits of the exponent are left.
    ///
    /// Source: MakerDAO DSS, `jug.sol`, `_rpow`.
    pub fn pow_half_up(self, mut base: U256, mut exponent: U256) -> Result<U256, ArithmeticError> {
        above_zero(self.0)?;
        if base.is_zero() {
            return Ok(if exponent.is_zero() { self.0 } else { U256::ZERO });
        }
        let mut power = if exponent.bit(0) { base } else { self.0 };
        loop {
            exponent = exponent.wrapping_shr(1);
            if exponent.is_zero() {
                return Ok(power);
            }
            base = self.mul_half_up(base, base)?;
            if exponent.bit(0) {
                power = self.mul_half_up(power, base)?;
            }
        }
    }
}

/// Converts a number from scale [`WAD`] to scale [`RAY`]: exact.
///
/// # Errors
/// [`ArithmeticError::Overflow`] when it does not fit.
///
/// Source: Aave v3 `WadRayMath.wadToRay`.
pub fn wad_to_ray(wad: U256) -> Result<U256, ArithmeticError> {
    product(wad, RAY_PER_WAD)
}

/// Converts a number from scale [`RAY`] to scale [`WAD`], rounded down.
#[must_use]
pub fn ray_to_wad_down(ray: U256) -> U256 {
    ray.wrapping_div(RAY_PER_WAD)
}

/// Converts a number from scale [`RAY`] to scale [`WAD`], rounded up.
#[must_use]
pub fn ray_to_wad_up(ray: U256) -> U256 {
    let (quotient, remainder) = ray.div_rem(RAY_PER_WAD);
    quotient.saturating_add(U256::from(!remainder.is_zero()))
}

/// Converts a number from scale [`RAY`] to scale [`WAD`], rounded to the nearest, a half up.
///
/// Source: Aave v3 `WadRayMath.rayToWad`.
#[must_use]
pub fn ray_to_wad_half_up(ray: U256) -> U256 {
    let (quotient, remainder) = ray.div_rem(RAY_PER_WAD);
    let is_half = RAY_PER_WAD.wrapping_shr(1) <= remainder;
    quotient.saturating_add(U256::from(is_half))
}

fn above_zero(divisor: U256) -> Result<(), ArithmeticError> {
    if divisor.is_zero() { Err(ArithmeticError::DivisionByZero) } else { Ok(()) }
}

fn product(a: U256, b: U256) -> Result<U256, ArithmeticError> {
    a.checked_mul(b).ok_or(ArithmeticError::Overflow)
}

fn quotient_down(product: U256, divisor: U256) -> Result<U256, ArithmeticError> {
    product.checked_div(divisor).ok_or(ArithmeticError::DivisionByZero)
}

/// The contracts add half of the divisor first: near the maximum that overflows where the quotient alone would not.
fn quotient_half_up(product: U256, divisor: U256) -> Result<U256, ArithmeticError> {
    let half = divisor.wrapping_shr(1);
    let raised = product.checked_add(half).ok_or(ArithmeticError::Overflow)?;
    quotient_down(raised, divisor)
}
