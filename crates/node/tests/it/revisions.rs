//! A ledger that gets a module, and later a changed rule, while it runs.

use crate::{
    sample::{ADDED, CHANGED, COUNT, INCREMENT, ISSUE, SAMPLE, modules, schedule, unknown_text},
    support::{self, ManualClock, RECEIVER, balance, block_on, genesis, include, sign, transfer},
};
use alloy_consensus::TxEip1559;
use alloy_primitives::{Bytes, TxKind, U256};
use execution::{
    BlockInput, Call, CallError, CallOutcome, Deviations, EstimateError, FrameOptions, Genesis,
    MODULES, ModuleTable, Overrides, Replay, Rules, Trace, Tracer, execute_block,
};
use node::{CallBlock, DevelopmentError, Node, NodeConfig, OpenError, SubmitError};
use std::{path::Path, sync::Arc};
use store::{Reader, SnapshotError, Store, StoreOptions};

/// Height of the first block of revision [`ADDED`], which adds the sample.
const HEIGHT: u64 = 3;
/// Height of the first block of revision [`CHANGED`], which changes its rule.
const LATER: u64 = 5;

fn scheduled() -> Genesis {
    Genesis { revisions: schedule(&[(ADDED, HEIGHT), (CHANGED, LATER)]), ..genesis() }
}

/// Returns the configuration of a program that knows `modules`.
fn config(directory: &Path, modules: ModuleTable) -> NodeConfig {
    NodeConfig { genesis: Some(scheduled()), modules, ..support::config(directory) }
}

fn open(directory: &Path, modules: ModuleTable) -> Node {
    Node::open(config(directory, modules)).unwrap()
}

fn increment(nonce: u64) -> TxEip1559 {
    let to = TxKind::Call(SAMPLE);
    TxEip1559 { to, value: U256::ZERO, gas_limit: 100_000, input: INCREMENT, ..transfer(nonce) }
}

/// Returns the answer of `count()`; `None` where there is no module.
fn count(node: &Node, reader: Arc<Reader>, block: CallBlock) -> Option<u64> {
    let call = Call::read_only(SAMPLE, COUNT);
    let view = node.view(reader, block);
    let outcome = view.call_context(&Overrides::default()).call(&call).unwrap();
    let CallOutcome::Returned { output, .. } = outcome else { panic!("{outcome:?}") };
    (!output.is_empty()).then(|| U256::from_be_slice(&output).to())
}

/// Returns the answers of `count()` after each block up to the head.
fn counts(node: &Node) -> Vec<Option<u64>> {
    let reader = node.reader().unwrap();
    let at = |height| Arc::new(reader.at(height).unwrap().unwrap());
    (0..=node.head().number).map(|height| count(node, at(height), CallBlock::Same)).collect()
}

/// Executes all blocks of a ledger once more, from its genesis file.
fn replayed(ledger: &Store, modules: ModuleTable) {
    let directory = tempfile::tempdir().unwrap();
    let again = Store::open(directory.path()).unwrap();
    let genesis = ledger.genesis().unwrap().unwrap();
    again.initialize(&genesis).unwrap();
    let rules = Rules { modules, ..genesis.rules() };
    let reader = ledger.reader().unwrap();
    for height in 1..=reader.head().number {
        let block = reader.block(height).unwrap().unwrap();
        let input = BlockInput {
            timestamp: block.header.timestamp,
            prevrandao: block.header.mix_hash,
            beneficiary: block.header.beneficiary,
            extra_data: block.header.extra_data.clone(),
            proof: reader.proof(height).unwrap().unwrap(),
            deviations: Deviations::default(),
        };
        let before = again.reader().unwrap();
        let parent = before.as_parent();
        let built = execute_block(&parent, &rules, &input, &block.transactions).unwrap();
        assert_eq!(built.block.header, *block.header.inner());
        again.commit(&built.block).unwrap();
    }
    again.verify().unwrap();
    assert_eq!(again.reader().unwrap().commitment().root(), reader.commitment().root());
}

fn exported(directory: &Path) -> Vec<u8> {
    let store = Store::open(directory).unwrap();
    let mut bytes = Vec::new();
    store.export().unwrap().write(&mut bytes, &mut |_| ()).unwrap();
    bytes
}

#[test]
fn a_running_ledger_gets_a_module_restarts_moves_and_replays_to_the_same_root() {
    let directory = tempfile::tempdir().unwrap();
    let (old, new) = (directory.path().join("old"), directory.path().join("new"));
    let node = open(&old, modules(CHANGED));
    for nonce in 0..HEIGHT {
        assert_eq!(include(&node, 1, increment(nonce)), nonce + 1);
    }
    assert_eq!(counts(&node), [None, None, None, Some(1)]);
    drop(node);

    let node = open(&old, modules(CHANGED));
    for nonce in HEIGHT..LATER + 1 {
        include(&node, 1, increment(nonce));
    }
    let expected = [None, None, None, Some(1), Some(2), Some(12), Some(22)];
    assert_eq!(counts(&node), expected);
    let head = node.head();
    drop(node);

    let bytes = exported(&old);
    store::import_by(&modules(CHANGED), &new, bytes.as_slice(), Some(&head.hash()), &mut |_| ())
        .unwrap();
    let node = Node::open(NodeConfig { genesis: None, ..config(&new, modules(CHANGED)) }).unwrap();
    assert_eq!((node.head(), node.rules().schedule.clone()), (head, scheduled().revisions));
    assert_eq!(include(&node, 1, increment(LATER + 1)), LATER + 2);
    assert_eq!(count(&node, node.reader().unwrap(), CallBlock::Same), Some(32));
    drop(node);

    let ledger = Store::open(&old).unwrap();
    ledger.verify().unwrap();
    replayed(&ledger, modules(CHANGED));
}

#[test]
fn a_program_without_the_revision_stops_before_its_height_and_answers() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let node = open(path, MODULES);
    for nonce in 0..HEIGHT - 2 {
        include(&node, 1, transfer(nonce));
    }
    // Each may use a whole block; the later nonce first, so that both are in the mempool when the last known block is
    // produced.
    let large = |nonce| TxEip1559 { gas_limit: 30_000_000, ..transfer(nonce) };
    let (waiting, bytes) = sign(1, large(HEIGHT - 1));
    node.submit(&bytes).unwrap();
    assert_eq!(include(&node, 1, large(HEIGHT - 2)), HEIGHT - 1);
    for node in [&node, &node.clone()] {
        let (hash, bytes) = sign(2, transfer(0));
        let refused = node.submit(&bytes).unwrap_err();
        assert!(
            matches!(&refused, SubmitError::Halted { reason } if *reason == unknown_text(HEIGHT)),
            "{refused}"
        );
        assert!(
            block_on(node.wait_for(hash)).unwrap_err().to_string().contains(&unknown_text(HEIGHT))
        );
    }
    assert_eq!(node.halted(), None, "nothing is broken: who serves queries goes on");
    assert_eq!(balance(&node, &RECEIVER), U256::from(HEIGHT - 1));
    assert_eq!(count(&node, node.reader().unwrap(), CallBlock::Same), None);
    let estimate = node.estimate_gas(&Call::read_only(RECEIVER, Bytes::new())).unwrap_err();
    assert!(
        matches!(&estimate, EstimateError::Call(CallError::UnknownRevision(unknown))
            if unknown.to_string() == unknown_text(HEIGHT)),
        "{estimate:?}"
    );
    assert!(node.pending_view().unwrap().account(&RECEIVER).unwrap().is_some());
    assert!(node.pending_block().unwrap_err().to_string().contains(&unknown_text(HEIGHT)));
    drop(node);

    // Started again it still answers; a newer program continues the ledger.
    let node = open(path, MODULES);
    assert_eq!(node.head().number, HEIGHT - 1);
    assert!(node.waiting(&waiting).is_some());
    drop(node);
    let before = exported(path);
    let node = open(path, modules(CHANGED));
    assert_eq!(block_on(node.wait_for(waiting)).unwrap().block_number, HEIGHT);
    assert_eq!(include(&node, 1, increment(HEIGHT)), HEIGHT + 1);
    assert_eq!(count(&node, node.reader().unwrap(), CallBlock::Same), Some(1));
    drop(node);

    // The older program refuses the continued ledger, also as a snapshot.
    let error = Node::open(config(path, MODULES)).err().unwrap();
    assert!(matches!(&error, OpenError::UnknownRevision(_)), "{error}");
    assert_eq!(error.to_string(), unknown_text(HEIGHT));
    let after = exported(path);
    let copy = tempfile::tempdir().unwrap();
    let target = copy.path().join("ledger");
    let error = store::import(&target, after.as_slice(), None, &mut |_| ()).unwrap_err();
    assert!(
        matches!(&error, SnapshotError::UnknownRevision(unknown) if unknown.to_string() == unknown_text(HEIGHT)),
        "{error}"
    );
    assert_eq!(std::fs::read_dir(copy.path()).unwrap().count(), 0, "nothing is left behind");
    // It accepts a snapshot from before, and stops at the same height.
    store::import(&target, before.as_slice(), None, &mut |_| ()).unwrap();
    let node = Node::open(NodeConfig { genesis: None, ..config(&target, MODULES) }).unwrap();
    let refused = node.submit(&sign(2, transfer(0)).1).unwrap_err();
    assert!(refused.to_string().contains(&unknown_text(HEIGHT)), "{refused}");
}

#[test]
fn pending_transactions_run_by_the_rules_of_the_next_block() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path(), modules(CHANGED));
    for nonce in 0..HEIGHT - 1 {
        include(&node, 1, transfer(nonce));
    }
    let reader = node.reader().unwrap();
    assert_eq!(count(&node, Arc::clone(&reader), CallBlock::Same), None);
    assert_eq!(count(&node, reader, CallBlock::Next), Some(0));
    let call = Call { from: support::key(1).address(), ..Call::read_only(SAMPLE, INCREMENT) };
    let estimate = node.estimate_gas(&call).unwrap();
    assert!(estimate > 40_000, "{estimate}: it writes a slot");
    let pending = node.pending_block().unwrap();
    assert!(pending.changes.accounts.contains_key(&SAMPLE), "it appears there");
    let transaction = TxEip1559 { gas_limit: estimate, ..increment(HEIGHT - 1) };
    assert_eq!(include(&node, 1, transaction), HEIGHT);
    assert_eq!(count(&node, node.reader().unwrap(), CallBlock::Same), Some(1));
}

fn development(directory: &Path, modules: ModuleTable) -> Node {
    let clock = ManualClock::at(2_000);
    Node::open(NodeConfig { is_development: true, clock, ..config(directory, modules) }).unwrap()
}

#[test]
fn a_development_ledger_passes_a_height_and_reverts_below_it() {
    let directory = tempfile::tempdir().unwrap();
    let node = development(directory.path(), modules(CHANGED));
    let bench = node.development().unwrap();
    bench.mine(HEIGHT - 1, None).unwrap();
    let send = |nonce| node.submit(&sign(1, increment(nonce)).1).unwrap();
    let mut roots = Vec::new();
    for _ in 0..2 {
        let snapshot = bench.snapshot().unwrap();
        assert_eq!(count(&node, node.reader().unwrap(), CallBlock::Same), None);
        send(0);
        bench.mine(LATER - HEIGHT, None).unwrap();
        send(1);
        let expected = [None, None, None, Some(1), Some(1), Some(1), Some(11)];
        assert_eq!(counts(&node), expected);
        traced(&node, &[(HEIGHT, 1), (LATER + 1, 11)]);
        roots.push(node.head().state_root);
        assert!(bench.revert(snapshot).unwrap());
        assert_eq!(node.head().number, HEIGHT - 1);
    }
    assert_eq!(roots[0], roots[1]);
}

/// Checks that the first transaction of each block returns the number, when the block is traced.
fn traced(node: &Node, blocks: &[(u64, u64)]) {
    let reader = node.reader().unwrap();
    for (height, expected) in blocks {
        let block = reader.block(*height).unwrap().unwrap();
        let replay = Replay {
            state: &reader.at(height - 1).unwrap().unwrap(),
            rules: &node.rules(),
            header: &block.header,
            transactions: &block.transactions,
        };
        let trace = replay.trace(0, &Tracer::Calls(FrameOptions::default())).unwrap();
        let Trace::Calls(frame) = trace else { panic!("{trace:?}") };
        assert_eq!(U256::from_be_slice(&frame.output), U256::from(*expected));
    }
}

#[test]
fn a_development_ledger_stops_before_an_unknown_revision() {
    let directory = tempfile::tempdir().unwrap();
    let node = development(directory.path(), MODULES);
    let bench = node.development().unwrap();
    let snapshot = bench.snapshot().unwrap();
    for _ in 0..2 {
        let error = bench.mine(HEIGHT, None).unwrap_err();
        assert!(
            matches!(&error, DevelopmentError::Halted { reason } if *reason == unknown_text(HEIGHT)),
            "{error}"
        );
        assert_eq!(node.head().number, HEIGHT - 1);
        assert!(node.submit(&sign(1, transfer(0)).1).is_err());
    }
    assert!(bench.revert(snapshot).unwrap());
    node.submit(&sign(1, transfer(0)).1).unwrap();
    assert_eq!((node.head().number, node.halted()), (1, None));
}

#[test]
fn options_of_the_store_do_not_matter() {
    // Pruned blocks do not change the schedule.
    let directory = tempfile::tempdir().unwrap();
    let (past_states_max, blocks_max) = (0, Some(1));
    let node = Node::open(NodeConfig {
        past_states_max,
        blocks_max,
        ..config(directory.path(), modules(CHANGED))
    });
    let node = node.unwrap();
    for nonce in 0..LATER + 2 {
        include(&node, 1, increment(nonce));
    }
    assert_eq!(count(&node, node.reader().unwrap(), CallBlock::Same), Some(32));
    include(&node, 2, TxEip1559 { input: ISSUE, ..increment(0) });
    drop(node);
    let options = StoreOptions { past_states_max, blocks_max, ..StoreOptions::default() };
    Store::open_with(directory.path(), options).unwrap().verify().unwrap();
}
