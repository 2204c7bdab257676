//! Properties of compression.

use compression::{
    CHUNK, Change, CompressError, Density, MAGNITUDE_MAX, compress, decompress, encoded_size,
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

fn densities() -> impl Strategy<Value = Density> {
    prop_oneof![1_u16..16, 1_u16..=4096, Just(4096)]
        .prop_map(|count| Density::new(count).expect("in bounds"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn a_difference_compresses_like_the_change_itself(before in vectors(), density in densities()) {
        let after: Vec<f32> = before.iter().rev().map(|value| value * 0.75).collect();
        let change: Vec<f32> = before.iter().zip(&after).map(|(before, after)| before - after).collect();
        let between = Change::Between { before: &before, after: &after };
        let encoded = compress(Change::Given(&change), density).unwrap();
        prop_assert_eq!(encoded.len(), encoded_size(change.len(), density));
        prop_assert_eq!(compress(between, density), Ok(encoded));
    }

    #[test]
    fn the_largest_values_are_sent(delta in vectors(), density in densities()) {
        let encoded = compress(Change::Given(&delta), density).unwrap();
        let sent = decompress(&encoded, delta.len(), density).unwrap();
        for (delta, decoded) in delta.chunks(CHUNK).zip(sent.chunks(CHUNK)) {
            let smallest_sent = delta.iter().zip(decoded).filter(|(_, sent)| **sent != 0.0).map(|(value, _)| value.abs()).fold(f32::INFINITY, f32::min);
            for (value, sent) in delta.iter().zip(decoded) {
                prop_assert!(*sent != 0.0 || value.abs() <= smallest_sent);
                prop_assert!(*sent == 0.0 || sent.is_sign_negative() == value.is_sign_negative());
            }
        }
    }
}

#[test]
fn ties_go_to_the_lower_index() {
    let delta = vec![0.5_f32; CHUNK];
    let density = Density::new(3).unwrap();
    let encoded = compress(Change::Given(&delta), density).unwrap();
    let decoded = decompress(&encoded, CHUNK, density).unwrap();
    let sent: Vec<usize> = (0..CHUNK).filter(|&at| decoded[at] != 0.0).collect();
    assert_eq!(sent, [0, 1, 2]);
}

#[test]
fn the_encoding_is_pinned() {
    // 5 values at a density of 2 of 4096: one is sent, as a bitmap, since a 12-bit position is longer than 5 bits.
    let delta = [0.1, -1.5, 0.2, 0.3, 0.0];
    let encoded = compress(Change::Given(&delta), Density::new(2).unwrap()).unwrap();
    assert_eq!(encoded, [1, 5, 0, 0, 0, 2, 0, 0xc0, 0x3f, 0xc0, 0x3f, 0b0010_0010]);
}

#[test]
fn changes_that_are_not_finite_are_refused() {
    let density = Density::WHOLE;
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, MAGNITUDE_MAX * 2.0] {
        let refused = compress(Change::Given(&[0.0, bad]), density);
        assert_eq!(refused, Err(CompressError::Range { index: 1 }));
    }
    assert!(compress(Change::Given(&[MAGNITUDE_MAX, -MAGNITUDE_MAX]), density).is_ok());
    let between = Change::Between { before: &[0.0; 3], after: &[0.0; 2] };
    let refused = compress(between, density);
    assert_eq!(refused, Err(CompressError::Lengths { given: 2, expected: 3 }));
}
