//! Traces of calls, and of transactions of a block that is executed again.

use crate::chain::{COUNTER, Chain, State, creation, key, plain, sign};
use abi::GRAIN;
use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, Bytes, TxKind, U256, bytes};
use execution::{
    Call, CallContext, CallOutcome, Environment, Frame, FrameKind, FrameOptions, Overrides,
    Prestate, PrestateOptions, Replay, StepOptions, Trace, TraceError, Tracer,
};

const ALL: Tracer = Tracer::Calls(FrameOptions { with_logs: true, only_top: false });

fn trace(chain: &Chain, call: &Call, tracer: &Tracer) -> Result<Trace, TraceError<Error>> {
    let overrides = &Overrides::default();
    let environment = Environment::of(&chain.head, &chain.rules);
    CallContext { state: &chain.state, rules: &chain.rules, environment, overrides }
        .trace(call, tracer)
}

type Error = <State as revm::DatabaseRef>::Error;

fn tree(trace: Trace) -> Frame {
    let Trace::Calls(frame) = trace else { panic!("{trace:?}") };
    frame
}

/// Returns code that calls `to` with `value` and calldata of `size` zero bytes by `opcode`.
fn calling(to: Address, opcode: u8, value: u8, size: u8) -> Vec<u8> {
    let mut code = vec![0x5f, 0x5f, 0x60, size, 0x5f];
    if [0xf1, 0xf2].contains(&opcode) {
        code.extend_from_slice(&[0x60, value]);
    }
    code.push(0x73);
    code.extend_from_slice(to.as_slice());
    code.extend_from_slice(&[0x5a, opcode, 0x50]);
    code
}

/// Returns code that creates every kind of frame.
fn all_kinds(counter: Address) -> Vec<u8> {
    let mut code = Vec::new();
    // CALL, CALLCODE, DELEGATECALL, STATICCALL (which may not write), a revert, a module, a value above the balance.
    for (opcode, value, size) in
        [(0xf1, 0, 0), (0xf2, 0, 0), (0xf4, 0, 0), (0xfa, 0, 0), (0xf1, 0, 3)]
    {
        code.extend(calling(counter, opcode, value, size));
    }
    code.extend(calling(GRAIN, 0xf1, 0, 0));
    code.extend(calling(counter, 0xf1, 9, 0));
    // CREATE of nothing, CREATE2 of nothing, SELFDESTRUCT to 0x55…
    code.extend_from_slice(&bytes!("5f5f5ff050 5f5f5f5ff550 73"));
    code.extend_from_slice(Address::repeat_byte(0x55).as_slice());
    code.push(0xff);
    code
}

#[test]
fn the_tree_holds_every_kind_of_call() {
    let mut chain = Chain::new();
    let counter = chain.deploy(1, &COUNTER);
    let outer = deploy_long(&mut chain, &all_kinds(counter));
    let from = key(1).address();
    let call = Call { from, ..Call::read_only(outer, Bytes::new()) };
    let root = tree(trace(&chain, &call, &ALL).unwrap());
    assert_eq!((root.kind, root.from, root.to), (FrameKind::Call, from, Some(outer)));
    let overrides = Overrides::default();
    let environment = Environment::of(&chain.head, &chain.rules);
    let context = CallContext {
        state: &chain.state,
        rules: &chain.rules,
        environment,
        overrides: &overrides,
    };
    let CallOutcome::Returned { gas_used, .. } = context.call(&call).unwrap() else { panic!() };
    assert_eq!((root.gas, root.gas_used), (30_000_000, gas_used), "gas as in a receipt");
    let kinds: Vec<_> = root.calls.iter().map(|call| call.kind).collect();
    assert_eq!(
        kinds,
        [
            FrameKind::Call,
            FrameKind::CallCode,
            FrameKind::DelegateCall,
            FrameKind::StaticCall,
            FrameKind::Call,
            FrameKind::Call,
            FrameKind::Call,
            FrameKind::Create,
            FrameKind::Create2,
            FrameKind::SelfDestruct,
        ]
    );
    let errors: Vec<_> = root.calls.iter().map(|call| call.error.as_deref()).collect();
    let (reverted, poor) = ("execution reverted", "insufficient balance for transfer");
    assert_eq!(
        errors[..9],
        [
            None,
            None,
            None,
            Some("write protection"),
            Some(reverted),
            Some(reverted),
            Some(poor),
            None,
            None
        ]
    );
    for call in &root.calls {
        assert_eq!(call.from, outer);
    }
    assert_eq!(root.calls[0].logs.len(), 1);
    assert_eq!(root.calls[2].to, Some(counter));
    assert_eq!(root.calls[3].value, None);
    assert_eq!(root.calls[3].gas_used, root.calls[3].gas, "a halt takes all");
    assert_eq!(root.calls[4].output, bytes!("000000"));
    assert!(root.calls[4].logs.is_empty(), "undone");
    assert_eq!(root.calls[5].to, Some(GRAIN), "a module is called like a contract");
    assert_eq!(root.calls[6].gas_used, 0);
    assert_eq!(root.calls[7].to, Some(outer.create(chain.state.nonce(&outer))));
    assert_eq!(root.calls[9].to, Some(Address::repeat_byte(0x55)));

    let top = Tracer::Calls(FrameOptions { with_logs: true, only_top: true });
    let top = tree(trace(&chain, &call, &top).unwrap());
    assert!(top.calls.is_empty());
    assert_eq!((top.gas_used, &top.output), (root.gas_used, &root.output));
}

/// Deploys code longer than one byte of size can express.
fn deploy_long(chain: &mut Chain, code: &[u8]) -> Address {
    let size = u16::try_from(code.len()).unwrap().to_be_bytes();
    let mut input = vec![0x61, size[0], size[1], 0x80, 0x60, 0x0a, 0x5f, 0x39, 0x5f, 0xf3];
    input.extend_from_slice(code);
    let from = key(1).address();
    let nonce = chain.state.nonce(&from);
    let transaction =
        TxEip1559 { to: TxKind::Create, input: input.into(), gas_limit: 2_000_000, ..plain(nonce) };
    assert!(chain.build(&[sign(1, transaction)]).block.receipts[0].status());
    from.create(nonce)
}

#[test]
fn a_transaction_is_run_again_after_those_before_it() {
    let mut chain = Chain::new();
    let counter = chain.deploy(1, &COUNTER);
    let before = chain.state.clone();
    let nonce = before.nonce(&key(1).address());
    let to =
        |nonce, data: Bytes| TxEip1559 { to: TxKind::Call(counter), input: data, ..plain(nonce) };
    let created = TxEip1559 { to: TxKind::Create, input: creation(&COUNTER), ..plain(1) };
    let transactions = [
        sign(1, to(nonce, Bytes::new())),
        sign(2, to(0, Bytes::new())),
        sign(2, created),
        sign(3, to(0, bytes!("c0ffee"))),
        sign(1, to(nonce + 1, Bytes::new())),
    ];
    let built = chain.build(&transactions).block;
    let replay = Replay {
        state: &before,
        rules: &chain.rules,
        header: &built.header,
        transactions: &built.transactions,
    };
    let mut gas_before = 0;
    for (index, receipt) in built.receipts.iter().enumerate() {
        let frame = tree(replay.trace(index, &ALL).unwrap());
        let gas = receipt.cumulative_gas_used();
        assert_eq!(frame.gas_used, gas - gas_before, "{index}");
        gas_before = gas;
        assert_eq!(frame.error.is_none(), receipt.status());
        let logs: Vec<_> = frame.logs.iter().map(|log| log.log.clone()).collect();
        assert_eq!(logs, receipt.logs());
        assert_eq!(frame.gas, 200_000);
    }
    let count = |index| tree(replay.trace(index, &ALL).unwrap()).output;
    assert_eq!([count(0), count(1), count(4)].map(|word| word[31]), [1, 2, 3]);
    assert_eq!(count(2), COUNTER, "a creation gives the code");
    assert!(matches!(replay.trace(5, &ALL), Err(TraceError::NoTransaction { index: 5 })));
    // On any other state than the one before the block, the replay fails with an error.
    let replay = Replay { state: &chain.state, ..replay };
    assert!(matches!(replay.trace(4, &ALL), Err(TraceError::Diverged { index: 0, .. })));
}

#[test]
fn accounts_are_reported_before_and_after() {
    let mut chain = Chain::new();
    let counter = chain.deploy(1, &COUNTER);
    let before = chain.state.clone();
    let sender = key(2).address();
    let transaction = TxEip1559 { to: TxKind::Call(counter), value: U256::from(5), ..plain(0) };
    let built = chain.build(&[sign(2, transaction)]).block;
    let replay = Replay {
        state: &before,
        rules: &chain.rules,
        header: &built.header,
        transactions: &built.transactions,
    };
    let prestate = |only_changes| {
        let tracer = Tracer::Prestate(PrestateOptions { only_changes });
        let Trace::Prestate(prestate) = replay.trace(0, &tracer).unwrap() else { panic!() };
        prestate
    };
    let Prestate { before: seen, after } = prestate(false);
    assert_eq!(after, None);
    assert_eq!(seen[&counter].code, Some(COUNTER));
    assert_eq!(seen[&counter].storage.get(&U256::ZERO), Some(&U256::ZERO));
    assert_eq!(seen[&sender].balance, Some(before.balance(&sender)));
    let Prestate { before: seen, after } = prestate(true);
    let after = after.unwrap();
    assert!(seen[&counter].storage.is_empty(), "a zero slot is left out");
    assert_eq!(after[&counter].storage.get(&U256::ZERO), Some(&U256::from(1)));
    assert_eq!(after[&counter].balance, Some(U256::from(5)));
    assert_eq!(after[&counter].code, None, "did not change");
    // The state after is that of the chain: every changed account and no other, except for GRAIN's supply, which no
    // account changed.
    for (address, change) in &built.changes.accounts {
        let now = change.after.unwrap();
        assert_eq!(after[address].balance.unwrap_or(seen[address].balance.unwrap()), now.balance);
    }
    assert_eq!(after.len(), built.changes.accounts.len());
}

#[test]
fn every_step_is_told() {
    let mut chain = Chain::new();
    let counter = chain.deploy(1, &COUNTER);
    let call = Call::read_only(counter, Bytes::new());
    let all = Tracer::Steps(StepOptions { with_memory: true, ..StepOptions::default() });
    let Trace::Steps { steps, outcome } = trace(&chain, &call, &all).unwrap() else { panic!() };
    let names: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names[..6], ["CALLDATASIZE", "PUSH1", "JUMPI", "PUSH1", "PUSH0", "SLOAD"]);
    assert_eq!(names.last(), Some(&"RETURN"));
    let CallOutcome::Returned { gas_used, .. } = outcome else { panic!() };
    assert_eq!(21_000 + steps.iter().map(|step| step.gas_cost).sum::<u64>(), gas_used);
    for pair in steps.windows(2) {
        assert_eq!(pair[0].gas - pair[0].gas_cost, pair[1].gas);
    }
    let write = steps.iter().find(|step| step.name == "SSTORE").unwrap();
    assert_eq!(write.stack.as_deref(), Some(&[U256::from(1), U256::ZERO][..]));
    assert_eq!(write.storage.as_ref().unwrap()[&U256::ZERO], U256::from(1));
    assert_eq!(steps.last().unwrap().memory.as_ref().unwrap()[31], 1);
    let few = Tracer::Steps(StepOptions { count_max: 3, ..StepOptions::default() });
    let Trace::Steps { steps, .. } = trace(&chain, &call, &few).unwrap() else { panic!() };
    assert_eq!(steps.len(), 3);
}

#[test]
fn traces_are_bounded() {
    let chain = Chain::new();
    // Calls itself with much calldata until the gas ends.
    let recursive = bytes!("5f5f6107d05f5f305af1 00");
    let mut call = Call::read_only(Address::repeat_byte(0x66), Bytes::new());
    let accounts = std::collections::BTreeMap::from([(
        Address::repeat_byte(0x66),
        execution::AccountOverride { code: Some(recursive), ..Default::default() },
    )]);
    let overrides = Overrides { accounts, ..Overrides::default() };
    let environment = Environment::of(&chain.head, &chain.rules);
    let context = CallContext {
        state: &chain.state,
        rules: &chain.rules,
        environment,
        overrides: &overrides,
    };
    let mut depth = 0;
    let root = tree(context.trace(&call, &ALL).unwrap());
    let mut frame = &root;
    while let Some(inner) = frame.calls.first() {
        (frame, depth) = (inner, depth + 1);
    }
    assert!(depth > 300, "{depth}");
    call.to = TxKind::Create;
    // Calls the empty account 0x77 with 8 KiB of calldata, repeatedly.
    call.data = bytes!("5b5f5f6120005f5f60775af1505f56");
    assert!(matches!(context.trace(&call, &ALL), Err(TraceError::TooLarge)));
    let steps = Tracer::Steps(StepOptions::default());
    assert!(matches!(context.trace(&call, &steps), Err(TraceError::TooLarge)));
    let top = Tracer::Calls(FrameOptions { with_logs: false, only_top: true });
    assert_eq!(tree(context.trace(&call, &top).unwrap()).error.as_deref(), Some("out of gas"));
}
