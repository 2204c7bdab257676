//! Invariants after every batch, refused batches included.

use price_feeds::{Quorum, Report, Round};
use proptest::{collection::vec, prelude::*};

use crate::{at, feed, report, terms};

#[derive(Clone, Debug)]
struct Batch {
    /// Reporter, price, seconds before the block.
    reports: Vec<(u16, u128, u64)>,
    wait: u64,
}

fn prices() -> impl Strategy<Value = u128> {
    prop_oneof![
        8 => 950_u128..1_060,
        2 => 1_u128..5,
        1 => (0_u128..3).prop_map(|less| (1 << 127) - 1 - less),
        1 => 1_u128..1 << 127,
    ]
}

fn batches() -> impl Strategy<Value = Vec<Batch>> {
    let age = prop_oneof![8 => 0_u64..5, 1 => 3_595_u64..3_605];
    let reports = vec((1_u16..=7, prices(), age), 0..9);
    let wait = prop_oneof![Just(0_u64), 1_u64..10, 50_u64..70, 3_500_u64..4_000];
    vec((reports, wait).prop_map(|(reports, wait)| Batch { reports, wait }), 1..60)
}

/// What may be relied on, computed from all rounds.
fn expected(rounds: &[Round], now: u64) -> bool {
    let Some(last) = rounds.last() else { return false };
    if last.observed_at.as_u64() + terms().age_seconds_max < now {
        return false;
    }
    let is_jump = |pair: &[Round]| !pair[1].answer.is_within(terms().deviation, pair[0].answer);
    let Some(jump) = rounds.windows(2).rposition(is_jump) else { return true };
    let jumped_at = rounds[jump + 1].updated_at.as_u64();
    rounds[jump + 2..]
        .iter()
        .any(|round| jumped_at + terms().confirmation_seconds <= round.updated_at.as_u64())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_relied_on_is_fresh_agreed_and_confirmed(quorum in 4_u16..=7, batches in batches()) {
        let (mut feed, mut now, mut rounds) = (feed(), 10_000_u64, Vec::<Round>::new());
        let quorum = Quorum::new(quorum, 7).unwrap();
        for Batch { reports, wait } in batches {
            now += wait;
            let reports: Vec<Report> = reports
                .into_iter()
                .map(|(reporter, price, age)| report(reporter, price, now - age))
                .collect();
            let before = feed;
            match feed.report(&reports, quorum, at(now)) {
                Err(_) => prop_assert_eq!(feed, before, "a refused batch has changed something"),
                Ok(round) => {
                    prop_assert_eq!(feed.round_count, before.round_count + 1);
                    let near = reports.iter().filter(|it| it.answer.is_within(terms().deviation, round.answer));
                    prop_assert!(usize::from(quorum.number()) <= near.count());
                    if let Some(last) = rounds.last() {
                        prop_assert!(last.updated_at < round.observed_at, "a report could count twice");
                    }
                    rounds.push(round);
                    let again = feed;
                    prop_assert!(feed.report(&reports, quorum, at(now)).is_err(), "the batch counts twice");
                    prop_assert_eq!(feed, again);
                }
            }
            for later in [0, 60, 3_600] {
                let read = feed.checked(at(now + later));
                prop_assert_eq!(read.is_ok(), expected(&rounds, now + later), "{:?}", read);
                if let Ok(round) = read {
                    prop_assert_eq!(Some(&round), rounds.last());
                }
            }
        }
    }

    /// Fewer than half of the reporters of a batch lie, as they like.
    #[test]
    fn liars_move_the_answer_only_between_honest_reports(
        honest in vec(900_u128..1_100, 1..16),
        lies in vec(prices(), 0..15),
    ) {
        let lies = &lies[..lies.len().min(honest.len() - 1)];
        let all = honest.iter().chain(lies);
        let reports: Vec<Report> =
            (1_u16..).zip(all).map(|(reporter, price)| report(reporter, *price, 1_000)).collect();
        let quorum = Quorum::new(1, 1).unwrap();
        let round = feed().report(&reports, quorum, at(1_000)).unwrap();
        let (least, most) = (honest.iter().min().unwrap(), honest.iter().max().unwrap());
        prop_assert!((*least..=*most).contains(&round.answer.number()));
    }
}
