//! Where things lie in storage: Solidity's layout, so that ordinary tools find them.

use alloy_primitives::{Address, B256, U256, keccak256};

use crate::host::{Failure, Host};

/// Slot of `mapping(key => …)` declared at `base`.
pub(crate) fn mapping(key: B256, base: u64) -> U256 {
    keccak256_of(key, U256::from(base))
}

/// Slot of `mapping(outer => mapping(inner => …))` declared at `base`.
pub(crate) fn nested_mapping(outer: B256, inner: B256, base: u64) -> U256 {
    keccak256_of(inner, mapping(outer, base))
}

/// Of two words, as Solidity puts a key and the slot of its mapping side by side.
fn keccak256_of(key: B256, base: U256) -> U256 {
    let mut words = [0; 64];
    words[..32].copy_from_slice(key.as_slice());
    words[32..].copy_from_slice(&base.to_be_bytes::<32>());
    keccak256(words).into()
}

/// Longest text in storage; far above what any terms allow.
const TEXT_SIZE_MAX: usize = 1 << 12;

/// Reads a Solidity `string` of the module that was called.
pub(crate) fn load_text(host: &mut dyn Host, slot: U256) -> Result<String, Failure> {
    let head = host.load(slot)?;
    let damaged = || Failure::Database(format!("text at slot {slot} is damaged"));
    let bytes = if head.bit(0) {
        let size: usize = (head >> 1_usize).saturating_to();
        if size > TEXT_SIZE_MAX {
            return Err(damaged());
        }
        let start = start(slot);
        let mut bytes = Vec::with_capacity(size.next_multiple_of(32));
        for index in 0..size.div_ceil(32) {
            let word = host.load(start.wrapping_add(U256::from(index)))?;
            bytes.extend_from_slice(&word.to_be_bytes::<32>());
        }
        bytes.truncate(size);
        bytes
    } else {
        let size = usize::from(head.byte(0) >> 1);
        head.to_be_bytes::<32>().get(..size.min(31)).unwrap_or_default().to_vec()
    };
    String::from_utf8(bytes).map_err(|_| damaged())
}

/// Writes a Solidity `string` where nothing was: up to 31 bytes beside their length, longer ones from `keccak(slot)` on.
pub(crate) fn store_new_text(
    host: &mut dyn Host,
    module: Address,
    slot: U256,
    text: &str,
) -> Result<(), Failure> {
    let mut chunks = text.as_bytes().chunks(32);
    if text.len() < 32 {
        let mut word = padded(chunks.next().unwrap_or_default());
        word[31] = u8::try_from(text.len() * 2).expect("below 64");
        let word = U256::from_be_bytes(word);
        return if word.is_zero() { Ok(()) } else { host.store_of(module, slot, word) };
    }
    host.store_of(module, slot, U256::from(text.len() * 2 + 1))?;
    let mut at = start(slot);
    for chunk in chunks {
        let word = U256::from_be_bytes(padded(chunk));
        if !word.is_zero() {
            host.store_of(module, at, word)?;
        }
        at = at.wrapping_add(U256::ONE);
    }
    Ok(())
}

fn padded(chunk: &[u8]) -> [u8; 32] {
    let mut word = [0; 32];
    word[..chunk.len()].copy_from_slice(chunk);
    word
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
            let word = U256::from_be_bytes(padded(chunks.next().unwrap_or_default()));
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
