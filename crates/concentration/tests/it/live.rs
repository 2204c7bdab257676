//! The live index against recomputation after every step.

use alloy_primitives::U256;
use concentration::{ChangeError, Holdings, LiveIndex, Strictness, THRESHOLDS, Threshold, Zeros};
use proptest::prelude::*;

fn amount() -> impl Strategy<Value = U256> {
    prop_oneof![
        3 => (0_u64..6).prop_map(U256::from),
        2 => (0_u64..1 << 20).prop_map(U256::from),
        1 => any::<u128>().prop_map(U256::from),
        1 => any::<[u64; 4]>().prop_map(|limbs| U256::from_limbs(limbs) >> 4),
    ]
}

/// Compares every figure with that of the same amounts, sorted anew.
fn check(index: &LiveIndex, amounts: &[U256]) -> Result<(), TestCaseError> {
    let holdings = Holdings::new(amounts.iter().copied(), Zeros::Drop).unwrap();
    prop_assert_eq!(index.count(), holdings.count());
    prop_assert_eq!(index.total(), holdings.total());
    prop_assert_eq!(index.gini(), holdings.gini());
    prop_assert_eq!(index.hhi(), holdings.hhi());
    prop_assert_eq!(index.effective_count(), holdings.effective_count());
    for count in [0, 1, 3, 10, holdings.count(), holdings.count() + 1] {
        prop_assert_eq!(index.top_share(count), holdings.top_share(count));
    }
    for threshold in THRESHOLDS.into_iter().chain(Threshold::new(1, 1)) {
        for strictness in [Strictness::MoreThan, Strictness::AtLeast] {
            let expected = holdings.threshold(threshold, strictness);
            prop_assert_eq!(index.threshold(threshold, strictness), expected);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn every_change_gives_the_figures_of_recomputation(
        start in prop::collection::vec(amount(), 0..20),
        steps in prop::collection::vec((any::<prop::sample::Index>(), amount(), any::<bool>()), 1..60),
    ) {
        let mut amounts = start;
        let Ok(mut index) = LiveIndex::new(amounts.iter().copied()) else { return Ok(()) };
        check(&index, &amounts)?;
        for (place, after, is_new) in steps {
            if is_new || amounts.is_empty() {
                amounts.push(U256::ZERO);
            }
            let place = if is_new { amounts.len() - 1 } else { place.index(amounts.len()) };
            let before = std::mem::replace(&mut amounts[place], after);
            if index.change(before, after).is_err() {
                amounts[place] = before;
                let sum = amounts.iter().fold(U256::ZERO, |sum, amount| sum + *amount);
                prop_assert!((sum - before).checked_add(after).is_none(), "only a sum too large is refused");
            }
            check(&index, &amounts)?;
        }
    }

    /// Deep trees: thousands of amounts, splits and merges on every level.
    #[test]
    fn growing_and_shrinking_keeps_the_figures(seed in any::<u64>(), is_rising in any::<bool>()) {
        let value = |step: u64| match is_rising {
            true => U256::from(step + 1),
            false => U256::from(seed.wrapping_mul(step * 2 + 1) >> 40),
        };
        let mut amounts: Vec<U256> = Vec::new();
        let mut index = LiveIndex::new([]).unwrap();
        for step in 0..6_000 {
            index.change(U256::ZERO, value(step)).unwrap();
            amounts.push(value(step));
        }
        check(&index, &amounts)?;
        while amounts.len() > 3 {
            for _ in 0..amounts.len().min(1_499) {
                let place = usize::try_from(seed >> 8).unwrap() % amounts.len();
                index.change(amounts.swap_remove(place), U256::ZERO).unwrap();
            }
            check(&index, &amounts)?;
        }
    }
}

#[test]
fn what_is_not_there_is_refused_and_changes_nothing() {
    let amounts = [1_u64, 5, 5, 9].map(U256::from);
    let mut index = LiveIndex::new(amounts).unwrap();
    let refused = index.change(U256::from(4), U256::from(7)).unwrap_err();
    assert!(matches!(refused, ChangeError::Missing(_)) && refused.to_string().contains("holds 4"));
    index.change(U256::from(4), U256::from(4)).unwrap_err();
    index.change(U256::from(30), U256::ZERO).unwrap_err();
    let refused = index.change(U256::from(9), U256::MAX).unwrap_err();
    assert!(matches!(refused, ChangeError::TooLarge(_)), "{refused}");
    check(&index, &amounts).unwrap();
    index.change(U256::from(5), U256::from(5)).unwrap();
    index.change(U256::ZERO, U256::ZERO).unwrap();
    check(&index, &amounts).unwrap();
    for amount in amounts {
        index.change(amount, U256::ZERO).unwrap();
    }
    assert!(index.gini().is_none() && index.count() == 0);
}
