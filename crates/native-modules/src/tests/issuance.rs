//! Issuance: from rounds of a run to GRAIN, and attacks on it.

mod attacks;
mod rewards;
pub(super) mod story;
