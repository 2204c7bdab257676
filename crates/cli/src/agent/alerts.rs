//! Tells the owner what has changed: on the desktop, by a program of theirs, by a request to an address of theirs.
//!
//! A thread of its own does it, one alert after the other, each within a bounded time. So nothing that hangs outside holds up the loop.

mod delivery;

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{self, SyncSender};

use ::agent::earn::{Alert, Standing, Terms, alerts};
use ::agent::limits::Alerts as Wanted;
use sensors::Milliseconds;
use serde::{Deserialize, Serialize};

use crate::output::Output;

/// Alerts of an hour about money, and as many about rules and standing: what comes on top is kept from the owner, and counted.
const TOLD_MAX: usize = 6;

/// That hour, in milliseconds.
const HOUR_MS: u64 = 3_600_000;

/// Alerts that wait for the thread.
const WAITING_MAX: usize = 16;

/// Projects whose terms are remembered.
const PROJECTS_MAX: usize = 64;

/// An alert, and who wants it.
struct Order {
    alert: Alert,
    text: String,
    wanted: Wanted,
}

/// What changes are compared with. It outlives the agent, so that what changes meanwhile is told, and nothing twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Remembered {
    /// The terms that were told last, by project.
    before: BTreeMap<String, Terms>,
    /// Price and rules are those of the ledger, whatever project was looked at.
    last: Option<Terms>,
    /// Where this device stands otherwise than well, by `project-N` or `account`.
    standings: BTreeMap<String, Standing>,
}

/// What the owner was told, and what it was compared with.
pub(super) struct Alerts {
    orders: SyncSender<Order>,
    output: Output,
    remembered: Remembered,
    /// When alerts about money were told, and those about rules and standing.
    told: [VecDeque<Milliseconds>; 2],
    kept_back: u32,
}

impl Alerts {
    /// Begins the thread.
    pub(super) fn begin(remembered: Remembered, output: &Output) -> Self {
        let (orders, received) = mpsc::sync_channel(WAITING_MAX);
        let own = *output;
        std::thread::spawn(move || delivery::serve(&received, own));
        Self::over(orders, remembered, output)
    }

    fn over(orders: SyncSender<Order>, remembered: Remembered, output: &Output) -> Self {
        Self { orders, output: *output, remembered, told: Default::default(), kept_back: 0 }
    }

    /// Returns what outlives the agent.
    pub(super) fn remembered(&self) -> &Remembered {
        &self.remembered
    }

    /// Compares the terms with those that were told last of the same project, and tells what has changed enough. Small changes add up until they are told.
    pub(super) fn look(&mut self, now: Milliseconds, terms: &Terms, wanted: &Wanted) {
        let Remembered { before, last, .. } = &mut self.remembered;
        if PROJECTS_MAX <= before.len() && !before.contains_key(&terms.project) {
            before.pop_first();
        }
        let before = before.entry(terms.project.clone()).or_insert_with(|| terms.clone());
        let last = last.get_or_insert_with(|| terms.clone());
        let (grain_price, revision) = (last.grain_price.or(terms.grain_price), last.revision);
        let compared = Terms { grain_price, revision, ..before.clone() };
        let found = alerts(&compared, terms, wanted.reward_percent);
        last.revision = terms.revision;
        last.grain_price = grain_price;
        for alert in &found {
            match alert {
                Alert::Reward { .. } => before.per_hour = terms.per_hour,
                Alert::Price { .. } => last.grain_price = terms.grain_price,
                Alert::Rules { .. } | Alert::Standing { .. } => {}
            }
        }
        for alert in found {
            self.tell(now, alert, wanted);
        }
    }

    /// Tells how this device stands in a project, or with the account, if that is otherwise than before. Who is expelled stays so.
    pub(super) fn stand(
        &mut self,
        now: Milliseconds,
        (key, project): (&str, &str),
        standing: Standing,
        wanted: &Wanted,
    ) {
        let standings = &mut self.remembered.standings;
        let before = standings.get(key).copied().unwrap_or(Standing::Good);
        if before == standing || before == Standing::Expelled {
            return;
        }
        if standing == Standing::Good {
            standings.remove(key);
        } else {
            if PROJECTS_MAX <= standings.len() && !standings.contains_key(key) {
                standings.pop_first();
            }
            standings.insert(key.to_owned(), standing);
        }
        self.tell(now, Alert::Standing { project: project.to_owned(), standing }, wanted);
    }

    /// Gives an alert to the thread, unless there were too many.
    fn tell(&mut self, now: Milliseconds, alert: Alert, wanted: &Wanted) {
        let is_money = matches!(alert, Alert::Reward { .. } | Alert::Price { .. });
        let told = &mut self.told[usize::from(!is_money)];
        while told.front().is_some_and(|at| HOUR_MS <= now.since(*at)) {
            told.pop_front();
        }
        let mut text = alert.text();
        self.output.say(&format!("alert: {text}"));
        if TOLD_MAX <= told.len() {
            self.kept_back = self.kept_back.saturating_add(1);
            return;
        }
        if 0 < self.kept_back {
            text += &format!(" ({} alerts before it were not told)", self.kept_back);
        }
        // A thread that hangs behind is no reason to wait.
        if self.orders.try_send(Order { alert, text, wanted: wanted.clone() }).is_ok() {
            told.push_back(now);
            self.kept_back = 0;
        } else {
            self.kept_back = self.kept_back.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests;
