//! Changes of the state without a transaction, for development ledgers.

use crate::{
    changes::StateChanges,
    overlay::Overlay,
    overrides::{AccountOverride, StorageOverride, is_precompile},
    stateless::NONCE_MAX,
    supply,
};
use alloy_primitives::{Address, Bytes, U256};
use revm::DatabaseRef;

/// A changed field of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amendment {
    /// The balance, in the smallest unit.
    Balance(U256),
    /// The next nonce.
    Nonce(u64),
    /// The code.
    Code(Bytes),
    /// The value of a storage slot.
    Slot(U256, U256),
}

/// Why an account can't be changed.
#[derive(Debug, thiserror::Error)]
pub enum AmendmentError<E: std::error::Error + 'static> {
    /// The sum of all balances would exceed 2^128 - 1.
    #[error("the sum of all balances would exceed 2^128 - 1: set a lower balance")]
    SupplyTooLarge,
    /// The account is a native module, whose code is not in the state.
    #[error("{address} is the address of a native module: its code can't be changed")]
    Native {
        /// The address.
        address: Address,
    },
    /// A precompile of Ethereum would run instead of the code.
    #[error("{address} is a precompile of Ethereum: its code can't be changed")]
    Precompile {
        /// The address.
        address: Address,
    },
    /// EIP-2681: no transaction can have this nonce.
    #[error("nonce {nonce} is too large: at most 2^64 - 2 is allowed")]
    Nonce {
        /// Given.
        nonce: u64,
    },
    /// The snapshot could not be read.
    #[error("state could not be read")]
    State(#[source] E),
}

/// Returns the state changes of an amendment; that of a balance also changes the supply of GRAIN. Returns no changes
/// if the value is the same.
///
/// # Errors
/// [`AmendmentError`]
pub fn amend<DB: DatabaseRef>(
    state: &DB,
    address: Address,
    amendment: Amendment,
) -> Result<StateChanges, AmendmentError<DB::Error>> {
    if matches!(amendment, Amendment::Code(_)) && native_modules::is_reserved(&address) {
        return Err(AmendmentError::Native { address });
    }
    if matches!(amendment, Amendment::Code(_)) && is_precompile(&address) {
        return Err(AmendmentError::Precompile { address });
    }
    let amended = match amendment {
        Amendment::Balance(balance) => {
            AccountOverride { balance: Some(balance), ..AccountOverride::default() }
        }
        Amendment::Nonce(nonce) if nonce > NONCE_MAX => {
            return Err(AmendmentError::Nonce { nonce });
        }
        Amendment::Nonce(nonce) => {
            AccountOverride { nonce: Some(nonce), ..AccountOverride::default() }
        }
        Amendment::Code(code) => AccountOverride { code: Some(code), ..AccountOverride::default() },
        Amendment::Slot(slot, value) => {
            let storage = Some(StorageOverride::Slots([(slot, value)].into()));
            AccountOverride { storage, ..AccountOverride::default() }
        }
    };
    let mut overlay = Overlay::new(state);
    overlay.override_account(address, &amended).map_err(AmendmentError::State)?;
    let mut changes = overlay.into_changes();
    let supply = supply::amend(&mut changes, state).map_err(AmendmentError::State)?;
    if supply > U256::from(u128::MAX) {
        return Err(AmendmentError::SupplyTooLarge);
    }
    Ok(changes)
}
