//! What a run is at, in one record.

use units::{AccountId, DeviceId, Digest, UnixSeconds, Wei};

use crate::{Seat, SeatIndex, Terms};

/// Number of rounds, or lapses of one round, that a seat may miss before it is given up.
pub const MISSED_MAX: u32 = 2;

/// Number of audits that the owner's device may leave unanswered before the referee is asked, until it answers one,
/// or the owner names it again.
const TRAINER_SILENCES_MAX: u8 = 3;

/// Why no more rounds open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All rounds are done.
    Completed,
    /// The owner cancelled it.
    Cancelled,
    /// Nothing happened for `stall_seconds`.
    Abandoned,
}

/// The phase of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Waiting until enough seats are taken.
    Gathering,
    /// A round accepts commitments.
    Training,
    /// The round accepts no more commitments and waits for its new state.
    Closed,
    /// No more rounds open; audits continue.
    WindingUp(Ending),
    /// All is paid and refunded.
    Finished(Ending),
}

/// Amounts of the escrow; what is neither paid nor refunded is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escrow {
    /// Deposited when the run opened.
    pub deposited: Wei,
    /// Paid for work, verdicts and relayed statements.
    pub paid: Wei,
    /// Refunded to the owner.
    pub refunded: Wei,
    /// Verified pay that is held back: the sum of all stakes.
    pub held: Wei,
    /// Pay of commitments that are not settled, those before the referee included.
    pub pending: Wei,
}

/// The state of a run, without its seats and rounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Who opened it and is refunded.
    pub owner: AccountId,
    /// The owner's auditing device.
    pub auditor: DeviceId,
    /// The phase.
    pub phase: Phase,
    /// The open or closed round; in other phases the next one.
    pub round: u32,
    /// The newest state.
    pub state: Digest,
    /// The outer update that led to it.
    pub update: Digest,
    /// The escrow.
    pub escrow: Escrow,
    /// Tokens of verified work, over all seats.
    pub tokens_verified: u64,
    /// Deadline of the open round.
    pub deadline: UnixSeconds,
    /// Whether the open round was opened again, because everybody who took part in it had left: seats that waited for the next
    /// one take part in it.
    pub is_reopened: bool,
    /// Number of deadlines that the open round has passed without a quorum.
    pub lapses: u8,
    /// Time of the last progress: an input that can't be repeated without end.
    pub progressed: UnixSeconds,
    /// Seats ever used; indices are below this.
    pub seats: u16,
    /// First seat of the list of free ones.
    pub free: Option<SeatIndex>,
    /// Seats that take part now or from the next round on.
    pub active: u16,
    /// Seats that could commit in the open round.
    pub taking_part: u16,
    /// Commitments of the open round.
    pub committed: u16,
    /// Commitments that the next quorum is a share of.
    pub expected: u16,
    /// Commitments that are neither settled nor before the referee.
    pub unsettled: u32,
    /// Disputes before the referee.
    pub disputes: u16,
    /// Those of them that nobody has raised. Counted since [`Places::Accused`](crate::Places::Accused).
    pub unaccused: u16,
    /// Audits that the owner's device has to do.
    pub trainer_audits: u16,
    /// Number of audits that the owner's device did not answer since it last answered one: while there are any, the chances
    /// of audits don't count on it.
    pub trainer_silences: u8,
    /// Disputes that the owner's device raised without reason.
    pub trainer_errors: u8,
    /// Heights of blocks whose hash will decide draws, as soon as it is known; 0 for none.
    pub draws_wanted: [u64; 2],
}

impl Head {
    /// Returns the number of commitments needed to close the open round before everybody has committed: the quorum's
    /// share of those expected, rounded up, at least one.
    #[must_use]
    pub fn quorum_count(&self, terms: &Terms) -> u16 {
        let product = u32::from(self.expected).saturating_mul(u32::from(terms.quorum.as_u16()));
        u16::try_from(product.div_ceil(10_000).max(1)).unwrap_or(u16::MAX)
    }

    /// Returns what is owed for work and verdicts: held back, or not decided yet.
    #[must_use]
    pub fn owed(&self) -> Wei {
        self.escrow.held.checked_add(self.escrow.pending).unwrap_or(self.escrow.deposited)
    }

    /// Returns whether no more rounds will open.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        matches!(self.phase, Phase::WindingUp(_) | Phase::Finished(_))
    }

    /// Returns whether the owner has no auditing device, or one that does not answer any more.
    #[must_use]
    pub fn is_trainer_off(&self) -> bool {
        self.auditor == DeviceId::ZERO || self.trainer_silences > TRAINER_SILENCES_MAX
    }

    /// Returns whether an active seat that has not committed in the open round takes part in it although it waits for the next
    /// one: the open round was opened again.
    pub(crate) fn lets_in(&self, seat: &Seat) -> bool {
        let is_open_again = self.phase == Phase::Training && self.is_reopened;
        is_open_again && seat.is_active() && seat.next_round == self.round.saturating_add(1)
    }

    /// Returns whether an active seat, as [`crate::Book::seat_in_open_round`] reads it, has missed so many rounds, or lapses of
    /// the open one, that it is given up.
    #[must_use]
    pub fn has_missed_too_many(&self, seat: &Seat) -> bool {
        let (past, lapses) = match self.phase {
            Phase::Training => (self.round, u32::from(self.lapses)),
            Phase::Closed => (self.round.saturating_add(1), 0),
            Phase::Gathering => (self.round, 0),
            Phase::WindingUp(_) | Phase::Finished(_) => return false,
        };
        let is_silent = seat.is_active() && seat.next_round <= self.round;
        is_silent && past.saturating_sub(seat.next_round).saturating_add(lapses) >= MISSED_MAX
    }

    /// Returns whether the whole stake of a seat can be paid: when the run ends, or a round after the seat was given up.
    /// At the end the owner, whose device may still look at the last rounds, can have it paid before [`Self::deadline`].
    #[must_use]
    pub fn pays_stake_of(&self, seat: &Seat) -> bool {
        let is_over = match self.phase {
            Phase::WindingUp(_) => true,
            Phase::Gathering | Phase::Training | Phase::Closed => {
                !seat.is_active() && self.round > seat.next_round
            }
            Phase::Finished(_) => false,
        };
        is_over && seat.is_settled() && seat.stake > Wei::ZERO
    }
}
