//! Checked arithmetic that says which operation has failed: the contracts revert with a message for each.

use alloy_primitives::U256;

/// The operation without a result in 256 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArithmeticError {
    /// A sum above 2^256 - 1.
    #[error("a sum needs more than 256 bits: use smaller amounts")]
    Addition,
    /// A difference below 0.
    #[error("a difference is below 0: the amount is larger than what there is")]
    Subtraction,
    /// A product above 2^256 - 1.
    #[error("a product needs more than 256 bits: use smaller amounts")]
    Multiplication,
    /// A division by 0.
    #[error("division by 0: the pair has no shares or no reserve")]
    Division,
}

pub(crate) fn add(a: U256, b: U256) -> Result<U256, ArithmeticError> {
    a.checked_add(b).ok_or(ArithmeticError::Addition)
}

pub(crate) fn sub(a: U256, b: U256) -> Result<U256, ArithmeticError> {
    a.checked_sub(b).ok_or(ArithmeticError::Subtraction)
}

pub(crate) fn mul(a: U256, b: U256) -> Result<U256, ArithmeticError> {
    a.checked_mul(b).ok_or(ArithmeticError::Multiplication)
}

pub(crate) fn div_down(a: U256, b: U256) -> Result<U256, ArithmeticError> {
    a.checked_div(b).ok_or(ArithmeticError::Division)
}
