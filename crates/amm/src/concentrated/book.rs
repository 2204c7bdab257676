//! Where the records of a pool are.

use alloy_primitives::{U160, U256};

use super::{Observation, Owed, Position, PositionKey, Refused, TickAccumulators, TickLiquidity};

/// What every call needs; zero before the pool has a price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot0 {
    /// Square root of the price, in Q64.96.
    pub sqrt_price: U160,
    /// The current tick: the greatest one whose price is at most the current price, or one less where a swap downward stopped on a tick.
    pub tick: i32,
    /// Place of the newest observation.
    pub observation_index: u16,
    /// Size of the ring of observations.
    pub observation_cardinality: u16,
    /// Size that the ring grows to when it is next full.
    pub observation_cardinality_next: u16,
    /// The protocol's part of the fees: a divisor for asset 0 in the low four bits, for asset 1 in the high ones; 0 for none.
    pub protocol_fee: u8,
    /// False while a call runs, and before the pool has a price.
    pub is_unlocked: bool,
}

/// One of a pool's two assets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asset {
    /// The one with the lower address.
    Zero,
    /// The other.
    One,
}

/// What a pool is created with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The fee of a swap in millionths, below 1,000,000.
    pub fee: u32,
    /// Ticks that positions may use are multiples of this; 1 to 16,383.
    pub tick_spacing: i32,
}

/// Fees per unit of liquidity, in Q128.128, modulo 2^256.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeeGrowth {
    /// In asset 0.
    pub of0: U256,
    /// In asset 1.
    pub of1: U256,
}

/// The records of one pool, read and written one by one; what was never written reads as the default. The parts of a tick and of a position are apart,
/// because most calls need only some of them.
pub trait Book {
    /// Why a record can't be read or written, or a call was refused.
    type Error: From<Refused>;

    /// Reads what the pool was created with.
    fn terms(&mut self) -> Result<Terms, Self::Error>;
    /// Reads price, tick, places of observations, protocol fee and lock.
    fn slot0(&mut self) -> Result<Slot0, Self::Error>;
    /// Writes them.
    fn set_slot0(&mut self, slot0: &Slot0) -> Result<(), Self::Error>;
    /// Reads the active liquidity.
    fn liquidity(&mut self) -> Result<u128, Self::Error>;
    /// Writes the active liquidity.
    fn set_liquidity(&mut self, liquidity: u128) -> Result<(), Self::Error>;
    /// Reads the fee growth of the whole pool in one asset.
    fn fee_growth(&mut self, asset: Asset) -> Result<U256, Self::Error>;
    /// Writes the fee growth of the whole pool in one asset.
    fn set_fee_growth(&mut self, asset: Asset, growth: U256) -> Result<(), Self::Error>;
    /// Reads the fee growth of the whole pool in both assets.
    fn fee_growths(&mut self) -> Result<FeeGrowth, Self::Error> {
        Ok(FeeGrowth { of0: self.fee_growth(Asset::Zero)?, of1: self.fee_growth(Asset::One)? })
    }
    /// Reads what the protocol is owed.
    fn protocol_fees(&mut self) -> Result<Owed, Self::Error>;
    /// Writes what the protocol is owed.
    fn set_protocol_fees(&mut self, owed: &Owed) -> Result<(), Self::Error>;

    /// Reads the liquidity of a tick.
    fn tick_liquidity(&mut self, tick: i32) -> Result<TickLiquidity, Self::Error>;
    /// Writes the liquidity of a tick.
    fn set_tick_liquidity(
        &mut self,
        tick: i32,
        liquidity: &TickLiquidity,
    ) -> Result<(), Self::Error>;
    /// Reads the fee growth outside of a tick.
    fn tick_fee_growth(&mut self, tick: i32) -> Result<FeeGrowth, Self::Error>;
    /// Writes the fee growth outside of a tick.
    fn set_tick_fee_growth(&mut self, tick: i32, growth: &FeeGrowth) -> Result<(), Self::Error>;
    /// Reads time and accumulators outside of a tick.
    fn tick_accumulators(&mut self, tick: i32) -> Result<TickAccumulators, Self::Error>;
    /// Writes time and accumulators outside of a tick.
    fn set_tick_accumulators(
        &mut self,
        tick: i32,
        accumulators: &TickAccumulators,
    ) -> Result<(), Self::Error>;

    /// Reads a word of the bitmap.
    fn word(&mut self, index: i16) -> Result<U256, Self::Error>;
    /// Writes a word of the bitmap.
    fn set_word(&mut self, index: i16, word: U256) -> Result<(), Self::Error>;

    /// Reads a position.
    fn position(&mut self, key: &PositionKey) -> Result<Position, Self::Error>;
    /// Writes a position.
    fn set_position(&mut self, key: &PositionKey, position: &Position) -> Result<(), Self::Error>;
    /// Reads what a position is owed.
    fn owed(&mut self, key: &PositionKey) -> Result<Owed, Self::Error>;
    /// Writes what a position is owed.
    fn set_owed(&mut self, key: &PositionKey, owed: &Owed) -> Result<(), Self::Error>;

    /// Reads an observation.
    fn observation(&mut self, index: u16) -> Result<Observation, Self::Error>;
    /// Writes an observation.
    fn set_observation(&mut self, index: u16, observation: &Observation)
    -> Result<(), Self::Error>;
}
