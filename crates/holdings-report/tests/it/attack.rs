//! What it costs to win a vote, and how fair the process around votes is.

use alloy_primitives::U256;
use concentration::{
    Holdings, Threshold, Zeros,
    attack::{Offer, Way},
    process::Proposal,
    turnout::Rule,
};
use holdings_report::{AttackQuestion, AttackReport, ProcessReport, measure_attack};

fn money(whole: u64) -> U256 {
    U256::from(whole) * U256::from(10_u64.pow(18))
}

fn part(text: &str) -> Threshold {
    text.parse().unwrap()
}

/// Votes of 40, 30, 20 and 10, of which everybody votes.
fn of_four(rule: Rule, ways: &[(String, Way)], controls: Option<U256>) -> AttackReport {
    let holdings = Holdings::of_integers(&[10, 20, 30, 40], Zeros::Drop).unwrap();
    measure_attack(&AttackQuestion {
        source: "four".to_owned(),
        unit: "row",
        holdings: &holdings,
        decimals: 0,
        rule,
        turnout: part("100%"),
        confidence: part("100%"),
        ways,
        controls,
    })
}

const MORE: Rule = Rule::Governor { quorum: None };

/// With certainty: against everybody.
#[test]
fn to_win_for_sure_is_to_outvote_everybody() {
    let report = of_four(MORE, &[], None);
    assert_eq!((report.needed.as_deref(), report.holders_needed), (Some("101"), None));
    assert!(report.text().contains("101.000 % of everything, more than there is"));
    assert_eq!((report.cheapest, report.cost), (None, None));
    // Three fifths of the votes: one and a half times what is against it.
    let report = of_four(Rule::PartOfVotes(part("3/5")), &[], None);
    assert!((report.share_needed.unwrap() - 1.5).abs() < 1e-9);
    assert_eq!((report.needed.as_deref(), report.holders_needed), (Some("150"), None));
    assert!(
        report.text().contains("150.000 % of everything, more than there is"),
        "{}",
        report.text()
    );
    let all = of_four(Rule::PartOfVotes(part("1")), &[], None);
    assert!(all.text().contains("nothing is enough"), "{}", all.text());
}

#[test]
fn the_cheapest_way_is_named_with_its_part_of_what_is_won() {
    let ways = [
        // Of 202 votes for 1,000: the first half cost as much as there is money, 1,000.
        (
            "a pool".to_owned(),
            Way::Buy { reserve_asset: U256::from(202), reserve_money: money(1_000) },
        ),
        ("bribes".to_owned(), Way::Offers(vec![Offer { weight: U256::from(99), price: money(1) }])),
        (
            "identities".to_owned(),
            Way::Each { weight: U256::from(3), price: money(20), count_max: 40 },
        ),
    ];
    let report = of_four(MORE, &ways, Some(money(6_800)));
    let costs: Vec<_> = report.ways.iter().map(|way| way.cost.as_deref()).collect();
    assert_eq!(costs, [Some("1000"), None, Some("680")]);
    assert_eq!(
        (report.cheapest.as_deref(), report.cost.as_deref()),
        (Some("identities"), Some("680"))
    );
    assert_eq!(report.cost_by_value, Some(0.1));
    let text = report.text();
    assert!(text.contains("bribes      not to be had"), "{text}");
    assert!(text.contains("cheapest: identities for 680, 0.1000 of what"), "{text}");
}

/// A low turnout makes an attack cheap, and a quorum dear.
#[test]
fn turnout_and_quorum_say_how_much_is_needed() {
    let holdings = Holdings::of_integers(&[1; 1_000], Zeros::Drop).unwrap();
    let needed = |turnout: &str, quorum: Option<Threshold>| {
        let report = measure_attack(&AttackQuestion {
            source: String::new(),
            unit: "row",
            holdings: &holdings,
            decimals: 0,
            rule: Rule::Governor { quorum },
            turnout: part(turnout),
            confidence: part("90%"),
            ways: &[],
            controls: None,
        });
        report.share_needed.unwrap()
    };
    // Nine times of ten the difference of the two sides is below 1.28 deviations: of √1000 and √100 votes.
    assert!((needed("100%", None) - 0.0405).abs() < 0.003, "{}", needed("100%", None));
    assert!((needed("10%", None) - 0.0128).abs() < 0.003, "{}", needed("10%", None));
    let with_quorum = needed("10%", Some(part("40%")));
    assert!(with_quorum > 0.35, "{with_quorum}");
}

#[test]
fn nothing_held_is_nothing_to_win() {
    let holdings = Holdings::of_integers(&[], Zeros::Drop).unwrap();
    let report = measure_attack(&AttackQuestion {
        source: String::new(),
        unit: "row",
        holdings: &holdings,
        decimals: 0,
        rule: MORE,
        turnout: part("10%"),
        confidence: part("90%"),
        ways: &[("pay".to_owned(), Way::Offers(Vec::new()))],
        controls: Some(U256::ZERO),
    });
    assert_eq!((report.needed, report.cost, report.cost_by_value), (None, None, None));
}

#[test]
fn a_process_that_nobody_opposes_is_a_rubber_stamp() {
    let proposal = |proposer, yes: u64, no: u64, hours: u64| Proposal {
        proposer,
        yes: U256::from(yes),
        no: U256::from(no),
        posted: 1_000,
        vote_began: 1_000 + hours * 3_600,
    };
    let proposals = [
        proposal("ann", 9, 1, 24),
        proposal("ann", 8, 2, 48),
        proposal("ann", 5, 0, 24),
        proposal("bob", 0, 0, 1),
    ];
    let report = ProcessReport::of("these".to_owned(), &proposals);
    assert_eq!((report.proposals, report.proposers, report.nakamoto["1/2"]), (4, 2, Some(1)));
    assert_eq!((report.opposed, report.median_margin), (Some(0.25), Some(0.8)));
    assert_eq!(report.median_notice_seconds, Some(24 * 3_600));
    let text = report.text();
    assert!(text.contains("by the 1 who made most") && text.contains("24.0 hours"), "{text}");
    let none = ProcessReport::of("none".to_owned(), &[]);
    assert_eq!((none.opposed, none.median_margin, none.nakamoto["1/3"]), (None, None, None));
    assert!(none.text().contains("0 proposals by 0 accounts\n"), "{}", none.text());
}
