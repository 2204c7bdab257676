//! Elementary functions that give the same bits on every machine. Error bounds are tested against the platform's
//! f64 functions.

/// Below this [`exp`] is zero: the result would be subnormal.
pub const EXP_MIN: f32 = -87.336_54;
/// Above this [`exp`] is `exp(88)`, about 1.65e38.
pub const EXP_MAX: f32 = 88.0;
/// Base of the rotary frequencies.
pub const ROTARY_BASE: f64 = 10_000.0;

/// Returns `e^x`, within 1.5 units in the last place in `[EXP_MIN, EXP_MAX]`; NaN for NaN.
///
/// `x = n·ln 2 + r`, then Taylor's polynomial of degree 7 in `r`, `|r| ≤ ln 2 / 2`, then `2^n` through the exponent bits.
/// Source: the reduction in two parts is Cody and Waite's.
#[inline(always)]
#[must_use]
pub fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5 · 2^23: adding it rounds to an integer, kept in the low mantissa bits
    const LN2_HIGH: f32 = 0.693_359_4; // 355/512, so that n · LN2_HIGH is exact
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let clamped = if x > EXP_MAX { EXP_MAX } else { x };
    let clamped = if clamped < EXP_MIN { EXP_MIN } else { clamped };
    let shifted = clamped.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-LN2_LOW, n.mul_add(-LN2_HIGH, clamped));
    let mut p = 1.0 / 5040.0;
    for c in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        p = r.mul_add(p, c);
    }
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    if x < EXP_MIN { 0.0 } else { p * power }
}

/// Returns `1 / (1 + e^-x)`, within 3 units in the last place above -80.
#[inline(always)]
#[must_use]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Returns `x · sigmoid(x)`, the activation of SwiGLU, within 4 units in the last place above -80.
#[inline(always)]
#[must_use]
pub fn silu(x: f32) -> f32 {
    x * sigmoid(x)
}

/// Returns `ln x` for a normal positive `x`, within slightly more than half a unit in the last place of f32;
/// computed in f64.
///
/// `x = m·2^e` with `m` in `[√½, √2)`, then `ln m = 2·artanh((m−1)/(m+1))` as a series.
#[must_use]
pub fn ln(x: f32) -> f32 {
    if x.is_nan() || x.is_infinite() || x < f32::MIN_POSITIVE {
        return if x.is_infinite() && x > 0.0 { x } else { f32::NAN };
    }
    let bits = x.to_bits();
    let mut exponent = f64::from(bits >> 23) - 127.0;
    let mut m = f64::from(f32::from_bits((bits & 0x007f_ffff) | 0x3f80_0000));
    if m > std::f64::consts::SQRT_2 {
        m *= 0.5;
        exponent += 1.0;
    }
    let z = (m - 1.0) / (m + 1.0);
    let square = z * z;
    let mut sum = 0.0;
    for odd in [19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        sum = sum * square + 1.0 / odd;
    }
    narrow(2.0 * z * sum + exponent * std::f64::consts::LN_2)
}

/// Returns cosines and sines of the rotary positions: two tables of `context · head_width / 2`, position-major.
///
/// The angle of pair `i` at position `t` is `t · 10000^(−2i / head_width)`. Computed in f64, within one unit in the
/// last place of f32. Source: arXiv 2104.09864, section 3.2.2.
#[must_use]
pub fn rotary_tables(context: usize, head_width: usize) -> (Vec<f32>, Vec<f32>) {
    let pairs = head_width / 2;
    let (mut cosines, mut sines) = (Vec::new(), Vec::new());
    cosines.reserve_exact(context * pairs);
    sines.reserve_exact(context * pairs);
    for position in 0..context {
        for pair in 0..pairs {
            let exponent = -2.0 * to_f64(pair) / to_f64(head_width);
            let frequency = exp_f64(exponent * LN_ROTARY_BASE);
            let (sine, cosine) = sin_cos(to_f64(position) * frequency);
            cosines.push(narrow(cosine));
            sines.push(narrow(sine));
        }
    }
    (cosines, sines)
}

/// `ln ROTARY_BASE`.
const LN_ROTARY_BASE: f64 = 9.210_340_371_976_184;

/// Returns `e^x` for `-20 ≤ x ≤ 0`: the Taylor series of `x / 1024`, squared ten times. Relative error below 1e-12.
fn exp_f64(x: f64) -> f64 {
    let r = x / 1024.0;
    let mut sum = 1.0;
    for k in [12.0, 11.0, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0] {
        sum = 1.0 + r / k * sum;
    }
    for _ in 0..10 {
        sum *= sum;
    }
    sum
}

/// Returns sine and cosine for `0 ≤ x ≤ 65536`: reduced by quarter turns in two parts, then Taylor. Absolute error
/// below 1e-11.
fn sin_cos(x: f64) -> (f64, f64) {
    const QUARTER_HIGH: f64 = 1.570_796_326_734_125_6; // the top 33 bits of π/2, so that n · QUARTER_HIGH is exact
    const QUARTER_LOW: f64 = 6.077_100_506_506_192e-11;
    const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 · 2^52
    let shifted = x * std::f64::consts::FRAC_2_PI + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * QUARTER_HIGH) - n * QUARTER_LOW;
    let square = r * r;
    let (mut sine, mut cosine) = (1.0, 1.0);
    for k in [18.0, 16.0, 14.0, 12.0, 10.0, 8.0, 6.0, 4.0, 2.0] {
        sine = 1.0 - square / (k * (k + 1.0)) * sine;
        cosine = 1.0 - square / (k * (k - 1.0)) * cosine;
    }
    sine *= r;
    match shifted.to_bits() & 3 {
        0 => (sine, cosine),
        1 => (cosine, -sine),
        2 => (-sine, -cosine),
        _ => (-cosine, sine),
    }
}

#[expect(clippy::cast_precision_loss, reason = "positions and widths are below 2^53")]
fn to_f64(value: usize) -> f64 {
    value as f64
}

#[expect(clippy::cast_possible_truncation, reason = "rounds to the nearest f32")]
fn narrow(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests;
