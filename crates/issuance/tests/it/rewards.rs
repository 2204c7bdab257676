//! Rewards: never more than the bucket, nothing gained by splitting.

use issuance::{DeviceShare, Epoch, Grant, Schedule, VESTING_SECONDS};
use proptest::{collection::vec, prelude::*};
use units::{UnixSeconds, Wei};

/// Work of a device in an epoch: units, bonds spent, burnt.
type Work = (u128, u128, u128);

/// Collects the work of devices for accounts; returns the epoch and the grants.
fn collect(accounts: &[Vec<Work>], unit: Wei) -> (Epoch, Vec<Grant>) {
    let mut epoch = Epoch::default();
    let mut grants = Vec::new();
    for devices in accounts {
        let mut grant = Grant::default();
        for (work, spent, burnt) in devices {
            let mut spent = Wei::new(*spent);
            let share = &mut DeviceShare::default();
            let (floor, is_first) = share.take(0, (&mut spent, Wei::new(*burnt)), unit);
            assert!(is_first);
            epoch.add(&mut grant, (*work, floor), is_first).unwrap();
        }
        grants.push(grant);
    }
    (epoch, grants)
}

fn works() -> impl Strategy<Value = Work> {
    let amount = || prop_oneof![0_u128..4, 0_u128..1 << 20, 0_u128..1 << 100];
    (amount(), amount(), amount())
}

fn schedule(supply: u128) -> Schedule {
    Schedule { start: UnixSeconds::new(0), supply: Wei::new(supply) }
}

proptest! {
    #[test]
    fn the_rewards_of_an_epoch_are_at_most_its_buckets(
        accounts in vec(vec(works(), 0..4), 1..8),
        supply in prop_oneof![0_u128..100_000, any::<u128>()],
        devices_before in 0_u32..6,
    ) {
        let buckets = schedule(supply).buckets(0);
        let (epoch, grants) = collect(&accounts, Epoch::unit(&buckets, devices_before));
        let sum: u128 = grants.iter().map(|grant| grant.reward(&buckets, &epoch).as_u128()).sum();
        prop_assert!(sum <= buckets.work.as_u128() + buckets.floor.as_u128());
    }

    #[test]
    fn splitting_an_account_gains_nothing(
        devices in vec(works(), 1..9),
        others in vec(vec(works(), 0..3), 0..4),
        owner_of in vec(0_usize..4, 9),
        supply in prop_oneof![0_u128..100_000, any::<u128>()],
    ) {
        let buckets = schedule(supply).buckets(0);
        let unit = Epoch::unit(&buckets, 2);
        let reward = |mine: Vec<Vec<Work>>| {
            let count = mine.len();
            let accounts: Vec<Vec<Work>> = mine.into_iter().chain(others.clone()).collect();
            let (epoch, grants) = collect(&accounts, unit);
            grants[..count].iter().map(|grant| grant.reward(&buckets, &epoch).as_u128()).sum::<u128>()
        };
        let mut parts = vec![Vec::new(); 4];
        devices.iter().zip(&owner_of).for_each(|(device, owner)| parts[*owner].push(*device));
        let (whole, split) = (reward(vec![devices]), reward(parts));
        prop_assert!(split <= whole, "{split} > {whole}");
        prop_assert!(whole - split <= 8, "only what is rounded down is lost");
    }

    #[test]
    fn splitting_work_gains_nothing(
        work in prop_oneof![0_u128..50, 0_u128..1 << 100],
        at in 0_u128..1 << 100,
        other in 0_u128..1 << 100,
        supply in any::<u128>(),
    ) {
        let buckets = schedule(supply).buckets(0);
        let (first, rest) = (at.min(work), work - at.min(work));
        let of = |parts: &[u128]| {
            let mut accounts: Vec<Vec<Work>> = parts.iter().map(|part| vec![(*part, 0, 0)]).collect();
            accounts.push(vec![(other, 0, 0)]);
            let (epoch, grants) = collect(&accounts, Wei::ZERO);
            grants[..parts.len()].iter().map(|grant| grant.reward(&buckets, &epoch).as_u128()).sum::<u128>()
        };
        prop_assert!(of(&[first, rest]) <= of(&[work]));
    }

    /// One machine that is made into several devices: each has a bond of its own, so more shares of the floor cost more than they
    /// bring.
    #[test]
    fn a_machine_made_into_several_devices_pays_more_than_their_shares(
        burnt in 0_u128..1 << 60,
        bond in 0_u128..1 << 40,
        count in 1_u128..30,
        unit in 0_u128..1 << 50,
    ) {
        let share = |burnt: u128| {
            let mut spent = Wei::new(bond);
            DeviceShare::default().take(0, (&mut spent, Wei::new(burnt)), Wei::new(unit)).0.as_u128()
        };
        let (one, several) = (share(burnt), count * share(burnt / count));
        let (cost_of_one, cost_of_several) = (bond, count * bond);
        prop_assert!(several.saturating_sub(one) <= cost_of_several - cost_of_one);
        prop_assert!(one <= burnt && several <= burnt, "no more than what it burnt");
    }

    #[test]
    fn a_device_has_one_share_of_an_epoch(
        collections in vec((0_u128..1_000, 0_u128..1_000), 1..10),
        unit in 0_u128..1_500,
    ) {
        let (mut share, mut spent, mut sum) = (DeviceShare::default(), Wei::ZERO, 0);
        let (mut bonds, mut burnt_in_all) = (0, 0);
        for (index, (bond, burnt)) in collections.into_iter().enumerate() {
            bonds += bond;
            burnt_in_all += burnt;
            spent = Wei::new(spent.as_u128() + bond);
            let (more, is_first) = share.take(7, (&mut spent, Wei::new(burnt)), Wei::new(unit));
            prop_assert_eq!(is_first, index == 0);
            sum += more.as_u128();
            prop_assert!(sum <= unit && sum <= burnt_in_all && 2 * sum <= bonds);
        }
        let next = share.take(8, (&mut spent, Wei::new(5)), Wei::new(unit));
        prop_assert!(next.1, "the next epoch is another one");
    }

    #[test]
    fn a_reward_vests_evenly_and_is_paid_once(
        reward in prop_oneof![0_u128..1_000, any::<u128>()],
        times in vec(0_u64..200 * 24 * 3_600, 1..12),
    ) {
        let end = UnixSeconds::new(5_000);
        let (mut grant, mut paid, mut latest) = (Grant::default(), 0, 0);
        let reward = Wei::new(reward);
        for passed in times {
            latest = latest.max(passed);
            let vested = Grant::vested(reward, end, UnixSeconds::new(5_000 + passed));
            paid += grant.pay(vested).as_u128();
            prop_assert!(vested <= reward);
            prop_assert_eq!(paid, Grant::vested(reward, end, UnixSeconds::new(5_000 + latest)).as_u128());
        }
        let all = UnixSeconds::new(5_000 + VESTING_SECONDS);
        paid += grant.pay(Grant::vested(reward, end, all)).as_u128();
        prop_assert_eq!(paid, reward.as_u128(), "in the end all of it");
        prop_assert_eq!(Grant::vested(reward, end, end), Wei::ZERO);
    }
}
