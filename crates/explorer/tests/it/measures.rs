//! The page about who holds GRAIN.

use crate::ledger::{Ledger, whole};
use alloy_primitives::{Address, Bytes};

#[test]
fn the_measures_follow_the_blocks_and_are_drawn() {
    let ledger = Ledger::new(None);
    let first = ledger.page("/measures");
    for said in ["Gini coefficient", "held by the 1 largest", "in modules", "From now on this node"]
    {
        assert!(first.contains(said), "{said}: {first}");
    }
    assert!(!first.contains("<svg"));
    let rich = crate::ledger::ALICE;
    for number in 1..=3 {
        ledger.send_value(rich, Address::repeat_byte(0xd0 + number), whole(1, 18), Bytes::new());
    }
    let later = ledger.page("/measures");
    assert!(later.contains("Gini coefficient: 0."), "the drawing says it in words: {later}");
    assert_eq!(later.matches("<svg").count(), 3);
}
