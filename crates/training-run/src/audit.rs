//! Audits: who is drawn, what verdicts are given, and their effects.

use units::{DeviceId, Digest, Wei};

use crate::{
    Audit, Cause, Check, Context, Effect, Entry, Finding, Refused, Run, Seat, SeatIndex, Standing,
    draw::Random,
    run::{indexed, not_before},
};

/// Largest number of auditors drawn for one commitment.
pub const AUDITORS_MAX: usize = 3;

impl Run {
    pub(crate) fn draw(
        &mut self,
        context: &Context,
        round: u32,
        randomness: &Digest,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let closed = self
            .closed
            .get_mut(&round)
            .filter(|closed| !closed.drawn)
            .ok_or(Refused::NothingToDraw(round))?;
        let drawn_from = closed.height.saturating_add(1);
        if context.height <= drawn_from {
            return Err(Refused::TooEarly {
                until: drawn_from.saturating_add(1),
                now: context.height,
            });
        }
        closed.drawn = true;
        let rate = u64::from(self.terms.audit_rate.as_u16());
        let subjects: Vec<SeatIndex> = closed.entries.keys().copied().collect();
        for subject in subjects {
            let on_probation =
                self.seats.get(usize::from(subject)).is_some_and(|seat| seat.on_probation);
            let is_drawn = Random::new(randomness, round, subject, 0).below(10_000) < rate;
            if on_probation || is_drawn {
                self.next_auditor(context, (round, subject), randomness, effects)?;
            }
        }
        Ok(())
    }

    pub(crate) fn verdict(
        &mut self,
        context: &Context,
        auditor: DeviceId,
        (round, subject): (u32, DeviceId),
        finding: &Finding,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let wrong_auditor = Refused::NotTheAuditor { auditor, round, subject };
        let index = self.active_seat(&auditor).map_err(|_| wrong_auditor)?;
        let (place, entry, audit) = self.open_audit(round, &subject)?;
        if audit.auditor != index {
            return Err(wrong_auditor);
        }
        match finding {
            Finding::Opened { for_subject, .. } if entry.commitment.seal == *for_subject => {
                self.pass(context, place, effects)
            }
            Finding::Opened { for_claimants, .. } => {
                let mut truthful = Vec::new();
                let mut liars = Vec::new();
                for ((claimant, claim), opened) in audit.claims.iter().zip(for_claimants) {
                    if claim == opened { &mut truthful } else { &mut liars }.push(*claimant);
                }
                let first = *truthful.first().ok_or(Refused::OpensNothing)?;
                self.convict(context, place, (first, &liars), effects)
            }
            Finding::Mismatch { sealed } => {
                let sealed = *sealed;
                if let Some(audit) = self.audit_mut(place) {
                    audit.claims.push((index, sealed));
                }
                effects.push(Effect::Disputed { round, subject, auditor });
                self.next_auditor(context, place, &context.randomness, effects)
            }
            Finding::Unavailable => self.evidence_is_missing(context, place, effects),
        }
    }

    pub(crate) fn redraw(
        &mut self,
        context: &Context,
        round: u32,
        subject: &DeviceId,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let (place, _, audit) = self.open_audit(round, subject)?;
        not_before(audit.deadline, context.now)?;
        self.evidence_is_missing(context, place, effects)
    }

    /// Records that the evidence is missing, because the present auditor said so or was silent: it counts against the
    /// subject, which must provide it.
    fn evidence_is_missing(
        &mut self,
        context: &Context,
        place: (u32, SeatIndex),
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        if let Some(audit) = self.audit_mut(place) {
            audit.is_evidence_missing = true;
        }
        self.next_auditor(context, place, &context.randomness, effects)
    }

    /// Settles an audit whose replay opened the subject's seal: every earlier claim of a mismatch was false.
    fn pass(
        &mut self,
        context: &Context,
        (round, subject): (u32, SeatIndex),
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let Some(audit) = self.take_audit((round, subject), Check::Passed) else { return Ok(()) };
        effects.push(Effect::AuditPassed {
            round,
            subject: self.device(subject),
            auditor: self.device(audit.auditor),
        });
        // Commitments from before a device left and came back don't end its probation.
        if let Some(seat) = self.seats.get_mut(usize::from(subject))
            && seat.from_round <= round
        {
            seat.on_probation = false;
        }
        self.hold_verdict_pay(round, audit.auditor);
        for (claimant, _) in audit.claims {
            self.expel(context, round, claimant, Cause::FalseAudit, effects)?;
        }
        Ok(())
    }

    /// Settles an audit in which a second replay gave the same root as that of `claimant`: the subject's work was
    /// made up, and every other claim was false. A third auditor with the same claim was right, but is not paid: the
    /// deposit covers two verdicts, the first and the one that decides.
    fn convict(
        &mut self,
        context: &Context,
        (round, subject): (u32, SeatIndex),
        (claimant, liars): (SeatIndex, &[SeatIndex]),
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let Some(audit) = self.take_audit((round, subject), Check::None) else { return Ok(()) };
        self.expel(context, round, subject, Cause::Convicted, effects)?;
        self.hold_verdict_pay(round, claimant);
        self.hold_verdict_pay(round, audit.auditor);
        for liar in liars {
            self.expel(context, round, *liar, Cause::FalseAudit, effects)?;
        }
        Ok(())
    }

    /// Draws the next auditor, or gives up the entry when there is none.
    fn next_auditor(
        &mut self,
        context: &Context,
        (round, subject): (u32, SeatIndex),
        randomness: &Digest,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let Some(closed) = self.closed.get(&round) else { return Ok(()) };
        let Some(entry) = closed.entries.get(&subject) else { return Ok(()) };
        let (mut tried, claims, is_evidence_missing) = match &entry.check {
            Check::Audit(audit) => {
                (audit.tried.clone(), audit.claims.clone(), audit.is_evidence_missing)
            }
            Check::None | Check::Passed => (Vec::new(), Vec::new(), false),
        };
        let account = self.seats.get(usize::from(subject)).map(|seat| seat.account);
        let is_eligible = |index: SeatIndex| {
            let seat = self.seats.get(usize::from(index));
            !tried.contains(&index)
                && seat.is_some_and(|seat| seat.is_active() && Some(seat.account) != account)
        };
        let eligible: Vec<SeatIndex> =
            closed.committed.iter().copied().filter(|index| is_eligible(*index)).collect();
        let bound = u64::try_from(eligible.len()).unwrap_or(u64::MAX);
        let attempt = tried.len().saturating_add(1);
        let drawn = usize::try_from(Random::new(randomness, round, subject, attempt).below(bound))
            .unwrap_or(0);
        match eligible.get(drawn) {
            Some(auditor) if tried.len() < AUDITORS_MAX => {
                tried.push(*auditor);
                let deadline = context.now.after(self.terms.audit_seconds);
                let audit =
                    Audit { auditor: *auditor, deadline, claims, tried, is_evidence_missing };
                effects.push(Effect::Drawn {
                    round,
                    subject: self.device(subject),
                    auditor: self.device(*auditor),
                });
                if let Some(entry) = self.entry_mut((round, subject)) {
                    entry.check = Check::Audit(audit);
                }
                Ok(())
            }
            Some(_) | None => self.give_up_entry(context, (round, subject), effects),
        }
    }

    /// Gives up an entry that nobody could decide. It stays unpaid. If the evidence was missing and nobody disputed,
    /// the subject loses its seat; it keeps the seat if its auditors left.
    fn give_up_entry(
        &mut self,
        context: &Context,
        (round, subject): (u32, SeatIndex),
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let entry = self.closed.get_mut(&round).and_then(|closed| closed.entries.remove(&subject));
        effects.push(Effect::Unresolved { round, subject: self.device(subject) });
        let was_silent = matches!(
            entry,
            Some(Entry { check: Check::Audit(audit), .. })
                if audit.claims.is_empty() && audit.is_evidence_missing
        );
        if let Some(seat) = self.seats.get_mut(usize::from(subject)) {
            seat.on_probation = true;
            if was_silent && seat.is_active() {
                self.give_up_seat(context, subject, effects)?;
                self.close_if_all_committed(context, effects);
            }
        }
        Ok(())
    }

    /// Makes a seat inactive; its open audits go to other auditors.
    pub(crate) fn give_up_seat(
        &mut self,
        context: &Context,
        index: SeatIndex,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        if let Some(seat) = self.seats.get_mut(usize::from(index)) {
            seat.standing = Standing::Left;
            effects.push(Effect::Left { device: seat.device });
        }
        self.hand_over_audits(context, index, effects)
    }

    fn expel(
        &mut self,
        context: &Context,
        round: u32,
        index: SeatIndex,
        cause: Cause,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let forfeited = self.forfeit(index)?;
        let Some(seat) = self.seats.get_mut(usize::from(index)).filter(|seat| !seat.is_expelled())
        else {
            return Ok(());
        };
        seat.standing = Standing::Expelled { round, cause };
        let (device, account) = (seat.device, seat.account);
        effects.push(match cause {
            Cause::Convicted => Effect::Convicted { round, subject: device, account, forfeited },
            Cause::FalseAudit => {
                Effect::AuditorExpelled { round, auditor: device, account, forfeited }
            }
        });
        self.withdraw_commitment(index);
        self.hand_over_audits(context, index, effects)?;
        self.close_if_all_committed(context, effects);
        Ok(())
    }

    /// Cancels all held pay of a seat, for work and verdicts, and returns the amount, which becomes free in the escrow.
    fn forfeit(&mut self, index: SeatIndex) -> Result<Wei, Refused> {
        let mut forfeited = Wei::ZERO;
        for (round, closed) in &mut self.closed {
            if closed.entries.remove(&index).is_some() {
                forfeited = forfeited.checked_add(self.terms.work_pay(*round)?)?;
            }
            let before = closed.verdicts.len();
            closed.verdicts.retain(|auditor| *auditor != index);
            let count =
                u64::try_from(before.saturating_sub(closed.verdicts.len())).unwrap_or(u64::MAX);
            forfeited =
                forfeited.checked_add(self.terms.verdict_pay(*round)?.checked_mul_count(count)?)?;
        }
        Ok(forfeited)
    }

    fn hand_over_audits(
        &mut self,
        context: &Context,
        from: SeatIndex,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let is_theirs =
            |entry: &Entry| matches!(&entry.check, Check::Audit(audit) if audit.auditor == from);
        let places: Vec<(u32, SeatIndex)> = self
            .closed
            .iter()
            .flat_map(|(round, closed)| {
                closed.entries.iter().map(move |(subject, entry)| (*round, *subject, entry))
            })
            .filter(|(_, _, entry)| is_theirs(entry))
            .map(|(round, subject, _)| (round, subject))
            .collect();
        for place in places {
            self.next_auditor(context, place, &context.randomness, effects)?;
        }
        Ok(())
    }

    /// Holds the pay of a verdict; it is paid together with the round's work.
    fn hold_verdict_pay(&mut self, round: u32, auditor: SeatIndex) {
        let is_expelled = self.seats.get(usize::from(auditor)).is_none_or(Seat::is_expelled);
        if let Some(closed) = self.closed.get_mut(&round).filter(|_| !is_expelled) {
            closed.verdicts.push(auditor);
        }
    }

    fn open_audit(
        &self,
        round: u32,
        subject: &DeviceId,
    ) -> Result<((u32, SeatIndex), &Entry, &Audit), Refused> {
        let found = indexed(&self.seats).find(|(_, seat)| seat.device == *subject);
        let entry = found
            .and_then(|(index, _)| Some((index, self.closed.get(&round)?.entries.get(&index)?)));
        match entry {
            Some((index, entry @ Entry { check: Check::Audit(audit), .. })) => {
                Ok(((round, index), entry, audit))
            }
            Some(_) | None => Err(Refused::NoAudit { round, subject: *subject }),
        }
    }

    fn audit_mut(&mut self, place: (u32, SeatIndex)) -> Option<&mut Audit> {
        match &mut self.entry_mut(place)?.check {
            Check::Audit(audit) => Some(audit),
            Check::None | Check::Passed => None,
        }
    }

    fn entry_mut(&mut self, (round, subject): (u32, SeatIndex)) -> Option<&mut Entry> {
        self.closed.get_mut(&round)?.entries.get_mut(&subject)
    }

    fn take_audit(&mut self, place: (u32, SeatIndex), then: Check) -> Option<Audit> {
        match std::mem::replace(&mut self.entry_mut(place)?.check, then) {
            Check::Audit(audit) => Some(audit),
            Check::None | Check::Passed => None,
        }
    }

    pub(crate) fn device(&self, index: SeatIndex) -> DeviceId {
        self.seats.get(usize::from(index)).map_or(DeviceId::ZERO, |seat| seat.device)
    }
}
