//! Numbers as people read them.

use alloy_primitives::U256;

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

/// A fee in millionths, as percent: 3000 is `0.3 %`.
pub(crate) fn percent_of_millionths(fee: u32) -> String {
    format!("{} %", abi::amount_text(U256::from(fee), 4))
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
    fn fees_are_in_percent() {
        for (fee, text) in [(3_000, "0.3 %"), (500, "0.05 %"), (1_000_000, "100 %")] {
            assert_eq!(percent_of_millionths(fee), text);
        }
    }
}
