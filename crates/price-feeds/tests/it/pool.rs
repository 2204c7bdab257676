//! A pool as a second source: exact prices, windows, checkpoints.

use alloy_primitives::{U160, U256, uint};
use price_feeds::{
    Answer, Base, CHECKPOINTS_MAX, Checkpoint, PoolPrice, PoolTerms, PoolTermsError, Quorum,
    ReadError, WINDOW_SECONDS_MAX, WINDOW_SECONDS_MIN,
};
use proptest::{collection::vec, prelude::*};
use units::Bps;

use crate::{answer, at, feed, report};

const ONE: U160 = uint!(0x1_0000_0000_0000_0000_0000_0000_U160);

/// 1 %, over ten minutes, GRAIN with 18 decimals in an asset with 6.
fn pool() -> PoolTerms {
    PoolTerms {
        window_seconds: 600,
        divergence: Bps::new(100).unwrap(),
        base_decimals: 18,
        quote_decimals: 6,
    }
}

fn average(numerator: u64, denominator: u64) -> PoolPrice {
    PoolPrice::of_average((U256::from(numerator) << 112) / U256::from(denominator))
}

#[test]
fn terms_out_of_range_are_refused() {
    assert_eq!(pool().check(), Ok(()));
    for given in [0, WINDOW_SECONDS_MIN - 1, WINDOW_SECONDS_MAX + 1] {
        let terms = PoolTerms { window_seconds: given, ..pool() };
        assert_eq!(terms.check(), Err(PoolTermsError::Window { given }));
    }
    for window_seconds in [WINDOW_SECONDS_MIN, WINDOW_SECONDS_MAX] {
        assert_eq!(PoolTerms { window_seconds, ..pool() }.check(), Ok(()));
    }
    let none = PoolTerms { divergence: Bps::ZERO, ..pool() };
    assert_eq!(none.check(), Err(PoolTermsError::Divergence));
    for terms in
        [PoolTerms { base_decimals: 37, ..pool() }, PoolTerms { quote_decimals: 37, ..pool() }]
    {
        assert_eq!(terms.check(), Err(PoolTermsError::Decimals { given: 37 }));
    }
}

#[test]
fn decimals_of_both_assets_and_of_the_feed_count() {
    // 1 GRAIN, 10^18 units, for 2.5 of the other, 2,500,000 units; a feed with 8 decimals.
    let price = average(2_500_000, 1_000_000_000_000_000_000);
    let near = pool().answer(price, 8).unwrap();
    assert!(near.is_within(Bps::new(1).unwrap(), answer(250_000_000)));
    // The other way round: the base has 6 decimals.
    let back = PoolTerms { base_decimals: 6, quote_decimals: 18, ..pool() };
    let price = average(1_000_000_000_000_000_000, 2_500_000);
    assert_eq!(back.answer(price, 8), Some(answer(40_000_000)));
    // A root of 2 is a price of 4, or a quarter.
    let plain = PoolTerms { base_decimals: 18, quote_decimals: 18, ..pool() };
    let root = |base| PoolPrice::of_root(ONE << 1, base).unwrap();
    assert_eq!(plain.answer(root(Base::Asset0), 2), Some(answer(400)));
    assert_eq!(plain.answer(root(Base::Asset1), 2), Some(answer(25)));
    // A half is rounded up: 0.25 is 0.3 with one decimal, and 0 without.
    assert_eq!(plain.answer(root(Base::Asset1), 1), Some(answer(3)));
    assert_eq!(plain.answer(root(Base::Asset1), 0), None, "no answer is 0");
    assert_eq!(plain.answer(PoolPrice::of_average(U256::ZERO), 18), None);
    assert_eq!(PoolPrice::of_root(U160::ZERO, Base::Asset0), None);
    // Too large for an answer, or for 512 bits.
    let most = PoolTerms { base_decimals: 36, quote_decimals: 0, ..pool() };
    assert_eq!(most.answer(PoolPrice::of_root(U160::MAX, Base::Asset0).unwrap(), 36), None);
    assert_eq!(plain.answer(PoolPrice::of_average(U256::MAX >> 1), 0), None);
}

#[test]
fn a_pool_refuses_an_answer_and_never_gives_one() {
    let divergence = Bps::new(100).unwrap();
    let mut feed = feed();
    let read = |feed: &price_feeds::Feed, average: Option<u128>, now| {
        feed.checked_with_pool(average.map(answer), divergence, at(now)).map(|it| it.answer)
    };
    assert_eq!(read(&feed, Some(10_000), 1_000), Err(ReadError::NoAnswer));
    let reports = [report(1, 10_000, 1_000), report(2, 10_000, 1_000)];
    feed.report(&reports, Quorum::new(2, 3).unwrap(), at(1_000)).unwrap();
    assert_eq!(read(&feed, None, 1_000), Err(ReadError::NoPoolPrice));
    // One percent of the average.
    for average in [9_901, 10_000, 10_101] {
        assert_eq!(read(&feed, Some(average), 1_000), Ok(answer(10_000)), "{average}");
    }
    for far in [1, 9_900, 10_102, Answer::MAX.number()] {
        let refused = ReadError::DivergentFromPool { answer: answer(10_000), average: answer(far) };
        assert_eq!(read(&feed, Some(far), 1_000), Err(refused));
    }
    // An agreeing pool does not make an old answer new.
    let stale = ReadError::Stale { observed_at: at(1_000), age_seconds_max: 3_600 };
    assert_eq!(read(&feed, Some(10_000), 4_601), Err(stale));
}

#[test]
fn a_checkpoint_is_usable_between_one_window_and_two() {
    let point = |seconds| Checkpoint { at: at(seconds), cumulative: U256::from(seconds) };
    let points = [point(1_000), point(1_150), point(1_300)];
    let usable = |now| pool().usable(&points, at(now)).map(|found| found.at.as_u64());
    assert_eq!(usable(1_599), None);
    assert_eq!(usable(1_600), Some(1_000));
    assert_eq!(usable(1_750), Some(1_150));
    assert_eq!(usable(2_500), Some(1_300));
    assert_eq!(usable(2_501), None);
    assert_eq!(usable(0), None, "none is of the future");
    assert_eq!(pool().usable(&[], at(5_000)), None);
}

proptest! {
    /// Whoever records, and however often: what is kept is enough for an average as soon as the ring has turned once.
    #[test]
    fn nobody_can_push_old_checkpoints_out(
        window in WINDOW_SECONDS_MIN..=WINDOW_SECONDS_MAX,
        waits in vec(0_u64..40_000, 9..60),
    ) {
        let terms = PoolTerms { window_seconds: window, ..pool() };
        let (mut now, mut ring): (u64, Vec<Checkpoint>) = (1, Vec::new());
        for wait in waits {
            now += wait;
            if ring.last().is_some_and(|newest| at(now) < terms.next_checkpoint(newest.at)) {
                continue;
            }
            ring.push(Checkpoint { at: at(now), cumulative: U256::ZERO });
            if ring.len() > CHECKPOINTS_MAX {
                ring.remove(0);
            }
            if ring.len() == CHECKPOINTS_MAX {
                let oldest = now - ring[0].at.as_u64();
                prop_assert!(oldest >= u64::from(window), "{oldest}");
            }
            if let Some(found) = terms.usable(&ring, at(now)) {
                let age = now - found.at.as_u64();
                prop_assert!(u64::from(window) <= age && age <= 2 * u64::from(window));
            }
        }
    }

    /// Against the fraction itself: `|answer · den − num| ≤ den / 2`.
    #[test]
    fn an_answer_is_the_nearest(
        numerator in 1_u128..1 << 100,
        base in 0_u8..=18,
        quote in 0_u8..=18,
        decimals in 0_u8..=18,
    ) {
        let terms = PoolTerms { base_decimals: base, quote_decimals: quote, ..pool() };
        let found = terms.answer(PoolPrice::of_average(U256::from(numerator)), decimals);
        let ten = |power: u8| U256::from(10).pow(U256::from(power));
        let Some(exact) = U256::from(numerator).checked_mul(ten(base) * ten(decimals)) else {
            return Ok(());
        };
        let whole = ten(quote) << 112;
        match found {
            Some(found) => {
                let product: U256 = U256::from(found.number()) * whole;
                prop_assert!(product.abs_diff(exact) * U256::from(2) <= whole);
            }
            None => prop_assert!(exact * U256::from(2) < whole || exact / whole > U256::from(u128::MAX >> 1)),
        }
    }
}
