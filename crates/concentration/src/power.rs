//! Voting power: how often a holder decides a vote.
//!
//! A [`Game`] is a weighted vote of everybody: a side with at least the quota wins. A holder *swings* a coalition that wins with it and
//! loses without it.
//!
//! - **Banzhaf** β: the probability of a swing when each other holder is for or against with probability ½.
//!   Source: Penrose 1946; Banzhaf, "Weighted Voting Doesn't Work", 1965. Normalised, the β add up to 1.
//! - **Shapley–Shubik** φ: the probability of being the one who turns the vote, in a random order. It is the mean over p of the probability of
//!   a swing when each other holder is for with probability p. Source: Shapley and Shubik 1954; Owen, "Multilinear Extensions of Games", 1972.
//!
//! Three ways, each a check of the next:
//!
//! 1. [`exact`] counts coalitions with integers. It has a bound on the number of different sums.
//! 2. [`approximate`] computes with probabilities on a grid. Where the amounts fit the grid it is exact but for rounding of floats. Else the
//!    largest holders are on the grid one by one, and the rest are an *ocean* whose sum is normally distributed.
//!    Source: Milnor and Shapley, "Values of Large Games II: Oceanic Games", 1978.
//! 3. [`sample`] draws coalitions and orders, and has standard errors.

mod counting;
mod draws;
mod game;
mod grid;
mod ocean;

pub use counting::{ExactPower, exact};
pub use draws::{SampledPower, sample};
pub use game::{Game, GameError};
pub use ocean::{ApproximatePower, Method, Precision, approximate};
