//! The rules of automated market makers: what a swap pays and what a share of a pool is worth.
//!
//! - [`constant_product`]: two reserves whose product never falls, as in Uniswap v2.
//! - [`concentrated`]: liquidity in ranges of the price, as in Uniswap v3.
//!
//! Invariants: rounding never pays the caller; refused input changes nothing; no function panics. The crate is pure: it moves no asset, checks no
//! signature and reads no clock. Its callers say how much a pool holds and what time it is.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm
)]

pub mod concentrated;
pub mod constant_product;
