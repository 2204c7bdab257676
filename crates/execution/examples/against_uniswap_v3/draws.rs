//! Random numbers from a seed (SplitMix64).

use alloy_primitives::U256;

pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    pub(crate) fn of<T: Copy>(&mut self, list: &[T]) -> T {
        let count = u64::try_from(list.len()).expect("a length fits");
        list[usize::try_from(self.below(count)).expect("below a length")]
    }

    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let count = u64::try_from(high - low + 1).expect("low is below high");
        low + i64::try_from(self.below(count)).expect("small")
    }

    /// Returns a number of any magnitude up to some bits.
    pub(crate) fn bits(&mut self, most: u64) -> U256 {
        let bits = self.below(most + 1);
        if bits == 0 {
            return U256::ZERO;
        }
        let words = [self.next(), self.next(), self.next(), self.next() | (1 << 63)];
        U256::from_limbs(words) >> usize::try_from(256 - bits).expect("small")
    }
}
