use model::Config;
use model::instructions::Isa;

use super::*;

const CONFIG: Config =
    Config { layers: 2, width: 24, heads: 2, context: 4, vocabulary: 16, hidden: 40 };

const HYPER: HyperParameters =
    HyperParameters { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, clip_norm: 5.0 };

const MATRIX: MatrixParameters = MatrixParameters { momentum: 0.95, rate: 6.0 };

fn backend(isa: Isa, threads: usize) -> Backend {
    Backend { isa: Checked::new(isa).unwrap(), threads }
}

fn values(length: usize, stream: u32) -> Vec<f32> {
    let philox = model::philox::Philox::new([9, stream]);
    let words = (0..).flat_map(|index| philox.block_at(index));
    let value = |word: u32| f64::from(word) / f64::from(u32::MAX) - 0.5;
    words.take(length).map(|word| narrow(value(word))).collect()
}

fn train(isa: Isa, threads: usize) -> (Vec<u32>, Vec<u32>) {
    let layout = Layout::new(&CONFIG);
    let mut params = values(layout.parameter_count(), 0);
    let mut state = Muon::new(&layout, HYPER, MATRIX, backend(isa, threads));
    for step in 1..4 {
        state.step(&mut params, &values(layout.parameter_count(), step), 0.003);
    }
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect();
    let (first, second) = state.moments();
    (bits(&params), bits(&[first, second].concat()))
}

/// Muon in f64, element by element, as a reference.
struct Plain {
    momentum: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
    steps: i32,
}

impl Plain {
    fn step(&mut self, layout: &Layout, params: &mut [f64], gradient: &[f32], rate: f64) {
        self.steps += 1;
        let norm = gradient.iter().map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>().sqrt();
        let scale = if norm > 5.0 { 5.0 / norm } else { 1.0 };
        let gradient: Vec<f64> = gradient.iter().map(|g| f64::from(*g) * scale).collect();
        for tensor in layout.tensors() {
            let range = tensor.range.clone();
            match tensor.shape[..] {
                [rows, columns] if !tensor.name.contains("embed") => {
                    let momentum = &mut self.momentum[range.clone()];
                    for (m, g) in momentum.iter_mut().zip(&gradient[range.clone()]) {
                        *m = 0.95 * *m + 0.05 * g;
                    }
                    let nesterov = momentum.iter().zip(&gradient[range.clone()]);
                    let nesterov: Vec<f64> = nesterov.map(|(m, g)| 0.95 * m + 0.05 * g).collect();
                    let direction = orthogonal(&nesterov, rows, columns);
                    let shape = (to_f64(rows) / to_f64(columns)).max(1.0).sqrt();
                    for (p, d) in params[range].iter_mut().zip(direction) {
                        *p = *p * (1.0 - 6.0 * rate * 0.1) - 6.0 * rate * shape * d;
                    }
                }
                _ => {
                    let decay = if tensor.shape.len() == 2 { 0.1 } else { 0.0 };
                    for i in range {
                        let (m, v) = (&mut self.first[i], &mut self.second[i]);
                        *m = 0.9 * *m + 0.1 * gradient[i];
                        *v = 0.95 * *v + 0.05 * gradient[i] * gradient[i];
                        let m = *m / (1.0 - 0.9_f64.powi(self.steps));
                        let v = *v / (1.0 - 0.95_f64.powi(self.steps));
                        params[i] -= rate * (m / (v.sqrt() + 1e-8) + decay * params[i]);
                    }
                }
            }
        }
    }
}

/// Computes steps 2 and 3 of the module's docs, without transposing: `X·XᵀX` is `XXᵀ·X`.
fn orthogonal(values: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    let norm = values.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-7);
    let mut x: Vec<f64> = values.iter().map(|x| x / norm).collect();
    for _ in 0..5 {
        let square = product(&x, &transposed(&x, columns), rows);
        let cube = product(&square, &x, rows);
        let fifth = product(&square, &cube, rows);
        for (x, (cube, fifth)) in x.iter_mut().zip(cube.iter().zip(fifth)) {
            *x = 3.4445 * *x - 4.775 * cube + 2.0315 * fifth;
        }
    }
    x
}

fn product(left: &[f64], right: &[f64], rows: usize) -> Vec<f64> {
    let depth = left.len() / rows;
    let columns = right.len() / depth;
    let element = |i: usize, j: usize| {
        (0..depth).map(|k| left[i * depth + k] * right[k * columns + j]).sum::<f64>()
    };
    (0..rows * columns).map(|index| element(index / columns, index % columns)).collect()
}

fn transposed(values: &[f64], columns: usize) -> Vec<f64> {
    let rows = values.len() / columns;
    (0..values.len()).map(|index| values[index % rows * columns + index / rows]).collect()
}

#[test]
fn follows_the_plain_computation() {
    let layout = Layout::new(&CONFIG);
    let length = layout.parameter_count();
    let mut params = values(length, 0);
    let mut expected: Vec<f64> = params.iter().map(|value| f64::from(*value)).collect();
    let mut state = Muon::new(&layout, HYPER, MATRIX, backend(Isa::detect(), 1));
    let zeros = || vec![0.0; length];
    let mut plain = Plain { momentum: zeros(), first: zeros(), second: zeros(), steps: 0 };
    for step in 1..6 {
        let gradient = values(length, step);
        state.step(&mut params, &gradient, 0.003);
        plain.step(&layout, &mut expected, &gradient, 0.003);
    }
    for (i, (p, expected)) in params.iter().zip(expected).enumerate() {
        assert!((f64::from(*p) - expected).abs() < 3e-6, "{i}: {p}, expected {expected}");
    }
}

#[test]
fn every_machine_arrives_at_the_same_bits() {
    let scalar = train(Isa::Scalar, 1);
    for isa in [Isa::Scalar, Isa::Avx2, Isa::Avx512].into_iter().filter(|isa| isa.is_available()) {
        for threads in [1, 2, 3, 7, 100] {
            assert!(train(isa, threads) == scalar, "{isa} on {threads} threads");
        }
    }
}

#[test]
fn matrices_move_by_nearly_orthogonal_steps() {
    let layout = Layout::new(&CONFIG);
    let length = layout.parameter_count();
    let hyper = HyperParameters { weight_decay: 0.0, ..HYPER };
    let mut state = Muon::new(&layout, hyper, MATRIX, backend(Isa::detect(), 2));
    let mut params = vec![0.0; length];
    state.step(&mut params, &values(length, 1), 1.0 / 6.0);
    let tensor = layout.tensors().iter().find(|tensor| tensor.name.contains("down_proj")).unwrap();
    let step: Vec<f64> = params[tensor.range.clone()].iter().map(|p| f64::from(*p)).collect();
    let square = product(&step, &transposed(&step, 40), 24);
    let trace: f64 = (0..24).map(|i| square[i * 25]).sum::<f64>() / 24.0;
    assert!((0.5..1.3).contains(&trace), "singular values lie around one: {trace}");
}

#[test]
fn reset_restores_the_fresh_state_and_nan_is_returned() {
    let layout = Layout::new(&CONFIG);
    let length = layout.parameter_count();
    let fresh = Muon::new(&layout, HYPER, MATRIX, backend(Isa::detect(), 2));
    let mut state = fresh.clone();
    state.step(&mut values(length, 0), &values(length, 1), 0.01);
    state.reset();
    assert_eq!(state.moments(), fresh.moments());
    let (mut params, mut other) = (values(length, 0), values(length, 0));
    state.step(&mut params, &values(length, 2), 0.01);
    fresh.clone().step(&mut other, &values(length, 2), 0.01);
    assert_eq!(params, other);
    assert!(state.step(&mut params, &vec![f32::NAN; length], 0.01).is_nan());
    assert!(params.iter().any(|p| p.is_nan()));
}

#[test]
fn a_gradient_of_zeros_moves_nothing() {
    let layout = Layout::new(&CONFIG);
    let hyper = HyperParameters { weight_decay: 0.0, ..HYPER };
    let mut state = Muon::new(&layout, hyper, MATRIX, backend(Isa::detect(), 1));
    let mut params = values(layout.parameter_count(), 0);
    let before = params.clone();
    assert_eq!(state.step(&mut params, &vec![0.0; before.len()], 0.1), 0.0);
    assert_eq!(params, before);
}
