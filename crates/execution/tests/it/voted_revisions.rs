//! Revisions that votes schedule: the real Governor and its houses, and blocks on both sides of the height.

use crate::{
    chain::{Chain, genesis, key, plain, sign},
    sample::{ADDED, CHANGED, COUNT, INCREMENT, SAMPLE, modules, schedule},
};
use abi::{
    GOVERNOR, Governor, GovernorCore as Core, ISSUANCE, REVISIONS, Revisions, STAKE_HOUSE,
    StakeHouse, WORK_HOUSE, WorkHouse,
};
use alloy_consensus::{Header, TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, Bytes, TxKind, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue as _};
use execution::{
    BlockError, BlockOverrides, BlockPlan, Built, Call, CallContext, CallOutcome, Environment,
    FrameOptions, Genesis, GenesisAccount, MODULES, Message, Overrides, Parent, Replay, Revision,
    Rules, Schedule, Simulation, Trace, Tracer, Transaction, execute_block, execute_pending,
    execute_unsealed, simulate,
};
use revm::{DatabaseRef, bytecode::Bytecode, state::AccountInfo};
use std::convert::Infallible;

const DAY: u64 = 86_400;
const GRAIN: u128 = 1_000_000_000_000_000_000;
/// The height that the first vote names.
const HEIGHT: u64 = 30_000;

/// A ledger that begins with the first revision that has the module, and whose program knows the sample up to `newest`.
fn ledger(newest: u32) -> Chain {
    let rich = GenesisAccount { balance: U256::from(100_000 * GRAIN), ..GenesisAccount::default() };
    let genesis = Genesis {
        revisions: Schedule::starting_with(Revision::new(4)),
        accounts: (1..=4).map(|index| (key(index).address(), rich.clone())).collect(),
        ..genesis()
    };
    let mut chain = Chain::from_genesis(&genesis);
    chain.rules.modules = modules(newest);
    let deposit = StakeHouse::depositCall {};
    let voter = key(1).address();
    send(&mut chain, STAKE_HOUSE, 6_000 * GRAIN, &deposit);
    // Voice for work, as if it had been checked: it counts after a month.
    chain.shift(key(4).address(), ISSUANCE, U256::from(GRAIN));
    let mint = WorkHouse::mintCall { account: voter, work: U256::from(1_u64 << 40) };
    let to = TxKind::Call(WORK_HOUSE);
    let input = mint.abi_encode().into();
    let value = U256::ZERO;
    chain.impersonate(ISSUANCE, TxEip1559 { to, input, value, gas_limit: 5_000_000, ..plain(1) });
    chain.head.timestamp += 31 * DAY;
    send(&mut chain, WORK_HOUSE, 0, &WorkHouse::matureCall { account: voter });
    // What there is counts for proposals of a week later.
    chain.head.timestamp += 8 * DAY;
    chain
}

fn transaction(chain: &Chain, to: Address, value: u128, input: Bytes) -> Recovered<Transaction> {
    let nonce = chain.state.nonce(&key(1).address());
    let value = U256::from(value);
    let to = TxKind::Call(to);
    sign(1, TxEip1559 { to, value, input, gas_limit: 5_000_000, ..plain(nonce) })
}

/// Sends a call in a block of its own, and checks that it succeeds.
fn send(chain: &mut Chain, to: Address, value: u128, call: &impl SolCall) -> Built {
    let transaction = transaction(chain, to, value, call.abi_encode().into());
    let given = Call {
        from: key(1).address(),
        value: U256::from(value),
        ..Call::read_only(to, call.abi_encode().into())
    };
    let (rules, input) = (rules(chain), chain.input());
    let environment = Environment::next(&chain.head, &rules, &input);
    let outcome = execution::call(&chain.state, &rules, &environment, &given).unwrap();
    if let CallOutcome::Reverted { output, .. } = &outcome {
        panic!("refused: {:?}", abi::decode_error(output));
    }
    let built = chain.build(&[transaction]);
    assert!(built.block.receipts[0].status(), "{outcome:?}");
    built
}

/// Lets both houses decide a call of the module, from posting to execution: 24 days. Returns the block that executes it.
fn decide(chain: &mut Chain, call: &impl SolCall) -> Built {
    let description = format!("In block {}", chain.head.number);
    let description_hash = keccak256(&description);
    let targets = vec![REVISIONS];
    let (values, calldatas) = (vec![U256::ZERO], vec![Bytes::from(call.abi_encode())]);
    let lists = (&targets[..], &values[..], &calldatas[..], description_hash);
    let id = keccak256(lists.abi_encode_params()).into();
    let proposed = Governor::proposeCall {
        targets: targets.clone(),
        values: values.clone(),
        calldatas: calldatas.clone(),
        description,
    };
    send(chain, GOVERNOR, 100 * GRAIN, &proposed);
    chain.head.timestamp += 2 * DAY;
    send(chain, GOVERNOR, 0, &Core::castVoteCall { proposalId: id, support: 1 });
    chain.head.timestamp += 7 * DAY;
    let queued = Core::queueCall {
        targets: targets.clone(),
        values: values.clone(),
        calldatas: calldatas.clone(),
        descriptionHash: description_hash,
    };
    send(chain, GOVERNOR, 0, &queued);
    chain.head.timestamp += 16 * DAY;
    let executed =
        Core::executeCall { targets, values, calldatas, descriptionHash: description_hash };
    send(chain, GOVERNOR, 0, &executed)
}

/// Goes on to a height as if empty blocks had been made up to there.
fn skip_to(chain: &mut Chain, height: u64) {
    assert!(chain.head.number <= height);
    chain.head.number = height;
}

/// The rules as a node has them at the head.
fn rules(chain: &Chain) -> Rules {
    chain.rules.at(&chain.state).unwrap()
}

fn entries(chain: &Chain) -> Vec<(u32, u64)> {
    let rules = rules(chain);
    let entries = rules.schedule.activations().iter();
    entries.map(|entry| (entry.revision.number(), entry.height)).collect()
}

/// Sends `increment()` to the sample; returns the block and what the module logged, if it is there.
fn increment(chain: &mut Chain) -> (Built, Option<U256>) {
    let transaction = transaction(chain, SAMPLE, 0, INCREMENT);
    let built = chain.build(&[transaction]);
    let count =
        built.block.receipts[0].logs().first().map(|log| U256::from_be_bytes(log.topics()[0].0));
    (built, count)
}

/// Whether the sample answers a call in `environment`.
fn answers(chain: &Chain, environment: Environment, number: Option<u64>) -> bool {
    let rules = rules(chain);
    let block = BlockOverrides { number, ..BlockOverrides::default() };
    let overrides = Overrides { block, ..Overrides::default() };
    let context =
        CallContext { state: &chain.state, rules: &rules, environment, overrides: &overrides };
    let outcome = context.call(&Call::read_only(SAMPLE, COUNT)).unwrap();
    let CallOutcome::Returned { output, .. } = outcome else { panic!("{outcome:?}") };
    !output.is_empty()
}

#[test]
fn a_vote_switches_a_ledger_to_a_revision_and_old_blocks_stay_as_they_are() {
    let mut chain = ledger(CHANGED);
    let mut kept = Vec::new();
    let mut keep = |before: &Chain, built: &Built| kept.push((before.clone(), built.block.clone()));
    let before = chain.clone();
    let (built, count) = increment(&mut chain);
    keep(&before, &built);
    assert_eq!(count, None);
    assert_eq!(entries(&chain), [(4, 0)]);
    let voted = decide(&mut chain, &Revisions::scheduleCall { revision: ADDED, height: HEIGHT });
    let later = HEIGHT + 2;
    decide(&mut chain, &Revisions::scheduleCall { revision: CHANGED, height: later });
    assert_eq!(entries(&chain), [(4, 0), (ADDED, HEIGHT), (CHANGED, later)]);
    assert!(voted.block.header.number < HEIGHT - 21_600);
    skip_to(&mut chain, HEIGHT - 2);
    for expected in [None, Some(1), Some(2), Some(12), Some(22)] {
        let environment = Environment::of(&chain.head, &rules(&chain));
        assert_eq!(answers(&chain, environment, None), chain.head.number >= HEIGHT);
        assert_eq!(answers(&chain, environment, Some(chain.head.number + 1)), expected.is_some());
        let next = Environment::next(&chain.head, &rules(&chain), &chain.input());
        assert_eq!(answers(&chain, next, None), expected.is_some(), "next");
        let before = chain.clone();
        let (built, count) = increment(&mut chain);
        keep(&before, &built);
        assert_eq!(count, expected.map(U256::from));
        let parent = Parent {
            header: &before.head,
            commitment: &before.commitment,
            state: &before.state,
            may_be_amended: false,
        };
        let pending = execute_pending(&parent, &chain.rules, &before.input(), &[]).unwrap();
        let appears = pending.changes.accounts.contains_key(&SAMPLE);
        assert_eq!(appears, pending.header.number == HEIGHT);
    }
    // The rules may be those of the genesis file, or those of any head: a block is executed again as it was.
    let newest = rules(&chain);
    for (before, block) in kept {
        for rules in [&chain.rules, &newest] {
            check_replay(
                &before,
                rules,
                &block.header,
                &block.transactions,
                block.receipts[0].logs(),
            );
            let parent = Parent {
                header: &before.head,
                commitment: &before.commitment,
                state: &before.state,
                may_be_amended: false,
            };
            let again = execute_block(&parent, rules, &before.input(), &block.transactions);
            assert_eq!(again.unwrap().block, block);
            let unsealed = execute_unsealed(&parent, rules, &before.input(), &block.transactions);
            assert_eq!(unsealed.unwrap(), block.header.gas_used);
        }
    }
}

fn check_replay(
    before: &Chain,
    rules: &Rules,
    header: &Header,
    transactions: &[Recovered<Transaction>],
    logs: &[alloy_primitives::Log],
) {
    let replay = Replay { state: &before.state, rules, header, transactions };
    let tracer = Tracer::Calls(FrameOptions::default());
    let Trace::Calls(frame) = replay.trace(0, &tracer).unwrap() else { panic!() };
    let expected = logs.first().map(|log| Bytes::from(log.topics()[0].0));
    assert_eq!(Some(frame.output.clone()).filter(|output| !output.is_empty()), expected);
    let mut each = Vec::new();
    let result = replay.trace_each(&tracer, |_, trace| {
        each.push(trace);
        std::ops::ControlFlow::Continue(())
    });
    result.unwrap();
    assert_eq!(each, [Trace::Calls(frame)]);
}

#[test]
fn what_a_vote_moves_or_cancels_begins_later_or_never() {
    let mut chain = ledger(CHANGED);
    decide(&mut chain, &Revisions::scheduleCall { revision: ADDED, height: HEIGHT });
    decide(&mut chain, &Revisions::scheduleCall { revision: CHANGED, height: HEIGHT + 100 });
    decide(&mut chain, &Revisions::rescheduleCall { revision: ADDED, height: HEIGHT + 50 });
    decide(&mut chain, &Revisions::cancelCall { revision: CHANGED });
    assert_eq!(entries(&chain), [(4, 0), (ADDED, HEIGHT + 50)]);
    skip_to(&mut chain, HEIGHT - 1);
    assert_eq!(increment(&mut chain).1, None);
    skip_to(&mut chain, HEIGHT + 48);
    assert_eq!(increment(&mut chain).1, None);
    assert_eq!(increment(&mut chain).1, Some(U256::from(1)));
    skip_to(&mut chain, HEIGHT + 99);
    assert_eq!(increment(&mut chain).1, Some(U256::from(2)), "the other rule never begins");
}

#[test]
fn a_simulated_vote_counts_in_the_simulated_blocks_after_it() {
    let mut chain = ledger(CHANGED);
    decide(&mut chain, &Revisions::scheduleCall { revision: ADDED, height: HEIGHT });
    skip_to(&mut chain, HEIGHT - 3);
    let as_governor = |call: Vec<u8>| Message {
        call: Call { from: GOVERNOR, ..Call::read_only(REVISIONS, call.into()) },
        nonce: None,
    };
    let counted = |first: Vec<Message>| {
        let count = Call { from: key(2).address(), ..Call::read_only(SAMPLE, INCREMENT) };
        let count = Message { call: count, nonce: None };
        let plan = |mut messages: Vec<Message>| {
            messages.push(count.clone());
            BlockPlan { messages, ..BlockPlan::default() }
        };
        let blocks = vec![plan(first), plan(Vec::new()), plan(Vec::new()), plan(Vec::new())];
        let simulation = Simulation { blocks, ..Simulation::default() };
        let blocks = simulate(&chain.state, &chain.rules, &chain.head, &simulation).unwrap();
        let last = |block: &execution::SimulatedBlock| {
            let Some(CallOutcome::Returned { output, .. }) =
                block.calls.last().map(|call| call.outcome.clone())
            else {
                panic!("{block:?}")
            };
            (block.header.number, U256::try_from_be_slice(&output).unwrap().to::<u64>())
        };
        blocks.iter().map(last).collect::<Vec<_>>()
    };
    let at = |counts: [u64; 4]| (HEIGHT - 2..).zip(counts).collect::<Vec<_>>();
    assert_eq!(counted(Vec::new()), at([0, 0, 1, 2]));
    let cancel = Revisions::cancelCall { revision: ADDED }.abi_encode();
    assert_eq!(counted(vec![as_governor(cancel)]), at([0, 0, 0, 0]));
    let later = Revisions::rescheduleCall { revision: ADDED, height: HEIGHT + 1 }.abi_encode();
    assert_eq!(counted(vec![as_governor(later)]), at([0, 0, 0, 1]));
}

#[test]
fn a_program_that_does_not_know_what_was_voted_stops_before_it() {
    let mut chain = ledger(MODULES.newest());
    chain.rules.modules = MODULES;
    decide(&mut chain, &Revisions::scheduleCall { revision: ADDED, height: HEIGHT });
    let unknown = rules(&chain).first_unknown().unwrap();
    assert_eq!((unknown.revision.number(), unknown.height), (ADDED, HEIGHT));
    skip_to(&mut chain, HEIGHT - 2);
    chain.build(&[]);
    let parent = Parent {
        header: &chain.head,
        commitment: &chain.commitment,
        state: &chain.state,
        may_be_amended: false,
    };
    // Whichever rules it is given: the genesis file's, or those of the head.
    for rules in [&chain.rules, &rules(&chain)] {
        let error = execute_block(&parent, rules, &chain.input(), &[]).unwrap_err();
        assert!(matches!(error, BlockError::UnknownRevision(found) if found == unknown), "{error}");
    }
}

/// A state that may not be asked for the module's storage.
struct Unread;

impl DatabaseRef for Unread {
    type Error = Infallible;

    fn basic_ref(&self, _: Address) -> Result<Option<AccountInfo>, Infallible> {
        unreachable!("no account is read")
    }

    fn code_by_hash_ref(&self, _: alloy_primitives::B256) -> Result<Bytecode, Infallible> {
        unreachable!("no code is read")
    }

    fn storage_ref(&self, _: Address, _: U256) -> Result<U256, Infallible> {
        unreachable!("no slot is read")
    }

    fn block_hash_ref(&self, _: u64) -> Result<alloy_primitives::B256, Infallible> {
        unreachable!("no hash is read")
    }
}

#[test]
fn a_ledger_without_the_module_reads_nothing_more() {
    for entries in [&[][..], &[(2, 0)], &[(2, 0), (3, 500_000)]] {
        let genesis = Genesis { revisions: schedule(entries), ..genesis() };
        let rules = genesis.rules();
        assert_eq!(rules.at(&Unread).unwrap(), rules);
    }
}

#[test]
fn the_genesis_files_coming_entries_go_first() {
    let rich = GenesisAccount { balance: U256::from(100_000 * GRAIN), ..GenesisAccount::default() };
    let genesis = Genesis {
        revisions: schedule(&[(4, 0), (ADDED, 40_000)]),
        accounts: [(key(1).address(), rich)].into(),
        ..genesis()
    };
    let mut chain = Chain::from_genesis(&genesis);
    chain.rules.modules = modules(CHANGED);
    let call = |chain: &Chain, height| {
        let rules = rules(chain);
        let environment = Environment::of(&chain.head, &rules);
        let overrides = Overrides::default();
        let context =
            CallContext { state: &chain.state, rules: &rules, environment, overrides: &overrides };
        let input = Revisions::scheduleCall { revision: CHANGED, height }.abi_encode();
        let call = Call { from: GOVERNOR, ..Call::read_only(REVISIONS, input.into()) };
        context.call(&call).unwrap()
    };
    chain.build(&[]);
    let returned = |outcome: &CallOutcome| matches!(outcome, CallOutcome::Returned { .. });
    let refused = call(&chain, 40_000);
    assert!(!returned(&refused), "{refused:?}");
    let taken = call(&chain, 40_001);
    assert!(returned(&taken), "{taken:?}");
}

/// What nobody but the owner of a development ledger can write: the list ends where it does not rise.
#[test]
fn a_storage_that_no_vote_wrote_is_read_as_far_as_it_rises() {
    let mut chain = ledger(CHANGED);
    let start: U256 = keccak256([0; 32]).into();
    let word = |revision: u32, height: u64| U256::from(revision) | (U256::from(height) << 32);
    let write = |chain: &mut Chain, words: &[U256]| {
        chain.state.slots.insert((REVISIONS, U256::ZERO), U256::from(words.len()));
        for (index, word) in words.iter().enumerate() {
            chain.state.slots.insert((REVISIONS, start + U256::from(index)), *word);
        }
    };
    write(&mut chain, &[word(5, 60), word(7, 80), word(6, 90), word(9, 100)]);
    assert_eq!(entries(&chain), [(4, 0), (5, 60), (7, 80)]);
    write(&mut chain, &[word(4, 60), word(7, 80)]);
    assert_eq!(entries(&chain), [(4, 0)]);
    chain.state.slots.insert((REVISIONS, U256::ZERO), U256::MAX);
    assert_eq!(entries(&chain), [(4, 0)]);
}
