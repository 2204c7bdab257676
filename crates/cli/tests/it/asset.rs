//! Assets by the command line: created, minted, sent, shown.

use serde_json::{Value, json};

use crate::field::amount;
use crate::support::Machine;

const OTHER: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

#[test]
fn an_asset_is_created_minted_and_sent() {
    let machine = Machine::new();
    let account = machine.account();
    let node = machine.node(&["--fund", &format!("{account}=10")]);
    let asset = |args: &[&str]| machine.json(&[&["asset"], args, &["--rpc", &node.url]].concat());
    let create =
        ["create", "Lower field", "BAR", "--decimals", "6", "--cap", "1000.5", "--burnable"];
    let created = asset(&create);
    assert_eq!(created["asset"], 1);
    let address = created["address"].as_str().unwrap().to_lowercase();
    assert_eq!(address, "0x6ca55e7000000000000000000000000000000001");
    assert_eq!(asset(&["mint", "1", &account, "100"])["amount"], "100000000");
    assert_eq!(asset(&["send", "1", OTHER, "0.25"])["amount"], "250000");
    let balances = asset(&["balance", "1", OTHER, &account]);
    assert_eq!(balances[0]["balance"], "250000");
    assert_eq!(balances[1]["balance"], "99750000");
    let shown = asset(&["show", "1"]);
    let expected = json!({
        "asset": 1, "address": created["address"], "name": "Lower field", "symbol": "BAR",
        "decimals": 6, "supply": "100000000", "cap": "1000500000", "issuer": account,
        "paused": false, "pausable": false, "burnable": true, "transferable": false,
        "renounceable": false, "uri": "",
    });
    assert_eq!(shown, expected);
    assert_eq!(asset(&["list"]), json!([shown]));
    let text = machine.run(&["asset", "list", "--rpc", &node.url]).stdout;
    assert!(text.contains("Lower field") && text.contains("1000.5"), "{text}");

    let fails = |args: &[&str], parts: &[&str]| {
        let all = [&["asset"], args, &["--rpc", &node.url]].concat();
        machine.run(&all).assert_fails(1, parts);
    };
    fails(&["mint", "1", &account, "901"], &["1001000000", "cap is 1000500000"]);
    fails(&["send", "1", OTHER, "0.0000001"], &["not an amount", "6 decimals"]);
    fails(&["send", "1", OTHER, "100"], &["99750000", "100000000"]);
    fails(&["show", "2"], &["asset 2 does not exist", "hint: ", "gleaner asset list"]);
    fails(&["create", "", "X"], &["name has 0 bytes"]);
    fails(&["create", "Barley \u{202e}yelraB", "X"], &["name contains a character", "8238"]);
    fails(&["create", "Barley", "G\u{200b}"], &["symbol contains a character", "8203"]);
}

#[test]
fn grain_is_wrapped_and_unwrapped_one_for_one() {
    const ONE: u128 = 1_000_000_000_000_000_000;
    let machine = Machine::new();
    let account = machine.account();
    let node = machine.node(&["--fund", &format!("{account}=10")]);
    let rpc = ["--rpc", &node.url];
    let asset = |args: &[&str]| machine.json(&[&["asset"], args, &rpc].concat());
    let fails = |args: &[&str], parts: &[&str]| {
        machine.run(&[&["asset"], args, &rpc].concat()).assert_fails(1, parts);
    };
    // Without somebody who confirms nothing is sent; a dry run needs no key.
    fails(&["wrap", "4"], &["nothing was sent", "hint: ", "--yes"]);
    let planned = asset(&["wrap", "4", "--dry-run"]);
    assert_eq!((&planned["dry_run"], &planned["done"]), (&true.into(), &Value::Null));
    assert_eq!(amount(&planned["balances"]["grain_after"]), 6 * ONE);
    // What would be refused is no plan.
    fails(&["wrap", "10", "--dry-run"], &["too little for 10 GRAIN and the fee"]);
    fails(&["unwrap", "1", "--dry-run"], &["has 0 WGRAIN, less than 1"]);
    let wrapped = asset(&["wrap", "4", "--yes"]);
    let token = wrapped["wrapped"].as_str().unwrap().to_lowercase();
    assert_eq!(token, "0x6c00000000000000000000000000000000000008");
    let balances = &wrapped["balances"];
    assert_eq!(amount(&balances["grain_before"]), 10 * ONE);
    assert_eq!(amount(&balances["wgrain_before"]), 0);
    assert_eq!(amount(&balances["wgrain_after"]), 4 * ONE);
    let fee = amount(&wrapped["done"]["fee"]);
    assert!(0 < fee);
    assert_eq!(amount(&balances["grain_after"]), 6 * ONE - fee);

    fails(&["unwrap", "4.5", "--yes"], &["has 4 WGRAIN, less than 4.5", "nothing was sent"]);
    let unwrapped = asset(&["unwrap", "1.5", "--yes"]);
    assert_eq!(amount(&unwrapped["balances"]["wgrain_after"]), 5 * ONE / 2);
    fails(&["wrap", "9", "--yes"], &["GRAIN, too little for 9 GRAIN and the fee"]);
    fails(&["wrap", "0", "--yes"], &["the amount is 0"]);
    let dear = ["wrap", "1", "--yes", "--max-fee", "0.00000001"];
    fails(&dear, &["fees of up to 0.0000", "and 0.00000001 are allowed", "nothing was sent"]);
    let text = machine.run(&[&["asset", "unwrap", "2.5", "--yes"], &rpc[..]].concat()).stdout;
    assert!(text.contains("2.5 -> 0 WGRAIN"), "{text}");
}
