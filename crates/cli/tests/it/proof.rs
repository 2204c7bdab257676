//! A proof, fetched from a node and checked without one.

use std::fs;

use serde_json::Value;

use crate::support::Machine;

const RICH: &str = "0x00000000000000000000000000000000000000aa";
/// The module of GRAIN: its supply is in slot 0.
const GRAIN: &str = "0x6c00000000000000000000000000000000000003";

#[test]
fn a_proof_can_be_verified_without_the_node() {
    let machine = Machine::new();
    let node = machine.node(&["--fund", &format!("{RICH}=3")]);
    let url = node.url.clone();
    let file = machine.path("proof.json");
    let file = file.to_str().unwrap();
    let made = machine.json(&["proof", RICH, "--slot", "7", "--out", file, "--rpc", &url]);
    let absent = machine.run(&["proof", GRAIN, "--block", "earliest", "--rpc", &url]);
    assert_eq!(absent.code, 0, "{}", absent.stderr);
    machine
        .run(&["proof", GRAIN, "--block", "9", "--rpc", &url])
        .assert_fails(1, &["header not found"]);
    node.kill();

    let hash = made["block_hash"].as_str().unwrap();
    let shown = machine.json(&["verify-proof", file, "--block-hash", hash]);
    assert_eq!(shown["account"]["balance"], "0x29a2241af62c0000");
    assert_eq!(shown["slots"][0]["value"], "0x0");
    assert_eq!(shown["block_is_trusted"], true);
    let text = machine.run(&["verify-proof", file]);
    assert_eq!(text.code, 0);
    assert!(text.stdout.contains("3 GRAIN") && text.stdout.contains(hash), "{}", text.stdout);
    assert!(
        text.stderr.contains("NOT YET PROVEN") && text.stderr.contains(hash),
        "{}",
        text.stderr
    );

    let other = format!("0x{}", "11".repeat(32));
    machine
        .run(&["verify-proof", file, "--block-hash", &other])
        .assert_fails(1, &["is invalid", hash, &other]);
    let mut document: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    document["account"]["balance"] = "0x29a2241af62c0001".into();
    fs::write(file, document.to_string()).unwrap();
    machine
        .run(&["verify-proof", file])
        .assert_fails(1, &["is invalid", "account in the document differs"]);
    document["accountProof"]["end"]["account"]["balance"] = "0x29a2241af62c0001".into();
    fs::write(file, document.to_string()).unwrap();
    machine.run(&["verify-proof", file]).assert_fails(1, &["is invalid", "leads to root"]);
    fs::write(file, "{}").unwrap();
    machine.run(&["verify-proof", file]).assert_fails(1, &["is not a proof"]);
}
