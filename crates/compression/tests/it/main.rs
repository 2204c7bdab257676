//! Properties of compression, with and without a memory.

use compression::{
    CHUNK, Change, CompressError, Density, MAGNITUDE_MAX, Memory, compress, compress_with_memory,
    decompress, encoded_size,
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
    fn decoded_and_memory_add_up_to_the_sum(first in vectors(), density in densities()) {
        let second: Vec<f32> = first.iter().rev().copied().collect();
        let mut memory = Memory::zero(first.len());
        for delta in [&first, &second] {
            let out = compress_with_memory(Change::Given(delta), &memory, density).unwrap();
            prop_assert_eq!(out.encoded.len(), encoded_size(delta.len(), density));
            let sent = decompress(&out.encoded, delta.len(), density).unwrap();
            for (((kept, after), delta), decoded) in memory.values().zip(out.memory.values()).zip(delta).zip(&sent) {
                let sum = f64::from(kept) + f64::from(*delta);
                let rest = sum - f64::from(*decoded);
                // One rounding to f32 of the sum, one of the remainder, one to bf16 of the remainder.
                let tolerance = rest.abs() / 256.0 + sum.abs() / f64::from(1 << 22) + 1e-38;
                prop_assert!((f64::from(after) - rest).abs() <= tolerance, "{} kept for {}", after, rest);
            }
            memory = out.memory;
        }
        prop_assert_eq!(Memory::from_bytes(&memory.to_bytes(), first.len()), Ok(memory));
    }

    #[test]
    fn a_difference_compresses_like_the_change_itself(before in vectors(), density in densities()) {
        let after: Vec<f32> = before.iter().rev().map(|value| value * 0.75).collect();
        let change: Vec<f32> = before.iter().zip(&after).map(|(before, after)| before - after).collect();
        let between = Change::Between { before: &before, after: &after };
        let change = Change::Given(&change);
        let encoded = compress(change, density);
        prop_assert_eq!(compress(between, density), encoded.clone());
        let fresh = Memory::zero(before.len());
        let first = compress_with_memory(between, &fresh, density).unwrap();
        prop_assert_eq!(Ok(first.encoded), encoded, "a fresh memory must change nothing");
        prop_assert_eq!(compress_with_memory(between, &first.memory, density), compress_with_memory(change, &first.memory, density));
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
fn the_memory_is_sent_later() {
    // One value per round of three: after enough rounds without change everything has been sent.
    let mut memory = Memory::zero(3);
    let mut delta = vec![0.5, -0.25, 0.125];
    let mut received = vec![0.0_f32; 3];
    for _ in 0..3 {
        let density = Density::new(1).unwrap();
        let out = compress_with_memory(Change::Given(&delta), &memory, density).unwrap();
        let decoded = decompress(&out.encoded, 3, density).unwrap();
        received.iter_mut().zip(&decoded).for_each(|(sum, sent)| *sum += sent);
        memory = out.memory;
        delta = vec![0.0; 3];
    }
    assert_eq!(received, [0.5, -0.25, 0.125]);
    assert_eq!(memory, Memory::zero(3));
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
    let refused = compress_with_memory(Change::Given(&[0.0]), &Memory::zero(2), density);
    assert_eq!(refused, Err(CompressError::Lengths { given: 2, expected: 1 }));
    let between = Change::Between { before: &[0.0; 3], after: &[0.0; 2] };
    let refused = compress(between, density);
    assert_eq!(refused, Err(CompressError::Lengths { given: 2, expected: 3 }));
}

#[test]
fn invalid_memory_bytes_are_refused() {
    assert!(Memory::from_bytes(&[0; 5], 2).is_err());
    assert!(Memory::from_bytes(&[0, 0, 0x80, 0x7f], 2).is_err(), "infinity");
    assert!(Memory::from_bytes(&[0, 0, 0xc0, 0xff], 2).is_err(), "not a number");
    assert_eq!(Memory::from_bytes(&[0; 4], 2), Ok(Memory::zero(2)));
}
