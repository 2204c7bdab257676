//! Proofs of the state, for clients that trust only a block's hash.
//!
//! Ethereum's `eth_getProof` returns the account and the values without a proof, because the state root of this
//! ledger is not that of a Merkle-Patricia trie. A client that verifies the empty list of nodes rejects it.

use crate::{
    error::{Answer, internal, invalid, refused},
    parameters,
};
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U64, U256};
use execution::{PROVEN_SLOTS_MAX, ProofDocument};
use node::Node;
use serde::Serialize;

pub(crate) fn prove(
    node: &Node,
    address: Address,
    slots: &[U256],
    block: Option<BlockId>,
) -> Answer<ProofDocument> {
    check_count(slots)?;
    // What waits has no root yet.
    let view = parameters::state(node, block.filter(|block| *block != BlockId::pending()))?;
    let reader = view.reader();
    if reader.commitment().root() != reader.head().state_root {
        return Err(refused("the state was changed without a block: mine one to prove it"));
    }
    ProofDocument::new(reader.head(), address, slots, |key| reader.prove(key)).map_err(internal)
}

/// The result of `eth_getProof` for an account.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Unproven {
    address: Address,
    balance: U256,
    nonce: U64,
    code_hash: B256,
    /// Zero: accounts have no storage trie of their own.
    storage_hash: B256,
    account_proof: [B256; 0],
    storage_proof: Vec<UnprovenSlot>,
    /// The method that proves these values.
    proven_by: &'static str,
}

/// A slot of the account.
#[derive(Serialize)]
struct UnprovenSlot {
    key: B256,
    value: U256,
    proof: [B256; 0],
}

/// Answers `eth_getProof`.
pub(crate) fn unproven(
    node: &Node,
    address: Address,
    slots: &[U256],
    block: Option<BlockId>,
) -> Answer<Unproven> {
    check_count(slots)?;
    let view = parameters::state(node, block)?;
    let account = view.account(&address).map_err(internal)?;
    let slot = |key: &U256| {
        let value = view.slot(&address, key).map_err(internal)?;
        Ok(UnprovenSlot { key: (*key).into(), value, proof: [] })
    };
    Ok(Unproven {
        address,
        balance: account.as_ref().map_or(U256::ZERO, |account| account.balance),
        nonce: U64::from(account.as_ref().map_or(0, |account| account.nonce)),
        code_hash: account.map_or(KECCAK256_EMPTY, |account| account.code_hash),
        storage_hash: B256::ZERO,
        account_proof: [],
        storage_proof: slots.iter().map(slot).collect::<Answer<_>>()?,
        proven_by: "gleaner_getProof",
    })
}

fn check_count(slots: &[U256]) -> Answer<()> {
    if slots.len() > PROVEN_SLOTS_MAX {
        return Err(invalid(format!(
            "{} slots are more than the {PROVEN_SLOTS_MAX} of one proof",
            slots.len()
        )));
    }
    Ok(())
}
