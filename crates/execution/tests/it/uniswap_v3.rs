//! Replays what the bytecode of Uniswap v3 has answered (`testdata/uniswap-v3`, made by the example `against_uniswap_v3`): the native modules give the same
//! results, return data, revert bytes, events, storage and balances.

mod world;

use crate::twin::{Replayed, replay};

/// Replays a recording on the modules of a revision.
fn replayed(text: &str, revision: u32) -> Replayed {
    replay(text, || world::native(revision))
}

#[test]
fn pools_answer_as_the_contracts_did() {
    let text = include_str!("../../../../testdata/uniswap-v3/pools.jsonl");
    assert!(replayed(text, execution::MODULES.newest()).steps > 400);
}

#[test]
fn router_quoter_and_lens_answer_as_the_contracts_did() {
    let text = include_str!("../../../../testdata/uniswap-v3/periphery.jsonl");
    assert!(replayed(text, execution::MODULES.newest()).steps > 400);
}

#[test]
fn the_position_manager_answers_as_the_contract_did() {
    let text = include_str!("../../../../testdata/uniswap-v3/positions.jsonl");
    assert!(replayed(text, execution::MODULES.newest()).steps > 400);
}

/// Blocks of revision 2 keep their gas: revision 3 changed in which order slots are read and written, and nothing else.
#[test]
fn each_revision_keeps_its_gas() {
    let texts = [
        include_str!("../../../../testdata/uniswap-v3/pools.jsonl"),
        include_str!("../../../../testdata/uniswap-v3/periphery.jsonl"),
        include_str!("../../../../testdata/uniswap-v3/positions.jsonl"),
    ];
    let gas_of = |revision| texts.map(|text| replayed(text, revision).gas);
    let expected = [[66_081_455, 69_868_195, 48_318_915], [65_985_785, 69_817_171, 48_266_763]];
    assert_eq!([gas_of(2), gas_of(3)], expected);
}
