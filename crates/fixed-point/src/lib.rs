//! Exact arithmetic of 256-bit integers, with the direction of rounding in every name.
//!
//! Financial contracts compute with fractions as integers: an integer `x` at scale `s` represents `x / s`. This crate
//! has their basic operations, each computed exactly and rounded once, in the direction that its name says:
//!
//! | name ends in | rounds |
//! | --- | --- |
//! | `_down` | toward zero |
//! | `_up` | away from zero |
//! | `_half_up` | to the nearest, a half up |
//! | `_wrapping` | not at all: the result is modulo 2^256 |
//!
//! - [`mul_div_down`] and its variants: `a · b / divisor` with a product of 512 bits, as in Uniswap's `FullMath`.
//! - [`Scale`]: decimal fractions ([`WAD`], [`RAY`], [`BPS`]) with a product that must fit 256 bits, so that an
//!   operation is refused exactly where the contracts of Aave, Compound and MakerDAO revert.
//! - [`BinaryPoint`]: binary fractions ([`Q96`] for square roots of prices, [`Q112`] for prices, [`Q128`] for fee growth).
//! - [`isqrt_down`], [`isqrt_up`], [`sqrt_ratio_down`]: square roots.
//!
//! Invariants: a result is exact or rounded once as named; a result that does not fit is
//! [`ArithmeticError::Overflow`], never cut off; no function panics.
//!
//! It knows no money, no rate and no rule: the caller decides what a number means and in whose favour it is rounded.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm
)]

mod binary;
mod mul_div;
mod scale;
mod sqrt;

pub use binary::{BinaryPoint, Q96, Q112, Q128, accumulated_wrapping, growth_wrapping};
pub use mul_div::{div_half_up, div_up, mul_div_down, mul_div_half_up, mul_div_up};
pub use scale::{
    BPS, RAY, Scale, WAD, ray_to_wad_down, ray_to_wad_half_up, ray_to_wad_up, wad_to_ray,
};
pub use sqrt::{isqrt_down, isqrt_up, sqrt_ratio_down};

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArithmeticError {
    /// The result, or a product that the operation keeps to 256 bits, does not fit.
    #[error("the result needs more than 256 bits: use smaller amounts")]
    Overflow,
    /// The divisor is 0.
    #[error("division by 0: the divisor must be above 0")]
    DivisionByZero,
}
