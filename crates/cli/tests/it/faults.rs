//! Invalid input, and processes that are killed: a clear error, or the run continues.

use std::fs;

use serde_json::Value;

use crate::field::{Field, Running, amount, assert_report, project, write_corpus};
use crate::support::Machine;

const ROUNDS: u32 = 5;

/// Returns the digest of the model that two undisturbed workers train.
fn undisturbed() -> String {
    let field = Field::new(&project(ROUNDS, ""));
    let mut train = field.train();
    train.until("is open");
    let workers = [field.join(1, &[]), field.join(2, &[])];
    let report = train.document();
    assert_report(&report, ROUNDS);
    assert_worked(workers.map(Running::document), &report);
    digest(&report)
}

fn digest(report: &Value) -> String {
    report["run"]["model_digest"].as_str().unwrap().to_owned()
}

/// Checks that the workers' earnings equal what the trainer paid.
#[track_caller]
fn assert_worked(workers: [Value; 2], report: &Value) {
    let paid = workers.iter().map(|worker| {
        assert_eq!(worker["projects"][0]["ending"], "finished", "{worker:#}");
        amount(&worker["projects"][0]["paid"])
    });
    assert_eq!(paid.sum::<u128>(), amount(&report["escrow"]["paid"]));
}

#[test]
fn the_model_does_not_depend_on_the_killed_process() {
    let model = undisturbed();

    // Kill the trainer.
    let field = Field::new(&project(ROUNDS, ""));
    let mut train = field.train();
    train.until("is open");
    let workers = [field.join(1, &[]), field.join(2, &[])];
    train.until("round 2 done");
    train.kill();
    let mut train = field.train();
    train.until("project 1 continues");
    let report = train.document();
    assert_report(&report, ROUNDS);
    assert_worked(workers.map(Running::document), &report);
    assert_eq!(digest(&report), model);

    // Kill the ledger's node.
    let mut field = Field::new(&project(ROUNDS, ""));
    let mut train = field.train();
    train.until("is open");
    let workers = [field.join(1, &[]), field.join(2, &[])];
    train.until("round 2 done");
    field.restart_node();
    let report = train.document();
    assert_report(&report, ROUNDS);
    assert_worked(workers.map(Running::document), &report);
    assert_eq!(digest(&report), model);
}

#[test]
fn a_killed_worker_continues_its_seat_and_audits() {
    // At any time at least one audit is open.
    let field = Field::new(&project(ROUNDS, "audit_rate_bps = 10000\n"));
    let mut train = field.train();
    train.until("is open");
    let first = field.join(1, &[]);
    let second = field.join(2, &[]);
    train.until("round 2 done");
    second.kill();
    let second = field.join(2, &[]);
    let report = train.document();
    assert_report(&report, ROUNDS);
    assert_eq!(report["audits"]["failed"], 0);
    assert_worked([first.document(), second.document()], &report);
}

#[test]
fn a_corpus_that_is_none_is_refused_by_its_name() {
    let machine = Machine::new();
    let mut broken = b"barley and wheat ".repeat(9000);
    broken[70_000] = 0xff;
    let cases: [(&str, &[u8], &str); 3] = [
        ("empty.txt", b" \n", "no text"),
        ("tiny.txt", b"barley", "at least"),
        ("broken.txt", &broken, "70000"),
    ];
    for (name, text, says) in cases {
        fs::write(machine.path(name), text).unwrap();
        machine.run(&["demo", "--corpus", name]).assert_fails(1, &[name, says]);
        fs::write(machine.path("project.toml"), format!("name = 'a'\ncorpus = '{name}'")).unwrap();
        machine.run(&["train", "project.toml"]).assert_fails(1, &[name, says]);
    }
    machine.run(&["demo", "--corpus", "missing.txt"]).assert_fails(1, &["missing.txt"]);
    assert!(!machine.path("demo").exists(), "refused before anything is made");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let machine = Machine::new();
    let pipe = machine.path("pipe.txt");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::write(machine.path("project.toml"), "name = 'a'\ncorpus = 'pipe.txt'").unwrap();
    machine.run(&["train", "project.toml"]).assert_fails(1, &["pipe.txt", "not a file"]);
    machine.run(&["demo", "--corpus", "pipe.txt"]).assert_fails(1, &["pipe.txt", "not a file"]);
}

#[test]
fn a_project_without_name_or_price_is_refused() {
    let machine = Machine::new();
    write_corpus(&machine.path("corpus.txt"), 1000);
    let cheap = "price_per_million_tokens = '0.0000000000001'\n";
    let unnamed = project(2, "").replace("name = 'barley'", "name = ''");
    for (text, says) in
        [(unnamed, "name is empty"), (project(2, cheap), "which is 0 for one token")]
    {
        fs::write(machine.path("project.toml"), text).unwrap();
        machine.run(&["train", "project.toml"]).assert_fails(1, &["project.toml", says, "give "]);
    }
    let asset = abi::asset_address(1).to_checksum(None);
    machine.run(&["join", "--account", &asset]).assert_fails(2, &["module"]);
}

#[test]
fn a_field_that_does_not_exist_is_named() {
    let machine = Machine::new();
    write_corpus(&machine.path("corpus.txt"), 1000);
    for (more, says) in [("workers_mim = 3\n", "workers_mim"), ("[escrow]\n", "escrow")] {
        fs::write(machine.path("project.toml"), project(2, more)).unwrap();
        machine.run(&["train", "project.toml"]).assert_fails(1, &["project.toml", says]);
    }
}

#[test]
fn a_budget_that_is_too_small_names_the_needed_one() {
    let project = project(2, "");
    let field = Field::new(&format!("budget = '0.000001'\n{project}"));
    let refused = field.train().end();
    refused.assert_fails(1, &["0.000001 GRAIN", "give at least", "hint: budget = "]);

    // The hint contains a budget that is enough.
    let enough = refused.stderr.lines().find_map(|line| line.strip_prefix("hint: ")).unwrap();
    let enough = enough.split(" in the project file").next().unwrap();
    fs::write(field.machine.path("project.toml"), format!("{enough}\n{project}")).unwrap();
    let mut train = field.train();
    train.until("project 1 is open");
    train.interrupt();
    assert_eq!(train.end().code, 130);
}

#[test]
fn a_model_too_large_for_this_machine_is_refused_before_it_is_built() {
    let field = Field::new(&project(2, "").replace("width = 32", "width = 256"));
    let mut train = field.train();
    train.until("is open");
    field.join(1, &["--memory", "1"]).end().assert_fails(1, &["1048576", "--memory", "hint: "]);
}

#[test]
fn a_cheating_device_is_named_and_its_tokens_are_not_paid() {
    // Every commitment is audited, so that no cheat remains undetected; in so many rounds that the false auditor is drawn, too.
    let terms = "audit_rate_bps = 10000\n";
    let crowd = "workers_min = 11\nworkers_max = 11\n";
    let project = project(6, terms).replace("workers_min = 2\nworkers_max = 2\n", crowd);
    let field = Field::new(&project);
    let mut train = field.train();
    train.until("is open");
    let honest: Vec<Running> = (1..=3).map(|index| field.join(index, &[])).collect();
    // Each behaviour, and its standing at the end: cheating, or only useless work.
    let others = [
        ("made-up", "convicted"),
        ("poisoned", "convicted"),
        ("garbage", "convicted"),
        ("short", "convicted"),
        ("not-a-number", "convicted"),
        ("copied", "convicted"),
        ("false-audits", "false auditor"),
        ("twice", "active"),
    ];
    let harmful: Vec<Running> = (4..)
        .zip(others)
        .map(|(index, (how, _))| field.join(index, &["--misbehave", how]))
        .collect();
    let report = train.document();
    assert_report(&report, 6);
    let payout = |index: usize| {
        let account = format!("0x{index:040x}");
        let payouts = report["payouts"].as_array().unwrap();
        payouts.iter().find(|payout| payout["account"] == account.as_str()).unwrap()
    };
    for index in 1..=3 {
        let payout = payout(index);
        assert!(0 < amount(&payout["paid"]), "{payout:#}");
        assert_eq!(payout["standing"], "active", "{payout:#}");
    }
    for (index, (how, standing)) in (4..).zip(others) {
        let payout = payout(index);
        assert_eq!(payout["standing"], standing, "{how}: {report:#}");
        // Payments before the conviction are for true audits of others, and for a false auditor also for true work.
        match standing {
            "convicted" => assert_eq!(payout["tokens_verified"], 0, "{how}: {report:#}"),
            "active" => assert!(0 < amount(&payout["paid"]), "{how}: {report:#}"),
            _ => {}
        }
    }
    drop((honest, harmful));
}

#[test]
fn a_straggler_is_not_waited_for_to_the_deadline() {
    let crowd = "workers_min = 3\nworkers_max = 3\n";
    let project = project(3, "").replace("workers_min = 2\nworkers_max = 2\n", crowd);
    let field = Field::new(&project);
    let mut train = field.train();
    train.until("is open");
    let _late = field.join(3, &["--misbehave", "late"]);
    let workers = [field.join(1, &[]), field.join(2, &[])];
    // The deadlines are later than the end of this test.
    let report = train.document();
    assert_report(&report, 3);
    assert_worked(workers.map(Running::document), &report);
}
