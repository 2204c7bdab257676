//! The reasons why a rule refuses.

use alloy_primitives::U256;
use thiserror::Error;
use units::{AccountId, UnixSeconds};

/// Why a rule refuses; nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// The sender is the zero account.
    #[error("{sender} is the zero account and can't send: call from an account with a key")]
    InvalidSender {
        /// Sender.
        sender: AccountId,
    },
    /// The receiver is the zero account or the asset itself.
    #[error("{receiver} can't hold this asset: name another receiver")]
    InvalidReceiver {
        /// Receiver.
        receiver: AccountId,
    },
    /// The owner of the allowance is the zero account.
    #[error("{approver} is the zero account and can't approve: call from an account with a key")]
    InvalidApprover {
        /// The owner.
        approver: AccountId,
    },
    /// The spender is the zero account.
    #[error("{spender} is the zero account and can't spend: name another spender")]
    InvalidSpender {
        /// The spender.
        spender: AccountId,
    },
    /// The sender's balance is below the amount.
    #[error("{sender} has a balance of {balance}, below the amount {needed}: send less")]
    InsufficientBalance {
        /// Sender.
        sender: AccountId,
        /// Its balance.
        balance: U256,
        /// The amount.
        needed: U256,
    },
    /// The spender's allowance is below the amount.
    #[error(
        "{spender} has an allowance of {allowance}, below the amount {needed}: ask the owner to approve more"
    )]
    InsufficientAllowance {
        /// Spender.
        spender: AccountId,
        /// Its allowance.
        allowance: U256,
        /// The amount.
        needed: U256,
    },
    /// The permit's deadline has passed.
    #[error("the permit expired at {deadline}: ask the owner to sign a new one")]
    ExpiredSignature {
        /// Unix seconds; may be above the range of [`UnixSeconds`].
        deadline: U256,
    },
    /// The permit's signature is malformed.
    #[error("the permit's signature is malformed: v must be 27 or 28, r and s within their range")]
    InvalidSignature,
    /// The permit's signature has the higher of the two valid `s`, which anybody can compute from the lower.
    #[error("the permit's s is {s}, the higher of two: sign with the lower")]
    InvalidSignatureS {
        /// `s` as given.
        s: U256,
    },
    /// The permit was not signed by its owner.
    #[error(
        "the permit was signed by {signer}, not by {owner}: check chain, asset, nonce and fields"
    )]
    InvalidSigner {
        /// Who signed.
        signer: AccountId,
        /// Who should have signed.
        owner: AccountId,
    },
    /// The supply would exceed the cap.
    #[error("the supply would become {increased}, above the cap {cap}: mint less")]
    ExceededCap {
        /// The supply after the mint.
        increased: U256,
        /// The cap.
        cap: U256,
    },
    /// Transfers are paused.
    #[error("the asset is paused: wait until its issuer resumes it")]
    Paused,
    /// Transfers are not paused.
    #[error("the asset is not paused: there is nothing to resume")]
    NotPaused,
    /// Only the issuer may do this.
    #[error("{caller} is not the issuer: only the issuer may do this")]
    NotIssuer {
        /// Who tried.
        caller: AccountId,
    },
    /// The issuer's role was offered to another account, or to none.
    #[error("the issuer's role was not offered to {caller}")]
    NotOffered {
        /// Who tried.
        caller: AccountId,
    },
    /// The asset's terms allow this to nobody.
    #[error("the asset's terms don't allow to {action}")]
    Forbidden {
        /// The refused action, as a verb phrase.
        action: &'static str,
    },
}

/// Returns whether a deadline has passed.
pub(crate) fn is_past(deadline: U256, now: UnixSeconds) -> bool {
    deadline < U256::from(now.as_u64())
}
