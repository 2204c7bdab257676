use proptest::prelude::*;

use super::*;

const CHUNK: usize = crate::CHUNK;

/// Returns the bytes of positions, and what is read from them.
fn written(positions: &[u16], length: usize) -> (Vec<u8>, Vec<u16>) {
    let spacing = Spacing::of(length, positions.len());
    let mut bytes = Vec::new();
    let mut bits = BitWriter::new(&mut bytes);
    spacing.write(positions, &mut bits);
    bits.pad();
    let mut read = Vec::new();
    let mut bits = BitReader::new(&bytes);
    assert!(spacing.read(&mut bits, &mut read).is_ok() && bits.end() == Some(&[]));
    (bytes, read)
}

#[test]
fn parameters_follow_from_the_density() {
    let check = |count, low_count, bits_max| {
        let spacing = Spacing::of(CHUNK, count);
        assert_eq!((spacing.low_count, spacing.bits_max()), (low_count, bits_max), "of {count}");
    };
    check(0, 0, 0);
    check(64, 5, 64 * 6 + 126);
    check(512, 2, 512 * 3 + 896);
    check(1024, 1, 1024 * 2 + 1536);
    check(2048, 0, CHUNK);
    check(3072, 1, 1024 * 2 + 1536); // those that are not chosen
    check(CHUNK, 0, 0);
}

#[test]
fn no_density_takes_more_than_a_bitmap_or_much_more_than_a_list() {
    for length in [1, 2, 3, 100, 4095, CHUNK] {
        for count in 0..=length {
            let bits_max = Spacing::of(length, count).bits_max();
            assert!(bits_max <= length, "{count} of {length}: {bits_max} bits");
            assert!(bits_max <= count * 12 + count.min(4), "{count} of {length}: {bits_max} bits");
        }
    }
}

#[test]
fn random_positions_take_hardly_more_than_their_entropy() {
    for (count, entropy) in [(64_u32, 475.0), (512, 2226.0), (1024, 3323.0)] {
        // Every position with the same probability, by a multiplicative generator.
        let mut state = 1_u32;
        let chosen: Vec<u16> = (0..4096)
            .filter(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state >> 20 < count
            })
            .collect();
        let (bytes, read) = written(&chosen, CHUNK);
        assert_eq!(read, chosen);
        let share = f64::from(count) / f64::from(u32::try_from(chosen.len()).unwrap());
        let bits = f64::from(u32::try_from(bytes.len() * 8).unwrap()) * share;
        assert!(bits < entropy * 1.06, "{count} positions: {bits} bits");
    }
}

proptest! {
    #[test]
    fn positions_are_read_as_written(length in 1_usize..=CHUNK, share in 0.0_f64..=1.0, seed in any::<u64>()) {
        let mut state = seed | 1;
        let chosen: Vec<u16> = (0..u16::try_from(length).unwrap()).filter(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            f64::from(u32::try_from(state >> 32).unwrap()) < share * f64::from(u32::MAX)
        }).collect();
        let (bytes, read) = written(&chosen, length);
        prop_assert_eq!(&read, &chosen);
        prop_assert!(bytes.len() * 8 < Spacing::of(length, chosen.len()).bits_max() + 8);
    }

    #[test]
    fn noise_gives_ascending_positions_or_an_error(noise in prop::collection::vec(any::<u8>(), 0..900), length in 1_usize..=CHUNK, part in 0.0_f64..=1.0) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a test picks a count")]
        let count = (length as f64 * part) as usize;
        let mut chosen = Vec::new();
        if Spacing::of(length, count).read(&mut BitReader::new(&noise), &mut chosen).is_ok() {
            prop_assert_eq!(chosen.len(), count);
            prop_assert!(chosen.is_sorted_by(|a, b| a < b) && chosen.iter().all(|at| usize::from(*at) < length));
        }
    }
}
