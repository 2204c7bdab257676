//! `gleaner doctor` from outside. What it finds depends on the machine; that it looks, and what it says of what is known, does not.

use std::fs;

use serde_json::Value;

use crate::support::{Machine, names};

/// Reads what was printed, whether or not the machine is fit.
fn checks(machine: &Machine, args: &[&str]) -> (bool, Vec<Value>) {
    let output = machine.command(&[&["doctor", "--json"], args].concat()).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let is_fit = document["is_fit"].as_bool().unwrap();
    assert_eq!(output.status.success(), is_fit, "{document}");
    let checks = document["checks"].as_array().unwrap().clone();
    let is_bad = |check: &Value| check["verdict"] == "bad";
    assert_eq!(is_fit, !checks.iter().any(is_bad), "{document}");
    for check in &checks {
        assert_eq!(check["change"].is_null(), check["verdict"] == "good", "{check}");
    }
    (is_fit, checks)
}

#[track_caller]
fn named<'a>(checks: &'a [Value], name: &str) -> &'a Value {
    let found = checks.iter().find(|check| check["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not among {checks:?}"))
}

#[test]
fn a_machine_without_a_ledger_is_not_fit_and_the_rest_is_looked_at_all_the_same() {
    let machine = Machine::new();
    let (is_fit, checks) = checks(&machine, &["--rpc", "http://127.0.0.1:9"]);
    assert!(!is_fit);
    assert_eq!(named(&checks, "ledger")["verdict"], "bad");
    assert_eq!(named(&checks, "kernels")["verdict"], "good");
    for name in ["processor", "memory", "disk", "network", "clock", "energy", "reached by others"] {
        named(&checks, name);
    }
    let sensors = ["input", "load", "gpu", "full screen", "call", "power", "heat", "time"];
    for sensor in sensors {
        named(&checks, &format!("sensor {sensor}"));
    }
    assert_eq!(named(&checks, "agent")["verdict"], "advice");
    let confined = named(&checks, "worker confined");
    assert!(confined["found"].as_str().unwrap().starts_with("in force: "), "{confined}");
    assert!(names(&machine.path("")).is_empty(), "it made files");
}

#[test]
fn limits_decide_what_is_bad() {
    let machine = Machine::new();
    let limits = machine.path("agent.toml");
    let memory = |mib: u32| {
        let text = format!("[machine]\nmemory_mib = {mib}\nmemory_left_mib = 128\n");
        fs::write(&limits, text).unwrap();
        let (_, checks) = checks(&machine, &["--rpc", "http://127.0.0.1:9"]);
        named(&checks, "memory")["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(memory(16_000_000), "bad");
    assert_ne!(memory(256), "bad");
    fs::write(&limits, "[machine]\nmemory = 3\n").unwrap();
    let output = machine.command(&["doctor"]).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("agent.toml"));
}

#[test]
fn a_ledger_that_answers_is_named_with_its_rules() {
    let machine = Machine::new();
    let node = machine.node(&[]);
    let (_, checks) = checks(&machine, &["--rpc", &node.url]);
    let ledger = named(&checks, "ledger");
    assert_eq!(ledger["verdict"], "good");
    assert!(ledger["found"].as_str().unwrap().contains("revision"), "{ledger}");
    assert!(named(&checks, "projects")["found"].as_str().unwrap().contains("no open project"));
}
