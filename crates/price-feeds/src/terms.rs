//! What a feed is created with, and how many reporters must agree.

use units::Bps;

/// Reporters of a ledger at most.
pub const REPORTERS_MAX: u16 = 31;
/// Decimals of a feed at most.
pub const DECIMALS_MAX: u8 = 36;
/// Longest description of a feed, in bytes.
pub const DESCRIPTION_BYTES_MAX: usize = 64;
/// Largest age that a feed may allow: 30 days, in seconds.
pub const AGE_SECONDS_MAX: u64 = 2_592_000;

/// The terms of a feed; they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Decimals of its answers.
    pub decimals: u8,
    /// How old an observation may be when it is reported, and when it is relied on, in seconds.
    pub age_seconds_max: u64,
    /// How far reports may be from the median, and an answer from the one before.
    pub deviation: Bps,
    /// How long after a jump an answer near it confirms it, in seconds.
    pub confirmation_seconds: u64,
}

/// Terms that are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// Too many decimals.
    #[error("{given} decimals are too many: give at most {DECIMALS_MAX}")]
    Decimals {
        /// What was given.
        given: u8,
    },
    /// Nothing would ever be fresh, or everything.
    #[error("an age of {given} seconds is out of range: give 1 to {AGE_SECONDS_MAX}")]
    Age {
        /// What was given.
        given: u64,
    },
    /// No two reports would agree.
    #[error("the deviation is 0: give 1 to 10000 basis points")]
    Deviation,
    /// A jump would go stale before it could be confirmed.
    #[error("a confirmation after {given} seconds is too late: give less than the age, {age}")]
    Confirmation {
        /// What was given.
        given: u64,
        /// The largest age.
        age: u64,
    },
}

impl Terms {
    /// Checks the terms.
    ///
    /// # Errors
    /// [`TermsError`].
    pub fn check(&self) -> Result<(), TermsError> {
        let (given, age) = (self.confirmation_seconds, self.age_seconds_max);
        if self.decimals > DECIMALS_MAX {
            return Err(TermsError::Decimals { given: self.decimals });
        }
        if !(1..=AGE_SECONDS_MAX).contains(&age) {
            return Err(TermsError::Age { given: age });
        }
        if self.deviation == Bps::ZERO {
            return Err(TermsError::Deviation);
        }
        if given >= age {
            return Err(TermsError::Confirmation { given, age });
        }
        Ok(())
    }
}

/// How many reporters make a round, of how many: more than half, so that no two rounds come from different reporters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorum(u16);

/// A quorum that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuorumError {
    /// There is no reporter, or there are too many.
    #[error("{count} reporters are out of range: give 1 to {REPORTERS_MAX}")]
    Count {
        /// How many there are.
        count: usize,
    },
    /// It is at most half of the reporters, or more than all.
    #[error(
        "a quorum of {quorum} of {count} reporters is out of range: give more than half, at most {count}"
    )]
    Quorum {
        /// What was given.
        quorum: u16,
        /// How many reporters there are.
        count: usize,
    },
}

impl Quorum {
    /// Returns a quorum of `count` reporters.
    ///
    /// # Errors
    /// [`QuorumError`].
    pub fn new(quorum: u16, count: usize) -> Result<Self, QuorumError> {
        if !(1..=usize::from(REPORTERS_MAX)).contains(&count) {
            return Err(QuorumError::Count { count });
        }
        let is_majority = count < usize::from(quorum).saturating_mul(2);
        if !is_majority || usize::from(quorum) > count {
            return Err(QuorumError::Quorum { quorum, count });
        }
        Ok(Self(quorum))
    }

    /// Returns the number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }
}
