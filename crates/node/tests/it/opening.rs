//! Data directories: reopened, wrong, shared, damaged.

use crate::support::{RECEIVER, balance, block_on, config, genesis, include, open, sign, transfer};
use alloy_consensus::TxEip1559;
use alloy_primitives::U256;
use node::{Node, NodeConfig, OpenError, SubmitError, WaitError};
use std::{error::Error, fs, io::Write};

fn refused(config: NodeConfig) -> String {
    match Node::open(config) {
        Ok(_) => panic!("the node opened"),
        Err(error) => {
            let mut text = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                text = format!("{text}: {cause}");
                source = cause.source();
            }
            text
        }
    }
}

#[test]
fn height_and_balances_survive_and_the_genesis_is_remembered() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path());
    for nonce in 0..3 {
        include(&node, 1, transfer(nonce));
    }
    let head = node.head();
    assert_eq!(head.number, 3);
    drop(node);
    let node = Node::open(NodeConfig { genesis: None, ..config(directory.path()) }).unwrap();
    assert_eq!(node.head(), head);
    assert_eq!(balance(&node, &RECEIVER), U256::from(3));
    assert_eq!(include(&node, 1, transfer(3)), 4);
}

#[test]
fn another_genesis_is_refused_and_named() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let mut other = genesis();
    other.timestamp += 1;
    let text = refused(NodeConfig { genesis: Some(other), ..config(directory.path()) });
    let path = directory.path().display().to_string();
    assert!(text.contains(&path) && text.contains("genesis"), "{text}");
    drop(open(directory.path()));
}

#[test]
fn an_empty_directory_without_a_genesis_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let text = refused(NodeConfig { genesis: None, ..config(directory.path()) });
    assert!(text.contains("initialize it with a genesis file"), "{text}");
}

#[test]
fn a_genesis_that_is_not_usable_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut genesis = genesis();
    genesis.gas_limit = 5;
    let text = refused(NodeConfig { genesis: Some(genesis), ..config(directory.path()) });
    assert!(text.contains("gas_limit"), "{text}");
}

#[test]
fn a_directory_in_use_is_refused_until_the_last_node_goes() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path());
    let clone = node.clone();
    let text = refused(config(directory.path()));
    assert!(text.contains("already open"), "{text}");
    drop(node);
    assert!(refused(config(directory.path())).contains("already open"));
    include(&clone, 1, transfer(0));
    drop(clone);
    assert_eq!(open(directory.path()).head().number, 1);
}

#[test]
fn a_directory_that_can_not_be_made_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let text = refused(config(&file.join("data")));
    assert!(text.contains(&file.display().to_string()), "{text}");
}

#[test]
fn a_damaged_key_is_refused_and_the_chain_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path());
    include(&node, 1, transfer(0));
    drop(node);
    let path = directory.path().join("node.key");
    let key = fs::read(&path).unwrap();
    fs::write(&path, "0123").unwrap();
    let error = Node::open(config(directory.path())).err().unwrap();
    assert!(matches!(error, OpenError::KeyMalformed { .. }), "{error}");
    fs::write(&path, key).unwrap();
    assert_eq!(open(directory.path()).head().number, 1);
}

#[test]
fn a_stopped_node_answers_queries_and_refuses_transactions() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path());
    include(&node, 1, transfer(0));
    node.shutdown();
    node.shutdown();
    let (hash, bytes) = sign(1, transfer(1));
    assert!(matches!(node.submit(&bytes), Err(SubmitError::Stopping)));
    assert!(matches!(block_on(node.wait_for(hash)), Err(WaitError::Stopping { .. })));
    assert_eq!(balance(&node, &RECEIVER), U256::from(1));
}

#[test]
fn restored_transactions_wait_again_unless_used() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path());
    include(&node, 1, transfer(0));
    // They wait after a gap; one replaces another, and one is refused.
    let late = [2, 3].map(|nonce| sign(1, transfer(nonce)));
    for (hash, bytes) in &late {
        assert_eq!(node.submit(bytes).unwrap(), *hash);
    }
    let dearer =
        TxEip1559 { max_fee_per_gas: 2_000_000, max_priority_fee_per_gas: 9, ..transfer(3) };
    let (dearer, bytes) = sign(1, dearer);
    node.submit(&bytes).unwrap();
    let (_, bytes) = sign(9, transfer(0));
    assert!(matches!(node.submit(&bytes), Err(SubmitError::Refused(_))), "it has no money");
    drop(node);

    // An incomplete end, as a crash may leave it, is ignored.
    let path = directory.path().join("waiting.journal");
    let mut journal = fs::OpenOptions::new().append(true).open(path).unwrap();
    journal.write_all(&[200, 0, 0, 0, 1, 2, 3]).unwrap();
    let node = open(directory.path());
    assert_eq!(node.waiting_count(), 2);
    assert!(node.waiting(&late[0].0).is_some() && node.waiting(&dearer).is_some());
    let expected = block_on(async {
        node.submit(&sign(1, transfer(1)).1).unwrap();
        node.wait_for(late[0].0).await.unwrap();
        node.wait_for(dearer).await.unwrap();
        node.head()
    });
    assert_eq!(balance(&node, &RECEIVER), U256::from(4));
    drop(node);
    let node = open(directory.path());
    assert_eq!((node.waiting_count(), node.head()), (0, expected));
}

#[test]
fn the_journal_stays_small() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path());
    let large = |nonce| TxEip1559 {
        input: vec![1; 100_000].into(),
        gas_limit: 5_000_000,
        ..transfer(nonce)
    };
    for nonce in 0..25 {
        include(&node, 1, large(nonce));
    }
    let size = fs::metadata(directory.path().join("waiting.journal")).unwrap().len();
    assert!(size <= (1 << 20) + 200_000, "{size} bytes after 2.5 MB of transactions");
}
