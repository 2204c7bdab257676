//! Accounts and storage.

use crate::{
    error::{Answer, internal},
    parameters,
};
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_rpc_types_eth::AccountInfo;
use execution::AccountState;
use node::{Node, StateView};

pub(crate) fn balance(node: &Node, address: Address, block: Option<BlockId>) -> Answer<U256> {
    let account = account(&parameters::state(node, block)?, &address)?;
    Ok(account.map_or(U256::ZERO, |account| account.balance))
}

pub(crate) fn transaction_count(
    node: &Node,
    address: Address,
    block: Option<BlockId>,
) -> Answer<U64> {
    if block == Some(BlockId::pending()) {
        // Known without executing what waits.
        return node.next_nonce(&address).map(U64::from).map_err(internal);
    }
    let account = account(&parameters::state(node, block)?, &address)?;
    Ok(U64::from(account.map_or(0, |account| account.nonce)))
}

pub(crate) fn code(node: &Node, address: Address, block: Option<BlockId>) -> Answer<Bytes> {
    let view = parameters::state(node, block)?;
    match account(&view, &address)? {
        Some(account) => view.code(&account.code_hash).map_err(internal),
        None => Ok(Bytes::new()),
    }
}

pub(crate) fn storage(
    node: &Node,
    address: Address,
    slot: U256,
    block: Option<BlockId>,
) -> Answer<B256> {
    let view = parameters::state(node, block)?;
    view.slot(&address, &slot).map(B256::from).map_err(internal)
}

/// Returns balance, nonce and code.
pub(crate) fn info(node: &Node, address: Address, block: Option<BlockId>) -> Answer<AccountInfo> {
    let view = parameters::state(node, block)?;
    let Some(account) = account(&view, &address)? else { return Ok(AccountInfo::default()) };
    let code = view.code(&account.code_hash).map_err(internal)?;
    Ok(AccountInfo { balance: account.balance, nonce: account.nonce, code })
}

fn account(view: &StateView, address: &Address) -> Answer<Option<AccountState>> {
    view.account(address).map_err(internal)
}
