//! A farm and its reserve: promised ≤ drawn ≤ funded; stakes can be withdrawn whatever else has happened.

use std::collections::BTreeMap;

use alloy_primitives::{U256, U512};
use proptest::{collection::vec, prelude::*};
use staking::{
    MathError,
    farm::{Draw, Emission, Pool, UserInfo, draw, total_allocation},
    reserve::{Reserve, ReserveError},
};

use crate::{amounts, number};

const POOLS: u8 = 3;
/// The pool whose stakes are of the reward token itself.
const OF_REWARDS: u8 = 2;

#[derive(Clone, Copy, Debug)]
enum Step {
    Fund(U256),
    Update(u8),
    Deposit(u8, u8, U256),
    Withdraw(u8, u8, U256),
    EmergencyWithdraw(u8, u8),
    Donate(u8, U256),
    Allocate(u8, u64),
    Redeem(u8, U256),
    Wait(u64),
}

/// A farm with three pools, and the balances of the accounts concerned.
#[derive(Clone, Debug, PartialEq)]
struct World {
    emission: Emission,
    pools: Vec<Pool>,
    users: BTreeMap<(u8, u8), UserInfo>,
    reserve: Reserve,
    /// Of each pool's staked token; that of [`OF_REWARDS`] also holds the rewards.
    farm_balances: Vec<U256>,
    claims_of: BTreeMap<u8, U256>,
    developer: U256,
    block: U256,
    funded: U256,
    redeemed: U256,
    /// Payments so far. A stake that changes is owed the difference of two products, each rounded down: up to one unit more than its share.
    payments: u64,
}

#[derive(Debug, PartialEq)]
enum Refused {
    Math,
    Reserve,
    Short,
}

impl From<MathError> for Refused {
    fn from(_: MathError) -> Self {
        Self::Math
    }
}

impl From<ReserveError> for Refused {
    fn from(_: ReserveError) -> Self {
        Self::Reserve
    }
}

impl World {
    fn new(reward_per_block: U256) -> Self {
        let pool = Pool {
            allocation: number(10),
            last_reward_block: number(100),
            reward_per_share: U256::ZERO,
        };
        Self {
            emission: Emission {
                reward_per_block,
                bonus_end_block: number(150),
                total_allocation: number(30),
            },
            pools: vec![pool; usize::from(POOLS)],
            users: BTreeMap::new(),
            reserve: Reserve::default(),
            farm_balances: vec![U256::ZERO; usize::from(POOLS)],
            claims_of: BTreeMap::new(),
            developer: U256::ZERO,
            block: number(100),
            funded: U256::ZERO,
            redeemed: U256::ZERO,
            payments: 0,
        }
    }

    fn rewards(&mut self) -> &mut U256 {
        &mut self.farm_balances[usize::from(OF_REWARDS)]
    }

    fn user(&self, pool: u8, who: u8) -> UserInfo {
        self.users.get(&(pool, who)).copied().unwrap_or_default()
    }

    fn update(&mut self, index: u8) -> Result<(), Refused> {
        let pool = self.pools[usize::from(index)];
        if self.block <= pool.last_reward_block {
            return Ok(());
        }
        let supply = self.farm_balances[usize::from(index)];
        if supply.is_zero() {
            self.pools[usize::from(index)].last_reward_block = self.block;
            return Ok(());
        }
        let asked = self.emission.reward_down(&pool, self.block)?;
        let drawn = draw(asked, self.reserve.undrawn);
        let mut next = pool;
        next.accumulate(drawn.pool, supply, self.block)?;
        let mut reserve = self.reserve;
        reserve.draw(drawn.developer)?;
        reserve.draw(drawn.pool)?;
        self.reserve = reserve;
        self.developer += drawn.developer;
        *self.rewards() += drawn.pool;
        self.pools[usize::from(index)] = next;
        Ok(())
    }

    fn pay_pending(&mut self, index: u8, who: u8) -> Result<(), Refused> {
        let per_share = self.pools[usize::from(index)].reward_per_share;
        let pending = self.user(index, who).pending_down(per_share)?;
        let paid = pending.min(*self.rewards());
        *self.rewards() -= paid;
        *self.claims_of.entry(who).or_default() += paid;
        self.payments += 1;
        Ok(())
    }

    /// Returns what rounding may have given away, in the smallest unit.
    fn rounding_max(&self) -> U256 {
        U256::from(self.payments)
    }

    /// Applies a step; on an error nothing has changed, as a contract's revert undoes everything.
    fn step(&mut self, step: Step) -> Result<(), Refused> {
        let before = self.clone();
        let result = self.apply(step);
        if result.is_err() {
            *self = before;
        }
        result
    }

    fn apply(&mut self, step: Step) -> Result<(), Refused> {
        match step {
            Step::Fund(amount) => {
                self.reserve.fund(amount)?;
                self.funded = self.funded.checked_add(amount).ok_or(Refused::Math)?;
            }
            Step::Update(index) => self.update(index)?,
            Step::Deposit(index, who, amount) => {
                self.update(index)?;
                self.pay_pending(index, who)?;
                if index == OF_REWARDS {
                    let claims = self.claims_of.entry(who).or_default();
                    *claims = claims.checked_sub(amount).ok_or(Refused::Short)?;
                }
                let balance = &mut self.farm_balances[usize::from(index)];
                *balance = balance.checked_add(amount).ok_or(Refused::Short)?;
                let mut user = self.user(index, who);
                user.deposit(amount, self.pools[usize::from(index)].reward_per_share)?;
                self.users.insert((index, who), user);
            }
            Step::Withdraw(index, who, amount) => {
                if self.user(index, who).amount < amount {
                    return Err(Refused::Short);
                }
                self.update(index)?;
                self.pay_pending(index, who)?;
                let mut user = self.user(index, who);
                user.withdraw(amount, self.pools[usize::from(index)].reward_per_share)?;
                self.users.insert((index, who), user);
                self.pay_back(index, who, amount)?;
            }
            Step::EmergencyWithdraw(index, who) => {
                let amount = self.users.remove(&(index, who)).unwrap_or_default().amount;
                self.pay_back(index, who, amount)?;
            }
            Step::Donate(index, amount) => {
                if index == OF_REWARDS {
                    return Ok(());
                }
                let balance = &mut self.farm_balances[usize::from(index)];
                *balance = balance.checked_add(amount).ok_or(Refused::Short)?;
            }
            Step::Allocate(index, allocation) => {
                let (total, after) = (self.emission.total_allocation, number(allocation));
                let pool = &mut self.pools[usize::from(index)];
                self.emission.total_allocation = total_allocation(total, pool.allocation, after)?;
                pool.allocation = after;
            }
            Step::Redeem(who, amount) => {
                let claims = self.claims_of.entry(who).or_default();
                *claims = claims.checked_sub(amount).ok_or(Refused::Short)?;
                self.reserve.redeem(amount)?;
                self.redeemed += amount;
            }
            Step::Wait(blocks) => self.block += number(blocks),
        }
        Ok(())
    }

    fn pay_back(&mut self, index: u8, who: u8, amount: U256) -> Result<(), Refused> {
        let balance = &mut self.farm_balances[usize::from(index)];
        *balance = balance.checked_sub(amount).ok_or(Refused::Short)?;
        if index == OF_REWARDS {
            *self.claims_of.entry(who).or_default() += amount;
        }
        Ok(())
    }

    fn invariants(&self) -> Result<(), String> {
        let staked = |index: u8| -> U256 {
            let of_pool = self.users.iter().filter(|((pool, _), _)| *pool == index);
            of_pool.map(|(_, user)| user.amount).sum()
        };
        let pending: U512 = self
            .users
            .iter()
            .map(|((pool, _), user)| {
                let per_share = self.pools[usize::from(*pool)].reward_per_share;
                U512::from(user.pending_down(per_share).unwrap_or_default())
            })
            .sum();
        let rewards = self.farm_balances[usize::from(OF_REWARDS)];
        let owed = pending + U512::from(staked(OF_REWARDS));
        let held: U256 = self.claims_of.values().copied().sum::<U256>() + self.developer + rewards;
        let stakes_are_there = (0..POOLS).all(|index| {
            let rounded = if index == OF_REWARDS { self.rounding_max() } else { U256::ZERO };
            staked(index) <= self.farm_balances[usize::from(index)] + rounded
        });
        // Twice: what was given away by payments, and by what is pending, at most one unit a stake.
        let rounded = self.rounding_max() + U256::from(self.users.len());
        let holds = [
            (stakes_are_there, "stakes are there"),
            (
                owed <= U512::from(rewards) + U512::from(rounded),
                "promised rewards and stakes of the same token are there, but for rounding",
            ),
            (held == self.reserve.claims, "claims are somewhere"),
            (
                self.reserve.claims + self.reserve.undrawn + self.redeemed == self.funded,
                "what is funded is undrawn, claimed or redeemed",
            ),
        ];
        match holds.iter().find(|(holds, _)| !holds) {
            Some((_, what)) => Err(format!("{what}: {self:?}")),
            None => Ok(()),
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (pool, who) = (|| 0..POOLS, || 0_u8..3);
    let step = prop_oneof![
        3 => amounts().prop_map(Step::Fund),
        3 => pool().prop_map(Step::Update),
        8 => (pool(), who(), amounts()).prop_map(|(pool, who, amount)| Step::Deposit(pool, who, amount)),
        5 => (pool(), who(), amounts()).prop_map(|(pool, who, amount)| Step::Withdraw(pool, who, amount)),
        2 => (pool(), who()).prop_map(|(pool, who)| Step::EmergencyWithdraw(pool, who)),
        1 => (pool(), amounts()).prop_map(|(pool, amount)| Step::Donate(pool, amount)),
        1 => (pool(), prop_oneof![0_u64..20, any::<u64>()]).prop_map(|(pool, allocation)| Step::Allocate(pool, allocation)),
        2 => (who(), amounts()).prop_map(|(who, amount)| Step::Redeem(who, amount)),
        6 => prop_oneof![Just(0_u64), 1_u64..60].prop_map(Step::Wait),
    ];
    vec(step, 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn promised_is_at_most_funded_and_stakes_are_safe(
        reward_per_block in prop_oneof![(0_u64..2_000).prop_map(U256::from), (0_u64..1 << 60).prop_map(U256::from)],
        steps in steps(),
    ) {
        let mut world = World::new(reward_per_block);
        for step in steps {
            let _refused = world.step(step);
            world.invariants().map_err(TestCaseError::fail)?;
        }
        // Whatever has happened, everybody gets his stake back without asking for rewards; where rewards and stakes are of one token, once what rounding
        // has given away is there again.
        let rounded = world.rounding_max();
        if world.reserve.fund(rounded).is_err() {
            // All that there can be is funded.
            return Ok(());
        }
        world.reserve.draw(rounded).unwrap();
        world.farm_balances[usize::from(OF_REWARDS)] += rounded;
        world.funded += rounded;
        let users: Vec<(u8, u8)> = world.users.keys().copied().collect();
        for (pool, who) in users {
            prop_assert_eq!(world.step(Step::EmergencyWithdraw(pool, who)), Ok(()));
            world.invariants().map_err(TestCaseError::fail)?;
        }
    }

    #[test]
    fn a_draw_is_within_the_reserve_and_whole_if_it_can_be(reward in amounts(), reserve in amounts()) {
        let Draw { developer, pool } = draw(reward, reserve);
        prop_assert_eq!(developer, pool / number(10));
        prop_assert!(pool <= reward);
        let sum = U512::from(developer) + U512::from(pool);
        prop_assert!(sum <= U512::from(reserve));
        let whole = U512::from(reward) + U512::from(reward / number(10));
        if whole <= U512::from(reserve) {
            prop_assert_eq!(pool, reward);
        } else {
            prop_assert!(U512::from(reserve) - sum <= U512::from(1), "{sum} of {reserve}");
        }
    }
}

/// Nothing is staked for a while, then the reserve is empty for a while: neither is paid for later.
#[test]
fn nobody_is_paid_for_blocks_without_stake_or_without_funds() {
    let mut world = World::new(number(300));
    world.step(Step::Fund(number(1_100))).unwrap();
    world.step(Step::Wait(60)).unwrap();
    world.step(Step::Deposit(0, 1, number(5))).unwrap();
    assert_eq!(world.reserve.undrawn, number(1_100), "60 blocks without stake");
    // 100 for each block: 1,000 and a tenth.
    world.step(Step::Wait(50)).unwrap();
    world.step(Step::Update(0)).unwrap();
    assert_eq!(world.reserve.undrawn, U256::ZERO);
    world.step(Step::Wait(50)).unwrap();
    world.step(Step::Fund(number(1_100))).unwrap();
    world.step(Step::Withdraw(0, 1, number(5))).unwrap();
    // A deposit that arrives before the update pays for the blocks since the last update: they were not computed yet.
    assert_eq!(world.claims_of[&1], number(2_000));
    world.invariants().unwrap();
}

/// Platypus 2023: after somebody has left in an emergency, the others can still withdraw and are still paid.
#[test]
fn the_farm_is_solvent_after_an_emergency() {
    let mut world = World::new(number(300));
    world.step(Step::Fund(number(1 << 40))).unwrap();
    for who in 0..3 {
        world.step(Step::Deposit(0, who, number(7))).unwrap();
    }
    world.step(Step::Wait(9)).unwrap();
    world.step(Step::EmergencyWithdraw(0, 1)).unwrap();
    assert_eq!(world.step(Step::Withdraw(0, 1, number(1))), Err(Refused::Short), "twice");
    for who in [0, 2] {
        world.step(Step::Withdraw(0, who, number(7))).unwrap();
        assert!(world.claims_of[&who] > U256::ZERO);
    }
    assert_eq!(world.farm_balances[0], U256::ZERO);
    world.invariants().unwrap();
}
