//! Takes part in a run until its end, over as many connections as needed.

use std::{
    io,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
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
    Dial, Limits, Lost, LostCause, WorkerEndpoint,
    message::{Link, PROTOCOL, ToCoordinator, ToWorker},
};

use crate::{
    Contradiction, Event, Options,
    files::WorkerFiles,
    fit::Fit,
    inputs::Inputs,
    inquiry,
    session::{Ending, LastWork, Session},
    states::{STATES_HELD_MAX, States},
    view,
    watch::{self, SeatEnd},
};

/// First pause after a lost connection; it doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// How long a worker that was stopped may take to tell the coordinator.
const LEAVING_MAX: Duration = Duration::from_millis(700);

/// How often in a row a run may drop this device before it gives up.
const DROPPED_MAX: u32 = 3;

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
    /// A round's shards need more disk space than allowed.
    #[error(
        "the text of a round has {needed} bytes, {allowed} may be kept on disk: choose another project, or raise --disk"
    )]
    TooMuchDisk {
        /// Bytes a round needs.
        needed: u64,
        /// Bytes allowed.
        allowed: u64,
    },
    /// This machine would miss the deadline of every round.
    #[error(
        "a round would take {needed} s on this machine, its deadline is after {allowed} s: choose another project, or give more --threads"
    )]
    TooSlow {
        /// Seconds a round takes.
        needed: u64,
        /// Seconds until the deadline.
        allowed: u64,
    },
    /// The run takes no further devices.
    #[error("all {seats} seats are taken: choose another project, or try again later")]
    Full {
        /// The number of seats.
        seats: u16,
    },
    /// The run has ended, or has no round left.
    #[error("the project has ended, or no round of it is left: choose another project")]
    Over,
    /// The owner would not pay for what the specification asks for.
    #[error("the project contradicts itself: {0}: choose another project")]
    Contradiction(Contradiction),
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
    /// The text of a round can't be kept.
    #[error("{} can't be written: free some disk space, or give another --data-dir", folder.display())]
    Disk {
        /// The folder.
        folder: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The same device key is used elsewhere.
    #[error(
        "another machine or program has connected with this device's key, and only one can be paid for it: give each machine a --data-dir of its own, and remove a copied device.key"
    )]
    KeyInUse,
    /// The ledger has dropped the device again and again.
    #[error(
        "the project dropped this device {times} times because it missed rounds, so its work is not paid: choose a smaller model, or give more --threads"
    )]
    Dropped {
        /// How often.
        times: u32,
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
    let files = WorkerFiles::open(&options.data_dir, options.disk_max)
        .context("the data folder can't be used")?;
    let states = Arc::new(Mutex::new(States::new(STATES_HELD_MAX)));
    let mut last = None;
    let mut pause = PAUSE;
    let mut reached = Instant::now();
    let mut drops = Drops::default();
    loop {
        let connected = tokio::select! {
            connected = connect(options, &files, &states) => connected,
            () = stopped(options) => return Ok(Ending::Stopped),
        };
        let error = match connected {
            Ok(Connected::Over) => return Ok(Ending::Finished),
            Ok(Connected::Inputs(inputs)) => {
                (pause, reached) = (PAUSE, Instant::now());
                options.emit(Event::Joined);
                let ended = session(options, *inputs, &mut last).await;
                match ended {
                    Ok(Left::Ended(ending)) => return Ok(ending),
                    Ok(Left::Dropped) => {
                        drops.count(last.as_ref().map(LastWork::round))?;
                        options.emit(Event::Dropped);
                        continue;
                    }
                    Err(error) => error,
                }
            }
            Err(error) => error,
        };
        if error.downcast_ref::<Refusal>().is_some() {
            return Err(error);
        }
        if error.downcast_ref::<Lost>().is_some_and(|lost| lost.cause == LostCause::Replaced) {
            return Err(Refusal::KeyInUse.into());
        }
        options.emit(Event::Disconnected { reason: format!("{error:#}") });
        if reached.elapsed() > options.patience {
            return Err(error.context(format!(
                "the coordinator could not be reached for {} s",
                options.patience.as_secs()
            )));
        }
        tokio::select! {
            () = sleep(pause) => pause = (pause * 2).min(PAUSE_MAX),
            () = stopped(options) => return Ok(Ending::Stopped),
        }
    }
}

/// How often in a row the ledger has dropped the device, without any work of it in between.
#[derive(Debug, Default)]
struct Drops {
    times: u32,
    /// The last round that the device had done when it was dropped.
    done: Option<u32>,
}

impl Drops {
    /// # Errors
    /// [`Refusal::Dropped`] once it was dropped too often.
    fn count(&mut self, done: Option<u32>) -> Result<(), Refusal> {
        let times = if done == self.done { self.times.saturating_add(1) } else { 1 };
        *self = Self { times, done };
        if times < DROPPED_MAX { Ok(()) } else { Err(Refusal::Dropped { times }) }
    }
}

/// How a session was left, other than by a lost connection.
enum Left {
    /// The run or the worker has ended.
    Ended(Ending),
    /// The ledger has dropped the device.
    Dropped,
}

/// Runs a session until it ends by itself, the ledger has ended this device's seat, or the owner has waited
/// [`LEAVING_MAX`] for it to leave.
async fn session(
    options: &Options,
    inputs: Inputs,
    last: &mut Option<LastWork>,
) -> anyhow::Result<Left> {
    let device = options.device_id();
    let leaving = async {
        stopped(options).await;
        sleep(LEAVING_MAX).await;
    };
    tokio::select! {
        ended = Session::run(options, inputs, last) => Ok(Left::Ended(ended?)),
        end = watch::seat_end(&options.ledger, options.run, &device) => Ok(match end {
            SeatEnd::Dropped => Left::Dropped,
            SeatEnd::Expelled => Left::Ended(Ending::Expelled),
            SeatEnd::Over => Left::Ended(Ending::Finished),
        }),
        () = leaving => Ok(Left::Ended(Ending::Stopped)),
    }
}

/// Waits until the owner stops the worker.
async fn stopped(options: &Options) {
    let mut stop = options.stop.clone();
    if stop.wait_for(|stop| *stop).await.is_err() {
        // Nobody can stop it any more.
        std::future::pending::<()>().await;
    }
}

/// The result of an attempt to connect.
enum Connected {
    /// The run has ended.
    Over,
    /// The device has its seat.
    Inputs(Box<Inputs>),
}

/// Connects, checks the specification, signs the statements, and waits for the coordinator's welcome.
async fn connect(
    options: &Options,
    files: &WorkerFiles,
    states: &Arc<Mutex<States>>,
) -> anyhow::Result<Connected> {
    if view::current(&options.ledger, options.run).await?.is_over {
        return Ok(Connected::Over);
    }
    let view::Published { coordinator, endpoint, terms } =
        view::published(&options.ledger, options.run).await?;
    let addresses = inquiry::addresses(&endpoint).await;
    let dial = Dial { secret: options.device.seed(), coordinator, addresses };
    let endpoint = WorkerEndpoint::connect(dial, Limits::USUAL).await?;
    // Before anything is signed: what contradicts itself or does not fit is not joined.
    let spec = endpoint.fetch(&terms.spec, inquiry::SPEC_SIZE_MAX).await?;
    let spec = inquiry::read(&spec, &terms)?;
    let fit = Fit::choose(&spec, options.threads, options.memory_max)?;
    tracing::debug!(?fit, "how rounds are computed within the memory allowed");
    endpoint.send(&hello(options).await?).await?;
    let manifest = loop {
        match endpoint.recv().await? {
            ToWorker::Welcome { manifest, .. } => break manifest,
            ToWorker::Refused { reason } => return Err(Refusal::NotTakenIn { reason }.into()),
            ToWorker::Finished => return Ok(Connected::Over),
            ToWorker::Round { .. } | ToWorker::Audit { .. } => {}
        }
    };
    let manifest = Manifest::decode(&manifest)?;
    ensure!(manifest.digest() == terms.corpus, Refusal::NotTheTerms { what: "corpus manifest" });
    states.lock().unwrap_or_else(PoisonError::into_inner).limit(fit.states_held);
    Ok(Connected::Inputs(Box::new(Inputs {
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
    })))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_does_no_work_in_between_gives_up() {
        let mut drops = Drops::default();
        assert!(drops.count(None).is_ok() && drops.count(None).is_ok());
        assert!(matches!(drops.count(None), Err(Refusal::Dropped { times: 3 })));
        let mut drops = Drops::default();
        for round in 0..20 {
            assert!(drops.count(Some(round)).is_ok(), "it worked since it was dropped");
        }
        assert!(drops.count(Some(19)).is_ok() && drops.count(Some(19)).is_err());
    }
}
