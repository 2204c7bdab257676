//! What a worker reads from the ledger to check the coordinator.

use anyhow::Context as _;
use ledger_client::Ledger;
use ledger_views::{
    devices,
    runs::{self, AuditView, SeatView},
};
use training_run::Terms;
use units::{AccountId, DeviceId, Digest};

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

/// The account of a device.
pub(crate) struct Linked {
    pub(crate) account: Option<AccountId>,
    pub(crate) next_nonce: u64,
}

pub(crate) async fn current(ledger: &Ledger, run: u64) -> anyhow::Result<Current> {
    let summary = runs::run(ledger, run).await?;
    Ok(Current { round: summary.round, base: summary.state, is_over: summary.phase.is_over() })
}

pub(crate) async fn published(ledger: &Ledger, run: u64) -> anyhow::Result<Published> {
    let (summary, terms) = (runs::run(ledger, run).await?, runs::terms(ledger, run).await?);
    Ok(Published { coordinator: summary.coordinator, endpoint: summary.endpoint, terms })
}

pub(crate) async fn link(ledger: &Ledger, device: &DeviceId) -> anyhow::Result<Linked> {
    let link = devices::link(ledger, device).await?;
    let next_nonce = link
        .nonce
        .checked_add(1)
        .context("this device's key was linked 2^64 times: use a new key")?;
    Ok(Linked { account: link.account, next_nonce })
}

pub(crate) async fn is_expelled(
    ledger: &Ledger,
    run: u64,
    device: &DeviceId,
) -> anyhow::Result<bool> {
    let seats = runs::seats(ledger, run).await?;
    let own = seats.iter().find(|seat| seat.device == *device);
    Ok(own.is_some_and(SeatView::is_expelled))
}

/// Returns the audit of a device's round.
pub(crate) async fn case(
    ledger: &Ledger,
    run: u64,
    round: u32,
    subject: &DeviceId,
) -> anyhow::Result<AuditView> {
    let audits = runs::audits(ledger, run).await?;
    let found = audits.into_iter().find(|audit| audit.round == round && audit.subject == *subject);
    found.context("the ledger has no such audit")
}
