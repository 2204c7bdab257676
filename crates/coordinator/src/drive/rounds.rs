//! Closes rounds and aggregates their updates.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use ledger_client::LedgerError;
use ledger_views::runs::{self, RunView, SeatView};
use machine::{Effort, Priority};
use tokio::time::Instant;
use transport::message::{Role, ToWorker};
use units::{DeviceId, Digest, UnixSeconds};

use super::{Driver, ignore_refusal, is_awaited, short};
use crate::{
    Event,
    aggregate::{Aggregator, Diverged},
    chain::Link,
};

/// Number of rounds between two measured losses.
const LOSS_ROUNDS: u32 = 4;

/// How long workers may take to find this coordinator after it has started: they learn that the one before is gone when its connection
/// times out, and pause before they dial.
pub(super) const REJOINING_MAX: Duration = Duration::from_secs(40);

/// How long workers may take to fetch an outer update before its digest is on the ledger.
const KEEPING_MAX: Duration = Duration::from_secs(2);

/// The state after a round, before the ledger has it.
pub(super) struct Computed {
    round: u32,
    aggregator: Aggregator,
    state: Digest,
    update: Digest,
    joined: usize,
    keeping: Keeping,
}

/// Which workers have the outer update before its digest is on the ledger: were this coordinator lost with its disk
/// afterwards, they would have what leads to the newest state.
struct Keeping {
    asked: BTreeSet<DeviceId>,
    kept: BTreeSet<DeviceId>,
    since: Instant,
}

impl Keeping {
    /// Returns whether half of those that were asked and are still connected have it, or had enough time.
    fn is_done(&self, is_connected: impl Fn(&DeviceId) -> bool, now: Instant) -> bool {
        let here = self.asked.iter().filter(|device| is_connected(device)).count();
        here <= self.kept.len().saturating_mul(2) || now.duration_since(self.since) >= KEEPING_MAX
    }
}

impl Computed {
    /// A device says that it holds a blob; returns whether that is news.
    pub(super) fn held(&mut self, device: DeviceId, blob: Digest) -> bool {
        let is_asked = blob == self.update && self.keeping.asked.contains(&device);
        is_asked && self.keeping.kept.insert(device)
    }

    pub(super) fn is_before(&self, round: u32) -> bool {
        self.round < round
    }
}

impl Driver<'_> {
    /// Starts fetching the updates committed in the current round.
    pub(super) fn fetch_updates(&mut self, summary: &RunView) {
        let size_max = verification::update_size_max(&self.spec, summary.round);
        let Some(updates) = self.tally.updates.get(&summary.round) else { return };
        for (device, digest) in updates {
            if self.peers.contains_key(device) {
                self.fetches.ask(&self.endpoint, *device, *digest, size_max);
            }
        }
    }

    /// Closes the round once all connected devices have committed; at the latest after the deadline.
    pub(super) async fn end_round(
        &mut self,
        summary: &RunView,
        seats: &[SeatView],
        deadline: UnixSeconds,
    ) -> anyhow::Result<()> {
        let round = summary.round;
        let mut awaited = seats.iter().filter(|seat| is_awaited(seat, round));
        let all_here_committed = !awaited.any(|seat| self.is_here_or_coming(&seat.device));
        let has_quorum = summary.committed >= summary.quorum;
        let is_patience_over = self.round_clock.is_patience_over(round, has_quorum);
        if has_quorum && (all_here_committed || is_patience_over) {
            return ignore_refusal(self.ledger.close_round(self.run, round).await);
        }
        if !self.clock.is_past(&self.ledger, deadline).await? {
            return Ok(());
        }
        if has_quorum {
            ignore_refusal(self.ledger.close_round(self.run, round).await)
        } else {
            ignore_refusal(self.ledger.lapse(self.run, round).await)
        }
    }

    /// Returns whether a device is connected, or may not have found this coordinator yet since it has started.
    fn is_here_or_coming(&self, device: &DeviceId) -> bool {
        let is_coming = || !self.seen.contains(device) && self.begun.elapsed() < REJOINING_MAX;
        self.peers.contains_key(device) || is_coming()
    }

    /// Aggregates the closed round once all its updates are received or lost.
    pub(super) async fn advance(
        &mut self,
        summary: &RunView,
        seats: &[SeatView],
    ) -> anyhow::Result<()> {
        let round = summary.round;
        if self.computed.as_ref().is_none_or(|computed| computed.round != round) {
            let Some(updates) = self.collected(round, seats) else { return Ok(()) };
            self.catch_up(&summary.state)?;
            self.compute(round, updates, seats).await?;
        }
        if !self.is_kept_now() {
            return Ok(());
        }
        let Some(computed) = &self.computed else { return Ok(()) };
        match self.ledger.advance(self.run, round, (&computed.state, &computed.update)).await {
            Ok(_) => {}
            Err(LedgerError::Refused { reason, .. }) => {
                // An old round is not settled yet, or another transaction was faster: the next pass reads where the run stands.
                tracing::debug!(%reason, "the ledger refused a new state");
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        let Some(computed) = self.computed.take() else { return Ok(()) };
        self.last_step = Some((self.aggregator.digest(), computed.update));
        // As its event will say.
        self.tally.chain.add(round, Link { update: computed.update, state: computed.state });
        self.aggregator = computed.aggregator;
        let joined = u64::try_from(computed.joined)?;
        self.steps_joined += joined * u64::from(self.spec.steps(round));
        self.emit(Event::Advanced { round, updates: computed.joined, state: computed.state });
        self.forget(round).await
    }

    /// Returns the updates of a round, or `None` while some are awaited.
    fn collected(&mut self, round: u32, seats: &[SeatView]) -> Option<Vec<(DeviceId, Vec<u8>)>> {
        let committed = self.tally.updates.get(&round).cloned().unwrap_or_default();
        let is_expelled = |device: &DeviceId| {
            seats.iter().any(|seat| seat.device == *device && seat.is_expelled())
        };
        // Which may still be on their way to a coordinator that has just started.
        let is_awaited = |device: &DeviceId| {
            let mut active = seats.iter().filter(|seat| seat.is_active());
            self.begun.elapsed() < REJOINING_MAX && active.any(|seat| seat.device == *device)
        };
        let mut updates = Vec::new();
        for (device, digest) in committed.iter().filter(|(device, _)| !is_expelled(device)) {
            match self.fetches.get(digest) {
                Some(bytes) => updates.push((*device, bytes.clone())),
                None if self.fetches.is_lost(digest) => {}
                None if self.peers.contains_key(device) || is_awaited(device) => return None,
                None => {
                    self.emit(Event::Note(format!(
                        "device {} disconnected before its update of round {} was received",
                        short(device),
                        round + 1
                    )));
                    self.fetches.give_up(*digest);
                }
            }
        }
        Some(updates)
    }

    /// Aggregates updates to the next state, and keeps it on disk, and the outer update with workers, before its digest can be on the
    /// ledger.
    async fn compute(
        &mut self,
        round: u32,
        updates: Vec<(DeviceId, Vec<u8>)>,
        seats: &[SeatView],
    ) -> anyhow::Result<()> {
        let mut aggregator = self.aggregator.clone();
        let aggregating = move || -> anyhow::Result<_> {
            let step = aggregator.advance(round, &updates)?;
            Ok((aggregator, step))
        };
        let machine = self.options.machine.as_ref();
        let aggregated = machine::run(machine, Effort::of(0), aggregating).await?;
        let (aggregator, step) = match aggregated {
            Err(error) if error.is::<Diverged>() => {
                return self.end_diverged(round, &format!("{error:#}")).await;
            }
            aggregated => aggregated?,
        };
        for (device, reason) in &step.rejected {
            self.emit(Event::Note(format!(
                "update of device {} is not used: {reason}",
                short(device)
            )));
        }
        let update = self.endpoint.publish(step.update.clone()).await?;
        self.measure(round, &aggregator);
        let (state, joined) = (step.state, step.joined);
        let keeping =
            Keeping { asked: BTreeSet::new(), kept: BTreeSet::new(), since: Instant::now() };
        self.computed = Some(Computed { round, aggregator, state, update, joined, keeping });
        self.have_kept(seats);
        // While the workers fetch it.
        let kept = self.computed.as_ref().map(|computed| computed.aggregator.state());
        self.folder.keep_update(&step.update)?;
        kept.map_or(Ok(()), |state| Ok(self.folder.keep_state(&state)?))
    }

    /// Begins to measure the loss after a round, unless one is still being measured. It is for display: it takes only the time that nothing
    /// else needs, and after the last round the loss over the whole text follows.
    fn measure(&mut self, round: u32, aggregator: &Aggregator) {
        let is_last = round + 1 == self.spec.rounds;
        let is_measuring = self.measuring.as_ref().is_some_and(|task| !task.is_finished());
        if !(round + 1).is_multiple_of(LOSS_ROUNDS) || is_last || is_measuring {
            return;
        }
        let (machine, measured) = (Arc::clone(&self.options.machine), aggregator.clone());
        let events = self.options.events.clone();
        self.measuring = Some(tokio::spawn(async move {
            let effort = Effort { priority: Priority::Idle, ..Effort::of(0) };
            let measuring = move || measured.partial_loss();
            match machine::run(machine.as_ref(), effort, measuring).await {
                // It does not matter if nobody receives the event.
                Ok(Ok(loss)) => loss.into_iter().for_each(|loss| {
                    let _ = events.send(Event::Measured { round, loss });
                }),
                Ok(Err(error)) => tracing::warn!("the loss can't be measured: {error:#}"),
                Err(interrupted) => tracing::debug!(%interrupted, "the loss was not measured"),
            }
        }));
    }

    /// Asks the workers with a seat to fetch the outer update now; they need it anyway.
    fn have_kept(&mut self, seats: &[SeatView]) {
        let Some(computed) = self.computed.as_mut() else { return };
        let seated = seats.iter().filter(|seat| seat.is_active()).map(|seat| seat.device);
        let is_worker = |device: &DeviceId| {
            self.peers.get(device).is_some_and(|peer| peer.role == Some(Role::Worker))
        };
        let asked: BTreeSet<DeviceId> = seated.filter(is_worker).collect();
        let message = ToWorker::Keep { update: *computed.update.as_bytes() };
        computed.keeping.asked.clone_from(&asked);
        asked.iter().for_each(|device| self.send(device, &message));
    }

    /// Returns whether the next state may be published: workers have what leads to it.
    pub(super) fn is_kept_now(&self) -> bool {
        let is_connected = |device: &DeviceId| self.peers.contains_key(device);
        let keeping = self.computed.as_ref().map(|computed| &computed.keeping);
        keeping.is_some_and(|keeping| keeping.is_done(is_connected, Instant::now()))
    }

    /// Removes what no round and no audit can need any more.
    async fn forget(&mut self, round: u32) -> anyhow::Result<()> {
        let open = runs::open_rounds(&self.ledger, self.run).await?;
        let disputed = runs::disputes(&self.ledger, self.run).await?;
        let oldest = open.iter().map(|open| open.round);
        let oldest = oldest.chain(disputed.iter().map(|dispute| dispute.round)).min();
        let oldest = oldest.unwrap_or(round).min(round);
        self.tally.updates.retain(|updated, _| *updated >= oldest);
        let newest = round.saturating_add(1);
        self.folder.forget(&self.tally.chain.needed(oldest, newest, &self.folder.held()?))?;
        self.retain_published();
        let updates = self.tally.updates.values();
        let wanted = updates.flat_map(|updates| updates.values().copied()).collect();
        self.fetches.retain(&wanted);
        Ok(())
    }

    /// Stops serving what nobody can need any more.
    pub(super) fn retain_published(&self) {
        let mut keep = self.shards.clone();
        keep.extend(self.bases.served());
        keep.extend(self.last_step.iter().map(|(_, update)| *update));
        keep.extend(self.computed.iter().map(|computed| computed.update));
        self.endpoint.retain(&keep);
    }
}
