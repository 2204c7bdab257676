//! A whole state as one byte string in storage.
//!
//! The exception to single slots, for runs: a rule reads and writes seats, rounds and audits together, nearly all of
//! the state at each step, and one canonical codec (`training-run`) is easier to prove right than slots for each.

use alloy_primitives::U256;
use native_kit::{
    Failure, Host,
    slots::{Mapping, Value},
};

/// A byte string: its length at `slot`, its words from `keccak(slot)` on. (Solidity packs short ones into one slot;
/// this does not.)
#[derive(Clone, Debug)]
pub(super) struct StoredBytes {
    slot: U256,
    start: U256,
    words: Vec<U256>,
    size: usize,
}

impl StoredBytes {
    /// Longest byte string in storage, far above what any state needs.
    const SIZE_MAX: usize = 1 << 20;

    /// Reads the byte string of a key; an absent one is empty.
    pub(super) fn load(
        host: &mut dyn Host,
        mapping: Mapping<u64, Value<U256>>,
        key: u64,
    ) -> Result<Self, Failure> {
        let slot = mapping.of(host, key)?.slot();
        let size: usize = host.load(slot)?.saturating_to();
        if size > Self::SIZE_MAX {
            return Err(Failure::Broken(format!(
                "byte string at slot {slot} is too long to be ours"
            )));
        }
        let start: U256 = host.keccak256(&slot.to_be_bytes::<32>())?.into();
        let mut words = Vec::with_capacity(size.div_ceil(32));
        for index in 0..size.div_ceil(32) {
            words.push(host.load(start.wrapping_add(U256::from(index)))?);
        }
        Ok(Self { slot, start, words, size })
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> =
            self.words.iter().flat_map(|word| word.to_be_bytes::<32>()).collect();
        bytes.truncate(self.size);
        bytes
    }

    /// Replaces the string, writing only words that differ and clearing those beyond the new end.
    pub(super) fn replace(self, host: &mut dyn Host, bytes: &[u8]) -> Result<(), Failure> {
        if bytes.len() != self.size {
            host.store(self.slot, U256::from(bytes.len()))?;
        }
        let mut chunks = bytes.chunks(32);
        for index in 0..self.words.len().max(bytes.len().div_ceil(32)) {
            let word = U256::from_be_bytes(padded(chunks.next().unwrap_or_default()));
            if self.words.get(index).copied().unwrap_or_default() != word {
                host.store(self.start.wrapping_add(U256::from(index)), word)?;
            }
        }
        Ok(())
    }
}

fn padded(chunk: &[u8]) -> [u8; 32] {
    let mut word = [0; 32];
    word[..chunk.len()].copy_from_slice(chunk);
    word
}
