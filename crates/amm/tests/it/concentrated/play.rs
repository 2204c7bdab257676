//! A pool with its balances, and a clock: every step checks the invariants and that a refused step changes nothing.

use alloy_primitives::{I256, U160, U256};
use amm::concentrated::{
    Book as _, Direction, MemoryBook, Owed, Pool, PositionKey, Refused, SQRT_PRICE_MAX,
    SQRT_PRICE_MIN, SwapTerms, Swapped, Terms, check_received, invariants,
};
use units::AccountId;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Mint { owner: u8, lower: i32, upper: i32, amount: u128 },
    Burn { owner: u8, lower: i32, upper: i32, amount: u128 },
    Collect { owner: u8, lower: i32, upper: i32, most: Owed },
    Swap { direction: Direction, amount: I256, limit: Option<U160> },
    Flash { amount0: U256, amount1: U256, tip0: u64, tip1: u64 },
    ProtocolFee { of0: u8, of1: u8 },
    CollectProtocol { most: Owed },
    Cardinality(u16),
    Wait(u32),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Game {
    pub(crate) book: MemoryBook,
    pub(crate) now: u32,
    pub(crate) held: (U256, U256),
}

pub(crate) fn key(owner: u8, lower: i32, upper: i32) -> PositionKey {
    PositionKey { owner: AccountId::from_bytes([owner; 20]), lower, upper }
}

fn moved(held: U256, change: I256) -> U256 {
    if change.is_negative() { held - change.unsigned_abs() } else { held + change.unsigned_abs() }
}

impl Game {
    pub(crate) fn new(terms: Terms, price: U160) -> Self {
        let mut book = MemoryBook::new(terms);
        Pool::new(&mut book, 1_000).initialize(price).unwrap();
        Self { book, now: 1_000, held: (U256::ZERO, U256::ZERO) }
    }

    fn pool(&mut self) -> Pool<'_, MemoryBook> {
        Pool::new(&mut self.book, self.now)
    }

    /// Takes a step; on a refusal everything is as before.
    pub(crate) fn step(&mut self, step: Step) -> Result<(), Refused> {
        let mut after = self.clone();
        after.take(step)?;
        *self = after;
        if let Err(broken) = invariants(&self.book, self.held) {
            panic!("after {step:?}: {broken}");
        }
        Ok(())
    }

    pub(crate) fn swap(
        &mut self,
        direction: Direction,
        amount: I256,
        limit: Option<U160>,
    ) -> Result<Swapped, Refused> {
        let price_limit = limit.unwrap_or(match direction {
            Direction::ZeroForOne => SQRT_PRICE_MIN + U160::ONE,
            Direction::OneForZero => SQRT_PRICE_MAX - U160::ONE,
        });
        let swapped = self.pool().swap(&SwapTerms { direction, amount, price_limit })?;
        self.held = (moved(self.held.0, swapped.amount0), moved(self.held.1, swapped.amount1));
        self.pool().unlock()?;
        Ok(swapped)
    }

    fn take(&mut self, step: Step) -> Result<(), Refused> {
        match step {
            Step::Mint { owner, lower, upper, amount } => {
                let minted = self.pool().mint(&key(owner, lower, upper), amount)?;
                self.held.0 += minted.amount0;
                self.held.1 += minted.amount1;
                self.pool().unlock()
            }
            Step::Burn { owner, lower, upper, amount } => {
                self.pool().burn(&key(owner, lower, upper), amount).map(|_| ())
            }
            Step::Collect { owner, lower, upper, most } => {
                let paid = self.pool().collect(&key(owner, lower, upper), most)?;
                self.held.0 -= U256::from(paid.amount0);
                self.held.1 -= U256::from(paid.amount1);
                self.pool().unlock()
            }
            Step::Swap { direction, amount, limit } => {
                self.swap(direction, amount, limit).map(|_| ())
            }
            Step::Flash { amount0, amount1, tip0, tip1 } => {
                let flash = self.pool().flash(amount0, amount1)?;
                let paid = (flash.fee0 + U256::from(tip0), flash.fee1 + U256::from(tip1));
                let before = self.held;
                self.held = (before.0 + paid.0, before.1 + paid.1);
                check_received(before.0, flash.fee0, self.held.0, Refused::FlashUnderpaid0)?;
                self.pool().share_flash(&flash, paid.0, paid.1)?;
                self.pool().unlock()
            }
            Step::ProtocolFee { of0, of1 } => self.pool().set_protocol_fee(of0, of1).map(|_| ()),
            Step::CollectProtocol { most } => {
                let paid = self.pool().collect_protocol(most)?;
                self.held.0 -= U256::from(paid.amount0.unwrap_or_default());
                self.held.1 -= U256::from(paid.amount1.unwrap_or_default());
                self.pool().unlock()
            }
            Step::Cardinality(next) => self.pool().increase_cardinality(next).map(|_| ()),
            Step::Wait(seconds) => {
                self.now = self.now.wrapping_add(seconds);
                Ok(())
            }
        }
    }

    pub(crate) fn price(&mut self) -> U160 {
        self.book.slot0().unwrap().sqrt_price
    }

    pub(crate) fn tick(&mut self) -> i32 {
        self.book.slot0().unwrap().tick
    }
}
