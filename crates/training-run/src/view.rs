//! Getters and invariants of a run.

use units::{AccountId, Digest, Overflow, Wei};

use crate::{
    Check, ClosedRound, Escrow, Phase, Run, Seat, SeatIndex, Terms, run::CLOSED_ROUNDS_MAX,
};

impl Run {
    /// Returns the terms.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Returns the account that opened the run.
    #[must_use]
    pub fn owner(&self) -> AccountId {
        self.owner
    }

    /// Returns the amounts of the escrow.
    #[must_use]
    pub fn escrow(&self) -> Escrow {
        self.escrow
    }

    /// Returns the phase.
    #[must_use]
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// Returns the open or closed round; in other phases the next one, which is the number of rounds that have a state.
    #[must_use]
    pub fn round(&self) -> u32 {
        self.round
    }

    /// Returns the newest state.
    #[must_use]
    pub fn state(&self) -> Digest {
        self.state
    }

    /// Returns the outer update that led to the newest state; zero before the first.
    #[must_use]
    pub fn update(&self) -> Digest {
        self.update
    }

    /// Returns all seats that were ever taken, by index.
    #[must_use]
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// Returns a seat.
    #[must_use]
    pub fn seat(&self, index: SeatIndex) -> Option<&Seat> {
        self.seats.get(usize::from(index))
    }

    /// Returns the closed rounds that are not settled.
    pub fn closed_rounds(&self) -> impl Iterator<Item = (u32, &ClosedRound)> {
        self.closed.iter().map(|(round, closed)| (*round, closed))
    }

    /// Returns the height of the block whose hash draws the audits of a round: the block after the one in which it
    /// closed. `None` when there is nothing to draw.
    #[must_use]
    pub fn draw_height(&self, round: u32) -> Option<u64> {
        self.closed
            .get(&round)
            .filter(|closed| !closed.drawn)
            .map(|closed| closed.height.saturating_add(1))
    }

    /// Sets another block for the draw of a closed round, because the hash of the first one is not available any more
    /// (an EVM knows 256). Returns `false` when there is nothing to draw, or that block is not past.
    pub fn rearm_draw(&mut self, round: u32, height: u64) -> bool {
        match self.closed.get_mut(&round) {
            Some(closed) if !closed.drawn && closed.height < height => {
                closed.height = height;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Returns the held pay for work and verdicts.
    #[must_use]
    pub fn owed(&self) -> Wei {
        let of = |(round, closed): (u32, &ClosedRound)| {
            let entries = u64::try_from(closed.entries.len()).unwrap_or(u64::MAX);
            let verdicts = u64::try_from(closed.verdicts.len()).unwrap_or(u64::MAX);
            let of = || {
                let work = self.terms.work_pay(round)?.checked_mul_count(entries)?;
                work.checked_add(self.terms.verdict_pay(round)?.checked_mul_count(verdicts)?)
            };
            of().unwrap_or(Wei::ZERO)
        };
        self.closed_rounds().map(of).fold(Wei::ZERO, |sum, pay| sum.checked_add(pay).unwrap_or(sum))
    }

    /// Returns the number of tokens paid for, over all seats.
    #[must_use]
    pub fn tokens_verified(&self) -> u64 {
        self.seats.iter().fold(0, |sum, seat| sum.saturating_add(seat.tokens_verified))
    }

    /// Checks the invariants, which hold after every input.
    ///
    /// # Errors
    /// A description of the first invariant that does not hold.
    pub fn invariants(&self) -> Result<(), String> {
        let Escrow { deposited, paid, refunded } = self.escrow;
        let spent = paid.checked_add(refunded).map_err(|_| "spending overflows")?;
        let is_finished = matches!(self.phase, Phase::Finished(_));
        let paid_seats =
            self.seats.iter().try_fold(Wei::ZERO, |sum, seat| sum.checked_add(seat.paid));
        let committed = paid.checked_add(self.owed()).map_err(|_| "debts overflow")?;
        let entries_known = self.closed.values().all(|closed| {
            closed.entries.keys().all(|seat| {
                closed.committed.contains(seat) && usize::from(*seat) < self.seats.len()
            })
        });
        let expelled_hold_nothing = self.closed.values().all(|closed| {
            let mut held = closed.entries.keys().chain(&closed.verdicts);
            held.all(|seat| self.seat(*seat).is_some_and(|seat| !seat.is_expelled()))
        });
        let is_covered = self.worst_case_left().and_then(|left| paid.checked_add(left));
        let is_covered = is_finished || is_covered.is_ok_and(|most| most <= deposited);
        let commitments_fit = match &self.phase {
            Phase::Training { commitments, .. } => {
                commitments.len() <= usize::from(self.terms.seats_max)
            }
            Phase::Gathering | Phase::Closed | Phase::WindingUp(_) | Phase::Finished(_) => true,
        };
        let checks = [
            (spent <= deposited, "paid + refunded <= deposited"),
            (!is_finished || spent == deposited, "a finished run has nothing left"),
            (is_finished || refunded == Wei::ZERO, "nothing is refunded before the end"),
            (paid_seats == Ok(paid), "the seats were paid what the escrow paid"),
            (committed <= deposited, "paid + owed <= deposited"),
            (is_covered, "the escrow covers the worst case that is left"),
            (commitments_fit, "at most as many commitments as the terms allow"),
            (self.closed.len() <= CLOSED_ROUNDS_MAX, "the number of closed rounds is bounded"),
            (entries_known, "every seat that is owed has committed"),
            (expelled_hold_nothing, "an expelled seat is owed nothing"),
            (self.round <= self.terms.rounds, "at most as many rounds as the terms have"),
            (!is_finished || self.closed.is_empty(), "a finished run owes nothing"),
        ];
        checks
            .iter()
            .find(|(holds, _)| !holds)
            .map_or(Ok(()), |(_, broken)| Err((*broken).to_owned()))
    }

    /// Returns the largest amount that may still fall due: held pay, verdicts that may still be given, and the
    /// rounds that may still open.
    fn worst_case_left(&self) -> Result<Wei, Overflow> {
        let mut left = self.owed();
        for (round, closed) in &self.closed {
            let may_cost_a_verdict = closed.entries.values().filter(|entry| match entry.check {
                Check::Audit(_) => true,
                Check::None => !closed.drawn,
                Check::Passed => false,
            });
            let count = u64::try_from(may_cost_a_verdict.count()).unwrap_or(u64::MAX);
            left = left.checked_add(self.terms.verdict_pay(*round)?.checked_mul_count(count)?)?;
        }
        let next = match self.phase {
            Phase::Gathering | Phase::Training { .. } => self.round,
            Phase::Closed => self.round.saturating_add(1),
            Phase::WindingUp(_) | Phase::Finished(_) => self.terms.rounds,
        };
        left.checked_add(self.terms.worst_case_from(next)?)
    }
}
