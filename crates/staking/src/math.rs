//! Checked operations, each with its own refusal.

use alloy_primitives::U256;

/// An operation that has no result: the four refusals of OpenZeppelin's `SafeMath`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MathError {
    /// A sum does not fit.
    #[error("a sum needs more than 256 bits: use smaller amounts")]
    Addition,
    /// A difference is below 0.
    #[error("a difference is below 0: take away no more than there is")]
    Subtraction,
    /// A product does not fit.
    #[error("a product needs more than 256 bits: use smaller amounts")]
    Multiplication,
    /// A divisor is 0.
    #[error("division by 0: the divisor must be above 0")]
    Division,
}

pub(crate) fn add(a: U256, b: U256) -> Result<U256, MathError> {
    a.checked_add(b).ok_or(MathError::Addition)
}

pub(crate) fn sub(a: U256, b: U256) -> Result<U256, MathError> {
    a.checked_sub(b).ok_or(MathError::Subtraction)
}

pub(crate) fn mul(a: U256, b: U256) -> Result<U256, MathError> {
    a.checked_mul(b).ok_or(MathError::Multiplication)
}

pub(crate) fn div_down(a: U256, b: U256) -> Result<U256, MathError> {
    a.checked_div(b).ok_or(MathError::Division)
}
