//! What a run asks of this machine and would pay it, before the machine takes part in it.
//!
//! 1. Read run and terms from the ledger.
//! 2. Fetch the specification from the coordinator, which serves it to anyone; its digest is in the terms.
//! 3. Compare specification and terms; check memory, disk, and the number of seats.
//! 4. Measure how fast this machine trains that model, and compute from it how long a round takes and what it pays.

use std::{net::SocketAddr, time::Duration};

use ledger_client::Ledger;
use ledger_views::runs;
use model::instructions::Isa;
use training_run::Terms;
use transport::{Dial, FetchOnceError, Limits, Network};
use units::{Digest, Wei};
use verification::RunSpec;
use wallet::DeviceKey;

use crate::{
    fit::{Fit, Needs},
    participate::Refusal,
    speed::{self, Machine},
    terms::contradiction,
};

/// Largest specification that is fetched, in bytes.
pub(crate) const SPEC_SIZE_MAX: u64 = 64 << 10;

/// Seconds of an hour.
const HOUR: u64 = 3600;

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
}

/// What a run would pay this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Measured speed on the run's model.
    pub tokens_per_second: u64,
    /// Seconds that an ordinary round takes at that speed.
    pub round_seconds: u64,
    /// Pay for an hour of work at that speed, audits of others included, rounded down. Waiting for other devices
    /// makes it less.
    pub pay_per_hour: Wei,
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
        let is_full = u32::from(terms.seats_max) <= summary.seats_active;
        if is_full && !self.has_seat(run).await? {
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
        Ok(Offer { run, round: summary.round, terms, spec, machine })
    }
}

impl Inquiry<'_> {
    /// Returns whether the device takes part already: it comes back.
    async fn has_seat(&self, run: u64) -> anyhow::Result<bool> {
        let device = self.device.device();
        let seats = runs::seats(self.ledger, run).await?;
        Ok(seats.iter().any(|seat| seat.device == device && seat.is_active()))
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
        self.terms.rounds.saturating_sub(self.round)
    }

    /// Measures how many tokens per second this machine trains on; takes a second, or as long as a step.
    ///
    /// # Errors
    /// When the specification can't be computed on this machine.
    pub async fn measure(&self) -> anyhow::Result<u64> {
        let (spec, machine) = (self.spec.clone(), self.machine);
        let measuring = tokio::task::spawn_blocking(move || speed::measure(&spec, machine));
        Ok(measuring.await??)
    }

    /// Returns what the run pays at a measured speed.
    ///
    /// # Errors
    /// [`Refusal::TooSlow`] when a round would take longer than its deadline allows.
    pub fn estimate(&self, tokens_per_second: u64) -> Result<Estimate, Refusal> {
        estimate(&self.terms, tokens_per_second)
    }
}

/// Returns whether an inquiry failed only because the coordinator did not answer: it may be there later.
#[must_use]
pub fn is_unreachable(error: &anyhow::Error) -> bool {
    error.downcast_ref::<FetchOnceError>().is_some()
}

fn estimate(terms: &Terms, tokens_per_second: u64) -> Result<Estimate, Refusal> {
    let speed = tokens_per_second.max(1);
    let round_seconds = terms.tokens_per_round.div_ceil(speed);
    let allowed = terms.round_seconds.into();
    if round_seconds > allowed {
        return Err(Refusal::TooSlow { needed: round_seconds, allowed });
    }
    // Of each round's work, a share of the audit rate is repeated by another device: about as much as this device
    // repeats for others, at the lower pay of an audit.
    let (rate, whole) = (u64::from(terms.audit_rate.as_u16()), 10_000);
    let tokens = speed.saturating_mul(HOUR).saturating_mul(whole) / (whole + rate);
    let work = terms.price_per_token.checked_mul_count(tokens).unwrap_or(Wei::new(u128::MAX));
    let audits = work.part_down(terms.audit_rate).and_then(|pay| pay.part_down(terms.audit_pay));
    let pay_per_hour =
        audits.and_then(|audits| work.checked_add(audits)).unwrap_or(Wei::new(u128::MAX));
    Ok(Estimate { tokens_per_second, round_seconds, pay_per_hour })
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
    use units::Bps;

    fn terms() -> Terms {
        Terms {
            rounds: 24,
            warmup_rounds: 3,
            tokens_per_round: 36_000,
            warmup_tokens_per_round: 18_000,
            price_per_token: Wei::new(1_000),
            audit_rate: Bps::ZERO,
            audit_pay: Bps::WHOLE,
            quorum: Bps::WHOLE,
            seats_min: 2,
            seats_max: 8,
            round_seconds: 60,
            audit_seconds: 60,
            stall_seconds: 600,
            relay_fee: Wei::ZERO,
            spec: Digest::ZERO,
            corpus: Digest::ZERO,
            initial_state: Digest::ZERO,
        }
    }

    #[test]
    fn pay_per_hour_follows_the_speed() {
        let found = estimate(&terms(), 1_000).unwrap();
        assert_eq!((found.round_seconds, found.pay_per_hour), (36, Wei::new(3_600_000_000)));
        // At a rate of 25 % a fifth of the time goes to audits, which are paid like work, or less.
        let audited = Terms { audit_rate: Bps::new(2_500).unwrap(), ..terms() };
        assert_eq!(estimate(&audited, 1_000).unwrap().pay_per_hour, Wei::new(3_600_000_000));
        let ill_paid = Terms { audit_pay: Bps::ZERO, ..audited };
        assert_eq!(estimate(&ill_paid, 1_000).unwrap().pay_per_hour, Wei::new(2_880_000_000));
    }

    #[test]
    fn a_round_must_fit_its_deadline() {
        assert!(estimate(&terms(), 600).is_ok());
        let refused = estimate(&terms(), 590).unwrap_err();
        assert!(matches!(refused, Refusal::TooSlow { needed: 62, allowed: 60 }), "{refused}");
        assert!(estimate(&terms(), 0).is_err(), "a machine too slow to be measured");
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
