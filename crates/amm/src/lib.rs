//! The rules of automated market makers: what a swap pays and what a share of a pool is worth.
//!
//! - [`constant_product`]: two reserves whose product never falls, as in Uniswap v2.
//! - [`concentrated`]: liquidity in ranges of the price, as in Uniswap v3.
//! - [`risk`]: what a trade costs and what a position risks, in pools of either kind.
//!
//! Invariants: rounding never pays the caller; no function panics; refused input changes nothing, but for [`concentrated`], which stores word by word in its `Book`:
//! whoever calls it undoes what a refused operation has stored, as a revert does. The crate is pure: it moves no asset, checks no
//! signature and reads no clock. Its callers say how much a pool holds and what time it is.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm
)]

pub mod concentrated;
pub mod constant_product;
pub mod risk;
