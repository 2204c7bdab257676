//! A node with a server, and keys with funds.

use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_eips::eip2718::Encodable2718;
use alloy_network::{EthereumWallet, TxSignerSync};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_provider::{DynProvider, Provider, ProviderBuilder};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_signer_local::PrivateKeySigner;
use execution::{BaseFeeRule, Genesis, GenesisAccount};
use node::{Node, NodeConfig};
use rpc::{Handle, Options};
use std::{net::SocketAddr, path::Path, time::Duration};
use tempfile::TempDir;

pub(crate) const CHAIN_ID: u64 = 4_242;
pub(crate) const RECEIVER: Address = Address::repeat_byte(0xaa);
pub(crate) const START_BALANCE: u128 = 10_u128.pow(24);
/// Longer than any test.
pub(crate) const FOREVER: Duration = Duration::from_secs(3_600);

pub(crate) fn key(index: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(index)).unwrap()
}

pub(crate) fn genesis() -> Genesis {
    let balance = U256::from(START_BALANCE);
    let rich = GenesisAccount { balance, ..GenesisAccount::default() };
    Genesis {
        chain_id: CHAIN_ID,
        timestamp: 1_000,
        gas_limit: 30_000_000,
        base_fee: BaseFeeRule { initial: 1_000, minimum: 7, change_denominator: 8, elasticity: 2 },
        fee_recipient: Address::repeat_byte(0xbe),
        commitment: 2,
        revisions: execution::Schedule::FIRST,
        referees: None,
        price_reporters: None,
        accounts: (1..=4).map(|index| (key(index).address(), rich.clone())).collect(),
    }
}

pub(crate) fn config(directory: &Path) -> NodeConfig {
    NodeConfig { batching: Duration::ZERO, ..NodeConfig::new(directory, Some(genesis())) }
}

pub(crate) fn transfer(nonce: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 1_000_000,
        max_priority_fee_per_gas: 3,
        to: TxKind::Call(RECEIVER),
        value: U256::from(5),
        ..TxEip1559::default()
    }
}

pub(crate) fn sign(sender: u8, mut transaction: TxEip1559) -> Vec<u8> {
    let signature = key(sender).sign_transaction_sync(&mut transaction).unwrap();
    transaction.into_signed(signature).encoded_2718()
}

pub(crate) fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// A node, its server, and a client that signs for key 1.
pub(crate) struct Served {
    pub(crate) node: Node,
    pub(crate) handle: Handle,
    pub(crate) provider: DynProvider,
    pub(crate) directory: TempDir,
}

impl Served {
    pub(crate) async fn start() -> Self {
        Self::with(|config| config).await
    }

    pub(crate) async fn with(change: impl FnOnce(NodeConfig) -> NodeConfig) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let node = Node::open(change(config(directory.path()))).unwrap();
        let handle = rpc::serve(node.clone(), any_port(), Options::STANDARD).await.unwrap();
        let provider = provider(handle.local_addr());
        Self { node, handle, provider, directory }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.handle.local_addr()
    }

    /// Deploys `code`; returns its address.
    pub(crate) async fn deploy(&self, code: &[u8]) -> Address {
        let request = TransactionRequest::default().input(creation(code).into()).create();
        let pending = self.provider.send_transaction(request).await.unwrap();
        let receipt = wait(&self.node, &self.provider, *pending.tx_hash()).await;
        assert!(receipt.status());
        receipt.contract_address.unwrap()
    }
}

/// Waits on the node, not by polling, then requests the receipt over JSON-RPC.
pub(crate) async fn wait(
    node: &Node,
    provider: &DynProvider,
    hash: B256,
) -> alloy_rpc_types_eth::TransactionReceipt {
    node.wait_for(hash).await.unwrap();
    provider.get_transaction_receipt(hash).await.unwrap().unwrap()
}

pub(crate) fn provider(address: SocketAddr) -> DynProvider {
    let url = format!("http://{address}").parse().unwrap();
    // As in `ledger-client`: in a build of the whole workspace the HTTP client needs a TLS provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    ProviderBuilder::new().wallet(EthereumWallet::from(key(1))).connect_http(url).erased()
}

/// Returns creation code that returns `code`.
fn creation(code: &[u8]) -> Bytes {
    let mut creation = vec![0x60, u8::try_from(code.len()).unwrap()];
    creation.extend_from_slice(&[0x80, 0x60, 0x09, 0x5f, 0x39, 0x5f, 0xf3]);
    creation.extend_from_slice(code);
    creation.into()
}
