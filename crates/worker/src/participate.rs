//! Takes part in a run until its end, over as many connections as needed.

use std::{io, path::PathBuf, pin::Pin, time::Duration};

use machine::Priority;
use thiserror::Error;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use transport::{Lost, LostCause, message::Role};
use units::AccountId;

use crate::{
    Contradiction, Event, Options,
    connect::Caller,
    courier::Courier,
    inputs::Inputs,
    membership::Membership,
    session::{self, Ending, Kept, LEAVING_MAX, Session},
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
    /// The account has revoked this device.
    #[error(
        "account {account} has revoked this device: the ledger takes nothing of it any more; only the account can restore it"
    )]
    Revoked {
        /// The account.
        account: AccountId,
    },
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
    let calling = (Role::Worker, Priority::Usual);
    let outside = (&options.ledger, &options.network);
    let caller = Caller::new(calling, &options.device, outside, &options.resources())?;
    let courier = Courier::start(&options.ledger, options.run, options.device_id());
    let mut kept = Kept::new(Membership::new(options.account));
    let mut patience = Patience::new(options.patience);
    loop {
        let connected = tokio::select! {
            biased;
            () = stopped(&options.stop) => {
                leave_by_node(options, &courier).await;
                return Ok(Ending::Stopped);
            }
            connected = connect(&caller, options.run) => connected,
        };
        let error = match connected {
            Ok(None) => return Ok(Ending::Finished),
            Ok(Some(inputs)) => {
                patience.renew();
                match Session::run(options, *inputs, &courier, &mut kept).await {
                    Ok(ending) => return Ok(ending),
                    Err(error) => error,
                }
            }
            Err(error) => error,
        };
        let reason = patience.may_go_on(error)?;
        options.emit(Event::Disconnected { reason });
        tokio::select! {
            biased;
            () = stopped(&options.stop) => {
                leave_by_node(options, &courier).await;
                return Ok(Ending::Stopped);
            }
            () = patience.pause() => {}
        }
    }
}

/// Connects to the coordinator; returns `None` if the run has ended.
pub(crate) async fn connect(caller: &Caller, run: u64) -> anyhow::Result<Option<Box<Inputs>>> {
    if view::current(&caller.ledger, run).await?.is_over {
        return Ok(None);
    }
    Ok(Some(Box::new(caller.connect(run).await?)))
}

/// Waits until the owner stops the program.
pub(crate) async fn stopped(stop: &watch::Receiver<bool>) {
    let mut stop = stop.clone();
    if stop.wait_for(|stop| *stop).await.is_err() {
        // Nobody can stop it any more.
        std::future::pending::<()>().await;
    }
}

/// Gives up the seat without the coordinator, which is not connected.
async fn leave_by_node(options: &Options, courier: &Courier) {
    let Some(look) = courier.look() else { return };
    if let Some((goal, call)) = session::leave(options, &look) {
        courier.put_for(goal, call, Duration::ZERO);
        courier.until(LEAVING_MAX, |look| look.active_seat().is_none()).await;
    }
}

/// Pauses between attempts to connect, and their end.
pub(crate) struct Patience {
    total: Duration,
    pause: Duration,
    reached: Instant,
}

impl Patience {
    pub(crate) fn new(total: Duration) -> Self {
        Self { total, pause: PAUSE, reached: Instant::now() }
    }

    /// The coordinator was reached.
    pub(crate) fn renew(&mut self) {
        (self.pause, self.reached) = (PAUSE, Instant::now());
    }

    /// Returns the reason as text if another attempt makes sense.
    ///
    /// # Errors
    /// When it does not.
    pub(crate) fn may_go_on(&self, error: anyhow::Error) -> anyhow::Result<String> {
        if error.downcast_ref::<Refusal>().is_some() {
            return Err(error);
        }
        if error.downcast_ref::<Lost>().is_some_and(|lost| lost.cause == LostCause::Replaced) {
            return Err(Refusal::KeyInUse.into());
        }
        if self.reached.elapsed() > self.total {
            let seconds = self.total.as_secs();
            return Err(
                error.context(format!("the coordinator could not be reached for {seconds} s"))
            );
        }
        Ok(format!("{error:#}"))
    }

    /// Waits before the next attempt.
    pub(crate) async fn pause(&mut self) {
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }
}
