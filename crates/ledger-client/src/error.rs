use std::time::Duration;

use alloy_primitives::{B256, Bytes};
use alloy_sol_types::SolError;
use alloy_transport::{RpcError, TransportError, TransportErrorKind};

/// Longest text of a node that is repeated in our own messages, in characters.
const TEXT_MAX: usize = 400;

/// Why the ledger was not read or changed.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Not an address of a node.
    #[error("{url:?} is not the address of a node: use http://HOST:PORT")]
    BadUrl {
        /// What was given.
        url: String,
    },
    /// Nobody answered for as long as the caller was willing to wait.
    #[error("no node answers at {url} for {} s ({reason}): is it running?", .waited.as_secs())]
    Unreachable {
        /// Where.
        url: String,
        /// The patience of the caller.
        waited: Duration,
        /// The last failure.
        reason: String,
    },
    /// The ledger's rules do not allow it. Nothing changed.
    #[error("the ledger refuses: {reason}")]
    Refused {
        /// In words.
        reason: String,
        /// The ABI-encoded error, for [`LedgerError::refusal`].
        data: Bytes,
    },
    /// The node does not take the request as it is, for lack of funds for example.
    #[error("the node at {url} refuses: {message}")]
    Rejected {
        /// Where.
        url: String,
        /// The node's words, cut.
        message: String,
    },
    /// A transaction was sent, but did not get into a block in time. It still may.
    #[error("transaction {hash} was sent, but is not in a block after {} s: look it up before you repeat it", .waited.as_secs())]
    Unconfirmed {
        /// The transaction.
        hash: B256,
        /// The patience of the caller.
        waited: Duration,
    },
    /// Another transaction of the account, sent by another program, took this one's place.
    #[error(
        "transaction {hash} was displaced by another one of the same account: is a second program using it?"
    )]
    Displaced {
        /// The transaction.
        hash: B256,
    },
    /// The node answered something that it should not.
    #[error("the node at {url} answers what can't be understood: {reason}")]
    Malformed {
        /// Where.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A change without a key to sign it.
    #[error("this connection reads only: open an account of the wallet to change the ledger")]
    ReadOnly,
}

impl LedgerError {
    /// The rule's error, if it is an `E`.
    #[must_use]
    pub fn refusal<E: SolError>(&self) -> Option<E> {
        match self {
            Self::Refused { data, .. } => E::abi_decode(data).ok(),
            _ => None,
        }
    }
}

/// What a failed request means.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Worth another try.
    Unreachable(String),
    /// A rule said no; the ABI-encoded error.
    Reverted(Bytes),
    /// The node said no.
    Rejected(String),
    /// An answer of the wrong form.
    Malformed(String),
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        match error {
            RpcError::ErrorResp(payload) => match payload.as_revert_data() {
                Some(data) => Self::Reverted(data),
                // A revert without data still is one.
                None if payload.code == REVERTED && payload.message.contains("revert") => {
                    Self::Reverted(Bytes::new())
                }
                None => Self::Rejected(shorten(&payload.message)),
            },
            RpcError::Transport(kind) => classify(&kind),
            RpcError::NullResp => Self::Malformed("nothing".to_owned()),
            other => Self::Malformed(shorten(&other.to_string())),
        }
    }
}

/// Code of a reverted call, as in geth.
const REVERTED: i64 = 3;

fn classify(kind: &TransportErrorKind) -> Failure {
    let status = kind.as_http_error().map(|error| error.status);
    match status {
        // Busy or starting, says the node or a proxy before it.
        Some(429 | 500..) | None if !kind.is_non_retryable() => {
            Failure::Unreachable(shorten(&chain(kind)))
        }
        Some(status) => Failure::Malformed(format!("HTTP status {status}")),
        None => Failure::Malformed(shorten(&chain(kind))),
    }
}

/// An error with what caused it, on one line, without saying anything twice.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        source = error.source();
    }
    text
}

/// A node is not trusted with our screen.
pub(crate) fn shorten(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(TEXT_MAX)
        .collect()
}
