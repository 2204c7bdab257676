//! A trainer's folder: taken up again as it was, or refused with what has changed.

use std::fs;
use std::path::PathBuf;

use crate::field::{Field, Running, project, write_corpus};

const ROUNDS: u32 = 40;

/// Interrupts a trainer and waits for its end.
#[track_caller]
fn interrupt(train: Running) {
    train.interrupt();
    assert_eq!(train.end().code, 130);
}

fn folder(field: &Field) -> PathBuf {
    field.machine.path("train").join("barley")
}

/// Checks that the trainer of `field` refuses to go on, and says so.
#[track_caller]
fn refuses(field: &Field, says: &[&str]) {
    field.train().end().assert_fails(1, says);
}

#[test]
fn a_changed_project_is_named_with_both_values() {
    let field = Field::new(&project(ROUNDS, ""));
    let mut train = field.train();
    train.until("project 1 is open");
    let holder = format!("in use by process {}", train.id());
    refuses(&field, &["barley", &holder, "--data-dir"]);
    interrupt(train);

    let file = field.machine.path("project.toml");
    let changed = |from: &str, to: &str| {
        let text = project(ROUNDS, "");
        assert!(text.contains(from));
        fs::write(&file, text.replace(from, to)).unwrap();
    };
    changed("relay_fee = '0'", "relay_fee = '3'\nprice_per_million_tokens = '2'");
    let price = "price_per_million_tokens was 1 GRAIN, now it is 2 GRAIN";
    refuses(&field, &["run 1", price, "relay_fee was 0, now it is 3", "hint: undo"]);
    changed("batch = 4", "batch = 8");
    refuses(&field, &["batch was 4, now it is 8"]);
    changed("corpus = ", "budget = '77'\ncorpus = ");
    refuses(&field, &["budget was ", "now it is 77 GRAIN"]);
    fs::write(&file, project(ROUNDS, "")).unwrap();
    write_corpus(&field.machine.path("corpus.txt"), 1001);
    refuses(&field, &["corpus was "]);
    write_corpus(&field.machine.path("corpus.txt"), 1000);

    let mut train = field.train();
    train.until("project 1 continues");
    interrupt(train);
}

#[test]
fn another_ledger_is_not_taken_for_the_same() {
    let mut field = Field::new(&project(ROUNDS, ""));
    let mut train = field.train();
    train.until("project 1 is open");
    interrupt(train);
    field.node.kill_now();
    fs::rename(&field.node.data_dir, field.machine.path("the-other-ledger")).unwrap();
    let stranger = field.machine.account();
    field.node = field.machine.node(&["--fund", &format!("{stranger}=1000")]);
    let owner = fs::read_to_string(folder(&field).join("run.json")).unwrap();
    assert!(owner.contains("genesis"), "{owner}");
    let args = ["train", "project.toml", "--rpc", &field.node.url, "--account", &stranger];
    field.machine.run(&args).assert_fails(1, &["first block of the ledger was ", "--data-dir"]);
}

#[test]
fn a_lost_record_is_found_on_the_ledger() {
    let field = Field::new(&project(ROUNDS, ""));
    let mut train = field.train();
    train.until("project 1 is open");
    let workers = [field.join(1, &[]), field.join(2, &[])];
    train.until("round 2 done");
    interrupt(train);
    drop(workers);

    fs::remove_file(folder(&field).join("run.json")).unwrap();
    let mut train = field.train();
    train.until("project 1 continues");
    interrupt(train);

    fs::write(folder(&field).join("run.json"), "{").unwrap();
    fs::remove_file(folder(&field).join("coordinator.key")).unwrap();
    let mut train = field.train();
    train.until("run.json is damaged");
    train.until("project 1 continues");
    interrupt(train);

    // A damaged state can't be derived: the escrow can still be had back.
    for state in fs::read_dir(folder(&field).join("states")).unwrap() {
        let path = state.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        bytes[60] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    refuses(&field, &["run 1 is at state", "digest does not match", "project cancel 1"]);
    let args = ["project", "cancel", "1", "--rpc", &field.node.url];
    assert_eq!(field.machine.run(&args).code, 0);
}
