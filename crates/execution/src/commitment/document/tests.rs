use super::*;
use crate::Genesis;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{collections::BTreeMap, convert::Infallible};

fn address(byte: u8) -> Address {
    Address::repeat_byte(byte)
}

/// Returns a genesis block with storage, and a document about one of its accounts.
fn document(of: Address, slots: &[u64]) -> ProofDocument {
    let account =
        json!({ "balance": "7", "code": "0x00", "storage": { "0x1": "0x2a", "0x2": "0x7" } });
    let accounts: BTreeMap<_, _> =
        (1..=40).map(|byte| (address(byte).to_string(), account.clone())).collect();
    let genesis = json!({
        "chain_id": 7, "timestamp": 0, "gas_limit": 30_000_000, "commitment": 2,
        "base_fee": { "initial": 1000, "minimum": 7, "change_denominator": 8, "elasticity": 2 },
        "fee_recipient": address(0xbe), "accounts": accounts,
    });
    let block = Genesis::from_json(&genesis.to_string()).unwrap().block().unwrap();
    let kept = super::super::tests::kept(block.moved.buckets.clone());
    let slots: Vec<_> = slots.iter().map(|slot| U256::from(*slot)).collect();
    let prove = |key: &StateKey| -> Result<_, Infallible> {
        Ok(block.moved.commitment.prove(key, &kept).unwrap())
    };
    let header = Sealed::new_unchecked(block.header, block.hash);
    ProofDocument::new(&header, of, &slots, prove).unwrap()
}

#[test]
fn a_document_shows_what_is_there_and_what_is_not() {
    let shown = document(address(3), &[1, 2, 3]);
    let proven = shown.verify(Some(&shown.block_hash)).unwrap();
    let account = proven.account.unwrap();
    assert_eq!((account.nonce, account.balance), (1, U256::from(7)), "contracts begin at 1");
    let values: Vec<_> = proven.slots.iter().map(|(_, value)| value.to::<u64>()).collect();
    assert_eq!(values, [42, 7, 0]);
    let absent = document(address(0xdd), &[1]);
    let proven = absent.verify(None).unwrap();
    assert_eq!((proven.account, proven.slots), (None, vec![(U256::from(1), U256::ZERO)]));
    let text = serde_json::to_string(&shown).unwrap();
    assert_eq!(serde_json::from_str::<ProofDocument>(&text).unwrap(), shown);
}

#[test]
fn another_block_than_the_trusted_one_is_refused() {
    let shown = document(address(3), &[]);
    let expected = B256::repeat_byte(1);
    let found = shown.block_hash;
    assert_eq!(shown.verify(Some(&expected)), Err(DocumentError::OtherBlock { found, expected }));
}

/// Collects the JSON pointers of all values of a document.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(items) => {
            for (name, item) in items {
                pointers(item, &format!("{at}/{name}"), found);
            }
        }
        _ => {}
    }
    found.push(at.to_owned());
}

fn change(value: &mut Value, kind: u8, digit: usize) {
    match (kind % 4, &mut *value) {
        (0, Value::Array(items)) => drop(items.pop()),
        (1, Value::Array(items)) if !items.is_empty() => {
            let index = digit % items.len();
            items.push(items[index].clone());
        }
        (2, Value::Array(items)) => items.reverse(),
        (_, Value::String(text)) if text.len() > 2 => {
            let at = 2 + digit % (text.len() - 2);
            let other = if text.as_bytes()[at] == b'5' { "6" } else { "5" };
            text.replace_range(at..=at, other);
        }
        (_, Value::Number(_)) => *value = json!(digit),
        _ => *value = Value::Null,
    }
}

proptest! {
    /// Checks that a changed document is refused, or still says what is true.
    #[test]
    fn nothing_false_can_be_shown(
        byte in prop_oneof![1_u8..=40, Just(0xdd)],
        slots in proptest::collection::vec(0_u64..4, 0..4),
        at in any::<prop::sample::Index>(),
        kind in any::<u8>(),
        digit in any::<usize>(),
    ) {
        let shown = document(address(byte), &slots);
        let block_hash = shown.block_hash;
        let mut value = serde_json::to_value(&shown).unwrap();
        let mut found = Vec::new();
        pointers(&value, "", &mut found);
        change(value.pointer_mut(&found[at.index(found.len())]).unwrap(), kind, digit);
        let Ok(changed) = serde_json::from_value::<ProofDocument>(value) else { return Ok(()) };
        let Ok(proven) = changed.verify(Some(&block_hash)) else { return Ok(()) };
        let asked: Vec<u64> = proven.slots.iter().map(|(slot, _)| slot.to()).collect();
        let truth = document(proven.address, &asked).verify(None).unwrap();
        prop_assert_eq!(proven, truth);
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,200}") {
        if let Ok(document) = serde_json::from_str::<ProofDocument>(&text) {
            let _ = document.verify(None);
        }
    }
}
