//! Points in time.

use std::fmt;

/// Seconds since 1970-01-01T00:00Z, as the ledger's blocks say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixSeconds(u64);

impl UnixSeconds {
    /// That second.
    #[must_use]
    pub const fn new(seconds: u64) -> Self {
        Self(seconds)
    }

    /// The number of seconds.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// So many seconds later; the end of time if that does not fit.
    #[must_use]
    pub fn after(self, seconds: u32) -> Self {
        Self(self.0.saturating_add(u64::from(seconds)))
    }
}

/// Seconds, as a plain number.
impl fmt::Display for UnixSeconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
