//! A small chain, its keys, and a clock set by the test.

use alloy_consensus::{SignableTransaction, Signed, TxEip1559};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Signature, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use execution::{BaseFeeRule, Genesis, GenesisAccount, Transaction};
use node::{Clock, Node, NodeConfig};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

pub(crate) const CHAIN_ID: u64 = 4_242;
pub(crate) const RECEIVER: Address = Address::repeat_byte(0xaa);
/// Longer than any test.
pub(crate) const FOREVER: Duration = Duration::from_secs(3_600);

pub(crate) struct ManualClock(AtomicU64);

impl ManualClock {
    pub(crate) fn at(seconds: u64) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(seconds)))
    }

    pub(crate) fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

pub(crate) fn genesis() -> Genesis {
    let rich = GenesisAccount { balance: U256::from(10_u128.pow(24)), ..GenesisAccount::default() };
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
        accounts: (1..=4)
            .map(|index| (key(index).address(), rich.clone()))
            .collect::<BTreeMap<_, _>>(),
    }
}

pub(crate) fn config(directory: &Path) -> NodeConfig {
    NodeConfig {
        batching: Duration::ZERO,
        clock: ManualClock::at(2_000),
        ..NodeConfig::new(directory, Some(genesis()))
    }
}

pub(crate) fn open(directory: &Path) -> Node {
    Node::open(config(directory)).unwrap()
}

pub(crate) fn key(index: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(index)).unwrap()
}

pub(crate) fn transfer(nonce: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 1_000_000,
        max_priority_fee_per_gas: 3,
        to: TxKind::Call(RECEIVER),
        value: U256::from(1),
        ..TxEip1559::default()
    }
}

pub(crate) fn sign<T>(sender: u8, transaction: T) -> (B256, Vec<u8>)
where
    T: SignableTransaction<Signature>,
    Signed<T>: Into<Transaction>,
{
    let signature = key(sender).sign_hash_sync(&transaction.signature_hash()).unwrap();
    let signed: Transaction = transaction.into_signed(signature).into();
    (*signed.tx_hash(), signed.encoded_2718())
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Submits a transaction and waits; returns the height of its block.
pub(crate) fn include(node: &Node, sender: u8, transaction: TxEip1559) -> u64 {
    let (hash, bytes) = sign(sender, transaction);
    assert_eq!(node.submit(&bytes).unwrap(), hash);
    let inclusion = block_on(node.wait_for(hash)).unwrap();
    assert!(inclusion.receipt.status());
    inclusion.block_number
}

pub(crate) fn balance(node: &Node, address: &Address) -> U256 {
    node.reader().unwrap().account(address).unwrap().map_or(U256::ZERO, |account| account.balance)
}
