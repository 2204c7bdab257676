//! Sealed ballots: nobody knows how others vote before the vote is over.
//!
//! 1. *Holders* of ballot keys are named by vote. While a proposal is pending each posts a fresh public key for it. With fewer keys than the threshold when the vote
//!    begins, and for routine proposals, ballots are open: a vote never waits for holders.
//! 2. A voter casts a commitment to its vote, and the vote itself, encrypted so that it takes `threshold` of the secret keys to read it. Its weight is fixed and locked then.
//!    No vote is counted, so no tally exists that anybody could read.
//! 3. After the end of the vote the *opening* follows. Holders publish their secret keys; then anybody can open all ballots. A voter can always open its own,
//!    so no holder can stop a vote. The ledger checks the commitment alone, and never decrypts anything.
//! 4. The opening ends when all ballots are open and all keys are published, else after its period. A ballot that is not open then was not cast. A holder that
//!    posted a key and did not publish it is barred until it is named again.
//!
//! The weights are public when they are cast, and so is whether a proposal could pass with them: a late ballot that makes this possible moves the end, as an open vote does.
//!
//! Source: the design's "threshold-encrypted until close; deterministic tally; open data after close"; commit and reveal by the voter for when holders fail is ours.

use alloy_primitives::{Address, U256};

use super::{Decision, LifeError, Proposal, Settings, Weights, extended};
use crate::{
    Class,
    proposal::{OutOfRange, State, Support, activity::Active, counted, sum},
};

/// Holders of ballot keys at most.
pub const HOLDERS_MAX: usize = 16;
/// Least threshold: nobody reads ballots alone.
pub const THRESHOLD_MIN: u8 = 2;
/// Bytes of an encrypted ballot at most; one for 16 holders has 1,313.
pub const BALLOT_BYTES_MAX: usize = 1_536;

/// How far the sealed ballots of a proposal are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sealing {
    /// Keys that must be there when the vote begins; 0 where ballots are always open.
    pub threshold: u8,
    /// Seconds of the opening.
    pub opening_period: u32,
    /// Public keys that were posted.
    pub keys: u8,
    /// Secret keys that were published.
    pub published: u8,
    /// Ballots that were cast sealed.
    pub ballots: u32,
    /// How many of them are open.
    pub opened: u32,
    /// The weights of all of them, open or not.
    pub weights: Weights,
}

impl Sealing {
    /// Returns that of a new proposal. A routine one has open ballots: what it waits for are objections, which must be seen, and it has no time for keys.
    #[must_use]
    pub const fn of(class: Class, threshold: u8, opening_period: u32) -> Self {
        let threshold = match class {
            Class::Routine => 0,
            Class::Ordinary | Class::Constitutional => threshold,
        };
        let weights = Weights { stake: U256::ZERO, work: U256::ZERO };
        Self { threshold, opening_period, keys: 0, published: 0, ballots: 0, opened: 0, weights }
    }
}

/// A list of holders that is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{holders} holders with threshold {threshold}: give none and 0, or up to {HOLDERS_MAX} different ones and from {THRESHOLD_MIN} to all of them"
)]
pub struct HoldersError {
    /// How many.
    pub holders: usize,
    /// Keys that are needed to read.
    pub threshold: u8,
}

/// Checks a list of holders. An empty one means open ballots.
///
/// # Errors
/// [`HoldersError`].
pub fn check_holders(holders: &[Address], threshold: u8) -> Result<(), HoldersError> {
    let count = holders.len();
    let is_distinct = holders.iter().enumerate().all(|(index, holder)| {
        !holder.is_zero() && !holders.iter().take(index).any(|it| it == holder)
    });
    let is_fit = threshold >= THRESHOLD_MIN && usize::from(threshold) <= count;
    let is_none = count == 0 && threshold == 0;
    if is_none || (count <= HOLDERS_MAX && is_distinct && is_fit) {
        return Ok(());
    }
    Err(HoldersError { holders: count, threshold })
}

/// Returns whether a holder posts no keys for proposals of a list: it withheld one for a proposal of that list or of a later one. Lists are numbered from 1 in the
/// order in which votes named them, so a later list that names the holder lets it begin anew.
#[must_use]
pub const fn is_barred(barred_in: u32, list: u32) -> bool {
    barred_in >= list
}

/// A ballot as it was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedBallot {
    /// What its voter has committed to; zeros are none.
    pub commitment: [u8; 32],
    /// Its weights.
    pub weights: Weights,
    /// Whether it is open.
    pub is_open: bool,
}

impl Proposal {
    /// Returns whether its ballots are sealed: settled once the vote has begun, since keys are posted before.
    #[must_use]
    pub const fn is_sealed(&self) -> bool {
        self.sealing.threshold > 0 && self.sealing.keys >= self.sealing.threshold
    }

    /// Returns the last second of the opening; the end of the vote where there is none.
    ///
    /// # Errors
    /// [`OutOfRange`].
    pub fn opening_end(&self) -> Result<u64, OutOfRange> {
        let is_needed = self.is_sealed() && self.sealing.ballots > 0;
        let period = if is_needed { self.sealing.opening_period } else { 0 };
        sum(self.deadline()?, u64::from(period))
    }

    /// Returns whether ballots are opened now.
    ///
    /// # Errors
    /// [`OutOfRange`].
    pub fn is_opening(&self, now: u64) -> Result<bool, OutOfRange> {
        let Sealing { keys, published, ballots, opened, .. } = self.sealing;
        let is_complete = opened == ballots && published == keys;
        Ok(now > self.deadline()? && now <= self.opening_end()? && !is_complete)
    }

    /// Returns whether a holder has not published its key, though a ballot was sealed with it. Final once the opening is over.
    #[must_use]
    pub const fn is_key_withheld(&self) -> bool {
        self.is_sealed() && self.sealing.ballots > 0 && self.sealing.published < self.sealing.keys
    }

    /// Notes a public key of a holder that has posted none yet. On `Err` nothing has changed.
    ///
    /// # Errors
    /// [`LifeError::Is`] unless the vote is still to begin, [`LifeError::NotSealed`] if ballots are open anyway.
    pub fn post_key(&mut self, now: u64) -> Result<(), LifeError> {
        let state = self.check(now, &[State::Pending])?;
        // While a jury sits the state is pending, too.
        if now > self.core.vote_start {
            return Err(LifeError::Is(state));
        }
        if self.sealing.threshold == 0 {
            return Err(LifeError::NotSealed);
        }
        self.sealing.keys = self.sealing.keys.checked_add(1).ok_or(OutOfRange)?;
        Ok(())
    }

    /// Takes the sealed ballot of an account that has not voted yet, and returns the new end of the vote, if it moved. On `Err` nothing has changed.
    ///
    /// # Errors
    /// [`LifeError::Is`] unless the vote goes on, [`LifeError::VoteIsOver`] during the opening, [`LifeError::NotSealed`], [`LifeError::NoSuchBallot`],
    /// [`LifeError::NoWeight`].
    pub fn seal(
        &mut self,
        now: u64,
        settings: &Settings,
        ballot: &SealedBallot,
        size: usize,
    ) -> Result<Option<u64>, LifeError> {
        self.check(now, &[State::Active])?;
        if !self.is_sealed() {
            return Err(LifeError::NotSealed);
        }
        let end = self.deadline()?;
        if now > end {
            return Err(LifeError::VoteIsOver { end });
        }
        if ballot.commitment == [0; 32] || size > BALLOT_BYTES_MAX {
            return Err(LifeError::NoSuchBallot);
        }
        let Weights { stake, work } = ballot.weights;
        // Ballots that count nothing would only delay the opening of the others.
        if stake.is_zero() && work.is_zero() {
            return Err(LifeError::NoWeight);
        }
        let mut next = *self;
        let weights = &mut next.sealing.weights;
        weights.stake = counted(weights.stake, stake)?;
        weights.work = counted(weights.work, work)?;
        next.sealing.ballots = self.sealing.ballots.checked_add(1).ok_or(OutOfRange)?;
        if !self.could_pass()? && next.could_pass()? {
            let first = self.core.deadline(0)?;
            let deadline = extended(now, settings.vote_extension, end, first)?;
            next.extended = if deadline > end { deadline } else { self.extended };
        }
        let deadline = next.deadline()?;
        *self = next;
        Ok((deadline > end).then_some(deadline))
    }

    /// Notes that a holder's secret key is published: whoever calls has checked that it is that of the posted key, and not yet published. On `Err` nothing has changed.
    ///
    /// # Errors
    /// As [`Proposal::open`].
    pub fn publish_key(&mut self, now: u64) -> Result<(), LifeError> {
        self.check_opening(now)?;
        self.sealing.published = self.sealing.published.checked_add(1).ok_or(OutOfRange)?;
        Ok(())
    }

    /// Opens a ballot, and counts it. Returns what it adds to the week's activity; `None` if it was open already. `digest` is the commitment to what it is said to be.
    /// On `Err` nothing has changed.
    ///
    /// # Errors
    /// [`LifeError::VoteGoesOn`] before the end of the vote, [`LifeError::OpeningIsOver`] after the opening, [`LifeError::OtherBallot`] for another ballot than
    /// the sealed one, [`LifeError::NotSealed`], [`LifeError::Absent`].
    pub fn open(
        &mut self,
        now: u64,
        ballot: &mut SealedBallot,
        (digest, support): ([u8; 32], Support),
    ) -> Result<Option<Active>, LifeError> {
        self.check_opening(now)?;
        if ballot.is_open {
            return Ok(None);
        }
        if ballot.commitment == [0; 32] || ballot.commitment != digest {
            return Err(LifeError::OtherBallot);
        }
        let mut next = *self;
        let active = next.count(support, ballot.weights)?;
        next.sealing.opened = self.sealing.opened.checked_add(1).ok_or(OutOfRange)?;
        *self = next;
        ballot.is_open = true;
        Ok(Some(active))
    }

    /// Returns what the votes say now, as if the vote were over; while ballots are sealed, that nobody knows.
    ///
    /// # Errors
    /// [`OutOfRange`].
    pub fn decision_at(&self, now: u64) -> Result<Decision, OutOfRange> {
        let is_secret = self.is_sealed() && now <= self.deadline()?;
        Ok(if is_secret { Decision::Sealed } else { self.decision() })
    }

    /// Returns whether it would pass if all sealed ballots were for it.
    fn could_pass(&self) -> Result<bool, OutOfRange> {
        let mut all = *self;
        all.count(Support::For, self.sealing.weights)?;
        Ok(all.decision().is_passed())
    }

    fn check_opening(&self, now: u64) -> Result<(), LifeError> {
        let state = self.state(now)?.ok_or(LifeError::Absent)?;
        let until = self.deadline()?;
        match (self.is_sealed(), state) {
            (false, _) => Err(LifeError::NotSealed),
            (true, _) if now <= until => Err(LifeError::VoteGoesOn { until }),
            (true, State::Active) => Ok(()),
            (true, _) => Err(LifeError::OpeningIsOver),
        }
    }
}
