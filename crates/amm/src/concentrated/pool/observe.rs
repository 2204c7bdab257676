//! What the pool answers about the past.

use alloy_primitives::U160;

use super::{Pool, liquidity::check_ticks};
use crate::concentrated::{
    Accumulators, Book, Observation, Refused, Slot0,
    oracle::{Asked, tick_cumulative_difference, wrapped_160_difference},
};

/// What accumulated while the price was between two ticks; only differences count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Sum of tick times seconds, in 56 bits.
    pub tick_cumulative: i64,
    /// Sum of seconds per liquidity, with 128 bits after the point.
    pub seconds_per_liquidity: U160,
    /// Seconds, modulo 2^32.
    pub seconds: u32,
}

impl Snapshot {
    fn since(self, before: Self) -> Self {
        Self {
            tick_cumulative: tick_cumulative_difference(
                before.tick_cumulative,
                self.tick_cumulative,
            ),
            seconds_per_liquidity: wrapped_160_difference(
                before.seconds_per_liquidity,
                self.seconds_per_liquidity,
            ),
            seconds: self.seconds.wrapping_sub(before.seconds),
        }
    }
}

impl<B: Book> Pool<'_, B> {
    /// Makes room for more observations and returns the sizes before and after. Each new place is written once, so that later swaps don't pay for it.
    ///
    /// # Errors
    /// [`Refused::Locked`].
    pub fn increase_cardinality(&mut self, next: u16) -> Result<(u16, u16), B::Error> {
        let slot0 = self.unlocked()?;
        let before = slot0.observation_cardinality_next;
        if before == 0 {
            return Err(Refused::NoObservation.into());
        }
        let after = before.max(next);
        let prepared = Observation { time: 1, ..Observation::default() };
        for place in before..after {
            self.book.set_observation(place, &prepared)?;
        }
        self.book.set_slot0(&Slot0 { observation_cardinality_next: after, ..slot0 })?;
        Ok((before, after))
    }

    /// Returns the accumulators some seconds ago, for each of the given numbers.
    ///
    /// # Errors
    /// [`Refused::NoObservation`] before the pool has a price; [`Refused::TooOld`].
    ///
    /// Source: Uniswap v3 whitepaper, section 5.1; `UniswapV3Pool.observe`.
    pub fn observe(&mut self, seconds_ago: &[u32]) -> Result<Vec<Accumulators>, B::Error> {
        let slot0 = self.book.slot0()?;
        let liquidity = self.book.liquidity()?;
        if slot0.observation_cardinality == 0 {
            return Err(Refused::NoObservation.into());
        }
        let asked = Asked { now: self.now, slot0, liquidity };
        seconds_ago.iter().map(|ago| asked.observe(self.book, *ago)).collect()
    }

    /// Returns what accumulated between two ticks that positions reference.
    ///
    /// # Errors
    /// Those of [`Self::mint`] for the ticks; [`Refused::TickNotInitialized`].
    ///
    /// Source: Uniswap v3 whitepaper, section 6.3; `UniswapV3Pool.snapshotCumulativesInside`.
    pub fn snapshot_inside(&mut self, lower: i32, upper: i32) -> Result<Snapshot, B::Error> {
        check_ticks(lower, upper)?;
        let below = self.outside(lower)?;
        let above = self.outside(upper)?;
        let slot0 = self.book.slot0()?;
        if slot0.tick < lower {
            return Ok(below.since(above));
        }
        if slot0.tick >= upper {
            return Ok(above.since(below));
        }
        let liquidity = self.book.liquidity()?;
        let asked = Asked { now: self.now, slot0, liquidity };
        let Accumulators { tick_cumulative, seconds_per_liquidity } =
            asked.observe(self.book, 0)?;
        let whole = Snapshot { tick_cumulative, seconds_per_liquidity, seconds: self.now };
        Ok(whole.since(below).since(above))
    }

    fn outside(&mut self, tick: i32) -> Result<Snapshot, B::Error> {
        let stored = self.book.tick_accumulators(tick)?;
        if !stored.is_initialized {
            return Err(Refused::TickNotInitialized.into());
        }
        let Accumulators { tick_cumulative, seconds_per_liquidity } = stored.outside;
        Ok(Snapshot { tick_cumulative, seconds_per_liquidity, seconds: stored.seconds_outside })
    }
}
