//! What the work takes and brings: kept on disk, priced by the owner's tariff.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::Sender;
use std::time::Duration;

use ::agent::Limits;
use ::agent::earn::{
    Baseline, Books, Interval, KeptRoster, Prices, break_even_per_hour, local_day, worth_down,
};
use ::agent::limits::Money;
use anyhow::Context as _;
use sensors::{Energy, Milliseconds, Quality, WallTime};
use serde::{Deserialize, Serialize};
use units::Wei;

use super::daemon::{Wake, write};
use crate::failure::Hint as _;
use crate::options::RPC_VARIABLE;

/// Time between two savings, in milliseconds.
const SAVE_MS: u64 = 300_000;

/// Time at full after which the machine's own figure of what work draws replaces the owner's, and after which older time counts half, in milliseconds.
const FULL_MS: (u64, u64) = (60_000, 3_600_000);

/// A longer time between two looks was not watched, and is not priced.
const GAP_MS_MAX: u64 = 60_000;

/// Time between two questions to the ledger, and before the first.
const ASK: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(600));

/// What is kept on disk.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Kept {
    books: Books,
    /// What the account had been paid in all at the last look.
    account_paid_wei: Option<u128>,
    /// Which project is worked for, and what each interest has had.
    roster: KeptRoster,
}

/// The agent's books.
#[derive(Debug)]
pub(super) struct Earnings {
    path: PathBuf,
    kept: Kept,
    tariff: Tariff,
    baseline: Baseline,
    /// What work at full took by the meters: microjoules, and milliseconds.
    full: (u64, u64),
    looked: Option<(Milliseconds, Vec<Energy>)>,
    saved: Milliseconds,
}

/// What energy costs by the hour.
#[derive(Debug)]
pub(super) struct Tariff {
    /// Prices of a kWh, if the owner says any.
    prices: Option<Prices>,
    /// Grams of carbon of a kWh.
    carbon: Option<Prices>,
}

impl Tariff {
    /// Reads the owner's prices.
    ///
    /// # Errors
    /// When one of their files can't be read.
    pub(super) fn read(limits: &Limits) -> anyhow::Result<Self> {
        let flat = limits.energy.price_per_kwh;
        let prices = match &limits.energy.price_file[..] {
            "" => (flat != Money::ZERO).then(|| Prices::flat(flat)),
            file => Some(read(Path::new(file))?),
        };
        let carbon = match &limits.energy.carbon_file[..] {
            "" => None,
            file => Some(read(Path::new(file))?),
        };
        Ok(Self { prices, carbon })
    }
}

/// What the worker did since the last look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    /// How much of its full allowance of cores it had, in percent.
    pub(super) share_percent: u8,
    /// Whether the owner used the machine.
    pub(super) is_used: bool,
}

impl Earnings {
    /// Reads the books and the owner's prices.
    ///
    /// # Errors
    /// When one of the owner's files can't be read. Damaged books are put aside.
    pub(super) fn open(path: PathBuf, limits: &Limits, now: Milliseconds) -> anyhow::Result<Self> {
        let tariff = Tariff::read(limits)?;
        let kept = match std::fs::read(&path) {
            Err(_) => Kept::default(),
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                let aside = path.with_extension("damaged");
                tracing::warn!("{}: {error}: kept as {}", path.display(), aside.display());
                // If it can't be kept, it can't be read either.
                let _lost = std::fs::rename(&path, &aside);
                Kept::default()
            }),
        };
        let baseline = Baseline::default();
        Ok(Self { path, kept, tariff, baseline, full: (0, 0), looked: None, saved: now })
    }

    /// Notes the energy since the last look; returns what the machine drew meanwhile in milliwatts, and whether that is an estimate of a meter.
    pub(super) fn look(
        &mut self,
        now: Milliseconds,
        meters: Vec<Energy>,
        work: Work,
        time: Option<&WallTime>,
        limits: &Limits,
    ) -> Option<(u64, Quality)> {
        let before = self.looked.replace((now, meters.clone()));
        let (at, before) = before?;
        let milliseconds = now.since(at);
        if milliseconds == 0 || GAP_MS_MAX < milliseconds {
            return None;
        }
        let drawn = drawn(&before, &meters);
        let Work { share_percent, is_used } = work;
        let interval = Interval { milliseconds, drawn, share_percent, is_used };
        let draw = self.baseline.take(&interval, &limits.energy);
        if share_percent == 100 && draw.quality == Quality::Measured {
            self.learn(draw.microjoules, milliseconds);
        }
        if let Some(time) = time {
            let price =
                self.tariff.prices.as_ref().and_then(|prices| prices.at(time.minute_of_week));
            let worked = if share_percent == 0 { 0 } else { milliseconds };
            if worked != 0 {
                let price = price.unwrap_or(Money::ZERO);
                self.kept.books.draw(local_day(time), draw, worked, price);
            }
        }
        if SAVE_MS <= now.since(self.saved) {
            self.saved = now;
            self.save();
        }
        // Microjoules in a millisecond are milliwatts.
        drawn.map(|(microjoules, quality)| (microjoules / milliseconds, quality))
    }

    fn learn(&mut self, microjoules: u64, milliseconds: u64) {
        let (all, ms) = &mut self.full;
        if FULL_MS.1 < *ms {
            (*all, *ms) = (*all / 2, *ms / 2);
        }
        (*all, *ms) = (all.saturating_add(microjoules), ms.saturating_add(milliseconds));
    }

    /// Returns what the energy of an hour of work at full costs at a time, rounded up: as meters counted it, or as the owner says while that is too short.
    /// `None` without a price.
    pub(super) fn energy_per_hour(&self, time: &WallTime, limits: &Limits) -> Option<Money> {
        let price = self.tariff.prices.as_ref()?.at(time.minute_of_week)?;
        let (microjoules, milliseconds) = self.full;
        let milliwatts = if milliseconds < FULL_MS.0 {
            let Limits { energy, .. } = limits;
            u64::from(energy.full_watts.saturating_sub(energy.idle_watts)) * 1_000
        } else {
            microjoules / milliseconds
        };
        Some(break_even_per_hour(milliwatts, price))
    }

    /// Notes what the account has been paid in all.
    pub(super) fn paid(
        &mut self,
        account_paid: u128,
        time: Option<&WallTime>,
        grain_is_worth: Money,
    ) {
        let before = self.kept.account_paid_wei.replace(account_paid);
        let (Some(before), Some(time)) = (before, time) else { return };
        let wei = account_paid.saturating_sub(before);
        if 0 < wei {
            let worth = worth_down(Wei::new(wei), grain_is_worth);
            self.kept.books.pay(local_day(time), wei, worth.unwrap_or(Money::ZERO));
        }
    }

    /// Returns the grams of carbon of a kWh at a time, if the owner says them.
    pub(super) fn carbon_grams(&self, time: &WallTime) -> Option<u32> {
        let grams = self.tariff.carbon.as_ref()?.at(time.minute_of_week)?.0 / Money::ONE;
        u32::try_from(grams).ok()
    }

    /// Returns whether a price of energy is known.
    pub(super) fn has_prices(&self) -> bool {
        self.tariff.prices.is_some()
    }

    /// Takes other prices.
    pub(super) fn set_tariff(&mut self, tariff: Tariff) {
        self.tariff = tariff;
    }

    /// Returns what was kept of the choice of projects.
    pub(super) fn roster(&self) -> &KeptRoster {
        &self.kept.roster
    }

    /// Notes the choice of projects, to be written with the books.
    pub(super) fn keep(&mut self, roster: &KeptRoster) {
        if self.kept.roster != *roster {
            self.kept.roster = roster.clone();
        }
    }

    /// Returns the books.
    pub(super) fn books(&self) -> &Books {
        &self.kept.books
    }

    /// Writes the books.
    pub(super) fn save(&self) {
        let written = serde_json::to_vec(&self.kept)
            .map_err(Into::into)
            .and_then(|bytes| write(&self.path, &bytes));
        if let Err(error) = written {
            tracing::warn!("{}: the books can't be written: {error}", self.path.display());
        }
    }
}

fn read(path: &Path) -> anyhow::Result<Prices> {
    let text = super::read_text(path)
        .with_context(|| format!("{}: file can't be read", path.display()))?;
    let prices = Prices::parse(&text).with_context(|| path.display().to_string());
    prices.hint("gleaner agent config")
}

/// Returns what the meters that were there before and are there now have counted: measured only if all are.
fn drawn(before: &[Energy], now: &[Energy]) -> Option<(u64, Quality)> {
    let mut sum = None;
    for meter in now {
        let Some(old) = before.iter().find(|old| old.source == meter.source) else { continue };
        let (microjoules, quality) = sum.unwrap_or((0_u64, Quality::Measured));
        let more = meter.microjoules.saturating_sub(old.microjoules);
        let quality = if quality == Quality::Measured { meter.quality } else { quality };
        sum = Some((microjoules.saturating_add(more), quality));
    }
    sum
}

/// Asks the ledger now and then what the account was paid, in a process of its own: its memory is gone afterwards.
pub(super) fn ask(account: String, rpc: String, wake: Sender<Wake>) {
    std::thread::spawn(move || {
        let Ok(program) = std::env::current_exe() else { return };
        std::thread::sleep(ASK.0);
        loop {
            let mut command = Command::new(&program);
            command.args(["earnings", &account, "--json"]).env(RPC_VARIABLE, &rpc);
            let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
            let paid = output.ok().and_then(|output| {
                let document: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
                document["paid"].as_str()?.parse().ok()
            });
            // A ledger that does not answer is asked again.
            if let Some(paid) = paid
                && wake.send(Wake::Paid(paid)).is_err()
            {
                return;
            }
            std::thread::sleep(ASK.1);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energy_of_an_hour_is_as_meters_count_it_and_as_the_owner_says_before() {
        let folder = tempfile::tempdir().unwrap();
        let text = "[energy]\nprice_per_kwh = \"0.5\"\nidle_watts = 40\nfull_watts = 120\n";
        let limits = Limits::parse(text).unwrap();
        let path = folder.path().join("books.json");
        let mut earnings = Earnings::open(path.clone(), &limits, Milliseconds(0)).unwrap();
        let time = WallTime { unix_seconds: 1_796_081_400, minute_of_week: 100 };
        // 80 W at half a unit a kWh.
        assert_eq!(earnings.energy_per_hour(&time, &limits), Some(Money(40_000)));
        let mut at = (Milliseconds(0), 0);
        let mut look = |earnings: &mut Earnings, watts: u64, share_percent| {
            at = (Milliseconds(at.0.0 + 5_000), at.1 + watts * 5_000_000);
            let meter = Energy {
                source: "meter".to_owned(),
                microjoules: at.1,
                quality: Quality::Measured,
            };
            let work = Work { share_percent, is_used: false };
            earnings.look(at.0, vec![meter], work, Some(&time), &limits);
        };
        // The machine draws 50 W without the worker, 60 W with a gentle one, and 80 W with one at full.
        (0..20).for_each(|_| look(&mut earnings, 50, 0));
        (0..20).for_each(|_| look(&mut earnings, 60, 20));
        assert_eq!(earnings.energy_per_hour(&time, &limits), Some(Money(40_000)));
        (0..20).for_each(|_| look(&mut earnings, 80, 100));
        assert_eq!(earnings.energy_per_hour(&time, &limits), Some(Money(15_000)));
        let free = Limits::parse("").unwrap();
        let earnings = Earnings::open(path, &free, Milliseconds(0)).unwrap();
        assert_eq!(earnings.energy_per_hour(&time, &free), None);
    }
}
