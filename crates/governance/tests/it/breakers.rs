//! Breakers.

use governance::breakers::*;
use proptest::prelude::*;

fn exact(figure: u64) -> Option<Figure> {
    Some(Figure { least: figure, most: figure })
}

#[test]
fn an_office_is_as_strong_as_those_who_decide_or_prevent() {
    let check = |members, threshold, expected| {
        assert_eq!(
            Figure::of_office(members, threshold),
            exact(expected),
            "{threshold} of {members}"
        );
    };
    check(1, 1, 1);
    check(3, 2, 2);
    check(5, 3, 3);
    check(7, 5, 3);
    check(7, 7, 1);
    assert_eq!(Figure::of_office(0, 0), None, "no office, nothing to watch");
}

#[test]
fn a_breaker_trips_below_its_bound_and_is_released_only_above_a_higher_one() {
    let mut tripped = Tripped::default();
    let breaker = Breaker::StakeHalf;
    assert_eq!(tripped.look(breaker, exact(25)), None);
    assert_eq!(tripped.look(breaker, exact(24)), Some(Change { breaker, is_tripped: true }));
    assert!(tripped.is_strict());
    assert_eq!(tripped.look(breaker, exact(29)), None, "one account more does not release it");
    assert_eq!(tripped.look(breaker, exact(30)), Some(Change { breaker, is_tripped: false }));
    assert!(!tripped.is_strict());
    // What may be too little is taken for too little.
    let wide = Figure { least: 24, most: 40 };
    assert_eq!(tripped.look(breaker, Some(wide)), Some(Change { breaker, is_tripped: true }));
    let nobody = tripped.look(Breaker::WorkHalf, Some(Figure::NONE));
    assert_eq!(nobody.map(|change| change.is_tripped), Some(true), "an empty house");
    assert_eq!(tripped.look(Breaker::Reporters, None), None);
}

proptest! {
    #[test]
    fn each_breaker_follows_its_own_figure_only(
        steps in prop::collection::vec((0_usize..4, 0_u64..40), 1..80),
    ) {
        let mut tripped = Tripped::default();
        let mut model = [false; 4];
        for (index, figure) in steps {
            let breaker = Breaker::ALL[index];
            let before = model[index];
            let bound = if before { breaker.released_from() } else { breaker.trips_below() };
            model[index] = figure < bound;
            let change = tripped.look(breaker, exact(figure));
            prop_assert_eq!(change.is_some(), before != model[index]);
            for (breaker, is_tripped) in Breaker::ALL.into_iter().zip(model) {
                prop_assert_eq!(tripped.has(breaker), is_tripped);
            }
            prop_assert_eq!(tripped.is_strict(), model.contains(&true));
            prop_assert_eq!(Tripped::of_bits(tripped.bits()), tripped);
        }
    }
}
