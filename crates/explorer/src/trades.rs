//! Trades of a pool, from its events: what was paid in and out, and the price after it.

use abi::{UniswapV2Pair, UniswapV3Pool, convert};
use alloy_primitives::{Address, B256, I256, U256};
use alloy_sol_types::SolEvent;
use history::EventEntry;
use ledger_views::markets::{PoolKind, PoolView};

use crate::{NoPage, events::Events, figures};

/// Trades of which a pool's page draws the price, at most.
pub(crate) const DRAWN_MAX: usize = 400;
/// Seconds of which a volume is counted.
pub(crate) const VOLUME_SECONDS: u64 = 86_400;

/// What a trade moved: what was paid in of each asset, and out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trade {
    pub(crate) paid_in: [U256; 2],
    pub(crate) paid_out: [U256; 2],
}

/// The sum of trades over a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Volume {
    /// Of each asset, in both directions.
    pub(crate) amounts: [U256; 2],
    /// How many trades.
    pub(crate) count: usize,
    /// Whether all of the time was counted: more trades are not read for one page.
    pub(crate) is_whole: bool,
}

/// Reads a `Swap` of either kind of pool.
pub(crate) fn trade(entry: &EventEntry) -> Option<Trade> {
    if let Ok(swap) = UniswapV2Pair::Swap::decode_log(&entry.log) {
        return Some(Trade {
            paid_in: [swap.amount0In, swap.amount1In],
            paid_out: [swap.amount0Out, swap.amount1Out],
        });
    }
    let swap = UniswapV3Pool::Swap::decode_log(&entry.log).ok()?;
    let amounts = [swap.amount0, swap.amount1];
    let part = |amount: I256, is_counted: bool| {
        if is_counted { amount.unsigned_abs() } else { U256::ZERO }
    };
    Some(Trade {
        paid_in: amounts.map(|amount| part(amount, amount.is_positive())),
        paid_out: amounts.map(|amount| part(amount, amount.is_negative())),
    })
}

/// The topic of a pool's trades.
pub(crate) fn topic(kind: PoolKind) -> B256 {
    match kind {
        PoolKind::Pair { .. } => UniswapV2Pair::Swap::SIGNATURE_HASH,
        PoolKind::Ranged { .. } => UniswapV3Pool::Swap::SIGNATURE_HASH,
    }
}

/// Sums up a pool's trades of the last day before `now`, of the newest `most`; `None` without an index.
pub(crate) fn volume(
    events: &Events,
    pool: &PoolView,
    now: u64,
    most: usize,
) -> Result<Option<Volume>, NoPage> {
    if events.view().is_none() {
        return Ok(None);
    }
    let address = convert::address(pool.address);
    let found = events.newest(&address, &[topic(pool.kind)], None, most)?;
    let begin = now.saturating_sub(VOLUME_SECONDS);
    let counted = |entry: &&EventEntry| entry.timestamp >= begin;
    let trades: Vec<_> = found.events.iter().filter(counted).filter_map(trade).collect();
    let is_whole = found.next.is_none() || !found.events.iter().all(|entry| counted(&entry));
    let of = |index: usize| {
        let both = |trade: &Trade| {
            let [paid_in, paid_out] =
                [trade.paid_in, trade.paid_out].map(|sides| sides.get(index).copied());
            paid_in.unwrap_or_default().saturating_add(paid_out.unwrap_or_default())
        };
        trades.iter().map(both).fold(U256::ZERO, U256::saturating_add)
    };
    Ok(Some(Volume { amounts: [of(0), of(1)], count: trades.len(), is_whole }))
}

/// A price at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Quote {
    pub(crate) block: u64,
    pub(crate) time: u64,
    /// Asset 1 for one of asset 0, in whole units.
    pub(crate) price: f64,
}

/// The prices after the newest events of a pool, oldest first.
pub(crate) fn quotes(
    events: &Events,
    address: &Address,
    kind: PoolKind,
    decimals: [u8; 2],
) -> Result<Vec<Quote>, NoPage> {
    let topics = match kind {
        PoolKind::Pair { .. } => vec![UniswapV2Pair::Sync::SIGNATURE_HASH],
        PoolKind::Ranged { .. } => {
            vec![UniswapV3Pool::Swap::SIGNATURE_HASH, UniswapV3Pool::Initialize::SIGNATURE_HASH]
        }
    };
    let found = events.newest(address, &topics, None, DRAWN_MAX)?;
    let quote = |entry: &EventEntry| {
        let price = price(entry, decimals)?;
        Some(Quote { block: entry.position.block_number, time: entry.timestamp, price })
    };
    Ok(found.events.iter().rev().filter_map(quote).collect())
}

fn price(entry: &EventEntry, decimals: [u8; 2]) -> Option<f64> {
    if let Ok(sync) = UniswapV2Pair::Sync::decode_log(&entry.log) {
        let reserves = [sync.reserve0, sync.reserve1].map(U256::from);
        return figures::price_of_reserves(reserves, decimals);
    }
    let root = match UniswapV3Pool::Swap::decode_log(&entry.log) {
        Ok(swap) => swap.sqrtPriceX96,
        Err(_) => UniswapV3Pool::Initialize::decode_log(&entry.log).ok()?.sqrtPriceX96,
    };
    figures::price_of_sqrt(U256::from(root), decimals)
}
