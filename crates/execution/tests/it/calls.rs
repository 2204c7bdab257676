use crate::chain::{COUNTER, Chain, START_BALANCE, State, key, plain, sign};
use alloy_consensus::{Header, TxEip1559};
use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, Bytes, TxKind, U256, bytes};
use execution::{
    Call, CallError, CallOutcome, Environment, EstimateError, Refusal, call, estimate_gas,
};

fn to(address: Address) -> Call {
    Call {
        from: key(1).address(),
        to: TxKind::Call(address),
        value: U256::ZERO,
        data: Bytes::new(),
        gas_limit: None,
        max_fee_per_gas: None,
        max_priority_fee_per_gas: None,
        chain_id: None,
        access_list: AccessList::default(),
        authorization_list: Vec::new(),
    }
}

fn run(chain: &Chain, message: &Call) -> CallOutcome {
    call(&chain.state, &chain.rules, &Environment::of(&chain.head, &chain.rules), message).unwrap()
}

fn estimate(
    chain: &Chain,
    message: &Call,
) -> Result<u64, EstimateError<<State as revm::DatabaseRef>::Error>> {
    estimate_gas(&chain.state, &chain.rules, &Environment::of(&chain.head, &chain.rules), message)
}

#[test]
fn a_call_returns_or_reverts_and_leaves_no_trace() {
    let mut chain = Chain::new();
    let counter = chain.deploy(1, &COUNTER);
    let before = chain.state.clone();
    for _ in 0..2 {
        let CallOutcome::Returned { output, gas_used } = run(&chain, &to(counter)) else {
            panic!()
        };
        assert_eq!(U256::from_be_slice(&output), U256::from(1));
        assert!(gas_used > 21_000);
    }
    let reverting = Call { data: bytes!("c0ffee"), ..to(counter) };
    assert!(matches!(run(&chain, &reverting),
        CallOutcome::Reverted { output, .. } if output == bytes!("c0ffee")));
    let short = Call { gas_limit: Some(22_000), ..to(counter) };
    assert!(matches!(run(&chain, &short), CallOutcome::Halted { gas_used: 22_000, .. }));
    assert_eq!(chain.state, before);
}

#[test]
fn a_call_needs_no_fee_but_its_value() {
    let chain = Chain::new();
    let environment = Environment::of(&chain.head, &chain.rules);
    let poor = Call { from: Address::repeat_byte(0x77), ..to(Address::repeat_byte(1)) };
    assert!(matches!(run(&chain, &poor), CallOutcome::Returned { .. }));
    let generous = Call { value: U256::from(1), ..poor };
    assert!(matches!(
        call(&chain.state, &chain.rules, &environment, &generous),
        Err(CallError::Refused(Refusal::InsufficientFunds { .. }))
    ));
}

#[test]
fn a_call_sees_the_environment_it_is_given() {
    let mut chain = Chain::new();
    // BLOCKHASH(NUMBER - 1), NUMBER, TIMESTAMP, PREVRANDAO, COINBASE, CHAINID, GASLIMIT
    let probe =
        bytes!("6001430340 5f52 43602052 42604052 44606052 41608052 4660a052 4560c052 60e05ff3");
    let address = chain.deploy(1, &probe);
    let environment = Environment::next(&chain.head, &chain.rules, &chain.input());
    let outcome = call(&chain.state, &chain.rules, &environment, &to(address)).unwrap();
    let CallOutcome::Returned { output, .. } = outcome else { panic!("{outcome:?}") };
    let words: Vec<_> = output.chunks(32).map(U256::from_be_slice).collect();
    let head: &Header = &chain.head;
    assert_eq!(words[0], U256::from_be_bytes(head.hash_slow().0));
    assert_eq!(words[1], U256::from(2));
    assert_eq!(words[2], U256::from(head.timestamp + 1));
    assert_eq!(words[3], U256::from_be_bytes(environment.prevrandao.0));
    assert_eq!(words[4], U256::from_be_slice(environment.beneficiary.as_slice()));
    assert_eq!(words[5], U256::from(chain.rules.chain_id));
    assert_eq!(words[6], U256::from(30_000_000));
}

#[test]
fn an_estimate_is_enough_and_not_much_more() {
    let mut chain = Chain::new();
    let counter = chain.deploy(1, &COUNTER);
    // Clears slot 0 after setting it: the refund at the end must not lower the limit below what is needed before it.
    let refunding = chain.deploy(1, &bytes!("60015f555f5f5500"));
    // Calls the counter with all gas but a 64th, and reverts if that fails.
    let mut forward = vec![0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x73];
    forward.extend_from_slice(counter.as_slice());
    forward.extend_from_slice(&[0x5a, 0xf1, 0x60, 0x25, 0x57, 0x5f, 0x5f, 0xfd, 0x5b, 0x00]);
    let target = forward.len() - 2;
    let push = forward.len() - 7;
    forward[push] = u8::try_from(target).unwrap();
    let forwarding = chain.deploy(1, &forward.into());
    let mut large = to(counter);
    large.to = TxKind::Call(Address::repeat_byte(0x55));
    large.data = vec![1; 20_000].into();

    for message in [to(counter), to(refunding), to(forwarding), to(Address::repeat_byte(1)), large]
    {
        let gas_limit = estimate(&chain, &message).unwrap();
        let nonce = chain.state.nonce(&key(1).address());
        let attempt = |gas_limit| {
            let transaction = TxEip1559 {
                to: message.to,
                input: message.data.clone(),
                gas_limit,
                ..plain(nonce)
            };
            let built = chain.execute(&[sign(1, transaction)]);
            built.block.receipts.first().is_some_and(|receipt| receipt.status())
        };
        assert!(attempt(gas_limit), "{gas_limit} is enough for {message:?}");
        assert!(!attempt(gas_limit - gas_limit / 50), "{gas_limit} is too much for {message:?}");
    }
}

#[test]
fn an_impossible_estimate_gives_the_reason() {
    let mut chain = Chain::new();
    let counter = chain.deploy(1, &COUNTER);
    let reverting = Call { data: bytes!("c0ffee"), ..to(counter) };
    assert!(matches!(estimate(&chain, &reverting),
        Err(EstimateError::Reverted { output }) if output == bytes!("c0ffee")));
    let burning = chain.deploy(1, &bytes!("fe"));
    assert!(matches!(
        estimate(&chain, &to(burning)),
        Err(EstimateError::Halted { gas_limit: 30_000_000, .. })
    ));
    // A fee so high that the sender can pay for only 22,000 gas.
    let dear = Call { max_fee_per_gas: Some(START_BALANCE / 22_100), ..to(counter) };
    assert!(matches!(
        estimate(&chain, &dear),
        Err(EstimateError::Halted { gas_limit, .. }) if gas_limit < 22_100
    ));
}

#[test]
fn a_message_for_another_chain_or_with_a_tip_above_its_fee_is_refused() {
    let chain = Chain::new();
    let fine = Call {
        chain_id: Some(chain.rules.chain_id),
        max_fee_per_gas: Some(9),
        max_priority_fee_per_gas: Some(9),
        ..to(Address::repeat_byte(0x55))
    };
    run(&chain, &fine);
    estimate(&chain, &fine).unwrap();
    let elsewhere = Call { chain_id: Some(1), ..fine.clone() };
    let greedy = Call { max_priority_fee_per_gas: Some(10), ..fine.clone() };
    let environment = Environment::of(&chain.head, &chain.rules);
    for (message, expected) in [
        (elsewhere, Refusal::WrongChain { signed: 1, chain: chain.rules.chain_id }),
        (greedy, Refusal::TipAboveMaxFee { tip: 10, max_fee: 9 }),
    ] {
        let refused = call(&chain.state, &chain.rules, &environment, &message).unwrap_err();
        assert!(matches!(refused, CallError::Refused(reason) if reason == expected));
        let refused = estimate(&chain, &message).unwrap_err();
        assert!(
            matches!(refused, EstimateError::Call(CallError::Refused(reason)) if reason == expected)
        );
    }
    // Without a fee the tip is ignored.
    run(&chain, &Call { max_fee_per_gas: None, ..fine });
}

#[test]
fn an_estimate_without_funds_fails_as_in_geth() {
    let chain = Chain::new();
    let poor = Address::repeat_byte(0x77);
    let refusal = |message: &Call| estimate(&chain, message).unwrap_err().to_string();
    let fee = Call { from: poor, max_fee_per_gas: Some(1), ..to(Address::repeat_byte(0x55)) };
    assert!(refusal(&fee).starts_with("insufficient funds for transfer"), "{}", refusal(&fee));
    let value = Call { value: U256::from(START_BALANCE), from: key(1).address(), ..fee.clone() };
    assert!(refusal(&value).starts_with("insufficient funds for transfer"), "{}", refusal(&value));
    // The rest pays for 20,999 gas.
    let left = U256::from(20_999);
    let short = Call { value: U256::from(START_BALANCE) - left, ..value.clone() };
    assert_eq!(refusal(&short), "gas required exceeds allowance (20999)");
    let enough = Call { value: U256::from(START_BALANCE) - left - U256::from(1), ..value };
    assert_eq!(estimate(&chain, &enough).unwrap(), 21_000);
    assert_eq!(estimate(&chain, &Call { max_fee_per_gas: None, ..fee }).unwrap(), 21_000);
}
