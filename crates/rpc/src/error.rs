//! Errors on the wire.

use alloy_primitives::{B256, Bytes};
use alloy_sol_types::{Revert, SolError};
use execution::{CallError, EstimateError, Refusal, SimulateError, TraceError};
use jsonrpsee::types::{
    ErrorObjectOwned,
    error::{INTERNAL_ERROR_CODE, INVALID_PARAMS_CODE},
};
use node::{PendingError, SubmitError, WaitError};
use std::time::Duration;
use store::StoreError;

/// Geth's code for whatever the ledger refuses.
const REFUSED_CODE: i32 = -32_000;
/// EIP-1474: limit exceeded.
const LIMIT_CODE: i32 = -32_005;
/// Geth's code for a call that reverted.
const REVERTED_CODE: i32 = 3;

/// EIP-7966: no receipt in time.
const UNTIMELY_CODE: i32 = 4;
/// EIP-7966: taken, but something has to come before it.
const UNREADY_CODE: i32 = 5;
/// Geth's code for what a node does not keep any longer.
const PRUNED_CODE: i32 = 4_444;

/// The answer of a method.
pub(crate) type Answer<T> = Result<T, ErrorObjectOwned>;

pub(crate) fn refused(message: impl Into<String>) -> ErrorObjectOwned {
    ErrorObjectOwned::owned::<()>(REFUSED_CODE, message, None)
}

pub(crate) fn invalid(message: impl Into<String>) -> ErrorObjectOwned {
    ErrorObjectOwned::owned::<()>(INVALID_PARAMS_CODE, message, None)
}

pub(crate) fn too_large(message: impl Into<String>) -> ErrorObjectOwned {
    ErrorObjectOwned::owned::<()>(LIMIT_CODE, message, None)
}

/// Blocks that the ledger came without, or that were pruned.
pub(crate) fn pruned(first: u64) -> ErrorObjectOwned {
    let message = format!("pruned history unavailable: blocks from {first} on are kept");
    ErrorObjectOwned::owned::<()>(PRUNED_CODE, message, None)
}

/// The node's own trouble; its details go to the log, which its owner reads.
pub(crate) fn internal(error: impl std::error::Error + 'static) -> ErrorObjectOwned {
    tracing::error!(error = &error as &dyn std::error::Error, "the chain can't be read");
    let message = "internal error: the chain can't be read";
    ErrorObjectOwned::owned::<()>(INTERNAL_ERROR_CODE, message, None)
}

/// Why there is no pending block: the chain can't be read, or this program does not know the rules of the next block.
pub(crate) fn not_pending(error: PendingError) -> ErrorObjectOwned {
    match error {
        PendingError::State(error) => internal(error),
        error => refused(error.to_string()),
    }
}

/// The history index cannot be read; the details go to the log.
pub(crate) fn unreadable_index(error: &history::IndexError) -> ErrorObjectOwned {
    tracing::error!(error = error as &dyn std::error::Error, "the history index can't be read");
    let message = "internal error: the history index can't be read";
    ErrorObjectOwned::owned::<()>(INTERNAL_ERROR_CODE, message, None)
}

/// A call that reverted with `output`; the text is for people, the data for programs.
pub(crate) fn reverted(output: Bytes) -> ErrorObjectOwned {
    let message = match Revert::abi_decode(&output) {
        Ok(revert) => format!("execution reverted: {}", revert.reason),
        Err(_) => "execution reverted".to_owned(),
    };
    ErrorObjectOwned::owned(REVERTED_CODE, message, Some(output))
}

/// A call that ended otherwise than by returning or reverting.
pub(crate) fn halted(reason: &str) -> ErrorObjectOwned {
    if reason.starts_with("OutOfGas") {
        return refused(format!("out of gas: {reason}"));
    }
    refused(format!("execution halted: {reason}"))
}

pub(crate) fn not_called(error: CallError<StoreError>) -> ErrorObjectOwned {
    match error {
        CallError::Refused(refusal) => refused(refusal.to_string()),
        CallError::UnknownRevision(error) => refused(error.to_string()),
        CallError::State(error) => internal(error),
    }
}

pub(crate) fn not_estimated(error: EstimateError<StoreError>) -> ErrorObjectOwned {
    match error {
        EstimateError::Call(error) => not_called(error),
        EstimateError::Reverted { output } => reverted(output),
        error @ EstimateError::Allowance { .. } => refused(error.to_string()),
        EstimateError::Halted { gas_limit, reason } if reason.starts_with("OutOfGas") => {
            refused(format!("gas required exceeds allowance ({gas_limit})"))
        }
        EstimateError::Halted { reason, .. } => halted(&reason),
    }
}

pub(crate) fn not_traced(error: TraceError<StoreError>) -> ErrorObjectOwned {
    match error {
        TraceError::Call(error) => not_called(error),
        TraceError::TooLarge => too_large(error.to_string()),
        TraceError::NoTransaction { .. } | TraceError::Diverged { .. } => {
            refused(error.to_string())
        }
    }
}

/// Why there is no simulation, with the codes of `eth_simulateV1`.
pub(crate) fn not_simulated(error: SimulateError<StoreError>) -> ErrorObjectOwned {
    let code = match &error {
        SimulateError::State(_) => INTERNAL_ERROR_CODE,
        SimulateError::UnknownRevision(_) => REFUSED_CODE,
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
        SimulateError::State(error) => internal(error),
        error => ErrorObjectOwned::owned::<()>(code, error.to_string(), None),
    }
}

/// A transaction is taken, and its sender's earlier ones or his money are missing. Source: EIP-7966.
pub(crate) fn unready(hash: B256) -> ErrorObjectOwned {
    let message = "the transaction waits, and can't be in a block yet: earlier nonces or funds of its sender are missing";
    ErrorObjectOwned::owned(UNREADY_CODE, message, Some(hash))
}

/// A transaction is taken, and in no block yet. Source: EIP-7966.
pub(crate) fn untimely(hash: B256, wait: Duration) -> ErrorObjectOwned {
    let message = format!(
        "the transaction waits, and was in no block within {wait:?}: ask for its receipt later"
    );
    ErrorObjectOwned::owned(UNTIMELY_CODE, message, Some(hash))
}

pub(crate) fn not_awaited(error: WaitError) -> ErrorObjectOwned {
    match error {
        WaitError::Store(error) => internal(error),
        error @ (WaitError::Unknown { .. }
        | WaitError::Halted { .. }
        | WaitError::Stopping { .. }) => refused(error.to_string()),
    }
}

pub(crate) fn not_submitted(error: SubmitError) -> ErrorObjectOwned {
    match error {
        SubmitError::Store(error) => internal(error),
        error @ SubmitError::Journal(_) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a transaction was not kept");
            ErrorObjectOwned::owned::<()>(INTERNAL_ERROR_CODE, error.to_string(), None)
        }
        error @ (SubmitError::Decode(_)
        | SubmitError::Refused(_)
        | SubmitError::Halted { .. }
        | SubmitError::Stopping) => refused(error.to_string()),
    }
}
