//! The history index of a node.

use crate::support::{RECEIVER, config, include, key, transfer};
use alloy_primitives::Address;
use history::{PageRequest, Status, Unavailable};
use node::{Node, NodeConfig};

const NEWEST: PageRequest = PageRequest { before: None, limit: 100 };

fn with_index(directory: &std::path::Path, is_development: bool) -> Node {
    let history = Some(history::Options::STANDARD);
    Node::open(NodeConfig { history, is_development, ..config(directory) }).unwrap()
}

/// Heights of the transactions of an account, newest first, once the index is open.
fn heights(node: &Node, account: &Address) -> Vec<u64> {
    loop {
        let view = match node.history_view() {
            Ok(view) if view.coverage().is_whole() => view,
            Ok(_) | Err(Unavailable::Opening) => {
                std::thread::yield_now();
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        assert_eq!(view.coverage().head, node.head().number);
        let page = view.transactions(account, NEWEST).unwrap();
        return page.items.iter().map(|entry| entry.position.block_number).collect();
    }
}

#[test]
fn every_block_is_in_the_history_as_soon_as_it_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let node = with_index(directory.path(), false);
    assert!(heights(&node, &RECEIVER).is_empty());
    for nonce in 0..4 {
        let height = include(&node, 1, transfer(nonce));
        let expected: Vec<_> = (1..=height).rev().collect();
        assert_eq!(heights(&node, &RECEIVER), expected);
        assert_eq!(heights(&node, &key(1).address()), expected);
    }
    drop(node);
    // Opened at once again: its thread has let go of everything.
    let node = with_index(directory.path(), false);
    assert_eq!(heights(&node, &RECEIVER), [4, 3, 2, 1]);
}

#[test]
fn a_reverted_ledger_has_a_reverted_history() {
    let directory = tempfile::tempdir().unwrap();
    let node = with_index(directory.path(), true);
    include(&node, 1, transfer(0));
    let snapshot = node.development().unwrap().snapshot().unwrap();
    include(&node, 1, transfer(1));
    node.development().unwrap().mine(20, None).unwrap();
    assert_eq!(heights(&node, &RECEIVER), [2, 1]);
    assert!(node.development().unwrap().revert(snapshot).unwrap());
    assert_eq!(heights(&node, &RECEIVER), [1]);
    node.development().unwrap().mine(3, None).unwrap();
    include(&node, 1, transfer(1));
    assert_eq!(heights(&node, &RECEIVER), [5, 1]);
}

#[test]
fn a_node_goes_on_without_its_index() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("history.redb")).unwrap();
    let node = with_index(directory.path(), false);
    assert_eq!(include(&node, 1, transfer(0)), 1);
    let reason = loop {
        if let Status::Failed { reason } = node.history().unwrap().status() {
            break reason;
        }
        std::thread::yield_now();
    };
    assert!(reason.contains("history.redb"), "{reason}");
    assert_eq!(include(&node, 1, transfer(1)), 2);
    assert!(matches!(node.history_view(), Err(Unavailable::Failed { .. })));
    let without = tempfile::tempdir().unwrap();
    let node = crate::support::open(without.path());
    assert!(matches!(node.history_view(), Err(Unavailable::Disabled)));
}
