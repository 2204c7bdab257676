//! Builds blocks for the tests of the store.

use alloy_consensus::{Signed, TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, bytes};
use execution::{
    BaseFeeRule, BlockInput, ExecutedBlock, Genesis, GenesisAccount, Transaction, execute_block,
};
use std::path::Path;
use store::Store;

pub(crate) const SENDER: Address = Address::repeat_byte(0x11);
/// A contract that adds one to slot 0 and to the slot of the block number, and emits a log.
pub(crate) const COUNTER: Address = Address::repeat_byte(0xcc);
const COUNTER_CODE: Bytes = bytes!("60015f54015f55 435f54 81 55 5f5f a0 00");

pub(crate) fn genesis() -> Genesis {
    let rich = GenesisAccount { balance: U256::from(1_u128 << 100), ..GenesisAccount::default() };
    let counter = GenesisAccount { code: COUNTER_CODE, ..GenesisAccount::default() };
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
        accounts: [(SENDER, rich), (COUNTER, counter)].into(),
    }
}

pub(crate) fn opened(directory: &Path) -> Store {
    let store = Store::open(directory).unwrap();
    store.initialize(&genesis()).unwrap();
    store
}

/// Returns a transaction with a given sender: the store and the EVM do not check signatures.
pub(crate) fn transaction(nonce: u64, to: TxKind, input: Bytes) -> Recovered<Transaction> {
    let transaction = TxEip1559 {
        chain_id: 7,
        nonce,
        gas_limit: 150_000,
        max_fee_per_gas: 1_000_000,
        max_priority_fee_per_gas: 1,
        to,
        value: U256::ZERO,
        input,
        ..TxEip1559::default()
    };
    let signed = Signed::new_unhashed(transaction, Signature::test_signature());
    Recovered::new_unchecked(signed.into(), SENDER)
}

/// Returns the block after the head: two counts, a transfer to a new account, a deployment.
pub(crate) fn next_block(store: &Store) -> ExecutedBlock {
    let reader = store.reader().unwrap();
    let nonce = reader.account(&SENDER).unwrap().unwrap().nonce;
    let number = reader.head().number + 1;
    let fresh = Address::from_word(B256::from(U256::from(number)));
    // Creation code that returns the block number as a byte, so each block has new code.
    let creation = bytes!("435f53 60015ff3");
    let transactions = [
        transaction(nonce, TxKind::Call(COUNTER), Bytes::new()),
        transaction(nonce + 1, TxKind::Call(fresh), Bytes::new()),
        transaction(nonce + 2, TxKind::Create, creation),
        transaction(nonce + 3, TxKind::Call(COUNTER), Bytes::new()),
    ];
    let input = BlockInput {
        timestamp: reader.head().timestamp,
        prevrandao: B256::repeat_byte(1),
        beneficiary: fresh,
        extra_data: Bytes::new(),
        proof: Bytes::from_static(b"proof"),
        deviations: execution::Deviations::default(),
    };
    let built =
        execute_block(&reader.as_parent(), &genesis().rules(), &input, &transactions).unwrap();
    assert!(built.refused.is_empty(), "{:?}", built.refused);
    built.block
}

/// Builds and commits `count` blocks.
pub(crate) fn grow(store: &Store, count: u64) -> Vec<ExecutedBlock> {
    (0..count)
        .map(|_| {
            let block = next_block(store);
            store.commit(&block).unwrap();
            block
        })
        .collect()
}
