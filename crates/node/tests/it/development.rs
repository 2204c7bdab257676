//! A development ledger, compared with a model after every step.

use crate::support::{
    self, ManualClock, RECEIVER, balance, block_on, config, genesis, key, sign, transfer,
};
use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_primitives::{Address, B256, U256, address, bytes};
use concentration::{Holdings, Strictness, Zeros};
use execution::{
    Amendment, AmendmentError, Call, CallOutcome, Entry, FrameOptions, Replay, Tracer,
};
use node::{DevelopmentError, Node, NodeConfig, SubmitError, Timestamps};
use proptest::prelude::*;
use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

const START: u64 = 2_000;
const STRANGER: Address = Address::repeat_byte(0x5a);
/// The module GRAIN.
const GRAIN: Address = address!("0x6c00000000000000000000000000000000000003");

fn open(directory: &Path, clock: &Arc<ManualClock>) -> Node {
    let config = NodeConfig { is_development: true, clock: clock.clone(), ..config(directory) };
    Node::open(config).unwrap()
}

/// A step of the test.
#[derive(Clone, Debug)]
enum Step {
    Send { sender: u8, is_gapped: bool },
    Balance { index: u8, balance: u128 },
    Nonce { ahead: u64 },
    Mine { count: u64, step: Option<u64> },
    Automine(bool),
    Snapshot,
    Revert { back: usize },
    Reset,
    Increase(u64),
    Wall(u64),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let send = (1..=3_u8, prop::bool::weighted(0.1))
        .prop_map(|(sender, is_gapped)| Step::Send { sender, is_gapped });
    let balance = (1..=4_u8, 10_u128.pow(20)..10_u128.pow(22))
        .prop_map(|(index, balance)| Step::Balance { index, balance });
    let mine = (0..4_u64, prop::option::of(0..20_u64))
        .prop_map(|(count, step)| Step::Mine { count, step });
    let step = prop_oneof![
        8 => send,
        3 => balance,
        1 => (1..3_u64).prop_map(|ahead| Step::Nonce { ahead }),
        3 => mine,
        2 => any::<bool>().prop_map(Step::Automine),
        4 => Just(Step::Snapshot),
        3 => (0..4_usize).prop_map(|back| Step::Revert { back }),
        1 => Just(Step::Reset),
        2 => (0..1_000_u64).prop_map(Step::Increase),
        2 => (0..100_u64).prop_map(Step::Wall),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..40)
}

/// The expected state.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Model {
    height: u64,
    received: u64,
    nonces: BTreeMap<u8, u64>,
    /// The nonces that wait, by sender.
    waiting: BTreeMap<u8, Vec<u64>>,
    time: u64,
    head_time: u64,
}

impl Model {
    fn new(wall: u64) -> Self {
        let nonces = (1..=3).map(|sender| (sender, 0)).collect();
        let (waiting, head_time) = (BTreeMap::new(), genesis().timestamp);
        Self { height: 0, received: 0, nonces, waiting, time: wall, head_time }
    }

    /// Includes all transactions that can be included.
    fn include_ready(&mut self) {
        for (sender, waiting) in &mut self.waiting {
            let nonce = self.nonces.get_mut(sender).unwrap();
            waiting.retain(|one| *one >= *nonce);
            while let Some(at) = waiting.iter().position(|one| one == nonce) {
                waiting.remove(at);
                *nonce += 1;
                self.received += 1;
            }
        }
    }

    fn has_ready(&self) -> bool {
        self.waiting.iter().any(|(sender, waiting)| waiting.contains(&self.nonces[sender]))
    }

    fn block(&mut self, timestamp: u64) {
        self.height += 1;
        self.head_time = timestamp.max(self.head_time);
    }
}

/// Checks that the module GRAIN returns the sum of all balances.
fn check_supply(node: &Node) {
    let reader = node.reader().unwrap();
    let mut sum = U256::ZERO;
    let known = (1..=4).map(|index| key(index).address());
    for address in known.chain([RECEIVER, STRANGER, genesis().fee_recipient]) {
        sum += reader.account(&address).unwrap().map_or(U256::ZERO, |account| account.balance);
    }
    let total_supply = Call::read_only(GRAIN, bytes!("18160ddd"));
    let CallOutcome::Returned { output, .. } = node.call(&total_supply).unwrap() else {
        panic!("totalSupply() answers");
    };
    assert_eq!(U256::from_be_slice(&output), sum);
    check_holders(node);
}

/// The figures that follow each block are those of all accounts, counted anew.
fn check_holders(node: &Node) {
    let reader = node.reader().unwrap();
    let balances = reader.commitment().entries(&*reader).filter_map(|entry| match entry.unwrap() {
        Entry::Account(address, account) => {
            abi::Module::at(&address).is_none().then_some(account.balance)
        }
        Entry::Slot(..) => None,
    });
    let holdings = Holdings::new(balances, Zeros::Drop).unwrap();
    let view = node.holders().unwrap();
    assert_eq!(view.height, node.head().number);
    assert_eq!((view.count, view.total), (holdings.count(), holdings.total()));
    assert_eq!((view.gini, view.hhi), (holdings.gini(), holdings.hhi()));
    assert_eq!((view.top1, view.top10), (holdings.top_share(1), holdings.top_share(10)));
    for (threshold, count) in view.coefficients {
        assert_eq!(count, holdings.threshold(threshold, Strictness::MoreThan));
    }
    let rises = view.points.windows(2).all(|pair| pair[0].height < pair[1].height);
    assert!(rises, "{:?}", view.points);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_does_what_the_model_says(steps in steps()) {
        let directory = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(START);
        let mut wall = START;
        let mut node = open(directory.path(), &clock);
        let mut model = Model::new(wall);
        let mut is_automine = true;
        let mut snapshots: Vec<(u64, Model)> = Vec::new();
        for step in steps {
            let development = node.development().unwrap();
            match step {
                Step::Send { sender, is_gapped } => {
                    let next = node.next_nonce(&key(sender).address()).unwrap();
                    let nonce = next + u64::from(is_gapped);
                    let waiting = model.waiting.entry(sender).or_default();
                    if waiting.contains(&nonce) {
                        continue;
                    }
                    node.submit(&sign(sender, transfer(nonce)).1).unwrap();
                    waiting.push(nonce);
                    if is_automine && model.has_ready() {
                        model.include_ready();
                        model.block(model.time);
                    }
                }
                Step::Balance { index, balance } => {
                    development.amend(key(index).address(), Amendment::Balance(U256::from(balance))).unwrap();
                }
                Step::Nonce { ahead } => {
                    let nonce = model.nonces[&2] + ahead;
                    development.amend(key(2).address(), Amendment::Nonce(nonce)).unwrap();
                    model.nonces.insert(2, nonce);
                    model.waiting.entry(2).or_default().retain(|one| *one >= nonce);
                }
                Step::Mine { count, step } => {
                    development.mine(count, step).unwrap();
                    for index in 0..count {
                        let stepped = step.filter(|_| index > 0).map(|step| model.head_time + step);
                        model.include_ready();
                        model.block(stepped.unwrap_or(model.time));
                        if stepped.is_some() {
                            model.time = model.head_time;
                        }
                    }
                }
                Step::Automine(is_on) => {
                    development.set_automine(is_on);
                    is_automine = is_on;
                }
                Step::Snapshot => snapshots.push((development.snapshot().unwrap(), model.clone())),
                Step::Revert { back } => {
                    let Some(at) = snapshots.len().checked_sub(back + 1) else { continue };
                    let (snapshot, then) = snapshots[at].clone();
                    prop_assert!(development.revert(snapshot).unwrap());
                    prop_assert!(!development.revert(snapshot).unwrap(), "it is used up");
                    snapshots.truncate(at);
                    model = then;
                }
                Step::Reset => {
                    development.reset().unwrap();
                    (model, is_automine) = (Model::new(wall), true);
                    snapshots.clear();
                }
                Step::Increase(seconds) => {
                    development.increase_time(seconds).unwrap();
                    model.time += seconds;
                }
                Step::Wall(seconds) => {
                    wall += seconds;
                    clock.set(wall);
                    model.time += seconds;
                }
                Step::Reopen => {
                    drop(node);
                    node = open(directory.path(), &clock);
                    // The mempool, the overrides of the next block and the snapshots are gone; the time continues.
                    snapshots.clear();
                    (model.waiting, is_automine) = (BTreeMap::new(), true);
                }
            }
            let head = node.head();
            prop_assert_eq!((head.number, head.timestamp), (model.height, model.head_time));
            let ahead = node.development().unwrap().time_offset();
            prop_assert_eq!(wall.checked_add_signed(ahead), Some(model.time));
            prop_assert_eq!(balance(&node, &RECEIVER), U256::from(model.received));
            for (sender, nonce) in &model.nonces {
                let account = node.reader().unwrap().account(&key(*sender).address()).unwrap();
                prop_assert_eq!(account.unwrap().nonce, *nonce);
            }
            let waiting: usize = model.waiting.values().map(Vec::len).sum();
            prop_assert_eq!(node.waiting_count(), waiting);
            check_supply(&node);
        }
    }
}

#[test]
fn settings_of_the_next_block_apply_to_it_only() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path(), &ManualClock::at(START));
    let development = node.development().unwrap();
    let randomness = B256::repeat_byte(7);
    development.set_next_base_fee(0);
    development.set_next_prevrandao(randomness);
    development.set_next_timestamp(5_000).unwrap();
    assert_eq!(node.next_base_fee(), 0);
    // The base fee of the first block is 0, later ones follow the rule.
    development.mine(1, None).unwrap();
    let head = node.head();
    assert_eq!(
        (head.base_fee_per_gas, head.mix_hash, head.timestamp),
        (Some(0), randomness, 5_000)
    );
    development.mine(1, None).unwrap();
    assert_eq!(node.head().base_fee_per_gas, Some(7), "the least there is");
    assert_ne!(node.head().mix_hash, randomness);
    assert!(matches!(
        development.set_next_timestamp(4_999),
        Err(DevelopmentError::Time { head: 5_000, .. })
    ));
    assert!(matches!(development.set_time(4_999), Err(DevelopmentError::Time { .. })));
    development.set_gas_limit(1_000_000);
    development.set_beneficiary(STRANGER);
    development.mine(1, None).unwrap();
    assert_eq!((node.head().gas_limit, node.head().beneficiary), (1_000_000, STRANGER));
    let large = TxEip1559 { gas_limit: 1_000_001, ..transfer(0) };
    assert!(matches!(node.submit(&sign(1, large).1), Err(SubmitError::Refused(_))));
    let cheap = TxEip1559 { max_fee_per_gas: 3, ..transfer(0) };
    assert!(
        matches!(node.submit(&sign(1, cheap).1), Err(SubmitError::Refused(_))),
        "nobody would mine it"
    );
    assert!(matches!(
        development.mine(node::MINED_MAX + 1, None),
        Err(DevelopmentError::Blocks { .. })
    ));
}

#[test]
fn a_contract_is_impersonated_and_the_ledger_can_be_opened_and_traced() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(START);
    let node = open(directory.path(), &clock);
    let development = node.development().unwrap();
    development.amend(STRANGER, Amendment::Balance(U256::from(10_u128.pow(18)))).unwrap();
    development.amend(STRANGER, Amendment::Code(bytes!("602a5f5260205ff3"))).unwrap();
    development.amend(STRANGER, Amendment::Slot(U256::from(1), U256::from(2))).unwrap();
    let send = |sender, nonce| {
        let transaction = transfer(nonce);
        development.impersonate(sender, |signature| transaction.into_signed(signature).into())
    };
    let first = send(STRANGER, 0).unwrap();
    let second = send(key(3).address(), 0).unwrap();
    assert_ne!(first, second, "like transactions of two senders are two");
    let (head, root) = (node.head().hash(), node.reader().unwrap().commitment().root());
    drop(node);
    let node = open(directory.path(), &clock);
    let reader = node.reader().unwrap();
    assert_eq!((node.head().hash(), reader.commitment().root()), (head, root));
    let block = reader.block(1).unwrap().unwrap();
    assert_eq!(block.transactions[0].signer(), STRANGER);
    let state = reader.at(0).unwrap().unwrap();
    let replay = Replay {
        state: &state,
        rules: &node.rules(),
        header: &block.header,
        transactions: &block.transactions,
    };
    let tracer = Tracer::Calls(FrameOptions::default());
    replay.trace(0, &tracer).unwrap();
}

#[test]
fn an_invalid_amendment_is_refused_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path(), &ManualClock::at(START));
    let development = node.development().unwrap();
    let root = node.reader().unwrap().commitment().root();
    let refused = |address, amendment| development.amend(address, amendment).unwrap_err();
    let error = refused(STRANGER, Amendment::Balance(U256::MAX));
    assert!(matches!(error, DevelopmentError::Amendment(AmendmentError::SupplyTooLarge)));
    let error = refused(GRAIN, Amendment::Code(bytes!("00")));
    assert!(matches!(error, DevelopmentError::Amendment(AmendmentError::Native { .. })));
    assert_eq!(node.reader().unwrap().commitment().root(), root);
    assert!(!development.revert(0).unwrap());
    check_supply(&node);
}

#[test]
fn blocks_are_produced_at_a_set_interval() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path(), &ManualClock::at(START));
    let development = node.development().unwrap();
    development.set_automine(false);
    let (hash, bytes) = sign(1, transfer(0));
    node.submit(&bytes).unwrap();
    assert_eq!((node.waiting_count(), node.head().number), (1, 0));
    development.set_interval(Some(Duration::from_millis(5)));
    let inclusion = block_on(node.wait_for(hash)).unwrap();
    assert!(inclusion.receipt.status());
    development.set_interval(None);
}

#[test]
fn a_production_ledger_has_no_development_methods() {
    let directory = tempfile::tempdir().unwrap();
    let node = support::open(directory.path());
    assert!(node.development().is_none());
}

#[test]
fn the_time_continues_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(START);
    let mut node = open(directory.path(), &clock);
    // Without a block and with one; the returned offset is exact.
    assert_eq!(node.development().unwrap().increase_time(1_000).unwrap(), 1_000);
    drop(node);
    node = open(directory.path(), &clock);
    assert_eq!(node.development().unwrap().time_offset(), 1_000);
    node.development().unwrap().mine(1, None).unwrap();
    assert_eq!(node.head().timestamp, START + 1_000);
    node.development().unwrap().set_next_timestamp(9_000).unwrap();
    node.development().unwrap().mine(1, None).unwrap();
    drop(node);
    clock.set(START + 10);
    node = open(directory.path(), &clock);
    node.development().unwrap().mine(1, None).unwrap();
    assert_eq!(node.head().timestamp, 9_010);
    node.development().unwrap().reset().unwrap();
    drop(node);
    node = open(directory.path(), &clock);
    assert_eq!(node.development().unwrap().time_offset(), 0);
}

#[test]
fn time_moves_forward_beside_a_step_between_blocks() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path(), &ManualClock::at(START));
    let development = node.development().unwrap();
    let mined = |expected| {
        development.mine(1, None).unwrap();
        assert_eq!(node.head().timestamp, expected);
    };
    mined(START);
    development.set_timestamp_step(Some(5));
    mined(START + 5);
    development.increase_time(1_000).unwrap();
    assert_eq!(node.pending_block().unwrap().header.timestamp, START + 1_010);
    mined(START + 1_010);
    mined(START + 1_015);
    assert_eq!(development.set_time(START + 2_000).unwrap(), 985);
    mined(START + 2_005);
    development.set_timestamp_step(None);
    mined(START + 2_005);
}

#[test]
fn no_two_blocks_share_a_second_when_configured() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(START);
    let config = NodeConfig {
        is_development: true,
        timestamps: Timestamps::Rise,
        clock: clock.clone(),
        ..config(directory.path())
    };
    let node = Node::open(config).unwrap();
    let development = node.development().unwrap();
    for nonce in 0..4 {
        node.submit(&sign(1, transfer(nonce)).1).unwrap();
        assert_eq!(node.head().timestamp, START + nonce);
    }
    development.mine(3, Some(1)).unwrap();
    assert_eq!(node.head().timestamp, START + 6);
    assert_eq!(node.pending_block().unwrap().header.timestamp, START + 7);
    development.mine(2, Some(0)).unwrap();
    assert_eq!(node.head().timestamp, START + 8);
    let error = development.set_next_timestamp(START + 8).unwrap_err();
    assert!(matches!(error, DevelopmentError::Time { .. }));
    development.set_next_timestamp(START + 9).unwrap();
    development.mine(2, None).unwrap();
    assert_eq!(node.head().timestamp, START + 10);
    development.increase_time(100).unwrap();
    development.mine(1, None).unwrap();
    assert_eq!(node.head().timestamp, START + 109);
}

#[test]
fn the_mempool_is_executed_in_the_pending_block() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path(), &ManualClock::at(START));
    let development = node.development().unwrap();
    let empty = node.pending_block().unwrap();
    assert_eq!((empty.header.number, empty.transactions.len()), (1, 0));
    development.set_automine(false);
    node.submit(&sign(1, transfer(0)).1).unwrap();
    node.submit(&sign(1, transfer(1)).1).unwrap();
    node.submit(&sign(1, transfer(3)).1).unwrap();
    let pending = node.pending_block().unwrap();
    assert_eq!((pending.transactions.len(), pending.receipts.len()), (2, 2));
    assert!(std::sync::Arc::ptr_eq(&pending, &node.pending_block().unwrap()), "executed once");
    let held = |node: &Node| {
        let view = node.pending_view().unwrap();
        view.account(&RECEIVER).unwrap().map_or(U256::ZERO, |account| account.balance)
    };
    assert_eq!((held(&node), balance(&node, &RECEIVER)), (U256::from(2), U256::ZERO));
    development.amend(RECEIVER, Amendment::Balance(U256::from(50))).unwrap();
    assert_eq!(held(&node), U256::from(52), "an amendment is seen at once");
    development.set_next_timestamp(5_000).unwrap();
    assert_eq!(node.pending_block().unwrap().header.timestamp, 5_000);
    let mut expected = node.pending_block().unwrap().header.clone();
    development.mine(1, None).unwrap();
    let head = node.head();
    (expected.state_root, expected.mix_hash) = (head.state_root, head.mix_hash);
    expected.extra_data = head.extra_data.clone();
    assert_eq!(*head.inner(), expected, "the block that comes is the pending one");
    assert_eq!(held(&node), U256::from(52));
    development.drop_all_transactions();
    assert_eq!(node.pending_block().unwrap().transactions.len(), 0);
}

#[test]
fn the_last_nonce_is_never_used() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path(), &ManualClock::at(START));
    let development = node.development().unwrap();
    let sender = key(1).address();
    let error = development.amend(sender, Amendment::Nonce(u64::MAX)).unwrap_err();
    assert!(matches!(error, DevelopmentError::Amendment(AmendmentError::Nonce { .. })));
    development.amend(sender, Amendment::Nonce(u64::MAX - 1)).unwrap();
    development.set_automine(false);
    for nonce in [u64::MAX - 1, u64::MAX] {
        let result = node.submit(&sign(1, transfer(nonce)).1);
        match nonce {
            u64::MAX => assert!(result.unwrap_err().to_string().starts_with("nonce has max value")),
            _ => drop(result.unwrap()),
        }
    }
    assert_eq!(node.next_nonce(&sender).unwrap(), u64::MAX);
    development.mine(1, None).unwrap();
    assert_eq!(node.next_nonce(&sender).unwrap(), u64::MAX);
    assert_eq!(balance(&node, &RECEIVER), U256::from(1));
    let error = development.amend(Address::with_last_byte(2), Amendment::Code(bytes!("00")));
    assert!(matches!(error, Err(DevelopmentError::Amendment(AmendmentError::Precompile { .. }))));
}
