//! Replays what the bytecode of Uniswap v2 and WETH9 has answered (`testdata/uniswap-v2`, made by the example `against_uniswap_v2`): the
//! native modules give the same results, return data, revert bytes, events, storage and balances.

mod world;

use crate::twin::{Replayed, replay};

/// Replays a recording on the modules of a revision.
fn replayed(text: &str, revision: u32) -> Replayed {
    replay(text, || world::native(revision))
}

#[test]
fn pairs_answer_as_the_contracts_did() {
    let text = include_str!("../../../../testdata/uniswap-v2/pairs.jsonl");
    assert!(replayed(text, execution::MODULES.newest()).steps > 300);
}

#[test]
fn the_router_answers_as_the_contracts_did() {
    let text = include_str!("../../../../testdata/uniswap-v2/router.jsonl");
    assert!(replayed(text, execution::MODULES.newest()).steps > 300);
}

/// Blocks of revision 2 keep their gas: revision 3 changed in which order slots are read and written, and nothing else.
#[test]
fn each_revision_keeps_its_gas() {
    let texts = [
        include_str!("../../../../testdata/uniswap-v2/pairs.jsonl"),
        include_str!("../../../../testdata/uniswap-v2/router.jsonl"),
    ];
    let gas_of = |revision| texts.map(|text| replayed(text, revision).gas);
    assert_eq!(
        [gas_of(2), gas_of(3)],
        [[1_082_387_829_616, 56_330_577], [1_082_387_814_616, 56_324_777]]
    );
}
