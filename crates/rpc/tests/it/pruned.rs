//! A node whose ledger began with a snapshot.

use crate::{
    http,
    support::{Served, any_port, config},
};
use alloy_provider::Provider;
use node::Node;
use rpc::Options;
use serde_json::json;
use store::Store;

#[tokio::test]
async fn blocks_before_the_snapshot_are_reported_as_pruned() {
    let served = Served::start().await;
    let mut hashes = Vec::new();
    for _ in 0..3 {
        let request = alloy_rpc_types_eth::TransactionRequest::default()
            .to(crate::support::RECEIVER)
            .value(alloy_primitives::U256::from(1));
        let hash = *served.provider.send_transaction(request).await.unwrap().tx_hash();
        hashes.push(crate::support::wait(&served.node, &served.provider, hash).await);
    }
    let old = served.node.clone();
    served.handle.stop().await;
    old.shutdown();
    drop((old, served.node));
    let mut bytes = Vec::new();
    let store = Store::open(served.directory.path()).unwrap();
    store.export().unwrap().write(&mut bytes, &mut |_| ()).unwrap();
    let path = served.directory.path().join("new");
    store::import(&path, &bytes[..], None, &mut |_| ()).unwrap();

    let node = Node::open(config(&path)).unwrap();
    let handle = rpc::serve(node.clone(), any_port(), Options::STANDARD).await.unwrap();
    let address = handle.local_addr();
    let call =
        async |method: &str, params| http::call(address, method, params).await["result"].clone();
    for (method, params) in [
        ("eth_getBlockByNumber", json!(["0x1", false])),
        ("eth_getBlockByHash", json!([hashes[0].block_hash, false])),
        ("eth_getBlockReceipts", json!(["0x2"])),
        ("eth_getLogs", json!([{ "fromBlock": "0x0" }])),
        ("eth_getLogs", json!([{ "fromBlock": "0x1", "toBlock": "0x2" }])),
        ("eth_feeHistory", json!([1, "0x2", [50.0]])),
    ] {
        let message = http::fail(address, method, params, 4_444).await;
        assert!(message.contains("blocks from 3 on are kept"), "{method}: {message}");
    }
    let message = http::fail(address, "eth_call", json!([{}, "0x1"]), -32_000).await;
    assert!(message.starts_with("missing state of block 1"), "{message}");
    // Kept blocks are answered as before.
    let head = call("eth_getBlockByNumber", json!(["latest", true])).await;
    assert_eq!(head["hash"], json!(hashes[2].block_hash));
    assert_eq!(head["transactions"][0]["hash"], json!(hashes[2].transaction_hash));
    let receipt = call("eth_getTransactionReceipt", json!([hashes[2].transaction_hash])).await;
    assert_eq!(receipt["status"], "0x1");
    assert!(call("eth_getTransactionByHash", json!([hashes[0].transaction_hash])).await.is_null());
    assert_eq!(call("eth_getBlockByNumber", json!(["earliest", false])).await["number"], "0x0");
    assert_eq!(call("eth_getLogs", json!([{ "fromBlock": "0x3" }])).await, json!([]));
    let fees = call("eth_feeHistory", json!(["0xa", "latest", [50.0]])).await;
    assert_eq!(
        (&fees["oldestBlock"], fees["reward"].as_array().unwrap().len()),
        (&json!("0x3"), 1)
    );
}
