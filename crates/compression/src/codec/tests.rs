use proptest::prelude::*;

use super::*;

/// Decodes and encodes again: each update must have exactly one encoding.
fn rewrite(encoded: &[u8], parameter_count: usize, format: Format) -> Result<Vec<u8>, DecodeError> {
    let mut bytes = header(parameter_count, format);
    read(encoded, parameter_count, format, |packed, length| {
        packed.write(length, format, &mut bytes)
    })?;
    Ok(bytes)
}

fn format(per_chunk: u16, bits: u8) -> Format {
    Format { density: Density::new(per_chunk).unwrap(), bits: Bits::new(bits).unwrap() }
}

fn sample(parameter_count: usize, format: Format) -> Vec<u8> {
    let delta: Vec<f32> = (0_u16..)
        .take(parameter_count)
        .map(|index| (f32::from(index.wrapping_mul(40_503)) - 32_768.0) * 1e-5)
        .collect();
    crate::compress(crate::Change::Given(&delta), format, crate::Selection::Largest).unwrap()
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
fn sizes_are_bounded_by_density_and_bits() {
    // 64 of 4096: 384 bits and at most 126 zeros for the positions, 2 bits a value, 4 bytes of levels.
    assert_eq!(
        encoded_size_max(CHUNK, format(64, 2)),
        HEADER_SIZE + 4 + (384 + 126 + 128_usize).div_ceil(8)
    );
    assert_eq!(encoded_size_max(CHUNK, format(4096, 2)), HEADER_SIZE + 4 + 1024);
    assert_eq!(encoded_size_max(CHUNK, format(4096, 1)), HEADER_SIZE + 2 + 512);
    assert_eq!(
        encoded_size_max(CHUNK, format(1024, 4)),
        HEADER_SIZE + 16 + (2048 + 1536) / 8 + 512
    );
    assert_eq!(encoded_size_max(0, format(64, 2)), HEADER_SIZE);
}

#[test]
fn formats_have_bounds() {
    assert_eq!(Density::new(0), Err(DensityError(0)));
    assert_eq!(Density::new(4097), Err(DensityError(4097)));
    assert_eq!(Density::new(4096), Ok(Density::WHOLE));
    assert_eq!(Bits::new(0), Err(BitsError(0)));
    assert_eq!(Bits::new(5), Err(BitsError(5)));
}

#[test]
fn wrong_headers_and_sizes_are_named() {
    let used = format(100, 2);
    let good = sample(5000, used);
    let mut other = good.clone();
    other[0] = 1;
    assert_eq!(decompress(&other, 5000, used), Err(DecodeError::Version(1)));
    for (parameter_count, format) in [(5001, used), (5000, format(101, 2)), (5000, format(100, 3))]
    {
        let refused = decompress(&good, parameter_count, format);
        assert!(matches!(refused, Err(DecodeError::Settings { .. })), "{refused:?}");
    }
    other = good.clone();
    other.push(0);
    assert_eq!(decompress(&other, 5000, used), Err(DecodeError::Long { size: 1 }));
    other.resize(encoded_size_max(5000, used) + 1, 0);
    assert!(matches!(decompress(&other, 5000, used), Err(DecodeError::Size { .. })));
    let size = good.len() - 1;
    assert_eq!(decompress(&good[..size], 5000, used), Err(DecodeError::Short { size }));
    assert_eq!(decompress(&good[..5], 5000, used), Err(DecodeError::Short { size: 5 }));
}

#[test]
fn bad_chunks_are_named() {
    let used = format(100, 2);
    let good = sample(CHUNK, used);
    let check = |at: usize, bytes: &[u8], expected: DecodeError| {
        let mut bad = good.clone();
        bad[at..at + bytes.len()].copy_from_slice(bytes);
        assert_eq!(decompress(&bad, CHUNK, used), Err(expected));
    };
    let levels = DecodeError::Levels { chunk: 0 };
    check(HEADER_SIZE + 2, &0x7f80_u16.to_le_bytes(), levels); // infinity
    check(HEADER_SIZE + 2, &0x7fc0_u16.to_le_bytes(), levels); // not a number
    check(HEADER_SIZE + 2, &0x8000_u16.to_le_bytes(), levels); // a sign
    check(HEADER_SIZE + 2, &0x0000_u16.to_le_bytes(), levels); // high below low
    check(HEADER_SIZE + 4, &[0; 17], DecodeError::Positions { chunk: 0 }); // 136 zeros: 4352 values or more
}

#[test]
fn padding_bits_that_are_set_are_refused() {
    // 3 codes of 2 bits: the last two bits of the byte are padding.
    let whole = format(4096, 2);
    let mut encoded = sample(3, whole);
    assert!(decompress(&encoded, 3, whole).is_ok());
    *encoded.last_mut().unwrap() |= 0x80;
    assert_eq!(decompress(&encoded, 3, whole), Err(DecodeError::Padding { chunk: 0 }));
}

fn formats() -> impl Strategy<Value = Format> {
    let per_chunk = prop_oneof![1_u16..8, 1_u16..400, 1_u16..=4096, Just(4096)];
    (per_chunk, 1_u8..=4).prop_map(|(per_chunk, bits)| format(per_chunk, bits))
}

fn lengths() -> impl Strategy<Value = usize> {
    prop_oneof![0_usize..20, 1_usize..5000, Just(CHUNK), Just(2 * CHUNK)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000), length in lengths(), format in formats()) {
        prop_assert!(decompress(&bytes, length, format).is_err() || rewrite(&bytes, length, format).as_ref() == Ok(&bytes));
    }

    #[test]
    fn header_and_levels_over_noise_never_panic(noise in prop::collection::vec(any::<u8>(), 1..512), length in lengths(), format in formats(), part in 0.0_f64..1.2) {
        let mut bytes = header(length, format);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a test picks a size")]
        let size = (encoded_size_max(length, format) as f64 * part) as usize;
        // Levels that are all zero are valid, so the noise is read as positions and codes.
        bytes.extend(vec![0; format.bits.level_count() * 2]);
        bytes.extend(noise.iter().cycle().take(size));
        match decompress(&bytes, length, format) {
            Ok(values) => {
                prop_assert!(values.len() == length && values.iter().all(|value| value.abs() <= MAGNITUDE_MAX));
                prop_assert_eq!(rewrite(&bytes, length, format), Ok(bytes));
            }
            Err(error) => prop_assert_eq!(rewrite(&bytes, length, format), Err(error)),
        }
    }

    /// Bytes that are taken are those that would be written, however they came about.
    #[test]
    fn a_flipped_bit_is_refused_or_another_update(length in 1_usize..5000, format in formats(), place in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let good = sample(length, format);
        let mut flipped = good.clone();
        let at = place.index(flipped.len());
        flipped[at] ^= 1 << bit;
        if decompress(&flipped, length, format).is_ok() {
            prop_assert_eq!(rewrite(&flipped, length, format), Ok(flipped));
        }
        prop_assert_eq!(rewrite(&good, length, format), Ok(good));
    }

    #[test]
    fn a_truncated_or_longer_update_is_refused(length in 1_usize..5000, format in formats(), place in any::<prop::sample::Index>(), more in prop::collection::vec(any::<u8>(), 1..9)) {
        let encoded = sample(length, format);
        prop_assert!(decompress(&encoded[..place.index(encoded.len())], length, format).is_err());
        prop_assert!(decompress(&[encoded, more].concat(), length, format).is_err());
    }
}
