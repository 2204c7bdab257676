//! Inputs, effects and errors of a run.

use thiserror::Error;
use units::{AccountId, DeviceId, Digest, Overflow, UnixSeconds, Wei};

use crate::{Cause, Commitment, TermsError};

/// The block and sender of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// Timestamp of the block.
    pub now: UnixSeconds,
    /// Height of the block.
    pub height: u64,
    /// Sender of the transaction.
    pub caller: AccountId,
    /// Hash of the parent block: draws every auditor after the first.
    pub randomness: Digest,
}

/// What an auditor found, as the ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The auditor published a root. The adapter has sealed it under the names of those whose seal it may open.
    Opened {
        /// The root sealed under the subject's name.
        for_subject: Digest,
        /// The root sealed under the name of each earlier claimant, in order.
        for_claimants: Vec<Digest>,
    },
    /// The auditor's replay gave another root, sealed under its own name.
    Mismatch {
        /// The sealed root.
        sealed: Digest,
    },
    /// The evidence for a replay is not available.
    Unavailable,
}

/// An input of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A device takes a seat.
    Enroll {
        /// Device that signed.
        device: DeviceId,
        /// Account to which the ledger links the device.
        account: AccountId,
    },
    /// A device gives up its seat.
    Leave {
        /// Device that signed.
        device: DeviceId,
    },
    /// A device commits to its work of the open round.
    Commit {
        /// Device that signed.
        device: DeviceId,
        /// The round.
        round: u32,
        /// The commitment.
        commitment: Commitment,
    },
    /// Closes the open round to commitments: by the owner once a quorum has committed, by anyone after the deadline.
    Close {
        /// The round.
        round: u32,
    },
    /// Counts a missed round for silent devices after the deadline passed without a quorum, and extends the
    /// deadline. By anyone.
    Lapse {
        /// The round.
        round: u32,
    },
    /// Publishes the new state of the closed round. By the owner.
    Advance {
        /// The round.
        round: u32,
        /// The new state.
        state: Digest,
        /// The outer update from the base to the new state.
        update: Digest,
    },
    /// Draws the audits of a closed round, with the hash of the block at [`crate::Run::draw_height`]. By anyone.
    Draw {
        /// The round.
        round: u32,
        /// The hash of that block.
        randomness: Digest,
    },
    /// An auditor's finding.
    Verdict {
        /// Device that signed.
        auditor: DeviceId,
        /// The audited round.
        round: u32,
        /// The audited device.
        subject: DeviceId,
        /// The finding.
        finding: Finding,
    },
    /// Replaces an auditor that missed its deadline. By anyone.
    Redraw {
        /// The audited round.
        round: u32,
        /// The audited device.
        subject: DeviceId,
    },
    /// Opens no more rounds. By the owner.
    Cancel,
    /// Opens no more rounds, because nothing has happened for `stall_seconds`. By anyone.
    Abandon,
}

/// What a payment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayKind {
    /// Verified training.
    Work,
    /// A verdict that was not contradicted.
    Audit,
}

/// An effect of an input: money to move, and events to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "fields of events say what their names say; the variants are documented"
)]
pub enum Effect {
    /// Pays a contributor from the escrow.
    Pay {
        account: AccountId,
        device: DeviceId,
        round: u32,
        tokens: u64,
        amount: Wei,
        kind: PayKind,
    },
    /// Refunds the rest of the escrow.
    Refund { account: AccountId, amount: Wei },
    /// A device took a seat.
    Enrolled { device: DeviceId, account: AccountId, from_round: u32 },
    /// A device gave up or lost its seat.
    Left { device: DeviceId },
    /// A round opened.
    RoundOpened { round: u32, base: Digest, deadline: UnixSeconds },
    /// A device committed.
    Committed { device: DeviceId, round: u32, commitment: Commitment },
    /// A round closed to commitments.
    RoundClosed { round: u32, commitments: u32 },
    /// A round has a new state.
    Advanced { round: u32, state: Digest, update: Digest },
    /// An auditor was drawn.
    Drawn { round: u32, subject: DeviceId, auditor: DeviceId },
    /// A replay opened the subject's seal.
    AuditPassed { round: u32, subject: DeviceId, auditor: DeviceId },
    /// A replay gave another root.
    Disputed { round: u32, subject: DeviceId, auditor: DeviceId },
    /// Two auditors' replays gave the same other root: the subject is expelled.
    Convicted { round: u32, subject: DeviceId, account: AccountId, forfeited: Wei },
    /// An auditor claimed a mismatch that did not exist: it is expelled.
    AuditorExpelled { round: u32, auditor: DeviceId, account: AccountId, forfeited: Wei },
    /// No auditor could decide: the commitment stays unpaid.
    Unresolved { round: u32, subject: DeviceId },
    /// No more rounds will open, though the terms have more.
    Cancelled,
    /// The run is over; `deposited = paid + refunded`.
    Finished { paid: Wei, refunded: Wei },
}

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
    /// The device already has a seat.
    #[error("device {0} already has a seat")]
    SeatTaken(DeviceId),
    /// The device, or its account, was expelled.
    #[error("device {device} was expelled for round {round}")]
    Expelled {
        /// The device of the input.
        device: DeviceId,
        /// Its account.
        account: AccountId,
        /// The round for which it was expelled.
        round: u32,
        /// The cause.
        cause: Cause,
    },
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
    /// The audits of this round were already drawn, or it does not exist.
    #[error("round {0} has no audits to draw")]
    NothingToDraw(u32),
    /// Too many rounds wait for draws or audits.
    #[error("{0} rounds wait to be drawn or audited: draw and redraw first")]
    TooManyOpenRounds(u32),
    /// The audit does not exist, or belongs to another auditor.
    #[error("device {auditor} is not the auditor of device {subject} in round {round}")]
    NotTheAuditor {
        /// Device that signed.
        auditor: DeviceId,
        /// The round.
        round: u32,
        /// The audited device.
        subject: DeviceId,
    },
    /// The audit does not exist or has ended.
    #[error("no audit of device {subject} in round {round} is open")]
    NoAudit {
        /// The round.
        round: u32,
        /// The audited device.
        subject: DeviceId,
    },
    /// The published root opens no seal.
    #[error("the root opens no seal: submit it sealed, as a mismatch")]
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
