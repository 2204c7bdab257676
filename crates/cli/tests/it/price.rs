//! Price feeds by the command line.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Machine, RunningNode, genesis};
use crate::swap::Market;

/// A ledger whose genesis file names three reporters, of whom two make a round; all are in the wallet.
struct Reporters {
    machine: Machine,
    node: RunningNode,
    accounts: [String; 3],
}

impl Reporters {
    fn new() -> Self {
        let machine = Machine::new();
        let accounts = [(); 3].map(|()| machine.account());
        let mut genesis = genesis(&[(2, 0)], &accounts);
        genesis["price_reporters"] = json!({ "members": accounts, "quorum": 2 });
        let node = machine.node_of(&genesis, &[]);
        Self { machine, node, accounts }
    }

    fn args<'a>(&'a self, reporter: usize, args: &[&'a str]) -> Vec<&'a str> {
        let account = self.accounts[reporter].as_str();
        [&["price"], args, &["--rpc", &self.node.url, "--account", account]].concat()
    }

    #[track_caller]
    fn json(&self, reporter: usize, args: &[&str]) -> Value {
        self.machine.json(&self.args(reporter, args))
    }

    #[track_caller]
    fn fails(&self, reporter: usize, args: &[&str], parts: &[&str]) {
        self.machine.run(&self.args(reporter, args)).assert_fails(1, parts);
    }

    #[track_caller]
    fn show(&self, feed: &str) -> Value {
        self.machine.json(&["price", "show", feed, "--rpc", &self.node.url])
    }
}

#[test]
fn reports_are_signed_gathered_and_brought() {
    let market = Reporters::new();
    let created = market.json(0, &["create", "GRAIN / USD", "--decimals", "6"]);
    assert_eq!(created["feed"], 1);
    let shown = market.show("1");
    assert_eq!((&shown["standing"], &shown["answer"]), (&"no answer".into(), &Value::Null));
    assert_eq!((&shown["quorum"], &shown["deviation_bps"]), (&2.into(), &500.into()));
    assert_eq!(shown["reporters"].as_array().unwrap().len(), 3);

    market.fails(0, &["report", "1", "0.52"], &["needs 2 reports", "1 given", "--with FILE"]);
    let signed = market.json(1, &["report", "1", "0.53", "--out", "one.json"]);
    assert_eq!(signed["answer"], "530000");
    let brought = market.json(0, &["report", "1", "0.52", "--with", "one.json"]);
    // The upper one of two in the middle.
    assert_eq!((&brought["answer"], &brought["round"]), (&"530000".into(), &"1".into()));
    let shown = market.show(shown["address"].as_str().unwrap());
    assert_eq!((&shown["standing"], &shown["answer"]), (&"reliable".into(), &"530000".into()));
    let list = market.machine.json(&["price", "list", "--rpc", &market.node.url]);
    assert_eq!(list[0]["answer"], "530000");

    // The same reports again are not newer than the round.
    market.fails(2, &["report", "1", "--with", "one.json", "--with", "one.json"], &["refused"]);
    market.json(0, &["create", "OAT / USD"]);
    market.fails(2, &["report", "2", "1", "--with", "one.json"], &["one.json", "for the feed"]);
    market.fails(2, &["report", "1", "0", "--with", "one.json"], &["above 0"]);
    market.fails(2, &["report", "1", "0.1234567", "--with", "one.json"], &["at most 6 decimals"]);
    market.fails(
        2,
        &["report", "9", "1", "--with", "one.json"],
        &["feed 9 does not exist", "has 2"],
    );
    fs::write(market.machine.path("other.json"), "{}").unwrap();
    market.fails(2, &["report", "1", "1", "--with", "other.json"], &["other.json is no report"]);
    market.fails(2, &["report", "1", "1", "--with", "none.json"], &["none.json can't be read"]);
}

/// A ledger without transactions makes no blocks, and time passes all the same.
#[test]
fn an_answer_gets_stale_on_an_idle_ledger() {
    let market = Reporters::new();
    let (most, longer) = ("12s", Duration::from_secs(13));
    let terms = ["--max-age", most, "--confirmation", "1s"];
    market.json(0, &[&["create", "GRAIN / USD \u{1b}[2J\nx"], &terms[..]].concat());
    // The newest block is now older than a report may be.
    sleep(longer);
    market.json(1, &["report", "1", "0.53", "--out", "one.json"]);
    market.json(0, &["report", "1", "0.52", "--with", "one.json"]);
    sleep(longer);
    let shown = market.show("1");
    assert_eq!((&shown["standing"], &shown["answer"]), (&"stale".into(), &"53000000".into()));
    let list = market.machine.json(&["price", "list", "--rpc", &market.node.url]);
    assert_eq!(list[0]["standing"], "stale");
    assert_eq!(list[0]["description"], "GRAIN / USD \u{fffd}[2J\u{fffd}x");
}

#[test]
fn who_is_no_reporter_signs_nothing() {
    let machine = Machine::new();
    let account = machine.account();
    let node = machine.node(&["--fund", &format!("{account}=10")]);
    machine.json(&["price", "create", "GRAIN / USD", "--rpc", &node.url]);
    let report = ["price", "report", "1", "0.5", "--out", "one.json", "--rpc", &node.url];
    machine.run(&report).assert_fails(1, &["no price reporter", "names 0", "hint: "]);
    assert!(!machine.path("one.json").exists());
    assert_eq!(machine.run(&["price", "report", "1", "--rpc", &node.url]).code, 2);
}

#[test]
fn a_feed_is_compared_with_a_pair() {
    let market = Market::new();
    let created = market.json(&["pool", "create", "100", "GRAIN", "200", "BAR", "--yes"]);
    let pool = created["done"]["pool"].as_str().unwrap();
    let create = ["price", "create", "GRAIN / BAR", "--pool", pool, "--base", "GRAIN"];
    market.fails(1, &[&create[..], &["--window", "1m"]].concat(), &["window of 60 seconds", "300"]);
    market.json(&[&create[..], &["--window", "5m", "--divergence", "1%"]].concat());
    let list = market.json(&["price", "list"]);
    let compared = &list[0]["compared"];
    assert_eq!(compared["pool"], pool);
    let terms = (&compared["window_seconds"], &compared["divergence_bps"]);
    assert_eq!(terms, (&300.into(), &100.into()));
    assert_eq!((&list[0]["standing"], &compared["average"]), (&"no answer".into(), &Value::Null));
    market.json(&["price", "checkpoint", "1"]);
    market.fails(1, &["price", "checkpoint", "1"], &["too new"]);
    assert!(market.text(&["price", "show", "1"]).contains("1% apart at most"));
    assert_eq!(market.machine.run(&["price", "create", "X", "--pool", pool]).code, 2);
}
