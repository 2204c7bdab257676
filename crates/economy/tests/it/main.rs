//! The strategy table in few runs: no strategy gains, and nobody honest is harmed.

use economy::{HonestRun, cost_of_honesty, remaining, strategies};

#[test]
fn no_strategy_gains_and_nobody_honest_is_harmed() {
    for row in strategies(60, 7) {
        assert!(row.gain_low <= 0.0, "this gains: {row:?}");
        assert_eq!(row.honest_harmed, 0, "{row:?}");
    }
}

#[test]
fn honest_work_is_measured_against_itself() {
    let row = &strategies(3, 1)[0];
    assert_eq!(row.name, "honest");
    assert!(row.gain.abs() < 1e-12 && (row.gain_high - row.gain_low).abs() < 1e-12, "{row:?}");
}

#[test]
fn the_same_seed_gives_the_same_table() {
    assert_eq!(strategies(3, 5), strategies(3, 5));
    assert_ne!(strategies(3, 5), strategies(3, 6));
}

/// A gain of a hundredth of a round's pay is seen.
#[test]
fn a_small_gain_is_seen() {
    let rows = remaining(60, 7);
    assert!(rows[0].gain_low > 0.0, "{:?}", rows[0]);
    assert!(rows.iter().all(|row| row.honest_harmed == 0), "{rows:?}");
}

#[test]
fn audits_add_little_work() {
    let long = cost_of_honesty(HonestRun::LONG, 20, 3);
    assert!(long.replayed <= 0.12, "{long:?}");
    let short = cost_of_honesty(HonestRun::SHORT, 100, 3);
    assert!(short.replayed <= 0.30, "{short:?}");
    assert!(short.replayed_by_owner > 0.0, "{short:?}");
}
