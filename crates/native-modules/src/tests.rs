//! Modules on a host without an EVM: refusals change nothing, and results are those of the rules.

mod assets;
mod table;
mod tokens;

use abi::{
    DEVICES, Devices, ModuleErrors, TRAINING_RUNS,
    TrainingRuns::{self, Verdict},
    convert::{self, device_word, digest, digest_word},
    statement,
};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall, SolInterface};
use ed25519_dalek::{Signer as _, SigningKey};
use proptest::{collection::vec, prelude::*};
use training_run::{Check, Commitment, Context, Finding, Input, Run};
use units::{AccountId, DeviceId, Digest, UnixSeconds, Wei, seal};

use crate::{TABLE, training_runs};
use native_kit::{
    Failure,
    test_host::{CHAIN_ID, TestHost, hash_of},
};

const OWNER: Address = Address::repeat_byte(0xaa);
const DEPOSIT: u64 = 1_000_000;

fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn device(number: u8) -> B256 {
    key(number).verifying_key().to_bytes().into()
}

fn signed(number: u8, statement: &[u8]) -> alloy_primitives::Bytes {
    key(number).sign(statement).to_bytes().to_vec().into()
}

fn link(number: u8, nonce: u64) -> Vec<u8> {
    let (device, account) = (device(number), Address::repeat_byte(number));
    let signature =
        signed(number, &statement::link(CHAIN_ID, &device.0, &account.into_array(), nonce));
    Devices::linkCall { device, account, nonce, signature }.abi_encode()
}

fn enroll(number: u8) -> Vec<u8> {
    let device = device(number);
    let signature = signed(number, &statement::enroll(CHAIN_ID, 1, &device.0));
    TrainingRuns::enrollCall { run: 1, device, signature }.abi_encode()
}

fn terms() -> TrainingRuns::Terms {
    TrainingRuns::Terms {
        rounds: 4,
        warmupRounds: 1,
        tokensPerRound: 10,
        warmupTokensPerRound: 4,
        pricePerToken: 7,
        auditRate: 5_000,
        auditPay: 2_500,
        quorum: 6_000,
        seatsMin: 3,
        seatsMax: 6,
        roundSeconds: 100,
        auditSeconds: 50,
        stallSeconds: 1_000,
        holdBackRounds: 1,
        spec: B256::repeat_byte(1),
        corpus: B256::repeat_byte(2),
        initialState: B256::repeat_byte(3),
    }
}

fn open() -> Vec<u8> {
    let (name, endpoint) = ("barley".to_owned(), "127.0.0.1:1".to_owned());
    TrainingRuns::openCall { terms: terms(), name, coordinator: B256::ZERO, endpoint }.abi_encode()
}

/// Returns a run as it is stored.
fn run_of(host: &TestHost, id: u64) -> Run {
    host.clone().within(TRAINING_RUNS, |host| training_runs::load(host, id)).unwrap()
}

/// Returns a ledger with one run, and five linked devices without seats.
fn opened() -> TestHost {
    let mut double = TestHost::new(TABLE);
    double.give(OWNER, DEPOSIT);
    for number in 1..=5 {
        double.transact(DEVICES, OWNER, 0, &link(number, 1)).unwrap();
    }
    double.transact(TRAINING_RUNS, OWNER, DEPOSIT, &open()).unwrap();
    double
}

fn mutations() -> impl Strategy<Value = (bool, Vec<u8>)> {
    let selectors: Vec<[u8; 4]> = TrainingRuns::TrainingRunsCalls::selectors()
        .chain(Devices::DevicesCalls::selectors())
        .collect();
    let words = vec(prop_oneof![Just(0_u64), Just(1), Just(32), Just(64), any::<u64>()], 0..24);
    let of_words = (prop::sample::select(selectors), words).prop_map(|(selector, words)| {
        let words = words.into_iter().flat_map(|word| U256::from(word).to_be_bytes::<32>());
        selector.into_iter().chain(words).collect()
    });
    let damaged = (
        prop::sample::select(vec![open(), enroll(1), link(1, 2)]),
        any::<prop::sample::Index>(),
        any::<u8>(),
    )
        .prop_map(|(mut call, at, byte): (Vec<u8>, _, _)| {
            let at = at.index(call.len());
            call[at] ^= byte;
            call
        });
    (any::<bool>(), prop_oneof![vec(any::<u8>(), 0..200), of_words, damaged])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_calldata_is_answered_and_what_is_refused_changes_nothing(
        (is_devices, input) in mutations(),
        value in prop_oneof![Just(0_u64), 1..DEPOSIT],
    ) {
        let module = if is_devices { DEVICES } else { TRAINING_RUNS };
        let mut double = opened();
        double.give(OWNER, value);
        let before = double.state();
        if double.read(module, &input).is_ok() || double.transact(module, OWNER, value, &input).is_err() {
            prop_assert!(double.state() == before, "something has changed");
        }
    }
}

/// A step of a random run; most are refused.
#[derive(Clone, Debug)]
enum Step {
    Enroll(u8),
    Leave(u8),
    Commit(u8),
    Close,
    Lapse,
    Advance(u8),
    Draw,
    /// Submits a verdict on any open audit: passed, mismatch, or no evidence.
    Verdict(Verdict),
    Redraw,
    Cancel,
    Abandon,
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (1_u8..=5).prop_map(Step::Enroll),
        1 => (1_u8..=5).prop_map(Step::Leave),
        12 => (1_u8..=5).prop_map(Step::Commit),
        4 => Just(Step::Close),
        1 => Just(Step::Lapse),
        6 => any::<u8>().prop_map(Step::Advance),
        4 => Just(Step::Draw),
        4 => (0_u8..3).prop_map(|kind| Step::Verdict(kind.try_into().unwrap())),
        1 => Just(Step::Redraw),
        1 => prop_oneof![9 => Just(Step::Wait(1)), 1 => Just(Step::Cancel)],
        1 => Just(Step::Abandon),
        2 => (1_u64..300).prop_map(Step::Wait),
    ];
    vec(step, 1..120)
}

/// The module and, for comparison, the rules alone.
struct Pair {
    double: TestHost,
    run: Run,
}

impl Pair {
    fn context(&self) -> Context {
        Context {
            now: UnixSeconds::new(self.double.time),
            height: self.double.height,
            caller: convert::account(OWNER),
            randomness: digest(hash_of(self.double.height - 1)),
        }
    }

    /// Applies a call to both; they must agree.
    fn apply(&mut self, call: &[u8], input: Input) {
        let context = self.context();
        let ruled = self.run.step(&context, input.clone());
        let before = self.double.state();
        let called = self.double.transact(TRAINING_RUNS, OWNER, 0, call);
        match (&ruled, &called) {
            (Ok(_), Ok(_)) => {}
            (Err(error), Err(Failure::Revert(data))) => {
                // The error contains the values, and its sentence in the catalogue equals the rule's.
                let (_, sentence) = abi::decode_error(data).expect("an error of the interface");
                assert_eq!(sentence, error.to_string(), "{input:?}");
                assert!(self.double.state() == before, "something has changed");
            }
            _ => panic!("{input:?}: the rules say {ruled:?}, the module {called:?}"),
        }
        assert_eq!(run_of(&self.double, 1), self.run, "{input:?}");
        let escrow = self.run.escrow();
        let held = escrow.deposited.as_u128() - escrow.paid.as_u128() - escrow.refunded.as_u128();
        assert_eq!(self.double.balance_of(TRAINING_RUNS), U256::from(held), "{input:?}");
    }

    fn open_audit(&self) -> Option<(u32, DeviceId, DeviceId)> {
        self.run.closed_rounds().find_map(|(round, closed)| {
            closed.entries.iter().find_map(|(index, entry)| match &entry.check {
                Check::Audit(audit) => Some((
                    round,
                    self.run.seat(*index)?.device,
                    self.run.seat(audit.auditor)?.device,
                )),
                Check::None | Check::Passed => None,
            })
        })
    }

    fn step(&mut self, step: &Step) {
        let (run, round) = (1, self.run.round());
        let id = |number| convert::device(device(number));
        match *step {
            Step::Wait(seconds) => {
                self.double.time += seconds;
                self.double.height += 1;
            }
            Step::Enroll(number) => {
                let account = AccountId::from_bytes([number; 20]);
                self.apply(&enroll(number), Input::Enroll { device: id(number), account });
            }
            Step::Leave(number) => {
                let signature = signed(number, &statement::leave(CHAIN_ID, run, round));
                let call =
                    TrainingRuns::leaveCall { run, device: device(number), round, signature };
                self.apply(&call.abi_encode(), Input::Leave { device: id(number) });
            }
            Step::Commit(number) => {
                let commitment = Commitment {
                    seal: seal(&id(number), &Digest::from_bytes([1; 32])),
                    update: Digest::from_bytes([number; 32]),
                };
                let call = commit_call(number, round, &commitment);
                self.apply(&call, Input::Commit { device: id(number), round, commitment });
            }
            Step::Close => {
                self.apply(
                    &TrainingRuns::closeCall { run, round }.abi_encode(),
                    Input::Close { round },
                );
            }
            Step::Lapse => {
                self.apply(
                    &TrainingRuns::lapseCall { run, round }.abi_encode(),
                    Input::Lapse { round },
                );
            }
            Step::Advance(byte) => {
                let (state, update) = (B256::repeat_byte(byte), B256::repeat_byte(!byte));
                let call = TrainingRuns::advanceCall { run, round, state, update };
                let (state, update) = (digest(state), digest(update));
                self.apply(&call.abi_encode(), Input::Advance { round, state, update });
            }
            Step::Draw | Step::Verdict(_) | Step::Redraw => self.audit_step(step),
            Step::Cancel => {
                self.apply(&TrainingRuns::cancelCall { run }.abi_encode(), Input::Cancel);
            }
            Step::Abandon => {
                self.apply(&TrainingRuns::abandonCall { run }.abi_encode(), Input::Abandon);
            }
        }
    }

    fn audit_step(&mut self, step: &Step) {
        let run = 1;
        match *step {
            Step::Draw => {
                let undrawn = self.run.closed_rounds().find(|(_, closed)| !closed.drawn);
                let Some(round) = undrawn.map(|(round, _)| round) else { return };
                let height = self.run.draw_height(round).unwrap();
                let hash = self.double.known_hash(height);
                let randomness = digest(hash);
                self.apply(
                    &TrainingRuns::drawCall { run, round }.abi_encode(),
                    Input::Draw { round, randomness },
                );
            }
            Step::Verdict(kind) => {
                let Some((round, subject, auditor)) = self.open_audit() else { return };
                self.verdict(kind, (round, subject, auditor));
            }
            Step::Redraw => {
                let Some((round, subject, _)) = self.open_audit() else { return };
                let call = TrainingRuns::redrawCall { run, round, subject: device_word(subject) };
                self.apply(&call.abi_encode(), Input::Redraw { round, subject });
            }
            _ => unreachable!("no step of audits"),
        }
    }

    fn verdict(&mut self, kind: Verdict, (round, subject, auditor): (u32, DeviceId, DeviceId)) {
        let value = match kind {
            Verdict::Mismatch => seal(&auditor, &Digest::from_bytes([2; 32])),
            _ => Digest::from_bytes([1; 32]),
        };
        let number = (1..=5).find(|number| device(*number).0 == *auditor.as_bytes()).unwrap();
        let signature = signed(
            number,
            &statement::verdict(CHAIN_ID, 1, round, subject.as_bytes(), kind, value.as_bytes()),
        );
        let call = TrainingRuns::verdictCall {
            run: 1,
            round,
            subject: device_word(subject),
            auditor: device_word(auditor),
            kind,
            value: digest_word(value),
            signature,
        };
        let claims = training_runs::claimants(&self.run, round, &subject);
        let finding = match kind {
            Verdict::Opened => Finding::Opened {
                for_subject: seal(&subject, &value),
                for_claimants: claims.iter().map(|claimant| seal(claimant, &value)).collect(),
            },
            Verdict::Mismatch => Finding::Mismatch { sealed: value },
            _ => Finding::Unavailable,
        };
        self.apply(&call.abi_encode(), Input::Verdict { auditor, round, subject, finding });
    }
}

fn commit_call(number: u8, round: u32, commitment: &Commitment) -> Vec<u8> {
    let [seal, update] = [commitment.seal, commitment.update].map(|digest| *digest.as_bytes());
    let statement = statement::commit(CHAIN_ID, 1, round, &seal, &update);
    let commitment = TrainingRuns::Commitment {
        device: device(number),
        seal: seal.into(),
        update: update.into(),
        signature: signed(number, &statement),
    };
    TrainingRuns::commitCall { run: 1, round, commitments: vec![commitment] }.abi_encode()
}

fn pair() -> Pair {
    let double = opened();
    let run = run_of(&double, 1);
    assert_eq!(run.escrow().deposited, Wei::new(DEPOSIT.into()));
    Pair { double, run }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_module_does_what_its_rules_say(steps in steps()) {
        let mut pair = pair();
        for step in &steps {
            pair.step(step);
        }
    }
}

/// Returns three seats that have all committed to a round, which is closed.
fn closed() -> Pair {
    let mut pair = pair();
    for number in 1..=3 {
        pair.step(&Step::Enroll(number));
    }
    for number in 1..=3 {
        pair.step(&Step::Commit(number));
    }
    // The seats may have closed it by all committing.
    if pair.run.draw_height(0).is_none() {
        pair.step(&Step::Close);
    }
    assert!(pair.run.draw_height(0).is_some());
    pair
}

#[test]
fn a_round_whose_hash_is_forgotten_is_drawn_from_another() {
    let Pair { mut double, run } = closed();
    let height = run.draw_height(0).unwrap();
    double.height = height + 300;
    let draw = TrainingRuns::drawCall { run: 1, round: 0 }.abi_encode();
    double.transact(TRAINING_RUNS, OWNER, 0, &draw).unwrap();
    let rearmed = run_of(&double, 1);
    assert_eq!(rearmed.draw_height(0), Some(height + 301), "the hash of a block to come");
    let early = double.transact(TRAINING_RUNS, OWNER, 0, &draw);
    assert!(matches!(early, Err(Failure::Revert(_))), "{early:?}");
    double.height += 2;
    double.transact(TRAINING_RUNS, OWNER, 0, &draw).unwrap();
    assert_eq!(run_of(&double, 1).draw_height(0), None);
}

#[test]
fn whatever_gas_is_missing_nothing_is_left_behind() {
    let Pair { double, .. } = closed();
    let calls = [
        (TRAINING_RUNS, enroll(4)),
        (TRAINING_RUNS, TrainingRuns::cancelCall { run: 1 }.abi_encode()),
        (DEVICES, link(1, 2)),
    ];
    for (module, call) in calls {
        let mut enough = double.clone();
        enough.transact(module, OWNER, 0, &call).unwrap();
        let used = enough.gas_used;
        assert!(1_000 < used, "{used}");
        for part in 0..40 {
            let mut short = double.clone();
            short.gas_limit = used * part / 40;
            let before = short.state();
            assert_eq!(short.transact(module, OWNER, 0, &call), Err(Failure::OutOfGas));
            assert!(short.state() == before, "something has changed");
        }
    }
}

#[test]
fn only_what_is_payable_takes_value_and_static_calls_change_nothing() {
    let mut double = opened();
    double.give(OWNER, 10);
    let not_allowed = Err(Failure::revert(&ModuleErrors::ValueNotAllowed {}));
    assert_eq!(double.transact(TRAINING_RUNS, OWNER, 1, &enroll(1)), not_allowed);
    assert_eq!(double.transact(DEVICES, OWNER, 1, &link(1, 2)), not_allowed);
    let before = double.state();
    let is_static = Err(Failure::revert(&ModuleErrors::StaticCallNotAllowed {}));
    assert_eq!(double.read(TRAINING_RUNS, &enroll(1)), is_static);
    assert_eq!(double.read(DEVICES, &link(1, 2)), is_static);
    let count = double.read(TRAINING_RUNS, &TrainingRuns::countCall {}.abi_encode());
    assert_eq!(TrainingRuns::countCall::abi_decode_returns(&count.unwrap()), Ok(1));
    assert!(double.state() == before, "something has changed");
}

#[test]
fn a_statement_of_another_device_chain_or_nonce_is_refused() {
    let mut double = opened();
    let stale = Devices::StaleNonce { device: device(1), expected: 2 };
    assert_eq!(double.transact(DEVICES, OWNER, 0, &link(1, 1)), Err(Failure::revert(&stale)));
    let mut forged = Devices::linkCall::abi_decode(&link(1, 2)).unwrap();
    forged.account = OWNER;
    let bad = Failure::revert(&ModuleErrors::BadSignature { device: device(1) });
    assert_eq!(double.transact(DEVICES, OWNER, 0, &forged.abi_encode()), Err(bad.clone()));
    double.chain_id += 1;
    assert_eq!(double.transact(DEVICES, OWNER, 0, &link(1, 2)), Err(bad));
}
