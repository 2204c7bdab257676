//! Figures by hand.

use alloy_primitives::U256;
use staking::{
    MathError,
    farm::{Emission, Pool, UserInfo, multiplier, total_allocation},
    rewards::{RewardPool, RewardsError, Staker},
    vault::{Offset, Vault},
};

use crate::number;

#[test]
fn a_week_of_rewards_is_divided_by_stake_and_time() {
    let (mut pool, mut first, mut second) =
        (RewardPool::new(), Staker::default(), Staker::default());
    pool.stake(&mut first, number(100), number(10)).unwrap();
    // 10 a second for a week.
    pool.notify(number(6_048_000), number(6_048_000), number(10)).unwrap();
    pool.stake(&mut second, number(300), number(110)).unwrap();
    assert_eq!(pool.earned_down(&first, number(110)), Ok(number(1_000)));
    // Of the next 1,000: a quarter and three quarters.
    assert_eq!(pool.earned_down(&first, number(210)), Ok(number(1_250)));
    assert_eq!(pool.earned_down(&second, number(210)), Ok(number(750)));
    assert_eq!(pool.take(&mut first, number(210)), Ok(number(1_250)));
    assert_eq!(pool.take(&mut first, number(210)), Ok(U256::ZERO));
    // A second announcement takes up what is left of the first.
    let finish = pool.period_finish;
    pool.notify(number(6_048_000), number(12_000_000), number(210)).unwrap();
    assert_eq!(pool.period_finish, finish + number(200));
    assert_eq!(pool.reward_rate, number((6_048_000 + 604_600 * 10) / 604_800));
    let running = RewardsError::PeriodNotComplete { period_finish: pool.period_finish };
    assert_eq!(pool.set_duration(number(1), pool.period_finish), Err(running));
    assert_eq!(pool.set_duration(number(1), pool.period_finish + number(1)), Ok(()));
}

#[test]
fn every_refusal_of_a_stake() {
    let (mut pool, mut staker) = (RewardPool::new(), Staker::default());
    let now = number(5);
    assert_eq!(pool.stake(&mut staker, U256::ZERO, now), Err(RewardsError::ZeroStake));
    assert_eq!(pool.withdraw(&mut staker, U256::ZERO, now), Err(RewardsError::ZeroWithdrawal));
    let refused = pool.withdraw(&mut staker, number(1), now);
    assert_eq!(refused, Err(RewardsError::Math(MathError::Subtraction)));
    pool.stake(&mut staker, U256::MAX, now).unwrap();
    let refused = pool.stake(&mut staker, number(1), now);
    assert_eq!(refused, Err(RewardsError::Math(MathError::Addition)));
    pool.rewards_duration = U256::ZERO;
    let refused = pool.notify(number(1), number(1), now);
    assert_eq!(refused, Err(RewardsError::Math(MathError::Division)));
    pool.rewards_duration = number(1);
    pool.notify(U256::MAX, U256::MAX, now).unwrap();
    let refused = pool.accrue(now + number(1));
    assert_eq!(refused, Err(MathError::Multiplication));
    assert_eq!(pool.last_update_time, now, "a refused step has changed something");
}

#[test]
fn blocks_with_bonus_count_ten_times() {
    for (from, to, expected) in [
        (10, 10, Ok(0)),
        (10, 12, Ok(20)),
        (10, 20, Ok(100)),
        (18, 23, Ok(23)),
        (20, 25, Ok(5)),
        (30, 29, Err(MathError::Subtraction)),
        (15, 14, Err(MathError::Subtraction)),
    ] {
        let result = multiplier(number(from), number(to), number(20));
        assert_eq!(result, expected.map(number), "{from} to {to}");
    }
}

#[test]
fn a_farm_pays_by_allocation_and_stake() {
    let emission = Emission {
        reward_per_block: number(100),
        bonus_end_block: U256::ZERO,
        total_allocation: number(4),
    };
    let mut pool =
        Pool { allocation: number(3), last_reward_block: number(1), reward_per_share: U256::ZERO };
    let (mut first, mut second) = (UserInfo::default(), UserInfo::default());
    first.deposit(number(10), pool.reward_per_share).unwrap();
    let reward = emission.reward_down(&pool, number(3)).unwrap();
    assert_eq!(reward, number(150));
    pool.accumulate(reward, number(10), number(3)).unwrap();
    second.deposit(number(20), pool.reward_per_share).unwrap();
    pool.accumulate(number(75), number(30), number(4)).unwrap();
    assert_eq!(first.pending_down(pool.reward_per_share), Ok(number(175)));
    assert_eq!(second.pending_down(pool.reward_per_share), Ok(number(50)));
    first.withdraw(number(4), pool.reward_per_share).unwrap();
    assert_eq!(first.pending_down(pool.reward_per_share), Ok(U256::ZERO));
    let refused = first.withdraw(number(7), pool.reward_per_share);
    assert_eq!(refused, Err(MathError::Subtraction));
    assert_eq!(first.amount, number(6));
    let nothing = Emission { total_allocation: U256::ZERO, ..emission };
    assert_eq!(nothing.reward_down(&pool, number(9)), Err(MathError::Division));
}

#[test]
fn shares_of_a_vault_round_as_named() {
    let offset = Offset::new(0).unwrap();
    let vault = Vault { assets: number(9), shares: number(2), offset };
    // 10 assets for 3 shares, the virtual ones included.
    assert_eq!(vault.shares_down(number(7)), Ok(number(2)));
    assert_eq!(vault.shares_up(number(7)), Ok(number(3)));
    assert_eq!(vault.assets_down(number(2)), Ok(number(6)));
    assert_eq!(vault.assets_up(number(2)), Ok(number(7)));
    assert_eq!(Offset::new(78), None);
    assert_eq!(Offset::new(77).unwrap().virtual_shares(), number(10).pow(number(77)));
    let full = Vault { assets: U256::MAX, ..vault };
    assert!(full.shares_down(number(1)).is_err() && full.assets_up(number(1)).is_err());
}

#[test]
fn what_a_period_pays_and_what_all_pools_weigh() {
    let mut pool = RewardPool::new();
    pool.notify(number(6_048_007), number(6_048_007), number(10)).unwrap();
    // 10 a second for a week: the rest of the division is not paid.
    assert_eq!(pool.reward_for_duration(), Ok(number(6_048_000)));
    pool.reward_rate = U256::MAX;
    assert_eq!(pool.reward_for_duration(), Err(MathError::Multiplication));
    assert_eq!(total_allocation(number(100), number(30), number(5)), Ok(number(75)));
    assert_eq!(total_allocation(number(100), U256::ZERO, number(20)), Ok(number(120)));
    let refused = total_allocation(number(29), number(30), number(5));
    assert_eq!(refused, Err(MathError::Subtraction));
    let refused = total_allocation(U256::MAX, U256::ZERO, number(1));
    assert_eq!(refused, Err(MathError::Addition));
}

#[test]
fn an_offset_has_at_most_77_decimals() {
    for decimals in [0, 1, 2, 18, 77] {
        let offset = Offset::new(decimals).unwrap();
        assert_eq!(offset.decimals(), decimals);
        assert_eq!(offset.virtual_shares(), number(10).pow(number(u64::from(decimals))));
    }
    assert_eq!(Offset::new(78), None);
}
