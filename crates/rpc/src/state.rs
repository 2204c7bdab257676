//! Accounts and storage.

use crate::{
    error::{Answer, internal},
    parameters,
};
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use execution::AccountState;
use node::{CallBlock, Node};
use std::sync::Arc;
use store::Reader;

pub(crate) fn balance(node: &Node, address: Address, block: Option<BlockId>) -> Answer<U256> {
    let account = account(&reader(node, block)?.0, &address)?;
    Ok(account.map_or(U256::ZERO, |account| account.balance))
}

pub(crate) fn transaction_count(
    node: &Node,
    address: Address,
    block: Option<BlockId>,
) -> Answer<U64> {
    let (reader, block) = reader(node, block)?;
    let nonce = match block {
        CallBlock::Latest => account(&reader, &address)?.map_or(0, |account| account.nonce),
        CallBlock::Next => node.next_nonce(&address).map_err(internal)?,
    };
    Ok(U64::from(nonce))
}

pub(crate) fn code(node: &Node, address: Address, block: Option<BlockId>) -> Answer<Bytes> {
    let (reader, _) = reader(node, block)?;
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
    let (reader, _) = reader(node, block)?;
    reader.slot(&address, &slot).map(B256::from).map_err(internal)
}

fn reader(node: &Node, block: Option<BlockId>) -> Answer<(Arc<Reader>, CallBlock)> {
    let reader = node.reader().map_err(internal)?;
    let block = parameters::state(&reader, block)?;
    Ok((reader, block))
}

fn account(reader: &Reader, address: &Address) -> Answer<Option<AccountState>> {
    reader.account(address).map_err(internal)
}
