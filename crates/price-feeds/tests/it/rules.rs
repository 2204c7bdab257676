//! Each rule by an example.

use price_feeds::{
    Answer, Quorum, QuorumError, ReadError, ReportError, ReporterId, Terms, TermsError,
};
use units::Bps;

use crate::{answer, at, feed, report, terms};

fn two_of_three() -> Quorum {
    Quorum::new(2, 3).unwrap()
}

#[test]
fn a_quorum_makes_a_round_of_the_median() {
    let mut feed = feed();
    assert_eq!(feed.checked(at(1_000)), Err(ReadError::NoAnswer));
    let reports = [report(1, 103, 990), report(3, 100, 980), report(2, 101, 995)];
    let round = feed.report(&reports, two_of_three(), at(1_000)).unwrap();
    assert_eq!(
        (round.answer, round.observed_at, round.updated_at),
        (answer(101), at(980), at(1_000))
    );
    assert_eq!(feed.checked(at(1_000)), Ok(round));
    // Of two reports, the upper one.
    let round =
        feed.report(&[report(1, 100, 1_001), report(2, 102, 1_001)], two_of_three(), at(1_001));
    assert_eq!(round.unwrap().answer, answer(102));
    assert_eq!(feed.round_count, 2);
}

#[test]
fn every_refusal_of_a_batch() {
    let mut feed = feed();
    feed.report(&[report(1, 100, 1_000), report(2, 100, 1_000)], two_of_three(), at(1_000))
        .unwrap();
    let before = feed;
    let now = at(6_000);
    for (reports, expected) in [
        (vec![], ReportError::NoQuorum { count: 0, quorum: 2 }),
        (vec![report(1, 100, 5_999)], ReportError::NoQuorum { count: 1, quorum: 2 }),
        (
            vec![report(1, 100, 5_999), report(1, 100, 5_998)],
            ReportError::ReporterTwice { reporter: ReporterId(1) },
        ),
        (
            vec![report(1, 100, 6_001), report(2, 100, 6_000)],
            ReportError::FromFuture { observed_at: at(6_001) },
        ),
        (
            vec![report(1, 100, 6_000), report(2, 100, 1_000)],
            ReportError::NotNewer { observed_at: at(1_000), updated_at: at(1_000) },
        ),
        (
            vec![report(1, 100, 6_000), report(2, 100, 2_399)],
            ReportError::TooOld { observed_at: at(2_399), age_seconds_max: 3_600 },
        ),
        (
            vec![report(1, 100, 6_000), report(2, 106, 6_000)],
            ReportError::Disagreement { agreeing: 1, quorum: 2 },
        ),
    ] {
        assert_eq!(feed.report(&reports, two_of_three(), now), Err(expected));
        assert_eq!(feed, before, "a refused batch has changed something");
    }
    // Just in time.
    let reports = [report(1, 100, 6_000), report(2, 100, 2_400)];
    feed.report(&reports, two_of_three(), now).unwrap();
}

#[test]
fn an_answer_goes_stale_with_its_oldest_report() {
    let mut feed = feed();
    let reports = [report(1, 100, 1_000), report(2, 100, 4_000)];
    feed.report(&reports, two_of_three(), at(4_500)).unwrap();
    assert!(feed.checked(at(4_600)).is_ok());
    let stale = ReadError::Stale { observed_at: at(1_000), age_seconds_max: 3_600 };
    assert_eq!(feed.checked(at(4_601)), Err(stale));
}

#[test]
fn a_jump_waits_for_an_answer_near_it() {
    let mut feed = feed();
    let mut round = |price: u128, seconds: u64| {
        let reports = [report(1, price, seconds), report(2, price, seconds)];
        feed.report(&reports, two_of_three(), at(seconds)).unwrap();
        feed.checked(at(seconds)).map(|round| round.answer.number())
    };
    assert_eq!(round(100, 1_000), Ok(100));
    assert_eq!(round(105, 1_010), Ok(105), "5 % are no jump");
    let divergent = |answered: u128| {
        Err(ReadError::Divergent { before: answer(105), answer: answer(answered) })
    };
    assert_eq!(round(200, 1_020), divergent(200));
    assert_eq!(round(201, 1_079), divergent(201), "too soon");
    assert_eq!(round(202, 1_080), Ok(202));
    // A jump after a jump begins the wait again.
    assert_eq!(
        round(105, 1_100),
        Err(ReadError::Divergent { before: answer(202), answer: answer(105) })
    );
    assert_eq!(
        round(300, 1_150),
        Err(ReadError::Divergent { before: answer(202), answer: answer(300) })
    );
    assert!(round(300, 1_209).is_err());
    assert_eq!(round(300, 1_210), Ok(300));
}

/// Mango, Cream, Inverse, bZx: whoever moves a price for a moment gains nothing from who reads the checked answer.
#[test]
fn a_spike_is_never_read() {
    let mut feed = feed();
    for (price, seconds) in [(100, 1_000), (10_000, 1_012), (100, 1_024), (100, 1_090)] {
        let reports = [report(1, price, seconds), report(2, price, seconds)];
        feed.report(&reports, two_of_three(), at(seconds)).unwrap();
        let read = feed.checked(at(seconds)).map(|round| round.answer);
        assert!(read.is_err() || read == Ok(answer(100)), "{read:?}");
    }
    assert!(feed.checked(at(1_090)).is_ok());
}

#[test]
fn bounds_of_terms_quorums_and_answers() {
    let with = |change: fn(&mut Terms)| {
        let mut terms = terms();
        change(&mut terms);
        terms.check()
    };
    assert_eq!(with(|_| ()), Ok(()));
    assert_eq!(with(|terms| terms.decimals = 37), Err(TermsError::Decimals { given: 37 }));
    assert_eq!(with(|terms| terms.age_seconds_max = 0), Err(TermsError::Age { given: 0 }));
    let month = with(|terms| terms.age_seconds_max = 2_592_001);
    assert_eq!(month, Err(TermsError::Age { given: 2_592_001 }));
    assert_eq!(with(|terms| terms.deviation = Bps::ZERO), Err(TermsError::Deviation));
    let late = with(|terms| terms.confirmation_seconds = 3_600);
    assert_eq!(late, Err(TermsError::Confirmation { given: 3_600, age: 3_600 }));

    for (quorum, count, is_good) in [
        (1, 1, true),
        (2, 3, true),
        (2, 2, true),
        (3, 4, true),
        (16, 31, true),
        (1, 2, false),
        (2, 4, false),
        (4, 3, false),
        (0, 1, false),
    ] {
        let expected = (!is_good).then_some(QuorumError::Quorum { quorum, count });
        assert_eq!(Quorum::new(quorum, count).err(), expected, "{quorum} of {count}");
    }
    assert_eq!(Quorum::new(1, 0), Err(QuorumError::Count { count: 0 }));
    assert_eq!(Quorum::new(20, 32), Err(QuorumError::Count { count: 32 }));

    assert_eq!(Answer::new(0), None);
    assert_eq!(Answer::new(1 << 127), None);
    assert_eq!(Answer::MAX, answer((1 << 127) - 1));
    assert!(Answer::MAX.is_within(Bps::WHOLE, answer(1 << 126)));
    assert!(!Answer::MAX.is_within(Bps::new(9_999).unwrap(), answer(1 << 126)));
    assert!(
        answer(1).is_within(Bps::WHOLE, answer(2)) && !answer(3).is_within(Bps::WHOLE, answer(1))
    );
}
