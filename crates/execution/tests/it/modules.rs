//! The native modules as part of the EVM. Their rules are tested in their own crates.

use crate::chain::{Chain, START_BALANCE, key, plain, sign};
use abi::{DEVICES, Devices, ModuleErrors, TRAINING_RUNS};
use alloy_consensus::TxEip1559;
use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, bytes};
use alloy_sol_types::{SolCall, SolError};
use execution::{Call, CallOutcome, Environment, EstimateError, call, estimate_gas};

pub(crate) fn message(to: Address, data: impl Into<Bytes>) -> Call {
    Call {
        from: key(1).address(),
        to: TxKind::Call(to),
        value: U256::ZERO,
        data: data.into(),
        gas_limit: None,
        max_fee_per_gas: None,
        max_priority_fee_per_gas: None,
        chain_id: None,
        access_list: AccessList::default(),
        authorization_list: Vec::new(),
    }
}

pub(crate) fn run(chain: &Chain, message: &Call) -> CallOutcome {
    call(&chain.state, &chain.rules, &Environment::of(&chain.head, &chain.rules), message).unwrap()
}

fn link() -> Devices::linkCall {
    let device = B256::repeat_byte(0xd0);
    let signature = vec![0; 64].into();
    Devices::linkCall { device, account: key(1).address(), nonce: 1, signature }
}

#[test]
fn a_view_answers() {
    let chain = Chain::new();
    let view = Devices::accountOfCall { device: B256::repeat_byte(0xd0) };
    let outcome = run(&chain, &message(DEVICES, view.abi_encode()));
    let CallOutcome::Returned { output, .. } = outcome else { panic!("{outcome:?}") };
    let answer = Devices::accountOfCall::abi_decode_returns(&output).unwrap();
    assert_eq!((answer.account, answer.nonce), (Address::ZERO, 0));
}

#[test]
fn a_module_is_warm_in_every_transaction_of_a_block() {
    let mut genesis = crate::chain::genesis();
    // PUSH20 GRAIN BALANCE POP STOP
    let code = [&[0x73][..], abi::GRAIN.as_slice(), &[0x31, 0x50, 0x00]].concat();
    let contract = Address::repeat_byte(0xc0);
    let account = execution::GenesisAccount { code: code.into(), ..Default::default() };
    genesis.accounts.insert(contract, account);
    let mut chain = Chain::from_genesis(&genesis);
    let ask = |nonce| TxEip1559 { to: TxKind::Call(contract), ..plain(nonce) };
    let all = [sign(1, ask(0)), sign(2, ask(0)), sign(1, ask(1))];
    let block = chain.build(&all).block;
    let each = 21_000 + 3 + 100 + 2;
    assert_eq!((block.transactions.len(), block.header.gas_used), (3, 3 * each));
}

#[test]
fn a_refusal_carries_its_error_in_calls_and_estimates_and_costs_only_gas_in_blocks() {
    let mut chain = Chain::new();
    let message = message(DEVICES, link().abi_encode());
    let expected = ModuleErrors::BadSignature { device: link().device }.abi_encode();
    let outcome = run(&chain, &message);
    assert!(
        matches!(&outcome, CallOutcome::Reverted { output, .. } if output[..] == expected),
        "{outcome:?}"
    );
    let environment = Environment::of(&chain.head, &chain.rules);
    let estimate = estimate_gas(&chain.state, &chain.rules, &environment, &message);
    assert!(matches!(estimate, Err(EstimateError::Reverted { output }) if output[..] == expected));

    let transaction = TxEip1559 { to: message.to, input: message.data.clone(), ..plain(0) };
    let paying = TxEip1559 { to: TxKind::Call(TRAINING_RUNS), value: U256::from(9), ..plain(1) };
    let block = chain.build(&[sign(1, transaction), sign(1, paying)]).block;
    assert!(block.receipts.iter().all(|receipt| !receipt.status() && receipt.logs().is_empty()));
    assert!(block.changes.slots.keys().all(|(account, _)| *account == abi::GRAIN));
    assert_eq!(chain.state.slots_of_others(), 0);
    assert_eq!(chain.state.balance(&TRAINING_RUNS), U256::ZERO, "value came back");
    let fee =
        u128::from(block.header.gas_used) * u128::from(block.header.base_fee_per_gas.unwrap() + 3);
    assert_eq!(chain.state.balance(&key(1).address()), U256::from(START_BALANCE - fee));
}

#[test]
fn contracts_see_a_contract_and_reach_it_by_call_only() {
    let mut chain = Chain::new();
    // DELEGATECALL (f4) or CALL (f1) of the module without data; returns its return data.
    let forward = |kind: &[u8]| {
        let mut code = kind.to_vec();
        code.extend_from_slice(&bytes!("503d5f5f3e3d5ff3"));
        Bytes::from(code)
    };
    let push = |code: &mut Vec<u8>| {
        code.push(0x73);
        code.extend_from_slice(DEVICES.as_slice());
        code.push(0x5a);
    };
    let mut delegating = vec![0x5f; 4];
    push(&mut delegating);
    delegating.push(0xf4);
    let mut calling = vec![0x5f; 5];
    push(&mut calling);
    calling.push(0xf1);
    let delegating = chain.deploy(1, &forward(&delegating));
    let calling = chain.deploy(1, &forward(&calling));

    let answer = |address| match run(&chain, &message(address, Bytes::new())) {
        CallOutcome::Returned { output, .. } => output.to_vec(),
        outcome => panic!("{outcome:?}"),
    };
    assert_eq!(answer(delegating), ModuleErrors::DelegateCallNotAllowed {}.abi_encode());
    assert_ne!(answer(calling), ModuleErrors::DelegateCallNotAllowed {}.abi_encode());
    assert_eq!(chain.state.nonce(&DEVICES), 1, "never empty, so never cleared");
}
