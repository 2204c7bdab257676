use proptest::prelude::*;

use super::*;

const LENGTH: usize = 3000;

/// Returns noise around a common direction, as honest updates are: the noise is larger than the common part.
fn honest(worker: u64) -> Vec<f32> {
    let mut state = worker.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let noise = (0..LENGTH).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        f32::from(u16::try_from(state >> 48).unwrap()) / 32_768.0 - 1.0
    });
    noise
        .enumerate()
        .map(|(at, noise)| if at % 2 == 0 { 0.3 + noise } else { noise - 0.3 })
        .collect()
}

fn mean(updates: &[Vec<f32>]) -> Vec<f32> {
    let count = f32::from(u16::try_from(updates.len()).unwrap());
    (0..LENGTH).map(|at| updates.iter().map(|update| update[at]).sum::<f32>() / count).collect()
}

/// Combines whole updates.
fn aggregate(updates: &[&[f32]], weights: &[u64]) -> Vec<f32> {
    let mut combined = vec![0.0; LENGTH.min(updates[0].len())];
    Combination::new(updates, weights, 2).copy_to(0, &mut combined);
    combined
}

fn join(updates: &[Vec<f32>]) -> Vec<f32> {
    let views: Vec<&[f32]> = updates.iter().map(Vec::as_slice).collect();
    aggregate(&views, &vec![1; updates.len()])
}

/// Returns |a - b| / |b|.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    let norm = |values: Vec<f32>| inner_product(&values, &values).sqrt();
    norm(a.iter().zip(b).map(|(a, b)| a - b).collect()) / norm(b.to_vec())
}

fn scaled(update: &[f32], factor: f32) -> Vec<f32> {
    update.iter().map(|value| value * factor).collect()
}

#[test]
fn one_update_is_itself() {
    let update = honest(1);
    assert!(distance(&join(std::slice::from_ref(&update)), &update) < 1e-7);
    assert!(distance(&join(&[update.clone(), update.clone(), update.clone()]), &update) < 1e-6);
}

#[test]
fn honest_updates_give_about_their_mean() {
    let updates: Vec<_> = (0..4).map(honest).collect();
    assert!(distance(&join(&updates), &mean(&updates)) < 0.05);
}

#[test]
fn one_dishonest_update_of_four_changes_little() {
    let three: Vec<_> = (0..3).map(honest).collect();
    let honest_mean = mean(&three);
    for lie in [
        scaled(&honest(3), 1000.0),
        scaled(&honest_mean, -1000.0),
        scaled(&honest_mean, -1.0),
        vec![f32::from_bits(0x7180_0000); LENGTH],
        vec![0.0; LENGTH],
    ] {
        let mut all = three.clone();
        all.push(lie.clone());
        let off = distance(&join(&all), &honest_mean);
        assert!(
            off < 0.6,
            "a dishonest update that begins with {} moved the result by {off}",
            lie[0]
        );
    }
    // For comparison: the plain mean follows the dishonest update.
    let mut all = three.clone();
    all.push(scaled(&honest_mean, -1000.0));
    assert!(distance(&mean(&all), &honest_mean) > 100.0);
}

#[test]
fn two_dishonest_updates_of_eight_change_little() {
    let six: Vec<_> = (0..6).map(honest).collect();
    let honest_mean = mean(&six);
    let mut all = six.clone();
    all.extend([scaled(&honest_mean, -10.0), scaled(&honest_mean, -10.0)]);
    assert!(distance(&join(&all), &honest_mean) < 0.6);
}

#[test]
fn weights_matter_up_to_twice_the_median() {
    let updates: Vec<_> = (0..3).map(honest).collect();
    let views: Vec<&[f32]> = updates.iter().map(Vec::as_slice).collect();
    let even = aggregate(&views, &[5, 5, 5]);
    let tilted = aggregate(&views, &[10, 5, 5]);
    assert!(distance(&tilted, &updates[0]) < distance(&even, &updates[0]));
    assert_eq!(tilted, aggregate(&views, &[1_000_000, 5, 5]));
    assert_eq!(
        aggregate(&views, &[0, 5, 5]),
        aggregate(&views[1..], &[5, 5]).as_slice().to_vec(),
        "an update of weight 0 must be ignored"
    );
}

#[test]
fn zero_weights_give_zero() {
    assert_eq!(join(&[vec![0.0; LENGTH], vec![0.0; LENGTH]]), vec![0.0; LENGTH]);
}

#[test]
fn momentum_looks_ahead() {
    let rates = OuterRates { learning_rate: 0.5, momentum: 0.5 };
    let mut momentum = [0.0];
    let mut step = |rates: OuterRates, gradient: f32| {
        let mut values = [gradient];
        rates.step(&mut momentum, &mut values);
        (values[0], momentum[0])
    };
    assert_eq!(step(rates, 1.0), (0.75, 1.0));
    assert_eq!(step(rates, 1.0), (0.875, 1.5));
    let plain = OuterRates { learning_rate: 1.0, momentum: 0.0 };
    assert_eq!(step(plain, 0.25), (0.25, 0.25));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_result_lies_among_the_updates(
        updates in prop::collection::vec(prop::collection::vec(-1.0_f32..1.0, 40), 1..9),
        weights in prop::collection::vec(1_u64..100_000, 9),
    ) {
        let views: Vec<&[f32]> = updates.iter().map(Vec::as_slice).collect();
        let joined = aggregate(&views, &weights[..views.len()]);
        for threads in [1, 3, 100] {
            let combination = Combination::new(&views, &weights[..views.len()], threads);
            let mut parts = vec![0.0; joined.len()];
            let (left, right) = parts.split_at_mut(17);
            combination.copy_to(0, left);
            combination.copy_to(17, right);
            prop_assert_eq!(&joined, &parts);
        }
        let norms: Vec<f64> = views.iter().map(|view| inner_product(view, view).sqrt()).collect();
        let norm = inner_product(&joined, &joined).sqrt();
        prop_assert!(norm <= lower_median(&norms) * 1.000_001, "{} above the median of {:?}", norm, norms);
    }

    #[test]
    fn inner_products_do_not_depend_on_how_wide_the_machine_is(values in prop::collection::vec(-1.0_f32..1.0, 0..100)) {
        let mut sums = [0.0_f64; LANES];
        for (at, &value) in values.iter().enumerate() {
            sums[at % LANES] += f64::from(value) * f64::from(value);
        }
        let plain = sums.iter().fold(0.0, |sum, part| sum + part);
        prop_assert_eq!(inner_product(&values, &values).to_bits(), plain.to_bits());
    }
}
