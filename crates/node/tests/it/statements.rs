//! Devices without an account bring their statements into blocks.

use crate::support::{FOREVER, balance, block_on, config, genesis, include, key, sign, transfer};
use abi::{
    DEVICES, Devices, REFEREES, Referees, TRAINING_RUNS,
    TrainingRuns::{self, Standing},
    statement,
};
use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_sol_types::{SolCall, SolEvent as _};
use ed25519_dalek::{Signer as _, SigningKey};
use execution::{Call, CallOutcome};
use node::{Founding, Inclusion, Node, NodeConfig, StatementError};
use std::{net::IpAddr, path::Path, time::Duration};

const CHAIN_ID: u64 = crate::support::CHAIN_ID;
const FUNDS: u64 = 1_000_000_000_000_000_000;
const RELAY_FEE: u128 = 1_000_000;

fn device(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn word(number: u8) -> B256 {
    device(number).verifying_key().to_bytes().into()
}

fn signature(number: u8, text: &[u8]) -> Bytes {
    device(number).sign(text).to_bytes().to_vec().into()
}

fn link(number: u8) -> Bytes {
    let (device, account) = (word(number), Address::repeat_byte(number));
    let text = statement::link(CHAIN_ID, &device.0, &account.into_array(), 1);
    let signature = signature(number, &text);
    Devices::linkCall { device, account, nonce: 1, signature }.abi_encode().into()
}

fn enroll(number: u8) -> Bytes {
    let device = word(number);
    let signature = signature(number, &statement::enroll(CHAIN_ID, 1, &device.0, 1));
    TrainingRuns::enrollCall { run: 1, device, nonce: 1, signature }.abi_encode().into()
}

/// A commitment to round 0; `text` tells several of one device apart.
fn commit(number: u8, text: u8) -> Bytes {
    let (device, sealed, update) = (word(number), B256::repeat_byte(text), B256::repeat_byte(9));
    let signature = signature(number, &statement::commit(CHAIN_ID, 1, 0, &sealed.0, &update.0));
    let (run, round) = (1, 0);
    let call =
        TrainingRuns::commitCall { run, round, device, sealedRoot: sealed, update, signature };
    call.abi_encode().into()
}

fn solo(directory: &Path) -> NodeConfig {
    NodeConfig { founding: Founding::Solo { relay_funds: U256::from(FUNDS) }, ..config(directory) }
}

fn from(last: u8) -> IpAddr {
    [127, 0, 0, last].into()
}

/// Sends a statement, and waits for its transaction.
fn send(node: &Node, to: Address, data: Bytes) -> Result<B256, StatementError> {
    block_on(node.submit_statement(to, data, from(1))?.sent())
}

/// Sends a statement, and waits for the block of its transaction.
fn bring(node: &Node, to: Address, data: Bytes) -> Inclusion {
    let hash = send(node, to, data).unwrap();
    let inclusion = block_on(node.wait_for(hash)).unwrap();
    assert!(inclusion.receipt.status());
    inclusion
}

/// Opens run 1 by key 1, whose transactions are below `nonce`.
fn open_run(node: &Node, nonce: u64) {
    let terms = TrainingRuns::Terms {
        rounds: 4,
        warmupRounds: 1,
        tokensPerRound: 10,
        warmupTokensPerRound: 4,
        pricePerToken: 7,
        auditRate: 5_000,
        auditPay: 2_500,
        quorum: 6_000,
        seatsMin: 2,
        seatsMax: 6,
        roundSeconds: 100,
        auditSeconds: 50,
        stallSeconds: 1_000,
        relayFee: RELAY_FEE,
        spec: B256::repeat_byte(1),
        corpus: B256::repeat_byte(2),
        initialState: B256::repeat_byte(3),
    };
    let call = TrainingRuns::openCall {
        terms,
        name: "barley".to_owned(),
        auditor: word(99),
        coordinator: B256::ZERO,
        endpoint: "127.0.0.1:1".to_owned(),
    };
    let transaction = TxEip1559 {
        gas_limit: 2_000_000,
        to: TxKind::Call(TRAINING_RUNS),
        value: U256::from(1_000_000_000_u64),
        input: call.abi_encode().into(),
        ..transfer(nonce)
    };
    include(node, 1, transaction);
}

/// A node with run 1, in which devices 1 and 2 take part in round 0.
fn training(configuration: NodeConfig) -> Node {
    let node = Node::open(configuration).unwrap();
    open_run(&node, 0);
    for number in 1..=2 {
        bring(&node, DEVICES, link(number));
    }
    for number in 1..=2 {
        bring(&node, TRAINING_RUNS, enroll(number));
    }
    node
}

fn view<C: SolCall>(node: &Node, to: Address, call: &C) -> C::Return {
    let output = match node.call(&Call::read_only(to, call.abi_encode().into())).unwrap() {
        CallOutcome::Returned { output, .. } => output,
        outcome => panic!("{outcome:?}"),
    };
    C::abi_decode_returns(&output).unwrap()
}

fn has_committed(node: &Node, number: u8) -> bool {
    let call = TrainingRuns::standpointCall { run: 1, device: word(number) };
    let standpoint = view(node, TRAINING_RUNS, &call);
    assert!(standpoint.seated && standpoint.seat.standing == Standing::Active);
    standpoint.seat.nextRound > 0
}

#[test]
fn a_device_takes_part_without_an_account() {
    let directory = tempfile::tempdir().unwrap();
    let node = training(solo(directory.path()));
    let before = balance(&node, &node.relay_account());
    assert!(!has_committed(&node, 1));
    let inclusion = bring(&node, TRAINING_RUNS, commit(1, 1));
    assert!(has_committed(&node, 1));
    let events = inclusion.receipt.logs().iter().filter_map(|log| {
        TrainingRuns::Committed::decode_log(log).ok().map(|event| event.data.device)
    });
    assert_eq!(events.collect::<Vec<_>>(), [word(1)]);
    // The accounts that the devices are linked to never sent or had anything.
    let reader = node.reader().unwrap();
    for number in 1..=2 {
        assert!(reader.account(&Address::repeat_byte(number)).unwrap().is_none());
    }
    // A device without stake costs the node its gas: identities that cost nothing could live on a fee.
    let gas = u128::from(inclusion.receipt.cumulative_gas_used());
    let header = node.reader().unwrap().head().clone();
    let cost = gas * u128::from(header.base_fee_per_gas.unwrap());
    let after = balance(&node, &node.relay_account());
    assert_eq!(after + U256::from(cost), before);
}

#[test]
fn what_the_ledger_would_refuse_is_refused_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let node = training(solo(directory.path()));
    bring(&node, TRAINING_RUNS, commit(1, 1));
    let (head, funds) = (node.head(), balance(&node, &node.relay_account()));
    let check = |to, data: Bytes, expected: &str| {
        let error = send(&node, to, data).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(TRAINING_RUNS, commit(1, 2), "has already committed in this round");
    check(TRAINING_RUNS, enroll(2), "signed statement 1, its next one is 2");
    check(TRAINING_RUNS, enroll(3), "is not linked to an account");
    check(DEVICES, link(1), "its next nonce is 2");
    let mut forged = commit(2, 1).to_vec();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    check(TRAINING_RUNS, forged.into(), "execution reverted: the signature is not that of device");
    let draw = TrainingRuns::drawCall { run: 1, round: 0 };
    check(TRAINING_RUNS, draw.abi_encode().into(), "execution reverted: ");
    let cancel = TrainingRuns::cancelCall { run: 1 };
    check(TRAINING_RUNS, cancel.abi_encode().into(), "is not relayed");
    assert_eq!((node.head(), balance(&node, &node.relay_account())), (head, funds));
    assert_eq!(node.waiting_count(), 0);
    // None of them took anything of the device's allowance.
    bring(&node, TRAINING_RUNS, commit(2, 1));
}

#[test]
fn anyone_may_do_what_a_run_needs_to_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let clock = crate::support::ManualClock::at(2_000);
    let node = training(NodeConfig { clock: clock.clone(), ..solo(directory.path()) });
    let lapse = || Bytes::from(TrainingRuns::lapseCall { run: 1, round: 0 }.abi_encode());
    let error = send(&node, TRAINING_RUNS, lapse()).unwrap_err();
    assert!(error.to_string().contains("too early"), "{error}");
    clock.set(3_000);
    let inclusion = bring(&node, TRAINING_RUNS, lapse());
    let transaction = node.reader().unwrap().block(inclusion.block_number).unwrap().unwrap();
    assert_eq!(transaction.transactions[0].signer(), node.relay_account());
}

#[test]
fn a_flood_of_one_device_does_not_delay_another() {
    let directory = tempfile::tempdir().unwrap();
    drop(training(solo(directory.path())));
    let batching = Duration::from_millis(400);
    let slow = NodeConfig { genesis: None, batching, ..solo(directory.path()) };
    let node = Node::open(slow).unwrap();
    // While this one waits for its block, the others wait for the next.
    let first = send(&node, DEVICES, link(3)).unwrap();
    let flood: Vec<_> =
        (0..4).map(|text| node.submit_statement(TRAINING_RUNS, commit(1, text), from(1))).collect();
    let error = node.submit_statement(TRAINING_RUNS, commit(1, 9), from(1)).unwrap_err();
    assert!(error.to_string().contains("4 statements of this device wait already"), "{error}");
    let other = node.submit_statement(TRAINING_RUNS, commit(2, 1), from(1)).unwrap();
    let first = block_on(node.wait_for(first)).unwrap().block_number;
    let hash = block_on(other.sent()).unwrap();
    let inclusion = block_on(node.wait_for(hash)).unwrap();
    assert_eq!(inclusion.block_number, first + 1);
    assert!(has_committed(&node, 1) && has_committed(&node, 2));
    // All were in one transaction, and those that the ledger then refused did not stop it.
    for ticket in flood {
        assert_eq!(block_on(ticket.unwrap().sent()).unwrap(), hash);
    }
    let refused = inclusion.receipt.logs().iter();
    let refused = refused.filter(|log| TrainingRuns::NotRelayed::decode_log(log).is_ok());
    assert_eq!(refused.count(), 3);
    // The device that sent them is slowed, for whatever it sends next; the other is not.
    let leave = |number| {
        let device = word(number);
        let signature = signature(number, &statement::leave(CHAIN_ID, 1, &device.0, 2));
        TrainingRuns::leaveCall { run: 1, device, nonce: 2, signature }.abi_encode().into()
    };
    bring(&node, TRAINING_RUNS, leave(2));
    let error = send(&node, TRAINING_RUNS, leave(1)).unwrap_err();
    assert!(matches!(error, StatementError::TooOften { seconds: 5.. }), "{error}");
}

#[test]
fn a_relay_account_without_funds_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let node = Node::open(config(directory.path())).unwrap();
    let account = node.relay_account();
    let error = send(&node, DEVICES, link(1)).unwrap_err().to_string();
    assert!(error.starts_with("insufficient funds: the node's relay account 0x"), "{error}");
    assert!(error.contains(&account.to_string()) && error.contains("has 0 wei"), "{error}");
    // Enough for the gas, not for a limit with a reserve: it says so as well.
    let little = TxEip1559 { to: account.into(), value: U256::from(60_000_000_u64), ..transfer(0) };
    include(&node, 1, little);
    let error = send(&node, DEVICES, link(1)).unwrap_err().to_string();
    assert!(error.contains("has 60000000 wei"), "{error}");
    assert_eq!(node.waiting_count(), 0);
    let enough = TxEip1559 { to: account.into(), value: U256::from(FUNDS), ..transfer(1) };
    include(&node, 1, enough);
    bring(&node, DEVICES, link(1));
}

/// Nobody pays for links and enrolments: whoever makes keys can't take what brings the statements of runs into blocks.
#[test]
fn what_nobody_pays_for_leaves_the_relay_account_what_runs_need() {
    let directory = tempfile::tempdir().unwrap();
    // Less than the statements of one block may take, at the base fee of the first block.
    let founding = Founding::Solo { relay_funds: U256::from(5_000_000_000_u64) };
    let node = Node::open(NodeConfig { founding, ..config(directory.path()) }).unwrap();
    open_run(&node, 0);
    let error = send(&node, DEVICES, link(1)).unwrap_err().to_string();
    assert!(error.starts_with("insufficient funds: the node's relay account"), "{error}");
    // Whoever pays for it takes part all the same, and its work is relayed.
    let pay = |to: Address, input: Bytes, nonce| {
        let paid = TxEip1559 { to: to.into(), input, gas_limit: 500_000, ..transfer(nonce) };
        include(&node, 1, TxEip1559 { value: U256::ZERO, ..paid });
    };
    for number in 1..=2 {
        pay(DEVICES, link(number), u64::from(number) * 2 - 1);
        pay(TRAINING_RUNS, enroll(number), u64::from(number) * 2);
    }
    bring(&node, TRAINING_RUNS, commit(1, 1));
}

#[test]
fn one_address_brings_a_hall_of_machines_and_not_all_keys_that_it_makes() {
    let directory = tempfile::tempdir().unwrap();
    let node = Node::open(solo(directory.path())).unwrap();
    let linked = (1..=200).take_while(|number| send(&node, DEVICES, link(*number)).is_ok());
    let linked = linked.count();
    assert!((128..200).contains(&linked), "{linked}");
    let error = send(&node, DEVICES, link(250)).unwrap_err();
    assert!(matches!(error, StatementError::TooOften { .. }), "{error}");
    let ticket = node.submit_statement(DEVICES, link(250), from(2)).unwrap();
    block_on(ticket.sent()).unwrap();
}

#[test]
fn a_statement_whose_hash_is_known_survives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    drop(training(solo(directory.path())));
    let again = |batching| NodeConfig { genesis: None, batching, ..solo(directory.path()) };
    let node = Node::open(again(FOREVER)).unwrap();
    let account = node.relay_account();
    let hash = send(&node, TRAINING_RUNS, commit(1, 1)).unwrap();
    // The same statement is the same transaction.
    assert_eq!(send(&node, TRAINING_RUNS, commit(1, 1)).unwrap(), hash);
    // This one waits until the first is in a block, which the node's end comes before.
    let waiting = node.submit_statement(TRAINING_RUNS, commit(2, 1), from(1)).unwrap();
    node.shutdown();
    let error = block_on(waiting.sent()).unwrap_err();
    assert!(matches!(error, StatementError::Stopping), "{error}");
    let error = node.submit_statement(TRAINING_RUNS, commit(2, 1), from(1)).unwrap_err();
    assert!(matches!(error, StatementError::Stopping), "{error}");
    drop(node);
    let node = Node::open(again(Duration::ZERO)).unwrap();
    assert_eq!(node.relay_account(), account);
    assert!(block_on(node.wait_for(hash)).unwrap().receipt.status());
    assert!(has_committed(&node, 1) && !has_committed(&node, 2));
    bring(&node, TRAINING_RUNS, commit(2, 1));
}

#[test]
fn full_blocks_of_others_do_not_delay_a_statement() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = execution::Genesis { gas_limit: 3_000_000, ..genesis() };
    let genesis = Some(genesis);
    let node =
        Node::open(NodeConfig { genesis: genesis.clone(), ..solo(directory.path()) }).unwrap();
    open_run(&node, 0);
    drop(node);
    let batching = Duration::from_millis(300);
    let slow = NodeConfig { genesis: None, batching, ..solo(directory.path()) };
    let node = Node::open(slow).unwrap();
    // Each fills a block, and pays a tip.
    let large = |nonce| TxEip1559 { gas_limit: 3_000_000, ..transfer(nonce) };
    for sender in 2..=4 {
        for nonce in 0..4 {
            node.submit(&sign(sender, large(nonce)).1).unwrap();
        }
    }
    let height = node.head().number;
    let inclusion = bring(&node, DEVICES, link(1));
    assert!(inclusion.block_number <= height + 2, "block {}", inclusion.block_number);
    assert_eq!(inclusion.index, 0);
    assert!(node.waiting_count() > 0, "others still wait");
}

#[test]
fn who_founds_a_ledger_alone_is_its_referee() {
    let directory = tempfile::tempdir().unwrap();
    let check = |node: &Node| {
        let members = view(node, REFEREES, &Referees::membersCall {});
        assert_eq!(members, [node.key()]);
        assert_eq!(view(node, REFEREES, &Referees::thresholdCall {}), 1);
        assert_eq!(node.genesis().unwrap().referees.unwrap().members, [node.key()]);
        assert_eq!(balance(node, &node.relay_account()), U256::from(FUNDS));
        node.key()
    };
    let node = Node::open(solo(directory.path())).unwrap();
    let key = check(&node);
    drop(node);
    // As it was founded, also when the configuration says so again.
    let node = Node::open(NodeConfig { genesis: None, ..solo(directory.path()) }).unwrap();
    assert_eq!(check(&node), key);
    // A genesis file as it is given names nobody.
    let other = tempfile::tempdir().unwrap();
    let node = Node::open(config(other.path())).unwrap();
    assert_eq!(view(&node, REFEREES, &Referees::membersCall {}), Vec::<B256>::new());
    assert_eq!(balance(&node, &node.relay_account()), U256::ZERO);
    assert_eq!(key_of_others(&node), 4);
}

fn key_of_others(node: &Node) -> usize {
    let reader = node.reader().unwrap();
    (1..=4).filter(|index| reader.account(&key(*index).address()).unwrap().is_some()).count()
}

#[test]
fn on_a_development_ledger_a_statement_is_in_a_block_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let node = Node::open(NodeConfig { is_development: true, ..solo(directory.path()) }).unwrap();
    let ticket = node.submit_statement(DEVICES, link(1), from(1)).unwrap();
    assert_eq!(node.head().number, 1);
    let hash = block_on(ticket.sent()).unwrap();
    assert_eq!(block_on(node.wait_for(hash)).unwrap().block_number, 1);
    let error = send(&node, DEVICES, link(1)).unwrap_err();
    assert!(matches!(error, StatementError::Refused { .. }), "{error}");
}
