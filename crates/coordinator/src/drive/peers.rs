//! Who is connected: roles, admission, and what is sent to each.

use std::collections::BTreeSet;

use ledger_views::{
    referees::referees,
    runs::{self, RunView, SeatView},
};
use transport::message::{PROTOCOL, REASON_BYTES_MAX, Role, ToCoordinator, ToWorker};
use units::{DeviceId, Digest};

use super::{Driver, short};
use crate::{Event, relay::Statement};

/// Number of connected devices that neither have a seat nor an office, and get blobs to repeat a round.
const OBSERVERS_MAX: usize = 4;

/// Number of states that are loaded for those who ask, in a round of the run: what audits and disputes need is served without asking.
const LOADED_MAX: usize = 4;

/// Number of rounds that one device may ask to be served at a time.
const WANTED_MAX: usize = 16;

/// A connected device.
#[derive(Debug, Default)]
pub(super) struct Peer {
    /// Why it connects; `None` before its first message.
    pub(super) role: Option<Role>,
    /// The last round announced to it.
    pub(super) announced_round: Option<u32>,
    /// Rounds whose base state it asked for.
    wanted: BTreeSet<u32>,
}

impl Driver<'_> {
    pub(super) fn hear_message(&mut self, device: DeviceId, message: ToCoordinator) {
        match message {
            ToCoordinator::Hello { protocol, run, role } => self.greet(device, protocol, run, role),
            ToCoordinator::Statement(call) => {
                if let Err(reason) = self.relay.add(Statement { device, call }, self.run) {
                    self.refuse(&device, &reason);
                }
            }
            ToCoordinator::Wanted { round } => {
                if let Some(peer) = self.peers.get_mut(&device)
                    && peer.wanted.len() < WANTED_MAX
                {
                    peer.wanted.insert(round);
                }
            }
            ToCoordinator::Diverged { round } => self.reports.add(device, round),
            ToCoordinator::Progress { round, step, steps, loss_milli, tokens_per_second } => {
                #[expect(clippy::cast_precision_loss, reason = "a loss for display")]
                let loss = loss_milli as f32 / 1000.0;
                self.emit(Event::Step { device, round, step, steps, loss, tokens_per_second });
            }
        }
    }

    /// Answers a device's first message. Specification and manifest are for everyone: a device checks them before it enrols.
    fn greet(&mut self, device: DeviceId, protocol: u32, run: u64, role: Role) {
        if protocol != PROTOCOL || run != self.run {
            let reason =
                format!("the coordinator drives run {} with protocol version {PROTOCOL}", self.run);
            return self.refuse(&device, &reason);
        }
        let manifest = self.options.project.corpus.manifest().encode();
        self.send(&device, &ToWorker::Welcome { spec: self.spec.to_bytes(), manifest });
        if let Some(peer) = self.peers.get_mut(&device) {
            peer.role = Some(role);
            peer.announced_round = None;
        }
    }

    /// Keeps room for those who need blobs, and serves blobs to them: devices that have or had a seat (those that left may
    /// have an audit to finish), the owner's auditing device, the referees, and a few who want to repeat a round.
    pub(super) async fn admit(
        &mut self,
        summary: &RunView,
        seats: &[SeatView],
    ) -> anyhow::Result<()> {
        if self.referees.is_none() {
            self.referees = Some(referees(&self.ledger).await?.members);
        }
        let seated = seats.iter().filter(|seat| !seat.is_expelled()).map(|seat| seat.device);
        let mut known: BTreeSet<DeviceId> = seated.collect();
        known.insert(summary.auditor);
        known.extend(self.referees.iter().flatten());
        let observers = self
            .peers
            .iter()
            .filter(|(device, peer)| peer.role == Some(Role::Observer) && !known.contains(device));
        let observers: Vec<DeviceId> =
            observers.map(|(device, _)| *device).take(OBSERVERS_MAX).collect();
        known.extend(observers);
        for device in &known {
            self.endpoint.admit(device);
        }
        self.endpoint.retain_admitted(&known);
        self.serve_wanted(&known).await
    }

    /// Serves the base states that admitted devices asked for.
    async fn serve_wanted(&mut self, known: &BTreeSet<DeviceId>) -> anyhow::Result<()> {
        let mut asked = Vec::new();
        for (device, peer) in self.peers.iter_mut().filter(|(device, _)| known.contains(device)) {
            asked
                .extend(std::mem::take(&mut peer.wanted).into_iter().map(|round| (*device, round)));
        }
        for (device, round) in asked {
            let base = runs::base_of(&self.ledger, self.run, round).await?;
            let is_served = base.is_some_and(|base| self.is_served(&base));
            let served = match base.filter(|_| is_served || self.loaded < LOADED_MAX) {
                Some(base) if self.serve_base(round, &base).await.is_ok() => {
                    self.loaded += usize::from(!is_served);
                    base
                }
                Some(_) | None => Digest::ZERO,
            };
            self.send(&device, &ToWorker::Served { round, base: *served.as_bytes() });
        }
        Ok(())
    }

    /// Serves the base state of a round, from the folder unless it is served already.
    pub(super) async fn serve_base(&mut self, round: u32, base: &Digest) -> anyhow::Result<()> {
        if !self.is_served(base) {
            self.endpoint.publish(self.folder.state(base)?.parameters).await?;
            self.served.insert(round, *base);
        }
        Ok(())
    }

    fn is_served(&self, base: &Digest) -> bool {
        self.served.values().any(|state| state == base)
    }

    pub(super) fn refuse(&self, device: &DeviceId, reason: &str) {
        let reason: String = reason.chars().take(REASON_BYTES_MAX / 4).collect();
        self.emit(Event::Note(format!("device {} refused: {reason}", short(device))));
        self.send(device, &ToWorker::Refused { reason });
    }

    pub(super) fn send(&self, device: &DeviceId, message: &ToWorker) {
        if let Err(error) = self.endpoint.send(device, message) {
            // The device gets the announcement again when it reconnects.
            tracing::debug!(%device, %error, "message not sent");
        }
    }
}
