//! Yields of stakes, farms and vaults.

use abi::{
    MASTER_CHEF_FACTORY, MarketLens, MasterChef, MasterChefFactory, RewardReserve,
    STAKING_REWARDS_FACTORY, StakingRewards, StakingRewardsFactory, VAULT_FACTORY, Vault,
    VaultFactory,
};
use alloy_primitives::{Address, U256};
use amm::risk::PRICE_SCALE;
use fixed_point::{ArithmeticError, mul_div_down};
use native_kit::{Failure, Host};
use staking::{
    farm::{Emission, Pool},
    returns::{
        COMPOUNDINGS_MAX, YEAR_SECONDS, annual_down, compounded_down, funded_blocks_down,
        growth_down, simple_down,
    },
};

use super::{ask, is_running, too_large};
use crate::{openzeppelin::safe_math, tokens};

/// Gas for compounding: up to 28 products and divisions of 512 bits.
const COMPOUNDING_GAS: u64 = 2_000;

pub(super) fn of_stakes(
    host: &mut dyn Host,
    call: &MarketLens::stakingYieldCall,
) -> Result<MarketLens::Yield, Failure> {
    check_compoundings(host, call.compoundings)?;
    let account = call.stakingRewards;
    let asked = StakingRewardsFactory::isInstanceCall { account };
    check_created(ask(host, STAKING_REWARDS_FACTORY, &asked)?, account)?;
    check_unlocked(host, account)?;
    let finish = ask(host, account, &StakingRewards::periodFinishCall {})?;
    let window = finish.saturating_sub(U256::from(host.timestamp()));
    let rate = match window.is_zero() {
        true => U256::ZERO,
        false => ask(host, account, &StakingRewards::rewardRateCall {})?,
    };
    let found = Rewarded {
        account,
        staked_token: ask(host, account, &StakingRewards::stakingTokenCall {})?,
        reward_token: ask(host, account, &StakingRewards::rewardsTokenCall {})?,
        staked: ask(host, account, &StakingRewards::totalSupplyCall {})?,
        reward_per_year: rate.checked_mul(YEAR_SECONDS).ok_or_else(overflow)?,
        window,
    };
    found.earns(call.rewardPrice, call.compoundings)
}

pub(super) fn of_farm(
    host: &mut dyn Host,
    call: &MarketLens::farmYieldCall,
) -> Result<MarketLens::Yield, Failure> {
    check_compoundings(host, call.compoundings)?;
    let (account, pid, blocks) = (call.masterChef, call.pid, U256::from(call.blocksPerYear));
    if blocks.is_zero() {
        return Err(Failure::revert(&MarketLens::NoDuration {}));
    }
    let asked = MasterChefFactory::isInstanceCall { account };
    check_created(ask(host, MASTER_CHEF_FACTORY, &asked)?, account)?;
    check_unlocked(host, account)?;
    let count = ask(host, account, &MasterChef::poolLengthCall {})?;
    if pid >= count {
        return Err(Failure::revert(&MarketLens::NoFarmPool { pid, count }));
    }
    let info = ask(host, account, &MasterChef::poolInfoCall { pid })?;
    let reserve = ask(host, account, &MasterChef::sushiCall {})?;
    check_unlocked(host, reserve)?;
    let undrawn = ask(host, reserve, &RewardReserve::undrawnCall {})?;
    let emission = Emission {
        reward_per_block: ask(host, account, &MasterChef::sushiPerBlockCall {})?,
        bonus_end_block: ask(host, account, &MasterChef::bonusEndBlockCall {})?,
        total_allocation: ask(host, account, &MasterChef::totalAllocPointCall {})?,
    };
    let staked = tokens::balance_of(host, info.lpToken, account)?;
    let pool = Pool {
        allocation: info.allocPoint,
        last_reward_block: info.lastRewardBlock,
        reward_per_share: info.accSushiPerShare,
    };
    let block = U256::from(host.height());
    let (reward, funded) = next_reward(&emission, &pool, (block, staked), undrawn)?;
    let found = Rewarded {
        account,
        staked_token: info.lpToken,
        reward_token: ask(host, reserve, &RewardReserve::underlyingCall {})?,
        staked,
        reward_per_year: reward.checked_mul(blocks).ok_or_else(overflow)?,
        window: mul_div_down(funded, YEAR_SECONDS, blocks).map_err(arithmetic)?,
    };
    found.earns(call.rewardPrice, call.compoundings)
}

/// Returns a pool's reward of the next block, and for how many blocks it is funded.
fn next_reward(
    emission: &Emission,
    pool: &Pool,
    (block, staked): (U256, U256),
    undrawn: U256,
) -> Result<(U256, U256), Failure> {
    let next = block.saturating_add(U256::ONE);
    if next <= pool.last_reward_block || emission.total_allocation.is_zero() {
        return Ok((U256::ZERO, U256::ZERO));
    }
    let is_due = pool.last_reward_block < block && !staked.is_zero();
    let due = match is_due {
        true => emission.reward_down(pool, block).map_err(safe_math)?,
        false => U256::ZERO,
    };
    let funded = funded_blocks_down(emission, block, undrawn, due);
    if funded.is_zero() {
        return Ok((U256::ZERO, U256::ZERO));
    }
    let begun = Pool { last_reward_block: block, ..*pool };
    Ok((emission.reward_down(&begun, next).map_err(safe_math)?, funded))
}

pub(super) fn assets_per_share(host: &mut dyn Host, vault: Address) -> Result<U256, Failure> {
    let asked = VaultFactory::isInstanceCall { account: vault };
    check_created(ask(host, VAULT_FACTORY, &asked)?, vault)?;
    check_unlocked(host, vault)?;
    ask(host, vault, &Vault::convertToAssetsCall { shares: PRICE_SCALE })
}

pub(super) fn growth(
    host: &mut dyn Host,
    call: &MarketLens::growthCall,
) -> Result<MarketLens::growthReturn, Failure> {
    check_compoundings(host, call.compoundings)?;
    if call.elapsedSeconds == 0 {
        return Err(Failure::revert(&MarketLens::NoDuration {}));
    }
    if call.earlier.is_zero() {
        return Err(Failure::revert(&MarketLens::NoEarlierFigure {}));
    }
    let grown = growth_down(call.earlier, call.later).map_err(arithmetic)?;
    let apr = annual_down(grown, call.elapsedSeconds).map_err(arithmetic)?;
    let apy = compounded_down(apr, call.compoundings);
    Ok(MarketLens::growthReturn { grown, apr, apy })
}

/// What pays rewards, to whom, and how much.
struct Rewarded {
    account: Address,
    staked_token: Address,
    reward_token: Address,
    staked: U256,
    reward_per_year: U256,
    window: U256,
}

impl Rewarded {
    fn earns(self, price: U256, compoundings: u32) -> Result<MarketLens::Yield, Failure> {
        if self.staked.is_zero() {
            return Err(Failure::revert(&MarketLens::NothingStaked { account: self.account }));
        }
        let apr = simple_down(self.reward_per_year, price, self.staked).map_err(arithmetic)?;
        Ok(MarketLens::Yield {
            stakedToken: self.staked_token,
            rewardToken: self.reward_token,
            staked: self.staked,
            rewardPerYear: self.reward_per_year,
            windowSeconds: self.window,
            apr,
            apy: compounded_down(apr, compoundings),
        })
    }
}

fn check_compoundings(host: &mut dyn Host, given: u32) -> Result<(), Failure> {
    host.charge(COMPOUNDING_GAS)?;
    let max = COMPOUNDINGS_MAX;
    if (1..=max).contains(&given) {
        return Ok(());
    }
    Err(Failure::revert(&MarketLens::CompoundingsOutOfRange { given, max }))
}

fn check_created(is_instance: bool, account: Address) -> Result<(), Failure> {
    if is_instance {
        Ok(())
    } else {
        Err(Failure::revert(&MarketLens::NotCreatedByFactory { account }))
    }
}

/// Refuses while a call of a contract runs: an asset that it moves may have called back.
fn check_unlocked(host: &mut dyn Host, account: Address) -> Result<(), Failure> {
    if is_running(host, account)? {
        return Err(Failure::revert(&MarketLens::ContractIsLocked { account }));
    }
    Ok(())
}

fn arithmetic(error: ArithmeticError) -> Failure {
    too_large(error.into())
}

fn overflow() -> Failure {
    arithmetic(ArithmeticError::Overflow)
}
