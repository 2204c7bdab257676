//! The JSON-RPC errors: their codes and texts.

use crate::reverts;
use alloy_primitives::{B256, Bytes};
use execution::{
    CallError, EstimateError, OUT_OF_GAS, Refusal, SimulateError, TraceError, UnknownRevision,
};
use node::{PendingError, StatementError, SubmitError, Unread, WaitError};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use std::time::Duration;
use store::StoreError;

/// JSON-RPC 2.0: the message is not JSON.
pub(crate) const PARSE_ERROR_CODE: i32 = -32_700;
/// JSON-RPC 2.0: the message is JSON, but not a request.
pub(crate) const INVALID_REQUEST_CODE: i32 = -32_600;
/// JSON-RPC 2.0: the method does not exist.
pub(crate) const METHOD_NOT_FOUND_CODE: i32 = -32_601;
/// JSON-RPC 2.0: the parameters are invalid for the method.
pub(crate) const INVALID_PARAMS_CODE: i32 = -32_602;
/// JSON-RPC 2.0: the server failed.
pub(crate) const INTERNAL_ERROR_CODE: i32 = -32_603;
/// How much of a method's name an error repeats, in characters.
const METHOD_NAME_SHOWN: usize = 64;

/// Geth's code for every refusal by the ledger.
const REFUSED_CODE: i32 = -32_000;
/// EIP-1474: limit exceeded.
const LIMIT_CODE: i32 = -32_005;
/// Geth's code for a call that reverted.
const REVERTED_CODE: i32 = 3;

/// Geth's code for a request that took too long.
const TIMED_OUT_CODE: i32 = -32_002;
/// EIP-7966: no receipt within the time limit.
const UNTIMELY_CODE: i32 = 4;
/// EIP-7966: accepted, but an earlier transaction or funds are missing.
const UNREADY_CODE: i32 = 5;
/// Ours: the next block has a revision of the rules that this program does not know.
const UNKNOWN_RULES_CODE: i32 = -32_010;
/// Geth's code for data that the node has pruned.
const PRUNED_CODE: i32 = 4_444;

/// The result of a method.
pub(crate) type Answer<T> = Result<T, ErrorObject>;

/// The error of a failed request. Source: JSON-RPC 2.0, section 5.1.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ErrorObject {
    code: i32,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
}

impl ErrorObject {
    /// Returns an error without data.
    pub(crate) fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// Returns an error with data for programs.
    pub(crate) fn with_data(code: i32, message: impl Into<String>, data: &impl Serialize) -> Self {
        Self { data: to_raw_value(data).ok(), ..Self::new(code, message) }
    }

    pub(crate) fn code(&self) -> i32 {
        self.code
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

pub(crate) fn refused(message: impl Into<String>) -> ErrorObject {
    ErrorObject::new(REFUSED_CODE, message)
}

fn unknown_rules(error: &UnknownRevision) -> ErrorObject {
    ErrorObject::new(UNKNOWN_RULES_CODE, error.to_string())
}

pub(crate) fn invalid(message: impl Into<String>) -> ErrorObject {
    ErrorObject::new(INVALID_PARAMS_CODE, message)
}

pub(crate) fn too_large(message: impl Into<String>) -> ErrorObject {
    ErrorObject::new(LIMIT_CODE, message)
}

/// Returns the error for an unknown method. The text is geth's.
pub(crate) fn no_method(name: &str) -> ErrorObject {
    let name: String = name.chars().take(METHOD_NAME_SHOWN).collect();
    let message = format!("the method {name} does not exist/is not available");
    ErrorObject::new(METHOD_NOT_FOUND_CODE, message)
}

/// Returns the error for a method that panicked: a defect of this program.
pub(crate) fn panicked() -> ErrorObject {
    ErrorObject::new(INTERNAL_ERROR_CODE, "internal error: the request was not finished")
}

/// Returns the error for blocks that were pruned, or that are older than the ledger's snapshot.
pub(crate) fn pruned(first: u64) -> ErrorObject {
    let message = format!("pruned history unavailable: blocks from {first} on are kept");
    ErrorObject::new(PRUNED_CODE, message)
}

/// Returns the error for a request that took longer than `patience`.
pub(crate) fn timed_out(patience: Duration) -> ErrorObject {
    let message = format!("request timed out after {patience:?}: ask for less at a time");
    ErrorObject::new(TIMED_OUT_CODE, message)
}

/// Returns the error for work that nobody waits for; nobody reads it.
pub(crate) fn abandoned() -> ErrorObject {
    ErrorObject::new(TIMED_OUT_CODE, "the request was abandoned")
}

fn unread(error: Unread<StoreError>) -> ErrorObject {
    match error {
        Unread::Abandoned => abandoned(),
        Unread::Unreadable(error) => internal(error),
    }
}

/// Logs the details of an error of the node's store, and returns an error without them.
pub(crate) fn internal(error: impl std::error::Error + 'static) -> ErrorObject {
    tracing::error!(error = &error as &dyn std::error::Error, "reading the chain failed");
    let message = "internal error: reading the chain failed, see the node's log";
    ErrorObject::new(INTERNAL_ERROR_CODE, message)
}

/// Why there is no pending block: the chain can't be read, or this program does not know the rules of the next block.
pub(crate) fn not_pending(error: PendingError) -> ErrorObject {
    match error {
        PendingError::State(error) => internal(error),
        PendingError::UnknownRevision(error) => unknown_rules(&error),
        error => refused(error.to_string()),
    }
}

/// The history index cannot be read; the details go to the log.
pub(crate) fn unreadable_index(error: &history::IndexError) -> ErrorObject {
    tracing::error!(error = error as &dyn std::error::Error, "the history index can't be read");
    let message = "internal error: the history index can't be read";
    ErrorObject::new(INTERNAL_ERROR_CODE, message)
}

/// Returns the error for a call that reverted with `output`; the text is for people, the data for programs.
pub(crate) fn reverted(output: Bytes) -> ErrorObject {
    let message = match reverts::reason(&output) {
        Some(reason) => format!("execution reverted: {reason}"),
        None => "execution reverted".to_owned(),
    };
    ErrorObject::with_data(REVERTED_CODE, message, &output)
}

/// Returns the error for a call that the machine stopped.
pub(crate) fn halted(reason: &str) -> ErrorObject {
    match reason {
        OUT_OF_GAS => refused(OUT_OF_GAS),
        reason => refused(format!("execution halted: {reason}")),
    }
}

pub(crate) fn not_called(error: CallError<Unread<StoreError>>) -> ErrorObject {
    match error {
        CallError::Refused(refusal) => refused(refusal.to_string()),
        CallError::UnknownRevision(error) => unknown_rules(&error),
        CallError::State(error) => unread(error),
    }
}

pub(crate) fn not_estimated(error: EstimateError<Unread<StoreError>>) -> ErrorObject {
    match error {
        EstimateError::Call(error) => not_called(error),
        EstimateError::Reverted { output } => reverted(output),
        error @ EstimateError::Allowance { .. } => refused(error.to_string()),
        EstimateError::Halted { gas_limit, reason } if reason == OUT_OF_GAS => {
            refused(format!("gas required exceeds allowance ({gas_limit})"))
        }
        EstimateError::Halted { reason, .. } => halted(&reason),
    }
}

pub(crate) fn not_traced(error: TraceError<Unread<StoreError>>) -> ErrorObject {
    match error {
        TraceError::Call(error) => not_called(error),
        TraceError::TooLarge => too_large(error.to_string()),
        TraceError::NoTransaction { .. } | TraceError::Diverged { .. } => {
            refused(error.to_string())
        }
    }
}

/// Returns the error for a failed simulation, with the codes of `eth_simulateV1`.
pub(crate) fn not_simulated(error: SimulateError<Unread<StoreError>>) -> ErrorObject {
    let code = match &error {
        SimulateError::State(_) => INTERNAL_ERROR_CODE,
        SimulateError::UnknownRevision(_) => UNKNOWN_RULES_CODE,
        SimulateError::Number { .. } => -38_020,
        SimulateError::Timestamp { .. } => -38_021,
        SimulateError::Blocks | SimulateError::Gas { .. } | SimulateError::Size => -38_026,
        SimulateError::Refused { reason, .. } => match reason {
            Refusal::NonceTooLow { .. } => -38_010,
            Refusal::NonceTooHigh { .. } => -38_011,
            Refusal::FeeBelowBaseFee { .. } => -38_012,
            Refusal::IntrinsicGas { .. } => -38_013,
            Refusal::InsufficientFunds { .. } | Refusal::InsufficientFundsForTransfer { .. } => {
                -38_014
            }
            Refusal::BlockFull { .. } | Refusal::GasLimitTooHigh { .. } => -38_015,
            Refusal::Sender { .. } => -38_024,
            Refusal::CreationCodeTooLong { .. } => -38_025,
            Refusal::WrongChain { .. }
            | Refusal::NonceTooLarge { .. }
            | Refusal::TipAboveMaxFee { .. }
            | Refusal::TypeNotSupported { .. }
            | Refusal::Fault { .. }
            | Refusal::Invalid(_) => INVALID_PARAMS_CODE,
        },
    };
    match error {
        SimulateError::State(error) => unread(error),
        error => ErrorObject::new(code, error.to_string()),
    }
}

/// The error for a transaction that carries blobs.
pub(crate) const NO_BLOBS: &str = "transaction type not supported: blobs are not supported on this ledger, send the data as calldata";

/// Returns the error for a transaction that is in the mempool, but whose sender's earlier nonces or funds are
/// missing. Source: EIP-7966.
pub(crate) fn unready(hash: B256) -> ErrorObject {
    let message = "the transaction waits, and can't be in a block yet: earlier nonces or funds of its sender are missing";
    ErrorObject::with_data(UNREADY_CODE, message, &hash)
}

/// Returns the error for a transaction that is in the mempool, but not yet in a block. Source: EIP-7966.
pub(crate) fn untimely(hash: B256, wait: Duration) -> ErrorObject {
    let message = format!(
        "the transaction waits, and was in no block within {wait:?}: ask for its receipt later"
    );
    ErrorObject::with_data(UNTIMELY_CODE, message, &hash)
}

pub(crate) fn not_awaited(error: WaitError) -> ErrorObject {
    match error {
        WaitError::Store(error) => internal(error),
        error @ (WaitError::Unknown { .. }
        | WaitError::Halted { .. }
        | WaitError::Stopping { .. }) => refused(error.to_string()),
    }
}

pub(crate) fn not_submitted(error: SubmitError) -> ErrorObject {
    match error {
        SubmitError::Store(error) => internal(error),
        error @ SubmitError::Journal(_) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "writing a transaction to the mempool's file failed"
            );
            ErrorObject::new(INTERNAL_ERROR_CODE, error.to_string())
        }
        error @ (SubmitError::Decode(_)
        | SubmitError::Refused(_)
        | SubmitError::Halted { .. }
        | SubmitError::Stopping) => refused(error.to_string()),
    }
}

/// Returns the error for a statement that is not brought into a block.
pub(crate) fn not_relayed(error: StatementError) -> ErrorObject {
    let message = error.to_string();
    match error {
        StatementError::Refused { output } => {
            ErrorObject::with_data(REVERTED_CODE, message, &output)
        }
        StatementError::NotRelayed { .. }
        | StatementError::Malformed { .. }
        | StatementError::TooLong { .. } => invalid(message),
        StatementError::TooOften { .. } | StatementError::Full { .. } => too_large(message),
        StatementError::Store => ErrorObject::new(INTERNAL_ERROR_CODE, message),
        StatementError::NotExecuted { .. }
        | StatementError::NoFunds { .. }
        | StatementError::NotSent(_)
        | StatementError::Stopping => refused(message),
    }
}
