//! Rewards over a period: a funded amount is paid to all stakes in proportion to their size and time.
//!
//! 1. The distributor funds the contract and [announces](RewardPool::notify) the amount; a period begins, with a constant rate.
//! 2. Everybody may [stake](RewardPool::stake) and [withdraw](RewardPool::withdraw) at any time. Each step first
//!    [accrues](RewardPool::accrue): the rewards since the last step are added to `reward_per_token_stored`.
//! 3. A staker [takes](RewardPool::take) what it has earned.
//!
//! While nothing is staked, the rewards of that time go to nobody and stay in the contract.
//!
//! Source: Synthetix `StakingRewards` 2.102.1. Deviation, only where the staked token is also paid as the reward: the
//! original compares an announced reward with a balance that contains the stakes, and can pay rewards out of them. Here
//! the adapter passes [`free`] instead of the balance, and [`check_funded`] refuses to pay more than that.

use alloy_primitives::{U256, uint};

use crate::math::{self, MathError};

/// Rewards per token are kept at 18 decimals.
const PRECISION: U256 = uint!(1_000_000_000_000_000_000_U256);
/// The duration of a period in a new contract: 7 days, in seconds.
pub const REWARDS_DURATION: U256 = uint!(604_800_U256);

/// What a contract keeps about all stakes. Amounts are in the smallest unit of their token, times in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RewardPool {
    /// Sum of all stakes.
    pub total_staked: U256,
    /// When the current period ends.
    pub period_finish: U256,
    /// Reward per second during the period.
    pub reward_rate: U256,
    /// Duration of the next period.
    pub rewards_duration: U256,
    /// The time up to which rewards are accrued.
    pub last_update_time: U256,
    /// Accumulated reward of one unit of stake, at 18 decimals.
    pub reward_per_token_stored: U256,
}

/// What a contract keeps about one staker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Staker {
    /// Its stake.
    pub staked: U256,
    /// `reward_per_token_stored` when the staker was last accrued.
    pub reward_per_token_paid: U256,
    /// What it has earned until then and has not taken.
    pub rewards: U256,
}

/// Why a step is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RewardsError {
    /// A number does not fit.
    #[error(transparent)]
    Math(#[from] MathError),
    /// Nothing would be staked.
    #[error("the stake is 0: give an amount above 0")]
    ZeroStake,
    /// Nothing would be withdrawn.
    #[error("the withdrawal is 0: give an amount above 0")]
    ZeroWithdrawal,
    /// The contract does not hold the announced reward.
    #[error(
        "the reward asks for {rate} a second, the contract holds enough for {affordable}: fund it first"
    )]
    RewardTooHigh {
        /// Reward per second that was asked for.
        rate: U256,
        /// The most that the contract's balance allows.
        affordable: U256,
    },
    /// A period is running.
    #[error("the period runs until {period_finish}: change its duration after that")]
    PeriodNotComplete {
        /// When the period ends.
        period_finish: U256,
    },
    /// The reward would be paid out of stakes.
    #[error(
        "{reward} is due and {available} is there for rewards: wait until the contract is funded"
    )]
    Unfunded {
        /// What the staker has earned.
        reward: U256,
        /// What the contract holds beside the stakes.
        available: U256,
    },
}

impl RewardPool {
    /// Returns the pool of a new contract.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            total_staked: U256::ZERO,
            period_finish: U256::ZERO,
            reward_rate: U256::ZERO,
            rewards_duration: REWARDS_DURATION,
            last_update_time: U256::ZERO,
            reward_per_token_stored: U256::ZERO,
        }
    }

    /// Returns the last time at which rewards accrue: `now`, or the end of the period after it.
    #[must_use]
    pub fn last_time_reward_applicable(&self, now: U256) -> U256 {
        now.min(self.period_finish)
    }

    /// Returns the accumulated reward of one unit of stake, at 18 decimals, rounded down.
    ///
    /// `stored + (min(now, finish) − last) · rate · 1e18 / total`; unchanged while nothing is staked.
    ///
    /// # Errors
    /// [`MathError`], as in the contract.
    ///
    /// Source: `StakingRewards.rewardPerToken`.
    pub fn reward_per_token_down(&self, now: U256) -> Result<U256, MathError> {
        if self.total_staked.is_zero() {
            return Ok(self.reward_per_token_stored);
        }
        let seconds = math::sub(self.last_time_reward_applicable(now), self.last_update_time)?;
        let reward = math::mul(math::mul(seconds, self.reward_rate)?, PRECISION)?;
        math::add(self.reward_per_token_stored, math::div_down(reward, self.total_staked)?)
    }

    /// Returns what a staker has earned and not taken, rounded down.
    ///
    /// `staked · (reward_per_token − paid) / 1e18 + rewards`.
    ///
    /// # Errors
    /// [`MathError`], as in the contract.
    ///
    /// Source: `StakingRewards.earned`.
    pub fn earned_down(&self, staker: &Staker, now: U256) -> Result<U256, MathError> {
        let per_token = math::sub(self.reward_per_token_down(now)?, staker.reward_per_token_paid)?;
        let product = math::mul(staker.staked, per_token)?;
        math::add(math::div_down(product, PRECISION)?, staker.rewards)
    }

    /// Returns the reward of a whole period at the current rate.
    ///
    /// # Errors
    /// [`MathError::Multiplication`].
    ///
    /// Source: `StakingRewards.getRewardForDuration`.
    pub fn reward_for_duration(&self) -> Result<U256, MathError> {
        math::mul(self.reward_rate, self.rewards_duration)
    }

    /// Adds the rewards since the last step to the pool's accumulator.
    ///
    /// # Errors
    /// [`MathError`], as in the contract; then nothing has changed.
    ///
    /// Source: `StakingRewards.updateReward(address(0))`.
    pub fn accrue(&mut self, now: U256) -> Result<(), MathError> {
        self.reward_per_token_stored = self.reward_per_token_down(now)?;
        self.last_update_time = self.last_time_reward_applicable(now);
        Ok(())
    }

    /// Accrues the pool, then the staker.
    ///
    /// # Errors
    /// As [`Self::accrue`].
    ///
    /// Source: `StakingRewards.updateReward`.
    pub fn accrue_staker(&mut self, staker: &mut Staker, now: U256) -> Result<(), MathError> {
        let mut pool = *self;
        pool.accrue(now)?;
        staker.rewards = pool.earned_down(staker, now)?;
        staker.reward_per_token_paid = pool.reward_per_token_stored;
        *self = pool;
        Ok(())
    }

    /// Adds `amount` to the staker's stake.
    ///
    /// # Errors
    /// [`RewardsError`]; then nothing has changed.
    pub fn stake(
        &mut self,
        staker: &mut Staker,
        amount: U256,
        now: U256,
    ) -> Result<(), RewardsError> {
        let (mut pool, mut after) = (*self, *staker);
        pool.accrue_staker(&mut after, now)?;
        if amount.is_zero() {
            return Err(RewardsError::ZeroStake);
        }
        pool.total_staked = math::add(pool.total_staked, amount)?;
        after.staked = math::add(after.staked, amount)?;
        (*self, *staker) = (pool, after);
        Ok(())
    }

    /// Takes `amount` from the staker's stake.
    ///
    /// # Errors
    /// [`RewardsError`]; then nothing has changed.
    pub fn withdraw(
        &mut self,
        staker: &mut Staker,
        amount: U256,
        now: U256,
    ) -> Result<(), RewardsError> {
        let (mut pool, mut after) = (*self, *staker);
        pool.accrue_staker(&mut after, now)?;
        if amount.is_zero() {
            return Err(RewardsError::ZeroWithdrawal);
        }
        pool.total_staked = math::sub(pool.total_staked, amount)?;
        after.staked = math::sub(after.staked, amount)?;
        (*self, *staker) = (pool, after);
        Ok(())
    }

    /// Takes everything that the staker has earned, and returns it. Where stakes are of the same token, the contract pays it only if
    /// [`check_funded`] agrees.
    ///
    /// # Errors
    /// [`MathError`]; then nothing has changed.
    ///
    /// Source: `StakingRewards.getReward`.
    pub fn take(&mut self, staker: &mut Staker, now: U256) -> Result<U256, MathError> {
        let (mut pool, mut after) = (*self, *staker);
        pool.accrue_staker(&mut after, now)?;
        let reward = std::mem::take(&mut after.rewards);
        (*self, *staker) = (pool, after);
        Ok(reward)
    }

    /// Begins a period that pays `reward`, and what is left of the running period, in [`Self::rewards_duration`].
    /// `held` is the contract's balance of the reward token; where stakes are of the same token, [`free`] of it.
    ///
    /// It is [`Self::accrue`], [`Self::next_rate_down`] and [`Self::begin`]. The contract reads its balance between the last two.
    ///
    /// # Errors
    /// [`RewardsError`]; then nothing has changed.
    ///
    /// Source: `StakingRewards.notifyRewardAmount`.
    pub fn notify(&mut self, reward: U256, held: U256, now: U256) -> Result<(), RewardsError> {
        let mut pool = *self;
        pool.accrue(now)?;
        let rate = pool.next_rate_down(reward, now)?;
        pool.begin(rate, held, now)?;
        *self = pool;
        Ok(())
    }

    /// Returns the rate, rounded down, that pays `reward` and what is left of the running period in [`Self::rewards_duration`].
    ///
    /// # Errors
    /// [`MathError`], as in the contract.
    pub fn next_rate_down(&self, reward: U256, now: U256) -> Result<U256, MathError> {
        if now >= self.period_finish {
            return math::div_down(reward, self.rewards_duration);
        }
        let remaining = math::sub(self.period_finish, now)?;
        let total = math::add(reward, math::mul(remaining, self.reward_rate)?)?;
        math::div_down(total, self.rewards_duration)
    }

    /// Begins a period with `rate`, which `held` must be enough for; the pool is accrued.
    ///
    /// # Errors
    /// [`RewardsError::RewardTooHigh`], [`RewardsError::Math`]; then nothing has changed.
    pub fn begin(&mut self, rate: U256, held: U256, now: U256) -> Result<(), RewardsError> {
        let affordable = math::div_down(held, self.rewards_duration)?;
        if rate > affordable {
            return Err(RewardsError::RewardTooHigh { rate, affordable });
        }
        self.period_finish = math::add(now, self.rewards_duration)?;
        self.reward_rate = rate;
        self.last_update_time = now;
        Ok(())
    }

    /// Sets the duration of the next period, in seconds.
    ///
    /// # Errors
    /// [`RewardsError::PeriodNotComplete`] until the second after the current period.
    ///
    /// Source: `StakingRewards.setRewardsDuration`.
    pub fn set_duration(&mut self, duration: U256, now: U256) -> Result<(), RewardsError> {
        if now <= self.period_finish {
            let period_finish = self.period_finish;
            return Err(RewardsError::PeriodNotComplete { period_finish });
        }
        self.rewards_duration = duration;
        Ok(())
    }
}

impl Default for RewardPool {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the part of `balance` that is not stake: what a contract may promise and pay as rewards, if it pays the token
/// that is staked. A token with transfer fees can leave less than the stakes; then it is 0.
#[must_use]
pub fn free(balance: U256, total_staked: U256) -> U256 {
    balance.saturating_sub(total_staked)
}

/// Checks that a reward is not paid out of stakes: `available` is [`free`] of the contract's balance.
///
/// # Errors
/// [`RewardsError::Unfunded`].
pub fn check_funded(reward: U256, available: U256) -> Result<(), RewardsError> {
    if available < reward { Err(RewardsError::Unfunded { reward, available }) } else { Ok(()) }
}
