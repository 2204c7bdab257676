//! Statements of devices that have no account.

use crate::{
    http,
    support::{CHAIN_ID, FOREVER, START_BALANCE, Served},
    websocket::Socket,
};
use abi::{DEVICES, Devices, TRAINING_RUNS, TrainingRuns, statement};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall as _, SolError as _};
use ed25519_dalek::{Signer as _, SigningKey};
use node::{Founding, NodeConfig};
use serde_json::{Value, json};

const METHOD: &str = "gleaner_submitStatement";

pub(crate) fn link(number: u8) -> Bytes {
    let key = SigningKey::from_bytes(&[number; 32]);
    let device: B256 = key.verifying_key().to_bytes().into();
    let (account, nonce) = (Address::repeat_byte(number), 1);
    let text = statement::link(CHAIN_ID, &device.0, &account.into_array(), nonce);
    let signature = key.sign(&text).to_bytes().to_vec().into();
    Devices::linkCall { device, account, nonce, signature }.abi_encode().into()
}

pub(crate) fn solo(config: NodeConfig) -> NodeConfig {
    let relay_funds = U256::from(START_BALANCE);
    NodeConfig { founding: Founding::Solo { relay_funds }, ..config }
}

async fn link_of(served: &Served, number: u8) -> Address {
    let device = SigningKey::from_bytes(&[number; 32]).verifying_key().to_bytes().into();
    let call = Bytes::from(Devices::accountOfCall { device }.abi_encode());
    let params = json!([{ "to": DEVICES, "input": call }, "latest"]);
    let output = http::ask(served.address(), "eth_call", params).await;
    let output: Bytes = serde_json::from_value(output).unwrap();
    Devices::accountOfCall::abi_decode_returns(&output).unwrap().account
}

async fn wait(served: &Served, answer: Value) {
    let hash: B256 = serde_json::from_value(answer).unwrap();
    let inclusion = served.node.wait_for(hash).await.unwrap();
    assert!(inclusion.receipt.status());
}

#[tokio::test]
async fn a_device_needs_one_request_and_no_account() {
    let served = Served::with(solo).await;
    let params = json!([DEVICES, link(7)]);
    let sent = http::ask(served.address(), METHOD, params.clone()).await;
    wait(&served, sent.clone()).await;
    assert_eq!(link_of(&served, 7).await, Address::repeat_byte(7));
    // The rule's sentence for people, its error for programs.
    let mut answer = http::call(served.address(), METHOD, params.clone()).await;
    while answer["result"] == sent {
        // Until the node has seen its block, the same statement is the same transaction.
        answer = http::call(served.address(), METHOD, params.clone()).await;
    }
    assert_eq!(answer["error"]["code"], 3, "{answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("execution reverted: device "), "{message}");
    assert!(message.ends_with("signed an old link: its next nonce is 2"), "{message}");
    let data: Bytes = serde_json::from_value(answer["error"]["data"].clone()).unwrap();
    assert_eq!(Devices::StaleNonce::abi_decode(&data).unwrap().expected, 2);
    // The same over WebSocket.
    let mut socket = Socket::connect(served.address()).await;
    let mut answer = socket.call(METHOD, json!([DEVICES, link(8)])).await;
    wait(&served, answer["result"].take()).await;
    assert_eq!(link_of(&served, 8).await, Address::repeat_byte(8));
}

#[tokio::test]
async fn what_is_no_statement_is_refused() {
    let served = Served::with(solo).await;
    let check = async |params: Value, code, expected: &str| {
        let message = http::fail(served.address(), METHOD, params, code).await;
        assert!(message.contains(expected), "{message}");
    };
    check(json!([]), -32_602, "missing value for required argument 1").await;
    check(json!([DEVICES]), -32_602, "missing value for required argument 2").await;
    check(json!([DEVICES, "0x", 1]), -32_602, "too many arguments").await;
    check(json!([DEVICES, "0x"]), -32_602, "is not relayed").await;
    let cancel = Bytes::from(TrainingRuns::cancelCall { run: 1 }.abi_encode());
    check(json!([TRAINING_RUNS, cancel]), -32_602, "is not relayed").await;
    let long = Bytes::from([link(7).to_vec(), vec![0; 1_024]].concat());
    check(json!([DEVICES, long]), -32_602, "link has at most 1024").await;
    let draw = Bytes::from(TrainingRuns::drawCall { run: 1, round: 0 }.abi_encode());
    check(json!([TRAINING_RUNS, draw]), 3, "execution reverted: run 1 does not exist").await;
    assert_eq!(served.node.head().number, 0);
    let poor = Served::start().await;
    let params = json!([DEVICES, link(7)]);
    let message = http::fail(poor.address(), METHOD, params, -32_000).await;
    assert!(message.starts_with("insufficient funds: the node's relay account"), "{message}");
}

#[tokio::test]
async fn a_client_that_goes_does_not_take_its_statement_along() {
    let batching = std::time::Duration::from_millis(300);
    let served = Served::with(|config| NodeConfig { batching, ..solo(config) }).await;
    // The first is in a transaction, so the second waits for its block.
    let first = http::ask(served.address(), METHOD, json!([DEVICES, link(1)])).await;
    let second = http::call(served.address(), METHOD, json!([DEVICES, link(2)]));
    assert!(tokio::time::timeout(batching / 3, second).await.is_err());
    wait(&served, first).await;
    let again = http::ask(served.address(), METHOD, json!([DEVICES, link(2)])).await;
    wait(&served, again).await;
    assert_eq!(link_of(&served, 2).await, Address::repeat_byte(2));
    assert_eq!(served.node.head().number, 2);
}

#[tokio::test]
async fn a_node_that_stops_answers_who_waits() {
    let served = Served::with(|config| NodeConfig { batching: FOREVER, ..solo(config) }).await;
    http::ask(served.address(), METHOD, json!([DEVICES, link(1)])).await;
    let (address, node) = (served.address(), served.node.clone());
    let waiting = tokio::spawn(async move {
        http::fail(address, METHOD, json!([DEVICES, link(2)]), -32_000).await
    });
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    tokio::task::spawn_blocking(move || node.shutdown()).await.unwrap();
    let message = waiting.await.unwrap();
    assert!(message.starts_with("the node is stopping"), "{message}");
}
