//! Attacks on issuance. Each was seen to succeed without what stops it.

use abi::{ISSUANCE, Issuance, TRAINING_RUNS, TrainingRuns};
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall as _;
use native_kit::Failure;

use super::{
    super::{OWNER, device},
    story::{ROUND_PAY, Story, own},
};

fn void(account: Address) -> Result<Vec<u8>, Failure> {
    Err(Failure::revert(&Issuance::AccountVoid { run: 1, account }))
}

/// One person owns the run, its seats and its auditors, and computes nothing: the run pays, since nobody objects. The referees
/// repeat what is claimed.
#[test]
fn wash_work_that_nobody_computed_counts_for_nothing() {
    let mut story = Story::new(&[(1, own(1)), (2, own(2))]).registered();
    story.play(8, &[1, 2]);
    story.request(1, own(1)).unwrap();
    story.wait(1, 2);
    story.draw(1).unwrap();
    assert!(story.work(1).releasedPay > 0, "the run has paid");
    story.rule(true);
    story.conclude(1).unwrap();
    let work = story.work(1);
    assert_eq!((work.checkedPay, work.collectable, work.isVoid), (0, 0, true));
    assert_eq!(story.collect(1, own(1)), void(own(1)));
    assert_eq!(story.voice_of(own(1)), U256::ZERO);
    assert_eq!(story.host.balance_of(ISSUANCE), U256::ZERO, "the bond is burnt, not returned");
    let again = story.call(own(1), 0, &Issuance::requestCall { run: 1, device: device(1) });
    assert_eq!(again, Err(Failure::revert(&Issuance::DeviceBarred { run: 1, device: device(1) })));
}

/// What another device of the account has really done is void with it.
#[test]
fn one_made_up_round_that_is_drawn_voids_the_claims_of_all_devices_of_its_account() {
    let both = own(1);
    let mut story = Story::new(&[(1, both), (2, both), (3, own(3))]).registered();
    story.play(3, &[1]);
    story.check(2, both);
    story.request(1, both).unwrap();
    story.wait(1, 2);
    story.draw(1).unwrap();
    story.rule(true);
    story.conclude(1).unwrap();
    story.finish();
    assert_eq!(story.work(2).checkedPay, u128::from(3 * ROUND_PAY), "device 2 was checked");
    assert_eq!(story.collect(2, both), void(both));
}

/// An owner that serves no data keeps the referees from repeating what its own devices made up.
#[test]
fn withholding_the_data_voids_the_claim() {
    let mut story = Story::new(&[(1, own(1)), (2, own(2))]).registered();
    story.play(6, &[1]);
    story.request(1, own(1)).unwrap();
    story.wait(1, 2);
    story.draw(1).unwrap();
    let open = story.conclude(1);
    let round = story.work(1).rounds[0];
    assert_eq!(open, Err(Failure::revert(&Issuance::CheckUndecided { round })));
    story.rule(false);
    story.conclude(1).unwrap();
    assert_eq!(story.collect(1, own(1)), void(own(1)));
}

/// The owner's own account works in its own run.
#[test]
fn self_matched_work_counts_for_nothing() {
    let mut story = Story::new(&[(1, OWNER), (2, own(2))]).registered();
    story.play(8, &[]);
    let request = story.request(1, OWNER);
    assert_eq!(request, Err(Failure::revert(&Issuance::OwnWork { account: OWNER })));
    assert_eq!(story.work(1).releasedPay, 0, "what an owner pays itself is no pay");
    assert!(story.work(2).releasedPay > 0);
}

#[test]
fn nothing_is_claimed_or_collected_twice() {
    let mut story = Story::new(&[(1, own(1)), (2, own(2))]).registered();
    story.play(8, &[]);
    story.check(1, own(1));
    let request = Issuance::requestCall { run: 1, device: device(1) };
    let again = story.call(own(1), ROUND_PAY * 3, &request);
    assert_eq!(again, Err(Failure::revert(&Issuance::NothingToCheck {})));
    story.collect(1, own(1)).unwrap();
    let collect = Issuance::collectCall { run: 1, device: device(1) };
    let twice = story.call(own(1), ROUND_PAY, &collect);
    assert_eq!(twice, Err(Failure::revert(&Issuance::NothingToCollect {})));
    let stranger = story.call(own(2), ROUND_PAY, &collect);
    let error = Issuance::NotTheAccount { account: own(1) };
    assert_eq!(stranger, Err(Failure::revert(&error)));
}

/// Whoever has a device's key lets it work for another account in the same run.
#[test]
fn a_device_takes_no_checked_work_along_to_another_account() {
    let mut story = Story::new(&[(1, own(1)), (2, own(2)), (3, own(3))]).registered();
    story.play(8, &[]);
    story.check(1, own(1));
    story.join(4, own(4));
    story.move_to(1, own(9));
    story.play(2, &[]);
    let before = story.work(1);
    assert!(before.collectable > 0, "{before:?}");
    let held = Err(Failure::revert(&Issuance::NotTheAccount { account: own(1) }));
    assert_eq!(story.request(1, own(9)), held);
    assert_eq!(story.work(1), before);
    story.collect(1, own(1)).unwrap();
    story.check(1, own(9));
    assert_eq!(story.work(1).checkedPay, before.checkedPay + u128::from(2 * ROUND_PAY));
}

/// A claim is checked while its pay is held back as stake; then the device is convicted, and the stake is forfeited.
#[test]
fn pay_that_was_forfeited_is_not_collected() {
    let mut story = Story::new(&[(1, own(1)), (2, own(2))]).registered();
    story.play(2, &[]);
    story.check(1, own(1));
    let work = story.work(1);
    assert_eq!(work.checkedPay, u128::from(2 * ROUND_PAY));
    assert_eq!(work.collectable, 0, "checked, but held back");
    let collect = Issuance::collectCall { run: 1, device: device(1) };
    let early = story.call(own(1), ROUND_PAY, &collect);
    assert_eq!(early, Err(Failure::revert(&Issuance::NothingToCollect {})));
    story.play(1, &[1]);
    let dispute = TrainingRuns::disputeCall { run: 1, round: 2, subject: device(1) };
    story.host.transact(TRAINING_RUNS, OWNER, ROUND_PAY, &dispute.abi_encode()).unwrap();
    story.rule(true);
    story.finish();
    assert_eq!(story.work(1).releasedPay, 0);
    let late = story.call(own(1), ROUND_PAY, &collect);
    assert_eq!(late, Err(Failure::revert(&Issuance::DeviceBarred { run: 1, device: device(1) })));
}

/// Whoever looks at the hash before it decides, and doesn't like it, loses the rounds and the bond.
#[test]
fn a_draw_can_not_be_waited_out() {
    let mut story = Story::new(&[(1, own(1)), (2, own(2))]).registered();
    story.play(8, &[1]);
    story.request(1, own(1)).unwrap();
    let from = story.host.height + 2;
    assert_eq!(story.draw(1), Err(Failure::revert(&Issuance::DrawTooEarly { from })));
    story.wait(1, 1);
    assert_eq!(story.draw(1), Err(Failure::revert(&Issuance::DrawTooEarly { from })));
    story.wait(300, 300);
    story.draw(1).unwrap();
    assert_eq!(story.host.balance_of(ISSUANCE), U256::ZERO, "the bond is burnt");
    let request = Issuance::requestCall { run: 1, device: device(1) };
    let again = story.call(own(1), ROUND_PAY * 3, &request);
    assert_eq!(again, Err(Failure::revert(&Issuance::NothingToCheck {})));
    assert_eq!((story.work(1).checkedPay, story.work(1).isVoid), (0, false));
}

/// The same request leads to the same checks, whoever draws and when.
#[test]
fn who_draws_and_when_changes_nothing() {
    let mut story = Story::new(&[(1, own(1)), (2, own(2))]).registered();
    story.play(12, &[]);
    story.request(1, own(1)).unwrap();
    story.wait(1, 2);
    let mut later = story.clone();
    story.draw(1).unwrap();
    later.wait(100, 200);
    later.draw(1).unwrap();
    let rounds = story.work(1).rounds;
    assert_eq!(rounds.len(), 3);
    assert_eq!(rounds, later.work(1).rounds);
}

/// What somebody sends here is no bond.
#[test]
fn the_bonds_of_others_are_not_burnt() {
    let mut story = Story::new(&[(1, own(1)), (2, own(2))]).registered();
    story.play(8, &[]);
    story.request(1, own(1)).unwrap();
    story.request(2, own(2)).unwrap();
    story.host.give(ISSUANCE, 5);
    story.wait(1, 2);
    story.draw(1).unwrap();
    assert_eq!(story.host.balance_of(ISSUANCE), U256::from(3 * ROUND_PAY), "that of the other");
    story.draw(2).unwrap();
    assert_eq!(story.host.balance_of(ISSUANCE), U256::ZERO);
    story.rule(true);
    story.conclude(1).unwrap();
    story.conclude(2).unwrap();
    assert_eq!(story.work(2).checkedPay, u128::from(8 * ROUND_PAY));
}
