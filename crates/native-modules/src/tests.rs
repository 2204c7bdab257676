//! Modules on a host without an EVM: refusals change nothing, and results are those of the rules.

mod assets;
mod brake;
mod breakers;
mod devices;
mod governor;
mod houses;
mod issuance;
mod juries;
mod lens_locks;
mod market_lens;
mod offices;
mod parameters;
mod pool_prices;
mod prices;
mod revisions;
mod runs;
mod speeds;
mod table;
mod tokens;
mod treasury;
mod uniswap_v2;
mod uniswap_v3;
mod votes_reference;
mod yields;

use abi::{DEVICES, Devices, ModuleErrors, TRAINING_RUNS, TrainingRuns, signed::Signer, statement};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall, SolInterface};
use ed25519_dalek::{Signer as _, SigningKey};
use proptest::{collection::vec, prelude::*};

use crate::TABLE;
use native_kit::{
    Failure,
    test_host::{CHAIN_ID, TestHost},
};

const OWNER: Address = Address::repeat_byte(0xaa);
const DEPOSIT: u64 = 1_000_000;
/// The owner's auditing device.
const AUDITOR: u8 = 9;

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

/// Makes statements of a device.
fn by<T>(number: u8, make: impl FnOnce(&Signer<'_>) -> T) -> T {
    let key = key(number);
    let sign = |bytes: &[u8]| key.sign(bytes).to_bytes();
    make(&Signer { device: device(number), chain_id: CHAIN_ID, sign: &sign })
}

fn enroll(number: u8, nonce: u64) -> Vec<u8> {
    by(number, |device| device.enroll(1, nonce))
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
        relayFee: 1,
        spec: B256::repeat_byte(1),
        corpus: B256::repeat_byte(2),
        initialState: B256::repeat_byte(3),
    }
}

fn open() -> Vec<u8> {
    let (name, endpoint) = ("barley".to_owned(), "127.0.0.1:1".to_owned());
    let auditor = device(AUDITOR);
    let coordinator = B256::ZERO;
    TrainingRuns::openCall { terms: terms(), name, auditor, coordinator, endpoint }.abi_encode()
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
        prop::sample::select(vec![open(), enroll(1, 1), link(1, 2)]),
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

#[test]
fn whatever_gas_is_missing_nothing_is_left_behind() {
    let double = runs::closed().double;
    let calls = [
        (TRAINING_RUNS, enroll(4, 1)),
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
    assert_eq!(double.transact(TRAINING_RUNS, OWNER, 1, &enroll(1, 1)), not_allowed);
    assert_eq!(double.transact(DEVICES, OWNER, 1, &link(1, 2)), not_allowed);
    let before = double.state();
    let is_static = Err(Failure::revert(&ModuleErrors::StaticCallNotAllowed {}));
    assert_eq!(double.read(TRAINING_RUNS, &enroll(1, 1)), is_static);
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
