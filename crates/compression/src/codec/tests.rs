use proptest::prelude::*;

use super::*;

/// Decodes and encodes again: each update must have exactly one encoding.
fn rewrite(
    encoded: &[u8],
    parameter_count: usize,
    density: Density,
) -> Result<Vec<u8>, DecodeError> {
    check_header(encoded, parameter_count, density)?;
    let mut writer = Writer::new(parameter_count, density);
    let mut at = HEADER_SIZE;
    let mut left = parameter_count;
    let mut chunk = 0;
    while left > 0 {
        let length = left.min(CHUNK);
        let size = chunk_size(length, density);
        writer.chunk(&read_chunk(&encoded[at..at + size], chunk, length, density)?, length);
        at += size;
        left -= length;
        chunk += 1;
    }
    Ok(writer.finish())
}

fn sample(parameter_count: usize, density: Density) -> Vec<u8> {
    let delta: Vec<f32> = (0_u16..)
        .take(parameter_count)
        .map(|index| (f32::from(index.wrapping_mul(40_503)) - 32_768.0) * 1e-5)
        .collect();
    crate::compress(crate::Change::Given(&delta), density).unwrap()
}

#[test]
fn bf16_rounds_to_nearest_even() {
    for (value, expected) in [
        (1.0, 0x3f80),
        (f32::from_bits(0x3f80_8000), 0x3f80),
        (f32::from_bits(0x3f81_8000), 0x3f82),
        (f32::from_bits(0x3f80_8001), 0x3f81),
        (-0.0, 0x8000),
        (f32::from_bits(1), 0),
        (MAGNITUDE_MAX, 0x7180),
    ] {
        assert_eq!(bf16_from_f32(value), expected, "{value:e}");
    }
}

#[test]
fn sizes_are_those_of_the_reference() {
    // 64 of 4096 at 12 + 2 bits: 0.21875 bits a parameter, and 4 bytes of levels a chunk.
    let sparse = Density::new(64).unwrap();
    assert_eq!(encoded_size(CHUNK, sparse), HEADER_SIZE + 4 + 64 * 14 / 8);
    assert_eq!(encoded_size(CHUNK, Density::WHOLE), HEADER_SIZE + 4 + 4096 * 2 / 8);
    assert_eq!(encoded_size(CHUNK, Density::new(1024).unwrap()), HEADER_SIZE + 4 + 512 + 256);
    assert_eq!(encoded_size(0, sparse), HEADER_SIZE);
}

#[test]
fn densities_have_bounds() {
    assert_eq!(Density::new(0), Err(DensityError(0)));
    assert_eq!(Density::new(4097), Err(DensityError(4097)));
    assert_eq!(Density::new(4096), Ok(Density::WHOLE));
}

#[test]
fn wrong_headers_are_named() {
    let density = Density::new(100).unwrap();
    let good = sample(5000, density);
    let mut other = good.clone();
    other[0] = 9;
    assert_eq!(decompress(&other, 5000, density), Err(DecodeError::Version(9)));
    assert!(matches!(decompress(&good, 5001, density), Err(DecodeError::Settings { .. })));
    assert!(matches!(decompress(&good, 5000, Density::WHOLE), Err(DecodeError::Settings { .. })));
    other = good.clone();
    other.push(0);
    assert!(matches!(decompress(&other, 5000, density), Err(DecodeError::Size { .. })));
}

#[test]
fn bad_chunks_are_named() {
    let density = Density::new(100).unwrap();
    let good = sample(CHUNK, density);
    let check = |at: usize, bytes: &[u8], expected: DecodeError| {
        let mut bad = good.clone();
        bad[at..at + bytes.len()].copy_from_slice(bytes);
        assert_eq!(decompress(&bad, CHUNK, density), Err(expected));
    };
    let levels = DecodeError::Levels { chunk: 0 };
    check(HEADER_SIZE + 2, &0x7f80_u16.to_le_bytes(), levels); // infinity
    check(HEADER_SIZE + 2, &0x7fc0_u16.to_le_bytes(), levels); // not a number
    check(HEADER_SIZE + 2, &0x8000_u16.to_le_bytes(), levels); // a sign
    check(HEADER_SIZE + 2, &0x0000_u16.to_le_bytes(), levels); // high below low
    check(HEADER_SIZE + 4, &[0xff, 0xff, 0xff], DecodeError::Positions { chunk: 0 }); // 4095 twice
}

#[test]
fn padding_bits_that_are_set_are_refused() {
    // 3 codes of 2 bits: the last two bits of the byte are padding.
    let mut encoded = sample(3, Density::WHOLE);
    assert!(decompress(&encoded, 3, Density::WHOLE).is_ok());
    *encoded.last_mut().unwrap() |= 0x80;
    assert_eq!(decompress(&encoded, 3, Density::WHOLE), Err(DecodeError::Padding { chunk: 0 }));
}

fn densities() -> impl Strategy<Value = Density> {
    prop_oneof![1_u16..8, 1_u16..400, 1_u16..=4096, Just(4096)]
        .prop_map(|per_chunk| Density::new(per_chunk).unwrap())
}

fn lengths() -> impl Strategy<Value = usize> {
    prop_oneof![0_usize..20, 1_usize..5000, Just(CHUNK), Just(2 * CHUNK)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000), length in lengths(), density in densities()) {
        prop_assert!(decompress(&bytes, length, density).is_err() || rewrite(&bytes, length, density).as_ref() == Ok(&bytes));
    }

    #[test]
    fn right_size_and_header_over_noise_never_panics(noise in prop::collection::vec(any::<u8>(), 1..512), length in lengths(), density in densities()) {
        let mut bytes = Writer::new(length, density).bytes;
        bytes.extend(noise.iter().cycle().take(encoded_size(length, density) - HEADER_SIZE));
        match decompress(&bytes, length, density) {
            Ok(values) => {
                prop_assert!(values.iter().all(|value| value.abs() <= MAGNITUDE_MAX));
                prop_assert_eq!(rewrite(&bytes, length, density), Ok(bytes));
            }
            Err(error) => prop_assert_eq!(rewrite(&bytes, length, density), Err(error)),
        }
    }

    #[test]
    fn a_truncated_update_is_refused(length in 1_usize..5000, density in densities(), part in 0.0_f64..1.0) {
        let encoded = sample(length, density);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a test picks a place to cut")]
        let cut = (encoded.len() as f64 * part) as usize;
        prop_assert!(decompress(&encoded[..cut], length, density).is_err());
    }

    #[test]
    fn a_flipped_bit_is_refused_or_another_update(length in 1_usize..5000, density in densities(), place in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut flipped = sample(length, density);
        let at = place.index(flipped.len());
        flipped[at] ^= 1 << bit;
        if decompress(&flipped, length, density).is_ok() {
            prop_assert_eq!(rewrite(&flipped, length, density), Ok(flipped));
        }
    }
}
