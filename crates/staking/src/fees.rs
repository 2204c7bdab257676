//! What a vault does with fees in other tokens: it sells them for its asset, and lets its shares have the proceeds little by little.
//!
//! 1. Anybody [offers](Lot::offer) what the vault holds of a token: the lot. Its price begins far above any, and halves every [`HALVING_SECONDS`].
//! 2. Anybody [buys](Lot::buy) of it at the price of the moment. Who waits for less risks that another buys: so the first to whom it is worth the price buys,
//!    and the vault needs no oracle and trusts no pool.
//! 3. What is paid is [locked](Proceeds::locked_up), and unlocked evenly over [`UNLOCK_SECONDS`]: who deposits just before a sale and leaves after it gets nearly nothing of it.
//!    A later payment delays what is locked already in proportion to its size only: a worthless token, sold unit by unit, keeps nobody's proceeds locked.
//!
//! A lot is as it was offered: what arrives later is in the next lot, which begins at the first price again. So a token that nobody
//! wanted, and that has become cheap, does not make later fees cheap.
//!
//! Source: the exponential decrease of MakerDAO `abaci.sol` (there by steps); the unlocking as in Yearn's and Frax's vaults (`xERC4626`), from the description.

use alloy_primitives::{U256, uint};
use fixed_point::{ArithmeticError, mul_div_down, mul_div_up};

use crate::math::{self, MathError};

/// Prices are assets for a token's unit, at 18 decimals.
const PRECISION: U256 = uint!(1_000_000_000_000_000_000_U256);
/// The first price of every lot: 2^128 / 10^18 assets for a unit.
pub const FIRST_PRICE: U256 = uint!(0x100000000000000000000000000000000_U256);
/// A price halves in this time: a third of a percent for each second.
pub const HALVING_SECONDS: u64 = 300;
/// Proceeds are unlocked over this time: a week.
pub const UNLOCK_SECONDS: u64 = 604_800;

/// What is offered of a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lot {
    /// What is left of it.
    pub amount: U256,
    /// When it was offered, in Unix seconds.
    pub offered_at: u64,
}

/// Why a step is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LotError {
    /// A number does not fit.
    #[error(transparent)]
    Math(#[from] MathError),
    /// There is nothing to offer.
    #[error("the vault has nothing of this token: wait for fees")]
    Nothing,
    /// The last lot is not sold.
    #[error("{left} of the last lot are left: buy them first")]
    Unsold {
        /// What is left.
        left: U256,
    },
    /// More than is offered, or nothing, would be bought.
    #[error("{amount} are asked for, {left} are left: buy 1 to that many")]
    Amount {
        /// What was asked for.
        amount: U256,
        /// What is left.
        left: U256,
    },
    /// It costs more than the buyer is ready to pay.
    #[error("it costs {payment}, above {payment_max}: wait for the price to fall")]
    TooDear {
        /// What it costs.
        payment: U256,
        /// What the buyer is ready to pay.
        payment_max: U256,
    },
}

/// What a purchase would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bid {
    /// How much of the token.
    pub amount: U256,
    /// The most that the buyer pays, in assets.
    pub payment_max: U256,
}

impl Lot {
    /// Offers all of `balance`.
    ///
    /// # Errors
    /// [`LotError::Unsold`], [`LotError::Nothing`]; then nothing has changed.
    pub fn offer(&mut self, balance: U256, now: u64) -> Result<(), LotError> {
        if !self.amount.is_zero() {
            return Err(LotError::Unsold { left: self.amount });
        }
        if balance.is_zero() {
            return Err(LotError::Nothing);
        }
        *self = Self { amount: balance, offered_at: now };
        Ok(())
    }

    /// Returns the price of a unit, at 18 decimals, rounded up: halved once for each [`HALVING_SECONDS`], evenly in between; at least 1.
    #[must_use]
    pub fn price_up(&self, now: u64) -> U256 {
        let elapsed = now.saturating_sub(self.offered_at);
        let (halvings, rest) = (elapsed / HALVING_SECONDS, elapsed % HALVING_SECONDS);
        let halvings = usize::try_from(halvings).unwrap_or(usize::MAX);
        let whole = FIRST_PRICE.checked_shr(halvings).unwrap_or_default();
        // Up to a half of it, in proportion to the rest of the time.
        let doubled = U256::from(HALVING_SECONDS.saturating_mul(2));
        let fallen = whole.saturating_mul(U256::from(rest)).wrapping_div(doubled);
        whole.saturating_sub(fallen).max(U256::ONE)
    }

    /// Sells part of the lot, and returns what is to be paid, rounded up.
    ///
    /// # Errors
    /// [`LotError`]; then nothing has changed.
    pub fn buy(&mut self, bid: Bid, now: u64) -> Result<U256, LotError> {
        let Bid { amount, payment_max } = bid;
        let left = self.amount.checked_sub(amount).filter(|_| !amount.is_zero());
        let left = left.ok_or(LotError::Amount { amount, left: self.amount })?;
        let payment = mul_div_up(amount, self.price_up(now), PRECISION)
            .map_err(|_: ArithmeticError| MathError::Multiplication)?;
        if payment > payment_max {
            return Err(LotError::TooDear { payment, payment_max });
        }
        self.amount = left;
        Ok(payment)
    }
}

/// Proceeds of sales that shares do not have yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proceeds {
    /// What was locked at [`Self::since`].
    pub amount: U256,
    /// When the last proceeds came, in Unix seconds.
    pub since: u64,
    /// When nothing is locked any more.
    pub until: u64,
}

impl Proceeds {
    /// Returns what is still locked, rounded up: all of it at first, nothing at the end.
    #[must_use]
    pub fn locked_up(&self, now: u64) -> U256 {
        let whole = self.until.saturating_sub(self.since);
        let left = self.until.saturating_sub(now).min(whole);
        // At most the amount, so it fits; nothing was ever locked where the whole time is none.
        mul_div_up(self.amount, U256::from(left), U256::from(whole)).unwrap_or_default()
    }

    /// Adds a payment. All that is locked has the mean of the times that are left, weighted by amounts and rounded down: that of a new payment is
    /// [`UNLOCK_SECONDS`].
    ///
    /// # Errors
    /// [`MathError::Addition`]; then nothing has changed.
    pub fn add(&mut self, payment: U256, now: u64) -> Result<(), MathError> {
        let locked = self.locked_up(now);
        let amount = math::add(locked, payment)?;
        let left = self.until.saturating_sub(now);
        // Between both times; `left + (UNLOCK_SECONDS − left) · payment / amount`, whose product needs more than 256 bits.
        let longer = U256::from(UNLOCK_SECONDS.saturating_sub(left));
        let longer = mul_div_down(longer, payment, amount).unwrap_or_default();
        let until = now.saturating_add(left).saturating_add(longer.saturating_to());
        *self = Self { amount, since: now, until };
        Ok(())
    }
}
