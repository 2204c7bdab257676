//! A node: exclusive resources, and restarts.

use std::io::{Read as _, Write as _};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Finished, Machine, RunningNode};

const RICH: &str = "0x00000000000000000000000000000000000000aa";

#[track_caller]
fn balance(machine: &Machine, node: &RunningNode, address: &str) -> String {
    let document = machine.json(&["wallet", "balance", address, "--rpc", &node.url]);
    document[0]["balance"].as_str().unwrap().to_owned()
}

#[test]
fn a_port_in_use_is_named() {
    let machine = Machine::new();
    let node = machine.node(&[]);
    let busy = node.address();
    let fund = format!("{RICH}=7");
    let args = ["node", "--data-dir", "other", "--fund", &fund, "--rpc", busy];
    machine.run(&args).assert_fails(1, &[busy, "in use", "hint: ", "--rpc"]);
    // Nothing was created, so the same command works with another folder.
    assert!(!machine.path("other").exists());
    let other = machine.node(&["--data-dir", "other", "--fund", &fund]);
    assert_eq!(balance(&machine, &other, RICH), "7000000000000000000");
}

#[test]
fn a_data_directory_belongs_to_one_node() {
    let machine = Machine::new();
    let node = machine.node(&[]);
    let second = machine.run(&["node", "--rpc", "127.0.0.1:0"]);
    second.assert_fails(1, &[machine.path("node").to_str().unwrap()]);
    // The first one is not affected.
    assert_eq!(balance(&machine, &node, RICH), "0");
}

#[test]
fn a_killed_node_restarts_with_every_balance() {
    let machine = Machine::new();
    let sender = machine.account();
    let node = machine.node(&["--fund", &format!("{sender}=100")]);
    let sent = machine.json(&["wallet", "send", RICH, "1.5", "--rpc", &node.url]);
    let before = (balance(&machine, &node, &sender), balance(&machine, &node, RICH));
    assert_eq!(before.1, "1500000000000000000");
    let fee: u128 = sent["fee"].as_str().unwrap().parse().unwrap();
    assert_eq!(before.0.parse::<u128>().unwrap() + fee, 98_500_000_000_000_000_000);
    node.kill();

    let again = machine.node(&[]);
    assert_eq!((balance(&machine, &again, &sender), balance(&machine, &again, RICH)), before);
    machine.json(&["wallet", "send", RICH, "0.5", "--rpc", &again.url]);
    assert_eq!(balance(&machine, &again, RICH), "2000000000000000000");
}

#[test]
fn funds_are_given_once_when_the_ledger_begins() {
    let machine = Machine::new();
    let fund = format!("{RICH}=3");
    machine.node(&["--fund", &fund, "--chain-id", "4242"]).kill();
    let other = format!("{RICH}=4");
    let again = machine.run(&["node", "--rpc", "127.0.0.1:0", "--fund", &other]);
    again.assert_fails(2, &["--fund", "4 GRAIN", machine.path("node").to_str().unwrap()]);
    // The same values as those that it began with.
    let node = machine.node(&["--fund", &fund, "--chain-id", "4242"]);
    assert_eq!(balance(&machine, &node, RICH), "3000000000000000000");
    node.kill();
    let node = machine.node(&[]);
    assert_eq!(balance(&machine, &node, RICH), "3000000000000000000");
}

/// Who begins a ledger alone is its referee, and can bring devices' statements into blocks; a genesis file decides for itself.
#[test]
fn a_node_says_what_it_does_for_runs() {
    let machine = Machine::new();
    let node = machine.node(&[]);
    let document = node.document.clone();
    assert_eq!(document["is_referee"], true);
    assert_eq!(document["referees"], 1);
    assert_eq!(document["relay_balance"], "100000000000000000000");
    let account = document["relay_account"].as_str().unwrap().to_owned();
    assert_eq!(balance(&machine, &node, &account), "100000000000000000000");
    node.kill();
    assert_eq!(machine.node(&[]).document["relay_account"], account.as_str());
    let genesis = r#"{"chain_id": 7, "timestamp": 1, "gas_limit": 60000000, "commitment": 2,
        "base_fee": {"initial": 1000, "minimum": 7, "change_denominator": 8, "elasticity": 2},
        "fee_recipient": "0x00000000000000000000000000000000000000be", "accounts": {},
        "referees": {"members": ["0x0101010101010101010101010101010101010101010101010101010101010101"], "threshold": 1}}"#;
    std::fs::write(machine.path("genesis.json"), genesis).unwrap();
    let file = machine.path("genesis.json");
    let named = machine.node(&["--data-dir", "named", "--genesis", file.to_str().unwrap()]);
    assert_eq!(named.document["is_referee"], false);
    assert_eq!(named.document["referees"], 1);
    assert_eq!(named.document["relay_balance"], "0");
}

#[test]
fn an_invalid_genesis_creates_nothing() {
    let machine = Machine::new();
    let fund = "0x6c00000000000000000000000000000000000003=1";
    let refused = machine.run(&["node", "--rpc", "127.0.0.1:0", "--fund", fund]);
    refused.assert_fails(1, &["native module"]);
    std::fs::write(machine.path("genesis.json"), "{}").unwrap();
    let args = ["node", "--rpc", "127.0.0.1:0", "--genesis", "genesis.json"];
    machine.run(&args).assert_fails(1, &["genesis.json"]);
    assert!(!machine.path("node").exists());
}

#[test]
fn a_place_to_listen_may_be_written_as_people_write_it() {
    let machine = Machine::new();
    let node = machine.node(&["--rpc", "localhost:0"]);
    assert!(node.url.starts_with("http://127.0.0.1:"), "{}", node.url);
    let place = format!("localhost:{}", node.url.rsplit_once(':').unwrap().1);
    let shown = machine.json(&["wallet", "balance", RICH, "--rpc", &place]);
    assert_eq!(shown[0]["balance"], "0");
    let help = machine.run(&["node", "--rpc", "http://127.0.0.1:8545"]);
    help.assert_fails(2, &["ADDRESS:PORT", "--port PORT"]);
    let port = node.url.rsplit_once(':').unwrap().1;
    let busy = machine.run(&["node", "--data-dir", "other", "--port", port]);
    busy.assert_fails(1, &["in use"]);
}

#[test]
fn a_ledger_keeps_its_chain_id() {
    let machine = Machine::new();
    machine.node(&["--chain-id", "4242"]).kill();
    machine
        .run(&["node", "--rpc", "127.0.0.1:0", "--chain-id", "4243"])
        .assert_fails(1, &["4242", "4243"]);
}

#[test]
fn a_development_ledger_can_not_be_opened_as_a_production_ledger() {
    let machine = Machine::new();
    let node = machine.node(&["--data-dir", "meant"]);
    node.kill();
    let refused = machine.run(&["node", "--rpc", "127.0.0.1:0", "--dev", "--data-dir", "meant"]);
    refused.assert_fails(1, &["development", "hint: ", "--dev"]);
    machine.node(&["--dev", "--data-dir", "tests"]).kill();
    let refused = machine.run(&["node", "--rpc", "127.0.0.1:0", "--data-dir", "tests"]);
    refused.assert_fails(1, &["development", "hint: ", "--dev"]);
    let refused = machine.run(&["node", "--client-version", "anvil"]);
    refused.assert_fails(2, &["--dev"]);
}

#[test]
fn a_ledger_to_test_against_has_funded_accounts_and_leaves_nothing() {
    let machine = Machine::new();
    let mut node = machine.node(&["--dev"]);
    for key in rpc::test_accounts() {
        let held = balance(&machine, &node, &key.address().to_string());
        assert_eq!(held, "10000000000000000000000");
    }
    assert!(node.data_dir.exists());
    assert!(Command::new("kill").args(["-TERM", &node.id()]).status().unwrap().success());
    assert_eq!(node.wait(), Some(0));
    assert!(!node.data_dir.exists());
}

/// Returns an HTTP response, header included.
fn page(node: &RunningNode, path: &str) -> String {
    let mut stream = std::net::TcpStream::connect(node.address()).unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", node.address());
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn an_account_s_page_is_made_by_the_index_or_by_a_search() {
    let machine = Machine::new();
    let sender = machine.account();
    let node = machine.node(&["--fund", &format!("{sender}=1000")]);
    for amount in ["71.25", "72.75"] {
        machine.json(&["wallet", "send", RICH, amount, "--rpc", &node.url]);
    }
    let mut shown = page(&node, &format!("/account/{RICH}"));
    while shown.contains("being opened") || shown.contains("being built") {
        std::thread::yield_now();
        shown = page(&node, &format!("/account/{RICH}"));
    }
    for part in ["<h2>Transactions</h2>", "<h2>Transfers</h2>", "<h2>Events</h2>", "71.25", "72.75"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    // Newest first, and from anywhere.
    assert!(shown.find("72.75").unwrap() < shown.find("71.25").unwrap());
    let older = page(&node, &format!("/account/{RICH}?transfers=2-0-0&transactions=2-0-0"));
    assert!(older.contains("71.25") && !older.contains("72.75"), "{older}");
    node.kill();
    let node = machine.node(&["--index", "none"]);
    let shown = page(&node, &format!("/account/{RICH}"));
    assert!(
        shown.contains("72.75") && shown.contains("This node keeps no history index"),
        "{shown}"
    );
    assert!(!shown.contains("<h2>Transfers</h2>"));
    for flags in [&["--index", "none,events"][..], &["--index", "none", "--index-blocks", "7"]] {
        machine.run(&[&["node"], flags].concat()).assert_fails(2, &["--index"]);
    }
}

#[test]
fn pages_have_the_paths_of_other_explorers() {
    let machine = Machine::new();
    let node = machine.node(&["--fund", &format!("{RICH}=3")]);
    let account = page(&node, &format!("/address/{RICH}"));
    assert!(account.starts_with("HTTP/1.1 200") && account.contains("3 GRAIN"), "{account}");
    for (token, place) in [
        (RICH.to_owned(), format!("/account/{}", RICH.to_lowercase())),
        (abi::asset_address(7).to_string(), "/asset/7".to_owned()),
    ] {
        let answer = page(&node, &format!("/token/{token}"));
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
        assert!(answer.contains(&format!("location: {place}\r\n")), "{answer}");
    }
}

#[test]
fn every_module_has_a_page() {
    let machine = Machine::new();
    let node = machine.node(&[]);
    let list = page(&node, "/modules");
    for module in &abi::MODULES {
        assert!(list.contains(&format!("/module/{}", module.name)), "{list}");
        let answer = page(&node, &format!("/module/{}", module.name));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let interfaces = module.interfaces().iter();
        for function in interfaces.flat_map(|interface| &interface.functions) {
            assert!(answer.contains(&format!("{}(", function.name)), "{}", function.name);
        }
    }
    let account = page(&node, &format!("/account/{}", abi::GRAIN));
    assert!(account.contains("/module/GRAIN"), "{account}");
    assert!(page(&node, "/module/nothing").starts_with("HTTP/1.1 404"));
}

#[test]
fn old_blocks_are_pruned_and_empty_ones_produced_when_configured() {
    let machine = Machine::new();
    let args = ["--block-time", "1", "--keep-blocks", "1", "--history", "0"];
    let node = machine.node(&args);
    let page = |path: &str| page(&node, path);
    let mut looks = 0;
    while !page("/block/1").contains("keeps block 0 and the blocks from") {
        looks += 1;
        assert!(looks < 600, "{}", page("/block/1"));
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(page("/block/0").contains("the ledger begins here"));
    machine.run(&["node", "--keep-blocks", "0"]).assert_fails(2, &["--keep-blocks"]);
    machine.run(&["node", "--dev", "--block-time", "1"]).assert_fails(2, &["--dev"]);
}

#[test]
fn a_stopped_node_reports_how_it_ended() {
    let machine = Machine::new();
    for (signal, code) in [("-INT", 130), ("-TERM", 0)] {
        let mut node = machine.node(&[]);
        assert!(Command::new("kill").args([signal, &node.id()]).status().unwrap().success());
        assert_eq!(node.wait(), Some(code), "{signal}");
    }
}

#[test]
fn a_genesis_that_is_none_is_refused_with_its_path() {
    let machine = Machine::new();
    std::fs::write(machine.path("genesis.json"), "{ \"chain_id\": \"many\" }").unwrap();
    let refused = machine.run(&["node", "--rpc", "127.0.0.1:0", "--genesis", "genesis.json"]);
    refused.assert_fails(1, &["genesis.json"]);
    assert_eq!(machine.run(&["node", "--genesis", "genesis.json", "--chain-id", "3"]).code, 2);
}

#[test]
fn no_proxy_is_asked_for_a_node_on_this_machine() {
    let machine = Machine::new();
    let node = machine.node(&[]);
    let mut command = machine.command(&["project", "list", "--json", "--rpc", &node.url]);
    // An address where nothing listens.
    command.env("HTTP_PROXY", "http://127.0.0.1:1").env("http_proxy", "http://127.0.0.1:1");
    let finished = Finished::of(command.output().unwrap());
    assert_eq!(finished.code, 0, "{}", finished.stderr);
}

/// Asks the node over HTTP; the result, which must be there.
#[track_caller]
pub(crate) fn ask(node: &RunningNode, method: &str, params: &Value) -> Value {
    let document = answer(node, method, params);
    assert!(document.get("error").is_none(), "{method}: {document}");
    document["result"].clone()
}

/// Asks the node for what it must refuse; its words.
#[track_caller]
pub(crate) fn refusal(node: &RunningNode, method: &str, params: &Value) -> String {
    let document = answer(node, method, params);
    document["error"]["message"].as_str().unwrap().to_owned()
}

pub(crate) fn answer(node: &RunningNode, method: &str, params: &Value) -> Value {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
    let mut stream = std::net::TcpStream::connect(node.address()).unwrap();
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        node.address(),
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let document = answer.split("\r\n\r\n").nth(1).unwrap();
    serde_json::from_str(document).unwrap()
}

/// The time of a block.
fn timestamp(node: &RunningNode, block: &str) -> u64 {
    let block = ask(node, "eth_getBlockByNumber", &json!([block, false]));
    u64::from_str_radix(&block["timestamp"].as_str().unwrap()[2..], 16).unwrap()
}

#[test]
fn under_hardhats_name_no_two_blocks_share_a_second() {
    let machine = Machine::new();
    let node = machine.node(&["--dev", "--client-version", "hardhat"]);
    let sender = rpc::test_accounts()[0].address();
    for _ in 0..4 {
        ask(&node, "eth_sendTransaction", &json!([{ "from": sender, "to": RICH, "value": "0x1" }]));
    }
    ask(&node, "hardhat_mine", &json!(["0x3"]));
    let times: Vec<u64> = (1..=7).map(|number| timestamp(&node, &format!("{number:#x}"))).collect();
    assert!(times.is_sorted_by(|one, next| one < next), "{times:?}");
    assert!(timestamp(&node, "pending") > times[6]);
    // Under our own name they may.
    let node = machine.node(&["--dev"]);
    ask(&node, "evm_setNextBlockTimestamp", &json!([4_000_000_000_u64]));
    ask(&node, "evm_mine", &json!([]));
    ask(&node, "evm_setTime", &json!([4_000_000_000_u64]));
    ask(&node, "evm_mine", &json!([]));
    assert!(timestamp(&node, "0x2") - timestamp(&node, "0x1") < 60);
}

#[test]
fn the_time_of_a_ledger_to_test_against_goes_on_after_a_restart() {
    let machine = Machine::new();
    let mut node = machine.node(&["--dev", "--data-dir", "kept"]);
    ask(&node, "evm_increaseTime", &json!([1_000_000]));
    ask(&node, "evm_mine", &json!([]));
    let before = timestamp(&node, "latest");
    assert!(Command::new("kill").args(["-TERM", &node.id()]).status().unwrap().success());
    assert_eq!(node.wait(), Some(0));
    let node = machine.node(&["--dev", "--data-dir", "kept"]);
    let ahead = ask(&node, "evm_increaseTime", &json!([0])).as_u64().unwrap();
    assert_eq!(ahead, 1_000_000);
    std::thread::sleep(Duration::from_millis(1_100));
    ask(&node, "evm_mine", &json!([]));
    assert!(timestamp(&node, "latest") > before, "time does not stand still");
}

/// What no browser sends as an origin would allow nothing.
#[test]
fn an_origin_is_written_as_browsers_do() {
    let machine = Machine::new();
    for (origin, form) in [
        ("example.com", "https://example.com"),
        ("http://ok.example/", "for example http://ok.example"),
        ("HTTPS://ok.example:443", "for example https://ok.example"),
    ] {
        let refused = machine.run(&["node", "--rpc", "127.0.0.1:0", "--cors", origin]);
        refused.assert_fails(2, &["--cors", origin, form]);
    }
    machine.run(&["node", "--rpc-batch-max", "0"]).assert_fails(2, &["--rpc-batch-max"]);
    let node = machine.node(&["--cors", "https://example.com", "--rpc-subscriptions-max", "2"]);
    assert_eq!(balance(&machine, &node, RICH), "0");
}
