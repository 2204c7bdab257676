//! Overrides, access lists and simulated blocks, over JSON-RPC.

use crate::{
    http,
    support::{RECEIVER, Served, key},
};
use alloy_primitives::{Address, B256, Bytes, U256, bytes};
use execution::{Activation, Revision, Schedule};
use node::NodeConfig;
use serde_json::{Value, json};

/// Without calldata: adds one to slot 0, logs topic 0x2a, returns the count. With calldata: reverts with it.
const COUNTER: Bytes =
    bytes!("366018576001 5f54015f55 602a5f5fa1 5f545f5260205ff3 5b365f5f37 365ffd");
/// `NUMBER`, `TIMESTAMP`, `BASEFEE`, and the hash of the block before.
const BLOCK: Bytes = bytes!("435f52426020524860405260014303406060526080 5ff3");

fn word(value: u64) -> String {
    B256::from(U256::from(value)).to_string()
}

#[tokio::test]
async fn a_call_reads_the_overrides() {
    let served = Served::start().await;
    let address = served.address();
    let counter = served.deploy(&COUNTER).await;
    let to = json!({ "to": counter });
    for (accounts, expected) in [
        (json!({}), 1),
        (json!({ counter.to_string(): { "state": { word(0): word(6) } } }), 7),
        (json!({ counter.to_string(): { "stateDiff": { word(0): word(8) } } }), 9),
        (json!({ counter.to_string(): { "state": { word(1): word(6) } } }), 1),
        (json!({ counter.to_string(): { "code": "0x602a5f5260205ff3" } }), 42),
    ] {
        let answer = http::call(address, "eth_call", json!([to, "latest", accounts])).await;
        assert_eq!(answer["result"], word(expected), "{accounts}");
    }
    let probe = json!([{ "data": BLOCK }, "latest", null, { "number": "0x4d", "time": "0x58" }]);
    let answer = http::call(address, "eth_call", probe).await;
    assert!(answer["result"].as_str().unwrap().starts_with(&word(77)), "{answer}");
    // A sender without a balance gets one by an override.
    let lent = json!({ RECEIVER.to_string(): { "balance": "0x1" } });
    let paying = json!({ "from": RECEIVER, "to": Address::ZERO, "value": "0x1" });
    let estimate = http::call(address, "eth_estimateGas", json!([paying, "latest", lent])).await;
    assert_eq!(estimate["result"], "0x5208", "{estimate}");
    http::fail(address, "eth_estimateGas", json!([paying]), -32_000).await;
}

#[tokio::test]
async fn an_access_list_is_made() {
    let served = Served::start().await;
    let counter = served.deploy(&COUNTER).await;
    let asked = json!([{ "from": key(1).address(), "to": counter }, "latest"]);
    let answer = http::call(served.address(), "eth_createAccessList", asked).await;
    let slots = json!([{ "address": counter, "storageKeys": [word(0)] }]);
    let named = answer["result"]["accessList"].to_string().to_lowercase();
    assert_eq!(named, slots.to_string().to_lowercase());
    assert!(answer["result"].get("error").is_none(), "{answer}");
    let failing = json!([{ "to": counter, "data": "0xdeadbeef" }]);
    let answer = http::call(served.address(), "eth_createAccessList", failing).await;
    assert_eq!(answer["result"]["error"], "execution reverted: custom error 0xdeadbeef");
}

/// Simulates `blocks` with the other parameters.
async fn simulate(served: &Served, blocks: Value, also: Value) -> Value {
    let mut payload = json!({ "blockStateCalls": blocks });
    for (name, value) in also.as_object().unwrap() {
        payload[name] = value.clone();
    }
    http::call(served.address(), "eth_simulateV1", json!([payload, "latest"])).await
}

#[tokio::test]
async fn blocks_are_simulated_on_top_of_each_other() {
    let served = Served::start().await;
    let counter = served.deploy(&COUNTER).await;
    let call = json!({ "from": key(1).address(), "to": counter });
    let reverting = json!({ "to": counter, "data": "0xc0ffee" });
    let blocks = json!([
        { "calls": [call, reverting, call] },
        { "blockOverrides": { "number": "0x5", "time": "0x77777777" }, "calls": [{ "data": BLOCK }] },
        { "stateOverrides": { counter.to_string(): { "stateDiff": { word(0): word(40) } } }, "calls": [call] },
    ]);
    let answer = simulate(&served, blocks, json!({})).await;
    let blocks = answer["result"].as_array().unwrap_or_else(|| panic!("{answer}"));
    // The gap between the first and the second is filled.
    let numbers: Vec<_> = blocks.iter().map(|block| block["number"].as_str().unwrap()).collect();
    assert_eq!(numbers, ["0x2", "0x3", "0x4", "0x5", "0x6"]);
    for pair in blocks.windows(2) {
        assert_eq!(pair[1]["parentHash"], pair[0]["hash"]);
        assert!(pair[0]["timestamp"].as_str() < pair[1]["timestamp"].as_str());
    }
    assert_eq!(blocks[0]["parentHash"], json!(served.node.head().hash()));
    let calls = blocks[0]["calls"].as_array().unwrap();
    assert_eq!(calls[0]["returnData"], word(1));
    assert_eq!(calls[0]["status"], "0x1");
    assert_eq!(calls[1]["status"], "0x0");
    assert_eq!(
        (&calls[1]["error"]["code"], &calls[1]["error"]["data"]),
        (&json!(3), &json!("0xc0ffee"))
    );
    assert_eq!(calls[2]["returnData"], word(2));
    let log = &calls[2]["logs"][0];
    assert_eq!((&log["logIndex"], &log["transactionIndex"]), (&json!("0x1"), &json!("0x2")));
    assert_eq!(log["blockHash"], blocks[0]["hash"]);
    assert_eq!(log["transactionHash"], blocks[0]["transactions"][2]);
    let seen = blocks[3]["calls"][0]["returnData"].as_str().unwrap();
    assert_eq!(seen[2..66], word(5)[2..]);
    assert_eq!(seen[66..130], word(0x7777_7777)[2..]);
    assert_eq!(
        seen[194..],
        blocks[2]["hash"].as_str().unwrap()[2..],
        "BLOCKHASH of a simulated block"
    );
    assert_eq!(blocks[4]["calls"][0]["returnData"], word(41));
    let now = http::call(served.address(), "eth_call", json!([call])).await;
    assert_eq!(now["result"], word(1), "nothing of it stays");
}

#[tokio::test]
async fn transfers_appear_among_the_logs_when_asked_for() {
    let served = Served::start().await;
    let counter = served.deploy(&COUNTER).await;
    let from = key(1).address();
    let blocks = json!([{ "calls": [
        { "from": from, "to": counter, "value": "0x7" },
        { "from": from, "to": counter, "value": "0x7", "data": "0x01" },
    ] }]);
    let answer = simulate(&served, blocks.clone(), json!({ "traceTransfers": true })).await;
    let calls = &answer["result"][0]["calls"];
    let logs = calls[0]["logs"].as_array().unwrap();
    assert_eq!(logs.len(), 2);
    assert_eq!(logs[0]["address"], "0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
    assert_eq!(logs[0]["topics"][1], json!(from.into_word()));
    assert_eq!(logs[0]["data"], word(7));
    assert_eq!(calls[1]["logs"], json!([]), "undone with the call");
    // Forwards one unit of its value to a call that reverts.
    let code = format!("0x5f5f60035f600173{}5af15000", alloy_primitives::hex::encode(counter));
    let inner = json!([{
        "stateOverrides": { RECEIVER.to_string(): { "code": code } },
        "calls": [{ "from": from, "to": RECEIVER, "value": "0x7" }],
    }]);
    let answer = simulate(&served, inner, json!({ "traceTransfers": true })).await;
    let logs = answer["result"][0]["calls"][0]["logs"].as_array().unwrap();
    assert_eq!(logs.len(), 1, "undone with the inner call: {answer}");
    assert_eq!(logs[0]["data"], word(7));
    let plain = simulate(&served, blocks, json!({ "returnFullTransactions": true })).await;
    assert_eq!(plain["result"][0]["calls"][0]["logs"].as_array().unwrap().len(), 1);
    let transaction = &plain["result"][0]["transactions"][1];
    assert_eq!((&transaction["input"], &transaction["nonce"]), (&json!("0x01"), &json!("0x2")));
}

#[tokio::test]
async fn an_invalid_simulation_gives_the_reason() {
    let served = Served::start().await;
    let from = key(1).address();
    let plain = |extra: Value| {
        let mut call = json!({ "from": from, "to": RECEIVER });
        for (name, value) in extra.as_object().unwrap() {
            call[name] = value.clone();
        }
        json!([{ "calls": [call] }])
    };
    let checked = json!({ "validation": true });
    let fee = json!({ "maxFeePerGas": "0xffff", "gas": "0x5208" });
    let with = |extra: Value| {
        let mut call = fee.clone();
        for (name, value) in extra.as_object().unwrap() {
            call[name] = value.clone();
        }
        plain(call)
    };
    let two = |first: Value, second: Value| json!([{ "blockOverrides": first }, { "blockOverrides": second }]);
    for (blocks, also, code) in [
        (with(json!({ "nonce": "0x9" })), &checked, -38_011),
        (with(json!({ "maxFeePerGas": "0x1" })), &checked, -38_012),
        (with(json!({ "gas": "0x5207" })), &checked, -38_013),
        (with(json!({ "from": RECEIVER })), &checked, -38_014),
        (plain(json!({ "value": "0xffffffffffffffffffffffffff" })), &json!({}), -38_014),
        (plain(json!({ "gas": "0x3b9aca00" })), &json!({}), -38_015),
        (two(json!({ "number": "0x9" }), json!({ "number": "0x9" })), &json!({}), -38_020),
        (two(json!({ "time": "0x777777" }), json!({ "time": "0x777777" })), &json!({}), -38_021),
        (two(json!({}), json!({ "number": "0x102" })), &json!({}), -38_026),
        (two(json!({}), json!({ "number": "0xffffffffffffffff" })), &json!({}), -38_026),
    ] {
        let answer = simulate(&served, blocks.clone(), also.clone()).await;
        assert_eq!(answer["error"]["code"], code, "{blocks}: {answer}");
    }
    let fine = simulate(&served, with(json!({})), checked).await;
    assert_eq!(fine["result"][0]["calls"][0]["gasUsed"], "0x5208", "{fine}");
    // Endless loops, each with all the gas: their total is limited.
    let endless: Vec<_> = (0..6).map(|_| json!({ "calls": [{ "data": "0x5b5f56" }] })).collect();
    let answer = simulate(&served, json!(endless), json!({})).await;
    assert_eq!(answer["error"]["code"], -38_026, "{answer}");
}

#[tokio::test]
async fn every_field_of_a_call_is_used_or_refused() {
    let served = Served::start().await;
    let address = served.address();
    let call = |extra: Value| {
        let mut call = json!({ "from": key(1).address(), "to": RECEIVER });
        call.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        call
    };
    let fine = json!({ "chainId": "0x1092", "maxFeePerGas": "0x9", "maxPriorityFeePerGas": "0x9" });
    for (extra, code, part) in [
        (json!({ "chainId": "0x1" }), -32_000, "invalid chain id"),
        (
            json!({ "maxFeePerGas": "0x9", "maxPriorityFeePerGas": "0xa" }),
            -32_000,
            "max priority fee per gas higher than max fee per gas",
        ),
        (json!({ "blobVersionedHashes": [word(1)] }), -32_602, "blobs are not supported"),
    ] {
        for method in ["eth_call", "eth_estimateGas", "eth_createAccessList", "debug_traceCall"] {
            http::ask(address, method, json!([call(fine.clone()), "latest"])).await;
            let asked = json!([call(extra.clone()), "latest"]);
            let message = http::fail(address, method, asked, code).await;
            assert!(message.contains(part), "{method}: {message}");
        }
        let answer = simulate(&served, json!([{ "calls": [call(extra)] }]), json!({})).await;
        assert!(answer["error"]["message"].as_str().unwrap().contains(part), "{answer}");
    }
}

#[tokio::test]
async fn a_precompile_keeps_its_code() {
    let served = Served::start().await;
    let sha256 = Address::with_last_byte(2);
    let replaced = json!({ sha256.to_string(): { "code": "0x602a5f5260205ff3" } });
    for method in ["eth_call", "eth_estimateGas"] {
        let asked = json!([{ "to": sha256 }, "latest", replaced]);
        let message = http::fail(served.address(), method, asked, -32_602).await;
        assert!(message.contains("precompile"), "{message}");
    }
    let blocks = json!([{ "stateOverrides": replaced, "calls": [{ "to": sha256 }] }]);
    let answer = simulate(&served, blocks, json!({})).await;
    assert_eq!(answer["error"]["code"], -32_602, "{answer}");
    // What else an account has may be overridden there, too.
    let rich = json!({ sha256.to_string(): { "balance": "0x1" } });
    http::ask(served.address(), "eth_call", json!([{ "to": sha256 }, "latest", rich])).await;
}

#[tokio::test]
async fn an_estimate_without_funds_gives_the_reason() {
    let served = Served::start().await;
    let call = json!({ "from": RECEIVER, "to": Address::ZERO, "maxFeePerGas": "0x3b9aca00" });
    let message = http::fail(served.address(), "eth_estimateGas", json!([call]), -32_000).await;
    assert!(message.starts_with("insufficient funds for transfer"), "{message}");
}

#[tokio::test]
async fn without_the_rules_of_the_next_block_there_is_none() {
    let mut genesis = crate::support::genesis();
    let unknown = Activation { revision: Revision::new(9_999), height: 1 };
    genesis.revisions = Schedule::new(vec![unknown]).unwrap();
    let change = |config| NodeConfig { genesis: Some(genesis), ..config };
    let served = Served::with(change).await;
    let call = json!([{ "from": key(1).address(), "to": RECEIVER }]);
    for (method, params) in
        [("eth_estimateGas", call.clone()), ("eth_getBlockByNumber", json!(["pending", false]))]
    {
        let message = http::fail(served.address(), method, params, -32_010).await;
        assert!(message.contains("revision 9999"), "{method}: {message}");
    }
    // What is there can be read.
    http::ask(served.address(), "eth_call", call).await;
}
