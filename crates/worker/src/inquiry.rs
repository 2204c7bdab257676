//! What a run asks of this machine and would pay it, before the machine takes part in it.
//!
//! 1. Read run and terms from the ledger.
//! 2. Fetch the specification from the coordinator, which serves it to anyone; its digest is in the terms.
//! 3. Compare specification and terms; check memory, disk, and the number of seats.
//! 4. Measure how fast this machine trains that model, and compute from it how long a round takes and what it pays ([`crate::pay`]).

use std::{net::SocketAddr, time::Duration};

use ledger_client::Ledger;
use ledger_views::{
    Ask as _,
    runs::{self, RunEvent, SeatView},
};
use model::instructions::Isa;
use training_run::{Effect, Terms};
use transport::{Dial, FetchOnceError, Limits, Network};
use units::{DeviceId, Digest, Wei};
use verification::RunSpec;
use wallet::DeviceKey;

use crate::{
    fit::{Fit, Needs},
    participate::Refusal,
    pay::{self, Estimate, Prospect},
    speed::{self, Clock, Machine},
    terms::contradiction,
};

/// Largest specification that is fetched, in bytes.
pub(crate) const SPEC_SIZE_MAX: u64 = 64 << 10;

/// Number of blocks in which the last rounds of a run are looked for.
const PACE_BLOCKS: u64 = 400;

/// What a machine offers, and how long it waits for an answer.
pub struct Inquiry<'a> {
    /// The ledger, for reading only.
    pub ledger: &'a Ledger,
    /// The network on which coordinators are reached.
    pub network: &'a dyn Network,
    /// The device's key; the coordinator sees another one, derived from it.
    pub device: &'a DeviceKey,
    /// Number of threads of a computation.
    pub threads: usize,
    /// Vector instructions of a computation.
    pub isa: Isa,
    /// Memory that the worker may use, in bytes.
    pub memory_max: u64,
    /// Disk space that the worker may use, in bytes.
    pub disk_max: u64,
    /// How long to wait for the coordinator.
    pub patience: Duration,
}

/// A run that this machine could take part in.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The run.
    pub run: u64,
    /// Number of the open round, from 0.
    pub round: u32,
    /// The terms, which say the same as the specification.
    pub terms: Terms,
    spec: RunSpec,
    machine: Machine,
    prospect: Prospect,
}

impl Inquiry<'_> {
    /// Returns what the run asks for.
    ///
    /// # Errors
    /// A [`Refusal`] when this machine can't or should not take part; another error when ledger or coordinator can't
    /// be reached.
    pub async fn offer(&self, run: u64) -> anyhow::Result<Offer> {
        let summary = runs::run(self.ledger, run).await?;
        let terms = runs::terms(self.ledger, run).await?;
        if !summary.phase.is_open() {
            return Err(Refusal::Over.into());
        }
        if summary.round >= terms.rounds {
            return Err(Refusal::Over.into());
        }
        let device = self.device.device();
        let seat = runs::standpoint(self.ledger, run, &device).await?.seat.map(|(_, seat)| seat);
        let is_full = u32::from(terms.seats_max) <= summary.seats_active;
        if is_full && !seat.as_ref().is_some_and(SeatView::is_active) {
            return Err(Refusal::Full { seats: terms.seats_max }.into());
        }
        let dial = Dial {
            secret: blake3::derive_key("gleaner 2026 inquiry key v1", &self.device.seed()),
            coordinator: summary.coordinator,
            addresses: addresses(&summary.endpoint).await,
        };
        let limits = Limits { answer: self.patience, ..Limits::USUAL };
        let bytes = self.network.fetch_once(dial, limits, &terms.spec, SPEC_SIZE_MAX).await?;
        let spec = read(&bytes, &terms)?;
        let fit = Fit::choose(&spec, self.threads, self.memory_max)?;
        Needs::of(&spec).within(self.disk_max)?;
        let machine =
            Machine { threads: self.threads, isa: self.isa, activations: fit.activations };
        let prospect = Prospect {
            rounds_left: terms.rounds.saturating_sub(summary.round),
            stake: seat.map_or(Wei::ZERO, |seat| seat.stake),
            has_auditor: summary.auditor != DeviceId::ZERO,
            pace_ms: self.pace_ms(run).await?,
        };
        Ok(Offer { run, round: summary.round, terms, spec, machine, prospect })
    }

    /// Returns how long the last rounds took.
    async fn pace_ms(&self, run: u64) -> anyhow::Result<Option<u64>> {
        let head = self.ledger.head().await?.height;
        let events =
            runs::events(self.ledger, run, head.saturating_sub(PACE_BLOCKS)..=head).await?;
        let opened = events.into_iter().filter_map(|logged| match logged.event {
            RunEvent::Followed(Effect::RoundOpened { round, deadline, .. }) => {
                Some((round, deadline.as_u64()))
            }
            _ => None,
        });
        Ok(pace_ms(&opened.collect::<Vec<_>>()))
    }
}

impl Offer {
    /// Returns the digest of the specification: runs with the same one are computed at the same speed.
    #[must_use]
    pub fn spec(&self) -> Digest {
        self.terms.spec
    }

    /// Returns the number of rounds that are not closed yet.
    #[must_use]
    pub fn rounds_left(&self) -> u32 {
        self.prospect.rounds_left
    }

    /// Measures how many tokens per second this machine trains on; takes a second, or as long as a step.
    ///
    /// # Errors
    /// When the specification can't be computed on this machine.
    pub async fn measure(&self) -> anyhow::Result<u64> {
        self.measure_by(Clock::Wall).await
    }

    /// The same where this process is held down meanwhile: by the time in which its threads ran. So it is the speed on cores of its own.
    ///
    /// # Errors
    /// When the specification can't be computed on this machine.
    pub async fn measure_held(&self) -> anyhow::Result<u64> {
        self.measure_by(Clock::Processor).await
    }

    async fn measure_by(&self, clock: Clock) -> anyhow::Result<u64> {
        let (spec, machine) = (self.spec.clone(), self.machine);
        let measuring = tokio::task::spawn_blocking(move || speed::measure(&spec, machine, clock));
        Ok(measuring.await??)
    }

    /// Returns what the run pays at a measured speed.
    ///
    /// # Errors
    /// [`Refusal::TooSlow`] when a round would take longer than its deadline allows.
    pub fn estimate(&self, tokens_per_second: u64) -> Result<Estimate, Refusal> {
        pay::estimate(&self.terms, &self.prospect, tokens_per_second)
    }
}

/// Returns whether an inquiry failed only because the coordinator did not answer: it may be there later.
#[must_use]
pub fn is_unreachable(error: &anyhow::Error) -> bool {
    error.downcast_ref::<FetchOnceError>().is_some()
}

/// Returns the time between two openings of rounds, on average, from the deadlines that were set at each. A round that was opened
/// again counts once.
fn pace_ms(opened: &[(u32, u64)]) -> Option<u64> {
    let ((first, begun), (last, ended)) = (opened.first()?, opened.last()?);
    let rounds = u64::from(last.checked_sub(*first)?);
    ended.saturating_sub(*begun).saturating_mul(1_000).checked_div(rounds)
}

/// Reads the specification that the terms name, and checks that both ask for the same.
///
/// # Errors
/// A [`Refusal`], or an error when the bytes are no specification.
pub(crate) fn read(bytes: &[u8], terms: &Terms) -> anyhow::Result<RunSpec> {
    if Digest::of(bytes) != terms.spec {
        return Err(Refusal::NotTheTerms { what: "specification" }.into());
    }
    let spec = RunSpec::from_bytes(bytes)?;
    match contradiction(&spec, terms) {
        Some(contradiction) => Err(Refusal::Contradiction(contradiction).into()),
        None => Ok(spec),
    }
}

/// Returns the addresses in a run's announcement; names are looked up. What has no address is left out.
pub(crate) async fn addresses(endpoint: &str) -> Vec<SocketAddr> {
    let mut found = Vec::new();
    for address in endpoint.split(',').map(str::trim).filter(|address| !address.is_empty()) {
        match tokio::net::lookup_host(address).await {
            Ok(addresses) => found.extend(addresses),
            Err(error) => {
                tracing::info!(%address, %error, "the coordinator's address is not known")
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found.truncate(ADDRESSES_MAX);
    found
}

/// Largest number of a coordinator's addresses that are tried.
const ADDRESSES_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_the_time_between_rounds() {
        assert_eq!(pace_ms(&[]), None);
        assert_eq!(pace_ms(&[(3, 100)]), None);
        assert_eq!(pace_ms(&[(3, 100), (4, 107)]), Some(7_000));
        assert_eq!(pace_ms(&[(3, 100), (4, 107), (4, 110), (5, 115)]), Some(7_500));
    }

    #[tokio::test]
    async fn addresses_may_be_names() {
        let found = addresses("127.0.0.1:7, localhost:8,[::1]:9, ,no port,127.0.0.1:7").await;
        let is_found = |text: &str| found.contains(&text.parse().unwrap());
        assert!(is_found("127.0.0.1:7") && is_found("[::1]:9"), "{found:?}");
        assert!(is_found("127.0.0.1:8") || is_found("[::1]:8"), "{found:?}");
        assert_eq!(found.iter().filter(|it| it.port() == 7).count(), 1);
    }
}
