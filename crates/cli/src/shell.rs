//! The process around a command: environment, logs, signals, the async runtime.

use std::ffi::OsString;
use std::future::Future;
use std::io;

use anyhow::Context as _;
use tokio::runtime::Runtime;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::failure::Interrupted;

/// Returns an environment variable; an empty one counts as not set. Except for clap's flags, this is the only place
/// that reads the environment.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Sends logs to stderr, warnings and errors unless `GLEANER_LOG` is set (such as `info` or `node=debug`).
pub(crate) fn start_logging() {
    let given = variable("GLEANER_LOG").map(|value| value.to_string_lossy().into_owned());
    let filter = given.as_deref().map_or_else(|| Ok(usual_filter()), str::parse);
    let (filter, error) = match filter {
        Ok(filter) => (filter, None),
        Err(error) => (usual_filter(), Some(error)),
    };
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false)
        .log_internal_errors(false);
    tracing_subscriber::registry().with(layer).with(filter).init();
    if let Some(error) = error {
        let value = given.unwrap_or_default();
        tracing::warn!(
            "GLEANER_LOG={value} is ignored ({error}): use a level, or as in warn,node=debug"
        );
    }
}

fn usual_filter() -> Targets {
    // What iroh and its QUIC report concerns their developers; what an owner must know, our own errors say.
    Targets::new()
        .with_default(tracing::Level::WARN)
        .with_target("iroh", LevelFilter::OFF)
        .with_target("noq", LevelFilter::OFF)
}

/// Runs `work` on a new runtime.
///
/// # Errors
/// Those of `work`, or when no runtime can be started.
pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    runtime()?.block_on(work)
}

/// As [`block_on`], but leaves without waiting for computations that nobody wants any more.
///
/// # Errors
/// Those of `work`, or when no runtime can be started.
pub(crate) fn block_on_and_leave<T>(
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let runtime = runtime()?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    result
}

/// Starts a runtime with several threads.
///
/// # Errors
/// When it can't be started.
pub(crate) fn runtime() -> anyhow::Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("the async runtime can't be started")
}

/// Runs `work` to its end, or drops it at the first Ctrl-C or SIGTERM.
///
/// # Errors
/// Those of `work`, or [`Interrupted`].
pub(crate) fn block_on_until_interrupted<T>(
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    block_on(async {
        tokio::select! {
            result = work => result,
            signal = stop_signal() => Err(signal.map_or_else(|error| error, |_| Interrupted.into())),
        }
    })
}

/// The kind of signal that stops the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopSignal {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM: a supervisor, or the system is shutting down; or SIGHUP: the terminal was closed.
    Terminate,
}

/// Stop signals from its creation on: none is lost between two calls.
#[derive(Debug)]
pub(crate) struct StopSignals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    /// `None` where the process was started to outlive its terminal, as by nohup.
    #[cfg(unix)]
    hangup: Option<tokio::signal::unix::Signal>,
}

impl StopSignals {
    /// Handles the signals, which would otherwise end the process at once. Call it within a runtime.
    ///
    /// # Errors
    /// When no handler can be set.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        #[cfg(unix)]
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            #[cfg(unix)]
            interrupt: signal(SignalKind::interrupt())
                .context("no handler for SIGINT can be set")?,
            #[cfg(unix)]
            terminate: signal(SignalKind::terminate())
                .context("no handler for SIGTERM can be set")?,
            #[cfg(unix)]
            hangup: match ignores_hangup() {
                true => None,
                false => {
                    Some(signal(SignalKind::hangup()).context("no handler for SIGHUP can be set")?)
                }
            },
        })
    }

    /// Returns the next signal.
    pub(crate) async fn next(&mut self) -> StopSignal {
        #[cfg(unix)]
        return tokio::select! {
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = self.terminate.recv() => StopSignal::Terminate,
            Some(_) = recv(&mut self.hangup) => StopSignal::Terminate,
        };
        #[cfg(not(unix))]
        match tokio::signal::ctrl_c().await {
            Ok(()) => StopSignal::Interrupt,
            // Without a handler the operating system ends the process.
            Err(_) => std::future::pending().await,
        }
    }
}

#[cfg(unix)]
async fn recv(signal: &mut Option<tokio::signal::unix::Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => None,
    }
}

/// Returns whether this process was started with SIGHUP ignored. A handler would end that, so where the system does not
/// tell, there is none.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    /// SIGHUP is signal 1, the lowest bit.
    const HANGUP: u64 = 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_none_or(|mask| mask & HANGUP != 0)
}

/// Waits for Ctrl-C, SIGTERM or SIGHUP.
///
/// # Errors
/// When no handler can be set.
pub(crate) async fn stop_signal() -> anyhow::Result<StopSignal> {
    Ok(StopSignals::listen()?.next().await)
}
