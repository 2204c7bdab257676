//! Which of the claimed rounds are checked.

use units::Digest;

/// Largest number of rounds of a claim that are checked.
pub const SAMPLES_MAX: u8 = 10;

/// Number of newest rounds of a run that can be claimed. The run keeps 64; the others leave time for the draw while rounds go
/// on.
pub const WINDOW_ROUNDS: u32 = 56;

/// Rounds of a claim, up to [`SAMPLES_MAX`] of them, ascending.
pub type Samples = Vec<u32>;

/// Draws `checks` rounds to check, uniformly and without repetition; all, if there are no more.
///
/// `seed` is the hash of a block that nobody knew when the rounds were fixed, with what names the claim. Each number is that
/// of a digest of seed and counter; numbers of the incomplete last range are drawn again.
#[must_use]
pub(crate) fn draw(seed: &Digest, rounds: &[u32], checks: u8) -> Samples {
    let checks = usize::from(checks.min(SAMPLES_MAX));
    let mut left: Vec<u32> = rounds.to_vec();
    let mut samples = Samples::new();
    let mut counter: u64 = 0;
    while samples.len() < checks && !left.is_empty() {
        let bound = u64::try_from(left.len()).unwrap_or(u64::MAX);
        let uneven = u64::MAX.checked_rem(bound).unwrap_or(0).wrapping_add(1);
        let uneven = uneven.checked_rem(bound).unwrap_or(0);
        let number = loop {
            let word = word(seed, counter);
            counter = counter.wrapping_add(1);
            if word <= u64::MAX.wrapping_sub(uneven) {
                break word.checked_rem(bound).unwrap_or(0);
            }
        };
        samples.push(left.swap_remove(usize::try_from(number).unwrap_or(0)));
    }
    samples.sort_unstable();
    samples
}

fn word(seed: &Digest, counter: u64) -> u64 {
    let mut bytes = [0; 40];
    let (start, end) = bytes.split_at_mut(32);
    start.copy_from_slice(seed.as_bytes());
    end.copy_from_slice(&counter.to_le_bytes());
    let digest = Digest::of(&bytes);
    digest.as_bytes().first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}
