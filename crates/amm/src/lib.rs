//! The rules of automated market makers: what a pool of two assets pays for a trade.
//!
//! - [`concentrated`]: pools whose liquidity lies in ranges of the price, as in Uniswap v3.
//!
//! A pool's records are loaded and stored one by one through a trait, so that a trade costs the same with four positions and with a million. The crate
//! moves no asset, checks no signature and reads no clock: balances and time are arguments.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm
)]

pub mod concentrated;
