//! `string` and `bytes`.

use alloy_primitives::{Address, U256};

use super::{Layout, SLOT_SIZE};
use crate::{Failure, Host};

/// Longest text that is read or written, far above the bounds of all terms.
const TEXT_SIZE_MAX: usize = 1 << 12;

/// A `string`: up to 31 bytes together with their length, longer ones from the slot's hash on.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    slot: U256,
}

impl Layout for Text {
    const SIZE: usize = SLOT_SIZE;
    const IS_PACKED: bool = false;

    fn at(slot: U256, _: usize) -> Self {
        Self { slot }
    }
}

impl Text {
    /// Returns the text declared at `slot`.
    #[must_use]
    pub const fn new(slot: U256) -> Self {
        Self { slot }
    }

    /// Reads the text.
    ///
    /// # Errors
    /// See [`Host`]; [`Failure::Broken`] if the content is not a text.
    pub fn get(&self, host: &mut dyn Host) -> Result<String, Failure> {
        let module = host.module();
        self.get_of(host, module)
    }

    /// Reads the text in the storage of a module.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn get_of(&self, host: &mut dyn Host, module: Address) -> Result<String, Failure> {
        let head = host.load_of(module, self.slot)?;
        let size = self.size(head)?;
        let bytes = if head.bit(0) {
            let start = self.start(host)?;
            let mut bytes = Vec::with_capacity(size.next_multiple_of(SLOT_SIZE));
            for index in 0..size.div_ceil(SLOT_SIZE) {
                let word = host.load_of(module, start.wrapping_add(U256::from(index)))?;
                bytes.extend_from_slice(&word.to_be_bytes::<32>());
            }
            bytes.truncate(size);
            bytes
        } else {
            head.to_be_bytes::<32>().get(..size).unwrap_or_default().to_vec()
        };
        String::from_utf8(bytes).map_err(|_| self.broken())
    }

    /// Writes the text in the storage of a module, and clears the rest of a longer text.
    ///
    /// # Errors
    /// See [`Host`]; [`Failure::Broken`] for more than 4,096 bytes, which the rules refuse before.
    pub fn set_of(&self, host: &mut dyn Host, module: Address, text: &str) -> Result<(), Failure> {
        if text.len() > TEXT_SIZE_MAX {
            return Err(self.broken());
        }
        let before = host.load_of(module, self.slot)?;
        let (mut head, mut chunks) = (U256::from(text.len() * 2 + 1), text.as_bytes().chunks(32));
        if text.len() < SLOT_SIZE {
            let mut word = padded(chunks.next().unwrap_or_default());
            word[31] = u8::try_from(text.len() * 2).expect("below 64");
            head = U256::from_be_bytes(word);
        }
        if head != before {
            host.store_of(module, self.slot, head)?;
        }
        let rest = if before.bit(0) { self.size(before)?.div_ceil(SLOT_SIZE) } else { 0 };
        let words = chunks.len();
        if words.max(rest) == 0 {
            return Ok(());
        }
        let start = self.start(host)?;
        for index in 0..words.max(rest) {
            let slot = start.wrapping_add(U256::from(index));
            let word = U256::from_be_bytes(padded(chunks.next().unwrap_or_default()));
            let old = if index < rest { host.load_of(module, slot)? } else { U256::ZERO };
            if old != word {
                host.store_of(module, slot, word)?;
            }
        }
        Ok(())
    }

    fn size(&self, head: U256) -> Result<usize, Failure> {
        if !head.bit(0) {
            return Ok(usize::from(head.byte(0) >> 1).min(SLOT_SIZE - 1));
        }
        let size: usize = (head >> 1_usize).saturating_to();
        if size > TEXT_SIZE_MAX { Err(self.broken()) } else { Ok(size) }
    }

    fn start(&self, host: &mut dyn Host) -> Result<U256, Failure> {
        Ok(host.keccak256(&self.slot.to_be_bytes::<32>())?.into())
    }

    fn broken(&self) -> Failure {
        Failure::Broken(format!("the text at slot {} is damaged", self.slot))
    }
}

fn padded(chunk: &[u8]) -> [u8; 32] {
    let mut word = [0; 32];
    word[..chunk.len()].copy_from_slice(chunk);
    word
}
