//! What the targets share: one node in a temporary folder, on whose ledger an asset was created, and a pair of it and GRAIN.
#![cfg(feature = "ledger")]

use std::sync::OnceLock;

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, B256, Bytes, U256, address};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall as _;
use execution::Genesis;
use node::{Node, NodeConfig};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Who calls: the account of [`KEY`], which has funds and is the issuer of asset 1.
pub const CALLER: Address = address!("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
/// Everybody's key: the first of the phrase of development nodes.
const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

const CHAIN_ID: u64 = 7;
const GENESIS: &str = r#"{
  "chain_id": 7, "timestamp": 1, "gas_limit": 60000000, "commitment": 2,
  "base_fee": {"initial": 1000, "minimum": 7, "change_denominator": 8, "elasticity": 2},
  "fee_recipient": "0x00000000000000000000000000000000000000be",
  "revisions": [{"revision": 2, "height": 0}],
  "accounts": {"0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266": {"balance": "1000000000000000000000000"}}
}"#;

/// How its ledger begins.
pub fn genesis() -> Genesis {
    Genesis::from_json(GENESIS).expect("a genesis file")
}

/// The pair of asset 1 and GRAIN, which the node's set-up creates.
pub fn pair() -> Address {
    abi::uniswap_v2_pair(abi::asset_address(1), abi::GRAIN)
}

/// The node; made at the first call.
pub fn node() -> &'static Node {
    static NODE: OnceLock<(Node, TempDir)> = OnceLock::new();
    let (node, _) = NODE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = NodeConfig::new(folder.path(), Some(genesis()));
        let node = Node::open(config).expect("a node");
        let terms = abi::Assets::Terms {
            name: "Fuzz".to_owned(),
            symbol: "FUZZ".to_owned(),
            decimals: 6,
            cap: U256::MAX,
            uri: String::new(),
            issuer: CALLER,
            pausable: true,
            burnable: true,
            transferable: true,
            renounceable: true,
        };
        send(&node, 0, abi::ASSETS, abi::Assets::createCall { terms }.abi_encode());
        let mint = abi::IssuedAsset::mintCall { to: CALLER, value: U256::from(1_000_000) };
        send(&node, 1, abi::asset_address(1), mint.abi_encode());
        let (a, b) = (abi::asset_address(1), abi::GRAIN);
        let create = abi::UniswapV2Factory::createPairCall { tokenA: a, tokenB: b };
        send(&node, 2, abi::UNISWAP_V2_FACTORY, create.abi_encode());
        for asset in [a, b] {
            let give = abi::Erc20::transferCall { to: pair(), value: U256::from(100_000) };
            send(&node, if asset == a { 3 } else { 4 }, asset, give.abi_encode());
        }
        let mint = abi::UniswapV2Pair::mintCall { to: CALLER };
        send(&node, 5, pair(), mint.abi_encode());
        (node, folder)
    });
    node
}

fn send(node: &Node, nonce: u64, to: Address, data: Vec<u8>) {
    let signer: PrivateKeySigner = KEY.parse().expect("a key");
    let transaction = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 1_000_000,
        max_fee_per_gas: 1_000_000,
        to: to.into(),
        input: Bytes::from(data),
        ..TxEip1559::default()
    };
    let signature = signer.sign_hash_sync(&transaction.signature_hash()).expect("a signature");
    let signed = TxEnvelope::from(transaction.into_signed(signature));
    let hash: B256 = node.submit(&signed.encoded_2718()).expect("it is taken");
    let runtime = Runtime::new().expect("a runtime");
    let inclusion = runtime.block_on(node.wait_for(hash)).expect("it gets into a block");
    assert!(inclusion.receipt.status(), "the set-up works");
}
