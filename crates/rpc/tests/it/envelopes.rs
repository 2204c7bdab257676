//! Requests at the limits of JSON-RPC 2.0: each is answered, or is a notification.

use crate::{
    http,
    support::{RECEIVER, Served, sign, transfer},
    websocket::Socket,
};
use alloy_primitives::hex;
use serde_json::{Value, json};

fn with_id(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"eth_chainId"}}"#)
}

/// Texts that are not a request, and the code of the error.
const MALFORMED: [(&str, i64); 8] = [
    (r#"{"jsonrpc":"2.0","id":18446744073709551616,"method":"eth_chainId"}"#, -32_600),
    (r#"{"jsonrpc":"2.0","id":true,"method":"eth_chainId"}"#, -32_600),
    (r#"{"jsonrpc":"2.0","id":{},"method":"eth_chainId"}"#, -32_600),
    (r#"{"jsonrpc":"2.0","id":[],"method":"eth_chainId"}"#, -32_600),
    (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"eth_chainId"}"#, -32_600),
    (r#"{"jsonrpc":"2.0","method":"eth_chainId","method":"eth_accounts"}"#, -32_600),
    (r#"{"jsonrpc":"2.0","method":7}"#, -32_600),
    ("7", -32_600),
];

#[tokio::test]
async fn every_number_and_string_is_an_id() {
    let served = Served::start().await;
    let mut socket = Socket::connect(served.address()).await;
    for id in ["-1", "0.5", "0", "18446744073709551615", "\"\"", "\"a\"", "null"] {
        let expected: Value = serde_json::from_str(id).unwrap();
        let answer = http::post(served.address(), &with_id(id)).await.json();
        assert_eq!((&answer["id"], &answer["result"]), (&expected, &json!("0x1092")));
        socket.send(with_id(id).as_bytes()).await;
        assert_eq!(socket.read().await.unwrap(), answer, "{id} over WebSocket");
    }
}

#[tokio::test]
async fn malformed_requests_are_answered_with_an_error() {
    let served = Served::start().await;
    let mut socket = Socket::connect(served.address()).await;
    for (text, code) in MALFORMED {
        let answer = http::post(served.address(), text).await.json();
        assert_eq!(answer["error"]["code"], code, "{text}: {answer}");
        assert_eq!(answer.get("id"), Some(&Value::Null), "{text}: {answer}");
        socket.send(text.as_bytes()).await;
        assert_eq!(socket.read().await.unwrap(), answer, "{text} over WebSocket");
    }
    let invalid = b"{\"jsonrpc\":\"2.0\",\"id\":\"\xff\",\"method\":\"eth_chainId\"}";
    let answer = http::post_bytes(served.address(), invalid).await.json();
    assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32_700), &Value::Null));
    socket.send(invalid).await;
    assert_eq!(socket.read().await.unwrap(), answer);
}

#[tokio::test]
async fn a_batch_loses_no_entry() {
    let served = Served::start().await;
    let mut texts: Vec<String> = MALFORMED.iter().map(|(text, _)| (*text).to_owned()).collect();
    texts.push(with_id("-1"));
    texts.push(r#"{"jsonrpc":"2.0","method":"eth_chainId"}"#.to_owned());
    let batch = format!("[{}]", texts.join(","));
    let answer = http::post(served.address(), &batch).await.json();
    let answers = answer.as_array().unwrap();
    assert_eq!(answers.len(), MALFORMED.len() + 1, "only the notification is not answered");
    for (answer, (text, code)) in answers.iter().zip(MALFORMED) {
        assert_eq!(
            (&answer["id"], &answer["error"]["code"]),
            (&Value::Null, &json!(code)),
            "{text}"
        );
    }
    assert_eq!(answers.last().unwrap()["result"], "0x1092");
    let mut socket = Socket::connect(served.address()).await;
    socket.send(batch.as_bytes()).await;
    assert_eq!(socket.read().await.unwrap(), answer, "over WebSocket");
}

/// As in geth: a notification is executed and has no answer.
#[tokio::test]
async fn a_notification_is_executed_and_has_an_empty_answer() {
    let served = Served::start().await;
    let bytes = sign(1, transfer(0));
    let params = [hex::encode_prefixed(&bytes)];
    let one = json!({ "jsonrpc": "2.0", "method": "eth_sendRawTransaction", "params": params });
    for text in [one.to_string(), json!([one, one]).to_string()] {
        let answer = http::post(served.address(), &text).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    }
    let hash = alloy_primitives::keccak256(&bytes);
    served.node.wait_for(hash).await.unwrap();
    let balance = http::ask(served.address(), "eth_getBalance", json!([RECEIVER])).await;
    assert_eq!(balance, "0x5");
    // Over WebSocket the first message is the answer to the next request.
    let mut socket = Socket::connect(served.address()).await;
    socket.send(one.to_string().as_bytes()).await;
    socket.send(br#"{"jsonrpc":"2.0","method":"eth_subscribe","params":["newHeads"]}"#).await;
    assert_eq!(socket.call("eth_chainId", json!([])).await["result"], "0x1092");
}

#[tokio::test]
async fn parameter_errors_name_the_fault() {
    let served = Served::start().await;
    for (method, params, expected) in [
        ("eth_getBalance", json!([]), "missing value for required argument 1: an address"),
        ("eth_getBalance", json!(["0x12"]), "invalid argument 1: \"0x12\", give an address (0x"),
        (
            "eth_getBalance",
            json!([RECEIVER, "newest"]),
            "invalid argument 2: \"newest\", give a block",
        ),
        ("eth_getBalance", json!([RECEIVER, 7]), "invalid argument 2: 7, give a block"),
        ("eth_getBalance", json!([RECEIVER, "latest", 1]), "too many arguments: 3, want at most 2"),
        ("eth_getBalance", json!({}), "invalid params: pass them as a list"),
        (
            "eth_call",
            json!([{ "to": "0x12" }]),
            "invalid argument 1: to is \"0x12\", which does not",
        ),
        ("eth_getLogs", json!([{ "topics": [1] }]), "invalid argument 1: topics"),
        ("eth_feeHistory", json!(["x", "latest", []]), "invalid argument 1: \"x\", give a count"),
        ("debug_traceTransaction", json!(["0x1", {}]), "invalid argument 1: \"0x1\", give a hash"),
    ] {
        let message = http::fail(served.address(), method, params, -32_602).await;
        assert!(message.starts_with(expected), "{message}");
        for word in ["expected", "variant", "struct", "enum", "line 1", "serde"] {
            assert!(!message.contains(word), "{word:?} in {message}");
        }
    }
    let long = "x".repeat(1_000);
    let message = http::fail(served.address(), &long, json!([]), -32_601).await;
    assert!(message.contains("does not exist") && message.len() < 200, "{message}");
}

/// The answers to a batch have together at most the bytes of one answer, and each call has its own answer.
#[tokio::test]
async fn a_batch_whose_answers_are_too_large_still_answers_each_call() {
    let served = Served::start().await;
    let options = rpc::Options { response_size_max: 2_000, ..rpc::Options::STANDARD };
    let address = crate::support::any_port();
    let handle = rpc::serve(served.node.clone(), address, options).await.unwrap();
    let call = |id: u64| json!({ "jsonrpc": "2.0", "id": id, "method": "eth_getBlockByNumber", "params": ["0x0", false] });
    let batch = json!((0..4).map(call).collect::<Vec<_>>());
    let answer = http::post(handle.local_addr(), &batch.to_string()).await.json();
    let answers = answer.as_array().unwrap();
    assert_eq!(answers.len(), 4);
    assert_eq!(answers[0]["result"]["number"], "0x0");
    for (id, answer) in answers.iter().enumerate().skip(2) {
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(id), &json!(-32_005)));
    }
    let single = http::call(handle.local_addr(), "txpool_status", json!([])).await;
    assert!(single["error"].is_null(), "{single}");
}
