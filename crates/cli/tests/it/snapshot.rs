//! Export and import of a ledger.

use std::fs;

use serde_json::Value;

use crate::support::{Machine, RunningNode};

const RICH: &str = "0x00000000000000000000000000000000000000aa";

fn balance(machine: &Machine, node: &RunningNode, address: &str) -> Value {
    machine.json(&["wallet", "balance", address, "--rpc", &node.url])[0]["balance"].clone()
}

#[test]
fn a_ledger_continues_from_its_snapshot() {
    let machine = Machine::new();
    let sender = machine.account();
    let node = machine.node(&["--fund", &format!("{sender}=100")]);
    for _ in 0..6 {
        machine.json(&["wallet", "send", RICH, "0.75", "--rpc", &node.url]);
    }
    let before = (balance(&machine, &node, &sender), balance(&machine, &node, RICH));
    let proof = machine.json(&["proof", RICH, "--rpc", &node.url]);
    machine
        .run(&["node", "export", "ledger.snapshot"])
        .assert_fails(1, &["already open", "hint: stop"]);
    node.kill();

    let exported = machine.json(&["node", "export", "ledger.snapshot"]);
    assert_eq!(exported["block_hash"], proof["blockHash"]);
    let hash = exported["block_hash"].as_str().unwrap();
    let occupied = machine.run(&["node", "import", "ledger.snapshot"]);
    occupied.assert_fails(1, &["not empty", machine.path("node").to_str().unwrap()]);
    fs::rename(machine.path("node"), machine.path("old")).unwrap();

    let other = format!("0x{}", "11".repeat(32));
    machine
        .run(&["node", "import", "ledger.snapshot", "--block-hash", &other])
        .assert_fails(1, &["belongs to block", hash, &other]);
    let mut bytes = fs::read(machine.path("ledger.snapshot")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(machine.path("bad"), &bytes).unwrap();
    machine.run(&["node", "import", "bad"]).assert_fails(1, &["bad", "damaged", "checksum"]);
    machine.run(&["node", "import", "none"]).assert_fails(1, &["none: can't be read"]);
    assert!(!machine.path("node").exists());

    let imported = machine.json(&["node", "import", "ledger.snapshot", "--block-hash", hash]);
    for same in ["block_hash", "state_root", "entries", "codes", "genesis_hash", "size"] {
        assert_eq!(imported[same], exported[same], "{same}");
    }
    let again = machine.node(&[]);
    assert_eq!((balance(&machine, &again, &sender), balance(&machine, &again, RICH)), before);
    let logs = machine.run(&["project", "list", "--rpc", &again.url]);
    assert_eq!(logs.code, 0, "{}", logs.stderr);
    let sent = machine.json(&["wallet", "send", RICH, "0.5", "--rpc", &again.url]);
    assert_eq!(sent["height"], exported["block_number"].as_u64().unwrap() + 1);
    assert_eq!(balance(&machine, &again, RICH), "5000000000000000000");
}

#[test]
fn a_folder_without_a_ledger_has_no_snapshot() {
    let machine = Machine::new();
    machine.run(&["node", "export", "x"]).assert_fails(1, &["holds no ledger", "hint: "]);
    assert!(!machine.path("x").exists() && !machine.path("node").exists());
    // A folder with other files is not changed.
    fs::create_dir(machine.path("other")).unwrap();
    let args = ["node", "export", "x", "--data-dir", "other"];
    machine.run(&args).assert_fails(1, &["other holds no ledger", "hint: "]);
    assert_eq!(fs::read_dir(machine.path("other")).unwrap().count(), 0);
    machine.node(&["--dev", "--data-dir", "dev"]).kill();
    let args = ["node", "export", "x", "--data-dir", "dev"];
    machine.run(&args).assert_fails(1, &["dev", "development ledger has no snapshots"]);
}
