//! The methods of development ledgers, which test suites know from anvil and hardhat.
//!
//! On any other ledger these methods do not exist.

mod accounts;
mod chain;
mod failures;
mod state;

use crate::{
    error::{Answer, ErrorObject, internal, invalid, refused},
    method_table::Methods,
};
use execution::AmendmentError;
use node::{Development, DevelopmentError, Node};

pub use accounts::{TEST_PHRASE, test_accounts};

/// Aliases of methods: (alias, method).
const ALIASES: [(&str, &str); 38] = [
    ("anvil_autoImpersonateAccount", "hardhat_autoImpersonateAccount"),
    ("anvil_dropAllTransactions", "hardhat_dropAllTransactions"),
    ("anvil_getAutomine", "hardhat_getAutomine"),
    ("anvil_impersonateAccount", "hardhat_impersonateAccount"),
    ("anvil_increaseTime", "evm_increaseTime"),
    ("anvil_metadata", "hardhat_metadata"),
    ("anvil_mine", "hardhat_mine"),
    ("anvil_removeBlockTimestampInterval", "evm_removeBlockTimestampInterval"),
    ("anvil_reset", "hardhat_reset"),
    ("anvil_revert", "evm_revert"),
    ("anvil_setAutomine", "evm_setAutomine"),
    ("anvil_setBalance", "hardhat_setBalance"),
    ("anvil_setBlockGasLimit", "evm_setBlockGasLimit"),
    ("anvil_setBlockTimestampInterval", "evm_setBlockTimestampInterval"),
    ("anvil_setCode", "hardhat_setCode"),
    ("anvil_setCoinbase", "hardhat_setCoinbase"),
    ("anvil_setLoggingEnabled", "hardhat_setLoggingEnabled"),
    ("anvil_setNextBlockBaseFeePerGas", "hardhat_setNextBlockBaseFeePerGas"),
    ("anvil_setNextBlockTimestamp", "evm_setNextBlockTimestamp"),
    ("anvil_setNonce", "hardhat_setNonce"),
    ("anvil_setStorageAt", "hardhat_setStorageAt"),
    ("anvil_setTime", "evm_setTime"),
    ("anvil_snapshot", "evm_snapshot"),
    ("anvil_stopImpersonatingAccount", "hardhat_stopImpersonatingAccount"),
    ("eth_requestAccounts", "eth_accounts"),
    ("eth_sendUnsignedTransaction", "anvil_sendUnsignedTransaction"),
    ("eth_signTypedData", "eth_signTypedData_v4"),
    ("evm_setAccountBalance", "hardhat_setBalance"),
    ("evm_setAccountCode", "hardhat_setCode"),
    ("evm_setAccountNonce", "hardhat_setNonce"),
    ("evm_setAccountStorageAt", "hardhat_setStorageAt"),
    ("hardhat_increaseTime", "evm_increaseTime"),
    ("hardhat_setAutomine", "evm_setAutomine"),
    ("hardhat_setIntervalMining", "evm_setIntervalMining"),
    ("hardhat_setNextBlockTimestamp", "evm_setNextBlockTimestamp"),
    ("hardhat_setTime", "evm_setTime"),
    ("hardhat_snapshot", "evm_snapshot"),
    ("hardhat_revert", "evm_revert"),
];

/// Adds all development methods.
pub(crate) fn add(methods: &mut Methods) {
    accounts::add(methods);
    chain::add(methods);
    state::add(methods);
    for (other, one) in ALIASES {
        methods.add_alias(other, one);
    }
}

/// Returns the development interface of a node that has these methods.
fn development(node: &Node) -> Answer<Development<'_>> {
    node.development().ok_or_else(|| refused("this ledger is not for development"))
}

fn not_done(error: DevelopmentError) -> ErrorObject {
    match error {
        DevelopmentError::Store(error)
        | DevelopmentError::Amendment(AmendmentError::State(error)) => internal(error),
        error @ (DevelopmentError::Halted { .. } | DevelopmentError::Stopping) => {
            refused(error.to_string())
        }
        error @ (DevelopmentError::Time { .. }
        | DevelopmentError::Blocks { .. }
        | DevelopmentError::Snapshots
        | DevelopmentError::Amendment(_)) => invalid(error.to_string()),
    }
}
