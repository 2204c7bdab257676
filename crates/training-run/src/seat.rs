//! Seats: the devices of a run.

use units::{AccountId, DeviceId, Wei};

use crate::{RoundWindow, SeatIndex};

/// Why a seat was expelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The referee found that its committed work was not done.
    Convicted,
    /// It claimed a mismatch that did not exist.
    FalseAudit,
    /// It passed work that was not done.
    Vouched,
}

/// Whether a seat takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It takes part.
    Active,
    /// It left, or missed too many rounds; the device may enrol again.
    Left,
    /// It is expelled for good.
    Expelled {
        /// The round for which it was expelled.
        round: u32,
        /// The cause.
        cause: Cause,
    },
}

/// A device enrolled in the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The device; its key signs.
    pub device: DeviceId,
    /// The account that is paid.
    pub account: AccountId,
    /// Whether it takes part.
    pub standing: Standing,
    /// First round it takes part in.
    pub from_round: u32,
    /// The round after its last commitment, or `from_round`.
    pub next_round: u32,
    /// Rounds whose commitment is not settled: bit `round % 64`.
    pub pending: u64,
    /// Number of its commitments that wait for the referee.
    pub disputes: u16,
    /// Number of audits that it has to do, or whose pay waits for a second audit.
    pub duties: u16,
    /// Number of audits that it passed and answers for, while a second audit is possible: a part of its duties.
    pub answers: u16,
    /// Number of its last audits that it did not answer: each halves its chance to be drawn as an auditor.
    pub silences: u8,
    /// Verified pay that is held back.
    pub stake: Wei,
    /// Paid so far, for work and verdicts.
    pub paid: Wei,
    /// Tokens of verified work.
    pub tokens_verified: u64,
    /// The next free seat, of a seat that is free.
    pub next_free: Option<SeatIndex>,
}

/// What a run knows of a device, whether it has a seat or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Its seat.
    pub seat: Option<SeatIndex>,
    /// Number of the last enrolment or leave that it signed.
    pub nonce: u64,
    /// Why it may not enrol.
    pub bar: Option<Bar>,
}

/// Why a device may not enrol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// The round for which it was expelled.
    pub round: u32,
    /// The cause.
    pub cause: Cause,
}

impl Seat {
    pub(crate) fn new(device: DeviceId, account: AccountId, from_round: u32) -> Self {
        Self {
            device,
            account,
            standing: Standing::Active,
            from_round,
            next_round: from_round,
            pending: 0,
            disputes: 0,
            duties: 0,
            answers: 0,
            silences: 0,
            stake: Wei::ZERO,
            paid: Wei::ZERO,
            tokens_verified: 0,
            next_free: None,
        }
    }

    /// Returns whether the seat takes part.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.standing == Standing::Active
    }

    /// Returns whether the seat was expelled.
    #[must_use]
    pub fn is_expelled(&self) -> bool {
        matches!(self.standing, Standing::Expelled { .. })
    }

    /// Returns whether nothing of it is undecided: no commitment, dispute or audit.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.pending == 0 && self.disputes == 0 && self.duties == 0
    }

    /// Returns the number of commitments that are neither settled nor disputed.
    #[must_use]
    pub fn pending_count(&self) -> u32 {
        self.pending.count_ones()
    }

    /// Returns the rounds whose commitment is neither settled nor disputed, ascending; `newest` is the run's round.
    pub fn pending_rounds(&self, newest: u32) -> impl Iterator<Item = u32> + use<> {
        let oldest = newest.saturating_sub(RoundWindow::ROUNDS.saturating_sub(1));
        let pending = self.pending;
        (oldest..=newest).filter(move |round| pending & RoundWindow::bit(*round) != 0)
    }
}
