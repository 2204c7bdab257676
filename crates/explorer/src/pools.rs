//! The list of pools: pairs of Uniswap v2 and pools of Uniswap v3.

use abi::{UNISWAP_V3_FACTORY, UniswapV3Factory, convert};
use alloy_primitives::Address;
use alloy_sol_types::SolEvent;
use history::Position;
use ledger_views::{
    Window,
    markets::{self, PoolKind, PoolView},
    ready,
};
use maud::{Markup, html};
use node::Node;

use crate::{
    Answer, NoPage, ROWS, Shown, events::Events, figures, layout, names::Names, number, trades,
    value,
};

/// Trades of a pool that its row counts at most.
const TRADES_MAX: usize = 100;
/// Pools of each kind that a search looks through: the newest.
const SEARCHED_MAX: usize = 100;

const HEADS: [&str; 5] = ["pool", "fee", "price", "holds", "traded in a day"];

/// Returns the path of a pool's page.
pub(crate) fn path(address: &Address) -> String {
    format!("/pool/{address:#x}")
}

/// What a pool is called: its symbols, which nobody may trust.
pub(crate) fn pair_name(names: &Names<'_>, pool: &PoolView) -> String {
    let [asset0, asset1] = assets(pool).map(|asset| names.symbol_plain(&asset));
    format!("{asset0} / {asset1}")
}

/// The two assets.
pub(crate) fn assets(pool: &PoolView) -> [Address; 2] {
    [&pool.token0, &pool.token1].map(|token| convert::address(token.address))
}

/// The decimals of the two assets; 0 of one that does not say, so that smallest units are counted.
pub(crate) fn decimals(names: &Names<'_>, pool: &PoolView) -> [u8; 2] {
    assets(pool).map(|asset| names.token(&asset).decimals.unwrap_or_default())
}

/// The price of asset 0 in asset 1, as a sentence.
pub(crate) fn price(names: &Names<'_>, pool: &PoolView) -> Markup {
    let [symbol0, symbol1] = assets(pool).map(|asset| names.symbol_plain(&asset));
    let [priced, unit] = decimals(names, pool);
    let is_empty = matches!(pool.kind, PoolKind::Ranged { liquidity: 0, .. });
    let text = |price: markets::PriceRatio| price.text(priced, unit);
    html! {
        @if let Some(price) = pool.price {
            "1 " (symbol0) " = " (text(price)) " " (symbol1)
            // Whoever moves the price to where nobody provides liquidity pays nothing for it.
            @if is_empty { " " span class="bad" { "at which nobody trades" } }
        }
        @else { span class="quiet" { "none yet" } }
    }
}

/// What kind of pool it is, with its fee.
pub(crate) fn fee(pool: &PoolView) -> String {
    format!("{}, {}", pool.version(), figures::percent_of_millionths(pool.fee_millionths()))
}

/// What the pool holds of one of its assets.
pub(crate) fn holding(names: &Names<'_>, pool: &PoolView, index: usize) -> Markup {
    let token = assets(pool).get(index).copied().unwrap_or_default();
    let amount = pool.amounts.get(index).copied().flatten();
    html! {
        @if let Some(amount) = amount { (names.amount_of(&token, amount)) }
        @else { span class="quiet" { "unknown: " (names.symbol(&token)) " does not answer" } }
    }
}

pub(crate) fn list(node: &Node, query: &str) -> Answer {
    let names = Names::new(node)?;
    let events = Events::new(node)?;
    if let Some(asked) = value(query, "symbols") {
        return searched(&names, &events, asked);
    }
    let window =
        Window { newest: number(query, "pairs"), items: u64::try_from(ROWS).unwrap_or(25) };
    let pairs = ready(markets::pairs(names.ledger(), window))?;
    let before = value(query, "ranged").and_then(|text| text.parse::<Position>().ok());
    let (ranged, older) = ranged(&names, &events, before, ROWS)?;
    let link = |newest| format!("/pools?pairs={newest}");
    let body = html! {
        p { "Anybody may put any token into a pool. Symbols are chosen by the tokens' issuers: two tokens may have the same one." }
        h2 { "Uniswap v3" }
        (table(&names, &events, &ranged, "No pool of Uniswap v3 has been created yet.")?)
        (layout::pager(None, older.map(|older| format!("/pools?ranged={older}"))))
        h2 { "Uniswap v2" }
        (table(&names, &events, &pairs.items, "No pair of Uniswap v2 has been created yet.")?)
        (layout::pager(pairs.newer.map(link), pairs.older.map(link)))
        (events.note())
    };
    names.finish()?;
    Ok(Shown::Html { title: "Pools".to_owned(), body })
}

/// Pools of Uniswap v3, newest first, with where to go on. The factory has no list, so they are found by its events; without an index those are shown that
/// positions and tokens lead to.
fn ranged(
    names: &Names<'_>,
    events: &Events,
    before: Option<Position>,
    most: usize,
) -> Result<(Vec<PoolView>, Option<Position>), NoPage> {
    if events.view().is_none() {
        return Ok((ready(markets::ranged_pools(names.ledger()))?, None));
    }
    let topic = UniswapV3Factory::PoolCreated::SIGNATURE_HASH;
    let found = events.newest(&UNISWAP_V3_FACTORY, &[topic], before, most)?;
    let mut pools = Vec::new();
    for event in &found.events {
        let Ok(created) = UniswapV3Factory::PoolCreated::decode_log(&event.log) else { continue };
        let pool = convert::account(created.pool);
        pools.extend(ready(markets::pool_at(names.ledger(), &pool))?);
    }
    Ok((pools, found.next))
}

fn table(
    names: &Names<'_>,
    events: &Events,
    pools: &[PoolView],
    empty: &str,
) -> Result<Markup, NoPage> {
    let rows: Result<Vec<_>, NoPage> = pools.iter().map(|pool| row(names, events, pool)).collect();
    Ok(layout::list(&HEADS, &rows?, empty))
}

fn row(names: &Names<'_>, events: &Events, pool: &PoolView) -> Result<Vec<Markup>, NoPage> {
    names.know([&pool.token0, &pool.token1]);
    let now = names.ledger().reader().head().timestamp;
    let volume = trades::volume(events, pool, now, TRADES_MAX)?;
    Ok(vec![
        html! { a href=(path(&convert::address(pool.address))) { (pair_name(names, pool)) } },
        html! { (fee(pool)) },
        price(names, pool),
        html! { (holding(names, pool, 0)) br; (holding(names, pool, 1)) },
        html! { @if let Some(volume) = volume { (traded(names, pool, &volume)) } @else { span class="quiet" { "unknown" } } },
    ])
}

/// A volume in asset 1, and how many trades it is of.
pub(crate) fn traded(names: &Names<'_>, pool: &PoolView, volume: &trades::Volume) -> Markup {
    let [_, asset1] = assets(pool);
    let least = if volume.is_whole { "" } else { "at least " };
    html! {
        @if volume.count == 0 { "nothing" }
        @else {
            (least) (names.amount(&asset1, volume.amounts[1])) " " (names.symbol_plain(&asset1))
            " in " (volume.count) @if volume.count == 1 { " trade" } @else { " trades" }
        }
    }
}

/// Whether a pool is of two symbols, or of one; case does not matter.
fn is_of(names: &Names<'_>, pool: &PoolView, asked: &[&str]) -> bool {
    names.know([&pool.token0, &pool.token1]);
    let symbols = assets(pool).map(|asset| names.symbol_plain(&asset).to_lowercase());
    match asked {
        [one] => symbols.iter().any(|symbol| symbol == one),
        [one, other] => {
            symbols == [*one, *other].map(str::to_owned)
                || symbols == [*other, *one].map(str::to_owned)
        }
        _ => false,
    }
}

/// The newest pools with these symbols, in any order.
fn searched(names: &Names<'_>, events: &Events, asked: &str) -> Answer {
    let asked = crate::search::decoded(asked).to_lowercase();
    let symbols: Vec<&str> = symbols(&asked);
    let most = u64::try_from(SEARCHED_MAX).unwrap_or(100);
    let mut found = ready(markets::pairs(names.ledger(), Window::first(most)))?.items;
    found.extend(ranged(names, events, None, SEARCHED_MAX)?.0);
    found.retain(|pool| is_of(names, pool, &symbols));
    let body = html! {
        p { "Of the newest " (SEARCHED_MAX) " pools of each kind. Symbols are chosen by the tokens' issuers: look at the addresses." }
        (table(names, events, &found, "None.")?)
        (events.note())
    };
    names.finish()?;
    let shown: String = asked.chars().take(80).collect();
    Ok(Shown::Html { title: format!("Pools of {shown}"), body })
}

/// The symbols in a search text: `gold/grain`, `gold grain`, `pool gold`.
pub(crate) fn symbols(text: &str) -> Vec<&str> {
    let text = text.strip_prefix("pool ").unwrap_or(text);
    let parts = text.split(|letter: char| letter == '/' || letter.is_whitespace());
    parts.filter(|part| !part.is_empty()).collect()
}

/// The kind of a pool's liquidity in words.
pub(crate) fn liquidity(names: &Names<'_>, pool: &PoolView) -> Markup {
    match pool.kind {
        PoolKind::Pair { supply } => {
            let shares = names.amount_plain(&convert::address(pool.address), supply);
            html! { (shares) " shares" }
        }
        PoolKind::Ranged { liquidity, tick, spacing, .. } => {
            html! { (liquidity) " active at tick " (tick) ", ticks of positions are multiples of " (spacing) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::symbols;

    #[test]
    fn two_symbols_are_found_in_a_search_text() {
        for text in ["gold/grain", "gold grain", " gold / grain ", "pool gold/grain"] {
            assert_eq!(symbols(text.trim()), ["gold", "grain"]);
        }
        assert_eq!(symbols("gold"), ["gold"]);
        assert!(symbols("/").is_empty());
    }
}
