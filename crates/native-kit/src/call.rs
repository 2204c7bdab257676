//! Calls of other contracts by a module.

use alloy_primitives::{Address, Bytes, U256};

use crate::Failure;

/// A message from a module to another account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The account called.
    pub to: Address,
    /// Native value sent with the call, in the smallest unit.
    pub value: U256,
    /// Calldata.
    pub input: Bytes,
    /// The most gas to pass on; `None` for all but a 64th (EIP-150).
    pub gas_limit: Option<u64>,
    /// Whether the callee may change nothing (`STATICCALL`).
    pub is_static: bool,
}

impl Call {
    /// Returns a call without value and with all gas but a 64th.
    #[must_use]
    pub fn new(to: Address, input: impl Into<Bytes>) -> Self {
        Self { to, value: U256::ZERO, input: input.into(), gas_limit: None, is_static: false }
    }

    /// Returns a call that may change nothing.
    #[must_use]
    pub fn reading(to: Address, input: impl Into<Bytes>) -> Self {
        Self { is_static: true, ..Self::new(to, input) }
    }
}

/// How a nested call ended. Whatever a call that did not return has changed is undone already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned these bytes.
    Returned(Bytes),
    /// It reverted with these bytes.
    Reverted(Bytes),
    /// It ended abnormally: out of gas, an invalid instruction, too deep, or too little value for the transfer.
    Halted,
}

impl Outcome {
    /// Returns the bytes returned; passes the callee's revert on to the caller, as Solidity does for a high-level call.
    ///
    /// # Errors
    /// [`Failure::Revert`] with the callee's data, which is empty if it halted.
    pub fn returned(self) -> Result<Bytes, Failure> {
        match self {
            Self::Returned(output) => Ok(output),
            Self::Reverted(output) => Err(Failure::Revert(output)),
            Self::Halted => Err(Failure::Revert(Bytes::new())),
        }
    }
}
