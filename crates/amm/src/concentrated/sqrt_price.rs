//! Amounts between two prices, and the price after an amount.
//!
//! With liquidity `L` and square roots of prices `a < b`: amount 0 is `L·(1/a − 1/b)`, amount 1 is `L·(b − a)`.
//!
//! Source: Uniswap v3 whitepaper, section 6.2.3, equations 6.14 to 6.16; `SqrtPriceMath`.

use alloy_primitives::{U160, U256};
use fixed_point::{Q96, div_up, mul_div_down, mul_div_up};

use super::{Asset, Refused};

/// Which asset a swap takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Takes asset 0 and pays asset 1: the price falls.
    ZeroForOne,
    /// Takes asset 1 and pays asset 0: the price rises.
    OneForZero,
}

impl Direction {
    /// Returns the asset that the pool receives.
    #[must_use]
    pub const fn paid_in(self) -> Asset {
        match self {
            Self::ZeroForOne => Asset::Zero,
            Self::OneForZero => Asset::One,
        }
    }

    /// Returns the asset that the pool pays.
    #[must_use]
    pub const fn paid_out(self) -> Asset {
        match self {
            Self::ZeroForOne => Asset::One,
            Self::OneForZero => Asset::Zero,
        }
    }
}

/// Returns the amount of asset 0 between two prices, rounded down: for what the pool pays.
///
/// # Errors
/// [`Refused::Arithmetic`] when a price is 0.
pub fn amount0_down(one: U160, other: U160, liquidity: u128) -> Result<U256, Refused> {
    let (low, high) = ordered(one, other);
    let quotient = mul_div_down(shifted(liquidity), high.wrapping_sub(low), high)?;
    quotient.checked_div(low).ok_or(Refused::Arithmetic)
}

/// Returns the amount of asset 0 between two prices, rounded up in both divisions: for what the pool receives.
///
/// # Errors
/// As [`amount0_down`].
pub fn amount0_up(one: U160, other: U160, liquidity: u128) -> Result<U256, Refused> {
    let (low, high) = ordered(one, other);
    let quotient = mul_div_up(shifted(liquidity), high.wrapping_sub(low), high)?;
    Ok(div_up(quotient, low)?)
}

/// Returns the amount of asset 1 between two prices, rounded down: for what the pool pays.
///
/// # Errors
/// None occurs: the result has at most 192 bits.
pub fn amount1_down(one: U160, other: U160, liquidity: u128) -> Result<U256, Refused> {
    let (low, high) = ordered(one, other);
    Ok(Q96.mul_down(U256::from(liquidity), high.wrapping_sub(low))?)
}

/// Returns the amount of asset 1 between two prices, rounded up: for what the pool receives.
///
/// # Errors
/// As [`amount1_down`].
pub fn amount1_up(one: U160, other: U160, liquidity: u128) -> Result<U256, Refused> {
    let (low, high) = ordered(one, other);
    Ok(Q96.mul_up(U256::from(liquidity), high.wrapping_sub(low))?)
}

/// Returns the price after the pool received `amount`, rounded so that it never passes the exact one.
///
/// # Errors
/// [`Refused::Arithmetic`] without price or liquidity, and when the price needs more than 160 bits.
pub fn price_after_input(
    price: U160,
    liquidity: u128,
    amount: U256,
    direction: Direction,
) -> Result<U160, Refused> {
    check_present(price, liquidity)?;
    match direction {
        Direction::ZeroForOne => add_amount0_up(price, liquidity, amount),
        Direction::OneForZero => add_amount1_down(price, liquidity, amount),
    }
}

/// Returns the price after the pool paid `amount`, rounded so that it passes the exact one: the pool is paid for at least this amount.
///
/// # Errors
/// As [`price_after_input`], and when the pool does not have the amount.
pub fn price_after_output(
    price: U160,
    liquidity: u128,
    amount: U256,
    direction: Direction,
) -> Result<U160, Refused> {
    check_present(price, liquidity)?;
    match direction {
        Direction::ZeroForOne => remove_amount1_down(price, liquidity, amount),
        Direction::OneForZero => remove_amount0_up(price, liquidity, amount),
    }
}

/// `⌈L·√P / (L + Δx·√P)⌉`; where the denominator does not fit, `⌈L / (⌊L / √P⌋ + Δx)⌉`, which may be higher.
fn add_amount0_up(price: U160, liquidity: u128, amount: U256) -> Result<U160, Refused> {
    if amount.is_zero() {
        return Ok(price);
    }
    let (numerator, root) = (shifted(liquidity), U256::from(price));
    let denominator = amount.checked_mul(root).and_then(|product| product.checked_add(numerator));
    let after = match denominator {
        Some(denominator) => mul_div_up(numerator, root, denominator)?,
        None => {
            let quotient = numerator.checked_div(root).ok_or(Refused::Arithmetic)?;
            div_up(numerator, quotient.checked_add(amount).ok_or(Refused::Arithmetic)?)?
        }
    };
    fitting(after)
}

/// `⌈L·√P / (L − Δx·√P)⌉`.
fn remove_amount0_up(price: U160, liquidity: u128, amount: U256) -> Result<U160, Refused> {
    if amount.is_zero() {
        return Ok(price);
    }
    let (numerator, root) = (shifted(liquidity), U256::from(price));
    let product = amount.checked_mul(root).ok_or(Refused::Arithmetic)?;
    let denominator = numerator.checked_sub(product).filter(|rest| !rest.is_zero());
    fitting(mul_div_up(numerator, root, denominator.ok_or(Refused::Arithmetic)?)?)
}

/// `√P + ⌊Δy / L⌋`.
fn add_amount1_down(price: U160, liquidity: u128, amount: U256) -> Result<U160, Refused> {
    let quotient = Q96.div_down(amount, U256::from(liquidity))?;
    fitting(U256::from(price).checked_add(quotient).ok_or(Refused::Arithmetic)?)
}

/// `√P − ⌈Δy / L⌉`.
fn remove_amount1_down(price: U160, liquidity: u128, amount: U256) -> Result<U160, Refused> {
    let quotient = Q96.div_up(amount, U256::from(liquidity))?;
    let after = U256::from(price).checked_sub(quotient).filter(|rest| !rest.is_zero());
    fitting(after.ok_or(Refused::Arithmetic)?)
}

/// Returns `L` with 96 bits after the point.
fn shifted(liquidity: u128) -> U256 {
    U256::from(liquidity).wrapping_shl(96)
}

fn ordered(one: U160, other: U160) -> (U256, U256) {
    (U256::from(one.min(other)), U256::from(one.max(other)))
}

fn check_present(price: U160, liquidity: u128) -> Result<(), Refused> {
    if price.is_zero() || liquidity == 0 { Err(Refused::Arithmetic) } else { Ok(()) }
}

fn fitting(price: U256) -> Result<U160, Refused> {
    if price.bit_len() > 160 { Err(Refused::Arithmetic) } else { Ok(price.wrapping_to()) }
}
