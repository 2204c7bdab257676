//! Numbers as people read them: shortened amounts, prices, shares.
//!
//! Drawings and shortened texts only; what is exact stays beside it. So floating-point numbers are good enough here, and nowhere else in the explorer.

use alloy_primitives::{I256, U256};

/// Digits of a number that is shortened.
const DIGITS: usize = 6;

/// Shortens an exact decimal number to six digits that count, cut off and not rounded; digits before the point stay.
pub(crate) fn shortened(exact: &str) -> String {
    let Some((whole, part)) = exact.split_once('.') else { return exact.to_owned() };
    if !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return exact.to_owned();
    }
    let is_zero = whole.trim_start_matches('-') == "0";
    let zeros = if is_zero { part.len() - part.trim_start_matches('0').len() } else { 0 };
    let counted = if is_zero { 0 } else { whole.trim_start_matches('-').len() };
    let kept = zeros + DIGITS.saturating_sub(counted);
    match part.get(..kept) {
        None => exact.to_owned(),
        Some(start) => match start.trim_end_matches('0') {
            "" => whole.to_owned(),
            start => format!("{whole}.{start}"),
        },
    }
}

/// An unsigned number for a drawing.
pub(crate) fn float(number: U256) -> f64 {
    number.into_limbs().iter().rev().fold(0.0, |sum, limb| {
        let (high, low) = (u32::try_from(limb >> 32), u32::try_from(limb & u64::from(u32::MAX)));
        let limb = f64::from(high.unwrap_or(0)) * 4_294_967_296.0 + f64::from(low.unwrap_or(0));
        sum * 18_446_744_073_709_551_616.0 + limb
    })
}

/// A signed number for a drawing.
pub(crate) fn signed_float(number: I256) -> f64 {
    let magnitude = float(number.unsigned_abs());
    if number.is_negative() { -magnitude } else { magnitude }
}

/// `10^exponent`.
pub(crate) fn power_of_ten(exponent: i32) -> f64 {
    10_f64.powi(exponent)
}

/// The price of a whole unit of asset 0 in whole units of asset 1 at reserves of a pair; `None` when one of them is 0.
///
/// Source: Uniswap v2 whitepaper, section 2.2.
pub(crate) fn price_of_reserves(reserves: [U256; 2], decimals: [u8; 2]) -> Option<f64> {
    let [reserve0, reserve1] = reserves;
    (!reserve0.is_zero() && !reserve1.is_zero())
        .then(|| float(reserve1) / float(reserve0) * unit_ratio(decimals))
}

/// The price of a whole unit of asset 0 in whole units of asset 1 at a square root of Q64.96.
///
/// Source: Uniswap v3 whitepaper, section 6.1.
pub(crate) fn price_of_sqrt(sqrt_price: U256, decimals: [u8; 2]) -> Option<f64> {
    let root = float(sqrt_price) / 79_228_162_514_264_337_593_543_950_336.0;
    (!sqrt_price.is_zero()).then(|| root * root * unit_ratio(decimals))
}

/// The same at a tick: `1.0001^tick`.
pub(crate) fn price_of_tick(tick: i32, decimals: [u8; 2]) -> f64 {
    1.0001_f64.powi(tick) * unit_ratio(decimals)
}

/// What a price in smallest units is multiplied with for one in whole units.
fn unit_ratio(decimals: [u8; 2]) -> f64 {
    power_of_ten(i32::from(decimals[0]) - i32::from(decimals[1]))
}

/// A price with six digits that count: `0.00123457`, `1234.57`, `1.23457e-12`.
pub(crate) fn price(price: f64) -> String {
    if !price.is_finite() {
        return "not a number".to_owned();
    }
    if price == 0.0 {
        return "0".to_owned();
    }
    let size = price.abs();
    let plain = (1e-6..1e15).contains(&size);
    if !plain {
        return format!("{price:.5e}");
    }
    let digits_before = (0..15).take_while(|digits| size >= power_of_ten(*digits)).count();
    let zeros_after = (0..6).take_while(|zeros| size < power_of_ten(-1 - *zeros)).count();
    let decimals = match digits_before {
        0 => zeros_after + DIGITS,
        digits => DIGITS.saturating_sub(digits),
    };
    let text = format!("{price:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A share in basis points, as percent: `12.34 %`.
pub(crate) fn percent_of_bps(bps: u64) -> String {
    let (whole, part) = (bps / 100, bps % 100);
    match part {
        0 => format!("{whole} %"),
        part => format!("{whole}.{part:02} %"),
    }
}

/// A fee in millionths, as percent: 3000 is `0.3 %`.
pub(crate) fn percent_of_millionths(fee: u32) -> String {
    format!("{} %", abi::amount_text(U256::from(fee), 4))
}

/// What part of a whole an amount is, in percent, rounded down; `None` of nothing.
pub(crate) fn share(part: U256, whole: U256) -> Option<String> {
    if whole.is_zero() {
        return None;
    }
    let tenthousandths = part.checked_mul(U256::from(10_000)).map_or_else(
        // Above 2^240 the last digits don't matter.
        || part / (whole / U256::from(10_000)).max(U256::from(1)),
        |product| product / whole,
    );
    Some(percent_of_bps(u64::try_from(tenthousandths).unwrap_or(u64::MAX)))
}

/// A length of time in its two largest units: `3 h 5 min`.
pub(crate) fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_the_digits_that_count() {
        for (exact, short) in [
            ("12", "12"),
            ("1234567", "1234567"),
            ("1.5", "1.5"),
            ("0.333333333333333333", "0.333333"),
            ("0.000000123456789", "0.000000123456"),
            ("1234.56789", "1234.56"),
            ("1234567.89", "1234567"),
            ("10.0000001", "10"),
            ("-2.123456789", "-2.12345"),
            ("5 smallest units", "5 smallest units"),
        ] {
            assert_eq!(shortened(exact), short);
        }
    }

    #[test]
    fn prices_have_six_digits() {
        for (number, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (1234.56789, "1234.57"),
            (0.00123456789, "0.00123457"),
            (2.0e-12, "2.00000e-12"),
            (1.5e18, "1.50000e18"),
            (0.1, "0.1"),
            (999_999_999.0, "999999999"),
            (f64::INFINITY, "not a number"),
        ] {
            assert_eq!(price(number), text);
        }
    }

    #[test]
    fn prices_count_whole_units() {
        let of = |reserve0: u64, reserve1: u64, decimals| {
            price_of_reserves([U256::from(reserve0), U256::from(reserve1)], decimals)
        };
        // 2 whole units with 6 decimals for 1 with 9.
        assert_eq!(of(1_000_000_000, 2_000_000, [9, 6]), Some(2.0));
        assert_eq!(of(0, 5, [0, 0]), None);
        assert_eq!(price_of_sqrt(U256::from(1) << 97, [0, 0]), Some(4.0));
        assert_eq!(price_of_sqrt(U256::ZERO, [0, 0]), None);
        assert!((price_of_tick(6932, [0, 0]) - 2.0).abs() < 0.001);
        assert_eq!(float(U256::MAX), 2_f64.powi(256));
        assert_eq!(signed_float(I256::MINUS_ONE), -1.0);
    }

    #[test]
    fn shares_and_times_are_in_words() {
        assert_eq!(share(U256::from(1), U256::from(3)).as_deref(), Some("33.33 %"));
        assert_eq!(share(U256::MAX, U256::MAX).as_deref(), Some("100 %"));
        assert_eq!(share(U256::from(1), U256::ZERO), None);
        assert_eq!(percent_of_millionths(3_000), "0.3 %");
        assert_eq!(percent_of_millionths(500), "0.05 %");
        for (seconds, text) in
            [(59, "59 s"), (61, "1 min 1 s"), (3_700, "1 h 1 min"), (90_000, "1 d 1 h")]
        {
            assert_eq!(duration(seconds), text);
        }
    }
}
