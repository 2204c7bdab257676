//! Seats, and rounds from opening to the new state.

use units::{AccountId, DeviceId, Digest};

use crate::{
    Book, Check, Commitment, Effect, Ending, Entry, Phase, Place, Refused, Round, RoundWindow,
    SEATS_MAX, Seat, SeatIndex, Standing, Tenure, run::Step,
};

impl<B: Book> Step<'_, B> {
    pub(crate) fn enroll(
        &mut self,
        device: DeviceId,
        account: AccountId,
        nonce: u64,
    ) -> Result<(), B::Error> {
        let from_round = match self.head.phase {
            Phase::Gathering => self.head.round,
            Phase::Training | Phase::Closed => self.head.round.saturating_add(1),
            Phase::WindingUp(_) | Phase::Finished(_) => return Err(Refused::Over.into()),
        };
        let mut place = self.book.place(&device)?;
        if let Some(bar) = place.bar {
            let (round, cause) = (bar.round, bar.cause);
            return Err(Refused::Expelled { device, round, cause }.into());
        }
        take_nonce(&mut place, device, nonce)?;
        if self.head.active >= self.terms.seats_max {
            return Err(Refused::Full(self.terms.seats_max).into());
        }
        let index = match place.seat {
            Some(index) => {
                let earlier = self.book.seat(index)?;
                if earlier.is_active() {
                    return Err(Refused::SeatTaken(device).into());
                }
                if !earlier.is_settled() {
                    return Err(Refused::NotSettled(device).into());
                }
                if self.rules.tenure == Tenure::Account && earlier.account != account {
                    return Err(Refused::HeldForAnother(device).into());
                }
                let (stake, paid, tokens_verified, silences) =
                    (earlier.stake, earlier.paid, earlier.tokens_verified, earlier.silences);
                // Its earlier rounds can still be disputed: it remains the seat of them.
                let next_round = from_round.max(earlier.next_round);
                let fresh = Seat::new(device, account, earlier.from_round);
                let seat = Seat { next_round, stake, paid, tokens_verified, silences, ..fresh };
                self.book.set_seat(index, &seat)?;
                index
            }
            None => self.take_free_seat(&Seat::new(device, account, from_round))?,
        };
        place.seat = Some(index);
        self.book.set_place(&device, &place)?;
        self.head.active = self.head.active.saturating_add(1);
        let seat = self.book.seat_in_open_round(&self.head, index)?;
        if self.head.phase == Phase::Training && seat.next_round <= self.head.round {
            self.head.taking_part = self.head.taking_part.saturating_add(1);
        }
        self.emit(Effect::Enrolled { device, account, seat: index, from_round });
        self.open_round_if_ready()
    }

    fn take_free_seat(&mut self, seat: &Seat) -> Result<SeatIndex, B::Error> {
        let index = match self.head.free {
            Some(index) => {
                self.head.free = self.book.seat(index)?.next_free;
                index
            }
            None if self.head.seats >= SEATS_MAX => return Err(Refused::Full(SEATS_MAX).into()),
            None => {
                let index = self.head.seats;
                self.head.seats = index.saturating_add(1);
                index
            }
        };
        self.book.set_seat(index, seat)?;
        Ok(index)
    }

    pub(crate) fn leave(&mut self, device: &DeviceId, nonce: u64) -> Result<(), B::Error> {
        let (index, _) = self.active_seat(device)?;
        let mut place = self.book.place(device)?;
        take_nonce(&mut place, *device, nonce)?;
        self.book.set_place(device, &place)?;
        self.give_up_seat(index)?;
        self.close_if_all_committed()
    }

    /// Gives up a seat without the device's word. Its next statement keeps its number.
    pub(crate) fn retire(&mut self, device: &DeviceId) -> Result<(), B::Error> {
        let (index, _) = self.active_seat(device)?;
        self.give_up_seat(index)?;
        self.close_if_all_committed()
    }

    /// Makes a seat inactive. Its commitments are audited and paid as before.
    pub(crate) fn give_up_seat(&mut self, index: SeatIndex) -> Result<(), B::Error> {
        let seat = self.book.seat_in_open_round(&self.head, index)?;
        self.change_seat(index, |seat| seat.standing = Standing::Left)?;
        self.count_out(&seat);
        self.emit(Effect::Left { device: seat.device });
        self.free_if_done(index)
    }

    /// Counts a seat that was active, as it stood in the open round, as inactive.
    pub(crate) fn count_out(&mut self, seat: &Seat) {
        self.head.active = self.head.active.saturating_sub(1);
        if self.head.phase == Phase::Training && seat.next_round <= self.head.round {
            self.head.taking_part = self.head.taking_part.saturating_sub(1);
        }
    }

    pub(crate) fn commit(
        &mut self,
        device: DeviceId,
        round: u32,
        commitment: Commitment,
    ) -> Result<(), B::Error> {
        let (index, _) = self.active_seat(&device)?;
        if self.head.phase != Phase::Training || round != self.head.round {
            let open = (self.head.phase == Phase::Training).then_some(self.head.round);
            return Err(Refused::WrongRound { given: round, open }.into());
        }
        if self.head.committed >= self.terms.seats_max {
            return Err(Refused::Full(self.terms.seats_max).into());
        }
        self.settle_seat(index)?;
        let mut seat = self.book.seat_in_open_round(&self.head, index)?;
        if seat.next_round > round {
            if self.book.has_committed(round, index)? {
                return Err(Refused::CommittedAlready(device).into());
            }
            let from_round = seat.next_round;
            return Err(Refused::TooEarlyForSeat { device, from_round }.into());
        }
        let pending = self.pending_pay(&seat)?;
        let most = self.terms.stake_max().map_err(Refused::from)?;
        let all = seat.stake.checked_add(pending).map_err(Refused::from)?.min(most);
        let entry = Entry {
            check: Check::Committed,
            weight: self.terms.in_rounds(seat.stake, round),
            stake: self.terms.in_rounds(all, round),
            ..Entry::default()
        };
        self.book.set_entry(round, index, &entry)?;
        self.book.set_commitment(round, index, &commitment)?;
        self.book.add_committed(round, index)?;
        seat.pending |= RoundWindow::bit(round);
        seat.next_round = round.saturating_add(1);
        self.book.set_seat(index, &seat)?;
        let mut record = self.book.round(round)?;
        record.commitments = record.commitments.saturating_add(1);
        record.unsettled = record.unsettled.saturating_add(1);
        self.book.set_round(&record)?;
        self.head.committed = self.head.committed.saturating_add(1);
        self.head.unsettled = self.head.unsettled.saturating_add(1);
        let pay = self.terms.work_pay(round).map_err(Refused::from)?;
        let pending = self.head.escrow.pending.checked_add(pay).map_err(Refused::from)?;
        self.head.escrow.pending = pending;
        self.emit(Effect::Committed { device, round, commitment });
        self.pay_relay(&seat, round)?;
        self.close_if_all_committed()
    }

    pub(crate) fn close(&mut self, round: u32) -> Result<(), B::Error> {
        self.open_round(round)?;
        if self.context.caller != self.head.owner {
            self.not_before(self.head.deadline)?;
        }
        let (committed, quorum) = (self.head.committed, self.head.quorum_count(self.terms));
        if committed < quorum {
            let (committed, quorum) = (committed.into(), quorum.into());
            return Err(Refused::NoQuorum { committed, quorum }.into());
        }
        self.close_round()
    }

    pub(crate) fn lapse(&mut self, round: u32) -> Result<(), B::Error> {
        self.open_round(round)?;
        self.not_before(self.head.deadline)?;
        if self.head.committed >= self.head.quorum_count(self.terms) {
            return Err(Refused::QuorumReached.into());
        }
        self.head.lapses = self.head.lapses.saturating_add(1);
        self.head.expected = self.head.expected.div_ceil(2).max(self.head.committed).max(1);
        self.head.deadline = self.context.now.after(self.terms.round_seconds);
        self.close_if_all_committed()
    }

    pub(crate) fn advance(
        &mut self,
        round: u32,
        state: Digest,
        update: Digest,
    ) -> Result<(), B::Error> {
        self.only_owner()?;
        if self.head.phase != Phase::Closed || round != self.head.round {
            let open = (self.head.phase == Phase::Closed).then_some(self.head.round);
            return Err(Refused::WrongRound { given: round, open }.into());
        }
        let next = round.saturating_add(1);
        let replaced = self.book.round(next)?;
        if replaced.unsettled > 0 {
            return Err(Refused::RoundNotSettled(replaced.number).into());
        }
        (self.head.state, self.head.update) = (state, update);
        self.head.round = next;
        self.head.is_reopened = false;
        self.emit(Effect::Advanced { round, state, update });
        if next == self.terms.rounds {
            self.head.phase = Phase::WindingUp(Ending::Completed);
            self.head.deadline = self.context.now.after(self.terms.audit_seconds);
            Ok(())
        } else {
            self.head.phase = Phase::Gathering;
            self.open_round_if_ready()
        }
    }

    /// Opens no more rounds. From [`crate::Head::deadline`] on, anyone may have the seats paid.
    pub(crate) fn wind_up(&mut self, ending: Ending) -> Result<(), B::Error> {
        match self.head.phase {
            Phase::Training if self.head.committed > 0 => self.close_round()?,
            Phase::Gathering | Phase::Closed | Phase::Training => {}
            Phase::WindingUp(_) | Phase::Finished(_) => return Err(Refused::Over.into()),
        }
        self.head.phase = Phase::WindingUp(ending);
        self.head.deadline = self.context.now.after(self.terms.audit_seconds);
        self.emit(Effect::Cancelled);
        Ok(())
    }

    fn open_round_if_ready(&mut self) -> Result<(), B::Error> {
        let needed = if self.head.round == 0 { self.terms.seats_min } else { 1 };
        if self.head.phase != Phase::Gathering || self.head.active < needed {
            return Ok(());
        }
        let (round, base) = (self.head.round, self.head.state);
        let deadline = self.context.now.after(self.terms.round_seconds);
        self.book.set_round(&Round { number: round, base, ..Round::default() })?;
        self.book.clear_committed(round)?;
        self.head.phase = Phase::Training;
        self.head.deadline = deadline;
        (self.head.lapses, self.head.committed) = (0, 0);
        self.head.taking_part = self.head.active;
        if round == 0 {
            // Before anybody has committed, everybody is expected.
            self.head.expected = self.head.active;
        }
        self.emit(Effect::RoundOpened { round, base, deadline });
        Ok(())
    }

    pub(crate) fn close_if_all_committed(&mut self) -> Result<(), B::Error> {
        let is_full = self.head.committed >= self.head.taking_part.min(self.terms.seats_max);
        if self.head.phase != Phase::Training || !is_full {
            return Ok(());
        }
        if self.head.committed > 0 {
            return self.close_round();
        }
        // Everybody who took part has left: the round opens again, for those who waited for the next one.
        self.head.phase = Phase::Gathering;
        self.head.is_reopened = true;
        self.open_round_if_ready()
    }

    fn close_round(&mut self) -> Result<(), B::Error> {
        let round = self.head.round;
        let mut record = self.book.round(round)?;
        record.closed = self.context.height;
        self.book.set_round(&record)?;
        self.head.phase = Phase::Closed;
        self.head.expected = self.head.committed;
        self.next_draw();
        self.emit(Effect::RoundClosed { round, commitments: record.commitments.into() });
        Ok(())
    }

    fn open_round(&self, round: u32) -> Result<(), Refused> {
        match self.head.phase {
            Phase::Training if round == self.head.round => Ok(()),
            Phase::Training => {
                Err(Refused::WrongRound { given: round, open: Some(self.head.round) })
            }
            Phase::Gathering | Phase::Closed | Phase::WindingUp(_) | Phase::Finished(_) => {
                Err(Refused::WrongRound { given: round, open: None })
            }
        }
    }
}

fn take_nonce(place: &mut Place, device: DeviceId, given: u64) -> Result<(), Refused> {
    let expected = place.nonce.saturating_add(1);
    if given != expected {
        return Err(Refused::WrongNonce { device, given, expected });
    }
    place.nonce = given;
    Ok(())
}
