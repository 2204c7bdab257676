//! A transaction and its receipt in one request, and the mempool.

use crate::{
    http,
    support::{FOREVER, RECEIVER, Served, key, sign, transfer},
};
use alloy_consensus::{SignableTransaction, TxEip1559, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Signature, TxKind, U256, hex, keccak256};
use alloy_provider::Provider;
use node::{PoolLimits, Unprotected};
use serde_json::{Value, json};
use std::time::Duration;

fn raw(bytes: &[u8]) -> String {
    hex::encode_prefixed(bytes)
}

#[tokio::test]
async fn a_sender_gets_his_receipt_in_one_request() {
    let served = Served::start().await;
    let bytes = sign(1, transfer(0));
    let receipt = served.provider.send_raw_transaction_sync(&bytes).await.unwrap();
    assert!(receipt.status());
    assert_eq!((receipt.transaction_hash, receipt.block_number), (keccak256(&bytes), Some(1)));
    // With a wait of its own; an invalid wait is replaced by the default.
    for (nonce, wait) in
        [(1, json!(5_000)), (2, json!("0x7d0")), (3, json!(0)), (4, json!(1_u64 << 40))]
    {
        let params = json!([raw(&sign(1, transfer(nonce))), wait]);
        let receipt = http::ask(served.address(), "eth_sendRawTransactionSync", params).await;
        assert_eq!(receipt["status"], "0x1", "{wait}");
    }
    // Refused as by eth_sendRawTransaction.
    let params = json!([raw(&bytes)]);
    let message = http::fail(served.address(), "eth_sendRawTransactionSync", params, -32_000).await;
    assert_eq!(message, "already known");
}

#[tokio::test]
async fn a_wait_without_a_receipt_returns_the_hash() {
    let batching = Duration::from_millis(400);
    let served = Served::with(|config| node::NodeConfig { batching, ..config }).await;
    let ask = |bytes: &[u8], wait: u64| {
        let params = json!([raw(bytes), wait]);
        http::call(served.address(), "eth_sendRawTransactionSync", params)
    };
    let (first, third) = (sign(1, transfer(0)), sign(1, transfer(2)));
    let late = ask(&first, 1).await;
    assert_eq!(late["error"]["code"], 4);
    assert_eq!(late["error"]["data"], json!(keccak256(&first)));
    let unready = ask(&third, 10_000).await;
    assert_eq!(unready["error"]["code"], 5);
    assert_eq!(unready["error"]["data"], json!(keccak256(&third)));
    // Both were accepted: the first is included, the third when the second has arrived.
    served.node.wait_for(keccak256(&first)).await.unwrap();
    assert_eq!(ask(&sign(1, transfer(1)), 10_000).await["result"]["status"], "0x1");
    served.node.wait_for(keccak256(&third)).await.unwrap();
}

#[tokio::test]
async fn the_mempool_is_returned_in_two_parts() {
    let served = Served::with(|config| node::NodeConfig { batching: FOREVER, ..config }).await;
    let ask = |method: &'static str, params: Value| http::ask(served.address(), method, params);
    let nothing = json!({ "pending": {}, "queued": {} });
    assert_eq!(ask("txpool_content", json!([])).await, nothing);
    let creation = TxEip1559 { to: TxKind::Create, gas_limit: 60_000, ..transfer(9) };
    for bytes in
        [sign(1, transfer(0)), sign(1, transfer(1)), sign(2, transfer(3)), sign(2, creation)]
    {
        served.node.submit(&bytes).unwrap();
    }
    let (one, two) = (key(1).address(), key(2).address());
    assert_eq!(ask("txpool_status", json!([])).await, json!({ "pending": "0x2", "queued": "0x2" }));
    let content = ask("txpool_content", json!([])).await;
    let [pending, queued] =
        [&content["pending"], &content["queued"]].map(|part| part.as_object().unwrap());
    let lower = |address: alloy_primitives::Address| format!("{address:#x}");
    assert_eq!(pending.keys().collect::<Vec<_>>(), [&lower(one)]);
    assert_eq!(queued.keys().collect::<Vec<_>>(), [&lower(two)]);
    assert_eq!(pending[&lower(one)]["1"]["hash"], json!(keccak256(sign(1, transfer(1)))));
    assert_eq!(queued[&lower(two)]["3"]["blockHash"], Value::Null);
    let own = ask("txpool_contentFrom", json!([two])).await;
    assert_eq!(own, json!({ "pending": {}, "queued": queued[&lower(two)] }));
    assert_eq!(ask("txpool_contentFrom", json!([RECEIVER])).await, nothing);
    let lines = ask("txpool_inspect", json!([])).await;
    let line = format!("{RECEIVER}: 5 wei + 21000 gas × 1000000 wei");
    assert_eq!(lines["pending"][&lower(one)], json!({ "0": line, "1": line }));
    let line = "contract creation: 5 wei + 60000 gas × 1000000 wei";
    assert_eq!(lines["queued"][&lower(two)]["9"], line);
}

/// As in geth: a transaction that is valid on every chain is accepted only when the node's options allow it.
#[tokio::test]
async fn transactions_without_chain_id_are_accepted_only_when_allowed() {
    let keyless = || {
        let (to, gas_limit, gas_price) = (RECEIVER.into(), 21_000, 10_000);
        let transaction = TxLegacy { to, gas_limit, gas_price, ..TxLegacy::default() };
        let nobody = U256::from_be_bytes([0x22; 32]);
        transaction.into_signed(Signature::new(nobody, nobody, false)).encoded_2718()
    };
    let served = Served::start().await;
    let params = json!([raw(&keyless())]);
    let message =
        http::fail(served.address(), "eth_sendRawTransaction", params.clone(), -32_000).await;
    assert!(message.starts_with("only replay-protected (EIP-155) transactions"), "{message}");
    let pool = PoolLimits { unprotected: Unprotected::Taken, ..PoolLimits::STANDARD };
    let open = Served::with(|config| node::NodeConfig { pool, ..config }).await;
    // The sender follows from the signature: an account that nobody controls, without funds.
    let message = http::fail(open.address(), "eth_sendRawTransaction", params, -32_000).await;
    assert!(message.starts_with("insufficient funds"), "{message}");
    let sender = execution::decode_transaction(&keyless()).unwrap().signer();
    let gift = TxEip1559 { to: sender.into(), value: U256::from(10_u64.pow(12)), ..transfer(0) };
    open.provider.send_raw_transaction_sync(&sign(1, gift)).await.unwrap();
    let receipt = open.provider.send_raw_transaction_sync(&keyless()).await.unwrap();
    assert!(receipt.status() && receipt.from == sender);
}

/// A sender who can't pay for all of his transactions has the first of them ready.
#[tokio::test]
async fn a_transaction_that_can_not_be_paid_after_others_is_refused() {
    let served = Served::with(|config| node::NodeConfig { batching: FOREVER, ..config }).await;
    let half = U256::from(crate::support::START_BALANCE / 2);
    let large = |nonce| sign(1, TxEip1559 { value: half, ..transfer(nonce) });
    served.node.submit(&large(0)).unwrap();
    let params = json!([raw(&large(1))]);
    let message = http::fail(served.address(), "eth_sendRawTransactionSync", params, -32_000).await;
    assert!(message.starts_with("insufficient funds"), "{message}");
    let status = http::ask(served.address(), "txpool_status", json!([])).await;
    assert_eq!(status, json!({ "pending": "0x1", "queued": "0x0" }));
}

/// Blobs make a transaction large, and its size is not the reason for the refusal.
#[tokio::test]
async fn blobs_are_refused_as_blobs() {
    let served = Served::start().await;
    let short = vec![3, 0xc0];
    let long = [&[3][..], &vec![0; 137_555]].concat();
    for bytes in [short, long] {
        for method in ["eth_sendRawTransaction", "eth_sendRawTransactionSync"] {
            let params = json!([alloy_primitives::hex::encode_prefixed(&bytes)]);
            let message = http::fail(served.address(), method, params, -32_000).await;
            assert!(message.contains("blobs are not supported"), "{message}");
        }
    }
}
