//! A reserve: deposits of a token, from which an owner draws claims on it.
//!
//! 1. Anybody [funds](Reserve::fund) the reserve. A deposit can't be taken back: it is a promise to those who stake.
//! 2. The owner, a farm, [draws](Reserve::draw): claims are created, as a mint would create tokens.
//! 3. A holder of claims [redeems](Reserve::redeem) them one for one.
//!
//! Invariant: claims and what is undrawn add up to at most what the reserve holds of the token; so every claim can be
//! redeemed.

use alloy_primitives::U256;

use crate::math::{self, MathError};

/// The two parts of what a reserve holds, in the token's smallest unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reserve {
    /// Deposited and not drawn.
    pub undrawn: U256,
    /// Drawn and not redeemed: the supply of claims.
    pub claims: U256,
}

/// Why a step is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReserveError {
    /// A number does not fit.
    #[error(transparent)]
    Math(#[from] MathError),
    /// More would be drawn than is there.
    #[error("{amount} is asked for and {undrawn} is undrawn: fund the reserve")]
    NotFunded {
        /// What would be drawn.
        amount: U256,
        /// What is there.
        undrawn: U256,
    },
}

impl Reserve {
    /// Adds a deposit: `received` of the token has arrived.
    ///
    /// # Errors
    /// [`MathError::Addition`] when undrawn deposits and claims together would not fit; then nothing has changed.
    pub fn fund(&mut self, received: U256) -> Result<(), ReserveError> {
        let undrawn = math::add(self.undrawn, received)?;
        math::add(undrawn, self.claims)?;
        self.undrawn = undrawn;
        Ok(())
    }

    /// Turns `amount` of the deposits into claims.
    ///
    /// # Errors
    /// [`ReserveError::NotFunded`]; then nothing has changed.
    pub fn draw(&mut self, amount: U256) -> Result<(), ReserveError> {
        let undrawn = self.undrawn;
        let left = undrawn.checked_sub(amount);
        let left = left.ok_or(ReserveError::NotFunded { amount, undrawn })?;
        self.claims = math::add(self.claims, amount)?;
        self.undrawn = left;
        Ok(())
    }

    /// Ends `amount` of claims, for which the same amount of the token is paid.
    ///
    /// # Errors
    /// [`MathError::Subtraction`] above the claims; then nothing has changed.
    pub fn redeem(&mut self, amount: U256) -> Result<(), ReserveError> {
        self.claims = math::sub(self.claims, amount)?;
        Ok(())
    }
}
