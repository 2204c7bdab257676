//! The states of the newest blocks stay readable, also after the ledger was opened again.

use crate::{
    chain::genesis,
    growth::{Numbers, address, write},
};
use alloy_primitives::Address;
use execution::AccountState;
use std::{collections::BTreeMap, path::Path};
use store::{Reader, Store, StoreError, StoreOptions};

type Plain = BTreeMap<Address, AccountState>;

fn opened(directory: &Path, past_states_max: u64) -> Store {
    let options = StoreOptions { past_states_max, ..StoreOptions::default() };
    let store = Store::open_with(directory, options).unwrap();
    store.initialize(&genesis()).unwrap();
    store
}

fn check(state: &Reader, expected: &Plain) {
    assert_eq!(state.commitment().root(), state.head().state_root);
    for index in 0..3_000 {
        let address = address(index);
        assert_eq!(state.account(&address).unwrap(), expected.get(&address).copied());
    }
}

/// Checks all kept states; `states` are those after each block, from the first.
fn check_all(store: &Store, states: &[Plain], past_states_max: usize) {
    let reader = store.reader().unwrap();
    let head = states.len() - 1;
    assert_eq!(reader.head().number, head as u64);
    let oldest = head.saturating_sub(past_states_max);
    assert_eq!(reader.oldest_state(), oldest as u64);
    for (number, expected) in states.iter().enumerate() {
        let state = reader.at(number as u64).unwrap();
        assert_eq!(state.is_some(), number >= oldest, "{number} of {oldest} to {head}");
        if let Some(state) = state {
            assert_eq!(state.head().number, number as u64);
            assert!(state.at(number as u64 + 1).unwrap().is_none(), "later states are not there");
            check(&state, expected);
        }
    }
    assert!(reader.at(head as u64 + 1).unwrap().is_none());
}

/// 90 blocks write enough for buckets to be cleaned.
#[test]
fn each_kept_state_is_what_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let (mut numbers, mut plain) = (Numbers(11), Plain::new());
    let mut states = vec![plain.clone()];
    for past_states_max in [20, 7, 30] {
        let store = opened(directory.path(), past_states_max);
        for _ in 0..30 {
            write(&store, &mut numbers, &mut plain);
            states.push(plain.clone());
        }
        let past_states_max = usize::try_from(past_states_max).unwrap();
        check_all(&store, &states, past_states_max);
    }
    // Opened with a lower limit: states above it are removed with the next block.
    let store = opened(directory.path(), 2);
    check_all(&store, &states, 30);
    store.verify().unwrap();
    let before = store.reader().unwrap();
    write(&store, &mut numbers, &mut plain);
    states.push(plain.clone());
    check_all(&store, &states, 2);
    assert!(before.at(before.head().number).unwrap().is_some());
    store.verify().unwrap();
}

#[test]
fn only_a_development_ledger_reverts() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path(), 2);
    assert!(matches!(store.mark(), Err(StoreError::NotAllowed { .. })));
    let nothing = execution::StateChanges::default();
    assert!(matches!(store.amend(&nothing), Err(StoreError::NotAllowed { .. })));
}
