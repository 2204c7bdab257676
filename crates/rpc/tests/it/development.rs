//! What only a node whose ledger is for development answers.

use crate::{
    http,
    support::{RECEIVER, Served, any_port, config},
};
use node::{Node, NodeConfig};
use rpc::{ClientVersion, Handle, Options};
use serde_json::{Value, json};
use tempfile::TempDir;

/// One of each kind, under each of its prefixes.
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
async fn elsewhere_the_methods_are_absent_and_nobody_is_unlocked() {
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
    // Whoever hands keys to the server of a ledger that is meant has not unlocked them.
    let options = Options { accounts: rpc::test_accounts(), ..Options::STANDARD };
    let handle = rpc::serve(served.node.clone(), any_port(), options).await.unwrap();
    let accounts = http::call(handle.local_addr(), "eth_accounts", json!([])).await;
    assert_eq!(accounts["result"], json!([]));
}

#[tokio::test]
async fn it_calls_itself_anvil_when_told() {
    let local = Local::start(ClientVersion::Anvil).await;
    let version = local.ask("web3_clientVersion", json!([])).await;
    assert!(version.as_str().unwrap().starts_with("anvil/"), "{version}");
}

/// A transaction that fails in its block: its hash for most, an error with the data for hardhat's suites.
#[tokio::test]
async fn what_fails_in_a_block_is_told_as_the_namesake_does() {
    let contract = json!("0x00000000000000000000000000000000000c0de0");
    // Reverts with its calldata; without any it runs an invalid instruction.
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
                    let told = error["message"].as_str().unwrap();
                    assert!(told.contains(message), "{told}");
                    &error["data"]["txHash"]
                }
            };
            let receipt = local.ask("eth_getTransactionReceipt", json!([hash])).await;
            assert_eq!(receipt["status"], "0x0", "{answer}");
        }
        let fine = json!([{ "from": sender, "to": sender, "gas": "0x186a0" }]);
        assert!(local.ask("eth_sendTransaction", fine).await.is_string());
    }
}

#[tokio::test]
async fn accounts_are_told_at_once_and_the_coinbase_is_who_was_set() {
    let local = Local::start(ClientVersion::Gleaner).await;
    let accounts = local.ask("eth_accounts", json!([])).await;
    assert_eq!(local.ask("eth_requestAccounts", json!([])).await, accounts);
    local.ask("hardhat_setCoinbase", json!([RECEIVER])).await;
    assert_eq!(local.ask("eth_coinbase", json!([])).await, json!(format!("{RECEIVER:#x}")));
    local.ask("hardhat_setCode", json!([RECEIVER, "0xfe"])).await;
    let info = local.ask("eth_getAccountInfo", json!([RECEIVER, "latest"])).await;
    assert_eq!(info, json!({ "balance": "0x0", "nonce": "0x0", "code": "0xfe" }));
}

#[tokio::test]
async fn a_transaction_is_filled_in_as_its_kind_wants() {
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
async fn filters_go_back_with_the_ledger() {
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

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
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
