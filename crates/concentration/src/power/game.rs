//! A weighted vote.

use alloy_primitives::U256;

use crate::{Holdings, Strictness, Threshold};

/// A weighted vote: a side whose weights add up to `quota` or more wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Game {
    weights: Vec<U256>,
    total: U256,
    quota: U256,
}

/// Why there is no such vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GameError {
    /// The weights add up to 2^256 or more.
    #[error("the weights add up to 2^256 or more: use smaller units")]
    TooLarge,
    /// Nobody decides.
    #[error(
        "quota {quota} of {total}: give one from 1 to the sum of the weights, else nobody decides"
    )]
    Quota {
        /// The quota.
        quota: U256,
        /// Sum of the weights.
        total: U256,
    },
}

impl Game {
    /// Returns the vote `[quota; weights…]`.
    ///
    /// # Errors
    /// [`GameError`].
    pub fn new(quota: U256, weights: Vec<U256>) -> Result<Self, GameError> {
        let add = |sum: U256, weight: &U256| sum.checked_add(*weight).ok_or(GameError::TooLarge);
        let total = weights.iter().try_fold(U256::ZERO, add)?;
        if quota.is_zero() || quota > total {
            return Err(GameError::Quota { quota, total });
        }
        Ok(Self { weights, total, quota })
    }

    /// As [`Self::new`], of small weights.
    ///
    /// # Errors
    /// [`GameError`].
    pub fn of_integers(quota: u64, weights: &[u64]) -> Result<Self, GameError> {
        Self::new(U256::from(quota), weights.iter().map(|&weight| U256::from(weight)).collect())
    }

    /// Returns the vote of holders, largest first, by a threshold of all that they hold.
    ///
    /// # Errors
    /// [`GameError`], also where nobody can pass the threshold.
    pub fn of_holdings(
        holdings: &Holdings,
        threshold: Threshold,
        strictness: Strictness,
    ) -> Result<Self, GameError> {
        let total = holdings.total();
        let quota = threshold.least_passing(total, strictness).unwrap_or(U256::MAX);
        Self::new(quota, holdings.descending().collect())
    }

    /// Returns the weights, in the order they were given.
    #[must_use]
    pub fn weights(&self) -> &[U256] {
        &self.weights
    }

    /// Returns the sum of the weights.
    #[must_use]
    pub fn total(&self) -> U256 {
        self.total
    }

    /// Returns the least weight that wins.
    #[must_use]
    pub fn quota(&self) -> U256 {
        self.quota
    }
}
