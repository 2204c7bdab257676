//! Voice of work: its powers, maturation, decay, eras.

use alloy_primitives::U256;
use governance::{
    voice::{day, delegate, mature, mint, pending, units_down, voice_down},
    votes::{House, PlainBook, Refused, expire, note_vote, past_votes, total, votes},
};
use num_bigint::BigUint;
use proptest::prelude::*;
use units::UnixSeconds;

use crate::votes::{START, account, at};

const DAY: u64 = 86_400;

fn big(number: U256) -> BigUint {
    BigUint::from_bytes_be(&number.to_be_bytes::<32>())
}

/// Returns `floor(2^(shift + n/180))`: the 180th root of a power of two, exactly.
fn power(shift: u32, n: u32) -> BigUint {
    (BigUint::from(1_u32) << (180 * shift + n)).nth_root(180)
}

#[test]
fn powers_are_integer_roots() {
    for n in 0..180 {
        // The largest mint whose product is not rounded: a power of two.
        let units = units_down(1 << 127, u64::from(n));
        assert_eq!(big(units), power(127, n), "2^({n}/180)");
    }
}

#[test]
fn voice_matures_after_thirty_days_and_halves_every_180() {
    let house = House::work();
    let mut book = PlainBook::new();
    let minted = mint(&mut book, at(5), account(1), 1 << 40).unwrap();
    assert_eq!(minted.matures_at, at(30 * DAY));
    let voice = |book: &mut PlainBook, days: u64| {
        votes(book, &house, at(days * DAY), account(1)).unwrap().to::<u64>()
    };
    mature(&mut book, at(30 * DAY - 1), account(1)).unwrap();
    assert_eq!(voice(&mut book, 29), 0);
    let (waiting, next) = pending(&mut book, at(30 * DAY), account(1)).unwrap();
    assert_eq!((waiting.to::<u64>(), next), (979_553_499_766, Some(at(30 * DAY))));
    let matured = mature(&mut book, at(30 * DAY), account(1)).unwrap();
    // 2^40 · 2^(-30/180), less what is rounded away.
    assert_eq!(matured.voice.to::<u64>(), 979_553_499_766);
    assert_eq!(voice(&mut book, 30), 979_553_499_766);
    assert_eq!(mature(&mut book, at(31 * DAY), account(1)).unwrap(), Default::default());
    for (days, exact) in [(180, 1_u64 << 39), (360, 1 << 38), (1_800, 1 << 30), (7_200, 1)] {
        let found = voice(&mut book, days);
        assert!(exact - 1 <= found && found <= exact, "{days} days: {found}, exact {exact}");
    }
    assert_eq!(voice(&mut book, 7_300), 0);
    // Within a day nothing changes.
    let whole_day = |seconds| votes(&mut book.clone(), &house, at(40 * DAY + seconds), account(1));
    assert_eq!(whole_day(0), whole_day(DAY - 1));
    assert!(whole_day(DAY).unwrap() < whole_day(DAY - 1).unwrap());
}

/// A mint of each day for a century and a half, over four changes of era, is what the sum says.
#[test]
fn units_do_not_overflow_in_150_years() {
    let house = House::work();
    let mut book = PlainBook::new();
    // 10^30 a day: ten million accelerators of 10^18 operations each second.
    let work = 10_u128.pow(30);
    for days in 0..150 * 365 {
        mint(&mut book, at(days * DAY), account(1), work).unwrap();
    }
    let now = at(150 * 365 * DAY);
    mature(&mut book, now, account(1)).unwrap();
    // The sum of 2^(-n/180) from 30 on: 2^(-1/6) / (1 - 2^(-1/180)).
    let found: u128 = total(&mut book, &house, now).unwrap().to();
    let expected = 231798864516_u128 * 10_u128.pow(21);
    let difference = found.abs_diff(expected);
    assert!(difference < 10_u128.pow(22), "{found} instead of {expected}");
    assert_eq!(votes(&mut book, &house, now, account(1)).unwrap().to::<u128>(), found);
}

#[test]
fn only_a_house_that_is_full_refuses_work() {
    let mut book = PlainBook::new();
    // The last day of an era: units are at their largest.
    let last = UnixSeconds::new((2 * 11_520 - 1) * DAY);
    let units = units_down(u128::MAX, day(last));
    assert!(units < U256::ONE << 192);
    let fitting = (1_u32 << 16) + 20;
    let mut refused = None;
    for _ in 0..fitting + 400 {
        let before = book.clone();
        if let Err(error) = mint(&mut book, last, account(1), u128::MAX) {
            assert_eq!(book, before);
            refused = Some(error);
            break;
        }
    }
    assert!(matches!(refused, Some(Refused::ExceededSafeSupply { .. })), "{refused:?}");
}

/// Only an account with voice can be a delegate; nobody gets voice from another by a transfer, as there is none.
#[test]
fn a_delegate_has_voice_itself() {
    let house = House::work();
    let mut book = PlainBook::new();
    for number in [1, 2] {
        mint(&mut book, at(0), account(number), 1 << 40).unwrap();
    }
    let later = at(30 * DAY);
    mature(&mut book, later, account(2)).unwrap();
    let before = book.clone();
    let refused = delegate(&mut book, later, account(1), account(3));
    assert_eq!(refused, Err(Refused::NoVoice { delegate: account(3) }));
    assert_eq!(book, before, "nor has anything matured");
    let (matured, _) = delegate(&mut book, later, account(1), account(2)).unwrap();
    assert!(!matured.voice.is_zero(), "what was due has matured on the way");
    let of_one = matured.voice;
    let found: u64 = votes(&mut book, &house, later, account(2)).unwrap().to();
    // The voice of a sum may be one unit more than the sum of voices.
    assert!((0..=1).contains(&(found - 2 * of_one.to::<u64>())), "{found}, twice {of_one}");
    assert_eq!(votes(&mut book, &house, later, account(1)), Ok(U256::ZERO));
    // Later work of the delegator goes to the delegate.
    mint(&mut book, at(31 * DAY), account(1), 1 << 40).unwrap();
    mature(&mut book, at(61 * DAY), account(1)).unwrap();
    assert_eq!(votes(&mut book, &house, at(61 * DAY), account(1)), Ok(U256::ZERO));
    let found = votes(&mut book, &house, at(61 * DAY), account(2)).unwrap();
    assert_eq!(found, total(&mut book, &house, at(61 * DAY)).unwrap());
    // A vote locks nothing that could leave, but renews the delegation.
    let votes_of_two = note_vote(&mut book, &house, at(61 * DAY), account(2), at(62 * DAY));
    assert_eq!(votes_of_two, Ok(found));
    assert!(expire(&mut book, &house, at(150 * DAY), account(1)).is_err());
    expire(&mut book, &house, at(151 * DAY), account(1)).unwrap();
    let early = past_votes(&mut book, &house, at(151 * DAY), account(2), at(61 * DAY)).unwrap();
    assert_eq!(early, found, "a past day has the voice of that day");
    book.invariants(&house, at(151 * DAY)).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// The error that the documentation states: one unit, and 2^-127 of the amount.
    #[test]
    fn units_and_voice_are_near_the_real_number(
        work in prop_oneof![0_u128..100, any::<u128>()],
        day in 0_u64..40_000,
        units in any::<[u64; 3]>(),
        days in 0_u64..11_520,
    ) {
        let check = |found: U256, amount: &BigUint, numerator: u64, is_growth: bool| {
            // amount · 2^(±numerator/180), with 400 bits more.
            let whole = u32::try_from(numerator / 180).unwrap();
            let rest = u32::try_from(numerator % 180).unwrap();
            let exact: BigUint = if is_growth {
                (amount * power(400, rest)) << whole
            } else {
                ((amount * power(400, 180 - rest)) >> whole) >> 1_u32
            };
            let found = big(found);
            let upper = &found << 400_u32;
            // Not above the real number, which is a little above `exact`.
            prop_assert!(upper <= &exact + (amount << (whole + 2)));
            let slack = (BigUint::from(1_u32) << 400_u32) + (&exact >> 126_u32) + (amount << 2_u32);
            prop_assert!(upper + slack > exact);
            Ok(())
        };
        check(units_down(work, day), &BigUint::from(work), day % 11_520, true)?;
        let units = U256::from_limbs([units[0], units[1], units[2], 0]);
        check(voice_down(units, days), &big(units), days, false)?;
        prop_assert!(voice_down(units, days + 1) <= voice_down(units, days));
    }

    /// Splitting work gains nothing, wherever and however it is split.
    #[test]
    fn splitting_work_gains_nothing(parts in proptest::collection::vec(0_u128..1 << 90, 1..9), later in 0_u64..1_000) {
        let house = House::work();
        let (mut split, mut whole) = (PlainBook::new(), PlainBook::new());
        let due = UnixSeconds::new(START + (30 + later) * DAY);
        for (number, part) in (1..).zip(&parts) {
            mint(&mut split, at(0), account(number), *part).unwrap();
            mature(&mut split, due, account(number)).unwrap();
        }
        mint(&mut whole, at(0), account(1), parts.iter().sum()).unwrap();
        mature(&mut whole, due, account(1)).unwrap();
        let of_parts: U256 = (1..=u8::try_from(parts.len()).unwrap())
            .map(|number| votes(&mut split, &house, due, account(number)).unwrap())
            .sum();
        prop_assert!(of_parts <= votes(&mut whole, &house, due, account(1)).unwrap());
    }
}
