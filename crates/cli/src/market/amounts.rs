//! Percentages, fees and times as people write them, exact.

use abi::{amount_text, parse_amount};
use alloy_primitives::{U256, U512};
use anyhow::anyhow;

use crate::failure::{Hint as _, WrongUsage};

/// Basis points of the whole.
const WHOLE_BPS: u32 = 10_000;
/// A larger slippage than this must be forced.
const SLIPPAGE_MAX: u32 = 5_000;
/// Seconds that a deadline may be away at most: 30 days.
const SECONDS_MAX: u64 = 30 * 24 * 60 * 60;

/// Flags that limit what a change may cost.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Limits {
    /// How much worse than shown the result may be, such as 0.5%; a worse one is refused by the ledger and changes nothing
    #[arg(long, value_name = "PERCENT", default_value = "0.5%", value_parser = parse_slippage)]
    slippage: u32,
    /// Allow a slippage above 50%, with which others can take most of the amount
    #[arg(long)]
    force_slippage: bool,
    /// Time from now on in which the ledger may execute it, such as 90s, 20m or 1h
    #[arg(long, value_name = "TIME", default_value = "20m", value_parser = parse_seconds)]
    deadline: u64,
}

impl Limits {
    /// Returns the slippage in basis points.
    ///
    /// # Errors
    /// When it is above 50% and not forced.
    pub(crate) fn slippage_bps(&self) -> anyhow::Result<u32> {
        if self.slippage <= SLIPPAGE_MAX || self.force_slippage {
            return Ok(self.slippage);
        }
        Err(anyhow!(WrongUsage(format!(
            "a slippage of {} lets others take most of the amount: give 50% or less",
            self.slippage_text()
        ))))
        .hint("add --force-slippage if that is what you want")
    }

    /// Returns the slippage as it is written: `0.5%`.
    pub(crate) fn slippage_text(&self) -> String {
        format!("{}%", amount_text(U256::from(self.slippage), 2))
    }

    /// Returns the deadline of something that is sent at `now`, which [`sending_time`](super::sending_time) says.
    pub(crate) fn deadline(&self, now: u64) -> U256 {
        U256::from(now.saturating_add(self.deadline))
    }

    /// Returns the least of `amount` to accept, rounded down.
    pub(crate) fn least(&self, amount: U256) -> U256 {
        part_down(amount, WHOLE_BPS.saturating_sub(self.slippage))
    }

    /// Returns the most of `amount` to pay, rounded down; all there can be if it does not fit.
    pub(crate) fn most(&self, amount: U256) -> U256 {
        amount.saturating_add(part_down(amount, self.slippage))
    }
}

/// Returns `amount · bps / 10,000`, rounded down. The part is at most the whole.
fn part_down(amount: U256, bps: u32) -> U256 {
    let product: U512 = amount.widening_mul(U256::from(bps.min(WHOLE_BPS)));
    product.wrapping_div(U512::from(WHOLE_BPS)).wrapping_to()
}

/// A part of what an account has, or an amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// In basis points, 1 to 10,000.
    Share(u32),
    /// In whole units, not parsed yet.
    Amount(String),
}

impl Part {
    /// Returns how much of `whole` that is: a share rounded down, an amount with `decimals`.
    ///
    /// # Errors
    /// When it is 0, more than there is, or not an amount.
    pub(crate) fn of(&self, whole: U256, decimals: u8) -> anyhow::Result<U256> {
        let held = amount_text(whole, decimals);
        let part = match self {
            Self::Share(bps) => part_down(whole, *bps),
            Self::Amount(text) => parse_amount(text, decimals).ok_or_else(|| {
                anyhow!("{text:?} is not an amount: write a number such as 12 or 0.5, with at most {decimals} decimals, or a part such as 50%")
            })?,
        };
        if part.is_zero() {
            return Err(anyhow!("that is 0 of {held}: nothing would change"));
        }
        if whole < part {
            let part = amount_text(part, decimals);
            return Err(anyhow!(
                "{part} is more than there is, {held}: give at most that, or 100%"
            ));
        }
        Ok(part)
    }
}

/// Parses a part: `50%`, `all`, or an amount.
///
/// # Errors
/// A text for clap.
pub(crate) fn parse_part(text: &str) -> Result<Part, String> {
    if text == "all" {
        return Ok(Part::Share(WHOLE_BPS));
    }
    let Some(percent) = text.strip_suffix('%') else { return Ok(Part::Amount(text.to_owned())) };
    match scaled(percent, 2) {
        Some(bps @ 1..=WHOLE_BPS) => Ok(Part::Share(bps)),
        _ => {
            Err("write a part as 0.01% to 100%, with at most two decimals, or as an amount".into())
        }
    }
}

/// Parses a percentage above 0 into basis points: `5%` is 500.
///
/// # Errors
/// A text for clap.
pub(crate) fn parse_bps(text: &str) -> Result<u16, String> {
    let bps = text.strip_suffix('%').and_then(|percent| scaled(percent, 2));
    let bps = bps.filter(|bps| (1..=WHOLE_BPS).contains(bps)).and_then(|bps| bps.try_into().ok());
    bps.ok_or_else(|| {
        "write it as 0.01% to 100%, with at most two decimals and the sign".to_owned()
    })
}

/// Parses a slippage into basis points: `0.5%` is 50.
fn parse_slippage(text: &str) -> Result<u32, String> {
    let bps = text.strip_suffix('%').and_then(|percent| scaled(percent, 2));
    bps.filter(|bps| *bps <= WHOLE_BPS).ok_or_else(|| {
        "write a slippage as 0% to 100%, with at most two decimals and the sign, as 0.5%".to_owned()
    })
}

/// Parses the fee of a pool into millionths: `0.3%` is 3,000.
///
/// # Errors
/// A text for clap.
pub(crate) fn parse_fee(text: &str) -> Result<u32, String> {
    let fee = text.strip_suffix('%').and_then(|percent| scaled(percent, 4));
    fee.filter(|fee| (1..1_000_000).contains(fee)).ok_or_else(|| {
        "write a fee as 0.05%, 0.3% or 1%, with at most four decimals and the sign".to_owned()
    })
}

/// Parses a time into seconds: `90`, `90s`, `20m`, `1h`, `7d`.
///
/// # Errors
/// A text for clap.
pub(crate) fn parse_seconds(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 60 * 60),
        Some((at, 'd')) => (&text[..at], 24 * 60 * 60),
        _ => (text, 1),
    };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    seconds
        .filter(|seconds| is_number && (1..=SECONDS_MAX).contains(seconds))
        .ok_or_else(|| "write a time as 90s, 20m, 1h or 7d, 30 days at most".to_owned())
}

/// Returns a time in its two largest units: `29 d 23 h`.
pub(crate) fn seconds_text(seconds: u64) -> String {
    let units = [("d", 24 * 60 * 60), ("h", 60 * 60), ("m", 60), ("s", 1)];
    let mut left = seconds;
    let mut parts = Vec::new();
    for (name, size) in units {
        let count = left / size;
        left %= size;
        if count > 0 || !parts.is_empty() || size == 1 {
            parts.push((count, name));
        }
    }
    let shown = parts.iter().take(2).filter(|(count, _)| *count > 0 || parts.len() == 1);
    shown.map(|(count, name)| format!("{count} {name}")).collect::<Vec<_>>().join(" ")
}

fn scaled(text: &str, decimals: u8) -> Option<u32> {
    u32::try_from(parse_amount(text, decimals)?).ok()
}

/// Returns a fee in millionths as people write it: `0.3%`.
pub(crate) fn fee_text(millionths: u32) -> String {
    format!("{}%", amount_text(U256::from(millionths), 4))
}

/// Returns a ratio in millionths as a percentage: `12.5%`.
pub(crate) fn millionths_text(ratio: U256) -> String {
    format!("{}%", amount_text(ratio, 4))
}

/// Returns a ratio times 1e18 as a percentage with at most four decimals, rounded half up: `0.0302%`; what is above 0 is not shown as 0.
pub(crate) fn wad_text(ratio: U256) -> String {
    let step = U256::from(1_000_000_000_000_u64);
    let half = step.wrapping_shr(1);
    let rounded = ratio.saturating_add(half).wrapping_div(step);
    if rounded.is_zero() && !ratio.is_zero() {
        return "below 0.0001%".to_owned();
    }
    millionths_text(rounded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_read_exactly() {
        let check = |text, bps| assert_eq!(parse_slippage(text), Ok(bps), "{text}");
        check("0%", 0);
        check("0.5%", 50);
        check(".5%", 50);
        check("0.01%", 1);
        check("50%", 5_000);
        check("100%", 10_000);
        for wrong in ["0.5", "0.005%", "100.01%", "-1%", "1e1%", "%", "", "0.5 %", "5%%"] {
            assert!(parse_slippage(wrong).unwrap_err().contains("0.5%"), "{wrong}");
        }
        assert_eq!(parse_fee("0.3%"), Ok(3_000));
        assert_eq!(parse_fee("0.05%"), Ok(500));
        assert_eq!(parse_fee("1%"), Ok(10_000));
        for wrong in ["0%", "100%", "3000", "0.00001%"] {
            assert!(parse_fee(wrong).is_err(), "{wrong}");
        }
        assert_eq!([500, 3_000, 10_000].map(fee_text), ["0.05%", "0.3%", "1%"]);
    }

    #[test]
    fn limits_are_on_the_right_side() {
        let limits = |slippage| Limits { slippage, force_slippage: false, deadline: 60 };
        let amount = U256::from(1_999);
        assert_eq!(limits(50).least(amount), U256::from(1_989));
        assert_eq!(limits(50).most(amount), U256::from(2_008));
        assert_eq!((limits(0).least(amount), limits(0).most(amount)), (amount, amount));
        assert_eq!(limits(10_000).least(amount), U256::ZERO);
        assert_eq!(limits(10_000).most(U256::MAX), U256::MAX);
        assert_eq!(limits(1).least(U256::MAX), part_down(U256::MAX, 9_999));
        assert_eq!(limits(50).deadline(1_000), U256::from(1_060));
        assert!(limits(5_000).slippage_bps().is_ok());
        assert!(limits(5_001).slippage_bps().unwrap_err().to_string().contains("50.01%"));
    }

    #[test]
    fn a_part_is_a_share_or_an_amount() {
        let of = |text| parse_part(text).unwrap().of(U256::from(1_001), 2);
        assert_eq!(of("50%").unwrap(), U256::from(500));
        assert_eq!(of("100%").unwrap(), U256::from(1_001));
        assert_eq!(of("all").unwrap(), U256::from(1_001));
        assert_eq!(of("0.01").unwrap(), U256::from(1));
        assert!(of("0.01%").unwrap_err().to_string().contains("that is 0 of 10.01"));
        assert!(
            of("10.02").unwrap_err().to_string().contains("10.02 is more than there is, 10.01")
        );
        assert!(of("half").unwrap_err().to_string().contains("not an amount"));
        for wrong in ["0%", "101%", "1.234%", "%"] {
            assert!(parse_part(wrong).unwrap_err().contains("100%"), "{wrong}");
        }
    }

    #[test]
    fn times_have_units() {
        let check = |text, seconds| assert_eq!(parse_seconds(text), Ok(seconds), "{text}");
        check("90", 90);
        check("90s", 90);
        check("20m", 1_200);
        check("1h", 3_600);
        check("30d", 2_592_000);
        for wrong in ["0", "31d", "m", "", "1w", "-1s", "+1s", "1.5h"] {
            assert!(parse_seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_time_is_written_in_two_units() {
        let check = |seconds, text| assert_eq!(seconds_text(seconds), text);
        check(0, "0 s");
        check(59, "59 s");
        check(60, "1 m");
        check(3_599, "59 m 59 s");
        check(3_600, "1 h");
        check(3_601, "1 h");
        check(2_591_999, "29 d 23 h");
    }

    #[test]
    fn ratios_are_written_as_percentages() {
        let check = |ratio: u128, text| assert_eq!(wad_text(U256::from(ratio)), text);
        check(0, "0%");
        check(1, "below 0.0001%");
        check(3_000_000_000_000_000, "0.3%");
        check(1_000_000_000_000_000_000, "100%");
        check(12_345_678_900_000_000, "1.2346%");
    }
}
