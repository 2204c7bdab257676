//! A pool's records in storage, in the original's layout.

use abi::convert::address;
use alloy_primitives::{
    Address, B256, U160, U256,
    aliases::{I16, I24, I56, U24},
};
use amm::concentrated::{
    Accumulators, Asset, Book, FeeGrowth, Observation, Owed, Position, PositionKey, Refused, Slot0,
    Terms, TickAccumulators, TickLiquidity,
};
use native_kit::{
    Failure, Host, keccak256_gas,
    slots::{FixedArray, KEY_GAS, Layout, Mapping, Value},
    storage,
};

use super::{narrow, refusal};
use crate::{ended::Ended, table::LEAN_MARKETS};

/// Size of the oracle's ring at most.
pub(super) const OBSERVATIONS: usize = 65_535;
/// Gas for a step of a swap, beside its slots: up to 20 products for the price of a tick, four divisions of 512 bits.
const STEP_GAS: u64 = 300;
/// Bytes whose hash is the key of a position.
const POSITION_SIZE: usize = 26;
/// Gas for the slot of a position: the hash of its key, and of its place in the mapping.
const POSITION_GAS: u64 = keccak256_gas(POSITION_SIZE) + KEY_GAS;

storage! {
    /// A pool's variables.
    pub(super) struct Stored {
        pub(super) sqrt_price: Value<U160>,
        tick: Value<I24>,
        observation_index: Value<u16>,
        observation_cardinality: Value<u16>,
        observation_cardinality_next: Value<u16>,
        protocol_fee: Value<u8>,
        is_unlocked: Value<bool>,
        fee_growth0: Value<U256>,
        fee_growth1: Value<U256>,
        protocol_fee0: Value<u128>,
        protocol_fee1: Value<u128>,
        liquidity: Value<u128>,
        ticks: Mapping<I24, StoredTick>,
        words: Mapping<I16, Value<U256>>,
        positions: Mapping<B256, StoredPosition>,
        observations: FixedArray<StoredObservation, OBSERVATIONS>,
        // What the original keeps in its code.
        pub(super) token0: Value<Address>,
        pub(super) fee: Value<U24>,
        pub(super) tick_spacing: Value<I24>,
        pub(super) token1: Value<Address>,
    }
}

storage! {
    /// `Tick.Info`
    struct StoredTick {
        gross: Value<u128>,
        /// `int128`
        net: Value<u128>,
        fee_growth0: Value<U256>,
        fee_growth1: Value<U256>,
        tick_cumulative: Value<I56>,
        seconds_per_liquidity: Value<U160>,
        seconds: Value<u32>,
        is_initialized: Value<bool>,
    }
}

storage! {
    /// `Position.Info`
    pub(super) struct StoredPosition {
        liquidity: Value<u128>,
        fee_growth0: Value<U256>,
        fee_growth1: Value<U256>,
        owed0: Value<u128>,
        owed1: Value<u128>,
    }
}

storage! {
    /// `Oracle.Observation`
    struct StoredObservation {
        time: Value<u32>,
        tick_cumulative: Value<I56>,
        seconds_per_liquidity: Value<U160>,
        is_initialized: Value<bool>,
    }
}

impl Stored {
    pub(super) fn here() -> Self {
        Self::at(U256::ZERO, 0)
    }
}

/// Writes what a new pool is created with.
pub(crate) fn write_terms(
    host: &mut dyn Host,
    pool: Address,
    (token0, token1): (Address, Address),
    (fee, spacing): (U24, I24),
) -> Result<(), Failure> {
    let stored = Stored::here();
    let word = stored.token0.into_word(U256::ZERO, token0);
    let word = stored.tick_spacing.into_word(stored.fee.into_word(word, fee), spacing);
    host.store_of(pool, stored.token0.slot(), word)?;
    stored.token1.set_of(host, pool, token1)
}

/// Reads the assets of a pool, of which the factory says whether it is one.
pub(crate) fn assets_of(host: &mut dyn Host, pool: Address) -> Result<(Address, Address), Failure> {
    let stored = Stored::here();
    Ok((stored.token0.get_of(host, pool)?, stored.token1.get_of(host, pool)?))
}

impl From<Refused> for Ended {
    fn from(refused: Refused) -> Self {
        Self(refusal(refused))
    }
}

/// The records of a pool.
pub(crate) struct Records<'a> {
    host: &'a mut dyn Host,
    pool: Address,
    /// Until revision 2 a position was read before the fee growth of the pool.
    early: Early,
    known: Known,
}

/// Slots that were computed before. A rule asks for each part of a tick and of a position by itself, and each time pays for the hash.
#[derive(Default)]
struct Known {
    /// The last two ticks: the ends of a position.
    ticks: [Option<(i32, U256)>; 2],
    position: Option<(PositionKey, U256)>,
}

impl Known {
    fn tick(&self, tick: i32) -> Option<U256> {
        let known = self.ticks.iter().flatten().find(|(known, _)| *known == tick);
        known.map(|(_, slot)| *slot)
    }

    fn position(&self, key: &PositionKey) -> Option<U256> {
        self.position.filter(|(known, _)| known == key).map(|(_, slot)| slot)
    }
}

/// A position that is read before the rule asks for it.
enum Early {
    No,
    Due(PositionKey),
    Read(Position),
}

impl<'a> Records<'a> {
    /// Returns those of the pool that was called.
    pub(super) fn new(host: &'a mut dyn Host) -> Self {
        let pool = host.module();
        Self::of(host, pool)
    }

    /// Returns those of a pool that the factory has created; of others than the one that was called, only for reading.
    pub(crate) fn of(host: &'a mut dyn Host, pool: Address) -> Self {
        Self { host, pool, early: Early::No, known: Known::default() }
    }

    /// Returns those of the pool that was called, for a change of a position's liquidity.
    pub(super) fn changing(host: &'a mut dyn Host, key: PositionKey) -> Self {
        let early = if host.revision() < LEAN_MARKETS { Early::Due(key) } else { Early::No };
        Self { early, ..Self::new(host) }
    }

    /// Writes a slot, if it differs.
    fn write(&mut self, slot: U256, word: U256) -> Result<(), Ended> {
        Ok(self.host.set_of(self.pool, slot, word)?)
    }

    #[inline]
    fn tick(&mut self, tick: i32) -> Result<StoredTick, Ended> {
        Ok(StoredTick::at(self.tick_slot(tick)?, 0))
    }

    fn tick_slot(&mut self, tick: i32) -> Result<U256, Ended> {
        if let Some(slot) = self.known.tick(tick) {
            self.host.charge(KEY_GAS)?;
            return Ok(slot);
        }
        let slot = Stored::here().ticks.of(self.host, narrow(tick))?.gross.slot();
        self.known.ticks = [self.known.ticks[1], Some((tick, slot))];
        Ok(slot)
    }

    #[inline]
    fn position_at(&mut self, key: &PositionKey) -> Result<StoredPosition, Ended> {
        Ok(StoredPosition::at(self.position_slot(key)?, 0))
    }

    fn position_slot(&mut self, key: &PositionKey) -> Result<U256, Ended> {
        if let Some(slot) = self.known.position(key) {
            self.host.charge(POSITION_GAS)?;
            return Ok(slot);
        }
        let mut bytes = [0; POSITION_SIZE];
        bytes[..20].copy_from_slice(address(key.owner).as_slice());
        bytes[20..23].copy_from_slice(&narrow(key.lower).to_be_bytes::<3>());
        bytes[23..].copy_from_slice(&narrow(key.upper).to_be_bytes::<3>());
        let hash = self.host.keccak256(&bytes)?;
        let slot = self.position_of(hash)?.liquidity.slot();
        self.known.position = Some((*key, slot));
        Ok(slot)
    }

    #[inline]
    fn position_of(&mut self, hash: B256) -> Result<StoredPosition, Ended> {
        Ok(Stored::here().positions.of(self.host, hash)?)
    }

    /// Reads the position of a key's hash, and what it is owed.
    pub(super) fn position_by_hash(&mut self, hash: B256) -> Result<(Position, Owed), Ended> {
        let stored = self.position_of(hash)?;
        Ok((self.read_position(&stored)?, self.read_owed(&stored)?))
    }

    fn read_position(&mut self, stored: &StoredPosition) -> Result<Position, Ended> {
        Ok(Position {
            liquidity: stored.liquidity.get_of(self.host, self.pool)?,
            fee_growth_inside: FeeGrowth {
                of0: stored.fee_growth0.get_of(self.host, self.pool)?,
                of1: stored.fee_growth1.get_of(self.host, self.pool)?,
            },
        })
    }

    fn read_owed(&mut self, stored: &StoredPosition) -> Result<Owed, Ended> {
        let word = self.host.load_of(self.pool, stored.owed0.slot())?;
        Ok(Owed { of0: stored.owed0.of_word(word), of1: stored.owed1.of_word(word) })
    }

    fn observation_at(&self, index: u16) -> Result<StoredObservation, Ended> {
        let element = Stored::here().observations.element(u64::from(index));
        element.ok_or_else(|| Ended(Failure::Broken(format!("no observation {index}"))))
    }
}

impl Book for Records<'_> {
    type Error = Ended;

    fn terms(&mut self) -> Result<Terms, Ended> {
        let stored = Stored::here();
        let slot = stored.token0.slot();
        let is_here = self.pool == self.host.module();
        let word = if is_here {
            self.host.immutable(slot)?
        } else {
            self.host.load_of(self.pool, slot)?
        };
        let tick_spacing = stored.tick_spacing.of_word(word).as_i32();
        Ok(Terms { fee: stored.fee.of_word(word).to(), tick_spacing })
    }

    fn slot0(&mut self) -> Result<Slot0, Ended> {
        let stored = Stored::here();
        let word = self.host.load_of(self.pool, stored.sqrt_price.slot())?;
        Ok(Slot0 {
            sqrt_price: stored.sqrt_price.of_word(word),
            tick: stored.tick.of_word(word).as_i32(),
            observation_index: stored.observation_index.of_word(word),
            observation_cardinality: stored.observation_cardinality.of_word(word),
            observation_cardinality_next: stored.observation_cardinality_next.of_word(word),
            protocol_fee: stored.protocol_fee.of_word(word),
            is_unlocked: stored.is_unlocked.of_word(word),
        })
    }

    fn set_slot0(&mut self, slot0: &Slot0) -> Result<(), Ended> {
        let stored = Stored::here();
        let word = stored.sqrt_price.into_word(U256::ZERO, slot0.sqrt_price);
        let word = stored.tick.into_word(word, narrow(slot0.tick));
        let word = stored.observation_index.into_word(word, slot0.observation_index);
        let word = stored.observation_cardinality.into_word(word, slot0.observation_cardinality);
        let next = slot0.observation_cardinality_next;
        let word = stored.observation_cardinality_next.into_word(word, next);
        let word = stored.protocol_fee.into_word(word, slot0.protocol_fee);
        let word = stored.is_unlocked.into_word(word, slot0.is_unlocked);
        self.write(stored.sqrt_price.slot(), word)
    }

    fn liquidity(&mut self) -> Result<u128, Ended> {
        Ok(Stored::here().liquidity.get_of(self.host, self.pool)?)
    }

    fn set_liquidity(&mut self, liquidity: u128) -> Result<(), Ended> {
        self.write(Stored::here().liquidity.slot(), U256::from(liquidity))
    }

    fn fee_growth(&mut self, asset: Asset) -> Result<U256, Ended> {
        if let Early::Due(key) = self.early {
            let stored = self.position_at(&key)?;
            self.early = Early::Read(self.read_position(&stored)?);
        }
        Ok(match asset {
            Asset::Zero => Stored::here().fee_growth0.get_of(self.host, self.pool)?,
            Asset::One => Stored::here().fee_growth1.get_of(self.host, self.pool)?,
        })
    }

    fn set_fee_growth(&mut self, asset: Asset, growth: U256) -> Result<(), Ended> {
        match asset {
            Asset::Zero => self.write(Stored::here().fee_growth0.slot(), growth),
            Asset::One => self.write(Stored::here().fee_growth1.slot(), growth),
        }
    }

    fn protocol_fees(&mut self) -> Result<Owed, Ended> {
        let stored = Stored::here();
        let word = self.host.load_of(self.pool, stored.protocol_fee0.slot())?;
        let of0 = stored.protocol_fee0.of_word(word);
        Ok(Owed { of0, of1: stored.protocol_fee1.of_word(word) })
    }

    fn set_protocol_fees(&mut self, owed: &Owed) -> Result<(), Ended> {
        let stored = Stored::here();
        let word = stored.protocol_fee0.into_word(U256::ZERO, owed.of0);
        let word = stored.protocol_fee1.into_word(word, owed.of1);
        self.write(stored.protocol_fee0.slot(), word)
    }

    fn tick_liquidity(&mut self, tick: i32) -> Result<TickLiquidity, Ended> {
        let stored = self.tick(tick)?;
        let word = self.host.load_of(self.pool, stored.gross.slot())?;
        Ok(TickLiquidity {
            gross: stored.gross.of_word(word),
            net: stored.net.of_word(word).cast_signed(),
        })
    }

    fn set_tick_liquidity(&mut self, tick: i32, liquidity: &TickLiquidity) -> Result<(), Ended> {
        let stored = self.tick(tick)?;
        let word = stored.gross.into_word(U256::ZERO, liquidity.gross);
        let net = liquidity.net.cast_unsigned();
        self.write(stored.gross.slot(), stored.net.into_word(word, net))
    }

    fn tick_fee_growth(&mut self, tick: i32) -> Result<FeeGrowth, Ended> {
        let stored = self.tick(tick)?;
        let of0 = stored.fee_growth0.get_of(self.host, self.pool)?;
        Ok(FeeGrowth { of0, of1: stored.fee_growth1.get_of(self.host, self.pool)? })
    }

    fn set_tick_fee_growth(&mut self, tick: i32, growth: &FeeGrowth) -> Result<(), Ended> {
        let stored = self.tick(tick)?;
        self.write(stored.fee_growth0.slot(), growth.of0)?;
        self.write(stored.fee_growth1.slot(), growth.of1)
    }

    fn tick_accumulators(&mut self, tick: i32) -> Result<TickAccumulators, Ended> {
        let stored = self.tick(tick)?;
        let word = self.host.load_of(self.pool, stored.tick_cumulative.slot())?;
        Ok(TickAccumulators {
            outside: Accumulators {
                tick_cumulative: stored.tick_cumulative.of_word(word).as_i64(),
                seconds_per_liquidity: stored.seconds_per_liquidity.of_word(word),
            },
            seconds_outside: stored.seconds.of_word(word),
            is_initialized: stored.is_initialized.of_word(word),
        })
    }

    fn set_tick_accumulators(
        &mut self,
        tick: i32,
        accumulators: &TickAccumulators,
    ) -> Result<(), Ended> {
        let stored = self.tick(tick)?;
        let TickAccumulators { outside, seconds_outside, is_initialized } = *accumulators;
        let word = stored.tick_cumulative.into_word(U256::ZERO, cumulative(&outside));
        let per_liquidity = outside.seconds_per_liquidity;
        let word = stored.seconds_per_liquidity.into_word(word, per_liquidity);
        let word = stored.seconds.into_word(word, seconds_outside);
        let word = stored.is_initialized.into_word(word, is_initialized);
        self.write(stored.tick_cumulative.slot(), word)
    }

    fn word(&mut self, index: i16) -> Result<U256, Ended> {
        self.host.charge(STEP_GAS)?;
        let stored =
            Stored::here().words.of(self.host, I16::try_from(index).unwrap_or_default())?;
        Ok(stored.get_of(self.host, self.pool)?)
    }

    fn set_word(&mut self, index: i16, word: U256) -> Result<(), Ended> {
        let stored =
            Stored::here().words.of(self.host, I16::try_from(index).unwrap_or_default())?;
        self.write(stored.slot(), word)
    }

    fn position(&mut self, key: &PositionKey) -> Result<Position, Ended> {
        if let Early::Read(position) = self.early {
            return Ok(position);
        }
        let stored = self.position_at(key)?;
        self.read_position(&stored)
    }

    fn set_position(&mut self, key: &PositionKey, position: &Position) -> Result<(), Ended> {
        let stored = self.position_at(key)?;
        self.write(stored.liquidity.slot(), U256::from(position.liquidity))?;
        self.write(stored.fee_growth0.slot(), position.fee_growth_inside.of0)?;
        self.write(stored.fee_growth1.slot(), position.fee_growth_inside.of1)
    }

    fn owed(&mut self, key: &PositionKey) -> Result<Owed, Ended> {
        let stored = self.position_at(key)?;
        self.read_owed(&stored)
    }

    fn set_owed(&mut self, key: &PositionKey, owed: &Owed) -> Result<(), Ended> {
        let stored = self.position_at(key)?;
        let word = stored.owed0.into_word(U256::ZERO, owed.of0);
        self.write(stored.owed0.slot(), stored.owed1.into_word(word, owed.of1))
    }

    fn observation(&mut self, index: u16) -> Result<Observation, Ended> {
        let stored = self.observation_at(index)?;
        let word = self.host.load_of(self.pool, stored.time.slot())?;
        Ok(Observation {
            time: stored.time.of_word(word),
            at: Accumulators {
                tick_cumulative: stored.tick_cumulative.of_word(word).as_i64(),
                seconds_per_liquidity: stored.seconds_per_liquidity.of_word(word),
            },
            is_initialized: stored.is_initialized.of_word(word),
        })
    }

    fn set_observation(&mut self, index: u16, observation: &Observation) -> Result<(), Ended> {
        let stored = self.observation_at(index)?;
        let word = stored.time.into_word(U256::ZERO, observation.time);
        let word = stored.tick_cumulative.into_word(word, cumulative(&observation.at));
        let per_liquidity = observation.at.seconds_per_liquidity;
        let word = stored.seconds_per_liquidity.into_word(word, per_liquidity);
        let word = stored.is_initialized.into_word(word, observation.is_initialized);
        self.write(stored.time.slot(), word)
    }
}

/// Returns a cumulative tick of the rules, which are cut to 56 bits.
fn cumulative(at: &Accumulators) -> I56 {
    I56::try_from(at.tick_cumulative).unwrap_or_default()
}
