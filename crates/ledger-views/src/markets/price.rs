//! Prices as exact ratios, their text, and the ticks of Uniswap v3 that they lie at.

use alloy_primitives::{U160, U256, U512, Uint};
use amm::concentrated::{
    SQRT_PRICE_MAX, SQRT_PRICE_MIN, TICK_MAX, TICK_MIN, sqrt_price_at_tick, tick_at_sqrt_price,
};
use fixed_point::sqrt_ratio_down;

/// Wide enough for a ratio of 512 bits scaled by decimals and digits.
type Wide = Uint<1024, 16>;

/// Significant digits of a price's text.
const DIGITS: usize = 8;
/// Prices with more zeros than this before or after the digits are written with an exponent.
const ZEROS_MAX: usize = 12;

/// A price: smallest units of one token for one smallest unit of another, as an exact ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceRatio {
    numerator: U512,
    denominator: U512,
}

impl PriceRatio {
    /// The ratio of two amounts; none when one of them is 0.
    #[must_use]
    pub fn of_amounts(numerator: U256, denominator: U256) -> Option<Self> {
        let is_price = !numerator.is_zero() && !denominator.is_zero();
        is_price.then(|| Self { numerator: numerator.to(), denominator: denominator.to() })
    }

    /// The square of a square root in Q64.96; none when it is 0.
    #[must_use]
    pub fn of_sqrt(sqrt_price: U160) -> Option<Self> {
        let root = U512::from(sqrt_price);
        let denominator = U512::ONE.wrapping_shl(192);
        (!root.is_zero()).then(|| Self { numerator: root.wrapping_mul(root), denominator })
    }

    /// The price at a tick; none beyond the ticks that there are.
    #[must_use]
    pub fn at_tick(tick: i32) -> Option<Self> {
        sqrt_price_at_tick(tick).ok().and_then(Self::of_sqrt)
    }

    /// The price of the other token.
    #[must_use]
    pub fn inverse(self) -> Self {
        Self { numerator: self.denominator, denominator: self.numerator }
    }

    /// The price times `bps` basis points.
    #[must_use]
    pub fn times_bps(self, bps: u32) -> Self {
        // Ratios of amounts and of square roots have at most 320 bits.
        Self {
            numerator: self.numerator.wrapping_mul(U512::from(bps)),
            denominator: self.denominator.wrapping_mul(U512::from(10_000)),
        }
    }

    /// The price times `scale`, rounded down; none when it does not fit.
    #[must_use]
    pub fn scaled_down(self, scale: U256) -> Option<U256> {
        let numerator = Wide::from(self.numerator).wrapping_mul(Wide::from(scale));
        let scaled = numerator.wrapping_div(Wide::from(self.denominator));
        (scaled <= Wide::from(U256::MAX)).then(|| scaled.wrapping_to())
    }

    /// The price in whole units, with 8 significant digits, the last rounded half up: `0.0031415927`; with an exponent where many zeros would
    /// stand: `1.5e-20`. A whole unit of the token that is priced has `priced` decimals, of the token that it is priced in `unit` decimals.
    #[must_use]
    pub fn text(self, priced: u8, unit: u8) -> String {
        let power = |decimals: u8| Wide::from(10).wrapping_pow(Wide::from(decimals.min(77)));
        let numerator = Wide::from(self.numerator).wrapping_mul(power(priced));
        let denominator = Wide::from(self.denominator).wrapping_mul(power(unit));
        let (digits, exponent) = significant(numerator, denominator);
        written(&digits, exponent)
    }
}

/// The first digits of a ratio, rounded half up, without trailing zeros, and the exponent of ten of the first one.
fn significant(mut numerator: Wide, mut denominator: Wide) -> (String, isize) {
    let ten = Wide::from(10);
    let mut exponent = 0_isize;
    while numerator < denominator {
        numerator = numerator.wrapping_mul(ten);
        exponent = exponent.saturating_sub(1);
    }
    while let Some(more) = denominator.checked_mul(ten).filter(|more| *more <= numerator) {
        denominator = more;
        exponent = exponent.saturating_add(1);
    }
    let scale = ten.wrapping_pow(Wide::from(DIGITS.saturating_sub(1)));
    let scaled = numerator.wrapping_mul(scale).wrapping_mul(Wide::from(2));
    let doubled = denominator.wrapping_mul(Wide::from(2));
    let rounded = scaled.wrapping_add(denominator).wrapping_div(doubled).to_string();
    if rounded.len() > DIGITS {
        exponent = exponent.saturating_add(1);
    }
    let digits = rounded.trim_end_matches('0').to_owned();
    (digits, exponent)
}

fn written(digits: &str, exponent: isize) -> String {
    let point = exponent.saturating_add(1);
    match usize::try_from(point) {
        Ok(whole) if whole <= DIGITS.saturating_add(ZEROS_MAX) => {
            let padded = format!("{digits:0<whole$}");
            let (whole, part) = padded.split_at(whole);
            let whole = if whole.is_empty() { "0" } else { whole };
            if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") }
        }
        Err(_) if point.unsigned_abs() <= ZEROS_MAX => {
            format!("0.{}{digits}", "0".repeat(point.unsigned_abs()))
        }
        _ => {
            let (first, rest) = digits.split_at(1);
            let part = if rest.is_empty() { String::new() } else { format!(".{rest}") };
            format!("{first}{part}e{exponent}")
        }
    }
}

/// The square root of a price of smallest units, as Q64.96 and rounded down; none when it is out of the range of Uniswap v3.
#[must_use]
pub fn sqrt_price(numerator: U256, denominator: U256) -> Option<U160> {
    let root = sqrt_ratio_down(numerator, denominator).ok()?;
    let is_price = U256::from(SQRT_PRICE_MIN) <= root && root < U256::from(SQRT_PRICE_MAX);
    is_price.then(|| root.wrapping_to())
}

/// The tick at or below a price that is a multiple of `spacing`, within the ticks that there are.
#[must_use]
pub fn tick_down(sqrt_price: U160, spacing: i32) -> Option<i32> {
    let tick = tick_at_sqrt_price(sqrt_price).ok()?;
    let least = TICK_MIN.checked_div(spacing)?.checked_mul(spacing)?;
    Some(tick.div_euclid(spacing).checked_mul(spacing)?.max(least))
}

/// The tick at or above a price that is a multiple of `spacing`, within the ticks that there are.
#[must_use]
pub fn tick_up(sqrt_price: U160, spacing: i32) -> Option<i32> {
    let below = tick_down(sqrt_price, spacing)?;
    let most = TICK_MAX.checked_div(spacing)?.checked_mul(spacing)?;
    if sqrt_price <= sqrt_price_at_tick(below).ok()? {
        return Some(below);
    }
    Some(below.checked_add(spacing)?.min(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(numerator: u128, denominator: u128, decimals: (u8, u8), text: &str) {
        let [numerator, denominator] = [numerator, denominator].map(U256::from);
        let price = PriceRatio::of_amounts(numerator, denominator).unwrap();
        assert_eq!(price.text(decimals.0, decimals.1), text);
    }

    #[test]
    fn a_price_is_written_with_eight_digits() {
        check(1, 1, (18, 18), "1");
        check(1, 3, (0, 0), "0.33333333");
        check(2, 3, (0, 0), "0.66666667");
        check(1, 1, (18, 6), "1000000000000");
        check(1, 1, (6, 18), "0.000000000001");
        check(1, 1, (6, 20), "1e-14");
        check(15, 10, (36, 0), "1.5e36");
        check(999_999_999, 1_000_000_000, (0, 0), "1");
        check(99_999_999_999, 1, (0, 0), "100000000000");
        check(123_456_789, 1, (0, 0), "123456790");
        check(2, 8, (0, 0), "0.25");
    }

    #[test]
    fn a_price_is_scaled_exactly() {
        let third = PriceRatio::of_amounts(U256::ONE, U256::from(3)).unwrap();
        assert_eq!(third.scaled_down(U256::from(1_000)), Some(U256::from(333)));
        assert_eq!(third.inverse().scaled_down(U256::MAX), None);
        assert_eq!(third.times_bps(15_000).text(0, 0), "0.5");
        assert_eq!(third.scaled_down(U256::MAX), Some(U256::MAX.wrapping_div(U256::from(3))));
    }

    #[test]
    fn a_square_root_and_its_price_belong_together() {
        let one = sqrt_price(U256::ONE, U256::ONE).unwrap();
        assert_eq!(PriceRatio::of_sqrt(one).unwrap().text(18, 18), "1");
        let ninth = sqrt_price(U256::ONE, U256::from(9)).unwrap();
        assert_eq!(PriceRatio::of_sqrt(ninth).unwrap().inverse().text(18, 18), "9");
        assert_eq!(PriceRatio::of_sqrt(U160::ZERO), None);
        assert_eq!(sqrt_price(U256::ZERO, U256::ONE), None);
        assert_eq!(sqrt_price(U256::MAX, U256::ONE), None);
        assert_eq!(PriceRatio::at_tick(TICK_MAX).unwrap().text(0, 0), "3.4025679e38");
        assert_eq!(PriceRatio::at_tick(TICK_MIN).unwrap().text(0, 0), "2.9389568e-39");
    }

    #[test]
    fn ticks_are_rounded_outward_to_the_spacing() {
        let at = |tick| sqrt_price_at_tick(tick).unwrap();
        let check = |tick, spacing, below, above| {
            assert_eq!(tick_down(at(tick), spacing), Some(below), "{tick} of {spacing}");
            assert_eq!(tick_up(at(tick), spacing), Some(above), "{tick} of {spacing}");
        };
        check(0, 60, 0, 0);
        check(61, 60, 60, 120);
        check(-61, 60, -120, -60);
        check(TICK_MIN, 60, -887_220, -887_220);
        check(TICK_MAX - 1, 60, 887_220, 887_220);
        // Between two ticks the upper one is the next.
        let between = at(10) + U160::ONE;
        assert_eq!((tick_down(between, 1), tick_up(between, 1)), (Some(10), Some(11)));
        assert_eq!(tick_down(between, 0), None);
    }
}
