//! The page of one pool: its price, where its liquidity is, its newest trades, and who provides it.

use abi::{TickLens, UNISWAP_V3_TICK_LENS, UniswapV2Pair, UniswapV3Pool, convert};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolEvent;
use history::{EventEntry, Position};
use ledger_views::{
    markets::{self, PoolKind, PoolView},
    ready,
};
use maud::{Markup, html};
use node::Node;

use crate::{
    Answer, NoPage, ROWS, Shown, activity,
    chart::{self, Bar, Frame},
    decode,
    events::Events,
    figures, layout,
    names::Names,
    pools, positions, risk,
    trades::{self, Quote},
    value,
};

/// Trades whose volume a pool's page counts at most.
const COUNTED_MAX: usize = 1_000;
/// Ticks to each side of the price in which liquidity is drawn: a factor of 4 of the price.
const TICKS_BESIDE: i32 = 13_863;
/// Words of a pool's bitmap that are read at most.
const WORDS_MAX: i32 = 24;
/// Places of which a pair's depth is drawn, to each side.
const DEPTH_POINTS: u32 = 40;

pub(crate) fn one(node: &Node, address: &Address, query: &str) -> Answer {
    let names = Names::new(node)?;
    let events = Events::new(node)?;
    let pool = ready(markets::pool_at(names.ledger(), &convert::account(*address)))?;
    let pool = pool.ok_or_else(|| NoPage::NotFound(format!("pool at {address}")))?;
    names.know([&pool.token0, &pool.token1]);
    let quotes = trades::quotes(&events, address, pool.kind, pools::decimals(&names, &pool))?;
    let before = value(query, "events").and_then(|text| text.parse::<Position>().ok());
    let body = html! {
        (layout::facts(&facts(&names, &events, &pool)?))
        (price_chart(&names, &pool, &quotes))
        @match pool.kind {
            PoolKind::Pair { .. } => { (depth_chart(&names, &pool)) }
            PoolKind::Ranged { .. } => { (liquidity_chart(&names, &pool)) }
        }
        (activity_list(&names, &events, &pool, before)?)
        @match pool.kind {
            PoolKind::Pair { .. } => {
                @let holders = positions::of_pair(&names, &events, &pool)?;
                h2 { "Who has shares" }
                (positions::holders(&names, &holders))
                // As a part of the value it is the same for all shares.
                @if let Some((holder, position)) = holders.first() { (risk::scenarios(&names, position, holder)) }
            }
            PoolKind::Ranged { .. } => {
                h2 { "Positions" }
                (positions::table(&names, &positions::of_pool(&names, &events, &pool)?))
            }
        }
        (events.note())
    };
    let title = format!("Pool {}, {}", pools::pair_name(&names, &pool), pools::fee(&pool));
    names.finish()?;
    Ok(Shown::Html { title, body })
}

fn facts(
    names: &Names<'_>,
    events: &Events,
    pool: &PoolView,
) -> Result<Vec<(&'static str, Markup)>, NoPage> {
    let address = convert::address(pool.address);
    let [asset0, asset1] = pools::assets(pool);
    let now = names.ledger().reader().head().timestamp;
    let volume = trades::volume(events, pool, now, COUNTED_MAX)?;
    let [decimals0, decimals1] = pools::decimals(names, pool);
    let inverse = pool.price.map(|price| price.inverse().text(decimals1, decimals0));
    let mut facts = vec![
        ("contract", layout::account(&address)),
        ("assets", html! { (names.symbol(&asset0)) " and " (names.symbol(&asset1)) }),
        (
            "fee",
            html! { (figures::percent_of_millionths(pool.fee_millionths())) " of what is paid in" },
        ),
        (
            "price",
            html! {
                (pools::price(names, pool))
                @if let Some(inverse) = inverse { br; "1 " (names.symbol_plain(&asset1)) " = " (inverse) " " (names.symbol_plain(&asset0)) }
            },
        ),
        ("holds", html! { (pools::holding(names, pool, 0)) br; (pools::holding(names, pool, 1)) }),
        ("liquidity", pools::liquidity(names, pool)),
    ];
    if let Some(concentration) = risk::concentration(names, pool) {
        facts.push(("where it lies", concentration));
    }
    if let Some(volume) = volume {
        facts.push(("traded in a day", html! {
            (pools::traded(names, pool, &volume))
            @if volume.count > 0 { ", and " (names.amount(&asset0, volume.amounts[0])) " " (names.symbol_plain(&asset0)) }
        }));
    }
    Ok(facts)
}

/// The price after each of the newest trades, by time.
fn price_chart(names: &Names<'_>, pool: &PoolView, quotes: &[Quote]) -> Markup {
    let [symbol0, symbol1] = pools::assets(pool).map(|asset| names.symbol_plain(&asset));
    let (Some(first), Some(last), Some((low, high))) =
        (quotes.first(), quotes.last(), chart::range(quotes.iter().map(|quote| quote.price)))
    else {
        return html! {};
    };
    if quotes.len() < 2 {
        return html! {};
    }
    let [low_text, high_text] = [low, high].map(figures::price);
    let frame = Frame {
        title: format!("Price of {symbol0} in {symbol1}, the last {} changes", quotes.len()),
        label: format!(
            "Line: the price of {symbol0} in {symbol1} from block {} to block {}, between {low_text} and {high_text}, now {}",
            first.block,
            last.block,
            figures::price(last.price)
        ),
        vertical: [high_text, low_text],
        horizontal: [first, last].map(|quote| layout::time(quote.time)),
    };
    // By time where there is some; changes of one second stand above each other.
    let by_order = first.time == last.time;
    let point = |(index, quote): (usize, &Quote)| {
        let at = if by_order {
            index_float(index)
        } else {
            float(quote.time.saturating_sub(first.time))
        };
        (at, quote.price)
    };
    let points: Vec<_> = quotes.iter().enumerate().map(point).collect();
    chart::steps(&frame, &points, (low, high))
}

fn float(number: u64) -> f64 {
    figures::float(U256::from(number))
}

fn index_float(index: usize) -> f64 {
    figures::float(U256::from(index))
}

/// What it takes of asset 1 to move a pair's price: at `p`, `y·|√(p / p0) − 1|` with a reserve `y` of asset 1 at the price `p0`, without the fee.
///
/// Source: the product of the reserves stays the same; Uniswap v3 whitepaper, section 2.
fn depth_chart(names: &Names<'_>, pool: &PoolView) -> Markup {
    let [symbol0, symbol1] = pools::assets(pool).map(|asset| names.symbol_plain(&asset));
    let [Some(reserve0), Some(reserve1)] = pool.amounts else { return html! {} };
    let decimals = pools::decimals(names, pool);
    let Some(price) = figures::price_of_reserves([reserve0, reserve1], decimals) else {
        return html! {};
    };
    let reserve = figures::float(reserve1) / figures::power_of_ten(i32::from(decimals[1]));
    // From a half to the double: roots from 1/√2 to √2.
    let point = |step: u32, side: f64| {
        let share = f64::from(step) / f64::from(DEPTH_POINTS);
        let factor = 2_f64.powf(side * share);
        (price * factor, reserve * (factor.sqrt() - 1.0).abs())
    };
    let down: Vec<_> = (0..=DEPTH_POINTS).rev().map(|step| point(step, -1.0)).collect();
    let above: Vec<_> = (0..=DEPTH_POINTS).map(|step| point(step, 1.0)).collect();
    let [low, high] = [price / 2.0, price * 2.0].map(figures::price);
    let most = figures::price(reserve * (2_f64.sqrt() - 1.0));
    let least = figures::price(reserve * (1.0 - 0.5_f64.sqrt()));
    let frame = Frame {
        title: format!("Depth: {symbol1} that move the price, without the fee"),
        label: format!(
            "Areas: paying in {most} {symbol1} doubles the price of {symbol0}, taking out {least} {symbol1} halves it"
        ),
        vertical: [format!("{most} {symbol1}"), "0".to_owned()],
        horizontal: [format!("1 {symbol0} = {low}"), format!("{high} {symbol1}")],
    };
    chart::depth(&frame, &down, &above, price)
}

/// A tick at which liquidity begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Edge {
    tick: i32,
    /// What is added when the price rises through it.
    net: i128,
}

/// Liquidity between two ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    lower: i32,
    upper: i32,
    liquidity: u128,
}

/// Goes from the active liquidity at a tick to both sides, over the edges between two ends.
///
/// Source: Uniswap v3 whitepaper, section 6.3: crossing a tick upwards adds its net liquidity.
fn stretches(edges: &[Edge], (low, high): (i32, i32), tick: i32, active: u128) -> Vec<Stretch> {
    let (below, above): (Vec<&Edge>, Vec<&Edge>) = edges.iter().partition(|edge| edge.tick <= tick);
    let mut found = Vec::new();
    let (mut upper, mut liquidity) = (high, active);
    let mut lower = below.iter().map(|edge| edge.tick).max().unwrap_or(low).max(low);
    let mut here = Vec::new();
    // Upwards from the stretch of the price.
    let mut from = lower;
    for edge in &above {
        here.push(Stretch { lower: from, upper: edge.tick.min(high), liquidity });
        liquidity = liquidity.saturating_add_signed(edge.net);
        from = edge.tick;
    }
    if from < high {
        here.push(Stretch { lower: from, upper, liquidity });
    }
    // Downwards from it.
    liquidity = active;
    upper = lower;
    for (index, edge) in below.iter().enumerate().rev() {
        liquidity = liquidity.saturating_add_signed(edge.net.saturating_neg());
        lower = index
            .checked_sub(1)
            .and_then(|next| below.get(next))
            .map_or(low, |next| next.tick.max(low));
        found.push(Stretch { lower, upper, liquidity });
        upper = lower;
    }
    found.reverse();
    found.extend(here);
    found.retain(|stretch| stretch.lower < stretch.upper);
    found
}

/// The edges of a pool's liquidity around its price, in rising order.
fn edges(names: &Names<'_>, pool: &PoolView, (low, high): (i32, i32)) -> Vec<Edge> {
    let PoolKind::Ranged { spacing, tick, .. } = pool.kind else { return Vec::new() };
    let word = |tick: i32| tick.div_euclid(spacing.max(1)).div_euclid(256);
    let middle = word(tick);
    let first = word(low).max(middle - WORDS_MAX / 2);
    let last = word(high).min(middle + WORDS_MAX / 2);
    let mut found = Vec::new();
    for word in first..=last {
        let Ok(index) = i16::try_from(word) else { continue };
        let call = TickLens::getPopulatedTicksInWordCall {
            pool: convert::address(pool.address),
            tickBitmapIndex: index,
        };
        let ticks = names.ask(UNISWAP_V3_TICK_LENS, &call).unwrap_or_default();
        found.extend(
            ticks.iter().map(|one| Edge { tick: one.tick.as_i32(), net: one.liquidityNet }),
        );
    }
    found.retain(|edge| low <= edge.tick && edge.tick <= high);
    found.sort_by_key(|edge| edge.tick);
    found
}

/// Liquidity by tick around the price of a pool of Uniswap v3.
fn liquidity_chart(names: &Names<'_>, pool: &PoolView) -> Markup {
    let PoolKind::Ranged { tick, liquidity, sqrt_price, .. } = pool.kind else { return html! {} };
    if sqrt_price.is_zero() {
        return html! {};
    }
    let far = (tick.saturating_sub(TICKS_BESIDE), tick.saturating_add(TICKS_BESIDE));
    let edges = edges(names, pool, far);
    // As far as there is something to see, and a bit more.
    let reach = edges.iter().map(|edge| edge.tick.abs_diff(tick)).max().unwrap_or(0);
    let reach = i32::try_from(reach + reach / 5).unwrap_or(TICKS_BESIDE).clamp(200, TICKS_BESIDE);
    let (low, high) = (tick.saturating_sub(reach), tick.saturating_add(reach));
    let stretches = stretches(&edges, (low, high), tick, liquidity);
    let bar = |stretch: &Stretch| Bar {
        from: f64::from(stretch.lower),
        to: f64::from(stretch.upper),
        height: figures::float(U256::from(stretch.liquidity)),
        is_marked: stretch.lower <= tick && tick < stretch.upper,
    };
    let bars: Vec<_> = stretches.iter().map(bar).collect();
    let [symbol0, symbol1] = pools::assets(pool).map(|asset| names.symbol_plain(&asset));
    let decimals = pools::decimals(names, pool);
    let price = |tick: i32| figures::price(figures::price_of_tick(tick, decimals));
    let most = stretches.iter().map(|stretch| stretch.liquidity).max().unwrap_or_default();
    let frame = Frame {
        title: "Liquidity by price; the line is the price now".to_owned(),
        label: format!(
            "Bars: liquidity at prices of {symbol0} from {} to {} {symbol1}, at most {most}, and {liquidity} at the price now, {}",
            price(low),
            price(high),
            price(tick)
        ),
        vertical: [format!("{:.2e}", figures::float(U256::from(most))), "0".to_owned()],
        horizontal: [format!("1 {symbol0} = {}", price(low)), format!("{} {symbol1}", price(high))],
    };
    chart::bars(&frame, &bars, (f64::from(low), f64::from(high)), f64::from(tick))
}

/// The newest trades and changes of liquidity.
fn activity_list(
    names: &Names<'_>,
    events: &Events,
    pool: &PoolView,
    before: Option<Position>,
) -> Result<Markup, NoPage> {
    if events.view().is_none() {
        return Ok(html! {});
    }
    let address = convert::address(pool.address);
    let topics: &[B256] = match pool.kind {
        PoolKind::Pair { .. } => &[
            UniswapV2Pair::Swap::SIGNATURE_HASH,
            UniswapV2Pair::Mint::SIGNATURE_HASH,
            UniswapV2Pair::Burn::SIGNATURE_HASH,
        ],
        PoolKind::Ranged { .. } => &[
            UniswapV3Pool::Swap::SIGNATURE_HASH,
            UniswapV3Pool::Mint::SIGNATURE_HASH,
            UniswapV3Pool::Burn::SIGNATURE_HASH,
            UniswapV3Pool::Collect::SIGNATURE_HASH,
            UniswapV3Pool::Flash::SIGNATURE_HASH,
        ],
    };
    let found = events.newest(&address, topics, before, ROWS)?;
    let rows: Vec<_> = found.events.iter().map(|event| row(names, pool, event)).collect();
    let older = found.next.map(|next| format!("{}?events={next}", pools::path(&address)));
    Ok(html! {
        h2 { "Newest trades and changes" }
        (layout::list(&["block", "time", "transaction", "what", "amounts"], &rows, "None."))
        (layout::pager(None, older))
    })
}

fn row(names: &Names<'_>, pool: &PoolView, entry: &EventEntry) -> Vec<Markup> {
    let mut row = activity::place(entry.position, entry.timestamp);
    let said = decode::event(names, &entry.log);
    let name = said.as_ref().map_or("", |said| said.name());
    let amounts = match (trades::trade(entry), &said) {
        (Some(trade), _) => exchanged(names, pool, &trade),
        (None, Some(said)) => {
            let parts = ["amount0", "amount1"].map(|name| said.amount(names, name));
            html! { @for (index, part) in parts.iter().flatten().enumerate() { @if index > 0 { " + " } (part) } }
        }
        (None, None) => html! {},
    };
    row.extend([layout::transaction(&entry.transaction_hash), html! { (name) }, amounts]);
    row
}

/// What was paid in for what.
fn exchanged(names: &Names<'_>, pool: &PoolView, trade: &trades::Trade) -> Markup {
    let assets = pools::assets(pool);
    let side = |amounts: [U256; 2]| {
        let parts: Vec<_> =
            assets.iter().zip(amounts).filter(|(_, amount)| !amount.is_zero()).collect();
        html! {
            @if parts.is_empty() { "nothing" }
            @for (index, (asset, amount)) in parts.iter().enumerate() {
                @if index > 0 { " + " }
                (names.amount(asset, *amount)) " " (names.symbol_plain(asset))
            }
        }
    };
    html! { (side(trade.paid_in)) " → " (side(trade.paid_out)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(tick: i32, net: i128) -> Edge {
        Edge { tick, net }
    }

    fn stretch(lower: i32, upper: i32, liquidity: u128) -> Stretch {
        Stretch { lower, upper, liquidity }
    }

    /// Charts of others were off by one stretch (Uniswap/v3-info, issue 63), or wider than the only position (issue 184).
    #[test]
    fn liquidity_changes_at_each_tick_and_is_the_active_one_at_the_price() {
        // 10 from -60 to 60, 5 more from 0 to 120.
        let edges = [edge(-60, 10), edge(0, 5), edge(60, -10), edge(120, -5)];
        let expected = [
            stretch(-100, -60, 0),
            stretch(-60, 0, 10),
            stretch(0, 60, 15),
            stretch(60, 120, 5),
            stretch(120, 200, 0),
        ];
        assert_eq!(stretches(&edges, (-100, 200), 30, 15), expected);
        // The same seen from elsewhere, and at an edge.
        assert_eq!(stretches(&edges, (-100, 200), -30, 10), expected);
        assert_eq!(stretches(&edges, (-100, 200), 150, 0), expected);
        assert_eq!(stretches(&edges, (-100, 200), -80, 0), expected);
        assert_eq!(stretches(&edges, (-100, 200), 0, 15), expected);
    }

    #[test]
    fn without_an_edge_in_sight_the_active_liquidity_is_everywhere() {
        assert_eq!(stretches(&[], (-10, 10), 0, 7), [stretch(-10, 10, 7)]);
        assert_eq!(
            stretches(&[edge(0, 7)], (-10, 10), 0, 7),
            [stretch(-10, 0, 0), stretch(0, 10, 7)]
        );
    }
}
