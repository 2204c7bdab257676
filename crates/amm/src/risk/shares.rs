//! What a share of a pair has earned.

use alloy_primitives::U256;
use fixed_point::{isqrt_down, mul_div_down};

use super::{TooLarge, WHOLE};
use crate::constant_product::{Reserves, product};

/// A figure that grows, at two times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// The figure at the earlier time.
    pub earlier: U256,
    /// The figure at the later time.
    pub later: U256,
}

/// Returns the square root of the product of the reserves for one share, times [`WHOLE`], rounded down twice. It grows by fees and gifts only: trades without a fee keep the
/// product, and who adds or takes liquidity does so in proportion. 0 without shares.
///
/// # Errors
/// [`TooLarge`].
///
/// Source: Uniswap v2 whitepaper, section 2.4: growth of `√k` measures fees.
pub fn liquidity_per_share_down(reserves: Reserves, supply: U256) -> Result<U256, TooLarge> {
    if supply.is_zero() {
        return Ok(U256::ZERO);
    }
    Ok(mul_div_down(isqrt_down(product(reserves)), WHOLE, supply)?)
}

/// Returns the part of an amount that came with the growth, rounded down: `amount · (1 − earlier / later)`; 0 where nothing has grown.
///
/// # Errors
/// None occurs: the part is at most the amount.
pub fn part_since_down(amount: U256, growth: Growth) -> Result<U256, TooLarge> {
    let Growth { earlier, later } = growth;
    if earlier.is_zero() || later <= earlier {
        return Ok(U256::ZERO);
    }
    Ok(mul_div_down(amount, later.saturating_sub(earlier), later)?)
}
