//! Square roots of integers, by Newton's method: exact, without floats.

use alloy_primitives::{U256, U512};

use crate::{ArithmeticError, binary::Q96_SQUARED, mul_div::fitting};

/// Returns the square root of `square`, rounded down: the largest `r` with `r² ≤ square`.
///
/// Source: Uniswap v2 `Math.sqrt`, which gives the same.
///
/// ```
/// use alloy_primitives::U256;
/// assert_eq!(fixed_point::isqrt_down(U256::from(99)), U256::from(9));
/// ```
#[must_use]
pub fn isqrt_down(square: U256) -> U256 {
    if square.is_zero() {
        return U256::ZERO;
    }
    // Above the root: from there, Newton's steps fall until the root is reached.
    let mut root = U256::ONE.wrapping_shl(square.bit_len().div_ceil(2));
    loop {
        let next = root.saturating_add(square.wrapping_div(root)).wrapping_shr(1);
        if root <= next {
            return root;
        }
        root = next;
    }
}

/// Returns the square root of `square`, rounded up: the least `r` with `square ≤ r²`.
#[must_use]
pub fn isqrt_up(square: U256) -> U256 {
    let root = isqrt_down(square);
    let is_exact = root.wrapping_mul(root) == square;
    root.saturating_add(U256::from(!is_exact))
}

/// Returns the square root of `numerator / denominator` as [`Q96`](crate::Q96), rounded down twice: the quotient at 192 bits after the point, then its root.
///
/// # Errors
/// [`ArithmeticError::DivisionByZero`]; [`ArithmeticError::Overflow`] is impossible for a denominator above 0: the
/// root has at most 224 bits.
///
/// Source: Uniswap v3 SDK, `encodeSqrtRatioX96`: the initial price of a pool.
pub fn sqrt_ratio_down(numerator: U256, denominator: U256) -> Result<U256, ArithmeticError> {
    if denominator.is_zero() {
        return Err(ArithmeticError::DivisionByZero);
    }
    let product: U512 = numerator.widening_mul(Q96_SQUARED);
    let (square, _) = product.div_rem(U512::from(denominator));
    fitting(wide_isqrt_down(square))
}

/// Returns [`isqrt_down`] of a number of 512 bits.
fn wide_isqrt_down(square: U512) -> U512 {
    if square.is_zero() {
        return U512::ZERO;
    }
    let mut root = U512::ONE.wrapping_shl(square.bit_len().div_ceil(2));
    loop {
        let next = root.saturating_add(square.wrapping_div(root)).wrapping_shr(1);
        if root <= next {
            return root;
        }
        root = next;
    }
}
