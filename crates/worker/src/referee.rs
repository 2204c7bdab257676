//! A referee of the ledger: repeats disputed rounds and signs what it finds.
//!
//! 1. Look at the newest runs, and at a part of the older ones, for open disputes.
//! 2. Take one dispute of each run in turn: connect to the run's coordinator, ask for base state and shards, repeat the round.
//! 3. Sign a vote and give it to the node, until the ledger has it. Other referees vote for themselves.
//! 4. A device that is disputed may disclose what its seal was made over; then the replay ends at the first leaf that differs.
//! 5. What can't be had after several tries is voted unavailable: the work then counts, since data is the owner's duty.
//!
//! Whoever opens runs decides how large they are and how much they dispute, so time, memory, bytes and replays are bounded. A
//! dispute beyond these bounds is left to expire.

mod budget;
mod docket;

use std::{pin::Pin, sync::Arc, time::Duration};

use abi::{REFEREES, Referees, TRAINING_RUNS};
use ledger_client::{Ledger, LedgerError};
use ledger_views::{
    Window,
    runs::{self, DisputeView},
};
use machine::Priority;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep, timeout},
};
use transport::{Network, message::Role};
use units::DeviceId;
use verification::Part;
use wallet::DeviceKey;

use crate::{
    Finding, Refusal, Resources,
    connect::Caller,
    inputs::Inputs,
    observer::{disclosed_leaves, replay_alone},
    participate::stopped,
    replay::{Case, Replay},
};
use budget::Budget;
use docket::{Docket, Name, Next};

/// Pause between two looks at the ledger.
const POLL: Duration = Duration::from_secs(1);
/// Pause after a look that failed.
const POLL_FAILED: Duration = Duration::from_secs(5);

/// Number of the newest runs that every look covers.
const NEWEST: u64 = 16;
/// Number of older runs that each look covers, in turn.
const OLDER: u64 = 16;

/// How long a replay may take, its data included. A device has a round's time for it, which is minutes.
const REPLAY_MAX: Duration = Duration::from_secs(900);

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
    let budget = Budget::default();
    let mut desk = Desk { options, caller, docket: Docket::default(), budget, older: None };
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
        tokio::select! {
            biased;
            () = stopped(&options.stop) => return Ok(()),
            () = sleep(pause) => {}
        }
    }
}

struct Desk<'a> {
    options: &'a RefereeOptions,
    caller: Caller,
    docket: Docket,
    budget: Budget,
    /// The newest of the older runs to look at next.
    older: Option<u64>,
}

impl Desk<'_> {
    /// Looks for disputes, and takes one of each run that is due.
    async fn pass(&mut self) -> anyhow::Result<()> {
        let disputed = self.disputed_runs().await?;
        if disputed.is_empty() || !self.is_named().await? {
            self.docket.keep(|_| false);
            return Ok(());
        }
        // A run that this look did not cover keeps its disputes.
        self.docket.keep(|name| disputed.contains(&name.run));
        for run in disputed {
            let disputes = runs::disputes(&self.options.ledger, run).await?;
            let is_open = |name: &Name| {
                let mut open = disputes.iter();
                name.run != run
                    || open.any(|it| (it.round, it.subject) == (name.round, name.subject))
            };
            self.docket.keep(is_open);
            self.take_one(run, &disputes).await;
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

    /// Decides one dispute of a run, if one is due, and gives rulings that the ledger does not have to the node.
    async fn take_one(&mut self, run: u64, disputes: &[DisputeView]) {
        let own = self.options.device.device();
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
                Next::Replay => return self.decide(name, &case, dispute.disclosed).await,
            }
        }
    }

    async fn decide(&mut self, name: Name, case: &Case, disclosed: Option<u64>) {
        let Name { run, round, subject } = name;
        if !self.budget.has_room(run, Instant::now()) {
            return self.docket.postpone(name, Instant::now());
        }
        self.emit(RefereeEvent::Started { run, round, subject });
        let replaying = timeout(REPLAY_MAX, self.replay(run, case, disclosed)).await;
        let (replay, first) = match replaying {
            Ok(Ok(replay)) => replay,
            Ok(Err(error)) if is_own_fault(&error) => {
                return self.give_up(name, format!("{error:#}"));
            }
            Ok(Err(error)) => (Replay::Unavailable { reason: format!("{error:#}") }, None),
            Err(_) => {
                let reason = format!("the replay took longer than {} s", REPLAY_MAX.as_secs());
                return self.give_up(name, reason);
            }
        };
        if let Replay::Unavailable { reason } = &replay
            && !self.docket.is_last_try(name, Instant::now())
        {
            let reason = reason.clone();
            return self.emit(RefereeEvent::Held { run, round, subject, reason });
        }
        let finding = replay.judge(case);
        let chain_id = self.options.ledger.chain_id();
        let call = docket::ruling(&self.options.device, (chain_id, run), case, &replay);
        self.docket.rule(name, call.clone(), Instant::now());
        self.emit(RefereeEvent::Ruled { run, round, subject, finding, first });
        self.submit(name, &call).await;
    }

    /// Repeats a round; returns the first part that differs, too, if it was compared with disclosed leaves.
    async fn replay(
        &mut self,
        run: u64,
        case: &Case,
        disclosed: Option<u64>,
    ) -> anyhow::Result<(Replay, Option<Part>)> {
        let ledger = &self.options.ledger;
        let leaves = disclosed_leaves(ledger, run, case, disclosed).await.unwrap_or_else(|error| {
            tracing::info!("a round is repeated without its disclosed leaves: {error:#}");
            None
        });
        let inputs: Arc<Inputs> = Arc::new(self.caller.connect(run).await?);
        let bytes = verification::state_size(&inputs.spec);
        self.budget.count(run, bytes, Instant::now());
        let replay = replay_alone(&inputs, case, leaves).await?;
        let first = match replay {
            Replay::Differs { leaf } => inputs.spec.part(case.round, leaf),
            _ => None,
        };
        if let Some(inputs) = Arc::into_inner(inputs) {
            inputs.endpoint.close().await;
        }
        Ok((replay, first))
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

/// Whether an error says something about this machine, and nothing about the run: then this referee signs nothing.
fn is_own_fault(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref::<Refusal>(),
        Some(Refusal::TooLarge { .. } | Refusal::TooMuchDisk { .. } | Refusal::Disk { .. })
    )
}
