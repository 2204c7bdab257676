//! What votes that are over say about power, and which of it is a warning.
//!
//! No rule of a ledger follows from these figures, because they can be moved at will: docs/governance.md says how.

use alloy_primitives::U256;
use concentration::{
    Threshold,
    blocs::{Ballot, Blocs, BlocsError, Similarity},
};

use crate::document::{AlarmDocument, DecisivenessDocument};

/// Votes that are looked at, the newest ones.
pub const ALARM_VOTES: usize = 10;
/// Below this entropy of voting blocs, in bits, one bloc has more than 70.7 % of the power.
const BLOCS_BOUND: f64 = 0.5;
/// From this probability on, an account decides more often than not.
const DECISIVE_BOUND: f64 = 0.5;
/// Turnouts are told in these parts.
const PARTS: u64 = 10_000;

/// Ballots of votes, and who could have cast more.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    /// Number of votes.
    pub votes: usize,
    /// The ballots, one of each voter in each vote. Those that weigh nothing don't count.
    pub ballots: &'a [Ballot<'a>],
    /// What could have voted, added up over the votes.
    pub electorates: U256,
    /// What could vote now: more than those have who voted is one bloc of those who never did.
    pub total: U256,
}

/// What the newest votes say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecentVotes {
    votes: usize,
    /// What part of those who could has voted, on average.
    pub turnout: Threshold,
    blocs_bits: f64,
}

impl RecentVotes {
    /// Looks at votes that are over; `None` where nobody has anything to vote with.
    ///
    /// # Errors
    /// [`BlocsError::TooLarge`].
    pub fn of(window: &Window<'_>) -> Result<Option<Self>, BlocsError> {
        let ballots: Vec<_> =
            window.ballots.iter().filter(|ballot| !ballot.weight.is_zero()).cloned().collect();
        let active = Blocs::of(&ballots, U256::ZERO, Similarity::Identical)?;
        let silent = window.total.saturating_sub(active.holdings.total());
        let blocs = Blocs::of(&ballots, silent, Similarity::Identical)?;
        let Some(blocs_bits) = blocs.min_entropy_bits() else { return Ok(None) };
        let cast = ballots.iter().fold(U256::ZERO, |sum, ballot| sum.saturating_add(ballot.weight));
        let part = cast.saturating_mul(U256::from(PARTS)).checked_div(window.electorates);
        let part = part.unwrap_or_default().saturating_to::<u64>().clamp(1, PARTS);
        let turnout = Threshold::new(part, PARTS);
        Ok(turnout.map(|turnout| Self { votes: window.votes, turnout, blocs_bits }))
    }

    /// The warnings, with how often the largest decide at this turnout.
    #[must_use]
    pub fn alarms(&self, decisiveness: Option<&DecisivenessDocument>) -> Vec<AlarmDocument> {
        let mut alarms = vec![AlarmDocument {
            figure: "voting_bloc_entropy_bits",
            about: format!("entropy of blocs over the {} newest votes, bits", self.votes),
            value: self.blocs_bits,
            bound: BLOCS_BOUND,
            is_raised: self.blocs_bits < BLOCS_BOUND,
        }];
        let holders = decisiveness.into_iter().flat_map(|at| &at.holders);
        let most = holders.max_by(|one, other| one.probability.total_cmp(&other.probability));
        alarms.extend(most.map(|most| AlarmDocument {
            figure: "decisiveness_at_usual_turnout",
            about: format!(
                "how often {} decides at a turnout of {:.1} %",
                most.name,
                self.turnout.to_f64() * 100.0
            ),
            value: most.probability,
            bound: DECISIVE_BOUND,
            is_raised: most.probability > DECISIVE_BOUND,
        }));
        alarms
    }
}
