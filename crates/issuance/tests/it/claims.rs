//! Claims: what is fixed when, and what counts.

use issuance::{Check, Claim, Offer, Rate, Refused, Stage};
use proptest::prelude::*;
use units::{Bps, Digest, Wei};

const PAY: Wei = Wei::new(100);

fn rate(least_burn: u128) -> Rate {
    let (burn_share, least_burn) = (Bps::new(2_000).unwrap(), Wei::new(least_burn));
    Rate { price: Wei::new(10), operations: 2_500_000, burn_share, least_burn }
}

fn offer(bond: u128) -> Offer {
    Offer { bond: Wei::new(bond), round_pay: PAY, checks: 3 }
}

fn rounds(range: std::ops::Range<u32>) -> Vec<(u32, Wei)> {
    range.map(|round| (round, PAY)).collect()
}

fn seed(byte: u8) -> Digest {
    Digest::of(&[byte])
}

fn requested(height: u64, range: std::ops::Range<u32>) -> Claim {
    let mut claim = Claim::default();
    claim.request(height, &rounds(range), &offer(300)).unwrap();
    claim
}

/// A claim of these rounds that was checked.
fn checked(range: std::ops::Range<u32>) -> Claim {
    let mut claim = requested(10, range);
    claim.draw(&seed(1)).unwrap();
    assert_eq!(claim.conclude(|_| Check::Upheld), Ok(true));
    claim
}

#[test]
fn no_round_is_claimed_twice() {
    let mut claim = checked(0..10);
    assert_eq!(claim.checked, Wei::new(1_000));
    let again = claim.request(20, &rounds(0..10), &offer(300));
    assert_eq!(again, Err(Refused::NothingToCheck));
    claim.request(20, &rounds(0..12), &offer(200)).unwrap();
    assert_eq!(claim.pay, Wei::new(200), "the two new ones");
    let twice = claim.request(20, &rounds(12..14), &offer(300));
    assert_eq!(twice, Err(Refused::ClaimOpen));
}

#[test]
fn a_request_whose_draw_is_inconvenient_is_not_made_anew() {
    // The cheat sees the hash, and does not draw.
    let mut claim = requested(10, 0..10);
    assert_eq!(claim.decides_at(11), Err(Refused::TooEarly { from: 12 }), "nobody can know it yet");
    assert_eq!(claim.decides_at(12), Ok(11));
    claim.lapse();
    let again = claim.request(300, &rounds(0..10), &offer(300));
    assert_eq!(again, Err(Refused::NothingToCheck), "the rounds are gone");
    assert_eq!((claim.checked, claim.stage), (Wei::ZERO, Stage::Idle));
}

#[test]
fn one_check_that_fails_voids_what_was_not_collected() {
    let mut claim = checked(0..10);
    claim.collect(Wei::new(400), Wei::new(1_000), &rate(0)).unwrap();
    claim.request(20, &rounds(10..20), &offer(300)).unwrap();
    let samples = claim.draw(&seed(2)).unwrap();
    let undecided = claim.clone();
    let open = claim.conclude(|_| Check::Open);
    assert_eq!(open, Err(Refused::Undecided { round: samples[0] }));
    assert_eq!(claim, undecided, "refused, so unchanged");
    let last = *samples.last().unwrap();
    let check = |round| if round == last { Check::Failed } else { Check::Open };
    assert_eq!(claim.conclude(check), Ok(false), "one that fails decides");
    assert_eq!(claim.collectable(Wei::new(u128::MAX)), Wei::ZERO);
    assert_eq!(claim.collected, Wei::new(400));
    let nothing = claim.collect(Wei::new(5_000), Wei::new(1_000), &rate(0));
    assert_eq!(nothing, Err(Refused::NothingToCollect));
}

#[test]
fn bonds_are_a_round_s_pay_for_each_check() {
    let check = |count: u32, given: u128, required: u128| {
        let mut claim = Claim::default();
        let result = claim.request(1, &rounds(0..count), &offer(given));
        let refused =
            Refused::BondTooSmall { given: Wei::new(given), required: Wei::new(required) };
        assert_eq!(result.err(), (given < required).then_some(refused), "{count} {given}");
        assert_eq!(claim == Claim::default(), given < required, "refused, so unchanged");
    };
    check(1, 99, 100);
    check(1, 100, 100);
    check(2, 199, 200);
    check(3, 300, 300);
    check(56, 299, 300);
    check(56, 300, 300);
}

#[test]
fn all_rounds_are_checked_where_there_are_few() {
    for count in 1..=3_u32 {
        let mut claim = requested(10, 5..5 + count);
        assert_eq!(claim.draw(&seed(9)).unwrap(), (5..5 + count).collect::<Vec<_>>());
    }
}

#[test]
fn every_round_is_drawn_as_often_as_every_other() {
    let mut counts = [0_u32; 56];
    for number in 0..4_000_u32 {
        let mut claim = requested(10, 0..56);
        let samples = claim.draw(&Digest::of(&number.to_le_bytes())).unwrap();
        assert_eq!(samples.len(), 3);
        assert!(samples.windows(2).all(|pair| pair[0] < pair[1]), "none twice");
        samples.iter().for_each(|round| counts[usize::try_from(*round).unwrap()] += 1);
    }
    // 12,000 draws from 56: 214 each, with a standard deviation of 14.4; five of them on each side.
    assert!(counts.iter().all(|count| (142..287).contains(count)), "{counts:?}");
}

#[test]
fn the_least_burn_holds_for_work_that_is_cheap() {
    // Ten tokens are 25 units of work, and pay 100.
    let (free, rate) = (rate(0), rate(7));
    assert_eq!(rate.burn_up(10), Ok(Wei::new(175)));
    assert_eq!(free.burn_up(10), Ok(Wei::new(20)));
    let mut claim = checked(0..10);
    let collected = claim.collect(Wei::new(1_000), Wei::new(175), &rate).unwrap();
    assert_eq!((collected.tokens, collected.work, collected.burnt), (10, 25, Wei::new(175)));
    let none = claim.collect(Wei::new(1_000), Wei::new(13), &rate);
    assert_eq!(none, Err(Refused::BurnTooSmall { given: Wei::new(13), least: Wei::new(14) }));
}

proptest! {
    #[test]
    fn what_is_collected_was_checked_released_and_burnt_for(
        count in 1_u32..56,
        steps in prop::collection::vec((0_u128..2_000, 0_u128..1_500), 1..12),
        price in 1_u128..200,
        operations in 1_u128..5_000_000,
        (least, share) in (0_u128..40, 2_000_u16..5_000),
    ) {
        let burn_share = Bps::new(share).unwrap();
        let (price, least_burn) = (Wei::new(price), Wei::new(least));
        let rate = Rate { price, operations, burn_share, least_burn };
        let mut claim = checked(0..count);
        let (mut released, mut work) = (0, 0);
        for (more, burn) in steps {
            released += more;
            let before = claim.clone();
            match claim.collect(Wei::new(released), Wei::new(burn), &rate) {
                Ok(collection) => {
                    prop_assert!(collection.burnt <= Wei::new(burn));
                    prop_assert!(collection.burnt.as_u128() * 10_000 >= collection.pay.as_u128() * u128::from(share));
                    prop_assert!(collection.burnt.as_u128() >= collection.work * least);
                    let one_more = rate.burn_up(collection.tokens + 1).unwrap() <= Wei::new(burn);
                    let is_all = claim.collectable(Wei::new(released)) < rate.price;
                    prop_assert!(is_all || !one_more, "as much as the burn covers");
                    work += collection.work;
                }
                Err(_) => prop_assert_eq!(&claim, &before, "refused, so unchanged"),
            }
            prop_assert!(claim.collected.as_u128() <= released);
            prop_assert!(claim.collected <= claim.checked);
            prop_assert!(work <= rate.work_down(u64::try_from(claim.collected.as_u128() / price.as_u128()).unwrap()).unwrap());
        }
    }
}
