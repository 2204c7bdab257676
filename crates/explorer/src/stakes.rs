//! What pays a yield: staking rewards, farms, vaults.

use abi::{FeeVault, MasterChef, StakingRewards, Vault, convert};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolEvent;
use history::{EventEntry, Position};
use ledger_views::{
    Window,
    markets::TokenView,
    ready,
    stakes::{self, FarmPoolView, FarmView, Listed, RewardsView, VaultView, YieldView},
};
use maud::{Markup, html};
use node::Node;

use crate::{
    Answer, NoPage, ROWS, Shown, activity, decode, events::Events, figures, layout, names::Names,
    number, risk, value,
};

/// Seconds of a day.
const DAY: u64 = 86_400;

pub(crate) fn path(address: &Address) -> String {
    format!("/stake/{address:#x}")
}

fn address(token: &TokenView) -> Address {
    convert::address(token.address)
}

pub(crate) fn list(node: &Node, query: &str) -> Answer {
    let names = Names::new(node)?;
    let items = u64::try_from(ROWS).unwrap_or(25);
    let window = |name: &str| Window { newest: number(query, name), items };
    let ledger = names.ledger();
    let rewards = ready(stakes::rewards(ledger, window("rewards")))?;
    let farms = ready(stakes::farms(ledger, window("farms")))?;
    let vaults = ready(stakes::vaults(ledger, window("vaults")))?;
    let link = |name: &'static str| move |newest: u64| format!("/stakes?{name}={newest}");
    let rows =
        |rows: Vec<Vec<Markup>>, heads: &[&str], empty: &str| layout::list(heads, &rows, empty);
    let body = html! {
        p { "What these pay comes from deposits that somebody has made: none of them creates a token." }
        h2 { "Staking rewards" }
        (rows(rewards.items.iter().map(|one| listed_row(one, 5, |one| rewards_row(&names, one))).collect(), &["contract", "stake", "staked", "pays in a day", "until"], "None has been created yet."))
        (layout::pager(rewards.newer.map(link("rewards")), rewards.older.map(link("rewards"))))
        h2 { "Farms" }
        (rows(farms.items.iter().map(|one| listed_row(one, 4, |one| farm_row(&names, one))).collect(), &["contract", "pools", "pays in a block", "left to pay"], "None has been created yet."))
        (layout::pager(farms.newer.map(link("farms")), farms.older.map(link("farms"))))
        h2 { "Vaults" }
        (rows(vaults.items.iter().map(|one| listed_row(one, 4, |one| vault_row(&names, one))).collect(), &["shares", "asset", "assets", "one share is worth"], "None has been created yet."))
        (layout::pager(vaults.newer.map(link("vaults")), vaults.older.map(link("vaults"))))
    };
    names.finish()?;
    Ok(Shown::Html { title: "Stakes".to_owned(), body })
}

/// A row, or what stands for one that does not answer.
fn listed_row<T>(
    one: &Listed<T>,
    columns: usize,
    readable: impl FnOnce(&T) -> Vec<Markup>,
) -> Vec<Markup> {
    match one {
        Listed::Readable(view) => readable(view),
        Listed::Unreadable(at) => {
            let mut cells = vec![contract(&convert::address(*at), "unreadable")];
            cells.resize_with(columns, || html! { span class="quiet" { "unknown" } });
            cells
        }
    }
}

fn contract(at: &Address, name: &str) -> Markup {
    html! { a href=(path(at)) { (name) } " " span class="mono quiet small" { (layout::short_address(at)) } }
}

fn rewards_row(names: &Names<'_>, rewards: &RewardsView) -> Vec<Markup> {
    names.know([&rewards.staking, &rewards.reward]);
    let staking = address(&rewards.staking);
    vec![
        contract(&convert::address(rewards.address), "StakingRewards"),
        names.symbol(&staking),
        names.amount(&staking, rewards.staked),
        daily(names, rewards),
        until(names, rewards),
    ]
}

fn now(names: &Names<'_>) -> u64 {
    names.ledger().reader().head().timestamp
}

/// What all stakes get in a day, while the period runs.
fn daily(names: &Names<'_>, rewards: &RewardsView) -> Markup {
    if rewards.period_end.as_u64() <= now(names) {
        return html! { "nothing now" };
    }
    names.amount_of(&address(&rewards.reward), rewards.rate.saturating_mul(U256::from(DAY)))
}

fn until(names: &Names<'_>, rewards: &RewardsView) -> Markup {
    let (end, now) = (rewards.period_end.as_u64(), now(names));
    html! {
        @if end == 0 { "no period yet" }
        @else if end <= now { "ended " (layout::time(end)) }
        @else { (layout::time(end)) ", in " (figures::duration(end - now)) }
        @if rewards.is_paused { " " span class="bad" { "paused: nobody can stake" } }
    }
}

fn farm_row(names: &Names<'_>, farm: &FarmView) -> Vec<Markup> {
    names.know([&farm.reserve, &farm.underlying]);
    let underlying = address(&farm.underlying);
    vec![
        contract(&convert::address(farm.address), "MasterChef"),
        html! { (farm.pool_count) },
        names.amount_of(&underlying, farm.reward_per_block),
        names.amount_of(&underlying, farm.undrawn),
    ]
}

fn vault_row(names: &Names<'_>, vault: &VaultView) -> Vec<Markup> {
    names.know([&vault.shares, &vault.asset]);
    let (shares, asset) = (address(&vault.shares), address(&vault.asset));
    vec![
        contract(&shares, &names.symbol_plain(&shares)),
        names.symbol(&asset),
        assets(names, vault),
        share_price(names, &shares, &asset),
    ]
}

fn assets(names: &Names<'_>, vault: &VaultView) -> Markup {
    let asset = address(&vault.asset);
    html! {
        @if let Some(assets) = vault.assets { (names.amount(&asset, assets)) }
        @else { span class="quiet" { "unknown: the asset does not answer" } }
    }
}

/// What a whole share is worth, rounded down as the vault does.
fn share_price(names: &Names<'_>, vault: &Address, asset: &Address) -> Markup {
    let decimals = names.token(vault).decimals.unwrap_or_default();
    let shares = U256::from(10).saturating_pow(U256::from(decimals));
    let worth = names.ask(*vault, &Vault::convertToAssetsCall { shares });
    html! {
        @if let Some(worth) = worth { (names.amount(asset, worth)) " " (names.symbol_plain(asset)) }
        @else { span class="quiet" { "unknown" } }
    }
}

/// The page of one of them.
pub(crate) fn one(node: &Node, at: &Address, query: &str) -> Answer {
    let names = Names::new(node)?;
    let events = Events::new(node)?;
    let found = ready(stakes::yield_at(names.ledger(), &convert::account(*at)))?;
    let found = found.ok_or_else(|| NoPage::NotFound(format!("stake at {at}")))?;
    let before = value(query, "events").and_then(|text| text.parse::<Position>().ok());
    let (title, body, topics) = match &found {
        YieldView::Rewards(rewards) => rewards_page(&names, rewards),
        YieldView::Farm(farm) => farm_page(&names, farm),
        YieldView::Vault(vault) => vault_page(&names, vault),
    };
    let body = html! {
        (body)
        (activity_list(&names, &events, at, (&topics, before))?)
        (events.note())
    };
    names.finish()?;
    Ok(Shown::Html { title, body })
}

type Parts = (String, Markup, Vec<B256>);

fn rewards_page(names: &Names<'_>, rewards: &RewardsView) -> Parts {
    names.know([&rewards.staking, &rewards.reward]);
    let (staking, reward) = (address(&rewards.staking), address(&rewards.reward));
    let mut facts = vec![
        ("contract", layout::account(&convert::address(rewards.address))),
        ("stake", names.symbol(&staking)),
        ("staked", names.amount_of(&staking, rewards.staked)),
        ("reward", names.symbol(&reward)),
        ("pays in a day", html! { (daily(names, rewards)) " to all stakes" }),
        ("period ends", until(names, rewards)),
        (
            "next period",
            html! { (figures::duration(u64::try_from(rewards.duration).unwrap_or(u64::MAX))) },
        ),
        ("owner", names.account(&convert::address(rewards.owner))),
        ("announces rewards", names.account(&convert::address(rewards.distributor))),
    ];
    if let Some(paid) = risk::staking_yield(names, rewards) {
        facts.insert(5, ("pays in a year", paid));
    }
    let topics = vec![
        StakingRewards::Staked::SIGNATURE_HASH,
        StakingRewards::Withdrawn::SIGNATURE_HASH,
        StakingRewards::RewardPaid::SIGNATURE_HASH,
        StakingRewards::RewardAdded::SIGNATURE_HASH,
    ];
    (format!("Staking rewards for {}", names.symbol_plain(&staking)), layout::facts(&facts), topics)
}

fn farm_page(names: &Names<'_>, farm: &FarmView) -> Parts {
    names.know([&farm.reserve, &farm.underlying]);
    let underlying = address(&farm.underlying);
    let reserve = address(&farm.reserve);
    let head = names.ledger().reader().head().number;
    let facts = [
        ("contract", layout::account(&convert::address(farm.address))),
        (
            "pays",
            html! { (names.amount_of(&underlying, farm.reward_per_block)) " in a block, to all pools together" },
        ),
        ("left to pay", html! { (names.amount_of(&underlying, farm.undrawn)) " in the reserve" }),
        ("reserve", names.account(&reserve)),
        ("first block", html! { (farm.start_block) }),
        (
            "tenfold until",
            html! {
                "block " (farm.bonus_end_block)
                @if farm.bonus_end_block <= U256::from(head) { ", which is over" }
            },
        ),
        ("owner", names.account(&convert::address(farm.owner))),
    ];
    let row = |(index, pool): (usize, &FarmPoolView)| {
        names.know([&pool.staking]);
        let staking = address(&pool.staking);
        vec![
            html! { (index) },
            names.symbol(&staking),
            html! { @if let Some(staked) = pool.staked { (names.amount(&staking, staked)) } @else { span class="quiet" { "unknown" } } },
            html! { (figures::share(pool.allocation, farm.allocation_total).unwrap_or_else(|| "0 %".to_owned())) },
        ]
    };
    let rows: Vec<_> = farm.pools.iter().enumerate().map(row).collect();
    let hidden = farm.pool_count.saturating_sub(u64::try_from(rows.len()).unwrap_or(u64::MAX));
    let body = html! {
        (layout::facts(&facts))
        h2 { "Pools" }
        (layout::list(&["pool", "stake", "staked", "of the rewards"], &rows, "None has been added yet."))
        @if hidden > 0 { p class="quiet" { "and " (hidden) " more" } }
    };
    let topics = vec![
        MasterChef::Deposit::SIGNATURE_HASH,
        MasterChef::Withdraw::SIGNATURE_HASH,
        MasterChef::EmergencyWithdraw::SIGNATURE_HASH,
    ];
    (format!("Farm paying {}", names.symbol_plain(&underlying)), body, topics)
}

fn vault_page(names: &Names<'_>, vault: &VaultView) -> Parts {
    names.know([&vault.shares, &vault.asset]);
    let (shares, asset) = (address(&vault.shares), address(&vault.asset));
    let mut facts = vec![
        ("contract", layout::account(&shares)),
        ("name", html! { (vault.shares.name) }),
        ("asset", names.symbol(&asset)),
        ("assets", html! { (assets(names, vault)) " " (names.symbol_plain(&asset)) }),
        (
            "shares",
            html! { (names.amount(&shares, vault.supply)) " " (names.symbol_plain(&shares)) },
        ),
        ("one share is worth", share_price(names, &shares, &asset)),
    ];
    if let Some(locked) = vault.locked {
        facts.push(("sells fees", html! {
            (names.amount(&asset, locked)) " " (names.symbol_plain(&asset)) " of proceeds are not counted yet"
        }));
    }
    let topics = vec![
        Vault::Deposit::SIGNATURE_HASH,
        Vault::Withdraw::SIGNATURE_HASH,
        FeeVault::Offered::SIGNATURE_HASH,
        FeeVault::Bought::SIGNATURE_HASH,
    ];
    (format!("Vault {}", names.symbol_plain(&shares)), layout::facts(&facts), topics)
}

/// The newest deposits and payments.
fn activity_list(
    names: &Names<'_>,
    events: &Events,
    at: &Address,
    (topics, before): (&[B256], Option<Position>),
) -> Result<Markup, NoPage> {
    if events.view().is_none() {
        return Ok(html! {});
    }
    let found = events.newest(at, topics, before, ROWS)?;
    let rows: Vec<_> = found.events.iter().map(|event| row(names, event)).collect();
    let older = found.next.map(|next| format!("{}?events={next}", path(at)));
    Ok(html! {
        h2 { "Newest deposits and payments" }
        (layout::list(&["block", "time", "transaction", "what", "amount", "whose"], &rows, "None."))
        (layout::pager(None, older))
    })
}

fn row(names: &Names<'_>, entry: &EventEntry) -> Vec<Markup> {
    let mut row = activity::place(entry.position, entry.timestamp);
    let said = decode::event(names, &entry.log);
    let name = said.as_ref().map_or("", |said| said.name());
    let counted = ["assets", "amount", "reward"];
    let amount =
        said.as_ref().and_then(|said| counted.iter().find_map(|name| said.amount(names, name)));
    let whose = ["user", "owner", "buyer"];
    let whose = said.as_ref().and_then(|said| whose.iter().find_map(|name| said.address(name)));
    row.extend([
        layout::transaction(&entry.transaction_hash),
        html! { (name) },
        html! { @if let Some(amount) = amount { (amount) } },
        html! { @if let Some(whose) = whose { (names.account(&whose)) } },
    ]);
    row
}
