//! Where things lie in storage: Solidity's layout, so that ordinary tools find them.

use alloy_primitives::{B256, U256, keccak256};
use alloy_sol_types::SolValue;

use crate::host::{Failure, Host};

/// Slot of `mapping(key => …)` declared at `base`.
pub(crate) fn mapping(key: B256, base: u64) -> U256 {
    keccak256((key, U256::from(base)).abi_encode()).into()
}

/// A byte string: its length at `slot`, its words from `keccak(slot)` on. (Solidity packs short ones into one slot; we don't.)
#[derive(Clone, Debug)]
pub(crate) struct StoredBytes {
    slot: U256,
    words: Vec<U256>,
    size: usize,
}

impl StoredBytes {
    /// Longest byte string in storage; far above what any state needs.
    const SIZE_MAX: usize = 1 << 20;

    /// Reads what is there; nothing is an empty string.
    pub(crate) fn load(host: &mut dyn Host, slot: U256) -> Result<Self, Failure> {
        let size: usize = host.load(slot)?.saturating_to();
        if size > Self::SIZE_MAX {
            return Err(Failure::Database(format!(
                "byte string at slot {slot} is too long to be ours"
            )));
        }
        let start = start(slot);
        let mut words = Vec::with_capacity(size.div_ceil(32));
        for index in 0..size.div_ceil(32) {
            words.push(host.load(start.wrapping_add(U256::from(index)))?);
        }
        Ok(Self { slot, words, size })
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> =
            self.words.iter().flat_map(|word| word.to_be_bytes::<32>()).collect();
        bytes.truncate(self.size);
        bytes
    }

    /// Replaces it, writing only words that differ and clearing those beyond the new end.
    pub(crate) fn replace(self, host: &mut dyn Host, bytes: &[u8]) -> Result<(), Failure> {
        if bytes.len() != self.size {
            host.store(self.slot, U256::from(bytes.len()))?;
        }
        let start = start(self.slot);
        let mut chunks = bytes.chunks(32);
        for index in 0..self.words.len().max(bytes.len().div_ceil(32)) {
            let mut word = [0; 32];
            if let Some(chunk) = chunks.next() {
                word[..chunk.len()].copy_from_slice(chunk);
            }
            let word = U256::from_be_bytes(word);
            if self.words.get(index).copied().unwrap_or_default() != word {
                host.store(start.wrapping_add(U256::from(index)), word)?;
            }
        }
        Ok(())
    }
}

fn start(slot: U256) -> U256 {
    keccak256(slot.to_be_bytes::<32>()).into()
}
