//! The end of a run: informs workers, saves the model, builds the report.

use std::collections::BTreeMap;

use ledger_views::runs::{self, RunPhase, RunView};
use machine::Effort;
use training_run::{Ending, Standing};
use transport::message::ToWorker;

use super::Driver;
use crate::{EscrowReport, Payout, Report, RunReport, TrafficReport, opening};

impl Driver<'_> {
    pub(super) async fn finish(&mut self) -> anyhow::Result<Report> {
        for device in self.endpoint.connected() {
            self.send(&device, &ToWorker::Finished);
        }
        let summary = runs::run(&self.ledger, self.run).await?;
        // Cancelled in the middle of a round, this coordinator may be one state ahead: the ledger's is the model.
        self.catch_up(&summary.state)?;
        let rewindable = self.rewindable(&summary).await?;
        let seats = runs::seats(&self.ledger, self.run).await?;
        // Workers take seconds to hear of the end where packets are lost.
        self.endpoint.close().await;
        // The last step: who starts this coordinator again finds a model, and is told that the run has ended.
        let (loss_final, model_path) = self.save(summary.round).await?;
        let payouts = seats.iter().map(|seat| Payout {
            account: seat.account.to_string(),
            device: seat.device.to_string(),
            tokens_verified: seat.tokens_verified,
            paid: seat.paid.to_string(),
            standing: standing(seat.standing).to_owned(),
        });
        Ok(Report {
            run: RunReport {
                id: self.run,
                ending: self.ending(summary.phase).to_owned(),
                reason: self.diverged.clone(),
                rounds_completed: summary.round,
                tokens_verified: summary.tokens_verified,
                loss_initial: self.loss_initial,
                loss_final,
                model_path,
                model_digest: self.aggregator.digest().to_string(),
                rewindable,
            },
            traffic: self.traffic(),
            audits: self.tally.audits,
            payouts: payouts.collect(),
            escrow: EscrowReport {
                deposited: summary.deposited.to_string(),
                paid: summary.paid.to_string(),
                refunded: summary.refunded.to_string(),
            },
        })
    }

    fn ending(&self, phase: RunPhase) -> &'static str {
        match phase {
            _ if self.diverged.is_some() => "diverged",
            RunPhase::Finished(Ending::Cancelled) => "cancelled",
            RunPhase::Finished(Ending::Abandoned) => "abandoned",
            _ => "completed",
        }
    }

    /// Returns the numbers of rounds whose states are on disk, counted from the beginning of this run.
    async fn rewindable(&self, summary: &RunView) -> anyhow::Result<Vec<u32>> {
        let terms = runs::terms(&self.ledger, self.run).await?;
        let states = opening::states_of(&self.ledger, summary, &terms).await?;
        // A damaged one is refused when somebody goes back to it: reading all of them takes longer than a round.
        let on_disk = self.folder.held()?.states;
        let kept = states.into_iter().filter(|(_, state)| on_disk.contains(state));
        Ok(kept.map(|(rounds, _)| rounds).collect())
    }

    async fn save(&self, rounds: u32) -> anyhow::Result<(Option<f64>, String)> {
        let path = self.folder.model_path();
        let metadata = BTreeMap::from([
            ("gleaner.project".to_owned(), self.options.project.name.clone()),
            ("gleaner.run".to_owned(), self.run.to_string()),
            ("gleaner.rounds".to_owned(), rounds.to_string()),
            ("gleaner.state".to_owned(), self.aggregator.digest().to_string()),
        ]);
        let (aggregator, config, folder) = (self.aggregator.clone(), self.spec.model, path.clone());
        let saving = move || -> anyhow::Result<Option<f64>> {
            let loss = aggregator.loss()?;
            model::save(&folder, &config, aggregator.parameters(), &metadata)?;
            Ok(loss)
        };
        let loss = machine::run(self.options.machine.as_ref(), Effort::of(0), saving).await??;
        Ok((loss, path.display().to_string()))
    }

    fn traffic(&self) -> TrafficReport {
        let traffic = self.endpoint.traffic();
        let parameters = u64::try_from(self.spec.model.parameter_count()).unwrap_or(u64::MAX);
        TrafficReport {
            update_bytes_up: traffic.evidence.received,
            update_bytes_down: traffic.blobs.sent,
            control_bytes: traffic.control.sent + traffic.control.received,
            fp32_every_step_bytes: 4_u64
                .saturating_mul(parameters)
                .saturating_mul(self.steps_joined),
        }
    }
}

fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Active => "active",
        Standing::Left => "left",
        Standing::Expelled { cause: training_run::Cause::Convicted, .. } => "convicted",
        Standing::Expelled { cause: training_run::Cause::FalseAudit, .. } => "false auditor",
        Standing::Expelled { cause: training_run::Cause::Vouched, .. } => "vouched",
    }
}
