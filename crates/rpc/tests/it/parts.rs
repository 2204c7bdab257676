//! Parts of blocks, one by one, and what every client may ask of any node.

use crate::{
    http,
    support::{Served, sign, transfer, wait},
};
use alloy_primitives::{B256, hex, keccak256};
use serde_json::{Value, json};

/// A block with two transactions, then what is asked of it by number and by hash.
#[tokio::test]
async fn parts_of_a_block_are_read_by_number_and_by_hash() {
    let served = Served::with(|config| node::NodeConfig {
        batching: std::time::Duration::from_millis(200),
        ..config
    })
    .await;
    let signed = [sign(1, transfer(0)), sign(1, transfer(1))];
    let hashes = signed.each_ref().map(|bytes| served.node.submit(bytes).unwrap());
    let receipt = wait(&served.node, &served.provider, hashes[1]).await;
    assert_eq!((receipt.block_number, receipt.transaction_index), (Some(1), Some(1)));
    let block = receipt.block_hash.unwrap();
    let (number, latest) = (("Number", json!("0x1")), ("Number", json!("latest")));
    for (by, block) in [number, latest, ("Hash", json!(block))] {
        let ask = async |before: &str, after: &str, rest: Value| {
            let method = format!("{before}{by}{after}");
            let params =
                [std::slice::from_ref(&block), rest.as_array().unwrap().as_slice()].concat();
            http::ask(served.address(), &method, params.into()).await
        };
        assert_eq!(ask("eth_getBlockTransactionCountBy", "", json!([])).await, "0x2");
        assert_eq!(ask("eth_getUncleCountByBlock", "", json!([])).await, "0x0");
        assert_eq!(ask("eth_getUncleByBlock", "AndIndex", json!(["0x0"])).await, Value::Null);
        let header = ask("eth_getHeaderBy", "", json!([])).await;
        let whole = ask("eth_getBlockBy", "", json!([])).await;
        for (name, value) in header.as_object().unwrap() {
            assert_eq!(*value, whole[name], "{name}");
        }
        assert_eq!(whole["transactions"].as_array().unwrap().len(), 2);
        assert_eq!(header.get("transactions"), None);
        for (index, (hash, bytes)) in hashes.iter().zip(&signed).enumerate() {
            let index = json!([format!("{index:#x}")]);
            let found = ask("eth_getTransactionByBlock", "AndIndex", index.clone()).await;
            assert_eq!(found["hash"], json!(hash));
            assert_eq!(found["blockHash"], whole["hash"]);
            let raw = ask("eth_getRawTransactionByBlock", "AndIndex", index).await;
            assert_eq!(raw, hex::encode_prefixed(bytes));
        }
        for method in ["eth_getTransactionByBlock", "eth_getRawTransactionByBlock"] {
            assert_eq!(ask(method, "AndIndex", json!(["0x2"])).await, Value::Null, "{method}");
        }
    }
    let params = json!([hashes[0]]);
    let raw = http::ask(served.address(), "eth_getRawTransactionByHash", params).await;
    assert_eq!(raw, hex::encode_prefixed(&signed[0]));
}

/// What is not there is `null`, as elsewhere; a missing parameter is an error.
#[tokio::test]
async fn unknown_blocks_have_no_parts() {
    let served = Served::start().await;
    for (method, rest) in [
        ("eth_getBlockTransactionCountBy", json!([])),
        ("eth_getUncleCountByBlock", json!([])),
        ("eth_getHeaderBy", json!([])),
        ("eth_getTransactionByBlock", json!(["0x0"])),
        ("eth_getRawTransactionByBlock", json!(["0x0"])),
        ("eth_getUncleByBlock", json!(["0x0"])),
    ] {
        for (by, block) in [("Number", json!("0x9")), ("Hash", json!(B256::repeat_byte(9)))] {
            let after = if rest == json!([]) { "" } else { "AndIndex" };
            let method = format!("{method}{by}{after}");
            let params = [&[block], rest.as_array().unwrap().as_slice()].concat();
            let found = http::ask(served.address(), &method, params.into()).await;
            assert_eq!(found, Value::Null, "{method}");
            http::fail(served.address(), &method, json!([]), -32_602).await;
        }
    }
    let unknown = json!([B256::repeat_byte(1)]);
    let found = http::ask(served.address(), "eth_getRawTransactionByHash", unknown).await;
    assert_eq!(found, Value::Null);
}

#[tokio::test]
async fn small_methods_are_answered() {
    let served = Served::start().await;
    let ask = |method: &'static str, params: Value| http::ask(served.address(), method, params);
    assert_eq!(ask("net_peerCount", json!([])).await, "0x0");
    assert_eq!(ask("eth_blobBaseFee", json!([])).await, "0x1");
    let hash = keccak256(b"gleaner");
    let text = hex::encode_prefixed(b"gleaner");
    assert_eq!(ask("web3_sha3", json!([text])).await, json!(hash));
}
