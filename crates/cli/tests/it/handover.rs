//! A run whose coordinator is lost goes on elsewhere, with the owner's wallet, the ledger and what workers have.

use std::fs;

use serde_json::Value;

use crate::field::{Field, Running, amount, assert_report, project};
use crate::support::Machine;

const ROUNDS: u32 = 14;

/// Returns a machine with the wallet of the field's owner, and nothing else.
fn elsewhere(field: &Field) -> Machine {
    let machine = Machine::new();
    let (from, to) = (field.machine.path("wallet"), machine.path("wallet"));
    fs::create_dir(&to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
    machine
}

fn take_over(field: &Field, machine: &Machine, flags: &[&str]) -> Running {
    let args = ["train", "--take-over", "1", "--json", "--rpc", &field.node.url];
    Running::start(machine.command(&[&args[..], flags].concat()))
}

/// Without outer momentum, which is not public, the same updates lead to the same state whoever aggregates them.
fn without_momentum(rounds: u32) -> String {
    let text = project(rounds, "");
    assert!(text.contains("seed = 5\n"));
    text.replace("seed = 5\n", "seed = 5\nouter_momentum = 0.0\n")
}

#[track_caller]
fn assert_all_paid(document: &Value, rounds: u32) {
    assert_eq!(document["run"]["ending"], "completed", "{document:#}");
    assert_eq!(document["run"]["rounds_completed"], rounds);
    let payouts = document["payouts"].as_array().unwrap();
    assert_eq!(payouts.len(), 2, "nobody needed another seat: {document:#}");
    for payout in payouts {
        assert_eq!(payout["standing"], "active", "{payout:#}");
        assert_eq!(payout["tokens_verified"], payouts[0]["tokens_verified"], "{payout:#}");
        assert!(amount(&payout["paid"]) > 0, "{payout:#}");
    }
    assert_eq!(document["audits"]["failed"], 0);
}

/// Returns the verified tokens of each device of a run.
fn tokens_of_one(document: &Value) -> Value {
    document["payouts"][0]["tokens_verified"].clone()
}

#[test]
fn a_run_whose_coordinator_is_lost_ends_elsewhere_with_the_same_model() {
    let undisturbed = Field::new(&without_momentum(ROUNDS));
    let mut train = undisturbed.train();
    train.until("project 1 is open");
    let workers = [undisturbed.join(1, &[]), undisturbed.join(2, &[])];
    let expected = train.document();
    drop(workers);
    assert_all_paid(&expected, ROUNDS);

    let field = Field::new(&without_momentum(ROUNDS));
    let mut train = field.train();
    train.until("project 1 is open");
    let workers = [field.join(1, &[]), field.join(2, &[])];
    train.until("round 4 done");
    train.kill();
    fs::remove_dir_all(field.machine.path("train")).unwrap();
    fs::remove_file(field.machine.path("corpus.txt")).unwrap();

    let machine = elsewhere(&field);
    let mut train = take_over(&field, &machine, &[]);
    train.until("project 1 continues");
    let document = train.document();
    assert_all_paid(&document, ROUNDS);
    assert_eq!(document["run"]["model_digest"], expected["run"]["model_digest"]);
    let verified = |document: &Value| document["run"]["tokens_verified"].clone();
    assert_eq!(verified(&document), verified(&expected));
    assert!(document["run"]["loss_final"].is_null(), "its validation text is lost");
    for worker in workers {
        let document = worker.document();
        let result = &document["projects"][0];
        assert_eq!(result["ending"], "finished", "{document:#}");
        assert_eq!(result["tokens_verified"], tokens_of_one(&expected), "{document:#}");
    }
}

#[test]
fn a_coordinator_that_was_replaced_stops_and_can_take_the_run_back() {
    let field = Field::new(&project(ROUNDS * 4, ""));
    let mut train = field.train();
    train.until("project 1 is open");
    let workers = [field.join(1, &[]), field.join(2, &[])];
    train.until("round 2 done");
    train.kill();

    let machine = elsewhere(&field);
    let mut successor = take_over(&field, &machine, &[]);
    successor.until("project 1 continues");
    successor.until("done: 2 updates");
    let says = ["run 1 is driven by another coordinator", "hint: ", "--take-over 1"];
    field.train().end().assert_fails(1, &says);

    let args = ["train", "project.toml", "--take-over", "1", "--json", "--rpc", &field.node.url];
    let mut train = Running::start(field.machine.command(&args));
    train.until("project 1 continues");
    successor.end().assert_fails(1, &says);
    let document = train.document();
    assert_all_paid(&document, ROUNDS * 4);
    assert_report(&document, ROUNDS * 4);
    drop(workers);
}

#[test]
fn only_the_owner_takes_a_run_over_and_no_other_folder() {
    let field = Field::new(&project(ROUNDS, ""));
    let mut train = field.train();
    train.until("project 1 is open");
    train.kill();
    let stranger = Machine::new();
    stranger.account();
    take_over(&field, &stranger, &[])
        .end()
        .assert_fails(1, &["run 1 belongs to account 0x", "only its owner"]);

    // What was never published is with nobody, but follows from the project.
    let project_file = field.machine.path("project.toml");
    let machine = elsewhere(&field);
    let mut train = take_over(&field, &machine, &[project_file.to_str().unwrap()]);
    train.until("project 1 continues: 0 of 14");
    train.interrupt();
    assert_eq!(train.end().code, 130);

    fs::write(&project_file, project(ROUNDS, "").replace("barley", "oats")).unwrap();
    let mut second = field.train();
    second.until("project 2 is open");
    second.interrupt();
    assert_eq!(second.end().code, 130);
    let folder = field.machine.path("train").join("oats");
    let folder = ["--data-dir", folder.to_str().unwrap()];
    take_over(&field, &field.machine, &folder)
        .end()
        .assert_fails(1, &["belongs to run 2", "--data-dir ANOTHER_FOLDER"]);
    fs::write(&project_file, project(ROUNDS, "").replace("batch = 4", "batch = 8")).unwrap();
    take_over(&field, &machine, &[project_file.to_str().unwrap()])
        .end()
        .assert_fails(1, &["specification was "]);
}

/// Whole states are kept of few rounds, and the others can still be had.
#[test]
fn an_old_round_can_be_repeated() {
    let field = Field::new(&project(40, ""));
    let mut train = field.train();
    train.until("project 1 is open");
    let workers = [field.join(1, &[]), field.join(2, &[])];
    train.until("round 30 done");
    // Without workers the run stays where it is.
    drop(workers);
    let shown = field.machine.json(&["project", "show", "1", "--rpc", &field.node.url]);
    let device = shown["seats"][0]["device"].as_str().unwrap().to_owned();
    for round in ["1", "8", "21"] {
        let args = ["audit", "replay", "1", round, &device, "--rpc", &field.node.url];
        let replayed = field.machine.json(&args);
        assert_eq!(replayed["matches"], true, "round {round}: {replayed:#}");
    }
    let states = field.machine.path("train").join("barley").join("states");
    let count = fs::read_dir(states).unwrap().count();
    assert!(count <= 10, "{count} whole states");
    drop(train);
}
