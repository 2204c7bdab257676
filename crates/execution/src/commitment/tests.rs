use super::*;
use crate::changes::Change;
use alloy_primitives::KECCAK256_EMPTY;
use proptest::prelude::*;
use std::collections::BTreeMap;

type State = (BTreeMap<Address, AccountState>, BTreeMap<(Address, U256), U256>);

/// The plain way: the root of all elements, from nothing.
fn from_scratch(state: &State) -> LtHash {
    let mut commitment = LtHash::empty();
    for ((address, slot), value) in state.1.iter().rev() {
        commitment.add_slot(address, slot, value);
    }
    for (address, account) in state.0.iter().rev() {
        commitment.add_account(address, account);
    }
    commitment
}

#[derive(Clone, Debug)]
enum Write {
    Account(u8, Option<(u64, u64)>),
    Slot(u8, u8, u64),
}

fn write() -> impl Strategy<Value = Write> {
    prop_oneof![
        (0_u8..4, proptest::option::of((0_u64..3, 0_u64..3)))
            .prop_map(|(a, s)| Write::Account(a, s)),
        (0_u8..4, 0_u8..3, 0_u64..3).prop_map(|(a, s, v)| Write::Slot(a, s, v)),
    ]
}

/// One block's writes as the changes they amount to; writes that change nothing drop out.
fn changes(state: &mut State, writes: &[Write]) -> StateChanges {
    let before = state.clone();
    for write in writes {
        match write {
            Write::Account(address, Some((nonce, balance))) => {
                let account = AccountState {
                    nonce: *nonce,
                    balance: U256::from(*balance),
                    code_hash: KECCAK256_EMPTY,
                };
                state.0.insert(Address::with_last_byte(*address), account);
            }
            Write::Account(address, None) => {
                state.0.remove(&Address::with_last_byte(*address));
            }
            Write::Slot(address, slot, value) => {
                let key = (Address::with_last_byte(*address), U256::from(*slot));
                state.1.insert(key, U256::from(*value));
            }
        }
    }
    let mut changes = StateChanges::default();
    for address in before.0.keys().chain(state.0.keys()) {
        let change =
            Change { before: before.0.get(address).copied(), after: state.0.get(address).copied() };
        if change.before != change.after {
            changes.accounts.insert(*address, change);
        }
    }
    for (key, after) in &state.1 {
        let before = before.1.get(key).copied().unwrap_or_default();
        if before != *after {
            changes.slots.insert(*key, Change { before, after: *after });
        }
    }
    changes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn moved_by_differences_equals_recomputed(
        blocks in proptest::collection::vec(proptest::collection::vec(write(), 0..6), 0..8),
    ) {
        let mut state = State::default();
        let mut commitment = LtHash::empty();
        for writes in &blocks {
            let changes = changes(&mut state, writes);
            let root_before = commitment.root();
            commitment.apply(&changes);
            prop_assert_eq!(&commitment, &from_scratch(&state));
            prop_assert_eq!(commitment.root() == root_before, changes.is_empty());
        }
    }
}

#[test]
fn bytes_come_back() {
    let mut commitment = LtHash::empty();
    commitment.add_slot(&Address::with_last_byte(1), &U256::from(2), &U256::from(3));
    assert_eq!(LtHash::from_bytes(&commitment.to_bytes()), Some(commitment.clone()));
    assert_ne!(commitment.root(), LtHash::empty().root());
    assert_eq!(LtHash::from_bytes(&[0; LTHASH_SIZE - 1]), None);
}
