//! A proposal's life: posting, voting, queueing, executing, settling.

use alloy_primitives::{Address, U256};

use super::{
    BRAKE_DELAY_MAX, CONSTITUTIONAL_DELAY, DAY, Decision, Electorate, GRAIN, House, Jury,
    LOCK_AFTER, Missed, OBJECTION_PERIOD, OPEN_MAX, OPEN_OF_PROPOSER_MAX, SNAPSHOT_LEAD,
    SUMMON_PERIOD, Votes, decide,
    decision::{is_objected, is_spam, misses},
    extended,
    sealed::{BALLOT_BYTES_MAX, Sealing},
};
use crate::{
    Class,
    proposal::{
        Core, NotExecutable, OutOfRange, Phase, State, Support,
        activity::{Active, active},
        sum,
    },
};

/// What a constitutional proposal can change of these rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Seconds from posting to the vote.
    pub voting_delay: u64,
    /// Seconds of the vote.
    pub voting_period: u32,
    /// Votes of the stake house with which an account may post, in wei.
    pub threshold: U256,
    /// Seconds that a vote goes on after one that makes the proposal pass.
    pub vote_extension: u64,
    /// Seconds from queueing to execution.
    pub execution_delay: u32,
    /// What is deposited with a proposal, in wei.
    pub deposit: U256,
    /// Seconds after a vote with sealed ballots in which they are opened.
    pub opening_period: u32,
}

/// A setting outside its band.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the setting is {value}: give {least} to {most}")]
pub struct SettingError {
    /// What was given.
    pub value: U256,
    /// Least that is allowed.
    pub least: U256,
    /// Most that is allowed.
    pub most: U256,
}

impl Settings {
    /// With which a ledger begins.
    pub const INITIAL: Self = Self {
        voting_delay: DAY,
        voting_period: 7 * 86_400,
        threshold: wei(1_000),
        vote_extension: 2 * DAY,
        execution_delay: 2 * 86_400,
        deposit: wei(100),
        opening_period: 2 * 86_400,
    };

    /// Checks every setting against its band. The bands keep a mistake from making all later votes impossible.
    ///
    /// # Errors
    /// [`SettingError`] for the first that is outside.
    pub fn check(&self) -> Result<(), SettingError> {
        let bands = [
            (U256::from(self.voting_delay), U256::ZERO, U256::from(7 * DAY)),
            (U256::from(self.voting_period), U256::from(DAY), U256::from(30 * DAY)),
            (self.threshold, U256::ZERO, wei(1_000_000)),
            (U256::from(self.vote_extension), U256::ZERO, U256::from(7 * DAY)),
            (U256::from(self.execution_delay), U256::from(DAY), U256::from(30 * DAY)),
            (self.deposit, U256::ONE, wei(10_000)),
            (U256::from(self.opening_period), U256::from(DAY), U256::from(7 * DAY)),
        ];
        for (value, least, most) in bands {
            if value < least || value > most {
                return Err(SettingError { value, least, most });
            }
        }
        Ok(())
    }

    /// Returns the seconds from queueing to execution.
    #[must_use]
    pub fn delay(&self, class: Class) -> u64 {
        let more = if class == Class::Constitutional { CONSTITUTIONAL_DELAY } else { 0 };
        u64::from(self.execution_delay).saturating_add(more)
    }
}

/// Constant, so that it is checked when this is compiled.
const fn wei(grain: u64) -> U256 {
    #[expect(clippy::arithmetic_side_effects, reason = "of constants")]
    let wei = grain as u128 * GRAIN;
    #[expect(clippy::cast_possible_truncation, reason = "the two halves of a number")]
    U256::from_limbs([wei as u64, (wei >> 64) as u64, 0, 0])
}

/// An account's votes at a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weights {
    /// In the stake house, in wei.
    pub stake: U256,
    /// In the work house, in units of voice.
    pub work: U256,
}

/// Proposals that are posted and not settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// Of the proposer.
    pub of_proposer: u32,
    /// Of all.
    pub all: u32,
}

/// What is known when a proposal is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Who posts it.
    pub proposer: Address,
    /// What comes with it, in wei.
    pub value: U256,
    /// The proposer's votes at the snapshot.
    pub weights: Weights,
    /// What is not settled yet.
    pub open: Open,
    /// Ballot keys that must be there when the vote begins, for its ballots to be sealed; 0 while there are no holders.
    pub key_threshold: u8,
}

/// Why a proposal is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// The proposer has too few votes in both houses.
    #[error("the proposer has {votes} votes of the stake house, below {threshold}")]
    TooFewVotes {
        /// Of the stake house, in wei.
        votes: U256,
        /// What the stake house asks for.
        threshold: U256,
    },
    /// The deposit is another one.
    #[error("the proposal comes with {value} wei: send {deposit}")]
    WrongDeposit {
        /// What came.
        value: U256,
        /// What is asked for.
        deposit: U256,
    },
    /// The proposer has too many, or all have.
    #[error("{count} proposals are open: settle one that has ended")]
    TooManyOpen {
        /// How many.
        count: u32,
    },
    /// A time does not fit.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
}

/// Why a step is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifeError {
    /// There is none.
    #[error("no proposal has this id")]
    Absent,
    /// The proposal is in another state.
    #[error("the proposal is in state {0:?}")]
    Is(State),
    /// Only its proposer may withdraw it, before the vote.
    #[error("only the proposer can withdraw it, before the vote begins")]
    CannotCancel,
    /// It was settled before.
    #[error("the proposal is settled")]
    AlreadySettled,
    /// Its delay is not over.
    #[error(transparent)]
    NotExecutable(#[from] NotExecutable),
    /// Its ballots are sealed: an open one would tell the others.
    #[error("the ballots of this proposal are sealed")]
    Sealed,
    /// Its ballots are open.
    #[error("the ballots of this proposal are open")]
    NotSealed,
    /// What belongs after the vote came before its end.
    #[error("the vote goes on until {until}")]
    VoteGoesOn {
        /// Unix seconds.
        until: u64,
    },
    /// A ballot came after the end of the vote.
    #[error("the vote ended at {end}")]
    VoteIsOver {
        /// Unix seconds.
        end: u64,
    },
    /// Ballots are no longer opened.
    #[error("the opening of the ballots is over")]
    OpeningIsOver,
    /// A sealed ballot without a commitment, or with too many bytes.
    #[error("a sealed ballot needs a commitment, and at most {BALLOT_BYTES_MAX} bytes")]
    NoSuchBallot,
    /// The account had no votes at the snapshot, or has sold them.
    #[error("the account has no votes that count")]
    NoWeight,
    /// The account has sealed another ballot, or none.
    #[error("this is not the ballot that was sealed")]
    OtherBallot,
    /// A sum does not fit.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
}

/// A proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What every governor stores.
    pub core: Core,
    /// The end of the vote, if it was moved; else 0.
    pub extended: u64,
    /// Its class.
    pub class: Class,
    /// Whether a routine proposal has become an ordinary vote.
    pub is_contested: bool,
    /// Whether its deposit is returned or burnt.
    pub is_settled: bool,
    /// When it was posted.
    pub posted_at: u64,
    /// Misses of turnout before it.
    pub missed: Missed,
    /// Who could vote.
    pub electorate: Electorate,
    /// What was deposited, in wei.
    pub deposit: U256,
    /// What was cast, and is open.
    pub votes: Votes,
    /// Its sealed ballots.
    pub sealing: Sealing,
    /// What a jury says in place of a house: not kept with the proposal, but asked of the jury.
    pub jury: Jury,
}

/// What a vote did, beside being counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voted {
    /// The new end of the vote, if it moved.
    pub deadline: Option<u64>,
    /// Whether it made a routine proposal an ordinary vote.
    pub contested: bool,
    /// What it adds to the activity of the week in which the proposal was posted.
    pub active: Active,
}

/// What settling did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Whether the deposit is burnt; else the proposer gets it back.
    pub is_burnt: bool,
    /// For each house, stake first: whether it missed its turnout. `None` where no turnout was asked for.
    pub missed: [Option<bool>; 2],
    /// Whether a holder has withheld its ballot key.
    pub is_key_withheld: bool,
}

impl Proposal {
    /// Posts a proposal.
    ///
    /// # Errors
    /// [`PostError`].
    pub fn post(
        now: u64,
        class: Class,
        settings: &Settings,
        admission: &Admission,
        (electorate, missed): (Electorate, Missed),
    ) -> Result<Self, PostError> {
        let Admission { proposer, value, weights, open, key_threshold } = *admission;
        let threshold = settings.threshold;
        if weights.stake < threshold && weights.work < electorate.work_threshold() {
            return Err(PostError::TooFewVotes { votes: weights.stake, threshold });
        }
        if value != settings.deposit {
            return Err(PostError::WrongDeposit { value, deposit: settings.deposit });
        }
        if open.of_proposer >= OPEN_OF_PROPOSER_MAX {
            return Err(PostError::TooManyOpen { count: open.of_proposer });
        }
        if open.all >= OPEN_MAX {
            return Err(PostError::TooManyOpen { count: open.all });
        }
        let (vote_start, vote_duration) = match class {
            Class::Routine => (now, OBJECTION_PERIOD),
            Class::Ordinary | Class::Constitutional => {
                (sum(now, settings.voting_delay)?, settings.voting_period)
            }
        };
        let core = Core {
            proposer,
            vote_start,
            vote_duration,
            is_executed: false,
            is_canceled: false,
            eta: 0,
        };
        core.deadline(0)?;
        Ok(Self {
            core,
            extended: 0,
            class,
            is_contested: false,
            is_settled: false,
            posted_at: now,
            missed,
            electorate,
            deposit: value,
            votes: Votes::default(),
            sealing: Sealing::of(class, key_threshold, settings.opening_period),
            jury: Jury::None,
        })
    }

    /// Returns the time whose votes count for a proposal that is posted then.
    #[must_use]
    pub const fn snapshot_of(posted_at: u64) -> u64 {
        posted_at.saturating_sub(SNAPSHOT_LEAD)
    }

    /// Returns the end of the vote.
    ///
    /// # Errors
    /// [`OutOfRange`].
    pub fn deadline(&self) -> Result<u64, OutOfRange> {
        self.core.deadline(self.extended)
    }

    /// Returns its state; `None` if there is none.
    ///
    /// # Errors
    /// [`OutOfRange`].
    pub fn state(&self, now: u64) -> Result<Option<State>, OutOfRange> {
        Ok(match self.core.phase(now, self.extended)? {
            Phase::Absent => None,
            Phase::Is(state) => Some(state),
            Phase::Closed if self.is_opening(now)? => Some(State::Active),
            Phase::Closed if self.waits_for_jury(now)? => Some(State::Pending),
            Phase::Closed => Some(self.core.closed(self.decision().is_passed())),
        })
    }

    /// Returns whether the vote is over and a jury sits in place of a house, or may still be summoned.
    fn waits_for_jury(&self, now: u64) -> Result<bool, OutOfRange> {
        let is_needed = matches!(self.decision(), Decision::JuryNeeded(_));
        let summoned_until = sum(self.opening_end()?, SUMMON_PERIOD)?;
        Ok(is_needed && (self.jury == Jury::Sits || now <= summoned_until))
    }

    /// Checks that a jury may be summoned now.
    ///
    /// # Errors
    /// [`LifeError::Is`] unless the vote is over, a house has missed its turnout twice in a row, and three days have not passed since; [`LifeError::Absent`].
    pub fn check_summon(&self, now: u64) -> Result<(), LifeError> {
        let state = self.state(now)?.ok_or(LifeError::Absent)?;
        let is_over = now > self.deadline()?;
        if state == State::Pending && is_over && self.jury == Jury::None {
            return Ok(());
        }
        Err(LifeError::Is(state))
    }

    /// Returns what the votes say that are open, as if the vote were over.
    #[must_use]
    pub fn decision(&self) -> Decision {
        let facts = (self.missed, self.jury);
        decide((self.class, self.is_contested), facts, &self.electorate, &self.votes)
    }

    /// Returns until when the stake of an account that votes now is locked: seven days after the earliest execution, as late as this vote can make it.
    ///
    /// # Errors
    /// [`OutOfRange`].
    pub fn lock_until(&self, now: u64, settings: &Settings) -> Result<u64, OutOfRange> {
        let span = settings.vote_extension.max(u64::from(settings.voting_period));
        let wait = settings.delay(self.class).saturating_add(LOCK_AFTER);
        let opening = if self.is_sealed() { self.sealing.opening_period } else { 0 };
        sum(self.deadline()?.max(sum(now, span)?), wait.saturating_add(u64::from(opening)))
    }

    /// Counts an open vote of an account that has not voted yet. On `Err` nothing has changed.
    ///
    /// # Errors
    /// [`LifeError::Is`] unless votes are counted now, [`LifeError::Sealed`].
    pub fn vote(
        &mut self,
        now: u64,
        settings: &Settings,
        support: Support,
        weights: Weights,
    ) -> Result<Voted, LifeError> {
        self.check(now, &[State::Active])?;
        if self.is_sealed() {
            return Err(LifeError::Sealed);
        }
        let mut next = *self;
        let active = next.count(support, weights)?;
        let contested = next.is_to_be_contested();
        let before = self.deadline()?;
        if contested {
            next.contest(now, settings.voting_period)?;
        } else if !self.decision().is_passed() && next.decision().is_passed() {
            let first = self.core.deadline(0)?;
            let deadline = extended(now, settings.vote_extension, before, first)?;
            next.extended = if deadline > before { deadline } else { self.extended };
        }
        let deadline = next.deadline()?;
        *self = next;
        Ok(Voted { deadline: (deadline > before).then_some(deadline), contested, active })
    }

    /// Withdraws it before the vote.
    ///
    /// # Errors
    /// [`LifeError::CannotCancel`] unless it is pending, and by its proposer.
    pub fn cancel(&mut self, now: u64, caller: Address) -> Result<(), LifeError> {
        // While a jury sits the state is pending, too.
        let is_over = now > self.core.deadline(0)?;
        let is_pending = self.state(now)? == Some(State::Pending) && !is_over;
        if !is_pending || caller != self.core.proposer {
            return Err(LifeError::CannotCancel);
        }
        self.core.is_canceled = true;
        Ok(())
    }

    /// Queues one that has succeeded, and returns when it can be executed.
    ///
    /// # Errors
    /// [`LifeError::Is`] in another state.
    pub fn queue(&mut self, now: u64, settings: &Settings) -> Result<u64, LifeError> {
        self.check(now, &[State::Succeeded])?;
        self.core.eta = sum(now, settings.delay(self.class))?;
        Ok(self.core.eta)
    }

    /// Marks it as executed. The brake's delay is bounded, so that it can stop nothing for ever.
    ///
    /// # Errors
    /// [`LifeError::Is`] in another state, [`LifeError::NotExecutable`] before its time.
    pub fn execute(&mut self, now: u64, brake_delay: u64) -> Result<(), LifeError> {
        self.check(now, &[State::Succeeded, State::Queued])?;
        self.core.check_executable(now, brake_delay.min(BRAKE_DELAY_MAX))?;
        self.core.is_executed = true;
        Ok(())
    }

    /// Settles one that has ended: its place is free again, and its deposit is returned or burnt.
    ///
    /// # Errors
    /// [`LifeError::Is`] before the end, [`LifeError::AlreadySettled`].
    pub fn settle(&mut self, now: u64) -> Result<Settled, LifeError> {
        let ended =
            [State::Canceled, State::Defeated, State::Succeeded, State::Queued, State::Executed];
        let state = self.check(now, &ended)?;
        if self.is_settled {
            return Err(LifeError::AlreadySettled);
        }
        self.is_settled = true;
        let is_vote = self.class > Class::Routine || self.is_contested;
        let missed = misses(&self.electorate, &self.votes).map(|house| house.is_some());
        let missed = missed.map(|missed| (is_vote && state != State::Canceled).then_some(missed));
        Ok(Settled {
            is_burnt: state == State::Defeated && is_spam(&self.votes),
            missed,
            is_key_withheld: self.is_key_withheld(),
        })
    }

    /// Adds a vote to the tallies, and returns what it adds to the week's activity.
    pub(super) fn count(
        &mut self,
        support: Support,
        weights: Weights,
    ) -> Result<Active, OutOfRange> {
        let before = self.votes.stake.turnout();
        self.votes.stake.count_vote(support, weights.stake)?;
        self.votes.work.count_vote(support, weights.work)?;
        let least = Electorate::least_quorum(self.electorate.stake_total);
        Ok(active(before, self.votes.stake.turnout(), least))
    }

    /// Makes an ordinary vote of it, that ends a whole period from now.
    fn contest(&mut self, now: u64, period: u32) -> Result<(), OutOfRange> {
        let end = sum(now, u64::from(period))?.max(self.core.deadline(0)?);
        let duration = end.checked_sub(self.core.vote_start).ok_or(OutOfRange)?;
        self.core.vote_duration = u32::try_from(duration).map_err(|_| OutOfRange)?;
        self.is_contested = true;
        Ok(())
    }

    fn is_to_be_contested(&self) -> bool {
        let is_quiet = self.class == Class::Routine && !self.is_contested;
        is_quiet && is_objected(&self.electorate, &self.votes)
    }

    pub(super) fn check(&self, now: u64, allowed: &[State]) -> Result<State, LifeError> {
        let state = self.state(now)?.ok_or(LifeError::Absent)?;
        if allowed.contains(&state) { Ok(state) } else { Err(LifeError::Is(state)) }
    }
}

impl Missed {
    /// Returns the misses after a proposal was settled: one more, or none.
    #[must_use]
    pub fn after(self, settled: &Settled) -> Self {
        let [stake, work] = settled.missed;
        let next = |before: u8, missed: Option<bool>| match missed {
            None => before,
            Some(false) => 0,
            Some(true) => before.saturating_add(1),
        };
        Self { stake: next(self.stake, stake), work: next(self.work, work) }
    }

    /// Returns the misses of a house.
    #[must_use]
    pub const fn of(self, house: House) -> u8 {
        match house {
            House::Stake => self.stake,
            House::Work => self.work,
        }
    }
}
