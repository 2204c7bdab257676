//! Random numbers from a seed.

use alloy_primitives::{U256, keccak256};

/// A chain of hashes.
pub(crate) struct Draws {
    state: [u8; 32],
    used: usize,
}

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: keccak256(seed.to_be_bytes()).0, used: 0 }
    }

    pub(crate) fn number(&mut self) -> u64 {
        if self.used == 4 {
            (self.state, self.used) = (keccak256(self.state).0, 0);
        }
        let bytes = self.state.as_chunks::<8>().0[self.used];
        self.used += 1;
        u64::from_be_bytes(bytes)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound
    }

    pub(crate) fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    pub(crate) fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(u64::try_from(all.len()).unwrap())).unwrap()]
    }

    /// Amounts of every magnitude; rarely such that sums overflow.
    pub(crate) fn amount(&mut self) -> U256 {
        match self.below(16) {
            0 => U256::ZERO,
            1 => U256::ONE,
            2 | 3 => U256::from(self.below(20)),
            4..8 => U256::from(self.below(2_000)),
            8..12 => U256::from(self.number() >> 4),
            12 | 13 => U256::from(self.number()) * U256::from(self.below(1 << 40)),
            14 => U256::from(u128::MAX) - U256::from(self.below(3)),
            _ if self.one_in(4) => U256::MAX - U256::from(self.below(3)),
            _ => U256::from(self.number()),
        }
    }

    /// Mostly `near`, or one beside it.
    pub(crate) fn near(&mut self, near: U256) -> U256 {
        match self.below(6) {
            0..3 => near,
            3 => near.wrapping_add(U256::ONE),
            4 => near.wrapping_sub(U256::ONE),
            _ => near / U256::from(2),
        }
    }
}
