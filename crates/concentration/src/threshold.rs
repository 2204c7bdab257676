//! Thresholds as exact fractions.

use std::{cmp::Ordering, fmt, str::FromStr};

use alloy_primitives::U256;

use crate::ratio::Wide;

/// A part of the whole that must be passed: an exact fraction in lowest terms, above 0 and at most 1.
///
/// `0.66` is 33/50, which is not 2/3: some published coefficients differ by that alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    numerator: u64,
    denominator: u64,
}

/// Whether a part that equals the threshold passes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// No: it must be more.
    MoreThan,
    /// Yes.
    AtLeast,
}

/// Why a text is not a threshold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a part: write a fraction above 0 and at most 1, such as 1/2, 0.66 or 33%")]
pub struct ThresholdError {
    /// The text.
    pub text: String,
}

impl Threshold {
    /// A third: enough to stop agreement where two thirds must agree.
    pub const THIRD: Self = Self { numerator: 1, denominator: 3 };
    /// A half: a majority.
    pub const HALF: Self = Self { numerator: 1, denominator: 2 };
    /// Two thirds: enough to agree where two thirds must.
    pub const TWO_THIRDS: Self = Self { numerator: 2, denominator: 3 };

    /// Returns the fraction in lowest terms; `None` when it is 0 or above 1.
    #[must_use]
    pub fn new(numerator: u64, denominator: u64) -> Option<Self> {
        if numerator == 0 || numerator > denominator {
            return None;
        }
        let divisor = gcd(numerator, denominator);
        Some(Self { numerator: numerator / divisor, denominator: denominator / divisor })
    }

    /// Whether `part` of `whole` passes the threshold.
    #[must_use]
    pub fn is_passed(&self, part: U256, whole: U256, strictness: Strictness) -> bool {
        let part = Wide::from(part) * Wide::from(self.denominator);
        let bound = Wide::from(whole) * Wide::from(self.numerator);
        match strictness {
            Strictness::MoreThan => part > bound,
            Strictness::AtLeast => part >= bound,
        }
    }

    /// Returns the least integer amount that passes the threshold; may be more than `whole`.
    #[must_use]
    pub fn least_passing(&self, whole: U256, strictness: Strictness) -> Option<U256> {
        let bound = Wide::from(whole) * Wide::from(self.numerator);
        let denominator = Wide::from(self.denominator);
        let least = match strictness {
            Strictness::MoreThan => bound / denominator + Wide::from(1),
            Strictness::AtLeast => bound.div_ceil(denominator),
        };
        U256::checked_from_limbs_slice(least.as_limbs())
    }

    /// Returns numerator and denominator.
    #[must_use]
    pub const fn parts(&self) -> (u64, u64) {
        (self.numerator, self.denominator)
    }

    /// Returns it as a float, for figures that are floats.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

impl PartialOrd for Threshold {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Threshold {
    /// By value.
    fn cmp(&self, other: &Self) -> Ordering {
        let product = |a: u64, b: u64| u128::from(a) * u128::from(b);
        product(self.numerator, other.denominator).cmp(&product(other.numerator, self.denominator))
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.numerator, self.denominator)
    }
}

impl FromStr for Threshold {
    type Err = ThresholdError;

    /// Parses `1/2`, `0.66`, `66%` or `12.5%`, each exactly.
    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        let parsed = match (text.split_once('/'), text.strip_suffix('%')) {
            (Some((numerator, denominator)), _) => {
                whole(numerator).zip(whole(denominator)).map(|(part, of)| (part, of, 1))
            }
            (None, Some(percent)) => decimal(percent).map(|(part, of)| (part, of, 100)),
            (None, None) => decimal(text).map(|(part, of)| (part, of, 1)),
        };
        let threshold = parsed.and_then(|(part, of, unit)| Self::new(part, of.checked_mul(unit)?));
        threshold.ok_or_else(|| ThresholdError { text: text.to_owned() })
    }
}

/// Digits only: `u64` would take a sign.
fn whole(text: &str) -> Option<u64> {
    text.bytes().all(|digit| digit.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn decimal(text: &str) -> Option<(u64, u64)> {
    let Some((front, back)) = text.split_once('.') else { return Some((whole(text)?, 1)) };
    let scale = 10_u64.checked_pow(u32::try_from(back.len()).ok()?)?;
    let front = if front.is_empty() { 0 } else { whole(front)? };
    Some((front.checked_mul(scale)?.checked_add(whole(back)?)?, scale))
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_exact() {
        let check = |text: &str, expected: &str| {
            assert_eq!(text.parse::<Threshold>().unwrap().to_string(), expected);
        };
        check("1/2", "1/2");
        check("4/6", "2/3");
        check("0.66", "33/50");
        check("66%", "33/50");
        check("12.5%", "1/8");
        check(".5", "1/2");
        check("1", "1/1");
        let [third, two_fifths] = ["1/3", "2/5"].map(|text| text.parse::<Threshold>().unwrap());
        assert!(third < two_fifths && two_fifths < Threshold::HALF, "they are ordered by value");
        for wrong in [
            "", "0", "0/1", "3/2", "1/0", "-1/2", "1/2/3", "half", "101%", "1.5", "+1/2", "1e-1",
            "/", "%", "1/", ".",
        ] {
            let refused = wrong.parse::<Threshold>().unwrap_err();
            assert!(refused.to_string().contains("such as 1/2"), "{wrong}: {refused}");
        }
    }

    #[test]
    fn a_part_that_equals_it_passes_only_where_equality_does() {
        let check = |part: u64, whole: u64, strict: bool, loose: bool| {
            let passes = |strictness| {
                Threshold::HALF.is_passed(U256::from(part), U256::from(whole), strictness)
            };
            assert_eq!(
                (passes(Strictness::MoreThan), passes(Strictness::AtLeast)),
                (strict, loose)
            );
        };
        check(3, 6, false, true);
        check(4, 6, true, true);
        check(2, 6, false, false);
        let least = |whole: u64, strictness| {
            Threshold::TWO_THIRDS.least_passing(U256::from(whole), strictness).unwrap()
        };
        assert_eq!(least(3, Strictness::MoreThan), U256::from(3));
        assert_eq!(least(3, Strictness::AtLeast), U256::from(2));
        assert_eq!(least(4, Strictness::MoreThan), U256::from(3));
        assert_eq!(least(4, Strictness::AtLeast), U256::from(3));
        let all = Threshold::new(1, 1).unwrap();
        assert_eq!(all.least_passing(U256::MAX, Strictness::MoreThan), None);
        assert_eq!(all.least_passing(U256::MAX, Strictness::AtLeast), Some(U256::MAX));
    }
}
