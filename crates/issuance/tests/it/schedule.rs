//! The schedule: what is issued at most.

use issuance::{EPOCH_SECONDS, SUPPLY_MAX, Schedule, TOTAL_MAX, YEAR_EPOCHS};
use proptest::prelude::*;
use units::{UnixSeconds, Wei};

fn schedule(supply: u128) -> Schedule {
    Schedule { start: UnixSeconds::new(1_000), supply: Wei::new(supply) }
}

#[test]
fn the_years_of_a_million_grain() {
    let of = |year| schedule(1_000_000_000_000).emission_of_year(year).as_u128();
    assert_eq!([of(0), of(1), of(2)], [80_000_000_000, 68_000_000_000, 57_800_000_000]);
    // An epoch's parts: 80,000,000,000 / 52 = 1,538,461,538.46
    let buckets = schedule(1_000_000_000_000).buckets(51);
    assert_eq!(buckets.work, Wei::new(1_076_923_076));
    for small in [buckets.floor, buckets.retroactive, buckets.rebates] {
        assert_eq!(small, Wei::new(153_846_153));
    }
    let next = schedule(1_000_000_000_000).buckets(52);
    assert_eq!(next.work, Wei::new(915_384_614), "the second year is 0.85 of the first");
}

#[test]
fn epochs_begin_and_end_to_the_second() {
    let schedule = schedule(1);
    let at = |seconds| schedule.epoch_at(UnixSeconds::new(seconds));
    assert_eq!([at(999), at(1_000), at(1_000 + EPOCH_SECONDS - 1)], [None, Some(0), Some(0)]);
    assert_eq!(at(1_000 + EPOCH_SECONDS), Some(1));
    assert_eq!(schedule.end_of(0), UnixSeconds::new(1_000 + EPOCH_SECONDS));
    assert_eq!(at(u64::MAX), None, "after 2^32 epochs");
}

#[test]
fn all_years_together_are_at_most_53_4_percent() {
    for supply in [1_u128, 999, 1 << 60, SUPPLY_MAX, u128::MAX] {
        let schedule = schedule(supply);
        let years: u128 = (0..700).map(|year| schedule.emission_of_year(year).as_u128()).sum();
        assert!(years <= supply.min(SUPPLY_MAX) / 1_000 * 534 + 534, "{supply}");
        assert!(years <= TOTAL_MAX);
        assert_eq!(schedule.emission_of_year(541), Wei::ZERO);
        assert_eq!(schedule.emission_of_year(540), Wei::ZERO, "nothing is cut off");
    }
    let years: u128 =
        (0..700).map(|year| schedule(1 << 100).emission_of_year(year).as_u128()).sum();
    assert!((1 << 100) / 1_000 * 533 < years, "53.3 % are reached");
}

proptest! {
    #[test]
    fn the_epochs_of_a_year_pay_no_more_than_its_emission(supply in any::<u128>(), year in 0_u32..60) {
        let schedule = schedule(supply);
        let first = year * YEAR_EPOCHS;
        let epochs = first..first + YEAR_EPOCHS;
        let sum: u128 = epochs.map(|epoch| schedule.buckets(epoch).total().as_u128()).sum();
        let emission = schedule.emission_of_year(year).as_u128();
        prop_assert!(sum <= emission);
        prop_assert!(emission - sum < 52 * 5, "only what is rounded down is missing");
    }
}
