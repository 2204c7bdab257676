//! The pool: who may change what, and what is owed for it.

mod fees;
mod liquidity;
mod observe;
mod swap;

use alloy_primitives::{U160, U256};

use super::{Book, Observation, Refused, SQRT_PRICE_MIN, Slot0, tick_at_sqrt_price};

pub use fees::{Flash, ProtocolCollected};
pub use liquidity::{Burned, Collected, Minted};
pub use observe::Snapshot;
pub use swap::{SwapTerms, Swapped};

/// A pool at a time. Every function refuses without having changed anything that the caller keeps: after an error the caller undoes what was written.
#[derive(Debug)]
pub struct Pool<'a, B> {
    book: &'a mut B,
    now: u32,
}

impl<'a, B: Book> Pool<'a, B> {
    /// Returns the pool with these records, at `now` in Unix seconds modulo 2^32.
    pub fn new(book: &'a mut B, now: u32) -> Self {
        Self { book, now }
    }

    /// Sets the first price, as a square root in Q64.96, and returns its tick.
    ///
    /// # Errors
    /// [`Refused::AlreadyInitialized`]; [`Refused::PriceOutOfRange`].
    pub fn initialize(&mut self, sqrt_price: U160) -> Result<i32, B::Error> {
        if !self.book.slot0()?.sqrt_price.is_zero() {
            return Err(Refused::AlreadyInitialized.into());
        }
        let tick = tick_at_sqrt_price(sqrt_price)?;
        let first = Observation { time: self.now, is_initialized: true, ..Observation::default() };
        self.book.set_observation(0, &first)?;
        self.book.set_slot0(&Slot0 {
            sqrt_price,
            tick,
            observation_cardinality: 1,
            observation_cardinality_next: 1,
            is_unlocked: true,
            ..Slot0::default()
        })?;
        debug_assert!(sqrt_price >= SQRT_PRICE_MIN, "checked with the tick");
        Ok(tick)
    }

    /// Returns the record that every call needs, if no call is running.
    fn unlocked(&mut self) -> Result<Slot0, B::Error> {
        let slot0 = self.book.slot0()?;
        if slot0.is_unlocked { Ok(slot0) } else { Err(Refused::Locked.into()) }
    }

    /// Locks the pool: for functions that call others back before they end.
    fn lock(&mut self) -> Result<Slot0, B::Error> {
        let slot0 = Slot0 { is_unlocked: false, ..self.unlocked()? };
        self.book.set_slot0(&slot0)?;
        Ok(slot0)
    }

    /// Ends a call that left the pool locked.
    ///
    /// # Errors
    /// Those of the book.
    pub fn unlock(&mut self) -> Result<(), B::Error> {
        let slot0 = self.book.slot0()?;
        self.book.set_slot0(&Slot0 { is_unlocked: true, ..slot0 })
    }
}

/// Checks that a balance has grown by at least what is owed; `refused` says what the call answers otherwise.
///
/// # Errors
/// `refused`; [`Refused::Arithmetic`] when the sum does not fit.
pub fn check_received(
    before: U256,
    owed: U256,
    after: U256,
    refused: Refused,
) -> Result<(), Refused> {
    let due = before.checked_add(owed).ok_or(Refused::Arithmetic)?;
    if due <= after { Ok(()) } else { Err(refused) }
}
