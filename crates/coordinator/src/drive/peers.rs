//! Who is connected: roles, admission, and what is sent to each.

use std::collections::BTreeSet;

use ledger_views::{
    referees::referees,
    runs::{RunView, SeatView},
};
use transport::message::{PROTOCOL, REASON_BYTES_MAX, Role, ToCoordinator, ToWorker};
use units::{DeviceId, Digest};

use super::{Driver, short};
use crate::{Event, relay::Statement};

/// Number of connected devices that neither have a seat nor an office, and get blobs to repeat a round.
const OBSERVERS_MAX: usize = 4;

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
    pub(super) wanted: BTreeSet<u32>,
}

impl Peer {
    /// Returns a device whose first message was read already.
    pub(super) fn of(role: Role) -> Self {
        Self { role: Some(role), ..Self::default() }
    }
}

impl Driver<'_> {
    /// Returns whether something may be due now: what changes nothing must not cost a pass.
    pub(super) fn hear_message(&mut self, device: DeviceId, message: ToCoordinator) -> bool {
        match message {
            ToCoordinator::Hello { protocol, run, role } => {
                self.greet(device, protocol, run, role);
                true
            }
            ToCoordinator::Statement(call) => {
                self.relay.add(Statement { device, call }, self.run).unwrap_or_else(|reason| {
                    self.refuse(&device, &reason);
                    false
                })
            }
            ToCoordinator::Wanted { round } => match self.peers.get_mut(&device) {
                Some(peer) if peer.wanted.len() < WANTED_MAX => peer.wanted.insert(round),
                _ => false,
            },
            // Of another round than it was told to do, a device knows nothing: its word must not push out the reports of this one.
            ToCoordinator::Diverged { round } => {
                let peer = self.peers.get(&device);
                let is_its_round = peer.is_some_and(|peer| peer.announced_round == Some(round));
                is_its_round && self.reports.add(device, round)
            }
            ToCoordinator::Held { blob, is_held } => {
                let computed = self.computed.as_mut().filter(|_| is_held);
                computed.is_some_and(|computed| computed.held(device, Digest::from_bytes(blob)))
            }
            ToCoordinator::Progress { round, step, steps, loss_milli, tokens_per_second } => {
                #[expect(clippy::cast_precision_loss, reason = "a loss for display")]
                let loss = loss_milli as f32 / 1000.0;
                self.emit(Event::Step { device, round, step, steps, loss, tokens_per_second });
                false
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
        let manifest = self.manifest.clone();
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
        self.serve_wanted(&known);
        Ok(())
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
