//! The block in which transactions and calls run, as far as they can read it.

use crate::{fees::next_base_fee, revision::Revision, rules::Rules};
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes};

/// The values of a block that a transaction or a call can read, and the revision of its rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Height.
    pub number: u64,
    /// Unix seconds.
    pub timestamp: u64,
    /// Receives tips.
    pub beneficiary: Address,
    /// Randomness (EIP-4399).
    pub prevrandao: B256,
    /// Gas limit of the block.
    pub gas_limit: u64,
    /// Base fee in the smallest unit per gas.
    pub base_fee: u64,
    /// Revision of the rules at this height.
    pub revision: Revision,
}

impl Environment {
    /// Returns the environment of an existing block, as for `eth_call`; for the next block see [`Self::next`].
    #[must_use]
    pub fn of(header: &Header, rules: &Rules) -> Self {
        Self {
            number: header.number,
            timestamp: header.timestamp,
            beneficiary: header.beneficiary,
            prevrandao: header.mix_hash,
            gas_limit: header.gas_limit,
            base_fee: header.base_fee_per_gas.unwrap_or_default(),
            revision: rules.revision_at(header.number),
        }
    }

    /// Returns the environment of the block that follows `parent`.
    #[must_use]
    pub fn next(parent: &Header, rules: &Rules, input: &BlockInput) -> Self {
        let number = parent.number + 1;
        Self {
            number,
            timestamp: input.timestamp,
            beneficiary: input.beneficiary,
            prevrandao: input.prevrandao,
            gas_limit: input.deviations.gas_limit.unwrap_or(rules.gas_limit),
            base_fee: (input.deviations.base_fee)
                .unwrap_or_else(|| next_base_fee(parent, &rules.base_fee)),
            revision: rules.revision_at(number),
        }
    }
}

/// The fields of a block that do not follow from its parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockInput {
    /// Timestamp in Unix seconds; not before the parent's.
    pub timestamp: u64,
    /// Randomness of the block (EIP-4399), chosen by the producer.
    pub prevrandao: B256,
    /// Receives tips.
    pub beneficiary: Address,
    /// Bytes that the producer chooses, at most [`EXTRA_DATA_SIZE_MAX`](crate::EXTRA_DATA_SIZE_MAX).
    pub extra_data: Bytes,
    /// Proves how `prevrandao` was made, at most [`PROOF_SIZE_MAX`](crate::PROOF_SIZE_MAX). Stored beside the header,
    /// whose `prevrandao` commits to it.
    pub proof: Bytes,
    /// Deviations from the rules: none, except in a development ledger.
    pub deviations: Deviations,
}

/// Deviations of a development ledger from its rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deviations {
    /// Base fee of the block, in the smallest unit per gas.
    pub base_fee: Option<u64>,
    /// Gas limit of the block.
    pub gas_limit: Option<u64>,
    /// Whether an account with code may send transactions, which EIP-3607 forbids.
    pub contracts_may_send: bool,
}
