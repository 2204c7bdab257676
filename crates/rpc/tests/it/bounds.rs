//! What nobody should send.

use crate::{
    http,
    support::{RECEIVER, Served},
};
use serde_json::{Value, json};

#[tokio::test]
async fn batches_are_answered_in_order_and_bound() {
    let served = Served::start().await;
    let request = |id: u64, method: &str| json!({ "jsonrpc": "2.0", "id": id, "method": method });
    let batch = json!([request(1, "eth_chainId"), request(2, "eth_blockNumber"), request(3, "x")]);
    let answers = http::post(served.address(), &batch.to_string()).await.json();
    assert_eq!(answers[0]["result"], "0x1092");
    assert_eq!((&answers[1]["id"], &answers[1]["result"]), (&json!(2), &json!("0x0")));
    assert_eq!(answers[2]["error"]["code"], -32_601, "one that fails spares the rest");
    let many: Vec<_> = (0..101).map(|id| request(id, "eth_chainId")).collect();
    let answer = http::post(served.address(), &json!(many).to_string()).await.json();
    assert!(answer["error"]["code"].is_i64(), "{answer}");
}

#[tokio::test]
async fn garbage_and_excess_get_an_error_and_the_server_lives() {
    let served = Served::start().await;
    let address = served.address();
    for (body, code) in [
        ("", -32_700),
        ("{", -32_700),
        ("\u{0}\u{1}", -32_700),
        (r#"{"id":1}"#, -32_600),
        ("[]", -32_600),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32_600),
    ] {
        let answer = http::post(address, body).await;
        assert_eq!(answer.json()["error"]["code"], code, "{body:?}: {}", answer.body);
    }
    let nested = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let answer = http::post(address, &nested).await;
    assert!(answer.json().to_string().contains("error"), "{}", answer.body);
    let large = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{}"}}"#, "x".repeat(3 << 20));
    let answer = http::post(address, &large).await;
    assert!(answer.status == 413 || answer.status == 0, "{} {}", answer.status, answer.body);
    let answer = http::call(address, "eth_chainId", json!([])).await;
    assert_eq!(answer["result"], "0x1092");
}

#[tokio::test]
async fn unknown_methods_and_bad_parameters_have_their_codes() {
    let served = Served::start().await;
    let address = served.address();
    for method in ["eth_fillTransaction", "debug_x", ""] {
        http::fail(address, method, json!([]), -32_601).await;
    }
    let overrides = json!({ RECEIVER.to_string(): { "balance": "0x1" } });
    let cases: [(&str, Value); 16] = [
        ("eth_getBalance", json!([])),
        ("eth_getBalance", json!({ "address": RECEIVER })),
        ("eth_getBalance", json!(["0x12"])),
        ("eth_getBalance", json!([RECEIVER, "newest"])),
        ("eth_getBalance", json!([RECEIVER, "latest", 1])),
        ("eth_getBlockByNumber", json!([true])),
        ("eth_getBlockByNumber", json!(["0xfffffffffffffffff", false])),
        ("eth_getBlockByHash", json!(["0x1", false])),
        ("eth_getTransactionReceipt", json!(["latest"])),
        ("eth_sendRawTransaction", json!(["no hex"])),
        ("eth_sendRawTransaction", json!([])),
        ("eth_call", json!([1])),
        ("eth_call", json!([{ "to": RECEIVER }, "latest", overrides])),
        ("eth_feeHistory", json!([-1, "latest"])),
        ("eth_getLogs", json!([{ "fromBlock": "0x5", "toBlock": "0x1" }])),
        ("eth_getStorageAt", json!([RECEIVER])),
    ];
    for (method, params) in cases {
        http::fail(address, method, params, -32_602).await;
    }
    let empty = json!([{ "to": RECEIVER }, "latest", {}, null]);
    let answer = http::call(address, "eth_call", empty).await;
    assert_eq!(answer["result"], "0x", "an empty override overrides nothing");
}

#[tokio::test]
async fn a_search_is_bound_by_what_exists() {
    let served = Served::start().await;
    let address = served.address();
    let all = json!([{ "fromBlock": "0x0", "toBlock": "0xffffffffffffffff" }]);
    assert_eq!(http::call(address, "eth_getLogs", all).await["result"], json!([]));
    let unknown = json!([{ "blockHash": alloy_primitives::B256::repeat_byte(1) }]);
    assert_eq!(http::fail(address, "eth_getLogs", unknown, -32_000).await, "unknown block");
}
