//! Shares of a whole.

use std::fmt;

use thiserror::Error;

/// A share in basis points, hundredths of a per cent; at most the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bps(u16);

/// More than the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0} basis points are more than the whole, 10000")]
pub struct BpsError(pub u16);

impl Bps {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// All of it.
    pub const WHOLE: Self = Self(10_000);

    /// So many basis points.
    ///
    /// # Errors
    /// [`BpsError`] above 10 000.
    pub fn new(bps: u16) -> Result<Self, BpsError> {
        let share = Self(bps);
        if share > Self::WHOLE { Err(BpsError(bps)) } else { Ok(share) }
    }

    /// The number of basis points.
    #[must_use]
    pub const fn as_u16(self) -> u16 {
        self.0
    }
}

/// Basis points, as a plain number.
impl fmt::Display for Bps {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
