//! Accounts and contracts.

use abi::{asset_number, convert};
use alloy_primitives::U256;
use units::AccountId;

use crate::{Ask, ViewError};

/// An account or contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// Its address.
    pub account: AccountId,
    /// What it holds of GRAIN, in the smallest unit; on a ledger for development it may be more than there can be.
    pub balance: U256,
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// What answers there.
    pub code: Code,
}

/// What answers at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Nothing: only a key.
    None,
    /// A native module, or an instance that one has created.
    Module {
        /// Its name in the catalogue.
        name: &'static str,
    },
    /// A native module that is an asset.
    Asset {
        /// The asset's number.
        number: u64,
    },
    /// The code of another contract, for an account with a key (EIP-7702).
    Delegated {
        /// That contract.
        to: AccountId,
    },
    /// A contract.
    Contract {
        /// Bytes of its code.
        size: usize,
    },
}

/// Reads an account or contract; one that nobody has used is empty.
///
/// # Errors
/// [`ViewError::Unanswered`].
pub async fn account<A: Ask>(
    ledger: &A,
    account: &AccountId,
) -> Result<AccountView, ViewError<A::Error>> {
    let state = ledger.account(convert::address(*account)).await?;
    Ok(AccountView {
        account: *account,
        balance: state.balance,
        nonce: state.nonce,
        code: code(account, &state.code),
    })
}

fn code(account: &AccountId, code: &[u8]) -> Code {
    let address = convert::address(*account);
    if let Some(module) = abi::Module::of(&address, code) {
        return match asset_number(&address) {
            Some(number) => Code::Asset { number },
            None => Code::Module { name: module.name },
        };
    }
    match code {
        [] => Code::None,
        [0xef, 0x01, 0x00, to @ ..] => match <[u8; 20]>::try_from(to) {
            Ok(to) => Code::Delegated { to: AccountId::from_bytes(to) },
            Err(_) => Code::Contract { size: code.len() },
        },
        _ => Code::Contract { size: code.len() },
    }
}
