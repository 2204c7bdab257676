//! What accounts say to their devices: revocations and policies.

use abi::{DEVICES, Devices, POLICY_BYTES_MAX, TRAINING_RUNS, TrainingRuns, statement};
use alloy_primitives::{Address, B256};
use alloy_sol_types::SolCall;
use native_kit::{
    Failure,
    test_host::{CHAIN_ID, TestHost},
};
use proptest::prelude::*;
use units::Digest;

use super::{AUDITOR, OWNER, by, device, enroll, opened, runs, signed};

const THIEF: Address = Address::repeat_byte(0x66);

/// The account that a device of [`opened`] is linked to.
fn account(number: u8) -> Address {
    Address::repeat_byte(number)
}

fn link_to(number: u8, account: Address, nonce: u64) -> Vec<u8> {
    let device = device(number);
    let signature =
        signed(number, &statement::link(CHAIN_ID, &device.0, &account.into_array(), nonce));
    Devices::linkCall { device, account, nonce, signature }.abi_encode()
}

fn revoke(number: u8) -> Vec<u8> {
    Devices::revokeCall { device: device(number) }.abi_encode()
}

fn restore(number: u8) -> Vec<u8> {
    Devices::restoreCall { device: device(number) }.abi_encode()
}

fn retire(number: u8) -> Vec<u8> {
    TrainingRuns::retireCall { run: 1, device: device(number) }.abi_encode()
}

fn commit(number: u8) -> Vec<u8> {
    by(number, |device| device.commit(1, 0, [1; 32], [2; 32]))
}

fn revoked<T>(number: u8, account: Address) -> Result<T, Failure> {
    Err(Failure::revert(&Devices::DeviceRevoked { device: device(number), account }))
}

fn read<C: SolCall>(host: &mut TestHost, call: &C) -> C::Return {
    let answer = host.read(DEVICES, &call.abi_encode()).unwrap();
    C::abi_decode_returns(&answer).unwrap()
}

fn is_revoked(host: &mut TestHost, number: u8) -> bool {
    read(host, &Devices::isRevokedCall { device: device(number) })
}

/// Returns a ledger on which devices 1 to 3 have seats in a round that takes commitments.
fn training() -> TestHost {
    let mut host = opened();
    for number in 1..=3 {
        host.transact(TRAINING_RUNS, OWNER, 0, &enroll(number, 1)).unwrap();
    }
    host
}

fn seat(host: &mut TestHost, number: u8) -> TrainingRuns::Standpoint {
    let call = TrainingRuns::standpointCall { run: 1, device: device(number) };
    let answer = host.read(TRAINING_RUNS, &call.abi_encode()).unwrap();
    TrainingRuns::standpointCall::abi_decode_returns(&answer).unwrap()
}

#[test]
fn a_revoked_device_takes_no_seat_and_commits_nothing() {
    let mut host = training();
    for number in [1, 4] {
        host.transact(DEVICES, account(number), 0, &revoke(number)).unwrap();
        assert!(is_revoked(&mut host, number));
    }
    assert_eq!(host.transact(TRAINING_RUNS, OWNER, 0, &commit(1)), revoked(1, account(1)));
    assert_eq!(host.transact(TRAINING_RUNS, OWNER, 0, &enroll(4, 1)), revoked(4, account(4)));
    // Nor when somebody else brings it among others.
    let relay = TrainingRuns::relayCall { statements: vec![commit(1).into(), commit(2).into()] };
    host.transact(TRAINING_RUNS, OWNER, 0, &relay.abi_encode()).unwrap();
    assert!(!seat(&mut host, 1).seat.committed && seat(&mut host, 2).seat.committed);
    // It may go, and once it is restored it may come.
    host.transact(TRAINING_RUNS, OWNER, 0, &by(1, |device| device.leave(1, 2))).unwrap();
    host.transact(DEVICES, account(4), 0, &restore(4)).unwrap();
    assert!(!is_revoked(&mut host, 4));
    host.transact(TRAINING_RUNS, OWNER, 0, &enroll(4, 1)).unwrap();
}

/// The verdict of a device that has repeated another one's work of the first round.
fn verdict(number: u8, subject: u8) -> Vec<u8> {
    let value = Digest::of(&[subject, 0]);
    let opened = TrainingRuns::Verdict::Opened;
    by(number, |auditor| auditor.verdict(1, 0, device(subject).0, opened, *value.as_bytes()))
}

/// Whoever has the key links the device to an account of their own, leaves, and comes back.
#[test]
fn held_pay_stays_with_the_account_that_earned_it() {
    let mut pair = runs::closed();
    pair.draw_first();
    let host = &mut pair.double;
    host.transact(TRAINING_RUNS, OWNER, 0, &verdict(AUDITOR, 1)).unwrap();
    assert!(!seat(host, 1).seat.stake.is_zero());
    host.transact(TRAINING_RUNS, OWNER, 0, &by(1, |device| device.leave(1, 2))).unwrap();
    host.transact(DEVICES, THIEF, 0, &link_to(1, THIEF, 2)).unwrap();
    let error = TrainingRuns::HeldForAnother { device: device(1) };
    let refused = host.transact(TRAINING_RUNS, THIEF, 0, &enroll(1, 3));
    assert_eq!(refused, Err(Failure::revert(&error)));
    // Blocks of earlier revisions are executed as they were.
    let mut earlier = host.clone().under(3);
    earlier.transact(TRAINING_RUNS, THIEF, 0, &enroll(1, 3)).unwrap();
    assert_eq!(seat(&mut earlier, 1).seat.account, THIEF);
}

#[test]
fn a_revoked_device_gives_no_verdict() {
    let mut pair = runs::closed();
    pair.draw_first();
    let host = &mut pair.double;
    // A seat, and the owner's auditing device, which works for the owner.
    host.transact(DEVICES, account(2), 0, &revoke(2)).unwrap();
    assert_eq!(host.transact(TRAINING_RUNS, OWNER, 0, &verdict(2, 1)), revoked(2, account(2)));
    host.transact(DEVICES, OWNER, 0, &revoke(AUDITOR)).unwrap();
    assert_eq!(
        host.transact(TRAINING_RUNS, OWNER, 0, &verdict(AUDITOR, 1)),
        revoked(AUDITOR, OWNER)
    );
    host.transact(DEVICES, OWNER, 0, &restore(AUDITOR)).unwrap();
    host.transact(TRAINING_RUNS, OWNER, 0, &verdict(AUDITOR, 1)).unwrap();
}

#[test]
fn whoever_has_the_key_of_a_revoked_device_can_not_escape() {
    let mut host = training();
    host.transact(DEVICES, account(1), 0, &revoke(1)).unwrap();
    assert_eq!(host.transact(DEVICES, THIEF, 0, &link_to(1, THIEF, 2)), revoked(1, account(1)));
    host.transact(DEVICES, account(1), 0, &restore(1)).unwrap();
    host.transact(DEVICES, THIEF, 0, &link_to(1, THIEF, 2)).unwrap();
}

/// A thief who sees the revocation come links the device away just before: the seat still works for its account, which cuts it off.
#[test]
fn linking_away_first_saves_nothing() {
    let mut host = training();
    host.transact(DEVICES, THIEF, 0, &link_to(1, THIEF, 2)).unwrap();
    host.transact(DEVICES, account(1), 0, &revoke(1)).unwrap();
    assert_eq!(host.transact(TRAINING_RUNS, THIEF, 0, &commit(1)), revoked(1, account(1)));
    host.transact(TRAINING_RUNS, account(1), 0, &retire(1)).unwrap();
    assert!(!seat(&mut host, 1).seated);
    // The first account has no say in what the device does for another one.
    assert!(!is_revoked(&mut host, 1));
    host.transact(TRAINING_RUNS, THIEF, 0, &enroll(1, 2)).unwrap();
    assert_eq!(seat(&mut host, 1).seat.account, THIEF);
}

#[test]
fn an_account_touches_only_what_works_for_it() {
    let mut host = training();
    host.transact(DEVICES, THIEF, 0, &revoke(1)).unwrap();
    assert!(!is_revoked(&mut host, 1));
    host.transact(TRAINING_RUNS, OWNER, 0, &commit(1)).unwrap();
    let error = Devices::NotRevoked { device: device(1), account: account(1) };
    let refused = Err(Failure::revert(&error));
    assert_eq!(host.transact(TRAINING_RUNS, THIEF, 0, &retire(1)), refused);
    assert_eq!(host.transact(DEVICES, account(1), 0, &restore(1)), refused);
    // Nor is it trapped: an account that has revoked it can't be linked to.
    assert_eq!(host.transact(DEVICES, THIEF, 0, &link_to(1, THIEF, 2)), revoked(1, THIEF));
    host.transact(DEVICES, account(1), 0, &link_to(1, account(2), 2)).unwrap();
    // It is linked elsewhere now, and the account that it has left holds nothing of it but its seat.
    host.transact(DEVICES, account(1), 0, &revoke(1)).unwrap();
    host.transact(DEVICES, OWNER, 0, &link_to(1, account(3), 3)).unwrap();
}

#[test]
fn the_seats_of_a_revoked_device_are_given_up_by_anyone() {
    let mut host = training();
    let no_seat = Err(Failure::revert(&TrainingRuns::NoSeat { device: device(4) }));
    assert_eq!(host.transact(TRAINING_RUNS, THIEF, 0, &retire(4)), no_seat);
    host.transact(DEVICES, account(1), 0, &revoke(1)).unwrap();
    host.transact(TRAINING_RUNS, THIEF, 0, &retire(1)).unwrap();
    assert!(!seat(&mut host, 1).seated, "it had earned nothing: its seat is free");
    let again = Devices::DeviceRevoked { device: device(1), account: account(1) };
    let refused = host.transact(DEVICES, account(1), 0, &revoke(1));
    assert_eq!(refused, Err(Failure::revert(&again)));
}

#[test]
fn an_account_knows_its_devices() {
    let mut host = opened();
    for nonce in 1..=2 {
        host.transact(DEVICES, OWNER, 0, &link_to(6, OWNER, nonce)).unwrap();
    }
    for number in 20..=80 {
        host.transact(DEVICES, OWNER, 0, &link_to(number, OWNER, 1)).unwrap();
    }
    host.transact(DEVICES, OWNER, 0, &revoke(6)).unwrap();
    host.transact(DEVICES, OWNER, 0, &revoke(1)).unwrap();
    let list = |start| Devices::devicesOfCall { account: OWNER, start };
    let listed = read(&mut host, &list(0));
    let expected: Vec<B256> = [6].into_iter().chain(20..=80).chain([1]).map(device).collect();
    assert_eq!((listed.devices, listed.total), (expected.clone(), 63));
    assert_eq!(read(&mut host, &list(60)).devices, expected[60..]);
    assert_eq!(read(&mut host, &list(u64::MAX)).devices, Vec::<B256>::new());
    let at = |device| Devices::revokedAtCall { account: OWNER, device };
    let time = host.time;
    assert_eq!(read(&mut host, &at(device(6))), time);
    assert_eq!(read(&mut host, &at(device(20))), 0);
}

#[test]
fn a_policy_is_the_accounts_own_and_its_version_rises() {
    let mut host = opened();
    let set = |text: &str| Devices::setPolicyCall { text: text.to_owned() }.abi_encode();
    let of = |account| Devices::policyOfCall { account };
    let long = "x".repeat(POLICY_BYTES_MAX);
    for (version, text) in (1..).zip(["[hours]\nsunday = \"never\"\n", &long, "short", ""]) {
        host.transact(DEVICES, OWNER, 0, &set(text)).unwrap();
        let policy = read(&mut host, &of(OWNER));
        assert_eq!((&policy.text[..], policy.version, policy.since), (text, version, host.time));
    }
    let before = host.state();
    let refused = host.transact(DEVICES, OWNER, 0, &set(&(long + "x")));
    assert!(matches!(refused, Err(Failure::Revert(_))) && host.state() == before);
    assert_eq!(read(&mut host, &of(THIEF)).version, 0);
}

#[test]
fn earlier_revisions_know_nothing_of_it() {
    let mut host = opened();
    host.transact(TRAINING_RUNS, OWNER, 0, &enroll(1, 1)).unwrap();
    host.transact(DEVICES, account(1), 0, &revoke(1)).unwrap();
    let mut host = host.under(3);
    let text = String::new();
    let calls = [
        (DEVICES, revoke(2)),
        (DEVICES, restore(1)),
        (DEVICES, Devices::setPolicyCall { text }.abi_encode()),
        (DEVICES, Devices::isRevokedCall { device: device(1) }.abi_encode()),
        (TRAINING_RUNS, retire(1)),
    ];
    for (module, call) in calls {
        assert_eq!(host.transact(module, account(1), 0, &call), Err(Failure::bad_call()));
    }
    // What a later revision stores has no effect, and nothing is added to lists.
    host.transact(TRAINING_RUNS, OWNER, 0, &by(1, |device| device.leave(1, 2))).unwrap();
    host.transact(TRAINING_RUNS, OWNER, 0, &enroll(1, 3)).unwrap();
    host.transact(DEVICES, OWNER, 0, &link_to(1, THIEF, 2)).unwrap();
    let mut host = TestHost::under(host, u32::MAX);
    assert_eq!(read(&mut host, &Devices::devicesOfCall { account: THIEF, start: 0 }).total, 0);
    // Nor does it cost anything: blocks of earlier revisions keep their gas.
    let gas = |revision| {
        let mut host = training().under(revision);
        host.transact(TRAINING_RUNS, OWNER, 0, &commit(2)).unwrap();
        host.gas_used
    };
    assert!(gas(3) < gas(4));
}

/// What somebody does with devices 1 to 3 and accounts 1 to 3.
#[derive(Clone, Copy, Debug)]
enum Step {
    Link(u8, u8),
    Revoke(u8, u8),
    Restore(u8, u8),
    Retire(u8),
    Enroll(u8),
    Leave(u8),
    Commit(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let pair = || (1_u8..=3, 1_u8..=3);
    let step = prop_oneof![
        3 => pair().prop_map(|(device, account)| Step::Link(device, account)),
        2 => pair().prop_map(|(device, account)| Step::Revoke(device, account)),
        1 => pair().prop_map(|(device, account)| Step::Restore(device, account)),
        2 => (1_u8..=3).prop_map(Step::Retire),
        4 => (1_u8..=3).prop_map(Step::Enroll),
        2 => (1_u8..=3).prop_map(Step::Leave),
        4 => (1_u8..=3).prop_map(Step::Commit),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever accounts and keys do: an account that has revoked a device gets no seat, commitment or link of it; nobody else's word
    /// changes anything for it; and what can't be done leaves no trace.
    #[test]
    fn a_revocation_holds_for_its_account_and_for_nobody_else(steps in steps()) {
        let mut host = opened();
        let mut revoked = std::collections::BTreeSet::new();
        let mut links = std::collections::BTreeMap::from([(1_u8, 1_u8), (2, 2), (3, 3)]);
        for step in steps {
            let at = |host: &mut TestHost, number: u8| {
                let found = seat(host, number);
                found.seated.then(|| found.seat.account.0[0])
            };
            match step {
                Step::Link(number, to) => {
                    let nonce = read(&mut host, &Devices::accountOfCall { device: device(number) }).nonce + 1;
                    let may = !revoked.contains(&(links[&number], number)) && !revoked.contains(&(to, number));
                    let done = host.transact(DEVICES, OWNER, 0, &link_to(number, account(to), nonce));
                    prop_assert_eq!(done.is_ok(), may);
                    if may {
                        links.insert(number, to);
                    }
                }
                Step::Revoke(number, by) => {
                    let done = host.transact(DEVICES, account(by), 0, &revoke(number));
                    prop_assert_eq!(done.is_ok(), revoked.insert((by, number)));
                }
                Step::Restore(number, by) => {
                    let done = host.transact(DEVICES, account(by), 0, &restore(number));
                    prop_assert_eq!(done.is_ok(), revoked.remove(&(by, number)));
                }
                Step::Retire(number) => {
                    let works_for = at(&mut host, number);
                    let is_active = seat(&mut host, number).seat.standing == TrainingRuns::Standing::Active;
                    let may = works_for.is_some_and(|of| is_active && revoked.contains(&(of, number)));
                    let done = host.transact(TRAINING_RUNS, OWNER, 0, &retire(number));
                    prop_assert_eq!(done.is_ok(), may);
                }
                Step::Enroll(number) => {
                    let nonce = seat(&mut host, number).nonce + 1;
                    let done = host.transact(TRAINING_RUNS, OWNER, 0, &enroll(number, nonce));
                    prop_assert!(done.is_err() || !revoked.contains(&(links[&number], number)));
                }
                Step::Leave(number) => {
                    let nonce = seat(&mut host, number).nonce + 1;
                    // It may have no seat.
                    let _left = host.transact(TRAINING_RUNS, OWNER, 0, &by(number, |device| device.leave(1, nonce)));
                }
                Step::Commit(number) => {
                    let works_for = at(&mut host, number);
                    let done = host.transact(TRAINING_RUNS, OWNER, 0, &commit(number));
                    prop_assert!(done.is_err() || works_for.is_some_and(|of| !revoked.contains(&(of, number))));
                }
            }
            for number in 1..=3 {
                prop_assert_eq!(is_revoked(&mut host, number), revoked.contains(&(links[&number], number)));
            }
        }
    }
}
