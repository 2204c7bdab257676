//! What a preview imagines: other accounts, another block.

use crate::{environment::Environment, overlay::Overlay, rules::Rules};
use alloy_primitives::{Address, B256, Bytes, U256};
use revm::{DatabaseRef, handler::EthPrecompiles, primitives::hardfork::SpecId};
use std::collections::BTreeMap;

/// Storage of an account that a preview imagines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageOverride {
    /// These slots, and every other is zero.
    Whole(BTreeMap<U256, U256>),
    /// These slots, and every other as it is.
    Slots(BTreeMap<U256, U256>),
}

/// What a preview imagines of an account; `None` is as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountOverride {
    /// In the smallest unit.
    pub balance: Option<U256>,
    /// Next nonce.
    pub nonce: Option<u64>,
    /// Code; other code at the address of a module takes the module's place.
    pub code: Option<Bytes>,
    /// Storage.
    pub storage: Option<StorageOverride>,
}

/// What a preview imagines of its block; `None` is as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockOverrides {
    /// Height.
    pub number: Option<u64>,
    /// Unix seconds.
    pub timestamp: Option<u64>,
    /// Receives tips.
    pub beneficiary: Option<Address>,
    /// Randomness (EIP-4399).
    pub prevrandao: Option<B256>,
    /// Gas limit of the block. A call has at most the ledger's all the same.
    pub gas_limit: Option<u64>,
    /// Base fee in the smallest unit per gas. A call does not pay it, only sees it.
    pub base_fee: Option<u64>,
}

/// Everything a preview imagines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The block.
    pub block: BlockOverrides,
    /// Accounts by address.
    pub accounts: BTreeMap<Address, AccountOverride>,
}

impl BlockOverrides {
    /// `environment` as imagined; the revision is that of its height.
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

/// Returns whether a precompile of Ethereum answers at an address. It answers whatever code the account has, so code is refused there:
/// from the genesis file, and wherever somebody overrides or amends it.
#[must_use]
pub fn is_precompile(address: &Address) -> bool {
    EthPrecompiles::new(SpecId::OSAKA).contains(address)
}

/// Writes what is imagined of accounts over what an overlay holds.
pub(crate) fn imagine<DB: DatabaseRef>(
    overlay: &mut Overlay<'_, DB>,
    accounts: &BTreeMap<Address, AccountOverride>,
) -> Result<(), DB::Error> {
    for (address, account) in accounts {
        overlay.imagine(*address, account)?;
    }
    Ok(())
}
