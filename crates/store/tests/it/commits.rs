use crate::chain::{COUNTER, SENDER, genesis, grow, next_block, opened};
use alloy_primitives::{Address, B256, U256, keccak256};
use execution::Genesis;
use revm::DatabaseRef;
use store::{Store, StoreError, TransactionLocation};

#[test]
fn committed_blocks_are_read_back_also_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path());
    let blocks = grow(&store, 3);
    drop(store);
    let store = opened(directory.path());
    let reader = store.reader().unwrap();

    assert_eq!(reader.head().hash(), blocks[2].hash);
    assert_eq!(reader.commitment(), &blocks[2].moved.commitment);
    for expected in &blocks {
        let number = expected.header.number;
        let block = reader.block(number).unwrap().unwrap();
        assert_eq!(*block.header, expected.header);
        assert_eq!(block.transactions, expected.transactions);
        assert_eq!(reader.receipts(number).unwrap().as_ref(), Some(&expected.receipts));
        assert_eq!(reader.block_number(&expected.hash).unwrap(), Some(number));
        assert_eq!(reader.block_hash_ref(number).unwrap(), expected.hash);
        for (index, transaction) in expected.transactions.iter().enumerate() {
            let location = TransactionLocation { block_number: number, index };
            assert_eq!(reader.locate(transaction.tx_hash()).unwrap(), Some(location));
            assert_eq!(reader.transaction(number, index).unwrap().as_ref(), Some(transaction));
            let receipt = reader.receipt(number, index).unwrap();
            assert_eq!(receipt.as_ref(), expected.receipts.get(index));
        }
        let count = expected.transactions.len();
        for index in [count, count + 1] {
            assert_eq!(reader.transaction(number, index).unwrap(), None);
            assert_eq!(reader.receipt(number, index).unwrap(), None);
        }
        assert_eq!(reader.slot(&COUNTER, &U256::from(number)).unwrap(), U256::from(2 * number));
    }
    assert_eq!(reader.account(&SENDER).unwrap().unwrap().nonce, 12);
    assert_eq!(reader.slot(&COUNTER, &U256::ZERO).unwrap(), U256::from(6));
    let deployed = reader.account(&SENDER.create(2)).unwrap().unwrap();
    assert_eq!(reader.code(&deployed.code_hash).unwrap().as_ref(), [1]);
    assert_eq!(reader.code_by_hash_ref(keccak256([1])).unwrap().original_byte_slice(), [1]);
    store.verify().unwrap();
}

#[test]
fn missing_items_are_not_found() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path());
    let reader = store.reader().unwrap();
    assert_eq!(reader.head().number, 0);
    assert!(reader.block(1).unwrap().is_none());
    assert!(reader.header(1).unwrap().is_none());
    assert!(reader.receipts(1).unwrap().is_none());
    assert!(reader.transaction(1, 0).unwrap().is_none());
    assert!(reader.receipt(1, 0).unwrap().is_none());
    assert!(reader.locate(&B256::ZERO).unwrap().is_none());
    assert!(reader.block_number(&B256::ZERO).unwrap().is_none());
    assert!(reader.account(&Address::ZERO).unwrap().is_none());
    assert_eq!(reader.slot(&COUNTER, &U256::MAX).unwrap(), U256::ZERO);
    assert_eq!(reader.block_hash_ref(1).unwrap(), B256::ZERO);
    assert!(reader.code(&B256::ZERO).is_err());
}

#[test]
fn a_snapshot_does_not_move() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path());
    grow(&store, 1);
    let old = store.reader().unwrap();
    let later = grow(&store, 2);
    assert_eq!(old.head().number, 1);
    assert_eq!(old.slot(&COUNTER, &U256::ZERO).unwrap(), U256::from(2));
    assert!(old.block(2).unwrap().is_none());
    assert!(old.locate(later[0].transactions[0].tx_hash()).unwrap().is_none());
    assert_eq!(old.commitment().root(), old.head().state_root);
    assert_eq!(store.reader().unwrap().slot(&COUNTER, &U256::ZERO).unwrap(), U256::from(6));
}

#[test]
fn a_second_open_names_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path());
    let Err(error) = Store::open(directory.path()) else { panic!("opened twice") };
    assert!(
        matches!(&error, StoreError::AlreadyOpen { directory: named } if named == directory.path())
    );
    let name = directory.path().display().to_string();
    assert!(error.to_string().contains(&format!("{name} is already open")), "{error}");
    grow(&store, 1);
    drop(store);
    assert_eq!(opened(directory.path()).reader().unwrap().head().number, 1);
}

#[test]
fn a_chain_begins_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    assert!(matches!(store.reader(), Err(StoreError::Empty { .. })));
    assert!(matches!(store.genesis(), Ok(None)));
    store.initialize(&genesis()).unwrap();
    let block = next_block(&store);
    store.commit(&block).unwrap();
    store.initialize(&genesis()).unwrap();
    assert_eq!(store.reader().unwrap().head().number, 1, "initializing again changes nothing");
    assert_eq!(store.genesis().unwrap(), Some(genesis()));
    let other = Genesis { chain_id: 8, ..genesis() };
    let Err(StoreError::GenesisMismatch { found, expected, .. }) = store.initialize(&other) else {
        panic!("another chain was accepted")
    };
    assert_eq!(found, genesis().block().unwrap().hash);
    assert_eq!(expected, other.block().unwrap().hash);
}

#[test]
fn a_block_that_does_not_fit_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path());
    let first = next_block(&store);
    store.commit(&first).unwrap();
    let second = next_block(&store);
    let head = |store: &Store| store.reader().unwrap().head().hash();

    assert!(matches!(
        store.commit(&first),
        Err(StoreError::NotNext { number: 1, head_number: 1, .. })
    ));
    let mut gap = second.clone();
    gap.header.number = 3;
    gap.hash = gap.header.hash_slow();
    assert!(matches!(store.commit(&gap), Err(StoreError::NotNext { number: 3, .. })));
    let mut fork = second.clone();
    fork.header.parent_hash = B256::repeat_byte(1);
    fork.hash = fork.header.hash_slow();
    assert!(matches!(store.commit(&fork), Err(StoreError::NotNext { number: 2, .. })));
    let mut renamed = second.clone();
    renamed.hash = B256::ZERO;
    assert!(matches!(store.commit(&renamed), Err(StoreError::Inconsistent { number: 2, .. })));
    let mut uncommitted = second.clone();
    uncommitted.moved.commitment = first.moved.commitment.clone();
    assert!(matches!(store.commit(&uncommitted), Err(StoreError::Inconsistent { number: 2, .. })));
    let mut stale = second.clone();
    stale.moved.base_id -= 1;
    assert!(matches!(store.commit(&stale), Err(StoreError::StaleState { number: 2 })));

    assert_eq!(head(&store), first.hash);
    store.verify().unwrap();
    store.commit(&second).unwrap();
    assert_eq!(head(&store), second.hash);
    store.verify().unwrap();
}
