//! The methods that return a part of a block, and those that every node has.

use crate::{
    http,
    support::{Served, sign, transfer, wait},
};
use alloy_primitives::{Address, B256, U64, U256, hex, keccak256};
use alloy_provider::Provider as _;
use serde_json::{Value, json};

/// A block with two transactions, read by number and by hash.
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

/// A missing part is `null`, as in other nodes; a missing parameter is an error.
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

/// The figures follow each block.
#[tokio::test]
async fn who_holds_grain_is_reported() {
    let served = Served::start().await;
    let ask = || http::ask(served.address(), "gleaner_holders", json!([]));
    let before = ask().await;
    let (count, head) = (before["count"].as_u64().unwrap(), served.node.head().number);
    assert_eq!(before["number"], json!(U64::from(head)));
    let hash = served.node.submit(&sign(1, transfer(0))).unwrap();
    served.node.wait_for(hash).await.unwrap();
    let after = ask().await;
    assert_eq!(after["number"], json!(U64::from(head + 1)));
    assert_eq!(after["count"], json!(count + 2), "the receiver, and who gets the tips");
    assert_eq!(after["series"].as_array().unwrap().len(), 2);
    let sum: U256 = serde_json::from_value(after["total"].clone()).unwrap();
    let sum_before: U256 = serde_json::from_value(before["total"].clone()).unwrap();
    assert!(sum < sum_before, "the base fee is burnt");
    let gini: f64 = after["gini"].as_str().unwrap().parse().unwrap();
    assert!(before["gini"].as_str().unwrap().parse::<f64>().unwrap() < gini, "{after}");
}

/// The requests of `cast codehash` and `cast proof`: the account's values, and a proof that no client accepts.
#[tokio::test]
async fn an_account_is_returned_without_a_valid_proof() {
    let served = Served::start().await;
    let code = [0x60, 0x07, 0x5f, 0x55, 0x00];
    let contract = served.deploy(&code).await;
    let request = alloy_rpc_types_eth::TransactionRequest::default().to(contract);
    let pending = served.provider.send_transaction(request).await.unwrap();
    wait(&served.node, &served.provider, *pending.tx_hash()).await;
    let params = json!([contract, ["0x0", B256::with_last_byte(1)], "latest"]);
    let answer = http::ask(served.address(), "eth_getProof", params).await;
    assert_eq!(answer["codeHash"], json!(keccak256(code)));
    assert_eq!((&answer["nonce"], &answer["balance"]), (&json!("0x1"), &json!("0x0")));
    assert_eq!((&answer["accountProof"], &answer["storageHash"]), (&json!([]), &json!(B256::ZERO)));
    assert_eq!(answer["provenBy"], "gleaner_getProof");
    let slots = json!([
        { "key": B256::ZERO, "value": "0x7", "proof": [] },
        { "key": B256::with_last_byte(1), "value": "0x0", "proof": [] },
    ]);
    assert_eq!(answer["storageProof"], slots);
    let typed = served.provider.get_proof(contract, vec![B256::ZERO]).await.unwrap();
    assert_eq!(typed.code_hash, keccak256(code));
    let empty = alloy_primitives::KECCAK256_EMPTY;
    let nobody = served.provider.get_proof(Address::repeat_byte(0xee), Vec::new()).await.unwrap();
    assert_eq!((nobody.code_hash, nobody.balance), (empty, U256::ZERO));
    let many = json!([contract, vec!["0x0"; 1_025]]);
    http::fail(served.address(), "eth_getProof", many, -32_602).await;
}

/// EIP-7910.
#[tokio::test]
async fn the_active_fork_is_reported() {
    let served = Served::start().await;
    let config = http::ask(served.address(), "eth_config", json!([])).await;
    assert_eq!((&config["next"], &config["last"]), (&Value::Null, &Value::Null));
    let current = &config["current"];
    assert_eq!((&current["chainId"], &current["activationTime"]), (&json!("0x1092"), &json!(0)));
    assert_eq!(current["forkId"].as_str().unwrap().len(), 10);
    let precompiles = current["precompiles"].as_object().unwrap();
    assert_eq!(precompiles["P256VERIFY"], "0x0000000000000000000000000000000000000100");
    // Each of them exists: a plain account would use no gas beyond the transaction's own.
    for (name, address) in precompiles {
        let call = json!([{ "to": address, "input": "0x" }]);
        let gas = http::call(served.address(), "eth_estimateGas", call).await;
        let is_plain = gas["result"] == "0x5208";
        assert!(!is_plain, "{name}: {gas}");
    }
}

/// As in geth: missing fields are filled in, and nothing is sent.
#[tokio::test]
async fn a_transaction_is_filled_in_for_its_signer() {
    let served = Served::start().await;
    let sender = crate::support::key(1).address();
    let asked = json!([{ "from": sender, "to": sender, "value": "0x7" }]);
    let filled = http::ask(served.address(), "eth_fillTransaction", asked).await;
    let tx = &filled["tx"];
    assert_eq!(
        (&tx["nonce"], &tx["gas"], &tx["value"]),
        (&json!("0x0"), &json!("0x5208"), &json!("0x7"))
    );
    assert_eq!((&tx["type"], &tx["chainId"]), (&json!("0x2"), &json!("0x1092")));
    assert!(tx["maxFeePerGas"].is_string() && tx["maxPriorityFeePerGas"].is_string(), "{tx}");
    assert!(filled["raw"].as_str().unwrap().starts_with("0x02"));
    let waiting = http::ask(served.address(), "txpool_status", json!([])).await;
    assert_eq!(waiting, json!({ "pending": "0x0", "queued": "0x0" }));
    let other = json!([{ "from": sender, "chainId": "0x1" }]);
    http::fail(served.address(), "eth_fillTransaction", other, -32_602).await;
}
