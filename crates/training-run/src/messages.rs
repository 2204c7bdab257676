//! Inputs and effects of a run.

use units::{AccountId, DeviceId, Digest, UnixSeconds, Wei};

use crate::{Cause, Commitment, SeatIndex, Vote};

/// The block and sender of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// Timestamp of the block.
    pub now: UnixSeconds,
    /// Height of the block.
    pub height: u64,
    /// Sender of the transaction.
    pub caller: AccountId,
}

/// What an auditor found, as the ledger knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The replay led to the commitment; the auditor published its root, which the adapter has sealed under the subject's
    /// name.
    Passed {
        /// The sealed root.
        seal: Digest,
    },
    /// The replay led elsewhere: the referee shall decide.
    Mismatch,
    /// The data for a replay can't be had.
    Unavailable,
}

/// What a referee found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It replayed the round.
    Replayed {
        /// The root of the replay, sealed under the subject's name.
        seal: Digest,
        /// Digest of the update.
        update: Digest,
    },
    /// It replayed the round up to the first leaf that differs from what the subject's seal was made over, which somebody
    /// has disclosed.
    Differs {
        /// Index of the leaf.
        leaf: u16,
    },
    /// The data for a replay can't be had.
    Unavailable,
}

/// The ledger's referees at the time of a vote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panel {
    /// Their keys.
    pub members: Vec<DeviceId>,
    /// Number of them that must agree.
    pub threshold: u16,
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
        /// One more than that of its last enrolment or leave.
        nonce: u64,
    },
    /// A device gives up its seat.
    Leave {
        /// Device that signed.
        device: DeviceId,
        /// One more than that of its last enrolment or leave.
        nonce: u64,
    },
    /// Gives up the seat of a device that its account has revoked. By anyone.
    Retire {
        /// The device.
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
    /// Extends the deadline that passed without a quorum, and lowers the quorum. By anyone.
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
    /// Draws whatever is due in a closed round: who is audited, who repeats an audit, who replaces a silent auditor.
    /// By anyone.
    Draw {
        /// The round.
        round: u32,
    },
    /// An auditor's finding, or a dispute of a seat that was not drawn or of the owner's device.
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
    /// An account disputes a commitment, with a bond. By anyone.
    Dispute {
        /// The round.
        round: u32,
        /// The disputed device.
        subject: DeviceId,
        /// The bond, which came with the transaction.
        bond: Wei,
    },
    /// What a disputed seal was made over is public now; the adapter has sealed it again, and publishes it. By whoever knows it.
    Disclose {
        /// The round.
        round: u32,
        /// The disputed device.
        subject: DeviceId,
        /// The root of the disclosed leaves, sealed under the subject's name.
        seal: Digest,
    },
    /// A referee's vote. The caller is who brought it, and gets the referee's part of a bond.
    Rule {
        /// The round.
        round: u32,
        /// The disputed device.
        subject: DeviceId,
        /// The referee that signed.
        referee: DeviceId,
        /// Its ruling.
        ruling: Ruling,
        /// All referees.
        panel: Panel,
    },
    /// Ends a dispute that the referees did not rule on in time. By anyone.
    Expire {
        /// The round.
        round: u32,
        /// The disputed device.
        subject: DeviceId,
    },
    /// Does whatever is due for seats: counts commitments that were not drawn as verified, gives up seats that missed too many rounds, pays those who are done. By anyone.
    Settle {
        /// The seats.
        seats: Vec<SeatIndex>,
    },
    /// Names the owner's auditing device. By the owner.
    SetAuditor {
        /// The device.
        auditor: DeviceId,
    },
    /// Opens no more rounds. By the owner.
    Cancel,
    /// Opens no more rounds, because nothing has happened for `stall_seconds`. By anyone.
    Abandon,
}

/// What was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayKind {
    /// Training.
    Work,
    /// A verdict that was not contradicted.
    Audit,
    /// A mismatch that the referee confirmed.
    Bounty,
}

/// An effect of an input: money to move, and events to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "fields of events say what their names say; the variants are documented"
)]
pub enum Effect {
    /// Pays a contributor from the escrow.
    Pay { account: AccountId, device: DeviceId, amount: Wei },
    /// Pays the caller, who brought a device's statement.
    PayRelay { account: AccountId, amount: Wei },
    /// Gives an account its bond back, with the bounty, if there is one.
    ReturnBond { account: AccountId, amount: Wei },
    /// Gives a part of the bond of a dispute without reason to a referee that upheld the work.
    PayReferee { account: AccountId, amount: Wei },
    /// Refunds the rest of the escrow.
    Refund { account: AccountId, amount: Wei },
    /// Pay became part of a device's stake.
    Verified { device: DeviceId, round: u32, tokens: u64, amount: Wei, kind: PayKind },
    /// A device took a seat.
    Enrolled { device: DeviceId, account: AccountId, seat: SeatIndex, from_round: u32 },
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
    /// The audits of a round were drawn.
    RoundDrawn { round: u32, audits: u32 },
    /// An auditor was drawn.
    Drawn { round: u32, subject: DeviceId, auditor: DeviceId },
    /// An auditor did not answer, or could not.
    Silent { round: u32, subject: DeviceId, auditor: DeviceId },
    /// A replay opened the subject's seal.
    AuditPassed { round: u32, subject: DeviceId, auditor: DeviceId },
    /// The referee shall decide. `accuser` is zero unless a device accuses.
    Disputed { round: u32, subject: DeviceId, accuser: DeviceId },
    /// A referee has voted. The work is decided on when enough of them say the same.
    Voted { round: u32, subject: DeviceId, vote: Vote },
    /// The referee found that the subject's work is what it committed to, or could not replay it: the work counts.
    Upheld { round: u32, subject: DeviceId, is_replayed: bool },
    /// A device was expelled.
    Expelled { round: u32, device: DeviceId, account: AccountId, cause: Cause, forfeited: Wei },
    /// No more rounds will open, though the terms have more.
    Cancelled,
    /// The run is over; `deposited = paid + refunded`.
    Finished { paid: Wei, refunded: Wei },
}
