//! Filters and subscriptions: every event is reported once, in order.

use crate::{
    http,
    support::{RECEIVER, Served, any_port, wait},
    websocket::{self, Socket},
};
use alloy_primitives::{B256, U256};
use alloy_provider::Provider;
use alloy_rpc_types_eth::TransactionRequest;
use rpc::{Options, Origins};
use serde_json::{Value, json};

/// `LOG1` of the first word of calldata as the topic, without data.
const LOGGER: [u8; 7] = [0x5f, 0x35, 0x5f, 0x5f, 0xa1, 0x00, 0x00];

impl Served {
    /// Sends a small amount; returns the hash of the transaction, which is in a block.
    async fn transfer(&self) -> B256 {
        let request = TransactionRequest::default().to(RECEIVER).value(U256::from(1));
        let pending = self.provider.send_transaction(request).await.unwrap();
        let hash = *pending.tx_hash();
        wait(&self.node, &self.provider, hash).await;
        hash
    }

    async fn log(&self, logger: alloy_primitives::Address, topic: B256) {
        let request = TransactionRequest::default().to(logger).input(topic.0.to_vec().into());
        let pending = self.provider.send_transaction(request).await.unwrap();
        wait(&self.node, &self.provider, *pending.tx_hash()).await;
    }

    async fn ask(&self, method: &str, params: Value) -> Value {
        let answer = http::call(self.address(), method, params).await;
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].clone()
    }
}

#[tokio::test]
async fn a_filter_returns_changes_since_the_last_poll() {
    let served = Served::start().await;
    let logger = served.deploy(&LOGGER).await;
    let [one, two] = [1, 2].map(B256::repeat_byte);
    let blocks = served.ask("eth_newBlockFilter", json!([])).await;
    let waiting = served.ask("eth_newPendingTransactionFilter", json!([])).await;
    let logs = served.ask("eth_newFilter", json!([{ "address": logger, "topics": [one] }])).await;
    for filter in [&blocks, &waiting, &logs] {
        assert!(filter.as_str().unwrap().starts_with("0x"), "{filter}");
        assert_eq!(served.ask("eth_getFilterChanges", json!([filter])).await, json!([]));
    }

    let hash = served.transfer().await;
    served.log(logger, one).await;
    served.log(logger, two).await;
    let answer = served.ask("eth_getFilterChanges", json!([blocks])).await;
    let head = served.ask("eth_getBlockByNumber", json!(["latest", false])).await;
    assert_eq!((answer.as_array().unwrap().len(), &answer[2]), (3, &head["hash"]));
    let answer = served.ask("eth_getFilterChanges", json!([waiting])).await;
    assert_eq!((answer.as_array().unwrap().len(), &answer[0]), (3, &json!(hash)));
    let answer = served.ask("eth_getFilterChanges", json!([logs])).await;
    assert_eq!((answer.as_array().unwrap().len(), &answer[0]["topics"]), (1, &json!([one])));
    for filter in [&blocks, &waiting, &logs] {
        assert_eq!(served.ask("eth_getFilterChanges", json!([filter])).await, json!([]));
    }
    let all = served.ask("eth_getFilterLogs", json!([logs])).await;
    assert_eq!(all, json!([]), "a filter without blocks looks through the latest one");

    assert_eq!(served.ask("eth_uninstallFilter", json!([blocks])).await, true);
    assert_eq!(served.ask("eth_uninstallFilter", json!([blocks])).await, false);
    let address = served.address();
    http::fail(address, "eth_getFilterChanges", json!([blocks]), -32_000).await;
    http::fail(address, "eth_getFilterLogs", json!([waiting]), -32_000).await;
}

#[tokio::test]
async fn filters_are_limited_and_the_one_unused_longest_is_removed() {
    let served = Served::start().await;
    let first = served.ask("eth_newBlockFilter", json!([])).await;
    let second = served.ask("eth_newBlockFilter", json!([])).await;
    served.ask("eth_getFilterChanges", json!([first])).await;
    for _ in 2..=1_024 {
        served.ask("eth_newBlockFilter", json!([])).await;
    }
    served.ask("eth_getFilterChanges", json!([first])).await;
    http::fail(served.address(), "eth_getFilterChanges", json!([second]), -32_000).await;
}

#[tokio::test]
async fn a_subscription_reports_every_block_log_and_transaction() {
    let served = Served::start().await;
    let logger = served.deploy(&LOGGER).await;
    let mut socket = Socket::connect(served.address()).await;
    let chain_id = socket.call("eth_chainId", json!([])).await;
    assert_eq!(chain_id["result"], "0x1092", "methods answer here, too");
    let heads = socket.call("eth_subscribe", json!(["newHeads"])).await["result"].clone();
    let mut logs_socket = Socket::connect(served.address()).await;
    let filter = json!({ "address": logger, "topics": [[B256::repeat_byte(7)]] });
    let logs = logs_socket.call("eth_subscribe", json!(["logs", filter])).await["result"].clone();
    let mut waiting_socket = Socket::connect(served.address()).await;
    let waiting = waiting_socket.call("eth_subscribe", json!(["newPendingTransactions"])).await;
    let waiting = waiting["result"].clone();

    let hash = served.transfer().await;
    served.log(logger, B256::repeat_byte(6)).await;
    served.log(logger, B256::repeat_byte(7)).await;
    for number in ["0x2", "0x3", "0x4"] {
        let head = socket.next_notification(&heads).await;
        let block = served.ask("eth_getBlockByNumber", json!([number, false])).await;
        for key in ["number", "hash", "parentHash", "stateRoot", "logsBloom", "timestamp"] {
            assert_eq!(head[key], block[key], "{key} of {head}");
        }
    }
    assert_eq!(waiting_socket.next_notification(&waiting).await, json!(hash));
    let log = logs_socket.next_notification(&logs).await;
    assert_eq!(
        (&log["topics"], &log["blockNumber"]),
        (&json!([B256::repeat_byte(7)]), &json!("0x4"))
    );

    let ended = socket.call("eth_unsubscribe", json!([heads])).await;
    assert_eq!(ended["result"], true);
    served.transfer().await;
    let answer = socket.call("eth_blockNumber", json!([])).await;
    assert_eq!(answer["result"], "0x5", "nothing is reported in between");
    for params in [json!(["newTrees"]), json!([]), json!(["logs", 1]), json!(["newHeads", {}])] {
        let answer = socket.call("eth_subscribe", params).await;
        assert_eq!(answer["error"]["code"], -32_602, "{answer}");
    }
}

#[tokio::test]
async fn subscriptions_of_a_connection_are_bound() {
    assert_eq!(Options::STANDARD.subscriptions_max, 1_024);
    let served = Served::start().await;
    let options = Options { subscriptions_max: 3, ..Options::STANDARD };
    let handle = rpc::serve(served.node.clone(), any_port(), options).await.unwrap();
    let mut socket = Socket::connect(handle.local_addr()).await;
    let mut first = Value::Null;
    for _ in 0..3 {
        first = socket.call("eth_subscribe", json!(["newHeads"])).await["result"].clone();
        assert!(first.is_string());
    }
    let answer = socket.call("eth_subscribe", json!(["newHeads"])).await;
    assert_eq!(answer["error"]["code"], -32_005, "{answer}");
    assert_eq!(socket.call("eth_unsubscribe", json!([first])).await["result"], true);
    assert_eq!(socket.call("eth_unsubscribe", json!([first])).await["result"], false);
    assert!(socket.call("eth_subscribe", json!(["syncing"])).await["error"].is_null());
    // The number of filters has a limit, and so has the total length of their lists.
    let mut socket = Socket::connect(served.address()).await;
    let topics: Vec<_> = (0..1_000_u64).map(|index| format!("{index:#066x}")).collect();
    for count in 0..5 {
        let answer = socket.call("eth_subscribe", json!(["logs", { "topics": [topics] }])).await;
        assert_eq!(answer["error"].is_null(), count < 4, "{count}: {answer}");
    }
}

#[tokio::test]
async fn a_ledger_of_one_node_is_never_syncing() {
    let served = Served::start().await;
    let mut socket = Socket::connect(served.address()).await;
    let syncing = socket.call("eth_subscribe", json!(["syncing"])).await["result"].clone();
    assert_eq!(socket.next_notification(&syncing).await, false);
}

/// They report the logs of new blocks that the filter names, and no others.
#[tokio::test]
async fn a_filter_and_a_subscription_keep_to_their_blocks() {
    let served = Served::start().await;
    let logger = served.deploy(&LOGGER).await;
    let topic = B256::repeat_byte(1);
    served.log(logger, topic).await;
    let new = async |from: &str, to: &str| {
        served.ask("eth_newFilter", json!([{ "fromBlock": from, "toBlock": to }])).await
    };
    let (past, some, all) =
        (new("0x2", "0x2").await, new("0x4", "0x5").await, new("0x2", "latest").await);
    let mut socket = Socket::connect(served.address()).await;
    let range = json!(["logs", { "fromBlock": "0x4", "toBlock": "0x5" }]);
    let subscription = socket.call("eth_subscribe", range).await["result"].clone();
    for _ in 3..=6 {
        served.log(logger, topic).await;
    }
    for (filter, expected) in
        [(&past, &[][..]), (&some, &["0x4", "0x5"]), (&all, &["0x3", "0x4", "0x5", "0x6"])]
    {
        let answer = served.ask("eth_getFilterChanges", json!([filter])).await;
        let numbers: Vec<_> =
            answer.as_array().unwrap().iter().map(|log| &log["blockNumber"]).collect();
        assert_eq!(numbers, expected);
    }
    for number in ["0x4", "0x5"] {
        assert_eq!(socket.next_notification(&subscription).await["blockNumber"], number);
    }
    assert_eq!(socket.call("eth_blockNumber", json!([])).await["result"], "0x6", "and no more");
    let past = served.ask("eth_getFilterLogs", json!([past])).await;
    assert_eq!(past.as_array().unwrap().len(), 1, "those that were there are asked for otherwise");
    for method in ["eth_newFilter", "eth_getLogs"] {
        let params = json!([{ "fromBlock": "0x5", "toBlock": "0x4" }]);
        let message = http::fail(served.address(), method, params, -32_602).await;
        assert!(message.starts_with("invalid block range params"), "{message}");
    }
}

#[tokio::test]
async fn pages_of_other_origins_are_refused() {
    let served = Served::start().await;
    let foreign = "Origin: https://app.example\r\n";
    assert_eq!(websocket::open(served.address(), foreign).await.0, 403);
    // A wallet extension, which the browser's user has allowed.
    let extension = "Origin: chrome-extension://nkbihfbeogaeaoehlefnkodbefgpgknn\r\n";
    assert_eq!(websocket::open(served.address(), extension).await.0, 101);
    let own = format!("Origin: http://{}\r\n", served.address());
    assert_eq!(websocket::open(served.address(), &own).await.0, 101);

    let origins = Origins::Listed(vec!["https://app.example".parse().unwrap()]);
    let options = Options { origins, ..Options::STANDARD };
    let open = rpc::serve(served.node.clone(), any_port(), options).await.unwrap();
    assert_eq!(websocket::open(open.local_addr(), foreign).await.0, 101);
    let other = "Origin: https://other.example\r\n";
    assert_eq!(websocket::open(open.local_addr(), other).await.0, 403);
}
