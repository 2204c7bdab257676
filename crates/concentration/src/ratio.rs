//! Exact fractions, and how they are written.

use std::cmp::Ordering;

use alloy_primitives::{U256, U512, Uint};

/// Wide enough for a product of two sums of 256 bits, times 10,000, times 10.
pub(crate) type Wide = Uint<576, 9>;

/// Bits of the parts of a fraction: a square of 256 bits, times a factor of at most 16 bits. What is left of [`Wide`] is for long
/// division.
const PART_BITS_MAX: usize = 544;

/// An exact fraction that is not negative.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    numerator: Wide,
    denominator: Wide,
}

impl Ratio {
    /// Returns `numerator / denominator`; `None` when the denominator is 0.
    #[must_use]
    pub fn new(numerator: U256, denominator: U256) -> Option<Self> {
        Self::of_wide(Wide::from(numerator), Wide::from(denominator))
    }

    /// # Panics
    /// When a part has more than 544 bits, which no sum of this crate has.
    pub(crate) fn of_wide(numerator: Wide, denominator: Wide) -> Option<Self> {
        let bits = numerator.bit_len().max(denominator.bit_len());
        assert!(bits <= PART_BITS_MAX, "a fraction has parts of at most {PART_BITS_MAX} bits");
        (!denominator.is_zero()).then_some(Self { numerator, denominator })
    }

    /// Returns the fraction with `digits` decimals, rounded to the nearest, a half up.
    #[must_use]
    pub fn decimal(&self, digits: usize) -> String {
        let ten = Wide::from(10);
        let (mut whole, mut rest) = self.numerator.div_rem(self.denominator);
        let mut fraction = Vec::with_capacity(digits);
        for _ in 0..digits {
            let (digit, left) = (rest * ten).div_rem(self.denominator);
            fraction.push(digit.to::<u8>());
            rest = left;
        }
        if rest * Wide::from(2) >= self.denominator {
            let carried = fraction.iter_mut().rev().all(|digit| {
                *digit = if *digit == 9 { 0 } else { *digit + 1 };
                *digit == 0
            });
            if carried {
                whole += Wide::from(1);
            }
        }
        let mut text = whole.to_string();
        if digits > 0 {
            text.push('.');
            text.extend(fraction.into_iter().map(|digit| char::from(b'0' + digit)));
        }
        text
    }

    /// Returns the fraction times `factor / divisor`; `None` when the divisor is 0 or a part would be too wide.
    pub(crate) fn times(&self, factor: usize, divisor: usize) -> Option<Self> {
        let numerator = self.numerator.checked_mul(Wide::from(factor))?;
        Self::of_wide(numerator, self.denominator.checked_mul(Wide::from(divisor))?)
    }

    /// Returns the nearest float, within two units in the last place.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        to_f64(&self.numerator) / to_f64(&self.denominator)
    }

    /// Returns numerator and denominator in lowest terms.
    #[must_use]
    pub fn lowest_terms(&self) -> (String, String) {
        let divisor = self.numerator.gcd(self.denominator);
        ((self.numerator / divisor).to_string(), (self.denominator / divisor).to_string())
    }
}

impl PartialEq for Ratio {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ratio {}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ratio {
    /// Compares the quotients of the continued fractions, so no product is too wide.
    fn cmp(&self, other: &Self) -> Ordering {
        let (mut left, mut right) = (*self, *other);
        let mut is_turned = false;
        loop {
            let (left_whole, left_rest) = left.numerator.div_rem(left.denominator);
            let (right_whole, right_rest) = right.numerator.div_rem(right.denominator);
            let whole = left_whole.cmp(&right_whole);
            let order = match (whole, left_rest.is_zero(), right_rest.is_zero()) {
                (Ordering::Equal, true, true) => Ordering::Equal,
                (Ordering::Equal, true, false) => Ordering::Less,
                (Ordering::Equal, false, true) => Ordering::Greater,
                (Ordering::Equal, false, false) => {
                    left = Self { numerator: left.denominator, denominator: left_rest };
                    right = Self { numerator: right.denominator, denominator: right_rest };
                    is_turned = !is_turned;
                    continue;
                }
                (order, _, _) => order,
            };
            return if is_turned { order.reverse() } else { order };
        }
    }
}

/// The value, from its 64 highest bits.
fn to_f64(value: &Wide) -> f64 {
    let shift = value.bit_len().saturating_sub(64);
    let top: u64 = (*value >> shift).to();
    let scale = u64::try_from(shift).expect("a shift is below 576");
    // 2^shift, exactly: the exponent of a float goes up to 1023.
    top as f64 * f64::from_bits((1023 + scale) << 52)
}

/// The value, from its 64 highest bits.
pub(crate) fn float_of(value: &U256) -> f64 {
    match value.as_limbs() {
        [low, 0, 0, 0] => *low as f64,
        [low, high, 0, 0] => (u128::from(*high) << 64 | u128::from(*low)) as f64,
        _ => to_f64(&Wide::from(*value)),
    }
}

pub(crate) fn wide(value: &U512) -> Wide {
    Wide::from(*value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ratio(numerator: u64, denominator: u64) -> Ratio {
        Ratio::new(U256::from(numerator), U256::from(denominator)).unwrap()
    }

    #[test]
    fn digits_are_rounded_half_up_once() {
        let check = |numerator, denominator, digits, expected: &str| {
            assert_eq!(ratio(numerator, denominator).decimal(digits), expected);
        };
        check(2, 3, 4, "0.6667");
        check(1, 3, 0, "0");
        check(1, 2, 0, "1");
        check(1, 8, 2, "0.13");
        check(9_999, 10_000, 3, "1.000");
        check(199_999, 100_000, 4, "2.0000");
        check(0, 7, 3, "0.000");
        check(12, 1, 1, "12.0");
        assert!(Ratio::new(U256::from(1), U256::ZERO).is_none());
    }

    #[test]
    fn the_largest_parts_are_divided_exactly() {
        let largest = U256::MAX;
        let square = Wide::from(largest) * Wide::from(largest);
        let ratio = Ratio::of_wide(square * Wide::from(10_000), square).unwrap();
        assert_eq!(ratio.decimal(6), "10000.000000");
        assert!((ratio.to_f64() - 1e4).abs() < 1e-9);
        assert_eq!(ratio.lowest_terms(), ("10000".to_owned(), "1".to_owned()));
    }

    proptest! {
        #[test]
        fn order_and_float_are_those_of_the_quotient(
            left in (0_u64..1 << 40, 1_u64..1 << 40),
            right in (0_u64..1 << 40, 1_u64..1 << 40),
        ) {
            let (a, b) = (ratio(left.0, left.1), ratio(right.0, right.1));
            let cross = |x: u64, y: u64| u128::from(x) * u128::from(y);
            prop_assert_eq!(a.cmp(&b), cross(left.0, right.1).cmp(&cross(right.0, left.1)));
            let exact = left.0 as f64 / left.1 as f64;
            prop_assert!((a.to_f64() - exact).abs() <= exact * 1e-15);
            let parsed: f64 = a.decimal(15).parse().unwrap();
            prop_assert!((parsed - exact).abs() <= 1e-15 + exact * 1e-15);
        }
    }
}
