//! A proposal from posting to execution, as OpenZeppelin's Governor has it: states, votes, quorum, deadlines, delay.
//!
//! 1. It is posted: votes begin `delay` later, and last for `period`.
//! 2. While it is [`State::Active`] each account votes once, with its votes at the snapshot.
//! 3. A quorum that is reached late gives the others time to answer ([`extension`]).
//! 4. After the deadline it has succeeded or not. One that succeeded is queued, and executed once its delay is over.
//!
//! These are the parts that a governor of one token needs, in the order in which the contract computes; [`two_houses`] puts them together for
//! the ledger's own governor. Times are of the governor's clock: Unix seconds, or heights where the votes' token counts blocks; below 2^48.
//!
//! Source: OpenZeppelin Contracts 5.4, `governance/Governor.sol` and `governance/extensions`.

pub mod activity;
pub mod two_houses;

use alloy_primitives::{Address, U256};
use fixed_point::{ArithmeticError, mul_div_down};

/// Largest time: 48 bits.
pub const TIME_MAX: u64 = (1 << 48) - 1;
/// A quorum fraction is in hundredths.
pub const QUORUM_DENOMINATOR: u64 = 100;
/// How a description ends that names who may post it: this, `0x` and 40 hex digits.
const PROPOSER_MARKER: &[u8] = b"#proposer=";
/// Bytes of the whole ending.
const PROPOSER_ENDING_SIZE: usize = 52;

/// A number that does not fit where it belongs: a sum of votes beyond 256 bits, a time beyond 48.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sum of votes or of times does not fit")]
pub struct OutOfRange;

/// The state of a proposal, with OpenZeppelin's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Votes have not begun.
    Pending,
    /// Votes are counted.
    Active,
    /// The proposer has withdrawn it.
    Canceled,
    /// Not enough votes, or too many against.
    Defeated,
    /// It may be queued.
    Succeeded,
    /// It may be executed once its delay is over.
    Queued,
    /// It was not executed in time. No governor here lets a proposal expire.
    Expired,
    /// Done.
    Executed,
}

impl State {
    /// Returns its number in the interface.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Pending => 0,
            Self::Active => 1,
            Self::Canceled => 2,
            Self::Defeated => 3,
            Self::Succeeded => 4,
            Self::Queued => 5,
            Self::Expired => 6,
            Self::Executed => 7,
        }
    }

    /// Returns the bit that stands for it where several states are allowed.
    #[must_use]
    pub const fn bit(self) -> u8 {
        match self {
            Self::Pending => 1,
            Self::Active => 2,
            Self::Canceled => 4,
            Self::Defeated => 8,
            Self::Succeeded => 16,
            Self::Queued => 32,
            Self::Expired => 64,
            Self::Executed => 128,
        }
    }
}

/// How far a proposal is, without its votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No proposal has this id.
    Absent,
    /// The votes do not matter for its state.
    Is(State),
    /// Voting is over: the votes decide.
    Closed,
}

/// What is stored of every proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Core {
    /// Who posted it.
    pub proposer: Address,
    /// Votes are counted after this time; 0 for a proposal that does not exist.
    pub vote_start: u64,
    /// Length of the vote.
    pub vote_duration: u32,
    /// Whether it was executed.
    pub is_executed: bool,
    /// Whether it was withdrawn.
    pub is_canceled: bool,
    /// When it may be executed, in Unix seconds; 0 before it is queued.
    pub eta: u64,
}

impl Core {
    /// Returns the end of the vote, which `extended` may have moved: the last time at which votes are counted.
    ///
    /// # Errors
    /// [`OutOfRange`] beyond 48 bits.
    pub fn deadline(&self, extended: u64) -> Result<u64, OutOfRange> {
        Ok(sum(self.vote_start, u64::from(self.vote_duration))?.max(extended))
    }

    /// Returns how far it is at a time.
    ///
    /// # Errors
    /// [`OutOfRange`] if its deadline does not fit.
    pub fn phase(&self, now: u64, extended: u64) -> Result<Phase, OutOfRange> {
        if self.is_executed {
            return Ok(Phase::Is(State::Executed));
        }
        if self.is_canceled {
            return Ok(Phase::Is(State::Canceled));
        }
        if self.vote_start == 0 {
            return Ok(Phase::Absent);
        }
        if self.vote_start >= now {
            return Ok(Phase::Is(State::Pending));
        }
        if self.deadline(extended)? >= now {
            return Ok(Phase::Is(State::Active));
        }
        Ok(Phase::Closed)
    }

    /// Returns the state after the vote.
    #[must_use]
    pub const fn closed(&self, is_passed: bool) -> State {
        match (is_passed, self.eta) {
            (false, _) => State::Defeated,
            (true, 0) => State::Succeeded,
            (true, _) => State::Queued,
        }
    }

    /// Returns whether it may be executed now: queued, and its delay is over.
    ///
    /// # Errors
    /// [`NotExecutable`].
    pub const fn check_executable(&self, now: u64, brake_delay: u64) -> Result<(), NotExecutable> {
        let ready_at = self.eta.saturating_add(brake_delay);
        if self.eta == 0 {
            return Err(NotExecutable::NotQueued);
        }
        if now < ready_at { Err(NotExecutable::TooEarly { ready_at }) } else { Ok(()) }
    }
}

/// Why a proposal that succeeded cannot be executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotExecutable {
    /// It was not queued.
    #[error("the proposal is not queued: queue it first")]
    NotQueued,
    /// Its delay is not over.
    #[error("the proposal can be executed from {ready_at} on")]
    TooEarly {
        /// Unix seconds.
        ready_at: u64,
    },
}

/// Adds two times.
///
/// # Errors
/// [`OutOfRange`] beyond 48 bits.
pub fn sum(time: u64, span: u64) -> Result<u64, OutOfRange> {
    time.checked_add(span).filter(|sum| *sum <= TIME_MAX).ok_or(OutOfRange)
}

/// What a voter wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// 0: against.
    Against,
    /// 1: for.
    For,
    /// 2: counts for the quorum only.
    Abstain,
}

impl Support {
    /// Reads its number in the interface.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Against),
            1 => Some(Self::For),
            2 => Some(Self::Abstain),
            _ => None,
        }
    }
}

/// Votes that were cast, in units of the votes' token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Against.
    pub against: U256,
    /// For.
    pub approving: U256,
    /// Neither.
    pub abstaining: U256,
}

impl Tally {
    /// Counts a vote: whoever calls has checked that the account has not voted yet.
    ///
    /// # Errors
    /// [`OutOfRange`] if a sum does not fit; nothing is counted then.
    pub fn count_vote(&mut self, support: Support, weight: U256) -> Result<(), OutOfRange> {
        let sum = match support {
            Support::Against => &mut self.against,
            Support::For => &mut self.approving,
            Support::Abstain => &mut self.abstaining,
        };
        *sum = counted(*sum, weight)?;
        Ok(())
    }

    /// Returns whether votes for it and abstentions are at least `quorum`.
    ///
    /// # Errors
    /// [`OutOfRange`] if their sum does not fit.
    pub fn has_quorum(&self, quorum: U256) -> Result<bool, OutOfRange> {
        let sum = self.approving.checked_add(self.abstaining).ok_or(OutOfRange)?;
        Ok(quorum <= sum)
    }

    /// Returns whether more votes are for it than against.
    #[must_use]
    pub fn is_approved(&self) -> bool {
        self.approving > self.against
    }

    /// Returns the votes cast; the largest number where the sum does not fit.
    #[must_use]
    pub fn turnout(&self) -> U256 {
        self.approving.saturating_add(self.against).saturating_add(self.abstaining)
    }
}

/// Returns a sum of votes with one more.
///
/// # Errors
/// [`OutOfRange`] if it does not fit.
pub fn counted(sum: U256, weight: U256) -> Result<U256, OutOfRange> {
    sum.checked_add(weight).ok_or(OutOfRange)
}

/// Returns the quorum: `numerator` hundredths of all votes, rounded down.
///
/// # Errors
/// Only for a numerator above 100.
pub fn quorum_down(total: U256, numerator: U256) -> Result<U256, ArithmeticError> {
    mul_div_down(total, numerator, U256::from(QUORUM_DENOMINATOR))
}

/// An end of the vote that a late quorum asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The end that it asks for.
    pub deadline: u64,
    /// Whether the vote would end before.
    pub is_later: bool,
}

/// Returns until when the vote goes on, for a quorum that is reached now: at least `span` longer, so that a vote which makes the quorum in the
/// last moment can be answered. It is asked once, when the quorum is reached.
///
/// # Errors
/// [`OutOfRange`] beyond 48 bits.
pub fn extension(now: u64, span: u64, deadline: u64) -> Result<Extension, OutOfRange> {
    let extended = sum(now, span)?;
    Ok(Extension { deadline: extended, is_later: extended > deadline })
}

/// Returns who alone may post a proposal of this description, if its end says so: `#proposer=0x` and 40 hex digits of either case. Anything else restricts
/// nothing. With it nobody can take a proposal from its author by posting it first.
#[must_use]
pub fn required_proposer(description: &[u8]) -> Option<Address> {
    let start = description.len().checked_sub(PROPOSER_ENDING_SIZE)?;
    let digits = description.get(start..)?.strip_prefix(PROPOSER_MARKER)?.strip_prefix(b"0x")?;
    let mut bytes = [0; 20];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
        let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
        *byte = u8::try_from(high?.checked_mul(16)?.checked_add(low?)?).ok()?;
    }
    Some(bytes.into())
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod tests;
