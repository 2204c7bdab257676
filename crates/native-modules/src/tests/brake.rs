//! `Brake`: what is locked delays a queued proposal, and comes back after the cooldown.

use abi::{BRAKE, Brake, GOVERNOR};
use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolError, SolValue};
use governance::brake::{COOLDOWN_SECONDS, FIRST_SECONDS, FULL_SECONDS, LOCK_MIN};
use native_kit::{Failure, Host, Outcome, test_host::TestHost};

use crate::{GRAIN_SUPPLY, TABLE};

const ALICE: Address = Address::repeat_byte(1);
const BOB: Address = Address::repeat_byte(2);
const GRAIN: u64 = 1_000_000_000_000_000_000;
const ETA: u64 = 5_000;
/// A proposal that is queued; all others are defeated.
const PROPOSAL: U256 = U256::from_limbs([7, 0, 0, 0]);

/// Returns a ledger of 1,000 GRAIN on which one proposal is queued.
fn queued() -> TestHost {
    let mut host = TestHost::new(TABLE);
    host.within(GRAIN_SUPPLY.0, |host| host.store(GRAIN_SUPPLY.1, U256::from(1_000) * LOCK_MIN))
        .unwrap();
    host.give(ALICE, 15 * GRAIN);
    host.give(BOB, 15 * GRAIN);
    let state = keccak_selector("state(uint256)");
    host.deploy(GOVERNOR, move |_, _, call| {
        let asked = U256::from_be_slice(&call.input[4..36]);
        let answer = match (call.input[..4] == state, asked == PROPOSAL) {
            (true, true) => U256::from(5),
            (true, false) => U256::from(3),
            (false, _) => U256::from(ETA),
        };
        Outcome::Returned(answer.abi_encode().into())
    });
    host
}

fn keccak_selector(signature: &str) -> [u8; 4] {
    alloy_primitives::keccak256(signature)[..4].try_into().unwrap()
}

fn lock(host: &mut TestHost, account: Address, amount: u64) -> Result<Vec<u8>, Failure> {
    let call = Brake::lockCall { proposal: PROPOSAL };
    host.transact(BRAKE, account, amount, &call.abi_encode())
}

fn release(host: &mut TestHost, account: Address) -> Result<Vec<u8>, Failure> {
    let call = Brake::releaseCall { proposal: PROPOSAL };
    host.transact(BRAKE, account, 0, &call.abi_encode())
}

fn delay(host: &mut TestHost) -> u64 {
    let call = Brake::delayOfCall { proposal: PROPOSAL };
    let answer = host.read(BRAKE, &call.abi_encode()).unwrap();
    Brake::delayOfCall::abi_decode_returns(&answer).unwrap()
}

fn check_refused(result: Result<Vec<u8>, Failure>, error: &impl SolError) {
    assert_eq!(result.unwrap_err(), Failure::revert(error));
}

#[test]
fn one_per_cent_of_the_supply_delays_a_queued_proposal_by_five_days() {
    let mut host = queued();
    lock(&mut host, ALICE, 9 * GRAIN).unwrap();
    assert_eq!(delay(&mut host), 0);
    lock(&mut host, BOB, GRAIN).unwrap();
    assert_eq!(delay(&mut host), FIRST_SECONDS);
    host.time = ETA + FIRST_SECONDS;
    let error = Brake::TooLate { due: ETA + FIRST_SECONDS, current: ETA + FIRST_SECONDS };
    check_refused(lock(&mut host, BOB, GRAIN), &error);
    host.time -= 1;
    lock(&mut host, BOB, 5 * GRAIN).unwrap();
    assert!(delay(&mut host) > FIRST_SECONDS);
}

#[test]
fn what_is_locked_comes_back_once_and_only_after_the_cooldown() {
    let mut host = queued();
    lock(&mut host, ALICE, 10 * GRAIN).unwrap();
    let until = ETA + FULL_SECONDS + COOLDOWN_SECONDS;
    host.time = until - 1;
    let early = release(&mut host, ALICE);
    check_refused(early, &Brake::StillLocked { until, current: until - 1 });
    host.time = until;
    check_refused(release(&mut host, BOB), &Brake::NothingLocked {});
    release(&mut host, ALICE).unwrap();
    assert_eq!(host.balance_of(ALICE), U256::from(15 * GRAIN));
    assert_eq!(host.balance_of(BRAKE), U256::ZERO);
    check_refused(release(&mut host, ALICE), &Brake::NothingLocked {});
}

#[test]
fn only_a_queued_proposal_is_delayed_and_only_by_more_than_dust() {
    let mut host = queued();
    let other = U256::from(8);
    let call = Brake::lockCall { proposal: other }.abi_encode();
    let refused = host.transact(BRAKE, ALICE, GRAIN, &call);
    check_refused(refused, &Brake::NotQueued { proposal: other });
    let error = Brake::TooLittle { amount: U256::from(GRAIN - 1), least: LOCK_MIN };
    check_refused(lock(&mut host, ALICE, GRAIN - 1), &error);
    assert_eq!(host.balance_of(ALICE), U256::from(15 * GRAIN), "a refused lock takes nothing");
}
