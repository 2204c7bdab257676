//! What holds of a pool after every call, refused ones included.

use std::collections::BTreeMap;

use alloy_primitives::U256;

use super::{
    MemoryBook, Owed, Pool, Position, Refused, TICK_MAX, TICK_MIN, TickLiquidity, bitmap,
    liquidity_per_tick_max, sqrt_price_at_tick, tick::End,
};

/// Checks a pool that holds these balances of its two assets, and says what does not hold.
///
/// - The active liquidity is the sum of the net liquidity of all ticks at or below the current one.
/// - A tick's liquidity is that of the positions that end there; it is in the bitmap exactly if there is one.
/// - The price lies in the current tick.
/// - The ring of observations has its newest observation within its size.
/// - If every position was taken out now, the pool could pay all of them and the protocol.
///
/// # Errors
/// The first invariant that does not hold, in words.
pub fn invariants(book: &MemoryBook, held: (U256, U256)) -> Result<(), String> {
    ticks(book)?;
    price(book)?;
    let owed = owed(book).map_err(|refused| format!("can't be taken out: {refused}"))?;
    if owed.0 > held.0 || owed.1 > held.1 {
        return Err(format!("owes {owed:?} and holds {held:?}"));
    }
    Ok(())
}

fn ticks(book: &MemoryBook) -> Result<(), String> {
    let spacing = book.terms.tick_spacing;
    let most = liquidity_per_tick_max(spacing);
    let mut expected: BTreeMap<i32, TickLiquidity> = BTreeMap::new();
    for (key, Position { liquidity, .. }) in &book.positions {
        let delta = i128::try_from(*liquidity).map_err(|_| "a position is too large")?;
        for (tick, end) in [(key.lower, End::Lower), (key.upper, End::Upper)] {
            let entry = expected.entry(tick).or_default();
            *entry = entry.changed(delta, end, most).map_err(|refused| refused.to_string())?;
        }
    }
    expected.retain(|_, liquidity| liquidity.gross > 0);
    if expected != book.tick_liquidity {
        return Err(format!("ticks are {:?}, not {expected:?}", book.tick_liquidity));
    }
    let mut words: BTreeMap<i16, U256> = BTreeMap::new();
    for tick in expected.keys() {
        let (index, bit) = bitmap::flip(*tick, spacing).map_err(|refused| refused.to_string())?;
        let word = words.entry(index).or_default();
        *word |= bit;
        if !book.tick_accumulators.get(tick).is_some_and(|outside| outside.is_initialized) {
            return Err(format!("tick {tick} is not initialized"));
        }
    }
    if words != book.words {
        return Err(format!("the bitmap is {:?}, not {words:?}", book.words));
    }
    if book.tick_accumulators.len() != expected.len() {
        return Err("a tick that nobody references is initialized".to_owned());
    }
    let below = expected.range(..=book.slot0.tick).map(|(_, liquidity)| liquidity.net);
    let active = below.fold(0_i128, i128::saturating_add);
    if i128::try_from(book.liquidity) != Ok(active) {
        return Err(format!("{} is active, not {active}", book.liquidity));
    }
    Ok(())
}

fn price(book: &MemoryBook) -> Result<(), String> {
    let slot0 = &book.slot0;
    if slot0.sqrt_price.is_zero() {
        return Ok(());
    }
    let at = |tick: i32| {
        sqrt_price_at_tick(tick.clamp(TICK_MIN, TICK_MAX)).map_err(|refused| refused.to_string())
    };
    let (low, high) = (at(slot0.tick)?, at(slot0.tick.saturating_add(1))?);
    if slot0.sqrt_price < low || slot0.sqrt_price > high {
        return Err(format!("the price {} is not in tick {}", slot0.sqrt_price, slot0.tick));
    }
    if slot0.observation_index >= slot0.observation_cardinality
        || slot0.observation_cardinality > slot0.observation_cardinality_next
    {
        return Err(format!("observations are not in order: {slot0:?}"));
    }
    Ok(())
}

/// Returns what positions and protocol would be paid if everything was taken out now.
fn owed(book: &MemoryBook) -> Result<(U256, U256), Refused> {
    let mut book =
        MemoryBook { slot0: super::Slot0 { is_unlocked: true, ..book.slot0 }, ..book.clone() };
    let last = book.observations.get(&book.slot0.observation_index).copied().unwrap_or_default();
    let positions: Vec<_> = book.positions.iter().map(|(key, it)| (*key, it.liquidity)).collect();
    for (key, liquidity) in positions {
        if liquidity > 0 {
            Pool::new(&mut book, last.time).burn(&key, liquidity)?;
        }
    }
    let all = book.owed.values().chain([&book.protocol_fees]);
    let add = |sum: (U256, U256), owed: &Owed| {
        (sum.0.saturating_add(U256::from(owed.of0)), sum.1.saturating_add(U256::from(owed.of1)))
    };
    Ok(all.fold((U256::ZERO, U256::ZERO), add))
}
