//! Tests of pruning.

use crate::chain::{genesis, grow};
use std::path::Path;
use store::{Store, StoreOptions};

fn opened(directory: &Path, blocks_max: Option<u64>, past_states_max: u64) -> Store {
    let options = StoreOptions { past_states_max, blocks_max, ..StoreOptions::default() };
    let store = Store::open_with(directory, options).unwrap();
    store.initialize(&genesis()).unwrap();
    store
}

/// Checks what exists of each block: everything from `first` on and of the genesis block, and headers from 255 before
/// `first`.
#[track_caller]
fn check(store: &Store, first: u64) {
    store.verify().unwrap();
    let reader = store.reader().unwrap();
    assert_eq!(reader.first_block(), first);
    for number in 0..=reader.head().number {
        let is_whole = number == 0 || number >= first;
        assert_eq!(reader.block(number).unwrap().is_some(), is_whole, "block {number}");
        assert_eq!(reader.receipts(number).unwrap().is_some(), is_whole, "receipts {number}");
        let has_header = is_whole || number + 255 >= first;
        assert_eq!(reader.header(number).unwrap().is_some(), has_header, "header {number}");
    }
    assert!(reader.oldest_state() >= first.min(reader.head().number));
}

#[test]
fn only_the_newest_blocks_are_kept_and_the_state_is_as_if_all_were() {
    let (pruned, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (store, other) = (opened(pruned.path(), Some(10), 4), opened(whole.path(), None, 4));
    let mut gone = Vec::new();
    for count in [1, 8, 1, 1, 20, 260, 30] {
        gone.extend(grow(&store, count));
        grow(&other, count);
        let head = store.reader().unwrap().head().clone();
        assert_eq!(head, *other.reader().unwrap().head());
        let first = (head.number + 1).saturating_sub(10);
        check(&store, if first > 1 { first } else { 0 });
    }
    let reader = store.reader().unwrap();
    let early = &gone[5];
    assert_eq!(reader.locate(early.transactions[0].tx_hash()).unwrap(), None);
    assert_eq!(reader.block_number(&early.hash).unwrap(), None);
    drop(reader);
    drop(store);
    let again = opened(pruned.path(), Some(10), 4);
    check(&again, 312);
    grow(&again, 1);
    check(&again, 313);
}

#[test]
fn a_ledger_can_start_to_prune_and_later_keep_more() {
    let directory = tempfile::tempdir().unwrap();
    grow(&opened(directory.path(), None, 4), 100);
    let store = opened(directory.path(), Some(10), 4);
    grow(&store, 1);
    check(&store, 17);
    grow(&store, 5);
    check(&store, 97);
    drop(store);
    let store = opened(directory.path(), Some(40), 4);
    grow(&store, 3);
    check(&store, 97);
    drop(store);
    let store = opened(directory.path(), None, 4);
    grow(&store, 50);
    check(&store, 97);
}

#[test]
fn a_block_with_a_kept_state_is_not_pruned() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path(), Some(1), 30);
    grow(&store, 100);
    check(&store, 70);
    assert!(store.reader().unwrap().at(70).unwrap().is_some());
}

#[test]
fn a_pruned_ledger_can_be_exported() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(&directory.path().join("pruned"), Some(5), 2);
    grow(&store, 300);
    let mut bytes = Vec::new();
    store.export().unwrap().write(&mut bytes, &mut |_| ()).unwrap();
    let path = directory.path().join("new");
    store::import(&path, &bytes[..], None, &mut |_| ()).unwrap();
    let new = opened(&path, Some(5), 2);
    check(&new, 300);
    grow(&new, 20);
    check(&new, 316);
}
