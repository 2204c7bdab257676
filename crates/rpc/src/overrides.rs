//! Parses overrides of accounts and of the block.
//!
//! An override that is not supported is an error: the answer without it would be wrong.

use crate::error::{Answer, invalid};
use alloy_primitives::{Address, B256, U256, map::B256HashMap};
use alloy_rpc_types_eth::{
    BlockOverrides as WireBlock,
    state::{AccountOverride as WireAccount, StateOverride},
};
use execution::{AccountOverride, BlockOverrides, Overrides, StorageOverride};
use std::collections::BTreeMap;

/// Parses both kinds; an absent one overrides nothing. The size of the request limits their size.
pub(crate) fn read(accounts: Option<StateOverride>, block: Option<WireBlock>) -> Answer<Overrides> {
    let accounts = accounts.map(read_accounts).transpose()?.unwrap_or_default();
    let block = block.map(|block| read_block(&block)).transpose()?.unwrap_or_default();
    Ok(Overrides { block, accounts })
}

fn read_accounts(accounts: StateOverride) -> Answer<BTreeMap<Address, AccountOverride>> {
    let sorted: BTreeMap<Address, WireAccount> = accounts.into_iter().collect();
    sorted
        .into_iter()
        .map(|(address, account)| Ok((address, read_account(address, account)?)))
        .collect()
}

fn read_account(address: Address, account: WireAccount) -> Answer<AccountOverride> {
    if account.move_precompile_to.is_some() {
        return Err(invalid(format!(
            "account {address} has movePrecompileToAddress: precompiles stay where they are"
        )));
    }
    if account.code.is_some() && execution::is_precompile(&address) {
        return Err(invalid(format!(
            "account {address} is a precompile of Ethereum: its code can't be overridden"
        )));
    }
    let storage = match (account.state, account.state_diff) {
        (Some(_), Some(_)) => {
            return Err(invalid(format!("account {address} has both 'state' and 'stateDiff'")));
        }
        (Some(slots), None) => Some(StorageOverride::Whole(read_slots(slots))),
        (None, Some(slots)) => Some(StorageOverride::Slots(read_slots(slots))),
        (None, None) => None,
    };
    Ok(AccountOverride {
        balance: account.balance,
        nonce: account.nonce,
        code: account.code,
        storage,
    })
}

fn read_slots(slots: B256HashMap<B256>) -> BTreeMap<U256, U256> {
    slots.into_iter().map(|(slot, value)| (slot.into(), value.into())).collect()
}

fn read_block(block: &WireBlock) -> Answer<BlockOverrides> {
    let absent = [
        ("difficulty", block.difficulty.is_some_and(|difficulty| !difficulty.is_zero())),
        ("blobBaseFee", block.blob_base_fee.is_some()),
        ("beaconRoot", block.beacon_root.is_some()),
        ("blockHash", block.block_hash.is_some()),
    ];
    if let Some((name, _)) = absent.iter().find(|(_, is_given)| *is_given) {
        return Err(invalid(format!("block override {name} is not supported: leave it out")));
    }
    let small = |name: &str, value: Option<U256>| match value.map(u64::try_from).transpose() {
        Ok(value) => Ok(value),
        Err(_) => Err(invalid(format!("block override {name} is above 2^64 - 1"))),
    };
    Ok(BlockOverrides {
        number: small("number", block.number)?,
        timestamp: block.time,
        beneficiary: block.coinbase,
        prevrandao: block.random,
        gas_limit: block.gas_limit,
        base_fee: small("baseFeePerGas", block.base_fee)?,
    })
}
