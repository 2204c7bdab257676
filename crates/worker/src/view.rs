//! What a worker reads from the ledger to check the coordinator.

use ledger_client::Ledger;
use ledger_views::runs;
use training_run::Terms;
use units::{DeviceId, Digest};

/// The phase of the run.
pub(crate) struct Current {
    pub(crate) round: u32,
    /// State at the start of the open round.
    pub(crate) base: Digest,
    pub(crate) is_over: bool,
}

/// What the owner has published for workers.
pub(crate) struct Published {
    pub(crate) coordinator: DeviceId,
    pub(crate) endpoint: String,
    pub(crate) terms: Terms,
}

pub(crate) async fn current(ledger: &Ledger, run: u64) -> anyhow::Result<Current> {
    let summary = runs::run(ledger, run).await?;
    Ok(Current { round: summary.round, base: summary.state, is_over: summary.phase.is_over() })
}

pub(crate) async fn published(ledger: &Ledger, run: u64) -> anyhow::Result<Published> {
    let (summary, terms) = (runs::run(ledger, run).await?, runs::terms(ledger, run).await?);
    Ok(Published { coordinator: summary.coordinator, endpoint: summary.endpoint, terms })
}
