//! The file never grows much beyond its state, and the state is what was written.

use crate::chain::{genesis, opened};
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use execution::{AccountState, Change, ExecutedBlock, StateChanges};
use redb::{Database, ReadableDatabase, ReadableTableMetadata, TableDefinition};
use std::collections::BTreeMap;
use store::{Store, StoreError, StoreOptions};

/// Returns a block with these changes, as if transactions had made them.
pub(crate) fn block_of(store: &Store, changes: StateChanges) -> ExecutedBlock {
    let reader = store.reader().unwrap();
    let moved = reader.commitment().apply(&changes, &reader).unwrap();
    let header = Header {
        parent_hash: reader.head().hash(),
        number: reader.head().number + 1,
        state_root: moved.commitment.root(),
        ..reader.head().inner().clone()
    };
    let (transactions, receipts) = (Vec::new(), Vec::new());
    let header = Header {
        transactions_root: alloy_consensus::EMPTY_ROOT_HASH,
        receipts_root: alloy_consensus::EMPTY_ROOT_HASH,
        ..header
    };
    let (hash, proof) = (header.hash_slow(), Bytes::new());
    ExecutedBlock { header, hash, proof, transactions, receipts, changes, moved }
}

pub(crate) fn account(nonce: u64) -> AccountState {
    AccountState { nonce, balance: U256::from(1_000_000 * nonce), code_hash: KECCAK256_EMPTY }
}

pub(crate) fn address(index: u64) -> Address {
    Address::from_word(B256::from(U256::from(index + 0x0100_0000)))
}

/// Pseudo-random numbers, the same in every run (xorshift).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Commits blocks that change the nonces of some accounts and remove others.
pub(crate) fn write(
    store: &Store,
    numbers: &mut Numbers,
    plain: &mut BTreeMap<Address, AccountState>,
) {
    let mut changes = StateChanges::default();
    for _ in 0..150 {
        let address = address(numbers.below(3_000));
        let before = plain.get(&address).copied();
        let nonce = before.map_or(1, |account| account.nonce + 1);
        let after = (numbers.below(4) != 0).then(|| account(nonce));
        if before != after && !changes.accounts.contains_key(&address) {
            changes.accounts.insert(address, Change { before, after });
        }
    }
    for (address, change) in &changes.accounts {
        match change.after {
            Some(after) => plain.insert(*address, after),
            None => plain.remove(address),
        };
    }
    store.commit(&block_of(store, changes)).unwrap();
}

#[test]
fn dead_buckets_do_not_pile_up() {
    const BUCKETS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("buckets");
    let directory = tempfile::tempdir().unwrap();
    let mut numbers = Numbers(7);
    let mut plain = BTreeMap::new();
    let options = StoreOptions { past_states_max: 0, ..StoreOptions::default() };
    let reopened = || {
        let store = Store::open_with(directory.path(), options).unwrap();
        store.initialize(&genesis()).unwrap();
        store
    };
    let mut store = reopened();
    let mut written = 0;
    for round in 0..6 {
        let old = store.reader().unwrap();
        for _ in 0..15 {
            write(&store, &mut numbers, &mut plain);
        }
        assert_eq!(old.head().number, 15 * round);
        assert!(old.commitment().next_id() < store.reader().unwrap().commitment().next_id());
        drop(old);
        let before = store.reader().unwrap().commitment().clone();
        drop(store);
        let database = Database::open(directory.path().join("ledger.redb")).unwrap();
        let snapshot = database.begin_read().unwrap();
        let kept = snapshot.open_table(BUCKETS).unwrap().len().unwrap();
        let live = before.live_count();
        // A block may add its own writes beyond the bound.
        assert!((live..=2 * live + 1_024 + 300).contains(&kept), "{kept} kept, {live} live");
        drop((snapshot, database));
        store = reopened();
        let reader = store.reader().unwrap();
        assert_eq!(reader.commitment(), &before, "the same tree is found again");
        for index in 0..3_000 {
            let expected = plain.get(&address(index)).copied();
            assert_eq!(reader.account(&address(index)).unwrap(), expected);
        }
        written = before.next_id();
    }
    assert!(written > 5 * 1_024, "there must be enough to clean: {written}");
    store.verify().unwrap();
}

/// Checks that an old reader keeps its state while many blocks are written and cleaned.
#[test]
fn an_old_reader_keeps_its_buckets() {
    let directory = tempfile::tempdir().unwrap();
    let (mut numbers, mut plain) = (Numbers(9), BTreeMap::new());
    let store = opened(directory.path());
    for _ in 0..20 {
        write(&store, &mut numbers, &mut plain);
    }
    let (old, then) = (store.reader().unwrap(), plain.clone());
    for _ in 0..40 {
        write(&store, &mut numbers, &mut plain);
    }
    assert_ne!(then, plain);
    for index in 0..3_000 {
        assert_eq!(old.account(&address(index)).unwrap(), then.get(&address(index)).copied());
    }
}

/// Checks two blocks on one parent, and a block on buckets that were moved since.
#[test]
fn a_block_on_another_state_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path());
    let change = |nonce| {
        let change = Change { before: None, after: Some(account(nonce)) };
        StateChanges { accounts: [(address(1), change)].into(), ..StateChanges::default() }
    };
    let (one, other) = (block_of(&store, change(1)), block_of(&store, change(2)));
    let mut forged = block_of(&store, change(3));
    forged.moved.base_id += 1;
    assert!(matches!(store.commit(&forged), Err(StoreError::StaleState { number: 1 })));
    store.commit(&one).unwrap();
    assert!(matches!(store.commit(&other), Err(StoreError::NotNext { number: 1, .. })));
    assert_eq!(store.reader().unwrap().account(&address(1)).unwrap(), Some(account(1)));
    store.verify().unwrap();
}
