//! The interval of the Nakamoto coefficient contains the coefficient.

use alloy_primitives::U256;
use concentration::{Holdings, Strictness, Threshold, Zeros};
use governance::{
    voice,
    votes::{House, Part, PlainBook, coefficient, credit, debit, delegate, total},
};
use proptest::{collection::vec, prelude::*};
use units::AccountId;

use crate::votes::{at, stake_house};

const DAY: u64 = 86_400;
const PARTS: [(Part, Threshold); 3] = [
    (Part { numerator: 1, denominator: 3 }, Threshold::THIRD),
    (Part { numerator: 1, denominator: 2 }, Threshold::HALF),
    (Part { numerator: 2, denominator: 3 }, Threshold::TWO_THIRDS),
];

fn account(number: usize) -> AccountId {
    let mut bytes = [0xab; 20];
    bytes[..8].copy_from_slice(&u64::try_from(number).unwrap().to_be_bytes());
    AccountId::from_bytes(bytes)
}

/// Compares with the exact coefficient; returns the widest interval.
fn check(book: &mut PlainBook, amounts: &[U256]) -> u64 {
    let holdings = Holdings::new(amounts.iter().copied(), Zeros::Drop).unwrap();
    let mut widest = 0;
    for (part, threshold) in PARTS {
        let exact = holdings.threshold(threshold, Strictness::MoreThan);
        let found = coefficient(book, &stake_house(), at(9), part).unwrap();
        let Some(exact) = exact else {
            assert_eq!(found, None);
            continue;
        };
        let (found, exact) = (found.unwrap(), u64::try_from(exact).unwrap());
        assert!(found.least <= exact && exact <= found.most, "{found:?}, exact {exact}");
        widest = widest.max(found.most - found.least);
    }
    widest
}

fn amounts() -> impl Strategy<Value = Vec<U256>> {
    let amount = prop_oneof![
        (0_u64..10).prop_map(U256::from),
        (0_u64..1 << 20).prop_map(U256::from),
        (any::<u64>(), 0_usize..140).prop_map(|(mantissa, shift)| U256::from(mantissa) << shift),
        // One octave, where buckets are crowded.
        (1_u64 << 30..1 << 31).prop_map(U256::from),
    ];
    vec(amount, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_coefficient_is_within_its_interval(amounts in amounts(), changes in vec((0_usize..60, any::<u64>(), any::<bool>()), 0..40)) {
        let house = stake_house();
        let mut book = PlainBook::new();
        let mut held = amounts.clone();
        for (number, amount) in amounts.iter().enumerate() {
            credit(&mut book, &house, at(0), account(number), *amount).unwrap();
        }
        check(&mut book, &held);
        for (number, amount, is_more) in changes {
            let Some(place) = held.get_mut(number) else { continue };
            let amount = U256::from(amount);
            if is_more {
                credit(&mut book, &house, at(1), account(number), amount).unwrap();
                *place += amount;
            } else if debit(&mut book, &house, at(1), account(number), amount).is_ok() {
                *place -= amount;
            }
        }
        check(&mut book, &held);
    }
}

#[test]
fn an_interval_is_narrow() {
    // Zipf's law: the k-th of 2,000 holds 10^9 / k.
    let amounts: Vec<U256> = (1..=2_000).map(|rank| U256::from(1_000_000_000_u64 / rank)).collect();
    let mut book = PlainBook::new();
    for (number, amount) in amounts.iter().enumerate() {
        credit(&mut book, &stake_house(), at(0), account(number), *amount).unwrap();
    }
    let widest = check(&mut book, &amounts);
    assert!(widest <= 16, "{widest}");
    // All to one: it has everything, the cap does not hide that.
    for number in 1..amounts.len() {
        delegate(&mut book, &stake_house(), at(1), account(number), account(0)).unwrap();
    }
    let found = coefficient(&mut book, &stake_house(), at(1), PARTS[1].0).unwrap().unwrap();
    assert_eq!((found.least, found.most), (1, 1));
}

#[test]
fn nobody_and_everybody() {
    let house = stake_house();
    let mut book = PlainBook::new();
    let whole = Part { numerator: 1, denominator: 1 };
    let half = PARTS[1].0;
    assert_eq!(coefficient(&mut book, &house, at(0), half), Ok(None), "nobody has votes");
    credit(&mut book, &house, at(0), account(1), U256::from(7)).unwrap();
    assert_eq!(coefficient(&mut book, &house, at(0), whole), Ok(None), "nobody has more than all");
    let nothing = Part { numerator: 1, denominator: 0 };
    assert_eq!(coefficient(&mut book, &house, at(0), nothing), Ok(None));
    debit(&mut book, &house, at(0), account(1), U256::from(7)).unwrap();
    assert_eq!(book.invariants(&house, at(0)), Ok(()));
    assert_eq!(coefficient(&mut book, &house, at(0), half), Ok(None));
}

/// The histogram of voice needs no change when an era ends, and is right after it.
#[test]
fn voice_of_two_eras_is_in_one_histogram() {
    let house = House::work();
    let mut book = PlainBook::new();
    let half = PARTS[1].0;
    // From 2026 to 2033, over the end of the era on 2033-01-20.
    for days in (0..2_600).step_by(100) {
        let now = at(days * DAY);
        for number in 1..=9 {
            let work = 1_u128 << (40 + number);
            voice::mature(&mut book, now, account(number)).unwrap();
            voice::mint(&mut book, now, account(number), work).unwrap();
            book.invariants(&house, now).unwrap();
        }
        if days > 30 {
            // The largest has 2^9 of 2^10 - 2 parts: more than a half.
            let found = coefficient(&mut book, &house, now, half).unwrap().unwrap();
            assert_eq!((found.least, found.most), (1, 1), "day {days}");
            assert!(!total(&mut book, &house, now).unwrap().is_zero());
        }
    }
}
