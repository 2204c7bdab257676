//! Attacks of the review on the programs of commit 6f1cecb, in processes of their own. Every test passes when its attack succeeds.
//! `run.sh` copies this file into `crates/cli/tests/it` of that commit.

use std::fs;

use crate::field::{Field, Running, project};

/// A project of a trainer that is gone, or that does not fit, ends the worker, although another one is open.
#[test]
fn a07_the_best_paying_project_ends_the_worker() {
    let field = Field::new(&project(3, "price_per_million_tokens = '900'\n"));
    let trap = field.train();
    let mut trap = trap;
    trap.until("is open");
    trap.kill();
    let other = project(3, "").replace("barley", "oats");
    fs::write(field.machine.path("other.toml"), other).unwrap();
    let args = ["train", "other.toml", "--json", "--rpc", &field.node.url];
    let mut honest = Running::start(field.machine.command(&args));
    honest.until("is open");
    let account = format!("0x{:040x}", 1);
    let folder = field.machine.path("worker");
    let args = ["join", "--account", &account, "--rpc", &field.node.url, "--patience", "3"];
    let args = [&args[..], &["--data-dir", folder.to_str().unwrap()]].concat();
    let ended = Running::start(field.machine.command(&args)).end();
    println!("a07: join ended with {}: {}", ended.code, last(&ended.stderr));
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("joins project 1"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("joins project 2"), "{}", ended.stderr);
}

#[test]
fn a07_a_project_that_does_not_fit_ends_the_worker() {
    let large = project(3, "price_per_million_tokens = '900'\n").replace("width = 32", "width = 512");
    let field = Field::new(&large);
    let mut trap = field.train();
    trap.until("is open");
    let other = project(3, "").replace("barley", "oats");
    fs::write(field.machine.path("other.toml"), other).unwrap();
    let args = ["train", "other.toml", "--json", "--rpc", &field.node.url];
    let mut honest = Running::start(field.machine.command(&args));
    honest.until("is open");
    let account = format!("0x{:040x}", 1);
    let args = ["join", "--account", &account, "--rpc", &field.node.url, "--memory", "8"];
    let ended = Running::start(field.machine.command(&args)).end();
    println!("a07: join ended with {}: {}", ended.code, last(&ended.stderr));
    assert_eq!(ended.code, 1);
    assert!(!ended.stderr.contains("joins project 2"), "{}", ended.stderr);
}

/// Anybody else's use of the trainer's account, here a wallet's, ends the trainer.
#[test]
fn a12_a_transaction_that_fails_ends_the_coordinator() {
    let field = Field::new(&project(60, ""));
    let mut train = field.train();
    train.until("is open");
    let workers = [field.join(1, &[]), field.join(2, &[])];
    train.until("round 1");
    let to = format!("0x{:040x}", 77);
    let sending = std::thread::spawn({
        let url = field.node.url.clone();
        let mut commands = Vec::new();
        for _ in 0..120 {
            let args = ["wallet", "send", &to, "0.001", "--yes", "--rpc", &url];
            commands.push(field.machine.command(&args));
        }
        move || {
            for mut command in commands {
                let _ = command.output();
            }
        }
    });
    let ended = train.end();
    println!("a12: train ended with {}: {}", ended.code, last(&ended.stderr));
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    sending.join().unwrap();
    drop(workers);
}

fn last(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines.iter().rev().take(2).rev().copied().collect::<Vec<_>>().join(" / ")
}
