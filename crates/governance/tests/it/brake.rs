//! The brake.

use proptest::prelude::*;

use alloy_primitives::U256;
use governance::brake::*;

const DAY: u64 = 24 * 60 * 60;

fn grain(amount: u64) -> U256 {
    U256::from(amount) * LOCK_MIN
}

fn delay(locked: u64) -> u64 {
    Brake { total: grain(locked) }.delay_seconds(grain(1_000))
}

#[test]
fn the_delay_is_that_of_the_source() {
    assert_eq!(delay(0), 0);
    assert_eq!(delay(9), 0);
    assert_eq!(delay(10), 5 * DAY);
    // Half way between 1 % and 10 %.
    assert_eq!(delay(55), 25 * DAY);
    assert_eq!(delay(100), 45 * DAY);
    assert_eq!(delay(1_000), 45 * DAY);
    assert_eq!(Brake { total: U256::MAX }.delay_seconds(U256::ZERO), 0, "no supply, no share");
}

#[test]
fn a_small_amount_a_late_one_and_an_early_release_are_refused() {
    let mut brake = Brake::default();
    let (supply, little) = (grain(1_000), LOCK_MIN - U256::ONE);
    let error = BrakeError::TooLittle { amount: little, least: LOCK_MIN };
    assert_eq!(brake.lock(little, supply, 100, 0), Err(error));
    assert_eq!(
        brake.lock(LOCK_MIN, supply, 100, 100),
        Err(BrakeError::TooLate { due: 100, now: 100 })
    );
    assert_eq!(brake, Brake::default(), "a refused lock changes nothing");
    let until = brake.lock(grain(10), supply, 100, 99).unwrap();
    assert_eq!(until, 100 + FULL_SECONDS + COOLDOWN_SECONDS);
    // The delay that it made counts.
    brake.lock(LOCK_MIN, supply, 100, 100 + FIRST_SECONDS - 1).unwrap();
    assert_eq!(
        check_release(grain(10), until, until - 1),
        Err(BrakeError::Locked { until, now: until - 1 })
    );
    assert_eq!(check_release(grain(10), until, until), Ok(()));
    assert_eq!(check_release(U256::ZERO, until, until), Err(BrakeError::Nothing));
}

proptest! {
    #[test]
    fn more_locked_never_delays_less_and_splitting_changes_nothing(
        supply in 1_u64..1 << 40,
        parts in prop::collection::vec(1_u64..1 << 36, 1..6),
    ) {
        let supply = U256::from(supply) * LOCK_MIN;
        let (mut split, mut before) = (Brake::default(), 0);
        let mut sum = U256::ZERO;
        for part in parts {
            let part = U256::from(part) * LOCK_MIN;
            let _ = split.lock(part, supply, u64::MAX, 0).unwrap();
            sum += part;
            let delay = split.delay_seconds(supply);
            prop_assert!(before <= delay && delay <= FULL_SECONDS);
            prop_assert!(delay == 0 || delay >= FIRST_SECONDS);
            prop_assert_eq!(delay, Brake { total: sum }.delay_seconds(supply));
            before = delay;
        }
    }

    /// The griefer's account: an amount that delays one proposal for `delay` is bound for longer, so the share of all time for which it can delay something
    /// is below three quarters, and it delays nothing else meanwhile.
    #[test]
    fn an_amount_is_bound_for_longer_than_it_delays(locked in 10_u64..1_000, eta in 1_u64..1 << 40) {
        let mut brake = Brake::default();
        let until = brake.lock(grain(locked), grain(1_000), eta, eta - 1).unwrap();
        let delay = brake.delay_seconds(grain(1_000));
        prop_assert!(until - eta >= delay + COOLDOWN_SECONDS);
        prop_assert!(4 * delay <= 3 * (until - eta));
    }
}
