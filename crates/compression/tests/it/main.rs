//! Properties of compression.

use compression::{
    Bits, CHUNK, Change, CompressError, Density, Encoder, Format, MAGNITUDE_MAX, Selection,
    compress, decompress, encoded_size_max, join_chunks,
};
use proptest::prelude::*;

/// Returns magnitudes from tiny to huge, zeros and repeated values: the cases that break ties and rounding.
fn values() -> impl Strategy<Value = f32> {
    prop_oneof![
        3 => -1.0_f32..1.0,
        1 => Just(0.0_f32),
        1 => Just(0.25_f32),
        1 => Just(-0.25_f32),
        1 => (-30_i32..30, -1.0_f32..1.0).prop_map(|(power, value)| value * 2.0_f32.powi(power)),
    ]
}

/// Returns a few drawn values repeated to a length around a chunk's: drawing thousands would take most of the time.
fn vectors() -> impl Strategy<Value = Vec<f32>> {
    let lengths = prop_oneof![1_usize..64, 4000_usize..4200, Just(8192)];
    (prop::collection::vec(values(), 1..200), lengths)
        .prop_map(|(drawn, length)| drawn.iter().copied().cycle().take(length).collect())
}

fn formats() -> impl Strategy<Value = Format> {
    let per_chunk = prop_oneof![1_u16..16, 1_u16..=4096, Just(4096)];
    (per_chunk, 1_u8..=4).prop_map(|(per_chunk, bits)| format(per_chunk, bits))
}

fn format(per_chunk: u16, bits: u8) -> Format {
    let density = Density::new(per_chunk).expect("in bounds");
    Format { density, bits: Bits::new(bits).expect("in bounds") }
}

/// Returns random numbers from a seed: the finalizer of SplitMix64.
fn numbers(seed: u64) -> impl Fn(u64) -> [u32; 4] {
    move |index| {
        [0, 1, 2, 3].map(|word| {
            let mut mixed = (seed ^ (index * 4 + word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            u32::try_from((mixed ^ (mixed >> 31)) >> 32).expect("the upper half")
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn an_update_fits_its_bound_and_sends_as_many_values_as_agreed(delta in vectors(), format in formats(), seed in any::<u64>()) {
        let numbers = numbers(seed);
        for selection in [Selection::Largest, Selection::Drawn(&numbers)] {
            let encoded = compress(Change::Given(&delta), format, selection).unwrap();
            prop_assert!(encoded.len() <= encoded_size_max(delta.len(), format));
            let sent = decompress(&encoded, delta.len(), format).unwrap();
            for (delta, decoded) in delta.chunks(CHUNK).zip(sent.chunks(CHUNK)) {
                let count = (usize::from(format.density.per_chunk()) * delta.len()).div_ceil(CHUNK);
                prop_assert!(decoded.iter().filter(|sent| **sent != 0.0).count() <= count);
                for (value, sent) in delta.iter().zip(decoded) {
                    prop_assert!(*sent == 0.0 || sent.is_sign_negative() == value.is_sign_negative());
                }
            }
        }
    }

    #[test]
    fn a_difference_compresses_like_the_change_itself(before in vectors(), format in formats(), seed in any::<u64>()) {
        let after: Vec<f32> = before.iter().rev().map(|value| value * 0.75).collect();
        let change: Vec<f32> = before.iter().zip(&after).map(|(before, after)| before - after).collect();
        let between = Change::Between { before: &before, after: &after };
        let numbers = numbers(seed);
        for selection in [Selection::Largest, Selection::Drawn(&numbers)] {
            let encoded = compress(Change::Given(&change), format, selection);
            prop_assert_eq!(compress(between, format, selection), encoded);
        }
    }

    #[test]
    fn parts_encoded_apart_are_the_same_update_and_say_what_it_decodes_to(mut delta in vectors(), format in formats(), split in 0_usize..3) {
        let encoded = compress(Change::Given(&delta), format, Selection::Largest).unwrap();
        let split = (split * CHUNK).min(delta.len());
        let (left, right) = delta.split_at_mut(split);
        let mut parts = Vec::new();
        for (first, part) in [(0, left), (split, right)] {
            let mut encoder = Encoder::new(format);
            for (chunk, values) in part.chunks_mut(CHUNK).enumerate() {
                encoder.encode(first + chunk * CHUNK, values).unwrap();
            }
            parts.push(encoder.finish());
        }
        let joined = join_chunks(delta.len(), format, &parts);
        prop_assert_eq!(&joined, &encoded);
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&decompress(&joined, delta.len(), format).unwrap()), bits(&delta));
    }

    #[test]
    fn the_largest_values_are_sent(delta in vectors(), format in formats()) {
        let encoded = compress(Change::Given(&delta), format, Selection::Largest).unwrap();
        let sent = decompress(&encoded, delta.len(), format).unwrap();
        for (delta, decoded) in delta.chunks(CHUNK).zip(sent.chunks(CHUNK)) {
            let smallest_sent = delta.iter().zip(decoded).filter(|(_, sent)| **sent != 0.0).map(|(value, _)| value.abs()).fold(f32::INFINITY, f32::min);
            for (value, sent) in delta.iter().zip(decoded) {
                prop_assert!(*sent != 0.0 || value.abs() <= smallest_sent);
            }
        }
    }

    #[test]
    fn more_bits_are_closer(delta in vectors(), per_chunk in 1_u16..=4096) {
        let error = |bits| {
            let format = format(per_chunk, bits);
            let encoded = compress(Change::Given(&delta), format, Selection::Largest).unwrap();
            let sent = decompress(&encoded, delta.len(), format).unwrap();
            delta.iter().zip(&sent).map(|(value, sent)| f64::from(value - sent).powi(2)).sum::<f64>()
        };
        let norm: f64 = delta.iter().map(|value| f64::from(*value).powi(2)).sum();
        // Levels are rounded to bf16, by 1/256 at most.
        for bits in 1..4 {
            prop_assert!(error(bits + 1) <= error(bits) + norm / 65536.0, "{} bits", bits);
        }
    }
}

/// The mean over many draws comes as close to the change as their number allows.
#[test]
fn the_expectation_of_what_is_drawn_is_the_change() {
    const DRAWS: u32 = 4000;
    let delta: Vec<f32> = (0..64_u16).map(|at| (f32::from(at) - 20.0) * 0.01).collect();
    for bits in [2, 4] {
        let format = format(1024, bits); // 16 of the 64
        let mut sums = vec![0.0_f64; delta.len()];
        for seed in 0..DRAWS {
            let numbers = numbers(u64::from(seed) << 32);
            let encoded =
                compress(Change::Given(&delta), format, Selection::Drawn(&numbers)).unwrap();
            let sent = decompress(&encoded, delta.len(), format).unwrap();
            sums.iter_mut().zip(&sent).for_each(|(sum, sent)| *sum += f64::from(*sent));
        }
        for (sum, value) in sums.iter().zip(&delta) {
            let mean = sum / f64::from(DRAWS);
            // A value is about 0.6 when it is sent, so the mean of 4000 draws is within 0.03 almost always.
            assert!((mean - f64::from(*value)).abs() < 0.03, "{bits} bits: {mean} for {value}");
        }
        // The sum of all magnitudes is met much more closely than each of them.
        let (total, sent): (f64, f64) =
            delta.iter().zip(&sums).fold((0.0, 0.0), |(total, sent), (value, sum)| {
                (total + f64::from(value.abs()), sent + sum.abs() / f64::from(DRAWS))
            });
        assert!((total - sent).abs() < total * 0.01, "{sent} for {total}");
    }
}

#[test]
fn what_is_drawn_depends_on_the_numbers_alone() {
    let delta: Vec<f32> = (0..5000_u16).map(|at| f32::from(at % 97) - 48.0).collect();
    let draw = |seed| {
        let numbers = numbers(seed);
        compress(Change::Given(&delta), format(512, 2), Selection::Drawn(&numbers)).unwrap()
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn ties_go_to_the_lower_index() {
    let delta = vec![0.5_f32; CHUNK];
    let format = format(3, 2);
    let encoded = compress(Change::Given(&delta), format, Selection::Largest).unwrap();
    let decoded = decompress(&encoded, CHUNK, format).unwrap();
    let sent: Vec<usize> = (0..CHUNK).filter(|&at| decoded[at] != 0.0).collect();
    assert_eq!(sent, [0, 1, 2]);
}

#[test]
fn the_encoding_is_pinned() {
    // 5 values at a density of 2 of 4096: one is sent. Its distance 1 is a one and a low bit; then a minus and the lower level.
    let delta = [0.1, -1.5, 0.2, 0.3, 0.0];
    let encoded = compress(Change::Given(&delta), format(2, 2), Selection::Largest).unwrap();
    assert_eq!(encoded, [2, 5, 0, 0, 0, 2, 0, 2, 0xc0, 0x3f, 0xc0, 0x3f, 0b0111]);
    // Three of the five, with one bit each: those that are not sent are written, as distances 0 and 3.
    let encoded = compress(Change::Given(&delta), format(2048, 1), Selection::Largest).unwrap();
    assert_eq!(encoded, [2, 5, 0, 0, 0, 0, 8, 1, 0x2b, 0x3f, 0b0011_0001]);
}

#[test]
fn changes_that_are_not_finite_are_refused() {
    let whole = format(4096, 2);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, MAGNITUDE_MAX * 2.0] {
        let refused = compress(Change::Given(&[0.0, bad]), whole, Selection::Largest);
        assert_eq!(refused, Err(CompressError::Range { index: 1 }));
    }
    let largest = [MAGNITUDE_MAX, -MAGNITUDE_MAX, 0.0, MAGNITUDE_MAX];
    let numbers = numbers(3);
    for selection in [Selection::Largest, Selection::Drawn(&numbers)] {
        let encoded = compress(Change::Given(&largest), format(1024, 1), selection).unwrap();
        let decoded = decompress(&encoded, 4, format(1024, 1)).unwrap();
        assert!(decoded.iter().all(|value| value.abs() <= MAGNITUDE_MAX));
    }
    let between = Change::Between { before: &[0.0; 3], after: &[0.0; 2] };
    let refused = compress(between, whole, Selection::Largest);
    assert_eq!(refused, Err(CompressError::Lengths { given: 2, expected: 3 }));
}
