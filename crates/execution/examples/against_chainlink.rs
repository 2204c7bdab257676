//! Compares price feeds with the bytecode of Chainlink's `FluxAggregator`: the same answers at the same times, reported by one reporter, and submitted by one oracle.
//!
//! After each round everything that can be read must be equal: return data and refusals of all rounds, of those that do not exist too, and the events of the
//! round. How answers come about differs (signed reports in one call there, a call of each oracle here), and so does `version`.
//!
//! `scripts/reference/price_feeds.mjs` compiles the bytecode, and says how this is called. With a fourth argument the sequence is recorded, with what the bytecode
//! answered; `cargo test` replays it.
//!
//! ```text
//! against_chainlink FOLDER ROUNDS SEED [RECORD_TO]
//! ```

#![expect(clippy::unwrap_used, reason = "it stops where it cannot go on")]

#[expect(dead_code, reason = "other comparisons draw amounts")]
#[path = "against_bytecode/draws.rs"]
mod draws;
#[expect(dead_code, reason = "the tests replay; this records")]
#[path = "../tests/it/recorded.rs"]
mod recorded;
#[expect(dead_code, reason = "other recordings begin with codes")]
#[path = "against_bytecode/recorder.rs"]
mod recorder;

use std::fs;

use abi::{
    PRICE_FEEDS, PriceFeed, PriceFeeds, PriceReport, price_feed_address, price_report_digest,
    price_report_domain,
};
use alloy_primitives::{
    Address, Bytes, I256, LogData, TxKind, U256, aliases::U80, b256, hex, keccak256,
};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolEvent as _, SolValue as _, sol};

use draws::Draws;
use recorded::{Answer, Changes, Ledger, Step, getters};
use recorder::Recorder;

sol! {
    /// What is used of the contract besides the feed's interface.
    interface Flux {
        function changeOracles(address[] calldata removed, address[] calldata added, address[] calldata admins, uint32 minSubmissions, uint32 maxSubmissions, uint32 restartDelay) external;
        function submit(uint256 roundId, int256 submission) external;
    }
}

const DECIMALS: u8 = 8;
const DESCRIPTION: &str = "GRAIN / USD";
const BEGINNING: u64 = 1_800_000_000;
/// Rounds of one ledger.
const ROUNDS: u64 = 50;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, rounds, seed, rest @ ..] = &arguments[..] else {
        panic!("give FOLDER ROUNDS SEED [RECORD_TO]");
    };
    let (rounds, seed): (u64, u64) = (rounds.parse().unwrap(), seed.parse().unwrap());
    let code = fs::read_to_string(format!("{folder}/flux.hex")).unwrap();
    let code: Bytes = hex::decode(code.trim()).unwrap().into();
    let mut recorder = Recorder::default();
    let (mut refused, mut compared) = (0, 0);
    for number in 0..rounds.div_ceil(ROUNDS) {
        let draws = Draws::new(seed.wrapping_mul(1_000_003).wrapping_add(number));
        let count = ROUNDS.min(rounds - number * ROUNDS);
        let (of_ledger, getters) = play(&code, draws, count, &mut recorder);
        refused += of_ledger;
        compared += getters;
    }
    eprintln!("{rounds} rounds, {refused} refused, {compared} getters: 0 differences");
    if let [path] = rest {
        fs::write(path, recorder.into_text()).unwrap();
    }
}

/// Plays one ledger, and returns how many rounds were refused and how many getters were compared.
fn play(code: &Bytes, mut draws: Draws, count: u64, recorder: &mut Recorder) -> (u64, usize) {
    let reporter: PrivateKeySigner = PrivateKeySigner::from_bytes(&b256!(
        "0x0707070707070707070707070707070707070707070707070707070707070707"
    ))
    .unwrap();
    let who = reporter.address();
    let feed = price_feed_address(1);
    let mut native = native(who, recorder);
    let mut bytecode = bytecode(code, who, feed);
    let views = views(feed);
    for (to, input) in &views {
        recorder.getter(*to, input);
    }
    let mut at = Step { block: 2, time: BEGINNING, from: who, to: feed, input: Bytes::new() };
    let before = getters(&mut bytecode, &views, &at);
    assert_eq!(getters(&mut native, &views, &at), before, "before the first round");
    let (mut last, mut refused) = (0, 0);
    for _ in 0..count {
        at.block += 1;
        at.time += 1 + draws.below(7);
        let value = answer(&mut draws);
        let submit = Flux::submitCall { roundId: U256::from(last + 1), submission: value };
        let expected = bytecode.call(&Step { input: submit.abi_encode().into(), ..at.clone() });
        let report = Step {
            to: PRICE_FEEDS,
            input: report(&reporter, feed, value, at.time).into(),
            ..at.clone()
        };
        let found = native.call(&report);
        assert_eq!(found.success, expected.success, "{value} in round {}: {found:?}", last + 1);
        assert_eq!(events(&found), events(&expected), "events of round {}", last + 1);
        if found.success {
            last += 1;
            assert_eq!(U80::abi_decode(&found.output), Ok(U80::from(last)));
        } else {
            refused += 1;
        }
        let expected = getters(&mut bytecode, &views, &report);
        let of_native = getters(&mut native, &views, &report);
        for ((view, found), expected) in views.iter().zip(&of_native).zip(&expected) {
            assert_eq!(found, expected, "{} after round {last}", view.1);
        }
        recorder.step(&report, None, &found, &expected);
    }
    (refused, views.len() * usize::try_from(count).unwrap())
}

/// Returns a ledger with one reporter and one feed.
fn native(reporter: Address, recorder: &mut Recorder) -> Ledger {
    let mut ledger = Ledger::new();
    recorder.begin();
    let slots: Vec<(U256, U256)> =
        native_modules::price_feeds::storage(&[reporter], 1).into_iter().collect();
    for (slot, word) in &slots {
        ledger.set_slot(PRICE_FEEDS, *slot, *word);
    }
    recorder.slots(PRICE_FEEDS, &slots);
    let terms = PriceFeeds::Terms {
        description: DESCRIPTION.into(),
        decimals: DECIMALS,
        maxAge: 3_600,
        deviationBps: 100,
        confirmationSeconds: 10,
    };
    let input = PriceFeeds::createCall { terms }.abi_encode().into();
    let create = Step { block: 1, time: BEGINNING, from: reporter, to: PRICE_FEEDS, input };
    let answer = ledger.call(&create);
    assert!(answer.success, "{}", answer.output);
    recorder.step(&create, None, &answer, &[]);
    ledger
}

/// Returns a ledger with the contract where the other has its feed.
fn bytecode(code: &Bytes, oracle: Address, feed: Address) -> Ledger {
    let mut ledger = Ledger::new();
    // No payment and no validator; before the first round the time is 0.
    let (timeout, decimals) = (U256::from(BEGINNING), U256::from(DECIMALS));
    let (nobody, most) = (Address::ZERO, I256::from_raw(U256::from(i128::MAX)));
    let arguments =
        (nobody, U256::ZERO, timeout, nobody, I256::ONE, most, decimals, DESCRIPTION.to_owned())
            .abi_encode_params();
    let input = [&code[..], &arguments].concat().into();
    let create = Step { block: 1, time: BEGINNING, from: oracle, to: Address::ZERO, input };
    let answer = ledger.run(&create, TxKind::Create, Changes::Kept);
    assert!(answer.success, "{}", answer.output);
    let deployed = oracle.create(0);
    let account = ledger.state_mut().cache.accounts.remove(&deployed).unwrap();
    ledger.set_code(feed, account.info.code.unwrap().original_bytes());
    for (slot, word) in
        account.storage.iter().map(|(slot, word)| (*slot, *word)).collect::<Vec<_>>()
    {
        ledger.set_slot(feed, slot, word);
    }
    let add = Flux::changeOraclesCall {
        removed: Vec::new(),
        added: vec![oracle],
        admins: vec![oracle],
        minSubmissions: 1,
        maxSubmissions: 1,
        restartDelay: 0,
    };
    let input = add.abi_encode().into();
    let answer = ledger.call(&Step { to: feed, input, ..create });
    assert!(answer.success, "{}", answer.output);
    ledger
}

/// Returns a report of one reporter, as calldata.
fn report(reporter: &PrivateKeySigner, feed: Address, value: I256, now: u64) -> Vec<u8> {
    let signed = PriceReport { feed, answer: value, observedAt: now };
    // The chain id of the ledgers of recordings.
    let digest = price_report_digest(&signed, &price_report_domain(1));
    let signature = reporter.sign_hash_sync(&digest).unwrap();
    let report = PriceFeeds::Report {
        answer: value,
        observedAt: now,
        v: 27 + u8::from(signature.v()),
        r: signature.r().into(),
        s: signature.s().into(),
    };
    PriceFeeds::reportCall { feed, reports: vec![report] }.abi_encode()
}

/// Returns answers of every magnitude, and now and then one that is out of range.
fn answer(draws: &mut Draws) -> I256 {
    let most = I256::from_raw(U256::from(i128::MAX));
    match draws.below(20) {
        0 => I256::ZERO,
        1 => I256::MINUS_ONE,
        2 => I256::ONE,
        3 => most,
        4 => most + I256::ONE,
        5 => I256::MIN,
        6 => I256::MAX,
        7..10 => I256::from_raw(U256::from(draws.number())),
        _ => I256::from_raw(U256::from(1_000_000 + draws.below(10_000))),
    }
}

/// Returns the events that the interface has, of a feed.
fn events(answer: &Answer) -> Vec<(Address, LogData)> {
    let known = [PriceFeed::NewRound::SIGNATURE_HASH, PriceFeed::AnswerUpdated::SIGNATURE_HASH];
    let logs = answer.logs.iter();
    logs.filter(|log| log.topics().first().is_some_and(|topic| known.contains(topic)))
        .map(|log| (log.address, log.data.clone()))
        .collect()
}

/// Returns all that can be read of a feed, of rounds that exist and of others.
fn views(feed: Address) -> Vec<(Address, Bytes)> {
    let mut calls = vec![
        PriceFeed::decimalsCall {}.abi_encode(),
        PriceFeed::descriptionCall {}.abi_encode(),
        PriceFeed::latestRoundDataCall {}.abi_encode(),
        PriceFeed::latestAnswerCall {}.abi_encode(),
        PriceFeed::latestTimestampCall {}.abi_encode(),
        PriceFeed::latestRoundCall {}.abi_encode(),
    ];
    let beyond = [1 << 32, (1 << 32) + 1, 1 << 64, (1 << 80) - 1];
    for id in (0..=ROUNDS + 1).map(u128::from).chain(beyond) {
        let round = U256::from(id);
        calls.push(PriceFeed::getRoundDataCall { id: U80::from(id) }.abi_encode());
        calls.push(PriceFeed::getAnswerCall { roundId: round }.abi_encode());
        calls.push(PriceFeed::getTimestampCall { roundId: round }.abi_encode());
    }
    // Rounds beyond every type.
    let round: U256 = keccak256("no round").into();
    calls.push(PriceFeed::getAnswerCall { roundId: round }.abi_encode());
    calls.push(PriceFeed::getTimestampCall { roundId: round }.abi_encode());
    calls.into_iter().map(|data| (feed, data.into())).collect()
}
