//! Why an input is refused.

use thiserror::Error;
use units::{Overflow, Wei};

/// Why an input is refused. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// A claim is being checked already.
    #[error("a claim of this device is being checked: draw or conclude it first")]
    ClaimOpen,
    /// No claim is at this stage.
    #[error("no claim of this device can be drawn or concluded now")]
    NoClaim,
    /// No round can be claimed.
    #[error("no verified round of this device is left to claim: wait for the next one")]
    NothingToCheck,
    /// The bond is too small.
    #[error("the checks cost {required} wei, {given} wei given")]
    BondTooSmall {
        /// What was given.
        given: Wei,
        /// What is needed: a round's pay for each check.
        required: Wei,
    },
    /// The hash that decides the draw is not there yet.
    #[error("too early: the checks can be drawn from block {from} on")]
    TooEarly {
        /// The first height at which they can.
        from: u64,
    },
    /// A check is not decided.
    #[error("the referees have not decided on round {round}")]
    Undecided {
        /// The round.
        round: u32,
    },
    /// Nothing that was checked has been paid out by its run.
    #[error("nothing to collect: work counts when it was checked and its pay was released")]
    NothingToCollect,
    /// The burn of one token is not covered.
    #[error("collecting burns {least} wei for each token, {given} wei given")]
    BurnTooSmall {
        /// What was given.
        given: Wei,
        /// What one token needs.
        least: Wei,
    },
    /// An amount overflows.
    #[error("amount out of range")]
    Overflow,
}

impl From<Overflow> for Refused {
    fn from(_: Overflow) -> Self {
        Self::Overflow
    }
}
