//! Failures of a module's call.

use abi::ModuleErrors;
use alloy_primitives::Bytes;
use alloy_sol_types::{Panic, PanicKind, Revert, SolError};

/// Why a module's call failed. Whatever the call changed is undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The caller made an error; the bytes are an ABI-encoded error. The unused gas is returned.
    Revert(Bytes),
    /// The gas limit is too low. All gas of the call is used.
    OutOfGas,
    /// The call is static but would change the state. All gas of the call is used, as with bytecode.
    WriteProtection,
    /// State that only the module writes is invalid: a defect of the module. The transaction is left out of the block.
    Broken(String),
    /// The database does not answer. The host keeps the error; the node stops producing blocks, and no transaction is lost.
    Database,
}

impl Failure {
    /// Returns a revert with a Solidity error.
    #[must_use]
    pub fn revert(error: &impl SolError) -> Self {
        Self::Revert(error.abi_encode().into())
    }

    /// Returns a revert with one of Solidity's panics, such as [`PanicKind::UnderOverflow`] of checked arithmetic.
    #[must_use]
    pub fn panic(kind: PanicKind) -> Self {
        Self::revert(&Panic::from(kind))
    }

    /// Returns a revert with `BadCall`: for calldata that is not a call of the module.
    #[must_use]
    pub fn bad_call() -> Self {
        Self::revert(&ModuleErrors::BadCall {})
    }

    /// Returns a revert with a message, as of `require(condition, message)`.
    #[must_use]
    pub fn message(message: &str) -> Self {
        Self::revert(&Revert::from(message))
    }
}
