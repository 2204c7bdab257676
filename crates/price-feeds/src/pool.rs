//! A pool's average price beside the reporters': a second source that can refuse an answer, and never sets one.
//!
//! A pool's price can be moved by whoever has enough of an asset, for a moment or, in a thin pool, for long. So the average over a window is compared with the answer: the two must
//! agree, and who wants to deceive a reader must hold both.

use alloy_primitives::{U160, U256, U512, uint};
use units::{Bps, UnixSeconds};

use crate::{Answer, DECIMALS_MAX};

/// Shortest window of an average, in seconds: who moves the price must hold it against others for that long.
pub const WINDOW_SECONDS_MIN: u32 = 300;
/// Longest window: 18 hours. A pool of v3 keeps at most 65,535 observations, and anybody may write one each second, so an older one can always be pushed out.
pub const WINDOW_SECONDS_MAX: u32 = 64_800;
/// Checkpoints that are kept.
pub const CHECKPOINTS_MAX: usize = 8;
/// Checkpoints are at least this part of a window apart, so that nobody can push out those that are old enough: seven of the eight distances are longer than the window.
const CHECKPOINTS_PER_WINDOW: u32 = 4;

const _: () = assert!(CHECKPOINTS_MAX > CHECKPOINTS_PER_WINDOW as usize);

/// How a pool is compared with the answers; it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolTerms {
    /// Over how many seconds the price is averaged.
    pub window_seconds: u32,
    /// How far an answer may be from the average.
    pub divergence: Bps,
    /// Decimals of the asset that is priced.
    pub base_decimals: u8,
    /// Decimals of the asset that it is priced in.
    pub quote_decimals: u8,
}

/// Terms of a pool that are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolTermsError {
    /// The window is too short or too long.
    #[error(
        "a window of {given} seconds is out of range: give {WINDOW_SECONDS_MIN} to {WINDOW_SECONDS_MAX}"
    )]
    Window {
        /// What was given.
        given: u32,
    },
    /// No answer would ever agree.
    #[error("the divergence is 0: give 1 to 10000 basis points")]
    Divergence,
    /// An asset has too many decimals.
    #[error("an asset has {given} decimals: at most {DECIMALS_MAX} are allowed")]
    Decimals {
        /// How many it has.
        given: u8,
    },
}

impl PoolTerms {
    /// Checks the terms.
    ///
    /// # Errors
    /// [`PoolTermsError`].
    pub fn check(&self) -> Result<(), PoolTermsError> {
        let given = self.window_seconds;
        if !(WINDOW_SECONDS_MIN..=WINDOW_SECONDS_MAX).contains(&given) {
            return Err(PoolTermsError::Window { given });
        }
        if self.divergence == Bps::ZERO {
            return Err(PoolTermsError::Divergence);
        }
        let given = self.base_decimals.max(self.quote_decimals);
        if given > DECIMALS_MAX {
            return Err(PoolTermsError::Decimals { given });
        }
        Ok(())
    }

    /// Returns an average price as an answer with `decimals` decimals: `price · 10^(base + decimals − quote)`, rounded to the nearest, a half up. `None` where that is no answer.
    #[must_use]
    pub fn answer(&self, price: PoolPrice, decimals: u8) -> Option<Answer> {
        let ten = |power: u8| uint!(10_U512).checked_pow(U512::from(power));
        let raised = ten(self.base_decimals)?.checked_mul(ten(decimals)?)?;
        let numerator = price.numerator.checked_mul(raised)?;
        let denominator = price.denominator.checked_mul(ten(self.quote_decimals)?)?;
        let (double, whole) =
            (numerator.checked_mul(U512::from(2))?, denominator.checked_mul(U512::from(2))?);
        let rounded = double.checked_add(denominator)?.checked_div(whole)?;
        u128::try_from(rounded).ok().and_then(Answer::new)
    }

    /// Returns when a checkpoint may follow one of `newest`.
    #[must_use]
    pub fn next_checkpoint(&self, newest: UnixSeconds) -> UnixSeconds {
        let apart = self.window_seconds.div_ceil(CHECKPOINTS_PER_WINDOW);
        UnixSeconds::new(newest.as_u64().saturating_add(u64::from(apart)))
    }

    /// Returns the checkpoint from which the average is taken: the newest that is at least a window old. `None` if there is none, or if it is more than two windows old: the average
    /// would be of another time.
    #[must_use]
    pub fn usable(&self, checkpoints: &[Checkpoint], now: UnixSeconds) -> Option<Checkpoint> {
        let window = u64::from(self.window_seconds);
        let age = |of: &Checkpoint| now.as_u64().checked_sub(of.at.as_u64());
        let is_usable = |of: &&Checkpoint| {
            age(of).is_some_and(|age| (window..=window.saturating_mul(2)).contains(&age))
        };
        checkpoints.iter().filter(is_usable).max_by_key(|of| of.at).copied()
    }
}

/// A pair's accumulated price at a time. Pools of Uniswap v3 keep their own observations; a pair keeps one sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// When it was recorded.
    pub at: UnixSeconds,
    /// The sum of price times seconds, UQ112.112 modulo 2^256.
    pub cumulative: U256,
}

/// Which asset of a pool is priced, in the other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// The one with the lower address.
    Asset0,
    /// The other.
    Asset1,
}

/// Smallest units of the one asset for one smallest unit of the other: an exact fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolPrice {
    numerator: U512,
    denominator: U512,
}

impl PoolPrice {
    /// Returns the price of an average with 112 bits after the point, as pairs accumulate it for each asset.
    #[must_use]
    pub fn of_average(average: U256) -> Self {
        Self { numerator: U512::from(average), denominator: U512::ONE.wrapping_shl(112) }
    }

    /// Returns the price at the square root of asset 0's price in asset 1, with 96 bits after the point. `None` for 0.
    #[must_use]
    pub fn of_root(root: U160, base: Base) -> Option<Self> {
        let square: U512 = U256::from(root).widening_mul(U256::from(root));
        let one = U512::ONE.wrapping_shl(192);
        let (numerator, denominator) = match base {
            Base::Asset0 => (square, one),
            Base::Asset1 => (one, square),
        };
        (!root.is_zero()).then_some(Self { numerator, denominator })
    }
}
