use super::*;
use execution::{BaseFeeRule, Genesis};
use std::collections::BTreeMap;

fn genesis() -> Genesis {
    Genesis {
        chain_id: 7,
        timestamp: 0,
        gas_limit: 1_000_000,
        base_fee: BaseFeeRule { initial: 7, minimum: 7, change_denominator: 8, elasticity: 2 },
        fee_recipient: Address::ZERO,
        commitment: 2,
        revisions: execution::Schedule::FIRST,
        referees: None,
        price_reporters: None,
        accounts: BTreeMap::new(),
    }
}

#[test]
fn a_halted_node_gives_the_reason_and_refuses_transactions() {
    let directory = tempfile::tempdir().unwrap();
    let node = Node::open(NodeConfig::new(directory.path(), Some(genesis()))).unwrap();
    let mut heads = node.subscribe_heads();
    heads.mark_unchanged();
    node.shared.halt("no space left".to_owned());
    node.shared.halt("and then something else".to_owned());
    assert_eq!(node.halted(), Some("no space left"));
    assert!(heads.has_changed().unwrap(), "those who wait are woken");
    let error = node.submit(&[]).unwrap_err();
    assert_eq!(error.to_string(), "block production has stopped: no space left");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let error = runtime.block_on(node.wait_for(B256::ZERO)).unwrap_err();
    assert!(matches!(error, WaitError::Halted { .. }), "{error}");
    assert_eq!(node.reader().unwrap().head().number, 0, "what is written stays readable");
}
