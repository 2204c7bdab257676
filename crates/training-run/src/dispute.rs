//! Disputes: who may raise them, and what the referees' decision does.

use units::{AccountId, DeviceId, Digest, UnixSeconds, Wei};

use crate::{
    ATTEMPTS_MAX, Auditor, Book, Cause, Check, Commitment, Effect, Entry, Panel, PayKind, Places,
    Refused, RoundWindow, Ruling, SeatIndex, Vote,
    round::Subject,
    run::Step,
    vote::{self, Opinion},
};

/// Number of disputes of one run that may wait for the referee ([`Places`]); auditors that were drawn are not bound by it.
pub const DISPUTES_OPEN_MAX: u16 = 64;

/// Number of disputes that the owner's device may raise without reason, before the owner has to give a bond.
const TRAINER_ERRORS_MAX: u8 = 3;

/// Seconds until a dispute expires that the referees have not decided: a day. The work then counts.
pub const RULING_SECONDS: u32 = 24 * 3600;

/// [`Entry::attempts`] of a commitment that the referee has decided.
const DECIDED: u8 = ATTEMPTS_MAX.saturating_add(1);

/// Who says that a commitment is not the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accuser {
    /// Nobody: no auditor answered.
    Nobody,
    /// A seat, with its stake.
    Seat(SeatIndex),
    /// The owner's device.
    Trainer,
    /// An account, with a bond.
    Account(AccountId),
}

/// A dispute before the referee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// Who raised it.
    pub accuser: Accuser,
    /// The bond of an account.
    pub bond: Wei,
    /// When it expires.
    pub deadline: UnixSeconds,
    /// State at the start of the round.
    pub base: Digest,
    /// The disputed commitment.
    pub commitment: Commitment,
    /// The seat that had passed it, and answers for it.
    pub passed_by: Option<SeatIndex>,
    /// Whether the accuser had been drawn to audit it: its verdict is paid.
    pub is_drawn: bool,
    /// Whether it had counted as verified already.
    pub was_settled: bool,
    /// Height of the block in which what the subject's seal was made over became public; 0 before.
    pub disclosed: u64,
    /// Votes of referees so far, at most one each.
    pub votes: Vec<Vote>,
}

impl<B: Book> Step<'_, B> {
    /// Raises the dispute of a seat that was not drawn, with its stake, or of the owner's device.
    pub(crate) fn dispute_by_device(
        &mut self,
        subject: Subject,
        entry: Entry,
        who: Auditor,
    ) -> Result<(), B::Error> {
        self.check_room()?;
        let required = self.terms.work_pay(subject.round).map_err(Refused::from)?;
        match who {
            Auditor::Trainer if self.head.trainer_errors >= TRAINER_ERRORS_MAX => {
                Err(Refused::BondTooSmall { given: Wei::ZERO, required }.into())
            }
            Auditor::Trainer => self.raise(subject, entry, Accuser::Trainer, Wei::ZERO),
            Auditor::Seat(index) => {
                let seat = self.book.seat(index)?;
                let own = self.book.seat(subject.seat)?;
                if seat.is_expelled() || seat.account == own.account || seat.stake < required {
                    return Err(Refused::BondTooSmall { given: seat.stake, required }.into());
                }
                self.raise(subject, entry, Accuser::Seat(index), Wei::ZERO)
            }
        }
    }

    pub(crate) fn dispute(
        &mut self,
        round: u32,
        device: DeviceId,
        bond: Wei,
    ) -> Result<(), B::Error> {
        self.check_room()?;
        let required = self.terms.work_pay(round).map_err(Refused::from)?;
        if bond < required {
            return Err(Refused::BondTooSmall { given: bond, required }.into());
        }
        let (subject, entry) = self.entry_of(round, device)?;
        self.raise(subject, entry, Accuser::Account(self.context.caller), bond)
    }

    fn check_room(&self) -> Result<(), Refused> {
        let taken = match self.rules.places {
            Places::All => self.head.disputes,
            Places::Accused => self.head.disputes.saturating_sub(self.head.unaccused),
        };
        if taken >= DISPUTES_OPEN_MAX {
            return Err(Refused::TooManyDisputes(taken));
        }
        Ok(())
    }

    /// Brings a commitment before the referee. What is undecided about the subject and its accuser stays with them; nobody
    /// else waits.
    pub(crate) fn raise(
        &mut self,
        subject: Subject,
        mut entry: Entry,
        accuser: Accuser,
        bond: Wei,
    ) -> Result<(), B::Error> {
        let Subject { round, seat, device } = subject;
        self.settle_seat(seat)?;
        if entry.check == Check::Committed {
            entry = self.book.entry(round, seat)?;
        }
        let (was_settled, auditor) = match entry.check {
            Check::Committed | Check::Waiting { .. } | Check::Passed { .. } => (false, None),
            Check::Audit { auditor, .. } => (false, Some(auditor)),
            // What the referee has decided is final: otherwise disputes without end could keep a run from ending.
            Check::Settled if entry.attempts > ATTEMPTS_MAX => {
                return Err(Refused::NoCommitment { round, subject: device }.into());
            }
            Check::Settled => (true, None),
            Check::Disputed => {
                return Err(Refused::DisputedAlready { round, subject: device }.into());
            }
            Check::None | Check::Void => {
                return Err(Refused::NoCommitment { round, subject: device }.into());
            }
        };
        let dispute = Dispute {
            accuser,
            bond,
            deadline: self.context.now.after(RULING_SECONDS),
            base: self.book.round(round)?.base,
            commitment: self.book.commitment(round, seat)?,
            passed_by: entry.passed_by.filter(|_| !was_settled),
            is_drawn: auditor.is_some_and(|auditor| is_of(accuser, auditor)),
            was_settled,
            disclosed: 0,
            votes: Vec::new(),
        };
        self.book.set_dispute(round, seat, Some(&dispute))?;
        entry.check = Check::Disputed;
        self.book.set_entry(round, seat, &entry)?;
        self.head.disputes = self.head.disputes.saturating_add(1);
        if accuser == Accuser::Nobody && self.rules.places == Places::Accused {
            self.head.unaccused = self.head.unaccused.saturating_add(1);
        }
        self.change_seat(seat, |seat| {
            seat.disputes = seat.disputes.saturating_add(1);
            seat.pending &= !RoundWindow::bit(round);
        })?;
        if !was_settled {
            self.count_settled(round)?;
        }
        let accuser = match accuser {
            Accuser::Seat(index) => {
                self.change_seat(index, |seat| seat.disputes = seat.disputes.saturating_add(1))?
                    .device
            }
            Accuser::Trainer => self.head.auditor,
            Accuser::Nobody | Accuser::Account(_) => DeviceId::ZERO,
        };
        if let Some(auditor) = auditor {
            self.relieve(auditor, false)?;
        }
        self.emit(Effect::Disputed { round, subject: device, accuser });
        Ok(())
    }

    /// Notes that what the subject's seal was made over is public. It proves itself: whoever brings it gains nothing, and a
    /// subject that says nothing loses nothing.
    pub(crate) fn disclose(
        &mut self,
        round: u32,
        device: DeviceId,
        seal: Digest,
    ) -> Result<(), B::Error> {
        let (subject, mut dispute) = self.open_dispute(round, device)?;
        if dispute.disclosed > 0 {
            return Err(Refused::DisclosedAlready { round, subject: device }.into());
        }
        if dispute.commitment.seal != seal {
            return Err(Refused::WrongLeaves { round, subject: device }.into());
        }
        dispute.disclosed = self.context.height;
        self.book.set_dispute(round, subject.seat, Some(&dispute))?;
        if self.is_kept(round)? {
            let mut entry = self.book.entry(round, subject.seat)?;
            entry.disclosed = dispute.disclosed;
            self.book.set_entry(round, subject.seat, &entry)?;
        }
        Ok(())
    }

    /// Counts the vote of a referee, and does what the votes have decided, if they have.
    pub(crate) fn rule(
        &mut self,
        (round, device): (u32, DeviceId),
        vote: Vote,
        panel: &Panel,
    ) -> Result<(), B::Error> {
        let (subject, mut dispute) = self.open_dispute(round, device)?;
        let Vote { referee, ruling, .. } = vote;
        if !panel.members.contains(&referee) {
            return Err(Refused::NotAReferee(referee).into());
        }
        if dispute.votes.iter().any(|given| given.referee == referee) {
            return Err(Refused::VotedAlready(referee).into());
        }
        if matches!(ruling, Ruling::Differs { .. }) && dispute.disclosed == 0 {
            return Err(Refused::NotDisclosed { round, subject: device }.into());
        }
        dispute.votes.push(vote);
        self.emit(Effect::Voted { round, subject: device, vote });
        let Some(decided) = vote::decision(&dispute.votes, &dispute.commitment, panel) else {
            return self.book.set_dispute(round, subject.seat, Some(&dispute));
        };
        self.end_dispute(subject, &dispute)?;
        match decided {
            Opinion::IsTheWork => self.uphold(subject, &dispute, true),
            Opinion::IsNotTheWork => self.convict(subject, &dispute),
            Opinion::Nothing => self.uphold(subject, &dispute, false),
        }?;
        self.close_if_all_committed()
    }

    /// Ends a dispute that the referees did not decide in time: the work counts, and nobody is blamed.
    pub(crate) fn expire(&mut self, round: u32, device: DeviceId) -> Result<(), B::Error> {
        let (subject, dispute) = self.open_dispute(round, device)?;
        self.not_before(dispute.deadline)?;
        self.end_dispute(subject, &dispute)?;
        self.uphold(subject, &dispute, false)
    }

    fn open_dispute(
        &mut self,
        round: u32,
        device: DeviceId,
    ) -> Result<(Subject, Dispute), B::Error> {
        let none = Refused::NoDispute { round, subject: device };
        let seat = self.book.place(&device)?.seat.ok_or(none)?;
        let dispute = self.book.dispute(round, seat)?.ok_or(none)?;
        Ok((Subject { round, seat, device }, dispute))
    }

    fn end_dispute(&mut self, subject: Subject, dispute: &Dispute) -> Result<(), B::Error> {
        let Subject { round, seat, .. } = subject;
        self.book.set_dispute(round, seat, None)?;
        self.head.disputes = self.head.disputes.saturating_sub(1);
        if dispute.accuser == Accuser::Nobody {
            // One that was raised before they were counted makes this one too low for a while: fewer places, by one.
            self.head.unaccused = self.head.unaccused.saturating_sub(1);
        }
        self.change_seat(seat, |seat| seat.disputes = seat.disputes.saturating_sub(1))?;
        if let Accuser::Seat(index) = dispute.accuser {
            self.change_seat(index, |seat| seat.disputes = seat.disputes.saturating_sub(1))?;
        }
        Ok(())
    }

    /// Counts the subject's work as verified. If the referees replayed it, whoever disputed it was wrong.
    fn uphold(
        &mut self,
        subject: Subject,
        dispute: &Dispute,
        is_replayed: bool,
    ) -> Result<(), B::Error> {
        let round = subject.round;
        self.emit(Effect::Upheld { round, subject: subject.device, is_replayed });
        self.mark(subject, Check::Settled)?;
        if !dispute.was_settled {
            self.take_pending(round)?;
            self.end_answer(dispute.passed_by)?;
            self.pay_verdict(round, dispute.passed_by)?;
            self.credit_work(subject)?;
        }
        match dispute.accuser {
            Accuser::Seat(index) if is_replayed => {
                self.expel(index, round, Cause::FalseAudit)?;
            }
            Accuser::Seat(index) => self.free_if_done(index)?,
            Accuser::Trainer if is_replayed => {
                self.head.trainer_errors = self.head.trainer_errors.saturating_add(1);
            }
            Accuser::Account(_) if is_replayed => self.pay_referees(dispute),
            Accuser::Account(account) => {
                self.emit(Effect::ReturnBond { account, amount: dispute.bond });
            }
            Accuser::Nobody | Accuser::Trainer => {}
        }
        self.free_if_done(subject.seat)
    }

    /// Divides the bond among the referees that upheld the work, so that none of them waits for the others' votes. The last one's
    /// part has the remainder.
    fn pay_referees(&mut self, dispute: &Dispute) {
        let is_paid = |vote: &&Vote| vote.ruling.opinion(&dispute.commitment) == Opinion::IsTheWork;
        let mut left = dispute.votes.iter().filter(is_paid).count();
        let mut rest = dispute.bond.as_u128();
        for vote in dispute.votes.iter().filter(is_paid) {
            let part = rest.checked_div(u128::try_from(left).unwrap_or(u128::MAX)).unwrap_or(rest);
            rest = rest.saturating_sub(part);
            left = left.saturating_sub(1);
            self.emit(Effect::PayReferee { account: vote.account, amount: Wei::new(part) });
        }
    }

    /// Expels the subject, and the auditor that passed its work. Whoever disputed it is paid, as far as the subject's verified stake
    /// goes: for the verdict if it was drawn, and a bounty of a round's pay if it was drawn or nobody else was going to look
    /// ([`crate::chance`] says why).
    fn convict(&mut self, subject: Subject, dispute: &Dispute) -> Result<(), B::Error> {
        let round = subject.round;
        self.mark(subject, Check::Void)?;
        let stake = self.book.seat(subject.seat)?.stake;
        self.expel(subject.seat, round, Cause::Convicted)?;
        if !dispute.was_settled {
            self.take_pending(round)?;
        }
        self.end_answer(dispute.passed_by)?;
        if let Some(index) = dispute.passed_by {
            self.relieve(Auditor::Seat(index), false)?;
            self.expel(index, round, Cause::Vouched)?;
        }
        let pay = self.terms.work_pay(round).map_err(Refused::from)?;
        let audit = if dispute.is_drawn {
            self.terms.verdict_pay(round).map_err(Refused::from)?.min(stake)
        } else {
            Wei::ZERO
        };
        let rest = stake.checked_sub(audit).map_err(Refused::from)?;
        let is_due = dispute.is_drawn || dispute.was_settled;
        let bounty = if is_due { pay.min(rest) } else { Wei::ZERO };
        match dispute.accuser {
            Accuser::Seat(index) => {
                for (amount, kind) in [(audit, PayKind::Audit), (bounty, PayKind::Bounty)] {
                    if amount > Wei::ZERO {
                        self.credit(index, (round, 0, amount), kind)?;
                    }
                }
                self.free_if_done(index)?;
            }
            Accuser::Account(account) => {
                let paid = self.head.escrow.paid.checked_add(bounty).map_err(Refused::from)?;
                self.head.escrow.paid = paid;
                let amount = dispute.bond.checked_add(bounty).map_err(Refused::from)?;
                self.emit(Effect::ReturnBond { account, amount });
            }
            Accuser::Nobody | Accuser::Trainer => {}
        }
        self.free_if_done(subject.seat)
    }

    /// Marks the entry of a decided dispute, if its round is still kept.
    fn mark(&mut self, subject: Subject, check: Check) -> Result<(), B::Error> {
        if !self.is_kept(subject.round)? {
            return Ok(());
        }
        let mut entry = self.book.entry(subject.round, subject.seat)?;
        entry.check = check;
        entry.passed_by = None;
        entry.attempts = DECIDED;
        self.book.set_entry(subject.round, subject.seat, &entry)
    }
}

fn is_of(accuser: Accuser, auditor: Auditor) -> bool {
    match auditor {
        Auditor::Seat(index) => accuser == Accuser::Seat(index),
        Auditor::Trainer => accuser == Accuser::Trainer,
    }
}
