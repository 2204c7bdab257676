//! Holds a worker down, so that the machine's owner does not notice it.
//!
//! A worker runs in a control group of its own if this process may make one, and at the lowest priorities that any user may choose in any case.
//! It can be frozen within a few milliseconds, limited to a part of the processor, and ended; it ends with this process.
//!
//! 1. [`Hold::new`] makes the groups, and says with [`Hold::protections`] what holds and what is missing.
//! 2. [`Hold::spawn`] starts the worker. It is held down before its program begins.
//! 3. [`Hold::apply`] sets how much it may do. [`Freezer::freeze`] can be called at any time from another thread.
//! 4. [`Hold::release`] asks it to write a checkpoint and to end, and kills it if it does not. Dropping a `Hold` kills it at once.
//!
//! What is held down is the processor, memory, disks and the order in which the kernel ends processes. Rights are taken away elsewhere.
//! Not protected: the other thread of a core, caches, memory bandwidth and heat, which the kernel does not divide.

mod child;
mod groups;
mod holder;
mod processes;
mod protections;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::hold::groups::{Groups, Hurry};
use crate::hold::holder::Holder;
pub use crate::hold::protections::{Protection, Standing};

/// How long is waited until every process of a group says that it stands still.
const FREEZE_MAX: Duration = Duration::from_millis(50);

/// The shortest time in a period of the processor's quota, in microseconds: the kernel takes no less.
const QUOTA_MICROSECONDS_MIN: u64 = 1_000;

/// What a worker is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldOptions {
    /// The folder that holds `proc` and `sys`: `/`, except in tests.
    pub root: PathBuf,
    /// Whether to make control groups.
    pub cgroups: Cgroups,
    /// The memory above which a worker is slowed down and its pages are taken back, in bytes.
    pub memory_bytes_max: Option<u64>,
}

/// Whether to make control groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cgroups {
    /// If this process may.
    Use,
    /// Not at all.
    Without,
}

/// How much a worker may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// As much as nobody else wants, up to so many cores.
    Full {
        /// Thousandths of a core.
        cores_permille: u32,
    },
    /// The same in slices of a few milliseconds, and without raising the clock of the processor.
    Gentle {
        /// Thousandths of a core.
        cores_permille: u32,
    },
    /// Nothing. Its memory stays.
    Frozen,
}

/// What a worker's program is connected to, as far as its command asked for pipes.
#[derive(Debug)]
pub struct Pipes {
    /// Its standard input.
    pub stdin: Option<ChildStdin>,
    /// Its standard output.
    pub stdout: Option<ChildStdout>,
    /// Its standard error.
    pub stderr: Option<ChildStderr>,
}

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Released {
    /// There was none.
    Nothing,
    /// By itself, within the grace.
    Ended(ExitStatus),
    /// It was killed when the grace was over.
    Killed,
}

/// Why a worker could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// One is there already.
    #[error("a worker runs already: release it first")]
    Running,
    /// The system refused.
    #[error("the worker cannot be started: {0}")]
    System(io::Error),
}

/// Why a worker could not be given a level.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The kernel refused a value.
    #[error("{}: {error}", path.display())]
    File {
        /// The file that was written.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// Processes did not stop.
    #[error("processes {processes:?} of the worker did not stop")]
    Running {
        /// Their numbers.
        processes: Vec<i32>,
    },
}

/// Holds one worker down.
#[derive(Debug)]
pub struct Hold {
    inner: Arc<Inner>,
    holder: Holder,
    protections: Vec<Protection>,
}

/// Freezes a worker from any thread.
#[derive(Clone, Debug)]
pub struct Freezer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    groups: Groups,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    leader: Option<Pid>,
    level: Level,
    is_ending: bool,
}

impl Hold {
    /// Makes the worker's groups. What cannot be made is told by [`Self::protections`].
    #[must_use]
    pub fn new(options: &HoldOptions) -> Self {
        let groups = match options.cgroups {
            Cgroups::Use => Groups::make(&options.root, std::process::id()),
            Cgroups::Without => Groups {
                reasons: vec!["control groups are switched off".into()],
                ..Groups::default()
            },
        };
        groups.prepare(options.memory_bytes_max);
        let protections = protections::list(&groups, options.memory_bytes_max);
        let state = State { leader: None, level: Level::Frozen, is_ending: false };
        let inner = Inner { root: options.root.clone(), groups, state: Mutex::new(state) };
        Self { inner: Arc::new(inner), holder: Holder::begin(), protections }
    }

    /// Says what protects the owner from the worker, what is missing, and how to grant it.
    #[must_use]
    pub fn protections(&self) -> &[Protection] {
        &self.protections
    }

    /// Returns the worker's control group of version 2, whose pressure is not that of others.
    #[must_use]
    pub fn cgroup(&self) -> Option<&Path> {
        self.inner.groups.unified.as_deref()
    }

    /// Returns what freezes the worker from another thread.
    #[must_use]
    pub fn freezer(&self) -> Freezer {
        Freezer(Arc::clone(&self.inner))
    }

    /// Starts a worker at a level. Its group thaws, since a program cannot begin in a frozen one.
    ///
    /// It begins at the lowest priority, so on a busy machine this takes a while, and a [`Freezer`] waits for it.
    ///
    /// # Errors
    /// [`SpawnError`], and no worker runs.
    pub fn spawn(&mut self, command: Command, level: Level) -> Result<Pipes, SpawnError> {
        if self.ended().is_none() {
            return Err(SpawnError::Running);
        }
        let mut state = self.inner.lock();
        self.inner.thaw(&mut state);
        let groups = self.inner.groups.folders().cloned().collect();
        let (leader, pipes) = self.holder.start(command, groups).map_err(SpawnError::System)?;
        *state = State { leader: Some(leader), level: Level::Frozen, is_ending: false };
        if let Err(error) = self.inner.apply(&mut state, level) {
            drop(state);
            self.end(Duration::ZERO);
            return Err(SpawnError::System(io::Error::other(error.to_string())));
        }
        Ok(pipes)
    }

    /// Returns the number of the worker's first process, while it runs.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        let leader = self.inner.lock().leader?;
        u32::try_from(leader.as_raw_nonzero().get()).ok()
    }

    /// Returns how much the worker may do now, which a [`Freezer`] may have changed; `None` if there is none.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        let state = self.inner.lock();
        state.leader.map(|_| state.level)
    }

    /// Sets how much the worker may do, and returns when that is so.
    ///
    /// # Errors
    /// [`ApplyError`]: the worker may do more than it should; release it.
    pub fn apply(&self, level: Level) -> Result<(), ApplyError> {
        self.inner.apply(&mut self.inner.lock(), level)
    }

    /// Takes back memory that the worker does not need at once, up to `bytes`. Does nothing where no group limits memory.
    pub fn reclaim(&self, bytes: u64) {
        if let Some(folder) = &self.inner.groups.unified {
            // The kernel answers "again" if it found less than was asked for.
            let _less = groups::put(&folder.join("memory.reclaim"), &bytes.to_string());
        }
    }

    /// Returns how the worker ended: `None` while it runs, `Some(None)` if there was none.
    pub fn ended(&mut self) -> Option<Option<ExitStatus>> {
        if self.inner.lock().leader.is_none() {
            return Some(None);
        }
        let status = self.holder.ended()?;
        self.end(Duration::ZERO);
        Some(Some(status))
    }

    /// Sets the memory above which a worker is slowed down, in bytes; `None` for no bound.
    pub fn set_memory_max(&self, bytes: Option<u64>) {
        self.inner.groups.prepare(bytes);
    }

    /// Asks the worker to give up its seat and to end (`SIGINT`), and returns at once: [`Self::ended`] says when it has.
    pub fn ask_to_leave(&self) {
        if let Some(leader) = self.inner.lock().leader {
            // It may have ended by itself.
            let _gone = kill_process(leader, Signal::INT);
        }
    }

    /// Asks the worker to write its checkpoint and to end (`SIGTERM`), waits up to `grace`, and kills what is left.
    ///
    /// Meanwhile it runs at its last limits, and [`Freezer::freeze`] does nothing: a frozen worker could not end.
    pub fn release(&mut self, grace: Duration) -> Released {
        if self.inner.lock().leader.is_none() {
            return Released::Nothing;
        }
        self.end(grace)
    }

    fn end(&mut self, grace: Duration) -> Released {
        let mut state = self.inner.lock();
        let Some(leader) = state.leader else { return Released::Nothing };
        state.is_ending = true;
        if !grace.is_zero() {
            // It may have ended by itself.
            let _gone = kill_process(leader, Signal::TERM);
            self.inner.thaw(&mut state);
            drop(state);
            wait(leader, grace);
            state = self.inner.lock();
        }
        let status = self.holder.ended();
        self.inner.groups.hurry(Hurry::Begin);
        self.inner.kill(leader);
        // A frozen group dies too; one of version 1 has to thaw first.
        self.inner.thaw(&mut state);
        self.holder.reap();
        self.inner.groups.hurry(Hurry::End);
        state.leader = None;
        status.map_or(Released::Killed, Released::Ended)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.end(Duration::ZERO);
        self.inner.groups.remove();
    }
}

impl Freezer {
    /// Freezes the worker: when this returns, it executes no instruction of its program any more. Does nothing if none runs, or if it is about to end.
    ///
    /// # Errors
    /// [`ApplyError`], as for [`Hold::apply`].
    pub fn freeze(&self) -> Result<(), ApplyError> {
        let mut state = self.0.lock();
        if state.leader.is_none() || state.is_ending {
            return Ok(());
        }
        self.0.apply(&mut state, Level::Frozen)
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, state: &mut State, level: Level) -> Result<(), ApplyError> {
        match level {
            Level::Frozen => self.freeze(state)?,
            Level::Full { cores_permille } => {
                self.limit(state, cores_permille, 100_000, "max")?;
                self.thaw(state);
            }
            Level::Gentle { cores_permille } => {
                self.limit(state, cores_permille, 20_000, "50")?;
                self.thaw(state);
            }
        }
        state.level = level;
        Ok(())
    }

    /// Sets the processor's quota, or the cores that may be used where there is no group for it.
    fn limit(
        &self,
        state: &State,
        cores_permille: u32,
        period: u64,
        clamp: &str,
    ) -> Result<(), ApplyError> {
        let quota = (u64::from(cores_permille) * period / 1000).max(QUOTA_MICROSECONDS_MIN);
        if let Some(folder) =
            self.groups.unified.as_ref().filter(|_| self.groups.unified_has("cpu.max"))
        {
            // Absent in kernels without it; then clocks follow the load.
            let _absent = groups::put(&folder.join("cpu.uclamp.max"), clamp);
            return write(&folder.join("cpu.max"), &format!("{quota} {period}"));
        }
        if let Some(folder) = &self.groups.cpu {
            // The quota may not exceed what the period of before allows, so it is lifted first.
            write(&folder.join("cpu.cfs_quota_us"), "-1")?;
            write(&folder.join("cpu.cfs_period_us"), &period.to_string())?;
            return write(&folder.join("cpu.cfs_quota_us"), &quota.to_string());
        }
        if let Some(leader) = state.leader {
            processes::use_cores(&self.root, leader, cores_permille);
        }
        Ok(())
    }

    /// Freezes the worker.
    ///
    /// From the moment that the kernel has marked a process, it runs no instruction of its program: what is on a core is interrupted, and what is not
    /// stops when it next would. A process of lowest priority can be kept waiting for that by others, holding what it holds in the kernel; so the
    /// group is given the usual weight, and all of its quota, until all its processes stand still.
    fn freeze(&self, state: &State) -> Result<(), ApplyError> {
        if self.groups.unified_has("cgroup.freeze")
            && let Some(folder) = &self.groups.unified
        {
            self.groups.hurry(Hurry::Begin);
            let written = write(&folder.join("cgroup.freeze"), "1");
            until_frozen(folder);
            self.groups.hurry(Hurry::End);
            return written;
        }
        if let Some(folder) = &self.groups.freezer {
            self.groups.hurry(Hurry::Begin);
            let written = write(&folder.join("freezer.state"), "FROZEN");
            until_frozen_first_version(folder);
            self.groups.hurry(Hurry::End);
            return written;
        }
        match state.leader {
            Some(leader) => processes::stop(&self.root, leader)
                .map_err(|processes| ApplyError::Running { processes }),
            None => Ok(()),
        }
    }

    fn thaw(&self, state: &mut State) {
        if self.groups.unified_has("cgroup.freeze")
            && let Some(folder) = &self.groups.unified
        {
            // Writing what it is already is no error; the group is ours.
            let _ours = groups::put(&folder.join("cgroup.freeze"), "0");
        } else if let Some(folder) = &self.groups.freezer {
            let _ours = groups::put(&folder.join("freezer.state"), "THAWED");
        } else if let Some(leader) = state.leader {
            processes::resume(&self.root, leader);
        }
    }

    fn kill(&self, leader: Pid) {
        processes::kill(&self.root, leader);
        for folder in self.groups.folders() {
            groups::kill(folder);
        }
    }
}

fn write(path: &Path, value: &str) -> Result<(), ApplyError> {
    groups::put(path, value).map_err(|error| ApplyError::File { path: path.to_path_buf(), error })
}

/// Waits until every process of a group stands still, but not for ever: it is marked already. The kernel reports the change of `cgroup.events`.
fn until_frozen(folder: &Path) {
    let path = folder.join("cgroup.events");
    let Ok(file) = fs::File::open(&path) else { return };
    let timeout = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
    for _ in 0..FREEZE_MAX.as_millis() / 10 {
        let text = fs::read_to_string(&path).unwrap_or_default();
        if text.lines().any(|line| line == "frozen 1") {
            return;
        }
        let mut changes = [PollFd::new(&file, PollFlags::PRI)];
        // Interrupted or timed out: the file is read again.
        let _either = poll(&mut changes, Some(&timeout));
    }
}

fn until_frozen_first_version(folder: &Path) {
    for _ in 0..FREEZE_MAX.as_millis() {
        let text = fs::read_to_string(folder.join("freezer.state")).unwrap_or_default();
        if text.trim() != "FREEZING" {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until a child has ended, at most so long. It stays a zombie, so its number stays its own.
fn wait(process: Pid, time: Duration) {
    let timeout = Timespec::try_from(time).unwrap_or(Timespec { tv_sec: 3600, tv_nsec: 0 });
    match pidfd_open(process, PidfdFlags::empty()) {
        Ok(handle) => {
            let mut ends = [PollFd::new(&handle, PollFlags::IN)];
            let _either = rustix::io::retry_on_intr(|| poll(&mut ends, Some(&timeout)));
        }
        // Before Linux 5.3 nobody tells: it is killed when the grace is over.
        Err(_) => std::thread::sleep(time),
    }
}

#[cfg(test)]
mod tests;
