//! Muon against PyTorch in double precision: `scripts/reference/muon.py`.

use std::path::Path;

use model::instructions::{Checked, Isa};
use model::{Config, Layout};
use optimizer::{Backend, HyperParameters, MatrixParameters, Muon};
use safetensors::SafeTensors;

/// A step is about 0.02; f32 keeps seven digits of parameters below one.
const TOLERANCE: f32 = 2e-6;

#[test]
fn muon_gives_the_parameters_of_pytorch() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/muon/vectors.safetensors");
    let bytes = std::fs::read(path).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let values = |name: &str| -> Vec<f32> {
        let (values, _) = tensors.tensor(name).unwrap().data().as_chunks::<4>();
        values.iter().map(|value| f32::from_le_bytes(*value)).collect()
    };
    let config = Config { layers: 1, width: 8, heads: 2, context: 4, vocabulary: 16, hidden: 20 };
    let hyper = HyperParameters {
        beta1: 0.9,
        beta2: 0.95,
        epsilon: 1e-8,
        weight_decay: 0.1,
        clip_norm: f32::INFINITY,
    };
    let matrix = MatrixParameters { momentum: 0.95, rate: 6.0 };
    let backend = Backend { isa: Checked::new(Isa::detect()).unwrap(), threads: 2 };
    let mut state = Muon::new(&Layout::new(&config), hyper, matrix, backend);
    let mut params = values("start");
    for gradient in values("gradients").chunks_exact(params.len()) {
        state.step(&mut params, gradient, 0.003);
    }
    for (i, (found, expected)) in params.iter().zip(values("expected")).enumerate() {
        assert!((found - expected).abs() < TOLERANCE, "{i}: {found}, PyTorch has {expected}");
    }
}
