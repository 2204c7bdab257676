//! Replays what the bytecode of Uniswap v3 has answered (`testdata/uniswap-v3`, made by the example `against_uniswap_v3`): the native modules give the same
//! results, return data, revert bytes, events, storage and balances.

mod record;
mod world;

use record::replay;

#[test]
fn pools_answer_as_the_contracts_did() {
    assert!(replay(include_str!("../../../../testdata/uniswap-v3/pools.jsonl")) > 400);
}

#[test]
fn router_quoter_and_lens_answer_as_the_contracts_did() {
    assert!(replay(include_str!("../../../../testdata/uniswap-v3/periphery.jsonl")) > 400);
}

#[test]
fn the_position_manager_answers_as_the_contract_did() {
    assert!(replay(include_str!("../../../../testdata/uniswap-v3/positions.jsonl")) > 400);
}
