//! How much may be issued, and when.

use units::{UnixSeconds, Wei};

/// Seconds of an epoch: 7 days.
pub const EPOCH_SECONDS: u64 = 7 * 24 * 3600;

/// Epochs of a year of the schedule: 52, which are 364 days, so that each year has as many.
pub const YEAR_EPOCHS: u32 = 52;

/// The part of the initial supply that counts at most, in wei: 2^120, 10^18 GRAIN.
pub const SUPPLY_MAX: u128 = 1 << 120;

/// The most that any schedule issues in total, in wei: 8 % / (1 − 0.85) of [`SUPPLY_MAX`], 53.4 %, rounded up.
pub const TOTAL_MAX: u128 = (SUPPLY_MAX / 1_000 + 1) * 534;

/// Years after which nothing is left of any supply: 2^120 · 0.08 · 0.85^540 is below 1.
const YEARS_MAX: u32 = 540;

/// When the epochs began, and the supply of which the emission is a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Beginning of epoch 0.
    pub start: UnixSeconds,
    /// GRAIN's supply at that time.
    pub supply: Wei,
}

/// What an epoch may issue, in wei. What is not paid out of a bucket is never issued: nothing is carried over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Buckets {
    /// 70 %: for work, in proportion.
    pub work: Wei,
    /// 10 %: for devices that worked, at most one share each.
    pub floor: Wei,
    /// 10 %: for what proved useful, as a jury decides.
    pub retroactive: Wei,
    /// 10 %: for users, as rebates and education.
    pub rebates: Wei,
}

impl Buckets {
    /// Returns the sum of the buckets, in wei.
    #[must_use]
    pub fn total(&self) -> Wei {
        let parts = [self.work, self.floor, self.retroactive, self.rebates];
        Wei::new(parts.into_iter().fold(0, |sum, part| sum.saturating_add(part.as_u128())))
    }
}

impl Schedule {
    /// Returns the epoch of a time; `None` before the first one, and after 2^32 of them.
    #[must_use]
    pub fn epoch_at(&self, now: UnixSeconds) -> Option<u32> {
        let passed = now.as_u64().checked_sub(self.start.as_u64())?;
        u32::try_from(passed.checked_div(EPOCH_SECONDS)?).ok()
    }

    /// Returns the time at which an epoch ends, and the next one begins.
    #[must_use]
    pub fn end_of(&self, epoch: u32) -> UnixSeconds {
        let epochs = u64::from(epoch).saturating_add(1);
        UnixSeconds::new(self.start.as_u64().saturating_add(epochs.saturating_mul(EPOCH_SECONDS)))
    }

    /// Returns the emission of a year, counted from 0, in wei: 8 % of the supply, then 0.85 of the year before; each rounded
    /// down.
    #[must_use]
    pub fn emission_of_year(&self, year: u32) -> Wei {
        if year > YEARS_MAX {
            return Wei::ZERO;
        }
        let part = |whole: u128, percent: u128| whole.saturating_mul(percent).div_euclid(100);
        let first = part(self.supply.as_u128().min(SUPPLY_MAX), 8);
        Wei::new((0..year).fold(first, |emission, _| part(emission, 85)))
    }

    /// Returns what an epoch may issue: a 52nd of its year's emission, in parts of 70, 10, 10 and 10 %; each rounded down.
    #[must_use]
    pub fn buckets(&self, epoch: u32) -> Buckets {
        let year = epoch.div_euclid(YEAR_EPOCHS);
        let emission = self.emission_of_year(year).as_u128().div_euclid(YEAR_EPOCHS.into());
        let part = |percent| Wei::new(emission.saturating_mul(percent).div_euclid(100));
        Buckets { work: part(70), floor: part(10), retroactive: part(10), rebates: part(10) }
    }
}
