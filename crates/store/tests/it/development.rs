//! Tests of development ledgers: going back, and changing the state without a block.

use crate::{
    chain::{genesis, grow},
    growth::{account, address},
};
use alloy_primitives::{B256, U256};
use execution::{Change, StateChanges};
use std::path::Path;
use store::{Store, StoreError, StoreOptions};

const DEVELOPMENT: StoreOptions =
    StoreOptions { past_states_max: 1, blocks_max: Some(1), is_development: true };

fn opened(directory: &Path) -> Store {
    let store = Store::open_with(directory, DEVELOPMENT).unwrap();
    store.initialize(&genesis()).unwrap();
    store
}

fn head(store: &Store) -> (u64, B256) {
    let reader = store.reader().unwrap();
    (reader.head().number, reader.head().hash())
}

/// Replaces the nonce of an account.
fn amend(store: &Store, index: u64, nonce: u64) {
    let before = store.reader().unwrap().account(&address(index)).unwrap();
    let change = Change { before, after: Some(account(nonce)) };
    let accounts = [(address(index), change)].into();
    store.amend(&StateChanges { accounts, ..StateChanges::default() }).unwrap();
}

fn nonce(store: &Store, index: u64) -> Option<u64> {
    store.reader().unwrap().account(&address(index)).unwrap().map(|account| account.nonce)
}

#[test]
fn it_reverts_to_a_mark_and_continues() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path());
    grow(&store, 2);
    amend(&store, 1, 5);
    let (first, then) = (store.mark().unwrap(), head(&store));
    let roots = |store: &Store| store.reader().unwrap().commitment().root();
    let root = roots(&store);
    amend(&store, 1, 6);
    let second = store.mark().unwrap();
    let blocks = grow(&store, 3);
    let gone = blocks[1].transactions[0].tx_hash();
    let other_root = roots(&store);
    assert_eq!(nonce(&store, 1), Some(6));
    store.rewind(first).unwrap();

    assert_eq!((head(&store), roots(&store)), (then, root));
    assert_eq!(nonce(&store, 1), Some(5));
    let reader = store.reader().unwrap();
    assert!(reader.header(3).unwrap().is_none());
    assert!(reader.block_number(&blocks[0].hash).unwrap().is_none());
    assert!(reader.locate(gone).unwrap().is_none());
    for used_up in [first, second] {
        assert!(matches!(store.rewind(used_up), Err(StoreError::NotAllowed { .. })));
    }
    amend(&store, 1, 6);
    grow(&store, 3);
    assert_eq!(roots(&store), other_root, "the same changes must give the same state");
    store.verify().unwrap();
    drop(store);
    let store = opened(directory.path());
    assert_eq!(roots(&store), other_root);
    let reader = store.reader().unwrap();
    assert_eq!(reader.oldest_state(), 0, "all states are kept");
    let amended = reader.at(2).unwrap().unwrap();
    assert_eq!(amended.account(&address(1)).unwrap(), Some(account(6)));
    assert_eq!(reader.at(1).unwrap().unwrap().account(&address(1)).unwrap(), None);
}

#[test]
fn it_resets_to_genesis_also_after_amendments_and_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path());
    let root = |store: &Store| store.reader().unwrap().commitment().root();
    let (began, root_then) = (head(&store), root(&store));
    // Enough writes for buckets to be cleaned, if that were allowed.
    for nonce in 1..3_000 {
        amend(&store, nonce % 7, nonce);
    }
    grow(&store, 3);
    drop(store);
    let store = opened(directory.path());
    let mark = store.mark().unwrap();
    store.rewind_to_beginning().unwrap();
    assert_eq!((head(&store), root(&store)), (began, root_then));
    assert!(matches!(store.rewind(mark), Err(StoreError::NotAllowed { .. })));
    grow(&store, 2);
    store.verify().unwrap();
    drop(store);
    assert_eq!(head(&opened(directory.path())).0, 2);
}

#[test]
fn a_change_of_another_state_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path());
    let (root, mark) = (store.reader().unwrap().commitment().root(), store.mark().unwrap());
    let change = Change { before: U256::from(1), after: U256::from(2) };
    let slots = [((address(1), U256::ZERO), change)].into();
    let stale = StateChanges { slots, ..StateChanges::default() };
    assert!(matches!(store.amend(&stale), Err(StoreError::StaleState { number: 0 })));
    assert_eq!(store.reader().unwrap().commitment().root(), root);
    store.rewind(mark).unwrap();
    assert_eq!(store.reader().unwrap().commitment().root(), root);
}

#[test]
fn a_development_ledger_can_not_be_opened_as_a_production_ledger() {
    let (mine, meant) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop(opened(mine.path()));
    drop(Store::open(meant.path()).unwrap());
    let refused = |directory: &Path, options| match Store::open_with(directory, options) {
        Err(StoreError::Purpose { found, .. }) => found,
        _ => panic!("opened"),
    };
    assert!(refused(mine.path(), StoreOptions::default()));
    assert!(!refused(meant.path(), DEVELOPMENT));
    drop(opened(mine.path()));
}
