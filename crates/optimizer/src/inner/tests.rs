use super::*;

const HYPER: HyperParameters = HyperParameters {
    beta1: 0.9,
    beta2: 0.99,
    epsilon: 1e-8,
    weight_decay: 0.1,
    clip_norm: f32::INFINITY,
};

/// Computes textbook AdamW in f64 for one parameter.
fn reference(start: f64, gradients: &[f64], rate: f64, decay: f64) -> f64 {
    let (mut p, mut m, mut v) = (start, 0.0, 0.0);
    for (step, g) in (1_i32..).zip(gradients) {
        m = 0.9 * m + 0.1 * g;
        v = 0.99 * v + 0.01 * g * g;
        let (m_hat, v_hat) = (m / (1.0 - 0.9_f64.powi(step)), v / (1.0 - 0.99_f64.powi(step)));
        p -= rate * (m_hat / (v_hat.sqrt() + 1e-8) + decay * p);
    }
    p
}

#[test]
fn follows_the_textbook() {
    let length = 37;
    let value = |i: usize, step: usize| {
        f64::from(u8::try_from((i * 31 + step * 17) % 97).unwrap()) / 48.5 - 1.0
    };
    let start: Vec<f32> = (0..length).map(|i| narrow(value(i, 1000))).collect();
    let mut params = start.clone();
    let mut state = AdamW::new(length, HYPER, vec![3..10, 12..30]);
    for step in 0..20 {
        let gradient: Vec<f32> = (0..length).map(|i| narrow(value(i, step))).collect();
        state.step(&mut params, &gradient, 0.01);
    }
    for (i, p) in params.iter().enumerate() {
        let gradients: Vec<f64> = (0..20).map(|step| f64::from(narrow(value(i, step)))).collect();
        let decay = if (3..10).contains(&i) || (12..30).contains(&i) { 0.1 } else { 0.0 };
        let expected = reference(f64::from(start[i]), &gradients, 0.01, decay);
        assert!((f64::from(*p) - expected).abs() < 1e-5, "{i}: {p}, expected {expected}");
    }
}

#[test]
fn clips_by_the_norm_of_the_whole_gradient() {
    let hyper = HyperParameters { clip_norm: 1.0, ..HYPER };
    let (mut clipped, mut whole) = (AdamW::new(2, hyper, vec![]), AdamW::new(2, HYPER, vec![]));
    assert_eq!(clipped.step(&mut [0.0; 2], &[3.0, 4.0], 0.1), 5.0, "the norm before clipping");
    whole.step(&mut [0.0; 2], &[3.0_f32 * 0.2, 4.0_f32 * 0.2], 0.1);
    assert_eq!(clipped.moments(), whole.moments());
    clipped.step(&mut [0.0; 2], &[0.3, 0.4], 0.1);
    whole.step(&mut [0.0; 2], &[0.3, 0.4], 0.1);
    assert_eq!(clipped.moments(), whole.moments(), "a small gradient stays as it is");
}

#[test]
fn reset_is_as_new() {
    let mut state = AdamW::new(3, HYPER, vec![0..1, 2..3]);
    state.step(&mut [1.0; 3], &[1.0; 3], 0.1);
    state.reset();
    assert_eq!(state, AdamW::new(3, HYPER, vec![0..1, 2..3]));
}

#[test]
fn resumed_is_as_never_interrupted() {
    let new = || AdamW::new(3, HYPER, vec![0..1, 2..3]);
    let (mut whole, mut params) = (new(), [1.0; 3]);
    for _ in 0..5 {
        whole.step(&mut params, &[0.3, -0.7, 1e-3], 0.1);
    }
    let mut resumed = new();
    let (first, second) = resumed.resume(5);
    first.copy_from_slice(whole.moments().0);
    second.copy_from_slice(whole.moments().1);
    assert_eq!(resumed, whole);
}

#[test]
fn a_diverged_gradient_gives_a_norm_that_is_not_finite() {
    let mut params = [1.0, 1.0];
    let norm = AdamW::new(2, HYPER, vec![]).step(&mut params, &[f32::NAN, 0.0], 0.1);
    assert!(norm.is_nan() && params[0].is_nan());
}

#[test]
fn schedule_rises_falls_and_ramps() {
    let schedule =
        Schedule { peak: 1.0, floor: 0.1, warmup_steps: 4, total_steps: 104, ramp_steps: 2 };
    let cases = [
        ((0, 9), 0.25),
        ((3, 9), 1.0),
        ((4, 9), 1.0),
        ((54, 9), 0.55),
        ((104, 9), 0.1),
        ((9999, 9), 0.1),
        ((54, 0), 0.275),
        ((54, 1), 0.55),
    ];
    for ((step, since_fresh), expected) in cases {
        assert!(
            (schedule.at(step, since_fresh) - expected).abs() < 1e-6,
            "at {step}, {since_fresh}"
        );
    }
}

/// Checks the bound that the doc of `Schedule::at` states.
#[test]
fn fall_is_close_to_a_cosine() {
    let schedule =
        Schedule { peak: 1.0, floor: 0.0, warmup_steps: 0, total_steps: 1000, ramp_steps: 0 };
    for step in 0..=1000_u32 {
        let cosine = 0.5 + 0.5 * (std::f64::consts::PI * f64::from(step) / 1000.0).cos();
        let off = (f64::from(schedule.at(u64::from(step), 0)) - cosine).abs();
        assert!(off < 0.011, "{off} at {step}");
    }
}
