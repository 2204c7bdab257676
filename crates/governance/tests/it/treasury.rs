//! The treasury.

use proptest::prelude::*;

use alloy_primitives::U256;
use governance::treasury::*;

const DAY: u64 = 24 * 60 * 60;

fn amount(value: u64) -> U256 {
    U256::from(value)
}

#[test]
fn many_small_streams_spend_no_more_than_one_grant() {
    // The attack: a thousand streams, each far below the budget.
    let (balance, now) = (amount(1_000_000), 1_000);
    let mut spending = Spending::default();
    let stream = Stream { total: amount(100), start: now, stop: now + DAY, ..Stream::default() };
    let begun =
        (0..1_000).filter(|_| spending.stream(&stream, balance, Limit::Budget, now).is_ok());
    assert_eq!(begun.count(), 500, "5 % of a million is 500 streams of 100");
    assert_eq!(spending.reserved, amount(50_000));
    let error = TreasuryError::OverBudget {
        amount: U256::ONE,
        left: U256::ZERO,
        until: now + WINDOW_SECONDS,
    };
    assert_eq!(spending.spend(U256::ONE, balance, Limit::Budget, now + 1), Err(error));
    // A constitutional proposal may, up to what is free.
    let (over, free) = (amount(950_001), amount(950_000));
    let error = TreasuryError::OverFree { amount: over, free };
    assert_eq!(spending.spend(over, balance, Limit::Free, now), Err(error));
    spending.spend(free, balance, Limit::Free, now).unwrap();
}

#[test]
fn the_next_window_has_a_budget_of_what_is_then_free() {
    let mut spending = Spending::default();
    spending.spend(amount(50), amount(1_000), Limit::Budget, 10).unwrap();
    let later = 10 + WINDOW_SECONDS;
    assert!(spending.spend(U256::ONE, amount(950), Limit::Budget, later - 1).is_err());
    spending.spend(amount(47), amount(950), Limit::Budget, later).unwrap();
    assert!(spending.spend(U256::ONE, amount(903), Limit::Budget, later).is_err());
}

#[test]
fn a_stream_has_times_that_can_be() {
    let mut spending = Spending::default();
    let balance = amount(1_000_000);
    for (start, stop) in [(5, 5), (6, 5), (1, 100), (100, 101 + STREAM_SECONDS_MAX)] {
        let stream = Stream { total: U256::ONE, start, stop, ..Stream::default() };
        let error = TreasuryError::Times { start, stop, now: 100 };
        assert_eq!(spending.stream(&stream, balance, Limit::Budget, 100), Err(error));
    }
    assert_eq!(spending, Spending::default());
}

proptest! {
    /// In any window, ordinary proposals spend at most a twentieth of what was free when it began; what streams owe is always covered.
    #[test]
    fn spending_stays_within_the_budget_and_debts_are_covered(
        start in 1_u64..1 << 50,
        steps in prop::collection::vec((0_u8..4, 0_u64..1 << 20, 0_u64..WINDOW_SECONDS / 2), 1..60),
    ) {
        let (mut balance, mut now) = (amount(1 << 24), start);
        let mut spending = Spending::default();
        let mut streams: Vec<Stream> = Vec::new();
        let (mut window, mut limit, mut used) = (0, U256::ZERO, U256::ZERO);
        for (kind, value, wait) in steps {
            now += wait;
            let at = spending.at(balance, now);
            if at.window != window {
                (window, used) = (at.window, U256::ZERO);
                limit = spending.free(balance) / amount(20);
            }
            let (before, value) = (spending, amount(value));
            match kind {
                0 => match spending.spend(value, balance, Limit::Budget, now) {
                    Ok(()) => {
                        balance -= value;
                        used += value;
                    }
                    Err(_) => prop_assert_eq!(before, spending),
                },
                1 => {
                    let stream = Stream { total: value, start: now, stop: now + wait + 1, ..Stream::default() };
                    match spending.stream(&stream, balance, Limit::Budget, now) {
                        Ok(()) => {
                            used += value;
                            streams.push(stream);
                        }
                        Err(_) => prop_assert_eq!(before, spending),
                    }
                }
                2 => for stream in &mut streams {
                    balance -= stream.take(&mut spending, now);
                },
                _ => if let Some(stream) = streams.last_mut() {
                    let owed = stream.total - stream.paid;
                    if let Ok(freed) = stream.cancel(&mut spending, now) {
                        prop_assert!(freed <= owed);
                    }
                },
            }
            prop_assert!(used <= limit, "{used} of {limit}");
            let owed = streams.iter().map(|stream| stream.total - stream.paid);
            let owed = owed.fold(U256::ZERO, |sum, owed| sum + owed);
            prop_assert_eq!(owed, spending.reserved);
            prop_assert!(spending.reserved <= balance);
            for stream in &streams {
                prop_assert!(stream.paid <= stream.earned_down(now) && stream.earned_down(now) <= stream.total);
            }
        }
    }
}
