//! How a call of a module ends that does not do what was asked.

use abi::ModuleErrors;
use alloy_primitives::Bytes;
use alloy_sol_types::{Panic, PanicKind, Revert, SolError};

/// Why a module's call failed. Whatever the call changed is undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The caller's fault; the bytes are an ABI-encoded error. The unused gas goes back.
    Revert(Bytes),
    /// More gas would be needed. All gas of the call is used.
    OutOfGas,
    /// The call would change something and is static. All gas of the call is used, as with bytecode.
    WriteProtection,
    /// State that only the module writes is not as the module leaves it: a defect of the module. The transaction is left out of the block.
    Broken(String),
    /// The database does not answer. The host keeps the error; the node stops producing blocks, and no transaction is lost.
    Database,
}

impl Failure {
    /// A revert with a Solidity error.
    #[must_use]
    pub fn revert(error: &impl SolError) -> Self {
        Self::Revert(error.abi_encode().into())
    }

    /// A revert with one of Solidity's panics, such as [`PanicKind::UnderOverflow`] of checked arithmetic.
    #[must_use]
    pub fn panic(kind: PanicKind) -> Self {
        Self::revert(&Panic::from(kind))
    }

    /// A revert with `BadCall`: for calldata that is not a call of the module.
    #[must_use]
    pub fn bad_call() -> Self {
        Self::revert(&ModuleErrors::BadCall {})
    }

    /// A revert with a message, as of `require(condition, message)`.
    #[must_use]
    pub fn message(message: &str) -> Self {
        Self::revert(&Revert::from(message))
    }
}
