//! Counter-based random numbers: Philox4x32-10.
//!
//! A block is a pure function of key and counter, so any number of a stream can be computed without the ones before
//! it. It is not a cipher: the key may be found from the numbers.
//!
//! Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011; vectors of the
//! authors' Random123.

const MULTIPLIER: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// A key of Philox4x32-10.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Philox {
    key: [u32; 2],
}

impl Philox {
    /// Returns the generator with this key.
    #[must_use]
    pub fn new(key: [u32; 2]) -> Self {
        Self { key }
    }

    /// Returns the generator whose key is the first 8 bytes, little-endian, of BLAKE3 in derive-key mode with
    /// `context` over `seed`. Different contexts give independent streams of one seed.
    #[must_use]
    pub fn derive(context: &str, seed: &[u8; 32]) -> Self {
        let derived = blake3::derive_key(context, seed);
        let [a, b, c, d, e, f, g, h, ..] = derived;
        Self::new([u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])])
    }

    /// Returns the four numbers at `counter`.
    #[must_use]
    pub fn block(self, counter: [u32; 4]) -> [u32; 4] {
        let mut key = self.key;
        let mut state = counter;
        for _ in 0..ROUNDS {
            let (high_0, low_0) = halves(MULTIPLIER[0] * u64::from(state[0]));
            let (high_1, low_1) = halves(MULTIPLIER[1] * u64::from(state[2]));
            state = [high_1 ^ state[1] ^ key[0], low_1, high_0 ^ state[3] ^ key[1], low_0];
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        state
    }

    /// Returns the four numbers at the counter `(index low, index high, 0, 0)`.
    #[must_use]
    pub fn block_at(self, index: u64) -> [u32; 4] {
        let (high, low) = halves(index);
        self.block([low, high, 0, 0])
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves are intended")]
fn halves(value: u64) -> (u32, u32) {
    ((value >> 32) as u32, value as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers of Random123's `kat_vectors` for philox4x32 with 10 rounds.
    #[test]
    fn known_answers() {
        let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        let cases = [
            ([0; 2], [0; 4], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 2], [u32::MAX; 4], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            ([0xa409_3822, 0x299f_31d0], pi, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]),
        ];
        for (key, counter, expected) in cases {
            assert_eq!(Philox::new(key).block(counter), expected);
        }
    }

    #[test]
    fn index_fills_the_counter() {
        let philox = Philox::derive("model tests", &[7; 32]);
        assert_eq!(philox.block_at(0x0000_0002_0000_0001), philox.block([1, 2, 0, 0]));
        assert_ne!(philox, Philox::derive("model tests 2", &[7; 32]));
    }
}
