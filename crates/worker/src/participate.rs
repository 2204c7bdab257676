//! From a run's number to its end, over as many connections as it takes.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use abi::statement;
use anyhow::{Context as _, ensure};
use corpus::Manifest;
use thiserror::Error;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};
use transport::{
    Dial, Limits, WorkerEndpoint,
    message::{Link, PROTOCOL, ToCoordinator, ToWorker},
};
use units::Digest;
use verification::RunSpec;

use crate::{
    Event, Options,
    desk::Desk,
    fit::Fit,
    keep::Keep,
    session::{Ending, Session},
    states::States,
    view,
};

/// First pause after a lost connection; it doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Why this device can't take part, however often it tries.
#[derive(Debug, Error)]
pub enum Refusal {
    /// The model is too large for this machine.
    #[error(
        "training this model takes {needed} bytes of memory, {allowed} are allowed here: choose another project, or raise --memory"
    )]
    TooLarge {
        /// Bytes a round needs.
        needed: u64,
        /// Bytes allowed.
        allowed: u64,
    },
    /// Specification or manifest are not the ones in the terms.
    #[error("the coordinator's {what} is not the one the ledger names: choose another project")]
    NotTheTerms {
        /// Which.
        what: &'static str,
    },
    /// Another version of the protocol.
    #[error("the coordinator did not take this device in: {reason}")]
    NotTakenIn {
        /// In its words.
        reason: String,
    },
}

/// Takes part in a run until it ends, the device is expelled, or the owner stops it.
///
/// # Errors
/// A [`Refusal`], or when ledger or coordinator stay out of reach for longer than the options' patience.
pub async fn participate(options: &Options) -> anyhow::Result<Ending> {
    let keep =
        Keep::open(&options.data_dir, options.run).context("the data folder can't be used")?;
    let states = Arc::new(Mutex::new(States::default()));
    let mut last = None;
    let mut pause = PAUSE;
    let mut reached = Instant::now();
    let mut stop = options.stop.clone();
    loop {
        let summary = view::current(&options.ledger, options.run).await?;
        if summary.is_over {
            return Ok(Ending::Finished);
        }
        let error = match connect(options, &keep, &states).await {
            Ok(desk) => {
                (pause, reached) = (PAUSE, Instant::now());
                options.tell(Event::Joined);
                match Session::run(options, desk, &mut last).await {
                    Ok(ending) => return Ok(ending),
                    Err(error) => error,
                }
            }
            Err(error) if error.downcast_ref::<Refusal>().is_some() => return Err(error),
            Err(error) => error,
        };
        options.tell(Event::Disconnected { reason: format!("{error:#}") });
        if reached.elapsed() > options.patience {
            return Err(
                error.context(format!("no coordinator for {} s", options.patience.as_secs()))
            );
        }
        tokio::select! {
            () = sleep(pause) => pause = (pause * 2).min(PAUSE_MAX),
            _ = stop.wait_for(|stop| *stop) => return Ok(Ending::Stopped),
        }
    }
}

/// Dials, signs, and waits to be taken in.
async fn connect(
    options: &Options,
    keep: &Keep,
    states: &Arc<Mutex<States>>,
) -> anyhow::Result<Desk> {
    let offer = view::offer(&options.ledger, options.run).await?;
    let addresses: Vec<SocketAddr> =
        offer.endpoint.split(',').filter_map(|address| address.trim().parse().ok()).collect();
    let dial = Dial { secret: options.device.seed(), coordinator: offer.coordinator, addresses };
    let endpoint = WorkerEndpoint::connect(dial, Limits::USUAL).await?;
    let hello = hello(options).await?;
    endpoint.send(&hello).await?;
    let (spec, manifest) = loop {
        match endpoint.recv().await? {
            ToWorker::Welcome { spec, manifest } => break (spec, manifest),
            ToWorker::Refused { reason } => return Err(Refusal::NotTakenIn { reason }.into()),
            ToWorker::Finished => anyhow::bail!("the run is over"),
            ToWorker::Round { .. } | ToWorker::Audit { .. } => {}
        }
    };
    let (spec, manifest) = check(&offer, &spec, &manifest)?;
    let fit = Fit::choose(&spec, options.threads, options.memory_max)?;
    tracing::debug!(?fit, "how rounds are computed within the memory allowed");
    Ok(Desk {
        run: options.run,
        device: options.device_id(),
        threads: options.threads,
        isa: options.isa,
        activations: fit.activations,
        turns: Arc::new(Semaphore::new(fit.at_once)),
        ledger: options.ledger.clone(),
        endpoint,
        keep: keep.clone(),
        spec: Arc::new(spec),
        manifest,
        states: Arc::clone(states),
    })
}

async fn hello(options: &Options) -> anyhow::Result<ToCoordinator> {
    let (chain_id, run, device) = (options.chain_id, options.run, options.device_id());
    let account = *options.account.as_bytes();
    let linked = view::link(&options.ledger, &device).await?;
    let link = (linked.account != Some(options.account)).then(|| {
        let nonce = linked.next_nonce;
        let statement = statement::link(chain_id, device.as_bytes(), &account, nonce);
        Link { nonce, signature: options.sign(&statement) }
    });
    let enroll = options.sign(&statement::enroll(chain_id, run, device.as_bytes()));
    Ok(ToCoordinator::Hello { protocol: PROTOCOL, run, account, link, enroll })
}

fn check(offer: &view::Offer, spec: &[u8], manifest: &[u8]) -> anyhow::Result<(RunSpec, Manifest)> {
    ensure!(Digest::of(spec) == offer.spec, Refusal::NotTheTerms { what: "specification" });
    let spec = RunSpec::from_bytes(spec)?;
    let manifest = Manifest::decode(manifest)?;
    ensure!(manifest.digest() == offer.corpus, Refusal::NotTheTerms { what: "corpus manifest" });
    Ok((spec, manifest))
}
