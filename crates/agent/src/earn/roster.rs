//! Which project the worker works for, and when it leaves it for another one.

use std::collections::BTreeMap;

use sensors::Milliseconds;
use serde::{Deserialize, Serialize};
use units::Wei;

use super::choice::{Candidate, Shares};
use crate::limits::{Earning, Grain};

/// Projects in one list.
pub const LISTED_MAX: usize = 64;

/// A list that is older is made again before the worker starts, in milliseconds.
const LIST_MS_MAX: u64 = 3_600_000;

/// Time until projects are looked for again where none suits, in milliseconds.
const NOTHING_MS: u64 = 60_000;

/// First and longest time for which a project is not tried after it failed, in milliseconds.
const AVOIDED_MS: (u64, u64) = (15_000, 3_600_000);

/// The unit of [`Shares`]: a tenth of a second.
const SHARE_MS: u64 = 100;

/// A project of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its number, its tags, and its pay.
    pub candidate: Candidate,
    /// Its name.
    pub name: String,
    /// How this device stands in it, as the ledger says it.
    pub standing: Option<String>,
}

impl Listed {
    /// Returns its number and name.
    #[must_use]
    pub fn label(&self) -> String {
        format!("project {} ({})", self.candidate.project, self.name)
    }
}

/// A project that does not suit this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsuitable {
    /// Its number.
    pub project: u64,
    /// Why.
    pub reason: String,
}

/// What outlives the agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeptRoster {
    shares: Shares,
    /// The project that was worked for last: the device may have a seat there.
    current: Option<u64>,
    /// How long it has been worked for.
    stayed_ms: u64,
    /// What is too short for a share.
    rest_ms: u64,
}

impl KeptRoster {
    /// Returns the project that was worked for last: the device may have a seat there.
    #[must_use]
    pub fn current(&self) -> Option<u64> {
        self.current
    }
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// To ask which projects are open, and to measure how fast this machine is for them.
    Ask,
    /// To work for a project.
    Work(u64),
    /// Nothing suits.
    Nothing {
        /// Why.
        text: String,
        /// When projects are looked for again.
        until: Milliseconds,
    },
}

/// Why a worker is to leave its project, at a moment between two rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// Another one is to be worked for.
    For(u64),
    /// It pays less than the owner wants, and no other one pays enough.
    Nothing,
}

/// The projects that are known, and the one that is worked for.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    /// The only project that the owner wants.
    only: Option<u64>,
    kept: KeptRoster,
    listed: Vec<Listed>,
    unsuitable: Vec<Unsuitable>,
    /// Whether a project's speed has not been measured.
    has_unmeasured: bool,
    listed_at: Option<Milliseconds>,
    measured_at: Option<Milliseconds>,
    /// Until when a project is not tried, and the pause after its next failure.
    avoided: BTreeMap<u64, (Milliseconds, u64)>,
    /// What an hour has to pay so that its energy is paid for.
    break_even: Wei,
    is_working: bool,
}

impl Roster {
    /// Begins with what was kept, for all projects or only one.
    #[must_use]
    pub fn new(kept: KeptRoster, only: Option<u64>) -> Self {
        Self { only, kept, ..Self::default() }
    }

    /// Returns what outlives the agent.
    #[must_use]
    pub fn kept(&self) -> &KeptRoster {
        &self.kept
    }

    /// Takes a new list. `unmeasured` counts open projects for which this machine's speed is not known; `is_measured` says that they were to be measured.
    pub fn list(
        &mut self,
        now: Milliseconds,
        (mut listed, unsuitable): (Vec<Listed>, Vec<Unsuitable>),
        (unmeasured, is_measured): (usize, bool),
        earning: &Earning,
    ) {
        listed.truncate(LISTED_MAX);
        // A coordinator that did not answer in time serves this device all the same.
        if self.is_working
            && let Some(own) = self.current()
            && !listed.iter().any(|one| one.candidate.project == own.candidate.project)
        {
            listed.push(own.clone());
        }
        self.listed = listed;
        self.unsuitable = unsuitable;
        self.unsuitable.truncate(LISTED_MAX);
        self.has_unmeasured = 0 < unmeasured;
        self.listed_at = Some(now);
        if is_measured {
            self.measured_at = Some(now);
        }
        let Self { avoided, listed, .. } = self;
        avoided.retain(|project, _| listed.iter().any(|one| one.candidate.project == *project));
        // An interest of which nothing pays has nothing to work for.
        let floor = self.wanted(earning).floor_per_hour.0;
        let mut candidates = self.candidates(None);
        candidates.retain(|candidate| floor <= candidate.per_hour);
        self.kept.shares.catch_up(&candidates, earning);
    }

    /// Returns what a worker that is to start does.
    #[must_use]
    pub fn next(&self, now: Milliseconds, earning: &Earning) -> Next {
        let Some(listed_at) = self.listed_at else { return Next::Ask };
        let age_ms = now.since(listed_at);
        let unmeasured_ms = self.measured_at.map_or(u64::MAX, |at| now.since(at));
        if LIST_MS_MAX <= age_ms || (self.has_unmeasured && LIST_MS_MAX <= unmeasured_ms) {
            return Next::Ask;
        }
        if let Some(only) = self.only {
            return Next::Work(only);
        }
        // Back to where its seat is: it leaves from there, also where that pays too little.
        let seat = self.seat(now);
        match self.due(now, earning).map(|due| seat.unwrap_or(due)) {
            Some(project) => Next::Work(project),
            None if NOTHING_MS <= age_ms => Next::Ask,
            None => Next::Nothing {
                text: self.nothing(),
                until: Milliseconds(listed_at.0.saturating_add(NOTHING_MS)),
            },
        }
    }

    /// Returns the project in which this device may have a seat, if it is listed and not avoided.
    fn seat(&self, now: Milliseconds) -> Option<u64> {
        let candidates = self.candidates(Some(now));
        self.kept.current.filter(|current| candidates.iter().any(|one| one.project == *current))
    }

    /// Returns the project that is to be worked for: the present one while it pays, else the one to choose.
    fn due(&self, now: Milliseconds, earning: &Earning) -> Option<u64> {
        let seat = self.seat(now);
        if seat.is_some() && self.pays(earning) {
            return seat;
        }
        let candidates = self.candidates(Some(now));
        let place = self.kept.shares.choose(&candidates, None, &self.wanted(earning))?;
        candidates.get(place).map(|candidate| candidate.project)
    }

    /// Returns the owner's policy with the floor where energy is paid for, if that is higher.
    fn wanted(&self, earning: &Earning) -> Earning {
        let floor_per_hour = earning.floor_per_hour.max(Grain(self.break_even));
        Earning { floor_per_hour, ..earning.clone() }
    }

    /// Notes what an hour has to pay so that its energy is paid for; nothing if the owner works at a loss.
    pub fn set_break_even(&mut self, break_even: Wei) {
        self.break_even = break_even;
    }

    /// Returns whether the present project pays what the owner wants, and its energy; also while its pay is not known.
    #[must_use]
    pub fn pays(&self, earning: &Earning) -> bool {
        let floor = self.wanted(earning).floor_per_hour.0;
        self.current().is_none_or(|own| floor <= own.candidate.per_hour)
    }

    /// Says why there is nothing to work for.
    fn nothing(&self) -> String {
        match (&self.unsuitable[..], self.listed.len()) {
            ([], 0) => "none is open".to_owned(),
            ([], _) => "no open project is of your interests, pays enough, and answers".to_owned(),
            ([first, more @ ..], _) => {
                let more =
                    if more.is_empty() { String::new() } else { format!("; {} more", more.len()) };
                format!("project {}: {}{more}", first.project, first.reason)
            }
        }
    }

    /// Returns why to leave the present project, at a moment between two rounds: for another one if the worker has stayed as long as the owner
    /// wants, or if the present one pays too little. Where only energy is not paid for, and nothing else pays it, the seat is kept: its price
    /// changes by the hour.
    #[must_use]
    pub fn leave(&self, now: Milliseconds, earning: &Earning) -> Option<Leave> {
        let own = self.current()?.candidate.project;
        let pays = self.pays(earning);
        if pays && self.kept.stayed_ms < u64::from(earning.stay_minutes) * 60_000 {
            return None;
        }
        let candidates = self.candidates(Some(now));
        let wanted = self.wanted(earning);
        let chosen = if self.only.is_some() {
            None
        } else {
            self.kept.shares.choose(&candidates, Some(own), &wanted)
        };
        let chosen = chosen.and_then(|place| candidates.get(place)).map(|chosen| chosen.project);
        match chosen.filter(|chosen| *chosen != own) {
            Some(project) => Some(Leave::For(project)),
            None if self.is_below_floor(earning) => Some(Leave::Nothing),
            None => None,
        }
    }

    /// Returns the project in which this device may have a seat that is to be given up while no worker runs: it pays less than the owner wants, and nothing else
    /// is there to work for, so that no worker will start and leave it. A seat that only does not pay its energy now is kept.
    #[must_use]
    pub fn unwanted_seat(&self, now: Milliseconds, earning: &Earning) -> Option<u64> {
        let own = self.kept.current.filter(|_| !self.is_working && self.is_below_floor(earning))?;
        let is_own = self.current().is_some_and(|current| current.candidate.project == own);
        let has_other = self.only.is_none() && self.due(now, earning).is_some();
        Some(own).filter(|_| is_own && !has_other)
    }

    fn is_below_floor(&self, earning: &Earning) -> bool {
        self.current().is_some_and(|own| own.candidate.per_hour < earning.floor_per_hour.0)
    }

    /// Returns the project that is worked for, or would be: if none pays what the owner wants, the one that pays most of those that they want.
    #[must_use]
    pub fn offer(&self, now: Milliseconds, earning: &Earning) -> Option<&Listed> {
        if self.is_working || self.only.is_some() {
            return self.current();
        }
        let candidates = self.candidates(Some(now));
        let any = Earning { floor_per_hour: Grain(Wei::ZERO), ..earning.clone() };
        let best = || {
            let place = Shares::default().choose(&candidates, None, &any)?;
            candidates.get(place).map(|candidate| candidate.project)
        };
        let project = self.due(now, earning).or_else(best)?;
        self.listed.iter().find(|one| one.candidate.project == project)
    }

    /// Notes that the worker begins with a project.
    pub fn begin(&mut self, project: u64) {
        if self.kept.current != Some(project) {
            self.kept.current = Some(project);
            self.kept.stayed_ms = 0;
        }
        self.is_working = true;
    }

    /// Notes time in which the worker worked for its project.
    pub fn worked(&mut self, milliseconds: u64, earning: &Earning) {
        self.kept.stayed_ms = self.kept.stayed_ms.saturating_add(milliseconds);
        let all_ms = self.kept.rest_ms.saturating_add(milliseconds);
        self.kept.rest_ms = all_ms % SHARE_MS;
        let amount = u32::try_from(all_ms / SHARE_MS).unwrap_or(u32::MAX);
        if let Some(candidate) = self.current().map(|own| own.candidate.clone()) {
            self.kept.shares.worked(&candidate, amount, earning);
        }
    }

    /// Notes that the worker has ended, and may go on later.
    pub fn paused(&mut self) {
        self.is_working = false;
    }

    /// Notes that the worker has left its project.
    pub fn left(&mut self) {
        self.is_working = false;
        self.kept.current = None;
        self.kept.stayed_ms = 0;
    }

    /// Notes that the present project has ended.
    pub fn finished(&mut self) {
        let over = self.kept.current;
        self.listed.retain(|one| Some(one.candidate.project) != over);
        self.left();
    }

    /// Notes that the worker could not work for its project: it is not tried for a while. Returns whether another one is there.
    pub fn failed(&mut self, now: Milliseconds, earning: &Earning) -> bool {
        let Some(project) = self.kept.current else { return false };
        let pause = self.avoided.get(&project).map_or(AVOIDED_MS.0, |(_, pause)| *pause);
        let until = Milliseconds(now.0.saturating_add(pause));
        self.avoided.insert(project, (until, pause.saturating_mul(2).min(AVOIDED_MS.1)));
        self.left();
        self.due(now, earning).is_some()
    }

    /// Forgets the failures of the present project: it works.
    pub fn succeeded(&mut self) {
        if let Some(project) = self.kept.current {
            self.avoided.remove(&project);
        }
    }

    /// Returns the project that was worked for last, if it is known.
    #[must_use]
    pub fn current(&self) -> Option<&Listed> {
        let current = self.only.or(self.kept.current)?;
        self.listed.iter().find(|one| one.candidate.project == current)
    }

    /// Returns the candidates, without those that are avoided at a time.
    fn candidates(&self, at: Option<Milliseconds>) -> Vec<Candidate> {
        let is_avoided = |project: &u64| {
            self.avoided.get(project).is_some_and(|(until, _)| at.is_some_and(|at| at < *until))
        };
        let candidates = self.listed.iter().map(|one| &one.candidate);
        candidates.filter(|one| !is_avoided(&one.project)).cloned().collect()
    }
}

#[cfg(test)]
mod tests;
