//! Votes in which not everybody votes: who decides them, and how much is enough to win.
//!
//! Each holder votes with its own probability, and is for with another. Low turnout makes large holders decisive: it is the figure to
//! publish first.
//!
//! Outcomes are drawn, with standard errors. The largest holders are drawn one by one; the sums of all others are normally distributed.

use std::cmp::Ordering;

use alloy_primitives::U256;

use crate::{Holdings, Strictness, Threshold, ratio::Wide, sampling::Random};

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

    /// The least that wins when it is added to those for. `None` when nothing is enough, or it has more than 256 bits.
    fn needed(self, yes: U256, no: U256, total: U256) -> Option<U256> {
        let least = match self {
            Self::Governor { quorum } => {
                let quorum = match quorum {
                    None => U256::ZERO,
                    Some(part) => part.least_passing(total, Strictness::AtLeast)?,
                };
                no.checked_add(U256::ONE)?.max(quorum)
            }
            Self::PartOfVotes(part) => {
                let (numerator, denominator) = part.parts();
                match denominator - numerator {
                    0 if no.is_zero() => U256::ONE,
                    0 => return None,
                    rest => {
                        let product = Wide::from(no) * Wide::from(numerator);
                        let least = product.div_ceil(Wide::from(rest));
                        U256::checked_from_limbs_slice(least.as_limbs())?.max(U256::ONE)
                    }
                }
            }
        };
        Some(least.saturating_sub(yes))
    }
}

/// Estimates the least amount that must be added to those for, so that the proposal passes with probability `confidence`, when each holder
/// votes with the probability `turnout` and is for or against alike. It may be more than all hold. `None` when nothing is enough, or nobody
/// holds anything.
///
/// What the largest holders cast is added up exactly; what all others do together is an estimate.
#[must_use]
pub fn amount_to_win(
    (holdings, turnout): (&Holdings, f64),
    rule: Rule,
    confidence: f64,
    draws: u64,
    seed: u64,
) -> Option<U256> {
    let total = holdings.total();
    if total.is_zero() {
        return None;
    }
    let electorate = Electorate::fair(holdings, turnout);
    let mut own = vec![Sides::default(); electorate.drawn.len()];
    let needed = (0..draws.max(1)).map(|draw| {
        let all = electorate.draw(&mut Random::new(seed, draw), &mut own);
        let (yes, no) = amounts_of_draw(holdings, all, &own)?;
        rule.needed(yes, no, total)
    });
    let nothing_last = |left: &Option<U256>, right: &Option<U256>| {
        left.is_none().cmp(&right.is_none()).then(left.cmp(right))
    };
    quantile(needed.collect(), confidence, nothing_last)?
}

/// What is for and against in a draw, of which `own` is what each of the largest added. `None` when it has more than 256 bits.
fn amounts_of_draw(holdings: &Holdings, all: Sides, own: &[Sides]) -> Option<(U256, U256)> {
    let (mut yes, mut no, mut rest, mut drawn) = (U256::ZERO, U256::ZERO, all, Sides::default());
    for (amount, own) in holdings.descending().zip(own) {
        if own.yes > 0.0 {
            yes += amount;
        } else if own.no > 0.0 {
            no += amount;
        }
        drawn.yes += own.yes;
        drawn.no += own.no;
    }
    rest.yes -= drawn.yes;
    rest.no -= drawn.no;
    let amount = |share: f64| amount_of_share_up(holdings.total(), share.clamp(0.0, 1.0));
    Some((yes.checked_add(amount(rest.yes)?)?, no.checked_add(amount(rest.no)?)?))
}

/// The least of these that a part of them does not exceed; `None` of none.
fn quantile<T: Copy>(
    mut values: Vec<T>,
    part: f64,
    order: impl Fn(&T, &T) -> Ordering,
) -> Option<T> {
    values.sort_by(order);
    let rank = part.clamp(0.0, 1.0) * values.len().checked_sub(1)? as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most the number of values"
    )]
    let rank = rank.ceil() as usize;
    values.get(rank).copied()
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
