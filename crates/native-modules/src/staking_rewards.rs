//! `StakingRewards`: pays a reward over a period to those who stake.
//!
//! Storage is that of Synthetix `StakingRewards` 2.102.1, slot by slot. The reentrancy guard is the contract's too: OpenZeppelin 2 counts guarded calls, and undoes
//! a call during which another has run. So the kit's lock is not used.
//!
//! Deviation: where the staked token is also the reward, stakes are not counted as rewards (`staking::rewards`).

use abi::StakingRewards::{self, StakingRewardsCalls as Calls};
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall as _;
use native_kit::{
    Failure, Function, Host, emit, instance_code,
    slots::{Layout as _, Mapping, Value},
    storage,
};
use staking::rewards::{RewardPool, RewardsError, Staker, check_funded, free};

use crate::{
    openzeppelin::{self, Version, answer, safe_math},
    tokens,
};

pub(crate) mod factory;

pub(crate) const CODE: [u8; 16] = instance_code(abi::STAKING_REWARDS);

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(StakingRewards::ownerCall::SELECTOR),
    Function::view(StakingRewards::nominatedOwnerCall::SELECTOR),
    Function::view(StakingRewards::rewardsDistributionCall::SELECTOR),
    Function::view(StakingRewards::lastPauseTimeCall::SELECTOR),
    Function::view(StakingRewards::pausedCall::SELECTOR),
    Function::view(StakingRewards::rewardsTokenCall::SELECTOR),
    Function::view(StakingRewards::stakingTokenCall::SELECTOR),
    Function::view(StakingRewards::periodFinishCall::SELECTOR),
    Function::view(StakingRewards::rewardRateCall::SELECTOR),
    Function::view(StakingRewards::rewardsDurationCall::SELECTOR),
    Function::view(StakingRewards::lastUpdateTimeCall::SELECTOR),
    Function::view(StakingRewards::rewardPerTokenStoredCall::SELECTOR),
    Function::view(StakingRewards::userRewardPerTokenPaidCall::SELECTOR),
    Function::view(StakingRewards::rewardsCall::SELECTOR),
    Function::view(StakingRewards::totalSupplyCall::SELECTOR),
    Function::view(StakingRewards::balanceOfCall::SELECTOR),
    Function::view(StakingRewards::lastTimeRewardApplicableCall::SELECTOR),
    Function::view(StakingRewards::rewardPerTokenCall::SELECTOR),
    Function::view(StakingRewards::earnedCall::SELECTOR),
    Function::view(StakingRewards::getRewardForDurationCall::SELECTOR),
    Function::nonpayable(StakingRewards::stakeCall::SELECTOR).unlocked(),
    Function::nonpayable(StakingRewards::withdrawCall::SELECTOR).unlocked(),
    Function::nonpayable(StakingRewards::getRewardCall::SELECTOR).unlocked(),
    Function::nonpayable(StakingRewards::exitCall::SELECTOR).unlocked(),
    Function::nonpayable(StakingRewards::notifyRewardAmountCall::SELECTOR).unlocked(),
    Function::nonpayable(StakingRewards::recoverERC20Call::SELECTOR).unlocked(),
    Function::nonpayable(StakingRewards::setRewardsDurationCall::SELECTOR).unlocked(),
    Function::nonpayable(StakingRewards::setRewardsDistributionCall::SELECTOR).unlocked(),
    Function::nonpayable(StakingRewards::setPausedCall::SELECTOR).unlocked(),
    Function::nonpayable(StakingRewards::nominateNewOwnerCall::SELECTOR).unlocked(),
    Function::nonpayable(StakingRewards::acceptOwnershipCall::SELECTOR).unlocked(),
];

storage! {
    pub(crate) struct Storage {
        owner: Value<Address>,
        nominated_owner: Value<Address>,
        rewards_distribution: Value<Address>,
        guard_counter: Value<U256>,
        last_pause_time: Value<U256>,
        paused: Value<bool>,
        rewards_token: Value<Address>,
        /// Ours: the staked token is also the reward. In the contract these bytes are empty.
        pays_stakes: Value<bool>,
        staking_token: Value<Address>,
        period_finish: Value<U256>,
        reward_rate: Value<U256>,
        rewards_duration: Value<U256>,
        last_update_time: Value<U256>,
        reward_per_token_stored: Value<U256>,
        user_reward_per_token_paid: Mapping<Address, Value<U256>>,
        rewards: Mapping<Address, Value<U256>>,
        total_supply: Value<U256>,
        balances: Mapping<Address, Value<U256>>,
    }
}

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let stored = Storage::at(U256::ZERO, 0);
    let call = native_kit::decode::<Calls>(input).map_err(|_| Failure::bad_call())?;
    if let Some(output) = setting(host, stored, &call)? {
        return Ok(output);
    }
    if let Some(output) = figure(host, stored, &call)? {
        return Ok(output);
    }
    match call {
        Calls::stake(call) => stake(host, stored, call.amount),
        Calls::withdraw(call) => withdraw(host, stored, call.amount),
        Calls::getReward(_) => get_reward(host, stored),
        Calls::exit(_) => exit(host, stored),
        Calls::notifyRewardAmount(call) => notify_reward_amount(host, stored, call.reward),
        Calls::recoverERC20(call) => recover(host, stored, call.tokenAddress, call.tokenAmount),
        Calls::setRewardsDuration(call) => set_rewards_duration(host, stored, call.duration),
        Calls::setRewardsDistribution(call) => {
            only_owner(host, stored)?;
            stored.rewards_distribution.set(host, call.distribution)
        }
        Calls::setPaused(call) => set_paused(host, stored, call.isPaused),
        Calls::nominateNewOwner(call) => nominate_new_owner(host, stored, call.newOwner),
        Calls::acceptOwnership(_) => accept_ownership(host, stored),
        _ => unreachable!("answered by `setting` or `figure`"),
    }?;
    Ok(Vec::new())
}

/// Answers the views of stored variables; `None` for other calls.
fn setting(host: &mut dyn Host, stored: Storage, call: &Calls) -> Result<Option<Vec<u8>>, Failure> {
    Ok(Some(match call {
        Calls::owner(_) => answer(stored.owner.get(host)?),
        Calls::nominatedOwner(_) => answer(stored.nominated_owner.get(host)?),
        Calls::rewardsDistribution(_) => answer(stored.rewards_distribution.get(host)?),
        Calls::lastPauseTime(_) => answer(stored.last_pause_time.get(host)?),
        Calls::paused(_) => answer(stored.paused.get(host)?),
        Calls::rewardsToken(_) => answer(stored.rewards_token.get(host)?),
        Calls::stakingToken(_) => answer(stored.staking_token.get(host)?),
        Calls::periodFinish(_) => answer(stored.period_finish.get(host)?),
        Calls::rewardRate(_) => answer(stored.reward_rate.get(host)?),
        Calls::rewardsDuration(_) => answer(stored.rewards_duration.get(host)?),
        Calls::lastUpdateTime(_) => answer(stored.last_update_time.get(host)?),
        Calls::rewardPerTokenStored(_) => answer(stored.reward_per_token_stored.get(host)?),
        Calls::totalSupply(_) => answer(stored.total_supply.get(host)?),
        _ => return Ok(None),
    }))
}

/// Answers the views that hash or compute; `None` for other calls.
fn figure(host: &mut dyn Host, stored: Storage, call: &Calls) -> Result<Option<Vec<u8>>, Failure> {
    let now = now(host);
    Ok(Some(match call {
        Calls::userRewardPerTokenPaid(call) => {
            answer(stored.user_reward_per_token_paid.of(host, call.account)?.get(host)?)
        }
        Calls::rewards(call) => answer(stored.rewards.of(host, call.account)?.get(host)?),
        Calls::balanceOf(call) => answer(stored.balances.of(host, call.account)?.get(host)?),
        Calls::lastTimeRewardApplicable(_) => answer(now.min(stored.period_finish.get(host)?)),
        Calls::rewardPerToken(_) => {
            answer(stored.figures(host)?.reward_per_token_down(now).map_err(safe_math)?)
        }
        Calls::earned(call) => {
            let staker = stored.staker(host, call.account)?.load(host)?;
            answer(stored.figures(host)?.earned_down(&staker, now).map_err(safe_math)?)
        }
        Calls::getRewardForDuration(_) => {
            let rewards_duration = stored.rewards_duration.get(host)?;
            let reward_rate = stored.reward_rate.get(host)?;
            let pool = RewardPool { reward_rate, rewards_duration, ..RewardPool::new() };
            answer(pool.reward_for_duration().map_err(safe_math)?)
        }
        _ => return Ok(None),
    }))
}

fn stake(host: &mut dyn Host, stored: Storage, amount: U256) -> Result<(), Failure> {
    let user = host.caller();
    guarded(host, stored, |host| {
        // Checks.
        if stored.paused.get(host)? {
            return Err(Failure::message(
                "This action cannot be performed while the contract is paused",
            ));
        }
        // Effects.
        let slots = stored.staker(host, user)?;
        let (mut pool, mut staker) = (stored.pool(host)?, slots.load(host)?);
        pool.stake(&mut staker, amount, now(host)).map_err(refused)?;
        stored.store(host, &pool)?;
        slots.store(host, &staker)?;
        // Interaction.
        let token = stored.staking_token.get(host)?;
        openzeppelin::receive(host, Version::Two, token, user, amount)?;
        emit(host, &StakingRewards::Staked { user, amount })
    })
}

fn withdraw(host: &mut dyn Host, stored: Storage, amount: U256) -> Result<(), Failure> {
    let user = host.caller();
    guarded(host, stored, |host| {
        let slots = stored.staker(host, user)?;
        let (mut pool, mut staker) = (stored.pool(host)?, slots.load(host)?);
        pool.withdraw(&mut staker, amount, now(host)).map_err(refused)?;
        stored.store(host, &pool)?;
        slots.store(host, &staker)?;
        let token = stored.staking_token.get(host)?;
        openzeppelin::transfer(host, Version::Two, token, user, amount)?;
        emit(host, &StakingRewards::Withdrawn { user, amount })
    })
}

fn get_reward(host: &mut dyn Host, stored: Storage) -> Result<(), Failure> {
    let user = host.caller();
    guarded(host, stored, |host| {
        let slots = stored.staker(host, user)?;
        let (mut pool, mut staker) = (stored.pool(host)?, slots.load(host)?);
        let reward = pool.take(&mut staker, now(host)).map_err(safe_math)?;
        stored.store(host, &pool)?;
        slots.store(host, &staker)?;
        if reward.is_zero() {
            return Ok(());
        }
        let (token, pays_stakes) = stored.reward(host)?;
        if pays_stakes {
            let available = free(balance(host, token)?, pool.total_staked);
            check_funded(reward, available).map_err(refused)?;
        }
        openzeppelin::transfer(host, Version::Two, token, user, reward)?;
        emit(host, &StakingRewards::RewardPaid { user, reward })
    })
}

fn exit(host: &mut dyn Host, stored: Storage) -> Result<(), Failure> {
    let caller = host.caller();
    let staked = stored.balances.of(host, caller)?.get(host)?;
    withdraw(host, stored, staked)?;
    get_reward(host, stored)
}

fn notify_reward_amount(host: &mut dyn Host, stored: Storage, reward: U256) -> Result<(), Failure> {
    if stored.rewards_distribution.get(host)? != host.caller() {
        return Err(Failure::message("Caller is not RewardsDistribution contract"));
    }
    let now = now(host);
    let rewards_duration = stored.rewards_duration.get(host)?;
    let mut pool = RewardPool { rewards_duration, ..stored.pool(host)? };
    pool.accrue(now).map_err(safe_math)?;
    if now < pool.period_finish {
        pool.reward_rate = stored.reward_rate.get(host)?;
    }
    let rate = pool.next_rate_down(reward, now).map_err(safe_math)?;
    let (token, pays_stakes) = stored.reward(host)?;
    let mut held = balance(host, token)?;
    if pays_stakes {
        held = free(held, pool.total_staked);
    }
    pool.begin(rate, held, now).map_err(refused)?;
    stored.store(host, &pool)?;
    stored.reward_rate.set(host, pool.reward_rate)?;
    stored.period_finish.set(host, pool.period_finish)?;
    emit(host, &StakingRewards::RewardAdded { reward })
}

fn recover(
    host: &mut dyn Host,
    stored: Storage,
    token: Address,
    amount: U256,
) -> Result<(), Failure> {
    only_owner(host, stored)?;
    if stored.staking_token.get(host)? == token {
        return Err(Failure::message("Cannot withdraw the staking token"));
    }
    let owner = stored.owner.get(host)?;
    openzeppelin::transfer(host, Version::Two, token, owner, amount)?;
    emit(host, &StakingRewards::Recovered { token, amount })
}

fn set_rewards_duration(
    host: &mut dyn Host,
    stored: Storage,
    duration: U256,
) -> Result<(), Failure> {
    only_owner(host, stored)?;
    let period_finish = stored.period_finish.get(host)?;
    let mut pool = RewardPool { period_finish, ..RewardPool::new() };
    pool.set_duration(duration, now(host)).map_err(refused)?;
    stored.rewards_duration.set(host, pool.rewards_duration)?;
    emit(host, &StakingRewards::RewardsDurationUpdated { newDuration: duration })
}

fn set_paused(host: &mut dyn Host, stored: Storage, is_paused: bool) -> Result<(), Failure> {
    only_owner(host, stored)?;
    if stored.paused.get(host)? == is_paused {
        return Ok(());
    }
    stored.paused.set(host, is_paused)?;
    if is_paused {
        let now = now(host);
        stored.last_pause_time.set(host, now)?;
    }
    emit(host, &StakingRewards::PauseChanged { isPaused: is_paused })
}

fn nominate_new_owner(
    host: &mut dyn Host,
    stored: Storage,
    new_owner: Address,
) -> Result<(), Failure> {
    only_owner(host, stored)?;
    stored.nominated_owner.set(host, new_owner)?;
    emit(host, &StakingRewards::OwnerNominated { newOwner: new_owner })
}

fn accept_ownership(host: &mut dyn Host, stored: Storage) -> Result<(), Failure> {
    let new_owner = stored.nominated_owner.get(host)?;
    if new_owner != host.caller() {
        return Err(Failure::message("You must be nominated before you can accept ownership"));
    }
    let old_owner = stored.owner.get(host)?;
    emit(host, &StakingRewards::OwnerChanged { oldOwner: old_owner, newOwner: new_owner })?;
    stored.owner.set(host, new_owner)?;
    stored.nominated_owner.set(host, Address::ZERO)
}

fn only_owner(host: &mut dyn Host, stored: Storage) -> Result<(), Failure> {
    if stored.owner.get(host)? == host.caller() {
        return Ok(());
    }
    Err(Failure::message("Only the contract owner may perform this action"))
}

/// Runs `work` under the guard of OpenZeppelin 2: each guarded call counts up, and is undone if another has counted since.
fn guarded(
    host: &mut dyn Host,
    stored: Storage,
    work: impl FnOnce(&mut dyn Host) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let count = stored.guard_counter.get(host)?.wrapping_add(U256::ONE);
    stored.guard_counter.set(host, count)?;
    work(host)?;
    if stored.guard_counter.get(host)? == count {
        return Ok(());
    }
    Err(Failure::message("ReentrancyGuard: reentrant call"))
}

fn balance(host: &mut dyn Host, token: Address) -> Result<U256, Failure> {
    let module = host.module();
    tokens::balance_of(host, token, module)
}

fn now(host: &dyn Host) -> U256 {
    U256::from(host.timestamp())
}

fn refused(error: RewardsError) -> Failure {
    match error {
        RewardsError::Math(error) => safe_math(error),
        RewardsError::ZeroStake => Failure::message("Cannot stake 0"),
        RewardsError::ZeroWithdrawal => Failure::message("Cannot withdraw 0"),
        RewardsError::RewardTooHigh { .. } => Failure::message("Provided reward too high"),
        RewardsError::PeriodNotComplete { .. } => Failure::message(
            "Previous rewards period must be complete before changing the duration for the new period",
        ),
        RewardsError::Unfunded { reward, available } => {
            Failure::revert(&StakingRewards::RewardNotFunded { reward, available })
        }
    }
}

/// The slots of one staker.
#[derive(Clone, Copy)]
struct StakerSlots {
    staked: Value<U256>,
    reward_per_token_paid: Value<U256>,
    rewards: Value<U256>,
}

impl Storage {
    /// Loads what a step needs of the pool. While nothing is staked, that is little.
    fn pool(&self, host: &mut dyn Host) -> Result<RewardPool, Failure> {
        Ok(RewardPool { period_finish: self.period_finish.get(host)?, ..self.figures(host)? })
    }

    /// Loads what the accumulated reward depends on.
    fn figures(&self, host: &mut dyn Host) -> Result<RewardPool, Failure> {
        let total_staked = self.total_supply.get(host)?;
        let reward_per_token_stored = self.reward_per_token_stored.get(host)?;
        let pool = RewardPool { total_staked, reward_per_token_stored, ..RewardPool::new() };
        if total_staked.is_zero() {
            return Ok(pool);
        }
        Ok(RewardPool {
            period_finish: self.period_finish.get(host)?,
            reward_rate: self.reward_rate.get(host)?,
            last_update_time: self.last_update_time.get(host)?,
            ..pool
        })
    }

    /// Returns the reward token, and whether stakes are of it.
    fn reward(&self, host: &mut dyn Host) -> Result<(Address, bool), Failure> {
        let word = host.load(self.rewards_token.slot())?;
        Ok((self.rewards_token.of_word(word), self.pays_stakes.of_word(word)))
    }

    /// Stores what a step of a staker changes.
    fn store(&self, host: &mut dyn Host, pool: &RewardPool) -> Result<(), Failure> {
        self.reward_per_token_stored.set(host, pool.reward_per_token_stored)?;
        self.last_update_time.set(host, pool.last_update_time)?;
        self.total_supply.set(host, pool.total_staked)
    }

    fn staker(&self, host: &mut dyn Host, account: Address) -> Result<StakerSlots, Failure> {
        Ok(StakerSlots {
            staked: self.balances.of(host, account)?,
            reward_per_token_paid: self.user_reward_per_token_paid.of(host, account)?,
            rewards: self.rewards.of(host, account)?,
        })
    }
}

impl StakerSlots {
    fn load(&self, host: &mut dyn Host) -> Result<Staker, Failure> {
        Ok(Staker {
            staked: self.staked.get(host)?,
            reward_per_token_paid: self.reward_per_token_paid.get(host)?,
            rewards: self.rewards.get(host)?,
        })
    }

    fn store(&self, host: &mut dyn Host, staker: &Staker) -> Result<(), Failure> {
        self.rewards.set(host, staker.rewards)?;
        self.reward_per_token_paid.set(host, staker.reward_per_token_paid)?;
        self.staked.set(host, staker.staked)
    }
}
