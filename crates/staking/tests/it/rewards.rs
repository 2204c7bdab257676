//! Rewards over a period: paid ≤ funded, stakes are never paid out as rewards.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use proptest::{collection::vec, prelude::*};
use staking::rewards::{RewardPool, RewardsError, Staker, check_funded, free};

use crate::{amounts, number};

/// Whether the token that is staked is also the reward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tokens {
    Two,
    One,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Fund(U256),
    Notify(U256),
    FundAndNotify(U256),
    Stake(u8, U256),
    Withdraw(u8, U256),
    WithdrawAll(u8),
    Take(u8),
    SetDuration(u64),
    Wait(u64),
}

/// A contract, and its balances of both tokens.
#[derive(Clone, Debug, PartialEq)]
struct World {
    tokens: Tokens,
    pool: RewardPool,
    stakers: BTreeMap<u8, Staker>,
    now: U256,
    staking_balance: U256,
    reward_balance: U256,
    funded: U256,
    paid: U256,
}

impl World {
    fn new(tokens: Tokens) -> Self {
        Self {
            tokens,
            pool: RewardPool::new(),
            stakers: BTreeMap::new(),
            now: number(1_000_000),
            staking_balance: U256::ZERO,
            reward_balance: U256::ZERO,
            funded: U256::ZERO,
            paid: U256::ZERO,
        }
    }

    /// Returns what the contract may pay as rewards: of one token, what is not stake.
    fn available(&self) -> U256 {
        match self.tokens {
            Tokens::Two => self.reward_balance,
            Tokens::One => free(
                self.reward_balance.saturating_add(self.staking_balance),
                self.pool.total_staked,
            ),
        }
    }

    fn staker(&mut self, who: u8) -> Staker {
        self.stakers.get(&who).copied().unwrap_or_default()
    }

    fn step(&mut self, step: Step) -> Result<(), RewardsError> {
        let now = self.now;
        match step {
            Step::Fund(amount) => {
                // No token has a supply above 2^256.
                let total = self.staking_balance.checked_add(self.reward_balance);
                if total.and_then(|total| total.checked_add(amount)).is_some()
                    && self.funded.checked_add(amount).is_some()
                {
                    self.reward_balance += amount;
                    self.funded += amount;
                }
                Ok(())
            }
            Step::Notify(amount) => self.pool.notify(amount, self.available(), now),
            Step::FundAndNotify(amount) => {
                let before = self.funded;
                self.step(Step::Fund(amount))?;
                let arrived = self.funded - before;
                self.pool.notify(arrived, self.available(), now)
            }
            Step::Stake(who, amount) => {
                let total = self.staking_balance.checked_add(self.reward_balance);
                if total.and_then(|total| total.checked_add(amount)).is_none() {
                    return Ok(());
                }
                let mut staker = self.staker(who);
                self.pool.stake(&mut staker, amount, now)?;
                self.staking_balance += amount;
                self.stakers.insert(who, staker);
                Ok(())
            }
            Step::Withdraw(who, amount) => {
                let mut staker = self.staker(who);
                self.pool.withdraw(&mut staker, amount, now)?;
                self.staking_balance -= amount;
                self.stakers.insert(who, staker);
                Ok(())
            }
            Step::WithdrawAll(who) => {
                let staked = self.staker(who).staked;
                self.step(Step::Withdraw(who, staked))
            }
            Step::Take(who) => {
                let mut staker = self.staker(who);
                let mut pool = self.pool;
                let reward = pool.take(&mut staker, now)?;
                check_funded(reward, self.available())?;
                self.pool = pool;
                self.reward_balance -= reward;
                self.paid += reward;
                self.stakers.insert(who, staker);
                Ok(())
            }
            Step::SetDuration(duration) => self.pool.set_duration(number(duration), now),
            Step::Wait(seconds) => {
                self.now += number(seconds);
                Ok(())
            }
        }
    }

    fn invariants(&self) -> Result<(), String> {
        let staked: U256 = self.stakers.values().map(|staker| staker.staked).sum();
        let holds = [
            (staked == self.pool.total_staked, "the stakes add up"),
            (self.staking_balance == staked, "every stake can be withdrawn"),
            (self.paid <= self.funded, "paid is at most funded"),
            (self.paid + self.reward_balance == self.funded, "what is funded is paid or there"),
        ];
        match holds.iter().find(|(holds, _)| !holds) {
            Some((_, what)) => Err(format!("{what}: {self:?}")),
            None => Ok(()),
        }
    }

    /// Returns everything that is promised: earned, or to be earned until the end of the period.
    fn promised(&self) -> U256 {
        let earned =
            self.stakers.values().map(|staker| self.pool.earned_down(staker, self.now).unwrap());
        let remaining = self.pool.period_finish.saturating_sub(self.now);
        earned.sum::<U256>() + remaining * self.pool.reward_rate
    }
}

fn step(amount: impl Strategy<Value = U256> + Clone + 'static) -> impl Strategy<Value = Step> {
    let (who, a) = (|| 0_u8..4, move || amount.clone());
    prop_oneof![
        2 => a().prop_map(Step::Fund),
        2 => a().prop_map(Step::Notify),
        3 => a().prop_map(Step::FundAndNotify),
        6 => (who(), a()).prop_map(|(who, amount)| Step::Stake(who, amount)),
        4 => (who(), a()).prop_map(|(who, amount)| Step::Withdraw(who, amount)),
        2 => who().prop_map(Step::WithdrawAll),
        4 => who().prop_map(Step::Take),
        1 => prop_oneof![0_u64..4, 0_u64..1_000_000].prop_map(Step::SetDuration),
        6 => prop_oneof![Just(0_u64), 1_u64..100, 1_u64..2_000_000].prop_map(Step::Wait),
    ]
}

fn tokens() -> impl Strategy<Value = Tokens> {
    prop_oneof![Just(Tokens::Two), Just(Tokens::One)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn paid_is_at_most_funded_and_every_stake_can_be_withdrawn(
        tokens in tokens(),
        steps in vec(step(amounts().boxed()), 1..60),
    ) {
        let mut world = World::new(tokens);
        for step in steps {
            let before = world.clone();
            if world.step(step).is_err() {
                // A deposit stays where its announcement is refused.
                let kept = world.pool == before.pool && world.stakers == before.stakers && world.paid == before.paid;
                prop_assert!(kept, "a refused step has changed something: {step:?}");
            }
            world.invariants().map_err(TestCaseError::fail)?;
        }
    }

    #[test]
    fn an_honest_distributor_never_promises_more_than_is_there(
        tokens in tokens(),
        steps in vec(step((0_u64..1 << 50).prop_map(U256::from).boxed()), 1..60),
    ) {
        let mut world = World::new(tokens);
        for step in steps {
            // Each announcement is funded by itself.
            if matches!(step, Step::Notify(_)) {
                continue;
            }
            let refused = world.step(step).err();
            prop_assert!(!matches!(refused, Some(RewardsError::Unfunded { .. } | RewardsError::Math(_)))
                || matches!(step, Step::Withdraw(..) | Step::FundAndNotify(_)), "{refused:?}");
            let available = world.available();
            prop_assert!(world.promised() <= available, "{} of {available}", world.promised());
            world.invariants().map_err(TestCaseError::fail)?;
        }
    }
}

/// An announcement that nobody has funded: with one token, the original compares it with the stakes.
#[test]
fn stakes_are_no_rewards() {
    let mut world = World::new(Tokens::One);
    world.step(Step::Stake(1, number(10_000_000))).unwrap();
    world.step(Step::Stake(2, number(10_000_000))).unwrap();
    let refused = world.step(Step::Notify(number(6_048_000)));
    let (rate, affordable) = (number(10), U256::ZERO);
    assert_eq!(refused, Err(RewardsError::RewardTooHigh { rate, affordable }));

    // Funded once and announced twice: what is earned and not taken is counted a second time, by the original too.
    world.step(Step::FundAndNotify(number(6_048_000))).unwrap();
    world.step(Step::Wait(604_800)).unwrap();
    world.step(Step::Notify(number(6_048_000))).unwrap();
    world.step(Step::Wait(604_800)).unwrap();
    world.step(Step::Take(1)).unwrap();
    assert_eq!(world.paid, number(6_048_000));
    let (reward, available) = (number(6_048_000), U256::ZERO);
    assert_eq!(world.step(Step::Take(2)), Err(RewardsError::Unfunded { reward, available }));
    world.step(Step::WithdrawAll(2)).unwrap();
    world.step(Step::WithdrawAll(1)).unwrap();
    world.invariants().unwrap();
}
