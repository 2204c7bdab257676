use compression::{Change, Selection, compress};
use units::DeviceId;
use verification::{
    Advanced, Contribution, OuterState, OuterStepError, RunSpec, advance, apply_outer,
    outer_update_size_max, state_size, update_size_max,
};

use super::{device, tiny};

/// Returns an encoded update: a common direction plus noise that depends on the device.
fn update(spec: &RunSpec, byte: u8, scale: f32) -> Vec<u8> {
    let length = spec.model.parameter_count();
    let delta: Vec<f32> = (0..length)
        .map(|at| {
            let noise = (at * (17 + usize::from(byte) * 2)) % 101;
            let shared = if at % 3 == 0 { 1e-3 } else { -1e-3 };
            scale * (shared + (f32::from(u8::try_from(noise).expect("below 101")) - 50.0) * 1e-5)
        })
        .collect();
    compress(Change::Given(&delta), spec.format(1), Selection::Largest).expect("finite")
}

fn step(
    spec: &RunSpec,
    state: &OuterState,
    updates: &[(DeviceId, Vec<u8>)],
) -> Result<Advanced, OuterStepError> {
    let base = model::initial_parameters(&spec.model, &spec.seed.0);
    let contributions: Vec<_> =
        updates.iter().map(|(device, encoded)| Contribution { device: *device, encoded }).collect();
    advance(spec, 1, &base, state, &contributions, 1)
}

fn honest(spec: &RunSpec, count: u8) -> Vec<(DeviceId, Vec<u8>)> {
    (1..=count).map(|byte| (device(byte), update(spec, byte, 1.0))).collect()
}

fn fresh(spec: &RunSpec) -> OuterState {
    OuterState::new(spec.model.parameter_count())
}

#[test]
fn workers_arrive_at_the_coordinators_state() {
    for density_down_per_chunk in [4096, 300] {
        let spec = RunSpec { density_down_per_chunk, ..tiny() };
        let mut worker = model::initial_parameters(&spec.model, &spec.seed.0);
        let (mut base, mut state) = (worker.clone(), fresh(&spec));
        for round in 1..4 {
            let updates = honest(&spec, 3);
            let contributions: Vec<_> = updates
                .iter()
                .map(|(device, encoded)| Contribution { device: *device, encoded })
                .collect();
            let advanced = advance(&spec, round, &base, &state, &contributions, 1).unwrap();
            for threads in [2, 3, 1000] {
                let same = advance(&spec, round, &base, &state, &contributions, threads);
                assert_eq!(same.as_ref(), Ok(&advanced), "{threads} threads");
            }
            // What the codec makes has the size that receivers allow.
            let size = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap();
            assert!(updates.iter().all(|(_, it)| size(it) <= update_size_max(&spec, round)));
            assert!(size(&advanced.encoded) <= outer_update_size_max(&spec));
            assert_ne!(advanced.parameters, base);
            apply_outer(&spec, &mut worker, &advanced.encoded).unwrap();
            assert_eq!(model::state_digest(&worker), model::state_digest(&advanced.parameters));
            (base, state) = (advanced.parameters, advanced.state);
        }
    }
}

#[test]
fn an_update_is_much_smaller_than_its_model() {
    let spec = tiny();
    let state = state_size(&spec);
    assert_eq!(state, 4 * u64::try_from(spec.model.parameter_count()).unwrap());
    assert!(update_size_max(&spec, 0) < state / 8, "dense, in the rounds of the warm-up");
    assert!(update_size_max(&spec, 1) < update_size_max(&spec, 0));
    assert!(outer_update_size_max(&spec) < state / 8);
}

#[test]
fn order_does_not_matter() {
    let spec = tiny();
    let updates = honest(&spec, 4);
    let expected = step(&spec, &fresh(&spec), &updates).unwrap();
    for rotation in 1..4 {
        let mut other = updates.clone();
        other.rotate_left(rotation);
        assert_eq!(step(&spec, &fresh(&spec), &other).unwrap(), expected);
    }
}

#[test]
fn undecodable_updates_are_left_out() {
    let spec = tiny();
    let mut updates = honest(&spec, 3);
    let expected = step(&spec, &fresh(&spec), &updates).unwrap();
    updates.insert(0, (device(9), vec![1, 2, 3]));
    let advanced = step(&spec, &fresh(&spec), &updates).unwrap();
    assert_eq!(advanced.parameters, expected.parameters);
    assert_eq!(advanced.joined, [device(1), device(2), device(3)]);
    assert_eq!(advanced.rejected.len(), 1);
    assert_eq!(advanced.rejected[0].0, device(9));
}

#[test]
fn one_large_dishonest_update_of_four_hardly_changes_the_state() {
    let spec = RunSpec { density_per_chunk: 4096, ..tiny() };
    let base = model::initial_parameters(&spec.model, &spec.seed.0);
    let moved = |updates: &[(DeviceId, Vec<u8>)]| -> Vec<f64> {
        let advanced = step(&spec, &fresh(&spec), updates).unwrap();
        advanced.parameters.iter().zip(&base).map(|(new, old)| f64::from(new - old)).collect()
    };
    let honest_move = moved(&honest(&spec, 3));
    let mut updates = honest(&spec, 3);
    updates.push((device(4), update(&spec, 4, -1000.0)));
    let lied_move = moved(&updates);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let off: Vec<f64> = lied_move.iter().zip(&honest_move).map(|(a, b)| a - b).collect();
    let relative = (dot(&off, &off) / dot(&honest_move, &honest_move)).sqrt();
    assert!(relative < 0.1, "moved by {relative} of the honest step");
}

#[test]
fn a_round_without_updates_applies_only_momentum() {
    let spec = tiny();
    let base = model::initial_parameters(&spec.model, &spec.seed.0);
    assert_eq!(step(&spec, &fresh(&spec), &[]).unwrap().parameters, base);
    let state = step(&spec, &fresh(&spec), &honest(&spec, 2)).unwrap().state;
    assert_ne!(step(&spec, &state, &[]).unwrap().parameters, base);
}

#[test]
fn inputs_of_another_model_are_refused() {
    let spec = tiny();
    let mut updates = honest(&spec, 2);
    updates.push(updates[0].clone());
    let twice = step(&spec, &fresh(&spec), &updates).unwrap_err();
    assert_eq!(twice, OuterStepError::Twice(device(1)));
    let other = step(&spec, &OuterState::new(5), &[]).unwrap_err();
    assert!(matches!(other, OuterStepError::WrongModel { what: "outer momentum", count: 5, .. }));

    let mut parameters = model::initial_parameters(&spec.model, &spec.seed.0);
    let before = parameters.clone();
    assert!(apply_outer(&spec, &mut parameters, &[0; 10]).is_err());
    assert_eq!(parameters, before);
}

#[test]
fn the_outer_state_round_trips() {
    let spec = tiny();
    let state = step(&spec, &fresh(&spec), &honest(&spec, 2)).unwrap().state;
    let length = spec.model.parameter_count();
    let bytes = state.to_bytes();
    assert_eq!(OuterState::from_bytes(&bytes, length), Ok(state));
    assert!(OuterState::from_bytes(&bytes[1..], length).is_err());
    let mut broken = bytes;
    broken[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(OuterState::from_bytes(&broken, length).is_err());
}
