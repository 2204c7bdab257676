//! Audits: who is drawn, what verdicts are given, and their effects.

use units::{AccountId, DeviceId, Digest};

use crate::{
    Accuser, Auditor, Book, Check, Effect, Entry, Finding, Phase, Refused, Seat, SeatIndex, chance,
    draw::Random, round::Subject, run::Step,
};

/// Number of auditors that may fail to answer before the referee decides.
pub const ATTEMPTS_MAX: u8 = 3;

/// Number of audits that the owner's device may have to do at a time.
const TRAINER_AUDITS_MAX: u16 = 64;

/// Number of audits of the owner's device up to which it is the first to audit seats without stake.
const TRAINER_NEWCOMERS_MAX: u16 = 8;

/// Number of draws of an auditor before the owner's device is taken, when those drawn may not audit the subject.
const DRAWS_MAX: u16 = 32;

/// Number of commitments whose auditor one draw replaces, or whose second audit it decides: bounds its cost. The next draw goes
/// on.
const CHANGED_MAX: u16 = 256;

/// Number of disputes that one draw raises, because there is no auditor: each has a record of its own, so they cost most. The
/// next draw goes on.
const RAISED_MAX: u16 = 32;

/// Purposes of draws.
const AUDIT: u16 = 0;
const SECOND_AUDIT: u16 = 1;
const AUDITOR: u16 = 2;

/// The seats that may audit, with running sums of their weights.
struct Pool {
    seats: Vec<(SeatIndex, u64)>,
    total: u64,
}

impl Pool {
    fn new(entries: impl Iterator<Item = (SeatIndex, u32)>) -> Self {
        let mut total: u64 = 0;
        let mut seats = Vec::new();
        for (seat, weight) in
            entries.filter(|(_, weight)| u64::from(*weight) >= chance::AUDITOR_STAKE_MIN)
        {
            total = total.saturating_add(weight.into());
            seats.push((seat, total));
        }
        Self { seats, total }
    }

    fn draw(&self, random: &mut Random) -> Option<SeatIndex> {
        let at = random.below(self.total);
        let index = self.seats.partition_point(|(_, sum)| *sum <= at);
        self.seats.get(index).map(|(seat, _)| *seat)
    }
}

impl<B: Book> Step<'_, B> {
    pub(crate) fn draw(&mut self, round: u32) -> Result<(), B::Error> {
        let mut record = self.book.round(round)?;
        if !record.is_closed(round) || record.unsettled == 0 {
            return Err(Refused::NothingToDraw(round).into());
        }
        let seats = self.book.committed(round)?;
        let mut entries = Vec::with_capacity(seats.len());
        for seat in seats {
            entries.push((seat, self.book.entry(round, seat)?));
        }
        let pool = Pool::new(entries.iter().map(|(seat, entry)| (*seat, entry.weight)));
        let mut changed: u16 = 0;
        if !record.is_drawn {
            let from = record.closed.saturating_add(1);
            let Some(randomness) = self.book.randomness(from)? else {
                let (until, now) = (from.saturating_add(1), self.context.height);
                return Err(Refused::TooEarly { until, now }.into());
            };
            record.is_drawn = true;
            self.book.set_round(&record)?;
            self.draw_first(round, &entries, &pool, &randomness)?;
            changed = 1;
        }
        let newest = self.newest_pool(round)?;
        for (seat, before) in entries {
            if changed >= CHANGED_MAX {
                break;
            }
            let subject = self.subject(round, seat, &before)?;
            let is_changed = match before.check {
                Check::Audit { auditor, deadline }
                    if deadline <= self.context.now || self.has_left(auditor)? =>
                {
                    self.replace_auditor(subject, before, auditor, true)?;
                    true
                }
                Check::Waiting { draw } => {
                    self.draw_again(subject, before, draw, (&pool, newest.as_ref()))?
                }
                Check::Passed { draw } => self.draw_second(subject, before, draw, &pool)?,
                Check::None
                | Check::Committed
                | Check::Audit { .. }
                | Check::Disputed
                | Check::Settled
                | Check::Void => false,
            };
            changed = changed.saturating_add(is_changed.into());
        }
        if changed > 0 { Ok(()) } else { Err(Refused::NothingToDraw(round).into()) }
    }

    /// Returns the seats of the newest closed round that may audit, and the height at which it closed; `None` when that is `round`.
    fn newest_pool(&mut self, round: u32) -> Result<Option<(u64, Pool)>, B::Error> {
        let is_closed = self.head.phase == Phase::Closed;
        let newest = if is_closed { self.head.round } else { self.head.round.saturating_sub(1) };
        let record = self.book.round(newest)?;
        if newest == round || !record.is_closed(newest) {
            return Ok(None);
        }
        let mut weights = Vec::new();
        for seat in self.book.committed(newest)? {
            weights.push((seat, self.book.entry(newest, seat)?.weight));
        }
        Ok(Some((record.closed, Pool::new(weights.into_iter()))))
    }

    /// Returns whether an auditor does not audit any more: a seat that left or was given up, or the owner's device that never
    /// answers.
    fn has_left(&mut self, auditor: Auditor) -> Result<bool, B::Error> {
        match auditor {
            Auditor::Seat(index) => Ok(!self.book.seat(index)?.is_active()),
            Auditor::Trainer => Ok(self.head.is_trainer_off()),
        }
    }

    fn subject(&mut self, round: u32, seat: SeatIndex, entry: &Entry) -> Result<Subject, B::Error> {
        // The device is read only where something can happen to its entry.
        let device = match entry.check {
            Check::Audit { .. } | Check::Waiting { .. } | Check::Passed { .. } => {
                self.book.seat(seat)?.device
            }
            Check::None | Check::Committed | Check::Disputed | Check::Settled | Check::Void => {
                DeviceId::ZERO
            }
        };
        Ok(Subject { round, seat, device })
    }

    /// Selects the commitments of a round that are audited; the others count as verified from now on.
    fn draw_first(
        &mut self,
        round: u32,
        entries: &[(SeatIndex, Entry)],
        pool: &Pool,
        randomness: &Digest,
    ) -> Result<(), B::Error> {
        let floor = u64::from(self.terms.audit_rate.as_u16()).saturating_mul(100);
        let nobody = Pool::new(std::iter::empty());
        let mut audits: u32 = 0;
        for (seat, entry) in entries.iter().filter(|(_, entry)| entry.check == Check::Committed) {
            let trainer = if self.trainer_answers() { chance::TRAINER } else { 0 };
            let chance = chance::of_audit(entry.stake.into(), floor, trainer);
            let drawn = Random::new(randomness, round, *seat, AUDIT).below(chance::CERTAIN);
            if drawn < chance {
                let device = self.book.seat(*seat)?.device;
                let subject = Subject { round, seat: *seat, device };
                let is_newcomer = u64::from(entry.weight) < chance::AUDITOR_STAKE_MIN;
                let has_time = self.head.trainer_audits < TRAINER_NEWCOMERS_MAX;
                let by_trainer = drawn < trainer || (is_newcomer && trainer > 0 && has_time);
                let pool = if by_trainer { &nobody } else { pool };
                self.assign(subject, *entry, pool, randomness)?;
                audits = audits.saturating_add(1);
            }
        }
        self.emit(Effect::RoundDrawn { round, audits });
        Ok(())
    }

    /// Returns whether the chances may count on the owner's device: it answered its last audit, and has time for more.
    fn trainer_answers(&self) -> bool {
        let is_busy = self.head.trainer_audits >= TRAINER_AUDITS_MAX;
        !is_busy && self.head.trainer_silences == 0 && self.head.auditor != DeviceId::ZERO
    }

    /// Draws the auditor of a commitment that waits for one: of the newest round that closed before the draw, or of its own. While
    /// there is none and the owner's device has no time, it waits on.
    fn draw_again(
        &mut self,
        subject: Subject,
        mut entry: Entry,
        draw: u64,
        (own, newest): (&Pool, Option<&(u64, Pool)>),
    ) -> Result<bool, B::Error> {
        let Some(randomness) = self.book.randomness(draw)? else { return Ok(false) };
        let newer = newest.filter(|(closed, _)| *closed < draw);
        let pool = newer.map_or(own, |(_, newer)| newer);
        let has_room = match self.head.is_trainer_off() {
            true => self.raised < RAISED_MAX,
            false => self.head.trainer_audits < TRAINER_AUDITS_MAX,
        };
        if pool.total > 0 || has_room {
            self.assign(subject, entry, pool, &randomness)?;
            return Ok(true);
        }
        if newest.is_none_or(|(_, newest)| newest.total == 0) {
            return Ok(false);
        }
        entry.check = Check::Waiting { draw: self.next_draw() };
        self.book.set_entry(subject.round, subject.seat, &entry)?;
        Ok(true)
    }

    /// Decides whether a passed audit is repeated.
    fn draw_second(
        &mut self,
        subject: Subject,
        entry: Entry,
        draw: u64,
        pool: &Pool,
    ) -> Result<bool, B::Error> {
        let Some(randomness) = self.book.randomness(draw)? else { return Ok(false) };
        let auditor = match entry.passed_by {
            Some(auditor) => Some(self.book.seat(auditor)?).filter(|seat| !seat.is_expelled()),
            None => None,
        };
        let chance = match auditor {
            Some(auditor) => {
                // It can lose its stake once, whatever the number of verdicts that it answers for.
                let all = u64::from(self.terms.in_rounds(auditor.stake, subject.round));
                let share = all.checked_div(auditor.answers.into()).unwrap_or(all);
                let verdict = u64::from(self.terms.audit_pay.as_u16()).div_ceil(10);
                chance::of_second_audit(entry.stake.into(), share, verdict)
            }
            None => chance::CERTAIN,
        };
        let mut random = Random::new(&randomness, subject.round, subject.seat, SECOND_AUDIT);
        if random.below(chance::CERTAIN) < chance {
            self.assign(subject, entry, pool, &randomness)?;
        } else {
            self.verify(subject, entry, None)?;
        }
        Ok(true)
    }

    /// Assigns an auditor, drawn by weight among those that have nothing to do with the subject; the owner's device when
    /// there is none; the referee decides when that is off.
    fn assign(
        &mut self,
        subject: Subject,
        mut entry: Entry,
        pool: &Pool,
        randomness: &Digest,
    ) -> Result<(), B::Error> {
        let drawn = self.draw_auditor(subject, &entry, pool, randomness)?;
        let (auditor, device, turn) = match drawn {
            Some(index) => {
                let seat =
                    self.change_seat(index, |seat| seat.duties = seat.duties.saturating_add(1))?;
                (Auditor::Seat(index), seat.device, 1)
            }
            None if self.head.is_trainer_off() && self.raised >= RAISED_MAX => {
                entry.check = Check::Waiting { draw: self.next_draw() };
                return self.book.set_entry(subject.round, subject.seat, &entry);
            }
            None if self.head.is_trainer_off() => {
                self.raised = self.raised.saturating_add(1);
                entry.check = Check::Waiting { draw: 0 };
                self.book.set_entry(subject.round, subject.seat, &entry)?;
                return self.raise(subject, entry, Accuser::Nobody, units::Wei::ZERO);
            }
            None if self.head.trainer_audits >= TRAINER_AUDITS_MAX => {
                entry.check = Check::Waiting { draw: self.next_draw() };
                return self.book.set_entry(subject.round, subject.seat, &entry);
            }
            None => {
                self.head.trainer_audits = self.head.trainer_audits.saturating_add(1);
                (Auditor::Trainer, self.head.auditor, u32::from(self.head.trainer_audits))
            }
        };
        // The owner's device does its audits one after the other.
        let deadline = self.context.now.after(self.terms.audit_seconds.saturating_mul(turn));
        entry.check = Check::Audit { auditor, deadline };
        self.book.set_entry(subject.round, subject.seat, &entry)?;
        let (round, auditor) = (subject.round, device);
        self.emit(Effect::Drawn { round, subject: subject.device, auditor });
        Ok(())
    }

    fn draw_auditor(
        &mut self,
        subject: Subject,
        entry: &Entry,
        pool: &Pool,
        randomness: &Digest,
    ) -> Result<Option<SeatIndex>, B::Error> {
        let mut concerned: Vec<AccountId> =
            vec![self.head.owner, self.book.seat(subject.seat)?.account];
        for seat in [entry.passed_by, entry.silent].into_iter().flatten() {
            concerned.push(self.book.seat(seat)?.account);
        }
        let purpose = AUDITOR.saturating_add(entry.attempts.into());
        let mut random = Random::new(randomness, subject.round, subject.seat, purpose);
        for _ in 0..DRAWS_MAX {
            let Some(index) = pool.draw(&mut random) else { return Ok(None) };
            let seat = self.book.seat(index)?;
            // Each silence halves the chance to be drawn.
            let silences = u32::from(seat.silences).min(63);
            let is_willing = random.below(1_u64.wrapping_shl(silences)) == 0;
            let verdicts = u64::from(seat.duties).saturating_add(1);
            let at_stake = u64::from(self.terms.in_rounds(seat.stake, subject.round));
            let share = at_stake.checked_div(verdicts).unwrap_or(0);
            let can_answer = share >= chance::AUDITOR_STAKE_MIN
                && share.saturating_add(entry.stake.into()) >= chance::STAKES_MIN;
            let is_free = seat.is_active() && !concerned.contains(&seat.account);
            if is_willing && can_answer && is_free {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    pub(crate) fn verdict(
        &mut self,
        auditor: DeviceId,
        (round, device): (u32, DeviceId),
        finding: Finding,
    ) -> Result<(), B::Error> {
        let (subject, entry) = self.entry_of(round, device)?;
        let stranger = Refused::NotTheAuditor { auditor, round, subject: device };
        let who = if auditor == self.head.auditor {
            Auditor::Trainer
        } else {
            let index = self.book.place(&auditor)?.seat.ok_or(stranger)?;
            if self.book.seat(index)?.is_expelled() {
                return Err(Refused::NoSeat(auditor).into());
            }
            Auditor::Seat(index)
        };
        let is_drawn = matches!(entry.check, Check::Audit { auditor, .. } if auditor == who);
        match finding {
            Finding::Mismatch if is_drawn => {
                self.raise(subject, entry, accuser(who), units::Wei::ZERO)?;
                if who == Auditor::Trainer {
                    self.head.trainer_silences = 0;
                }
            }
            Finding::Mismatch => self.dispute_by_device(subject, entry, who)?,
            Finding::Passed { .. } | Finding::Unavailable if !is_drawn => {
                return Err(stranger.into());
            }
            Finding::Passed { seal } => {
                if self.book.commitment(round, subject.seat)?.seal != seal {
                    return Err(Refused::OpensNothing.into());
                }
                self.pass(subject, entry, who, auditor)?;
            }
            Finding::Unavailable => self.replace_auditor(subject, entry, who, false)?,
        }
        if is_drawn && let Auditor::Seat(index) = who {
            let is_answer = finding != Finding::Unavailable;
            let seat = self.change_seat(index, |seat| {
                seat.silences = if is_answer { 0 } else { seat.silences };
            })?;
            if is_answer {
                self.pay_relay(&seat, round)?;
            }
        }
        Ok(())
    }

    /// Records a passed audit. A second one may follow, unless it was the owner's device or the second one.
    fn pass(
        &mut self,
        subject: Subject,
        mut entry: Entry,
        who: Auditor,
        auditor: DeviceId,
    ) -> Result<(), B::Error> {
        let round = subject.round;
        self.emit(Effect::AuditPassed { round, subject: subject.device, auditor });
        match who {
            Auditor::Trainer => {
                self.head.trainer_audits = self.head.trainer_audits.saturating_sub(1);
                self.head.trainer_silences = 0;
                self.verify(subject, entry, None)
            }
            Auditor::Seat(index) if entry.passed_by.is_some() => {
                self.verify(subject, entry, Some(index))
            }
            Auditor::Seat(index) => {
                self.change_seat(index, |seat| seat.answers = seat.answers.saturating_add(1))?;
                entry.passed_by = Some(index);
                entry.check = Check::Passed { draw: self.next_draw() };
                self.book.set_entry(round, subject.seat, &entry)
            }
        }
    }

    /// Has an auditor that did not answer replaced; after too many of them, the referee decides.
    fn replace_auditor(
        &mut self,
        subject: Subject,
        mut entry: Entry,
        who: Auditor,
        is_silent: bool,
    ) -> Result<(), B::Error> {
        let auditor = self.relieve(who, is_silent)?;
        let round = subject.round;
        self.emit(Effect::Silent { round, subject: subject.device, auditor });
        entry.attempts = entry.attempts.saturating_add(1);
        match who {
            Auditor::Seat(index) => entry.silent = Some(index),
            // Data is the owner's duty: that it can't be had is a silence, too.
            Auditor::Trainer => {
                self.head.trainer_silences = self.head.trainer_silences.saturating_add(1);
            }
        }
        if entry.attempts >= ATTEMPTS_MAX {
            entry.check = Check::Waiting { draw: 0 };
            return self.raise(subject, entry, Accuser::Nobody, units::Wei::ZERO);
        }
        entry.check = Check::Waiting { draw: self.next_draw() };
        self.book.set_entry(round, subject.seat, &entry)
    }

    /// Takes an audit from its auditor and returns its device.
    pub(crate) fn relieve(&mut self, who: Auditor, is_silent: bool) -> Result<DeviceId, B::Error> {
        match who {
            Auditor::Trainer => {
                self.head.trainer_audits = self.head.trainer_audits.saturating_sub(1);
                Ok(self.head.auditor)
            }
            Auditor::Seat(index) => {
                let seat = self.change_seat(index, |seat| {
                    seat.duties = seat.duties.saturating_sub(1);
                    seat.silences = seat.silences.saturating_add(is_silent.into());
                })?;
                self.free_if_done(index)?;
                Ok(seat.device)
            }
        }
    }

    /// Returns the commitment of a device in a round whose records are kept.
    pub(crate) fn entry_of(
        &mut self,
        round: u32,
        device: DeviceId,
    ) -> Result<(Subject, Entry), B::Error> {
        let missing = Refused::NoCommitment { round, subject: device };
        let seat = self.book.place(&device)?.seat.ok_or(missing)?;
        let record = self.book.round(round)?;
        let taken: Seat = self.book.seat(seat)?;
        if !record.is_closed(round) || taken.from_round > round || taken.next_round <= round {
            return Err(missing.into());
        }
        if !self.book.has_committed(round, seat)? {
            return Err(missing.into());
        }
        let entry = self.book.entry(round, seat)?;
        Ok((Subject { round, seat, device }, entry))
    }

    /// Returns whether the record of a round is still kept.
    pub(crate) fn is_kept(&mut self, round: u32) -> Result<bool, B::Error> {
        Ok(self.book.round(round)?.number == round)
    }
}

fn accuser(who: Auditor) -> Accuser {
    match who {
        Auditor::Trainer => Accuser::Trainer,
        Auditor::Seat(index) => Accuser::Seat(index),
    }
}
