//! What a trade costs, and what a position risks, in pools of either kind.
//!
//! These are views: they ask the rules of the pools ([`crate::constant_product`], [`crate::concentrated`]) and compare the answers.
//!
//! 1. [`pair_trade`] and [`pool_trade`] say what a trade would give. A pool of v3 is asked by its own swap, on a [`Trial`](crate::concentrated::Trial).
//! 2. [`Trade::impact_up`] is how much less a trade gives than the price before it, the fee aside. [`Route`] multiplies the parts that trades
//!    keep. [`least_received_down`] and [`most_paid_up`] are the limits for a slippage.
//! 3. [`scenarios`] is a position's impermanent loss at several prices, compared with holding what it was at the entry price.
//! 4. [`concentration`] is how much of a pool's value lies near the price; [`pair_share_within_down`] is that of a pair.
//! 5. [`liquidity_per_share_down`] is what a share of a pair has grown by: fees, and nothing else.
//!
//! Ratios are times [`WHOLE`], prices times [`PRICE_SCALE`]. Whoever reads a number must not be disappointed: losses, costs and what must be paid are
//! rounded up; gains, shares and what is received are rounded down.
//!
//! Not here: what an asset is worth elsewhere, and what will happen. Impermanent loss says what a price would do, never which price comes.
//!
//! Sources: Uniswap v2 whitepaper, section 3.2; v3 whitepaper, sections 2 and 6.2; Uniswap SDK, `computePriceImpact`, `Trade.minimumAmountOut`. The
//! impermanent loss of a pair, `1 − 2√r / (1 + r)` for a price that moved by `r`, is the special case of a range without ends.

mod concentration;
mod price;
mod scenario;
mod shares;
mod trade;

use alloy_primitives::{U256, uint};

pub use concentration::{
    BANDS_BPS, Concentration, TICKS_MAX, Tick, Ticks, concentration, pair_share_within_down,
    ticks_around,
};
pub use price::{Price, price_at_root_down};
pub use scenario::{Provided, Range, SCENARIOS_BPS, Scenario, scenarios};
pub use shares::{Growth, liquidity_per_share_down, part_since_down};
pub use trade::{Given, Route, Trade, least_received_down, most_paid_up, pair_trade, pool_trade};

/// A ratio of 1.
pub const WHOLE: U256 = uint!(1_000_000_000_000_000_000_U256);
/// A price of 1: smallest units of one asset for one smallest unit of another. With 36 decimals, prices of assets with few decimals keep theirs.
pub const PRICE_SCALE: U256 = uint!(1_000_000_000_000_000_000_000_000_000_000_000_000_U256);

/// A result needs more than 256 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a result needs more than 256 bits: use smaller amounts")]
pub struct TooLarge;

impl From<fixed_point::ArithmeticError> for TooLarge {
    fn from(_: fixed_point::ArithmeticError) -> Self {
        Self
    }
}

impl From<crate::concentrated::Refused> for TooLarge {
    /// Of the rules of ranges, only arithmetic fails here.
    fn from(_: crate::concentrated::Refused) -> Self {
        Self
    }
}

impl From<TooLarge> for crate::concentrated::Refused {
    fn from(_: TooLarge) -> Self {
        Self::Arithmetic
    }
}
