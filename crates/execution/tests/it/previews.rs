//! Calls with overrides, and access lists.

use crate::chain::{COUNTER, Chain, key, plain, sign};
use alloy_consensus::TxEip1559;
use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, bytes};
use execution::{
    AccountOverride, BlockOverrides, Call, CallContext, CallOutcome, Environment, Overrides,
    StorageOverride,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Returns the two words SLOAD(0), SLOAD(1).
const TWO_SLOTS: Bytes = bytes!("5f545f5260015460205260405ff3");
/// Returns NUMBER, TIMESTAMP, PREVRANDAO, COINBASE, GASLIMIT, BASEFEE.
const BLOCK: Bytes = bytes!("435f5242602052446040524160605245608052 4860a052 60c05ff3");

fn words(outcome: &CallOutcome) -> Vec<U256> {
    let CallOutcome::Returned { output, .. } = outcome else { panic!("{outcome:?}") };
    output.chunks(32).map(U256::from_be_slice).collect()
}

fn call_with(chain: &Chain, overrides: &Overrides, call: &Call) -> CallOutcome {
    context(chain, overrides).call(call).unwrap()
}

fn context<'a>(chain: &'a Chain, overrides: &'a Overrides) -> CallContext<'a, crate::chain::State> {
    let environment = Environment::of(&chain.head, &chain.rules);
    CallContext { state: &chain.state, rules: &chain.rules, environment, overrides }
}

fn account(address: Address, overridden: AccountOverride) -> Overrides {
    Overrides { accounts: BTreeMap::from([(address, overridden)]), ..Overrides::default() }
}

#[test]
fn code_and_storage_can_be_overridden() {
    let mut chain = Chain::new();
    let counter = chain.deploy(1, &COUNTER);
    send(&mut chain, counter);
    let call = Call::read_only(counter, Bytes::new());
    let before = chain.state.clone();
    let slots = |slots: &[(u64, u64)]| -> BTreeMap<U256, U256> {
        slots.iter().map(|(slot, value)| (U256::from(*slot), U256::from(*value))).collect()
    };
    let code = Some(TWO_SLOTS);
    for (storage, expected) in [
        (None, [1, 0]),
        (Some(StorageOverride::Slots(slots(&[(1, 7)]))), [1, 7]),
        (Some(StorageOverride::Slots(slots(&[(0, 5)]))), [5, 0]),
        (Some(StorageOverride::Whole(slots(&[(1, 7)]))), [0, 7]),
        (Some(StorageOverride::Whole(slots(&[]))), [0, 0]),
    ] {
        let overridden =
            AccountOverride { code: code.clone(), storage, ..AccountOverride::default() };
        let seen = words(&call_with(&chain, &account(counter, overridden), &call));
        assert_eq!(seen, expected.map(U256::from));
    }
    assert_eq!(chain.state, before);
}

#[test]
fn an_overridden_balance_can_be_spent() {
    let chain = Chain::new();
    let poor = Address::repeat_byte(0x77);
    let mut call = Call::read_only(Address::repeat_byte(0x78), Bytes::new());
    (call.from, call.value) = (poor, U256::from(5));
    assert!(context(&chain, &Overrides::default()).call(&call).is_err());
    let rich = AccountOverride { balance: Some(U256::from(5)), ..AccountOverride::default() };
    let rich = account(poor, rich);
    assert!(matches!(call_with(&chain, &rich, &call), CallOutcome::Returned { .. }));
    assert_eq!(context(&chain, &rich).estimate_gas(&call).unwrap(), 21_000);
    call.max_fee_per_gas = Some(1);
    assert!(context(&chain, &rich).estimate_gas(&call).is_err(), "nothing is left for the gas");
}

#[test]
fn a_contract_may_ask() {
    let mut chain = Chain::new();
    let counter = chain.deploy(1, &COUNTER);
    let call = Call { from: counter, ..Call::read_only(counter, Bytes::new()) };
    assert_eq!(words(&call_with(&chain, &Overrides::default(), &call)), [U256::from(1)]);
}

#[test]
fn a_block_can_be_imagined() {
    let mut chain = Chain::new();
    let probe = chain.deploy(1, &BLOCK);
    let call = Call::read_only(probe, Bytes::new());
    let plain = words(&call_with(&chain, &Overrides::default(), &call));
    assert_eq!(plain[5], U256::ZERO, "gas is free, so the base fee is zero");
    let block = BlockOverrides {
        number: Some(77),
        timestamp: Some(88),
        prevrandao: Some(B256::with_last_byte(99)),
        beneficiary: Some(Address::with_last_byte(11)),
        gas_limit: Some(1 << 60),
        base_fee: Some(12),
    };
    let overrides = Overrides { block, ..Overrides::default() };
    let seen = words(&call_with(&chain, &overrides, &call));
    assert_eq!(seen, [77_u64, 88, 99, 11, 1 << 60, 12].map(U256::from));
    // However large the overridden block is, a call gets no more gas than a real block has.
    let endless = Call { to: TxKind::Create, ..Call::read_only(probe, bytes!("5b5f56")) };
    let outcome = call_with(&chain, &overrides, &endless);
    assert!(matches!(outcome, CallOutcome::Halted { gas_used: 30_000_000, .. }), "{outcome:?}");
}

#[test]
fn an_access_list_names_what_is_touched() {
    let mut chain = Chain::new();
    let counter = chain.deploy(1, &COUNTER);
    // Calls the counter, reads a balance, a precompile and a module.
    let mut code = bytes!("5f5f5f5f5f73").to_vec();
    code.extend_from_slice(counter.as_slice());
    code.extend_from_slice(&bytes!("5af15073"));
    code.extend_from_slice(Address::repeat_byte(0x55).as_slice());
    code.extend_from_slice(&bytes!("31506001315073"));
    code.extend_from_slice(abi::GRAIN.as_slice());
    code.extend_from_slice(&bytes!("3f50"));
    // ADDRESS BALANCE POP: the receiver is warm without a list.
    code.extend_from_slice(&bytes!("303150"));
    let outer = chain.deploy(1, &code.into());
    let call = Call { from: key(1).address(), ..Call::read_only(outer, Bytes::new()) };
    let none = Overrides::default();
    let accesses = context(&chain, &none).access_list(&call).unwrap();
    let named: Vec<_> =
        accesses.list.0.iter().map(|item| (item.address, item.storage_keys.clone())).collect();
    let mut expected = vec![(counter, vec![B256::ZERO]), (Address::repeat_byte(0x55), Vec::new())];
    expected.sort();
    assert_eq!(named, expected);
    // With the list everything is warm: the outcome is that of a call with the list.
    let warm = Call { access_list: accesses.list.clone(), ..call.clone() };
    assert_eq!(context(&chain, &none).call(&warm).unwrap(), accesses.outcome);
    assert_eq!(context(&chain, &none).access_list(&warm).unwrap(), accesses);
    // Of the receiver itself the list has only slots; a transfer needs no list.
    let own =
        context(&chain, &none).access_list(&Call { to: TxKind::Call(counter), ..call.clone() });
    assert_eq!(own.unwrap().list.0.len(), 1);
    let transfer = Call { to: TxKind::Call(Address::repeat_byte(0x66)), ..call };
    assert_eq!(context(&chain, &none).access_list(&transfer).unwrap().list, AccessList::default());
}

proptest! {
    /// Overrides with the present values change nothing: the call has the outcome of a transaction.
    #[test]
    fn overrides_equal_to_the_state_change_nothing(sent in 0_u64..4, data in prop::option::of(0_u8..3)) {
        let mut chain = Chain::new();
        let counter = chain.deploy(1, &COUNTER);
        for _ in 0..sent {
            send(&mut chain, counter);
        }
        let data: Bytes = data.map_or_else(Bytes::new, |byte| vec![byte; 3].into());
        let call = Call { from: key(1).address(), ..Call::read_only(counter, data) };
        let state = &chain.state;
        let overridden = AccountOverride {
            balance: Some(state.balance(&counter)),
            nonce: Some(state.nonce(&counter)),
            code: Some(COUNTER),
            storage: Some(StorageOverride::Whole(BTreeMap::from([(U256::ZERO, U256::from(sent))]))),
        };
        let plain = call_with(&chain, &Overrides::default(), &call);
        prop_assert_eq!(&call_with(&chain, &account(counter, overridden), &call), &plain);
        let transaction = TxEip1559 {
            to: call.to, input: call.data.clone(), gas_limit: 100_000,
            ..plain_nonce(&chain)
        };
        let built = chain.execute(&[sign(1, transaction)]);
        let (CallOutcome::Returned { gas_used, .. } | CallOutcome::Reverted { gas_used, .. }) = plain else {
            panic!("{plain:?}")
        };
        prop_assert_eq!(built.block.header.gas_used, gas_used);
    }
}

fn send(chain: &mut Chain, to: Address) {
    let transaction = TxEip1559 { to: TxKind::Call(to), ..plain_nonce(chain) };
    chain.build(&[sign(1, transaction)]);
}

fn plain_nonce(chain: &Chain) -> TxEip1559 {
    plain(chain.state.nonce(&key(1).address()))
}
