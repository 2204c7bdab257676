//! Yields beside closed forms, and rounded down.

use alloy_primitives::U256;
use fixed_point::ArithmeticError;
use proptest::prelude::*;
use staking::{
    farm::Emission,
    returns::{
        COMPOUNDINGS_MAX, WHOLE, annual_down, compounded_down, funded_blocks_down, growth_down,
        simple_down,
    },
};

use crate::number;

fn percent(value: u64) -> U256 {
    number(value) * WHOLE / number(100)
}

/// `a / b` to the power of `times`, as an exact fraction of 1e18 rounded down, for what fits.
fn power(simple: U256, times: u32) -> U256 {
    let (mut numerator, mut denominator) = (U256::ONE, U256::ONE);
    for _ in 0..times {
        numerator *= number(100) * number(times.into()) + simple * number(100) / WHOLE;
        denominator *= number(100) * number(times.into());
    }
    numerator * WHOLE / denominator - WHOLE
}

#[test]
fn known_yields() {
    // 100 % twice: (1 + 1/2)² = 2.25.
    assert_eq!(compounded_down(percent(100), 2), percent(125));
    assert_eq!(compounded_down(percent(7), 1), percent(7));
    assert_eq!(compounded_down(U256::ZERO, 365), U256::ZERO);
    // 100 % every hour: below e − 1 = 1.71828…
    let hourly = compounded_down(percent(100), COMPOUNDINGS_MAX);
    let (low, high) = (number(1_718_126_000_000_000_000), number(1_718_281_828_459_045_235));
    assert!(low < hourly && hourly < high, "{hourly}");
    assert_eq!(compounded_down(number(u64::MAX) * WHOLE, COMPOUNDINGS_MAX), U256::MAX);
    assert_eq!(compounded_down(percent(7), 0), U256::MAX);
    let price = WHOLE * WHOLE;
    assert_eq!(simple_down(number(30), price, number(200)), Ok(percent(15)));
    assert_eq!(simple_down(number(30), price * number(2), number(200)), Ok(percent(30)));
    assert_eq!(simple_down(number(1), price, U256::ZERO), Err(ArithmeticError::DivisionByZero));
    assert_eq!(growth_down(number(200), number(230)), Ok(percent(15)));
    assert_eq!(growth_down(number(200), number(100)), Ok(U256::ZERO));
    assert_eq!(growth_down(U256::ZERO, number(1)), Err(ArithmeticError::DivisionByZero));
    // 1 % in a week of 52.14 a year.
    let weekly = annual_down(percent(1), 604_800).unwrap();
    assert_eq!(weekly, number(521_428_571_428_571_428));
    assert_eq!(annual_down(percent(1), 0), Err(ArithmeticError::DivisionByZero));
}

#[test]
fn a_farm_is_funded_for_whole_blocks() {
    let emission = |bonus_end: u64| Emission {
        reward_per_block: number(100),
        bonus_end_block: number(bonus_end),
        total_allocation: number(1),
    };
    let funded = |emission: &Emission, undrawn: u64, due: u64| {
        funded_blocks_down(emission, number(50), number(undrawn), number(due))
    };
    // 110 a block, with the developer's tenth.
    assert_eq!(funded(&emission(0), 549, 0), number(4));
    assert_eq!(funded(&emission(0), 550, 0), number(5));
    // 200 and a tenth are due already.
    assert_eq!(funded(&emission(0), 550, 200), number(3));
    assert_eq!(funded(&emission(0), 550, 10_000), number(0));
    // Ten times as much until the bonus ends.
    assert_eq!(funded(&emission(60), 11_000, 0), number(10));
    assert_eq!(funded(&emission(53), 11_000, 0), number(3));
    assert_eq!(funded(&emission(50), 11_000, 0), number(100), "the bonus is over");
    let nothing = Emission { reward_per_block: U256::ZERO, ..emission(0) };
    assert_eq!(funded(&nothing, 550, 0), U256::ZERO);
}

proptest! {
    #[test]
    fn compounding_is_rounded_down_and_never_by_much(
        rate in 1_u64..2_000,
        times in 1_u32..7,
    ) {
        let exact = power(percent(rate), times);
        let found = compounded_down(percent(rate), times);
        prop_assert!(found <= exact, "{found} for {exact}");
        prop_assert!(exact - found <= number(1), "{found} for {exact}");
    }

    #[test]
    fn compounding_more_often_pays_more(rate in 1_u64..100_000, times in 1_u32..COMPOUNDINGS_MAX) {
        let simple = number(rate) * WHOLE / number(10_000);
        let (some, more) = (compounded_down(simple, times), compounded_down(simple, times + 1));
        // Each step loses less than 1e-27 of the power.
        let lost = more / number(1_000_000_000_000) + number(2);
        prop_assert!(simple <= some + number(1) && some <= more + lost, "{simple} {some} {more}");
    }
}
