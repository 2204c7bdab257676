//! Runs that end before their last round, and other users of the trainer's account.

use std::fs;

use serde_json::Value;

use crate::field::{Field, Running, amount, assert_report, project};
use crate::support::{Finished, Machine};

/// Returns what the ledger says of a project.
#[track_caller]
fn shown(field: &Field, project: &str) -> Value {
    field.machine.json(&["project", "show", project, "--rpc", &field.node.url])
}

/// Checks that a run ended early and that its saved model is the ledger's state; returns the report.
#[track_caller]
fn assert_ended(finished: &Finished, field: &Field, ending: &str) -> Value {
    assert_eq!(finished.code, 1, "{finished:?}");
    let report: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(report["run"]["ending"], ending);
    let ledger = shown(field, "1");
    assert_eq!(ledger["state"], "cancelled");
    assert_eq!(report["run"]["model_digest"], ledger["model_digest"]);
    let model = model::load(report["run"]["model_path"].as_str().unwrap().as_ref()).unwrap();
    assert_eq!(model::state_digest(&model.params).to_string(), ledger["model_digest"]);
    let sum = |name: &str| ledger[name].as_str().unwrap().parse::<u128>().unwrap();
    assert_eq!(sum("deposited"), sum("paid") + sum("refunded"));
    report
}

#[test]
fn a_cancelled_run_saves_the_state_of_the_ledger_and_is_no_success() {
    let field = Field::new(&project(400, ""));
    let mut train = field.train();
    train.until("is open");
    let workers = [field.join(1, &[]), field.join(2, &[])];
    train.until("round 3 done");
    let rewind = |rounds: u64| {
        let rounds = rounds.to_string();
        let rpc = ["--rpc", &field.node.url];
        let args = ["train", "project.toml", "--json", "--rewind", &rounds];
        Running::start(field.machine.command(&[&args[..], &rpc[..]].concat()))
    };
    let cancel = ["project", "cancel", "1", "--rpc", &field.node.url];
    assert_eq!(field.machine.run(&cancel).code, 0);
    let finished = train.end();
    let report = assert_ended(&finished, &field, "cancelled");
    assert!(3 <= report["run"]["rounds_completed"].as_u64().unwrap());
    assert!(finished.stderr.contains("project 1 was cancelled"), "{}", finished.stderr);
    assert!(finished.stderr.contains("the ledger's state after round"), "{}", finished.stderr);
    drop(workers);

    // Three more rounds from the oldest state on disk.
    let rewindable = report["run"]["rewindable"].as_array().unwrap();
    let good = rewindable[0].as_u64().unwrap();
    let rounds = u32::try_from(good).unwrap() + 3;
    fs::write(field.machine.path("project.toml"), project(rounds, "")).unwrap();
    let says = format!("after round 999 of run 1 is not on disk: give one of {good}, ");
    rewind(999).end().assert_fails(1, &[&says]);
    let mut train = rewind(good);
    train.until("project 2 is open: 3 rounds");
    train.interrupt();
    let stopped = train.end();
    assert_eq!(stopped.code, 130);
    assert!(stopped.stderr.contains("GRAIN in escrow"), "{}", stopped.stderr);
    assert!(stopped.stderr.contains("gleaner project cancel 2"), "{}", stopped.stderr);
    // Either command continues the new run.
    let mut train = field.train();
    train.until("project 2 continues");
    train.interrupt();
    train.end();
    let mut train = rewind(good);
    train.until("project 2 continues");
    train.until("0 of 2 workers are here");
    let workers = [3, 4].map(|index| field.join_project(index, "2", &[]));
    let report = train.document();
    assert_eq!(report["run"]["ending"], "completed");
    assert_report(&report, 3);
    drop(workers);
}

#[test]
fn a_diverging_run_ends_with_the_reason() {
    // Each step multiplies the parameters by about nine.
    let rates = "learning_rate = 1.0\nlearning_rate_floor = 1.0\nouter_learning_rate = 10.0\nclip_norm = 1000000.0\nweight_decay = 10.0\nrise_steps = 0\nramp_steps = 0\n[terms]";
    let field = Field::new(&project(60, "").replace("[terms]", rates));
    let mut train = field.train();
    train.until("is open");
    let workers = [field.join(1, &[]), field.join(2, &[])];
    let finished = train.end();
    let report = assert_ended(&finished, &field, "diverged");
    assert!(report["run"]["reason"].as_str().unwrap().contains("diverged in round"), "{report:#}");
    assert!(!report["run"]["rewindable"].as_array().unwrap().is_empty(), "{report:#}");
    for says in ["lower the learning rate", "--rewind", "the training diverged in round"] {
        assert!(finished.stderr.contains(says), "{}", finished.stderr);
    }
    drop(workers);
}

#[test]
fn other_users_of_the_account_disturb_no_run() {
    let field = Field::new(&project(12, ""));
    let other = field.machine.path("other.toml");
    fs::write(&other, project(12, "").replace("barley", "oats").replace("seed = 5", "seed = 6"))
        .unwrap();
    let mut train = field.train();
    train.until("project 1 is open");
    let args = ["train", "other.toml", "--json", "--rpc", &field.node.url];
    let mut second = Running::start(field.machine.command(&args));
    second.until("project 2 is open");
    let workers = [field.join(1, &[]), field.join(2, &[])];
    let others = [3, 4].map(|index| field.join_project(index, "2", &[]));
    let to = format!("0x{:040x}", 77);
    for _ in 0..30 {
        let args = ["wallet", "send", &to, "0.001", "--yes", "--rpc", &field.node.url];
        let sent = field.machine.run(&args);
        assert_eq!(sent.code, 0, "{sent:?}");
    }
    assert_report(&train.document(), 12);
    assert_report(&second.document(), 12);
    drop((workers, others));
}

#[test]
fn an_account_without_gas_delays_a_run_and_does_not_end_it() {
    let field = Field::new(&project(8, ""));
    let elsewhere = Machine::new();
    let rich = elsewhere.account();
    let mut train = field.train();
    train.until("project 1 is open");
    let owner = shown(&field, "1")["owner"].as_str().unwrap().to_owned();
    let balance = ["wallet", "balance", &owner, "--rpc", &field.node.url];
    let balance = amount(&field.machine.json(&balance)[0]["balance"]);
    // The most that the fees allow.
    let mut kept = 1_u128;
    let is_sent = |kept: u128| {
        let sent = units::Wei::new(balance - kept).to_grain();
        let args = ["wallet", "send", &rich, &sent, "--yes", "--rpc", &field.node.url];
        field.machine.run(&args).code == 0
    };
    while !is_sent(kept) {
        kept *= 2;
    }
    let workers = [field.join(1, &[]), field.join(2, &[])];
    train.until("the coordinator tries again");
    let back = ["wallet", "send", &owner, "100", "--yes", "--rpc", &field.node.url];
    assert_eq!(elsewhere.run(&back).code, 0);
    assert_report(&train.document(), 8);
    drop(workers);
}
