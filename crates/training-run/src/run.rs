//! A run and the effect of each input.

use std::collections::BTreeMap;

use units::{AccountId, DeviceId, Digest, UnixSeconds, Wei};

use crate::{
    Check, ClosedRound, Commitment, Context, Effect, Entry, HOLD_BACK_ROUNDS_MAX, Input, OpenError,
    Refused, SEATS_MAX, Seat, SeatIndex, Standing, Terms,
};

/// Number of consecutive missed rounds after which a seat is given up.
pub const MISSED_MAX: u8 = 2;

/// Number of rounds that may wait for draws or audits, besides those whose pay is held back anyway.
const WAITING_ROUNDS_MAX: usize = 32;

/// Largest number of closed rounds that a run keeps.
pub const CLOSED_ROUNDS_MAX: usize = HOLD_BACK_ROUNDS_MAX as usize + WAITING_ROUNDS_MAX + 1;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Waiting until enough seats are taken.
    Gathering,
    /// A round accepts commitments.
    Training {
        /// Time after which anyone may close the round if there is a quorum.
        deadline: UnixSeconds,
        /// Commitments by seat.
        commitments: BTreeMap<SeatIndex, Commitment>,
    },
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
    /// Paid for work and verdicts.
    pub paid: Wei,
    /// Refunded to the owner.
    pub refunded: Wei,
}

/// A training run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub(crate) terms: Terms,
    pub(crate) owner: AccountId,
    pub(crate) escrow: Escrow,
    pub(crate) phase: Phase,
    /// The open or closed round; in other phases the next one.
    pub(crate) round: u32,
    pub(crate) state: Digest,
    pub(crate) update: Digest,
    pub(crate) seats: Vec<Seat>,
    pub(crate) closed: BTreeMap<u32, ClosedRound>,
    /// Time of the last progress: an input that can't be repeated without end.
    pub(crate) progressed: UnixSeconds,
}

impl Run {
    /// Opens a run with its escrow.
    ///
    /// # Errors
    /// When the terms are invalid, or `deposit` does not cover their worst case.
    pub fn open(
        terms: Terms,
        owner: AccountId,
        deposit: Wei,
        context: &Context,
    ) -> Result<Self, OpenError> {
        terms.validate()?;
        let required = terms.required_deposit()?;
        if deposit < required {
            return Err(OpenError::BudgetTooSmall { deposit, required });
        }
        let state = terms.initial_state;
        Ok(Self {
            terms,
            owner,
            escrow: Escrow { deposited: deposit, paid: Wei::ZERO, refunded: Wei::ZERO },
            phase: Phase::Gathering,
            round: 0,
            state,
            update: Digest::ZERO,
            seats: Vec::new(),
            closed: BTreeMap::new(),
            progressed: context.now,
        })
    }

    /// Applies one input and returns its effects. On `Err` nothing has changed.
    ///
    /// # Errors
    /// Why the input was refused.
    pub fn step(&mut self, context: &Context, input: Input) -> Result<Vec<Effect>, Refused> {
        let is_progress = self.is_progress(&input);
        let mut next = self.clone();
        let mut effects = Vec::new();
        next.apply(context, input, &mut effects)?;
        next.finish_if_done(&mut effects)?;
        if is_progress {
            next.progressed = context.now.max(next.progressed);
        }
        *self = next;
        Ok(effects)
    }

    /// Returns whether an input keeps a run from being abandoned. Only inputs that can't be repeated without end do:
    /// otherwise a device that comes and goes, or lapses without work, could hold back everybody's pay for ever.
    fn is_progress(&self, input: &Input) -> bool {
        match input {
            Input::Enroll { device, .. } => !self.seats.iter().any(|seat| seat.device == *device),
            Input::Commit { .. }
            | Input::Close { .. }
            | Input::Advance { .. }
            | Input::Draw { .. }
            | Input::Verdict { .. }
            | Input::Redraw { .. } => true,
            Input::Leave { .. } | Input::Lapse { .. } | Input::Cancel | Input::Abandon => false,
        }
    }

    fn apply(
        &mut self,
        context: &Context,
        input: Input,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        if matches!(self.phase, Phase::Finished(_)) {
            return Err(Refused::Over);
        }
        match input {
            Input::Enroll { device, account } => self.enroll(context, device, account, effects),
            Input::Leave { device } => self.leave(context, &device, effects),
            Input::Commit { device, round, commitment } => {
                self.commit(context, device, round, commitment, effects)
            }
            Input::Close { round } => self.close(context, round, effects),
            Input::Lapse { round } => self.lapse(context, round, effects),
            Input::Advance { round, state, update } => {
                self.advance(context, round, state, update, effects)
            }
            Input::Draw { round, randomness } => self.draw(context, round, &randomness, effects),
            Input::Verdict { auditor, round, subject, finding } => {
                self.verdict(context, auditor, (round, subject), &finding, effects)
            }
            Input::Redraw { round, subject } => self.redraw(context, round, &subject, effects),
            Input::Cancel if context.caller != self.owner => Err(Refused::NotOwner),
            Input::Cancel => self.wind_up(context, Ending::Cancelled, effects),
            Input::Abandon => {
                let until = self.progressed.after(self.terms.stall_seconds);
                not_before(until, context.now)?;
                self.wind_up(context, Ending::Abandoned, effects)
            }
        }
    }

    fn enroll(
        &mut self,
        context: &Context,
        device: DeviceId,
        account: AccountId,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let from_round = match self.phase {
            Phase::Gathering => self.round,
            Phase::Training { .. } | Phase::Closed => self.round.saturating_add(1),
            Phase::WindingUp(_) | Phase::Finished(_) => return Err(Refused::Over),
        };
        for seat in
            self.seats.iter().filter(|seat| seat.account == account || seat.device == device)
        {
            if let Standing::Expelled { round, cause } = seat.standing {
                return Err(Refused::Expelled { device, account, round, cause });
            }
        }
        if self.active_count() >= usize::from(self.terms.seats_max) {
            return Err(Refused::Full(self.terms.seats_max));
        }
        let known = self.seats.len();
        match self.seats.iter_mut().find(|seat| seat.device == device) {
            Some(seat) if seat.is_active() => return Err(Refused::SeatTaken(device)),
            Some(seat) => {
                let fresh = Seat::new(device, account, from_round);
                let (tokens_verified, paid) = (seat.tokens_verified, seat.paid);
                *seat = Seat { tokens_verified, paid, ..fresh };
            }
            None if known >= usize::from(SEATS_MAX) => return Err(Refused::Full(SEATS_MAX)),
            None => self.seats.push(Seat::new(device, account, from_round)),
        }
        effects.push(Effect::Enrolled { device, account, from_round });
        self.open_round_if_ready(context, effects);
        Ok(())
    }

    fn leave(
        &mut self,
        context: &Context,
        device: &DeviceId,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let index = self.active_seat(device)?;
        self.give_up_seat(context, index, effects)?;
        self.close_if_all_committed(context, effects);
        Ok(())
    }

    fn commit(
        &mut self,
        context: &Context,
        device: DeviceId,
        round: u32,
        commitment: Commitment,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let index = self.active_seat(&device)?;
        let (open, seats_max) = (self.round, self.terms.seats_max);
        let Phase::Training { commitments, .. } = &mut self.phase else {
            return Err(Refused::WrongRound { given: round, open: None });
        };
        if round != open {
            return Err(Refused::WrongRound { given: round, open: Some(open) });
        }
        if commitments.contains_key(&index) {
            return Err(Refused::CommittedAlready(device));
        }
        if commitments.len() >= usize::from(seats_max) {
            return Err(Refused::Full(seats_max));
        }
        let seat = self.seats.get(usize::from(index)).ok_or(Refused::NoSeat(device))?;
        if seat.from_round > round {
            return Err(Refused::TooEarlyForSeat { device, from_round: seat.from_round });
        }
        commitments.insert(index, commitment);
        effects.push(Effect::Committed { device, round, commitment });
        self.close_if_all_committed(context, effects);
        Ok(())
    }

    fn close(
        &mut self,
        context: &Context,
        round: u32,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let (deadline, committed) = self.open_round(round)?;
        if context.caller != self.owner {
            not_before(deadline, context.now)?;
        }
        let quorum = self.quorum_count();
        if committed < quorum {
            return Err(Refused::NoQuorum { committed, quorum });
        }
        self.count_missed(context, effects)?;
        self.close_round(context, effects);
        Ok(())
    }

    fn lapse(
        &mut self,
        context: &Context,
        round: u32,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let (deadline, committed) = self.open_round(round)?;
        not_before(deadline, context.now)?;
        if committed >= self.quorum_count() {
            return Err(Refused::QuorumReached);
        }
        self.count_missed(context, effects)?;
        let later = context.now.after(self.terms.round_seconds);
        if let Phase::Training { deadline, .. } = &mut self.phase {
            *deadline = later;
        }
        self.close_if_all_committed(context, effects);
        Ok(())
    }

    fn advance(
        &mut self,
        context: &Context,
        round: u32,
        state: Digest,
        update: Digest,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        if context.caller != self.owner {
            return Err(Refused::NotOwner);
        }
        if self.phase != Phase::Closed || round != self.round {
            let open = (self.phase == Phase::Closed).then_some(self.round);
            return Err(Refused::WrongRound { given: round, open });
        }
        (self.state, self.update) = (state, update);
        self.round = round.saturating_add(1);
        effects.push(Effect::Advanced { round, state, update });
        if let Some(last) = round.checked_sub(u32::from(self.terms.hold_back_rounds)) {
            self.release(last, effects)?;
        }
        // After the release, because rounds that were settled late would block the run for ever.
        let waiting = self.closed.len().saturating_sub(usize::from(self.terms.hold_back_rounds));
        if waiting > WAITING_ROUNDS_MAX {
            return Err(Refused::TooManyOpenRounds(u32::try_from(waiting).unwrap_or(u32::MAX)));
        }
        if self.round == self.terms.rounds {
            self.phase = Phase::WindingUp(Ending::Completed);
        } else {
            self.phase = Phase::Gathering;
            self.open_round_if_ready(context, effects);
        }
        Ok(())
    }

    fn wind_up(
        &mut self,
        context: &Context,
        ending: Ending,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        match &self.phase {
            Phase::Training { commitments, .. } if !commitments.is_empty() => {
                self.close_round(context, effects)
            }
            Phase::Gathering | Phase::Closed | Phase::Training { .. } => {}
            Phase::WindingUp(_) | Phase::Finished(_) => return Err(Refused::Over),
        }
        self.phase = Phase::WindingUp(ending);
        effects.push(Effect::Cancelled);
        Ok(())
    }

    fn open_round_if_ready(&mut self, context: &Context, effects: &mut Vec<Effect>) {
        let needed = if self.round == 0 { usize::from(self.terms.seats_min) } else { 1 };
        if self.phase == Phase::Gathering && self.active_count() >= needed {
            let deadline = context.now.after(self.terms.round_seconds);
            self.phase = Phase::Training { deadline, commitments: BTreeMap::new() };
            // Seats that waited for this round take part in it, also when it opens again.
            for seat in &mut self.seats {
                seat.from_round = seat.from_round.min(self.round);
            }
            effects.push(Effect::RoundOpened { round: self.round, base: self.state, deadline });
        }
    }

    /// Closes the round when no active seat is left that could commit; without active seats the run gathers again.
    pub(crate) fn close_if_all_committed(&mut self, context: &Context, effects: &mut Vec<Effect>) {
        let Phase::Training { commitments, .. } = &self.phase else { return };
        let is_awaited = |(index, seat): (SeatIndex, &Seat)| {
            self.takes_part(seat) && !commitments.contains_key(&index)
        };
        if indexed(&self.seats).any(is_awaited) {
            return;
        }
        if commitments.is_empty() {
            self.phase = Phase::Gathering;
            self.open_round_if_ready(context, effects);
        } else {
            self.close_round(context, effects);
        }
    }

    fn close_round(&mut self, context: &Context, effects: &mut Vec<Effect>) {
        let Phase::Training { commitments, .. } = std::mem::replace(&mut self.phase, Phase::Closed)
        else {
            return;
        };
        for index in commitments.keys() {
            if let Some(seat) = self.seats.get_mut(usize::from(*index)) {
                seat.missed = 0;
            }
        }
        let closed = ClosedRound {
            base: self.state,
            height: context.height,
            drawn: false,
            committed: commitments.keys().copied().collect(),
            entries: commitments
                .iter()
                .map(|(index, commitment)| {
                    (*index, Entry { commitment: *commitment, check: Check::None })
                })
                .collect(),
            verdicts: Vec::new(),
        };
        let commitments = u32::try_from(closed.committed.len()).unwrap_or(u32::MAX);
        effects.push(Effect::RoundClosed { round: self.round, commitments });
        self.closed.insert(self.round, closed);
    }

    /// Counts a missed round for active seats without a commitment, and gives up those that missed too many.
    fn count_missed(
        &mut self,
        context: &Context,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let Phase::Training { commitments, .. } = &self.phase else { return Ok(()) };
        let silent: Vec<SeatIndex> = indexed(&self.seats)
            .filter(|(index, seat)| self.takes_part(seat) && !commitments.contains_key(index))
            .map(|(index, _)| index)
            .collect();
        for index in silent {
            // An earlier seat of this loop may have taken this one along: when it was its only possible auditor.
            let Some(seat) = self.seats.get_mut(usize::from(index)).filter(|seat| seat.is_active())
            else {
                continue;
            };
            seat.missed = seat.missed.saturating_add(1);
            if seat.missed >= MISSED_MAX {
                self.give_up_seat(context, index, effects)?;
            }
        }
        Ok(())
    }

    pub(crate) fn takes_part(&self, seat: &Seat) -> bool {
        seat.is_active() && seat.from_round <= self.round
    }

    pub(crate) fn active_seat(&self, device: &DeviceId) -> Result<SeatIndex, Refused> {
        let found =
            indexed(&self.seats).find(|(_, seat)| seat.device == *device && seat.is_active());
        found.map(|(index, _)| index).ok_or(Refused::NoSeat(*device))
    }

    fn active_count(&self) -> usize {
        self.seats.iter().filter(|seat| seat.is_active()).count()
    }

    fn open_round(&self, round: u32) -> Result<(UnixSeconds, u32), Refused> {
        match &self.phase {
            Phase::Training { deadline, commitments } if round == self.round => {
                Ok((*deadline, u32::try_from(commitments.len()).unwrap_or(u32::MAX)))
            }
            Phase::Training { .. } => {
                Err(Refused::WrongRound { given: round, open: Some(self.round) })
            }
            Phase::Gathering | Phase::Closed | Phase::WindingUp(_) | Phase::Finished(_) => {
                Err(Refused::WrongRound { given: round, open: None })
            }
        }
    }

    /// Returns the number of commitments needed to close the open round before everybody has committed: the quorum
    /// share of the active seats, rounded up, at least one.
    #[must_use]
    pub fn quorum_count(&self) -> u32 {
        let taking_part = self.seats.iter().filter(|seat| self.takes_part(seat)).count();
        let product = u32::try_from(taking_part)
            .unwrap_or(u32::MAX)
            .saturating_mul(u32::from(self.terms.quorum.as_u16()));
        product.div_ceil(10_000).max(1)
    }
}

/// Returns seats with their indices, which fit because there are at most [`SEATS_MAX`].
pub(crate) fn indexed(seats: &[Seat]) -> impl Iterator<Item = (SeatIndex, &Seat)> {
    (0..=SeatIndex::MAX).zip(seats)
}

pub(crate) fn not_before(until: UnixSeconds, now: UnixSeconds) -> Result<(), Refused> {
    if now < until {
        Err(Refused::TooEarly { until: until.as_u64(), now: now.as_u64() })
    } else {
        Ok(())
    }
}
