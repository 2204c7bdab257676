//! Multiplication followed by division: the product has 512 bits, the quotient must fit 256.

use alloy_primitives::{U256, U512};

use crate::ArithmeticError;

/// Returns `a · b / divisor`, rounded down.
///
/// # Errors
/// [`ArithmeticError::DivisionByZero`]; [`ArithmeticError::Overflow`] when the quotient has more than 256 bits.
///
/// Source: Uniswap v3 `FullMath.mulDiv`.
///
/// ```
/// use alloy_primitives::U256;
/// let (a, b) = (U256::MAX, U256::from(3));
/// assert_eq!(fixed_point::mul_div_down(a, b, U256::from(4)), Ok(U256::MAX - (U256::MAX >> 2) - U256::ONE));
/// ```
pub fn mul_div_down(a: U256, b: U256, divisor: U256) -> Result<U256, ArithmeticError> {
    divided(a, b, divisor).map(|division| division.quotient)
}

/// Returns `a · b / divisor`, rounded up.
///
/// # Errors
/// As of [`mul_div_down`].
///
/// Source: Uniswap v3 `FullMath.mulDivRoundingUp`.
pub fn mul_div_up(a: U256, b: U256, divisor: U256) -> Result<U256, ArithmeticError> {
    divided(a, b, divisor)?.rounded_up()
}

/// Returns `a · b / divisor`, rounded to the nearest; a half is rounded up.
///
/// # Errors
/// As of [`mul_div_down`].
pub fn mul_div_half_up(a: U256, b: U256, divisor: U256) -> Result<U256, ArithmeticError> {
    divided(a, b, divisor)?.rounded_half_up(divisor)
}

/// Returns `a / divisor`, rounded up.
///
/// # Errors
/// [`ArithmeticError::DivisionByZero`].
pub fn div_up(a: U256, divisor: U256) -> Result<U256, ArithmeticError> {
    narrow(a, divisor)?.rounded_up()
}

/// Returns `a / divisor`, rounded to the nearest; a half is rounded up.
///
/// # Errors
/// [`ArithmeticError::DivisionByZero`].
pub fn div_half_up(a: U256, divisor: U256) -> Result<U256, ArithmeticError> {
    narrow(a, divisor)?.rounded_half_up(divisor)
}

/// A quotient rounded down, and the remainder.
struct Division {
    quotient: U256,
    remainder: U256,
}

impl Division {
    fn rounded_up(self) -> Result<U256, ArithmeticError> {
        let more = U256::from(!self.remainder.is_zero());
        self.quotient.checked_add(more).ok_or(ArithmeticError::Overflow)
    }

    fn rounded_half_up(self, divisor: U256) -> Result<U256, ArithmeticError> {
        // True when remainder ≥ divisor / 2, without a doubling that could overflow; remainder < divisor.
        let is_half = divisor.saturating_sub(self.remainder) <= self.remainder;
        self.quotient.checked_add(U256::from(is_half)).ok_or(ArithmeticError::Overflow)
    }
}

fn narrow(a: U256, divisor: U256) -> Result<Division, ArithmeticError> {
    if divisor.is_zero() {
        return Err(ArithmeticError::DivisionByZero);
    }
    let (quotient, remainder) = a.div_rem(divisor);
    Ok(Division { quotient, remainder })
}

fn divided(a: U256, b: U256, divisor: U256) -> Result<Division, ArithmeticError> {
    // Most products fit 256 bits: then no division of 512 bits is needed.
    if let Some(product) = a.checked_mul(b) {
        return narrow(product, divisor);
    }
    if divisor.is_zero() {
        return Err(ArithmeticError::DivisionByZero);
    }
    let product: U512 = a.widening_mul(b);
    let (quotient, remainder) = product.div_rem(U512::from(divisor));
    let quotient = fitting(quotient)?;
    Ok(Division { quotient, remainder: fitting(remainder)? })
}

/// Narrows a number of 512 bits to 256.
pub(crate) fn fitting(number: U512) -> Result<U256, ArithmeticError> {
    match U256::overflowing_from_limbs_slice(number.as_limbs()) {
        (number, false) => Ok(number),
        (_, true) => Err(ArithmeticError::Overflow),
    }
}
