//! What work is rewarded with.

use alloy_primitives::U256;
use fixed_point::mul_div_down;
use units::{UnixSeconds, Wei};

use crate::{Buckets, Refused};

/// Seconds over which a reward vests, from the end of its epoch: 180 days.
pub const VESTING_SECONDS: u64 = 180 * 24 * 3600;

/// What was collected in an epoch, by all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Epoch {
    /// Units of work.
    pub work: u128,
    /// Shares of the floor, in wei: the bucket is divided by them if they are more than it.
    pub floor: Wei,
    /// Number of devices that collected work.
    pub devices: u32,
    /// Whether the buckets for the treasury were issued.
    pub is_funded: bool,
}

/// What an account collected in an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// The epoch.
    pub epoch: u32,
    /// Units of work.
    pub work: u128,
    /// Shares of the floor, in wei.
    pub floor: Wei,
    /// What was paid of its reward.
    pub paid: Wei,
}

/// What a device has of the floor in the epoch in which it collected last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceShare {
    /// One more than the epoch; 0 before the first.
    pub epoch_plus_one: u32,
    /// Its share, in wei.
    pub floor: Wei,
}

impl DeviceShare {
    /// Counts what a device may have more of the floor of `epoch`: half of the bonds that it spent on claims which passed, what it
    /// burns now, and at most `unit` in an epoch. Returns that, and whether this is the device's first work in the epoch.
    ///
    /// A device's share costs it more than the share brings, bonds and burn each, so nobody makes one machine into several for its
    /// sake.
    pub fn take(&mut self, epoch: u32, (spent, burnt): (&mut Wei, Wei), unit: Wei) -> (Wei, bool) {
        let number = epoch.saturating_add(1);
        let is_first = self.epoch_plus_one != number;
        if is_first {
            *self = Self { epoch_plus_one: number, floor: Wei::ZERO };
        }
        let room = unit.as_u128().saturating_sub(self.floor.as_u128());
        let half = spent.as_u128().div_euclid(2);
        let more = room.min(half).min(burnt.as_u128());
        *spent = Wei::new(spent.as_u128().saturating_sub(more.saturating_mul(2)));
        self.floor = Wei::new(self.floor.as_u128().saturating_add(more));
        (Wei::new(more), is_first)
    }
}

impl Epoch {
    /// Returns the most that one device may have of the floor, if the epoch before had so many devices: an equal share of the
    /// bucket, rounded down.
    #[must_use]
    pub fn unit(buckets: &Buckets, devices_before: u32) -> Wei {
        Wei::new(buckets.floor.as_u128().div_euclid(u128::from(devices_before.max(1))))
    }

    /// Counts collected work, for the epoch and the account.
    ///
    /// # Errors
    /// [`Refused::Overflow`]; nothing has changed then.
    pub fn add(
        &mut self,
        grant: &mut Grant,
        (work, floor): (u128, Wei),
        is_new_device: bool,
    ) -> Result<(), Refused> {
        let all_work = self.work.checked_add(work).ok_or(Refused::Overflow)?;
        let all_floor = self.floor.checked_add(floor)?;
        let devices = self.devices.saturating_add(is_new_device.into());
        let (own_work, own_floor) = (
            grant.work.checked_add(work).ok_or(Refused::Overflow)?,
            grant.floor.checked_add(floor)?,
        );
        (self.work, self.floor, self.devices) = (all_work, all_floor, devices);
        (grant.work, grant.floor) = (own_work, own_floor);
        Ok(())
    }
}

impl Grant {
    /// Returns the reward of an epoch that is over, in wei, rounded down: the account's part of the bucket for work, by its work,
    /// and its shares of the floor, which are cut in proportion if all of them are more than that bucket.
    #[must_use]
    pub fn reward(&self, buckets: &Buckets, epoch: &Epoch) -> Wei {
        let by_work = part_down(buckets.work, self.work, epoch.work);
        let asked = epoch.floor.as_u128();
        let floor = if asked <= buckets.floor.as_u128() {
            self.floor
        } else {
            part_down(buckets.floor, self.floor.as_u128(), asked)
        };
        Wei::new(by_work.as_u128().saturating_add(floor.as_u128()))
    }

    /// Returns what has vested of a reward since `end`, the end of its epoch, in wei, rounded down: nothing before, all after 180
    /// days.
    #[must_use]
    pub fn vested(reward: Wei, end: UnixSeconds, now: UnixSeconds) -> Wei {
        let passed = now.as_u64().saturating_sub(end.as_u64()).min(VESTING_SECONDS);
        part_down(reward, passed.into(), VESTING_SECONDS.into())
    }

    /// Counts what is due as paid, and returns it: what has vested and was not paid.
    pub fn pay(&mut self, vested: Wei) -> Wei {
        let due = Wei::new(vested.as_u128().saturating_sub(self.paid.as_u128()));
        self.paid = self.paid.max(vested);
        due
    }
}

/// Returns `whole · part / all`, rounded down; 0 where `all` is 0. `part` is at most `all`, so that the result is at most `whole`.
fn part_down(whole: Wei, part: u128, all: u128) -> Wei {
    let result = mul_div_down(U256::from(whole.as_u128()), U256::from(part), U256::from(all));
    result.ok().and_then(|part| u128::try_from(part).ok()).map_or(Wei::ZERO, Wei::new)
}
