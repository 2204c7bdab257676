//! A referee of the ledger: repeats disputed rounds and signs what it finds.
//!
//! 1. Look at the newest runs, and at a part of the older ones, for open disputes.
//! 2. Take disputes of each run in turn: connect to the run's coordinator, ask for base states and shards, repeat the rounds, as
//!    many at once as the owner's threads and memory allow (`sitting`).
//! 3. Sign a vote and give it to the node, until the ledger has it. Other referees vote for themselves.
//! 4. A device that is disputed may disclose what its seal was made over; then the replay ends at the first leaf that differs.
//! 5. What can't be had after several tries is voted unavailable: the work then counts, since data is the owner's duty.
//!
//! Whoever opens runs decides how large they are and how much they dispute, so time, memory, bytes and replays are bounded. A
//! dispute beyond these bounds is left to expire.

mod budget;
mod docket;
mod sitting;

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use abi::{REFEREES, Referees, TRAINING_RUNS};
use ledger_client::{Ledger, LedgerError};
use ledger_views::{
    Window,
    runs::{self, DisputeView},
};
use machine::Priority;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep_until},
};
use transport::{Network, message::Role};
use units::DeviceId;
use verification::Part;
use wallet::DeviceKey;

use crate::{
    Finding, Refusal, Resources,
    audits::Running,
    connect::Caller,
    participate::stopped,
    replay::{Case, Replay},
};
use budget::Budget;
use docket::{Docket, Name, Next};
use sitting::{Ending, Memory, Order, Repeated, sit};

/// Pause between two looks at the ledger.
const POLL: Duration = Duration::from_secs(1);
/// Pause after a look that failed.
const POLL_FAILED: Duration = Duration::from_secs(5);

/// Number of the newest runs that every look covers.
const NEWEST: u64 = 16;
/// Number of older runs that each look covers, in turn.
const OLDER: u64 = 16;

/// What a referee decides with.
pub struct RefereeOptions {
    /// The referee's key, which the ledger names.
    pub device: DeviceKey,
    /// The ledger, for reading, and for rulings.
    pub ledger: Ledger,
    /// The network on which coordinators are reached.
    pub network: Arc<dyn Network>,
    /// What the machine gives to replays.
    pub resources: Resources,
    /// Receives the events.
    pub events: mpsc::UnboundedSender<RefereeEvent>,
    /// Becomes true when the referee shall stop.
    pub stop: watch::Receiver<bool>,
}

/// What a referee does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefereeEvent {
    /// A disputed round is being repeated.
    Started {
        /// The run.
        run: u64,
        /// The round.
        round: u32,
        /// The disputed device.
        subject: DeviceId,
    },
    /// A vote is signed.
    Ruled {
        /// The run.
        run: u64,
        /// The round.
        round: u32,
        /// The disputed device.
        subject: DeviceId,
        /// What the referee found.
        finding: Finding,
        /// The first part of the round that differs from what the device disclosed.
        first: Option<Part>,
    },
    /// A dispute can't be decided now, or at all by this referee.
    Held {
        /// The run.
        run: u64,
        /// The round.
        round: u32,
        /// The disputed device.
        subject: DeviceId,
        /// The reason.
        reason: String,
    },
}

/// Decides disputes of all runs until it is stopped. Does nothing while the ledger does not name its key.
///
/// # Errors
/// When the machine's folder can't be used.
pub fn referee(
    options: &RefereeOptions,
) -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send + '_>> {
    // In a box its code is compiled here. That of an `async fn` would be compiled again in the program that awaits it.
    Box::pin(referee_until(options))
}

async fn referee_until(options: &RefereeOptions) -> anyhow::Result<()> {
    let calling = (Role::Referee, Priority::Usual);
    let outside = (&options.ledger, &options.network);
    let caller = Caller::new(calling, &options.device, outside, &options.resources)?;
    let (done, mut results) = mpsc::unbounded_channel();
    let mut desk = Desk::new(options, caller, done);
    loop {
        let pass = tokio::select! {
            biased;
            () = stopped(&options.stop) => return Ok(()),
            pass = desk.pass() => pass,
        };
        let pause = match pass {
            Ok(()) => POLL,
            Err(error) => {
                tracing::info!("the referee can't read the ledger: {error:#}");
                POLL_FAILED
            }
        };
        let next = Instant::now() + pause;
        loop {
            tokio::select! {
                biased;
                () = stopped(&options.stop) => return Ok(()),
                Some(repeated) = results.recv() => desk.vote(repeated).await,
                Some(ended) = desk.sittings.join_next() => desk.ended(ended.ok()),
                () = sleep_until(next) => break,
            }
        }
    }
}

struct Desk<'a> {
    options: &'a RefereeOptions,
    caller: Arc<Caller>,
    memory: Memory,
    docket: Docket,
    budget: Budget,
    /// The newest of the older runs to look at next.
    older: Option<u64>,
    /// The rounds that are being repeated.
    running: BTreeMap<Name, Running>,
    /// One for each run whose rounds are being repeated.
    sittings: JoinSet<u64>,
    sitting: BTreeSet<u64>,
    done: mpsc::UnboundedSender<Repeated>,
    /// The run that was taken last: the next ones have their turn before it.
    last: u64,
}

impl<'a> Desk<'a> {
    fn new(
        options: &'a RefereeOptions,
        caller: Caller,
        done: mpsc::UnboundedSender<Repeated>,
    ) -> Self {
        Self {
            options,
            caller: Arc::new(caller),
            memory: Memory::new(options.resources.memory_max),
            docket: Docket::default(),
            budget: Budget::default(),
            older: None,
            running: BTreeMap::new(),
            sittings: JoinSet::new(),
            sitting: BTreeSet::new(),
            done,
            last: 0,
        }
    }

    /// Looks for disputes, and begins to repeat those that are due.
    async fn pass(&mut self) -> anyhow::Result<()> {
        let disputed = self.disputed_runs().await?;
        if disputed.is_empty() || !self.is_named().await? {
            self.docket.keep(|_| false);
            self.running.clear();
            return Ok(());
        }
        // A run that this look did not cover keeps its disputes.
        let is_covered = |name: &Name| disputed.contains(&name.run);
        self.docket.keep(is_covered);
        self.running.retain(|name, _| is_covered(name));
        let mut waiting = disputed.len();
        for run in in_turn(&disputed, self.last) {
            let disputes = runs::disputes(&self.options.ledger, run).await?;
            let is_open = |name: &Name| {
                let mut open = disputes.iter();
                name.run != run
                    || open.any(|it| (it.round, it.subject) == (name.round, name.subject))
            };
            self.docket.keep(is_open);
            self.running.retain(|name, _| is_open(name));
            let free = self.caller.cores.replays_max().saturating_sub(self.running.len());
            self.take(run, &disputes, free.div_ceil(waiting.max(1))).await;
            waiting = waiting.saturating_sub(1);
        }
        Ok(())
    }

    /// Returns the runs with open disputes among the newest, some older ones, and those known to have some.
    async fn disputed_runs(&mut self) -> anyhow::Result<Vec<u64>> {
        let ledger = &self.options.ledger;
        let newest = runs::list(ledger, Window::first(NEWEST)).await?;
        let window = Window { newest: self.older.or(newest.older), items: OLDER };
        let older = match window.newest {
            Some(_) => Some(runs::list(ledger, window).await?),
            None => None,
        };
        self.older = older.as_ref().and_then(|page| page.older);
        let mut runs: Vec<u64> = self.docket.runs();
        let pages = newest.items.into_iter().chain(older.into_iter().flat_map(|page| page.items));
        runs.extend(pages.filter(|run| run.disputes > 0).map(|run| run.run));
        runs.sort_unstable();
        runs.dedup();
        Ok(runs)
    }

    /// Whether the ledger names this referee.
    async fn is_named(&self) -> Result<bool, LedgerError> {
        let members = self.options.ledger.read(REFEREES, &Referees::membersCall {}).await?;
        let own = abi::convert::device_word(self.options.device.device());
        Ok(members.contains(&own))
    }

    /// Begins to repeat at most `places` disputed rounds of a run, and gives votes that the ledger does not have to the node.
    async fn take(&mut self, run: u64, disputes: &[DisputeView], places: usize) {
        let own = self.options.device.device();
        let mut orders = Vec::new();
        for dispute in disputes {
            // Whether or not it was this process that voted.
            if dispute.votes.iter().any(|vote| vote.referee == own) {
                continue;
            }
            let case = Case::from(dispute);
            let name = Name { run, round: case.round, subject: case.subject };
            match self.docket.next(name, dispute.disclosed.is_some(), Instant::now()) {
                Next::Wait => {}
                Next::Submit(call) => self.submit(name, &call).await,
                Next::Replay if orders.len() >= places || self.sitting.contains(&run) => {}
                Next::Replay if !self.budget.has_room(run, Instant::now()) => {
                    self.docket.postpone(name, Instant::now());
                }
                Next::Replay => {
                    self.budget.begin(run, Instant::now());
                    let (running, called_off) = Running::start();
                    self.running.insert(name, running);
                    let disclosed = dispute.disclosed;
                    orders.push(Order { name, case, disclosed, called_off });
                    let (round, subject) = (case.round, case.subject);
                    self.emit(RefereeEvent::Started { run, round, subject });
                }
            }
        }
        if !orders.is_empty() {
            self.last = run;
            self.sitting.insert(run);
            let machine = (Arc::clone(&self.caller), self.memory.clone());
            self.sittings.spawn(sit(machine, run, orders, self.done.clone()));
        }
    }

    /// The rounds of a run, or of one of which nothing is known, are not being repeated any more.
    fn ended(&mut self, run: Option<u64>) {
        let is_it = |of: u64| run.is_none_or(|run| run == of);
        self.sitting.retain(|of| !is_it(*of));
        self.running.retain(|name, _| !is_it(name.run));
    }

    /// Signs what a replay has led to.
    async fn vote(&mut self, repeated: Repeated) {
        let Repeated { name, case, bytes, ending } = repeated;
        self.running.remove(&name);
        let now = Instant::now();
        self.budget.fetched(bytes, now);
        let Name { run, round, subject } = name;
        let (replay, first) = match ending {
            Ending::Found(replay, first) => (replay, first),
            Ending::Unreachable(reason) => {
                let running = &self.running;
                let is_waiting = |other: &Name| *other != name && !running.contains_key(other);
                self.docket.unreachable(run, is_waiting, now);
                (Replay::Unavailable { reason }, None)
            }
            Ending::GivenUp(reason) => return self.give_up(name, reason),
            Ending::CalledOff => return,
        };
        if let Replay::Unavailable { reason } = &replay
            && !self.docket.is_last_try(name, now)
        {
            let reason = reason.clone();
            return self.emit(RefereeEvent::Held { run, round, subject, reason });
        }
        let finding = replay.judge(&case);
        let chain_id = self.options.ledger.chain_id();
        let call = docket::ruling(&self.options.device, (chain_id, run), &case, &replay);
        self.docket.rule(name, call.clone(), Instant::now());
        self.emit(RefereeEvent::Ruled { run, round, subject, finding, first });
        self.submit(name, &call).await;
    }

    async fn submit(&mut self, name: Name, call: &[u8]) {
        let sent = self.options.ledger.submit_statement(TRAINING_RUNS, call).await;
        self.docket.submitted(name, Instant::now());
        if let Err(error) = sent {
            let Name { run, round, subject } = name;
            let reason = format!("the ruling was not taken: {error:#}");
            self.emit(RefereeEvent::Held { run, round, subject, reason });
        }
    }

    fn give_up(&mut self, name: Name, reason: String) {
        let Name { run, round, subject } = name;
        self.docket.give_up(name);
        self.emit(RefereeEvent::Held { run, round, subject, reason });
    }

    fn emit(&self, event: RefereeEvent) {
        // It does not matter if nobody receives it.
        let _ = self.options.events.send(event);
    }
}

/// Returns ascending runs, those after the last one first: each has its turn, however many disputes others have.
fn in_turn(runs: &[u64], last: u64) -> Vec<u64> {
    let (before, after): (Vec<u64>, Vec<u64>) = runs.iter().partition(|run| **run <= last);
    after.into_iter().chain(before).collect()
}

/// Whether an error says something about this machine, and nothing about the run: then this referee signs nothing.
fn is_own_fault(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref::<Refusal>(),
        Some(Refusal::TooLarge { .. } | Refusal::TooMuchDisk { .. } | Refusal::Disk { .. })
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_has_its_turn() {
        assert_eq!(in_turn(&[2, 5, 9], 0), [2, 5, 9]);
        assert_eq!(in_turn(&[2, 5, 9], 2), [5, 9, 2]);
        assert_eq!(in_turn(&[2, 5, 9], 7), [9, 2, 5]);
        assert_eq!(in_turn(&[2, 5, 9], 9), [2, 5, 9]);
        assert_eq!(in_turn(&[], 9), [0; 0]);
    }
}
