//! Lots at falling prices, and proceeds that are unlocked over time.

use alloy_primitives::U256;
use proptest::{collection::vec, prelude::*};
use staking::fees::{Bid, FIRST_PRICE, HALVING_SECONDS, Lot, LotError, Proceeds, UNLOCK_SECONDS};

use crate::{amounts, number};

fn bid(amount: U256) -> Bid {
    Bid { amount, payment_max: U256::MAX }
}

#[test]
fn a_price_halves_evenly_and_ends_at_one() {
    let lot = Lot { amount: number(1), offered_at: 1_000 };
    for (seconds, expected) in [
        (0, FIRST_PRICE),
        (150, FIRST_PRICE / number(4) * number(3)),
        (300, FIRST_PRICE / number(2)),
        (127 * 300, number(2)),
        (128 * 300, number(1)),
        (129 * 300, number(1)),
        (u64::MAX - 1_000, number(1)),
    ] {
        assert_eq!(lot.price_up(1_000 + seconds), expected, "after {seconds}");
    }
    assert_eq!(lot.price_up(0), FIRST_PRICE, "before");
}

#[test]
fn every_refusal_of_an_offer_or_a_bid() {
    let mut lot = Lot::default();
    assert_eq!(lot.offer(U256::ZERO, 5), Err(LotError::Nothing));
    lot.offer(number(10), 5).unwrap();
    assert_eq!(lot.offer(number(90), 6), Err(LotError::Unsold { left: number(10) }));
    for amount in [U256::ZERO, number(11)] {
        assert_eq!(lot.buy(bid(amount), 6), Err(LotError::Amount { amount, left: number(10) }));
    }
    let cheap = 5 + 300 * 200;
    let payment_max = U256::ZERO;
    let refused = lot.buy(Bid { amount: number(10), payment_max }, cheap);
    assert_eq!(refused, Err(LotError::TooDear { payment: number(1), payment_max }));
    assert_eq!(lot, Lot { amount: number(10), offered_at: 5 });
    // The most that a buyer pays may be what it costs.
    let exactly = Bid { amount: number(4), payment_max: number(1) };
    let mut same = lot;
    assert_eq!(same.buy(exactly, cheap), Ok(number(1)));
    // What nobody wants costs 1, never nothing.
    assert_eq!(lot.buy(bid(number(4)), cheap), Ok(number(1)));
    assert_eq!(lot.buy(bid(number(6)), cheap), Ok(number(1)));
    // The next lot is as dear as the first.
    lot.offer(number(90), cheap).unwrap();
    assert_eq!(lot.price_up(cheap), FIRST_PRICE);
}

#[test]
fn proceeds_are_unlocked_over_a_week() {
    let mut proceeds = Proceeds::default();
    assert_eq!(proceeds.locked_up(7), U256::ZERO);
    proceeds.add(number(UNLOCK_SECONDS), 1_000).unwrap();
    for (seconds, locked) in [(0, 604_800), (1, 604_799), (604_799, 1), (604_800, 0), (700_000, 0)]
    {
        assert_eq!(proceeds.locked_up(1_000 + seconds), number(locked), "after {seconds}");
    }
    // Half of what is locked then has a hundred seconds left, half of it a week.
    proceeds.add(number(100), 1_000 + 604_700).unwrap();
    let until = 605_700 + (100 + 604_800) / 2;
    assert_eq!(proceeds, Proceeds { amount: number(200), since: 605_700, until });
    let full = proceeds;
    assert!(proceeds.add(U256::MAX, 605_700).is_err());
    assert_eq!(proceeds, full);
}

proptest! {
    #[test]
    fn prices_fall_and_payments_are_at_least_the_price(
        amount in amounts(),
        seconds in vec(0_u64..2_000, 1..30),
    ) {
        let (mut lot, mut now) = (Lot { amount, offered_at: 0 }, 0);
        let mut before = lot.price_up(now);
        for wait in seconds {
            now += wait;
            let price = lot.price_up(now);
            prop_assert!(price <= before && !price.is_zero());
            if wait >= HALVING_SECONDS {
                prop_assert!(price <= (before + number(1)) / number(2) + number(1));
            }
            before = price;
            let part = lot.amount / number(3);
            let left = lot.amount;
            match lot.buy(bid(part), now) {
                Ok(payment) => {
                    prop_assert_eq!(lot.amount, left - part);
                    prop_assert!(!payment.is_zero());
                }
                Err(_) => prop_assert_eq!(lot.amount, left),
            }
        }
    }

    /// Payments of a unit, as often as one likes, delay nobody's proceeds by more than a second each.
    #[test]
    fn dust_delays_nothing(amount in 1_000_000_u64..1 << 60, waits in vec(1_u64..30_000, 1..60)) {
        let (mut proceeds, mut now) = (Proceeds::default(), 5);
        proceeds.add(number(amount), now).unwrap();
        for wait in waits {
            now += wait;
            proceeds.add(number(1), now).unwrap();
        }
        prop_assert!(proceeds.until <= (5 + UNLOCK_SECONDS).max(now + UNLOCK_SECONDS * u64::from(now >= 5 + UNLOCK_SECONDS)) + 60);
        let without = Proceeds { amount: number(amount), since: 5, until: 5 + UNLOCK_SECONDS };
        prop_assert!(proceeds.locked_up(now) <= without.locked_up(now) + number(200));
    }

    /// Whatever is locked was paid, and it only falls between payments.
    #[test]
    fn locked_is_at_most_paid(steps in vec((0_u64..400_000, 0_u64..1 << 60), 1..40)) {
        let (mut proceeds, mut now, mut paid) = (Proceeds::default(), 0, U256::ZERO);
        for (wait, payment) in steps {
            let before = proceeds.locked_up(now);
            now += wait;
            let after = proceeds.locked_up(now);
            prop_assert!(after <= before);
            proceeds.add(number(payment), now).unwrap();
            paid += number(payment);
            prop_assert_eq!(proceeds.locked_up(now), after + number(payment));
            prop_assert!(proceeds.locked_up(now) <= paid);
        }
    }
}
