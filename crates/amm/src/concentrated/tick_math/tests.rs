//! The constants, derived from 1.0001 with integers of 1,024 bits; ticks against exact powers.

use num_bigint::BigUint;
use proptest::prelude::*;

use super::*;

/// Bits after the point.
const BITS: u64 = 512;

fn one() -> BigUint {
    BigUint::from(1_u8) << BITS
}

fn times(a: &BigUint, b: &BigUint) -> BigUint {
    (a * b) >> BITS
}

/// Returns `√1.0001`, or its inverse.
fn root(is_inverse: bool) -> BigUint {
    let (above, below) = if is_inverse { (10_000_u32, 10_001_u32) } else { (10_001, 10_000) };
    ((BigUint::from(above) << (2 * BITS)) / below).sqrt()
}

fn nearest(number: &BigUint, bits: u64) -> BigUint {
    let half = BigUint::from(1_u8) << (BITS - bits - 1);
    (number + half) >> (BITS - bits)
}

fn big(number: U160) -> BigUint {
    BigUint::from_bytes_be(&number.to_be_bytes::<20>())
}

#[test]
fn factors_are_the_powers_of_a_tick_to_the_nearest_integer() {
    let mut power = root(true);
    for (bit, factor) in FACTORS.into_iter().enumerate() {
        assert_eq!(nearest(&power, 128), BigUint::from(factor), "2^{bit}");
        power = times(&power, &power);
    }
}

/// `log2(√1.0001)` bit by bit: squaring doubles a logarithm, and a square of 2 or more is a bit of it.
#[test]
fn the_unit_of_logarithms_is_that_of_a_tick() {
    let (mut number, mut log) = (root(false), BigUint::ZERO);
    for _ in 0..160 {
        number = times(&number, &number);
        log <<= 1_u8;
        if number >= one() << 1_u8 {
            number >>= 1_u8;
            log += 1_u8;
        }
    }
    // To the nearest.
    let ticks_per_log: BigUint = ((BigUint::from(1_u8) << 225_u8) / log + 1_u8) >> 1_u8;
    assert_eq!(ticks_per_log.to_string(), "255738958999603826347141");
    assert_eq!(TICKS_PER_LOG.to_string(), ticks_per_log.to_string());
}

/// The bounds are those of a logarithm of 14 bits: a bit less than a ten thousandth of it below, and the error of the constant above.
#[test]
fn the_bounds_of_the_error_let_at_most_two_ticks_through() {
    let one = BigUint::from(1_u8) << 128_u8;
    let bounds = [ERROR_BELOW, ERROR_ABOVE]
        .map(|bound| BigUint::from_bytes_be(&bound.into_raw().to_be_bytes::<32>()));
    assert!(bounds[0].clone() + &bounds[1] < one);
    // A bit of the logarithm in ticks: 2^-14 · 2^64 / log2(√1.0001).
    let cut = (BigUint::from(255_738_958_999_603_826_347_141_u128) << 64_u8) >> 14_u8;
    assert!(cut < bounds[1], "what is cut off is below the bound");
}

fn exact(tick: i32) -> BigUint {
    let (mut power, mut sum) = (root(tick < 0), one());
    let mut bits = tick.unsigned_abs();
    while bits > 0 {
        if bits & 1 == 1 {
            sum = times(&sum, &power);
        }
        power = times(&power, &power);
        bits >>= 1;
    }
    sum >> (BITS - 96)
}

fn check(tick: i32) {
    let (found, exact) = (big(sqrt_price_at_tick(tick).unwrap()), exact(tick));
    let error = if found > exact { &found - &exact } else { &exact - &found };
    assert!(error <= (&exact >> 58_u8) + 1_u8, "{tick}: {found}, exactly {exact}");
    let price = sqrt_price_at_tick(tick).unwrap();
    if tick < TICK_MAX {
        assert_eq!(tick_at_sqrt_price(price), Ok(tick));
        assert_eq!(tick_at_sqrt_price(price + U160::ONE), Ok(tick));
        assert!(sqrt_price_at_tick(tick + 1).unwrap() > price, "{tick}");
    }
    if tick > TICK_MIN {
        assert_eq!(tick_at_sqrt_price(price - U160::ONE), Ok(tick - 1));
    }
}

/// Source of the numbers: the expectations of Uniswap's own tests of `TickMath`.
#[test]
fn prices_of_ticks() {
    for (tick, price) in [
        (TICK_MIN, "4295128739"),
        (TICK_MIN + 1, "4295343490"),
        (TICK_MAX - 1, "1461373636630004318706518188784493106690254656249"),
        (TICK_MAX, "1461446703485210103287273052203988822378723970342"),
        (0, "79228162514264337593543950336"),
        (50, "79426470787362580746886972461"),
        (-50, "79030349367926598376800521322"),
        (100, "79625275426524748796330556128"),
        (250_000, "21246587762933397357449903968194344"),
        (-250_000, "295440463448801648376846"),
        (738_203, "847134979253254120489401328389043031315994541"),
        (-738_203, "7409801140451"),
    ] {
        assert_eq!(sqrt_price_at_tick(tick).unwrap().to_string(), price, "{tick}");
    }
    for tick in [TICK_MIN - 1, TICK_MAX + 1, i32::MIN, i32::MAX] {
        assert_eq!(sqrt_price_at_tick(tick), Err(Refused::TickOutOfRange));
    }
    for price in [U160::ZERO, SQRT_PRICE_MIN - U160::ONE, SQRT_PRICE_MAX, U160::MAX] {
        assert_eq!(tick_at_sqrt_price(price), Err(Refused::PriceOutOfRange));
    }
    assert_eq!(tick_at_sqrt_price(SQRT_PRICE_MIN), Ok(TICK_MIN));
    assert_eq!(tick_at_sqrt_price(SQRT_PRICE_MAX - U160::ONE), Ok(TICK_MAX - 1));
}

#[test]
fn ticks_at_every_power_of_two_and_at_the_ends() {
    for tick in [0, 1, 2, 3, TICK_MAX, TICK_MAX - 1] {
        check(tick);
        check(-tick);
    }
    for bit in 0..20 {
        for tick in [(1 << bit) - 1, 1 << bit, (1 << bit) + 1] {
            if tick <= TICK_MAX {
                check(tick);
                check(-tick);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_tick_is_the_greatest_whose_price_is_at_most_the_price(
        tick in TICK_MIN..TICK_MAX,
        bits in 33_usize..161,
        bytes in any::<[u8; 20]>(),
    ) {
        check(tick);
        let price: U160 = (U160::from_be_bytes(bytes) | (U160::ONE << 159_usize)) >> (160 - bits);
        if let Ok(tick) = tick_at_sqrt_price(price) {
            prop_assert!(sqrt_price_at_tick(tick).unwrap() <= price);
            prop_assert!(sqrt_price_at_tick(tick + 1).unwrap() > price);
        } else {
            prop_assert!(price < SQRT_PRICE_MIN || price >= SQRT_PRICE_MAX);
        }
    }
}
