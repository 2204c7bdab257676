//! The records of a round.

use units::{DeviceId, Digest, UnixSeconds};

/// Index of a seat in the run's list.
pub type SeatIndex = u16;

/// Number of rounds whose records a run keeps. Round `r` replaces round `r − 64`.
pub struct RoundWindow;

impl RoundWindow {
    /// Number of rounds.
    pub const ROUNDS: u32 = 64;

    /// Returns the place of a round among those that are kept.
    #[must_use]
    pub fn place(round: u32) -> u32 {
        round & 63
    }

    /// Returns the bit of a round in [`crate::Seat::pending`].
    pub(crate) fn bit(round: u32) -> u64 {
        1_u64.wrapping_shl(Self::place(round))
    }
}

const _: () = assert!(RoundWindow::ROUNDS == u64::BITS, "a seat has a bit for each kept round");

/// A device's commitment to its work of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// Merkle root of the work, sealed under the device's name.
    pub seal: Digest,
    /// Digest of the encoded update.
    pub update: Digest,
}

/// A round that is or was open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// Its number; the record of another round counts as empty.
    pub number: u32,
    /// State at the start of the round.
    pub base: Digest,
    /// Height of the block in which it closed; 0 while it is open.
    pub closed: u64,
    /// Whether its audits were drawn.
    pub is_drawn: bool,
    /// Number of commitments.
    pub commitments: u16,
    /// Number of commitments that are neither settled nor before the referee.
    pub unsettled: u16,
}

/// Who audits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auditor {
    /// A seat.
    Seat(SeatIndex),
    /// The owner's auditing device.
    Trainer,
}

/// Progress of the audit of a commitment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    /// There is no commitment.
    #[default]
    None,
    /// Not drawn: not yet, or, once the round is drawn, not selected.
    Committed,
    /// An auditor has to repeat the work.
    Audit {
        /// Who.
        auditor: Auditor,
        /// When it is replaced.
        deadline: UnixSeconds,
    },
    /// The next auditor is drawn with the hash of a block.
    Waiting {
        /// Height of that block.
        draw: u64,
    },
    /// An audit passed. The hash of a block decides whether it is repeated.
    Passed {
        /// Height of that block.
        draw: u64,
    },
    /// The referee decides.
    Disputed,
    /// Counted as verified.
    Settled,
    /// Not paid: the device was expelled.
    Void,
}

/// What is known of a commitment, besides the commitment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Progress of its audit.
    pub check: Check,
    /// Verified stake of its device when it committed, in thousandths of the round's pay: its weight as an auditor.
    pub weight: u32,
    /// Verified and pending stake of its device when it committed, in thousandths of the round's pay: decides the chance
    /// of an audit.
    pub stake: u32,
    /// The seat whose audit passed, while a second audit is possible.
    pub passed_by: Option<SeatIndex>,
    /// Number of auditors that did not answer.
    pub attempts: u8,
    /// The seat that did not answer last.
    pub silent: Option<SeatIndex>,
    /// Height of the block in which what its seal was made over became public; 0 before.
    pub disclosed: u64,
}

impl Default for Commitment {
    fn default() -> Self {
        Self { seal: Digest::ZERO, update: Digest::ZERO }
    }
}

impl Default for Round {
    fn default() -> Self {
        let (closed, is_drawn, commitments, unsettled) = (0, false, 0, 0);
        Self { number: 0, base: Digest::ZERO, closed, is_drawn, commitments, unsettled }
    }
}

impl Round {
    /// Returns whether the record is that of `round`, and the round is closed.
    #[must_use]
    pub fn is_closed(&self, round: u32) -> bool {
        self.number == round && self.closed > 0
    }
}

/// A commitment and its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject {
    pub(crate) round: u32,
    pub(crate) seat: SeatIndex,
    pub(crate) device: DeviceId,
}
