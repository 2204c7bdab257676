//! Random numbers from a seed.

use units::Digest;

/// A stream of random numbers: BLAKE3 of a seed and a counter.
#[derive(Clone, Debug)]
pub(crate) struct Coin {
    seed: [u8; 16],
    count: u64,
}

impl Coin {
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..].copy_from_slice(&stream.to_le_bytes());
        Self { seed: bytes, count: 0 }
    }

    /// Returns the next 32 bytes.
    pub(crate) fn digest(&mut self) -> Digest {
        let mut bytes = [0; 24];
        bytes[..16].copy_from_slice(&self.seed);
        bytes[16..].copy_from_slice(&self.count.to_le_bytes());
        self.count += 1;
        Digest::of(&bytes)
    }

    /// Returns true with a chance in millionths.
    pub(crate) fn falls(&mut self, chance: u32) -> bool {
        let digest = self.digest();
        let (words, _) = digest.as_bytes().as_chunks::<8>();
        u64::from_le_bytes(words[0]) % 1_000_000 < u64::from(chance)
    }
}
