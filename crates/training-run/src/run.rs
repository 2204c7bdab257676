//! A run and the effect of each input.

use units::{AccountId, DeviceId, Digest, UnixSeconds, Wei};

use crate::{
    Book, Context, Effect, Ending, Escrow, Head, Input, OpenError, Phase, Refused, Rules, Seat,
    SeatIndex, Terms, Vote,
};

/// Number of blocks whose hash a ledger knows.
const HASHES_KNOWN: u64 = 256;

/// A run: its terms, and the book with its records.
#[derive(Debug)]
pub struct Run<'a, B> {
    terms: &'a Terms,
    book: &'a mut B,
    rules: Rules,
}

/// One input under way.
pub(crate) struct Step<'a, B> {
    pub(crate) terms: &'a Terms,
    pub(crate) book: &'a mut B,
    pub(crate) context: Context,
    pub(crate) rules: Rules,
    pub(crate) head: Head,
    pub(crate) effects: Vec<Effect>,
    /// Disputes that this input has raised because there is no auditor.
    pub(crate) raised: u16,
}

impl<'a, B: Book> Run<'a, B> {
    /// Returns a run with its records, under the newest rules.
    pub fn new(terms: &'a Terms, book: &'a mut B) -> Self {
        Self { terms, book, rules: Rules::NEWEST }
    }

    /// Returns the run under these rules.
    #[must_use]
    pub fn under(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    /// Returns the head of a new run of the caller, with its escrow.
    ///
    /// # Errors
    /// When the terms are invalid, or `deposit` does not cover their worst case.
    pub fn open(
        terms: &Terms,
        auditor: DeviceId,
        deposit: Wei,
        context: &Context,
    ) -> Result<Head, OpenError> {
        terms.validate()?;
        let required = terms.required_deposit()?;
        terms.stake_max()?;
        if deposit < required {
            return Err(OpenError::BudgetTooSmall { deposit, required });
        }
        let nothing = Wei::ZERO;
        Ok(Head {
            owner: context.caller,
            auditor,
            phase: Phase::Gathering,
            round: 0,
            state: terms.initial_state,
            update: Digest::ZERO,
            escrow: Escrow {
                deposited: deposit,
                paid: nothing,
                refunded: nothing,
                held: nothing,
                pending: nothing,
            },
            tokens_verified: 0,
            deadline: UnixSeconds::new(0),
            is_reopened: false,
            lapses: 0,
            progressed: context.now,
            seats: 0,
            free: None,
            active: 0,
            taking_part: 0,
            committed: 0,
            expected: terms.seats_min,
            unsettled: 0,
            disputes: 0,
            unaccused: 0,
            trainer_audits: 0,
            trainer_silences: 0,
            trainer_errors: 0,
            draws_wanted: [0; 2],
        })
    }

    /// Applies one input and returns its effects. On `Err` the caller must undo what was written.
    ///
    /// # Errors
    /// Why the input was refused, or the error of the book.
    pub fn step(&mut self, context: &Context, input: Input) -> Result<Vec<Effect>, B::Error> {
        let head = self.book.head()?;
        if matches!(head.phase, Phase::Finished(_)) {
            return Err(Refused::Over.into());
        }
        let (terms, book, rules) = (self.terms, &mut *self.book, self.rules);
        let (context, effects) = (*context, Vec::new());
        let mut step = Step { terms, book, context, rules, head, effects, raised: 0 };
        step.keep_randomness()?;
        let is_progress = is_progress(&input);
        step.apply(input)?;
        step.finish_if_done()?;
        if is_progress {
            step.head.progressed = context.now.max(step.head.progressed);
        }
        step.book.set_head(&step.head)?;
        Ok(step.effects)
    }
}

/// Returns whether an input keeps a run from being abandoned. Only inputs that can't be repeated without end do:
/// otherwise identities, which are free, could hold back everybody's pay for ever.
fn is_progress(input: &Input) -> bool {
    match input {
        Input::Commit { .. }
        | Input::Close { .. }
        | Input::Advance { .. }
        | Input::Draw { .. }
        | Input::Verdict { .. }
        | Input::Rule { .. } => true,
        Input::Enroll { .. }
        | Input::Leave { .. }
        | Input::Retire { .. }
        | Input::Lapse { .. }
        | Input::Dispute { .. }
        | Input::Disclose { .. }
        | Input::Expire { .. }
        | Input::Settle { .. }
        | Input::SetAuditor { .. }
        | Input::Cancel
        | Input::Abandon => false,
    }
}

impl<B: Book> Step<'_, B> {
    fn apply(&mut self, input: Input) -> Result<(), B::Error> {
        match input {
            Input::Enroll { device, account, nonce } => self.enroll(device, account, nonce),
            Input::Leave { device, nonce } => self.leave(&device, nonce),
            Input::Retire { device } => self.retire(&device),
            Input::Commit { device, round, commitment } => self.commit(device, round, commitment),
            Input::Close { round } => self.close(round),
            Input::Lapse { round } => self.lapse(round),
            Input::Advance { round, state, update } => self.advance(round, state, update),
            Input::Draw { round } => self.draw(round),
            Input::Verdict { auditor, round, subject, finding } => {
                self.verdict(auditor, (round, subject), finding)
            }
            Input::Dispute { round, subject, bond } => self.dispute(round, subject, bond),
            Input::Disclose { round, subject, seal } => self.disclose(round, subject, seal),
            Input::Rule { round, subject, referee, ruling, panel } => {
                let account = self.context.caller;
                self.rule((round, subject), Vote { referee, account, ruling }, &panel)
            }
            Input::Expire { round, subject } => self.expire(round, subject),
            Input::Settle { seats } => self.settle(&seats),
            Input::SetAuditor { auditor } => {
                self.only_owner()?;
                self.head.auditor = auditor;
                self.head.trainer_silences = 0;
                Ok(())
            }
            Input::Cancel => {
                self.only_owner()?;
                self.wind_up(Ending::Cancelled)
            }
            Input::Abandon => {
                self.not_before(self.head.progressed.after(self.terms.stall_seconds))?;
                self.wind_up(Ending::Abandoned)
            }
        }
    }

    /// Keeps the hashes of blocks that decide draws. Any input does so: who draws, and when, changes nothing. A hash that
    /// nobody asked for in 256 blocks is gone; that of the newest block a multiple of 256 later takes its place, so that
    /// there is one other draw at most for each 256 blocks in which nobody did anything.
    fn keep_randomness(&mut self) -> Result<(), B::Error> {
        for index in 0..self.head.draws_wanted.len() {
            let wanted = self.head.draws_wanted.get(index).copied().unwrap_or(0);
            if wanted == 0 || self.context.height <= wanted {
                continue;
            }
            let newest = self.context.height.saturating_sub(1);
            let later = newest.saturating_sub(newest.saturating_sub(wanted) % HASHES_KNOWN);
            let hash = match self.book.block_hash(wanted)? {
                Some(hash) => hash,
                None => self.book.block_hash(later)?.unwrap_or(Digest::ZERO),
            };
            self.book.set_randomness(wanted, &hash)?;
            if let Some(slot) = self.head.draws_wanted.get_mut(index) {
                *slot = 0;
            }
        }
        Ok(())
    }

    /// Returns the height of the next block, whose hash will be kept for draws. At most two are wanted at a time: those
    /// of this block, asked for in the last one, and of the next one.
    pub(crate) fn next_draw(&mut self) -> u64 {
        let height = self.context.height.saturating_add(1);
        if !self.head.draws_wanted.contains(&height)
            && let Some(slot) = self.head.draws_wanted.iter_mut().find(|slot| **slot == 0)
        {
            *slot = height;
        }
        height
    }

    pub(crate) fn only_owner(&self) -> Result<(), Refused> {
        if self.context.caller == self.head.owner { Ok(()) } else { Err(Refused::NotOwner) }
    }

    pub(crate) fn not_before(&self, until: UnixSeconds) -> Result<(), Refused> {
        let now = self.context.now;
        if now < until {
            Err(Refused::TooEarly { until: until.as_u64(), now: now.as_u64() })
        } else {
            Ok(())
        }
    }

    pub(crate) fn emit(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Changes a seat.
    pub(crate) fn change_seat(
        &mut self,
        index: SeatIndex,
        change: impl FnOnce(&mut Seat),
    ) -> Result<Seat, B::Error> {
        let mut seat = self.book.seat(index)?;
        change(&mut seat);
        self.book.set_seat(index, &seat)?;
        Ok(seat)
    }

    /// Returns the seat of a device that takes part.
    pub(crate) fn active_seat(&mut self, device: &DeviceId) -> Result<(SeatIndex, Seat), B::Error> {
        let index = self.book.place(device)?.seat.ok_or(Refused::NoSeat(*device))?;
        let seat = self.book.seat(index)?;
        if seat.is_active() { Ok((index, seat)) } else { Err(Refused::NoSeat(*device).into()) }
    }

    /// Pays the caller for bringing the statement of a seat that has a round's pay at stake. The owner's own relays cost the
    /// owner's gas anyway. Without that stake nothing is paid: identities that cost nothing could live on the fees.
    pub(crate) fn pay_relay(&mut self, seat: &Seat, round: u32) -> Result<(), Refused> {
        let (account, amount): (AccountId, Wei) = (self.context.caller, self.terms.relay_fee);
        let is_earned = seat.stake >= self.terms.work_pay(round)?;
        if is_earned && account != self.head.owner && amount > Wei::ZERO {
            self.head.escrow.paid = self.head.escrow.paid.checked_add(amount)?;
            self.emit(Effect::PayRelay { account, amount });
        }
        Ok(())
    }
}
