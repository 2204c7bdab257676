//! A pool on trial: what a call would do, without doing it.

use std::collections::BTreeMap;

use alloy_primitives::U256;

use super::{
    Asset, Book, FeeGrowth, Observation, Owed, Position, PositionKey, Slot0, Terms,
    TickAccumulators, TickLiquidity,
};

/// Records that are read from a pool's, and written beside them: a [`super::Pool`] with this book swaps and burns by its own rules and leaves the pool as it is.
#[derive(Debug)]
pub struct Trial<'a, B> {
    book: &'a mut B,
    slot0: Option<Slot0>,
    liquidity: Option<u128>,
    fee_growth0: Option<U256>,
    fee_growth1: Option<U256>,
    protocol_fees: Option<Owed>,
    tick_liquidity: BTreeMap<i32, TickLiquidity>,
    tick_fee_growth: BTreeMap<i32, FeeGrowth>,
    tick_accumulators: BTreeMap<i32, TickAccumulators>,
    words: BTreeMap<i16, U256>,
    positions: BTreeMap<PositionKey, Position>,
    owed: BTreeMap<PositionKey, Owed>,
    observations: BTreeMap<u16, Observation>,
}

impl<'a, B> Trial<'a, B> {
    /// Returns a trial that begins with these records.
    pub fn new(book: &'a mut B) -> Self {
        Self {
            book,
            slot0: None,
            liquidity: None,
            fee_growth0: None,
            fee_growth1: None,
            protocol_fees: None,
            tick_liquidity: BTreeMap::new(),
            tick_fee_growth: BTreeMap::new(),
            tick_accumulators: BTreeMap::new(),
            words: BTreeMap::new(),
            positions: BTreeMap::new(),
            owed: BTreeMap::new(),
            observations: BTreeMap::new(),
        }
    }
}

/// Returns what was written, or else what `read` finds.
fn or_else<T: Copy, E>(written: Option<&T>, read: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    written.map_or_else(read, |value| Ok(*value))
}

impl<B: Book> Book for Trial<'_, B> {
    type Error = B::Error;

    fn terms(&mut self) -> Result<Terms, B::Error> {
        self.book.terms()
    }

    fn slot0(&mut self) -> Result<Slot0, B::Error> {
        or_else(self.slot0.as_ref(), || self.book.slot0())
    }

    fn set_slot0(&mut self, slot0: &Slot0) -> Result<(), B::Error> {
        self.slot0 = Some(*slot0);
        Ok(())
    }

    fn liquidity(&mut self) -> Result<u128, B::Error> {
        or_else(self.liquidity.as_ref(), || self.book.liquidity())
    }

    fn set_liquidity(&mut self, liquidity: u128) -> Result<(), B::Error> {
        self.liquidity = Some(liquidity);
        Ok(())
    }

    fn fee_growth(&mut self, asset: Asset) -> Result<U256, B::Error> {
        let written = match asset {
            Asset::Zero => self.fee_growth0.as_ref(),
            Asset::One => self.fee_growth1.as_ref(),
        };
        or_else(written, || self.book.fee_growth(asset))
    }

    fn set_fee_growth(&mut self, asset: Asset, growth: U256) -> Result<(), B::Error> {
        match asset {
            Asset::Zero => self.fee_growth0 = Some(growth),
            Asset::One => self.fee_growth1 = Some(growth),
        }
        Ok(())
    }

    fn protocol_fees(&mut self) -> Result<Owed, B::Error> {
        or_else(self.protocol_fees.as_ref(), || self.book.protocol_fees())
    }

    fn set_protocol_fees(&mut self, owed: &Owed) -> Result<(), B::Error> {
        self.protocol_fees = Some(*owed);
        Ok(())
    }

    fn tick_liquidity(&mut self, tick: i32) -> Result<TickLiquidity, B::Error> {
        or_else(self.tick_liquidity.get(&tick), || self.book.tick_liquidity(tick))
    }

    fn set_tick_liquidity(&mut self, tick: i32, liquidity: &TickLiquidity) -> Result<(), B::Error> {
        self.tick_liquidity.insert(tick, *liquidity);
        Ok(())
    }

    fn tick_fee_growth(&mut self, tick: i32) -> Result<FeeGrowth, B::Error> {
        or_else(self.tick_fee_growth.get(&tick), || self.book.tick_fee_growth(tick))
    }

    fn set_tick_fee_growth(&mut self, tick: i32, growth: &FeeGrowth) -> Result<(), B::Error> {
        self.tick_fee_growth.insert(tick, *growth);
        Ok(())
    }

    fn tick_accumulators(&mut self, tick: i32) -> Result<TickAccumulators, B::Error> {
        or_else(self.tick_accumulators.get(&tick), || self.book.tick_accumulators(tick))
    }

    fn set_tick_accumulators(
        &mut self,
        tick: i32,
        accumulators: &TickAccumulators,
    ) -> Result<(), B::Error> {
        self.tick_accumulators.insert(tick, *accumulators);
        Ok(())
    }

    fn word(&mut self, index: i16) -> Result<U256, B::Error> {
        or_else(self.words.get(&index), || self.book.word(index))
    }

    fn set_word(&mut self, index: i16, word: U256) -> Result<(), B::Error> {
        self.words.insert(index, word);
        Ok(())
    }

    fn position(&mut self, key: &PositionKey) -> Result<Position, B::Error> {
        or_else(self.positions.get(key), || self.book.position(key))
    }

    fn set_position(&mut self, key: &PositionKey, position: &Position) -> Result<(), B::Error> {
        self.positions.insert(*key, *position);
        Ok(())
    }

    fn owed(&mut self, key: &PositionKey) -> Result<Owed, B::Error> {
        or_else(self.owed.get(key), || self.book.owed(key))
    }

    fn set_owed(&mut self, key: &PositionKey, owed: &Owed) -> Result<(), B::Error> {
        self.owed.insert(*key, *owed);
        Ok(())
    }

    fn observation(&mut self, index: u16) -> Result<Observation, B::Error> {
        or_else(self.observations.get(&index), || self.book.observation(index))
    }

    fn set_observation(&mut self, index: u16, observation: &Observation) -> Result<(), B::Error> {
        self.observations.insert(index, *observation);
        Ok(())
    }
}
