//! JSON-RPC without sockets and threads, as in a simulation: the test decides when a block is made.

use crate::{
    statements::{link, solo},
    support::{config, sign, transfer},
};
use abi::DEVICES;
use node::{Node, NodeConfig, Production};
use rpc::{Blocking, LocalServer, Options};
use serde_json::{Value, json};
use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
    pin::pin,
    task::{Context, Poll, Waker},
};

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7));

fn stepped(directory: &Path) -> (Node, LocalServer) {
    // A ledger that exists has its genesis in its directory.
    let genesis = solo(config(directory)).genesis.filter(|_| !directory.join("node.key").exists());
    let config = NodeConfig { production: Production::Steps, genesis, ..solo(config(directory)) };
    let node = Node::open(config).unwrap();
    let options = Options { blocking: Blocking::Caller, ..Options::STANDARD };
    (node.clone(), LocalServer::new(node, &options))
}

fn message(method: &str, params: &Value) -> Vec<u8> {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string().into()
}

fn read(answer: Option<String>) -> Value {
    let answer: Value = serde_json::from_str(&answer.unwrap()).unwrap();
    answer["result"].clone()
}

async fn ask(server: &LocalServer, method: &str, params: Value) -> Value {
    read(server.answer(&message(method, &params), CLIENT).await)
}

#[tokio::test]
async fn a_block_is_made_by_a_step() {
    let directory = tempfile::tempdir().unwrap();
    let (node, server) = stepped(directory.path());
    assert!(!node.step(), "nothing waits");
    let raw = alloy_primitives::hex::encode_prefixed(sign(1, transfer(0)));
    let hash = ask(&server, "eth_sendRawTransaction", json!([raw])).await;
    let receipt = || ask(&server, "eth_getTransactionReceipt", json!([hash]));
    assert_eq!(receipt().await, Value::Null);
    assert!(node.step());
    assert_eq!(receipt().await["blockNumber"], "0x1");
    assert!(!node.step());
}

#[tokio::test]
async fn a_statement_is_sent_and_in_a_block_after_a_step() {
    let directory = tempfile::tempdir().unwrap();
    let (node, server) = stepped(directory.path());
    let message = message("gleaner_submitStatement", &json!([DEVICES, link(7)]));
    let mut answer = pin!(server.answer(&message, CLIENT));
    let mut context = Context::from_waker(Waker::noop());
    assert!(answer.as_mut().poll(&mut context).is_pending(), "it waits for its transaction");
    assert!(node.step());
    let Poll::Ready(answer) = answer.as_mut().poll(&mut context) else { panic!("no answer") };
    let receipt = ask(&server, "eth_getTransactionReceipt", json!([read(answer)])).await;
    assert_eq!(receipt["status"], "0x1");
}

#[tokio::test]
async fn a_ledger_made_by_steps_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let raw = |nonce| alloy_primitives::hex::encode_prefixed(sign(1, transfer(nonce)));
    let (node, server) = stepped(directory.path());
    ask(&server, "eth_sendRawTransaction", json!([raw(0)])).await;
    node.step();
    ask(&server, "eth_sendRawTransaction", json!([raw(1)])).await;
    let (root, count) = (node.head().state_root, node.waiting_count());
    // As after a crash: what was acknowledged is kept.
    drop((node, server));
    let (node, _server) = stepped(directory.path());
    assert_eq!((node.head().number, node.head().state_root), (1, root));
    assert_eq!((node.waiting_count(), count), (1, 1));
    assert!(node.step());
    assert_eq!(node.head().number, 2);
}
