//! The rules of yield: rewards for stakes, and shares of vaults.
//!
//! - [`rewards`]: a funded amount is paid over a period, to all stakes in proportion: Synthetix `StakingRewards`.
//! - [`farm`]: an amount for each block is divided among pools by allocation, in a pool by stake: Sushi `MasterChef`.
//! - [`reserve`]: the deposits that a farm's rewards are drawn from, where the original mints them.
//! - [`vault`]: shares of a growing amount of assets, with virtual shares against inflation: OpenZeppelin `ERC4626`.
//! - [`fees`]: how a vault sells fees in other tokens, and gives its shares the proceeds.
//!
//! Invariants: rewards are rounded down, so the pool keeps the remainder; what is paid was funded before, by somebody's
//! deposit, and never comes out of stakes; vaults round in their own favour; an input that is refused changes nothing.
//!
//! Each function computes what the contract's function of the same name computes, with its order of operations, so that
//! a sum that overflows is refused exactly where the contract reverts, and with the same error ([`MathError`]).
//!
//! The crate knows no account, no token and no event: the adapter loads a pool and a staker, moves tokens, and emits.
//! It reads no clock: the time or height of the block is an argument.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm
)]

pub mod farm;
pub mod fees;
mod math;
pub mod reserve;
pub mod returns;
pub mod rewards;
pub mod vault;

pub use math::MathError;
