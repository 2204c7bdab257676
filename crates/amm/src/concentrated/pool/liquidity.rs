//! Liquidity: what positions put in and take out.

use alloy_primitives::{U160, U256};

use super::Pool;
use crate::concentrated::{
    Book, FeeGrowth, Owed, PositionKey, Refused, Slot0, TICK_MAX, TICK_MIN, TickAccumulators,
    amount0_down, amount0_up, amount1_down, amount1_up, bitmap, fee_growth_inside,
    liquidity_per_tick_max,
    oracle::{self, Asked},
    sqrt_price_at_tick,
    tick::{End, TickLiquidity, liquidity_after},
};

/// What a new liquidity costs, rounded up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minted {
    /// Of asset 0.
    pub amount0: U256,
    /// Of asset 1.
    pub amount1: U256,
}

/// What a position is owed for liquidity taken out, rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burned {
    /// Of asset 0.
    pub amount0: U256,
    /// Of asset 1.
    pub amount1: U256,
}

/// What is paid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collected {
    /// Of asset 0.
    pub amount0: u128,
    /// Of asset 1.
    pub amount1: u128,
}

/// The change of a position's liquidity, and the amounts that it moves.
struct Change {
    amount0: U256,
    amount1: U256,
}

impl<B: Book> Pool<'_, B> {
    /// Adds liquidity to a position and returns what it costs. The pool stays locked until it was paid.
    ///
    /// # Errors
    /// [`Refused::Locked`]; [`Refused::LiquidityAmount`] for 0; [`Refused::TickOrder`], [`Refused::LowerTickTooLow`],
    /// [`Refused::UpperTickTooHigh`], [`Refused::TickSpacing`]; [`Refused::TickLiquidity`]; [`Refused::LiquidityOverflow`].
    ///
    /// Source: Uniswap v3 whitepaper, section 6.2.1, equations 6.29 and 6.30; `UniswapV3Pool.mint`.
    pub fn mint(&mut self, key: &PositionKey, amount: u128) -> Result<Minted, B::Error> {
        let slot0 = self.lock()?;
        if amount == 0 {
            return Err(Refused::LiquidityAmount.into());
        }
        let delta = i128::try_from(amount).map_err(|_| Refused::Arithmetic)?;
        let Change { amount0, amount1 } = self.change(key, delta, slot0)?;
        Ok(Minted { amount0, amount1 })
    }

    /// Takes liquidity out of a position and adds what it is worth, and the fees, to what it is owed. An amount of 0 only adds the fees.
    ///
    /// # Errors
    /// [`Refused::Locked`]; those of [`Self::mint`] for the ticks; [`Refused::NoPosition`] for 0 of a position without liquidity;
    /// [`Refused::LiquidityUnderflow`].
    pub fn burn(&mut self, key: &PositionKey, amount: u128) -> Result<Burned, B::Error> {
        let slot0 = self.unlocked()?;
        let delta = i128::try_from(amount).map_err(|_| Refused::Arithmetic)?;
        let Change { amount0, amount1 } = self.change(key, delta.wrapping_neg(), slot0)?;
        if !amount0.is_zero() || !amount1.is_zero() {
            let more = Owed { of0: amount0.wrapping_to(), of1: amount1.wrapping_to() };
            let owed = self.book.owed(key)?.with(more);
            self.book.set_owed(key, &owed)?;
        }
        Ok(Burned { amount0, amount1 })
    }

    /// Takes out what a position is owed, at most `most`. The pool stays locked until it was paid.
    ///
    /// # Errors
    /// [`Refused::Locked`].
    pub fn collect(&mut self, key: &PositionKey, most: Owed) -> Result<Collected, B::Error> {
        self.lock()?;
        let owed = self.book.owed(key)?;
        let taken = Owed { of0: owed.of0.min(most.of0), of1: owed.of1.min(most.of1) };
        if !taken.is_zero() {
            let of0 = owed.of0.saturating_sub(taken.of0);
            let of1 = owed.of1.saturating_sub(taken.of1);
            self.book.set_owed(key, &Owed { of0, of1 })?;
        }
        Ok(Collected { amount0: taken.of0, amount1: taken.of1 })
    }

    /// Changes a position's liquidity; returns the amounts, rounded up when it grows and down when it shrinks.
    fn change(&mut self, key: &PositionKey, delta: i128, slot0: Slot0) -> Result<Change, B::Error> {
        check_ticks(key.lower, key.upper)?;
        self.change_position(key, delta, slot0)?;
        if delta == 0 {
            return Ok(Change { amount0: U256::ZERO, amount1: U256::ZERO });
        }
        let (low, high) = (sqrt_price_at_tick(key.lower)?, sqrt_price_at_tick(key.upper)?);
        let (amount0, amount1) =
            (amount_of(amount0_down, amount0_up), amount_of(amount1_down, amount1_up));
        if slot0.tick < key.lower {
            return Ok(Change { amount0: amount0(low, high, delta)?, amount1: U256::ZERO });
        }
        if slot0.tick >= key.upper {
            return Ok(Change { amount0: U256::ZERO, amount1: amount1(low, high, delta)? });
        }
        let before = self.book.liquidity()?;
        let (observation_index, observation_cardinality) =
            oracle::write(self.book, &slot0, self.now, before)?;
        self.book.set_slot0(&Slot0 { observation_index, observation_cardinality, ..slot0 })?;
        let amount0 = amount0(slot0.sqrt_price, high, delta)?;
        let amount1 = amount1(low, slot0.sqrt_price, delta)?;
        self.book.set_liquidity(liquidity_after(before, delta)?)?;
        Ok(Change { amount0, amount1 })
    }

    /// Changes a position's ticks, and the position.
    fn change_position(
        &mut self,
        key: &PositionKey,
        delta: i128,
        slot0: Slot0,
    ) -> Result<(), B::Error> {
        let PositionKey { lower, upper, .. } = *key;
        let global = self.book.fee_growths()?;
        let mut are_flipped = [false, false];
        if delta != 0 {
            let liquidity = self.book.liquidity()?;
            let asked = Asked { now: self.now, slot0, liquidity };
            let outside = asked.observe(self.book, 0)?;
            let outside =
                TickAccumulators { outside, seconds_outside: self.now, is_initialized: true };
            let spacing = self.book.terms()?.tick_spacing;
            let ends = [(lower, End::Lower), (upper, End::Upper)];
            for ((tick, end), is_flipped) in ends.into_iter().zip(&mut are_flipped) {
                let most = liquidity_per_tick_max(spacing);
                let before = self.book.tick_liquidity(tick)?;
                let after = before.changed(delta, end, most)?;
                *is_flipped = (before.gross == 0) != (after.gross == 0);
                self.book.set_tick_liquidity(tick, &after)?;
                if before.gross == 0 {
                    self.initialize_tick(tick, slot0.tick, global, outside)?;
                }
            }
            for (tick, is_flipped) in [lower, upper].into_iter().zip(are_flipped) {
                if is_flipped {
                    let (index, bit) = bitmap::flip(tick, spacing)?;
                    let word = self.book.word(index)?;
                    self.book.set_word(index, word ^ bit)?;
                }
            }
        }
        let outside_lower = self.book.tick_fee_growth(lower)?;
        let outside_upper = self.book.tick_fee_growth(upper)?;
        let inside =
            fee_growth_inside((lower, outside_lower), (upper, outside_upper), slot0.tick, global);
        let (position, fees) = self.book.position(key)?.changed(delta, inside)?;
        self.book.set_position(key, &position)?;
        if !fees.is_zero() {
            let owed = self.book.owed(key)?.with(fees);
            self.book.set_owed(key, &owed)?;
        }
        if delta < 0 {
            for (tick, is_flipped) in [lower, upper].into_iter().zip(are_flipped) {
                if is_flipped {
                    self.clear_tick(tick)?;
                }
            }
        }
        Ok(())
    }

    /// Gives a tick that no position referenced its first values: by convention all that has happened was below it.
    fn initialize_tick(
        &mut self,
        tick: i32,
        current: i32,
        global: FeeGrowth,
        outside: TickAccumulators,
    ) -> Result<(), B::Error> {
        if tick > current {
            let untouched =
                TickAccumulators { is_initialized: true, ..TickAccumulators::default() };
            return self.book.set_tick_accumulators(tick, &untouched);
        }
        self.book.set_tick_fee_growth(tick, &global)?;
        self.book.set_tick_accumulators(tick, &outside)
    }

    fn clear_tick(&mut self, tick: i32) -> Result<(), B::Error> {
        self.book.set_tick_liquidity(tick, &TickLiquidity::default())?;
        self.book.set_tick_fee_growth(tick, &FeeGrowth::default())?;
        self.book.set_tick_accumulators(tick, &TickAccumulators::default())
    }
}

/// An amount between two prices.
type Amount = fn(U160, U160, u128) -> Result<U256, Refused>;

/// Returns the function that rounds up for liquidity that is added, and down for liquidity that is taken.
fn amount_of(down: Amount, up: Amount) -> impl Fn(U160, U160, i128) -> Result<U256, Refused> {
    move |low, high, delta| {
        let rounded = if delta < 0 { down } else { up };
        rounded(low, high, delta.unsigned_abs())
    }
}

/// Checks the ends of a position.
pub(super) fn check_ticks(lower: i32, upper: i32) -> Result<(), Refused> {
    if lower >= upper {
        return Err(Refused::TickOrder);
    }
    if lower < TICK_MIN {
        return Err(Refused::LowerTickTooLow);
    }
    if upper > TICK_MAX {
        return Err(Refused::UpperTickTooHigh);
    }
    Ok(())
}
