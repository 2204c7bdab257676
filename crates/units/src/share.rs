//! Shares of a whole.

use std::fmt;

use thiserror::Error;

/// A share in basis points (1/10000), from 0 to 10000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bps(u16);

/// The number of basis points is above 10000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0} basis points are more than the whole: give 0 to 10000")]
pub struct BpsError(pub u16);

impl Bps {
    /// 0 %.
    pub const ZERO: Self = Self(0);
    /// 100 %.
    pub const WHOLE: Self = Self(10_000);

    /// Returns the share of `bps` basis points.
    ///
    /// # Errors
    /// [`BpsError`] above 10000.
    pub fn new(bps: u16) -> Result<Self, BpsError> {
        let share = Self(bps);
        if share > Self::WHOLE { Err(BpsError(bps)) } else { Ok(share) }
    }

    /// Returns the number of basis points.
    #[must_use]
    pub const fn as_u16(self) -> u16 {
        self.0
    }
}

/// Shows the number of basis points.
impl fmt::Display for Bps {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
