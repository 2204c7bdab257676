//! Time and randomness of blocks.

use crate::support::{
    FOREVER, ManualClock, block_on, config, genesis, include, open, sign, transfer,
};
use alloy_primitives::{TxKind, U256, bytes};
use execution::{Call, CallOutcome, Overrides};
use node::{
    AnchoredClock, CallBlock, Clock, Node, NodeConfig, StateView, Timestamps, verify_randomness,
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

#[test]
fn timestamps_never_fall_whatever_the_clock_does() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(0);
    let with_clock = || NodeConfig { clock: clock.clone(), ..config(directory.path()) };
    let mut node = Node::open(with_clock()).unwrap();
    let mut nonce = 0;
    let mut timestamp_at = |node: &Node, seconds| {
        clock.set(seconds);
        let number = include(node, 1, transfer(nonce));
        nonce += 1;
        node.reader().unwrap().header(number).unwrap().unwrap().timestamp
    };
    assert_eq!(timestamp_at(&node, 5), 1_000, "not before the genesis block");
    assert_eq!(timestamp_at(&node, 5_000), 5_000);
    assert_eq!(timestamp_at(&node, 4_000), 5_000, "the clock fell: time stands");
    assert_eq!(timestamp_at(&node, 5_001), 5_001);
    drop(node);
    clock.set(3);
    node = Node::open(with_clock()).unwrap();
    assert_eq!(timestamp_at(&node, 3), 5_001, "and so across a restart");
    assert_eq!(timestamp_at(&node, 6_000), 6_000);
}

#[test]
fn the_anchored_clock_returns_the_time() {
    let clock = AnchoredClock::start();
    let first = clock.now();
    assert!(first > 1_700_000_000, "it is later than 2023");
    assert!((first..first + 60).contains(&clock.now()));
}

#[test]
fn randomness_is_the_nodes_signature_and_never_repeats() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path());
    for nonce in 0..3 {
        include(&node, 1, transfer(nonce));
    }
    drop(node);
    let node = open(directory.path());
    include(&node, 1, transfer(3));
    let reader = node.reader().unwrap();
    let header = |number| reader.header(number).unwrap().unwrap();
    let (first, mut seen) = (header(1), BTreeSet::new());
    for number in 1..=4 {
        let (parent, header) = (header(number - 1), header(number));
        let proof = reader.proof(number).unwrap().unwrap();
        assert!(verify_randomness(genesis().chain_id, &parent, &header, &proof));
        assert_eq!(header.extra_data, first.extra_data, "one key for the chain");
        assert!(seen.insert(header.mix_hash));
    }
}

#[test]
fn empty_blocks_come_at_the_interval_only_if_one_is_set() {
    let directory = tempfile::tempdir().unwrap();
    let interval = Duration::from_millis(5);
    let node =
        Node::open(NodeConfig { block_interval: Some(interval), ..config(directory.path()) })
            .unwrap();
    let mut heads = node.subscribe_heads();
    block_on(heads.wait_for(|head| head.number >= 3)).unwrap();
    drop(heads);
    drop(node);
    let node = open(directory.path());
    let height = node.head().number;
    assert_eq!(include(&node, 1, transfer(0)), height + 1, "none in between");
}

/// Returns `NUMBER` and `TIMESTAMP`.
const NUMBER_AND_TIME: alloy_primitives::Bytes = bytes!("435f52 42602052 60405ff3");

#[test]
fn a_call_sees_the_block_it_asks_for() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(2_000);
    let node = Node::open(NodeConfig { clock: clock.clone(), ..config(directory.path()) }).unwrap();
    include(&node, 1, transfer(0));
    clock.set(3_000);
    let call = Call {
        from: crate::support::RECEIVER,
        to: TxKind::Create,
        value: U256::ZERO,
        data: NUMBER_AND_TIME,
        gas_limit: None,
        max_fee_per_gas: None,
        max_priority_fee_per_gas: None,
        chain_id: None,
        access_list: alloy_eips::eip2930::AccessList::default(),
        authorization_list: Vec::new(),
    };
    let (reader, nothing) = (node.reader().unwrap(), Overrides::default());
    let seen_in = |view: StateView| match view.call_context(&nothing).call(&call).unwrap() {
        CallOutcome::Returned { output, .. } => {
            (U256::from_be_slice(&output[..32]), U256::from_be_slice(&output[32..]))
        }
        other => panic!("{other:?}"),
    };
    let seen = |block| seen_in(node.view(Arc::clone(&reader), block));
    assert_eq!(seen(CallBlock::Same), (U256::from(1), U256::from(2_000)));
    assert_eq!(seen(CallBlock::Next), (U256::from(2), U256::from(3_000)));
    assert_eq!(seen_in(node.pending_view().unwrap()), (U256::from(2), U256::from(3_000)));
    assert_eq!(node.head().number, 1, "a call leaves no trace");
}

#[test]
fn a_block_in_work_is_finished_at_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let node = Node::open(NodeConfig { batching: FOREVER, ..config(directory.path()) }).unwrap();
    let (hash, bytes) = sign(1, transfer(0));
    node.submit(&bytes).unwrap();
    assert_eq!(node.waiting_count(), 1);
    let waiter = std::thread::spawn({
        let node = node.clone();
        move || block_on(node.wait_for(hash))
    });
    node.shutdown();
    // Either the producer had begun with it, or the caller gets the error that the node stops; it never hangs.
    match waiter.join().unwrap() {
        Ok(inclusion) => assert_eq!(inclusion.block_number, 1),
        Err(error) => assert!(error.to_string().contains("stopping"), "{error}"),
    }
}

#[test]
fn timestamps_rise_by_a_second_when_configured() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(2_000);
    let config = NodeConfig {
        clock: clock.clone(),
        timestamps: Timestamps::Rise,
        ..config(directory.path())
    };
    let node = Node::open(config).unwrap();
    for nonce in 0..4 {
        include(&node, 1, transfer(nonce));
        assert_eq!(node.head().timestamp, 2_000 + nonce);
    }
    assert_eq!(node.pending_block().unwrap().header.timestamp, 2_004);
    clock.set(2_100);
    include(&node, 1, transfer(4));
    assert_eq!(node.head().timestamp, 2_100);
}
