//! The Stake House against OpenZeppelin's `ERC20Votes`: recorded calls, and what its bytecode answered (`scripts/reference/votes.mjs`).
//!
//! Two things differ by intention, and are put into the expectation: an account's own votes always count, received ones up to 3 % of the house when
//! they are read; and who withdraws too much gets an error of this house.

use std::collections::BTreeMap;

use abi::{STAKE_HOUSE, Votes};
use alloy_primitives::{Address, U256, hex};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolEvent};
use native_kit::{Failure, test_host::TestHost};

use crate::TABLE;

/// Calls, and answers of the bytecode.
const RECORDED: &str = include_str!("../../../../testdata/votes/openzeppelin.txt");
/// What each account has at first.
const RICHES: u64 = 1_000_000;
/// `ERC20InsufficientBalance(address,uint256,uint256)`, which this house words otherwise.
const INSUFFICIENT_BALANCE: &str = "e450d38c";

/// The accounts of the record, from 1 on; 0 is the zero address.
fn accounts() -> Vec<Address> {
    let of_key = |number| PrivateKeySigner::from_bytes(&[number; 32].into()).unwrap().address();
    [Address::ZERO].into_iter().chain((1..=5).map(of_key)).collect()
}

fn read<C: SolCall>(host: &mut TestHost, call: &C) -> Result<C::Return, Failure> {
    let answer = host.read(STAKE_HOUSE, &call.abi_encode())?;
    Ok(C::abi_decode_returns(&answer).unwrap())
}

/// Returns the events of `Votes` from a log on, as the record writes them.
fn events(host: &TestHost, since: usize, accounts: &[Address]) -> String {
    let number = |of: &Address| accounts.iter().position(|account| account == of).unwrap();
    let state = host.state();
    let shown = state.logs[since..].iter().filter_map(|(_, topics, data)| {
        let log = || (topics.iter().copied(), &data[..]);
        if let Ok(event) = Votes::DelegateChanged::decode_raw_log(log().0, log().1) {
            let Votes::DelegateChanged { delegator, fromDelegate, toDelegate } = event;
            let [delegator, from, to] = [delegator, fromDelegate, toDelegate].map(|of| number(&of));
            return Some(format!("D{delegator},{from},{to}"));
        }
        let event = Votes::DelegateVotesChanged::decode_raw_log(log().0, log().1).ok()?;
        let Votes::DelegateVotesChanged { delegate, previousVotes, newVotes } = event;
        Some(format!("V{},{previousVotes},{newVotes}", number(&delegate)))
    });
    let shown: Vec<String> = shown.collect();
    if shown.is_empty() { "-".to_owned() } else { shown.join("|") }
}

fn number(text: &str) -> U256 {
    text.parse().unwrap()
}

fn list(text: &str) -> Vec<U256> {
    text.split(',').map(number).collect()
}

/// Returns what of `votes` counts here, if `own` of them are the account's own.
fn counted(votes: U256, own: U256, total: U256) -> U256 {
    let most = total * U256::from(300) / U256::from(10_000);
    own + (votes - own).min(most)
}

/// What is an account's own, at each time that was recorded.
#[derive(Default)]
struct Owns(BTreeMap<u64, Vec<U256>>);

impl Owns {
    fn at(&self, time: u64, account: usize) -> U256 {
        let found = self.0.range(..=time).next_back();
        found.map_or(U256::ZERO, |(_, owns)| owns[account - 1])
    }
}

fn check_call(host: &mut TestHost, fields: &[&str], accounts: &[Address], line: usize) {
    let [time, caller, value, input, is_taken, out, shown, ..] = *fields else {
        panic!("a line has too few fields");
    };
    host.time = time.parse().unwrap();
    let caller = accounts[caller.parse::<usize>().unwrap()];
    let input = hex::decode(input).unwrap();
    let logged = host.state().logs.len();
    let answer = host.transact(STAKE_HOUSE, caller, value.parse().unwrap(), &input);
    match answer {
        Ok(_) => assert_eq!(is_taken, "1", "line {line}: accepted, {out}"),
        Err(Failure::Revert(reason)) => {
            assert_eq!(is_taken, "0", "line {line}: refused with {reason}");
            if !out.starts_with(INSUFFICIENT_BALANCE) {
                assert_eq!(hex::encode(&reason), out, "line {line}");
            }
        }
        Err(other) => panic!("line {line}: {other:?}"),
    }
    assert_eq!(events(host, logged, accounts), shown, "line {line}");
}

fn check_views(host: &mut TestHost, fields: &[&str], accounts: &[Address], owns: &mut Owns) {
    let [votes, delegates, balances, total, past, who, then, then_total] = *fields else {
        panic!("a line has other fields");
    };
    let (votes, balances, total) = (list(votes), list(balances), number(total));
    let delegates: Vec<usize> = delegates.split(',').map(|text| text.parse().unwrap()).collect();
    let own_now = |index: usize| {
        if delegates[index] == index + 1 { balances[index] } else { U256::ZERO }
    };
    owns.0.insert(host.time, (0..5).map(own_now).collect());
    assert_eq!(read(host, &Votes::totalSupplyCall {}), Ok(total));
    for index in 0..5 {
        let account = accounts[index + 1];
        let found = read(host, &Votes::delegatesCall { account });
        assert_eq!(found, Ok(accounts[delegates[index]]));
        assert_eq!(read(host, &Votes::balanceOfCall { account }), Ok(balances[index]));
        let expected = counted(votes[index], own_now(index), total);
        assert_eq!(read(host, &Votes::getVotesCall { account }), Ok(expected));
    }
    let (past, who): (u64, usize) = (past.parse().unwrap(), who.parse().unwrap());
    let timepoint = U256::from(past);
    let found = read(host, &Votes::getPastVotesCall { account: accounts[who], timepoint });
    let found_total = read(host, &Votes::getPastTotalSupplyCall { timepoint });
    if past < host.time {
        let expected = counted(number(then), owns.at(past, who), number(then_total));
        assert_eq!((found, found_total), (Ok(expected), Ok(number(then_total))));
    } else {
        let refused = |text: &str| Failure::Revert(hex::decode(text).unwrap().into());
        assert_eq!((found, found_total), (Err(refused(then)), Err(refused(then_total))));
    }
}

#[test]
fn checkpoints_delegation_and_signatures_are_those_of_openzeppelin() {
    let accounts = accounts();
    let mut host = TestHost::new(TABLE);
    for account in &accounts[1..] {
        host.give(*account, RICHES);
    }
    let mut owns = Owns::default();
    for (index, line) in RECORDED.lines().enumerate() {
        let fields: Vec<&str> = line.split(' ').collect();
        let (call, views) = fields.split_at(7);
        let line = index + 1;
        check_call(&mut host, call, &accounts, line);
        check_views(&mut host, views, &accounts, &mut owns);
    }
}
