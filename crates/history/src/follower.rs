//! The index as a node uses it: opened and advanced by a thread of its own.

use crate::{
    error::IndexError,
    index::{Index, Options, Progress},
    view::View,
};
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{JoinHandle, Thread},
    time::{Duration, Instant},
};
use store::{Reader, StoreError};

/// Least pause between two steps: what blocks come meanwhile are taken in together.
const PAUSE_MIN: Duration = Duration::from_millis(5);
/// Longest pause between two steps.
const PAUSE_MAX: Duration = Duration::from_millis(200);
/// How often the log says how far building is.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// The index of a node's ledger, for whoever asks. It is written by a [`Follower`].
pub struct History {
    directory: PathBuf,
    options: Options,
    index: OnceLock<Index>,
    status: Mutex<Status>,
    /// The ledger has changed since it was last looked at.
    is_stale: AtomicBool,
    is_stopping: AtomicBool,
    /// That of the [`Follower`].
    thread: OnceLock<Thread>,
}

/// How far the index is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Its file is being opened.
    Opening,
    /// Blocks are still to be added.
    Building(Progress),
    /// It held every block of the ledger when it last looked.
    Current(Progress),
    /// It has stopped; the node works without it.
    Failed {
        /// What happened.
        reason: String,
    },
}

/// Why the index does not answer.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// The node's owner has switched it off.
    #[error("this node keeps no history index: its owner can start it with --index")]
    Disabled,
    /// It has not read the ledger yet.
    #[error("the history index is being opened: ask again in a moment")]
    Opening,
    /// It has stopped.
    #[error("the history index has stopped: {reason}")]
    Failed {
        /// What happened.
        reason: String,
    },
    /// It cannot be read.
    #[error(transparent)]
    Index(#[from] IndexError),
}

impl History {
    /// An index in `directory`, opened once a [`Follower`] starts.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>, options: Options) -> Self {
        Self {
            directory: directory.into(),
            options,
            index: OnceLock::new(),
            status: Mutex::new(Status::Opening),
            is_stale: AtomicBool::new(true),
            is_stopping: AtomicBool::new(false),
            thread: OnceLock::new(),
        }
    }

    /// Says that the ledger has changed. Takes no lock: the thread of the lowest priority that follows could hold it for long.
    pub fn notify(&self) {
        self.is_stale.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// How far the index is.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status_lock().clone()
    }

    /// What it is set to hold.
    #[must_use]
    pub fn options(&self) -> Options {
        self.options
    }

    /// The index with the ledger as `reader` gives it, which is called after the index was looked at.
    ///
    /// # Errors
    /// [`Unavailable`]
    pub fn view(
        &self,
        reader: impl FnOnce() -> Result<Arc<Reader>, StoreError>,
    ) -> Result<View, Unavailable> {
        if let Status::Failed { reason } = self.status() {
            return Err(Unavailable::Failed { reason });
        }
        let index = self.index.get().ok_or(Unavailable::Opening)?;
        let snapshot = index.snapshot()?.ok_or(Unavailable::Opening)?;
        Ok(snapshot.view(reader().map_err(IndexError::from)?)?)
    }

    fn status_lock(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_status(&self, status: Status) {
        *self.status_lock() = status;
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    fn fail(&self, error: &dyn std::error::Error) {
        let reason = chain(error);
        tracing::error!(reason, "the history index has stopped; the node goes on without it");
        self.set_status(Status::Failed { reason });
    }

    /// Follows the ledger until it is stopped.
    fn follow(
        &self,
        reader: &impl Fn() -> Result<Arc<Reader>, StoreError>,
    ) -> Result<(), IndexError> {
        let opened = Index::open(&self.directory, self.options)?;
        let index = self.index.get_or_init(|| opened);
        let mut build = Build::default();
        while self.wait_for_change() {
            let started = now();
            let progress = index.advance(&*reader()?)?;
            build.report(&progress);
            if progress.is_behind {
                self.is_stale.store(true, Ordering::SeqCst);
                self.set_status(Status::Building(progress));
            } else {
                self.set_status(Status::Current(progress));
            }
            self.pause(started.elapsed().clamp(PAUSE_MIN, PAUSE_MAX));
        }
        index.sync()
    }

    /// Waits until the ledger has changed; false when it is time to stop.
    fn wait_for_change(&self) -> bool {
        while !self.is_stopping() {
            if self.is_stale.swap(false, Ordering::SeqCst) {
                return true;
            }
            std::thread::park();
        }
        false
    }

    /// Waits so long, however often it is woken, unless it is time to stop.
    fn pause(&self, length: Duration) {
        let started = now();
        while !self.is_stopping() {
            let left = length.saturating_sub(started.elapsed());
            if left.is_zero() {
                return;
            }
            std::thread::park_timeout(left);
        }
    }
}

/// What the log says while many blocks are added.
#[derive(Default)]
struct Build {
    reported: Option<Instant>,
}

impl Build {
    fn report(&mut self, progress: &Progress) {
        let Progress { first, next, head, is_behind } = *progress;
        match self.reported {
            None if is_behind => {
                tracing::info!(next, head, "the history index is being built");
                self.reported = Some(now());
            }
            Some(last) if is_behind && last.elapsed() >= REPORT_INTERVAL => {
                tracing::info!(next, head, "the history index is being built");
                self.reported = Some(now());
            }
            Some(_) if !is_behind => {
                tracing::info!(first, head, "the history index is complete");
                self.reported = None;
            }
            _ => {}
        }
    }
}

/// The thread that writes a [`History`]. Dropping it stops it, after the step it is at.
pub struct Follower {
    history: Arc<History>,
    thread: Option<JoinHandle<()>>,
}

impl Follower {
    /// Starts following the ledger that `reader` shows, which should take no lock that block production waits for. A failure is logged, and told by [`History::status`].
    #[must_use]
    pub fn start(
        history: &Arc<History>,
        reader: impl Fn() -> Result<Arc<Reader>, StoreError> + Send + 'static,
    ) -> Self {
        let own = Arc::clone(history);
        let thread = std::thread::Builder::new().name("history".to_owned()).spawn(move || {
            yield_to_others();
            // Before its first look at what is to be done: whoever wakes it later finds it.
            let _ = own.thread.set(std::thread::current());
            let _guard = FailOnPanic(&own);
            if let Err(error) = own.follow(&reader) {
                own.fail(&error);
            }
        });
        let thread = thread.inspect_err(|error| history.fail(error)).ok();
        Self { history: Arc::clone(history), thread }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.history.is_stopping.store(true, Ordering::SeqCst);
        // It may not have begun yet; it looks at `is_stopping` before it sleeps.
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
        let ended = self.thread.take().map(JoinHandle::join);
        if ended.is_some_and(|ended| ended.is_err()) {
            tracing::error!("the history index stopped: internal error");
        }
    }
}

/// Says so when the thread ends by a mistake of its own.
struct FailOnPanic<'a>(&'a History);

impl Drop for FailOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let reason = "internal error: the log says where".to_owned();
            self.0.set_status(Status::Failed { reason });
        }
    }
}

/// Lets every other thread of the machine go first.
fn yield_to_others() {
    // On Linux the priority is the calling thread's. Without it the pauses still leave half of the time to others.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, 19) {
        tracing::debug!(%error, "the history index runs at the usual priority");
    }
}

/// An error with what caused it, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[expect(clippy::disallowed_methods, reason = "this measures how long a step took")]
fn now() -> Instant {
    Instant::now()
}
