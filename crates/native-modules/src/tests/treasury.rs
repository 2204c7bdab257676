//! `Treasury`: only the Governor spends, within the budget; streams pay what they have earned.

use abi::{GOVERNOR, GRAIN, TREASURY, Treasury};
use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolError};
use native_kit::{Failure, test_host::TestHost};

use crate::TABLE;

const ALICE: Address = Address::repeat_byte(1);
const BALANCE: u64 = 1_000_000;

fn funded() -> TestHost {
    let mut host = TestHost::new(TABLE);
    host.give(ALICE, BALANCE);
    host.transact(TREASURY, ALICE, BALANCE, &[]).unwrap();
    host
}

fn by(host: &mut TestHost, caller: Address, call: &impl SolCall) -> Result<Vec<u8>, Failure> {
    host.transact(TREASURY, caller, 0, &call.abi_encode())
}

fn grant(amount: u64) -> Treasury::grantCall {
    Treasury::grantCall { token: GRAIN, to: ALICE, amount: U256::from(amount) }
}

fn stream(total: u64, start: u64, stop: u64) -> Treasury::streamCall {
    Treasury::streamCall { token: GRAIN, to: ALICE, total: U256::from(total), start, stop }
}

fn check_refused(result: Result<Vec<u8>, Failure>, error: &impl SolError) {
    assert_eq!(result.unwrap_err(), Failure::revert(error));
}

fn spending(host: &mut TestHost) -> Treasury::Spending {
    let call = Treasury::spendingOfCall { token: GRAIN };
    let answer = host.read(TREASURY, &call.abi_encode()).unwrap();
    Treasury::spendingOfCall::abi_decode_returns(&answer).unwrap()
}

#[test]
fn only_the_governor_spends() {
    let mut host = funded();
    let error = Treasury::NotGovernor { caller: ALICE };
    check_refused(by(&mut host, ALICE, &grant(1)), &error);
    check_refused(by(&mut host, ALICE, &stream(1, 1_000, 2_000)), &error);
    let beyond = Treasury::grantBeyondBudgetCall { token: GRAIN, to: ALICE, amount: U256::ONE };
    check_refused(by(&mut host, ALICE, &beyond), &error);
    by(&mut host, GOVERNOR, &stream(1, 1_000, 2_000)).unwrap();
    check_refused(by(&mut host, ALICE, &Treasury::cancelStreamCall { id: 1 }), &error);
    assert_eq!(host.balance_of(TREASURY), U256::from(BALANCE));
}

#[test]
fn grants_and_streams_share_one_budget() {
    let mut host = funded();
    by(&mut host, GOVERNOR, &grant(20_000)).unwrap();
    assert_eq!(host.balance_of(ALICE), U256::from(20_000));
    by(&mut host, GOVERNOR, &stream(30_000, 1_000, 2_000)).unwrap();
    let until = host.time + governance::treasury::WINDOW_SECONDS;
    let error = Treasury::OverBudget { amount: U256::ONE, left: U256::ZERO, until };
    check_refused(by(&mut host, GOVERNOR, &grant(1)), &error);
    check_refused(by(&mut host, GOVERNOR, &stream(1, 1_000, 2_000)), &error);
    let shown = spending(&mut host);
    assert_eq!((shown.budget, shown.spent), (U256::from(50_000), U256::from(50_000)));
    assert_eq!((shown.reserved, shown.free), (U256::from(30_000), U256::from(950_000)));
    let amount = U256::from(950_001);
    let beyond = Treasury::grantBeyondBudgetCall { token: GRAIN, to: ALICE, amount };
    let error = Treasury::OverFree { amount, free: U256::from(950_000) };
    check_refused(by(&mut host, GOVERNOR, &beyond), &error);
}

#[test]
fn a_stream_pays_what_it_has_earned_and_keeps_it_when_it_is_cancelled() {
    let mut host = funded();
    by(&mut host, GOVERNOR, &stream(1_000, 1_000, 2_000)).unwrap();
    let withdraw = Treasury::withdrawCall { id: 1 };
    host.time = 1_250;
    by(&mut host, Address::repeat_byte(9), &withdraw).unwrap();
    assert_eq!(host.balance_of(ALICE), U256::from(250));
    host.time = 1_500;
    by(&mut host, GOVERNOR, &Treasury::cancelStreamCall { id: 1 }).unwrap();
    let again = by(&mut host, GOVERNOR, &Treasury::cancelStreamCall { id: 1 });
    check_refused(again, &Treasury::StreamIsCancelled { id: 1 });
    host.time = 9_000;
    by(&mut host, ALICE, &withdraw).unwrap();
    assert_eq!(host.balance_of(ALICE), U256::from(500));
    by(&mut host, ALICE, &withdraw).unwrap();
    assert_eq!(host.balance_of(ALICE), U256::from(500), "nothing is paid twice");
    assert_eq!(spending(&mut host).reserved, U256::ZERO);
    let none = by(&mut host, ALICE, &Treasury::withdrawCall { id: 2 });
    check_refused(none, &Treasury::NoSuchStream { id: 2 });
}
