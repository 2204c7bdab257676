//! Calls, estimates, logs and fees.

use crate::{
    http,
    support::{RECEIVER, START_BALANCE, Served, key, wait},
};
use alloy_eips::BlockNumberOrTag;
use alloy_primitives::{Address, B256, Bytes, U256, bytes, hex};
use alloy_provider::Provider;
use alloy_rpc_types_eth::{Filter, TransactionRequest};
use node::{Clock, NodeConfig};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Without calldata: adds one to slot 0, logs topic 0x2a, returns the count. With calldata: reverts with it.
const COUNTER: Bytes =
    bytes!("366018576001 5f54015f55 602a5f5fa1 5f545f5260205ff3 5b365f5f37 365ffd");
/// Passes its gas on to itself until little is left: needs more gas than it uses, because each call keeps 1/64.
const RETURNS_GAS: Bytes = bytes!("5a5f5260205ff3");

/// Writes two slots if the time is another than that in slot 0.
const WRITES_LATER: Bytes = bytes!("425f5414600e57425f55600142555b00");

fn to(address: Address) -> TransactionRequest {
    TransactionRequest::default().to(address).from(key(1).address())
}

#[tokio::test]
async fn a_contract_is_deployed_called_and_logs() {
    let served = Served::start().await;
    let (provider, node) = (&served.provider, &served.node);
    let counter = served.deploy(&COUNTER).await;
    assert_eq!(provider.get_code_at(counter).await.unwrap(), COUNTER);
    assert_eq!(provider.get_code_at(RECEIVER).await.unwrap(), Bytes::new());
    for count in 1..=3_u64 {
        let seen = provider.call(to(counter)).await.unwrap();
        assert_eq!(
            U256::from_be_slice(&seen),
            U256::from(count),
            "a call sees, and leaves no trace"
        );
        let pending = provider.send_transaction(to(counter)).await.unwrap();
        let receipt = wait(node, provider, *pending.tx_hash()).await;
        assert!(receipt.status());
        assert_eq!(receipt.logs().len(), 1);
        let stored = provider.get_storage_at(counter, U256::ZERO).await.unwrap();
        assert_eq!(stored, U256::from(count));
    }
    let topic = B256::from(U256::from(0x2a));
    let all = Filter::new().from_block(0).address(counter).event_signature(topic);
    let logs = provider.get_logs(&all).await.unwrap();
    assert_eq!(logs.len(), 3);
    assert_eq!(logs[1].block_number, Some(3));
    assert_eq!((logs[1].log_index, logs[1].transaction_index), (Some(0), Some(0)));
    let block = provider.get_block(3.into()).await.unwrap().unwrap();
    assert_eq!(logs[1].block_timestamp, Some(block.header.timestamp));
    let count = |filter: Filter| async move { provider.get_logs(&filter).await.unwrap().len() };
    assert_eq!(count(all.clone().from_block(3).to_block(3)).await, 1);
    assert_eq!(count(Filter::new().at_block_hash(block.header.hash)).await, 1);
    assert_eq!(count(Filter::new()).await, 1, "the latest block, if none is named");
    assert_eq!(count(all.clone().event_signature(B256::ZERO)).await, 0);
    assert_eq!(count(all.clone().address(RECEIVER)).await, 0);
    let to_come = provider.get_logs(&all.from_block(5)).await.unwrap_err();
    assert_eq!(to_come.as_error_resp().unwrap().code, -32_602, "blocks to come are refused");
}

#[tokio::test]
async fn a_revert_carries_its_data() {
    let served = Served::start().await;
    let counter = served.deploy(&COUNTER).await;
    // Error(string) "no", and data of another form.
    let text = hex!(
        "08c379a0"
        "0000000000000000000000000000000000000000000000000000000000000020"
        "0000000000000000000000000000000000000000000000000000000000000002"
        "6e6f000000000000000000000000000000000000000000000000000000000000"
    );
    for (data, message) in [
        (&text[..], "execution reverted: no"),
        (&[0xde, 0xad, 0xbe, 0xef], "execution reverted: custom error 0xdeadbeef"),
        (&[0xde], "execution reverted"),
    ] {
        let request = to(counter).input(Bytes::copy_from_slice(data).into());
        for error in [
            served.provider.call(request.clone()).await.unwrap_err(),
            served.provider.estimate_gas(request).await.unwrap_err(),
        ] {
            let payload = error.as_error_resp().unwrap();
            assert_eq!((payload.code, payload.message.as_ref()), (3, message));
            assert_eq!(payload.as_revert_data().unwrap().as_ref(), data);
        }
    }
    // An endless loop, with little gas and with all of it.
    let request = json!({ "data": "0x5b5f56", "gas": "0x20000" });
    let message = http::fail(served.address(), "eth_call", json!([request]), -32_000).await;
    assert!(message.starts_with("out of gas"), "{message}");
    let message = http::fail(served.address(), "eth_estimateGas", json!([request]), -32_000).await;
    assert!(message.starts_with("gas required exceeds allowance (131072)"), "{message}");
}

#[tokio::test]
async fn calldata_may_stand_in_input_or_data() {
    let served = Served::start().await;
    let address = served.address();
    let counter = served.deploy(&COUNTER).await;
    let reverted = |request: Value| async move {
        let answer = http::call(address, "eth_call", json!([request, "latest"])).await;
        answer["error"]["data"].as_str().map(str::to_owned)
    };
    for request in [
        json!({ "to": counter, "data": "0xdeadbeef" }),
        json!({ "to": counter, "input": "0xdeadbeef" }),
        json!({ "to": counter, "input": "0xdeadbeef", "data": "0xdeadbeef" }),
    ] {
        assert_eq!(reverted(request).await.as_deref(), Some("0xdeadbeef"));
    }
    let unlike = json!([{ "to": counter, "input": "0xde", "data": "0xad" }]);
    http::fail(address, "eth_call", unlike, -32_602).await;
}

#[tokio::test]
async fn an_estimate_is_enough_and_at_least_the_floor() {
    let served = Served::start().await;
    let (provider, node) = (&served.provider, &served.node);
    assert_eq!(provider.estimate_gas(to(RECEIVER)).await.unwrap(), 21_000);
    // 100 non-zero bytes to an account without code: EIP-7623 requires 21 000 + 40 each.
    let request = to(RECEIVER).input(Bytes::from(vec![1; 100]).into());
    assert_eq!(provider.estimate_gas(request).await.unwrap(), 25_000);
    for code in [COUNTER, RETURNS_GAS] {
        let contract = served.deploy(&code).await;
        let gas = provider.estimate_gas(to(contract)).await.unwrap();
        let request = TransactionRequest { gas: Some(gas), ..to(contract) };
        let pending = provider.send_transaction(request).await.unwrap();
        let receipt = wait(node, provider, *pending.tx_hash()).await;
        assert!(receipt.status(), "{gas} gas are enough");
        assert!(gas <= receipt.gas_used + receipt.gas_used / 8, "and not far more than enough");
    }
    let poor = TransactionRequest { gas_price: Some(1_000), ..to(RECEIVER).from(RECEIVER) };
    let error = provider.estimate_gas(poor.value(U256::from(1))).await.unwrap_err();
    let payload = error.as_error_resp().unwrap();
    assert_eq!(payload.code, -32_000);
    assert!(payload.message.starts_with("insufficient funds"), "{}", payload.message);
}

/// The clock of a node, set by the test.
struct Hand(AtomicU64);

impl Clock for Hand {
    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn an_estimate_is_enough_in_the_next_second_too() {
    let clock = Arc::new(Hand(AtomicU64::new(2_000_000_000)));
    let kept = Arc::clone(&clock);
    let served = Served::with(|config| NodeConfig { clock: kept, ..config }).await;
    let contract = served.deploy(&WRITES_LATER).await;
    let send = async |gas| {
        let request = TransactionRequest { gas: Some(gas), ..to(contract) };
        let pending = served.provider.send_transaction(request).await.unwrap();
        wait(&served.node, &served.provider, *pending.tx_hash()).await
    };
    let estimate = async || served.provider.estimate_gas(to(contract)).await.unwrap();
    // slot 0 names this second
    assert!(send(estimate().await).await.status());
    let gas = estimate().await;
    clock.0.fetch_add(1, Ordering::Relaxed);
    assert!(send(gas).await.status(), "{gas} gas are enough a second later");
}

#[tokio::test]
async fn kept_past_states_are_returned() {
    let served = Served::with(|config| NodeConfig { past_states_max: 2, ..config }).await;
    let counter = served.deploy(&COUNTER).await;
    let (address, from) = (served.address(), key(1).address());
    let head = served.node.head().hash();
    for (method, then) in [
        ("eth_getBalance", json!(format!("{START_BALANCE:#x}"))),
        ("eth_getTransactionCount", json!("0x0")),
        ("eth_getCode", json!("0x")),
    ] {
        for block in [json!("earliest"), json!("0x0"), json!({ "blockNumber": "0x0" })] {
            let answer = http::call(address, method, json!([from, block])).await;
            assert_eq!(answer["result"], then, "{method}");
        }
        let message = http::fail(address, method, json!([counter, "0x7"]), -32_000).await;
        assert_eq!(message, "header not found");
        for block in [json!("0x1"), json!("pending"), json!({ "blockHash": head }), json!(null)] {
            let answer = http::call(address, method, json!([from, block])).await;
            assert!(answer["result"].is_string(), "{answer}");
        }
    }
    for _ in 0..2 {
        let pending = served.provider.send_transaction(to(counter).from(from)).await.unwrap();
        wait(&served.node, &served.provider, *pending.tx_hash()).await;
    }
    // The counter was deployed in block 1 and counts in 2 and 3; a call counts one more.
    for (block, counted) in [
        (json!("0x1"), 1),
        (json!({ "blockHash": head, "requireCanonical": true }), 1),
        (json!("0x2"), 2),
        (json!("finalized"), 3),
    ] {
        let answer = http::call(address, "eth_call", json!([{ "to": counter }, block])).await;
        let word = U256::from(counted).to_be_bytes::<32>();
        assert_eq!(answer["result"], json!(Bytes::from(word)), "{block}");
        let slot = http::call(address, "eth_getStorageAt", json!([counter, "0x0", block])).await;
        assert_eq!(slot["result"], json!(B256::from(U256::from(counted - 1))), "{block}");
    }
    let trace = json!([{ "to": counter }, "0x1", { "tracer": "callTracer" }]);
    assert_eq!(http::call(address, "debug_traceCall", trace).await["result"]["type"], "CALL");
    let message = http::fail(address, "eth_call", json!([{ "to": counter }, "0x0"]), -32_000).await;
    assert_eq!(message, "missing state of block 0: those of blocks 1 to 3 are kept");
}

#[tokio::test]
async fn fees_are_returned_in_every_form() {
    let served = Served::start().await;
    let (provider, address) = (&served.provider, served.address());
    served.deploy(&COUNTER).await;
    served.deploy(&COUNTER).await;
    let history =
        provider.get_fee_history(5, BlockNumberOrTag::Latest, &[0.0, 50.0]).await.unwrap();
    assert_eq!((history.oldest_block, history.base_fee_per_gas.len()), (0, 4));
    assert_eq!(history.base_fee_per_gas[0], 1_000);
    assert_eq!(history.base_fee_per_gas[1], 875, "after an empty block: an eighth less");
    assert_eq!(history.gas_used_ratio.len(), 3);
    assert!(history.gas_used_ratio[1] > 0.0 && history.gas_used_ratio[1] < 0.01);
    let rewards = history.reward.unwrap();
    assert_eq!(rewards[0], [0, 0]);
    assert_eq!(rewards[1], [1, 1]);
    assert_eq!(history.base_fee_per_gas[3], u128::from(served.node.next_base_fee()));
    for count in [json!(2), json!("0x2")] {
        let answer = http::call(address, "eth_feeHistory", json!([count, "latest"])).await;
        assert_eq!(answer["result"]["oldestBlock"], "0x1");
        assert!(answer["result"].get("reward").is_none_or(Value::is_null));
    }
    let none = http::call(address, "eth_feeHistory", json!(["0x0", "latest", []])).await;
    assert_eq!(none["result"]["gasUsedRatio"], json!([]));
    for percentiles in [json!([50, 10]), json!([101]), json!([-1]), json!(vec![1; 101])] {
        let params = json!([1, "latest", percentiles]);
        http::fail(address, "eth_feeHistory", params, -32_602).await;
    }
    let message = http::fail(address, "eth_feeHistory", json!([1, "0x9"]), -32_000).await;
    assert_eq!(message, "request beyond head block: requested 9, head 2");
    assert_eq!(provider.get_max_priority_fee_per_gas().await.unwrap(), 1);
    let price = provider.get_gas_price().await.unwrap();
    assert!(price > served.node.next_base_fee().into());
    let fees = provider.estimate_eip1559_fees().await.unwrap();
    assert!(fees.max_fee_per_gas > served.node.next_base_fee().into());
}
