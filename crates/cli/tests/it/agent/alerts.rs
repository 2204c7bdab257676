//! What changes on a real ledger reaches the owner of a real agent: by a program and by an address, each once.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use serde_json::{Value, json};

use super::earning::machine;
use super::{Running, wait_for};
use crate::field::{self, Field, project, write_corpus};
use crate::support::Machine;

/// The block with which revision 4 begins.
const RULES_AT: u64 = 400;

/// A ledger that begins with revision 3, and whose two reporters are in the wallet.
fn scheduled() -> (Field, [String; 2]) {
    let machine = Machine::new();
    let accounts = [(); 2].map(|()| machine.account());
    let funded = accounts
        .iter()
        .map(|account| (account.clone(), json!({ "balance": "0x3635c9adc5dea00000" })));
    let funded: serde_json::Map<String, Value> = funded.collect();
    let genesis = json!({
        "chain_id": 78,
        "timestamp": 1_700_000_000,
        "gas_limit": 60_000_000,
        "base_fee": { "initial": 1_000_000_000, "minimum": 1_000_000, "change_denominator": 8, "elasticity": 2 },
        "fee_recipient": format!("0x{:040x}", 0),
        "commitment": 2,
        "revisions": [{ "revision": 3, "height": 0 }, { "revision": 4, "height": RULES_AT }],
        "price_reporters": { "members": accounts, "quorum": 2 },
        "accounts": funded,
    });
    fs::write(machine.path("genesis.json"), genesis.to_string()).unwrap();
    write_corpus(&machine.path("corpus.txt"), 1_000);
    let node = machine.node(&["--genesis", "genesis.json"]);
    (Field { machine, node }, accounts)
}

/// Reports that one GRAIN is worth so much.
fn report(field: &Field, accounts: &[String; 2], price: &str) {
    let price = |account: &str, more: &[&str]| {
        let args = ["price", "report", "1", price, "--account", account, "--rpc", &field.node.url];
        field.machine.json(&[&args[..], more].concat());
    };
    price(&accounts[1], &["--out", "report.json"]);
    price(&accounts[0], &["--with", "report.json"]);
    fs::remove_file(field.machine.path("report.json")).unwrap();
}

/// Listens for requests; returns the address, and their bodies.
fn listener() -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (say, said) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let mut reader = BufReader::new(&stream);
            let (mut line, mut length) = (String::new(), 0);
            while line != "\r\n" {
                line.clear();
                assert!(0 < reader.read_line(&mut line).unwrap());
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            (&stream).write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            // The test may have failed.
            let _ = say.send(serde_json::from_slice(&body).unwrap());
        }
    });
    (url, said)
}

/// What has arrived.
struct Arrived {
    said: Receiver<Value>,
    all: Vec<Value>,
}

impl Arrived {
    /// Waits for an alert of a kind of which so many have arrived before, and returns it.
    #[track_caller]
    fn next(&mut self, machine: &Machine, kind: &str, before: usize) -> Value {
        wait_for(machine, |_| {
            self.all.extend(self.said.try_iter());
            before < self.of(kind).len()
        });
        self.of(kind)[before].clone()
    }

    fn of(&self, kind: &str) -> Vec<Value> {
        let of = self.all.iter().filter(|document| document["alert"]["kind"] == kind);
        of.map(|document| document["alert"].clone()).collect()
    }
}

#[test]
fn reward_price_and_rules_reach_the_owner_once_by_program_and_by_address() {
    let (field, accounts) = scheduled();
    let owner = &accounts[0];
    let at = |words: &[&str]| {
        field.machine.json(&[words, &["--account", owner, "--rpc", &field.node.url]].concat())
    };
    at(&["price", "create", "GRAIN / EUR", "--confirmation", "1s"]);
    report(&field, &accounts, "0.5");
    let train = |name: &str| {
        let text = project(4_000, "").replace("barley", name);
        let text = text.replace("workers_max = 2", "workers_max = 3");
        fs::write(field.machine.path(&format!("{name}.toml")), text).unwrap();
        let file = format!("{name}.toml");
        let args = ["train", &file, "--json", "--account", owner, "--rpc", &field.node.url];
        let mut train = field::Running::start(field.machine.command(&args));
        train.until("is open");
        train
    };
    let _train = train("oats");
    let other = field.join(1, &[]);
    let (url, said) = listener();
    let machine = machine("");
    let file = machine.path("told");
    let script = format!("cat >> {0}; echo >> {0}", file.display());
    let limits = fs::read_to_string(machine.path("agent.toml")).unwrap();
    let more = format!(
        "[energy]\ngrain_feed = 1\n[earning]\ninterests = {{ oats = 1 }}\n\
         [alerts]\ndesktop = false\nreward_percent = 60\nwebhook = \"{url}\"\ncommand = [\"/bin/sh\", \"-c\", \"{script}\"]\n"
    );
    fs::write(machine.path("agent.toml"), limits + &more).unwrap();
    let mut agent = Running::start(&machine, &["--rpc", &field.node.url, "--ask-seconds", "2"]);
    wait_for(&machine, |status| {
        let line = status.and_then(|status| status["worker"]["last_line"].as_str());
        line.is_some_and(|line| line.contains("tokens done"))
    });
    let mut arrived = Arrived { said, all: Vec::new() };

    // Price: GRAIN is worth twice as much, and a second answer confirms it.
    report(&field, &accounts, "1");
    std::thread::sleep(Duration::from_secs(2));
    report(&field, &accounts, "1");
    let price = arrived.next(&machine, "price", 0);
    assert_eq!(price["percent"], 100);

    // Reward: the other device stands still, so rounds take long, and an hour has fewer of them.
    other.signal("-STOP");
    std::thread::sleep(Duration::from_secs(15));
    other.signal("-CONT");
    let reward = arrived.next(&machine, "reward", 0);
    assert_eq!(reward["project"], "project 1 (oats)");
    assert!(reward["percent"].as_i64().unwrap() <= -60, "{reward}");

    // Rules: the ledger's next revision begins.
    let rules = arrived.next(&machine, "rules", 0);
    assert_eq!(rules["revision"], 4);

    machine.json(&["agent", "stop"]);
    assert_eq!(agent.ended(), 0);
    arrived.all.extend(arrived.said.try_iter());
    let told = fs::read_to_string(&file).unwrap();
    let told: Vec<Value> = told
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(told, arrived.all, "both ways are told the same, in the same order");
    let mut counts = BTreeMap::new();
    for document in &told {
        *counts.entry(document["alert"]["kind"].as_str().unwrap()).or_insert(0) += 1;
    }
    counts.remove("reward");
    assert_eq!(counts, BTreeMap::from([("price", 1), ("rules", 1)]), "{told:?}");
}
