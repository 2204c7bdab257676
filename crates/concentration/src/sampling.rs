//! Random numbers by counter: the same for the same seed, in any order, on every machine.

use crate::float::ln;

/// A stream of random numbers of one draw.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// The stream of draw `index` of `seed`.
    pub(crate) fn new(seed: u64, index: u64) -> Self {
        Self { state: mix(seed ^ mix(index)) }
    }

    /// Uniform over all words. Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014, section 5.
    pub(crate) fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// Uniform over [0, 1), in steps of 2^-53.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform below `bound`, which is not 0. The bias is below 2^-32 for bounds up to 2^32.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let product = u128::from(self.word()) * bound as u128;
        usize::try_from(product >> 64).expect("it is below the bound")
    }

    /// Two independent standard normal numbers. Marsaglia and Bray, "A Convenient Method for Generating Normal Variables", 1964.
    pub(crate) fn normal_pair(&mut self) -> (f64, f64) {
        loop {
            let (x, y) = (2.0 * self.unit() - 1.0, 2.0 * self.unit() - 1.0);
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                let factor = (-2.0 * ln(square) / square).sqrt();
                return (x * factor, y * factor);
            }
        }
    }
}

fn mix(word: u64) -> u64 {
    let word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

/// A mean of draws, and how far it may be from what it estimates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub value: f64,
    /// Standard error of the mean.
    pub standard_error: f64,
}

impl Estimate {
    /// Of a proportion: so many `hits` among `draws`, which are at least 1.
    pub(crate) fn of_proportion(hits: u64, draws: u64) -> Self {
        let value = hits as f64 / draws as f64;
        // With no hit, or only hits, the error is not 0: as if one draw more had been the other way.
        let spread = (value * (1.0 - value)).max(1.0 / (draws as f64 + 1.0));
        Self { value, standard_error: (spread / draws as f64).sqrt() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_moments_of_their_distribution() {
        let (mut sum, mut squares, mut units, count) = (0.0, 0.0, 0.0, 20_000_u64);
        for index in 0..count {
            let mut random = Random::new(7, index);
            let (x, y) = random.normal_pair();
            sum += x + y;
            squares += x * x + y * y;
            units += random.unit();
            assert!(random.below(3) < 3);
        }
        let count = count as f64;
        assert!((sum / (2.0 * count)).abs() < 0.02, "{sum}");
        assert!((squares / (2.0 * count) - 1.0).abs() < 0.03, "{squares}");
        assert!((units / count - 0.5).abs() < 0.01, "{units}");
    }
}
