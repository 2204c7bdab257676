use std::time::Duration;

use alloy_primitives::{B256, Bytes};
use alloy_sol_types::SolError;
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use units::Wei;

use crate::line::LineError;

/// Longest text of a node that is quoted in our messages, in characters.
const TEXT_MAX: usize = 400;

/// Why a request to the ledger failed.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The address is not that of a node.
    #[error("{url:?} is not the address of a node: give http://HOST:PORT or https://HOST")]
    BadUrl {
        /// The given address.
        url: String,
    },
    /// No node answered within the caller's time limit.
    #[error("no node answers at {url} for {} s ({reason}): check that it is running", .waited.as_secs())]
    Unreachable {
        /// The node's address.
        url: String,
        /// The caller's time limit.
        waited: Duration,
        /// The last failure.
        reason: String,
    },
    /// The rules of the ledger refuse it. Nothing has changed.
    #[error("the ledger refused the request: {reason}")]
    Refused {
        /// The reason as text.
        reason: String,
        /// The ABI-encoded error, for [`LedgerError::refusal`].
        data: Bytes,
    },
    /// The node refused the request, for example for lack of funds.
    #[error("the node at {url} refused the request: {message}")]
    Rejected {
        /// The node's address.
        url: String,
        /// The node's message, shortened.
        message: String,
    },
    /// The node can't make or foretell the next block: that has a revision of the rules that it does not know.
    #[error("the node at {url} makes no further block: {message}")]
    Standstill {
        /// The node's address.
        url: String,
        /// The node's message, shortened.
        message: String,
    },
    /// The fees that the node names are higher than allowed. Nothing was sent.
    #[error(
        "the node asks for fees of up to {} GRAIN for the transaction, and {} are allowed: nothing was sent; allow more, or wait",
        .fee.to_grain(),
        .fee_max.to_grain()
    )]
    TooDear {
        /// What the transaction could cost.
        fee: Wei,
        /// What it may cost.
        fee_max: Wei,
    },
    /// A transaction was sent, but was not included in a block in time. It still may be.
    #[error("transaction {hash} was sent, but is not in a block after {} s: look it up before you repeat it", .waited.as_secs())]
    Unconfirmed {
        /// The transaction.
        hash: B256,
        /// The caller's time limit.
        waited: Duration,
    },
    /// Another transaction of the account, sent by another program, used its nonce.
    #[error(
        "transaction {hash} was replaced by another one of the same account: check whether a second program uses the account"
    )]
    Displaced {
        /// The transaction.
        hash: B256,
    },
    /// The node's answer is malformed.
    #[error("the node at {url} sent a malformed answer: {reason}")]
    Malformed {
        /// The node's address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A module's answer is not one that its interface allows.
    #[error("the ledger's answer can't be used")]
    Unreadable {
        /// What was asked, of whom, and what came back.
        source: Box<ledger_views::ViewError<LedgerError>>,
    },
    /// A change was requested without a key to sign it.
    #[error("this connection is read-only: open an account of the wallet to change the ledger")]
    ReadOnly,
}

impl LedgerError {
    /// Returns the rule's error, if it is an `E`.
    #[must_use]
    pub fn refusal<E: SolError>(&self) -> Option<E> {
        match self {
            Self::Refused { data, .. } => E::abi_decode(data).ok(),
            _ => None,
        }
    }
}

/// The meaning of a failed request.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The node can't be reached; the request may be repeated.
    Unreachable(String),
    /// A rule refused; the ABI-encoded error.
    Reverted(Bytes),
    /// The node refused.
    Rejected(String),
    /// The next block has rules that the node does not know.
    Standstill(String),
    /// The answer is malformed.
    Malformed(String),
}

impl From<LineError> for Failure {
    fn from(error: LineError) -> Self {
        match error {
            LineError::Unreachable { reason } => Self::Unreachable(shorten(&reason)),
            LineError::TooLong { reason } => Self::Malformed(shorten(&reason)),
        }
    }
}

/// A JSON-RPC answer. Its `id` is not compared: an answer on this connection belongs to the request before it.
#[derive(Deserialize)]
struct Answer {
    /// May be `null`; absent only beside an error.
    #[serde(default, deserialize_with = "present")]
    result: Option<Value>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: i64,
    message: String,
    #[serde(default)]
    data: Value,
}

impl Failure {
    /// Returns the result that an HTTP answer holds.
    pub(crate) fn in_answer(status: u16, body: &[u8]) -> Result<Value, Self> {
        let status = StatusCode::from_u16(status)
            .map_err(|_| Self::Malformed(format!("HTTP status {status}")))?;
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            // The node, or a proxy before it, is busy or starting.
            let text = String::from_utf8_lossy(body);
            return Err(Self::Unreachable(shorten(&format!("HTTP status {status}: {text}"))));
        }
        if !status.is_success() {
            return Err(Self::Malformed(format!("HTTP status {status}")));
        }
        let answer: Answer = serde_json::from_slice(body).map_err(|error| {
            Self::Malformed(shorten(&format!("not a JSON-RPC answer: {error}")))
        })?;
        match answer {
            Answer { error: Some(refusal), .. } => Err(refusal.into()),
            Answer { result: Some(result), .. } => Ok(result),
            Answer { .. } => Err(Self::Malformed("neither a result nor an error".to_owned())),
        }
    }
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl From<Refusal> for Failure {
    fn from(Refusal { code, message, data }: Refusal) -> Self {
        let is_revert = message.contains("revert");
        match revert_data(&data).filter(|_| is_revert) {
            Some(data) => Self::Reverted(data),
            // A revert without data is still a revert.
            None if code == REVERTED && is_revert => Self::Reverted(Bytes::new()),
            None if code == UNKNOWN_RULES => Self::Standstill(shorten(&message)),
            None => Self::Rejected(shorten(&message)),
        }
    }
}

/// Code of what needs a block with a revision of the rules that the node does not know: ours.
const UNKNOWN_RULES: i64 = -32_010;

/// Code of a reverted call, as in geth.
const REVERTED: i64 = 3;

/// Returns the ABI-encoded error of a revert. Nodes send it as a string, or in an object with other fields.
fn revert_data(data: &Value) -> Option<Bytes> {
    match data {
        Value::String(text) => text.parse().ok(),
        Value::Object(fields) => {
            fields.values().find_map(|value| value.as_str().and_then(|text| text.parse().ok()))
        }
        _ => None,
    }
}

/// Shortens a text of a node and removes control characters, since the node is not trusted.
pub(crate) fn shorten(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(TEXT_MAX)
        .collect()
}
