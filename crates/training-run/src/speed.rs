//! How fast a device did work that counts as verified: a record for people, which no rule of a run reads.
//!
//! `docs/devices.md` says what it proves and what it does not.

/// How many speeds of a device are kept.
pub const SPEEDS: usize = 16;

/// Binary digits that a speed keeps: it is exact to one part in a thousand.
const DIGITS: u32 = 11;
/// The largest exponent that fits beside them.
const EXPONENT_MAX: u32 = 31;

/// A speed in tokens per thousand seconds, rounded down to 11 binary digits, at most 2047 × 2³¹. It is never 0.
///
/// Its code is the exponent above the digits, so codes are ordered as speeds are; 0 is the code of none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Speed(u16);

impl Speed {
    /// Returns the speed of work that took no longer than from a block at `begun` to one at `done`, in Unix seconds. Times of blocks are rounded down, so a second is
    /// added. `None` where it is less than a token in a thousand seconds, or ended before it began.
    #[must_use]
    pub fn of(tokens: u64, begun: u64, done: u64) -> Option<Self> {
        let seconds = done.checked_sub(begun)?.checked_add(1)?;
        let tokens = u128::from(tokens).saturating_mul(1_000);
        let whole = tokens.checked_div(u128::from(seconds))?;
        let exponent = u128::BITS.saturating_sub(whole.leading_zeros()).saturating_sub(DIGITS);
        if exponent > EXPONENT_MAX {
            return Some(Self(u16::MAX));
        }
        let digits = u16::try_from(whole.wrapping_shr(exponent)).ok()?;
        let code = u16::try_from(exponent.wrapping_shl(DIGITS)).ok()? | digits;
        Self::from_code(code)
    }

    /// Returns the speed of a code.
    #[must_use]
    pub fn from_code(code: u16) -> Option<Self> {
        (code != 0).then_some(Self(code))
    }

    /// Returns its code.
    #[must_use]
    pub fn code(self) -> u16 {
        self.0
    }

    /// Returns the tokens in a thousand seconds.
    #[must_use]
    pub fn per_thousand_seconds(self) -> u64 {
        let exponent = u32::from(self.0).wrapping_shr(DIGITS);
        let digits = u64::from(self.0 & 0x7ff);
        digits.wrapping_shl(exponent)
    }
}

/// The last [`SPEEDS`] speeds of a device, in any order; what is missing is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Speeds(pub [Option<Speed>; SPEEDS]);

impl Speeds {
    /// Adds a speed in front; the oldest leaves.
    pub fn add(&mut self, speed: Speed) {
        self.0.rotate_right(1);
        if let Some(first) = self.0.first_mut() {
            *first = Some(speed);
        }
    }

    /// Returns the number of speeds, and the median: of an even number the lower of the two in the middle.
    #[must_use]
    pub fn median(&self) -> (usize, Option<Speed>) {
        let mut known: Vec<Speed> = self.0.iter().flatten().copied().collect();
        known.sort_unstable();
        let middle = known.len().saturating_sub(1).wrapping_shr(1);
        (known.len(), known.get(middle).copied())
    }

    /// Writes the speed of a round that is committed: it stands there until the round 16 later is.
    pub fn set_pending(&mut self, round: u32, speed: Option<Speed>) {
        if let Some(place) = self.0.get_mut(Self::place(round)) {
            *place = speed;
        }
    }

    /// Returns the speed of a round that is committed, when `next` is the round after the device's last commitment.
    #[must_use]
    pub fn pending(&self, round: u32, next: u32) -> Option<Speed> {
        let is_kept = round < next && next.saturating_sub(round) <= 16;
        self.0.get(Self::place(round)).copied().flatten().filter(|_| is_kept)
    }

    fn place(round: u32) -> usize {
        usize::try_from(round & 15).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn speed(tokens: u64) -> Speed {
        Speed::of(tokens, 0, 999).expect("a speed")
    }

    #[test]
    fn a_speed_is_that_of_the_longest_time_it_can_have_taken() {
        // Ten seconds between the blocks are less than eleven.
        assert_eq!(Speed::of(16_384, 100, 110).map(Speed::per_thousand_seconds), Some(1_488_896));
        assert_eq!(Speed::of(5, 7, 7).map(Speed::per_thousand_seconds), Some(5_000));
        assert_eq!(Speed::of(0, 7, 8), None);
        assert_eq!(Speed::of(9, 8, 7), None);
        assert_eq!(Speed::of(9, 0, u64::MAX), None);
        let most = Speed::of(u64::MAX, 0, 0).expect("a speed");
        assert_eq!(most.per_thousand_seconds(), 2_047 << 31);
    }

    #[test]
    fn the_median_of_an_even_number_is_the_lower_one() {
        let mut speeds = Speeds::default();
        assert_eq!(speeds.median(), (0, None));
        for (tokens, count, median) in [(40, 1, 40), (10, 2, 10), (30, 3, 30), (20, 4, 20)] {
            speeds.add(speed(tokens));
            assert_eq!(speeds.median(), (count, Some(speed(median))));
        }
        (0..16).for_each(|_| speeds.add(speed(7)));
        assert_eq!(speeds.median(), (16, Some(speed(7))));
    }

    #[test]
    fn the_speed_of_a_commitment_is_kept_for_sixteen_rounds() {
        let mut speeds = Speeds::default();
        speeds.set_pending(3, Some(speed(10)));
        assert_eq!(speeds.pending(3, 4), Some(speed(10)));
        assert_eq!(speeds.pending(3, 19), Some(speed(10)));
        assert_eq!(speeds.pending(3, 20), None, "round 19 is in its place");
        assert_eq!(speeds.pending(19, 4), None, "it is not committed");
        speeds.set_pending(19, None);
        assert_eq!(speeds.pending(19, 20), None);
    }

    proptest! {
        #[test]
        fn a_code_loses_less_than_a_thousandth_and_keeps_the_order(a in 1_u64..1 << 40, b in 1_u64..1 << 40) {
            let (found, other) = (speed(a), speed(b));
            let rounded = found.per_thousand_seconds();
            prop_assert!(rounded <= a && a.abs_diff(rounded) <= a / 1_024);
            prop_assert_eq!(Speed::from_code(found.code()), Some(found));
            prop_assert!(a > b || found <= other);
        }
    }
}
