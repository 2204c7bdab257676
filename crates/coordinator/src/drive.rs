//! The loop that drives a run.
//!
//! It is level-triggered: every pass reads the state of the ledger and of the fetched blobs, and does whatever is
//! due. So it makes no difference whether a step is due because a message came, a deadline passed, or this process
//! was started again after a crash.
//!
//! One pass, in this order:
//!
//! 1. relay what devices have signed, beside all that follows ([`relays`]);
//! 2. read the run, then follow the ledger's events, and fetch the updates of new commitments;
//! 3. close the round when all connected devices have committed, when there is a quorum and the others had enough
//!    time, or when the deadline has passed;
//! 4. aggregate a closed round and publish the new state;
//! 5. announce a new round to workers;
//! 6. have the clerk draw audits of closed rounds, replace silent auditors and settle seats, beside all this ([`clerk`]).

mod audits;
mod bases;
mod clerk;
mod clock;
mod divergence;
mod fetches;
mod finish;
mod peers;
mod relays;
mod rounds;
pub(crate) mod trouble;

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use ledger_client::{Ledger, LedgerError};
use ledger_views::{
    Ask as _,
    runs::{self, RunPhase, RunView, SeatView},
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep_until},
};
use transport::{
    Listener,
    message::{Role, ToCoordinator, ToWorker},
};
use units::{DeviceId, Digest, Wei};
use verification::RunSpec;

use crate::{
    Event, Folder, Options, Report,
    aggregate::Aggregator,
    ledger_events::{EVENT_BLOCKS_MAX, Tally},
    opening::{self, Opened},
    relay::Relay,
};
use bases::Bases;
use clerk::Clerk;
use clock::{LedgerClock, RoundClock};
use divergence::Reports;
use fetches::Fetches;
use peers::Peer;
use relays::Relays;
use trouble::{Respite, Trouble};

/// How often the ledger is asked for a new block when nothing else happens.
const PASS_INTERVAL: Duration = Duration::from_millis(250);

/// How often all is read although there is no new block.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// Time between two passes, in which devices are heard: as long as the last pass took, within these bounds.
const HEARING_MIN: Duration = Duration::from_millis(5);
const HEARING_MAX: Duration = Duration::from_millis(20);

/// Opens a project, or resumes it, and drives it to its end. Returns `None` when it was stopped before.
///
/// # Errors
/// A [`crate::Refusal`]; an error when a state can't be written, or the ledger can't be reached for too long.
pub fn run(options: Options) -> Pin<Box<dyn Future<Output = anyhow::Result<Option<Report>>>>> {
    // In a box its code is compiled here. That of an `async fn` would be compiled again in the program that awaits it.
    Box::pin(drive(options))
}

async fn drive(mut options: Options) -> anyhow::Result<Option<Report>> {
    let mut stop = options.stop.clone();
    let opened = tokio::select! {
        biased;
        opened = opening::open(&mut options) => opened?,
        _ = stop.wait_for(|stop| *stop) => return Ok(None),
    };
    let mut driver = Driver::new(&options, opened);
    driver.publish_corpus().await?;
    let is_done = tokio::select! {
        biased;
        done = driver.drive() => done.map(|()| true),
        _ = stop.wait_for(|stop| *stop) => Ok(false),
    };
    let report = match is_done {
        Ok(true) => driver.finish_at_last().await.map(Some),
        Ok(false) => {
            driver.emit(Event::Stopped { run: driver.run, escrow: driver.escrow });
            Ok(None)
        }
        Err(error) => Err(error),
    };
    // Also after an error: workers look for the next coordinator at once, not after a timeout.
    driver.endpoint.close().await;
    report
}

struct Driver<'a> {
    options: &'a Options,
    ledger: Ledger,
    run: u64,
    folder: Folder,
    endpoint: Arc<dyn Listener>,
    spec: Arc<RunSpec>,
    aggregator: Aggregator,
    loss_initial: Option<f64>,
    peers: BTreeMap<DeviceId, Peer>,
    relay: Relay,
    relays: Relays,
    fetches: Fetches,
    tally: Tally,
    /// First block whose events were not read yet.
    next_height: u64,
    /// The base states that are served.
    bases: Bases,
    /// The corpus's manifest, encoded.
    manifest: Vec<u8>,
    /// Digests of its shards.
    shards: BTreeSet<Digest>,
    /// The state before the newest, with the digest of the outer update between them.
    last_step: Option<(Digest, Digest)>,
    /// Audits announced to their auditors, by round, subject and auditor.
    announced_audits: BTreeSet<(u32, DeviceId, DeviceId)>,
    /// Steps of all devices whose updates were aggregated by this process, for the traffic comparison in the report.
    steps_joined: u64,
    /// When this coordinator began to drive the run.
    begun: Instant,
    clock: LedgerClock,
    clerk: Clerk,
    round_clock: RoundClock,
    /// The newest block at the last whole pass, and when that was.
    passed: Option<(u64, Instant)>,
    /// Whether something has happened since that the ledger does not show.
    is_stirred: bool,
    /// Whether the owner was warned that all devices belong to one account.
    is_warned_of_accounts: bool,
    /// The referees of the ledger, once they were read.
    referees: Option<Vec<DeviceId>>,
    /// The next state, computed but not on the ledger yet: the round, and what followed.
    computed: Option<rounds::Computed>,
    /// The devices that have connected while workers may still look for this coordinator.
    seen: BTreeSet<DeviceId>,
    /// Measures a loss.
    measuring: Option<JoinHandle<()>>,
    trouble: Trouble,
    /// Reports of divergence in the current round.
    reports: Reports,
    /// Why this coordinator cancelled the run.
    diverged: Option<String>,
    /// What was in escrow when the ledger was last read.
    escrow: Wei,
    /// Number of seats that was last reported while too few were taken.
    gathered: Option<u32>,
}

impl<'a> Driver<'a> {
    fn new(options: &'a Options, opened: Opened) -> Self {
        let Opened { run, folder, endpoint, spec, aggregator, loss_initial, peers, escrow, .. } =
            opened;
        let peers = peers.into_iter().map(|(device, role)| (device, Peer::of(role)));
        let peers: BTreeMap<DeviceId, Peer> = peers.collect();
        let bases = Bases::new(verification::state_size(&spec));
        Self {
            options,
            ledger: options.ledger.clone(),
            run,
            folder,
            endpoint,
            spec,
            aggregator,
            loss_initial,
            seen: peers.keys().copied().collect(),
            peers,
            relay: Relay::default(),
            relays: Relays::default(),
            fetches: Fetches::default(),
            tally: Tally::default(),
            next_height: 0,
            bases,
            manifest: Vec::new(),
            shards: BTreeSet::new(),
            last_step: None,
            announced_audits: BTreeSet::new(),
            steps_joined: 0,
            begun: Instant::now(),
            clock: LedgerClock::default(),
            clerk: Clerk::default(),
            round_clock: RoundClock::default(),
            passed: None,
            is_stirred: true,
            is_warned_of_accounts: false,
            referees: None,
            computed: None,
            measuring: None,
            trouble: Trouble::default(),
            reports: Reports::default(),
            diverged: None,
            escrow,
            gathered: None,
        }
    }

    fn emit(&self, event: Event) {
        // It does not matter if nobody receives the event.
        let _ = self.options.events.send(event);
    }

    async fn publish_corpus(&mut self) -> anyhow::Result<()> {
        // Whoever thinks about taking part reads it first.
        self.endpoint.publish_openly(self.spec.to_bytes()).await?;
        let corpus = &self.options.project.corpus;
        self.manifest = corpus.manifest().encode();
        for index in 0..corpus.shard_count() {
            self.shards.insert(self.endpoint.publish(corpus.shard(index).to_vec()).await?);
        }
        Ok(())
    }

    /// Repeats passes until the run has ended on the ledger.
    async fn drive(&mut self) -> anyhow::Result<()> {
        // When the next pass is due, and when it may begin at the earliest.
        let (mut next, mut earliest) = (Instant::now(), Instant::now());
        loop {
            let endpoint = Arc::clone(&self.endpoint);
            // In this order devices that say much don't keep a pass waiting; they are heard between two passes.
            let is_urgent = tokio::select! {
                biased;
                () = sleep_until(next) => {
                    let begun = Instant::now();
                    let passed = self.pass().await;
                    let took = begun.elapsed();
                    let (soon, later) = match passed {
                        Ok(true) => return Ok(()),
                        Ok(false) => {
                            self.trouble.end();
                            let soon = took.clamp(HEARING_MIN, HEARING_MAX);
                            (soon, PASS_INTERVAL.saturating_sub(took).max(soon))
                        }
                        Err(error) => {
                            let Respite { pause, note } = self.trouble.endure(error)?;
                            note.into_iter().for_each(|note| self.emit(Event::Note(note)));
                            (pause, pause)
                        }
                    };
                    let now = Instant::now();
                    (earliest, next) = (now + soon, now + later);
                    false
                }
                relayed = self.relays.done() => {
                    self.hear_relayed(relayed)?;
                    true
                }
                () = self.fetches.arrived() => true,
                record = self.clerk.done() => self.hear_clerk(record?),
                rebuilt = self.bases.rebuilt() => {
                    self.serve_rebuilt(rebuilt).await;
                    true
                }
                event = endpoint.next_event() => {
                    let event = event.context("the endpoint for workers closed by itself")?;
                    let is_answer = is_answer(&event);
                    let is_news = self.hear(event);
                    if is_answer && is_news && self.is_kept_now() {
                        earliest = Instant::now();
                    }
                    is_news
                }
            };
            if is_urgent {
                self.is_stirred = true;
                next = next.min(earliest);
            }
        }
    }

    /// Finishes, however often the ledger does not answer meanwhile.
    async fn finish_at_last(&mut self) -> anyhow::Result<Report> {
        loop {
            match self.finish().await {
                Ok(report) => return Ok(report),
                Err(error) => {
                    let Respite { pause, note } = self.trouble.endure(error)?;
                    note.into_iter().for_each(|note| self.emit(Event::Note(note)));
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    /// Returns whether something may be due now.
    fn hear(&mut self, event: transport::Event) -> bool {
        match event {
            transport::Event::Connected { device } => {
                self.peers.insert(device, Peer::default());
                if self.begun.elapsed() < rounds::REJOINING_MAX {
                    self.seen.insert(device);
                }
                // Audits announced on its old connection must be announced again.
                self.announced_audits.retain(|(_, _, auditor)| *auditor != device);
                // Its first message says what it wants.
                false
            }
            transport::Event::Disconnected { device, reason } => {
                tracing::info!(%device, %reason, "worker disconnected");
                self.peers.remove(&device).is_some_and(|peer| peer.role.is_some())
            }
            transport::Event::Message { device, message } => self.hear_message(device, message),
        }
    }

    /// Does one pass; returns true when the run has ended.
    async fn pass(&mut self) -> anyhow::Result<bool> {
        self.relay_statements();
        let height = self.ledger.head().await?.height;
        let is_idle = !self.is_stirred
            && self.computed.is_none()
            && self.passed.is_some_and(|(passed, at)| passed == height && at.elapsed() < IDLE_MAX);
        if is_idle {
            return Ok(false);
        }
        let is_over = self.follow_run().await?;
        (self.passed, self.is_stirred) = (Some((height, Instant::now())), false);
        Ok(is_over)
    }

    /// Does what is due after the statements of devices; returns true when the run has ended.
    async fn follow_run(&mut self) -> anyhow::Result<bool> {
        let summary = runs::run(&self.ledger, self.run).await?;
        // The run comes first. What is read after it is at least as new: all commitments of a closed round are known.
        self.follow_events().await?;
        self.escrow = opening::in_escrow(&summary);
        if self.computed.as_ref().is_some_and(|computed| computed.is_before(summary.round)) {
            // Its transaction was thought lost, and came into a block.
            self.computed = None;
        }
        if summary.phase.is_over() {
            return Ok(true);
        }
        if summary.coordinator != self.endpoint.device() {
            return Err(opening::taken_over(&summary).into());
        }
        let seats = runs::seats(&self.ledger, self.run).await?;
        self.admit(&summary, &seats).await?;
        match summary.phase {
            RunPhase::Training { deadline } => {
                self.gathered = None;
                self.warn_of_few_accounts(&seats);
                self.fetch_updates(&summary);
                self.end_if_diverged(&summary, &seats).await?;
                self.end_round(&summary, &seats, deadline).await?;
            }
            RunPhase::Closed => {
                self.fetch_updates(&summary);
                self.advance(&summary, &seats).await?;
            }
            RunPhase::Gathering => self.report_gathered(&summary),
            RunPhase::WindingUp { .. } | RunPhase::Finished(_) => {}
        }
        self.announce_rounds(&seats).await?;
        self.clerk.start(&self.ledger, &summary, &seats);
        Ok(false)
    }

    /// Says how many workers there are when their number changes while too few are there.
    fn report_gathered(&mut self, summary: &RunView) {
        if self.gathered == Some(summary.seats_active) {
            return;
        }
        self.gathered = Some(summary.seats_active);
        let (count, needed) = (summary.seats_active, self.options.project.conditions.workers_min);
        self.emit(Event::Gathered { count, needed: needed.into() });
    }

    async fn follow_events(&mut self) -> anyhow::Result<()> {
        let head = self.ledger.head().await?.height;
        while self.next_height <= head {
            let last = head.min(self.next_height.saturating_add(EVENT_BLOCKS_MAX - 1));
            let events = runs::events(&self.ledger, self.run, self.next_height..=last).await?;
            self.next_height = last + 1;
            for logged in events {
                if let Some(event) = self.tally.take(logged.event) {
                    self.emit(event);
                }
            }
        }
        Ok(())
    }

    /// Announces the open round to workers with a seat.
    async fn announce_rounds(&mut self, seats: &[SeatView]) -> anyhow::Result<()> {
        let summary = runs::run(&self.ledger, self.run).await?;
        if !matches!(summary.phase, RunPhase::Training { .. }) {
            return Ok(());
        }
        self.serve_state(&summary).await?;
        let (previous, update) = self.last_step.unwrap_or((Digest::ZERO, Digest::ZERO));
        let message = ToWorker::Round {
            round: summary.round,
            base: *summary.state.as_bytes(),
            previous: *previous.as_bytes(),
            update: *update.as_bytes(),
        };
        let seated: BTreeSet<DeviceId> =
            seats.iter().filter(|seat| seat.is_active()).map(|seat| seat.device).collect();
        let is_uninformed = |device: &DeviceId, peer: &Peer| {
            peer.role == Some(Role::Worker)
                && peer.announced_round != Some(summary.round)
                && seated.contains(device)
        };
        let uninformed = self.peers.iter().filter(|(device, peer)| is_uninformed(device, peer));
        let devices: Vec<DeviceId> = uninformed.map(|(device, _)| *device).collect();
        for device in devices {
            self.send(&device, &message);
            if let Some(peer) = self.peers.get_mut(&device) {
                peer.announced_round = Some(summary.round);
            }
        }
        Ok(())
    }

    /// Goes to the ledger's state if this coordinator is at another one: a transaction that was thought lost came into a
    /// block, or one that was expected did not.
    fn catch_up(&mut self, state: &Digest) -> anyhow::Result<()> {
        if opening::is_at(&self.aggregator, state) {
            return Ok(());
        }
        let here = self.aggregator.digest();
        self.aggregator.resume(&self.folder, state).with_context(|| {
            format!(
                "the ledger is at state {state}, this coordinator at {here}: check that no second coordinator drives the run"
            )
        })
    }

    /// Serves the round's base state to joining devices, and later to auditors.
    async fn serve_state(&mut self, summary: &RunView) -> anyhow::Result<()> {
        if self.bases.is_recent(summary.round) {
            return Ok(());
        }
        self.catch_up(&summary.state)?;
        self.endpoint.publish(model::params_to_bytes(self.aggregator.parameters())).await?;
        self.bases.add_recent(summary.round, summary.state);
        Ok(())
    }
}

/// Returns whether an event may be what the next state waits for.
fn is_answer(event: &transport::Event) -> bool {
    let message = match event {
        transport::Event::Message { message, .. } => message,
        _ => return false,
    };
    matches!(message, ToCoordinator::Held { .. })
}

/// Returns whether a seat takes part in the round and its commitment is expected.
fn is_awaited(seat: &SeatView, round: u32) -> bool {
    seat.is_active() && seat.next_round <= round && !seat.committed
}

/// Returns whether the change was made. A refusal is no error: another transaction was faster, or it is too early. The
/// next pass reads the new state of the ledger.
fn settled<T>(result: Result<T, LedgerError>) -> anyhow::Result<bool> {
    match result {
        Ok(_) => Ok(true),
        Err(LedgerError::Refused { reason, .. }) => {
            tracing::debug!(%reason, "the ledger refused a step");
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// As [`settled`], where it does not matter who made the change.
fn ignore_refusal<T>(result: Result<T, LedgerError>) -> anyhow::Result<()> {
    settled(result).map(|_| ())
}

fn short(device: &DeviceId) -> String {
    device.to_string().chars().take(8).collect()
}
