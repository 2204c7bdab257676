//! Proofs of the state, for those who trust only a block's hash.

use crate::{
    error::{Answer, internal, invalid, refused},
    parameters,
};
use alloy_eips::BlockId;
use alloy_primitives::{Address, U256};
use execution::{PROVEN_SLOTS_MAX, ProofDocument};
use node::Node;

pub(crate) fn prove(
    node: &Node,
    address: Address,
    slots: &[U256],
    block: Option<BlockId>,
) -> Answer<ProofDocument> {
    if slots.len() > PROVEN_SLOTS_MAX {
        return Err(invalid(format!(
            "invalid params: {} slots, more than the {PROVEN_SLOTS_MAX} of one proof",
            slots.len()
        )));
    }
    // What waits has no root yet.
    let view = parameters::state(node, block.filter(|block| *block != BlockId::pending()))?;
    let reader = view.reader();
    if reader.commitment().root() != reader.head().state_root {
        return Err(refused("the state was changed without a block: mine one to prove it"));
    }
    ProofDocument::new(reader.head(), address, slots, |key| reader.prove(key)).map_err(internal)
}
