//! Yield: what may be staked or deposited for a reward, and what an account has in it.
//!
//! Three kinds have a list of their own, each newest first and numbered from 1: staking rewards, farms, vaults. Amounts are in the smallest unit of
//! their token.

use std::collections::BTreeMap;

use abi::{
    FeeVault, MASTER_CHEF_FACTORY, MasterChef, MasterChefFactory, RewardReserve,
    STAKING_REWARDS_FACTORY, Shares, StakingRewards, StakingRewardsFactory, VAULT_FACTORY, Vault,
    VaultFactory, convert,
};
use alloy_primitives::{Address, U256};
use units::{AccountId, UnixSeconds};

use crate::{
    Ask, ITEMS_MAX, Impossible, Page, ViewError, Window,
    batch::{self, Asked, Batch},
    markets::{TokenView, balances_of, found, token, tokens},
};

/// Staking rewards: a reward over a period, divided by stake and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RewardsView {
    /// Where it answers.
    pub address: AccountId,
    /// What is staked.
    pub staking: TokenView,
    /// What is paid.
    pub reward: TokenView,
    /// The sum of all stakes.
    pub staked: U256,
    /// Reward of a second, while the period runs.
    pub rate: U256,
    /// When the period ends, at most what fits; 0 before the first.
    pub period_end: UnixSeconds,
    /// Seconds of the next period.
    pub duration: U256,
    /// May pause, and recover foreign tokens.
    pub owner: AccountId,
    /// Who may announce rewards.
    pub distributor: AccountId,
    /// Whether nobody can stake.
    pub is_paused: bool,
}

/// A farm: a reward of each block, divided among pools by allocation, and in a pool by stake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FarmView {
    /// Where it answers.
    pub address: AccountId,
    /// The reserve, whose claims are the reward token.
    pub reserve: TokenView,
    /// What claims are redeemed in.
    pub underlying: TokenView,
    /// What was deposited for rewards and is not yet drawn.
    pub undrawn: U256,
    /// The reward of a block for all pools together.
    pub reward_per_block: U256,
    /// The sum of the pools' allocations.
    pub allocation_total: U256,
    /// The first block with rewards.
    pub start_block: U256,
    /// Until this block rewards count ten times.
    pub bonus_end_block: U256,
    /// May add pools, change allocations, and name a migrator.
    pub owner: AccountId,
    /// A contract that can exchange the staked tokens of all pools for others, when anybody calls `migrate`.
    pub migrator: Option<AccountId>,
    /// The first 100 pools.
    pub pools: Vec<FarmPoolView>,
    /// How many pools there are.
    pub pool_count: u64,
}

/// A pool of a farm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FarmPoolView {
    /// What is staked.
    pub staking: TokenView,
    /// Its part of the farm's rewards.
    pub allocation: U256,
    /// What the farm holds of the staked token; none of a token that does not answer.
    pub staked: Option<U256>,
}

/// A vault: shares of a growing amount of an asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultView {
    /// Where it answers, also as the token of its shares.
    pub shares: TokenView,
    /// What is deposited.
    pub asset: TokenView,
    /// What all shares are worth; none when the asset does not answer.
    pub assets: Option<U256>,
    /// All shares.
    pub supply: U256,
    /// Of a vault that sells fees: proceeds that do not count yet.
    pub locked: Option<U256>,
}

impl VaultView {
    /// Decimals that a share has more than the asset, as far as the asset says how many it has; 0 if it doesn't.
    #[must_use]
    pub fn offset(&self) -> u8 {
        if !self.asset.is_readable {
            return 0;
        }
        self.shares.decimals.saturating_sub(self.asset.decimals)
    }
}

/// One of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed<T> {
    /// It was read.
    Readable(T),
    /// It, or a token of it, does not answer as it should: whoever created it is to blame, and the others are read all the same.
    Unreadable(AccountId),
}

/// What an account has staked and earned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StakeView {
    /// Its stake; of a vault, what its shares are worth, rounded down.
    pub staked: U256,
    /// What it can take now; 0 of a vault, whose shares grow.
    pub earned: U256,
    /// Its shares of a vault, else 0.
    pub shares: U256,
}

/// What answers at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum YieldView {
    /// Staking rewards.
    Rewards(RewardsView),
    /// A farm.
    Farm(FarmView),
    /// A vault.
    Vault(VaultView),
}

macro_rules! page {
    ($(#[$docs:meta])* $list:ident, $view:ident, $read:ident, $at:ident, $factory:ident) => {
        $(#[$docs])*
        ///
        /// # Errors
        /// [`ViewError`].
        pub async fn $list<A: Ask>(
            ledger: &A,
            window: Window,
        ) -> Result<Page<Listed<$view>>, ViewError<A::Error>> {
            let count = batch::read(ledger, $at, &$factory::countCall {}, counted).await?;
            let mut batch = Batch::default();
            let ask = |number: u64| {
                batch.add($at, &$factory::atCall { index: U256::from(number.saturating_sub(1)) })
            };
            let asked: Vec<_> = window.numbers(count).map(ask).collect();
            let answers = batch.ask(ledger).await?;
            let mut items = Vec::with_capacity(asked.len());
            for asked in &asked {
                let at = answers.take(asked)?;
                items.push(match $read(ledger, at).await {
                    Ok(view) => Listed::Readable(view),
                    Err(_) => {
                        // A ledger that is gone does not answer this either.
                        ledger.head().await?;
                        Listed::Unreadable(convert::account(at))
                    }
                });
            }
            Ok(Page::new(window, count, items))
        }
    };
}

page! {
    /// Reads a page of staking rewards, newest first.
    rewards, RewardsView, read_rewards, STAKING_REWARDS_FACTORY, StakingRewardsFactory
}
page! {
    /// Reads a page of farms, newest first.
    farms, FarmView, read_farm, MASTER_CHEF_FACTORY, MasterChefFactory
}
page! {
    /// Reads a page of vaults, newest first.
    vaults, VaultView, read_vault, VAULT_FACTORY, VaultFactory
}

/// Reads whatever pays a yield at an address; `None` if nothing does.
///
/// # Errors
/// [`ViewError`].
pub async fn yield_at<A: Ask>(
    ledger: &A,
    address: &AccountId,
) -> Result<Option<YieldView>, ViewError<A::Error>> {
    let address = convert::address(*address);
    let code = ledger.account(address).await?.code;
    let name = abi::Module::of(&address, &code).map(|module| module.name);
    Ok(Some(match name {
        Some("StakingRewards") => YieldView::Rewards(read_rewards(ledger, address).await?),
        Some("MasterChef") => YieldView::Farm(read_farm(ledger, address).await?),
        Some("Vault" | "FeeVault") => YieldView::Vault(read_vault(ledger, address).await?),
        _ => return Ok(None),
    }))
}

/// Reads what an account has in staking rewards.
///
/// # Errors
/// [`ViewError`].
pub async fn stake_in_rewards<A: Ask>(
    ledger: &A,
    rewards: &AccountId,
    account: &AccountId,
) -> Result<StakeView, ViewError<A::Error>> {
    let (at, account) = (convert::address(*rewards), convert::address(*account));
    let mut batch = Batch::default();
    let staked = batch.add(at, &StakingRewards::balanceOfCall { account });
    let earned = batch.add(at, &StakingRewards::earnedCall { account });
    let answers = batch.ask(ledger).await?;
    let (staked, earned) = (answers.take(&staked)?, answers.take(&earned)?);
    Ok(StakeView { staked, earned, shares: U256::ZERO })
}

/// Reads what an account has in a pool of a farm.
///
/// # Errors
/// [`ViewError`]; in particular [`ViewError::Refused`] when there is no such pool.
pub async fn stake_in_farm<A: Ask>(
    ledger: &A,
    farm: &AccountId,
    pool: u64,
    account: &AccountId,
) -> Result<StakeView, ViewError<A::Error>> {
    let (at, user) = (convert::address(*farm), convert::address(*account));
    let pid = U256::from(pool);
    let mut batch = Batch::default();
    let staked = batch.add(at, &MasterChef::userInfoCall { pid, user });
    let earned = batch.add(at, &MasterChef::pendingSushiCall { pid, user });
    let answers = batch.ask(ledger).await?;
    let (staked, earned) = (answers.take(&staked)?.amount, answers.take(&earned)?);
    Ok(StakeView { staked, earned, shares: U256::ZERO })
}

/// Reads what an account has in a vault.
///
/// # Errors
/// [`ViewError`].
pub async fn stake_in_vault<A: Ask>(
    ledger: &A,
    vault: &AccountId,
    account: &AccountId,
) -> Result<StakeView, ViewError<A::Error>> {
    let (at, account) = (convert::address(*vault), convert::address(*account));
    let shares = batch::ask(ledger, at, &Shares::balanceOfCall { account }).await?;
    if shares.is_zero() {
        // The asset, which may not answer, need not be asked.
        return Ok(StakeView::default());
    }
    let staked = batch::ask(ledger, at, &Vault::convertToAssetsCall { shares }).await?;
    Ok(StakeView { staked, earned: U256::ZERO, shares })
}

fn counted(count: U256) -> Result<u64, Impossible> {
    u64::try_from(count).map_err(|_| Impossible::new("count", count))
}

async fn read_rewards<A: Ask>(ledger: &A, at: Address) -> Result<RewardsView, ViewError<A::Error>> {
    let mut batch = Batch::default();
    let staking = batch.add(at, &StakingRewards::stakingTokenCall {});
    let reward = batch.add(at, &StakingRewards::rewardsTokenCall {});
    let staked = batch.add(at, &StakingRewards::totalSupplyCall {});
    let rate = batch.add(at, &StakingRewards::rewardRateCall {});
    let period_end = batch.add(at, &StakingRewards::periodFinishCall {});
    let duration = batch.add(at, &StakingRewards::rewardsDurationCall {});
    let owner = batch.add(at, &StakingRewards::ownerCall {});
    let distributor = batch.add(at, &StakingRewards::rewardsDistributionCall {});
    let is_paused = batch.add(at, &StakingRewards::pausedCall {});
    let answers = batch.ask(ledger).await?;
    let [staking, reward] = both(ledger, [answers.take(&staking)?, answers.take(&reward)?]).await?;
    Ok(RewardsView {
        address: convert::account(at),
        staking,
        reward,
        staked: answers.take(&staked)?,
        rate: answers.take(&rate)?,
        // The owner sets the duration, and can set it to anything.
        period_end: UnixSeconds::new(answers.take(&period_end)?.saturating_to()),
        duration: answers.take(&duration)?,
        owner: convert::account(answers.take(&owner)?),
        distributor: convert::account(answers.take(&distributor)?),
        is_paused: answers.take(&is_paused)?,
    })
}

async fn both<A: Ask>(
    ledger: &A,
    addresses: [Address; 2],
) -> Result<[TokenView; 2], ViewError<A::Error>> {
    let [one, other] = addresses.map(convert::account);
    Ok([token(ledger, &one).await?, token(ledger, &other).await?])
}

async fn read_farm<A: Ask>(ledger: &A, at: Address) -> Result<FarmView, ViewError<A::Error>> {
    let mut batch = Batch::default();
    let reserve = batch.add(at, &MasterChef::sushiCall {});
    let reward_per_block = batch.add(at, &MasterChef::sushiPerBlockCall {});
    let allocation_total = batch.add(at, &MasterChef::totalAllocPointCall {});
    let start_block = batch.add(at, &MasterChef::startBlockCall {});
    let bonus_end_block = batch.add(at, &MasterChef::bonusEndBlockCall {});
    let owner = batch.add(at, &MasterChef::ownerCall {});
    let migrator = batch.add(at, &MasterChef::migratorCall {});
    let pool_count = batch.add(at, &MasterChef::poolLengthCall {});
    let answers = batch.ask(ledger).await?;
    let reserve = answers.take(&reserve)?;
    let pool_count = answers.read(&pool_count, counted)?;
    let mut of_reserve = Batch::default();
    let underlying = of_reserve.add(reserve, &RewardReserve::underlyingCall {});
    let undrawn = of_reserve.add(reserve, &RewardReserve::undrawnCall {});
    let reserves = of_reserve.ask(ledger).await?;
    let [claims, underlying] = both(ledger, [reserve, reserves.take(&underlying)?]).await?;
    Ok(FarmView {
        address: convert::account(at),
        reserve: claims,
        underlying,
        undrawn: reserves.take(&undrawn)?,
        reward_per_block: answers.take(&reward_per_block)?,
        allocation_total: answers.take(&allocation_total)?,
        start_block: answers.take(&start_block)?,
        bonus_end_block: answers.take(&bonus_end_block)?,
        owner: convert::account(answers.take(&owner)?),
        migrator: convert::account_if_any(answers.take(&migrator)?),
        pools: farm_pools(ledger, at, pool_count.min(ITEMS_MAX)).await?,
        pool_count,
    })
}

async fn farm_pools<A: Ask>(
    ledger: &A,
    at: Address,
    count: u64,
) -> Result<Vec<FarmPoolView>, ViewError<A::Error>> {
    let mut batch = Batch::default();
    let ask = |pid| batch.add(at, &MasterChef::poolInfoCall { pid: U256::from(pid) });
    let asked: Vec<Asked<MasterChef::poolInfoCall>> = (0..count).map(ask).collect();
    let answers = batch.ask(ledger).await?;
    let infos: Result<Vec<_>, _> = asked.iter().map(|asked| answers.take(asked)).collect();
    let infos = infos?;
    let staked: BTreeMap<_, _> = tokens(ledger, infos.iter().map(|info| info.lpToken)).await?;
    let farm = convert::account(at);
    let addresses: Vec<_> = infos.iter().map(|info| convert::account(info.lpToken)).collect();
    let held = balances_of(ledger, &farm, &addresses).await?;
    let pool = |(info, staked_here): (&MasterChef::poolInfoReturn, Option<U256>)| FarmPoolView {
        staking: found(&staked, info.lpToken),
        allocation: info.allocPoint,
        staked: staked_here,
    };
    Ok(infos.iter().zip(held).map(pool).collect())
}

async fn read_vault<A: Ask>(ledger: &A, at: Address) -> Result<VaultView, ViewError<A::Error>> {
    let asset = batch::ask(ledger, at, &Vault::assetCall {}).await?;
    let [shares, asset] = both(ledger, [at, asset]).await?;
    let supply = batch::ask(ledger, at, &Shares::totalSupplyCall {}).await?;
    let vault = convert::account(at);
    // By the asset's own balance first: code of a foreign token may not answer.
    let held = balances_of(ledger, &vault, &[asset.address]).await?;
    let assets = match held.first().copied().flatten() {
        Some(_) => Some(batch::ask(ledger, at, &Vault::totalAssetsCall {}).await?),
        None => None,
    };
    let mut batch = Batch::default();
    let locked = batch.add(at, &FeeVault::lockedAssetsCall {});
    let answers = batch.ask(ledger).await?;
    // A vault that sells nothing refuses this call.
    let locked = answers.take::<_, A::Error>(&locked).ok();
    Ok(VaultView { shares, asset, assets, supply, locked })
}

#[cfg(test)]
mod tests {
    use abi::GRAIN;
    use alloy_sol_types::{SolCall as _, SolValue as _};

    use super::*;
    use crate::{AccountState, Call, Head, LogFilter, Outcome, PlacedLog, ready};

    /// A ledger with three staking rewards: one is fine, one has a period that ends in 2^200, one does not answer.
    struct Hostile;

    #[derive(Debug, thiserror::Error)]
    #[error("out of gas")]
    struct OutOfGas;

    const FINE: Address = Address::repeat_byte(1);
    const ENDLESS: Address = Address::repeat_byte(2);
    const HALTS: Address = Address::repeat_byte(3);

    impl Ask for Hostile {
        type Error = OutOfGas;

        async fn head(&self) -> Result<Head, OutOfGas> {
            let hash = units::Digest::from_bytes([0; 32]);
            Ok(Head { height: 1, hash, time: UnixSeconds::new(1) })
        }

        async fn block(&self, _: u64) -> Result<Option<Head>, OutOfGas> {
            unreachable!("none of these views asks for it")
        }

        async fn calls(&self, calls: Vec<Call>) -> Result<Vec<Outcome>, OutOfGas> {
            let outcome = |call: &Call| {
                let of = |value: U256| Ok(Outcome::Returned(value.abi_encode().into()));
                let selector: [u8; 4] = call.input[..4].try_into().expect("a call");
                let address = |address: Address| Ok(Outcome::Returned(address.abi_encode().into()));
                match (call.to, selector) {
                    (STAKING_REWARDS_FACTORY, StakingRewardsFactory::countCall::SELECTOR) => {
                        of(U256::from(3))
                    }
                    (STAKING_REWARDS_FACTORY, _) => {
                        let index = call.input[35];
                        address(Address::repeat_byte(index.saturating_add(1)))
                    }
                    (GRAIN, abi::Erc20::decimalsCall::SELECTOR) => of(U256::from(18)),
                    (GRAIN, _) => Ok(Outcome::Returned("GRAIN".to_owned().abi_encode().into())),
                    (HALTS, _) => Err(OutOfGas),
                    (
                        _,
                        StakingRewards::stakingTokenCall::SELECTOR
                        | StakingRewards::rewardsTokenCall::SELECTOR
                        | StakingRewards::ownerCall::SELECTOR
                        | StakingRewards::rewardsDistributionCall::SELECTOR,
                    ) => address(GRAIN),
                    (_, StakingRewards::pausedCall::SELECTOR) => of(U256::ZERO),
                    (ENDLESS, StakingRewards::periodFinishCall::SELECTOR) => {
                        of(U256::ONE.wrapping_shl(200))
                    }
                    _ => of(U256::from(7)),
                }
            };
            calls.iter().map(outcome).collect()
        }

        async fn account(&self, _: Address) -> Result<AccountState, OutOfGas> {
            unreachable!("no list of stakes asks for it")
        }

        async fn logs(&self, _: LogFilter) -> Result<Vec<PlacedLog>, OutOfGas> {
            unreachable!("no list of stakes asks for it")
        }
    }

    #[test]
    fn one_hostile_contract_hides_no_other() {
        let items = ready(rewards(&Hostile, Window::first(10))).unwrap().items;
        let end = |item: &Listed<RewardsView>| match item {
            Listed::Readable(view) => Ok((view.address, view.period_end.as_u64())),
            Listed::Unreadable(address) => Err(*address),
        };
        let [fine, endless, halts] = [FINE, ENDLESS, HALTS].map(convert::account);
        let ends: Vec<_> = items.iter().map(end).collect();
        assert_eq!(ends, [Err(halts), Ok((endless, u64::MAX)), Ok((fine, 7))]);
    }
}
