//! Ranges of prices as people write them, and the ticks that they lie at.

use abi::parse_amount;
use alloy_primitives::{U160, U256};
use anyhow::{anyhow, ensure};
use ledger_views::markets::{self, PriceRatio, TokenView};

use crate::failure::WrongUsage;

/// Decimals of a price at most.
const PRICE_DECIMALS: u8 = 18;

/// Flags that say where a position of Uniswap v3 is.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct RangeArgs {
    /// Of a position of v3: the prices between which it provides liquidity, such as 0.4..0.6: the second token for one of the first. Rounded outward to
    /// ticks that the pool allows
    #[arg(long, value_name = "LOW..HIGH", conflicts_with = "full_range")]
    range: Option<String>,
    /// Of a position of v3: liquidity at every price, as in v2
    #[arg(long)]
    full_range: bool,
}

/// Two tokens in the order in which they were named.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order<'a> {
    pub(super) first: &'a TokenView,
    pub(super) second: &'a TokenView,
}

impl Order<'_> {
    /// Whether the first is the token 0 of a pool.
    pub(super) fn is_sorted(self) -> bool {
        self.first.address < self.second.address
    }

    /// Turns values of first and second into those of token 0 and token 1, and back.
    pub(super) fn turn<T>(self, [a, b]: [T; 2]) -> [T; 2] {
        if self.is_sorted() { [a, b] } else { [b, a] }
    }

    /// The price at a tick as the second token for one of the first, in whole units.
    pub(super) fn price_at(self, tick: i32) -> String {
        PriceRatio::at_tick(tick).map_or_else(|| "none".to_owned(), |price| self.price(price))
    }

    /// A pool's price, token 1 for one of token 0, as the second token for one of the first.
    pub(super) fn price(self, price: PriceRatio) -> String {
        let price = if self.is_sorted() { price } else { price.inverse() };
        price.text(self.first.decimals, self.second.decimals)
    }

    /// The ticks of a range, with its prices in the order of the two tokens.
    pub(super) fn range_text(self, (lower, upper): (i32, i32)) -> String {
        let [low, high] = self.turn([lower, upper]).map(|tick| self.price_at(tick));
        format!(
            "{low}..{high} {} for 1 {} (ticks {lower} to {upper})",
            self.second.symbol, self.first.symbol
        )
    }
}

impl RangeArgs {
    pub(super) fn is_given(&self) -> bool {
        self.full_range || self.range.is_some()
    }

    /// Returns the lower and the upper tick.
    ///
    /// # Errors
    /// When no range is given, or it is not one.
    pub(super) fn ticks(&self, order: Order<'_>, spacing: i32) -> anyhow::Result<(i32, i32)> {
        let whole = markets::whole_range(spacing)
            .ok_or_else(|| anyhow!("a tick spacing of {spacing} is not possible"))?;
        let Some(range) = &self.range else {
            if self.full_range {
                return Ok(whole);
            }
            return Err(WrongUsage(
                "a position of Uniswap v3 has a range: give --range LOW..HIGH in prices, or --full-range"
                    .to_owned(),
            )
            .into());
        };
        let (low, high) = range.split_once("..").ok_or_else(|| wrong(range))?;
        let roots = [root(low, order)?, root(high, order)?];
        // In the order of the pool the prices may be the inverse, and so the other way round.
        let [lower, upper] = order.turn(roots);
        ensure!(
            lower < upper,
            "the range {range} has no prices between its ends: give the lower one first"
        );
        let ticks = markets::tick_down(lower, spacing).zip(markets::tick_up(upper, spacing));
        ticks.ok_or_else(|| wrong(range))
    }
}

fn wrong(text: &str) -> anyhow::Error {
    anyhow!(
        "{text:?} is not a range of prices: write it as LOW..HIGH, such as 0.4..0.6, with at most {PRICE_DECIMALS} decimals"
    )
}

/// The square root of a price of the first token in the second, in the order of the pool, as Q64.96.
fn root(text: &str, order: Order<'_>) -> anyhow::Result<U160> {
    let scaled = parse_amount(text, PRICE_DECIMALS).ok_or_else(|| wrong(text))?;
    ensure!(!scaled.is_zero(), "a price of 0 has no tick: give more, or --full-range");
    let down = u32::from(order.first.decimals).saturating_add(PRICE_DECIMALS.into());
    let up = u32::from(order.second.decimals);
    // One of the two powers of ten, so that the other is 1.
    let power = |exponent: u32| U256::from(10).checked_pow(U256::from(exponent));
    let numerator = power(up.saturating_sub(down)).and_then(|power| scaled.checked_mul(power));
    let denominator = power(down.saturating_sub(up));
    let ratio = numerator.zip(denominator).and_then(|(numerator, denominator)| {
        let [numerator, denominator] = order.turn([numerator, denominator]);
        markets::sqrt_price(numerator, denominator)
    });
    ratio.ok_or_else(|| anyhow!("a price of {text} is out of the range of Uniswap v3, which ends at about 3.4e38 smallest units for one"))
}

#[cfg(test)]
mod tests {
    use units::AccountId;

    use super::*;

    fn token(address: u8, decimals: u8) -> TokenView {
        let (name, symbol) = (String::new(), format!("T{address}"));
        let address = AccountId::from_bytes([address; 20]);
        TokenView { address, name, symbol, decimals, is_readable: true }
    }

    fn ticks(range: &str, [first, second]: [(u8, u8); 2]) -> anyhow::Result<(i32, i32)> {
        let args = RangeArgs { range: Some(range.to_owned()), full_range: false };
        let [first, second] = [first, second].map(|(address, decimals)| token(address, decimals));
        args.ticks(Order { first: &first, second: &second }, 60)
    }

    #[test]
    fn a_range_is_rounded_outward() {
        let sorted = [(1, 18), (2, 18)];
        assert_eq!(
            ticks("1..1", sorted).unwrap_err().to_string().split(':').next(),
            Some("the range 1..1 has no prices between its ends")
        );
        // log(0.5) / log(1.0001) = -6931.8, log(2) / log(1.0001) = 6931.8.
        assert_eq!(ticks("0.5..2", sorted).unwrap(), (-6_960, 6_960));
        assert_eq!(ticks("1..2", sorted).unwrap(), (0, 6_960));
        // The other way round the same prices are their inverse.
        assert_eq!(ticks("1..2", [(2, 18), (1, 18)]).unwrap(), (-6_960, 0));
        // 1 unit of 6 decimals for one of 18: 1e-12, tick -276,324.9.
        assert_eq!(ticks("1..2", [(1, 18), (2, 6)]).unwrap(), (-276_360, -269_340));
        assert_eq!(ticks("1..2", [(2, 6), (1, 18)]).unwrap(), (-283_260, -276_300));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        let sorted = [(1, 18), (2, 18)];
        for wrong in ["", "1", "1..", "..2", "a..b", "1...2", "2..1", "0..1", "-1..2"] {
            assert!(ticks(wrong, sorted).is_err(), "{wrong}");
        }
        let none = RangeArgs { range: None, full_range: false };
        let (first, second) = (token(1, 18), token(2, 18));
        let order = Order { first: &first, second: &second };
        assert!(none.ticks(order, 60).unwrap_err().to_string().contains("--full-range"));
        let full = RangeArgs { range: None, full_range: true };
        assert_eq!(full.ticks(order, 60).unwrap(), (-887_220, 887_220));
    }
}
