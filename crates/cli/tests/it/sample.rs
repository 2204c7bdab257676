//! Sampling from a model, and from invalid input.

use std::collections::BTreeMap;
use std::fs;

use model::Config;

use crate::support::Machine;

/// Saves a small untrained model in the folder `model`.
fn save(machine: &Machine) {
    let config =
        Config { layers: 1, width: 16, heads: 2, context: 32, vocabulary: 256, hidden: 32 };
    let params = model::initial_parameters(&config, &[1; 32]);
    model::save(&machine.path("model"), &config, &params, &BTreeMap::new()).unwrap();
}

#[test]
fn the_same_seed_writes_the_same() {
    let machine = Machine::new();
    save(&machine);
    let sample = |seed| {
        machine.json(&["sample", "model", "--prompt", "To be", "--bytes", "60", "--seed", seed])
    };
    assert_eq!(sample("1")["text"], sample("1")["text"]);
    assert_ne!(sample("1")["text"], sample("2")["text"]);
    let text = machine.run(&[
        "sample",
        "model",
        "--prompt",
        "To be",
        "--bytes",
        "5",
        "--temperature",
        "0",
    ]);
    assert!(text.stdout.starts_with("To be"), "{text:?}");
}

#[test]
fn without_a_prompt_it_begins_by_itself() {
    let machine = Machine::new();
    save(&machine);
    assert_eq!(machine.json(&["sample", "model", "--bytes", "3"])["prompt"], "");
}

#[test]
fn a_missing_model_is_named() {
    let machine = Machine::new();
    machine.run(&["sample", "nowhere", "--prompt", "a"]).assert_fails(1, &["nowhere", "hint: "]);
    fs::create_dir(machine.path("model")).unwrap();
    machine.run(&["sample", "model", "--prompt", "a"]).assert_fails(1, &["model/config.json"]);
}

#[test]
fn a_damaged_model_is_named() {
    let machine = Machine::new();
    save(&machine);
    let path = machine.path("model").join("model.safetensors");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    machine
        .run(&["sample", "model", "--prompt", "a"])
        .assert_fails(1, &["model/model.safetensors"]);
}

#[test]
fn a_changed_model_is_refused_with_both_digests() {
    let machine = Machine::new();
    save(&machine);
    let path = machine.path("model").join("model.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 4;
    bytes[last] ^= 1;
    fs::write(&path, bytes).unwrap();
    let saved = model::initial_parameters(
        &Config { layers: 1, width: 16, heads: 2, context: 32, vocabulary: 256, hidden: 32 },
        &[1; 32],
    );
    let saved = model::state_digest(&saved).to_string();
    let refused = machine.run(&["sample", "model", "--prompt", "a"]);
    refused.assert_fails(1, &["model.safetensors", "was saved with", &saved]);
}
