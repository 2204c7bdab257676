//! A feed: its last round, and the next one.

use std::collections::BTreeSet;

use units::{Bps, UnixSeconds};

use crate::{Answer, Quorum, Terms};

/// The number of a reporter, from 1 on, in the order of the ledger's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReporterId(pub u16);

/// What one reporter has signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Who has signed it.
    pub reporter: ReporterId,
    /// The price.
    pub answer: Answer,
    /// When it was observed.
    pub observed_at: UnixSeconds,
}

/// An answer that reports have made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// The median of the reports.
    pub answer: Answer,
    /// The time of the oldest of them.
    pub observed_at: UnixSeconds,
    /// The time of the block with the round.
    pub updated_at: UnixSeconds,
}

/// A feed: terms, last round, and whether it is in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Its terms.
    pub terms: Terms,
    /// How many rounds there are.
    pub round_count: u64,
    /// The last round; `None` before the first.
    pub latest: Option<Round>,
    /// The answer before the last jump, and when that jump was; `None` if it is confirmed, or there was none.
    pub jump: Option<(Answer, UnixSeconds)>,
}

/// Why a batch of reports is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// Too few reporters.
    #[error("{count} reports are fewer than the quorum: bring at least {quorum}")]
    NoQuorum {
        /// Reports in the batch.
        count: usize,
        /// How many it takes.
        quorum: u16,
    },
    /// A reporter has signed two of them.
    #[error("reporter {} is there twice: bring one report of each", reporter.0)]
    ReporterTwice {
        /// The reporter.
        reporter: ReporterId,
    },
    /// It says that it was observed later than now.
    #[error("a report is of {observed_at}, later than now: bring it when its time has come")]
    FromFuture {
        /// When it says that it was observed.
        observed_at: UnixSeconds,
    },
    /// It was observed before the last round, or in its second.
    #[error(
        "a report is of {observed_at}, not later than the last round: bring reports after {updated_at}"
    )]
    NotNewer {
        /// When it was observed.
        observed_at: UnixSeconds,
        /// The time of the last round.
        updated_at: UnixSeconds,
    },
    /// It is too old.
    #[error(
        "a report is of {observed_at}, more than {age_seconds_max} seconds ago: bring newer ones"
    )]
    TooOld {
        /// When it was observed.
        observed_at: UnixSeconds,
        /// The largest age.
        age_seconds_max: u64,
    },
    /// Too few of them are near the median.
    #[error("{agreeing} reports are near their median: bring at least {quorum} that agree")]
    Disagreement {
        /// How many are near it.
        agreeing: usize,
        /// How many it takes.
        quorum: u16,
    },
}

/// Why the last answer may not be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// There is none yet.
    #[error("the feed has no answer yet")]
    NoAnswer,
    /// It is too old.
    #[error("the answer is of {observed_at}, more than {age_seconds_max} seconds ago")]
    Stale {
        /// The time of its oldest report.
        observed_at: UnixSeconds,
        /// The largest age.
        age_seconds_max: u64,
    },
    /// It has jumped, and no later answer has confirmed that.
    #[error("the answer has jumped from {} to {} and is not confirmed", before.number(), answer.number())]
    Divergent {
        /// The answer before the jump.
        before: Answer,
        /// The last answer.
        answer: Answer,
    },
    /// The feed's pool has no average price over the window.
    #[error("the pool has no average price over the window")]
    NoPoolPrice,
    /// The pool's average price is another.
    #[error("the answer is {}, and the pool's average price is {}", answer.number(), average.number())]
    DivergentFromPool {
        /// The last answer.
        answer: Answer,
        /// The pool's average price, with the feed's decimals.
        average: Answer,
    },
}

impl Feed {
    /// Returns a feed without rounds.
    #[must_use]
    pub const fn new(terms: Terms) -> Self {
        Self { terms, round_count: 0, latest: None, jump: None }
    }

    /// Makes the next round of a batch of reports, and returns it.
    ///
    /// # Errors
    /// [`ReportError`]; then nothing has changed.
    pub fn report(
        &mut self,
        reports: &[Report],
        quorum: Quorum,
        now: UnixSeconds,
    ) -> Result<Round, ReportError> {
        self.check(reports, quorum, now)?;
        let answer = agreed_median(reports, quorum, self.terms.deviation)?;
        let oldest = reports.iter().map(|report| report.observed_at).min();
        let round = Round { answer, observed_at: oldest.unwrap_or(now), updated_at: now };
        self.jump = self.jump_after(answer, now);
        self.round_count = self.round_count.saturating_add(1);
        self.latest = Some(round);
        Ok(round)
    }

    /// Returns the last round, if its answer may be relied on.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn checked(&self, now: UnixSeconds) -> Result<Round, ReadError> {
        let round = self.latest.ok_or(ReadError::NoAnswer)?;
        let age_seconds_max = self.terms.age_seconds_max;
        if is_older(round.observed_at, age_seconds_max, now) {
            return Err(ReadError::Stale { observed_at: round.observed_at, age_seconds_max });
        }
        match self.jump {
            Some((before, _)) => Err(ReadError::Divergent { before, answer: round.answer }),
            None => Ok(round),
        }
    }

    /// Returns the last round, if its answer may be relied on and is at most `divergence` of a pool's average price away from it.
    ///
    /// # Errors
    /// [`ReadError`]: first those of [`Self::checked`], so that a pool never makes up for reporters.
    pub fn checked_with_pool(
        &self,
        average: Option<Answer>,
        divergence: Bps,
        now: UnixSeconds,
    ) -> Result<Round, ReadError> {
        let round = self.checked(now)?;
        let average = average.ok_or(ReadError::NoPoolPrice)?;
        if round.answer.is_within(divergence, average) {
            Ok(round)
        } else {
            Err(ReadError::DivergentFromPool { answer: round.answer, average })
        }
    }

    fn check(
        &self,
        reports: &[Report],
        quorum: Quorum,
        now: UnixSeconds,
    ) -> Result<(), ReportError> {
        let (count, quorum) = (reports.len(), quorum.number());
        if count < usize::from(quorum) {
            return Err(ReportError::NoQuorum { count, quorum });
        }
        let mut seen = BTreeSet::new();
        for Report { reporter, observed_at, .. } in reports.iter().copied() {
            if !seen.insert(reporter) {
                return Err(ReportError::ReporterTwice { reporter });
            }
            if now < observed_at {
                return Err(ReportError::FromFuture { observed_at });
            }
            // A report of the second of a round could be used in that round and in the next.
            if let Some(Round { updated_at, .. }) = self.latest
                && observed_at <= updated_at
            {
                return Err(ReportError::NotNewer { observed_at, updated_at });
            }
            let age_seconds_max = self.terms.age_seconds_max;
            if is_older(observed_at, age_seconds_max, now) {
                return Err(ReportError::TooOld { observed_at, age_seconds_max });
            }
        }
        Ok(())
    }

    /// Returns the jump that is in doubt after the next answer.
    fn jump_after(&self, answer: Answer, now: UnixSeconds) -> Option<(Answer, UnixSeconds)> {
        let last = self.latest?.answer;
        if !answer.is_within(self.terms.deviation, last) {
            // Of several jumps in a row, the first is told of; the last must be confirmed.
            let before = self.jump.map_or(last, |(before, _)| before);
            return Some((before, now));
        }
        self.jump.filter(|(_, at)| !is_later(*at, self.terms.confirmation_seconds, now))
    }
}

/// Returns the median, if at least a quorum of the reports are near it.
fn agreed_median(
    reports: &[Report],
    quorum: Quorum,
    deviation: Bps,
) -> Result<Answer, ReportError> {
    let quorum = quorum.number();
    let mut answers: Vec<Answer> = reports.iter().map(|report| report.answer).collect();
    answers.sort_unstable();
    let middle = answers.len() >> 1;
    let none = ReportError::NoQuorum { count: answers.len(), quorum };
    let median = answers.get(middle).copied().ok_or(none)?;
    let agreeing = answers.iter().filter(|answer| answer.is_within(deviation, median)).count();
    if agreeing < usize::from(quorum) {
        return Err(ReportError::Disagreement { agreeing, quorum });
    }
    Ok(median)
}

/// Returns whether `then` is more than `seconds` before `now`.
fn is_older(then: UnixSeconds, seconds: u64, now: UnixSeconds) -> bool {
    then.as_u64().saturating_add(seconds) < now.as_u64()
}

/// Returns whether `now` is at least `seconds` after `then`.
fn is_later(then: UnixSeconds, seconds: u64, now: UnixSeconds) -> bool {
    then.as_u64().saturating_add(seconds) <= now.as_u64()
}
