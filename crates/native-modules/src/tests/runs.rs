//! Training runs: the module does what the rules say, record by record.

use abi::{
    DEVICES, Devices, REFEREES, TRAINING_RUNS,
    TrainingRuns::{self, Verdict},
    convert::{self, device_word, digest, digest_word},
    statement::{self, Found},
};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolCall;
use proptest::{collection::vec, prelude::*};
use training_run::{
    Auditor, Book as _, Check, Commitment, Context, Finding, Input, MemoryBook, Panel, Ruling,
    invariants,
};
use units::{AccountId, DeviceId, Digest, UnixSeconds, Wei, merkle_root, seal};

use super::{AUDITOR, DEPOSIT, OWNER, by, device, enroll, opened, signed, speeds::Times};
use crate::training_runs;
use native_kit::{
    Failure,
    test_host::{CHAIN_ID, TestHost, hash_of},
};

/// Who brings statements and gets the fee.
const RELAY: Address = Address::repeat_byte(0xbb);
/// A referee's key.
const REFEREE: u8 = 20;

/// A step of a random run; most are refused.
#[derive(Clone, Debug)]
enum Step {
    Enroll(u8),
    Leave(u8),
    /// Commits to true work, or to made-up work.
    Commit(u8, bool),
    Close,
    Lapse,
    Advance(u8),
    Draw(u32),
    /// Gives a verdict on any open audit: passed, mismatch, or unavailable.
    Verdict(usize, Verdict),
    /// Disputes any commitment.
    Dispute(u32, u8, u64),
    /// A referee votes on any dispute: 0 truly, 1 that data is missing, 2 that a leaf differs, 3 for what was committed to.
    Vote(usize, u8, u8),
    /// Discloses leaves of any dispute: those of made-up work, or others.
    Disclose(usize, bool),
    Settle(u16),
    Cancel,
    Abandon,
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (1_u8..=5).prop_map(Step::Enroll),
        1 => (1_u8..=5).prop_map(Step::Leave),
        14 => (1_u8..=5, prop::bool::weighted(0.9)).prop_map(|(number, is_true)| Step::Commit(number, is_true)),
        4 => Just(Step::Close),
        1 => Just(Step::Lapse),
        8 => any::<u8>().prop_map(Step::Advance),
        8 => (0_u32..3).prop_map(Step::Draw),
        8 => (0_usize..4, 0_u8..3).prop_map(|(at, kind)| Step::Verdict(at, kind.try_into().unwrap())),
        2 => (0_u32..3, 1_u8..=5, 0_u64..200).prop_map(|(round, number, bond)| Step::Dispute(round, number, bond)),
        6 => (0_usize..3, 0_u8..4, 0_u8..4).prop_map(|(at, referee, kind)| Step::Vote(at, referee, kind)),
        1 => (0_usize..3, prop::bool::weighted(0.8)).prop_map(|(at, is_right)| Step::Disclose(at, is_right)),
        3 => (0_u16..7).prop_map(Step::Settle),
        1 => prop_oneof![9 => Just(Step::Wait(1)), 1 => Just(Step::Cancel)],
        1 => Just(Step::Abandon),
        5 => prop_oneof![Just(1_u64), 1_u64..300].prop_map(Step::Wait),
    ];
    vec(step, 1..150)
}

/// The module and, for comparison, the rules with a book in memory.
pub(super) struct Pair {
    pub(super) double: TestHost,
    book: MemoryBook,
    panel: Panel,
    times: Times,
}

fn id(number: u8) -> DeviceId {
    convert::device(device(number))
}

/// What a device's work of a round leads to.
fn true_root(round: u32, number: u8) -> Digest {
    Digest::of(&[number, round.to_le_bytes()[0]])
}

fn true_update(round: u32, number: u8) -> Digest {
    Digest::of(&[number, round.to_le_bytes()[0], 1])
}

/// What a cheat's seal is made over.
fn made_up_leaves(round: u32, number: u8) -> Vec<Digest> {
    (0..6).map(|leaf| Digest::of(&[number, round.to_le_bytes()[0], 2, leaf])).collect()
}

fn made_up_root(round: u32, number: u8) -> Digest {
    merkle_root(&made_up_leaves(round, number))
}

impl Pair {
    fn context(&self, caller: Address) -> Context {
        Context {
            now: UnixSeconds::new(self.double.time),
            height: self.double.height,
            caller: convert::account(caller),
        }
    }

    /// Applies a call to both; they must agree.
    fn apply(&mut self, caller: Address, value: u64, call: &[u8], input: Input) -> bool {
        let context = self.context(caller);
        let ruled = self.book.step(&context, input.clone());
        let before = self.double.state();
        self.double.give(caller, value);
        let called = self.double.transact(TRAINING_RUNS, caller, value, call);
        if let Ok(effects) = &ruled {
            self.times.note(effects, self.double.time, id(AUDITOR));
        }
        match (&ruled, &called) {
            (Ok(_), Ok(_)) => {}
            (Err(error), Err(Failure::Revert(data))) => {
                // The error contains the values, and its sentence in the catalogue equals the rule's.
                let (_, sentence) = abi::decode_error(data).expect("an error of the interface");
                if !matches!(error, training_run::Refused::BondTooSmall { .. }) {
                    assert_eq!(sentence, error.to_string(), "{input:?}");
                }
                let mut after = self.double.state();
                after.balances = before.balances.clone();
                assert!(after == before, "something has changed");
            }
            _ => panic!("{input:?}: the rules say {ruled:?}, the module {called:?}"),
        }
        self.compare(&input);
        ruled.is_ok()
    }

    /// Compares all records of both books.
    fn compare(&mut self, input: &Input) {
        invariants(&self.book).unwrap_or_else(|broken| panic!("{input:?}: {broken}"));
        let memory = self.book.clone();
        let mut double = self.double.clone();
        double.within(TRAINING_RUNS, |host| {
            training_runs::with_book(host, 1, |slots| {
                assert_eq!(&slots.head().ok().unwrap(), memory.state(), "{input:?}");
                for (index, seat) in (0..).zip(memory.seats()) {
                    assert_eq!(&slots.seat(index).ok().unwrap(), seat, "{input:?}");
                    let place = memory.clone().place(&seat.device).unwrap();
                    assert_eq!(slots.place(&seat.device).ok().unwrap(), place, "{input:?}");
                }
                for round in memory.rounds() {
                    let number = round.number;
                    assert_eq!(&slots.round(number).ok().unwrap(), round, "{input:?}");
                    let seats: Vec<u16> = memory.entries(number).map(|(seat, ..)| seat).collect();
                    assert_eq!(slots.committed(number).ok().unwrap(), seats, "{input:?}");
                    for (seat, entry, commitment) in memory.entries(number) {
                        assert_eq!(&slots.entry(number, seat).ok().unwrap(), entry, "{input:?}");
                        let stored = slots.commitment(number, seat).ok().unwrap();
                        assert_eq!(&stored, commitment, "{input:?}");
                    }
                }
                let mut open = slots.open_disputes().unwrap();
                open.sort_unstable();
                let keys: Vec<(u32, u16)> = memory.disputes().keys().copied().collect();
                assert_eq!(open, keys, "{input:?}");
                for ((round, seat), dispute) in memory.disputes() {
                    let stored = slots.dispute(*round, *seat).ok().unwrap();
                    assert_eq!(stored.as_ref(), Some(dispute), "{input:?}");
                }
            });
        });
        for number in 1..=5 {
            self.times.compare(&mut self.double, id(number));
        }
        let escrow = self.book.state().escrow;
        let held = escrow.deposited.as_u128() - escrow.paid.as_u128() - escrow.refunded.as_u128();
        let bonds: u128 = self.book.disputes().values().map(|open| open.bond.as_u128()).sum();
        let balance = self.double.balance_of(TRAINING_RUNS);
        assert_eq!(balance, U256::from(held + bonds), "{input:?}");
    }

    fn open_audits(&self) -> Vec<(u32, u8, u8)> {
        let number_of = |device: &DeviceId| {
            (1..=AUDITOR).find(|number| id(*number) == *device).expect("a device of the test")
        };
        let mut audits = Vec::new();
        for round in self.book.rounds() {
            for (seat, entry, _) in self.book.entries(round.number) {
                if let Check::Audit { auditor, .. } = entry.check {
                    let subject = number_of(&self.book.seats()[usize::from(seat)].device);
                    let auditor = match auditor {
                        Auditor::Seat(index) => {
                            number_of(&self.book.seats()[usize::from(index)].device)
                        }
                        Auditor::Trainer => AUDITOR,
                    };
                    audits.push((round.number, subject, auditor));
                }
            }
        }
        audits
    }

    fn next_nonce(&self, number: u8) -> u64 {
        self.book.clone().place(&id(number)).unwrap().nonce + 1
    }

    fn step(&mut self, step: &Step) {
        let (run, round) = (1, self.book.state().round);
        match *step {
            Step::Wait(seconds) => {
                self.double.time += seconds;
                self.double.height += 1;
            }
            Step::Enroll(number) => {
                let account = AccountId::from_bytes([number; 20]);
                let nonce = self.next_nonce(number);
                let input = Input::Enroll { device: id(number), account, nonce };
                self.apply(RELAY, 0, &enroll(number, nonce), input);
            }
            Step::Leave(number) => {
                let nonce = self.next_nonce(number);
                let call = by(number, |device| device.leave(run, nonce));
                self.apply(RELAY, 0, &call, Input::Leave { device: id(number), nonce });
            }
            Step::Commit(number, is_true) => {
                let roots = if is_true { true_root } else { made_up_root };
                let root = roots(round, number);
                let commitment = Commitment {
                    seal: seal(&id(number), &root),
                    update: true_update(round, number),
                };
                let (seal, update) = (*commitment.seal.as_bytes(), *commitment.update.as_bytes());
                let call = by(number, |device| device.commit(run, round, seal, update));
                let input = Input::Commit { device: id(number), round, commitment };
                self.apply(RELAY, 0, &call, input);
            }
            Step::Close => {
                let call = TrainingRuns::closeCall { run, round }.abi_encode();
                self.apply(OWNER, 0, &call, Input::Close { round });
            }
            Step::Lapse => {
                let call = TrainingRuns::lapseCall { run, round }.abi_encode();
                self.apply(RELAY, 0, &call, Input::Lapse { round });
            }
            Step::Advance(byte) => {
                let (state, update) = (B256::repeat_byte(byte), B256::repeat_byte(!byte));
                let call = TrainingRuns::advanceCall { run, round, state, update };
                let (state, update) = (digest(state), digest(update));
                let input = Input::Advance { round, state, update };
                self.apply(OWNER, 0, &call.abi_encode(), input);
            }
            Step::Settle(seat) => {
                let seats = vec![seat];
                let call = TrainingRuns::settleCall { run, seats: seats.clone() };
                self.apply(OWNER, 0, &call.abi_encode(), Input::Settle { seats });
            }
            Step::Cancel => {
                let call = TrainingRuns::cancelCall { run }.abi_encode();
                self.apply(OWNER, 0, &call, Input::Cancel);
            }
            Step::Abandon => {
                let call = TrainingRuns::abandonCall { run }.abi_encode();
                self.apply(RELAY, 0, &call, Input::Abandon);
            }
            Step::Draw(_)
            | Step::Verdict(..)
            | Step::Dispute(..)
            | Step::Vote(..)
            | Step::Disclose(..) => self.audit_step(step, round),
        }
    }

    fn audit_step(&mut self, step: &Step, newest: u32) {
        let run = 1;
        match *step {
            Step::Draw(back) => {
                let round = newest.saturating_sub(back);
                let call = TrainingRuns::drawCall { run, round }.abi_encode();
                self.apply(RELAY, 0, &call, Input::Draw { round });
            }
            Step::Verdict(at, kind) => {
                let audits = self.open_audits();
                let Some((round, subject, auditor)) = audits.get(at).copied() else { return };
                let value = match kind {
                    Verdict::Opened => true_root(round, subject),
                    _ => Digest::ZERO,
                };
                let (named, bytes) = (*id(subject).as_bytes(), *value.as_bytes());
                let call = by(auditor, |device| device.verdict(run, round, named, kind, bytes));
                let finding = match kind {
                    Verdict::Opened => Finding::Passed { seal: seal(&id(subject), &value) },
                    Verdict::Mismatch => Finding::Mismatch,
                    _ => Finding::Unavailable,
                };
                let (auditor, subject) = (id(auditor), id(subject));
                let input = Input::Verdict { auditor, round, subject, finding };
                self.apply(RELAY, 0, &call, input);
            }
            Step::Dispute(back, number, bond) => {
                let (round, subject) = (newest.saturating_sub(back), id(number));
                let call = TrainingRuns::disputeCall { run, round, subject: device_word(subject) };
                let input = Input::Dispute { round, subject, bond: Wei::new(bond.into()) };
                self.apply(RELAY, bond, &call.abi_encode(), input);
            }
            Step::Vote(at, referee, kind) => {
                let Some((round, number)) = self.open_dispute(at) else { return };
                let found = match kind {
                    0 => truth(round, number),
                    1 => Found::unavailable(),
                    2 => Found::differs(kind.into()),
                    _ => Found {
                        root: *made_up_root(round, number).as_bytes(),
                        ..truth(round, number)
                    },
                };
                self.vote(REFEREE + referee, (round, number), &found);
            }
            Step::Disclose(at, is_right) => {
                let Some((round, number)) = self.open_dispute(at) else { return };
                let mut leaves = made_up_leaves(round, number);
                if !is_right {
                    leaves.pop();
                }
                self.disclose((round, number), &leaves);
            }
            _ => unreachable!("no step of audits"),
        }
    }

    fn open_dispute(&self, at: usize) -> Option<(u32, u8)> {
        let (round, seat) = self.book.disputes().keys().nth(at).copied()?;
        let subject = self.book.seats()[usize::from(seat)].device;
        Some((round, (1..=5).find(|number| id(*number) == subject).unwrap()))
    }

    fn vote(&mut self, referee: u8, (round, number): (u32, u8), found: &Found) -> bool {
        let subject = id(number);
        let call = rule_call(referee, round, subject, found);
        let (ruling, panel) = (ruling(&subject, found), self.panel.clone());
        let input = Input::Rule { round, subject, referee: id(referee), ruling, panel };
        self.apply(RELAY, 0, &call, input)
    }

    fn disclose(&mut self, (round, number): (u32, u8), leaves: &[Digest]) -> bool {
        let subject = id(number);
        let seal = seal(&subject, &merkle_root(leaves));
        let input = Input::Disclose { round, subject, seal };
        self.apply(RELAY, 0, &disclose_call((round, number), leaves), input)
    }

    /// Draws the audits of the first round.
    pub(super) fn draw_first(&mut self) {
        for _ in 0..2 {
            self.step(&Step::Wait(1));
        }
        self.step(&Step::Draw(0));
    }

    /// Names referees, `threshold` of whom must agree.
    fn name_referees(&mut self, members: &[u8], threshold: u16) {
        name_referees(&mut self.double, members, threshold.into());
        let members = members.iter().copied().map(id).collect();
        self.panel = Panel { members, threshold };
    }
}

fn disclose_call((round, number): (u32, u8), leaves: &[Digest]) -> Vec<u8> {
    let leaves = leaves.iter().copied().map(digest_word).collect();
    let subject = device(number);
    TrainingRuns::discloseCall { run: 1, round, subject, leaves }.abi_encode()
}

/// Three referees.
const PANEL: [u8; 3] = [REFEREE, REFEREE + 1, REFEREE + 2];

/// Returns what a referee finds that repeats the round.
fn truth(round: u32, number: u8) -> Found {
    let (root, update) = (true_root(round, number), true_update(round, number));
    Found::replayed(*root.as_bytes(), *update.as_bytes())
}

fn ruling(subject: &DeviceId, found: &Found) -> Ruling {
    match found.kind {
        TrainingRuns::Ruling::Replayed => Ruling::Replayed {
            seal: seal(subject, &Digest::from_bytes(found.root)),
            update: Digest::from_bytes(found.update),
        },
        TrainingRuns::Ruling::Differs => Ruling::Differs { leaf: found.leaf },
        _ => Ruling::Unavailable,
    }
}

fn rule_call(referee: u8, round: u32, subject: DeviceId, found: &Found) -> Vec<u8> {
    let text = statement::ruling(CHAIN_ID, 1, round, subject.as_bytes(), found);
    let signature = signed(referee, &text);
    let Found { kind, leaf, root, update } = *found;
    let (root, update) = (root.into(), update.into());
    let (subject, referee) = (device_word(subject), device(referee));
    let (run, round) = (1, round);
    TrainingRuns::ruleCall { run, round, subject, referee, kind, leaf, root, update, signature }
        .abi_encode()
}

/// Names the referees as a genesis file does.
fn name_referees(double: &mut TestHost, members: &[u8], threshold: u64) {
    double.within(REFEREES, |host| {
        use native_kit::Host as _;
        let one = U256::from(1);
        let start: U256 = keccak256(one.to_be_bytes::<32>()).into();
        let named = (0_u64..).zip(members);
        let named =
            named.map(|(index, member)| (start + U256::from(index), device(*member).into()));
        let counts = [(U256::ZERO, U256::from(threshold)), (one, U256::from(members.len()))];
        for (slot, word) in counts.into_iter().chain(named) {
            if host.load(slot).unwrap() != word {
                host.store(slot, word).unwrap();
            }
        }
    });
}

fn pair() -> Pair {
    let mut double = opened();
    name_referees(&mut double, &[REFEREE], 1);
    let terms = training_runs::terms_of(&super::terms());
    let context = Context {
        now: UnixSeconds::new(double.time),
        height: double.height,
        caller: convert::account(OWNER),
    };
    let deposit = Wei::new(DEPOSIT.into());
    let mut book = MemoryBook::open(terms, id(AUDITOR), deposit, &context).unwrap();
    for height in 0..1_000 {
        book.set_block_hash(height, digest(hash_of(height)));
    }
    let panel = Panel { members: vec![id(REFEREE)], threshold: 1 };
    Pair { double, book, panel, times: Times::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn a_module_does_what_its_rules_say(steps in steps()) {
        let mut pair = pair();
        pair.name_referees(&PANEL, 2);
        for step in &steps {
            pair.step(step);
        }
    }
}

/// Returns three seats that have all committed to a round, which is closed.
pub(super) fn closed() -> Pair {
    let mut pair = pair();
    for number in 1..=3 {
        pair.step(&Step::Enroll(number));
    }
    for number in 1..=3 {
        pair.step(&Step::Commit(number, number != 3));
    }
    assert_eq!(pair.book.state().phase, training_run::Phase::Closed);
    pair
}

/// Returns a run in which the work of devices 1 and 2 counts as verified, that was committed to 10 seconds after the round opened. Device 1 works for `account`.
pub(super) fn verified(account: Address) -> TestHost {
    let mut pair = pair();
    link_to(&mut pair.double, 1, 2, account);
    let mut double = pair.double;
    for number in 1..=3 {
        double.transact(TRAINING_RUNS, RELAY, 0, &enroll(number, 1)).unwrap();
    }
    first_round(double)
}

/// Plays the first round of three seats, whose commitments come after 10 seconds: the work of devices 1 and 2 counts as verified.
pub(super) fn first_round(mut double: TestHost) -> TestHost {
    double.time += 10;
    for number in 1..=3 {
        let seal = seal(&id(number), &true_root(0, number));
        let update = *true_update(0, number).as_bytes();
        let call = by(number, |device| device.commit(1, 0, *seal.as_bytes(), update));
        double.transact(TRAINING_RUNS, RELAY, 0, &call).unwrap();
    }
    double.height += 2;
    let draw = TrainingRuns::drawCall { run: 1, round: 0 }.abi_encode();
    double.transact(TRAINING_RUNS, RELAY, 0, &draw).unwrap();
    for number in 1..=2 {
        let (subject, root) = (*id(number).as_bytes(), *true_root(0, number).as_bytes());
        let call = by(AUDITOR, |it| it.verdict(1, 0, subject, Verdict::Opened, root));
        double.transact(TRAINING_RUNS, RELAY, 0, &call).unwrap();
    }
    double
}

#[test]
fn made_up_work_is_found_and_the_referee_decides() {
    let mut pair = closed();
    for _ in 0..2 {
        pair.step(&Step::Wait(1));
    }
    pair.step(&Step::Draw(0));
    assert_eq!(pair.open_audits(), [(0, 1, AUDITOR), (0, 2, AUDITOR), (0, 3, AUDITOR)]);
    pair.step(&Step::Verdict(2, Verdict::Mismatch));
    pair.step(&Step::Verdict(0, Verdict::Opened));
    let (round, subject) = (0, id(3));
    let forged = rule_call(21, round, subject, &truth(0, 3));
    let refused = pair.double.transact(TRAINING_RUNS, RELAY, 0, &forged);
    let expected = TrainingRuns::NotAReferee { referee: device(21) };
    assert_eq!(refused, Err(Failure::revert(&expected)));
    let mut changed =
        TrainingRuns::ruleCall::abi_decode(&rule_call(REFEREE, round, subject, &truth(0, 3)))
            .unwrap();
    changed.update = B256::repeat_byte(9);
    assert!(pair.double.transact(TRAINING_RUNS, RELAY, 0, &changed.abi_encode()).is_err());
    // What does not belong to the kind is zero: there is one form of each ruling.
    let odd = rule_call(REFEREE, round, subject, &Found { leaf: 1, ..truth(0, 3) });
    assert_eq!(pair.double.transact(TRAINING_RUNS, RELAY, 0, &odd), Err(Failure::bad_call()));
    assert!(pair.vote(REFEREE, (round, 3), &truth(0, 3)));
    assert!(pair.book.seats()[2].is_expelled());
    assert!(!pair.book.seats()[0].is_expelled());
}

/// Anybody can link a device to somebody else's account, and be convicted with it: that must cost the account nothing.
#[test]
fn a_conviction_bars_the_device_and_no_account_that_it_is_linked_to() {
    let mut pair = closed();
    let victim = Address::repeat_byte(3);
    for _ in 0..2 {
        pair.step(&Step::Wait(1));
    }
    pair.step(&Step::Draw(0));
    pair.step(&Step::Verdict(2, Verdict::Mismatch));
    assert!(pair.vote(REFEREE, (0, 3), &truth(0, 3)));
    let convicted = pair.book.seats()[2].clone();
    assert!(convicted.is_expelled() && accounts(&mut pair.double)[2] == victim);
    let again = pair.double.transact(TRAINING_RUNS, RELAY, 0, &enroll(3, 2));
    assert!(again.is_err(), "the convicted device comes back");
    link_to(&mut pair.double, 6, 1, victim);
    pair.double.transact(TRAINING_RUNS, RELAY, 0, &enroll(6, 1)).unwrap();
    assert_eq!(accounts(&mut pair.double).last(), Some(&victim));
}

/// Returns a run in which the auditor disputes the made-up work of device 3 before three referees.
fn before_three_referees() -> Pair {
    let mut pair = closed();
    pair.name_referees(&PANEL, 2);
    for _ in 0..2 {
        pair.step(&Step::Wait(1));
    }
    pair.step(&Step::Draw(0));
    pair.step(&Step::Verdict(2, Verdict::Mismatch));
    pair
}

fn open_dispute(pair: &mut Pair) -> TrainingRuns::Dispute {
    let call = TrainingRuns::disputesCall { run: 1 }.abi_encode();
    let answer = pair.double.read(TRAINING_RUNS, &call).unwrap();
    TrainingRuns::disputesCall::abi_decode_returns(&answer).unwrap().remove(0)
}

#[test]
fn as_many_referees_must_agree_as_the_genesis_file_says() {
    let mut pair = before_three_referees();
    assert!(pair.vote(22, (0, 3), &Found::unavailable()));
    assert!(pair.vote(REFEREE, (0, 3), &truth(0, 3)));
    let again = rule_call(REFEREE, 0, id(3), &truth(0, 3));
    let refused = pair.double.transact(TRAINING_RUNS, RELAY, 0, &again);
    let expected = TrainingRuns::VotedAlready { referee: device(REFEREE) };
    assert_eq!(refused, Err(Failure::revert(&expected)));
    let dispute = open_dispute(&mut pair);
    let votes: Vec<_> = dispute.votes.iter().map(|vote| (vote.referee, vote.kind as u8)).collect();
    assert_eq!(votes, [(device(22), 1), (device(REFEREE), 0)], "one against one");
    assert_eq!(dispute.votes[1].account, RELAY);
    assert!(pair.vote(21, (0, 3), &truth(0, 3)));
    assert!(pair.book.seats()[2].is_expelled());
}

/// Every bit of every leaf is bound by the seal: changed leaves are refused, and those of the seal are published once.
#[test]
fn leaves_that_do_not_lead_to_the_seal_are_refused() {
    let mut pair = before_three_referees();
    let expected = TrainingRuns::WrongLeaves { round: 0, subject: device(3) };
    let wrong = Err(Failure::revert(&expected));
    let made_up = made_up_leaves(0, 3);
    for leaf in 0..made_up.len() {
        for bit in 0..256 {
            let mut bytes = *made_up[leaf].as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let mut changed = made_up.clone();
            changed[leaf] = Digest::from_bytes(bytes);
            let call = disclose_call((0, 3), &changed);
            let given = pair.double.transact(TRAINING_RUNS, RELAY, 0, &call);
            assert_eq!(given, wrong, "bit {bit} of leaf {leaf}");
        }
    }
    for count in [0, abi::LEAVES_MAX + 1] {
        let given = disclose_call((0, 3), &vec![Digest::ZERO; count]);
        let max = U256::from(abi::LEAVES_MAX);
        let expected = TrainingRuns::LeafCount { given: U256::from(count), max };
        let refused = pair.double.transact(TRAINING_RUNS, RELAY, 0, &given);
        assert_eq!(refused, Err(Failure::revert(&expected)));
    }
    assert!(pair.disclose((0, 3), &made_up));
    assert!(!pair.disclose((0, 3), &made_up), "once");
    assert_ne!(open_dispute(&mut pair).disclosed, 0);
    let topic = <TrainingRuns::Disclosed as alloy_sol_types::SolEvent>::SIGNATURE_HASH;
    let logs = &pair.double.state().logs;
    let published = logs.iter().filter(|(_, topics, _)| topics.first() == Some(&topic));
    assert_eq!(published.count(), 1);
    assert!(pair.vote(21, (0, 3), &Found::differs(1)));
    assert!(pair.vote(22, (0, 3), &truth(0, 3)));
    assert!(pair.book.seats()[2].is_expelled());
}

/// Links a device to an account.
fn link_to(double: &mut TestHost, number: u8, nonce: u64, account: Address) {
    let device = device(number);
    let text = statement::link(CHAIN_ID, &device.0, &account.into_array(), nonce);
    let call = Devices::linkCall { device, account, nonce, signature: signed(number, &text) };
    double.transact(DEVICES, RELAY, 0, &call.abi_encode()).unwrap();
}

fn accounts(double: &mut TestHost) -> Vec<Address> {
    let seats = double.read(TRAINING_RUNS, &TrainingRuns::seatsCall { run: 1 }.abi_encode());
    let seats = TrainingRuns::seatsCall::abi_decode_returns(&seats.unwrap()).unwrap();
    seats.iter().map(|seat| seat.account).collect()
}

/// A seat without an account would work for pay that nobody can have.
#[test]
fn a_device_enrols_for_the_account_that_it_is_linked_to() {
    let mut double = opened();
    let refused = Err(Failure::revert(&TrainingRuns::NotLinked { device: device(6) }));
    let before = double.state();
    assert_eq!(double.transact(TRAINING_RUNS, RELAY, 0, &enroll(6, 1)), refused, "never linked");
    assert!(double.state() == before, "something has changed");
    link_to(&mut double, 6, 1, Address::ZERO);
    assert_eq!(double.transact(TRAINING_RUNS, RELAY, 0, &enroll(6, 1)), refused, "to nobody");
    link_to(&mut double, 6, 2, Address::repeat_byte(60));
    double.transact(TRAINING_RUNS, RELAY, 0, &enroll(6, 1)).unwrap();
    link_to(&mut double, 1, 2, Address::repeat_byte(10));
    double.transact(TRAINING_RUNS, RELAY, 0, &enroll(1, 1)).unwrap();
    assert_eq!(accounts(&mut double), [60, 10].map(Address::repeat_byte), "the newest link");
}

/// Workers connect to whichever coordinator is named, and train from the states that it serves.
#[test]
fn only_the_owner_says_where_its_coordinator_is() {
    let mut double = opened();
    let named = |double: &mut TestHost| {
        let call = TrainingRuns::summaryCall { run: 1 }.abi_encode();
        let answer = double.read(TRAINING_RUNS, &call).unwrap();
        let summary = TrainingRuns::summaryCall::abi_decode_returns(&answer).unwrap();
        (summary.coordinator, summary.endpoint)
    };
    let (coordinator, endpoint) = (device(7), "127.0.0.1:2".to_owned());
    let call = TrainingRuns::announceCall { run: 1, coordinator, endpoint: endpoint.clone() };
    let before = double.state();
    for caller in [RELAY, Address::repeat_byte(1), Address::ZERO] {
        let refused = Err(Failure::revert(&TrainingRuns::NotOwner { caller }));
        assert_eq!(double.transact(TRAINING_RUNS, caller, 0, &call.abi_encode()), refused);
        assert!(double.state() == before, "something has changed");
    }
    double.transact(TRAINING_RUNS, OWNER, 0, &call.abi_encode()).unwrap();
    assert_eq!(named(&mut double), (coordinator, endpoint));
}

/// One refused statement among others changes nothing, stops nothing, and is named.
#[test]
fn a_batch_goes_on_after_a_refused_statement() {
    let mut double = opened();
    let good = enroll(1, 1);
    let stale = enroll(1, 1);
    let cancel = TrainingRuns::cancelCall { run: 1 }.abi_encode();
    let forged = {
        let mut call = TrainingRuns::enrollCall::abi_decode(&enroll(2, 1)).unwrap();
        call.nonce = 2;
        call.abi_encode()
    };
    let unknown = vec![1, 2, 3, 4];
    let last = enroll(3, 1);
    let statements = [good, stale, cancel, forged, unknown, last].map(Bytes::from).to_vec();
    let call = TrainingRuns::relayCall { statements }.abi_encode();
    double.transact(TRAINING_RUNS, RELAY, 0, &call).unwrap();
    let topic = <TrainingRuns::NotRelayed as alloy_sol_types::SolEvent>::SIGNATURE_HASH;
    let named: Vec<u64> = double
        .state()
        .logs
        .iter()
        .filter(|(_, topics, _)| topics.first() == Some(&topic))
        .map(|(_, _, data)| U256::from_be_slice(&data[..32]).to())
        .collect();
    assert_eq!(named, [1, 2, 3, 4]);
    let seats = double.read(TRAINING_RUNS, &TrainingRuns::seatsCall { run: 1 }.abi_encode());
    let seats = TrainingRuns::seatsCall::abi_decode_returns(&seats.unwrap()).unwrap();
    let devices: Vec<B256> = seats.iter().map(|seat| seat.device).collect();
    assert_eq!(devices, [device(1), device(3)]);
    assert_eq!(double.balance_of(RELAY), U256::ZERO, "nobody lives on the fees of newcomers");
}
