//! Overrides of account and block fields for a call.

use crate::{environment::Environment, overlay::Overlay, rules::Rules};
use alloy_primitives::{Address, B256, Bytes, U256};
use revm::{DatabaseRef, handler::EthPrecompiles, primitives::hardfork::SpecId};
use std::collections::BTreeMap;

/// Overridden storage of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageOverride {
    /// These slots; every other slot is zero.
    Whole(BTreeMap<U256, U256>),
    /// These slots; every other slot is unchanged.
    Slots(BTreeMap<U256, U256>),
}

/// Overridden fields of an account; `None` is unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountOverride {
    /// Balance in the smallest unit.
    pub balance: Option<U256>,
    /// Next nonce.
    pub nonce: Option<u64>,
    /// Code; other code at the address of a native module replaces the module.
    pub code: Option<Bytes>,
    /// Storage.
    pub storage: Option<StorageOverride>,
}

/// Overridden fields of the block; `None` is unchanged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockOverrides {
    /// Height.
    pub number: Option<u64>,
    /// The account that receives tips.
    pub timestamp: Option<u64>,
    /// Receives tips.
    pub beneficiary: Option<Address>,
    /// Randomness (EIP-4399).
    pub prevrandao: Option<B256>,
    /// Gas limit of the block. A call still has at most the gas of a real block.
    pub gas_limit: Option<u64>,
    /// Base fee in the smallest unit per gas. A call sees it, but does not pay it.
    pub base_fee: Option<u64>,
}

/// All overrides of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The block.
    pub block: BlockOverrides,
    /// Accounts by address.
    pub accounts: BTreeMap<Address, AccountOverride>,
}

impl BlockOverrides {
    /// Returns `environment` with the overrides; the revision is that of its height.
    #[must_use]
    pub fn applied_to(&self, environment: &Environment, rules: &Rules) -> Environment {
        let number = self.number.unwrap_or(environment.number);
        Environment {
            number,
            timestamp: self.timestamp.unwrap_or(environment.timestamp),
            beneficiary: self.beneficiary.unwrap_or(environment.beneficiary),
            prevrandao: self.prevrandao.unwrap_or(environment.prevrandao),
            gas_limit: self.gas_limit.unwrap_or(environment.gas_limit),
            base_fee: self.base_fee.unwrap_or(environment.base_fee),
            revision: rules.revision_at(number),
        }
    }
}

/// Returns whether an Ethereum precompile is at an address. It runs whatever code the account has, so code is refused
/// there: in the genesis file, in overrides and in amendments.
#[must_use]
pub fn is_precompile(address: &Address) -> bool {
    EthPrecompiles::new(SpecId::OSAKA).contains(address)
}

/// Applies the account overrides to an overlay.
pub(crate) fn apply<DB: DatabaseRef>(
    overlay: &mut Overlay<'_, DB>,
    accounts: &BTreeMap<Address, AccountOverride>,
) -> Result<(), DB::Error> {
    for (address, account) in accounts {
        overlay.override_account(*address, account)?;
    }
    Ok(())
}
