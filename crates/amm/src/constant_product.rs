//! Pairs of two assets whose product of reserves never falls by a swap: the rules of Uniswap v2.
//!
//! A pair holds two assets. What it counts as its own are the *reserves*; what it really holds are its *balances*, and the
//! difference is what somebody has just sent. Each operation is told the balances, so that assets with a fee on transfer or with
//! changing balances are counted by what arrived.
//!
//! 1. [`protocol_fee_down`] is what the protocol is owed before shares are minted or burnt: a sixth of the growth of √k.
//! 2. [`mint_down`] gives shares for what arrived; [`burn_down`] pays out what shares are worth.
//! 3. [`check_outputs`] comes before a swap pays out, [`settle_swap`] after the receiver was called back: the product of the
//!    balances, less 0.3 % of the inputs, must reach the product of the reserves.
//! 4. [`Reserves::update`] takes the balances as the new reserves and moves the price accumulators ([`Prices`]).
//! 5. [`surplus`] is what may be skimmed: what the pair holds beyond its reserves. [`surplus_of`] is that of one asset.
//! 6. [`quote_down`], [`amount_out_down`] and [`amount_in_up`] are what a router asks before it trades.
//! 7. [`spend_allowance`] and [`check_deadline`] are the rules of shares as an ERC-20 that are not plain sums.
//!
//! Amounts are in the smallest unit of their asset. Each operation is refused where the contract reverts, for the same first
//! reason: [`Refused`] and [`QuoteError`] tell them apart.
//!
//! Invariants, the last two checked by [`Pool::invariants`] and all after every step by the tests: reserves have 112 bits; swaps never lower the product of the reserves, nor does any operation
//! but [`Pool::sync`] after an asset has taken balance away lower the product per share; accumulators are exact modulo 2^256; shares add up to the supply;
//! 1,000 of them belong to nobody once there are any.
//!
//! Not here: who owns shares, what an asset is, how it is sent, and the lock that keeps a second operation out of a running one.
//!
//! Source: Uniswap v2 whitepaper (Adams, Zinsmeister, Robinson, 2020), sections 2.2 to 3.4, and the behaviour of the contracts
//! `UniswapV2Pair` and `UniswapV2Library`, which the tests of `execution` compare.

mod arithmetic;
mod oracle;
mod pair;
mod pool;
mod quote;
mod shares;

pub use arithmetic::ArithmeticError;
pub use oracle::{Prices, average_price_down};
pub use pair::{
    Amounts, MINIMUM_LIQUIDITY, Minted, Refused, Reserves, burn_down, check_outputs, mint_down,
    product, protocol_fee_down, settle_swap, surplus, surplus_of,
};
pub use pool::{Fee, Pool};
pub use quote::{Depth, QuoteError, amount_in_up, amount_out_down, quote_down};
pub use shares::{check_deadline, spend_allowance};
