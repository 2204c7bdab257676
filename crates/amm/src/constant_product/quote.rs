//! What a trade would pay or cost.

use alloy_primitives::{U256, uint};

use super::arithmetic::{ArithmeticError, add, div_down, mul, sub};

/// The part of an input that counts, in thousandths: the fee is 0.3 %.
const COUNTED: U256 = uint!(997_U256);
/// The whole, in thousandths. The check of a swap uses the same two numbers ([`super::settle_swap`]).
const WHOLE: U256 = uint!(1_000_U256);

/// The reserves of a pair in the direction of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    /// Reserve of the asset that is given.
    pub reserve_in: U256,
    /// Reserve of the asset that is received.
    pub reserve_out: U256,
}

/// Why there is no quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// The amount is 0.
    #[error("the amount is 0: give at least 1")]
    NoAmount,
    /// A reserve is 0.
    #[error("a reserve of the pair is 0: add liquidity first")]
    NoLiquidity,
    /// No result in 256 bits.
    #[error(transparent)]
    Arithmetic(#[from] ArithmeticError),
}

impl Depth {
    fn check(self, amount: U256) -> Result<(), QuoteError> {
        if amount.is_zero() {
            return Err(QuoteError::NoAmount);
        }
        if self.reserve_in.is_zero() || self.reserve_out.is_zero() {
            return Err(QuoteError::NoLiquidity);
        }
        Ok(())
    }
}

/// Returns how much of the other asset has the same value at the pair's price, without a fee, rounded down: `a·y/x`.
///
/// # Errors
/// [`QuoteError`].
///
/// Source: `UniswapV2Library.quote`.
pub fn quote_down(amount: U256, depth: Depth) -> Result<U256, QuoteError> {
    depth.check(amount)?;
    Ok(div_down(mul(amount, depth.reserve_out)?, depth.reserve_in)?)
}

/// Returns what `amount_in` buys, rounded down: the pair keeps the remainder.
///
/// `out = 997·a·y / (1000·x + 997·a)` with reserves `(x, y)`.
///
/// # Errors
/// [`QuoteError`].
///
/// Source: Uniswap v2 whitepaper, section 3.2.1; `UniswapV2Library.getAmountOut`.
///
/// ```
/// use alloy_primitives::U256;
/// use amm::constant_product::{Depth, amount_out_down};
/// let depth = Depth { reserve_in: U256::from(5_000), reserve_out: U256::from(10_000) };
/// assert_eq!(amount_out_down(U256::from(1_000), depth), Ok(U256::from(1_662)));
/// ```
pub fn amount_out_down(amount_in: U256, depth: Depth) -> Result<U256, QuoteError> {
    depth.check(amount_in)?;
    let counted = mul(amount_in, COUNTED)?;
    let numerator = mul(counted, depth.reserve_out)?;
    let denominator = add(mul(depth.reserve_in, WHOLE)?, counted)?;
    Ok(div_down(numerator, denominator)?)
}

/// Returns what must be given for `amount_out`, above the exact amount: 1 is added to the rounded-down quotient, also to an exact one.
///
/// `in = 1000·x·b / (997·(y − b)) + 1` with reserves `(x, y)`.
///
/// # Errors
/// [`QuoteError`]; [`ArithmeticError::Subtraction`] for more than the reserve, [`ArithmeticError::Division`] for all of it.
///
/// Source: `UniswapV2Library.getAmountIn`.
pub fn amount_in_up(amount_out: U256, depth: Depth) -> Result<U256, QuoteError> {
    depth.check(amount_out)?;
    let numerator = mul(mul(depth.reserve_in, amount_out)?, WHOLE)?;
    let denominator = mul(sub(depth.reserve_out, amount_out)?, COUNTED)?;
    Ok(add(div_down(numerator, denominator)?, U256::ONE)?)
}

/// Returns a balance in thousandths, less the fee on the input that it contains: `1000·balance − 3·input`.
///
/// # Errors
/// [`ArithmeticError`].
pub(crate) fn less_fee(balance: U256, input: U256) -> Result<U256, ArithmeticError> {
    sub(mul(balance, WHOLE)?, mul(input, WHOLE.wrapping_sub(COUNTED))?)
}

/// Returns a product of reserves on the scale of a product of two [`less_fee`].
///
/// # Errors
/// [`ArithmeticError::Multiplication`]: for reserves of 112 bits there is none.
pub(crate) fn scaled(product: U256) -> Result<U256, ArithmeticError> {
    mul(product, WHOLE.wrapping_mul(WHOLE))
}
