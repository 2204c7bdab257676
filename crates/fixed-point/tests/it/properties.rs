use std::ops::RangeInclusive;

use alloy_primitives::U256;
use fixed_point::{
    ArithmeticError, BPS, BinaryPoint, Q96, Q112, Q128, RAY, Scale, WAD, accumulated_wrapping,
    div_half_up, div_up, growth_wrapping, isqrt_down, isqrt_up, mul_div_down, mul_div_half_up,
    mul_div_up, ray_to_wad_down, ray_to_wad_half_up, ray_to_wad_up, sqrt_ratio_down, wad_to_ray,
};
use num_bigint::BigUint;
use proptest::prelude::*;

use crate::{big, small};

/// Returns numbers of any magnitude with equal probability, often next to a power of two, where carries occur.
fn numbers() -> impl Strategy<Value = U256> {
    let bits: RangeInclusive<usize> = 0..=256;
    let of_size = (bits.clone(), any::<[u8; 32]>()).prop_map(|(bits, bytes)| match bits {
        0 => U256::ZERO,
        bits => U256::from_be_bytes(bytes) >> (256 - bits),
    });
    let beside = (0..=255_usize, 0..5_u8).prop_map(|(bits, step)| {
        (U256::ONE << bits).wrapping_add(U256::from(step)).wrapping_sub(U256::from(2))
    });
    let scales = prop_oneof![Just(WAD.one()), Just(RAY.one()), Just(BPS.one()), Just(U256::MAX)];
    prop_oneof![4 => of_size, 2 => beside, 1 => scales, 2 => (0..16_u8).prop_map(U256::from)]
}

/// Returns numbers whose product with a scale or with each other usually fits.
fn halves() -> impl Strategy<Value = U256> {
    numbers().prop_flat_map(|number| (0..=160_usize).prop_map(move |bits| number >> bits))
}

#[derive(Clone, Copy)]
enum Rounding {
    Down,
    Up,
    HalfUp,
}

/// Returns `numerator / denominator` as a rational, rounded: the expected result of the operation.
fn rounded(
    numerator: &BigUint,
    denominator: U256,
    rounding: Rounding,
) -> Result<U256, ArithmeticError> {
    if denominator.is_zero() {
        return Err(ArithmeticError::DivisionByZero);
    }
    let denominator = big(denominator);
    let floor = numerator / &denominator;
    let rest = numerator - &floor * &denominator;
    let more = match rounding {
        Rounding::Down => false,
        Rounding::Up => rest > BigUint::ZERO,
        Rounding::HalfUp => &rest * 2_u32 >= denominator,
    };
    small(&(floor + u32::from(more))).ok_or(ArithmeticError::Overflow)
}

/// Like `rounded`, for operations whose product, with half of the divisor if that is added, must also fit.
fn narrow(
    numerator: &BigUint,
    denominator: U256,
    rounding: Rounding,
) -> Result<U256, ArithmeticError> {
    let added = match rounding {
        Rounding::HalfUp => big(denominator >> 1),
        Rounding::Down | Rounding::Up => BigUint::ZERO,
    };
    let value = rounded(numerator, denominator, rounding);
    match value {
        Err(ArithmeticError::DivisionByZero) => value,
        _ if small(&(numerator + added)).is_none() => Err(ArithmeticError::Overflow),
        _ => value,
    }
}

fn check_scale(scale: Scale, a: U256, b: U256) {
    let product = big(a) * big(b);
    let raised = big(a) * big(scale.one());
    assert_eq!(scale.mul_down(a, b), narrow(&product, scale.one(), Rounding::Down));
    assert_eq!(scale.mul_up(a, b), narrow(&product, scale.one(), Rounding::Up));
    assert_eq!(scale.mul_half_up(a, b), narrow(&product, scale.one(), Rounding::HalfUp));
    assert_eq!(scale.div_down(a, b), narrow(&raised, b, Rounding::Down));
    assert_eq!(scale.div_up(a, b), narrow(&raised, b, Rounding::Up));
    assert_eq!(scale.div_half_up(a, b), narrow(&raised, b, Rounding::HalfUp));
}

fn check_binary(point: BinaryPoint, bits: usize, a: U256, b: U256) {
    assert_eq!(big(point.one()), BigUint::from(1_u32) << bits);
    let product = big(a) * big(b);
    assert_eq!(point.mul_down(a, b), rounded(&product, point.one(), Rounding::Down));
    assert_eq!(point.mul_up(a, b), rounded(&product, point.one(), Rounding::Up));
    let shifted = big(a) << bits;
    assert_eq!(point.div_down(a, b), rounded(&shifted, b, Rounding::Down));
    assert_eq!(point.div_up(a, b), rounded(&shifted, b, Rounding::Up));
}

/// Runs the contract's loop in integers of any size, with a check of each step.
fn power(scale: &BigUint, base: U256, exponent: u64) -> Option<U256> {
    let step = |a: &BigUint, b: &BigUint| {
        let raised = a * b + scale / 2_u32;
        small(&raised).map(|_| raised / scale)
    };
    let mut base = big(base);
    let mut power = if exponent % 2 == 1 { base.clone() } else { scale.clone() };
    let mut left = exponent / 2;
    while left > 0 {
        base = step(&base, &base)?;
        if left % 2 == 1 {
            power = step(&power, &base)?;
        }
        left /= 2;
    }
    small(&power)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_product_is_divided_exactly(a in numbers(), b in numbers(), divisor in numbers()) {
        let product = big(a) * big(b);
        prop_assert_eq!(mul_div_down(a, b, divisor), rounded(&product, divisor, Rounding::Down));
        prop_assert_eq!(mul_div_up(a, b, divisor), rounded(&product, divisor, Rounding::Up));
        prop_assert_eq!(mul_div_half_up(a, b, divisor), rounded(&product, divisor, Rounding::HalfUp));
        prop_assert_eq!(div_up(a, divisor), rounded(&big(a), divisor, Rounding::Up));
        prop_assert_eq!(div_half_up(a, divisor), rounded(&big(a), divisor, Rounding::HalfUp));
    }

    /// Quotients one below, at and one above what fits.
    #[test]
    fn a_quotient_at_the_top_is_told_from_one_beyond(divisor in numbers(), below in 0..3_u8) {
        let a = divisor;
        let b = U256::MAX - U256::from(below);
        let product = big(a) * big(b);
        prop_assert_eq!(mul_div_up(a, b, divisor), rounded(&product, divisor, Rounding::Up));
        if divisor > U256::ONE {
            let smaller = divisor - U256::ONE;
            let expected = rounded(&product, smaller, Rounding::Down);
            prop_assert_eq!(mul_div_down(a, b, smaller), expected);
        }
    }

    #[test]
    fn decimal_scales_round_as_named(a in halves(), b in halves(), one in numbers()) {
        for scale in [WAD, RAY, BPS, Scale::new(one)] {
            check_scale(scale, a, b);
        }
    }

    #[test]
    fn binary_points_round_as_named(a in numbers(), b in numbers()) {
        check_binary(Q96, 96, a, b);
        check_binary(Q112, 112, a, b);
        check_binary(Q128, 128, a, b);
    }

    #[test]
    fn powers_are_those_of_the_contract(
        base in prop_oneof![halves(), (0..1_u64 << 40).prop_map(|rate| RAY.one() + U256::from(rate))],
        exponent in prop_oneof![0..8_u64, 0..1_u64 << 26, any::<u64>()],
    ) {
        for scale in [RAY, WAD] {
            let expected = power(&big(scale.one()), base, exponent).ok_or(ArithmeticError::Overflow);
            prop_assert_eq!(scale.pow_half_up(base, U256::from(exponent)), expected);
        }
    }

    #[test]
    fn roots_are_exact(square in numbers(), root in numbers()) {
        // A square and its neighbours too.
        let root = root >> 128;
        let around = root * root;
        for square in [square, around, around.wrapping_sub(U256::ONE), around.wrapping_add(U256::ONE)] {
            prop_assert_eq!(big(isqrt_down(square)), big(square).sqrt());
            let up = big(isqrt_up(square));
            prop_assert!(&up * &up >= big(square));
            prop_assert!(up == BigUint::ZERO || (&up - 1_u32) * (&up - 1_u32) < big(square));
        }
    }

    #[test]
    fn a_price_becomes_its_square_root(numerator in numbers(), denominator in numbers()) {
        let expected = if denominator.is_zero() {
            Err(ArithmeticError::DivisionByZero)
        } else {
            let square: BigUint = (big(numerator) << 192) / big(denominator);
            small(&square.sqrt()).ok_or(ArithmeticError::Overflow)
        };
        prop_assert_eq!(sqrt_ratio_down(numerator, denominator), expected);
    }

    #[test]
    fn rays_become_wads(number in numbers()) {
        let factor = U256::from(1_000_000_000);
        let down = rounded(&big(number), factor, Rounding::Down);
        prop_assert_eq!(Ok(ray_to_wad_down(number)), down);
        prop_assert_eq!(Ok(ray_to_wad_up(number)), rounded(&big(number), factor, Rounding::Up));
        let half_up = rounded(&big(number), factor, Rounding::HalfUp);
        prop_assert_eq!(Ok(ray_to_wad_half_up(number)), half_up);
        let ray = small(&(big(number) * big(factor))).ok_or(ArithmeticError::Overflow);
        prop_assert_eq!(wad_to_ray(number), ray);
    }

    #[test]
    fn growth_is_told_across_the_top(before in numbers(), more in numbers()) {
        let now = accumulated_wrapping(before, more);
        let modulus = BigUint::from(1_u32) << 256;
        prop_assert_eq!(big(now), (big(before) + big(more)) % modulus);
        prop_assert_eq!(growth_wrapping(before, now), more);
    }
}
