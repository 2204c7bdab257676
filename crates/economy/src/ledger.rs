//! A run on a ledger: blocks with random hashes, and what became of each device.

use std::collections::{BTreeMap, BTreeSet};

use training_run::{
    Book as _, Commitment, Context, Effect, Input, MemoryBook, PayKind, Phase, SeatIndex, Terms,
};
use units::{AccountId, DeviceId, Digest, UnixSeconds, Wei};

use crate::coin::Coin;

pub(crate) const OWNER: AccountId = AccountId::from_bytes([0xff; 20]);
pub(crate) const ANYONE: AccountId = AccountId::from_bytes([0xee; 20]);
pub(crate) const TRAINER: DeviceId = DeviceId::from_bytes([0xff; 32]);

/// What a device did, and what it got.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) committed: u32,
    pub(crate) verified: u32,
    pub(crate) credited: u128,
    pub(crate) paid: u128,
    pub(crate) is_expelled: bool,
    pub(crate) has_left: bool,
}

/// An audit that was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Audit {
    pub(crate) round: u32,
    pub(crate) subject: DeviceId,
    pub(crate) auditor: DeviceId,
}

#[derive(Debug)]
pub(crate) struct Ledger {
    book: MemoryBook,
    now: u64,
    height: u64,
    hashes: Coin,
    seats: BTreeMap<DeviceId, SeatIndex>,
    nonces: BTreeMap<DeviceId, u64>,
    tallies: BTreeMap<DeviceId, Tally>,
    undrawn: BTreeSet<u32>,
    /// Audits that were drawn and not answered.
    pub(crate) audits: Vec<Audit>,
    /// Disputes before the referee.
    pub(crate) disputes: Vec<(u32, DeviceId)>,
    /// What accounts got back for bonds, less what they gave.
    pub(crate) bonds: f64,
    /// Tokens of all commitments.
    pub(crate) worked: u64,
    /// Tokens of all replays by auditors, and of those by the owner's device.
    pub(crate) replayed: u64,
    pub(crate) replayed_by_owner: u64,
}

impl Ledger {
    pub(crate) fn open(terms: Terms, hashes: Coin) -> Self {
        let context = Context { now: UnixSeconds::new(1), height: 1, caller: OWNER };
        let deposit = terms.required_deposit().expect("the terms are small");
        let book = MemoryBook::open(terms, TRAINER, deposit, &context)
            .expect("the terms are valid and covered");
        Self {
            book,
            now: 1,
            height: 1,
            hashes,
            seats: BTreeMap::new(),
            nonces: BTreeMap::new(),
            tallies: BTreeMap::new(),
            undrawn: BTreeSet::new(),
            audits: Vec::new(),
            disputes: Vec::new(),
            bonds: 0.0,
            worked: 0,
            replayed: 0,
            replayed_by_owner: 0,
        }
    }

    /// Makes a block, whose hash nobody could know before.
    pub(crate) fn next_block(&mut self) {
        self.book.set_block_hash(self.height, self.hashes.digest());
        self.height += 1;
        self.now += 1;
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        self.now += seconds;
        self.next_block();
    }

    pub(crate) fn round(&self) -> u32 {
        self.book.state().round
    }

    pub(crate) fn phase(&self) -> Phase {
        self.book.state().phase
    }

    pub(crate) fn tally(&self, device: &DeviceId) -> Tally {
        self.tallies.get(device).copied().unwrap_or_default()
    }

    /// Returns the work of the run in tokens: that of all commitments.
    pub(crate) fn terms(&self) -> &Terms {
        self.book.terms()
    }

    /// Returns the stake of a device in rounds' pay.
    pub(crate) fn pay_of(&self, amount: u128) -> f64 {
        let round = self.book.terms().rounds - 1;
        let pay = self.book.terms().work_pay(round).map_or(1, Wei::as_u128);
        ratio(amount, pay)
    }

    pub(crate) fn is_active(&self, device: &DeviceId) -> bool {
        let seat =
            self.seats.get(device).and_then(|seat| self.book.seats().get(usize::from(*seat)));
        seat.is_some_and(|seat| seat.device == *device && seat.is_active())
    }

    /// Returns a commitment of a kept round.
    pub(crate) fn commitment(&mut self, round: u32, device: &DeviceId) -> Commitment {
        let seat = self.seats.get(device).copied().unwrap_or_default();
        self.book.commitment(round, seat).unwrap_or_default()
    }

    pub(crate) fn enroll(&mut self, device: DeviceId, account: AccountId) -> bool {
        let nonce = self.take_nonce(device);
        self.give(ANYONE, Input::Enroll { device, account, nonce })
    }

    pub(crate) fn leave(&mut self, device: DeviceId) -> bool {
        let nonce = self.take_nonce(device);
        let has_left = self.give(ANYONE, Input::Leave { device, nonce });
        if !has_left {
            self.nonces.insert(device, nonce - 1);
        }
        has_left
    }

    fn take_nonce(&mut self, device: DeviceId) -> u64 {
        let nonce = self.nonces.entry(device).or_default();
        *nonce += 1;
        *nonce
    }

    /// Applies an input. Returns whether the rules accept it.
    pub(crate) fn give(&mut self, caller: AccountId, input: Input) -> bool {
        let context = Context { now: UnixSeconds::new(self.now), height: self.height, caller };
        if let Input::Dispute { bond, .. } = &input {
            self.bonds -= self.pay_of(bond.as_u128());
        }
        let is_dispute = matches!(input, Input::Dispute { .. });
        match self.book.step(&context, input.clone()) {
            Ok(effects) => {
                effects.iter().for_each(|effect| self.note(effect));
                true
            }
            Err(_) => {
                if let (true, Input::Dispute { bond, .. }) = (is_dispute, &input) {
                    self.bonds += self.pay_of(bond.as_u128());
                }
                false
            }
        }
    }

    fn note(&mut self, effect: &Effect) {
        match effect {
            Effect::Pay { device, amount, .. } => self.change(device).paid += amount.as_u128(),
            Effect::ReturnBond { amount, .. } => self.bonds += self.pay_of(amount.as_u128()),
            Effect::Verified { device, amount, kind, .. } => {
                let tally = self.change(device);
                tally.credited += amount.as_u128();
                tally.verified += u32::from(*kind == PayKind::Work);
            }
            Effect::Enrolled { device, seat, .. } => {
                self.seats.insert(*device, *seat);
                self.change(device).has_left = false;
            }
            Effect::Left { device } => self.change(device).has_left = true,
            Effect::Committed { device, round, .. } => {
                self.worked += self.book.terms().tokens(*round);
                self.change(device).committed += 1;
            }
            Effect::RoundClosed { round, .. } => {
                self.undrawn.insert(*round);
            }
            Effect::Drawn { round, subject, auditor } => {
                let (round, subject, auditor) = (*round, *subject, *auditor);
                self.audits.retain(|audit| (audit.round, audit.subject) != (round, subject));
                self.audits.push(Audit { round, subject, auditor });
            }
            Effect::AuditPassed { round, auditor, .. } => {
                let tokens = self.book.terms().tokens(*round);
                self.replayed += tokens;
                self.replayed_by_owner += if *auditor == TRAINER { tokens } else { 0 };
            }
            Effect::Disputed { round, subject, .. } => self.disputes.push((*round, *subject)),
            Effect::Expelled { device, .. } => self.change(device).is_expelled = true,
            Effect::PayRelay { .. }
            | Effect::PayReferee { .. }
            | Effect::Refund { .. }
            | Effect::RoundOpened { .. }
            | Effect::Advanced { .. }
            | Effect::RoundDrawn { .. }
            | Effect::Silent { .. }
            | Effect::Voted { .. }
            | Effect::Upheld { .. }
            | Effect::Cancelled
            | Effect::Finished { .. } => {}
        }
    }

    fn change(&mut self, device: &DeviceId) -> &mut Tally {
        self.tallies.entry(*device).or_default()
    }

    /// Draws whatever is due in the closed rounds.
    pub(crate) fn draw_all(&mut self) {
        for round in self.undrawn.clone() {
            self.give(ANYONE, Input::Draw { round });
            let record = self.book.round(round).unwrap_or_default();
            if record.number != round || record.unsettled == 0 {
                self.undrawn.remove(&round);
            }
        }
    }

    pub(crate) fn settle_all(&mut self) {
        let seats = (0..self.book.state().seats).collect();
        self.give(OWNER, Input::Settle { seats });
    }

    /// Publishes a new state of the closed round.
    pub(crate) fn advance(&mut self) {
        let round = self.round();
        let (state, update) = (Digest::of(&round.to_le_bytes()), Digest::of(b"update"));
        self.give(OWNER, Input::Advance { round, state, update });
    }
}

#[expect(clippy::cast_precision_loss, reason = "amounts in these runs are below 2^53")]
fn ratio(amount: u128, whole: u128) -> f64 {
    amount as f64 / whole as f64
}
