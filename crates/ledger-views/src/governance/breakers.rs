//! Figures that make the rules stricter while power is in few hands.

use abi::{BREAKERS, Breakers};

use crate::{Ask, ViewError, batch, text};

/// A figure, and the bounds between which it makes the rules stricter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerView {
    /// What is counted.
    pub name: String,
    /// Whether it has made the rules stricter, as of the last look.
    pub is_tripped: bool,
    /// The least number of holders that together decide or prevent something, between two bounds, now.
    pub holders: (u64, u64),
    /// It trips below this number of holders.
    pub trips_below: u64,
    /// It is released from this number on.
    pub released_from: u64,
}

/// Reads all figures, in the order of the module.
///
/// # Errors
/// [`ViewError`].
pub async fn breakers<A: Ask>(ledger: &A) -> Result<Vec<BreakerView>, ViewError<A::Error>> {
    let all = batch::ask(ledger, BREAKERS, &Breakers::allCall {}).await?;
    let view = |breaker: Breakers::Breaker| BreakerView {
        name: text::one_line(&breaker.name),
        is_tripped: breaker.isTripped,
        holders: (breaker.least, breaker.most),
        trips_below: breaker.tripsBelow,
        released_from: breaker.releasedFrom,
    };
    Ok(all.into_iter().map(view).collect())
}
