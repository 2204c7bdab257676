//! Training runs: the module does what the rules say, record by record.

use abi::{
    REFEREES, TRAINING_RUNS,
    TrainingRuns::{self, Verdict},
    convert::{self, device_word, digest, digest_word},
    statement,
};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolCall;
use proptest::{collection::vec, prelude::*};
use training_run::{
    Auditor, Book as _, Check, Commitment, Context, Finding, Input, MemoryBook, Ruling, invariants,
};
use units::{AccountId, DeviceId, Digest, UnixSeconds, Wei, seal};

use super::{AUDITOR, DEPOSIT, OWNER, by, device, enroll, opened, signed};
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
    /// Rules on any dispute.
    Rule(usize, bool),
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
        3 => (0_usize..3, any::<bool>()).prop_map(|(at, is_available)| Step::Rule(at, is_available)),
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
                let root = if is_true { true_root(round, number) } else { Digest::ZERO };
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
            Step::Draw(_) | Step::Verdict(..) | Step::Dispute(..) | Step::Rule(..) => {
                self.audit_step(step, round);
            }
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
            Step::Rule(at, is_available) => {
                let open = self.book.disputes().keys().nth(at).copied();
                let Some((round, seat)) = open else { return };
                let subject = self.book.seats()[usize::from(seat)].device;
                let number = (1..=5).find(|number| id(*number) == subject).unwrap();
                self.rule(round, number, is_available);
            }
            _ => unreachable!("no step of audits"),
        }
    }

    fn rule(&mut self, round: u32, number: u8, is_available: bool) {
        let (kind, root, update) = if is_available {
            let kind = TrainingRuns::Ruling::Replayed;
            (kind, true_root(round, number), true_update(round, number))
        } else {
            (TrainingRuns::Ruling::Unavailable, Digest::ZERO, Digest::ZERO)
        };
        let subject = id(number);
        let call = rule_call(REFEREE, round, subject, kind, (root, update));
        let ruling = match is_available {
            true => Ruling::Replayed { seal: seal(&subject, &root), update },
            false => Ruling::Unavailable,
        };
        self.apply(RELAY, 0, &call, Input::Rule { round, subject, ruling });
    }
}

fn rule_call(
    referee: u8,
    round: u32,
    subject: DeviceId,
    kind: TrainingRuns::Ruling,
    (root, update): (Digest, Digest),
) -> Vec<u8> {
    let values = [root.as_bytes(), update.as_bytes()];
    let text = statement::ruling(CHAIN_ID, 1, round, subject.as_bytes(), kind, values);
    let signature = signed(referee, &text);
    let signatures = vec![TrainingRuns::RefereeSignature { referee: device(referee), signature }];
    let (root, update) = (digest_word(root), digest_word(update));
    let subject = device_word(subject);
    TrainingRuns::ruleCall { run: 1, round, subject, kind, root, update, signatures }.abi_encode()
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
    Pair { double, book }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn a_module_does_what_its_rules_say(steps in steps()) {
        let mut pair = pair();
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
    let truth = (true_root(0, 3), true_update(0, 3));
    let forged = rule_call(21, round, subject, TrainingRuns::Ruling::Replayed, truth);
    let refused = pair.double.transact(TRAINING_RUNS, RELAY, 0, &forged);
    let expected = TrainingRuns::NotEnoughReferees { given: U256::ZERO, required: U256::from(1) };
    assert_eq!(refused, Err(Failure::revert(&expected)));
    pair.rule(round, 3, true);
    assert!(pair.book.seats()[2].is_expelled());
    assert!(!pair.book.seats()[0].is_expelled());
}

#[test]
fn rulings_need_as_many_referees_as_the_genesis_file_says() {
    let mut pair = closed();
    name_referees(&mut pair.double, &[REFEREE, 21, 22], 2);
    for _ in 0..2 {
        pair.step(&Step::Wait(1));
    }
    pair.step(&Step::Draw(0));
    pair.step(&Step::Verdict(2, Verdict::Mismatch));
    let subject = id(3);
    let kind = TrainingRuns::Ruling::Replayed;
    let truth = (true_root(0, 3), true_update(0, 3));
    let one = rule_call(REFEREE, 0, subject, kind, truth);
    assert!(pair.double.transact(TRAINING_RUNS, RELAY, 0, &one).is_err());
    let mut call = TrainingRuns::ruleCall::abi_decode(&one).unwrap();
    let twice = call.signatures[0].clone();
    call.signatures.push(twice);
    assert!(pair.double.transact(TRAINING_RUNS, RELAY, 0, &call.abi_encode()).is_err());
    let other = rule_call(22, 0, subject, kind, truth);
    call.signatures.extend(TrainingRuns::ruleCall::abi_decode(&other).unwrap().signatures);
    pair.double.transact(TRAINING_RUNS, RELAY, 0, &call.abi_encode()).unwrap();
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
