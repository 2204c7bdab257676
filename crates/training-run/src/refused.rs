//! Why an input is refused.

use thiserror::Error;
use units::{DeviceId, Overflow, Wei};

use crate::{Cause, SeatIndex, TermsError};

/// Why a run could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The terms are invalid.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// The deposit does not cover the worst case.
    #[error("deposit of {deposit} wei does not cover the terms: give at least {required} wei")]
    BudgetTooSmall {
        /// The given deposit.
        deposit: Wei,
        /// The smallest deposit, [`crate::Terms::required_deposit`].
        required: Wei,
    },
    /// The cost of the terms overflows.
    #[error("the cost of the terms does not fit 128 bits: lower the price or the number of rounds")]
    Overflow,
}

impl From<Overflow> for OpenError {
    fn from(_: Overflow) -> Self {
        Self::Overflow
    }
}

/// Why an input was refused. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// The run has ended or accepts no new work.
    #[error("the run has ended or accepts no new work")]
    Over,
    /// Another round is open or closed, or none.
    #[error("round {given} is not the current round, {}", .open.map_or("no round is open".to_owned(), |open| format!("the current round is {open}")))]
    WrongRound {
        /// Round of the input.
        given: u32,
        /// The open or closed round.
        open: Option<u32>,
    },
    /// Only the owner may do this now.
    #[error("only the owner of the run may do this now")]
    NotOwner,
    /// The device has no active seat.
    #[error("device {0} has no active seat in this run")]
    NoSeat(DeviceId),
    /// The seat does not exist.
    #[error("seat {seat} does not exist: the run has {seats}")]
    NoSuchSeat {
        /// The given index.
        seat: SeatIndex,
        /// Number of seats.
        seats: u16,
    },
    /// The device already has a seat.
    #[error("device {0} already has a seat")]
    SeatTaken(DeviceId),
    /// The device signed an enrolment or leave that is not its next one.
    #[error("device {device} signed statement {given}, its next one is {expected}")]
    WrongNonce {
        /// The device.
        device: DeviceId,
        /// The given number.
        given: u64,
        /// The next one.
        expected: u64,
    },
    /// The device was expelled.
    #[error("device {device} was expelled for round {round}")]
    Expelled {
        /// The device.
        device: DeviceId,
        /// The round for which it was expelled.
        round: u32,
        /// The cause.
        cause: Cause,
    },
    /// The device still has commitments or audits of its earlier time in the run.
    #[error("device {0} left while its work is being audited: wait until it is settled")]
    NotSettled(DeviceId),
    /// Pay that the device has earned for another account is still held back.
    #[error(
        "pay that device {0} has earned for another account is held back: wait until its seat is settled"
    )]
    HeldForAnother(DeviceId),
    /// All seats are taken.
    #[error("all {0} seats are taken: wait until a device leaves")]
    Full(u16),
    /// The seat takes part from a later round on.
    #[error("device {device} takes part from round {from_round} on: wait for that round")]
    TooEarlyForSeat {
        /// The device.
        device: DeviceId,
        /// Its first round.
        from_round: u32,
    },
    /// The device has already committed in this round.
    #[error("device {0} has already committed in this round")]
    CommittedAlready(DeviceId),
    /// There are fewer commitments than the quorum.
    #[error("{committed} devices have committed, the quorum is {quorum}: wait for more")]
    NoQuorum {
        /// Number of commitments so far.
        committed: u32,
        /// Number needed.
        quorum: u32,
    },
    /// The deadline or height has not been reached.
    #[error("too early: wait until {until} (now {now})")]
    TooEarly {
        /// Earliest time or height.
        until: u64,
        /// Time or height now.
        now: u64,
    },
    /// A quorum has committed, so the round can be closed.
    #[error("a quorum has committed: close the round instead")]
    QuorumReached,
    /// Nothing is due in this round, or it is not kept.
    #[error("round {0} has nothing to draw now")]
    NothingToDraw(u32),
    /// The round whose records the next one would replace is not settled.
    #[error("round {0} is not settled: draw its audits and settle its seats first")]
    RoundNotSettled(u32),
    /// The device is not the auditor.
    #[error("device {auditor} is not the auditor of device {subject} in round {round}")]
    NotTheAuditor {
        /// Device that signed.
        auditor: DeviceId,
        /// The round.
        round: u32,
        /// The audited device.
        subject: DeviceId,
    },
    /// There is no commitment that can be audited or disputed now.
    #[error("device {subject} has no commitment in round {round} that can be audited or disputed")]
    NoCommitment {
        /// The round.
        round: u32,
        /// The device.
        subject: DeviceId,
    },
    /// The key is none of the ledger's referees.
    #[error("{0} is none of the ledger's referees")]
    NotAReferee(DeviceId),
    /// The referee has voted in this dispute.
    #[error("referee {0} has voted in this dispute already")]
    VotedAlready(DeviceId),
    /// What the seal was made over is public already.
    #[error("the leaves of device {subject} in round {round} are disclosed already")]
    DisclosedAlready {
        /// The round.
        round: u32,
        /// The device.
        subject: DeviceId,
    },
    /// The leaves lead to another seal.
    #[error(
        "the leaves do not lead to the seal that device {subject} committed to in round {round}"
    )]
    WrongLeaves {
        /// The round.
        round: u32,
        /// The device.
        subject: DeviceId,
    },
    /// A ruling names a leaf, and no leaves are disclosed.
    #[error("no leaves of device {subject} in round {round} are disclosed")]
    NotDisclosed {
        /// The round.
        round: u32,
        /// The device.
        subject: DeviceId,
    },
    /// The referee decides already.
    #[error("the referee decides on device {subject} in round {round} already")]
    DisputedAlready {
        /// The round.
        round: u32,
        /// The device.
        subject: DeviceId,
    },
    /// The bond, or the stake of the seat that disputes, is too small.
    #[error("a dispute needs {required} wei at stake, {given} wei given")]
    BondTooSmall {
        /// The given bond, or the seat's stake.
        given: Wei,
        /// The smallest one: what the referee's replay costs.
        required: Wei,
    },
    /// Too many disputes wait for the referee.
    #[error("{0} disputes wait for the referee: try again later")]
    TooManyDisputes(u16),
    /// No dispute is open.
    #[error("no dispute about device {subject} in round {round} is open")]
    NoDispute {
        /// The round.
        round: u32,
        /// The device.
        subject: DeviceId,
    },
    /// The published root does not open the seal.
    #[error("the root does not open the seal: report a mismatch")]
    OpensNothing,
    /// An amount overflows; can't happen after a run was opened.
    #[error("amount out of range")]
    Overflow,
}

impl From<Overflow> for Refused {
    fn from(_: Overflow) -> Self {
        Self::Overflow
    }
}
