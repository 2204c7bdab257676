//! Positions: liquidity of one owner between two ticks, and what it is owed.

use alloy_primitives::U256;
use fixed_point::Q128;
use units::AccountId;

use super::{FeeGrowth, Refused, tick::liquidity_after};

/// Whose position, and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PositionKey {
    /// Who may take it out.
    pub owner: AccountId,
    /// The tick at which it begins.
    pub lower: i32,
    /// The tick before which it ends.
    pub upper: i32,
}

/// A position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Its liquidity.
    pub liquidity: u128,
    /// The fee growth between its ticks when it was last changed.
    pub fee_growth_inside: FeeGrowth,
}

/// What a position is owed, in the smallest units; wraps around at 2^128, as in the original: collect before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owed {
    /// Of asset 0.
    pub of0: u128,
    /// Of asset 1.
    pub of1: u128,
}

impl Owed {
    /// Returns it with more, modulo 2^128.
    #[must_use]
    pub fn with(self, more: Self) -> Self {
        Self { of0: self.of0.wrapping_add(more.of0), of1: self.of1.wrapping_add(more.of1) }
    }

    pub(crate) fn is_zero(self) -> bool {
        self == Self::default()
    }
}

impl Position {
    /// Returns the position changed by `delta`, and the fees since it was last changed, rounded down and cut to 128 bits.
    ///
    /// Source: Uniswap v3 whitepaper, equation 6.28; `Position.update`.
    pub(crate) fn changed(self, delta: i128, inside: FeeGrowth) -> Result<(Self, Owed), Refused> {
        if delta == 0 && self.liquidity == 0 {
            return Err(Refused::NoPosition);
        }
        let owed = fees_since(self.fee_growth_inside, inside, self.liquidity)?;
        let liquidity = liquidity_after(self.liquidity, delta)?;
        Ok((Self { liquidity, fee_growth_inside: inside }, owed))
    }
}

/// Returns the fees of a liquidity between two values of the fee growth, rounded down and cut to 128 bits.
///
/// # Errors
/// None occurs: a growth of 256 bits times a liquidity of 128 has at most 256 bits after the point.
pub fn fees_since(before: FeeGrowth, now: FeeGrowth, liquidity: u128) -> Result<Owed, Refused> {
    let grown = now.since(before);
    let fees = |growth: U256| -> Result<u128, Refused> {
        let fees = Q128.mul_down(growth, U256::from(liquidity))?;
        Ok(fees.wrapping_to())
    };
    Ok(Owed { of0: fees(grown.of0)?, of1: fees(grown.of1)? })
}
