//! What the work takes and brings: kept on disk, priced by the owner's tariff.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::Sender;
use std::time::Duration;

use ::agent::earn::{
    Baseline, Books, Draw, Interval, KeptRoster, Prices, break_even_per_hour, local_day,
};
use ::agent::limits::Money;
use ::agent::{EarnedStatus, Limits};
use anyhow::Context as _;
use sensors::{Energy, Milliseconds, Quality, WallTime};
use serde::{Deserialize, Serialize};

use super::alerts::Remembered;
use super::daemon::{Wake, write};
use super::whose::Whose;
use crate::failure::Hint as _;
use crate::options::RPC_VARIABLE;

/// Time between two savings, in milliseconds.
const SAVE_MS: u64 = 300_000;

/// Time at full after which the machine's own figure of what work draws replaces the owner's, and after which older time counts half, in milliseconds.
const FULL_MS: (u64, u64) = (60_000, 3_600_000);

/// A longer time between two looks was not watched, and is not priced. As long a meter that does not answer is waited for: it counts on meanwhile.
const GAP_MS_MAX: u64 = 60_000;

/// A longer time between two steps was not watched, and counts as no work.
const STEP_MS_MAX: u64 = 5_000;

/// Sets of meters of which it is remembered what the machine draws.
const LEARNED_MAX: usize = 4;

/// Time between two questions to the ledger. The first is asked at once: what was paid since the agent ran last counts.
const ASK: Duration = Duration::from_secs(600);

/// What is kept on disk.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Kept {
    books: Books,
    /// What the account had been paid in all at the last look.
    account_paid_wei: Option<u128>,
    /// Which account, and on which ledger.
    paid_to: Whose,
    /// Which project is worked for, and what each interest has had.
    roster: KeptRoster,
    /// What the machine draws by each set of meters, the one that answered last first.
    learned: Vec<Learned>,
    /// What changes are compared with that the owner is told.
    remembered: Remembered,
}

/// What the machine draws by a set of meters.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Learned {
    meters: Vec<String>,
    /// Without the worker.
    baseline: Baseline,
    /// What work at full took: microjoules, and milliseconds.
    full: (u64, u64),
}

impl Learned {
    /// Returns what work at full takes, in milliwatts, once that was measured for long enough.
    fn full_milliwatts(&self) -> Option<u64> {
        let (microjoules, milliseconds) = self.full;
        (FULL_MS.0 <= milliseconds).then(|| microjoules / milliseconds)
    }

    fn learn(&mut self, microjoules: u64, milliseconds: u64) {
        let (all, ms) = &mut self.full;
        if FULL_MS.1 < *ms {
            (*all, *ms) = (*all / 2, *ms / 2);
        }
        (*all, *ms) = (all.saturating_add(microjoules), ms.saturating_add(milliseconds));
    }
}

/// What the worker did since the last look that was booked.
#[derive(Clone, Copy, Debug, Default)]
struct Since {
    /// Shares of the full allowance, in percent, times milliseconds.
    share_ms: u64,
    /// Milliseconds in which it ran.
    worked_ms: u64,
    is_used: bool,
    /// Whether nobody watched for a while.
    has_gap: bool,
}

/// What an account has been paid in all, as a ledger says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Paid {
    pub(super) account: String,
    pub(super) ledger: String,
    pub(super) wei: u128,
}

/// The agent's books.
#[derive(Debug)]
pub(super) struct Earnings {
    path: PathBuf,
    kept: Kept,
    tariff: Tariff,
    /// The last look that was booked, and what happened since.
    booked: Option<(Milliseconds, Vec<Energy>)>,
    since: Since,
    looked: Milliseconds,
    noted: Option<Milliseconds>,
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

/// What the worker did since the last step.
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
        let (booked, since, noted) = (None, Since::default(), None);
        Ok(Self { path, kept, tariff, booked, since, looked: now, noted, saved: now })
    }

    /// Notes what the worker did since the last step: so a look that comes after it has stopped knows that it ran before.
    pub(super) fn note(&mut self, now: Milliseconds, work: Work) {
        let passed_ms = self.noted.replace(now).map_or(0, |noted| now.since(noted));
        self.since.is_used |= work.is_used;
        if STEP_MS_MAX < passed_ms {
            (self.since.has_gap, self.since.is_used) = (true, true);
            return;
        }
        let share_ms = u64::from(work.share_percent).saturating_mul(passed_ms);
        self.since.share_ms = self.since.share_ms.saturating_add(share_ms);
        if 0 < work.share_percent {
            self.since.worked_ms = self.since.worked_ms.saturating_add(passed_ms);
        }
    }

    /// Books the energy since the last look; returns what the machine drew meanwhile in milliwatts, and whether that is an estimate of a meter.
    pub(super) fn look(
        &mut self,
        now: Milliseconds,
        meters: Vec<Energy>,
        time: Option<&WallTime>,
        limits: &Limits,
    ) -> Option<(u64, Quality)> {
        if SAVE_MS <= now.since(self.saved) {
            self.saved = now;
            self.save();
        }
        let gap_ms = now.since(std::mem::replace(&mut self.looked, now));
        let Some((at, before)) = &self.booked else {
            self.begin(now, meters);
            return None;
        };
        let milliseconds = now.since(*at);
        let is_complete = before.iter().all(|old| meters.iter().any(|m| m.source == old.source));
        if milliseconds == 0 || (!is_complete && milliseconds < GAP_MS_MAX) {
            return None;
        }
        let drawn = if is_complete { drawn(before, &meters) } else { None };
        let names = before.iter().map(|meter| meter.source.clone()).collect();
        self.begin(now, meters);
        let since = std::mem::take(&mut self.since);
        if GAP_MS_MAX < gap_ms || (since.has_gap && since.share_ms == 0) {
            return None;
        }
        let share = since.share_ms.div_ceil(milliseconds).min(100);
        let interval = Interval {
            milliseconds,
            drawn,
            share_percent: u8::try_from(share).unwrap_or(100),
            is_used: since.is_used,
        };
        let is_full = 100 * milliseconds <= since.share_ms;
        let draw = self.draw(names, &interval, is_full, limits);
        if let Some(time) = time
            && since.worked_ms != 0
        {
            let price =
                self.tariff.prices.as_ref().and_then(|prices| prices.at(time.minute_of_week));
            let price = price.unwrap_or(Money::ZERO);
            self.kept.books.draw(local_day(time), draw, since.worked_ms, price);
        }
        // Microjoules in a millisecond are milliwatts.
        drawn.map(|(microjoules, quality)| (microjoules / milliseconds, quality))
    }

    /// Begins a new part of the time, with what the meters say.
    fn begin(&mut self, now: Milliseconds, meters: Vec<Energy>) {
        self.booked = Some((now, meters));
    }

    /// Returns the energy that work took in an interval, and learns from it what the machine draws.
    fn draw(
        &mut self,
        meters: Vec<String>,
        interval: &Interval,
        is_full: bool,
        limits: &Limits,
    ) -> Draw {
        // No meter says it, or only some of them do. All of them did before, and know better than the owner what work takes.
        let by_full = |milliwatts: u64| {
            let share_ms = u64::from(interval.share_percent).saturating_mul(interval.milliseconds);
            let microjoules = milliwatts.saturating_mul(share_ms) / 100;
            Draw { microjoules, quality: Quality::Estimated }
        };
        let before = self.full_milliwatts().map(by_full);
        if interval.drawn.is_none() {
            return before.unwrap_or_else(|| Baseline::default().take(interval, &limits.energy));
        }
        let all = &mut self.kept.learned;
        let place = all.iter().position(|one| one.meters == meters);
        let mut learned = place.map(|place| all.remove(place)).unwrap_or_default();
        learned.meters = meters;
        let draw = learned.baseline.take(interval, &limits.energy);
        if is_full && draw.quality == Quality::Measured {
            learned.learn(draw.microjoules, interval.milliseconds);
        }
        let is_known = learned.baseline.is_measured();
        all.insert(0, learned);
        all.truncate(LEARNED_MAX);
        before.filter(|_| !is_known).unwrap_or(draw)
    }

    /// Returns what work at full takes by the meters that answered last, in milliwatts.
    fn full_milliwatts(&self) -> Option<u64> {
        self.kept.learned.iter().find_map(Learned::full_milliwatts)
    }

    /// Returns what the energy of an hour of work at full costs at a time, rounded up: as meters counted it, or as the owner says while that is too short.
    /// `None` without a price.
    pub(super) fn energy_per_hour(&self, time: &WallTime, limits: &Limits) -> Option<Money> {
        let price = self.tariff.prices.as_ref()?.at(time.minute_of_week)?;
        let Limits { energy, .. } = limits;
        let owners = u64::from(energy.full_watts.saturating_sub(energy.idle_watts)) * 1_000;
        let milliwatts = self.full_milliwatts().unwrap_or(owners);
        Some(break_even_per_hour(milliwatts, price))
    }

    /// Notes what the account has been paid in all. What another account had before, or the same on another ledger, is no pay.
    pub(super) fn paid(&mut self, paid: &Paid, time: Option<&WallTime>, grain_is_worth: Money) {
        let account_paid = paid.wei;
        if self.kept.paid_to.take(&paid.account, &paid.ledger) {
            self.kept.account_paid_wei = None;
        }
        let Some(before) = self.kept.account_paid_wei else {
            self.kept.account_paid_wei = Some(account_paid);
            return;
        };
        // Without a clock it has no day yet: the next answer says it again.
        let Some(time) = time else { return };
        self.kept.account_paid_wei = Some(account_paid);
        let wei = account_paid.saturating_sub(before);
        if 0 < wei {
            self.kept.books.pay(local_day(time), wei, grain_is_worth);
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

    /// Returns what changes are compared with that the owner is told.
    pub(super) fn remembered(&self) -> &Remembered {
        &self.kept.remembered
    }

    /// Notes the choice of projects, to be written with the books, and what changes are compared with: that is written at once, because an agent that is killed
    /// would tell it again, or not know that something has changed.
    pub(super) fn keep(&mut self, roster: &KeptRoster, remembered: &Remembered) {
        if self.kept.roster != *roster {
            self.kept.roster = roster.clone();
        }
        if self.kept.remembered != *remembered {
            self.kept.remembered = remembered.clone();
            self.save();
        }
    }

    /// Returns the books.
    pub(super) fn books(&self) -> &Books {
        &self.kept.books
    }

    /// Says what the books hold; amounts of money only where what GRAIN is worth and a price of energy are known.
    pub(super) fn status(&self, day: Option<u32>, currency: Option<&str>) -> EarnedStatus {
        let Books { total, .. } = &self.kept.books;
        let today = day.map(|day| self.kept.books.day(day)).unwrap_or_default();
        EarnedStatus::new(&today, total, currency)
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

/// Returns what the meters that were there before have counted: measured only if all are, and no other meter has come.
fn drawn(before: &[Energy], now: &[Energy]) -> Option<(u64, Quality)> {
    let mut sum = None;
    for meter in now {
        let (microjoules, quality) = sum.unwrap_or((0_u64, Quality::Measured));
        let old = before.iter().find(|old| old.source == meter.source);
        let more = old.map_or(0, |old| meter.microjoules.saturating_sub(old.microjoules));
        let is_measured =
            quality == Quality::Measured && meter.quality == Quality::Measured && old.is_some();
        let quality = if is_measured { Quality::Measured } else { Quality::Estimated };
        sum = Some((microjoules.saturating_add(more), quality));
    }
    sum.filter(|_| !before.is_empty())
}

/// Asks the ledger at once and now and then what the account was paid, in a process of its own: its memory is gone afterwards.
pub(super) fn ask(account: String, rpc: String, every: Option<Duration>, wake: Sender<Wake>) {
    std::thread::spawn(move || {
        let Ok(program) = std::env::current_exe() else { return };
        loop {
            let mut command = Command::new(&program);
            command.args(["earnings", &account, "--json"]).env(RPC_VARIABLE, &rpc);
            let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
            let paid = output.ok().and_then(|output| {
                let document: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
                let wei = document["paid"].as_str()?.parse().ok()?;
                let ledger = document["ledger"].as_str()?.to_owned();
                Some(Paid { account: account.clone(), ledger, wei })
            });
            // A ledger that does not answer is asked again.
            if let Some(paid) = paid
                && wake.send(Wake::Paid(paid)).is_err()
            {
                return;
            }
            std::thread::sleep(every.unwrap_or(ASK));
        }
    });
}

#[cfg(test)]
mod tests;
