//! What happened by account, page by page.

use crate::{
    http,
    support::{RECEIVER, Served, key, sign, transfer},
};
use abi::{Erc20, GRAIN};
use alloy_primitives::{TxKind, U256};
use alloy_sol_types::SolCall as _;
use history::{Kept, Options};
use serde_json::{Value, json};

async fn served(options: Option<Options>) -> Served {
    Served::with(|config| node::NodeConfig { history: options, ..config }).await
}

/// Blocks of one transfer each from key 1, then one of `GRAIN.transfer`.
async fn send(served: &Served, count: u64) {
    for nonce in 0..count {
        let hash = served.node.submit(&sign(1, transfer(nonce))).unwrap();
        served.node.wait_for(hash).await.unwrap();
    }
    let call = Erc20::transferCall { to: RECEIVER, value: U256::from(7) };
    let mut transaction = transfer(count);
    (transaction.to, transaction.value) = (TxKind::Call(GRAIN), U256::ZERO);
    (transaction.input, transaction.gas_limit) = (call.abi_encode().into(), 200_000);
    let hash = served.node.submit(&sign(1, transaction)).unwrap();
    assert!(served.node.wait_for(hash).await.unwrap().receipt.status());
}

/// Waits until the index holds every block before `next`; its status.
async fn wait_until_current(served: &Served, next: &str) -> Value {
    loop {
        let status = http::ask(served.address(), "gleaner_historyStatus", json!([])).await;
        if status["state"] == "current" && status["nextBlock"] == next {
            return status;
        }
        assert_ne!(status["state"], "stopped", "{status}");
        tokio::task::yield_now().await;
    }
}

/// The list of an account, page by page.
async fn all(served: &Served, method: &str, of: &Value, limit: usize) -> Vec<Value> {
    let (mut found, mut before) = (Vec::new(), Value::Null);
    loop {
        let mut page = json!({ "limit": limit });
        if !before.is_null() {
            page["before"] = before;
        }
        let answer = http::ask(served.address(), method, json!([of, page])).await;
        assert_eq!(
            (&answer["firstBlock"], &answer["lastBlock"]),
            (&json!("0x1"), &answer["headBlock"])
        );
        let items = answer["items"].as_array().unwrap();
        assert!(items.len() <= limit);
        found.extend(items.clone());
        before = answer["next"].clone();
        if before.is_null() {
            return found;
        }
    }
}

#[tokio::test]
async fn an_account_s_history_is_told_newest_first_right_after_each_block() {
    let served = served(Some(Options::STANDARD)).await;
    wait_until_current(&served, "0x1").await;
    send(&served, 5).await;
    let sender = json!(key(1).address());
    let receiver = json!(RECEIVER);

    let sent = all(&served, "gleaner_getAccountTransactions", &sender, 2).await;
    let heights: Vec<_> = sent.iter().map(|item| item["blockNumber"].clone()).collect();
    assert_eq!(heights, ["0x6", "0x5", "0x4", "0x3", "0x2", "0x1"].map(Value::from));
    assert_eq!((&sent[0]["to"], &sent[0]["selector"]), (&json!(GRAIN), &json!("0xa9059cbb")));
    assert_eq!(sent[1]["roles"], json!(["sender"]));
    assert_eq!((&sent[1]["value"], &sent[1]["status"]), (&json!("0x5"), &json!("0x1")));
    assert_eq!((&sent[1]["selector"], &sent[1]["contractAddress"]), (&Value::Null, &Value::Null));
    let received = all(&served, "gleaner_getAccountTransactions", &receiver, 2).await;
    assert_eq!(received.len(), 5, "the last names it in calldata only");
    assert_eq!(received[0]["roles"], json!(["recipient"]));
    assert_eq!(received[0]["hash"], sent[1]["hash"]);

    let moved = all(&served, "gleaner_getAccountTransfers", &receiver, 4).await;
    assert_eq!(moved.len(), 6);
    assert_eq!((&moved[0]["token"], &moved[0]["value"]), (&json!(GRAIN), &json!("0x7")));
    assert_eq!((&moved[0]["from"], &moved[0]["logIndex"]), (&sender, &json!("0x0")));
    assert_eq!((&moved[1]["token"], &moved[1]["logIndex"]), (&Value::Null, &Value::Null));

    // Events are as in `eth_getLogs`.
    let logs = http::ask(served.address(), "eth_getLogs", json!([{ "fromBlock": "0x0" }])).await;
    assert_eq!(logs.as_array().unwrap().len(), 1);
    let word = RECEIVER.into_word();
    for filter in [
        json!({ "account": RECEIVER }),
        json!({ "account": GRAIN }),
        json!({ "address": GRAIN }),
        json!({ "address": GRAIN, "topics": [null, null, word] }),
    ] {
        let events = all(&served, "gleaner_getEvents", &filter, 3).await;
        assert_eq!(json!(events), logs, "{filter}");
    }
    let none = json!({ "address": GRAIN, "topics": [null, word] });
    assert_eq!(all(&served, "gleaner_getEvents", &none, 3).await, Vec::<Value>::new());

    let status = wait_until_current(&served, "0x7").await;
    assert_eq!((&status["firstBlock"], &status["headBlock"]), (&json!("0x1"), &json!("0x6")));
    assert_eq!(status["keeps"], json!(["transactions", "transfers", "events"]));
}

#[tokio::test]
async fn what_can_t_be_asked_is_refused_with_the_reason() {
    let served = served(Some(Options::STANDARD)).await;
    send(&served, 1).await;
    let account = json!(RECEIVER);
    for (method, params, part) in [
        ("gleaner_getAccountTransactions", json!([account, { "limit": 0 }]), "between 1 and 100"),
        ("gleaner_getAccountTransfers", json!([account, { "limit": "0x65" }]), "between 1 and 100"),
        (
            "gleaner_getAccountTransfers",
            json!([account, { "before": "7" }]),
            "BLOCK-TRANSACTION-SLOT",
        ),
        ("gleaner_getAccountTransfers", json!([account, { "after": "7" }]), "does not fit a page"),
        ("gleaner_getEvents", json!([{}]), "give either account"),
        ("gleaner_getEvents", json!([{ "account": account, "address": account }]), "give either"),
        (
            "gleaner_getEvents",
            json!([{ "address": account, "topics": [null, null, null, null, null] }]),
            "at most 4",
        ),
    ] {
        let message = http::fail(served.address(), method, params, -32_602).await;
        assert!(message.contains(part), "{method}: {message}");
    }
}

#[tokio::test]
async fn a_node_without_the_index_or_a_list_says_so() {
    let without = served(None).await;
    let params = json!([RECEIVER]);
    let method = "gleaner_getAccountTransactions";
    let message = http::fail(without.address(), method, params.clone(), -32_000).await;
    assert!(message.contains("--index"), "{message}");
    let status = http::ask(without.address(), "gleaner_historyStatus", json!([])).await;
    assert_eq!((&status["state"], &status["keeps"]), (&json!("off"), &json!([])));

    let kept = Kept { transactions: false, ..Kept::ALL };
    let partly = served(Some(Options { kept, ..Options::STANDARD })).await;
    send(&partly, 1).await;
    wait_until_current(&partly, "0x3").await;
    let message = http::fail(partly.address(), method, params.clone(), -32_000).await;
    assert!(message.contains("transactions"), "{message}");
    let moved = http::ask(partly.address(), "gleaner_getAccountTransfers", params).await;
    assert_eq!(moved["items"].as_array().unwrap().len(), 2);
}
