//! Price feeds through calldata: signatures, rounds, both faces of a feed.

use abi::{
    PRICE_FEEDS, PriceFeed, PriceFeeds, PriceReport, price_feed_address, price_report_digest,
    price_report_domain,
};
use alloy_primitives::{Address, B256, I256, U256, aliases::U80};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolEvent};
use native_kit::{
    Failure, Host,
    test_host::{CHAIN_ID, TestHost},
};

use crate::{TABLE, price_feeds::storage};

const ANYBODY: Address = Address::repeat_byte(0x77);

fn key(number: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(number)).expect("a key")
}

pub(super) fn terms() -> PriceFeeds::Terms {
    PriceFeeds::Terms {
        description: "GRAIN / USD".into(),
        decimals: 8,
        maxAge: 3_600,
        deviationBps: 500,
        confirmationSeconds: 60,
    }
}

/// Returns a host with three reporters, of whom two make a round, and a feed.
pub(super) fn host() -> (TestHost, Address) {
    let mut host = TestHost::new(TABLE);
    let reporters: Vec<Address> = (1..=3).map(|number| key(number).address()).collect();
    host.within(PRICE_FEEDS, |host| {
        storage(&reporters, 2).into_iter().try_for_each(|(slot, word)| host.store(slot, word))
    })
    .expect("the reporters are stored");
    let feed = send(&mut host, &PriceFeeds::createCall { terms: terms() }).expect("a feed");
    (host, feed)
}

fn send<C: SolCall>(host: &mut TestHost, call: &C) -> Result<C::Return, Failure> {
    let output = host.transact(PRICE_FEEDS, ANYBODY, 0, &call.abi_encode())?;
    Ok(C::abi_decode_returns(&output).expect("the function's return type"))
}

pub(super) fn ask<C: SolCall>(
    host: &mut TestHost,
    to: Address,
    call: &C,
) -> Result<C::Return, Failure> {
    let output = host.read(to, &call.abi_encode())?;
    Ok(C::abi_decode_returns(&output).expect("the function's return type"))
}

fn signed(number: u8, feed: Address, answer: i64, observed_at: u64) -> PriceFeeds::Report {
    let answer = I256::try_from(answer).expect("it fits");
    let report = PriceReport { feed, answer, observedAt: observed_at };
    let digest = price_report_digest(&report, &price_report_domain(CHAIN_ID));
    let signature = key(number).sign_hash_sync(&digest).expect("it is signed");
    PriceFeeds::Report {
        answer,
        observedAt: observed_at,
        v: 27 + u8::from(signature.v()),
        r: signature.r().into(),
        s: signature.s().into(),
    }
}

/// Two reporters say the same, in the second of the block.
pub(super) fn report(host: &mut TestHost, feed: Address, answer: i64) -> Result<U80, Failure> {
    let reports = vec![signed(1, feed, answer, host.time), signed(3, feed, answer, host.time)];
    send(host, &PriceFeeds::reportCall { feed, reports })
}

#[test]
fn the_registry_says_who_reports_what() {
    let (mut host, feed) = host();
    assert_eq!(feed, price_feed_address(1));
    let reporters = ask(&mut host, PRICE_FEEDS, &PriceFeeds::reportersCall {}).unwrap();
    assert_eq!(reporters, [1, 2, 3].map(|number| key(number).address()));
    assert_eq!(ask(&mut host, PRICE_FEEDS, &PriceFeeds::quorumCall {}), Ok(2));
    assert_eq!(ask(&mut host, PRICE_FEEDS, &PriceFeeds::countCall {}), Ok(1));
    assert_eq!(ask(&mut host, PRICE_FEEDS, &PriceFeeds::feedAtCall { number: 1 }), Ok(feed));
    for (account, is) in [(key(2).address(), true), (ANYBODY, false)] {
        assert_eq!(ask(&mut host, PRICE_FEEDS, &PriceFeeds::isReporterCall { account }), Ok(is));
    }
    let missing = price_feed_address(2);
    let none = Failure::revert(&PriceFeeds::NoSuchFeed { feed: missing });
    assert_eq!(
        ask(&mut host, PRICE_FEEDS, &PriceFeeds::feedAtCall { number: 2 }),
        Err(none.clone())
    );
    assert_eq!(report(&mut host, missing, 5), Err(none));
    assert_eq!(ask(&mut host, PRICE_FEEDS, &PriceFeeds::isFeedCall { account: feed }), Ok(true));
    assert_eq!(
        ask(&mut host, PRICE_FEEDS, &PriceFeeds::isFeedCall { account: missing }),
        Ok(false)
    );
}

/// A ledger whose genesis file names no reporters has feeds that nobody can report to; asking costs gas like any refused call.
#[test]
fn without_reporters_reports_are_refused() {
    let mut host = TestHost::new(TABLE);
    let feed = send(&mut host, &PriceFeeds::createCall { terms: terms() }).expect("a feed");
    let none = PriceFeeds::NoQuorum { count: U256::ZERO, quorum: 0 };
    let empty = PriceFeeds::reportCall { feed, reports: Vec::new() };
    assert_eq!(send(&mut host, &empty), Err(Failure::revert(&none)));
    let signer = key(1).address();
    let stranger = Failure::revert(&PriceFeeds::NotAReporter { feed, signer });
    assert_eq!(report(&mut host, feed, 5), Err(stranger));
}

#[test]
fn terms_that_no_feed_could_keep_are_refused() {
    let (mut host, _) = host();
    let mut check = |change: fn(&mut PriceFeeds::Terms), expected: Failure| {
        let mut terms = terms();
        change(&mut terms);
        assert_eq!(send(&mut host, &PriceFeeds::createCall { terms }), Err(expected));
    };
    let size = |size: u64| {
        Failure::revert(&PriceFeeds::DescriptionSize {
            size: U256::from(size),
            max: U256::from(64),
        })
    };
    check(|terms| terms.description.clear(), size(0));
    check(|terms| terms.description = "x".repeat(65), size(65));
    let decimals = PriceFeeds::TooManyFeedDecimals { given: 37, max: 36 };
    check(|terms| terms.decimals = 37, Failure::revert(&decimals));
    let age = PriceFeeds::MaxAgeOutOfRange { given: 0, max: 2_592_000 };
    check(|terms| terms.maxAge = 0, Failure::revert(&age));
    for given in [0, 10_001] {
        let change = if given == 0 {
            |terms: &mut PriceFeeds::Terms| terms.deviationBps = 0
        } else {
            |terms: &mut PriceFeeds::Terms| terms.deviationBps = 10_001
        };
        check(change, Failure::revert(&PriceFeeds::DeviationOutOfRange { given }));
    }
    let late = PriceFeeds::ConfirmationTooLong { given: 3_600, maxAge: 3_600 };
    check(|terms| terms.confirmationSeconds = 3_600, Failure::revert(&late));
}

#[test]
fn a_feed_answers_as_chainlinks() {
    let (mut host, feed) = host();
    let no_data = Err(Failure::message("No data present"));
    assert_eq!(ask(&mut host, feed, &PriceFeed::latestRoundDataCall {}).map(drop), no_data);
    assert_eq!(ask(&mut host, feed, &PriceFeed::latestAnswerCall {}), Ok(I256::ZERO));
    assert_eq!(ask(&mut host, feed, &PriceFeed::latestTimestampCall {}), Ok(U256::ZERO));
    assert_eq!(ask(&mut host, feed, &PriceFeed::decimalsCall {}), Ok(8));
    assert_eq!(ask(&mut host, feed, &PriceFeed::descriptionCall {}), Ok("GRAIN / USD".into()));
    assert_eq!(ask(&mut host, feed, &PriceFeed::versionCall {}), Ok(U256::ONE));
    assert_eq!(ask(&mut host, feed, &PriceFeed::maxAgeCall {}), Ok(3_600));
    assert_eq!(ask(&mut host, feed, &PriceFeed::deviationBpsCall {}), Ok(500));
    assert_eq!(ask(&mut host, feed, &PriceFeed::confirmationSecondsCall {}), Ok(60));

    let reports =
        vec![signed(3, feed, 104, 990), signed(1, feed, 100, 980), signed(2, feed, 101, 1_000)];
    let round = send(&mut host, &PriceFeeds::reportCall { feed, reports });
    assert_eq!(round, Ok(U80::ONE));
    let logs = host.state().logs;
    let [.., reported, begun, answered] = &logs[..] else { panic!("three logs") };
    let said = PriceFeeds::Reported {
        feed,
        roundId: U80::ONE,
        reporters: [3, 1, 2].map(|number| key(number).address()).to_vec(),
        answers: [104, 100, 101].map(I256::unchecked_from).to_vec(),
    };
    assert_eq!((reported.0, &reported.2), (PRICE_FEEDS, &said.encode_log_data().data));
    let new_round =
        PriceFeed::NewRound { roundId: U256::ONE, startedBy: ANYBODY, startedAt: U256::from(980) };
    assert_eq!((begun.0, &begun.1[..]), (feed, new_round.encode_log_data().topics()));
    let updated = PriceFeed::AnswerUpdated {
        current: I256::unchecked_from(101),
        roundId: U256::ONE,
        updatedAt: U256::from(1_000),
    };
    assert_eq!((answered.0, &answered.1[..]), (feed, updated.encode_log_data().topics()));

    let data = ask(&mut host, feed, &PriceFeed::latestRoundDataCall {}).unwrap();
    assert_eq!((data.roundId, data.answeredInRound), (U80::ONE, U80::ONE));
    let times = (data.startedAt.to::<u64>(), data.updatedAt.to::<u64>());
    assert_eq!((data.answer, times), (I256::unchecked_from(101), (980, 1_000)));
    host.time += 20;
    report(&mut host, feed, 102).unwrap();
    for (id, expected) in [(1, 101), (2, 102), (3, 0)] {
        let answer = ask(&mut host, feed, &PriceFeed::getAnswerCall { roundId: U256::from(id) });
        assert_eq!(answer, Ok(I256::unchecked_from(expected)));
        let found = ask(&mut host, feed, &PriceFeed::getRoundDataCall { id: U80::from(id) });
        assert_eq!(found.is_ok(), expected != 0);
    }
    assert_eq!(ask(&mut host, feed, &PriceFeed::latestRoundCall {}), Ok(U256::from(2)));
}

#[test]
fn a_stale_or_divergent_price_is_refused_with_the_reason() {
    let (mut host, feed) = host();
    let checked = |host: &mut TestHost| {
        ask(host, feed, &PriceFeed::latestCheckedRoundDataCall {}).map(|data| data.answer)
    };
    assert_eq!(checked(&mut host), Err(Failure::revert(&PriceFeed::NoAnswer {})));
    report(&mut host, feed, 100).unwrap();
    let price = I256::unchecked_from;
    assert_eq!(checked(&mut host), Ok(price(100)));
    host.time += 3_600;
    assert_eq!(checked(&mut host), Ok(price(100)));
    host.time += 1;
    let stale = PriceFeed::StalePrice { observedAt: 1_000, maxAge: 3_600 };
    assert_eq!(checked(&mut host), Err(Failure::revert(&stale)));
    assert!(ask(&mut host, feed, &PriceFeed::latestRoundDataCall {}).is_ok(), "Chainlink's face");

    report(&mut host, feed, 200).unwrap();
    let divergent = PriceFeed::DivergentPrice { before: price(100), answer: price(200) };
    assert_eq!(checked(&mut host), Err(Failure::revert(&divergent)));
    host.time += 60;
    report(&mut host, feed, 201).unwrap();
    assert_eq!(checked(&mut host), Ok(price(201)));
}

#[test]
fn only_fresh_reports_of_a_quorum_of_reporters_count() {
    let (mut host, feed) = host();
    report(&mut host, feed, 100).unwrap();
    host.time += 10;
    let now = host.time;
    let good = |number: u8| signed(number, feed, 100, now);
    let refuse = |host: &mut TestHost, reports: Vec<PriceFeeds::Report>, expected: Failure| {
        let before = host.state();
        assert_eq!(send(host, &PriceFeeds::reportCall { feed, reports }), Err(expected));
        assert!(before == host.state(), "a refused batch has changed something");
    };
    let no_quorum = PriceFeeds::NoQuorum { count: U256::ONE, quorum: 2 };
    refuse(&mut host, vec![good(1)], Failure::revert(&no_quorum));
    let twice = PriceFeeds::ReporterTwice { reporter: key(2).address() };
    refuse(&mut host, vec![good(2), good(2)], Failure::revert(&twice));
    let stranger = PriceFeeds::NotAReporter { feed, signer: key(9).address() };
    refuse(&mut host, vec![good(1), good(9)], Failure::revert(&stranger));
    let future = PriceFeeds::ReportFromFuture { observedAt: now + 1 };
    refuse(&mut host, vec![good(1), signed(2, feed, 100, now + 1)], Failure::revert(&future));
    // A report of the last round, signed for it, can't be used again.
    let again = PriceFeeds::ReportNotNewer { observedAt: 1_000, updatedAt: 1_000 };
    refuse(&mut host, vec![good(2), signed(1, feed, 100, 1_000)], Failure::revert(&again));
    let apart = PriceFeeds::ReportsDisagree { agreeing: U256::ONE, quorum: 2 };
    refuse(&mut host, vec![good(1), signed(2, feed, 106, now)], Failure::revert(&apart));
    for wrong in [0, -5] {
        let out = PriceFeeds::AnswerOutOfRange { answer: I256::unchecked_from(wrong) };
        refuse(&mut host, vec![good(1), signed(2, feed, wrong, now)], Failure::revert(&out));
    }
    let many = PriceFeeds::TooManyReports { count: U256::from(32), max: U256::from(31) };
    refuse(&mut host, vec![good(1); 32], Failure::revert(&many));
    // Other bytes: a wrong `v`, and the other `s`, which fits the same signature.
    let bad = Failure::revert(&PriceFeeds::BadReportSignature { index: U256::ONE });
    refuse(&mut host, vec![good(1), PriceFeeds::Report { v: 29, ..good(2) }], bad.clone());
    let order = alloy_primitives::uint!(
        0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256
    );
    let report = good(2);
    let s = (order - U256::from_be_bytes(report.s.0)).into();
    refuse(&mut host, vec![good(1), PriceFeeds::Report { s, v: 55 - report.v, ..report }], bad);
    // Another feed, another ledger: the signer that is recovered is nobody.
    let other = send(&mut host, &PriceFeeds::createCall { terms: terms() }).unwrap();
    let reports = vec![good(1), signed(2, other, 100, now)];
    assert!(send(&mut host, &PriceFeeds::reportCall { feed, reports }).is_err());
    host.chain_id += 1;
    assert!(
        send(&mut host, &PriceFeeds::reportCall { feed, reports: vec![good(1), good(2)] }).is_err()
    );
    host.chain_id -= 1;
    assert!(
        send(&mut host, &PriceFeeds::reportCall { feed, reports: vec![good(1), good(2)] }).is_ok()
    );
}
