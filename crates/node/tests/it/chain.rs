//! Submitting transactions and including them in blocks.

use crate::support::{
    FOREVER, RECEIVER, balance, block_on, config, include, key, open, sign, transfer,
};
use alloy_consensus::{TxEip1559, TxEip7702};
use alloy_primitives::{B256, TxKind, U256, bytes};
use node::{Node, NodeConfig, PoolRefusal, SubmitError, WaitError};

/// Returns a node that accepts transactions but makes no block of them before it stops.
fn node_without_blocks(directory: &std::path::Path) -> Node {
    Node::open(NodeConfig { batching: FOREVER, ..config(directory) }).unwrap()
}

fn is_known(result: &Result<B256, SubmitError>) -> bool {
    matches!(result, Err(SubmitError::Refused(PoolRefusal::AlreadyKnown)))
}

#[test]
fn a_transaction_is_known_in_the_mempool_and_in_its_block() {
    let directory = tempfile::tempdir().unwrap();
    let node = node_without_blocks(directory.path());
    let (hash, bytes) = sign(1, transfer(0));
    node.submit(&bytes).unwrap();
    assert!(is_known(&node.submit(&bytes)));
    assert_eq!(*node.waiting(&hash).unwrap().tx_hash(), hash);
    assert_eq!(node.next_nonce(&key(1).address()).unwrap(), 1);
    drop(node);
    let node = open(directory.path());
    let result = node.submit(&bytes);
    assert!(result.is_ok() || is_known(&result), "{result:?}");
    block_on(node.wait_for(hash)).unwrap();
    assert!(is_known(&node.submit(&bytes)));
    assert_eq!(node.waiting(&hash), None);
    assert_eq!(node.next_nonce(&key(1).address()).unwrap(), 1);
    assert_eq!(balance(&node, &RECEIVER), U256::from(1), "it happened once");
}

#[test]
fn used_unpayable_and_malformed_transactions_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path());
    include(&node, 1, transfer(0));
    let check = |bytes: &[u8], expected: &str| {
        let error = node.submit(bytes).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    };
    let other = TxEip1559 { value: U256::from(2), ..transfer(0) };
    check(&sign(1, other).1, "nonce too low");
    check(&sign(9, transfer(0)).1, "insufficient funds for gas * price + value");
    check(&[], "transaction is malformed");
    check(&[0x02, 0xc0], "transaction is malformed");
    let mut trailing = sign(1, transfer(1)).1;
    trailing.push(0);
    check(&trailing, "transaction is followed by 1 bytes");
    check(&vec![2; 200_000], "transaction has 200000 bytes");
    assert_eq!(node.waiting_count(), 0);
}

#[test]
fn a_gap_is_filled_and_all_follow() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path());
    let (last, bytes) = sign(1, transfer(2));
    node.submit(&bytes).unwrap();
    node.submit(&sign(1, transfer(1)).1).unwrap();
    assert_eq!(node.next_nonce(&key(1).address()).unwrap(), 0);
    include(&node, 1, transfer(0));
    block_on(node.wait_for(last)).unwrap();
    assert_eq!(balance(&node, &RECEIVER), U256::from(3));
}

#[test]
fn a_replaced_transaction_is_no_longer_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let node = node_without_blocks(directory.path());
    let (old, bytes) = sign(1, transfer(0));
    node.submit(&bytes).unwrap();
    let new = TxEip1559 { max_fee_per_gas: 2_000_000, max_priority_fee_per_gas: 6, ..transfer(0) };
    node.submit(&sign(1, new).1).unwrap();
    assert!(matches!(block_on(node.wait_for(old)), Err(WaitError::Unknown { .. })));
    assert_eq!(node.waiting_count(), 1);
    let never = B256::repeat_byte(1);
    assert!(matches!(block_on(node.wait_for(never)), Err(WaitError::Unknown { .. })));
}

#[test]
fn many_senders_at_once_lose_nothing() {
    const PER_SENDER: u64 = 40;
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path());
    std::thread::scope(|scope| {
        for sender in 1..=4 {
            let node = node.clone();
            scope.spawn(move || {
                let mut last = B256::ZERO;
                for nonce in 0..PER_SENDER {
                    let (hash, bytes) = sign(sender, transfer(nonce));
                    node.submit(&bytes).unwrap();
                    last = hash;
                }
                block_on(node.wait_for(last)).unwrap();
            });
        }
    });
    assert_eq!(balance(&node, &RECEIVER), U256::from(4 * PER_SENDER));
    assert_eq!(node.waiting_count(), 0);
    let head = node.head().number;
    assert!(head <= 4 * PER_SENDER);
    let reader = node.reader().unwrap();
    let included: usize =
        (1..=head).map(|number| reader.block(number).unwrap().unwrap().transactions.len()).sum();
    assert_eq!(included, 160, "each in one block");
}

#[test]
fn a_transaction_that_only_the_evm_refuses_is_dropped_without_a_block() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path());
    // EIP-7702 requires at least one authorization; the mempool leaves that check to the EVM.
    let plain = transfer(0);
    let bad = TxEip7702 {
        chain_id: plain.chain_id,
        gas_limit: 100_000,
        max_fee_per_gas: plain.max_fee_per_gas,
        to: RECEIVER,
        ..TxEip7702::default()
    };
    let (hash, bytes) = sign(1, bad);
    node.submit(&bytes).unwrap();
    assert!(matches!(block_on(node.wait_for(hash)), Err(WaitError::Unknown { .. })));
    assert_eq!((node.head().number, node.waiting_count()), (0, 0));
    assert_eq!(include(&node, 1, transfer(0)), 1, "the next one is not held up");
}

#[test]
fn a_large_backlog_goes_into_several_blocks() {
    let directory = tempfile::tempdir().unwrap();
    let node = node_without_blocks(directory.path());
    // Each may use 11 of a block's 30 million gas, and does: the creation code is an endless loop.
    let greedy = |nonce| TxEip1559 {
        to: TxKind::Create,
        input: bytes!("5b5f56"),
        gas_limit: 11_000_000,
        value: U256::ZERO,
        ..transfer(nonce)
    };
    for nonce in 0..5 {
        node.submit(&sign(1, greedy(nonce)).1).unwrap();
    }
    let (other, bytes) = sign(2, transfer(0));
    node.submit(&bytes).unwrap();
    // That node would keep them in its journal; the new node gets them again.
    drop(node);
    let node = open(directory.path());
    let mut last = B256::ZERO;
    for nonce in 0..5 {
        let (hash, bytes) = sign(1, greedy(nonce));
        let result = node.submit(&bytes);
        assert!(result.is_ok() || is_known(&result), "{result:?}");
        last = hash;
    }
    let result = node.submit(&bytes);
    assert!(result.is_ok() || is_known(&result), "{result:?}");
    block_on(node.wait_for(other)).unwrap();
    let inclusion = block_on(node.wait_for(last)).unwrap();
    assert!(inclusion.block_number >= 3, "two fit into a block");
}

#[test]
fn a_revert_is_in_the_chain_and_an_estimate_warns_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path());
    // Creation code that reverts.
    let bad = TxEip1559 {
        to: TxKind::Create,
        input: bytes!("5f5ffd"),
        gas_limit: 100_000,
        ..transfer(0)
    };
    let bad = TxEip1559 { value: U256::ZERO, ..bad };
    let (hash, bytes) = sign(1, bad);
    node.submit(&bytes).unwrap();
    let inclusion = block_on(node.wait_for(hash)).unwrap();
    assert!(!inclusion.receipt.status());
    assert_eq!((inclusion.block_number, inclusion.index), (1, 0));
}
