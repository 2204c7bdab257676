//! A pool's records in memory: for tests and simulations.

use std::collections::BTreeMap;

use alloy_primitives::U256;

use super::{
    Asset, Book, FeeGrowth, Observation, Owed, Position, PositionKey, Refused, Slot0, Terms,
    TickAccumulators, TickLiquidity,
};

/// The records of a pool. What was never written, or was set to the default, is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryBook {
    pub(crate) terms: Terms,
    pub(crate) slot0: Slot0,
    pub(crate) liquidity: u128,
    pub(crate) fee_growth: FeeGrowth,
    pub(crate) protocol_fees: Owed,
    pub(crate) tick_liquidity: BTreeMap<i32, TickLiquidity>,
    pub(crate) tick_fee_growth: BTreeMap<i32, FeeGrowth>,
    pub(crate) tick_accumulators: BTreeMap<i32, TickAccumulators>,
    pub(crate) words: BTreeMap<i16, U256>,
    pub(crate) positions: BTreeMap<PositionKey, Position>,
    pub(crate) owed: BTreeMap<PositionKey, Owed>,
    pub(crate) observations: BTreeMap<u16, Observation>,
}

impl MemoryBook {
    /// Returns the records of a new pool.
    #[must_use]
    pub fn new(terms: Terms) -> Self {
        Self {
            terms,
            slot0: Slot0::default(),
            liquidity: 0,
            fee_growth: FeeGrowth::default(),
            protocol_fees: Owed::default(),
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

fn read<K: Ord, V: Copy + Default>(map: &BTreeMap<K, V>, key: &K) -> V {
    map.get(key).copied().unwrap_or_default()
}

fn write<K: Ord, V: Default + PartialEq>(map: &mut BTreeMap<K, V>, key: K, value: V) {
    if value == V::default() {
        map.remove(&key);
    } else {
        map.insert(key, value);
    }
}

impl Book for MemoryBook {
    type Error = Refused;

    fn terms(&mut self) -> Result<Terms, Refused> {
        Ok(self.terms)
    }

    fn slot0(&mut self) -> Result<Slot0, Refused> {
        Ok(self.slot0)
    }

    fn set_slot0(&mut self, slot0: &Slot0) -> Result<(), Refused> {
        self.slot0 = *slot0;
        Ok(())
    }

    fn liquidity(&mut self) -> Result<u128, Refused> {
        Ok(self.liquidity)
    }

    fn set_liquidity(&mut self, liquidity: u128) -> Result<(), Refused> {
        self.liquidity = liquidity;
        Ok(())
    }

    fn fee_growth(&mut self, asset: Asset) -> Result<U256, Refused> {
        Ok(match asset {
            Asset::Zero => self.fee_growth.of0,
            Asset::One => self.fee_growth.of1,
        })
    }

    fn set_fee_growth(&mut self, asset: Asset, growth: U256) -> Result<(), Refused> {
        match asset {
            Asset::Zero => self.fee_growth.of0 = growth,
            Asset::One => self.fee_growth.of1 = growth,
        }
        Ok(())
    }

    fn protocol_fees(&mut self) -> Result<Owed, Refused> {
        Ok(self.protocol_fees)
    }

    fn set_protocol_fees(&mut self, owed: &Owed) -> Result<(), Refused> {
        self.protocol_fees = *owed;
        Ok(())
    }

    fn tick_liquidity(&mut self, tick: i32) -> Result<TickLiquidity, Refused> {
        Ok(read(&self.tick_liquidity, &tick))
    }

    fn set_tick_liquidity(&mut self, tick: i32, liquidity: &TickLiquidity) -> Result<(), Refused> {
        write(&mut self.tick_liquidity, tick, *liquidity);
        Ok(())
    }

    fn tick_fee_growth(&mut self, tick: i32) -> Result<FeeGrowth, Refused> {
        Ok(read(&self.tick_fee_growth, &tick))
    }

    fn set_tick_fee_growth(&mut self, tick: i32, growth: &FeeGrowth) -> Result<(), Refused> {
        write(&mut self.tick_fee_growth, tick, *growth);
        Ok(())
    }

    fn tick_accumulators(&mut self, tick: i32) -> Result<TickAccumulators, Refused> {
        Ok(read(&self.tick_accumulators, &tick))
    }

    fn set_tick_accumulators(
        &mut self,
        tick: i32,
        accumulators: &TickAccumulators,
    ) -> Result<(), Refused> {
        write(&mut self.tick_accumulators, tick, *accumulators);
        Ok(())
    }

    fn word(&mut self, index: i16) -> Result<U256, Refused> {
        Ok(read(&self.words, &index))
    }

    fn set_word(&mut self, index: i16, word: U256) -> Result<(), Refused> {
        write(&mut self.words, index, word);
        Ok(())
    }

    fn position(&mut self, key: &PositionKey) -> Result<Position, Refused> {
        Ok(read(&self.positions, key))
    }

    fn set_position(&mut self, key: &PositionKey, position: &Position) -> Result<(), Refused> {
        write(&mut self.positions, *key, *position);
        Ok(())
    }

    fn owed(&mut self, key: &PositionKey) -> Result<Owed, Refused> {
        Ok(read(&self.owed, key))
    }

    fn set_owed(&mut self, key: &PositionKey, owed: &Owed) -> Result<(), Refused> {
        write(&mut self.owed, *key, *owed);
        Ok(())
    }

    fn observation(&mut self, index: u16) -> Result<Observation, Refused> {
        Ok(read(&self.observations, &index))
    }

    fn set_observation(&mut self, index: u16, observation: &Observation) -> Result<(), Refused> {
        write(&mut self.observations, index, *observation);
        Ok(())
    }
}
