//! Pools and positions as JSON documents and as text.

use abi::amount_text;
use alloy_primitives::U256;
use ledger_views::markets::{PoolKind, PoolView, PositionView, PriceRatio, Range, Scenario};
use serde::Serialize;

use crate::market::{TokenDocument, fee_text, millionths_text, wad_text};
use crate::options::checksummed;
use crate::output::{lines, table};

/// A pool. Amounts are in the smallest unit of their token; `price` is token 1 for one token 0, in whole units.
#[derive(Serialize)]
pub(crate) struct PoolDocument {
    version: &'static str,
    pool: String,
    fee_millionths: u32,
    token0: TokenDocument,
    token1: TokenDocument,
    amount0: Option<String>,
    amount1: Option<String>,
    price: Option<String>,
    /// All that is in the pool, at its price.
    value_in_token0: Option<String>,
    value_in_token1: Option<String>,
    /// Of v2: all shares.
    #[serde(skip_serializing_if = "Option::is_none")]
    supply: Option<String>,
    /// Of v3.
    #[serde(skip_serializing_if = "Option::is_none")]
    tick: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tick_spacing: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sqrt_price_x96: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active_liquidity: Option<String>,
}

/// A position. Amounts are in the smallest unit of their token.
#[derive(Serialize)]
pub(crate) struct PositionDocument {
    account: String,
    version: &'static str,
    pool: String,
    token0: TokenDocument,
    token1: TokenDocument,
    /// Of v3: its number.
    position: Option<String>,
    /// Shares of v2, liquidity of v3.
    liquidity: String,
    /// Of all shares, or of the active liquidity; 0 out of range.
    share_millionths: String,
    amount0: String,
    amount1: String,
    uncollected0: String,
    uncollected1: String,
    range: Option<RangeDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scenarios: Option<Vec<ScenarioDocument>>,
}

/// A range; prices are token 1 for one token 0, in whole units.
#[derive(Serialize)]
pub(super) struct RangeDocument {
    lower_tick: i32,
    upper_tick: i32,
    lower_price: String,
    upper_price: String,
    active: bool,
}

/// A position at another price. Values are in the smallest unit of token 1, the loss is a part of 1.
#[derive(Serialize)]
pub(super) struct ScenarioDocument {
    price_bps: u32,
    value: String,
    held: String,
    impermanent_loss: String,
}

impl From<&PoolView> for PoolDocument {
    fn from(pool: &PoolView) -> Self {
        let [amount0, amount1] = pool.amounts.map(|amount| amount.map(|it| it.to_string()));
        let [value0, value1] = values(pool).map(|value| value.map(|it| it.to_string()));
        let mut document = Self {
            version: pool.version(),
            pool: checksummed(&pool.address),
            fee_millionths: pool.fee_millionths(),
            token0: (&pool.token0).into(),
            token1: (&pool.token1).into(),
            amount0,
            amount1,
            price: pool.price.is_some().then(|| pool.price_text()),
            value_in_token0: value0,
            value_in_token1: value1,
            supply: None,
            tick: None,
            tick_spacing: None,
            sqrt_price_x96: None,
            active_liquidity: None,
        };
        match pool.kind {
            PoolKind::Pair { supply } => document.supply = Some(supply.to_string()),
            PoolKind::Ranged { spacing, sqrt_price, tick, liquidity, .. } => {
                document.tick = Some(tick);
                document.tick_spacing = Some(spacing);
                document.sqrt_price_x96 = Some(sqrt_price.to_string());
                document.active_liquidity = Some(liquidity.to_string());
            }
        }
        document
    }
}

impl PositionDocument {
    pub(crate) fn new(
        account: &units::AccountId,
        position: &PositionView,
        scenarios: Option<&[Scenario]>,
    ) -> Self {
        let pool = &position.pool;
        let [amount0, amount1] = position.amounts.map(|amount| amount.to_string());
        let [uncollected0, uncollected1] = position.uncollected.map(|amount| amount.to_string());
        let scenario = |scenario: &Scenario| ScenarioDocument {
            price_bps: scenario.price_bps,
            value: scenario.value.to_string(),
            held: scenario.held.to_string(),
            impermanent_loss: amount_text(scenario.loss, 18),
        };
        Self {
            account: checksummed(account),
            version: pool.version(),
            pool: checksummed(&pool.address),
            token0: (&pool.token0).into(),
            token1: (&pool.token1).into(),
            position: position.range.map(|range| range.id.to_string()),
            liquidity: position.liquidity.to_string(),
            share_millionths: position.share_millionths().to_string(),
            amount0,
            amount1,
            uncollected0,
            uncollected1,
            range: position.range.map(|range| RangeDocument::new(pool, range)),
            scenarios: scenarios.map(|all| all.iter().map(scenario).collect()),
        }
    }
}

impl RangeDocument {
    fn new(pool: &PoolView, range: Range) -> Self {
        let price = |tick| tick_price(pool, tick);
        Self {
            lower_tick: range.lower,
            upper_tick: range.upper,
            lower_price: price(range.lower),
            upper_price: price(range.upper),
            active: range.is_active,
        }
    }
}

fn tick_price(pool: &PoolView, tick: i32) -> String {
    let text = |price: PriceRatio| price.text(pool.token0.decimals, pool.token1.decimals);
    PriceRatio::at_tick(tick).map_or_else(|| "none".to_owned(), text)
}

/// All that is in a pool, in token 0 and in token 1, at its price and rounded down.
pub(super) fn values(pool: &PoolView) -> [Option<U256>; 2] {
    let [Some(amount0), Some(amount1)] = pool.amounts else { return [None; 2] };
    let Some(price) = pool.price else { return [None; 2] };
    let in0 = price.inverse().scaled_down(amount1).and_then(|more| amount0.checked_add(more));
    let in1 = price.scaled_down(amount0).and_then(|more| amount1.checked_add(more));
    [in0, in1]
}

/// Returns `GRAIN/BAR`.
pub(super) fn pair_name(pool: &PoolView) -> String {
    format!("{}/{}", pool.token0.symbol, pool.token1.symbol)
}

/// Returns a table of pools.
pub(super) fn pools_text(pools: &[PoolView]) -> String {
    let row = |pool: &PoolView| {
        let amount = |index: usize| {
            let token = [&pool.token0, &pool.token1][index];
            let text = |amount| format!("{} {}", token.amount_text(amount), token.symbol);
            pool.amounts[index].map_or_else(|| "unknown".to_owned(), text)
        };
        vec![
            pair_name(pool),
            pool.version().to_owned(),
            fee_text(pool.fee_millionths()),
            pool.price_text(),
            amount(0),
            amount(1),
            checksummed(&pool.address),
        ]
    };
    let rows: Vec<_> = pools.iter().map(row).collect();
    table(&["pool", "version", "fee", "price", "token 0", "token 1", "address"], &rows)
}

/// Returns what is known of one pool.
pub(super) fn pool_text(pool: &PoolView) -> String {
    let (token0, token1) = (&pool.token0, &pool.token1);
    let mut rows = vec![
        ("pool", format!("{} of Uniswap {}", pair_name(pool), pool.version())),
        ("address", checksummed(&pool.address)),
        ("fee", fee_text(pool.fee_millionths())),
        ("token 0", format!("{} {}", token0.symbol, checksummed(&token0.address))),
        ("token 1", format!("{} {}", token1.symbol, checksummed(&token1.address))),
    ];
    match pool.price {
        None => rows.push(("price", "none: the pool has no liquidity yet".to_owned())),
        Some(price) => {
            let other = price.inverse().text(token1.decimals, token0.decimals);
            rows.push((
                "price",
                format!("1 {} = {} {}", token0.symbol, pool.price_text(), token1.symbol),
            ));
            rows.push(("", format!("1 {} = {other} {}", token1.symbol, token0.symbol)));
        }
    }
    let mut label = match pool.kind {
        PoolKind::Pair { .. } => "reserves",
        PoolKind::Ranged { .. } => "holds",
    };
    for (token, amount) in [token0, token1].into_iter().zip(pool.amounts) {
        let amount = amount.map_or_else(|| "unknown".to_owned(), |it| token.amount_text(it));
        rows.push((label, format!("{amount} {}", token.symbol)));
        label = "";
    }
    let mut label = "worth";
    for (token, value) in [token0, token1].into_iter().zip(values(pool)) {
        if let Some(value) = value {
            rows.push((label, format!("{} {} in all", token.amount_text(value), token.symbol)));
            label = "";
        }
    }
    match pool.kind {
        PoolKind::Pair { supply } => rows.push(("shares", amount_text(supply, 18))),
        PoolKind::Ranged { spacing, tick, liquidity, .. } => {
            rows.push(("tick", format!("{tick}, multiples of {spacing} for positions")));
            rows.push(("liquidity", format!("{liquidity} active at the price")));
        }
    }
    named_lines(rows)
}

/// Aligns named values.
pub(super) fn named_lines(rows: Vec<(&str, String)>) -> String {
    let rows: Vec<_> = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    lines(&rows)
}

/// Returns a table of positions.
pub(crate) fn positions_text(positions: &[(units::AccountId, PositionView)]) -> String {
    let row = |(account, position): &(units::AccountId, PositionView)| {
        let pool = &position.pool;
        let tokens = [&pool.token0, &pool.token1];
        let amounts = |amounts: [U256; 2]| {
            let text = |index: usize| {
                format!("{} {}", tokens[index].amount_text(amounts[index]), tokens[index].symbol)
            };
            format!("{} + {}", text(0), text(1))
        };
        let (id, range, uncollected) = match position.range {
            None => ("-".to_owned(), "every price".to_owned(), "in the pair".to_owned()),
            Some(range) => {
                let active = if range.is_active { "in range" } else { "out of range" };
                let (low, high) = (tick_price(pool, range.lower), tick_price(pool, range.upper));
                (
                    range.id.to_string(),
                    format!("{low}..{high}, {active}"),
                    amounts(position.uncollected),
                )
            }
        };
        vec![
            id,
            format!("{} {}", pair_name(pool), pool.version()),
            amounts(position.amounts),
            millionths_text(position.share_millionths()),
            uncollected,
            range,
            checksummed(account),
        ]
    };
    let rows: Vec<_> = positions.iter().map(row).collect();
    table(&["position", "pool", "amounts", "share", "fees", "range", "account"], &rows)
}

/// Returns a table of what a position is worth at other prices.
pub(super) fn scenarios_text(pool: &PoolView, scenarios: &[Scenario]) -> String {
    let token = &pool.token1;
    let row = |scenario: &Scenario| {
        let price = pool.price.map(|price| price.times_bps(scenario.price_bps));
        let text = |price: PriceRatio| price.text(pool.token0.decimals, token.decimals);
        vec![
            millionths_text(U256::from(scenario.price_bps).saturating_mul(U256::from(100))),
            price.map_or_else(|| "none".to_owned(), text),
            token.amount_text(scenario.value),
            token.amount_text(scenario.held),
            wad_text(scenario.loss),
        ]
    };
    let rows: Vec<_> = scenarios.iter().map(row).collect();
    let [price, worth, held] =
        ["price", "worth", "held"].map(|name| format!("{name}, {}", token.symbol));
    table(&["of now", &price, &worth, &held, "loss"], &rows)
}
