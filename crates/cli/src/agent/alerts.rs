//! Tells the owner what has changed: on the desktop, by a program of theirs, by a request to an address of theirs.
//!
//! A thread of its own does it, one alert after the other, each within a bounded time. So nothing that hangs outside holds up the loop.

mod delivery;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::Duration;

use ::agent::earn::{Alert, Closing, Schedule, Standing, Terms, ToldSchedule, Watched, alerts};
use ::agent::limits::Alerts as Wanted;
use execution::MODULES;
use sensors::Milliseconds;
use serde::{Deserialize, Serialize};
use units::Wei;

use super::whose::Whose;
use crate::output::Output;

/// Alerts of an hour about money, and as many about rules and standing: what comes on top is kept from the owner, and counted.
const TOLD_MAX: usize = 6;

/// That hour, in milliseconds.
const HOUR_MS: u64 = 3_600_000;

/// Alerts that are not told yet.
const WAITING_MAX: usize = 16;

/// Projects whose terms are remembered.
const PROJECTS_MAX: usize = 64;

/// How long the end of the agent may wait for alerts. Those that are not told by then are told when it runs again.
pub(super) const END: Duration = Duration::from_secs(3);

/// How long a thread that is to end may take.
const GRACE: Duration = Duration::from_millis(200);

/// An alert, and who wants it.
struct Order {
    alert: Alert,
    text: String,
    wanted: Wanted,
}

/// How this device's seat in a project is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seat {
    /// It takes part.
    Active,
    /// It was left, or lost.
    GivenUp,
}

/// An alert that is not told yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Waiting {
    alert: Alert,
    text: String,
}

/// What changes are compared with, and what is still to be told. It outlives the agent, so that what changes meanwhile is told, and nothing twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Remembered {
    /// The terms that were told last, by project.
    before: BTreeMap<String, Terms>,
    /// Price and rules are those of the ledger, whatever project was looked at.
    last: Option<Terms>,
    /// Where this device stands otherwise than well, by `project-N` or `account`.
    standings: BTreeMap<String, Standing>,
    /// Of whom all of this is.
    whose: Whose,
    /// What was told of the revisions that have not begun.
    scheduled: ToldSchedule,
    /// The projects whose early end is to be told.
    watched: Watched,
    /// What the thread has not told yet, in its order.
    waiting: VecDeque<Waiting>,
}

/// What the owner was told, and what it was compared with.
pub(super) struct Alerts {
    /// To the thread; none when the agent ends.
    orders: Option<SyncSender<Order>>,
    /// What did not work, of each order.
    outcomes: Receiver<Vec<String>>,
    is_ending: Arc<AtomicBool>,
    output: Output,
    remembered: Remembered,
    /// What the ledger has said last of the revisions that have not begun.
    schedule: Schedule,
    /// When alerts about money were told, and those about rules and standing.
    told: [VecDeque<Milliseconds>; 2],
    kept_back: u32,
    /// What did not work of the last one.
    notice: Option<String>,
}

impl Alerts {
    /// Begins the thread, with what the last agent has not told.
    pub(super) fn begin(remembered: Remembered, wanted: &Wanted, output: &Output) -> Self {
        let (orders, received) = mpsc::sync_channel(WAITING_MAX);
        let (outcome, outcomes) = mpsc::channel();
        let alerts = Self::over((orders, outcomes), remembered, wanted, output);
        let (own, is_ending) = (*output, Arc::clone(&alerts.is_ending));
        std::thread::spawn(move || delivery::serve((&received, &outcome), &is_ending, own));
        alerts
    }

    fn over(
        (orders, outcomes): (SyncSender<Order>, Receiver<Vec<String>>),
        remembered: Remembered,
        wanted: &Wanted,
        output: &Output,
    ) -> Self {
        let mut alerts = Self {
            orders: Some(orders),
            outcomes,
            is_ending: Arc::default(),
            output: *output,
            remembered,
            schedule: Schedule::default(),
            told: Default::default(),
            kept_back: 0,
            notice: None,
        };
        for Waiting { alert, text } in std::mem::take(&mut alerts.remembered.waiting) {
            // It was taken before, so there is room for it.
            alerts.order(alert, text, wanted);
        }
        alerts
    }

    /// Takes what the thread says of the alerts that it has told.
    pub(super) fn listen(&mut self) {
        while let Ok(problems) = self.outcomes.try_recv() {
            self.take(&problems);
        }
    }

    fn take(&mut self, problems: &[String]) {
        self.remembered.waiting.pop_front();
        let problems = problems.join("; ");
        let text = || format!("the last alert was not told in every way: {problems}");
        self.notice = (!problems.is_empty()).then(text);
    }

    /// Returns what the owner has to know: that the last alert did not reach them in every way.
    pub(super) fn notice(&self) -> Option<&String> {
        self.notice.as_ref()
    }

    /// Ends the thread when it has told everything, or after a while. What it has not told is remembered.
    pub(super) fn end(&mut self, most: Duration) {
        self.orders = None;
        let until = sensors::now().0.saturating_add(u64::try_from(most.as_millis()).unwrap_or(0));
        let left = || Duration::from_millis(Milliseconds(until).since(sensors::now()));
        while let Ok(problems) = self.outcomes.recv_timeout(left()) {
            self.take(&problems);
        }
        // A program is killed, a request ends with this process.
        self.is_ending.store(true, Ordering::Relaxed);
        while let Ok(problems) = self.outcomes.recv_timeout(GRACE) {
            self.take(&problems);
        }
    }

    /// Returns what outlives the agent.
    pub(super) fn remembered(&self) -> &Remembered {
        &self.remembered
    }

    /// Takes of whom the next answers are. What was told of another account or ledger is nothing to compare them with.
    pub(super) fn hear(&mut self, account: &str, ledger: &str) {
        if self.remembered.whose.take(account, ledger) {
            let Remembered { whose, waiting, .. } = std::mem::take(&mut self.remembered);
            self.remembered = Remembered { whose, waiting, ..Remembered::default() };
            self.schedule = Schedule::default();
        }
    }

    /// Compares the ledger's revision and price of GRAIN, and what a project pays if one is looked at, with what was told last, and tells what has changed
    /// enough. Small changes add up until they are told.
    pub(super) fn look(
        &mut self,
        now: Milliseconds,
        (revision, grain_price): (u32, Option<u64>),
        project: Option<(String, Wei)>,
        wanted: &Wanted,
    ) {
        let Remembered { before, last, .. } = &mut self.remembered;
        let is_project = project.is_some();
        let (project, per_hour) = project.unwrap_or_default();
        let terms = Terms { project, per_hour, grain_price, revision };
        if is_project && PROJECTS_MAX <= before.len() && !before.contains_key(&terms.project) {
            before.pop_first();
        }
        let first = || terms.clone();
        let mut before =
            is_project.then(|| before.entry(terms.project.clone()).or_insert_with(first));
        let last = last.get_or_insert_with(first);
        last.grain_price = last.grain_price.or(terms.grain_price);
        let compared = Terms {
            grain_price: last.grain_price,
            revision: last.revision,
            ..before.as_deref().unwrap_or(&terms).clone()
        };
        let found = alerts(&compared, &terms, wanted.reward_percent);
        last.revision = terms.revision;
        for alert in &found {
            match (alert, &mut before) {
                (Alert::Reward { .. }, Some(before)) => before.per_hour = terms.per_hour,
                (Alert::Price { .. }, _) => last.grain_price = terms.grain_price,
                _ => {}
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

    /// Tells what has changed of the revisions of the ledger's rules that have not begun.
    pub(super) fn schedule(&mut self, now: Milliseconds, schedule: Schedule, wanted: &Wanted) {
        for alert in self.remembered.scheduled.take(&schedule, MODULES.newest()) {
            self.tell(now, alert, wanted);
        }
        self.schedule = schedule;
    }

    /// Returns what the owner has to know as long as it is so: that a revision is ahead that this program does not know.
    pub(super) fn unknown_rules(&self) -> impl Iterator<Item = String> {
        self.schedule.ahead.iter().filter_map(|one| one.warning(MODULES.newest()))
    }

    /// Notes that this device works for a project, or does not any longer.
    pub(super) fn seat(&mut self, project: u64, seat: Seat) {
        let watched = &mut self.remembered.watched;
        match seat {
            Seat::Active => watched.watch(project),
            Seat::GivenUp => watched.forget(project),
        }
    }

    /// Returns the projects that this device works for.
    pub(super) fn watched(&self) -> impl Iterator<Item = u64> {
        self.remembered.watched.projects()
    }

    /// Tells that a project that this device works for has ended early.
    pub(super) fn close(&mut self, now: Milliseconds, closing: &Closing, wanted: &Wanted) {
        if let Some(alert) = self.remembered.watched.end(closing) {
            self.tell(now, alert, wanted);
        }
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
        if self.order(alert, text, wanted) {
            self.told[usize::from(!is_money)].push_back(now);
            self.kept_back = 0;
        } else {
            self.kept_back = self.kept_back.saturating_add(1);
        }
    }

    /// Gives an alert to the thread; returns whether it takes it. One that hangs behind is no reason to wait.
    fn order(&mut self, alert: Alert, text: String, wanted: &Wanted) -> bool {
        if WAITING_MAX <= self.remembered.waiting.len() {
            return false;
        }
        let waiting = Waiting { alert: alert.clone(), text: text.clone() };
        let order = Order { alert, text, wanted: wanted.clone() };
        let is_taken = self.orders.as_ref().is_some_and(|orders| orders.try_send(order).is_ok());
        if is_taken {
            self.remembered.waiting.push_back(waiting);
        }
        is_taken
    }
}

#[cfg(test)]
mod tests;
