//! A model of a run, built from its effects alone, that reports every broken rule.

use std::collections::{BTreeMap, BTreeSet};

use training_run::{Context, Effect, Escrow, Input, PayKind, Phase, Refused, Run, Seat};
use units::{AccountId, DeviceId, Wei};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Finding {
    Open,
    Passed,
    Convicted,
    Unresolved,
}

type Place = (u32, DeviceId);

/// What followed from all inputs so far, derived from effects alone.
#[derive(Default)]
pub(crate) struct Books {
    moved: u128,
    active: BTreeMap<DeviceId, AccountId>,
    expelled: BTreeSet<DeviceId>,
    committed: BTreeSet<Place>,
    drawn: BTreeSet<u32>,
    audits: BTreeMap<Place, Finding>,
    /// Commitments since a device last enrolled: only audits of these can end its probation.
    fresh: BTreeSet<Place>,
    /// Devices that are not on probation.
    proven: BTreeSet<DeviceId>,
    paid_work: BTreeSet<Place>,
    /// Verdicts by auditor, and how many of them were paid.
    verdicts: BTreeMap<Place, u32>,
    paid_verdicts: BTreeMap<Place, u32>,
}

impl Books {
    /// Applies one input to the run and checks all rules against the effects; the outer error is a broken rule.
    pub(crate) fn step(
        &mut self,
        run: &mut Run,
        context: &Context,
        input: Input,
    ) -> Result<Result<Vec<Effect>, Refused>, String> {
        let before = run.clone();
        if let Input::Draw { round, .. } = input
            && before.draw_height(round).is_some_and(|height| height < context.height)
        {
            self.drawn.insert(round);
        }
        let outcome = run.step(context, input.clone());
        if let Input::Verdict { auditor, round, .. } = input
            && outcome.is_ok()
        {
            *self.verdicts.entry((round, auditor)).or_default() += 1;
        }
        match &outcome {
            Ok(effects) => {
                self.draws(&input, effects)?;
                for effect in effects {
                    self.enter(run, effect)
                        .map_err(|broken| format!("{broken}: {effect:?} after {input:?}"))?;
                }
            }
            Err(_) if *run != before => {
                return Err(format!("a refused input must change nothing: {input:?}"));
            }
            Err(_) => {}
        }
        self.check(run).map_err(|broken| format!("{broken} after {input:?}"))?;
        Ok(outcome)
    }

    fn check(&self, run: &Run) -> Result<(), String> {
        run.invariants()?;
        let read = Run::decode(&run.encode()).map_err(|error| error.to_string())?;
        rule(read == *run, "encoding and decoding give the same run")?;
        let Escrow { deposited, paid, refunded } = run.escrow();
        let gone = paid.as_u128() + refunded.as_u128();
        rule(self.moved == gone, "the effects move what left the escrow")?;
        let is_finished = matches!(run.phase(), Phase::Finished(_));
        rule(!is_finished || gone == deposited.as_u128(), "a finished run has nothing left")?;
        let active = run.seats().iter().filter(|seat| seat.is_active());
        let active: BTreeMap<_, _> = active.map(|seat| (seat.device, seat.account)).collect();
        rule(active == self.active, "the events give the active seats")?;
        let mut auditors = run.closed_rounds().flat_map(|(_, closed)| &closed.verdicts);
        let is_out = |seat: &Seat| seat.is_expelled();
        let owes_expelled = auditors.any(|index| run.seat(*index).is_none_or(is_out));
        rule(!owes_expelled, "an expelled auditor is owed nothing")
    }

    fn enter(&mut self, run: &Run, effect: &Effect) -> Result<(), String> {
        match *effect {
            Effect::Pay { device, round, tokens, amount, kind, .. } => {
                self.moved += amount.as_u128();
                rule(!self.expelled.contains(&device), "an expelled device is paid nothing")?;
                rule(tokens == run.terms().tokens(round), "pay is for the tokens of the round")?;
                match kind {
                    PayKind::Work => self.work(run, (round, device), amount),
                    PayKind::Audit => self.verdict(run, (round, device), amount),
                }
            }
            Effect::Refund { account, amount } => {
                self.moved += amount.as_u128();
                rule(account == run.owner(), "the rest is refunded to the owner")
            }
            Effect::Enrolled { device, account, .. } => {
                rule(!self.expelled.contains(&device), "an expelled device can't enrol")?;
                self.proven.remove(&device);
                self.fresh.retain(|(_, of)| *of != device);
                rule(self.active.insert(device, account).is_none(), "one seat per device")
            }
            Effect::Left { device } => {
                rule(self.active.remove(&device).is_some(), "only an active device can leave")
            }
            Effect::Committed { device, round, .. } => {
                rule(self.active.contains_key(&device), "only seats commit")?;
                self.fresh.insert((round, device));
                rule(self.committed.insert((round, device)), "one commitment per device and round")
            }
            Effect::Drawn { round, subject, auditor } => self.auditor(run, round, subject, auditor),
            Effect::AuditPassed { round, subject, .. } => {
                if self.fresh.contains(&(round, subject)) {
                    self.proven.insert(subject);
                }
                self.decide((round, subject), Finding::Passed)
            }
            Effect::Convicted { round, subject, .. } => {
                self.expel(subject)?;
                self.decide((round, subject), Finding::Convicted)
            }
            Effect::AuditorExpelled { auditor, .. } => self.expel(auditor),
            Effect::Unresolved { round, subject } => {
                self.proven.remove(&subject);
                self.audits.insert((round, subject), Finding::Unresolved);
                Ok(())
            }
            Effect::Disputed { round, subject, .. } => {
                let is_open = self.audits.get(&(round, subject)) == Some(&Finding::Open);
                rule(is_open, "only an open audit is disputed")
            }
            Effect::RoundOpened { .. }
            | Effect::RoundClosed { .. }
            | Effect::Advanced { .. }
            | Effect::Cancelled
            | Effect::Finished { .. } => Ok(()),
        }
    }

    /// Checks that every commitment of a device on probation is drawn: it gets an auditor, or no pay.
    fn draws(&self, input: &Input, effects: &[Effect]) -> Result<(), String> {
        let Input::Draw { round, .. } = *input else { return Ok(()) };
        let is_drawn = |device: DeviceId| {
            effects.iter().any(|effect| match *effect {
                Effect::Drawn { round: of, subject, .. }
                | Effect::Unresolved { round: of, subject } => (of, subject) == (round, device),
                _ => false,
            })
        };
        let mut unproven = self.committed.iter().filter(|(of, device)| {
            *of == round && !self.proven.contains(device) && !self.expelled.contains(device)
        });
        rule(
            unproven.all(|(_, device)| is_drawn(*device)),
            "every commitment of a device on probation is drawn",
        )
    }

    fn work(&mut self, run: &Run, place: Place, amount: Wei) -> Result<(), String> {
        let (round, _) = place;
        let terms = run.terms();
        let due = terms.price_per_token.as_u128() * u128::from(terms.tokens(round));
        rule(amount.as_u128() == due, "work pays price times tokens")?;
        rule(self.committed.contains(&place), "only committed work is paid")?;
        rule(self.drawn.contains(&round), "no work is paid before the draw")?;
        Self::held_back(run, round)?;
        let finding = self.audits.get(&place);
        rule(matches!(finding, None | Some(Finding::Passed)), "drawn work is paid if it passed")?;
        rule(self.paid_work.insert(place), "work is paid once")
    }

    fn verdict(&mut self, run: &Run, place: Place, amount: Wei) -> Result<(), String> {
        let (round, _) = place;
        let terms = run.terms();
        let work = terms.price_per_token.as_u128() * u128::from(terms.tokens(round));
        // Computed in parts: the product with a share may not fit 128 bits.
        let share = u128::from(terms.audit_pay.as_u16());
        let most = work / 10_000 * share + work % 10_000 * share / 10_000;
        rule(amount.as_u128() == most, "a verdict pays its share, rounded down")?;
        Self::held_back(run, round)?;
        let given = self.verdicts.get(&place).copied().unwrap_or(0);
        let paid = self.paid_verdicts.entry(place).or_default();
        *paid += 1;
        rule(*paid <= given, "a verdict is paid once, after it was given")
    }

    fn held_back(run: &Run, round: u32) -> Result<(), String> {
        let until = u64::from(round) + u64::from(run.terms().hold_back_rounds);
        let is_over = matches!(run.phase(), Phase::Finished(_));
        rule(is_over || until < u64::from(run.round()), "pay is held back")
    }

    fn auditor(
        &mut self,
        run: &Run,
        round: u32,
        subject: DeviceId,
        auditor: DeviceId,
    ) -> Result<(), String> {
        let account = |device| run.seats().iter().find(|seat| seat.device == device);
        let (of_subject, of_auditor) = (account(subject), account(auditor));
        let is_same = of_subject.map(|seat| seat.account) == self.active.get(&auditor).copied();
        rule(of_auditor.is_some() && !is_same, "the auditor belongs to another account")?;
        rule(self.active.contains_key(&auditor), "the auditor takes part")?;
        rule(self.committed.contains(&(round, auditor)), "the auditor committed that round")?;
        rule(self.drawn.contains(&round), "nobody audits before the draw")?;
        let earlier = self.audits.insert((round, subject), Finding::Open);
        rule(matches!(earlier, None | Some(Finding::Open)), "a decided audit stays decided")
    }

    fn decide(&mut self, place: Place, finding: Finding) -> Result<(), String> {
        let earlier = self.audits.insert(place, finding);
        rule(earlier == Some(Finding::Open), "only an open audit is decided")
    }

    fn expel(&mut self, device: DeviceId) -> Result<(), String> {
        self.active.remove(&device);
        rule(self.expelled.insert(device), "nobody is expelled twice")
    }
}

fn rule(holds: bool, words: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(words.to_owned()) }
}
