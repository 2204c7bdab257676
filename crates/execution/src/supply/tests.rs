use super::*;
use alloy_primitives::{Address, B256};
use proptest::prelude::*;
use revm::database_interface::EmptyDB;

const ISSUER: Address = Address::repeat_byte(0x15);
const SLOT: U256 = U256::from_limbs([7, 0, 0, 0]);
/// Ten per block.
const ISSUANCE: Issuance = Issuance {
    since: 2,
    issuer: ISSUER,
    slot: SLOT,
    ceiling: |height| U256::from(10_u64.saturating_mul(height)),
};

/// Returns changes in which each account has the first balance before and the second after.
fn changes(balances: &[(u64, u64)]) -> StateChanges {
    let mut changes = StateChanges::default();
    for (index, (before, after)) in balances.iter().enumerate() {
        let state = |balance: u64| {
            let balance = U256::from(balance);
            (!balance.is_zero()).then_some(AccountState {
                nonce: 0,
                balance,
                code_hash: B256::ZERO,
            })
        };
        let change = Change { before: state(*before), after: state(*after) };
        let address = Address::from_word(B256::from(U256::from(index + 1)));
        changes.accounts.insert(address, change);
    }
    changes
}

fn issuing(mut changes: StateChanges, before: u64, after: u64) -> StateChanges {
    let change = Change { before: U256::from(before), after: U256::from(after) };
    changes.slots.insert((ISSUER, SLOT), change);
    changes
}

fn settle(
    changes: &StateChanges,
    burnt: u64,
    issuance: Option<Issuance>,
) -> Result<(), SupplyError> {
    check(changes, &Settlement { number: 4, burnt: U256::from(burnt), issuance })
}

#[test]
fn without_an_issuer_nothing_makes_grain() {
    settle(&changes(&[(10, 3), (0, 7)]), 0, None).unwrap();
    settle(&changes(&[(10, 3), (0, 5)]), 2, None).unwrap();
    // A contract destroyed some with itself.
    settle(&changes(&[(10, 3), (0, 5)]), 1, None).unwrap();
    for (balances, burnt, made) in
        [(&[(10, 3), (0, 8)][..], 0, 1), (&[(0, 9)], 0, 9), (&[(10, 3), (0, 7)], 4, 4)]
    {
        let error = settle(&changes(balances), burnt, None).unwrap_err();
        let (made, issued) = (U256::from(made), U256::ZERO);
        assert_eq!(error, SupplyError::Made { number: 4, made, issued });
    }
    // The word of an issuer that the revision does not name is ignored.
    settle(&issuing(changes(&[(0, 9)]), 0, 9), 0, None).unwrap_err();
}

#[test]
fn the_issuer_issues_the_growth_of_its_word_within_its_ceiling() {
    let settle = |balances: &[(u64, u64)], word: (u64, u64), burnt| {
        settle(&issuing(changes(balances), word.0, word.1), burnt, Some(ISSUANCE))
    };
    settle(&[(0, 9)], (3, 12), 0).unwrap();
    settle(&[(5, 12)], (3, 12), 2).unwrap();
    settle(&[(0, 37)], (3, 40), 0).unwrap();
    // Issued and burnt in one block.
    settle(&[(0, 2)], (3, 12), 7).unwrap();
    for (balances, word, burnt) in [
        (&[(0, 10)][..], (3, 12), 0),
        (&[(0, 9)], (3, 12), 1),
        (&[(0, 38)], (3, 41), 0),
        (&[(0, 0)], (3, 41), 0),
        (&[(9, 0)], (12, 3), 0),
    ] {
        settle(balances, word, burnt).unwrap_err();
    }
    let above = settle(&[(0, 38)], (3, 41), 0).unwrap_err();
    assert!(above.to_string().contains("from 3 to 41, and 40 are allowed"), "{above}");
    super::check(
        &changes(&[(0, 1)]),
        &Settlement { number: 4, burnt: U256::ZERO, issuance: Some(ISSUANCE) },
    )
    .unwrap_err();
}

proptest! {
    #[test]
    fn what_passes_never_exceeds_what_was_issued(
        balances in prop::collection::vec((0..50_u64, 0..50_u64), 0..6),
        before in 0..60_u64,
        after in 0..60_u64,
        burnt in 0..30_u64,
    ) {
        let changes = issuing(changes(&balances), before, after);
        let old: u64 = balances.iter().map(|(before, _)| before).sum();
        let new: u64 = balances.iter().map(|(_, after)| after).sum();
        let is_lawful = before <= after && after <= 40 && new + burnt <= old + (after - before);
        prop_assert_eq!(settle(&changes, burnt, Some(ISSUANCE)).is_ok(), is_lawful);
        let mut followed = changes.clone();
        follow(&mut followed, &EmptyDB::default()).unwrap();
        let supply = followed.slots.get(&GRAIN_SUPPLY).map_or(U256::ZERO, |word| word.after);
        prop_assert_eq!(supply, U256::from(new.saturating_sub(old)));
    }
}
