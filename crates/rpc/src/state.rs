//! Accounts and storage.

use crate::{
    error::{Answer, internal},
    parameters,
};
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_rpc_types_eth::AccountInfo;
use execution::AccountState;
use node::{CallBlock, Node};
use store::Reader;

pub(crate) fn balance(node: &Node, address: Address, block: Option<BlockId>) -> Answer<U256> {
    let account = account(&parameters::state(node, block)?.0, &address)?;
    Ok(account.map_or(U256::ZERO, |account| account.balance))
}

pub(crate) fn transaction_count(
    node: &Node,
    address: Address,
    block: Option<BlockId>,
) -> Answer<U64> {
    let (reader, block) = parameters::state(node, block)?;
    let nonce = match block {
        CallBlock::Same => account(&reader, &address)?.map_or(0, |account| account.nonce),
        CallBlock::Next => node.next_nonce(&address).map_err(internal)?,
    };
    Ok(U64::from(nonce))
}

pub(crate) fn code(node: &Node, address: Address, block: Option<BlockId>) -> Answer<Bytes> {
    let (reader, _) = parameters::state(node, block)?;
    match account(&reader, &address)? {
        Some(account) => reader.code(&account.code_hash).map_err(internal),
        None => Ok(Bytes::new()),
    }
}

pub(crate) fn storage(
    node: &Node,
    address: Address,
    slot: U256,
    block: Option<BlockId>,
) -> Answer<B256> {
    let (reader, _) = parameters::state(node, block)?;
    reader.slot(&address, &slot).map(B256::from).map_err(internal)
}

/// Balance, nonce and code at once.
pub(crate) fn info(node: &Node, address: Address, block: Option<BlockId>) -> Answer<AccountInfo> {
    let (reader, _) = parameters::state(node, block)?;
    let Some(account) = account(&reader, &address)? else { return Ok(AccountInfo::default()) };
    let code = reader.code(&account.code_hash).map_err(internal)?;
    Ok(AccountInfo { balance: account.balance, nonce: account.nonce, code })
}

fn account(reader: &Reader, address: &Address) -> Answer<Option<AccountState>> {
    reader.account(address).map_err(internal)
}
