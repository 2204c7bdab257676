//! What honest work brings.

use abi::{ISSUANCE, Issuance, TREASURY};
use alloy_primitives::{Address, U256};
use issuance::{EPOCH_SECONDS, VESTING_SECONDS};
use native_kit::Failure;
use proptest::prelude::*;

use super::story::{ROUND_PAY, ROUND_WORK, SUPPLY, Story, own, terms};

fn word(value: u64) -> U256 {
    U256::from(value)
}

/// A run whose two devices have worked, were checked, and are paid.
fn worked() -> Story {
    let mut story = Story::new(&[(1, own(1)), (2, own(2))]).registered();
    story.play(8, &[]);
    story.check(1, own(1));
    story.check(2, own(2));
    story
}

#[test]
fn work_is_checked_collected_and_rewarded() {
    let mut story = worked();
    // Three rounds' pay are held back, so that of five is released.
    let work = story.work(1);
    assert_eq!(work.checkedPay, u128::from(8 * ROUND_PAY));
    assert!(work.releasedPay >= u128::from(4 * ROUND_PAY), "{}", work.releasedPay);
    assert!(work.releasedPay < u128::from(8 * ROUND_PAY));
    assert_eq!(work.collectable, work.releasedPay / 7 * 7);
    assert_eq!(work.burn, work.collectable.div_ceil(5));
    let before = story.host.balance_of(own(1));
    story.collect(1, own(1)).unwrap();
    assert_eq!(before - story.host.balance_of(own(1)), U256::from(work.burn), "burnt");
    assert_eq!(story.host.balance_of(ISSUANCE), U256::ZERO, "what is burnt is nowhere");
    assert_eq!(story.work(1).collectable, 0);
    story.finish();
    story.collect(1, own(1)).unwrap();
    story.collect(2, own(2)).unwrap();
    assert_eq!(story.work(1).collectedPay, u128::from(8 * ROUND_PAY));
    let voice = story.voice_of(own(1));
    assert!((word(8 * ROUND_WORK)..=word(8 * ROUND_WORK + 8)).contains(&voice), "{voice}");
    // Epoch 0: 8 % of the supply / 52 = 80,000,000,000, of which 70 % go to work and at most 10 % to devices.
    story.wait(EPOCH_SECONDS, 1);
    let rewards = story.rewards(own(1));
    let half = word(SUPPLY / 52 * 8 / 100 * 7 / 10 / 2);
    assert!(rewards.earned >= half - word(20_000_000), "{}", rewards.earned);
    assert!(rewards.claimable.is_zero() || rewards.claimable < rewards.earned / word(100));
    story.wait(VESTING_SECONDS / 2, 1);
    let before = story.host.balance_of(own(1));
    story.call(own(1), 0, &Issuance::claimCall {}).unwrap();
    let paid = story.host.balance_of(own(1)) - before;
    let rewards = story.rewards(own(1));
    assert_eq!((paid, rewards.claimable), (rewards.paid, U256::ZERO));
    assert!(rewards.earned / word(2) <= paid && paid < rewards.earned * word(6) / word(10));
    let again = story.call(own(1), 0, &Issuance::claimCall {});
    assert_eq!(again, Err(Failure::revert(&Issuance::NothingVested {})));
    story.wait(VESTING_SECONDS, 1);
    story.call(own(1), 0, &Issuance::claimCall {}).unwrap();
    assert_eq!(story.host.balance_of(own(1)) - before, rewards.earned, "all of it, once");
    assert_eq!(story.view(ISSUANCE, &Issuance::issuedCall {}), rewards.earned);
    let nothing = story.call(own(1), 0, &Issuance::claimCall {});
    assert_eq!(nothing, Err(Failure::revert(&Issuance::NothingVested {})));
}

#[test]
fn the_referees_are_paid_for_the_checks() {
    let mut story = Story::new(&[(1, own(1)), (2, own(2))]).registered();
    story.play(8, &[]);
    let before = story.host.balance_of(own(super::story::REFEREE));
    let bond = story.quote(1).bond;
    assert_eq!(bond, u128::from(3 * ROUND_PAY));
    story.check(1, own(1));
    assert_eq!(story.host.balance_of(own(super::story::REFEREE)) - before, U256::from(bond));
}

#[test]
fn the_treasury_has_its_buckets_in_the_next_epoch_or_never() {
    let mut story = worked();
    let wrong = |epoch, current| Err(Failure::revert(&Issuance::WrongEpoch { epoch, current }));
    let fund = |story: &mut Story, epoch| story.call(own(9), 0, &Issuance::fundCall { epoch });
    assert_eq!(fund(&mut story, 0), wrong(0, 0));
    story.wait(EPOCH_SECONDS, 1);
    fund(&mut story, 0).unwrap();
    let part = word(SUPPLY / 52 * 8 / 100 / 10 * 2);
    assert_eq!(story.host.balance_of(TREASURY), part);
    let again = fund(&mut story, 0);
    assert_eq!(again, Err(Failure::revert(&Issuance::FundedAlready { epoch: 0 })));
    assert_eq!(fund(&mut story, 1), wrong(1, 1));
    story.wait(2 * EPOCH_SECONDS, 1);
    assert_eq!(fund(&mut story, 1), wrong(1, 3), "what nobody asked for in time is never issued");
    assert_eq!(story.host.balance_of(TREASURY), part);
}

#[test]
fn collecting_burns_the_least_for_work_that_is_cheap() {
    let mut story = worked();
    story.finish();
    story.set(&governance::LEAST_BURN, 1_000);
    let work = story.work(1);
    assert!(work.burn >= u128::from(8 * ROUND_WORK * 1_000), "{}", work.burn);
    // Half of the burn collects about half of the work, and no more is taken than is burnt.
    let half = u64::try_from(work.burn / 2).unwrap();
    let device = super::super::device(1);
    let before = story.host.balance_of(own(1));
    story.call(own(1), half, &Issuance::collectCall { run: 1, device }).unwrap();
    let collected = story.work(1).collectedPay;
    let expected = u128::from(4 * ROUND_PAY);
    assert!((expected - 1_000..=expected + 1_000).contains(&collected), "{collected}");
    assert!(before - story.host.balance_of(own(1)) <= word(half));
    let none = story.call(own(1), 0, &Issuance::collectCall { run: 1, device });
    assert!(matches!(none, Err(Failure::Revert(_))));
}

#[test]
fn only_a_run_that_pays_for_what_its_specification_computes_is_registered() {
    let devices = [(1, own(1)), (2, own(2))];
    let mut story = Story::new(&devices);
    let wrong = Issuance::registerRunCall { run: 1, specification: vec![b'{'; 30].into() };
    let refused = story.call(own(1), 0, &wrong);
    let error = Issuance::SpecificationNotCanonical { at: word(0) };
    assert_eq!(refused, Err(Failure::revert(&error)));
    let mut other = super::story::specification();
    other.extend(b" ");
    let wrong = Issuance::registerRunCall { run: 1, specification: other.into() };
    let refused = story.call(own(1), 0, &wrong);
    assert_eq!(refused, Err(Failure::revert(&Issuance::WrongSpecification { run: 1 })));
    story.register().unwrap();
    let twice = story.register();
    assert_eq!(twice, Err(Failure::revert(&Issuance::RegisteredAlready { run: 1 })));
    assert_eq!(story.view(ISSUANCE, &Issuance::operationsPerTokenCall { run: 1 }), 63_264);
    // An owner that pays its own devices for more tokens than they train on.
    let inflated = abi::TrainingRuns::Terms { tokensPerRound: 128_001, ..terms() };
    let refused = Story::with_terms(&devices, inflated).register();
    let (paid, computed, field) = (128_001, 128_000, "tokens_per_round".to_owned());
    let error = Issuance::TermsDisagree { field, paid, computed };
    assert_eq!(refused, Err(Failure::revert(&error)));
    let free = abi::TrainingRuns::Terms { pricePerToken: 0, ..terms() };
    let refused = Story::with_terms(&devices, free).register();
    assert_eq!(refused, Err(Failure::revert(&Issuance::PaysNothing { run: 1 })));
}

/// Plays a run of five devices, three of which are somebody's under these accounts; returns what these accounts earn, and what
/// everybody does.
fn earned(rounds: u32, mine: [Address; 3], checks: u32) -> (U256, U256) {
    let devices = [(1, mine[0]), (2, mine[1]), (3, mine[2]), (4, own(4)), (5, own(5))];
    let mut story = Story::new(&devices).registered();
    for part in 0..checks {
        story.play(if part == 0 { rounds } else { 2 }, &[]);
        for (number, account) in devices {
            story.check(number, account);
        }
    }
    story.finish();
    for (number, account) in devices {
        story.collect(number, account).unwrap();
    }
    story.wait(EPOCH_SECONDS + VESTING_SECONDS, 1);
    let mut sum = |accounts: &[Address]| {
        let mut accounts = accounts.to_vec();
        accounts.sort_unstable();
        accounts.dedup();
        accounts.into_iter().map(|account| story.rewards(account).claimable).sum::<U256>()
    };
    (sum(&mine), sum(&[mine[0], mine[1], mine[2], own(4), own(5)]))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    /// The whole path, from rounds to what can be claimed.
    #[test]
    fn splitting_an_account_gains_nothing(
        rounds in 3_u32..9,
        accounts in prop::array::uniform3(1_u8..=3),
        checks in 1_u32..3,
    ) {
        let (whole, all) = earned(rounds, [own(1); 3], checks);
        let (split, all_split) = earned(rounds, accounts.map(own), checks);
        prop_assert!(split <= whole, "{split} > {whole}");
        prop_assert!(whole - split <= word(16), "only what is rounded down is lost");
        // 80 % of an epoch's emission are for work and devices.
        let most = word(SUPPLY / 52 * 8 / 100 * 8 / 10);
        prop_assert!(all <= most && all_split <= most);
    }
}
