//! Ticks and square roots of prices: `√(1.0001^tick)` in Q64.96.

use alloy_primitives::{I256, U160, U256, aliases::I24, uint};
use fixed_point::Q128;

use super::Refused;

/// The highest tick: its price is just below 2^128.
pub const TICK_MAX: i32 = 887_272;
/// The lowest tick.
pub const TICK_MIN: i32 = -TICK_MAX;
/// The square root of the price at [`TICK_MIN`].
pub const SQRT_PRICE_MIN: U160 = uint!(4295128739_U160);
/// The square root of the price at [`TICK_MAX`]; a pool's price stays below it.
pub const SQRT_PRICE_MAX: U160 = uint!(1461446703485210103287273052203988822378723970342_U160);

/// `2^128 · 1.0001^(−2^i / 2)` for `i` from 0 on, rounded to the nearest: what bit `i` of a tick below 0 multiplies the root with.
const FACTORS: [u128; 20] = [
    0xfffc_b933_bd6f_ad37_aa2d_162d_1a59_4001,
    0xfff9_7272_373d_4132_59a4_6990_580e_213a,
    0xfff2_e50f_5f65_6932_ef12_357c_f3c7_fdcc,
    0xffe5_caca_7e10_e4e6_1c36_24ea_a094_1cd0,
    0xffcb_9843_d60f_6159_c9db_5883_5c92_6644,
    0xff97_3b41_fa98_c081_472e_6896_dfb2_54c0,
    0xff2e_a164_66c9_6a38_43ec_78b3_26b5_2861,
    0xfe5d_ee04_6a99_a2a8_11c4_61f1_969c_3053,
    0xfcbe_86c7_900a_88ae_dcff_c83b_479a_a3a4,
    0xf987_a725_3ac4_1317_6f2b_074c_f781_5e54,
    0xf339_2b08_22b7_0005_940c_7a39_8e4b_70f3,
    0xe715_9475_a2c2_9b74_43b2_9c7f_a6e8_89d9,
    0xd097_f3bd_fd20_22b8_845a_d8f7_92aa_5825,
    0xa9f7_4646_2d87_0fdf_8a65_dc1f_90e0_61e5,
    0x70d8_69a1_56d2_a1b8_90bb_3df6_2baf_32f7,
    0x31be_135f_97d0_8fd9_8123_1505_542f_cfa6,
    0x09aa_508b_5b7a_84e1_c677_de54_f3e9_9bc9,
    0x005d_6af8_dedb_8119_6699_c329_225e_e604,
    0x0000_2216_e584_f5fa_1ea9_2604_1bed_fe98,
    0x0000_0000_048a_1703_91f7_dc42_444e_8fa2,
];

/// Fractional bits of the logarithm that [`tick_at_sqrt_price`] computes.
const LOG_BITS: u32 = 14;
/// `2^64 / log2(√1.0001)`: turns a logarithm to base 2 with 64 bits after the point into ticks with 128.
const TICKS_PER_LOG: I256 = I256::from_raw(uint!(255738958999603826347141_U256));
/// How far the logarithm may be above the true one, in ticks with 128 bits after the point.
const ERROR_BELOW: I256 = I256::from_raw(uint!(3402992956809132418596140100660247210_U256));
/// How far it may be below.
const ERROR_ABOVE: I256 = I256::from_raw(uint!(291339464771989622907027621153398088495_U256));

/// Returns `√(1.0001^tick) · 2^96`: each of up to 20 products is rounded down, a tick above 0 inverts the result, and the last 32 bits are rounded up.
///
/// # Errors
/// [`Refused::TickOutOfRange`] beyond [`TICK_MAX`] either way.
///
/// Source: Uniswap v3 whitepaper, section 6.1; `TickMath.getSqrtRatioAtTick`.
pub fn sqrt_price_at_tick(tick: i32) -> Result<U160, Refused> {
    let distance = tick.unsigned_abs();
    if distance > TICK_MAX.unsigned_abs() {
        return Err(Refused::TickOutOfRange);
    }
    let mut ratio = Q128.one();
    let mut bits = distance;
    for factor in FACTORS {
        if bits & 1 == 1 {
            // At most 2^128 times less than 2^128.
            ratio = ratio.wrapping_mul(U256::from(factor)).wrapping_shr(128);
        }
        bits = bits.wrapping_shr(1);
    }
    if tick > 0 {
        ratio = U256::MAX.wrapping_div(ratio);
    }
    let is_rounded = ratio.as_limbs().first().is_some_and(|limb| limb & 0xffff_ffff != 0);
    let root = ratio.wrapping_shr(32).wrapping_add(U256::from(is_rounded));
    Ok(root.wrapping_to())
}

/// Returns the greatest tick whose price is at most the given one.
///
/// A logarithm with 14 fractional bits leaves one or two candidates; the price of the upper one decides.
///
/// # Errors
/// [`Refused::PriceOutOfRange`] below [`SQRT_PRICE_MIN`], and from [`SQRT_PRICE_MAX`] on.
///
/// Source: Uniswap v3 whitepaper, section 6.1; `TickMath.getTickAtSqrtRatio`.
pub fn tick_at_sqrt_price(price: U160) -> Result<i32, Refused> {
    if price < SQRT_PRICE_MIN || price >= SQRT_PRICE_MAX {
        return Err(Refused::PriceOutOfRange);
    }
    let ticks = log2(U256::from(price)).wrapping_mul(TICKS_PER_LOG);
    let low = whole(ticks.wrapping_sub(ERROR_BELOW));
    let high = whole(ticks.wrapping_add(ERROR_ABOVE));
    if low == high || sqrt_price_at_tick(high)? > price { Ok(low) } else { Ok(high) }
}

/// Returns `log2(price / 2^96)` with 64 bits after the point, of which [`LOG_BITS`] are computed; rounded down.
fn log2(price: U256) -> I256 {
    let bits = price.bit_len();
    // The mantissa: 1 ≤ x < 2, with 127 bits after the point.
    let mut mantissa = price.wrapping_shl(128_usize.wrapping_sub(bits));
    if bits > 128 {
        mantissa = price.wrapping_shr(bits.wrapping_sub(128));
    }
    // Of at most 160 bits, so that it fits.
    let exponent = i64::try_from(bits).unwrap_or_default().wrapping_sub(97);
    let mut fraction = 0_u64;
    for place in 1..=LOG_BITS {
        // Squaring doubles the logarithm; its next bit is whether the square is 2 or more.
        mantissa = mantissa.wrapping_mul(mantissa).wrapping_shr(127);
        if mantissa.bit(128) {
            fraction |= (1_u64 << 63).wrapping_shr(place.wrapping_sub(1));
            mantissa = mantissa.wrapping_shr(1);
        }
    }
    let whole = I256::try_from(exponent).unwrap_or_default().wrapping_shl(64);
    whole.wrapping_add(I256::from_raw(U256::from(fraction)))
}

/// Returns the whole part of a number with 128 bits after the point, rounded toward negative infinity.
fn whole(ticks: I256) -> i32 {
    let low: I24 = I24::from_raw(ticks.asr(128).into_raw().wrapping_to());
    low.as_i32()
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "an overflow ends a test")]
mod tests;
