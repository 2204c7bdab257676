//! One step of a swap: from the current price toward a target, with the same liquidity all the way.

use alloy_primitives::{U160, U256, uint};
use fixed_point::{mul_div_down, mul_div_up};

use super::{
    Direction, Refused,
    sqrt_price::{
        amount0_down, amount0_up, amount1_down, amount1_up, price_after_input, price_after_output,
    },
};

/// Parts of a whole in which fees are given: hundredths of a basis point.
const WHOLE: U256 = uint!(1_000_000_U256);

/// What is left of the amount that a swap asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remaining {
    /// To be paid in, with the fee.
    Input(U256),
    /// To be paid out.
    Output(U256),
}

impl Remaining {
    /// Returns the amount.
    #[must_use]
    pub const fn amount(self) -> U256 {
        match self {
            Self::Input(amount) | Self::Output(amount) => amount,
        }
    }
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwapStep {
    /// Square root of the price after it.
    pub price: U160,
    /// What the pool receives, without the fee; rounded up.
    pub amount_in: U256,
    /// What the pool pays; rounded down.
    pub amount_out: U256,
    /// The fee, in what is paid in; rounded up.
    pub fee: U256,
}

/// Moves `price` toward `target` until it is reached or `remaining` is used up. `fee` is in millionths, below 1,000,000.
///
/// The target is reached exactly if what is left, without the fee, is at least what the whole way takes (or gives): never from the price, which is
/// rounded.
///
/// # Errors
/// [`Refused::Arithmetic`] when a result does not fit.
///
/// Source: Uniswap v3 whitepaper, section 6.2.3; `SwapMath.computeSwapStep`.
pub fn swap_step(
    price: U160,
    target: U160,
    liquidity: u128,
    remaining: Remaining,
    fee: u32,
) -> Result<SwapStep, Refused> {
    let direction = if price >= target { Direction::ZeroForOne } else { Direction::OneForZero };
    let fee_part = U256::from(fee);
    let rest_part = WHOLE.checked_sub(fee_part).ok_or(Refused::Arithmetic)?;
    let after = match remaining {
        Remaining::Input(amount) => {
            let without_fee = mul_div_down(amount, rest_part, WHOLE)?;
            if without_fee >= amount_in_up(price, target, liquidity, direction)? {
                target
            } else {
                price_after_input(price, liquidity, without_fee, direction)?
            }
        }
        Remaining::Output(amount) => {
            if amount >= amount_out_down(price, target, liquidity, direction)? {
                target
            } else {
                price_after_output(price, liquidity, amount, direction)?
            }
        }
    };
    let amount_in = amount_in_up(price, after, liquidity, direction)?;
    let mut amount_out = amount_out_down(price, after, liquidity, direction)?;
    if let Remaining::Output(amount) = remaining {
        // The price was rounded beyond the amount that was asked for.
        amount_out = amount_out.min(amount);
    }
    let fee = match remaining {
        // What does not move the price is a fee.
        Remaining::Input(amount) if after != target => {
            amount.checked_sub(amount_in).ok_or(Refused::Arithmetic)?
        }
        Remaining::Input(_) | Remaining::Output(_) => mul_div_up(amount_in, fee_part, rest_part)?,
    };
    Ok(SwapStep { price: after, amount_in, amount_out, fee })
}

fn amount_in_up(
    from: U160,
    to: U160,
    liquidity: u128,
    direction: Direction,
) -> Result<U256, Refused> {
    match direction {
        Direction::ZeroForOne => amount0_up(from, to, liquidity),
        Direction::OneForZero => amount1_up(from, to, liquidity),
    }
}

fn amount_out_down(
    from: U160,
    to: U160,
    liquidity: u128,
    direction: Direction,
) -> Result<U256, Refused> {
    match direction {
        Direction::ZeroForOne => amount1_down(from, to, liquidity),
        Direction::OneForZero => amount0_down(from, to, liquidity),
    }
}
