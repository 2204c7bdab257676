//! Swaps.

use alloy_primitives::{I256, U160, U256};
use fixed_point::{Q128, accumulated_wrapping};

use super::Pool;
use crate::concentrated::{
    Accumulators, Book, Direction, FeeGrowth, Owed, Refused, Remaining, SQRT_PRICE_MAX,
    SQRT_PRICE_MIN, Side, Slot0, TICK_MAX, TICK_MIN, Terms, bitmap,
    oracle::{self, Asked},
    sqrt_price_at_tick, swap_step,
    tick::{liquidity_after, signed},
    tick_at_sqrt_price,
};

/// What a swap asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwapTerms {
    /// Which asset is paid in.
    pub direction: Direction,
    /// Above 0 what is paid in, fee included; below 0 what is paid out.
    pub amount: I256,
    /// The price, as a square root, at which the swap ends at the latest.
    pub price_limit: U160,
}

/// What a swap did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swapped {
    /// The pool's change of asset 0: above 0 to be received, below 0 to be paid.
    pub amount0: I256,
    /// The pool's change of asset 1.
    pub amount1: I256,
    /// The fees that are in what is paid in, the protocol's part included.
    pub fee: U256,
    /// Square root of the price afterwards.
    pub sqrt_price: U160,
    /// Active liquidity afterwards.
    pub liquidity: u128,
    /// The tick afterwards.
    pub tick: i32,
}

/// A swap on its way.
struct Course {
    terms: Terms,
    direction: Direction,
    limit: U160,
    remaining: Remaining,
    /// Sum of what was paid in, fees included, or out: the side that the terms do not name.
    calculated: U256,
    /// Sum of the fees that were paid in.
    fee: U256,
    price: U160,
    tick: i32,
    liquidity: u128,
    /// Fee growth of the whole pool in the asset paid in.
    growth: U256,
    /// Fee growth in the other asset, read at the first tick that is crossed.
    other_growth: Option<U256>,
    /// The protocol's divisor; 0 for none.
    protocol_fee: u8,
    protocol_owed: u128,
    /// The oracle's accumulators, computed at the first tick that is crossed, with tick and liquidity from before the swap.
    observed: Option<Accumulators>,
    /// What held before the swap.
    before: Asked,
}

impl<B: Book> Pool<'_, B> {
    /// Swaps until the amount is used up or the limit is reached. The pool stays locked until it was paid.
    ///
    /// # Errors
    /// [`Refused::SwapAmount`] for 0; [`Refused::Locked`]; [`Refused::PriceLimit`]; [`Refused::LiquidityUnderflow`] and
    /// [`Refused::LiquidityOverflow`] if ticks disagree with the active liquidity; [`Refused::Arithmetic`].
    ///
    /// Source: Uniswap v3 whitepaper, section 6.2.3; `UniswapV3Pool.swap`.
    pub fn swap(&mut self, terms: &SwapTerms) -> Result<Swapped, B::Error> {
        let mut course = self.begin(terms)?;
        while !course.remaining.amount().is_zero() && course.price != course.limit {
            self.step(&mut course)?;
        }
        self.end(terms, &course)
    }

    fn begin(&mut self, terms: &SwapTerms) -> Result<Course, B::Error> {
        let SwapTerms { direction, amount, price_limit: limit } = *terms;
        if amount.is_zero() {
            return Err(Refused::SwapAmount.into());
        }
        let slot0 = self.unlocked()?;
        let (price, tick) = (slot0.sqrt_price, slot0.tick);
        let is_ahead = match direction {
            Direction::ZeroForOne => limit < price && limit > SQRT_PRICE_MIN,
            Direction::OneForZero => limit > price && limit < SQRT_PRICE_MAX,
        };
        if !is_ahead {
            return Err(Refused::PriceLimit.into());
        }
        let liquidity = self.book.liquidity()?;
        let remaining = match amount.is_negative() {
            false => Remaining::Input(amount.unsigned_abs()),
            true => Remaining::Output(amount.unsigned_abs()),
        };
        let protocol_fee = match direction {
            Direction::ZeroForOne => slot0.protocol_fee & 0x0f,
            Direction::OneForZero => slot0.protocol_fee.wrapping_shr(4),
        };
        let growth = self.book.fee_growth(direction.paid_in())?;
        let before = Asked { now: self.now, slot0, liquidity };
        Ok(Course {
            terms: self.book.terms()?,
            direction,
            limit,
            remaining,
            calculated: U256::ZERO,
            fee: U256::ZERO,
            price,
            tick,
            liquidity,
            growth,
            other_growth: None,
            protocol_fee,
            protocol_owed: 0,
            observed: None,
            before,
        })
    }

    /// Goes to the next tick that is initialized, or to the end of its word of the bitmap, or as far as the amount or the limit allows.
    fn step(&mut self, course: &mut Course) -> Result<(), B::Error> {
        let side = match course.direction {
            Direction::ZeroForOne => Side::AtOrBelow,
            Direction::OneForZero => Side::Above,
        };
        let spacing = course.terms.tick_spacing;
        let word = self.book.word(bitmap::word_of(course.tick, spacing, side))?;
        let next = bitmap::next_in_word(word, course.tick, spacing, side);
        let next_tick = next.tick.clamp(TICK_MIN, TICK_MAX);
        let next_price = sqrt_price_at_tick(next_tick)?;
        let target = match course.direction {
            Direction::ZeroForOne => next_price.max(course.limit),
            Direction::OneForZero => next_price.min(course.limit),
        };
        let start = course.price;
        let fee = course.terms.fee;
        let step = swap_step(start, target, course.liquidity, course.remaining, fee)?;
        course.price = step.price;
        course.count(step.amount_in, step.amount_out, step.fee)?;
        course.share(step.fee)?;
        if course.price == next_price {
            if next.is_initialized {
                self.cross(course, next_tick)?;
            }
            // Downward the price of a tick belongs to the tick below.
            course.tick = match course.direction {
                Direction::ZeroForOne => next_tick.wrapping_sub(1),
                Direction::OneForZero => next_tick,
            };
        } else if course.price != start {
            course.tick = tick_at_sqrt_price(course.price)?;
        }
        Ok(())
    }

    /// Crosses a tick: what was outside of it is now the other side, and its positions begin or end.
    ///
    /// Source: Uniswap v3 whitepaper, equation 6.26; `Tick.cross`.
    fn cross(&mut self, course: &mut Course, tick: i32) -> Result<(), B::Error> {
        let now = match course.observed {
            Some(now) => now,
            None => course.before.observe(self.book, 0)?,
        };
        course.observed = Some(now);
        let other = match course.other_growth {
            Some(other) => other,
            None => self.book.fee_growth(course.direction.paid_out())?,
        };
        course.other_growth = Some(other);
        let global = match course.direction {
            Direction::ZeroForOne => FeeGrowth { of0: course.growth, of1: other },
            Direction::OneForZero => FeeGrowth { of0: other, of1: course.growth },
        };
        let outside = self.book.tick_fee_growth(tick)?;
        self.book.set_tick_fee_growth(tick, &global.since(outside))?;
        let accumulators = self.book.tick_accumulators(tick)?;
        self.book.set_tick_accumulators(tick, &accumulators.crossed(now, self.now))?;
        let net = self.book.tick_liquidity(tick)?.net;
        let change = match course.direction {
            Direction::ZeroForOne => net.wrapping_neg(),
            Direction::OneForZero => net,
        };
        course.liquidity = liquidity_after(course.liquidity, change)?;
        Ok(())
    }

    /// Stores where the swap ended, and leaves the pool locked.
    fn end(&mut self, terms: &SwapTerms, course: &Course) -> Result<Swapped, B::Error> {
        let Asked { slot0: before, liquidity, .. } = course.before;
        let mut slot0 =
            Slot0 { sqrt_price: course.price, tick: course.tick, is_unlocked: false, ..before };
        if course.tick != before.tick {
            (slot0.observation_index, slot0.observation_cardinality) =
                oracle::write(self.book, &before, self.now, liquidity)?;
        }
        self.book.set_slot0(&slot0)?;
        if course.liquidity != liquidity {
            self.book.set_liquidity(course.liquidity)?;
        }
        self.book.set_fee_growth(course.direction.paid_in(), course.growth)?;
        if course.protocol_owed > 0 {
            let more = match course.direction {
                Direction::ZeroForOne => Owed { of0: course.protocol_owed, of1: 0 },
                Direction::OneForZero => Owed { of0: 0, of1: course.protocol_owed },
            };
            let owed = self.book.protocol_fees()?.with(more);
            self.book.set_protocol_fees(&owed)?;
        }
        let (received, paid) = course.amounts(terms.amount)?;
        let (amount0, amount1) = match course.direction {
            Direction::ZeroForOne => (received, paid),
            Direction::OneForZero => (paid, received),
        };
        Ok(Swapped {
            amount0,
            amount1,
            fee: course.fee,
            sqrt_price: course.price,
            liquidity: course.liquidity,
            tick: course.tick,
        })
    }
}

impl Course {
    /// Counts what a step moved.
    fn count(&mut self, amount_in: U256, amount_out: U256, fee: U256) -> Result<(), Refused> {
        let paid = amount_in.checked_add(fee).ok_or(Refused::Arithmetic)?;
        let (remaining, more) = match self.remaining {
            Remaining::Input(rest) => (rest.checked_sub(paid).map(Remaining::Input), amount_out),
            Remaining::Output(rest) => (rest.checked_sub(amount_out).map(Remaining::Output), paid),
        };
        self.remaining = remaining.ok_or(Refused::Arithmetic)?;
        // A part of what is paid in, whose sum is checked.
        self.fee = self.fee.saturating_add(fee);
        self.calculated = self.calculated.checked_add(more).ok_or(Refused::Arithmetic)?;
        Ok(())
    }

    /// Shares a fee: first the protocol's part, rounded down, then the rest by liquidity.
    fn share(&mut self, mut fee: U256) -> Result<(), Refused> {
        if let Some(part) = fee.checked_div(U256::from(self.protocol_fee)) {
            fee = fee.saturating_sub(part);
            self.protocol_owed = self.protocol_owed.wrapping_add(part.wrapping_to());
        }
        if self.liquidity == 0 {
            return Ok(());
        }
        let growth = Q128.div_down(fee, U256::from(self.liquidity))?;
        self.growth = accumulated_wrapping(self.growth, growth);
        Ok(())
    }

    /// Returns what the pool receives, and what it pays as a number below 0.
    fn amounts(&self, asked: I256) -> Result<(I256, I256), Refused> {
        let used = asked.unsigned_abs().saturating_sub(self.remaining.amount());
        let negative = |amount: U256| -> Result<I256, Refused> {
            // 2^255 is its own negative.
            let raw = I256::from_raw(amount).wrapping_neg();
            if raw.is_positive() { Err(Refused::Arithmetic) } else { Ok(raw) }
        };
        Ok(match self.remaining {
            Remaining::Input(_) => (signed(used)?, negative(self.calculated)?),
            Remaining::Output(_) => (signed(self.calculated)?, negative(used)?),
        })
    }
}
