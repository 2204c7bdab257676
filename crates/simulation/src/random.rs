//! Random numbers from a seed.

use std::time::Duration;

/// A stream of random numbers.
///
/// Source: SplitMix64; Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, figure 17.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// Returns the stream of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Returns an independent stream, so that what one part of a simulation draws does not change another's.
    #[must_use]
    pub fn split(&mut self) -> Self {
        Self { state: self.next() }
    }

    /// Returns the next number.
    #[expect(
        clippy::should_implement_trait,
        reason = "the stream never ends, so it needs no Option"
    )]
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`; 0 when `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        let scaled = u128::from(self.next()) * u128::from(end);
        u64::try_from(scaled >> 64).expect("the upper half of a product of two numbers of 64 bits")
    }

    /// Returns true `count` times of `of`.
    pub fn chance(&mut self, count: u64, of: u64) -> bool {
        self.below(of) < count
    }

    /// Returns a time from `from` to `to`, to the microsecond.
    pub fn time(&mut self, from: Duration, to: Duration) -> Duration {
        let span = to.saturating_sub(from).as_micros();
        let span = u64::try_from(span).unwrap_or(u64::MAX - 1);
        from.saturating_add(Duration::from_micros(self.below(span.saturating_add(1))))
    }

    /// Returns 32 bytes: a key, or another seed.
    pub fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for chunk in bytes.chunks_exact_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes());
        }
        bytes
    }

    /// Returns one of the items; `None` when there is none.
    pub fn choose<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let index = self.below(u64::try_from(items.len()).ok()?);
        items.get(usize::try_from(index).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of seed 1234567, as published with the reference implementation.
    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        let mut random = Random::new(1_234_567);
        let numbers = [(); 5].map(|()| random.next());
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(numbers, expected);
    }

    #[test]
    fn a_draw_is_within_its_bounds_and_reaches_them() {
        let mut random = Random::new(7);
        let draws: Vec<u64> = (0..200).map(|_| random.below(3)).collect();
        assert!([0, 1, 2].iter().all(|number| draws.contains(number)));
        assert!(draws.iter().all(|draw| *draw < 3));
        assert_eq!(random.below(0), 0);
        let hits = (0..10_000).filter(|_| random.chance(3, 10)).count();
        assert!((2_800..3_200).contains(&hits), "{hits}");
        let (from, to) = (Duration::from_micros(5), Duration::from_micros(7));
        let times: Vec<Duration> = (0..100).map(|_| random.time(from, to)).collect();
        assert!(times.contains(&from) && times.contains(&to));
        assert!(times.iter().all(|time| (from..=to).contains(time)));
    }
}
