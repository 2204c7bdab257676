//! Blocks with made-up transactions and events: the index looks at them, not at what led to them.

use alloy_consensus::{
    Eip658Value, Header, Receipt, ReceiptEnvelope, Signed, TxEip1559, proofs,
    transaction::Recovered,
};
use alloy_primitives::{Address, B256, Bytes, Log, Signature, TxKind, U256};
use execution::{BaseFeeRule, ExecutedBlock, Genesis, StateChanges, Transaction};
use history::{Index, Progress};
use std::{path::Path, sync::Arc};
use store::{Reader, Store, StoreOptions};

/// An account.
pub(crate) const A: Address = Address::repeat_byte(0x11);
/// Another account.
pub(crate) const B: Address = Address::repeat_byte(0x22);
/// A contract.
pub(crate) const TOKEN: Address = Address::repeat_byte(0x33);
/// All of them, so few that they meet often.
pub(crate) const ACCOUNTS: [Address; 4] = [Address::ZERO, A, B, TOKEN];
/// Signature of ERC-20's `Transfer(address,address,uint256)`.
pub(crate) const TRANSFER: B256 =
    alloy_primitives::b256!("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

pub(crate) const DEVELOPMENT: StoreOptions =
    StoreOptions { past_states_max: 1, blocks_max: None, is_development: true };

/// A transaction to be.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) from: Address,
    /// `None` creates a contract.
    pub(crate) to: Option<Address>,
    pub(crate) value: u64,
    pub(crate) is_successful: bool,
    pub(crate) logs: Vec<Log>,
}

impl Draft {
    pub(crate) fn value(from: Address, to: Address, value: u64) -> Self {
        Self { from, to: Some(to), value, is_successful: true, logs: Vec::new() }
    }

    pub(crate) fn logs(from: Address, logs: Vec<Log>) -> Self {
        Self { from, to: Some(ACCOUNTS[3]), value: 0, is_successful: true, logs }
    }
}

pub(crate) fn transfer_log(token: Address, from: Address, to: Address, amount: u64) -> Log {
    let topics = vec![TRANSFER, from.into_word(), to.into_word()];
    Log::new_unchecked(token, topics, U256::from(amount).to_be_bytes::<32>().into())
}

pub(crate) fn genesis() -> Genesis {
    Genesis {
        chain_id: 7,
        timestamp: 1_000,
        gas_limit: 30_000_000,
        base_fee: BaseFeeRule { initial: 1_000, minimum: 7, change_denominator: 8, elasticity: 2 },
        fee_recipient: Address::repeat_byte(0xbe),
        commitment: 2,
        revisions: execution::Schedule::FIRST,
        referees: None,
        price_reporters: None,
        accounts: [].into(),
    }
}

pub(crate) fn opened(directory: &Path, options: StoreOptions) -> Store {
    let store = Store::open_with(directory, options).unwrap();
    store.initialize(&genesis()).unwrap();
    store
}

/// Adds a block. `salt` makes it unlike any other of the same height.
pub(crate) fn add(store: &Store, salt: u64, drafts: &[Draft]) {
    let reader = store.reader().unwrap();
    let number = reader.head().number + 1;
    let transactions: Vec<_> = (0_u64..)
        .zip(drafts)
        .map(|(index, draft)| transaction(draft, (salt << 32) + (number << 16) + index))
        .collect();
    let receipts: Vec<_> = drafts.iter().map(receipt).collect();
    let changes = StateChanges::default();
    let moved = reader.commitment().apply(&changes, &reader).unwrap();
    let header = Header {
        parent_hash: reader.head().hash(),
        number,
        timestamp: reader.head().timestamp + 1,
        state_root: moved.commitment.root(),
        transactions_root: proofs::calculate_transaction_root(&transactions),
        receipts_root: proofs::calculate_receipt_root(&receipts),
        mix_hash: B256::from(U256::from(salt)),
        ..reader.head().inner().clone()
    };
    let (hash, proof) = (header.hash_slow(), Bytes::new());
    let block = ExecutedBlock { header, hash, proof, transactions, receipts, changes, moved };
    drop(reader);
    store.commit(&block).unwrap();
}

pub(crate) fn add_empty(store: &Store, count: u64) {
    (0..count).for_each(|_| add(store, 0, &[]));
}

fn transaction(draft: &Draft, nonce: u64) -> Recovered<Transaction> {
    let transaction = TxEip1559 {
        chain_id: 7,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 1_000_000,
        to: draft.to.map_or(TxKind::Create, TxKind::Call),
        value: U256::from(draft.value),
        input: Bytes::from_static(&[1, 2, 3, 4]),
        ..TxEip1559::default()
    };
    let signed = Signed::new_unhashed(transaction, Signature::test_signature());
    Recovered::new_unchecked(signed.into(), draft.from)
}

fn receipt(draft: &Draft) -> ReceiptEnvelope {
    let logs = if draft.is_successful { draft.logs.clone() } else { Vec::new() };
    let status = Eip658Value::Eip658(draft.is_successful);
    ReceiptEnvelope::Eip1559(Receipt { status, cumulative_gas_used: 21_000, logs }.with_bloom())
}

pub(crate) fn reader(store: &Store) -> Arc<Reader> {
    Arc::new(store.reader().unwrap())
}

/// Takes steps until there is nothing more to do.
pub(crate) fn catch_up(index: &Index, store: &Store) -> Progress {
    for _ in 0..10_000 {
        let progress = index.advance(&store.reader().unwrap()).unwrap();
        if !progress.is_behind {
            assert_eq!(progress.next, progress.head + 1);
            return progress;
        }
    }
    panic!("it does not get to an end");
}
