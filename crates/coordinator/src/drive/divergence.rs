//! Ends a run whose training diverged: no device can finish the round, so waiting would not help.

use std::{collections::BTreeMap, ops::ControlFlow, sync::Arc};

use corpus::Draw;
use ledger_views::runs::{RunView, SeatView};
use machine::Effort;
use model::Activations;
use units::DeviceId;
use verification::{Job, JobError};

use super::{Driver, is_awaited, settled, short};
use crate::Event;

/// What devices say of the current round.
#[derive(Debug, Default)]
pub(super) struct Reports {
    round: u32,
    /// Devices that report a divergence; false once a replay did not show one.
    devices: BTreeMap<DeviceId, bool>,
}

impl Reports {
    /// Adds a device's report; returns whether it is its first. Its word decides nothing: one report is replayed before the run ends.
    pub(super) fn add(&mut self, device: DeviceId, round: u32) -> bool {
        if self.round != round {
            *self = Self { round, devices: BTreeMap::new() };
        }
        let is_first = !self.devices.contains_key(&device);
        self.devices.entry(device).or_insert(true);
        is_first
    }

    fn is_credible(&self, device: &DeviceId, round: u32) -> bool {
        self.round == round && self.devices.get(device) == Some(&true)
    }
}

impl Driver<'_> {
    /// Returns whether a connected device may still commit to the round: one without a credible report of divergence.
    fn is_someone_computing(&self, summary: &RunView, seats: &[SeatView]) -> bool {
        let awaited = seats.iter().filter(|seat| is_awaited(seat, summary.round));
        let mut connected = awaited.filter(|seat| self.peers.contains_key(&seat.device));
        connected.any(|seat| !self.reports.is_credible(&seat.device, summary.round))
    }

    /// Ends the run when every device that could still commit reports a divergence and a replay confirms it.
    pub(super) async fn end_if_diverged(
        &mut self,
        summary: &RunView,
        seats: &[SeatView],
    ) -> anyhow::Result<()> {
        let round = summary.round;
        let mut reporting = seats.iter().map(|seat| seat.device);
        let Some(device) = reporting.find(|device| self.reports.is_credible(device, round)) else {
            return Ok(());
        };
        let committed = seats.iter().filter(|seat| seat.committed).count();
        if self.is_someone_computing(summary, seats) || summary.quorum <= u32::try_from(committed)?
        {
            return Ok(());
        }
        match self.replayed(round, device).await? {
            Some(reason) => self.end_diverged(round, &reason).await,
            None => {
                self.reports.devices.insert(device, false);
                let words =
                    "reports that the training diverged, but a replay of its round does not";
                self.emit(Event::Note(format!("device {} {words}", short(&device))));
                Ok(())
            }
        }
    }

    /// Cancels the run on the ledger and remembers why.
    pub(super) async fn end_diverged(&mut self, round: u32, reason: &str) -> anyhow::Result<()> {
        let words = format!("the training diverged in round {}: {reason}", round + 1);
        self.emit(Event::Note(format!("{words}; project {} is being cancelled", self.run)));
        self.diverged = Some(words);
        settled(self.ledger.cancel(self.run).await)?;
        Ok(())
    }

    /// Repeats the round of a device; returns why it can't be finished, or `None` if it can.
    async fn replayed(&self, round: u32, device: DeviceId) -> anyhow::Result<Option<String>> {
        let (spec, base) = (Arc::clone(&self.spec), Arc::clone(self.aggregator.parameters()));
        let corpus = self.options.project.corpus.clone();
        let (threads, isa) = (self.options.threads, self.options.isa);
        let steps = spec.steps(round);
        let replaying = move || {
            let draw = Draw { seed: &spec.seed.0, round, device: &device };
            let count = usize::try_from(spec.shards_per_round).unwrap_or(usize::MAX);
            let shards = corpus::assignment(&draw, corpus.shard_count(), count);
            let shards: Vec<&[u8]> = shards.into_iter().map(|index| corpus.shard(index)).collect();
            let job = Job {
                spec: &spec,
                round,
                device,
                base: &base,
                shards: &shards,
                threads,
                isa,
                activations: Activations::Recompute,
                spare: None,
            };
            verification::execute(&job, &mut |_| ControlFlow::Continue(()))
        };
        let machine = self.options.machine.as_ref();
        match machine::run(machine, Effort::of(steps), replaying).await? {
            Ok(_) => Ok(None),
            Err(error @ (JobError::Diverged { .. } | JobError::Compress(_))) => {
                Ok(Some(format!("{:#}", anyhow::Error::new(error))))
            }
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_counts_for_its_round_until_it_is_refuted() {
        let mut reports = Reports::default();
        let device = DeviceId::from_bytes([1; 32]);
        reports.add(device, 3);
        assert!(reports.is_credible(&device, 3) && !reports.is_credible(&device, 4));
        reports.devices.insert(device, false);
        reports.add(device, 3);
        assert!(!reports.is_credible(&device, 3), "a refuted report is not replayed again");
        reports.add(device, 4);
        assert!(reports.is_credible(&device, 4));
    }
}
