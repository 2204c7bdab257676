//! What is verified, held back, paid and forfeited.

use units::Wei;

use crate::{
    Auditor, Bar, Book, Cause, Check, Effect, Entry, PayKind, Phase, Refused, RoundWindow, Seat,
    SeatIndex, Standing, round::Subject, run::Step,
};

impl<B: Book> Step<'_, B> {
    /// Does whatever is due for seats.
    pub(crate) fn settle(&mut self, seats: &[SeatIndex]) -> Result<(), B::Error> {
        for index in seats {
            if *index >= self.head.seats {
                return Err(Refused::NoSuchSeat { seat: *index, seats: self.head.seats }.into());
            }
            self.settle_seat(*index)?;
            let seat = self.book.seat_in_open_round(&self.head, *index)?;
            if self.head.has_missed_too_many(&seat) {
                self.give_up_seat(*index)?;
            }
            self.pay_if_done(*index)?;
            self.free_if_done(*index)?;
        }
        self.close_if_all_committed()
    }

    /// Counts a seat's commitments as verified that were not drawn, in the order of rounds: not those after one that is undecided.
    /// Otherwise a stake could be made of work that is void once that one is found out.
    pub(crate) fn settle_seat(&mut self, index: SeatIndex) -> Result<(), B::Error> {
        let seat = self.book.seat(index)?;
        if seat.disputes > 0 {
            return Ok(());
        }
        for round in seat.pending_rounds(self.head.round) {
            let record = self.book.round(round)?;
            let entry = self.book.entry(round, index)?;
            if !record.is_closed(round) || !record.is_drawn || entry.check != Check::Committed {
                break;
            }
            self.verify(Subject { round, seat: index, device: seat.device }, entry, None)?;
        }
        Ok(())
    }

    /// Counts a commitment as verified: its pay, and that of the auditors that passed it, become stake.
    pub(crate) fn verify(
        &mut self,
        subject: Subject,
        mut entry: Entry,
        second: Option<SeatIndex>,
    ) -> Result<(), B::Error> {
        let Subject { round, seat, .. } = subject;
        self.end_answer(entry.passed_by)?;
        for auditor in [entry.passed_by, second] {
            self.pay_verdict(round, auditor)?;
        }
        entry.check = Check::Settled;
        entry.passed_by = None;
        self.book.set_entry(round, seat, &entry)?;
        self.change_seat(seat, |seat| seat.pending &= !RoundWindow::bit(round))?;
        self.count_settled(round)?;
        self.take_pending(round)?;
        self.credit_work(subject)?;
        self.free_if_done(seat)
    }

    pub(crate) fn credit_work(&mut self, subject: Subject) -> Result<(), B::Error> {
        let round = subject.round;
        let (tokens, pay) = (self.terms.tokens(round), self.terms.work_pay(round));
        self.credit(subject.seat, (round, tokens, pay.map_err(Refused::from)?), PayKind::Work)
    }

    /// Counts one verdict less that an auditor answers for.
    pub(crate) fn end_answer(&mut self, auditor: Option<SeatIndex>) -> Result<(), B::Error> {
        if let Some(index) = auditor {
            self.change_seat(index, |seat| seat.answers = seat.answers.saturating_sub(1))?;
        }
        Ok(())
    }

    /// Ends the duty of an auditor whose verdict stands, and credits its pay.
    pub(crate) fn pay_verdict(
        &mut self,
        round: u32,
        auditor: Option<SeatIndex>,
    ) -> Result<(), B::Error> {
        let Some(index) = auditor else { return Ok(()) };
        let pay = self.terms.verdict_pay(round).map_err(Refused::from)?;
        self.credit(index, (round, 0, pay), PayKind::Audit)?;
        self.relieve(Auditor::Seat(index), false).map(|_| ())
    }

    /// Adds verified pay to a seat's stake, and pays what exceeds the most that is held back, in the order of rounds. An expelled
    /// seat gets nothing.
    pub(crate) fn credit(
        &mut self,
        index: SeatIndex,
        (round, tokens, amount): (u32, u64, Wei),
        kind: PayKind,
    ) -> Result<(), B::Error> {
        let mut seat = self.book.seat(index)?;
        if seat.is_expelled() {
            return Ok(());
        }
        seat.stake = seat.stake.checked_add(amount).map_err(Refused::from)?;
        seat.tokens_verified = seat.tokens_verified.saturating_add(tokens);
        self.head.tokens_verified = self.head.tokens_verified.saturating_add(tokens);
        let held = self.head.escrow.held.checked_add(amount).map_err(Refused::from)?;
        self.head.escrow.held = held;
        self.emit(Effect::Verified { device: seat.device, round, tokens, amount, kind });
        let most = self.terms.stake_max().map_err(Refused::from)?;
        if kind == PayKind::Work
            && self.is_first_undecided(&seat, round)
            && let Ok(excess) = seat.stake.checked_sub(most)
        {
            self.pay(&mut seat, excess)?;
        }
        self.book.set_seat(index, &seat)
    }

    /// Returns whether no commitment of a seat before `round` is undecided. Only then is pay released: a device that was found
    /// out would otherwise be paid until its conviction.
    fn is_first_undecided(&self, seat: &Seat, round: u32) -> bool {
        let oldest = seat.pending_rounds(self.head.round).next();
        seat.disputes == 0 && oldest.is_none_or(|oldest| oldest > round)
    }

    /// Pays a part of a seat's stake.
    fn pay(&mut self, seat: &mut Seat, amount: Wei) -> Result<(), Refused> {
        if amount == Wei::ZERO {
            return Ok(());
        }
        seat.stake = seat.stake.checked_sub(amount)?;
        seat.paid = seat.paid.checked_add(amount)?;
        self.head.escrow.held = self.head.escrow.held.checked_sub(amount)?;
        self.head.escrow.paid = self.head.escrow.paid.checked_add(amount)?;
        self.emit(Effect::Pay { account: seat.account, device: seat.device, amount });
        Ok(())
    }

    /// Pays the whole stake of a seat that is done. At the end of a run the owner, whose device may still look at the last
    /// rounds, has `audit_seconds`.
    fn pay_if_done(&mut self, index: SeatIndex) -> Result<(), B::Error> {
        let mut seat = self.book.seat(index)?;
        let is_ending = matches!(self.head.phase, Phase::WindingUp(_));
        let is_due = !is_ending
            || self.context.caller == self.head.owner
            || self.context.now >= self.head.deadline;
        if is_due && self.head.pays_stake_of(&seat) {
            let all = seat.stake;
            self.pay(&mut seat, all)?;
            self.book.set_seat(index, &seat)?;
        }
        Ok(())
    }

    /// Puts a seat that nobody needs any more on the list of free ones.
    pub(crate) fn free_if_done(&mut self, index: SeatIndex) -> Result<(), B::Error> {
        let mut seat = self.book.seat(index)?;
        if seat.is_active() || !seat.is_settled() || seat.stake > Wei::ZERO {
            return Ok(());
        }
        let mut place = self.book.place(&seat.device)?;
        if place.seat != Some(index) {
            // It is free already.
            return Ok(());
        }
        place.seat = None;
        self.book.set_place(&seat.device, &place)?;
        seat.next_free = self.head.free.replace(index);
        self.book.set_seat(index, &seat)
    }

    /// Expels a seat: its stake and all its undecided pay are forfeited. Returns the amount.
    pub(crate) fn expel(
        &mut self,
        index: SeatIndex,
        round: u32,
        cause: Cause,
    ) -> Result<Wei, B::Error> {
        let before = self.book.seat_in_open_round(&self.head, index)?;
        if before.is_expelled() {
            return Ok(Wei::ZERO);
        }
        let mut forfeited = before.stake;
        let mut kept = 0;
        for pending in before.pending_rounds(self.head.round) {
            if self.book.entry(pending, index)?.passed_by.is_some() {
                // Its auditor still answers for it; the seat gets nothing.
                kept |= RoundWindow::bit(pending);
            } else {
                forfeited =
                    forfeited.checked_add(self.void(index, pending)?).map_err(Refused::from)?;
            }
        }
        let seat = self.change_seat(index, |seat| {
            seat.standing = Standing::Expelled { round, cause };
            (seat.stake, seat.pending) = (Wei::ZERO, kept);
        })?;
        let held = self.head.escrow.held.checked_sub(before.stake).map_err(Refused::from)?;
        self.head.escrow.held = held;
        if before.is_active() {
            self.count_out(&before);
        }
        let mut place = self.book.place(&seat.device)?;
        place.bar = Some(Bar { round, cause });
        self.book.set_place(&seat.device, &place)?;
        let (device, account) = (seat.device, seat.account);
        self.emit(Effect::Expelled { round, device, account, cause, forfeited });
        self.free_if_done(index)?;
        Ok(forfeited)
    }

    /// Voids an undecided commitment that nobody has passed, and returns its pay.
    fn void(&mut self, index: SeatIndex, round: u32) -> Result<Wei, B::Error> {
        let mut entry = self.book.entry(round, index)?;
        if let Check::Audit { auditor, .. } = entry.check {
            self.relieve(auditor, false)?;
        }
        entry.check = Check::Void;
        self.book.set_entry(round, index, &entry)?;
        self.count_settled(round)?;
        self.take_pending(round)?;
        Ok(self.terms.work_pay(round).map_err(Refused::from)?)
    }

    /// Counts one commitment of a round as settled.
    pub(crate) fn count_settled(&mut self, round: u32) -> Result<(), B::Error> {
        let mut record = self.book.round(round)?;
        record.unsettled = record.unsettled.saturating_sub(1);
        self.book.set_round(&record)?;
        self.head.unsettled = self.head.unsettled.saturating_sub(1);
        Ok(())
    }

    /// Takes the pay of one commitment from what is undecided.
    pub(crate) fn take_pending(&mut self, round: u32) -> Result<(), Refused> {
        let pay = self.terms.work_pay(round)?;
        self.head.escrow.pending = self.head.escrow.pending.checked_sub(pay)?;
        Ok(())
    }

    /// Returns the pay for a seat's commitments that are neither settled nor disputed.
    pub(crate) fn pending_pay(&self, seat: &Seat) -> Result<Wei, Refused> {
        let mut sum = Wei::ZERO;
        for round in seat.pending_rounds(self.head.round) {
            sum = sum.checked_add(self.terms.work_pay(round)?)?;
        }
        Ok(sum)
    }

    /// When nothing is undecided and everybody is paid, refunds the rest.
    pub(crate) fn finish_if_done(&mut self) -> Result<(), Refused> {
        let Phase::WindingUp(ending) = self.head.phase else { return Ok(()) };
        let is_done = self.head.unsettled == 0
            && self.head.disputes == 0
            && self.head.escrow.held == Wei::ZERO;
        if is_done {
            let paid = self.head.escrow.paid;
            let refunded = self.head.escrow.deposited.checked_sub(paid)?;
            self.head.escrow.refunded = refunded;
            self.head.phase = Phase::Finished(ending);
            self.emit(Effect::Refund { account: self.head.owner, amount: refunded });
            self.emit(Effect::Finished { paid, refunded });
        }
        Ok(())
    }
}
