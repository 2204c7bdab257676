//! Compares with the Llama of the transformers library on PyTorch, in double precision; `testdata/PROVENANCE.md`
//! says how the data was made.

use std::path::PathBuf;

use model::instructions::Isa;
use model::{Activations, Execution, Layout, Sampler, Sampling, Trainer, load, save};
use safetensors::SafeTensors;

/// Allowed error, relative to the largest value of the tensor.
const TOLERANCE: f32 = 1e-5;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/transformer")
}

fn floats(file: &SafeTensors<'_>, name: &str) -> Vec<f32> {
    let (values, _) = file.tensor(name).unwrap().data().as_chunks::<4>();
    values.iter().map(|value| f32::from_le_bytes(*value)).collect()
}

fn check(name: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{name}");
    let largest = expected.iter().fold(0.0, |a: f32, b| a.max(b.abs()));
    assert!(largest > 1e-4, "{name} must not be almost zero");
    for (found, expected) in found.iter().zip(expected) {
        let off = (found - expected).abs() / largest;
        assert!(off < TOLERANCE, "{name}: {found}, expected {expected}, off by {off:e}");
    }
}

#[test]
fn loss_gradient_and_logits_are_those_of_llama() {
    let checkpoint = load(&folder()).unwrap();
    let (config, params) = (checkpoint.config, checkpoint.params);
    let bytes = std::fs::read(folder().join("expected.safetensors")).unwrap();
    let expected = SafeTensors::deserialize(&bytes).unwrap();
    let tokens = expected.tensor("tokens").unwrap().data();
    let targets = expected.tensor("targets").unwrap().data();

    let execution =
        Execution { batch: 2, threads: 1, isa: Isa::detect(), activations: Activations::Keep };
    let mut trainer = Trainer::new(&config, execution).unwrap();
    let mut gradient = vec![0.0; params.len()];
    let loss = trainer.loss_and_gradient(&params, tokens, targets, &mut gradient);
    check("loss", &[loss], &floats(&expected, "loss"));
    for tensor in Layout::new(&config).tensors() {
        let name = format!("gradient/{}", tensor.name);
        check(&name, &gradient[tensor.range.clone()], &floats(&expected, &name));
    }

    let sampling = Sampling { temperature: 1.0, top_k: 256, seed: [0; 32] };
    let mut sampler = Sampler::new(&config, Isa::detect(), sampling).unwrap();
    let logits = floats(&expected, "logits");
    for length in [1, 7, 48, 49, config.context] {
        let row = &logits[(length - 1) * config.vocabulary..][..config.vocabulary];
        check("logits", sampler.logits(&params, &tokens[..length]), row);
    }
}

#[test]
fn text_is_a_function_of_the_seed_and_of_what_is_in_the_context() {
    let checkpoint = load(&folder()).unwrap();
    let text = |seed, start: &[u8]| {
        let sampling = Sampling { temperature: 0.8, top_k: 20, seed: [seed; 32] };
        let mut sampler = Sampler::new(&checkpoint.config, Isa::detect(), sampling).unwrap();
        let mut text = start.to_vec();
        for _ in 0..70 {
            text.push(sampler.next_token(&checkpoint.params, &text));
        }
        text.split_off(start.len())
    };
    assert_eq!(text(1, &[5]), text(1, &[5]));
    assert_ne!(text(1, &[5]), text(2, &[5]));
    let (long, last) = ([vec![9; 60], vec![3; 56]].concat(), vec![3; 56]);
    assert_eq!(text(1, &long), text(1, &last), "tokens before the context must have no effect");
}

#[test]
fn what_we_save_of_it_is_the_same_model() {
    let checkpoint = load(&folder()).unwrap();
    let copy = tempfile::tempdir().unwrap();
    save(copy.path(), &checkpoint.config, &checkpoint.params, &checkpoint.metadata).unwrap();
    let mut copied = load(copy.path()).unwrap();
    // The digest of the parameters and the sizes are added.
    copied.metadata.retain(|key, _| !key.starts_with("gleaner."));
    assert_eq!(copied, checkpoint);
}
