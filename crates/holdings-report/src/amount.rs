//! Amounts as texts, exact.

use alloy_primitives::U256;

/// Most decimals of an amount: 10^77 is the largest power of ten of 256 bits.
const DECIMALS_MAX: usize = 77;

/// A number of units of `10^-decimals`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) units: U256,
    pub(crate) decimals: usize,
}

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// It is below 0.
    #[error("an amount can't be negative")]
    Negative,
    /// It is not a number.
    #[error("write a number such as 12, 0.5 or 1e18, without separators or units")]
    NotANumber,
    /// It has more than 256 bits, or more than 77 decimals.
    #[error("it needs more than 256 bits, or more than 77 decimals")]
    TooLarge,
}

impl Amount {
    /// Parses digits with at most one point and at most one exponent.
    pub(crate) fn parse(text: &str) -> Result<Self, AmountError> {
        let (is_negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let amount = Self::parse_digits(digits)?;
        if is_negative && !amount.units.is_zero() { Err(AmountError::Negative) } else { Ok(amount) }
    }

    fn parse_digits(text: &str) -> Result<Self, AmountError> {
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, self::exponent(exponent)?),
            None => (text, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let fraction = if whole.is_empty() && fraction.is_empty() {
            return Err(AmountError::NotANumber);
        } else {
            check_digits(whole)?;
            check_digits(fraction)?;
            fraction.trim_end_matches('0')
        };
        let whole = whole.trim_start_matches('0');
        if whole.len() + fraction.len() > 2 * DECIMALS_MAX {
            return Err(AmountError::TooLarge);
        }
        let units = digits(whole.bytes().chain(fraction.bytes()), whole.len() + fraction.len())?;
        if units.is_zero() {
            return Ok(Self { units, decimals: 0 });
        }
        let places = i64::try_from(fraction.len()).map_err(|_| AmountError::TooLarge)? - exponent;
        match usize::try_from(places) {
            Ok(decimals) if decimals <= DECIMALS_MAX => Ok(Self { units, decimals }),
            Ok(_) => Err(AmountError::TooLarge),
            Err(_) => {
                let zeros = usize::try_from(-places).map_err(|_| AmountError::TooLarge)?;
                let units = times_power_of_ten(units, zeros).ok_or(AmountError::TooLarge)?;
                Ok(Self { units, decimals: 0 })
            }
        }
    }

    /// Returns the number of units of `10^-decimals`, of which there are at least as many as its own; `None` when it does not fit.
    pub(crate) fn scaled(&self, decimals: usize) -> Option<U256> {
        times_power_of_ten(self.units, decimals - self.decimals)
    }
}

/// Writes units of `10^-decimals`, exactly, without zeros at the end.
#[must_use]
pub fn decimal_text(units: U256, decimals: usize) -> String {
    let digits = format!("{units:0>width$}", width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

fn times_power_of_ten(units: U256, power: usize) -> Option<U256> {
    if power == 0 {
        return Some(units);
    }
    if power > DECIMALS_MAX {
        return None;
    }
    units.checked_mul(U256::from(10).pow(U256::from(power)))
}

fn exponent(text: &str) -> Result<i64, AmountError> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    check_digits(digits)?;
    match digits.trim_start_matches('0') {
        _ if digits.is_empty() => Err(AmountError::NotANumber),
        "" => Ok(0),
        digits if digits.len() > 4 => Err(AmountError::TooLarge),
        digits => {
            digits.parse::<i64>().map(|exponent| sign * exponent).map_err(|_| AmountError::TooLarge)
        }
    }
}

fn check_digits(text: &str) -> Result<(), AmountError> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { Ok(()) } else { Err(AmountError::NotANumber) }
}

/// The number of these digits; those that fit 128 bits are added up there.
fn digits(bytes: impl Iterator<Item = u8>, count: usize) -> Result<U256, AmountError> {
    let value = |byte: u8| u64::from(byte - b'0');
    if count <= 38 {
        return Ok(U256::from(
            bytes.fold(0_u128, |number, byte| number * 10 + u128::from(value(byte))),
        ));
    }
    let mut number = U256::ZERO;
    for byte in bytes {
        let tens = number.checked_mul(U256::from(10)).ok_or(AmountError::TooLarge)?;
        number = tens.checked_add(U256::from(value(byte))).ok_or(AmountError::TooLarge)?;
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        let check = |text: &str, units: u128, decimals: usize| {
            let expected = Amount { units: U256::from(units), decimals };
            assert_eq!(Amount::parse(text), Ok(expected), "{text}");
        };
        check("12", 12, 0);
        check("007", 7, 0);
        check("0.50", 5, 1);
        check("5.", 5, 0);
        check(".25", 25, 2);
        check("1e3", 1_000, 0);
        check("1.25E+1", 125, 1);
        check("125e-2", 125, 2);
        check("0e9999", 0, 0);
        check("-0.0", 0, 0);
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        let check = |text: &str, expected: AmountError| {
            assert_eq!(Amount::parse(text), Err(expected), "{text}");
        };
        for text in [
            "", ".", "-", "x", "1,000", "0x10", "NaN", "inf", "+5", "1 000", "1_000", "1.2.3",
            "1e", "1e+", "e5", "−5", "٣", "--1", "5%",
        ] {
            check(text, AmountError::NotANumber);
        }
        check("-1", AmountError::Negative);
        check("-1e-70", AmountError::Negative);
        check("1e78", AmountError::TooLarge);
        check("1e-78", AmountError::TooLarge);
        check("1e100000", AmountError::TooLarge);
        check(&"9".repeat(78), AmountError::TooLarge);
        check(&"9".repeat(10_000), AmountError::TooLarge);
        let largest = U256::MAX.to_string();
        assert_eq!(Amount::parse(&largest).unwrap().units, U256::MAX);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(limbs in any::<[u64; 4]>(), decimals in 0_usize..=77) {
            let units = U256::from_limbs(limbs) >> 9;
            let read = Amount::parse(&decimal_text(units, decimals)).unwrap();
            prop_assert_eq!(read.scaled(decimals), Some(units));
        }
    }
}
