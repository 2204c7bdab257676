//! Why a statement is not brought into a block.

use crate::error::SubmitError;
use alloy_primitives::{Address, Bytes, U256};
use store::StoreError;

/// Why a statement was refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StatementError {
    /// The call is none that is relayed.
    #[error(
        "this call of {to} is not relayed: relayed are enroll, leave, commit, verdict, rule, draw, settle, expire, close, lapse and abandon of TrainingRuns and link of Devices"
    )]
    NotRelayed {
        /// Who would be called.
        to: Address,
    },
    /// The calldata is not the encoding of the function's arguments.
    #[error("the calldata of {function} is malformed: encode its arguments as the ABI says")]
    Malformed {
        /// Its name.
        function: &'static str,
    },
    /// The calldata is too long.
    #[error("a statement of {size} bytes is too long: {function} has at most {size_max}")]
    TooLong {
        /// Its name.
        function: &'static str,
        /// Bytes of the calldata.
        size: usize,
        /// Most bytes.
        size_max: usize,
    },
    /// The ledger would refuse it; the ABI-encoded error.
    #[error("execution reverted: {}", sentence(output))]
    Refused {
        /// The ABI-encoded error.
        output: Bytes,
    },
    /// It would take too much gas, or stop with an EVM error.
    #[error("the statement can't be executed with {gas_max} gas: {reason}")]
    NotExecuted {
        /// A third of the block's gas.
        gas_max: u64,
        /// The machine's word for it.
        reason: String,
    },
    /// The device, or the client with calls that anybody may make, came too often, or with statements that the ledger then refused.
    #[error("too many statements: try again in {seconds} s")]
    TooOften {
        /// After how many seconds one is accepted.
        seconds: u64,
    },
    /// The queue, or its part for this device or client, is full.
    #[error("{waiting} statements of {of} wait already: try again when they are in a block")]
    Full {
        /// Whose statements they are.
        of: &'static str,
        /// How many there are.
        waiting: usize,
    },
    /// The relay account can't pay for the transaction.
    #[error(
        "insufficient funds: the node's relay account {account} has {balance} wei, {needed} are needed: its operator has to send GRAIN to it, or send the statement in a transaction of your own"
    )]
    NoFunds {
        /// The relay account.
        account: Address,
        /// What it has, in the smallest unit.
        balance: U256,
        /// What it needs.
        needed: U256,
    },
    /// The mempool did not take the transaction, or there are no more blocks.
    #[error("the statement was not sent: {0}")]
    NotSent(String),
    /// The node is stopping.
    #[error("the node is stopping: send the statement again after its restart")]
    Stopping,
    /// The state could not be read.
    #[error("the statement was not sent: reading the chain failed, see the node's log")]
    Store,
}

impl From<StoreError> for StatementError {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "reading the chain failed");
        Self::Store
    }
}

impl From<SubmitError> for StatementError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Store(error) => error.into(),
            SubmitError::Stopping => Self::Stopping,
            error => Self::NotSent(error.to_string()),
        }
    }
}

/// Returns the sentence of a module's error.
fn sentence(output: &[u8]) -> String {
    match abi::decode_error(output) {
        Some((_, sentence)) => sentence,
        None => format!("error {}", Bytes::copy_from_slice(output)),
    }
}
