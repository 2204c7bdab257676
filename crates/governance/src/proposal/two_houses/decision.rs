//! The decision about a vote that is over, or as if it were over now.

use alloy_primitives::U256;
use fixed_point::{mul_div_down, mul_div_up};

use super::{
    ACTIVE_BPS, CONSTITUTIONAL_YES_BPS, EXTENSIONS_MAX, OBJECTION_BPS, SPAM_YES_BPS,
    STAKE_QUORUM_BPS, WHOLE_BPS, WORK_THRESHOLD_BPS, WORK_TURNOUT_BPS,
};
use crate::{
    Class,
    proposal::{OutOfRange, Tally, sum},
};

/// A house.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum House {
    /// Votes are deposited GRAIN.
    Stake,
    /// Votes are verified work.
    Work,
}

/// What both houses have cast.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Votes {
    /// The stake house, in wei.
    pub stake: Tally,
    /// The work house, in units of voice.
    pub work: Tally,
}

/// Who could vote: fixed when a proposal is posted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Electorate {
    /// All votes of the stake house at the snapshot.
    pub stake_total: U256,
    /// The yes that the stake house needs.
    pub stake_quorum: U256,
    /// All votes of the work house at the snapshot.
    pub work_total: U256,
}

impl Electorate {
    /// Returns the electorate: the stake house's quorum is the larger of 4 % of its votes and half of `active_average`, rounded up.
    #[must_use]
    pub fn new(stake_total: U256, work_total: U256, active_average: U256) -> Self {
        let usual = share_up(active_average, ACTIVE_BPS);
        let stake_quorum = Self::least_quorum(stake_total).max(usual);
        Self { stake_total, stake_quorum, work_total }
    }

    /// Returns 4 % of the stake house's votes, rounded up: the turnout from which a vote counts as active.
    #[must_use]
    pub fn least_quorum(stake_total: U256) -> U256 {
        share_up(stake_total, STAKE_QUORUM_BPS)
    }

    /// Returns the votes of the work house with which an account may post a proposal, rounded up; at least one.
    #[must_use]
    pub fn work_threshold(&self) -> U256 {
        share_up(self.work_total, WORK_THRESHOLD_BPS).max(U256::ONE)
    }
}

/// How often in a row each house had missed its turnout when a proposal was posted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Missed {
    /// The stake house.
    pub stake: u8,
    /// The work house.
    pub work: u8,
}

/// What a jury says in place of a house that missed its turnout again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Jury {
    /// There is none.
    #[default]
    None,
    /// It has not decided yet.
    Sits,
    /// Yes: the house counts as if it had agreed.
    Yes,
    /// No, or too few of it have shown their votes.
    No,
}

/// What the votes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A routine proposal to which less than a tenth of each house objects.
    Unopposed,
    /// Both houses agree.
    Agreed,
    /// More than half of a house is against it.
    Vetoed(House),
    /// Too little of a house has voted.
    TurnoutMissed(House),
    /// The same, for the second time in a row: a jury is to decide in its place.
    JuryNeeded(House),
    /// The jury did not agree.
    JuryRefused,
    /// The stake house's yes is below its quorum.
    QuorumMissed,
    /// Not enough of a house's votes are yes.
    Rejected(House),
    /// The ballots are sealed, and the vote is not over.
    Sealed,
}

impl Decision {
    /// Returns whether the proposal passes.
    #[must_use]
    pub const fn is_passed(self) -> bool {
        matches!(self, Self::Unopposed | Self::Agreed)
    }

    /// Returns its number in the interface.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Unopposed => 0,
            Self::Agreed => 1,
            Self::Vetoed(House::Stake) => 2,
            Self::Vetoed(House::Work) => 3,
            Self::TurnoutMissed(House::Stake) => 4,
            Self::TurnoutMissed(House::Work) => 5,
            Self::JuryNeeded(House::Stake) => 6,
            Self::JuryNeeded(House::Work) => 7,
            Self::QuorumMissed => 8,
            Self::Rejected(House::Stake) => 9,
            Self::Rejected(House::Work) => 10,
            Self::JuryRefused => 11,
            Self::Sealed => 12,
        }
    }

    /// Returns it in words.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Unopposed => "less than 10 % of each house objects",
            Self::Agreed => "both houses agree",
            Self::Vetoed(House::Stake) => "more than half of the stake house is against it",
            Self::Vetoed(House::Work) => "more than half of the work house is against it",
            Self::TurnoutMissed(House::Stake) => "the stake house's turnout is below its quorum",
            Self::TurnoutMissed(House::Work) => "the work house's turnout is below 20 %",
            Self::JuryNeeded(House::Stake) => {
                "the stake house missed its turnout twice in a row: a jury decides in its place"
            }
            Self::JuryNeeded(House::Work) => {
                "the work house missed its turnout twice in a row: a jury decides in its place"
            }
            Self::JuryRefused => "the jury did not agree",
            Self::QuorumMissed => "the stake house's yes is below its quorum",
            Self::Rejected(House::Stake) => "not enough of the stake house's votes are yes",
            Self::Rejected(House::Work) => "not enough of the work house's votes are yes",
            Self::Sealed => "the ballots are sealed until the vote is over",
        }
    }
}

/// Decides about a proposal. `is_contested`: a routine proposal has become an ordinary vote. `jury` stands for the houses that missed their turnout again.
#[must_use]
pub fn decide(
    (class, is_contested): (Class, bool),
    (missed, jury): (Missed, Jury),
    electorate: &Electorate,
    votes: &Votes,
) -> Decision {
    for (house, tally, total) in houses(electorate, votes) {
        if tally.against > share_down(total, WHOLE_BPS / 2) {
            return Decision::Vetoed(house);
        }
    }
    if class == Class::Routine && !is_contested {
        return Decision::Unopposed;
    }
    let before = [missed.stake, missed.work];
    let missing = misses(electorate, votes);
    // A jury replaces one house: else it alone could change the constitution.
    if let [Some(house), Some(_)] = missing {
        return Decision::TurnoutMissed(house);
    }
    for (house, before) in missing.into_iter().zip(before) {
        match (house, before, jury) {
            (Some(house), 0, _) => return Decision::TurnoutMissed(house),
            (Some(house), _, Jury::None | Jury::Sits) => return Decision::JuryNeeded(house),
            (Some(_), _, Jury::No) => return Decision::JuryRefused,
            (Some(_), _, Jury::Yes) | (None, _, _) => {}
        }
    }
    let is_replaced = |house| missing.contains(&Some(house));
    if !is_replaced(House::Stake) && votes.stake.approving < electorate.stake_quorum {
        return Decision::QuorumMissed;
    }
    for (house, tally, _) in houses(electorate, votes) {
        if !is_replaced(house) && !is_approved(class, tally) {
            return Decision::Rejected(house);
        }
    }
    Decision::Agreed
}

/// Returns which houses have missed their turnout: that of stake needs its quorum, that of work a fifth.
#[must_use]
pub(super) fn misses(electorate: &Electorate, votes: &Votes) -> [Option<House>; 2] {
    let needed = share_up(electorate.work_total, WORK_TURNOUT_BPS);
    [
        (votes.stake.turnout() < electorate.stake_quorum).then_some(House::Stake),
        (votes.work.turnout() < needed).then_some(House::Work),
    ]
}

/// Returns whether a tenth of either house objects.
#[must_use]
pub(super) fn is_objected(electorate: &Electorate, votes: &Votes) -> bool {
    houses(electorate, votes).iter().any(|(_, tally, total)| {
        !tally.against.is_zero() && tally.against >= share_up(*total, OBJECTION_BPS)
    })
}

/// Returns whether a defeated proposal was spam: in neither house a tenth of the votes for or against it was yes.
#[must_use]
pub(super) fn is_spam(votes: &Votes) -> bool {
    [votes.stake, votes.work].iter().all(|tally| {
        let cast = tally.approving.saturating_add(tally.against);
        tally.approving.is_zero() || tally.approving < share_up(cast, SPAM_YES_BPS)
    })
}

/// Returns until when the vote goes on. A vote that makes the proposal pass moves the end, at least `span` from now, and in all at most 14 days beyond
/// the first end. A vote that makes it fail does not: nothing happens then that would need an answer.
///
/// # Errors
/// [`OutOfRange`] beyond 48 bits.
pub fn extended(
    now: u64,
    span: u64,
    deadline: u64,
    first_deadline: u64,
) -> Result<u64, OutOfRange> {
    let latest = sum(first_deadline, EXTENSIONS_MAX)?.max(deadline);
    Ok(deadline.max(sum(now, span)?).min(latest))
}

const fn houses(electorate: &Electorate, votes: &Votes) -> [(House, Tally, U256); 2] {
    [
        (House::Stake, votes.stake, electorate.stake_total),
        (House::Work, votes.work, electorate.work_total),
    ]
}

fn is_approved(class: Class, tally: Tally) -> bool {
    let cast = tally.approving.saturating_add(tally.against);
    let has_share =
        class < Class::Constitutional || tally.approving >= share_up(cast, CONSTITUTIONAL_YES_BPS);
    tally.is_approved() && has_share
}

/// A share of at most the whole always fits.
fn share_up(total: U256, bps: u64) -> U256 {
    mul_div_up(total, U256::from(bps), U256::from(WHOLE_BPS)).unwrap_or(U256::MAX)
}

fn share_down(total: U256, bps: u64) -> U256 {
    mul_div_down(total, U256::from(bps), U256::from(WHOLE_BPS)).unwrap_or(U256::MAX)
}
