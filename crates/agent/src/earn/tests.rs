use sensors::Quality;

use super::*;
use crate::limits::{Earning, EnergyCosts, Limits, Loss};

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

#[test]
fn a_price_holds_in_its_window() {
    let text = "# two tariffs\nmonday-friday 22:00-06:00 0.20 # night\nsaturday-sunday always 0.25\nevery always 0.40\n";
    let prices = Prices::parse(text).unwrap();
    let at = |day: u16, hour: u16| prices.at(day * 1_440 + hour * 60).unwrap().to_string();
    assert_eq!(at(0, 12), "0.40");
    assert_eq!(at(0, 23), "0.20");
    assert_eq!(at(0, 5), "0.40");
    assert_eq!(at(1, 5), "0.20");
    // Friday's night goes on into Saturday.
    assert_eq!((at(5, 5), at(5, 6)), ("0.20".to_owned(), "0.25".to_owned()));
    assert_eq!(prices.at(10_080), None);
    assert_eq!(Prices::flat(money("0.3")).at(9_999), Some(money("0.3")));
    let gap = Prices::parse("every 00:00-23:59 1").unwrap_err().to_string();
    assert_eq!(gap, "monday at 23:59 has no price: end with a line as every always 0.32");
    for wrong in ["every always", "someday always 1", "every 25:00-26:00 1", "every always 1 2"] {
        assert!(matches!(Prices::parse(wrong), Err(PricesError::Line { line: 1, .. })), "{wrong}");
    }
    let sunday_to_monday = "sunday-monday always 1\nevery always 2";
    let prices = Prices::parse(sunday_to_monday).unwrap();
    assert_eq!((prices.at(0), prices.at(1_440)), (Some(Money(1_000_000)), Some(Money(2_000_000))));
}

#[test]
fn energy_is_what_work_takes_beside_the_machine() {
    let costs = EnergyCosts { idle_watts: 40, full_watts: 140, ..EnergyCosts::default() };
    let mut baseline = Baseline::default();
    let interval = |watts: Option<u64>, share_percent| Interval {
        milliseconds: 60_000,
        drawn: watts.map(|watts| (watts * 60_000_000, Quality::Measured)),
        share_percent,
        is_used: false,
    };
    // Without a meter it is estimated, in parts of the allowance.
    let draw = baseline.take(&interval(None, 20), &costs);
    assert_eq!(draw, Draw { microjoules: 20 * 60_000_000, quality: Quality::Estimated });
    // With one it is over what the owner says, then over the least that was seen without the worker, at last over what was measured while nobody
    // used the machine. Only that is no estimate.
    let draw = baseline.take(&interval(Some(100), 100), &costs);
    assert_eq!(draw, Draw { microjoules: 60 * 60_000_000, quality: Quality::Estimated });
    for watts in [25, 90] {
        let used = Interval { is_used: true, ..interval(Some(watts), 0) };
        assert_eq!(baseline.take(&used, &costs).microjoules, 0);
    }
    let draw = baseline.take(&interval(Some(100), 100), &costs);
    assert_eq!(draw, Draw { microjoules: 75 * 60_000_000, quality: Quality::Estimated });
    assert_eq!(baseline.take(&interval(Some(30), 0), &costs).microjoules, 0);
    assert_eq!(baseline.milliwatts(&costs), 30_000);
    let draw = baseline.take(&interval(Some(100), 100), &costs);
    assert_eq!(draw, Draw { microjoules: 70 * 60_000_000, quality: Quality::Measured });
    assert_eq!(baseline.take(&interval(Some(20), 100), &costs).microjoules, 0);
    // 350 W at 0.16 are 0.056 an hour.
    assert_eq!(break_even_per_hour(350_000, money("0.16")), money("0.056"));
    assert_eq!(break_even_per_hour(1, money("0.000001")), Money(1));
}

/// The trace of `testdata/PROVENANCE.md`: seconds, watts, share of cores, and the hour of the day.
const TRACE: &str = include_str!("../../../../testdata/energy/day.csv");

#[test]
fn net_is_paid_less_the_energy_of_a_recorded_day() {
    let costs = EnergyCosts::default();
    let prices = Prices::parse("every 22:00-06:00 0.20\nevery always 0.40").unwrap();
    let (mut baseline, mut books) = (Baseline::default(), Books::default());
    // Before it begins, nobody uses the machine, and the worker waits whether that lasts.
    let drawn = Some((41_000 * 60_000, Quality::Measured));
    let quiet = Interval { milliseconds: 60_000, drawn, share_percent: 0, is_used: false };
    assert_eq!(baseline.take(&quiet, &costs).microjoules, 0);
    let mut expected_microjoules = 0_i128;
    let mut expected_cost = 0_i128;
    for line in TRACE.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<u64> = line.split(',').map(|field| field.trim().parse().unwrap()).collect();
        let [minute, seconds, milliwatts, idle_milliwatts, share, used] = fields[..] else {
            panic!("{line}")
        };
        let milliseconds = seconds * 1_000;
        let interval = Interval {
            milliseconds,
            drawn: Some((milliwatts * milliseconds, Quality::Measured)),
            share_percent: u8::try_from(share).unwrap(),
            is_used: used == 1,
        };
        let price = prices.at(u16::try_from(minute).unwrap()).unwrap();
        let draw = baseline.take(&interval, &costs);
        let worked = if share == 0 { 0 } else { milliseconds };
        books.draw(20_000, draw, worked, price);
        // What the trace's second column of power says that the machine would have drawn without work.
        if 0 < share {
            let more = i128::from((milliwatts - idle_milliwatts) * milliseconds);
            expected_microjoules += more;
            expected_cost += more * i128::from(price.0);
        }
    }
    books.pay(20_000, 5 * GRAIN, money("0.50"));
    let sums = books.day(20_000);
    assert_eq!((sums, sums.estimated_microjoules), (books.total, 0));
    let expected_net = 2_500_000 - expected_cost / 3_600_000_000_000;
    let error = i128::from(sums.net().0) - expected_net;
    eprintln!(
        "net {} of {expected_net} millionths, energy {} of {expected_microjoules} uJ",
        sums.net().0,
        sums.measured_microjoules
    );
    assert!(error.abs() * 10 <= expected_net, "net {} and not {expected_net}", sums.net().0);
    assert!(0 < sums.energy().0 && expected_net < 2_400_000, "energy hardly matters");
}

#[test]
fn worth_is_exact_and_unknown_where_nobody_says() {
    assert_eq!(worth_down(Wei::new(GRAIN * 3 / 2), money("0.333333")), Some(Money(499_999)));
    assert_eq!(worth_down(Wei::new(GRAIN), Money::ZERO), None);
    assert_eq!(worth_down(Wei::new(u128::MAX), money("999999")), None);
    for (cost, price) in [("0.02", "0.333333"), ("1", "3"), ("999999", "0.000001")] {
        let (cost, price) = (money(cost), money(price));
        let least = worth_at_least(cost, price).unwrap();
        assert!(cost <= worth_down(least, price).unwrap());
        assert!(worth_down(Wei::new(least.as_u128() - 1), price).unwrap() < cost);
    }
    assert_eq!(worth_at_least(Money(1), Money::ZERO), None);
    assert_eq!(worth_at_least(Money(-1), Money(1)), Some(Wei::ZERO));
}

#[test]
fn a_day_is_the_owners_own() {
    // 2026-11-30, a Monday, 23:30 UTC.
    let unix_seconds = 1_796_081_400;
    let check = |minute_of_week, day| {
        assert_eq!(local_day(&WallTime { unix_seconds, minute_of_week }), day);
    };
    check(23 * 60 + 30, 20_787);
    check(24 * 60 + 30, 20_788);
    check(23 * 60 + 30 - 12 * 60, 20_787);
    let unix_seconds = 1_796_081_400 - 23 * 3_600;
    assert_eq!(local_day(&WallTime { unix_seconds, minute_of_week: 10_080 - 60 }), 20_786);
}

#[test]
fn old_days_are_forgotten_but_not_their_sum() {
    let mut books = Books::default();
    for day in 0..u32::try_from(DAYS_MAX).unwrap() + 10 {
        books.pay(day, 1, money("2"));
    }
    assert_eq!(books.days.len(), DAYS_MAX);
    assert_eq!((books.day(0), books.total.paid_wei), (Sums::default(), 410));
    books.pay(500, u128::MAX / 4, money("999999"));
    let text = serde_json::to_string(&books).unwrap();
    assert_eq!(serde_json::from_str::<Books>(&text).unwrap(), books);
}

#[test]
fn many_small_payments_add_up() {
    let mut books = Books::default();
    for _ in 0..100 {
        // 15.36 millionths each.
        books.pay(7, 768_000_000_000_000, money("0.02"));
    }
    assert_eq!(books.total.gross(), money("0.001536"));
    assert_eq!(books.day(7).net(), money("0.001536"));
    // Books of a program that rounded each payment go on.
    let mut older: Books = serde_json::from_str(r#"{"total": {"gross": 1500}}"#).unwrap();
    older.pay(7, 768_000_000_000_000, money("0.02"));
    let text = serde_json::to_string(&older).unwrap();
    let older: Books = serde_json::from_str(&text).unwrap();
    assert_eq!(older.total.gross(), money("0.001515"));
}

fn candidate(project: u64, tag: &str, per_hour: u128) -> Candidate {
    Candidate { project, tags: vec![tag.to_owned()], per_hour: Wei::new(per_hour) }
}

fn earning(text: &str) -> Earning {
    Limits::parse(text).unwrap().earning
}

#[test]
fn three_projects_are_followed_within_their_weights_over_200_rounds() {
    let earning = earning("[earning]\ninterests = { biology = 5, language = 3, weather = 2 }");
    let mut candidates = vec![
        candidate(1, "biology", 10),
        candidate(2, "language", 500),
        candidate(3, "weather", 20),
        candidate(4, "adverts", 9_000),
    ];
    let mut shares = Shares::default();
    let mut rounds = [0_i64; 4];
    let mut current = None;
    for round in 0..200_u32 {
        // Pay changes all the time; the weights are the owner's.
        candidates[1].per_hour = Wei::new(u128::from(round * 37 % 101));
        let next = shares.choose(&candidates, current, &earning).unwrap();
        rounds[next] += 1;
        current = Some(candidates[next].project);
        shares.worked(&candidates[next], 1, &earning);
        // Within one round of each weight at every moment.
        for (count, weight) in rounds.iter().zip([5, 3, 2]) {
            let away = count * 10 - i64::from(round + 1) * weight;
            assert!(away.abs() <= 10, "round {round}: {rounds:?}");
        }
    }
    assert_eq!(rounds, [100, 60, 40, 0]);
    // A project that was away does not take everything when it comes back.
    for _ in 0..100 {
        shares.worked(&candidates[0], 1, &earning);
        shares.worked(&candidates[1], 1, &earning);
    }
    shares.catch_up(&candidates[..2], &earning);
    let next: Vec<usize> = (0..10)
        .map(|_| {
            let next = shares.choose(&candidates, None, &earning).unwrap();
            shares.worked(&candidates[next], 1, &earning);
            next
        })
        .collect();
    assert!(next.iter().filter(|place| **place == 2).count() <= 4, "{next:?}");
}

#[test]
fn without_interests_pay_decides_and_a_small_difference_does_not() {
    let earning = earning("[earning]\nswitch_margin_percent = 20");
    let shares = Shares::default();
    let candidates = [candidate(1, "a", 100), candidate(2, "b", 120), candidate(3, "c", 120)];
    assert_eq!(shares.choose(&candidates, None, &earning), Some(1));
    assert_eq!(shares.choose(&candidates, Some(1), &earning), Some(0));
    let candidates = [candidate(1, "a", 100), candidate(2, "b", 121)];
    assert_eq!(shares.choose(&candidates, Some(1), &earning), Some(1));
    assert_eq!(shares.choose(&[], None, &earning), None);
}

#[test]
fn what_the_owner_does_not_want_is_never_chosen() {
    let earning = earning(
        "[earning]\ninterests = { biology = 1, weapons = 0 }\nfloor_per_hour = \"0.000000000000000050\"",
    );
    let mut both = candidate(1, "biology", 100);
    both.tags.push("weapons".to_owned());
    let shares = Shares::default();
    let candidates = [both, candidate(2, "biology", 49), candidate(3, "other", 900)];
    assert_eq!(shares.choose(&candidates, None, &earning), None);
    assert_eq!(earning.at_a_loss, Loss::Pause);
}

#[test]
fn changes_are_told_when_they_are_large_enough() {
    let before = Terms {
        project: "project 3".to_owned(),
        per_hour: Wei::new(100),
        grain_price: Some(500),
        revision: 3,
    };
    assert_eq!(alerts(&before, &before, 1), []);
    let mut now = before.clone();
    now.per_hour = Wei::new(81);
    assert_eq!(alerts(&before, &now, 20), []);
    now.per_hour = Wei::new(80);
    now.grain_price = Some(600);
    now.revision = 4;
    let texts: Vec<String> = alerts(&before, &now, 20).iter().map(Alert::text).collect();
    let expected = [
        "project 3 pays 20 % less",
        "GRAIN is worth 20 % more",
        "the ledger's rules are now revision 4",
    ];
    assert_eq!(texts, expected);
    // Another project pays otherwise: that is no change of reward.
    now.project = "project 4".to_owned();
    assert_eq!(alerts(&before, &now, 20).len(), 2);
    now.per_hour = Wei::new(u128::MAX);
    now.project.clone_from(&before.project);
    assert!(
        alerts(&before, &now, 20)
            .contains(&Alert::Reward { project: now.project, percent: i64::MAX })
    );
}

#[test]
fn an_estimate_has_three_digits() {
    let check = |grain: &str, expected: &str| {
        assert_eq!(rounded(Wei::parse_grain(grain).unwrap()), expected);
    };
    check("0", "0");
    check("0.000012345", "0.0000123");
    check("1.23456", "1.23");
    check("12345.678", "12345");
    check("99", "99");
}
