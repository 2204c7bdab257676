//! What an agent says while the ledger's node hangs: it accepts connections, and never answers.

use std::process::Command;

use super::earning::{ledger, machine, train};
use super::{Running, wait_for};

#[test]
fn a_ledger_that_hangs_is_told_and_so_is_its_return() {
    let field = ledger();
    let _train = train(&field, "oats", "");
    let _other = field.join_project(1, "1", &[]);
    let machine = machine("");
    let mut agent = Running::start(&machine, &["--rpc", &field.node.url]);
    let works = wait_for(&machine, |status| {
        let line = status.and_then(|status| status["worker"]["last_line"].as_str());
        line.is_some_and(|line| line.contains("started"))
    })
    .unwrap();
    assert!(works["ledger_silent_since"].is_null(), "{works:#}");
    let signal = |signal: &str| {
        let sent = Command::new("kill").args([signal, &field.node.id()[..]]).status();
        assert!(sent.unwrap().success());
    };
    signal("-STOP");
    let silent = wait_for(&machine, |status| {
        status.is_some_and(|status| status["ledger_silent_since"].is_u64())
    })
    .unwrap();
    let text = silent["text"].as_str().unwrap();
    assert!(text.ends_with("; the ledger does not answer"), "{text}");
    let why = machine.run(&["why"]).stdout;
    assert!(why.contains("the ledger has not answered for"), "{why}");
    signal("-CONT");
    wait_for(&machine, |status| {
        status.is_some_and(|status| status["ledger_silent_since"].is_null())
    });
    let why = machine.run(&["why"]).stdout;
    assert!(!why.contains("the ledger has not answered for"), "{why}");
    machine.json(&["agent", "stop"]);
    assert_eq!(agent.ended(), 0);
}
