//! The state machine: from readings to what the worker may do now, with reasons.

mod judge;
mod reason;
mod words;

use std::collections::BTreeMap;

use sensors::{Milliseconds, Reading, Readings};
use serde::{Deserialize, Serialize};
use units::Wei;

pub use reason::{Change, Reason, Resource, Sensor, Why};

use crate::limits::{Limits, Money};
use judge::{Found, Judge, Memory};

/// Time between two steps above which nobody watched in between, in milliseconds: the machine slept, or was too busy for the agent.
pub const GAP_MS_MAX: u64 = 5_000;

/// What the worker may do, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// It leaves its project and ends.
    Exited,
    /// It has no memory: its work is on disk, and its process has ended.
    Released,
    /// It has memory, and no core.
    Frozen,
    /// It runs on few cores.
    Gentle,
    /// It runs on all cores that the owner allows.
    Full,
}

/// What the policy has to know beside the sensors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Situation {
    /// The owner's pause, if there is one.
    pub pause: Option<Pause>,
    /// The worker.
    pub worker: Worker,
    /// What the project that would be worked for pays, if it is known.
    pub offer: Option<Offer>,
    /// What the machine draws, in milliwatts, if something says it.
    pub milliwatts: Option<Reading<u64>>,
    /// Carbon of a kWh now, in grams, if something says it.
    pub carbon_grams: Option<Reading<u32>>,
    /// Whether the owner has told the agent to end.
    pub is_stopping: bool,
    /// Why the account no longer accepts this device, if so.
    pub revoked: Option<String>,
    /// Why the account's policy can't be read, if so.
    pub unread: Option<String>,
}

impl Situation {
    /// Returns the situation before anything is known.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            pause: None,
            worker: Worker::Ready,
            offer: None,
            milliwatts: None,
            carbon_grams: None,
            is_stopping: false,
            revoked: None,
            unread: None,
        }
    }
}

/// A pause that the owner asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// When it ends; `None` if only the owner ends it.
    pub until: Option<Milliseconds>,
    /// When it was asked for.
    pub at: Milliseconds,
}

/// How the worker is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Worker {
    /// It runs, or can be started.
    Ready,
    /// It has ended by itself, and is not started again before a time.
    Failed {
        /// Its last words.
        text: String,
        /// When it is started again.
        until: Milliseconds,
    },
    /// No project is there for it.
    NoProject {
        /// Why.
        text: String,
        /// When projects are looked for again.
        until: Milliseconds,
    },
}

/// What a project pays this machine for an hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Its number and name.
    pub project: String,
    /// The pay, in wei.
    #[serde(with = "wei")]
    pub per_hour: Wei,
    /// The pay in the owner's currency, if what GRAIN is worth is known.
    pub gross_per_hour: Option<Money>,
    /// What the energy of that hour costs, if its price is known.
    pub energy_per_hour: Option<Money>,
    /// Whether a round is under way that was begun while the project paid enough: it may be finished.
    #[serde(default)]
    pub is_finishing: bool,
}

/// Wei as a decimal string: JSON's numbers would round it.
pub(crate) mod wei {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
    use units::Wei;

    pub(crate) fn serialize<S: Serializer>(wei: &Wei, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&wei.as_u128().to_string())
    }

    pub(crate) fn deserialize<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Wei, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Wei::new).map_err(D::Error::custom)
    }
}

/// What the worker may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// Cores, in percent of all.
    pub cores_percent: u8,
    /// Memory, in MiB.
    pub memory_mib: u32,
    /// Disk space, in MiB.
    pub disk_mib: u32,
    /// What it may send, in KiB a second.
    pub upload_kib_per_second: u32,
    /// What it may fetch, in KiB a second.
    pub download_kib_per_second: u32,
}

/// What the worker may do now, and why not more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What it may do.
    pub activity: Activity,
    /// Since when.
    pub since: Milliseconds,
    /// When this was decided.
    pub at: Milliseconds,
    /// What it may take.
    pub allowance: Allowance,
    /// Every reason against more, those that allow least first. Empty when the worker runs at full.
    pub reasons: Vec<Reason>,
    /// What happened beside the reasons, for instance that memory was given back because they last.
    pub note: Option<String>,
}

impl Decision {
    /// Returns one line: what the worker does, and the first reason.
    #[must_use]
    pub fn text(&self) -> String {
        let what = match self.activity {
            Activity::Exited => "ended",
            Activity::Released => "waiting, without memory",
            Activity::Frozen => "frozen",
            Activity::Gentle => "running gently",
            Activity::Full => "running at full",
        };
        match self.reasons.first() {
            None => format!("{what}: the machine is idle, and no limit is in the way"),
            Some(reason) => format!("{what}: {}", reason.text),
        }
    }
}

/// The state machine. It holds the owner's limits, and what it remembers of the past.
#[derive(Clone, Debug)]
pub struct Policy {
    limits: Limits,
    past: Option<Past>,
}

/// What is remembered from step to step.
#[derive(Clone, Debug)]
struct Past {
    activity: Activity,
    /// When [`Self::activity`] began.
    changed: Milliseconds,
    /// When the last step was.
    stepped: Milliseconds,
    /// When something other than input was last against running gently, and against running at full.
    denied_gentle: Milliseconds,
    denied_full: Milliseconds,
    /// Since when each reason holds.
    since: BTreeMap<(&'static str, &'static str), Milliseconds>,
    note: Option<String>,
    memory: Memory,
}

impl Past {
    fn new(now: Milliseconds) -> Self {
        Self {
            activity: Activity::Released,
            changed: now,
            stepped: now,
            denied_gentle: now,
            denied_full: now,
            since: BTreeMap::new(),
            note: None,
            memory: Memory::new(now),
        }
    }
}

impl Policy {
    /// Begins without a worker.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, past: None }
    }

    /// Returns the limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Replaces the limits; they hold from the next step on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Decides what the worker may do from `now` on.
    ///
    /// Call it when a sensor has something new, and at least every [`GAP_MS_MAX`]: a longer gap counts as use of the machine.
    pub fn step(
        &mut self,
        now: Milliseconds,
        readings: &Readings,
        situation: &Situation,
    ) -> Decision {
        let mut past = self.past.take().unwrap_or_else(|| Past::new(now));
        let mut reasons = Vec::new();
        if now < past.stepped {
            let before = past.stepped;
            let activity = past.activity;
            past = Past { activity, ..Past::new(now) };
            past.memory.touch(now);
            reasons.push((
                Why::ClockBackwards { milliseconds: before.since(now) },
                "clock".into(),
                now,
            ));
        } else if GAP_MS_MAX < now.since(past.stepped) {
            past.memory.touch(now);
            let seconds = now.since(past.stepped) / 1_000;
            reasons.push((Why::Unwatched { seconds }, "clock".into(), now));
        }
        past.stepped = now;
        let is_held = Activity::Frozen <= past.activity;
        let judge = Judge { now, limits: &self.limits, readings, situation, is_held };
        reasons.extend(judge.reasons(&mut past.memory));
        let reasons = explain(now, &self.limits, reasons, &mut past.since);
        let decision = self.decide(now, reasons, &mut past);
        self.past = Some(past);
        decision
    }

    fn decide(&self, now: Milliseconds, mut reasons: Vec<Reason>, past: &mut Past) -> Decision {
        for reason in reasons.iter().filter(|reason| !reason.why.is_input()) {
            if reason.allows < Activity::Gentle {
                past.denied_gentle = now;
            }
            if reason.allows < Activity::Full {
                past.denied_full = now;
            }
        }
        let ceiling = reasons.iter().map(|reason| reason.allows).min().unwrap_or(Activity::Full);
        let next = self.next(now, ceiling, past);
        if next != past.activity {
            past.activity = next;
            past.changed = now;
        }
        if next < ceiling && Activity::Gentle <= ceiling {
            let wait = self.settles_in(now, past);
            let since = past.denied_full.max(past.changed);
            reasons.push(Reason::settling(wait, now, since, next, &self.limits));
        }
        reasons.sort_by_key(|reason| reason.allows);
        Decision {
            activity: next,
            since: past.changed,
            at: now,
            allowance: self.allowance(next),
            reasons,
            note: past.note.clone(),
        }
    }

    /// Returns the next activity: down at once, up one level at a time after everything has been calm.
    fn next(&self, now: Milliseconds, ceiling: Activity, past: &mut Past) -> Activity {
        let idle = &self.limits.idle;
        let is_calm =
            |since: Milliseconds| u64::from(idle.settle_seconds) * 1_000 <= now.since(since);
        let release_ms = u64::from(idle.release_after_minutes) * 60_000;
        if ceiling < past.activity {
            past.note = None;
            return ceiling;
        }
        let is_settled = is_calm(past.changed) && is_calm(past.denied_gentle);
        match past.activity {
            Activity::Full => Activity::Full,
            Activity::Gentle
                if ceiling == Activity::Full && is_settled && is_calm(past.denied_full) =>
            {
                Activity::Full
            }
            Activity::Gentle => Activity::Gentle,
            Activity::Exited | Activity::Released | Activity::Frozen
                if Activity::Gentle <= ceiling && is_settled =>
            {
                past.note = None;
                Activity::Gentle
            }
            Activity::Frozen if release_ms <= now.since(past.changed) => {
                let minutes = idle.release_after_minutes;
                past.note =
                    Some(format!("its memory was given back after {minutes} minutes frozen"));
                Activity::Released
            }
            Activity::Exited | Activity::Released | Activity::Frozen => past.activity,
        }
    }

    /// Returns how many milliseconds everything has to stay calm before the next move up.
    fn settles_in(&self, now: Milliseconds, past: &Past) -> u64 {
        let denied =
            if past.activity < Activity::Gentle { past.denied_gentle } else { past.denied_full };
        let begun = denied.max(past.changed);
        (u64::from(self.limits.idle.settle_seconds) * 1_000).saturating_sub(now.since(begun))
    }

    fn allowance(&self, activity: Activity) -> Allowance {
        let Limits { machine, network, .. } = &self.limits;
        let is_running = Activity::Gentle <= activity;
        let if_running = |amount: u32| if is_running { amount } else { 0 };
        Allowance {
            cores_percent: match activity {
                Activity::Full => machine.cores_percent,
                Activity::Gentle => machine.gentle_cores_percent.min(machine.cores_percent),
                Activity::Frozen | Activity::Released | Activity::Exited => 0,
            },
            memory_mib: if Activity::Frozen <= activity { machine.memory_mib } else { 0 },
            disk_mib: machine.disk_mib,
            upload_kib_per_second: if_running(network.upload_kib_per_second),
            download_kib_per_second: if_running(network.download_kib_per_second),
        }
    }
}

/// Adds to each reason since when it holds, what it allows and what would change it.
fn explain(
    now: Milliseconds,
    limits: &Limits,
    found: Vec<Found>,
    since: &mut BTreeMap<(&'static str, &'static str), Milliseconds>,
) -> Vec<Reason> {
    let before = std::mem::take(since);
    let explain = |(why, source, seen_at): Found| {
        let begun = before.get(&why.key()).copied().unwrap_or(now);
        since.insert(why.key(), begun);
        Reason {
            allows: why.allows(),
            text: why.text(limits),
            change: why.change(limits),
            since: begun,
            source,
            seen_at,
            why,
        }
    };
    found.into_iter().map(explain).collect()
}

#[cfg(test)]
mod tests;
