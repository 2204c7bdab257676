//! Logarithm, exponential and normal distribution, with the same bits on every machine.
//!
//! Only additions, multiplications, divisions and square roots, which IEEE 754 rounds correctly: the C library's functions differ in
//! their last bit between systems.

use std::f64::consts::{FRAC_1_SQRT_2, LN_2, LOG2_E, PI, SQRT_2};

/// Terms of the series of the logarithm: the next one is below 1e-19 for arguments between 1/√2 and √2.
const LOGARITHM_TERMS: u32 = 12;
/// Terms of the series of the exponential: the next one is below 1e-18 for arguments up to ln 2 / 2.
const EXPONENTIAL_TERMS: u32 = 14;
/// Exponents beyond which the exponential is 0 or infinite.
const EXPONENT_MAX: f64 = 708.0;
/// From here on the tail of the normal distribution is computed as a continued fraction.
const TAIL_FROM: f64 = 3.0;
/// Depth of that fraction: at 3 it gives 15 digits.
const TAIL_DEPTH: u32 = 48;
/// Beyond this many standard deviations the tail counts as empty: it is below 1e-38.
const TAIL_MAX: f64 = 13.0;

/// Returns the binary logarithm of a positive number; exact for powers of two.
pub(crate) fn log2(x: f64) -> f64 {
    let (exponent, ln_mantissa) = parts(x);
    exponent + ln_mantissa * LOG2_E
}

/// Returns the natural logarithm of a positive number.
pub(crate) fn ln(x: f64) -> f64 {
    let (exponent, ln_mantissa) = parts(x);
    exponent * LN_2 + ln_mantissa
}

/// `x = 2^e · m` with m between 1/√2 and √2: returns e and ln m.
fn parts(x: f64) -> (f64, f64) {
    assert!(x > 0.0 && x.is_finite(), "only positive numbers have a logarithm");
    if x < f64::MIN_POSITIVE {
        let (exponent, ln_mantissa) = parts(x * (1_u64 << 54) as f64);
        return (exponent - 54.0, ln_mantissa);
    }
    let bits = x.to_bits();
    let mut exponent = (bits >> 52) as f64 - 1023.0;
    let mut mantissa = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    if mantissa > SQRT_2 {
        mantissa *= 0.5;
        exponent += 1.0;
    }
    // ln m = 2·artanh((m − 1)/(m + 1)).
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let series = (0..LOGARITHM_TERMS)
        .rev()
        .fold(0.0, |sum, term| sum * square + 1.0 / f64::from(2 * term + 1));
    (exponent, 2.0 * s * series)
}

/// Returns e^x.
pub(crate) fn exp(x: f64) -> f64 {
    if x < -EXPONENT_MAX {
        return 0.0;
    }
    let x = x.min(EXPONENT_MAX);
    let power = (x * LOG2_E).round();
    // ln 2 in two parts, so that the product with the first is exact.
    const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN_2_LOW: f64 = LN_2 - LN_2_HIGH;
    let rest = x - power * LN_2_HIGH - power * LN_2_LOW;
    let series =
        (1..=EXPONENTIAL_TERMS).rev().fold(1.0, |sum, term| 1.0 + sum * rest / f64::from(term));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "power is whole, from -1022 to 1022"
    )]
    let exponent = (power + 1023.0) as u64;
    series * f64::from_bits(exponent << 52)
}

/// Returns the density of the standard normal distribution.
pub(crate) fn normal_density(x: f64) -> f64 {
    exp(-0.5 * x * x) * FRAC_1_SQRT_2 / PI.sqrt()
}

/// Returns the probability that a standard normal variable is at most `x`.
pub(crate) fn normal_below(x: f64) -> f64 {
    if x < -TAIL_FROM {
        return normal_tail(-x);
    }
    if x > TAIL_FROM {
        return 1.0 - normal_tail(x);
    }
    // Φ(x) = ½ + φ(x)·(x + x³/3 + x⁵/(3·5) + …).
    let (mut term, mut sum, mut odd) = (x, x, 1.0);
    while term.abs() > 1e-18 {
        odd += 2.0;
        term *= x * x / odd;
        sum += term;
    }
    0.5 + normal_density(x) * sum
}

/// The probability of more than `x`, which is at least [`TAIL_FROM`]: `φ(x) / (x + 1/(x + 2/(x + …)))`.
fn normal_tail(x: f64) -> f64 {
    if x > TAIL_MAX {
        return 0.0;
    }
    let fraction = (1..=TAIL_DEPTH).rev().fold(x, |rest, level| x + f64::from(level) / rest);
    normal_density(x) / fraction
}

/// Returns the integral of [`normal_below`] from minus infinity to `x`: the mean of `max(x − Z, 0)` for a standard normal Z.
pub(crate) fn normal_below_integral(x: f64) -> f64 {
    x * normal_below(x) + normal_density(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn close(ours: f64, expected: f64, tolerance: f64) {
        assert!(
            (ours - expected).abs() <= tolerance * expected.abs().max(1e-300),
            "{ours} {expected}"
        );
    }

    #[test]
    fn logarithms_have_fifteen_digits() {
        for step in 1..4_000_u32 {
            let x = f64::from(step) * 0.013_7;
            assert!((ln(x) - x.ln()).abs() < 4e-16 * (1.0 + x.ln().abs()), "{x}");
            close(exp(ln(x)), x, 2e-15);
        }
        for power in [-1074, -1022, -3, 0, 1, 52, 1023] {
            assert_eq!(log2(2_f64.powi(power)), f64::from(power));
        }
        close(exp(1.0), std::f64::consts::E, 4e-16);
        close(exp(-700.0), (-700_f64).exp(), 1e-13);
        assert_eq!(exp(-1e9), 0.0);
    }

    /// Values of Φ from Abramowitz and Stegun, table 26.1, and beyond from 15-digit tables.
    #[test]
    fn the_normal_distribution_is_that_of_tables() {
        assert_eq!(normal_below(0.0), 0.5);
        close(normal_below(1.0), 0.841_344_746_068_542_9, 1e-15);
        close(normal_below(-1.0), 0.158_655_253_931_457_05, 1e-15);
        close(normal_below(2.0), 0.977_249_868_051_820_8, 1e-15);
        close(normal_below(-3.0), 1.349_898_031_630_094_6e-3, 1e-12);
        close(normal_below(-5.0), 2.866_515_718_791_939e-7, 1e-12);
        close(normal_below(-10.0), 7.619_853_024_160_527e-24, 1e-12);
        // Both ways of computing it meet.
        close(normal_below(-3.000_000_1), normal_below(-2.999_999_9), 1e-6);
        close(normal_below_integral(0.0), 0.398_942_280_401_432_7, 1e-15);
        close(normal_below_integral(20.0), 20.0, 1e-15);
        assert!(normal_below_integral(-20.0).abs() < 1e-80);
    }
}
