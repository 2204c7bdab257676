//! A farm: an amount for each block, divided among pools by allocation, and in each pool by stake.
//!
//! 1. Before anything else of a pool happens, its rewards since `last_reward_block` are [computed](Emission::reward_down), [limited](draw) to what is
//!    funded, drawn from the reserve, and [added](Pool::accumulate) to the pool's accumulator.
//! 2. A user's share is [`UserInfo::pending_down`]: its amount times the accumulator, less the debt, which is the
//!    accumulated reward from before its deposit.
//! 3. [`UserInfo::deposit`] and [`UserInfo::withdraw`] note the new amount and the debt that goes with it.
//!
//! The developer gets a tenth on top of what the pools get.
//!
//! Source: Sushi `MasterChef` 1.4.2. Deviation: the original mints its rewards; here they are drawn from a [reserve](crate::reserve) that
//! somebody has funded, and [`draw`] limits what a pool is promised to what is there. While the reserve suffices, the
//! numbers are the original's.

use alloy_primitives::{U256, uint};

use crate::math::{self, MathError};

/// Rewards per share are kept at 12 decimals.
const PRECISION: U256 = uint!(1_000_000_000_000_U256);
/// Rewards of blocks up to the end of the bonus are multiplied by this.
pub const BONUS_MULTIPLIER: U256 = uint!(10_U256);
/// The developer gets this part of the pools' rewards, on top.
pub(crate) const DEVELOPER_PART: U256 = uint!(10_U256);

/// How much a farm gives. Amounts are in the smallest unit of the reward token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Emission {
    /// For each block, all pools together, without bonus.
    pub reward_per_block: U256,
    /// The last block with bonus.
    pub bonus_end_block: U256,
    /// Sum of the allocations of all pools.
    pub total_allocation: U256,
}

/// A pool's share and accumulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Its share of [`Emission::total_allocation`].
    pub allocation: U256,
    /// The block up to which its rewards are computed.
    pub last_reward_block: U256,
    /// Accumulated reward of one unit of stake, at 12 decimals.
    pub reward_per_share: U256,
}

/// What a pool keeps about one user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserInfo {
    /// Its stake.
    pub amount: U256,
    /// The part of the accumulated reward that is not its own, because it was accumulated before its deposit, or is paid.
    pub reward_debt: U256,
}

/// What a pool's update takes from the reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// For the developer.
    pub developer: U256,
    /// For the pool's users.
    pub pool: U256,
}

/// Returns the number of blocks after `from` up to `to`, each of the bonus counted [`BONUS_MULTIPLIER`] times.
///
/// # Errors
/// [`MathError`], as in the contract.
///
/// Source: `MasterChef.getMultiplier`.
pub fn multiplier(from: U256, to: U256, bonus_end: U256) -> Result<U256, MathError> {
    if to <= bonus_end {
        return math::mul(math::sub(to, from)?, BONUS_MULTIPLIER);
    }
    if from >= bonus_end {
        return math::sub(to, from);
    }
    let with_bonus = math::mul(math::sub(bonus_end, from)?, BONUS_MULTIPLIER)?;
    math::add(with_bonus, math::sub(to, bonus_end)?)
}

impl Emission {
    /// Returns the reward of a pool for the blocks after its last one up to `block`, rounded down.
    ///
    /// `multiplier · reward_per_block · allocation / total_allocation`.
    ///
    /// # Errors
    /// [`MathError`], as in the contract.
    ///
    /// Source: `MasterChef.updatePool`.
    pub fn reward_down(&self, pool: &Pool, block: U256) -> Result<U256, MathError> {
        let blocks = multiplier(pool.last_reward_block, block, self.bonus_end_block)?;
        let product = math::mul(math::mul(blocks, self.reward_per_block)?, pool.allocation)?;
        math::div_down(product, self.total_allocation)
    }
}

/// Returns what is drawn for a reward: all of it and a tenth for the developer, or as much as the reserve can pay of both.
///
/// With too little, the pool gets `⌊reserve · 10 / 11⌋`, which with its tenth is at most the reserve. What is not there is not promised
/// either: a later deposit pays for later blocks.
#[must_use]
pub fn draw(reward: U256, reserve: U256) -> Draw {
    let developer = reward.wrapping_div(DEVELOPER_PART);
    match reward.checked_add(developer) {
        Some(sum) if sum <= reserve => Draw { developer, pool: reward },
        _ => {
            // ⌊reserve · 10 / 11⌋ = reserve − ⌈reserve / 11⌉, without a product that could overflow.
            let elevenths = reserve.div_ceil(DEVELOPER_PART.wrapping_add(U256::ONE));
            let pool = reserve.saturating_sub(elevenths);
            Draw { developer: pool.wrapping_div(DEVELOPER_PART), pool }
        }
    }
}

impl Pool {
    /// Returns the accumulator after `reward` is divided among `supply` units of stake, rounded down. `supply` is the
    /// contract's balance of the staked token.
    ///
    /// # Errors
    /// [`MathError`], as in the contract.
    ///
    /// Source: `MasterChef.updatePool`.
    pub fn accumulated_down(&self, reward: U256, supply: U256) -> Result<U256, MathError> {
        let more = math::div_down(math::mul(reward, PRECISION)?, supply)?;
        math::add(self.reward_per_share, more)
    }

    /// Divides `reward` among `supply` units of stake, and notes the block.
    ///
    /// # Errors
    /// As [`Self::accumulated_down`]; then nothing has changed.
    pub fn accumulate(&mut self, reward: U256, supply: U256, block: U256) -> Result<(), MathError> {
        self.reward_per_share = self.accumulated_down(reward, supply)?;
        self.last_reward_block = block;
        Ok(())
    }
}

impl UserInfo {
    /// Returns what the user would get now, rounded down: `amount · reward_per_share / 1e12 − reward_debt`.
    ///
    /// # Errors
    /// [`MathError`], as in the contract.
    ///
    /// Source: `MasterChef.deposit`, `withdraw`, `pendingSushi`.
    pub fn pending_down(&self, reward_per_share: U256) -> Result<U256, MathError> {
        math::sub(accumulated(self.amount, reward_per_share)?, self.reward_debt)
    }

    /// Adds `amount` to the stake.
    ///
    /// # Errors
    /// [`MathError`]; then nothing has changed.
    pub fn deposit(&mut self, amount: U256, reward_per_share: U256) -> Result<(), MathError> {
        let amount = math::add(self.amount, amount)?;
        *self = Self { amount, reward_debt: accumulated(amount, reward_per_share)? };
        Ok(())
    }

    /// Takes `amount` from the stake.
    ///
    /// # Errors
    /// [`MathError`]; then nothing has changed.
    pub fn withdraw(&mut self, amount: U256, reward_per_share: U256) -> Result<(), MathError> {
        let amount = math::sub(self.amount, amount)?;
        *self = Self { amount, reward_debt: accumulated(amount, reward_per_share)? };
        Ok(())
    }
}

fn accumulated(amount: U256, reward_per_share: U256) -> Result<U256, MathError> {
    math::div_down(math::mul(amount, reward_per_share)?, PRECISION)
}

/// Returns the sum of all allocations after a pool's allocation has changed.
///
/// # Errors
/// [`MathError`], as in the contract.
///
/// Source: `MasterChef.add` (with `before` 0), `MasterChef.set`.
pub fn total_allocation(total: U256, before: U256, after: U256) -> Result<U256, MathError> {
    math::add(math::sub(total, before)?, after)
}
