//! `gleaner measure`, of tables and of ledgers.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::support::{Finished, Machine};

const OTHER: &str = "0x00000000000000000000000000000000000000AA";

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/concentration")
}

fn of_data(name: &str) -> String {
    data().join(name).to_str().unwrap().to_owned()
}

#[test]
fn a_table_is_measured_and_drawn() {
    let machine = Machine::new();
    let file = of_data("solana/validators_epoch860.csv");
    let args = ["measure", "--csv", &file, "--value", "active_stake_lamports"];
    let report = machine.json(&args);
    assert_eq!(report["count"], 962);
    assert_eq!(report["nakamoto"], serde_json::json!({ "1/2": 44, "1/3": 20, "2/3": 88 }));
    let text = |key: &str, digits: usize| format!("{:.digits$}", report[key].as_f64().unwrap());
    assert_eq!(text("gini", 6), "0.761396");
    assert_eq!(text("hhi", 4), "88.9644");
    assert_eq!(text("entropy_bits", 6), "7.985847");
    assert_eq!((text("top1", 6), text("top10", 6)), ("0.033361".to_owned(), "0.227820".to_owned()));

    let by = ["--by", "country", "--subsystem", "asn", "--subsystem", "software_client:1/2"];
    let drawn = machine.path("power.svg");
    let svg = ["--svg", drawn.to_str().unwrap(), "--threshold", "0.66"];
    let report = machine.json(&[args.as_slice(), &by, &svg].concat());
    assert_eq!((&report["count"], &report["nakamoto"]["1/3"]), (&40.into(), &2.into()));
    assert_eq!(report["weakest"], "software_client");
    assert_eq!(report["nakamoto_at_least"]["33/50"], 4);
    assert!(fs::read_to_string(drawn).unwrap().starts_with("<svg"));
    let text = machine.run(&[args.as_slice(), &by].concat());
    assert!(text.stdout.contains("weakest: software_client"), "{}", text.stdout);
}

#[test]
fn published_values_are_printed_beside_ours() {
    let machine = Machine::new();
    let folder = data();
    let comparison = machine.json(&["measure", "reference", folder.to_str().unwrap()]);
    assert_eq!(comparison["unexplained"], 0);
    assert!(comparison["compared"].as_u64().unwrap() > 400);
    let text = machine.run(&["measure", "reference", folder.to_str().unwrap()]).stdout;
    assert!(text.contains("figures are the same") && !text.contains("DIFFERS"), "{text}");
    machine
        .run(&["measure", "reference", "."])
        .assert_fails(1, &["none of the data sets", "hint:"]);
}

#[test]
fn a_table_comes_from_a_pipe() {
    let machine = Machine::new();
    let args = ["measure", "--csv", "-", "--value", "held", "--json"];
    let mut child =
        machine.command(&args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"held\n3\n2\n1\n0\n").unwrap();
    let finished = Finished::of(child.wait_with_output().unwrap());
    let report: serde_json::Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!((&report["count"], &report["nakamoto"]["1/2"]), (&3.into(), &2.into()));
    assert_eq!(report["source"], "stdin");
}

#[test]
fn what_can_not_be_measured_is_named() {
    let machine = Machine::new();
    fs::write(machine.path("t.csv"), "who,held\nann,1\nbob,-2\n").unwrap();
    let measure = |rest: &[&str]| machine.run(&[&["measure"], rest].concat());
    measure(&["--csv", "t.csv", "--value", "held"])
        .assert_fails(1, &["t.csv: line 3", "\"-2\"", "negative"]);
    measure(&["--csv", "t.csv", "--value", "stake"])
        .assert_fails(1, &["no column \"stake\"", "who, held", "hint:"]);
    measure(&["--csv", "none.csv", "--value", "held"])
        .assert_fails(1, &["none.csv: can't be read"]);
    measure(&["--csv", "t.csv"]).assert_fails(2, &["--value"]);
    let wrong = ["--csv", "t.csv", "--value", "held", "--subsystem", "who:2"];
    measure(&wrong).assert_fails(2, &["--subsystem who:2", "such as 1/2"]);
    assert_eq!(measure(&[]).code, 2);
    assert_eq!(measure(&["--csv", "t.csv", "--value", "held", "--threshold", "7"]).code, 2);
    assert_eq!(measure(&["--asset", "BAR"]).code, 2);
    measure(&["--asset", "GRAIN"]).assert_fails(1, &["can't list", "--data-dir"]);
    measure(&["--asset", "GRAIN", "--data-dir", "none"]).assert_fails(1, &["none"]);
}

#[test]
fn assets_of_a_ledger_are_measured_through_its_node_and_from_its_folder() {
    let machine = Machine::new();
    let account = machine.account();
    let node =
        machine.node(&["--fund", &format!("{account}=100"), "--fund", &format!("{OTHER}=60")]);
    let rpc = ["--rpc", &node.url];
    let run = |args: &[&str]| machine.json(&[args, &rpc].concat());
    let created = run(&["asset", "create", "Lower field", "BAR", "--decimals", "2"]);
    let asset = created["address"].as_str().unwrap().to_owned();
    run(&["asset", "mint", "1", &account, "30"]);
    run(&["asset", "send", "1", OTHER, "12.5"]);
    let live = run(&["measure", "--asset", &asset]);
    assert_eq!((&live["count"], &live["total"]), (&2.into(), &"30".into()));
    assert_eq!(live["exact"]["top1"], serde_json::json!(["7", "12"]));
    assert_eq!(live["power"]["holders"][0]["name"], account.as_str());
    assert_eq!(live["power"]["holders"][1]["amount"], "12.5");
    machine
        .run(&["measure", "--asset", OTHER, "--rpc", &node.url])
        .assert_fails(1, &["not an ERC-20"]);
    let folder = node.data_dir.clone();
    let local = ["measure", "--data-dir", folder.to_str().unwrap(), "--asset"];
    machine
        .run(&[local.as_slice(), &["GRAIN"]].concat())
        .assert_fails(1, &["already open", "hint: stop"]);
    node.kill();

    let stored = machine.json(&[local.as_slice(), &[&asset]].concat());
    for same in ["count", "total", "gini", "hhi", "nakamoto"] {
        assert_eq!(stored[same], live[same], "{same}");
    }
    let grain = machine.json(&[local.as_slice(), &["GRAIN"]].concat());
    let holders = grain["power"]["holders"].as_array().unwrap();
    let amount = |name: &str| {
        let holder = holders.iter().find(|holder| holder["name"] == name);
        holder.unwrap()["amount"].as_str().unwrap().to_owned()
    };
    assert_eq!(amount(OTHER), "60");
    assert!(amount(&account).starts_with("99.9"), "{}", amount(&account));
    machine
        .run(&[local.as_slice(), &[OTHER]].concat())
        .assert_fails(1, &["not an asset issued", "--rpc"]);
}
