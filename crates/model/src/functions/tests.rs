use super::*;

/// Returns the distance of `value` from `exact` in units in the last place of the f32 nearest to `exact`.
fn ulps(value: f32, exact: f64) -> f64 {
    let nearest = narrow(exact).abs().max(f32::MIN_POSITIVE);
    let unit = f64::from(f32::from_bits(nearest.to_bits() + 1)) - f64::from(nearest);
    ((f64::from(value) - exact) / unit).abs()
}

/// Returns every 2^9-th float between two of one sign, in order of their bits.
fn floats(from: f32, to: f32) -> impl Iterator<Item = f32> {
    (from.to_bits()..=to.to_bits()).step_by(509).map(f32::from_bits)
}

#[test]
fn exp_is_close() {
    let negative = floats(-1e-8, EXP_MIN);
    for x in floats(1e-8, EXP_MAX).chain(negative) {
        let off = ulps(exp(x), f64::from(x).exp());
        assert!(off <= 1.5, "exp({x}) is off by {off} units");
    }
}

/// Checks `exp` where the reduction changes to the next power of two and the polynomial is at its ends.
#[test]
fn exp_is_close_where_powers_meet() {
    for n in -125_i16..=126 {
        let middle = narrow((f64::from(n) + 0.5) * std::f64::consts::LN_2);
        for bits in middle.to_bits() - 64..middle.to_bits() + 64 {
            let x = f32::from_bits(bits);
            let off = ulps(exp(x), f64::from(x).exp());
            assert!(off <= 1.5, "exp({x}) is off by {off} units");
        }
    }
}

#[test]
fn exp_at_the_edges() {
    let (low, below) = (EXP_MIN, f32::from_bits(EXP_MIN.to_bits() + 1));
    assert!(exp(low) >= f32::MIN_POSITIVE);
    for (x, expected) in [
        (0.0, 1.0),
        (-0.0, 1.0),
        (below, 0.0),
        (-1e30, 0.0),
        (f32::NEG_INFINITY, 0.0),
        (EXP_MAX, exp(1e30)),
        (f32::INFINITY, exp(EXP_MAX)),
    ] {
        assert_eq!(exp(x), expected, "exp({x})");
    }
    assert!(exp(f32::NAN).is_nan());
}

#[test]
fn sigmoid_and_silu_are_close() {
    for x in floats(1e-8, 80.0).chain(floats(-1e-8, -80.0)) {
        let exact = 1.0 / (1.0 + (-f64::from(x)).exp());
        let off = ulps(sigmoid(x), exact);
        assert!(off <= 3.0, "sigmoid({x}) is off by {off} units");
        let off = ulps(silu(x), f64::from(x) * exact);
        assert!(off <= 4.0, "silu({x}) is off by {off} units");
    }
}

#[test]
fn ln_is_close() {
    for x in floats(f32::MIN_POSITIVE, f32::MAX) {
        let off = ulps(ln(x), f64::from(x).ln());
        assert!(off <= 0.5001, "ln({x}) is off by {off} units");
    }
    assert_eq!(ln(1.0), 0.0);
    assert_eq!(ln(f32::INFINITY), f32::INFINITY);
    for x in [0.0, -1.0, f32::NAN, f32::NEG_INFINITY] {
        assert!(ln(x).is_nan(), "ln({x})");
    }
}

#[test]
fn rotary_tables_are_close() {
    let (context, width) = (5000, 64);
    let (cosines, sines) = rotary_tables(context, width);
    for position in (0..context).step_by(7).chain([context - 1]) {
        for pair in 0..width / 2 {
            let exponent = -2.0 * to_f64(pair) / to_f64(width);
            let angle = to_f64(position) * ROTARY_BASE.powf(exponent);
            let at = position * width / 2 + pair;
            assert!(
                (f64::from(cosines[at]) - angle.cos()).abs() < 1e-7,
                "cosine {position} {pair}"
            );
            assert!((f64::from(sines[at]) - angle.sin()).abs() < 1e-7, "sine {position} {pair}");
        }
    }
}

/// These bits are part of the definition: they must not depend on the instructions that the compiler chose.
#[test]
fn bits_are_pinned() {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut mix =
        |value: f32| hash = (hash ^ u64::from(value.to_bits())).wrapping_mul(0x0100_0000_01b3);
    for x in floats(1e-3, 80.0) {
        [exp(x), exp(-x), sigmoid(x), silu(-x), ln(x)].into_iter().for_each(&mut mix);
    }
    let (cosines, sines) = rotary_tables(300, 32);
    cosines.into_iter().chain(sines).for_each(mix);
    assert_eq!(format!("{hash:016x}"), "6d1b57ff729126f7");
}
