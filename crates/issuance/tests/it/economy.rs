//! Making rounds up does not pay, however they are divided.

/// Number of checks, the least that governance may choose.
const CHECKS: i128 = 3;

/// Returns the chance that none of the made-up rounds is drawn, as numerator and denominator.
fn chance(rounds: i128, made_up: i128) -> (i128, i128) {
    let draws = CHECKS.min(rounds);
    let part = |from: i128| (0..draws).map(|index| (from - index).max(0)).product();
    (part(rounds - made_up), part(rounds))
}

/// Returns what a claim brings, times the denominator of its chance: `value` for each round if no made-up one is drawn, less `cost`
/// for each round that was computed.
fn gain(rounds: i128, made_up: i128, (value, cost): (i128, i128)) -> (i128, i128) {
    let (passed, of) = chance(rounds, made_up);
    (passed * rounds * value - of * (rounds - made_up) * cost, of)
}

#[test]
fn a_made_up_share_of_any_claim_brings_less_than_honest_work_or_none() {
    for rounds in 1..=56 {
        for made_up in 1..=rounds {
            let (passed, of) = chance(rounds, made_up);
            // At most the cube of the honest share.
            let honest = rounds - made_up;
            assert!(passed * rounds.pow(3) <= of * honest.pow(3), "{made_up} of {rounds}");
            for value in 0..=20 {
                for cost in 0..=20 {
                    let (gained, of) = gain(rounds, made_up, (value, cost));
                    let best = (rounds * (value - cost)).max(0);
                    assert!(gained <= of * best, "{made_up} of {rounds} at {value} for {cost}");
                }
            }
        }
    }
}

#[test]
fn without_three_checks_little_would_be_lost_by_it() {
    // With one check, a claim of ten rounds of which five are made up brings 0.5·10·w − 5·c: at w = c as much as honest work.
    let with_one = |value: i128, cost: i128| 5 * value - 5 * cost;
    assert_eq!(with_one(10, 10), 0);
    let (gained, of) = gain(10, 5, (10, 10));
    assert!(
        gained < of * -40,
        "with three it loses more than four fifths of what five honest rounds cost"
    );
}

#[test]
fn dividing_rounds_among_claims_gains_nothing() {
    // Any division of made-up and honest rounds into two claims brings at most what honest work in both does, or in one, or none.
    let of_two = |first: (i128, i128), second: (i128, i128), rate: (i128, i128)| {
        let (one, of_one) = gain(first.0, first.1, rate);
        let (other, of_other) = gain(second.0, second.1, rate);
        (one * of_other + other * of_one, of_one * of_other)
    };
    for rate in [(10, 1), (10, 9), (10, 10), (10, 11), (3, 20)] {
        for rounds in 2..=24 {
            for first in 1..rounds {
                for made_up in 0..=rounds {
                    for here in 0..=made_up.min(first) {
                        let there = made_up - here;
                        if there > rounds - first {
                            continue;
                        }
                        let (gained, of) = of_two((first, here), (rounds - first, there), rate);
                        let best = (rounds * (rate.0 - rate.1)).max(0);
                        assert!(gained <= of * best, "{first}+{} {here}+{there}", rounds - first);
                    }
                }
            }
        }
    }
}
