//! A running ledger whose schedule of rules a vote extends.

use crate::{
    sample::{ADDED, CHANGED, COUNT, INCREMENT, SAMPLE, modules, schedule, unknown_text},
    support::{self, ManualClock, genesis, sign, transfer},
};
use abi::{GOVERNOR, REVISIONS, Revisions};
use alloy_consensus::{SignableTransaction as _, TxEip1559};
use alloy_primitives::{Bytes, TxKind, U256};
use alloy_sol_types::SolCall;
use execution::{
    BlockInput, Call, CallOutcome, Deviations, FrameOptions, Genesis, MODULES, ModuleTable,
    Overrides, Replay, Rules, Trace, Tracer, execute_block,
};
use node::{CallBlock, DevelopmentError, Node, NodeConfig, OpenError};
use std::{path::Path, sync::Arc};
use store::{Reader, SnapshotError, Store};

/// The height that the vote names: the least that it may, and some.
const HEIGHT: u64 = 21_610;

fn config(directory: &Path, modules: ModuleTable) -> NodeConfig {
    let genesis = Genesis { revisions: schedule(&[(4, 0)]), ..genesis() };
    NodeConfig {
        genesis: Some(genesis),
        modules,
        is_development: true,
        clock: ManualClock::at(2_000),
        ..support::config(directory)
    }
}

fn open(directory: &Path, modules: ModuleTable) -> Node {
    Node::open(config(directory, modules)).unwrap()
}

/// Makes a call of the module as the Governor does for a proposal that has passed, in a block of its own.
fn vote(node: &Node, call: &impl SolCall) {
    let account = node.reader().unwrap().account(&GOVERNOR).unwrap().unwrap();
    let transaction = TxEip1559 {
        to: TxKind::Call(REVISIONS),
        value: U256::ZERO,
        gas_limit: 300_000,
        input: call.abi_encode().into(),
        ..transfer(account.nonce)
    };
    let development = node.development().unwrap();
    let hash = development
        .impersonate(GOVERNOR, |signature| transaction.into_signed(signature).into())
        .unwrap();
    let inclusion = support::block_on(node.wait_for(hash)).unwrap();
    assert!(inclusion.receipt.status());
}

fn mine_to(node: &Node, height: u64) {
    node.development().unwrap().mine(height - node.head().number, None).unwrap();
}

fn entries(node: &Node) -> Vec<(u32, u64)> {
    let rules = node.rules();
    let entries = rules.schedule.activations().iter();
    entries.map(|entry| (entry.revision.number(), entry.height)).collect()
}

/// Returns the answer of the sample's `count()`; `None` where there is no module.
fn count(node: &Node, reader: Arc<Reader>, block: CallBlock) -> Option<u64> {
    let view = node.view(reader, block);
    let call = Call::read_only(SAMPLE, COUNT);
    let outcome = view.call_context(&Overrides::default()).call(&call).unwrap();
    let CallOutcome::Returned { output, .. } = outcome else { panic!("{outcome:?}") };
    (!output.is_empty()).then(|| U256::from_be_slice(&output).to())
}

fn count_at(node: &Node, height: u64) -> Option<u64> {
    let reader = node.reader().unwrap().at(height).unwrap().unwrap();
    count(node, Arc::new(reader), CallBlock::Same)
}

fn increment(node: &Node) {
    let sender = support::key(1).address();
    let nonce = node.reader().unwrap().account(&sender).unwrap().unwrap().nonce;
    let to = TxKind::Call(SAMPLE);
    let transaction = TxEip1559 {
        to,
        value: U256::ZERO,
        gas_limit: 100_000,
        input: INCREMENT,
        ..transfer(nonce)
    };
    node.submit(&sign(1, transaction).1).unwrap();
}

fn exported(store: &Store) -> Vec<u8> {
    let mut bytes = Vec::new();
    store.export().unwrap().write(&mut bytes, &mut |_| ()).unwrap();
    bytes
}

/// Begins a ledger in which a vote schedules the sample at [`HEIGHT`], and stops three blocks before it.
fn begin(directory: &Path) {
    let node = open(directory, modules(CHANGED));
    let fund = TxEip1559 {
        to: TxKind::Call(GOVERNOR),
        value: U256::from(10_u128.pow(15)),
        gas_limit: 100_000,
        ..transfer(0)
    };
    node.submit(&sign(1, fund).1).unwrap();
    assert_eq!(entries(&node), [(4, 0)]);
    let bench = node.development().unwrap();
    // One vote, then back below it, and another.
    let before = bench.snapshot().unwrap();
    vote(&node, &Revisions::scheduleCall { revision: CHANGED, height: HEIGHT + 7 });
    assert_eq!(entries(&node), [(4, 0), (CHANGED, HEIGHT + 7)]);
    assert!(bench.revert(before).unwrap());
    assert_eq!(entries(&node), [(4, 0)]);
    vote(&node, &Revisions::scheduleCall { revision: ADDED, height: HEIGHT });
    assert_eq!(entries(&node), [(4, 0), (ADDED, HEIGHT)]);
    mine_to(&node, HEIGHT - 3);
}

/// Executes the blocks of one ledger up to a height on another, as it would if it received them, and compares their headers.
fn follow(source: &Reader, target: &Store, last: u64) {
    let rules = Rules { modules: modules(CHANGED), ..target.genesis().unwrap().unwrap().rules() };
    let from = target.reader().unwrap().head().number;
    for height in from + 1..=last {
        let block = source.block(height).unwrap().unwrap();
        let input = BlockInput {
            timestamp: block.header.timestamp,
            prevrandao: block.header.mix_hash,
            beneficiary: block.header.beneficiary,
            extra_data: block.header.extra_data.clone(),
            proof: source.proof(height).unwrap().unwrap(),
            deviations: Deviations { contracts_may_send: true, ..Deviations::default() },
        };
        let before = target.reader().unwrap();
        let built =
            execute_block(&before.as_parent(), &rules, &input, &block.transactions).unwrap();
        assert_eq!(built.block.header, *block.header.inner());
        target.commit(&built.block).unwrap();
    }
}

/// Checks what the first transaction of each block returns when the block is traced.
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
fn a_vote_switches_a_running_ledger_and_others_follow_it() {
    let directory = tempfile::tempdir().unwrap();
    let [old, new, third] = ["old", "new", "third"].map(|name| directory.path().join(name));
    begin(&old);
    // The schedule is there after a restart, and goes back with the ledger.
    let node = open(&old, modules(CHANGED));
    let bench = node.development().unwrap();
    assert_eq!(entries(&node), [(4, 0), (ADDED, HEIGHT)]);
    let snapshot = bench.snapshot().unwrap();
    vote(&node, &Revisions::cancelCall { revision: ADDED });
    assert_eq!(entries(&node), [(4, 0)]);
    mine_to(&node, HEIGHT + 1);
    assert_eq!(count_at(&node, HEIGHT + 1), None);
    assert!(bench.revert(snapshot).unwrap());
    let snapshot = bench.snapshot().unwrap();
    vote(&node, &Revisions::rescheduleCall { revision: ADDED, height: HEIGHT + 2 });
    mine_to(&node, HEIGHT + 2);
    assert_eq!(
        [HEIGHT, HEIGHT + 1, HEIGHT + 2].map(|at| count_at(&node, at)),
        [None, None, Some(0)]
    );
    assert!(bench.revert(snapshot).unwrap());
    assert_eq!(entries(&node), [(4, 0), (ADDED, HEIGHT)]);

    mine_to(&node, HEIGHT - 1);
    let reader = node.reader().unwrap();
    assert_eq!(count(&node, Arc::clone(&reader), CallBlock::Same), None);
    assert_eq!(count(&node, reader, CallBlock::Next), Some(0));
    assert!(node.pending_block().unwrap().changes.accounts.contains_key(&SAMPLE));
    increment(&node);
    increment(&node);
    assert_eq!(node.head().number, HEIGHT + 1);
    let counts = [HEIGHT - 1, HEIGHT, HEIGHT + 1].map(|at| count_at(&node, at));
    assert_eq!(counts, [None, Some(1), Some(2)]);
    traced(&node, &[(HEIGHT, 1), (HEIGHT + 1, 2)]);

    // Another ledger executes the same blocks, from the first on, and passes the height by itself.
    let source = node.reader().unwrap();
    let target = Store::open(&new).unwrap();
    target.initialize(&node.genesis().unwrap()).unwrap();
    follow(&source, &target, HEIGHT - 3);
    let before = exported(&target);
    follow(&source, &target, HEIGHT + 1);
    let after = exported(&target);
    assert_eq!(target.reader().unwrap().commitment().root(), source.commitment().root());
    target.verify().unwrap();
    let head = node.head();
    drop((source, target, node));

    // One that begins with a snapshot from after the height has the voted entry, too.
    store::import_by(&modules(CHANGED), &third, after.as_slice(), Some(&head.hash()), &mut |_| ())
        .unwrap();
    let imported =
        NodeConfig { genesis: None, is_development: false, ..config(&third, modules(CHANGED)) };
    let node = Node::open(imported).unwrap();
    assert_eq!((node.head(), entries(&node)), (head, vec![(4, 0), (ADDED, HEIGHT)]));
    drop(node);
    unknown(&old, &before, &after);
}

/// What a program does that does not know the revision, with a ledger and its snapshots from before and after the height.
fn unknown(ledger: &Path, before: &[u8], after: &[u8]) {
    let error = Node::open(config(ledger, MODULES)).err().unwrap();
    assert!(matches!(&error, OpenError::UnknownRevision(_)), "{error}");
    assert_eq!(error.to_string(), unknown_text(HEIGHT));
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("ledger");
    let error = store::import(&target, after, None, &mut |_| ()).unwrap_err();
    assert!(
        matches!(&error, SnapshotError::UnknownRevision(unknown) if unknown.to_string() == unknown_text(HEIGHT)),
        "{error}"
    );
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "nothing is left behind");
    store::import(&target, before, None, &mut |_| ()).unwrap();
    let node =
        Node::open(NodeConfig { genesis: None, is_development: false, ..config(&target, MODULES) })
            .unwrap();
    let warned = node.rules().first_unknown().map(|unknown| unknown.to_string());
    assert_eq!(warned, Some(unknown_text(HEIGHT)));
    // Two blocks are still made by rules that it knows.
    for nonce in [1, 2] {
        support::include(&node, 1, transfer(nonce));
    }
    let refused = node.submit(&sign(1, transfer(3)).1).unwrap_err();
    assert!(refused.to_string().contains(&unknown_text(HEIGHT)), "{refused}");
    let call = Call::read_only(SAMPLE, Bytes::new());
    assert!(node.estimate_gas(&call).is_err() && node.call(&call).is_ok());
}

#[test]
fn a_development_ledger_with_an_unknown_vote_stops_and_can_be_reverted() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path(), MODULES);
    let fund = TxEip1559 {
        to: TxKind::Call(GOVERNOR),
        value: U256::from(10_u128.pow(15)),
        gas_limit: 100_000,
        ..transfer(0)
    };
    node.submit(&sign(1, fund).1).unwrap();
    let bench = node.development().unwrap();
    let snapshot = bench.snapshot().unwrap();
    // Written as no vote could: a few blocks ahead.
    let slot = |index: u64| {
        U256::from_be_bytes(alloy_primitives::keccak256([0; 32]).0) + U256::from(index)
    };
    let word = U256::from(ADDED) | (U256::from(5) << 32);
    bench.amend(REVISIONS, execution::Amendment::Slot(slot(0), word)).unwrap();
    bench.amend(REVISIONS, execution::Amendment::Slot(U256::ZERO, U256::from(1))).unwrap();
    assert_eq!(entries(&node), [(4, 0), (ADDED, 5)]);
    let error = bench.mine(9, None).unwrap_err();
    assert!(
        matches!(&error, DevelopmentError::Halted { reason } if *reason == unknown_text(5)),
        "{error}"
    );
    assert_eq!(node.head().number, 4);
    assert!(bench.revert(snapshot).unwrap());
    assert_eq!(entries(&node), [(4, 0)]);
    bench.mine(9, None).unwrap();
    assert_eq!((node.head().number, node.halted()), (10, None));
}
