//! Ports, and the end of a server.

use crate::{
    http,
    support::{Served, any_port, config},
};
use node::Node;
use rpc::{Options, ServeError, serve};
use serde_json::json;

#[tokio::test]
async fn a_port_in_use_is_named() {
    let served = Served::start().await;
    let directory = tempfile::tempdir().unwrap();
    let other = Node::open(config(directory.path())).unwrap();
    let address = served.address();
    let error = serve(other.clone(), address, Options::STANDARD).await.unwrap_err();
    assert!(matches!(error, ServeError::InUse { address: asked } if asked == address));
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    let elsewhere = serve(other, any_port(), Options::STANDARD).await.unwrap();
    assert_ne!(elsewhere.local_addr(), address);
}

#[tokio::test]
async fn an_address_of_another_machine_is_refused() {
    let served = Served::start().await;
    let address = "192.0.2.1:8545".parse().unwrap();
    let error = serve(served.node.clone(), address, Options::STANDARD).await.unwrap_err();
    assert!(matches!(error, ServeError::Listen { .. }), "{error}");
}

#[tokio::test]
async fn a_stopped_server_releases_port_and_node() {
    let Served { node, handle, directory, provider: _ } = Served::start().await;
    let address = handle.local_addr();
    let answer = http::call(address, "eth_chainId", json!([])).await;
    assert_eq!(answer["result"], "0x1092");
    drop(node);
    handle.stop().await;
    let node = Node::open(config(directory.path())).expect("the directory is free");
    let handle = serve(node, address, Options::STANDARD).await.expect("and the port");
    assert_eq!(handle.local_addr(), address);
}
