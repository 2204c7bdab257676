//! What is known of who owns a pool: positions of Uniswap v3, shares of pairs.

use std::collections::BTreeSet;

use abi::{
    NonfungiblePositionManager, UNISWAP_V3_POSITIONS, UniswapV2Pair, UniswapV3Pool, convert,
};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolEvent;
use ledger_views::{
    ViewError,
    markets::{self, PoolKind, PoolView, PositionView, PriceRatio},
    ready,
};
use maud::{Markup, html};

use crate::{NoPage, events::Events, layout, names::Names, pools, risk};

/// Positions that a page shows at most.
const SHOWN_MAX: usize = 25;
/// Events that are read to find who has a position.
const EVENTS_MAX: usize = 100;

/// The positions of the position manager that the newest mints of a pool lead to, newest first.
pub(crate) fn of_pool(
    names: &Names<'_>,
    events: &Events,
    pool: &PoolView,
) -> Result<Vec<PositionView>, NoPage> {
    let Some(view) = events.view() else { return Ok(Vec::new()) };
    let address = convert::address(pool.address);
    let mint = Some(UniswapV3Pool::Mint::SIGNATURE_HASH);
    let owner = Some(UNISWAP_V3_POSITIONS.into_word());
    let mints = events.with_topics(&address, [mint, owner, None, None], EVENTS_MAX)?;
    let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
    for event in &mints.events {
        // The manager says in the same transaction which position it was for.
        let index = usize::try_from(event.position.transaction_index).unwrap_or(usize::MAX);
        let receipt = view.reader().receipt(event.position.block_number, index)?;
        let Some(receipt) = receipt else { continue };
        for log in receipt.logs().iter().filter(|log| log.address == UNISWAP_V3_POSITIONS) {
            let Ok(added) = NonfungiblePositionManager::IncreaseLiquidity::decode_log(log) else {
                continue;
            };
            if found.len() >= SHOWN_MAX || !seen.insert(added.tokenId) {
                continue;
            }
            let position = match ready(markets::ranged_position(names.ledger(), added.tokenId)) {
                Ok(position) => position,
                // Burned meanwhile.
                Err(ViewError::Refused { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            // A transaction may add to several pools.
            if position.pool.address == pool.address {
                found.push(position);
            }
        }
    }
    Ok(found)
}

/// Accounts that received shares of a pair in its newest transfers, with what they have now, the largest first.
pub(crate) fn of_pair(
    names: &Names<'_>,
    events: &Events,
    pair: &PoolView,
) -> Result<Vec<(Address, PositionView)>, NoPage> {
    let address = convert::address(pair.address);
    let topic = UniswapV2Pair::Transfer::SIGNATURE_HASH;
    let transfers = events.newest(&address, &[topic], None, EVENTS_MAX)?;
    let mut holders = BTreeSet::new();
    for event in &transfers.events {
        let to = event.log.topics().get(2).map(|topic: &B256| Address::from_word(*topic));
        // Shares on their way out are with the pair itself.
        holders.extend(to.filter(|to| !to.is_zero() && *to != address));
    }
    let mut found = Vec::new();
    for holder in holders {
        let call = UniswapV2Pair::balanceOfCall { owner: holder };
        let shares = names.ask(address, &call).unwrap_or_default();
        if !shares.is_zero() {
            found.push((holder, markets::share_of_pair(pair, shares)));
        }
    }
    found.sort_by_key(|(_, position)| std::cmp::Reverse(position.liquidity));
    found.truncate(SHOWN_MAX);
    Ok(found)
}

/// The part of a pool that a position has, in percent.
pub(crate) fn share(position: &PositionView) -> String {
    let millionths = u64::try_from(position.share_millionths()).unwrap_or(u64::MAX);
    format!("{} %", abi::amount_text(U256::from(millionths), 4))
}

/// What a position would pay, in both assets.
pub(crate) fn worth(names: &Names<'_>, position: &PositionView) -> Markup {
    both(names, &position.pool, position.amounts)
}

/// What a position can collect, in both assets.
pub(crate) fn uncollected(names: &Names<'_>, position: &PositionView) -> Markup {
    both(names, &position.pool, position.uncollected)
}

fn both(names: &Names<'_>, pool: &PoolView, amounts: [U256; 2]) -> Markup {
    let [asset0, asset1] = pools::assets(pool);
    html! {
        (names.amount(&asset0, amounts[0])) " " (names.symbol_plain(&asset0)) " + "
        (names.amount(&asset1, amounts[1])) " " (names.symbol_plain(&asset1))
    }
}

/// Amounts of both assets, one below the other: for tables.
pub(crate) fn stacked(names: &Names<'_>, position: &PositionView, amounts: [U256; 2]) -> Markup {
    let [asset0, asset1] = pools::assets(&position.pool);
    html! {
        (names.amount_in_words(&asset0, amounts[0])) br; (names.amount_in_words(&asset1, amounts[1]))
    }
}

/// The prices between which a position has liquidity.
pub(crate) fn prices(names: &Names<'_>, position: &PositionView) -> Option<[String; 2]> {
    let range = position.range?;
    let [priced, unit] = pools::decimals(names, &position.pool);
    let text = |tick| Some(PriceRatio::at_tick(tick)?.text(priced, unit));
    Some([text(range.lower)?, text(range.upper)?])
}

/// Whether a position earns fees now, in words.
pub(crate) fn state(position: &PositionView) -> Markup {
    let PoolKind::Ranged { tick, .. } = position.pool.kind else { return html! { "earns fees" } };
    html! {
        @match position.range {
            _ if position.liquidity.is_zero() => span class="quiet" { "empty" },
            Some(range) if range.is_active => "in range: earns fees",
            Some(range) if tick < range.lower => span class="bad" { "out of range: the price is below it" },
            _ => span class="bad" { "out of range: the price is above it" },
        }
    }
}

/// The table of positions of one pool of Uniswap v3.
pub(crate) fn table(names: &Names<'_>, positions: &[PositionView]) -> Markup {
    let heads =
        ["position", "owner", "state", "of the active liquidity", "prices", "worth", "uncollected"];
    let row = |position: &PositionView| {
        let range = position.range?;
        let owner = convert::address(range.owner);
        Some(vec![
            link(range.id),
            names.account(&owner),
            state(position),
            html! { (share(position)) },
            html! { @if let Some([low, high]) = prices(names, position) { (low) " to " (high) } },
            stacked(names, position, position.amounts),
            stacked(names, position, position.uncollected),
        ])
    };
    let rows: Vec<_> = positions.iter().filter_map(row).collect();
    layout::list(&heads, &rows, "None is known.")
}

/// The table of accounts with shares of one pair.
pub(crate) fn holders(names: &Names<'_>, holders: &[(Address, PositionView)]) -> Markup {
    let row = |(holder, position): &(Address, PositionView)| {
        let pair = convert::address(position.pool.address);
        vec![
            names.account(holder),
            names.amount(&pair, position.liquidity),
            html! { (share(position)) },
            worth(names, position),
        ]
    };
    let rows: Vec<_> = holders.iter().map(row).collect();
    layout::list(&["account", "shares", "of the pair", "worth"], &rows, "None is known.")
}

/// A position's number, which leads to its page.
pub(crate) fn link(id: U256) -> Markup {
    html! { a href=(format!("/position/{id}")) { (id) } }
}

/// The page of a position of Uniswap v3.
pub(crate) fn one(node: &node::Node, id: U256) -> crate::Answer {
    let names = Names::new(node)?;
    let position = match ready(markets::ranged_position(names.ledger(), id)) {
        Ok(position) => position,
        Err(ViewError::Refused { .. }) => {
            return Err(NoPage::NotFound(format!("position {id} of Uniswap v3")));
        }
        Err(error) => return Err(error.into()),
    };
    let pool = &position.pool;
    names.know([&pool.token0, &pool.token1]);
    let range = position.range;
    let mut facts = vec![
        (
            "pool",
            html! {
                a href=(pools::path(&convert::address(pool.address))) { (pools::pair_name(&names, pool)) }
                " " (pools::fee(pool))
            },
        ),
        ("state", state(&position)),
        ("price", pools::price(&names, pool)),
    ];
    if let Some(range) = range {
        facts.insert(1, ("owner", names.account(&convert::address(range.owner))));
        let [symbol0, symbol1] = pools::assets(pool).map(|asset| names.symbol_plain(&asset));
        facts.push(("prices", html! {
            @if let Some([low, high]) = prices(&names, &position) { "1 " (symbol0) " = " (low) " to " (high) " " (symbol1) ", " }
            "ticks " (range.lower) " to " (range.upper)
        }));
    }
    facts.extend([
        ("liquidity", html! { (position.liquidity) ", " (share(&position)) " of what is active at the price" }),
        ("worth", html! { (worth(&names, &position)) " when it is taken out now" }),
        ("uncollected", html! { (uncollected(&names, &position)) " of fees, and of what was taken out" }),
    ]);
    let body = html! {
        (layout::facts(&facts))
        @if let Some(range) = range { (risk::scenarios(&names, &position, &convert::address(range.owner))) }
        p class="quiet" { "A position is an ERC-721 token of the position manager, " (names.account(&UNISWAP_V3_POSITIONS)) "." }
    };
    names.finish()?;
    Ok(crate::Shown::Html {
        title: format!("Position {id}: {}", pools::pair_name(&names, pool)),
        body,
    })
}
