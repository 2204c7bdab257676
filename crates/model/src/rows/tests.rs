use super::*;

/// Checks the order of a sum that the crate's documentation states.
#[test]
fn sums_have_sixteen_parts() {
    let values: Vec<f32> = (0_u8..101).map(|i| 1.0 / (f32::from(i) + 0.7)).collect();
    let mut parts = [0.0_f32; 16];
    for (i, value) in values.iter().enumerate() {
        parts[i % 16] += value;
    }
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            parts[i] += parts[i + half];
        }
    }
    assert_eq!(sum(&values).to_bits(), parts[0].to_bits());
    assert_ne!(sum(&values), values.iter().sum::<f32>(), "the order matters for these values");
}

#[test]
fn products_have_the_same_parts() {
    let ones = vec![1.0; 40];
    let values: Vec<f32> = (0_u8..40).map(|i| 1.0 / (f32::from(i) + 0.3)).collect();
    assert_eq!(dot(&values, &ones).to_bits(), sum(&values).to_bits());
    assert_eq!(dot3(&values, &ones, &ones).to_bits(), sum(&values).to_bits());
}

#[test]
fn maximum_passes_over_nan() {
    for (values, expected) in [
        (vec![], f32::NEG_INFINITY),
        (vec![-3.0], -3.0),
        (vec![f32::NAN, 2.0, 1.0], 2.0),
        ((0..40_u8).map(f32::from).collect(), 39.0),
    ] {
        assert_eq!(maximum(&values), expected);
    }
}

#[test]
fn softmax_hides_the_future_and_sums_to_one() {
    let mut scores = vec![0.5, 9.0, 9.0, 1.0, 2.0, 9.0];
    softmax_rows(&mut scores, 3, 1, 1.0);
    assert_eq!(scores[..3], [1.0, 0.0, 0.0]);
    assert_eq!(scores[5], 0.0);
    assert!((scores[3] + scores[4] - 1.0).abs() < 1e-6);
    assert!((scores[4] / scores[3] - std::f32::consts::E).abs() < 1e-5);
}

/// A subnormal number slows every product with it. Probabilities go on to be multiplied with gradients, which are small too.
#[test]
fn sharp_probabilities_and_their_gradients_are_zero_or_far_from_subnormal() {
    let depth = 64;
    let spread = |index: u16| -f32::from(index) * 1.7;
    let mut probabilities: Vec<f32> = (0_u16..64).map(spread).collect();
    softmax_rows(&mut probabilities, depth, depth, 1.0);
    let least = 2.0_f32.powi(-41);
    assert!(probabilities.iter().all(|&p| p == 0.0 || p >= least), "{probabilities:?}");
    assert_eq!(probabilities.iter().filter(|&&p| p > 0.0).count(), 17, "40 ln 2 / 1.7, and itself");
    let mut gradient: Vec<f32> =
        (0_u16..64).map(|index| 1e-10 / (f32::from(index) + 1.0)).collect();
    softmax_back_rows(&probabilities, &mut gradient, (depth, depth), 0.1);
    assert!(gradient.iter().all(|value| *value == 0.0 || value.is_normal()), "{gradient:?}");
    let mut logits: Vec<f32> = (0_u16..64).map(spread).collect();
    cross_entropy_rows(&mut logits, &[0], &mut [0.0], 1e-9);
    assert!(logits.iter().all(|value| *value == 0.0 || value.is_normal()), "{logits:?}");
}

#[test]
fn back_rotation_undoes_rotation() {
    let (cosines, sines) = crate::functions::rotary_tables(3, 4);
    let rotary = Rotary { cosines: &cosines, sines: &sines, head_width: 4, time: 3 };
    let before: Vec<f32> = (0_u8..60).map(f32::from).collect();
    let mut values = before.clone();
    rotate_rows(&mut values, (10, 8), rotary, Turn::Forward);
    assert_eq!(values[..10], before[..10], "position 0 is not rotated");
    assert_eq!(values[18..20], before[18..20], "values after the rotated ones must not change");
    assert_ne!(values[10..18], before[10..18]);
    rotate_rows(&mut values, (10, 8), rotary, Turn::Back);
    assert!(values.iter().zip(&before).all(|(a, b)| (a - b).abs() < 1e-5));
}
