//! `debug_trace…`, over JSON-RPC.

use crate::{
    http,
    support::{Served, key, sign, transfer, wait},
};
use alloy_consensus::TxEip1559;
use alloy_primitives::{B256, Bytes, U256, bytes};
use alloy_provider::Provider;
use alloy_rpc_types_eth::TransactionRequest;
use serde_json::json;

/// Without calldata: adds one to slot 0, logs topic 0x2a, returns the count. With calldata: reverts with it.
const COUNTER: Bytes =
    bytes!("366018576001 5f54015f55 602a5f5fa1 5f545f5260205ff3 5b365f5f37 365ffd");

#[tokio::test]
async fn a_call_is_traced() {
    let served = Served::start().await;
    let counter = served.deploy(&COUNTER).await;
    let (address, from) = (served.address(), key(1).address());
    let call = json!({ "from": from, "to": counter, "gas": "0x20000" });
    let calls = json!({ "tracer": "callTracer", "tracerConfig": { "withLog": true } });
    let answer = http::call(address, "debug_traceCall", json!([call, "latest", calls])).await;
    let frame = &answer["result"];
    assert_eq!((&frame["type"], &frame["gas"]), (&json!("CALL"), &json!("0x20000")), "{answer}");
    assert_eq!(frame["to"], format!("{counter:#x}"));
    assert_eq!((&frame["value"], &frame["input"]), (&json!("0x0"), &json!("0x")));
    assert_eq!(frame["logs"][0]["position"], "0x0");
    assert!(frame.get("error").is_none() && frame.get("calls").is_none());
    let failing = json!({ "to": counter, "data": "0xc0ffee" });
    let answer = http::call(address, "debug_traceCall", json!([failing, "latest", calls])).await;
    assert_eq!(answer["result"]["error"], "execution reverted");
    assert_eq!(answer["result"]["output"], "0xc0ffee");
    let steps = http::call(address, "debug_traceCall", json!([call, "latest"])).await;
    let result = &steps["result"];
    assert_eq!(
        (&result["failed"], &result["structLogs"][0]["op"]),
        (&json!(false), &json!("CALLDATASIZE"))
    );
    assert_eq!(result["structLogs"][1]["stack"], json!(["0x0"]));
    let lent = json!({ "tracer": "prestateTracer",
        "stateOverrides": { counter.to_string(): { "balance": "0x9" } } });
    let answer = http::call(address, "debug_traceCall", json!([call, "latest", lent])).await;
    assert_eq!(answer["result"][format!("{counter:#x}")]["balance"], "0x9", "{answer}");
    let unknown = json!([call, "latest", { "tracer": "4byteTracer" }]);
    http::fail(address, "debug_traceCall", unknown, -32_602).await;
}

#[tokio::test]
async fn a_transaction_is_traced_also_in_a_past_block() {
    let served = Served::start().await;
    let counter = served.deploy(&COUNTER).await;
    let (address, from) = (served.address(), key(1).address());
    let mut hashes = Vec::new();
    for _ in 0..2 {
        let request = TransactionRequest::default().to(counter).from(from);
        let pending = served.provider.send_transaction(request).await.unwrap();
        let receipt = wait(&served.node, &served.provider, *pending.tx_hash()).await;
        hashes.push((*pending.tx_hash(), receipt.gas_used));
    }
    let calls = json!({ "tracer": "callTracer" });
    let (hash, gas) = hashes[1];
    let answer = http::call(address, "debug_traceTransaction", json!([hash, calls])).await;
    assert_eq!(answer["result"]["gasUsed"], format!("{gas:#x}"), "{answer}");
    assert_eq!(answer["result"]["output"].as_str().unwrap().chars().last(), Some('2'));
    let diff = json!({ "tracer": "prestateTracer", "tracerConfig": { "diffMode": true } });
    let answer = http::call(address, "debug_traceTransaction", json!([hash, diff])).await;
    let post = &answer["result"]["post"][format!("{counter:#x}")];
    assert_eq!(post["storage"][B256::ZERO.to_string()].as_str().unwrap().chars().last(), Some('2'));
    let older = json!([hashes[0].0, calls]);
    let answer = http::call(address, "debug_traceTransaction", older).await;
    assert_eq!(answer["result"]["gasUsed"], format!("{:#x}", hashes[0].1), "{answer}");
    assert_eq!(answer["result"]["output"].as_str().unwrap().chars().last(), Some('1'));
    let unknown = json!([B256::repeat_byte(1), calls]);
    let message = http::fail(address, "debug_traceTransaction", unknown, -32_000).await;
    assert!(message.ends_with("not found"), "{message}");
}

#[tokio::test]
async fn a_deep_tree_is_written() {
    let served = Served::start().await;
    // Calls itself until the gas is used up.
    let code = json!({ key(9).address().to_string(): { "code": "0x5f5f5f5f5f305af100" } });
    let options = json!({ "tracer": "callTracer", "stateOverrides": code });
    let asked = json!([{ "to": key(9).address() }, "latest", options]);
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "debug_traceCall", "params": asked });
    let answer = http::post(served.address(), &body.to_string()).await.body;
    assert!(answer.contains("\"error\":\"out of gas\""), "the innermost");
    assert!(answer.matches("\"type\":\"CALL\"").count() > 400, "{}", answer.len());
}

/// Each transaction of a block is traced on the state that those before it left, as if it had been requested alone.
#[tokio::test]
async fn a_block_is_traced_as_its_transactions_are() {
    let batching = std::time::Duration::from_millis(300);
    let served = Served::with(|config| node::NodeConfig { batching, ..config }).await;
    let address = served.address();
    let counter = served.deploy(&COUNTER).await;
    let call = |sender, nonce| {
        let call = TxEip1559 {
            to: counter.into(),
            value: U256::ZERO,
            gas_limit: 90_000,
            ..transfer(nonce)
        };
        sign(sender, call)
    };
    let signed = [call(1, 1), call(1, 2), sign(2, transfer(0)), call(2, 1)];
    let hashes = signed.each_ref().map(|bytes| served.node.submit(bytes).unwrap());
    let receipt = wait(&served.node, &served.provider, hashes[3]).await;
    assert_eq!((receipt.block_number, receipt.transaction_index), (Some(2), Some(3)));
    for options in [
        json!({ "tracer": "callTracer", "tracerConfig": { "withLog": true } }),
        json!({ "tracer": "prestateTracer", "tracerConfig": { "diffMode": true } }),
        json!({}),
    ] {
        let params = json!(["0x2", options]);
        let whole = http::ask(address, "debug_traceBlockByNumber", params).await;
        let params = json!([receipt.block_hash, options]);
        assert_eq!(http::ask(address, "debug_traceBlockByHash", params).await, whole);
        assert_eq!(whole.as_array().unwrap().len(), 4);
        for (answer, hash) in whole.as_array().unwrap().iter().zip(hashes) {
            assert_eq!(answer["txHash"], json!(hash));
            let alone = http::ask(address, "debug_traceTransaction", json!([hash, options])).await;
            assert_eq!(answer["result"], alone);
        }
    }
    let genesis = http::ask(address, "debug_traceBlockByNumber", json!(["earliest"])).await;
    assert_eq!(genesis, json!([]));
    let message = http::fail(address, "debug_traceBlockByNumber", json!(["0x9"]), -32_000).await;
    assert_eq!(message, "block not found");
}
