//! Breakers: figures of concentration that make rules stricter while power is in few hands.
//!
//! 1. A [`Breaker`] watches a Nakamoto coefficient: the least number of holders that together can decide something, or stop it.
//! 2. It trips when the figure is below its bound, and is released only when the figure has reached a higher one, so that nobody
//!    switches it on and off with one account.
//! 3. While any is tripped, ordinary proposals need what constitutional ones need.
//!
//! Everything is in the ledger's state, so anybody can compute the figures again. What a ledger can't see is not watched: who produces blocks behind how many
//! names, which program or network people use, whom a person is. The figures count accounts and keys, so they are upper bounds: one person with many
//! accounts makes them larger, never smaller. A tripped breaker is therefore true; one that is not tripped is a floor, no success.
//!
//! Source: the design's thresholds (section 2.3, rule 9, of its reference on concentration). The bounds for release are ours.

/// What a breaker watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breaker {
    /// Accounts with more than half of the Stake House's votes.
    StakeHalf,
    /// Accounts with more than half of the Work House's votes.
    WorkHalf,
    /// Referees that together decide a dispute, or prevent a decision.
    Referees,
    /// Price reporters that together make a round, or prevent one.
    Reporters,
}

/// A figure, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// It is no less than this.
    pub least: u64,
    /// It is no more than this.
    pub most: u64,
}

impl Figure {
    /// Nobody is there.
    pub const NONE: Self = Self { least: 0, most: 0 };

    /// Returns the figure of an office of `members` of whom `threshold` decide: the fewer of those who can decide and those who can prevent it. `None` if
    /// there is no such office.
    #[must_use]
    pub fn of_office(members: u64, threshold: u64) -> Option<Self> {
        let preventing = members.saturating_sub(threshold).saturating_add(1);
        let figure = threshold.min(preventing).min(members);
        (members > 0).then_some(Self { least: figure, most: figure })
    }
}

/// Which breakers are tripped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tripped(u8);

/// A breaker that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub breaker: Breaker,
    /// Whether it is tripped now.
    pub is_tripped: bool,
}

impl Breaker {
    /// All breakers.
    pub const ALL: [Self; 4] = [Self::StakeHalf, Self::WorkHalf, Self::Referees, Self::Reporters];

    /// Returns its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::StakeHalf => "stake house, more than half",
            Self::WorkHalf => "work house, more than half",
            Self::Referees => "referees",
            Self::Reporters => "price reporters",
        }
    }

    /// Returns the figure below which it trips.
    #[must_use]
    pub const fn trips_below(self) -> u64 {
        match self {
            Self::StakeHalf | Self::WorkHalf => 25,
            Self::Referees | Self::Reporters => 3,
        }
    }

    /// Returns the figure from which on it is released.
    #[must_use]
    pub const fn released_from(self) -> u64 {
        match self {
            Self::StakeHalf | Self::WorkHalf => 30,
            Self::Referees | Self::Reporters => 3,
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::StakeHalf => 1,
            Self::WorkHalf => 2,
            Self::Referees => 4,
            Self::Reporters => 8,
        }
    }
}

impl Tripped {
    /// Returns what was stored.
    #[must_use]
    pub const fn of_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// Returns what to store.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Returns whether a breaker is tripped.
    #[must_use]
    pub const fn has(self, breaker: Breaker) -> bool {
        self.0 & breaker.bit() != 0
    }

    /// Returns whether ordinary proposals need what constitutional ones need.
    #[must_use]
    pub const fn is_strict(self) -> bool {
        self.0 != 0
    }

    /// Looks at a figure again, and returns what changed. An uncertain figure errs to the strict side; where there is none, nothing trips.
    pub fn look(&mut self, breaker: Breaker, figure: Option<Figure>) -> Option<Change> {
        let before = self.has(breaker);
        let bound = if before { breaker.released_from() } else { breaker.trips_below() };
        let is_tripped = figure.is_some_and(|figure| figure.least < bound);
        if is_tripped == before {
            return None;
        }
        self.0 ^= breaker.bit();
        Some(Change { breaker, is_tripped })
    }
}
