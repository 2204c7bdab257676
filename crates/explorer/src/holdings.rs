//! What an account has in markets: positions, shares of pairs, stakes, shares of vaults.

use std::collections::BTreeSet;

use abi::{
    MASTER_CHEF_FACTORY, MasterChef, STAKING_REWARDS_FACTORY, Shares, StakingRewards,
    UNISWAP_V2_FACTORY, UniswapV2Factory, VAULT_FACTORY, VaultFactory, convert,
};
use alloy_primitives::{Address, U256};
use history::{EventFilter, PAGE_MAX, PageRequest};
use ledger_views::{
    ViewError, Window,
    markets::{self, PositionView},
    ready,
    stakes::{self, YieldView},
};
use maud::{Markup, html};
use node::LocalError;

use crate::{
    NoPage, ROWS, events::Events, layout, names::Names, number, pools, positions, stakes as pages,
};

/// Newest instances of each factory that an account's page looks at: what it holds of them is one cheap question each.
const NEWEST_MAX: u64 = 50;
/// Instances that an account's page shows, at most.
const INSTANCES_MAX: usize = 40;
/// Pools of a farm that an account's page looks at, at most.
const FARM_POOLS_MAX: usize = 20;

/// The tables of what an account has; nothing for one that has nothing. Positions are numbered by owner. Other things are found among the newest instances of each
/// factory, and those that the account's newest transfers and events name.
pub(crate) fn of(
    names: &Names<'_>,
    events: &Events,
    account: &Address,
    query: &str,
) -> Result<Markup, NoPage> {
    let owner = convert::account(*account);
    let items = u64::try_from(ROWS).unwrap_or(25);
    let window = Window { newest: number(query, "positions"), items };
    let ranged = ready(markets::ranged_positions(names.ledger(), &owner, window))?;
    let link = |newest| format!("/account/{account:#x}?positions={newest}");
    let (mut shares, mut staked) = (Vec::new(), Vec::new());
    let instances = instances(names, events, account)?;
    let is_cut = instances.len() > INSTANCES_MAX;
    for instance in instances.into_iter().take(INSTANCES_MAX) {
        match names.module(&instance).map(|module| module.name) {
            Some("UniswapV2Pair") => {
                let pair = ready(markets::pool_at(names.ledger(), &convert::account(instance)))?;
                let pairs: Vec<_> = pair.into_iter().collect();
                shares.extend(ready(markets::shares_of_pairs(names.ledger(), &owner, &pairs))?);
            }
            Some("StakingRewards" | "MasterChef" | "Vault" | "FeeVault") => {
                staked.extend(stakes_in(names, &instance, account)?);
            }
            _ => {}
        }
    }
    Ok(html! {
        @if !ranged.items.is_empty() {
            h2 { "Positions of Uniswap v3" }
            (position_table(names, &ranged.items))
            (layout::pager(ranged.newer.map(link), ranged.older.map(link)))
        }
        @if !shares.is_empty() {
            h2 { "Shares of pools of Uniswap v2" }
            (share_table(names, &shares))
        }
        @if !staked.is_empty() {
            h2 { "Stakes and vaults" }
            (layout::list(&["where", "staked or worth", "earned, or shares"], &staked, "None."))
        }
        @if is_cut { p class="quiet" { "There is more: " (INSTANCES_MAX) " pools, stakes and vaults are shown." } }
    })
}

/// Instances in which an account has something, one more than are shown at most.
fn instances(
    names: &Names<'_>,
    events: &Events,
    account: &Address,
) -> Result<Vec<Address>, NoPage> {
    let mut found = named(events, account)?;
    found.extend(newest(names));
    found.remove(account);
    let is_theirs = |instance: &Address| {
        abi::Module::at(instance).is_none() && has_something(names, instance, *account)
    };
    Ok(found.into_iter().filter(is_theirs).take(INSTANCES_MAX + 1).collect())
}

/// What the newest transfers and events of an account name.
fn named(events: &Events, account: &Address) -> Result<BTreeSet<Address>, NoPage> {
    let Some(view) = events.view() else { return Ok(BTreeSet::new()) };
    let request = PageRequest { before: None, limit: PAGE_MAX };
    let mut named = BTreeSet::new();
    if view.kept().transfers {
        let transfers = view.transfers(account, request)?;
        // Shares are themselves the token; stakes go to an instance.
        named.extend(transfers.items.iter().flat_map(|transfer| transfer.token));
        named.extend(transfers.items.iter().flat_map(|transfer| [transfer.from, transfer.to]));
    }
    let said = view.events(&EventFilter::Account(*account), request)?;
    named.extend(said.items.iter().map(|event| event.log.address));
    Ok(named)
}

/// The newest instances of each factory.
fn newest(names: &Names<'_>) -> Vec<Address> {
    let mut found = Vec::new();
    let mut add = |count: Option<U256>, at: &dyn Fn(U256) -> Option<Address>| {
        let count = count.unwrap_or_default();
        let first = count.saturating_sub(U256::from(NEWEST_MAX));
        let numbers = (0..NEWEST_MAX).map(|step| first + U256::from(step));
        found.extend(numbers.take_while(|number| *number < count).filter_map(at));
    };
    let pairs = names.ask(UNISWAP_V2_FACTORY, &UniswapV2Factory::allPairsLengthCall {});
    add(pairs, &|index| names.ask(UNISWAP_V2_FACTORY, &UniswapV2Factory::allPairsCall { index }));
    // The factories of stakes have the same two functions.
    for factory in [STAKING_REWARDS_FACTORY, MASTER_CHEF_FACTORY, VAULT_FACTORY] {
        let count = names.ask(factory, &VaultFactory::countCall {});
        add(count, &|index| names.ask(factory, &VaultFactory::atCall { index }));
    }
    found
}

/// Whether an account has shares or a stake there, or something to take.
fn has_something(names: &Names<'_>, instance: &Address, account: Address) -> bool {
    let some = |amount: Option<U256>| amount.is_some_and(|amount| !amount.is_zero());
    match names.module(instance).map(|module| module.name) {
        Some("UniswapV2Pair" | "Vault" | "FeeVault") => {
            some(names.ask(*instance, &Shares::balanceOfCall { account }))
        }
        Some("StakingRewards") => {
            some(names.ask(*instance, &StakingRewards::balanceOfCall { account }))
                || some(names.ask(*instance, &StakingRewards::earnedCall { account }))
        }
        Some("MasterChef") => has_stake(names, instance, account),
        _ => false,
    }
}

/// Whether an account has a stake in one of a farm's first pools. What a farm owes is paid with each deposit and withdrawal, so nothing is left where nothing is staked.
fn has_stake(names: &Names<'_>, farm: &Address, user: Address) -> bool {
    let count = names.ask(*farm, &MasterChef::poolLengthCall {}).unwrap_or_default();
    let pools = U256::from(FARM_POOLS_MAX).min(count);
    let staked = |pid: usize| {
        let call = MasterChef::userInfoCall { pid: U256::from(pid), user };
        names.ask(*farm, &call).is_some_and(|info| !info.amount.is_zero())
    };
    (0..FARM_POOLS_MAX).take_while(|pid| U256::from(*pid) < pools).any(staked)
}

fn position_table(names: &Names<'_>, list: &[PositionView]) -> Markup {
    let heads = ["position", "pool", "state", "prices", "worth", "uncollected"];
    let row = |position: &PositionView| {
        let range = position.range?;
        names.know([&position.pool.token0, &position.pool.token1]);
        Some(vec![
            positions::link(range.id),
            pool_link(names, position),
            positions::state(position),
            html! { @if let Some([low, high]) = positions::prices(names, position) { (low) " to " (high) } },
            positions::stacked(names, position, position.amounts),
            positions::stacked(names, position, position.uncollected),
        ])
    };
    let rows: Vec<_> = list.iter().filter_map(row).collect();
    layout::list(&heads, &rows, "None.")
}

fn pool_link(names: &Names<'_>, position: &PositionView) -> Markup {
    let pool = &position.pool;
    html! {
        a href=(pools::path(&convert::address(pool.address))) { (pools::pair_name(names, pool)) }
        " " (pools::fee(pool))
    }
}

fn share_table(names: &Names<'_>, list: &[PositionView]) -> Markup {
    let row = |position: &PositionView| {
        names.know([&position.pool.token0, &position.pool.token1]);
        vec![
            pool_link(names, position),
            names.amount(&convert::address(position.pool.address), position.liquidity),
            html! { (positions::share(position)) },
            positions::stacked(names, position, position.amounts),
        ]
    };
    let rows: Vec<_> = list.iter().map(row).collect();
    layout::list(&["pool", "shares", "of the pair", "worth"], &rows, "None.")
}

/// The rows of an account's stakes in one instance.
fn stakes_in(
    names: &Names<'_>,
    instance: &Address,
    account: &Address,
) -> Result<Vec<Vec<Markup>>, NoPage> {
    let ledger = names.ledger();
    let (at, owner) = (convert::account(*instance), convert::account(*account));
    let mut rows = Vec::new();
    let place = |what: &str| html! { a href=(pages::path(instance)) { (what) } " " span class="mono quiet small" { (layout::short_address(instance)) } };
    let counted = |token: &Address, amount: U256| html! { (names.amount_of(token, amount)) };
    match ready(stakes::yield_at(ledger, &at))? {
        Some(YieldView::Rewards(rewards)) => {
            let stake = ready(stakes::stake_in_rewards(ledger, &at, &owner))?;
            let (staking, reward) = [&rewards.staking, &rewards.reward]
                .map(|token| convert::address(token.address))
                .into();
            if !stake.staked.is_zero() || !stake.earned.is_zero() {
                rows.push(vec![
                    place("StakingRewards"),
                    counted(&staking, stake.staked),
                    counted(&reward, stake.earned),
                ]);
            }
        }
        Some(YieldView::Farm(farm)) => {
            let reserve = convert::address(farm.reserve.address);
            for (index, pool) in (0..).zip(farm.pools.iter().take(FARM_POOLS_MAX)) {
                let Some(stake) = said(ready(stakes::stake_in_farm(ledger, &at, index, &owner)))?
                else {
                    continue;
                };
                if !stake.staked.is_zero() || !stake.earned.is_zero() {
                    let staking = convert::address(pool.staking.address);
                    rows.push(vec![
                        place(&format!("MasterChef, pool {index}")),
                        counted(&staking, stake.staked),
                        counted(&reserve, stake.earned),
                    ]);
                }
            }
        }
        Some(YieldView::Vault(vault)) => {
            let stake = said(ready(stakes::stake_in_vault(ledger, &at, &owner)))?;
            if let Some(stake) = stake.filter(|stake| !stake.shares.is_zero()) {
                let asset = convert::address(vault.asset.address);
                rows.push(vec![
                    place("Vault"),
                    counted(&asset, stake.staked),
                    counted(instance, stake.shares),
                ]);
            }
        }
        None => {}
    }
    Ok(rows)
}

/// What a view says; `None` when a module refuses, as it does where the token that it asks does not answer.
fn said<T>(view: Result<T, ViewError<LocalError>>) -> Result<Option<T>, NoPage> {
    match view {
        Ok(said) => Ok(Some(said)),
        Err(ViewError::Refused { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
