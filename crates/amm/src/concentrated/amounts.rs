//! The liquidity that amounts of both assets give.

use alloy_primitives::{U160, U256};
use fixed_point::{Q96, mul_div_down};

use super::Refused;

/// Returns the most liquidity between two prices that the amounts pay for at the current price, rounded down.
///
/// # Errors
/// [`Refused::Arithmetic`] when it does not fit, or when both prices are the same.
///
/// Source: Uniswap v3 whitepaper, section 6.2.2; `LiquidityAmounts.getLiquidityForAmounts`.
pub fn liquidity_for_amounts(
    price: U160,
    (one, other): (U160, U160),
    (amount0, amount1): (U256, U256),
) -> Result<u128, Refused> {
    let (low, high) = (one.min(other), one.max(other));
    if price <= low {
        return of_amount0(low, high, amount0);
    }
    if price >= high {
        return of_amount1(low, high, amount1);
    }
    Ok(of_amount0(price, high, amount0)?.min(of_amount1(low, price, amount1)?))
}

/// `L = Δx·(√a·√b) / (√b − √a)`, with the product of the prices rounded down first.
fn of_amount0(low: U160, high: U160, amount: U256) -> Result<u128, Refused> {
    let (low, high) = (U256::from(low), U256::from(high));
    let product = Q96.mul_down(low, high)?;
    fitting(mul_div_down(amount, product, high.wrapping_sub(low))?)
}

/// `L = Δy / (√b − √a)`.
fn of_amount1(low: U160, high: U160, amount: U256) -> Result<u128, Refused> {
    let width = U256::from(high.wrapping_sub(low));
    fitting(Q96.div_down(amount, width)?)
}

fn fitting(liquidity: U256) -> Result<u128, Refused> {
    u128::try_from(liquidity).map_err(|_| Refused::Arithmetic)
}
