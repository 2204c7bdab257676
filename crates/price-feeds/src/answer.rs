//! A price.

use alloy_primitives::U256;
use units::Bps;

/// A price with the decimals of its feed: 1 to 2^127 − 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Answer(u128);

/// Basis points of the whole.
const WHOLE_BPS: u64 = 10_000;

impl Answer {
    /// The largest: it fits Solidity's `int128`.
    pub const MAX: Self = Self(u128::MAX >> 1);

    /// Returns a price, or `None` for 0 and above [`Self::MAX`].
    #[must_use]
    pub const fn new(price: u128) -> Option<Self> {
        if price == 0 || price > Self::MAX.0 { None } else { Some(Self(price)) }
    }

    /// Returns the number.
    #[must_use]
    pub const fn number(self) -> u128 {
        self.0
    }

    /// Returns whether this price differs from `reference` by at most `bound` of it. Exact: nothing is rounded.
    #[must_use]
    pub fn is_within(self, bound: Bps, reference: Self) -> bool {
        // Below 2^127 · 2^16: nothing overflows.
        let scaled = |number: u128, by: u64| U256::from(number).saturating_mul(U256::from(by));
        scaled(self.0.abs_diff(reference.0), WHOLE_BPS)
            <= scaled(reference.0, u64::from(bound.as_u16()))
    }
}
