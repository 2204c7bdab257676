//! Replays what the bytecode of Uniswap v2 and WETH9 has answered (`testdata/uniswap-v2`, made by the example `against_uniswap_v2`): the
//! native modules give the same results, return data, revert bytes, events, storage and balances.

mod record;
mod world;

use record::replay;

#[test]
fn pairs_answer_as_the_contracts_did() {
    assert!(replay(include_str!("../../../../testdata/uniswap-v2/pairs.jsonl")) > 300);
}

#[test]
fn the_router_answers_as_the_contracts_did() {
    assert!(replay(include_str!("../../../../testdata/uniswap-v2/router.jsonl")) > 300);
}
