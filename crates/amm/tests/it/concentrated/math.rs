//! Amounts, prices and steps against rationals; the bitmap against a search tick by tick.

use std::collections::BTreeSet;

use alloy_primitives::{U160, U256, uint};
use amm::concentrated::{
    Direction, NextTick, Remaining, SQRT_PRICE_MAX, SQRT_PRICE_MIN, Side, SwapStep, amount0_down,
    amount0_up, amount1_down, amount1_up, flip, liquidity_for_amounts, liquidity_per_tick_max,
    next_in_word, place, price_after_input, price_after_output, swap_step, word_of,
};
use fixed_point::sqrt_ratio_down;
use num_bigint::BigUint;
use proptest::prelude::*;

fn big(number: impl Into<U256>) -> BigUint {
    BigUint::from_bytes_be(&number.into().to_be_bytes::<32>())
}

fn wide(price: U160) -> U256 {
    U256::from(price)
}

/// Square roots of prices at every magnitude.
pub(crate) fn prices() -> impl Strategy<Value = U160> {
    (33_usize..161, any::<[u8; 20]>()).prop_map(|(bits, bytes)| {
        let price: U160 = (U160::from_be_bytes(bytes) | (U160::ONE << 159_usize)) >> (160 - bits);
        price.clamp(SQRT_PRICE_MIN, SQRT_PRICE_MAX - U160::ONE)
    })
}

pub(crate) fn liquidities() -> impl Strategy<Value = u128> {
    (0_u32..128, any::<u128>()).prop_map(|(bits, number)| (number | (1 << 127)) >> bits)
}

pub(crate) fn amounts() -> impl Strategy<Value = U256> {
    let of_size = (1_usize..256, any::<[u8; 32]>())
        .prop_map(|(bits, bytes)| U256::from_be_bytes(bytes) >> (256 - bits));
    prop_oneof![1 => (0_u64..16).prop_map(U256::from), 3 => of_size]
}

fn ratio(numerator: u64, denominator: u64) -> U160 {
    sqrt_ratio_down(U256::from(numerator), U256::from(denominator)).unwrap().to()
}

/// Source of the numbers: the expectations of Uniswap's own tests of `SwapMath`.
#[test]
fn steps_of_the_original() {
    let liquidity = 2_000_000_000_000_000_000;
    let whole = uint!(1_000_000_000_000_000_000_U256);
    let check = |target: U160, remaining, amount_in: u128, amount_out: u128, fee: u128| {
        let step = swap_step(ratio(1, 1), target, liquidity, remaining, 600).unwrap();
        let SwapStep { amount_in: found_in, amount_out: found_out, fee: found_fee, .. } = step;
        let found = (found_in, found_out, found_fee);
        let expected = (U256::from(amount_in), U256::from(amount_out), U256::from(fee));
        assert_eq!(found, expected, "{remaining:?}");
        step.price == target
    };
    let near = ratio(101, 100);
    assert!(check(
        near,
        Remaining::Input(whole),
        9_975_124_224_178_055,
        9_925_619_580_021_728,
        5_988_667_735_148
    ));
    assert!(check(
        near,
        Remaining::Output(whole),
        9_975_124_224_178_055,
        9_925_619_580_021_728,
        5_988_667_735_148
    ));
    let far = ratio(1_000, 100);
    assert!(!check(
        far,
        Remaining::Input(whole),
        999_400_000_000_000_000,
        666_399_946_655_997_866,
        600_000_000_000_000
    ));
    let far = ratio(10_000, 100);
    assert!(!check(
        far,
        Remaining::Output(whole),
        2_000_000_000_000_000_000,
        1_000_000_000_000_000_000,
        1_200_720_432_259_356
    ));
}

#[test]
fn an_output_that_rounding_would_exceed_is_capped() {
    let step = swap_step(
        uint!(417332158212080721273783715441582_U160),
        uint!(1452870262520218020823638996_U160),
        159_344_665_391_607_089_467_575_320_103,
        Remaining::Output(U256::ONE),
        1,
    );
    assert_eq!(
        step,
        Ok(SwapStep {
            price: uint!(417332158212080721273783715441581_U160),
            amount_in: U256::ONE,
            amount_out: U256::ONE,
            fee: U256::ONE,
        })
    );
}

/// Source of the numbers: the expectations of Uniswap's own tests of `LiquidityAmounts`.
#[test]
fn liquidity_of_amounts() {
    let (low, high) = (ratio(100, 110), ratio(110, 100));
    let amounts = (U256::from(100), U256::from(200));
    for (price, liquidity) in [
        (ratio(1, 1), 2_148),
        (ratio(99, 110), 1_048),
        (ratio(111, 100), 2_097),
        (low, 1_048),
        (high, 2_097),
    ] {
        assert_eq!(liquidity_for_amounts(price, (low, high), amounts), Ok(liquidity));
        assert_eq!(liquidity_for_amounts(price, (high, low), amounts), Ok(liquidity));
    }
    let same = liquidity_for_amounts(low, (low, low), amounts);
    assert_eq!(same, Err(amm::concentrated::Refused::Arithmetic));
    let much = (U256::MAX, U256::MAX);
    let refused = liquidity_for_amounts(ratio(1, 1), (low, high), much);
    assert_eq!(refused, Err(amm::concentrated::Refused::Arithmetic));
}

/// Source: `tickSpacingToMaxLiquidityPerTick`, as documented for the three fee tiers and the whole range.
#[test]
fn liquidity_of_a_tick() {
    for (spacing, most) in [
        (10, 1_917_569_901_783_203_986_719_870_431_555_990),
        (60, 11_505_743_598_341_114_571_880_798_222_544_994),
        (200, 38_350_317_471_085_141_830_651_933_667_504_588),
        (887_272, u128::MAX / 3),
        (2302, 441_351_967_472_034_323_558_203_122_479_595_605),
    ] {
        assert_eq!(liquidity_per_tick_max(spacing), most, "{spacing}");
    }
    assert_eq!(liquidity_per_tick_max(0), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// `L·(b − a)·2^96 / (a·b)` and `L·(b − a) / 2^96`.
    #[test]
    fn amounts_are_rounded_for_the_pool(one in prices(), other in prices(), liquidity in liquidities()) {
        let (low, high) = (big(wide(one.min(other))), big(wide(one.max(other))));
        let width = &high - &low;
        let (above, below) = ((big(U256::from(liquidity)) * &width) << 96_u8, &low * &high);
        let (down, up) = (
            big(amount0_down(one, other, liquidity).unwrap()),
            big(amount0_up(one, other, liquidity).unwrap()),
        );
        prop_assert!(&down * &below <= above, "never above the exact amount");
        prop_assert!((&down + 2_u8) * &below > above);
        prop_assert!(&up * &below >= above, "never below the exact amount");
        prop_assert!(up <= &above / &below + 2_u8);
        let exact = big(U256::from(liquidity)) * &width;
        let (down, up) = (
            big(amount1_down(one, other, liquidity).unwrap()),
            big(amount1_up(one, other, liquidity).unwrap()),
        );
        prop_assert_eq!(&down, &(&exact >> 96_u8));
        let has_rest = (&down << 96_u8) != exact;
        prop_assert_eq!(up, down + u8::from(has_rest));
    }

    /// A price after an input never passes the exact one; after an output it does: what the pool receives for the way, and gives, is never to its loss.
    #[test]
    fn prices_are_rounded_for_the_pool(price in prices(), liquidity in liquidities(), amount in amounts()) {
        for direction in [Direction::ZeroForOne, Direction::OneForZero] {
            if let Ok(after) = price_after_input(price, liquidity, amount, direction) {
                let takes = match direction {
                    Direction::ZeroForOne => { prop_assert!(after <= price); amount0_up(after.max(U160::ONE), price, liquidity) }
                    Direction::OneForZero => { prop_assert!(after >= price); amount1_up(price, after, liquidity) }
                };
                prop_assert!(takes.unwrap() <= amount);
            }
            if let Ok(after) = price_after_output(price, liquidity, amount, direction) {
                let gives = match direction {
                    Direction::ZeroForOne => { prop_assert!(after <= price); amount1_down(after, price, liquidity) }
                    Direction::OneForZero => { prop_assert!(after >= price); amount0_down(price, after, liquidity) }
                };
                prop_assert!(gives.unwrap() >= amount);
            }
        }
    }

    /// What Uniswap's own fuzz test of `computeSwapStep` asserts.
    #[test]
    fn a_step_keeps_within_what_is_left(
        price in prices(),
        target in prices(),
        liquidity in liquidities(),
        amount in amounts(),
        fee in prop_oneof![Just(0_u32), Just(500), Just(3_000), Just(999_999), 0_u32..1_000_000],
        is_input in any::<bool>(),
    ) {
        let remaining = if is_input { Remaining::Input(amount) } else { Remaining::Output(amount) };
        let Ok(step) = swap_step(price, target, liquidity, remaining, fee) else { return Ok(()) };
        let paid = step.amount_in + step.fee;
        match remaining {
            Remaining::Input(amount) => {
                prop_assert!(paid <= amount);
                prop_assert!(step.price == target || paid == amount);
            }
            Remaining::Output(amount) => {
                prop_assert!(step.amount_out <= amount);
                prop_assert!(step.price == target || step.amount_out == amount);
            }
        }
        if price == target {
            prop_assert_eq!((step.amount_in, step.amount_out, step.fee), (U256::ZERO, U256::ZERO, U256::ZERO));
            prop_assert_eq!(step.price, target);
        }
        let (low, high) = (price.min(target), price.max(target));
        prop_assert!(low <= step.price && step.price <= high);
        let least_fee = (step.amount_in * U256::from(fee)).div_ceil(U256::from(1_000_000 - fee));
        prop_assert!(step.fee >= least_fee);
    }

    /// KyberSwap Elastic, November 2023: an amount just below what a tick takes moved the price to the tick's price without crossing it.
    #[test]
    fn the_target_is_reached_exactly_by_the_amount_that_it_takes(
        price in prices(),
        target in prices(),
        liquidity in liquidities(),
        fee in prop_oneof![Just(0_u32), Just(500), Just(3_000), Just(10_000)],
    ) {
        let direction = if price >= target { Direction::ZeroForOne } else { Direction::OneForZero };
        let (takes, gives) = match direction {
            Direction::ZeroForOne => (amount0_up(price, target, liquidity), amount1_down(price, target, liquidity)),
            Direction::OneForZero => (amount1_up(price, target, liquidity), amount0_down(price, target, liquidity)),
        };
        let (takes, gives) = (takes.unwrap(), gives.unwrap());
        // The least amount whose part without the fee covers the way.
        let whole = U256::from(1_000_000);
        let rest = whole - U256::from(fee);
        let exact = (takes * whole).div_ceil(rest);
        let reached = |amount| swap_step(price, target, liquidity, Remaining::Input(amount), fee).unwrap();
        prop_assert_eq!(reached(exact).price, target);
        prop_assert_eq!(reached(exact).amount_in, takes);
        if !takes.is_zero() {
            let step = reached(exact - U256::ONE);
            prop_assert_eq!(step.amount_in + step.fee, exact - U256::ONE, "all is taken");
            prop_assert!(step.amount_out <= gives);
            // The price itself may be rounded onto the target: then less was paid for the whole way only by the rounding of one unit.
            prop_assert!(step.price != target || step.amount_in == takes || step.amount_in + U256::ONE == takes);
        }
        let output = |amount| swap_step(price, target, liquidity, Remaining::Output(amount), fee).unwrap();
        prop_assert_eq!(output(gives).price, target);
        prop_assert_eq!(output(gives).amount_in, takes);
    }

    #[test]
    fn the_next_tick_is_the_nearest_in_the_word(
        ticks in proptest::collection::btree_set(-600_i32..600, 0..12),
        spacing in prop_oneof![Just(1_i32), Just(10), Just(60)],
        from in -40_000_i32..40_000,
        is_above in any::<bool>(),
    ) {
        let ticks: BTreeSet<i32> = ticks.into_iter().map(|tick| tick * spacing).collect();
        let from = from % (600 * spacing);
        let side = if is_above { Side::Above } else { Side::AtOrBelow };
        let index = word_of(from, spacing, side);
        let mut word = U256::ZERO;
        for tick in &ticks {
            let (at, bit) = flip(*tick, spacing).unwrap();
            if at == index { word ^= bit; }
        }
        let found = next_in_word(word, from, spacing, side);
        // Tick by tick until one is set or the word ends.
        let down = from.div_euclid(spacing);
        let (mut at, step, end) = if is_above { (down + 1, 1, 255) } else { (down, -1, 0) };
        let expected = loop {
            if ticks.contains(&(at * spacing)) {
                break NextTick { tick: at * spacing, is_initialized: true };
            }
            if place(at).1 == end {
                break NextTick { tick: at * spacing, is_initialized: false };
            }
            at += step;
        };
        prop_assert_eq!(found, expected);
    }
}
