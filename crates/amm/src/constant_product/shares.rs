//! Shares of a pair as an ERC-20 with permits.

use alloy_primitives::U256;

use super::arithmetic::{ArithmeticError, sub};

/// Returns the allowance after `amount` was spent. One of 2^256 - 1 is not used up.
///
/// # Errors
/// [`ArithmeticError::Subtraction`] when it is smaller than the amount.
///
/// Source: `UniswapV2ERC20.transferFrom`.
pub fn spend_allowance(allowance: U256, amount: U256) -> Result<U256, ArithmeticError> {
    if allowance == U256::MAX { Ok(allowance) } else { sub(allowance, amount) }
}

/// Returns whether an order with this deadline may still be executed: the deadline is the last second (both in Unix seconds).
///
/// Source: `UniswapV2ERC20.permit`, `UniswapV2Router02.ensure`.
#[must_use]
pub fn check_deadline(deadline: U256, now: u64) -> bool {
    U256::from(now) <= deadline
}
