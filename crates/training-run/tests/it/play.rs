//! A run with devices whose honest work is known, and a referee that rules truly.

use std::collections::{BTreeMap, BTreeSet};

use training_run::{
    Auditor, Check, Commitment, Context, Effect, Entry, Finding, Input, MemoryBook, Panel, PayKind,
    Phase, Refused, Ruling, Seat, SeatIndex, Terms, invariants,
};
use units::{AccountId, Bps, DeviceId, Digest, UnixSeconds, Wei};

pub(crate) const OWNER: AccountId = AccountId::from_bytes([0xff; 20]);
pub(crate) const STRANGER: AccountId = AccountId::from_bytes([0xee; 20]);
pub(crate) const TRAINER: DeviceId = DeviceId::from_bytes([0xff; 32]);

/// The only referee, unless a test names others.
pub(crate) const REFEREE: DeviceId = DeviceId::from_bytes([0xdd; 32]);

/// Returns the panel of [`REFEREE`] alone.
pub(crate) fn solo() -> Panel {
    Panel { members: vec![REFEREE], threshold: 1 }
}

/// Returns the key of one of three referees.
pub(crate) fn referee(number: u8) -> DeviceId {
    DeviceId::from_bytes([0xd0 | number; 32])
}

/// Returns the panel of three referees, `threshold` of whom must agree.
pub(crate) fn panel(threshold: u16) -> Panel {
    Panel { members: (1..=3).map(referee).collect(), threshold }
}

/// Returns the vote of [`REFEREE`].
pub(crate) fn ruling(round: u32, subject: DeviceId, ruling: Ruling) -> Input {
    Input::Rule { round, subject, referee: REFEREE, ruling, panel: solo() }
}

/// Returns the ruling of whoever has replayed a round.
pub(crate) fn true_ruling(round: u32, subject: DeviceId) -> Ruling {
    let Commitment { seal, update } = commitment(subject, round, 0);
    Ruling::Replayed { seal, update }
}

/// Pay for an ordinary round under [`terms`].
pub(crate) const PAY: u128 = 1_000;

pub(crate) fn device(number: u8) -> DeviceId {
    DeviceId::from_bytes([number; 32])
}

pub(crate) fn account(number: u8) -> AccountId {
    AccountId::from_bytes([number; 20])
}

/// Returns the root of a device's work in a round; `made_up` 0 is that of the true work.
pub(crate) fn root(device: DeviceId, round: u32, made_up: u8) -> Digest {
    Digest::of(&[device.as_bytes().as_slice(), &round.to_le_bytes(), &[made_up]].concat())
}

/// Returns the commitment to that work.
pub(crate) fn commitment(device: DeviceId, round: u32, made_up: u8) -> Commitment {
    let root = root(device, round, made_up);
    Commitment { seal: units::seal(&device, &root), update: Digest::of(root.as_bytes()) }
}

pub(crate) fn terms() -> Terms {
    Terms {
        rounds: 40,
        warmup_rounds: 0,
        tokens_per_round: 100,
        warmup_tokens_per_round: 100,
        price_per_token: Wei::new(10),
        audit_rate: Bps::new(1_000).unwrap(),
        audit_pay: Bps::WHOLE,
        quorum: Bps::new(5_000).unwrap(),
        seats_min: 2,
        seats_max: 8,
        round_seconds: 60,
        audit_seconds: 30,
        stall_seconds: 1_000,
        relay_fee: Wei::ZERO,
        spec: Digest::of(b"spec"),
        corpus: Digest::of(b"corpus"),
        initial_state: Digest::of(b"state"),
    }
}

/// A run, the block it is at, and what was paid to whom.
#[derive(Clone, Debug)]
pub(crate) struct Play {
    pub(crate) book: MemoryBook,
    pub(crate) now: u64,
    pub(crate) height: u64,
    /// Every effect so far.
    pub(crate) log: Vec<Effect>,
    nonces: BTreeMap<DeviceId, u64>,
    bonds: BTreeMap<(u32, DeviceId), u128>,
    moved: u128,
}

impl Play {
    pub(crate) fn new(terms: Terms) -> Self {
        let context = Context { now: UnixSeconds::new(1), height: 1, caller: OWNER };
        let deposit = terms.required_deposit().unwrap();
        let book = MemoryBook::open(terms, TRAINER, deposit, &context).unwrap();
        let (log, nonces) = (Vec::new(), BTreeMap::new());
        Self { book, now: 1, height: 1, log, nonces, bonds: BTreeMap::new(), moved: 0 }
    }

    /// Returns a run in which devices 1 to `count` have seats.
    pub(crate) fn with_seats(terms: Terms, count: u8) -> Self {
        let mut play = Self::new(Terms { seats_min: count.into(), ..terms });
        for number in 1..=count {
            play.enroll(number).unwrap();
        }
        play
    }

    /// Applies one input in the next block, and checks what holds always.
    pub(crate) fn by(&mut self, caller: AccountId, input: Input) -> Result<Vec<Effect>, Refused> {
        self.height += 1;
        self.now += 1;
        self.in_this_block(caller, input)
    }

    /// Applies one input in the same block as the last one.
    pub(crate) fn in_this_block(
        &mut self,
        caller: AccountId,
        input: Input,
    ) -> Result<Vec<Effect>, Refused> {
        let context = Context { now: UnixSeconds::new(self.now), height: self.height, caller };
        let before = self.book.clone();
        let result = self.book.step(&context, input.clone());
        match &result {
            Ok(effects) => {
                if let Input::Dispute { round, subject, bond } = &input {
                    self.bonds.insert((*round, *subject), bond.as_u128());
                }
                self.note(&input, effects);
            }
            Err(_) => assert_eq!(before, self.book, "a refused input changes nothing: {input:?}"),
        }
        if let Err(broken) = invariants(&self.book) {
            panic!("{broken}, after {input:?}");
        }
        let escrow = self.book.state().escrow;
        let spent = escrow.paid.checked_add(escrow.refunded).unwrap();
        assert_eq!(self.moved, spent.as_u128(), "what effects move is what the escrow books");
        result
    }

    fn note(&mut self, input: &Input, effects: &[Effect]) {
        if let Input::Enroll { device, nonce, .. } | Input::Leave { device, nonce } = input {
            self.nonces.insert(*device, *nonce);
        }
        let mut forfeited = 0;
        for effect in effects {
            match effect {
                Effect::Pay { amount, .. }
                | Effect::PayRelay { amount, .. }
                | Effect::Refund { amount, .. } => self.moved += amount.as_u128(),
                Effect::ReturnBond { amount, .. } => {
                    // What exceeds the bond is a bounty out of the escrow.
                    let bond = self.take_bond(input);
                    self.moved += amount.as_u128().checked_sub(bond).unwrap();
                }
                Effect::PayReferee { amount, .. } => forfeited += amount.as_u128(),
                _ => {}
            }
        }
        if forfeited > 0 {
            assert_eq!(self.take_bond(input), forfeited);
        }
        self.log.extend(effects.iter().cloned());
    }

    fn take_bond(&mut self, input: &Input) -> u128 {
        let (Input::Rule { round, subject, .. } | Input::Expire { round, subject }) = input else {
            panic!("only a ruling moves a bond: {input:?}")
        };
        self.bonds.remove(&(*round, *subject)).unwrap()
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        self.now += seconds;
        self.height += 1 + seconds / 2;
    }

    pub(crate) fn nonce(&self, device: DeviceId) -> u64 {
        self.nonces.get(&device).copied().unwrap_or(0) + 1
    }

    pub(crate) fn enroll(&mut self, number: u8) -> Result<Vec<Effect>, Refused> {
        self.enroll_for(number, account(number))
    }

    pub(crate) fn enroll_for(
        &mut self,
        number: u8,
        account: AccountId,
    ) -> Result<Vec<Effect>, Refused> {
        let device = device(number);
        let nonce = self.nonce(device);
        self.by(STRANGER, Input::Enroll { device, account, nonce })
    }

    pub(crate) fn leave(&mut self, number: u8) -> Result<Vec<Effect>, Refused> {
        let device = device(number);
        let nonce = self.nonce(device);
        self.by(STRANGER, Input::Leave { device, nonce })
    }

    /// Commits true work, or made-up work if `made_up` is not 0, in the open round.
    pub(crate) fn commit(&mut self, number: u8, made_up: u8) -> Result<Vec<Effect>, Refused> {
        let (device, round) = (device(number), self.book.state().round);
        let commitment = commitment(device, round, made_up);
        self.by(STRANGER, Input::Commit { device, round, commitment })
    }

    /// Publishes the next state of the closed round.
    pub(crate) fn advance(&mut self) -> Result<Vec<Effect>, Refused> {
        let round = self.book.state().round;
        let (state, update) = (Digest::of(&round.to_le_bytes()), Digest::of(b"update"));
        self.by(OWNER, Input::Advance { round, state, update })
    }

    pub(crate) fn draw(&mut self, round: u32) -> Result<Vec<Effect>, Refused> {
        self.height += 1;
        self.by(STRANGER, Input::Draw { round })
    }

    pub(crate) fn verdict(
        &mut self,
        auditor: DeviceId,
        round: u32,
        subject: u8,
        finding: Finding,
    ) -> Result<Vec<Effect>, Refused> {
        let subject = device(subject);
        self.by(STRANGER, Input::Verdict { auditor, round, subject, finding })
    }

    /// Returns the finding of an honest auditor.
    pub(crate) fn truth(&self, round: u32, subject: DeviceId) -> Finding {
        let (_, entry) = self.entry(round, subject).unwrap();
        if entry == commitment(subject, round, 0) {
            Finding::Passed { seal: entry.seal }
        } else {
            Finding::Mismatch
        }
    }

    /// The referee replays and rules.
    pub(crate) fn rule(&mut self, round: u32, subject: DeviceId) -> Result<Vec<Effect>, Refused> {
        self.by(STRANGER, ruling(round, subject, true_ruling(round, subject)))
    }

    /// Lets the open audits and disputes be decided truly, in all kept rounds, until nothing is left to decide.
    pub(crate) fn decide_all(&mut self) {
        for _ in 0..200 {
            let rounds: Vec<u32> = self.book.rounds().iter().map(|round| round.number).collect();
            for round in rounds {
                let _ = self.draw(round).map_err(|refused| {
                    assert!(
                        matches!(refused, Refused::NothingToDraw(_) | Refused::TooEarly { .. }),
                        "{refused}"
                    );
                });
            }
            let audits = self.audits();
            for (round, subject, auditor) in audits {
                let finding = self.truth(round, subject);
                let input = Input::Verdict { auditor, round, subject, finding };
                if self.by(STRANGER, input).is_err() {
                    self.wait(31);
                }
            }
            for (round, subject) in self.disputes() {
                self.rule(round, subject).unwrap();
            }
            if !matches!(self.book.state().phase, Phase::Finished(_)) {
                let seats = (0..self.book.state().seats).collect();
                self.by(STRANGER, Input::Settle { seats }).unwrap();
            }
            let open = matches!(self.book.state().phase, Phase::Training);
            let undecided = self.book.state().unsettled
                - u32::from(if open { self.book.state().committed } else { 0 });
            if undecided == 0 && self.book.state().disputes == 0 {
                return;
            }
        }
        panic!("there is always something left to decide: {:?}", self.book.state());
    }

    /// Plays a round: everybody of `honest` does true work, those of `cheats` make theirs up; all is decided truly.
    pub(crate) fn round(&mut self, honest: &[u8], cheats: &[u8]) {
        for number in honest {
            self.commit(*number, 0).unwrap();
        }
        for number in cheats {
            self.commit(*number, 1).unwrap();
        }
        let round = self.book.state().round;
        if self.book.state().phase == Phase::Training {
            self.by(OWNER, Input::Close { round }).unwrap();
        }
        self.advance().unwrap();
        self.decide_all();
    }

    /// Returns the open audits: round, subject and auditor.
    pub(crate) fn audits(&self) -> Vec<(u32, DeviceId, DeviceId)> {
        let mut audits = Vec::new();
        for round in self.book.rounds() {
            for (seat, entry, _) in self.book.entries(round.number) {
                if let Check::Audit { auditor, .. } = entry.check {
                    let auditor = match auditor {
                        Auditor::Trainer => self.book.state().auditor,
                        Auditor::Seat(index) => self.seat_at(index).device,
                    };
                    audits.push((round.number, self.seat_at(seat).device, auditor));
                }
            }
        }
        audits
    }

    /// Returns the open disputes: round and subject.
    pub(crate) fn disputes(&self) -> Vec<(u32, DeviceId)> {
        let disputes = self.book.disputes().keys();
        disputes.map(|(round, seat)| (*round, self.seat_at(*seat).device)).collect()
    }

    /// Returns the commitment of an open dispute.
    pub(crate) fn disputed(&self, round: u32, subject: DeviceId) -> Commitment {
        let mut disputes = self.book.disputes().iter();
        let is_it = |seat: SeatIndex| self.seat_at(seat).device == subject;
        let open = disputes.find(|((of, seat), _)| *of == round && is_it(*seat));
        open.map(|(_, dispute)| dispute.commitment).unwrap()
    }

    pub(crate) fn seat_at(&self, index: SeatIndex) -> &Seat {
        &self.book.seats()[usize::from(index)]
    }

    /// Returns the last seat of a device.
    pub(crate) fn seat(&self, number: u8) -> &Seat {
        self.book.seats().iter().rev().find(|seat| seat.device == device(number)).unwrap()
    }

    pub(crate) fn entry(&self, round: u32, subject: DeviceId) -> Option<(Entry, Commitment)> {
        let mut entries = self.book.entries(round);
        entries
            .find(|(seat, _, _)| self.seat_at(*seat).device == subject)
            .map(|(_, entry, commitment)| (*entry, *commitment))
    }

    pub(crate) fn check(&self, round: u32, number: u8) -> Check {
        self.entry(round, device(number)).unwrap().0.check
    }

    /// Returns what was paid out to a device.
    pub(crate) fn paid(&self, number: u8) -> u128 {
        let paid = self.log.iter().filter_map(|effect| match effect {
            Effect::Pay { device: of, amount, .. } if *of == device(number) => {
                Some(amount.as_u128())
            }
            _ => None,
        });
        paid.sum()
    }

    /// Returns the rounds of a device that counted as verified.
    pub(crate) fn verified(&self, number: u8) -> BTreeSet<u32> {
        let rounds = self.log.iter().filter_map(|effect| match effect {
            Effect::Verified { device: of, round, kind: PayKind::Work, .. }
                if *of == device(number) =>
            {
                Some(*round)
            }
            _ => None,
        });
        rounds.collect()
    }

    /// Returns everything that a device was credited with.
    pub(crate) fn credited(&self, number: u8) -> u128 {
        let amounts = self.log.iter().filter_map(|effect| match effect {
            Effect::Verified { device: of, amount, .. } if *of == device(number) => {
                Some(amount.as_u128())
            }
            _ => None,
        });
        amounts.sum()
    }

    /// Returns the rounds that a device committed in.
    pub(crate) fn committed(&self, number: u8) -> BTreeSet<u32> {
        let rounds = self.log.iter().filter_map(|effect| match effect {
            Effect::Committed { device: of, round, .. } if *of == device(number) => Some(*round),
            _ => None,
        });
        rounds.collect()
    }

    pub(crate) fn is_expelled(&self, number: u8) -> bool {
        self.log.iter().any(
            |effect| matches!(effect, Effect::Expelled { device: of, .. } if *of == device(number)),
        )
    }

    /// Ends the run whatever it is at, with a true referee, and checks that everything is paid.
    pub(crate) fn finish(&mut self) {
        if !self.book.state().is_ending() {
            self.wait(2_000);
            self.by(STRANGER, Input::Abandon).unwrap();
        }
        for _ in 0..4 {
            if matches!(self.book.state().phase, Phase::Finished(_)) {
                break;
            }
            self.decide_all();
            self.wait(100);
        }
        let seats = (0..self.book.state().seats).collect();
        let _ = self.by(STRANGER, Input::Settle { seats });
        let head = self.book.state();
        assert!(matches!(head.phase, Phase::Finished(_)), "every run ends: {head:?}");
        let spent = head.escrow.paid.checked_add(head.escrow.refunded).unwrap();
        assert_eq!(spent, head.escrow.deposited, "deposited = paid + refunded");
        assert_eq!(self.bonds.len(), 0, "every bond is given back or paid to the referee");
    }
}
