//! Assets by the command line: created, minted, sent, shown.

use serde_json::json;

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
