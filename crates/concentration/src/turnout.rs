//! Votes in which not everybody votes: who decides them, and how much is enough to win.
//!
//! Each holder votes with its own probability, and is for with another. Low turnout makes large holders decisive: it is the figure to
//! publish first.
//!
//! Outcomes are drawn, with standard errors. The largest holders are drawn one by one; the sums of all others are normally distributed.

use alloy_primitives::U256;

use crate::{Holdings, Threshold, ratio::Wide, sampling::Random};

pub use crate::sampling::Estimate;

/// Holders drawn one by one.
const DRAWN_MAX: usize = 1_024;
/// Sums of shares that differ by less are equal.
const ROUNDING: f64 = 1e-12;

/// When a proposal passes, of those who vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// More are for than against, and those for are at least the quorum's part of everything that is held (OpenZeppelin's `Governor` with
    /// `GovernorVotesQuorumFraction`; there abstentions count for the quorum, too, here they are not votes).
    Governor {
        /// The quorum; `None` is none.
        quorum: Option<Threshold>,
    },
    /// Those for are at least this part of the votes.
    PartOfVotes(Threshold),
}

/// A holder and what is known of its voting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Voter {
    /// Its share of everything that is held.
    pub share: f64,
    /// Probability that it votes.
    pub turnout: f64,
    /// Probability that it is for, if it votes.
    pub support: f64,
}

/// All holders, the largest first.
#[derive(Clone, Debug)]
pub struct Electorate {
    drawn: Vec<Voter>,
    ocean: Ocean,
}

/// Means, deviations and correlation of the sums for and against of those who are not drawn one by one.
#[derive(Clone, Copy, Debug, Default)]
struct Ocean {
    mean: Sides,
    /// Of those for.
    deviation: f64,
    /// Of those against: what goes with those for, and what is its own.
    with: f64,
    own: f64,
}

/// Shares of those for and those against.
#[derive(Clone, Copy, Debug, Default)]
struct Sides {
    yes: f64,
    no: f64,
}

impl Electorate {
    /// Puts voters in order. Probabilities outside of 0 to 1 count as the nearer of the two.
    #[must_use]
    pub fn new(mut voters: Vec<Voter>) -> Self {
        voters.sort_by(|left, right| right.share.total_cmp(&left.share));
        for voter in &mut voters {
            voter.turnout = voter.turnout.clamp(0.0, 1.0);
            voter.support = voter.support.clamp(0.0, 1.0);
        }
        let rest = voters.split_off(DRAWN_MAX.min(voters.len()));
        Self { drawn: voters, ocean: Ocean::of(&rest) }
    }

    /// Holders who all vote with the same probability, and are for with probability ½.
    #[must_use]
    pub fn fair(holdings: &Holdings, turnout: f64) -> Self {
        let voter = |share| Voter { share, turnout, support: 0.5 };
        Self::new(holdings.shares().map(voter).collect())
    }

    /// Estimates of each of the `count` largest holders the probability that its vote decides: that the proposal passes if it is for, and
    /// fails if it is against, whatever the others do.
    #[must_use]
    pub fn decisiveness(&self, rule: Rule, count: usize, draws: u64, seed: u64) -> Vec<Estimate> {
        let count = count.min(self.drawn.len());
        let draws = draws.max(1);
        let mut hits = vec![0_u64; count];
        let mut own = vec![Sides::default(); count];
        for draw in 0..draws {
            let all = self.draw(&mut Random::new(seed, draw), &mut own);
            for ((hits, own), voter) in hits.iter_mut().zip(&own).zip(&self.drawn) {
                let (yes, no) = (all.yes - own.yes, all.no - own.no);
                let passes_with = rule.passes(yes + voter.share, no);
                let passes_without = rule.passes(yes, no + voter.share);
                *hits += u64::from(passes_with != passes_without);
            }
        }
        hits.into_iter().map(|hits| Estimate::of_proportion(hits, draws)).collect()
    }

    /// Estimates the share that must be added to those for, so that the proposal passes with probability `confidence`. It may be more than
    /// is left. `None` when the rule asks for everything and somebody is against.
    #[must_use]
    pub fn share_to_win(&self, rule: Rule, confidence: f64, draws: u64, seed: u64) -> Option<f64> {
        let draws = draws.max(1);
        let mut needed: Vec<f64> = (0..draws)
            .map(|draw| {
                let all = self.draw(&mut Random::new(seed, draw), &mut []);
                rule.needed(all.yes, all.no)
            })
            .collect();
        needed.sort_by(f64::total_cmp);
        let rank = confidence.clamp(0.0, 1.0) * (needed.len() - 1) as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most the number of draws"
        )]
        let share = needed[rank.ceil() as usize];
        share.is_finite().then_some(share)
    }

    /// Draws one vote; `own` is what the first of the voters added.
    fn draw(&self, random: &mut Random, own: &mut [Sides]) -> Sides {
        let mut all = Sides::default();
        for (index, voter) in self.drawn.iter().enumerate() {
            let unit = random.unit();
            let mut sides = Sides::default();
            if unit < voter.turnout * voter.support {
                sides.yes = voter.share;
            } else if unit < voter.turnout {
                sides.no = voter.share;
            }
            all.yes += sides.yes;
            all.no += sides.no;
            if let Some(own) = own.get_mut(index) {
                *own = sides;
            }
        }
        let Ocean { mean, deviation, with, own } = self.ocean;
        if deviation > 0.0 || own > 0.0 {
            let (first, second) = random.normal_pair();
            all.yes += (mean.yes + deviation * first).max(0.0);
            all.no += (mean.no + with * first + own * second).max(0.0);
        } else {
            all.yes += mean.yes;
            all.no += mean.no;
        }
        all
    }
}

impl Ocean {
    fn of(voters: &[Voter]) -> Self {
        let (mut mean, mut yes, mut no, mut both) = (Sides::default(), 0.0, 0.0, 0.0);
        for Voter { share, turnout, support } in voters {
            let (is_for, is_against) = (turnout * support, turnout * (1.0 - support));
            let square = share * share;
            mean.yes += share * is_for;
            mean.no += share * is_against;
            yes += square * is_for * (1.0 - is_for);
            no += square * is_against * (1.0 - is_against);
            both -= square * is_for * is_against;
        }
        let deviation = yes.sqrt();
        let with = if deviation > 0.0 { both / deviation } else { 0.0 };
        Self { mean, deviation, with, own: (no - with * with).max(0.0).sqrt() }
    }
}

impl Rule {
    fn passes(self, yes: f64, no: f64) -> bool {
        match self {
            Self::Governor { quorum } => {
                // Equal sums differ by their rounding: a tie fails, and the quorum is reached.
                yes > no + ROUNDING && quorum.is_none_or(|quorum| yes + ROUNDING >= quorum.to_f64())
            }
            Self::PartOfVotes(part) => yes > 0.0 && yes + ROUNDING >= part.to_f64() * (yes + no),
        }
    }

    fn needed(self, yes: f64, no: f64) -> f64 {
        let missing = match self {
            Self::Governor { quorum } => {
                let quorum = quorum.map_or(0.0, |quorum| quorum.to_f64());
                (no - yes).max(quorum - yes)
            }
            Self::PartOfVotes(part) => {
                let part = part.to_f64();
                if part < 1.0 {
                    part * no / (1.0 - part) - yes
                } else if no > 0.0 {
                    f64::INFINITY
                } else {
                    0.0
                }
            }
        };
        missing.max(0.0)
    }
}

/// The amount of `total` that a share is, rounded up; `None` when it is more than everything.
#[must_use]
pub fn amount_of_share_up(total: U256, share: f64) -> Option<U256> {
    if !(0.0..=1.0).contains(&share) {
        return None;
    }
    let scale = (1_u64 << 53) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 2^53")]
    let parts = (share * scale).ceil() as u64;
    let amount = (Wide::from(total) * Wide::from(parts)).div_ceil(Wide::from(1_u64 << 53));
    U256::checked_from_limbs_slice(amount.as_limbs())
}
