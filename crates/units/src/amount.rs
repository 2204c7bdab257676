//! Amounts of the native asset.

use std::fmt;

use thiserror::Error;

use crate::Bps;

/// Decimal places of a GRAIN.
const DECIMALS: usize = 18;
/// One GRAIN in its smallest unit.
const GRAIN: u128 = 1_000_000_000_000_000_000;

/// An amount in the smallest unit of the native asset: 10^18 wei are one GRAIN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wei(u128);

/// The result does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("amount out of range")]
pub struct Overflow;

/// The text is not an amount of GRAIN.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{text:?} is not an amount of GRAIN: write a number such as 12 or 0.5, with at most 18 decimals"
)]
pub struct ParseGrainError {
    /// The text given.
    pub text: String,
}

impl Wei {
    /// Zero.
    pub const ZERO: Self = Self(0);

    /// Returns the amount of `wei` wei.
    #[must_use]
    pub const fn new(wei: u128) -> Self {
        Self(wei)
    }

    /// Returns the number of wei.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0
    }

    /// Returns `self + other`.
    ///
    /// # Errors
    /// [`Overflow`] when the sum does not fit.
    pub fn checked_add(self, other: Self) -> Result<Self, Overflow> {
        self.0.checked_add(other.0).map(Self).ok_or(Overflow)
    }

    /// Returns `self - other`.
    ///
    /// # Errors
    /// [`Overflow`] when `other` is more than `self`.
    pub fn checked_sub(self, other: Self) -> Result<Self, Overflow> {
        self.0.checked_sub(other.0).map(Self).ok_or(Overflow)
    }

    /// Returns `count` times `self`, exact: the total of a price per unit for `count` units.
    ///
    /// # Errors
    /// [`Overflow`] when the product does not fit.
    pub fn checked_mul_count(self, count: u64) -> Result<Self, Overflow> {
        self.0.checked_mul(u128::from(count)).map(Self).ok_or(Overflow)
    }

    /// Returns the part of `self` given by `share`, rounded down: for what we pay.
    ///
    /// # Errors
    /// [`Overflow`] when `self * share` does not fit.
    pub fn part_down(self, share: Bps) -> Result<Self, Overflow> {
        let product = self.0.checked_mul(u128::from(share.as_u16())).ok_or(Overflow)?;
        product.checked_div(u128::from(Bps::WHOLE.as_u16())).map(Self).ok_or(Overflow)
    }

    /// Returns the part of `self` given by `share`, rounded up: for what we are owed.
    ///
    /// # Errors
    /// [`Overflow`] when `self * share` does not fit.
    pub fn part_up(self, share: Bps) -> Result<Self, Overflow> {
        let product = self.0.checked_mul(u128::from(share.as_u16())).ok_or(Overflow)?;
        Ok(Self(product.div_ceil(u128::from(Bps::WHOLE.as_u16()))))
    }

    /// Parses a decimal amount of GRAIN: `12`, `0.5`, `.5`. No sign, no exponent, at most 18 decimals, nothing rounded.
    ///
    /// # Errors
    /// [`ParseGrainError`] when the text has another form or the amount does not fit.
    pub fn parse_grain(text: &str) -> Result<Self, ParseGrainError> {
        let refuse = || ParseGrainError { text: text.chars().take(80).collect() };
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole)
            || !is_digits(part)
            || part.len() > DECIMALS
            || (whole.is_empty() && part.is_empty())
        {
            return Err(refuse());
        }
        let number = |text: &str| {
            if text.is_empty() { Ok(0) } else { text.parse::<u128>().map_err(|_| refuse()) }
        };
        let part = number(&format!("{part:0<DECIMALS$}"))?;
        let wei = number(whole)?.checked_mul(GRAIN).and_then(|wei| wei.checked_add(part));
        wei.map(Self).ok_or_else(refuse)
    }

    /// Returns the amount in GRAIN, exact, without trailing zeros: `1.5`.
    #[must_use]
    pub fn to_grain(self) -> String {
        let whole = self.0.checked_div(GRAIN).unwrap_or(0);
        let part = format!("{:018}", self.0.checked_rem(GRAIN).unwrap_or(0));
        match part.trim_end_matches('0') {
            "" => whole.to_string(),
            part => format!("{whole}.{part}"),
        }
    }
}

/// Shows the decimal number of wei.
impl fmt::Display for Wei {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn grain_is_read_exactly_or_not_at_all() {
        let check = |text: &str, wei: Option<u128>| {
            assert_eq!(Wei::parse_grain(text).ok(), wei.map(Wei), "{text}")
        };
        check("1", Some(GRAIN));
        check("0.5", Some(GRAIN / 2));
        check(".5", Some(GRAIN / 2));
        check("2.", Some(2 * GRAIN));
        check("0.000000000000000001", Some(1));
        for refused in [
            "",
            ".",
            "-1",
            "+1",
            "1e3",
            "1.0000000000000000001",
            "1 ",
            "١",
            "400000000000000000000",
        ] {
            check(refused, None);
        }
    }

    proptest! {
        #[test]
        fn grain_round_trips(wei in prop_oneof![0_u128..16, 0..1_u128 << 60, any::<u128>()]) {
            prop_assert_eq!(Wei::parse_grain(&Wei(wei).to_grain()), Ok(Wei(wei)));
        }

        #[test]
        fn parts_differ_by_at_most_one(wei in 0_u128..1 << 100, share in 0_u16..=10_000) {
            let share = Bps::new(share).unwrap();
            let (down, up) = (Wei(wei).part_down(share).unwrap(), Wei(wei).part_up(share).unwrap());
            prop_assert!(down <= up && up.as_u128() - down.as_u128() <= 1);
            prop_assert!(up <= Wei(wei));
            prop_assert!(up.as_u128() * 10_000 >= wei * u128::from(share.as_u16()));
        }
    }
}
