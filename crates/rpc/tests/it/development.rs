//! The methods of development ledgers.

use crate::{
    http,
    support::{RECEIVER, Served, any_port, config},
    websocket::Socket,
};
use node::{Node, NodeConfig};
use rpc::{ClientVersion, Handle, Options};
use serde_json::{Value, json};
use tempfile::TempDir;

/// One method of each kind, under each of its prefixes.
const METHODS: [&str; 42] = [
    "anvil_autoImpersonateAccount",
    "anvil_dropAllTransactions",
    "anvil_dropTransaction",
    "anvil_getAutomine",
    "anvil_impersonateAccount",
    "anvil_mine",
    "anvil_nodeInfo",
    "anvil_reset",
    "anvil_setBalance",
    "anvil_setBlockTimestampInterval",
    "anvil_setIntervalMining",
    "anvil_setLoggingEnabled",
    "anvil_setNextBlockBaseFeePerGas",
    "anvil_snapshot",
    "eth_coinbase",
    "eth_requestAccounts",
    "eth_sendTransaction",
    "eth_sendUnsignedTransaction",
    "eth_sign",
    "eth_signTransaction",
    "eth_signTypedData_v4",
    "evm_increaseTime",
    "evm_mine",
    "evm_revert",
    "evm_setAccountNonce",
    "evm_setAutomine",
    "evm_setBlockGasLimit",
    "evm_setIntervalMining",
    "evm_setNextBlockTimestamp",
    "evm_setTime",
    "evm_snapshot",
    "hardhat_dropTransaction",
    "hardhat_impersonateAccount",
    "hardhat_metadata",
    "hardhat_mine",
    "hardhat_reset",
    "hardhat_setCode",
    "hardhat_setCoinbase",
    "hardhat_setLoggingEnabled",
    "hardhat_setPrevRandao",
    "hardhat_setStorageAt",
    "personal_sign",
];

struct Local {
    handle: Handle,
    _node: Node,
    _directory: TempDir,
}

impl Local {
    async fn start(client_version: ClientVersion) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut genesis = crate::support::genesis();
        let rich = genesis.accounts.values().next().unwrap().clone();
        for key in rpc::test_accounts() {
            genesis.accounts.insert(key.address(), rich.clone());
        }
        let plain = config(directory.path());
        let config = NodeConfig { is_development: true, genesis: Some(genesis), ..plain };
        let node = Node::open(config).unwrap();
        let accounts = rpc::test_accounts();
        let options = Options { client_version, accounts, ..Options::STANDARD };
        let handle = rpc::serve(node.clone(), any_port(), options).await.unwrap();
        Self { handle, _node: node, _directory: directory }
    }

    async fn ask(&self, method: &str, params: Value) -> Value {
        let answer = http::call(self.handle.local_addr(), method, params).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    async fn fail(&self, method: &str, params: Value, code: i64) -> String {
        let answer = http::call(self.handle.local_addr(), method, params).await;
        assert_eq!(answer["error"]["code"], code, "{method}: {answer}");
        answer["error"]["message"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn other_ledgers_lack_the_methods_and_unlock_no_account() {
    let served = Served::start().await;
    let local = Local::start(ClientVersion::Gleaner).await;
    for method in METHODS {
        http::fail(served.address(), method, json!([]), -32_601).await;
        let answer = http::call(local.handle.local_addr(), method, json!([])).await;
        assert_ne!(answer["error"]["code"], -32_601, "{method}: {answer}");
    }
    let accounts = http::call(served.address(), "eth_accounts", json!([])).await;
    assert_eq!(accounts["result"], json!([]));
    let version = http::call(served.address(), "web3_clientVersion", json!([])).await;
    assert!(version["result"].as_str().unwrap().starts_with("gleaner/"));
    // Passing keys to the server does not unlock them when the ledger is not for development.
    let options = Options { accounts: rpc::test_accounts(), ..Options::STANDARD };
    let handle = rpc::serve(served.node.clone(), any_port(), options).await.unwrap();
    let accounts = http::call(handle.local_addr(), "eth_accounts", json!([])).await;
    assert_eq!(accounts["result"], json!([]));
}

#[tokio::test]
async fn it_reports_anvils_version_when_configured() {
    let local = Local::start(ClientVersion::Anvil).await;
    let version = local.ask("web3_clientVersion", json!([])).await;
    assert!(version.as_str().unwrap().starts_with("anvil/"), "{version}");
}

/// A transaction that fails in its block: most clients get its hash, hardhat's suites an error with the data.
#[tokio::test]
async fn a_failed_transaction_is_reported_as_by_the_client_version() {
    let contract = json!("0x00000000000000000000000000000000000c0de0");
    // Reverts with its calldata; without calldata it runs an invalid instruction.
    let code = json!("0x3615600c57365f5f37365ffd5bfe");
    for version in [ClientVersion::Gleaner, ClientVersion::Anvil, ClientVersion::Hardhat] {
        let local = Local::start(version).await;
        local.ask("hardhat_setCode", json!([contract, code])).await;
        let sender = rpc::test_accounts()[0].address();
        for (input, message) in [
            ("0xc0ffee", "reverted with an unrecognized custom error (return data: 0xc0ffee)"),
            ("0x", "VM Exception while processing transaction: invalid opcode"),
        ] {
            let call = json!({ "from": sender, "to": contract, "input": input, "gas": "0x186a0" });
            let method = "eth_sendTransaction";
            let answer = http::call(local.handle.local_addr(), method, json!([call])).await;
            let hash = match version {
                ClientVersion::Gleaner | ClientVersion::Anvil => &answer["result"],
                ClientVersion::Hardhat => {
                    let error = &answer["error"];
                    assert_eq!(
                        (&error["code"], &error["data"]["data"]),
                        (&json!(-32_603), &json!(input))
                    );
                    let text = error["message"].as_str().unwrap();
                    assert!(text.contains(message), "{text}");
                    &error["data"]["txHash"]
                }
            };
            let receipt = local.ask("eth_getTransactionReceipt", json!([hash])).await;
            assert_eq!(receipt["status"], "0x0", "{answer}");
            // Three bytes are not an error of Solidity.
            assert_eq!(receipt.get("revertReason"), None, "{receipt}");
        }
        let fine = json!([{ "from": sender, "to": sender, "gas": "0x186a0" }]);
        assert!(local.ask("eth_sendTransaction", fine).await.is_string());
    }
}

#[tokio::test]
async fn account_info_is_complete_and_the_coinbase_is_as_set() {
    let local = Local::start(ClientVersion::Gleaner).await;
    let accounts = local.ask("eth_accounts", json!([])).await;
    assert_eq!(local.ask("eth_requestAccounts", json!([])).await, accounts);
    local.ask("hardhat_setCoinbase", json!([RECEIVER])).await;
    assert_eq!(local.ask("eth_coinbase", json!([])).await, json!(format!("{RECEIVER:#x}")));
    local.ask("hardhat_setCode", json!([RECEIVER, "0xfe"])).await;
    let info = local.ask("eth_getAccountInfo", json!([RECEIVER, "latest"])).await;
    assert_eq!(info, json!({ "balance": "0x0", "nonce": "0x0", "code": "0xfe" }));
}

/// Anyone can fill a block with events of an asset: they must be readable all the same.
#[tokio::test]
async fn the_events_of_one_block_are_read_however_many_they_are() {
    let local = Local::start(ClientVersion::Gleaner).await;
    let (sender, contract) = (rpc::test_accounts()[0].address(), RECEIVER);
    // 10,001 events.
    let code = json!("0x6127115b5f5fa0600190038060035700");
    local.ask("hardhat_setCode", json!([contract, code])).await;
    let call = json!({ "from": sender, "to": contract, "gas": "0x989680" });
    let hash = local.ask("eth_sendTransaction", json!([call])).await;
    let receipt = local.ask("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!((&receipt["status"], &receipt["blockNumber"]), (&json!("0x1"), &json!("0x1")));
    let blocks = |from| json!([{ "address": contract, "fromBlock": from, "toBlock": "0x1" }]);
    let answer = http::call(local.handle.local_addr(), "eth_getLogs", blocks("0x0")).await;
    assert!(answer["error"]["message"].as_str().unwrap().contains("ask for fewer blocks"));
    let logs = local.ask("eth_getLogs", blocks("0x1")).await;
    assert_eq!(logs.as_array().unwrap().len(), 10_001);
}

#[tokio::test]
async fn a_transaction_is_filled_in_by_its_type() {
    let local = Local::start(ClientVersion::Gleaner).await;
    let sender = rpc::test_accounts()[0].address();
    let access = json!([{ "address": RECEIVER, "storageKeys": [] }]);
    for (given, kind) in [
        (json!({}), "0x2"),
        (json!({ "gasPrice": "0x3b9aca00" }), "0x0"),
        (json!({ "type": "0x0" }), "0x0"),
        (json!({ "type": "0x1" }), "0x1"),
        (json!({ "gasPrice": "0x3b9aca00", "accessList": access }), "0x1"),
        (json!({ "accessList": access }), "0x2"),
        (json!({ "maxFeePerGas": "0x3b9aca00" }), "0x2"),
        (json!({ "maxPriorityFeePerGas": "0x3b9aca00" }), "0x2"),
        (json!({ "chainId": "0x1092" }), "0x2"),
    ] {
        let mut request = json!({ "from": sender, "to": RECEIVER, "value": "0x1" });
        request.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
        let hash = local.ask("eth_sendTransaction", json!([request])).await;
        let shown = local.ask("eth_getTransactionByHash", json!([hash])).await;
        assert_eq!(
            (&shown["type"], shown["blockNumber"].is_string()),
            (&json!(kind), true),
            "{shown}"
        );
        let receipt = local.ask("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(receipt["status"], "0x1");
    }
    for (given, part) in [
        (json!({ "chainId": "0x1" }), "chain id"),
        (json!({ "blobVersionedHashes": [format!("0x{}", "01".repeat(32))] }), "blobs"),
        (json!({ "from": RECEIVER }), "unknown account"),
        (json!({ "gasPrice": "0x1", "maxFeePerGas": "0x1" }), "both"),
    ] {
        let mut request = json!({ "from": sender, "to": RECEIVER, "value": "0x1" });
        request.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
        let message = local.fail("eth_sendTransaction", json!([request]), -32_602).await;
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn filters_follow_a_reverted_ledger() {
    let local = Local::start(ClientVersion::Gleaner).await;
    local.ask("evm_mine", json!([])).await;
    let snapshot = local.ask("evm_snapshot", json!([])).await;
    local.ask("hardhat_mine", json!(["0x5"])).await;
    let filter = local.ask("eth_newBlockFilter", json!([])).await;
    assert_eq!(local.ask("evm_revert", json!([snapshot])).await, json!(true));
    assert_eq!(local.ask("eth_getFilterChanges", json!([filter])).await, json!([]));
    local.ask("evm_mine", json!([])).await;
    let head = local.ask("eth_getBlockByNumber", json!(["latest", false])).await;
    assert_eq!(local.ask("eth_getFilterChanges", json!([filter])).await, json!([head["hash"]]));
}

/// Logs of blocks that replace others are reported, whether the client polled in between or not.
#[tokio::test]
async fn blocks_that_replace_others_are_reported() {
    let local = Local::start(ClientVersion::Gleaner).await;
    let logger = json!("0x00000000000000000000000000000000000c0de0");
    // LOG0 without data.
    local.ask("hardhat_setCode", json!([logger, "0x5f5fa000"])).await;
    let log = async || {
        let call = json!([{ "to": logger, "gas": "0x186a0" }]);
        let hash = local.ask("eth_sendTransaction", call).await;
        assert!(hash.is_string());
    };
    let snapshot = local.ask("evm_snapshot", json!([])).await;
    log().await;
    log().await;
    let logs = local.ask("eth_newFilter", json!([{ "address": logger }])).await;
    let blocks = local.ask("eth_newBlockFilter", json!([])).await;
    let mut socket = Socket::connect(local.handle.local_addr()).await;
    let subscription = socket.call("eth_subscribe", json!(["logs", { "address": logger }])).await;
    let subscription = subscription["result"].clone();
    log().await;
    assert_eq!(socket.next_notification(&subscription).await["blockNumber"], "0x3");
    assert_eq!(local.ask("evm_revert", json!([snapshot])).await, json!(true));
    for _ in 1..=4 {
        log().await;
    }
    let changes = local.ask("eth_getFilterChanges", json!([logs])).await;
    let numbers = |logs: &Value| -> Vec<String> {
        let number = |log: &Value| log["blockNumber"].as_str().unwrap().to_owned();
        logs.as_array().unwrap().iter().map(number).collect()
    };
    assert_eq!(numbers(&changes), ["0x1", "0x2", "0x3", "0x4"]);
    let hashes = local.ask("eth_getFilterChanges", json!([blocks])).await;
    let head = local.ask("eth_getBlockByNumber", json!(["0x4", false])).await;
    assert_eq!((hashes.as_array().unwrap().len(), &hashes[3]), (4, &head["hash"]));
    for number in ["0x1", "0x2", "0x3", "0x4"] {
        assert_eq!(socket.next_notification(&subscription).await["blockNumber"], number);
    }
    log().await;
    let changes = local.ask("eth_getFilterChanges", json!([logs])).await;
    assert_eq!(numbers(&changes), ["0x5"], "each is reported once");
}

/// As in anvil: Solidity's strings and panics as text, other errors by selector and values.
#[tokio::test]
async fn a_failed_receipt_and_a_failed_call_say_why() {
    let local = Local::start(ClientVersion::Anvil).await;
    let contract = json!("0x00000000000000000000000000000000000c0de0");
    // Reverts with its calldata; without calldata it runs an invalid instruction.
    local.ask("hardhat_setCode", json!([contract, "0x3615600c57365f5f37365ffd5bfe"])).await;
    let text = "0x08c379a0000000000000000000000000000000000000000000000000000000000000002000000000000000000000000000000000000000000000000000000000000000036e6f770000000000000000000000000000000000000000000000000000000000";
    let panic = "0x4e487b710000000000000000000000000000000000000000000000000000000000000011";
    for (input, reason) in [
        (text, "now"),
        (panic, "panic: arithmetic underflow or overflow (0x11)"),
        ("0x82b42900", "custom error 0x82b42900"),
        ("0x82b4290007", "custom error 0x82b42900: 07"),
    ] {
        let call = json!({ "to": contract, "input": input, "gas": "0x186a0" });
        let hash = local.ask("eth_sendTransaction", json!([call])).await;
        let receipt = local.ask("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(receipt["revertReason"], reason, "{receipt}");
        let number = receipt["blockNumber"].clone();
        let all = local.ask("eth_getBlockReceipts", json!([number])).await;
        assert_eq!(all, json!([receipt]));
        for method in ["eth_call", "eth_estimateGas"] {
            let message = local.fail(method, json!([call]), 3).await;
            assert_eq!(message, format!("execution reverted: {reason}"));
        }
    }
    let fine = json!([{ "to": RECEIVER, "gas": "0x186a0" }]);
    let hash = local.ask("eth_sendTransaction", fine).await;
    let receipt = local.ask("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!((&receipt["status"], receipt.get("revertReason")), (&json!("0x1"), None));
}

/// Anvil and hardhat accept a block number without quotes; other nodes do not, and ours does not on other ledgers.
#[tokio::test]
async fn blocks_may_be_plain_numbers() {
    let local = Local::start(ClientVersion::Gleaner).await;
    let served = Served::start().await;
    local.ask("evm_mine", json!([])).await;
    let block = local.ask("eth_getBlockByNumber", json!([1, false])).await;
    assert_eq!(block["number"], "0x1");
    let call = json!({ "to": RECEIVER });
    for (method, params) in [
        ("eth_getBlockByNumber", json!([0, false])),
        ("eth_getBlockTransactionCountByNumber", json!([0])),
        ("eth_getBlockReceipts", json!([0])),
        ("eth_getBalance", json!([RECEIVER, 0])),
        ("eth_getTransactionCount", json!([RECEIVER, 0])),
        ("eth_getCode", json!([RECEIVER, 0])),
        ("eth_getStorageAt", json!([RECEIVER, "0x0", 0])),
        ("eth_call", json!([call, 0])),
        ("eth_estimateGas", json!([call, 0])),
        ("eth_feeHistory", json!([1, 0, []])),
        ("debug_traceBlockByNumber", json!([0])),
    ] {
        let answer = http::call(local.handle.local_addr(), method, params.clone()).await;
        assert!(answer["error"].is_null(), "{method}: {answer}");
        http::fail(served.address(), method, params, -32_602).await;
    }
    local.fail("eth_getBalance", json!([RECEIVER, -1]), -32_602).await;
    local.fail("eth_getBalance", json!([RECEIVER, 0.5]), -32_602).await;
    let answer = local.fail("eth_getBalance", json!([RECEIVER, 9]), -32_000).await;
    assert_eq!(answer, "header not found");
}

#[tokio::test]
async fn contradictory_overrides_are_refused() {
    let local = Local::start(ClientVersion::Gleaner).await;
    for (method, params) in [
        ("evm_mine", json!([{ "blocks": "0xffffffff" }])),
        ("evm_revert", json!([])),
        ("evm_revert", json!(["zero"])),
        ("evm_setNextBlockTimestamp", json!([1])),
        ("evm_setTime", json!([1])),
        ("hardhat_mine", json!(["0x1", "0x1", "0x1"])),
        ("hardhat_reset", json!([{ "forking": { "jsonRpcUrl": "http://localhost" } }])),
        ("hardhat_reset", json!([{ "elsewhere": true }])),
        ("hardhat_setBalance", json!([RECEIVER, format!("0x{}", "f".repeat(64))])),
        ("hardhat_setBalance", json!([RECEIVER])),
        ("eth_sign", json!([RECEIVER, "0x"])),
        ("eth_signTypedData_v4", json!([rpc::test_accounts()[0].address(), { "types": 7 }])),
    ] {
        local.fail(method, params, -32_602).await;
    }
    let head = local.ask("eth_blockNumber", json!([])).await;
    assert_eq!(head, "0x0");
}

#[tokio::test]
async fn an_estimate_without_funds_works_in_development() {
    let local = Local::start(ClientVersion::Gleaner).await;
    let poor = json!("0x00000000000000000000000000000000000000cc");
    for extra in [json!({}), json!({ "maxFeePerGas": "0x3b9aca00" }), json!({ "gasPrice": "0x1" })]
    {
        let mut call = json!({ "from": poor, "to": RECEIVER, "value": "0xde0b6b3a7640000" });
        call.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        assert_eq!(local.ask("eth_estimateGas", json!([call])).await, "0x5208");
        assert_eq!(local.ask("eth_estimateGas", json!([call, "latest"])).await, "0x5208");
    }
    // What is sent needs its funds all the same.
    let send = json!([{ "from": poor, "to": RECEIVER, "value": "0x1" }]);
    local.ask("hardhat_impersonateAccount", json!([poor])).await;
    let message = local.fail("eth_sendTransaction", send, -32_000).await;
    assert!(message.starts_with("insufficient funds for gas * price + value"), "{message}");
}

/// Adds one to slot 0 and returns it.
const COUNTER: &str = "0x5f54600101805f555f5260205ff3";

#[tokio::test]
async fn the_pending_block_includes_the_mempool() {
    let local = Local::start(ClientVersion::Gleaner).await;
    let counter = json!("0x00000000000000000000000000000000000c0de0");
    local.ask("hardhat_setCode", json!([counter, COUNTER])).await;
    let block = |local: &Local| {
        let params = json!(["pending", true]);
        let (address, method) = (local.handle.local_addr(), "eth_getBlockByNumber");
        async move { http::ask(address, method, params).await }
    };
    let empty = block(&local).await;
    assert_eq!(
        (&empty["number"], &empty["hash"], &empty["nonce"]),
        (&json!("0x1"), &Value::Null, &Value::Null)
    );
    assert_eq!(empty["transactions"], json!([]));
    local.ask("evm_setAutomine", json!([false])).await;
    let sender = rpc::test_accounts()[0].address();
    let send = |to: &Value, value: &str| json!([{ "from": sender, "to": to, "value": value }]);
    local.ask("eth_sendTransaction", send(&json!(RECEIVER), "0x7")).await;
    let hash = local.ask("eth_sendTransaction", send(&counter, "0x0")).await;
    let head = local.ask("eth_getBlockByNumber", json!(["latest", false])).await;
    let pending = block(&local).await;
    assert_eq!((&pending["number"], &pending["hash"]), (&json!("0x1"), &Value::Null));
    assert_eq!(pending["parentHash"], head["hash"]);
    let history = local.ask("eth_feeHistory", json!(["0x1", "latest", []])).await;
    assert_eq!(pending["baseFeePerGas"], history["baseFeePerGas"][1]);
    let transactions = pending["transactions"].as_array().unwrap();
    assert_eq!(transactions.len(), 2);
    assert_eq!((&transactions[1]["hash"], &transactions[1]["blockHash"]), (&hash, &Value::Null));
    assert_eq!(transactions[1]["blockNumber"], "0x1");
    // Every question about the pending block sees them, and those about the latest don't.
    for (method, params, latest, expected) in [
        ("eth_getBalance", json!([RECEIVER]), json!("0x0"), json!("0x7")),
        ("eth_getStorageAt", json!([counter, "0x0"]), word(0), word(1)),
        ("eth_call", json!([{ "to": counter }]), word(1), word(2)),
        ("eth_getTransactionCount", json!([sender]), json!("0x0"), json!("0x2")),
    ] {
        for (block, expected) in [("latest", latest), ("pending", expected)] {
            let mut params = params.clone();
            params.as_array_mut().unwrap().push(json!(block));
            assert_eq!(local.ask(method, params).await, expected, "{method} {block}");
        }
    }
    let count = local.ask("eth_getBlockTransactionCountByNumber", json!(["pending"])).await;
    assert_eq!(count, "0x2");
    let receipts = local.ask("eth_getBlockReceipts", json!(["pending"])).await;
    assert_eq!((&receipts[1]["status"], &receipts[1]["blockHash"]), (&json!("0x1"), &Value::Null));
    let params = json!(["pending", "0x1"]);
    let second = local.ask("eth_getTransactionByBlockNumberAndIndex", params).await;
    assert_eq!((&second["hash"], &second["blockHash"]), (&hash, &Value::Null));
    let header = local.ask("eth_getHeaderByNumber", json!(["pending"])).await;
    assert_eq!((&header["number"], &header["hash"]), (&json!("0x1"), &Value::Null));
    // An estimate is for what comes next: writing to a slot that is used costs less than to an empty one.
    let estimate = |block: Value| {
        let call = json!({ "from": sender, "to": counter });
        let params = if block.is_null() { json!([call]) } else { json!([call, block]) };
        let address = local.handle.local_addr();
        async move {
            let gas = http::ask(address, "eth_estimateGas", params).await;
            u64::from_str_radix(&gas.as_str().unwrap()[2..], 16).unwrap()
        }
    };
    let (unnamed, pending, latest) = (
        estimate(Value::Null).await,
        estimate(json!("pending")).await,
        estimate(json!("latest")).await,
    );
    assert_eq!(unnamed, pending);
    assert!(pending + 10_000 < latest, "{pending} {latest}");
    local.ask("evm_mine", json!([])).await;
    let mined = local.ask("eth_getBlockByNumber", json!(["latest", false])).await;
    assert_eq!(mined["transactions"].as_array().unwrap().len(), 2);
}

fn word(value: u64) -> Value {
    json!(alloy_primitives::B256::from(alloy_primitives::U256::from(value)))
}

#[tokio::test]
async fn the_last_nonce_is_refused() {
    let local = Local::start(ClientVersion::Gleaner).await;
    let sender = rpc::test_accounts()[0].address();
    let last = "0xffffffffffffffff";
    let message = local.fail("hardhat_setNonce", json!([sender, last]), -32_602).await;
    assert!(message.contains("2^64 - 2"), "{message}");
    local.ask("hardhat_setNonce", json!([sender, "0xfffffffffffffffe"])).await;
    local.ask("evm_setAutomine", json!([false])).await;
    local.ask("eth_sendTransaction", json!([{ "from": sender, "to": RECEIVER }])).await;
    let count = local.ask("eth_getTransactionCount", json!([sender, "pending"])).await;
    assert_eq!(count, last);
    let next = json!([{ "from": sender, "to": RECEIVER, "gas": "0x5208" }]);
    let message = local.fail("eth_sendTransaction", next, -32_000).await;
    assert!(message.starts_with("nonce has max value"), "{message}");
    let count = local.ask("eth_getTransactionCount", json!([sender, "pending"])).await;
    assert_eq!(count, last);
    // A precompile's code can't be set either.
    let sha256 = json!("0x0000000000000000000000000000000000000002");
    local.fail("hardhat_setCode", json!([sha256, "0x00"]), -32_602).await;
}
