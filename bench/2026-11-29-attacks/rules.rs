//! The attacks of the review on the rules of commit 6f1cecb, before audits by stake and the referee. Every test passes when
//! its attack succeeds. `run.sh` copies this file into `crates/training-run/tests` of that commit.
//!
//! The seal is a real hash of the device's name and the root, so an auditor can open a seal only with a root that it was told
//! or computed.

use std::collections::BTreeMap;

use training_run::{
    Check, Commitment, Context, Effect, Finding, Input, PayKind, Phase, Refused, Run, Terms,
};
use units::{AccountId, Bps, DeviceId, Digest, UnixSeconds, Wei};

const OWNER: AccountId = AccountId::from_bytes([0xff; 20]);
const STRANGER: AccountId = AccountId::from_bytes([0xee; 20]);

/// Pay for a round.
const PAY: u128 = 1_000;

fn device(number: u16) -> DeviceId {
    DeviceId::from_bytes(*Digest::of(&number.to_le_bytes()).as_bytes())
}

fn account(number: u16) -> AccountId {
    let mut bytes = [0; 20];
    bytes[..2].copy_from_slice(&number.to_le_bytes());
    AccountId::from_bytes(bytes)
}

/// Returns the root of a device's work in a round; `made_up` 0 is that of the true work.
fn root(device: DeviceId, round: u32, made_up: u8) -> Digest {
    Digest::of(&[device.as_bytes().as_slice(), &round.to_le_bytes(), &[made_up]].concat())
}

fn terms() -> Terms {
    Terms {
        rounds: 1_000,
        warmup_rounds: 0,
        tokens_per_round: 100,
        warmup_tokens_per_round: 100,
        price_per_token: Wei::new(10),
        audit_rate: Bps::new(1_000).unwrap(),
        audit_pay: Bps::WHOLE,
        quorum: Bps::new(6_000).unwrap(),
        seats_min: 2,
        seats_max: 32,
        round_seconds: 60,
        audit_seconds: 30,
        stall_seconds: 1_000,
        hold_back_rounds: 9,
        spec: Digest::of(b"spec"),
        corpus: Digest::of(b"corpus"),
        initial_state: Digest::of(b"state"),
    }
}

/// A run, its clock, and every effect so far.
struct Play {
    run: Run,
    context: Context,
    log: Vec<Effect>,
}

/// An open audit.
#[derive(Clone, Copy)]
struct Open {
    round: u32,
    subject: DeviceId,
    auditor: DeviceId,
}

impl Play {
    /// Returns a run in which devices 1 to `count` have seats, each for its own account.
    fn new(terms: Terms, count: u16) -> Self {
        let terms = Terms { seats_min: count, ..terms };
        let mut play = Self::open(terms);
        for number in 1..=count {
            play.enroll(number).unwrap();
        }
        play
    }

    fn open(terms: Terms) -> Self {
        let context = Context {
            now: UnixSeconds::new(1_000),
            height: 10,
            caller: OWNER,
            randomness: Digest::of(b"block"),
        };
        let deposit = terms.required_deposit().unwrap();
        let run = Run::open(terms, OWNER, deposit, &context).unwrap();
        Self { run, context, log: Vec::new() }
    }

    /// Applies one input in the next block.
    fn by(&mut self, caller: AccountId, input: Input) -> Result<Vec<Effect>, Refused> {
        self.context.height += 1;
        self.context.now = self.context.now.after(1);
        self.context.caller = caller;
        self.context.randomness = Digest::of(self.context.randomness.as_bytes());
        let effects = self.run.step(&self.context, input)?;
        self.run.invariants().unwrap();
        self.log.extend(effects.iter().cloned());
        Ok(effects)
    }

    fn wait(&mut self, seconds: u32) {
        self.context.now = self.context.now.after(seconds);
    }

    fn enroll(&mut self, number: u16) -> Result<Vec<Effect>, Refused> {
        let input = Input::Enroll { device: device(number), account: account(number) };
        self.by(STRANGER, input)
    }

    fn commit(&mut self, number: u16, made_up: u8) -> Result<Vec<Effect>, Refused> {
        let (device, round) = (device(number), self.run.round());
        let root = root(device, round, made_up);
        let commitment = Commitment {
            seal: units::seal(&device, &root),
            update: Digest::of(root.as_bytes()),
            memory_before: Digest::ZERO,
            memory_after: Digest::of(b"memory"),
        };
        self.by(STRANGER, Input::Commit { device, round, commitment })
    }

    fn advance(&mut self) {
        let round = self.run.round();
        let (state, update) = (Digest::of(&round.to_le_bytes()), Digest::of(b"update"));
        self.by(OWNER, Input::Advance { round, state, update }).unwrap();
    }

    fn draw(&mut self, round: u32) {
        self.context.height += 2;
        let randomness = Digest::of(&[b"draw".as_slice(), &round.to_le_bytes()].concat());
        self.by(STRANGER, Input::Draw { round, randomness }).unwrap();
    }

    fn audits(&self) -> Vec<Open> {
        let name = |index: u16| self.run.seat(index).unwrap().device;
        let mut audits = Vec::new();
        for (round, closed) in self.run.closed_rounds() {
            for (subject, entry) in &closed.entries {
                if let Check::Audit(audit) = &entry.check {
                    let (subject, auditor) = (name(*subject), name(audit.auditor));
                    audits.push(Open { round, subject, auditor });
                }
            }
        }
        audits
    }

    fn give(&mut self, audit: Open, finding: Finding) -> Result<Vec<Effect>, Refused> {
        let Open { round, subject, auditor } = audit;
        self.by(STRANGER, Input::Verdict { auditor, round, subject, finding })
    }

    /// Returns the finding of an auditor that knows, or believes, the root `made_up`.
    fn finding(&self, audit: Open, made_up: u8) -> Finding {
        let Open { round, subject, auditor } = audit;
        let root = root(subject, round, made_up);
        let (_, closed) = self.run.closed_rounds().find(|(found, _)| *found == round).unwrap();
        let mut entries = closed.entries.iter();
        let (_, entry) = entries
            .find(|(index, _)| self.run.seat(**index).unwrap().device == subject)
            .unwrap();
        let Check::Audit(open) = &entry.check else { panic!("no audit is open") };
        let for_subject = units::seal(&subject, &root);
        let claims = &open.claims;
        let sealed = |index: u16| units::seal(&self.run.seat(index).unwrap().device, &root);
        let for_claimants: Vec<Digest> = claims.iter().map(|(index, _)| sealed(*index)).collect();
        let opens = entry.commitment.seal == for_subject
            || claims.iter().zip(&for_claimants).any(|((_, claim), opened)| claim == opened);
        if opens {
            Finding::Opened { for_subject, for_claimants }
        } else {
            Finding::Mismatch { sealed: units::seal(&auditor, &root) }
        }
    }

    /// Everybody tells the truth, until no audit is open.
    fn audit_truly(&mut self) {
        while let Some(audit) = self.audits().first().copied() {
            let finding = self.finding(audit, 0);
            self.give(audit, finding).unwrap();
        }
    }

    fn is_expelled(&self, number: u16) -> bool {
        self.run.seats().iter().any(|seat| seat.device == device(number) && seat.is_expelled())
    }

    /// Returns the number of rounds that a device was paid for.
    fn rounds_paid(&self, number: u16) -> usize {
        let paid = self.log.iter().filter(|effect| {
            matches!(effect, Effect::Pay { device: of, kind: PayKind::Work, .. } if *of == device(number))
        });
        paid.count()
    }

    fn paid(&self, number: u16) -> u128 {
        let seats = self.run.seats().iter().filter(|seat| seat.device == device(number));
        seats.map(|seat| seat.paid.as_u128()).sum()
    }
}

#[test]
fn a01_identities_of_one_person_that_compute_nothing_are_paid() {
    let mut play = Play::new(Terms { rounds: 21, ..terms() }, 16);
    for round in 0..21 {
        for number in 1..=16 {
            play.commit(number, 1).unwrap();
        }
        play.advance();
        play.draw(round);
        // Each has told the others the root that it made up.
        for audit in play.audits() {
            let finding = play.finding(audit, 1);
            play.give(audit, finding).unwrap();
        }
    }
    let paid: usize = (1..=16).map(|number| play.rounds_paid(number)).sum();
    println!("a01: {paid} of 336 rounds paid, none computed");
    assert_eq!(paid, 336);
}

#[test]
fn a02_two_of_sixteen_seats_convict_honest_devices_in_the_first_round() {
    let mut play = Play::open(Terms { seats_min: 16, ..terms() });
    for number in 1..=14 {
        play.enroll(number).unwrap();
    }
    // Both accusers belong to one account.
    for number in [15, 16] {
        let input = Input::Enroll { device: device(number), account: account(99) };
        play.by(STRANGER, input).unwrap();
    }
    for number in 1..=16 {
        play.commit(number, 0).unwrap();
    }
    play.draw(0);
    let (accusers, mut blocks) = ([device(15), device(16)], 0);
    for audit in play.audits() {
        if !accusers.contains(&audit.auditor) || accusers.contains(&audit.subject) {
            continue;
        }
        let accomplice = if audit.auditor == accusers[0] { accusers[1] } else { accusers[0] };
        let sealed = units::seal(&audit.auditor, &root(audit.subject, 0, 7));
        let Open { round, subject, auditor } = audit;
        let input =
            Input::Verdict { auditor, round, subject, finding: Finding::Mismatch { sealed } };
        // The hash of the parent is known before the verdict is sent: it waits for one that draws its accomplice.
        loop {
            let mut next = play.context;
            next.randomness = Digest::of(next.randomness.as_bytes());
            let mut trial = play.run.clone();
            let effects = trial.step(&next, input.clone()).unwrap();
            let drawn = Effect::Drawn { round, subject, auditor: accomplice };
            if effects.contains(&drawn) {
                break;
            }
            play.context.randomness = next.randomness;
            blocks += 1;
        }
        play.by(STRANGER, input).unwrap();
        let second = Open { round, subject, auditor: accomplice };
        let finding = play.finding(second, 7);
        play.give(second, finding).unwrap();
    }
    let convicted = (1..=14).filter(|number| play.is_expelled(*number)).count();
    println!("a02: {convicted} honest devices convicted in the first round, {blocks} blocks waited");
    assert!(convicted >= 1);
    assert!([15, 16].iter().all(|number| !play.is_expelled(*number)));
}

/// The cheat computes one round after each enrolment, which is always audited, and makes up the others. When one is drawn, it serves
/// nothing, and its auditors say so.
#[test]
fn a03_withholding_escapes_every_audit() {
    let mut play = Play::new(terms(), 6);
    let mut computed = 0;
    for round in 0..600 {
        let mut made_up = 0;
        let seat = play.run.seats().iter().find(|seat| seat.device == device(6)).unwrap();
        let (is_active, on_probation, from) = (seat.is_active(), seat.on_probation, seat.from_round);
        for number in 1..=5 {
            play.commit(number, 0).unwrap();
        }
        if is_active && from <= round {
            made_up = u8::from(!on_probation);
            computed += usize::from(on_probation);
            play.commit(6, made_up).unwrap();
        }
        if matches!(play.run.phase(), Phase::Training { .. }) {
            play.by(OWNER, Input::Close { round }).unwrap();
        }
        play.draw(round);
        while let Some(audit) = play.audits().first().copied() {
            let withheld = audit.subject == device(6) && made_up == 1;
            let finding =
                if withheld { Finding::Unavailable } else { play.finding(audit, 0) };
            play.give(audit, finding).unwrap();
        }
        let seat = play.run.seats().iter().find(|seat| seat.device == device(6)).unwrap();
        if !seat.is_active() {
            play.enroll(6).unwrap();
        }
        play.advance();
    }
    let paid = play.rounds_paid(6);
    println!("a03: {paid} rounds paid, {computed} computed; never expelled");
    assert!(!play.is_expelled(6));
    assert!(paid > 5 * computed, "{paid} paid, {computed} computed");
}

/// Each identity computes its first round, which is always audited, makes up the others, and is replaced when convicted.
#[test]
fn a04_a_cheat_with_fresh_identities_is_paid_for_more_than_it_computes() {
    let (mut paid, mut computed) = (0, 0);
    let mut play = Play::new(terms(), 6);
    let mut identity = 6;
    for round in 0..900 {
        for number in 1..=5 {
            play.commit(number, 0).unwrap();
        }
        let of = |play: &Play, number| {
            let found = play.run.seats().iter().find(|seat| seat.device == device(number));
            let seat = found.unwrap();
            (seat.from_round <= round, seat.on_probation)
        };
        let (takes_part, on_probation) = of(&play, identity);
        if takes_part {
            computed += usize::from(on_probation);
            play.commit(identity, u8::from(!on_probation)).unwrap();
        }
        if matches!(play.run.phase(), Phase::Training { .. }) {
            play.by(OWNER, Input::Close { round }).unwrap();
        }
        play.draw(round);
        play.audit_truly();
        if play.is_expelled(identity) {
            paid += play.rounds_paid(identity);
            identity += 1;
            play.enroll(identity).unwrap();
        }
        play.advance();
    }
    paid += play.rounds_paid(identity);
    println!("a04: {paid} rounds paid, {computed} computed, by {} identities", identity - 5);
    assert!(paid > 2 * computed, "{paid} paid, {computed} computed");
}

/// The attackers are silent when they are to audit the honest device, serve it nothing, and pass each other.
#[test]
fn a05_two_silent_attackers_of_three_take_all_the_pay() {
    let mut play = Play::new(Terms { rounds: 20, ..terms() }, 3);
    let mut honest_rounds = 0;
    for round in 0..20 {
        for number in [2, 3] {
            play.commit(number, 1).unwrap();
        }
        if play.commit(1, 0).is_ok() {
            honest_rounds += 1;
        }
        if matches!(play.run.phase(), Phase::Training { .. }) {
            play.by(OWNER, Input::Close { round }).unwrap();
        }
        play.draw(round);
        while let Some(audit) = play.audits().first().copied() {
            if audit.subject == device(1) {
                play.wait(31);
                let Open { round, subject, .. } = audit;
                play.by(STRANGER, Input::Redraw { round, subject }).unwrap();
            } else if audit.auditor == device(1) {
                play.give(audit, Finding::Unavailable).unwrap();
            } else {
                let finding = play.finding(audit, 1);
                play.give(audit, finding).unwrap();
            }
        }
        if !play.run.seats().iter().any(|seat| seat.device == device(1) && seat.is_active()) {
            play.enroll(1).unwrap();
        }
        play.advance();
    }
    let (honest, attackers) = (play.rounds_paid(1), play.rounds_paid(2) + play.rounds_paid(3));
    println!("a05: honest: {honest} of {honest_rounds} paid; attackers: {attackers} of 40");
    assert!(honest_rounds >= 10 && honest == 0);
    assert_eq!(attackers, 40);
}

#[test]
fn a06_the_owner_closes_rounds_with_a_device_of_its_own() {
    let smallest = Terms { quorum: Bps::new(1).unwrap(), ..terms() };
    assert!(smallest.validate().is_ok());
    let mut play = Play::new(smallest, 8);
    for round in 0..2 {
        // The owner's own device commits first; the others have computed, too.
        play.commit(1, 0).unwrap();
        play.by(OWNER, Input::Close { round }).unwrap();
        for number in 2..=8 {
            let refused = play.commit(number, 0).unwrap_err();
            assert!(matches!(refused, Refused::WrongRound { .. } | Refused::NoSeat(_)));
        }
        play.advance();
    }
    let given_up = (2..=8).filter(|number| {
        play.run.seats().iter().any(|seat| seat.device == device(*number) && !seat.is_active())
    });
    println!("a06: quorum 1 bp: {} of 7 other devices computed unpaid, then lost their seat", given_up.clone().count());
    assert_eq!(given_up.count(), 7);
}

#[test]
fn a08_a_public_leave_holds_again() {
    let mut play = Play::new(terms(), 3);
    let leave = Input::Leave { device: device(1) };
    let mut evicted = 0;
    for _ in 0..10 {
        // Whoever saw the statement once sends it again.
        play.by(STRANGER, leave.clone()).unwrap();
        evicted += 1;
        play.enroll(1).unwrap();
    }
    println!("a08: one statement evicted its device {evicted} times");
}

#[test]
fn a09_a_stranger_bars_an_account() {
    let mut play = Play::new(terms(), 3);
    // A stranger's device is linked to the account of device 1, which nobody asked.
    let input = Input::Enroll { device: device(7), account: account(1) };
    play.by(STRANGER, input).unwrap();
    for _ in 0..2 {
        for number in 1..=3 {
            play.commit(number, 0).unwrap();
        }
        let round = play.run.round();
        if round == 1 {
            play.commit(7, 1).unwrap();
        }
        play.draw(round);
        play.audit_truly();
        play.advance();
    }
    assert!(play.is_expelled(7));
    play.by(STRANGER, Input::Leave { device: device(1) }).unwrap();
    let refused = play.enroll(1);
    println!("a09: the account's own device: {}", refused.clone().unwrap_err());
    assert!(matches!(refused, Err(Refused::Expelled { .. })));
}

#[test]
fn a10_identities_that_come_and_go_fill_a_run_for_ever() {
    let mut play = Play::open(Terms { seats_min: 3, ..terms() });
    play.enroll(1).unwrap();
    play.enroll(2).unwrap();
    for number in 1_000..1_254 {
        play.enroll(number).unwrap();
        play.by(STRANGER, Input::Leave { device: device(number) }).unwrap();
    }
    let refused = play.enroll(3);
    println!("a10: two seats are taken, and a third device: {}", refused.clone().unwrap_err());
    assert_eq!(refused, Err(Refused::Full(256)));
}

#[test]
fn a13_one_open_audit_holds_back_everybodys_last_pay() {
    let always = Terms { rounds: 3, audit_rate: Bps::WHOLE, ..terms() };
    let mut play = Play::new(always, 4);
    for round in 0..3 {
        for number in 1..=4 {
            play.commit(number, 0).unwrap();
        }
        play.draw(round);
        // In the last round, all but one are done.
        for audit in play.audits().split_off(usize::from(round == 2)) {
            let finding = play.finding(audit, 0);
            play.give(audit, finding).unwrap();
        }
        play.advance();
    }
    assert_eq!(play.audits().len(), 1);
    assert!(matches!(play.run.phase(), Phase::WindingUp(_)));
    play.wait(100_000);
    let (paid, owed) = (play.run.escrow().paid, play.run.owed());
    println!("a13: the run is over, one audit is open: {paid} wei paid, {owed} owed");
    assert_eq!(paid, Wei::ZERO);
    assert!(owed >= Wei::new(12 * PAY));
    play.audit_truly();
    assert!((1..=4).all(|number| play.paid(number) >= 3 * PAY));
}

/// Returns which devices of four are drawn for an audit when the hash decides that is known at `height`.
fn drawn_at(height: u64) -> BTreeMap<DeviceId, DeviceId> {
    let mut play = Play::new(terms(), 4);
    for round in 0..2 {
        for number in 1..=4 {
            play.commit(number, 0).unwrap();
        }
        if round == 0 {
            play.draw(round);
            play.audit_truly();
            play.advance();
        }
    }
    // The adapter does so with the newest block when the first hash is forgotten, for whoever asks, whenever they ask.
    assert!(play.run.rearm_draw(1, height));
    play.context.height = height + 2;
    let randomness = Digest::of(&height.to_le_bytes());
    play.by(STRANGER, Input::Draw { round: 1, randomness }).unwrap();
    play.audits().into_iter().map(|audit| (audit.subject, audit.auditor)).collect()
}

#[test]
fn a13_a_draw_is_pushed_back_until_it_suits() {
    let draws: Vec<_> = (0..40).map(|block| drawn_at(1_000 + block)).collect();
    let suits = draws.iter().filter(|drawn| !drawn.contains_key(&device(1))).count();
    let drawn = draws.len() - suits;
    println!("a13: of 40 blocks to draw with, {suits} leave the cheat alone, {drawn} audit it");
    assert!(drawn > 0, "some block would have found it");
    assert!(suits > 0);
}

/// An auditor that was drawn leaves, and another is drawn from a hash that it knew.
#[test]
fn a13_auditors_leave_after_the_draw_until_it_suits() {
    let mut play = Play::new(terms(), 6);
    for number in 1..=6 {
        play.commit(number, u8::from(number == 1)).unwrap();
    }
    play.draw(0);
    // Seats 2 to 4 are of the same hand as 1. Whoever of them is drawn leaves in a block that draws another of them.
    let audit = |play: &Play| play.audits().into_iter().find(|audit| audit.subject == device(1));
    let drawn = audit(&play).unwrap().auditor;
    let leave = Input::Leave { device: drawn };
    let mut outcomes = BTreeMap::new();
    for _ in 0..60 {
        let mut next = play.context;
        next.randomness = Digest::of(next.randomness.as_bytes());
        play.context.randomness = next.randomness;
        let mut trial = play.run.clone();
        for effect in trial.step(&next, leave.clone()).unwrap() {
            if let Effect::Drawn { subject, auditor, .. } = effect
                && subject == device(1)
            {
                *outcomes.entry(auditor).or_insert(0) += 1;
            }
        }
    }
    println!("a13: leaving in one of 60 blocks chooses among {} auditors", outcomes.len());
    assert_eq!(outcomes.len(), 4, "all but the subject and the one that left and is tried already");
}
