//! Changes of the state that no transaction makes: for a ledger for development.

use crate::{
    changes::StateChanges,
    overlay::Overlay,
    overrides::{AccountOverride, StorageOverride, is_precompile},
    stateless::NONCE_MAX,
    supply,
};
use alloy_primitives::{Address, Bytes, U256};
use revm::DatabaseRef;

/// What an account has from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amendment {
    /// Its balance, in the smallest unit.
    Balance(U256),
    /// Its next nonce.
    Nonce(u64),
    /// Its code.
    Code(Bytes),
    /// What a slot of its storage holds.
    Slot(U256, U256),
}

/// Why an account can't be amended.
#[derive(Debug, thiserror::Error)]
pub enum AmendmentError<E: std::error::Error + 'static> {
    /// More value than the rules can count.
    #[error("all balances together would be more than 2^128 - 1: set a lower one")]
    SupplyTooLarge,
    /// The code of a module is not in the state.
    #[error("{address} is where a native module answers: its code can't be changed")]
    Native {
        /// The address.
        address: Address,
    },
    /// A precompile of Ethereum would answer all the same.
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

/// What changes with an amendment of an account: with a balance the supply of GRAIN does, too. Nothing, if it is so already.
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
    overlay.imagine(address, &amended).map_err(AmendmentError::State)?;
    let mut changes = overlay.into_changes();
    let supply = supply::amend(&mut changes, state).map_err(AmendmentError::State)?;
    if supply > U256::from(u128::MAX) {
        return Err(AmendmentError::SupplyTooLarge);
    }
    Ok(changes)
}
