//! Invalid and excessive requests.

use crate::{
    http,
    support::{FOREVER, RECEIVER, Served, any_port, sign, transfer},
    websocket::Socket,
};
use rpc::{Handle, Options};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::test]
async fn batches_are_answered_in_order_and_bound() {
    let served = Served::start().await;
    let request = |id: u64, method: &str| json!({ "jsonrpc": "2.0", "id": id, "method": method });
    let batch = json!([request(1, "eth_chainId"), request(2, "eth_blockNumber"), request(3, "x")]);
    let answers = http::post(served.address(), &batch.to_string()).await.json();
    assert_eq!(answers[0]["result"], "0x1092");
    assert_eq!((&answers[1]["id"], &answers[1]["result"]), (&json!(2), &json!("0x0")));
    assert_eq!(answers[2]["error"]["code"], -32_601, "one that fails spares the rest");
    let many = |count| json!((0..count).map(|id| request(id, "eth_chainId")).collect::<Vec<_>>());
    let answers = http::post(served.address(), &many(1_000).to_string()).await.json();
    assert_eq!((&answers[999]["id"], &answers[999]["result"]), (&json!(999), &json!("0x1092")));
    let answer = http::post(served.address(), &many(1_001).to_string()).await.json();
    assert_eq!(answer["error"]["code"], -32_600, "{answer}");
    let (_served, handle) = serve(|options| Options { batch_max: 2, ..options }).await;
    let answer = http::post(handle.local_addr(), &many(3).to_string()).await.json();
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("more than 2 requests"), "{message}");
}

#[tokio::test]
async fn invalid_and_excessive_requests_get_an_error() {
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
    for method in ["engine_x", "debug_x", ""] {
        http::fail(address, method, json!([]), -32_601).await;
    }
    let moved = json!({ RECEIVER.to_string(): { "movePrecompileToAddress": RECEIVER } });
    let double = json!({ RECEIVER.to_string(): { "state": {}, "stateDiff": {} } });
    let cases: [(&str, Value); 21] = [
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
        ("eth_call", json!([{ "to": RECEIVER }, "latest", moved])),
        ("eth_call", json!([{ "to": RECEIVER }, "latest", double])),
        ("eth_call", json!([{ "to": RECEIVER }, "latest", {}, { "blobBaseFee": "0x1" }])),
        ("eth_call", json!([{ "to": RECEIVER }, "latest", {}, {}, 1])),
        ("eth_simulateV1", json!([])),
        ("eth_simulateV1", json!([{ "blockStateCalls": [] }])),
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
async fn subscriptions_over_http_give_an_error() {
    let served = Served::start().await;
    for (method, params) in
        [("eth_subscribe", json!(["newHeads"])), ("eth_unsubscribe", json!(["0x1"]))]
    {
        let message = http::fail(served.address(), method, params, -32_601).await;
        assert!(message.starts_with("notifications not supported"), "{message}");
    }
}

#[tokio::test]
async fn head_is_answered_like_get_without_a_body() {
    let page = |_: &str| rpc::Page { status: 200, location: None, body: "a page".to_owned() };
    let (_served, handle) =
        serve(|options| Options { pages: Some(rpc::Pages::new(page)), ..options }).await;
    let ask = async |method| http::request(handle.local_addr(), method, "", b"").await;
    let (get, head) = (ask("GET").await, ask("HEAD").await);
    assert_eq!((get.status, get.body.as_str()), (200, "a page"));
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let plain = |head: &str| {
        head.lines().filter(|it| !it.starts_with("date")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(plain(&get.head), plain(&head.head));
    let (_served, handle) = serve(|options| options).await;
    let response = http::request(handle.local_addr(), "HEAD", "", b"").await;
    assert_eq!(response.status, 405);
    assert!(response.head.contains("allow: post"), "{}", response.head);
}

#[tokio::test]
async fn a_search_is_limited_to_existing_blocks() {
    let served = Served::start().await;
    let address = served.address();
    let all = json!([{ "fromBlock": "0x0", "toBlock": "0x0" }]);
    assert_eq!(http::call(address, "eth_getLogs", all).await["result"], json!([]));
    for (from, to) in
        [("0x0", "0x5"), ("0x0", "0xffffffffffffffff"), ("0x5", "latest"), ("0x5", "0x6")]
    {
        let params = json!([{ "fromBlock": from, "toBlock": to }]);
        let message = http::fail(address, "eth_getLogs", params, -32_602).await;
        assert!(message.starts_with("block range extends beyond current head block"), "{message}");
    }
    let many: Vec<_> = (0..1_001).map(|index: u64| format!("{index:#042x}")).collect();
    for method in ["eth_getLogs", "eth_newFilter"] {
        let params = json!([{ "address": many }]);
        let message = http::fail(address, method, params, -32_602).await;
        assert!(message.starts_with("exceed max addresses"), "{message}");
    }
    let unknown = json!([{ "blockHash": alloy_primitives::B256::repeat_byte(1) }]);
    assert_eq!(http::fail(address, "eth_getLogs", unknown, -32_000).await, "unknown block");
}

/// Starts a node whose server has small limits.
async fn serve(change: impl FnOnce(Options) -> Options) -> (Served, Handle) {
    let served = Served::start().await;
    let options = change(Options::STANDARD);
    let handle = rpc::serve(served.node.clone(), any_port(), options).await.unwrap();
    (served, handle)
}

async fn all(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset ends the connection, too.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_client_that_sends_slowly_loses_its_connection() {
    let patience = Duration::from_millis(200);
    let (_served, handle) =
        serve(|options| Options { head_patience: patience, request_patience: patience, ..options })
            .await;
    let connect = || async { TcpStream::connect(handle.local_addr()).await.unwrap() };
    // Nothing; part of a head; a complete request and then nothing; a head, byte by byte.
    let silent = connect().await;
    assert_eq!(all(silent).await, "");
    let mut half = connect().await;
    half.write_all(b"POST / HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    all(half).await;
    let mut kept = connect().await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;
    let request = |body: &str, size: usize| {
        format!(
            "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n{body}"
        )
    };
    kept.write_all(request(body, body.len()).as_bytes()).await.unwrap();
    assert!(all(kept).await.contains("0x1092"));
    let mut dripping = connect().await;
    let dripped = tokio::spawn(async move {
        for _ in 0.. {
            if dripping.write_all(b"x").await.is_err() {
                return;
            }
            tokio::time::sleep(patience / 20).await;
        }
    });
    dripped.await.unwrap();
    // A request whose body never ends is answered.
    let mut endless = connect().await;
    endless.write_all(request("{", 1_000).as_bytes()).await.unwrap();
    assert!(all(endless).await.starts_with("HTTP/1.1 408"));
    assert_eq!(http::call(handle.local_addr(), "eth_chainId", json!([])).await["result"], "0x1092");
}

#[tokio::test]
async fn a_connection_above_the_limit_gets_an_error() {
    let (_served, handle) = serve(|options| Options { connections_max: 3, ..options }).await;
    let address = handle.local_addr();
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(TcpStream::connect(address).await.unwrap());
    }
    // The three are accepted in the order in which they connected, so this connection comes after them.
    let refused = all(TcpStream::connect(address).await.unwrap()).await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    held.pop();
    while http::post(address, r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#).await.status
        != 200
    {
        tokio::task::yield_now().await;
    }
}

/// Connects from an address of this machine.
async fn connect_from(ip: [u8; 4], to: std::net::SocketAddr) -> TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind((ip, 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

#[tokio::test]
async fn a_client_above_its_share_leaves_room_for_the_others() {
    let (_served, handle) =
        serve(|options| Options { connections_max: 5, connections_per_client_max: 3, ..options })
            .await;
    let address = handle.local_addr();
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(connect_from([127, 0, 0, 2], address).await);
    }
    let refused = all(connect_from([127, 0, 0, 2], address).await).await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    // Another client is answered, as often as it likes.
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;
    for _ in 0..10 {
        assert_eq!(http::post(address, body).await.status, 200);
    }
    held.push(connect_from([127, 0, 0, 3], address).await);
    held.push(connect_from([127, 0, 0, 3], address).await);
    let full = all(connect_from([127, 0, 0, 4], address).await).await;
    assert!(full.starts_with("HTTP/1.1 503"), "five are open: {full}");
    drop(held.drain(..3));
    while http::post(address, body).await.status != 200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_websocket_request_that_takes_too_long_is_answered() {
    let patience = Duration::from_millis(200);
    let served = Served::with(|config| node::NodeConfig { batching: FOREVER, ..config }).await;
    let options = Options { request_patience: patience, ..Options::STANDARD };
    let handle = rpc::serve(served.node.clone(), any_port(), options).await.unwrap();
    let mut socket = Socket::connect(handle.local_addr()).await;
    let raw = alloy_primitives::Bytes::from(sign(1, transfer(0)));
    let answer = socket.call("eth_sendRawTransactionSync", json!([raw, 20_000])).await;
    assert_eq!(answer["error"]["code"], -32_002, "{answer}");
    assert_eq!(socket.call("eth_chainId", json!([])).await["result"], "0x1092");
}

/// Sends mutations of valid requests; `GLEANER_TEST_REQUESTS` sets their number.
#[tokio::test]
async fn malformed_requests_leave_the_server_serving() {
    let served = Served::start().await;
    let address = served.address();
    let parts = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\u0000",
        "\"jsonrpc\":\"2.0\"",
        "\"id\":1",
        "\"method\":\"eth_call\"",
        "\"method\":\"eth_getLogs\"",
        "\"method\":\"eth_sendRawTransaction\"",
        "\"method\":\"eth_feeHistory\"",
        "\"method\":\"eth_getStorageAt\"",
        "\"params\":[",
        "{\"to\":\"0x6c00000000000000000000000000000000000002\"}",
        "\"latest\"",
        "\"0x\"",
        "\"0xffffffffffffffffffffffffffffffff\"",
        "null",
        "-1",
        "1e999",
        "true",
        "{\"fromBlock\":\"0x0\"}",
        "\"0x02f8\"",
        "\u{1F600}",
    ];
    let methods = [
        "eth_call",
        "eth_getLogs",
        "eth_newFilter",
        "eth_subscribe",
        "eth_estimateGas",
        "eth_getBlockByNumber",
        "eth_getTransactionByBlockNumberAndIndex",
        "eth_sendRawTransactionSync",
        "txpool_contentFrom",
        "debug_traceBlockByNumber",
    ];
    #[expect(clippy::disallowed_methods, reason = "who wants more requests says so")]
    let count = std::env::var("GLEANER_TEST_REQUESTS").ok().and_then(|text| text.parse().ok());
    let mut random = 1_u64;
    let mut below = |bound: usize| {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).unwrap() % bound
    };
    let mut stream = tokio::io::BufReader::new(TcpStream::connect(address).await.unwrap());
    for _ in 0..count.unwrap_or(5_000) {
        let well_formed = below(3) == 0;
        let body: String = (0..below(12)).map(|_| parts[below(parts.len())]).collect();
        let method = methods[below(methods.len())];
        let body = if well_formed {
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":[{}]}}"#,
                body.replace(['{', '}', '[', ']'], "")
            )
        } else {
            body
        };
        let status = http::exchange(&mut stream, address, &body).await;
        assert!(matches!(status, 200 | 400), "{status} for {body}");
    }
    assert_eq!(http::call(address, "eth_chainId", json!([])).await["result"], "0x1092");
}
