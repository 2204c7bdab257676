//! Pools whose liquidity lies in ranges of the price, as in Uniswap v3.
//!
//! A price is asset 1 per asset 0, kept as its square root in Q64.96. *Ticks* divide it: tick `i` is the price `1.0001^i`. A position provides liquidity
//! `L` between two ticks; what is active at the current price is one number, and a swap moves the price along `x·y = L²` from tick to tick.
//!
//! 1. [`Pool::initialize`] sets the first price.
//! 2. [`Pool::mint`] and [`Pool::burn`] change a position's liquidity; [`Pool::collect`] pays out what it is owed.
//! 3. [`Pool::swap`] trades; [`Pool::flash`] lends for the length of a call.
//! 4. [`Pool::observe`] answers averages over time from a ring of observations.
//!
//! What the pool receives is rounded up and what it pays is rounded down. Fee growth, seconds per liquidity and cumulative ticks wrap by design: only
//! differences of them count.
//!
//! Invariants ([`invariants`]): active liquidity is the sum of the net liquidity of all ticks at or below the current one; a tick is in the bitmap
//! exactly if positions reference it; the price lies in the current tick; the pool holds what it owes.
//!
//! A function that calls others back (mint, swap, flash) leaves the pool locked, with all of its own records stored; the caller moves the assets, checks
//! what arrived with [`check_received`], and calls [`Pool::unlock`]. On an error the caller undoes what was stored, as a ledger does for a call that fails.
//!
//! Sources: Uniswap v3 whitepaper, sections 6.1 to 6.5; behaviour of `UniswapV3Pool` as deployed. Written from formulas and behaviour.

mod amounts;
mod bitmap;
mod book;
mod invariants;
mod memory;
mod oracle;
mod pool;
mod position;
mod refused;
mod sqrt_price;
mod swap_step;
mod tick;
mod tick_math;
mod trial;

pub use amounts::liquidity_for_amounts;
pub use bitmap::{NextTick, Side, flip, next_in_word, place, word_of};
pub use book::{Asset, Book, FeeGrowth, Slot0, Terms};
pub use invariants::invariants;
pub use memory::MemoryBook;
pub use oracle::{Accumulators, Observation, mean_tick_down};
pub use pool::{
    Burned, Collected, Flash, Minted, Pool, ProtocolCollected, Snapshot, SwapTerms, Swapped,
    check_received,
};
pub use position::{Owed, Position, PositionKey, fees_since};
pub use refused::Refused;
pub use sqrt_price::{
    Direction, amount0_down, amount0_up, amount1_down, amount1_up, price_after_input,
    price_after_output,
};
pub use swap_step::{Remaining, SwapStep, swap_step};
pub(crate) use tick::liquidity_after;
pub use tick::{TickAccumulators, TickLiquidity, fee_growth_inside, liquidity_per_tick_max};
pub use tick_math::{
    SQRT_PRICE_MAX, SQRT_PRICE_MIN, TICK_MAX, TICK_MIN, sqrt_price_at_tick, tick_at_sqrt_price,
};
pub use trial::Trial;
