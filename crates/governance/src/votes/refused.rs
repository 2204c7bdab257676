//! Why a house refuses something.

use alloy_primitives::U256;
use units::{AccountId, UnixSeconds};

/// Why a house refuses something. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Votes of the present second, or of the future, are not settled.
    #[error("votes at {timepoint} are not settled: ask for a time before {now}")]
    FutureLookup {
        /// The time that was asked for.
        timepoint: UnixSeconds,
        /// The time of the block.
        now: UnixSeconds,
    },
    /// More than a history can hold.
    #[error("the house would hold {increased}, at most {cap} fit")]
    ExceededSafeSupply {
        /// What the house would hold.
        increased: U256,
        /// What fits.
        cap: U256,
    },
    /// The account does not hold so much.
    #[error("{account} has deposited {held}, {needed} is asked for")]
    InsufficientDeposit {
        /// The account.
        account: AccountId,
        /// What it holds.
        held: U256,
        /// What is asked for.
        needed: U256,
    },
    /// What has voted stays for a while.
    #[error("the deposit of {account} has voted: it can be withdrawn from {until} on")]
    Locked {
        /// The account.
        account: AccountId,
        /// The first second in which it may be withdrawn.
        until: UnixSeconds,
    },
    /// The lock is longer than any vote needs.
    #[error("a lock until {until} is too long: at most until {latest}")]
    LockTooLong {
        /// The end that was asked for.
        until: UnixSeconds,
        /// The latest end.
        latest: UnixSeconds,
    },
    /// The account has not delegated to another.
    #[error("{account} has not delegated to another account")]
    NotDelegated {
        /// The account.
        account: AccountId,
    },
    /// The delegate has voted, or was chosen, less than 90 days ago.
    #[error("the delegation of {account} can expire from {from} on")]
    NotExpired {
        /// The account.
        account: AccountId,
        /// The first second in which it has expired.
        from: UnixSeconds,
    },
    /// In this house only an account with voice of its own can be a delegate.
    #[error("{delegate} has no voice of its own: only an account that has can be a delegate")]
    NoVoice {
        /// The account.
        delegate: AccountId,
    },
}
