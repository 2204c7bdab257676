//! The ring of observations: cumulative ticks and seconds per liquidity, from which averages over time follow.
//!
//! Source: Uniswap v3 whitepaper, section 5; `Oracle`.

use alloy_primitives::{U160, U256};

use super::{Book, Refused, Slot0};

/// What the oracle accumulates; both wrap around, and only differences count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accumulators {
    /// Sum of tick times seconds, in 56 bits.
    pub tick_cumulative: i64,
    /// Sum of seconds divided by active liquidity (at least 1), with 128 bits after the point, in 160 bits.
    pub seconds_per_liquidity: U160,
}

/// The accumulators at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// Unix seconds, modulo 2^32.
    pub time: u32,
    /// The accumulators.
    pub at: Accumulators,
    /// Whether it was written; a slot that was only prepared has a time of 1.
    pub is_initialized: bool,
}

impl Observation {
    /// Returns the observation at `time`, with the tick and liquidity that held since this one.
    pub(crate) fn after(self, time: u32, tick: i32, liquidity: u128) -> Self {
        let seconds = time.wrapping_sub(self.time);
        // Below 2^52, then cut to 56 bits.
        let moved = i64::from(tick).wrapping_mul(i64::from(seconds));
        let tick_cumulative = cut_56(self.at.tick_cumulative.wrapping_add(moved));
        let per_liquidity =
            U160::from(seconds).wrapping_shl(128).wrapping_div(U160::from(liquidity.max(1)));
        let seconds_per_liquidity = self.at.seconds_per_liquidity.wrapping_add(per_liquidity);
        Self {
            time,
            at: Accumulators { tick_cumulative, seconds_per_liquidity },
            is_initialized: true,
        }
    }
}

/// Everything that a question to the oracle depends on, besides the observations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) now: u32,
    pub(crate) slot0: Slot0,
    pub(crate) liquidity: u128,
}

impl Asked {
    /// Returns the accumulators some seconds ago.
    ///
    /// Between two observations, the difference of cumulative ticks is divided by the time between them first, toward zero, and then multiplied; that of
    /// seconds per liquidity is multiplied first.
    pub(crate) fn observe<B: Book>(
        &self,
        book: &mut B,
        seconds_ago: u32,
    ) -> Result<Accumulators, B::Error> {
        let Self { now, slot0, liquidity } = *self;
        if seconds_ago == 0 {
            let last = book.observation(slot0.observation_index)?;
            let is_now = last.time == now;
            return Ok(if is_now { last } else { last.after(now, slot0.tick, liquidity) }.at);
        }
        let target = now.wrapping_sub(seconds_ago);
        let (before, after) = self.surrounding(book, target)?;
        if target == before.time {
            return Ok(before.at);
        }
        if target == after.time {
            return Ok(after.at);
        }
        let between = after.time.wrapping_sub(before.time);
        let elapsed = target.wrapping_sub(before.time);
        let moved = tick_cumulative_difference(before.at.tick_cumulative, after.at.tick_cumulative);
        let per_second = moved.checked_div(i64::from(between)).ok_or(Refused::Arithmetic)?;
        let tick_cumulative = cut_56(
            before.at.tick_cumulative.wrapping_add(per_second.wrapping_mul(i64::from(elapsed))),
        );
        let grown =
            wrapped_160_difference(before.at.seconds_per_liquidity, after.at.seconds_per_liquidity);
        let part = U256::from(grown)
            .wrapping_mul(U256::from(elapsed))
            .checked_div(U256::from(between))
            .ok_or(Refused::Arithmetic)?;
        let seconds_per_liquidity =
            before.at.seconds_per_liquidity.wrapping_add(part.wrapping_to());
        Ok(Accumulators { tick_cumulative, seconds_per_liquidity })
    }

    /// Returns the observations at or before, and at or after, a time.
    fn surrounding<B: Book>(
        &self,
        book: &mut B,
        target: u32,
    ) -> Result<(Observation, Observation), B::Error> {
        let Self { now, slot0, liquidity } = *self;
        let newest = book.observation(slot0.observation_index)?;
        if is_at_or_before(now, newest.time, target) {
            // The second is not looked at when the time is the first's.
            return Ok((newest, newest.after(target, slot0.tick, liquidity)));
        }
        let mut oldest = book.observation(self.wrapped(1)?)?;
        if !oldest.is_initialized {
            oldest = book.observation(0)?;
        }
        if !is_at_or_before(now, oldest.time, target) {
            return Err(Refused::TooOld.into());
        }
        self.search(book, target)
    }

    /// Halves the ring, from the oldest observation to the newest, until two neighbours surround the time.
    fn search<B: Book>(
        &self,
        book: &mut B,
        target: u32,
    ) -> Result<(Observation, Observation), B::Error> {
        let mut low = 1_u32;
        let mut high = u32::from(self.slot0.observation_cardinality);
        while low <= high {
            let middle = low.midpoint(high);
            let before = book.observation(self.wrapped(middle)?)?;
            // What was only prepared lies before everything that was written.
            if !before.is_initialized {
                low = middle.wrapping_add(1);
                continue;
            }
            let after = book.observation(self.wrapped(middle.wrapping_add(1))?)?;
            let is_after_before = is_at_or_before(self.now, before.time, target);
            if is_after_before && is_at_or_before(self.now, target, after.time) {
                return Ok((before, after));
            }
            if is_after_before {
                low = middle.wrapping_add(1);
            } else {
                high = middle.wrapping_sub(1);
            }
        }
        // The oldest is at or before the time and the newest after it, so two neighbours surround it.
        Err(Refused::TooOld.into())
    }

    /// Returns the place that many observations after the newest, around the ring.
    fn wrapped(&self, steps: u32) -> Result<u16, Refused> {
        let place = u32::from(self.slot0.observation_index).wrapping_add(steps);
        let place = place.checked_rem(u32::from(self.slot0.observation_cardinality));
        let place = place.ok_or(Refused::NoObservation)?;
        u16::try_from(place).map_err(|_| Refused::Arithmetic)
    }
}

/// Writes the observation of `now`, once a block, with the tick and liquidity that held before; returns the newest one's index and the size of the ring.
pub(crate) fn write<B: Book>(
    book: &mut B,
    slot0: &Slot0,
    now: u32,
    liquidity: u128,
) -> Result<(u16, u16), B::Error> {
    let (index, cardinality) = (slot0.observation_index, slot0.observation_cardinality);
    let last = book.observation(index)?;
    if last.time == now {
        return Ok((index, cardinality));
    }
    let next = slot0.observation_cardinality_next;
    let is_at_end = index == cardinality.wrapping_sub(1);
    let grown = if next > cardinality && is_at_end { next } else { cardinality };
    let place = u32::from(index).wrapping_add(1).checked_rem(u32::from(grown));
    let place = u16::try_from(place.ok_or(Refused::NoObservation)?);
    let place = place.map_err(|_| Refused::Arithmetic)?;
    book.set_observation(place, &last.after(now, slot0.tick, liquidity))?;
    Ok((place, grown))
}

/// Returns the mean of the tick between two cumulative ticks, `seconds` apart, rounded down: the geometric mean of the price. `None` for 0 seconds, and for
/// sums that no ticks have.
///
/// Source: Uniswap v3 whitepaper, section 5.2; `OracleLibrary.consult`.
#[must_use]
pub fn mean_tick_down(before: i64, now: i64, seconds: u32) -> Option<i32> {
    let moved = tick_cumulative_difference(before, now);
    moved.checked_div_euclid(i64::from(seconds)).and_then(|tick| i32::try_from(tick).ok())
}

/// Returns whether one time is at or before another, both at or before `now`, modulo 2^32.
fn is_at_or_before(now: u32, one: u32, other: u32) -> bool {
    // What is above `now` is of the time before the last wrap.
    now.wrapping_sub(one) >= now.wrapping_sub(other)
}

/// Returns how much a cumulative tick has grown, in 56 bits.
pub(crate) fn tick_cumulative_difference(before: i64, now: i64) -> i64 {
    cut_56(now.wrapping_sub(before))
}

/// Returns how much seconds per liquidity have grown, in 160 bits.
pub(crate) fn wrapped_160_difference(before: U160, now: U160) -> U160 {
    now.wrapping_sub(before)
}

/// Cuts a number to 56 bits with a sign.
fn cut_56(number: i64) -> i64 {
    number.wrapping_shl(8).wrapping_shr(8)
}
