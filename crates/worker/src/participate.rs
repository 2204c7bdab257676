//! Takes part in a run until its end, over as many connections as needed.

use std::{
    net::SocketAddr,
    pin::Pin,
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
    files::WorkerFiles,
    fit::Fit,
    inputs::Inputs,
    session::{Ending, Session},
    states::States,
    view,
};

/// First pause after a lost connection; it doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Why this device can't take part, even if it tries again.
#[derive(Debug, Error)]
pub enum Refusal {
    /// The model needs more memory than allowed.
    #[error(
        "training this model needs {needed} bytes of memory, {allowed} are allowed: choose another project, or raise --memory"
    )]
    TooLarge {
        /// Bytes a round needs.
        needed: u64,
        /// Bytes allowed.
        allowed: u64,
    },
    /// Specification or manifest do not have the digest in the terms.
    #[error(
        "the coordinator's {what} does not have the digest on the ledger: choose another project"
    )]
    NotTheTerms {
        /// Specification or manifest.
        what: &'static str,
    },
    /// The coordinator refused the device.
    #[error("the coordinator refused this device: {reason}")]
    NotTakenIn {
        /// The coordinator's reason.
        reason: String,
    },
}

/// Takes part in a run until it ends, the device is expelled, or the owner stops it.
///
/// # Errors
/// A [`Refusal`], or an error when ledger or coordinator can't be reached for longer than the options' patience.
pub fn participate(
    options: &Options,
) -> Pin<Box<dyn Future<Output = anyhow::Result<Ending>> + '_>> {
    // In a box its code is compiled here. That of an `async fn` would be compiled again in the program that awaits it.
    Box::pin(participate_until(options))
}

async fn participate_until(options: &Options) -> anyhow::Result<Ending> {
    let files = WorkerFiles::open(&options.data_dir).context("the data folder can't be used")?;
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
        let error = match connect(options, &files, &states).await {
            Ok(inputs) => {
                (pause, reached) = (PAUSE, Instant::now());
                options.emit(Event::Joined);
                match Session::run(options, inputs, &mut last).await {
                    Ok(ending) => return Ok(ending),
                    Err(error) => error,
                }
            }
            Err(error) if error.downcast_ref::<Refusal>().is_some() => return Err(error),
            Err(error) => error,
        };
        options.emit(Event::Disconnected { reason: format!("{error:#}") });
        if reached.elapsed() > options.patience {
            return Err(error.context(format!(
                "the coordinator could not be reached for {} s",
                options.patience.as_secs()
            )));
        }
        tokio::select! {
            () = sleep(pause) => pause = (pause * 2).min(PAUSE_MAX),
            _ = stop.wait_for(|stop| *stop) => return Ok(Ending::Stopped),
        }
    }
}

/// Connects, signs the statements, and waits for the coordinator's welcome.
async fn connect(
    options: &Options,
    files: &WorkerFiles,
    states: &Arc<Mutex<States>>,
) -> anyhow::Result<Inputs> {
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
            ToWorker::Finished => anyhow::bail!("the run has ended"),
            ToWorker::Round { .. } | ToWorker::Audit { .. } => {}
        }
    };
    let (spec, manifest) = check(&offer, &spec, &manifest)?;
    let fit = Fit::choose(&spec, options.threads, options.memory_max)?;
    tracing::debug!(?fit, "how rounds are computed within the memory allowed");
    Ok(Inputs {
        run: options.run,
        device: options.device_id(),
        threads: options.threads,
        isa: options.isa,
        activations: fit.activations,
        turns: Arc::new(Semaphore::new(fit.at_once)),
        ledger: options.ledger.clone(),
        endpoint,
        files: files.clone(),
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
