//! Random draws from 32 bytes that nobody could know when commitments closed.

use units::Digest;

/// A uniform stream of random numbers for one purpose.
///
/// SplitMix64 (Steele, Lea, Flood 2014) over the four words of the randomness and the purpose. It needs no secrecy:
/// the bytes are unpredictable before the draw, and public afterwards.
pub(crate) struct Random {
    state: u64,
}

impl Random {
    pub(crate) fn new(randomness: &Digest, round: u32, seat: u16, purpose: u16) -> Self {
        let mut state = 0;
        for word in randomness.as_bytes().as_chunks::<8>().0 {
            state = mix(state ^ u64::from_le_bytes(*word));
        }
        state = mix(state ^ (u64::from(round) << 16) ^ u64::from(seat));
        Self { state: mix(state ^ u64::from(purpose)) }
    }

    /// Returns a uniform draw from `0..bound`, or 0 when the bound is 0. Words of the incomplete last range are
    /// drawn again.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let Some(uneven) = u64::MAX.checked_rem(bound) else { return 0 };
        let uneven = uneven.wrapping_add(1).checked_rem(bound).unwrap_or(0);
        loop {
            self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let word = mix(self.state);
            if word <= u64::MAX.wrapping_sub(uneven) {
                return word.checked_rem(bound).unwrap_or(0);
            }
        }
    }
}

fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_even() {
        let mut counts = [0_u32; 5];
        for seat in 0..10_000 {
            let drawn = Random::new(&Digest::from_bytes([3; 32]), 7, seat, 0).below(5);
            *counts.get_mut(usize::try_from(drawn).unwrap()).unwrap() += 1;
        }
        assert!(counts.iter().all(|count| (1850..2150).contains(count)), "{counts:?}");
    }

    #[test]
    fn every_part_of_the_purpose_matters() {
        let draw = |byte, round, seat, purpose| {
            Random::new(&Digest::from_bytes([byte; 32]), round, seat, purpose).below(u64::MAX)
        };
        let base = draw(1, 1, 1, 1);
        for other in [draw(2, 1, 1, 1), draw(1, 2, 1, 1), draw(1, 1, 2, 1), draw(1, 1, 1, 2)] {
            assert_ne!(base, other);
        }
    }
}
