//! Measuring and checking this machine.

use std::fs;

use model::instructions::Isa;

use crate::support::Machine;

#[test]
fn a_bench_measures_and_names_what_it_did() {
    let machine = Machine::new();
    let run = |args: &[&str]| machine.json(&[&["bench"][..], args, &["--size", "tiny"]].concat());
    let whole = run(&["train", "--steps", "10", "--threads", "2"]);
    assert_eq!(whole["workload"]["parameters"], 117_056);
    assert_eq!(whole["isa"], Isa::detect().to_string());
    assert_eq!(whole["losses"].as_array().unwrap().len(), 10);
    assert!(whole["tokens_per_second"]["best"].as_f64() > Some(0.0));
    let plain = run(&["--steps", "10", "--isa", "scalar"]);
    assert_eq!((&plain["isa"], &plain["digest"]), (&"scalar".into(), &whole["digest"]));
    assert!(run(&["--steps", "2"])["digest"].is_null());
}

#[test]
fn the_environment_chooses_the_instructions() {
    let machine = Machine::new();
    let args = ["bench", "train", "--size", "tiny", "--steps", "1", "--json"];
    let output = machine.command(&args).env("GLEANER_ISA", "scalar").output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["isa"], "scalar");
    let wrong = machine.command(&args).env("GLEANER_ISA", "mmx").output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn a_start_can_be_handed_to_other_programs() {
    let machine = Machine::new();
    let text = machine.path("text");
    fs::write(&text, "All the world's a stage. ".repeat(10)).unwrap();
    let (text, start) = (text.to_str().unwrap(), machine.path("start"));
    let save = ["--text", text, "--steps", "3", "--save-start", start.to_str().unwrap()];
    let saved = machine.json(&[&["bench", "train", "--size", "tiny"], &save[..]].concat());
    assert_eq!(saved["step_size"], 2 * 65);
    assert_eq!(fs::read(start.join("batches.bin")).unwrap().len(), 3 * 2 * 65);
    assert_eq!(model::load(&start).unwrap().params.len(), 117_056);
    fs::write(machine.path("text"), "short").unwrap();
    machine.run(&["bench", "train", "--text", text]).assert_fails(1, &["5 bytes"]);
}

#[test]
fn the_kernels_of_this_machine_are_well() {
    let document = Machine::new().json(&["doctor", "kernels"]);
    assert_eq!(document["is_match"], true, "{document:#}");
    let scalar = &document["instructions"][0];
    assert_eq!((&scalar["isa"], &scalar["is_available"]), (&"scalar".into(), &true.into()));
}
