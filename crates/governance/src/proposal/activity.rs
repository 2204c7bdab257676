//! How much weight usually votes: the average of 13 weeks, by which a quorum follows turnout.
//!
//! Only proposals whose turnout reached the least quorum count. So proposals that nobody votes on, which cost only their deposit, cannot lower the average;
//! without any it is zero, and the least quorum holds alone. A vote belongs to the week in which its proposal was posted.
//!
//! Source: the design's "50 % of the 90-day average active weight"; 13 weeks are 91 days.

use alloy_primitives::U256;

/// Weeks of the average.
pub const WEEKS: u32 = 13;
/// Seconds of a week.
const WEEK: u64 = 7 * 86_400;
/// A sum of weights is kept in 208 bits.
const WEIGHT_BITS: usize = 208;

/// What voted in a week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Week {
    /// Weeks since 1970.
    pub number: u32,
    /// Proposals of that week whose turnout reached the least quorum.
    pub proposals: u16,
    /// What voted on them, in units of votes; it stays at 2^208 - 1.
    pub weight: U256,
}

/// What a vote adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Active {
    /// Proposals, 0 or 1.
    pub proposals: u16,
    /// Weight.
    pub weight: U256,
}

/// Returns the week of a time in Unix seconds.
#[must_use]
pub fn week_of(time: u64) -> u32 {
    u32::try_from(time.checked_div(WEEK).unwrap_or_default()).unwrap_or(u32::MAX)
}

/// Returns the place of a week among those that are kept.
#[must_use]
pub const fn place_of(week: u32) -> u32 {
    match week.checked_rem(WEEKS) {
        Some(place) => place,
        None => 0,
    }
}

/// Returns what a vote adds that moves the turnout from `before` to `after`: everything so far when it reaches `least`, then the difference.
#[must_use]
pub fn active(before: U256, after: U256, least: U256) -> Active {
    if least <= before && !before.is_zero() {
        return Active { proposals: 0, weight: after.saturating_sub(before) };
    }
    if least <= after && !after.is_zero() {
        return Active { proposals: 1, weight: after };
    }
    Active::default()
}

impl Week {
    /// Returns what is kept at the place of week `number` when a vote adds to it. An older week gives way; a vote on a proposal of a week that is no
    /// longer kept adds nothing.
    #[must_use]
    pub fn with(self, number: u32, more: Active) -> Self {
        if self.number > number {
            return self;
        }
        let base = if self.number == number { self } else { Self { number, ..Self::default() } };
        let most = U256::MAX.wrapping_shr(256 - WEIGHT_BITS);
        Self {
            number,
            proposals: base.proposals.saturating_add(more.proposals),
            weight: base.weight.saturating_add(more.weight).min(most),
        }
    }
}

/// Returns the average weight that voted on a proposal of the 13 weeks up to `now`, rounded down; 0 if there was none.
#[must_use]
pub fn average_down(weeks: &[Week], now: u64) -> U256 {
    let this = week_of(now);
    let (mut weight, mut proposals) = (U256::ZERO, 0_u64);
    for week in weeks {
        let is_kept = this.checked_sub(week.number).is_some_and(|age| age < WEEKS);
        if is_kept {
            weight = weight.saturating_add(week.weight);
            proposals = proposals.saturating_add(u64::from(week.proposals));
        }
    }
    weight.checked_div(U256::from(proposals)).unwrap_or_default()
}
