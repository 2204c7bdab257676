//! Rules that change at a height: a revision brings a module, the next one changes its rule.

use crate::{
    chain::{Chain, genesis, plain, sign},
    sample::{
        ADDED, BURN, CHANGED, COUNT, INCREMENT, ISSUE, SAMPLE, modules, schedule, unknown_text,
    },
};
use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, TxKind, U256, bytes, keccak256};
use execution::{
    BlockError, BlockOverrides, BlockPlan, Built, Call, CallContext, CallError, CallOutcome,
    Environment, FrameOptions, Genesis, GenesisAccount, GenesisError, Message, Overrides, Parent,
    Replay, Revision, Rules, Schedule, SimulateError, Simulation, Trace, Tracer, execute_block,
    simulate,
};

/// Height of the first block of revision [`ADDED`].
const HEIGHT: u64 = 3;
/// Height of the first block of revision [`CHANGED`].
const LATER: u64 = 5;

/// A ledger that switches from revision 1 to [`ADDED`] at [`HEIGHT`], and to [`CHANGED`] at [`LATER`].
fn scheduled() -> Genesis {
    Genesis { revisions: schedule(&[(ADDED, HEIGHT), (CHANGED, LATER)]), ..genesis() }
}

/// Returns that ledger, run by a program that knows both revisions.
fn chain() -> Chain {
    let mut chain = Chain::from_genesis(&scheduled());
    chain.rules.modules = modules(CHANGED);
    chain
}

fn send(chain: &mut Chain, nonce: u64) -> Built {
    let (to, value) = (TxKind::Call(SAMPLE), U256::from(5));
    chain.build(&[sign(1, TxEip1559 { to, value, input: INCREMENT, ..plain(nonce) })])
}

fn count(chain: &Chain) -> U256 {
    chain.state.slots.get(&(SAMPLE, U256::ZERO)).copied().unwrap_or_default()
}

fn unknown(error: &dyn std::error::Error) {
    assert_eq!(error.to_string(), unknown_text(HEIGHT));
}

#[test]
fn a_module_appears_in_the_first_block_of_its_revision() {
    let mut chain = chain();
    for height in 1..HEIGHT {
        let block = send(&mut chain, height - 1).block;
        assert!(block.receipts[0].logs().is_empty(), "nobody answers at {height}");
        assert_eq!(chain.state.accounts[&SAMPLE].code_hash, keccak256([]));
    }
    // The first transaction of the block can call it already, and a balance from before is kept.
    let block = send(&mut chain, HEIGHT - 1).block;
    assert_eq!((block.header.number, block.receipts[0].logs().len()), (HEIGHT, 1));
    let account = chain.state.accounts[&SAMPLE];
    assert_eq!((account.nonce, account.code_hash), (1, keccak256([0xfe])));
    assert_eq!((account.balance, count(&chain)), (U256::from(5 * HEIGHT), U256::from(1)));
    assert!(block.changes.codes.contains_key(&keccak256([0xfe])));
    // Only once.
    let block = send(&mut chain, HEIGHT).block;
    assert!(block.changes.codes.is_empty());
    assert_eq!(count(&chain), U256::from(2));
    // The rule changes at its height, and the module keeps its storage.
    assert_eq!(send(&mut chain, HEIGHT + 1).block.header.number, LATER);
    assert_eq!(count(&chain), U256::from(12));
}

#[test]
fn a_module_appears_in_an_empty_block_too() {
    let mut chain = chain();
    for _ in 0..HEIGHT {
        assert!(!chain.state.accounts.contains_key(&SAMPLE));
        chain.build(&[]);
    }
    assert_eq!(chain.state.accounts[&SAMPLE].nonce, 1);
}

#[test]
fn a_ledger_begins_with_a_revision_that_is_known() {
    let begun = Genesis { revisions: Schedule::starting_with(Revision::new(ADDED)), ..genesis() };
    let error = begun.block().unwrap_err();
    assert!(matches!(error, GenesisError::UnknownRevision(_)), "{error}");
    assert_eq!(error.to_string(), unknown_text(0));
    let explicit = genesis().to_json().replacen(
        "\"accounts\"",
        "\"revisions\": [{\"revision\": 1, \"height\": 0}], \"accounts\"",
        1,
    );
    assert_eq!(Genesis::from_json(&explicit).unwrap(), genesis());
}

#[test]
fn a_program_that_does_not_know_the_revision_stops_before_its_height() {
    let mut chain = Chain::from_genesis(&scheduled());
    for nonce in 0..HEIGHT - 1 {
        send(&mut chain, nonce);
    }
    let parent = Parent {
        header: &chain.head,
        commitment: &chain.commitment,
        state: &chain.state,
        may_be_amended: false,
    };
    let built = execute_block(&parent, &chain.rules, &chain.input(), &[]);
    assert!(matches!(built, Err(BlockError::UnknownRevision(_))), "{built:?}");
    unknown(&built.unwrap_err());
    // Calls at existing blocks are answered; calls in the next block are not.
    let call = Call::read_only(SAMPLE, COUNT);
    let overrides = Overrides::default();
    let (state, rules) = (&chain.state, &chain.rules);
    let call =
        |environment| CallContext { state, rules, environment, overrides: &overrides }.call(&call);
    assert!(call(Environment::of(&chain.head, rules)).is_ok());
    let next = call(Environment::next(&chain.head, rules, &chain.input()));
    assert!(matches!(next, Err(CallError::UnknownRevision(_))), "{next:?}");
    let one = Simulation { blocks: vec![BlockPlan::default()], ..Simulation::default() };
    let simulated = simulate(state, rules, &chain.head, &one);
    assert!(matches!(simulated, Err(SimulateError::UnknownRevision(_))), "{simulated:?}");
    unknown(&simulated.unwrap_err());
}

/// Returns whether the module answers a read-only call in `environment`.
fn answers(chain: &Chain, environment: Environment, overrides: &Overrides) -> bool {
    let context = CallContext { state: &chain.state, rules: &chain.rules, environment, overrides };
    let outcome = context.call(&Call::read_only(SAMPLE, COUNT)).unwrap();
    let CallOutcome::Returned { output, .. } = outcome else { panic!("{outcome:?}") };
    !output.is_empty()
}

#[test]
fn calls_and_estimates_have_the_rules_of_their_block() {
    let mut chain = chain();
    let none = Overrides::default();
    let at = |number| Overrides {
        block: BlockOverrides { number: Some(number), ..BlockOverrides::default() },
        ..Overrides::default()
    };
    for height in 0..HEIGHT + 2 {
        let here = Environment::of(&chain.head, &chain.rules);
        assert_eq!(here.number, height);
        assert_eq!(here.revision == Revision::new(ADDED), height >= HEIGHT);
        assert_eq!(answers(&chain, here, &none), height >= HEIGHT, "call at {height}");
        let next = Environment::next(&chain.head, &chain.rules, &chain.input());
        assert_eq!(answers(&chain, next, &none), height + 1 >= HEIGHT, "next of {height}");
        assert!(answers(&chain, here, &at(HEIGHT)), "as if it were block {HEIGHT}");
        chain.build(&[]);
    }
}

#[test]
fn simulated_blocks_have_the_rules_of_their_heights() {
    let mut chain = chain();
    chain.build(&[]);
    let call = Call { from: Address::ZERO, ..Call::read_only(SAMPLE, INCREMENT) };
    let message = Message { call, nonce: None };
    let plan = BlockPlan { messages: vec![message], ..BlockPlan::default() };
    let simulation = Simulation { blocks: vec![plan; 4], ..Simulation::default() };
    let blocks = simulate(&chain.state, &chain.rules, &chain.head, &simulation).unwrap();
    let counted = |block: &execution::SimulatedBlock| {
        let CallOutcome::Returned { output, .. } = &block.calls[0].outcome else { panic!() };
        (block.header.number, U256::try_from_be_slice(output).unwrap_or_default().to::<u64>())
    };
    let counted: Vec<_> = blocks.iter().map(counted).collect();
    assert_eq!(counted, [(2, 0), (3, 1), (4, 2), (5, 12)]);
}

#[test]
fn a_block_is_traced_by_its_own_rules() {
    let mut chain = chain();
    for nonce in 0..LATER {
        let before = chain.state.clone();
        let block = send(&mut chain, nonce).block;
        let replay = Replay {
            state: &before,
            rules: &chain.rules,
            header: &block.header,
            transactions: &block.transactions,
        };
        let tracer = Tracer::Calls(FrameOptions::default());
        let Trace::Calls(frame) = replay.trace(0, &tracer).unwrap() else { panic!() };
        let expected = match block.header.number {
            ..HEIGHT => U256::ZERO,
            HEIGHT..LATER => U256::from(block.header.number - HEIGHT + 1),
            _ => U256::from(12),
        };
        assert_eq!(U256::try_from_be_slice(&frame.output).unwrap(), expected);
        let mut each = Vec::new();
        let result = replay.trace_each(&tracer, |_, trace| {
            each.push(trace);
            std::ops::ControlFlow::Continue(())
        });
        result.unwrap();
        assert_eq!(each, [Trace::Calls(frame)]);
    }
}

#[test]
fn reserved_module_addresses_are_free_and_have_ordinary_gas_costs() {
    let mut genesis = scheduled();
    genesis.accounts.insert(SAMPLE, GenesisAccount::default());
    assert!(matches!(genesis.block(), Err(GenesisError::Reserved { .. })));
    // PUSH20 SAMPLE BALANCE POP STOP: warm only when the revision has the module.
    let code = [&bytes!("73")[..], SAMPLE.as_slice(), &bytes!("315000")].concat();
    let asking = Address::repeat_byte(0xc0);
    let account = GenesisAccount { code: code.into(), ..GenesisAccount::default() };
    let mut genesis = scheduled();
    genesis.accounts.insert(asking, account);
    let mut chain = Chain::from_genesis(&genesis);
    chain.rules.modules = modules(CHANGED);
    for nonce in 0..LATER {
        let call = TxEip1559 { to: TxKind::Call(asking), ..plain(nonce) };
        let header = chain.build(&[sign(1, call)]).block.header;
        let access = if header.number < HEIGHT { 2_600 } else { 100 };
        assert_eq!(header.gas_used, 21_000 + 3 + access + 2, "block {}", header.number);
    }
}

#[test]
fn another_schedule_is_another_ledger_and_none_is_as_it_was() {
    let hash = |genesis: &Genesis| genesis.block().unwrap().hash;
    let others = [&[(2, 9)][..], &[(2, 10)], &[(3, 9)], &[(2, 9), (3, 10)]];
    let mut hashes: Vec<B256> =
        others.map(|entries| hash(&Genesis { revisions: schedule(entries), ..genesis() })).to_vec();
    hashes.push(hash(&genesis()));
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), others.len() + 1);
    assert!(!genesis().to_json().contains("revisions"));
    for entries in others {
        let genesis = Genesis { revisions: schedule(entries), ..genesis() };
        assert_eq!(Genesis::from_json(&genesis.to_json()).unwrap(), genesis);
    }
}

#[test]
fn a_bad_schedule_is_refused_with_the_entry() {
    let check = |entries: &str, expected: &str| {
        let json = genesis().to_json().replacen(
            "\"accounts\"",
            &format!("\"revisions\": {entries}, \"accounts\""),
            1,
        );
        let error = Genesis::from_json(&json).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains(expected), "{source}");
    };
    check(r#"[{"revision": 0, "height": 0}]"#, "revision 0 at height 0");
    check(r#"[{"revision": 2, "height": 7}, {"revision": 3, "height": 7}]"#, "both must rise");
    check(r#"[{"revision": 2}]"#, "missing field `height`");
    check(r#"[{"revision": 2, "height": 7, "name": "x"}]"#, "unknown field `name`");
    check(r#"{"2": 7}"#, "expected a sequence");
}

#[test]
fn only_the_issuer_of_the_revision_issues_and_within_its_schedule() {
    let mut chain = chain();
    let issue = |sender, nonce| {
        sign(sender, TxEip1559 { to: TxKind::Call(SAMPLE), input: ISSUE, ..plain(nonce) })
    };
    for _ in 1..HEIGHT {
        chain.build(&[]);
    }
    for _ in HEIGHT..LATER {
        let built = chain.build(&[issue(1, 0)]);
        let [refused] = built.refused.as_slice() else { panic!("{built:?}") };
        assert!(refused.reason.to_string().contains("may not issue"), "{}", refused.reason);
    }
    // The block's rules hold: 100 more, less the base fees. The second exceeds what this block may issue.
    let built = chain.execute(&[issue(1, 0), issue(2, 0)]);
    let [refused] = built.refused.as_slice() else { panic!("{built:?}") };
    assert!(refused.reason.to_string().contains("above 100 at height 5"), "{}", refused.reason);
    let header = &built.block.header;
    let burnt = u128::from(header.gas_used) * u128::from(header.base_fee_per_gas.unwrap());
    let word = built.block.changes.slots[&(abi::GRAIN, U256::from(2))];
    assert_eq!(word.after + U256::from(burnt), word.before + U256::from(100));
    let issued = built.block.changes.slots[&(SAMPLE, U256::from(9))];
    assert_eq!((issued.before, issued.after), (U256::ZERO, U256::from(100)));
}

#[test]
fn what_a_module_burns_leaves_the_supply() {
    let mut chain = chain();
    for _ in 1..HEIGHT {
        chain.build(&[]);
    }
    let (to, value) = (TxKind::Call(SAMPLE), U256::from(1_000));
    let burn = sign(1, TxEip1559 { to, value, input: BURN, ..plain(0) });
    // Not built: what is conserved else is not conserved here.
    let built = chain.execute(&[burn]);
    assert!(built.refused.is_empty(), "{built:?}");
    let header = &built.block.header;
    let fees = u128::from(header.gas_used) * u128::from(header.base_fee_per_gas.unwrap());
    let word = built.block.changes.slots[&(abi::GRAIN, U256::from(2))];
    assert_eq!(word.after + U256::from(fees) + value, word.before);
    let module = built.block.changes.accounts.get(&SAMPLE).and_then(|change| change.after);
    assert!(module.is_none_or(|state| state.balance.is_zero()), "it has kept nothing");
}

#[test]
fn the_rules_say_which_revision_stops_a_program() {
    let rules = |entries: &[(u32, u64)], newest| Rules {
        modules: modules(newest),
        ..Genesis { revisions: schedule(entries), ..genesis() }.rules()
    };
    assert_eq!(rules(&[], 1).first_unknown(), None);
    assert_eq!(rules(&[(2, 5), (3, 9)], 3).first_unknown(), None);
    let second = rules(&[(2, 5), (3, 9)], 2);
    assert_eq!(second.first_unknown().map(|unknown| unknown.height), Some(9));
    assert!(second.check_known(8).is_ok() && second.check_known(9).is_err());
    assert!(second.check_known(u64::MAX).is_err());
}
