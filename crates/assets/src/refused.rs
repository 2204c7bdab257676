//! Why a rule says no.

use alloy_primitives::U256;
use thiserror::Error;
use units::{AccountId, UnixSeconds};

/// Why a rule says no; nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// The zero account sends.
    #[error("{sender} can't send: call from an account")]
    InvalidSender {
        /// Sender.
        sender: AccountId,
    },
    /// The zero account or the asset itself would receive.
    #[error("{receiver} can't hold this asset: name another receiver")]
    InvalidReceiver {
        /// Receiver.
        receiver: AccountId,
    },
    /// The zero account allows.
    #[error("{approver} can't allow anything: call from an account")]
    InvalidApprover {
        /// Who allows.
        approver: AccountId,
    },
    /// The zero account would be allowed something.
    #[error("{spender} can't be allowed anything: name another spender")]
    InvalidSpender {
        /// Who would be allowed.
        spender: AccountId,
    },
    /// More than the sender holds.
    #[error("{sender} holds {balance}, {needed} is needed: send less")]
    InsufficientBalance {
        /// Sender.
        sender: AccountId,
        /// What it holds.
        balance: U256,
        /// What it would send.
        needed: U256,
    },
    /// More than the spender is allowed.
    #[error("{spender} may spend {allowance}, {needed} is needed: have the owner approve more")]
    InsufficientAllowance {
        /// Spender.
        spender: AccountId,
        /// What it is allowed.
        allowance: U256,
        /// What it would spend.
        needed: U256,
    },
    /// A permit that is too late.
    #[error("the permit ended at {deadline}: have the owner sign a new one")]
    ExpiredSignature {
        /// Unix seconds; may be beyond what a time can be.
        deadline: U256,
    },
    /// A permit with bytes that are no signature.
    #[error("the permit's signature is none: v must be 27 or 28, r and s within their range")]
    InvalidSignature,
    /// A permit with the higher of the two `s` that fit, which anybody can make of the lower.
    #[error("the permit's s is {s}, the higher of two: sign with the lower")]
    InvalidSignatureS {
        /// As given.
        s: U256,
    },
    /// A permit that its owner has not signed.
    #[error("{signer} signed, not {owner}: check chain, asset, nonce and fields")]
    InvalidSigner {
        /// Who signed.
        signer: AccountId,
        /// Who should have.
        owner: AccountId,
    },
    /// More than the terms allow to exist.
    #[error("{increased} would exist, the cap is {cap}: mint less")]
    ExceededCap {
        /// What would exist.
        increased: U256,
        /// What may.
        cap: U256,
    },
    /// Balances don't move.
    #[error("the asset is paused: wait until its issuer resumes it")]
    Paused,
    /// Balances move already.
    #[error("the asset is not paused")]
    NotPaused,
    /// Only the issuer may.
    #[error("{caller} is not the issuer")]
    NotIssuer {
        /// Who tried.
        caller: AccountId,
    },
    /// The role was offered to another, or to nobody.
    #[error("the issuer's role was not offered to {caller}")]
    NotOffered {
        /// Who tried.
        caller: AccountId,
    },
    /// The terms don't allow this to anybody.
    #[error("the asset's terms don't allow to {action}")]
    Forbidden {
        /// What.
        action: &'static str,
    },
}

/// Whether a deadline has passed.
pub(crate) fn is_past(deadline: U256, now: UnixSeconds) -> bool {
    deadline < U256::from(now.as_u64())
}
