//! What goes into a run and what comes out of it.

use thiserror::Error;
use units::{AccountId, DeviceId, Digest, Overflow, UnixSeconds, Wei};

use crate::{Cause, Commitment, TermsError};

/// What the ledger knows about a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// Time of the block.
    pub now: UnixSeconds,
    /// Height of the block.
    pub height: u64,
    /// Who sent it.
    pub caller: AccountId,
    /// Hash of the block before: draws auditors after the first.
    pub randomness: Digest,
}

/// What an auditor found, as far as the ledger can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The auditor published a root; here it is sealed for those whose seal it may open.
    Opened {
        /// For the subject.
        for_subject: Digest,
        /// For each earlier claimant, in order.
        for_claimants: Vec<Digest>,
    },
    /// The auditor arrived at another root, sealed under its own name.
    Mismatch {
        /// The sealed root.
        sealed: Digest,
    },
    /// The evidence can't be had.
    Unavailable,
}

/// What may happen to a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A device takes a seat.
    Enroll {
        /// Whose key signed.
        device: DeviceId,
        /// Whom the ledger links it to.
        account: AccountId,
    },
    /// A device gives its seat up.
    Leave {
        /// Whose key signed.
        device: DeviceId,
    },
    /// A device commits to its work of the open round.
    Commit {
        /// Whose key signed.
        device: DeviceId,
        /// The round.
        round: u32,
        /// The commitment.
        commitment: Commitment,
    },
    /// The open round takes no more commitments: the owner once a quorum has committed, anyone after the deadline.
    Close {
        /// The round.
        round: u32,
    },
    /// The deadline passed without a quorum: the silent miss one, the others wait once more. By anyone.
    Lapse {
        /// The round.
        round: u32,
    },
    /// The closed round became a new state. By the owner.
    Advance {
        /// The round.
        round: u32,
        /// The new state.
        state: Digest,
        /// The outer update that leads to it.
        update: Digest,
    },
    /// Draws the audits of a closed round, with the hash of the block at [`crate::Run::draw_height`]. By anyone.
    Draw {
        /// The round.
        round: u32,
        /// That hash.
        randomness: Digest,
    },
    /// An auditor's finding.
    Verdict {
        /// Whose key signed.
        auditor: DeviceId,
        /// The audited round.
        round: u32,
        /// The audited device.
        subject: DeviceId,
        /// What was found.
        finding: Finding,
    },
    /// Replaces an auditor that was silent past its deadline. By anyone.
    Redraw {
        /// The audited round.
        round: u32,
        /// The audited device.
        subject: DeviceId,
    },
    /// No more rounds. By the owner.
    Cancel,
    /// No more rounds, because nothing has happened for too long. By anyone.
    Abandon,
}

/// What a payment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayKind {
    /// Verified training.
    Work,
    /// A verdict that stands.
    Audit,
}

/// What follows from an input: money to move, and events to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "fields of events say what their names say; the variants are documented"
)]
pub enum Effect {
    /// Money leaves the escrow for a contributor.
    Pay {
        account: AccountId,
        device: DeviceId,
        round: u32,
        tokens: u64,
        amount: Wei,
        kind: PayKind,
    },
    /// What is left of the escrow goes back.
    Refund { account: AccountId, amount: Wei },
    /// A device took a seat.
    Enrolled { device: DeviceId, account: AccountId, from_round: u32 },
    /// A device is not taking part any more.
    Left { device: DeviceId },
    /// A round began.
    RoundOpened { round: u32, base: Digest, deadline: UnixSeconds },
    /// A device committed.
    Committed { device: DeviceId, round: u32, commitment: Commitment },
    /// A round takes no more commitments.
    RoundClosed { round: u32, commitments: u32 },
    /// A round became a new state.
    Advanced { round: u32, state: Digest, update: Digest },
    /// An auditor was drawn.
    Drawn { round: u32, subject: DeviceId, auditor: DeviceId },
    /// A replay opened the subject's seal.
    AuditPassed { round: u32, subject: DeviceId, auditor: DeviceId },
    /// A replay arrived at something else.
    Disputed { round: u32, subject: DeviceId, auditor: DeviceId },
    /// Two auditors arrived at the same other root: the subject is out.
    Convicted { round: u32, subject: DeviceId, account: AccountId, forfeited: Wei },
    /// An auditor claimed a mismatch that was none: it is out.
    AuditorExpelled { round: u32, auditor: DeviceId, account: AccountId, forfeited: Wei },
    /// No auditor could decide: the entry stays unpaid.
    Unresolved { round: u32, subject: DeviceId },
    /// No more rounds will open, though some were left.
    Cancelled,
    /// The run is over; `deposited = paid + refunded`.
    Finished { paid: Wei, refunded: Wei },
}

/// Why a run could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// Terms that can't be.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// The deposit does not cover the worst case.
    #[error("deposit of {deposit} does not cover the terms: {required} would be enough")]
    BudgetTooSmall {
        /// Offered.
        deposit: Wei,
        /// [`crate::Terms::required_deposit`].
        required: Wei,
    },
    /// The terms cost more than there can be.
    #[error(
        "the terms cost more than any account can hold: lower the price or the number of rounds"
    )]
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
    /// The run is over, or takes no new work.
    #[error("the run is not open for this any more")]
    Over,
    /// Another round is open, or none.
    #[error("round {given} takes nothing any more, {}", .open.map_or("no round is open".to_owned(), |open| format!("the open round is {open}")))]
    WrongRound {
        /// Named by the input.
        given: u32,
        /// The open or closed one.
        open: Option<u32>,
    },
    /// Only the owner may do this now.
    #[error("only the owner of the run may do this now")]
    NotOwner,
    /// The device has no active seat.
    #[error("device {0} has no active seat in this run")]
    NoSeat(DeviceId),
    /// The device has a seat already.
    #[error("device {0} has a seat already")]
    SeatTaken(DeviceId),
    /// The device, or its account, was expelled.
    #[error("device {device} of account {account} was expelled over round {round} ({cause:?})")]
    Expelled {
        /// The device that asks.
        device: DeviceId,
        /// Its account.
        account: AccountId,
        /// Over which round.
        round: u32,
        /// Why.
        cause: Cause,
    },
    /// All seats are taken.
    #[error("all {0} seats are taken")]
    Full(u16),
    /// The seat joins later.
    #[error("device {device} takes part from round {from_round}")]
    TooEarlyForSeat {
        /// The device.
        device: DeviceId,
        /// Its first round.
        from_round: u32,
    },
    /// One commitment a device and round.
    #[error("device {0} has committed in this round already")]
    CommittedAlready(DeviceId),
    /// The memory is not the last one, nor a fresh one.
    #[error("device {device} starts from another memory than its last commitment left ({memory})")]
    WrongMemory {
        /// The device.
        device: DeviceId,
        /// What the ledger has.
        memory: Digest,
    },
    /// Too few commitments.
    #[error("{committed} commitments, the quorum is {quorum}")]
    NoQuorum {
        /// So far.
        committed: u32,
        /// Needed.
        quorum: u32,
    },
    /// Before a deadline or height.
    #[error("too early: wait until {until} (now {now})")]
    TooEarly {
        /// Time or height that must have come.
        until: u64,
        /// Time or height now.
        now: u64,
    },
    /// A quorum is there: close instead.
    #[error("a quorum has committed: close the round instead")]
    QuorumReached,
    /// The audits of this round were drawn before, or there is no such round.
    #[error("round {0} has no audits to draw")]
    NothingToDraw(u32),
    /// Too many rounds wait for audits.
    #[error("{0} rounds wait to be drawn or audited: draw and redraw first")]
    TooManyOpenRounds(u32),
    /// No such audit, or another auditor's.
    #[error("device {auditor} is not the auditor of device {subject} in round {round}")]
    NotTheAuditor {
        /// Who says so.
        auditor: DeviceId,
        /// The round.
        round: u32,
        /// Whose audit.
        subject: DeviceId,
    },
    /// No such audit.
    #[error("no audit of device {subject} in round {round} is open")]
    NoAudit {
        /// The round.
        round: u32,
        /// Whose audit.
        subject: DeviceId,
    },
    /// The root opens no seal.
    #[error("the root opens no seal: publish it sealed instead")]
    OpensNothing,
    /// Amounts out of range; can't be after a run was opened.
    #[error("amount out of range")]
    Overflow,
}

impl From<Overflow> for Refused {
    fn from(_: Overflow) -> Self {
        Self::Overflow
    }
}
