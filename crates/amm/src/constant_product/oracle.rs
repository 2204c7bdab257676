//! Price accumulators: sums of price times seconds, from which anyone takes the average over a time of his choice.

use alloy_primitives::U256;
use fixed_point::{Q112, accumulated_wrapping, growth_wrapping};

use super::{Amounts, ArithmeticError, Reserves, arithmetic::div_down};

/// Sums of prices, each weighted with the seconds for which it held: UQ112.112 · s, modulo 2^256.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prices {
    /// Of asset 0 in units of asset 1.
    pub price0_cumulative: U256,
    /// Of asset 1 in units of asset 0.
    pub price1_cumulative: U256,
}

impl Prices {
    /// Returns the sums after `reserves` have held until `now` (seconds modulo 2^32), each price rounded down. Without one of the
    /// reserves there is no price, and nothing is added.
    ///
    /// The price at the end of a block counts from the next one: what is traded within a block moves no average.
    ///
    /// Source: Uniswap v2 whitepaper, section 2.2; `UniswapV2Pair._update`; `UniswapV2OracleLibrary.currentCumulativePrices`.
    #[must_use]
    pub fn at(self, reserves: Reserves, now: u32) -> Self {
        if !reserves.moves_prices(now) {
            return self;
        }
        let seconds = U256::from(now.wrapping_sub(reserves.updated_at));
        let Amounts { amount0: reserve0, amount1: reserve1 } = reserves.amounts();
        // A reserve has 112 bits, so a price has 224 and its product with 32 bits of seconds fits.
        let price = |of: U256, against: U256| of.wrapping_mul(Q112.one()).wrapping_div(against);
        let grown = |sum, price: U256| accumulated_wrapping(sum, price.wrapping_mul(seconds));
        Self {
            price0_cumulative: grown(self.price0_cumulative, price(reserve1, reserve0)),
            price1_cumulative: grown(self.price1_cumulative, price(reserve0, reserve1)),
        }
    }
}

/// Returns the average price between two readings of an accumulator, `seconds` apart: UQ112.112, rounded down. The readings may
/// be on both sides of a wrap-around.
///
/// # Errors
/// [`ArithmeticError::Division`] for 0 seconds.
///
/// Source: Uniswap v2 whitepaper, section 2.2; `ExampleOracleSimple.update`.
pub fn average_price_down(before: U256, now: U256, seconds: u32) -> Result<U256, ArithmeticError> {
    div_down(growth_wrapping(before, now), U256::from(seconds))
}
