//! `Breakers`: they follow the houses and the offices, and anybody can look.

use abi::{
    BREAKERS, Breakers, GOVERNOR, ISSUANCE, REFEREES, Referees, STAKE_HOUSE, StakeHouse,
    WORK_HOUSE, WorkHouse,
};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall, SolEvent as _};
use native_kit::test_host::TestHost;

use crate::TABLE;

const DAY: u64 = 86_400;

fn who(number: u8) -> Address {
    Address::repeat_byte(number)
}

fn check(host: &mut TestHost) -> bool {
    let answer = host.transact(BREAKERS, who(0x77), 0, &Breakers::checkCall {}.abi_encode());
    Breakers::checkCall::abi_decode_returns(&answer.unwrap()).unwrap()
}

fn tripped(host: &mut TestHost) -> Vec<bool> {
    let answer = host.read(BREAKERS, &Breakers::allCall {}.abi_encode()).unwrap();
    let all = Breakers::allCall::abi_decode_returns(&answer).unwrap();
    all.iter().map(|breaker| breaker.isTripped).collect()
}

fn is_strict(host: &mut TestHost) -> bool {
    let answer = host.read(BREAKERS, &Breakers::isStrictCall {}.abi_encode()).unwrap();
    Breakers::isStrictCall::abi_decode_returns(&answer).unwrap()
}

fn deposit(host: &mut TestHost, from: std::ops::RangeInclusive<u8>) {
    for number in from {
        host.give(who(number), 1_000);
        let call = StakeHouse::depositCall {}.abi_encode();
        host.transact(STAKE_HOUSE, who(number), 1_000, &call).unwrap();
    }
}

fn mint(host: &mut TestHost, to: std::ops::RangeInclusive<u8>) {
    for number in to {
        let call = WorkHouse::mintCall { account: who(number), work: U256::from(1_000) };
        host.transact(WORK_HOUSE, ISSUANCE, 0, &call.abi_encode()).unwrap();
    }
}

fn name_referees(host: &mut TestHost, count: u8, threshold: u16) {
    let members = (1..=count).map(B256::repeat_byte).collect();
    let call = Referees::setMembersCall { members, threshold };
    host.transact(REFEREES, GOVERNOR, 0, &call.abi_encode()).unwrap();
}

#[test]
fn the_rules_are_strict_while_few_hold_the_power() {
    let mut host = TestHost::new(TABLE);
    host.time = 20_786 * DAY;
    // Nobody is there; a ledger without reporters has none to watch. The views say it before anybody has checked.
    assert_eq!((is_strict(&mut host), tripped(&mut host)), (true, vec![true, true, false, false]));
    assert!(check(&mut host));
    assert_eq!(tripped(&mut host), [true, true, false, false]);
    name_referees(&mut host, 1, 1);
    assert!(check(&mut host));
    assert_eq!(tripped(&mut host), [true, true, true, false]);
    // Eighty accounts with the same: forty-one have more than a half; what is known of their bucket says at least thirty-four.
    deposit(&mut host, 1..=80);
    mint(&mut host, 1..=80);
    host.time += 31 * DAY;
    for number in 1..=80 {
        let call = WorkHouse::matureCall { account: who(number) };
        host.transact(WORK_HOUSE, who(number), 0, &call.abi_encode()).unwrap();
    }
    name_referees(&mut host, 5, 3);
    assert!(!check(&mut host));
    assert_eq!(tripped(&mut host), [false; 4]);
    let released = host.last_log().unwrap();
    assert_eq!(released.1[0], Breakers::Released::SIGNATURE_HASH);
    // One that deposits as much as all others together.
    host.give(who(0xee), 1_000_000);
    let call = StakeHouse::depositCall {}.abi_encode();
    host.transact(STAKE_HOUSE, who(0xee), 1_000_000, &call).unwrap();
    assert!(check(&mut host));
    assert_eq!(tripped(&mut host), [true, false, false, false]);
    assert_eq!(host.last_log().unwrap().1[0], Breakers::Tripped::SIGNATURE_HASH);
    let before = host.state();
    assert!(check(&mut host));
    assert_eq!(host.state(), before, "nothing new, nothing written and no event");
}
