//! What a stake gets in a year at today's rate, and how much a figure has grown.
//!
//! A *simple* yield (APR) is the reward of a year for what is staked; a *compounded* one (APY) is what it becomes if every reward is staked again. Both suppose that the
//! rate, the sum of all stakes and the price stay as they are, which nobody promises: read them together with the time for which the rate is paid.
//!
//! Ratios are times [`WHOLE`] and rounded down.

use alloy_primitives::{U256, uint};
use fixed_point::{ArithmeticError, RAY, mul_div_down, ray_to_wad_down, wad_to_ray};

use crate::farm::{BONUS_MULTIPLIER, DEVELOPER_PART, Emission, draw};

/// A ratio of 1.
pub const WHOLE: U256 = uint!(1_000_000_000_000_000_000_U256);
/// Times of compounding in a year at most: every hour.
pub const COMPOUNDINGS_MAX: u32 = 8_760;
/// Seconds of a year of 365 days.
pub const YEAR_SECONDS: U256 = uint!(31_536_000_U256);

/// Returns the simple yield of a year, rounded down: `reward · price / staked`, with `price` the reward's in what is staked, times 10^36.
///
/// # Errors
/// [`ArithmeticError::DivisionByZero`] where nothing is staked; [`ArithmeticError::Overflow`].
pub fn simple_down(reward: U256, price: U256, staked: U256) -> Result<U256, ArithmeticError> {
    // 10^36 / 10^18: what is left of the price's scale after the ratio's.
    let worth = mul_div_down(reward, price, WHOLE)?;
    worth.checked_div(staked).ok_or(ArithmeticError::DivisionByZero)
}

/// Returns what a simple yield becomes if it is compounded `times` a year, rounded down at every step: `(1 + simple / times)^times − 1`. 2^256 − 1 if it is more, or for 0 times.
#[must_use]
pub fn compounded_down(simple: U256, times: u32) -> U256 {
    power_down(simple, times).map_or(U256::MAX, ray_to_wad_down)
}

/// Returns the compounded yield at 27 decimals.
fn power_down(simple: U256, times: u32) -> Option<U256> {
    let part = wad_to_ray(simple).ok()?.checked_div(U256::from(times))?;
    let mut base = RAY.one().checked_add(part)?;
    let (mut power, mut left) = (RAY.one(), times);
    loop {
        if left & 1 == 1 {
            power = mul_div_down(power, base, RAY.one()).ok()?;
        }
        left = left.wrapping_shr(1);
        if left == 0 {
            return power.checked_sub(RAY.one());
        }
        base = mul_div_down(base, base, RAY.one()).ok()?;
    }
}

/// Returns how much a figure has grown, rounded down; 0 where it has fallen.
///
/// # Errors
/// [`ArithmeticError::DivisionByZero`] if it was 0; [`ArithmeticError::Overflow`].
pub fn growth_down(earlier: U256, later: U256) -> Result<U256, ArithmeticError> {
    mul_div_down(later.saturating_sub(earlier), WHOLE, earlier)
}

/// Returns what a growth is for a year, without compounding, rounded down.
///
/// # Errors
/// [`ArithmeticError::DivisionByZero`] for 0 seconds; [`ArithmeticError::Overflow`].
pub fn annual_down(growth: U256, seconds: u64) -> Result<U256, ArithmeticError> {
    mul_div_down(growth, YEAR_SECONDS, U256::from(seconds))
}

/// Returns for how many blocks after `block` a farm's reserve pays the present reward of all pools and the developer's tenth, rounded down; at most until the bonus
/// ends. `due` is what a pool is owed for blocks that have passed. 0 where nothing is paid.
#[must_use]
pub fn funded_blocks_down(emission: &Emission, block: U256, undrawn: U256, due: U256) -> U256 {
    let is_bonus = block < emission.bonus_end_block;
    let times = if is_bonus { BONUS_MULTIPLIER } else { U256::ONE };
    let drawn = draw(due, undrawn);
    let left = undrawn.saturating_sub(drawn.pool).saturating_sub(drawn.developer);
    let reward = emission.reward_per_block.saturating_mul(times);
    // A pool's reward and its tenth, each block.
    let cost = reward.saturating_add(reward.wrapping_div(DEVELOPER_PART));
    let blocks = left.checked_div(cost).unwrap_or_default();
    if is_bonus { blocks.min(emission.bonus_end_block.saturating_sub(block)) } else { blocks }
}
