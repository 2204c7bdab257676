//! The worker's process: `gleaner join`, held down by [`agent::Hold`], started again when it ends by itself.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{ChildStderr, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::agent::{Activity, Allowance, Hold, Level, Limits, Released, Worker, WorkerStatus};
use sensors::Milliseconds;

use super::RunArgs;
use super::folders::Folders;
use crate::options::checksummed;
use crate::output::Output;

/// How long a worker may take to leave, before it is killed; below the gap that the policy takes for a sleep.
const GRACE: Duration = Duration::from_secs(4);

/// First and longest wait before a worker that ended by itself is started again, in milliseconds.
const RESTART_MS: (u64, u64) = (5_000, 600_000);

/// A worker that ran so long has not failed at once, in milliseconds.
const STEADY_MS: u64 = 120_000;

/// Bytes of a line of the worker that are kept.
const LINE_SIZE_MAX: usize = 400;

/// The worker's process.
pub(super) struct Process {
    hold: Hold,
    command: Vec<String>,
    output: Output,
    last_line: Arc<Mutex<Option<String>>>,
    started: Option<Milliseconds>,
    start_count: u64,
    wait_ms: u64,
    failed: Worker,
    fail_count: u64,
}

impl Process {
    /// Prepares a worker; none runs yet.
    pub(super) fn new(hold: Hold, args: &RunArgs, folders: &Folders, output: &Output) -> Self {
        Self {
            hold,
            command: command(args, folders),
            output: *output,
            last_line: Arc::default(),
            started: None,
            start_count: 0,
            wait_ms: RESTART_MS.0,
            failed: Worker::Ready,
            fail_count: 0,
        }
    }

    /// Returns whether it can be started, after looking whether it has ended by itself.
    pub(super) fn look(&mut self, now: Milliseconds) -> Worker {
        if let Some(started) = self.started
            && let Some(status) = self.hold.ended()
        {
            self.started = None;
            if STEADY_MS < now.since(started) {
                self.wait_ms = RESTART_MS.0;
            }
            let words = self.last_line().unwrap_or_else(|| "it said nothing".to_owned());
            let how = status.map_or_else(|| "it is gone".to_owned(), |status| status.to_string());
            self.fail(now, format!("{how}: {words}"));
        }
        if let Worker::Failed { until, .. } = self.failed
            && until <= now
        {
            self.failed = Worker::Ready;
        }
        self.failed.clone()
    }

    fn fail(&mut self, now: Milliseconds, text: String) {
        self.fail_count += 1;
        self.output.say(&format!("the worker ended: {text}"));
        self.failed = Worker::Failed { text, until: Milliseconds(now.0 + self.wait_ms) };
        self.wait_ms = (self.wait_ms * 2).min(RESTART_MS.1);
    }

    /// Does what was decided.
    pub(super) fn act(
        &mut self,
        now: Milliseconds,
        activity: Activity,
        allowance: &Allowance,
        limits: &Limits,
    ) {
        let permille = cores_permille(allowance.cores_percent);
        let level = match activity {
            Activity::Exited | Activity::Released => return self.end(),
            Activity::Frozen => Level::Frozen,
            Activity::Gentle => Level::Gentle { cores_permille: permille },
            Activity::Full => Level::Full { cores_permille: permille },
        };
        if self.started.is_none() {
            if activity == Activity::Frozen {
                return;
            }
            return self.start(now, level, limits);
        }
        // What it was told last, or that something has frozen it since.
        if self.hold.level() == Some(level) {
            return;
        }
        if let Err(error) = self.hold.apply(level) {
            // It may do more than it should: it has to go.
            self.hold.release(Duration::ZERO);
            self.started = None;
            self.fail(now, format!("it could not be held down, and was killed: {error}"));
        }
    }

    fn start(&mut self, now: Milliseconds, level: Level, limits: &Limits) {
        let mut words = self.command.clone();
        let threads = cores_permille(limits.machine.cores_percent).div_ceil(1_000).max(1);
        words.extend(["--threads".to_owned(), threads.to_string()]);
        words.extend(["--memory".to_owned(), limits.machine.memory_mib.to_string()]);
        words.extend(["--disk".to_owned(), limits.machine.disk_mib.to_string()]);
        let floor = limits.earning.floor_per_hour.0;
        if units::Wei::ZERO < floor {
            words.extend(["--min-per-hour".to_owned(), floor.to_grain()]);
        }
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        self.start_count += 1;
        match self.hold.spawn(command, level) {
            Ok(pipes) => {
                self.started = Some(now);
                if let Some(stderr) = pipes.stderr {
                    let (last, output) = (Arc::clone(&self.last_line), self.output);
                    std::thread::spawn(move || listen(stderr, &last, output));
                }
            }
            Err(error) => self.fail(now, error.to_string()),
        }
    }

    /// Lets it leave, so that its memory is free.
    pub(super) fn end(&mut self) {
        if self.started.take().is_none() {
            return;
        }
        if self.hold.release(GRACE) == Released::Killed {
            self.output.say("the worker did not leave in time, and was killed");
        }
    }

    /// Returns how often it has ended by itself.
    pub(super) fn fail_count(&self) -> u64 {
        self.fail_count
    }

    fn last_line(&self) -> Option<String> {
        self.last_line.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says how it is.
    pub(super) fn status(&self) -> WorkerStatus {
        WorkerStatus {
            process: self.started.and_then(|_| self.hold.process()),
            started: self.started,
            start_count: self.start_count,
            last_line: self.last_line(),
        }
    }

    /// Returns what holds it.
    pub(super) fn hold(&self) -> &Hold {
        &self.hold
    }
}

/// Returns the words that start a worker, without its limits.
fn command(args: &RunArgs, folders: &Folders) -> Vec<String> {
    let program = std::env::current_exe()
        .map_or_else(|_| "gleaner".to_owned(), |path| path.to_string_lossy().into_owned());
    let folder = args.data_dir.clone().unwrap_or_else(|| folders.worker.clone());
    let account = args.account.as_ref().map(checksummed).unwrap_or_default();
    let mut words = vec![program, "join".to_owned(), "--rpc".to_owned(), args.ledger.rpc.clone()];
    // Its round is saved when memory is given back, and goes on if it is still open then.
    words.push("--keep-seat".to_owned());
    words.extend(["--account".to_owned(), account]);
    words.extend(["--data-dir".to_owned(), folder.to_string_lossy().into_owned()]);
    if let Some(project) = args.project {
        words.extend(["--project".to_owned(), project.to_string()]);
    }
    words
}

/// Returns thousandths of a core, at least a tenth of one.
fn cores_permille(percent: u8) -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, |count| count.get());
    let cores = u32::try_from(cores).unwrap_or(u32::MAX / 1_000);
    (cores.saturating_mul(u32::from(percent)).saturating_mul(10)).max(100)
}

/// Repeats the worker's lines, and keeps the last.
fn listen(stderr: ChildStderr, last: &Mutex<Option<String>>, output: Output) {
    let mut lines = BufReader::new(stderr);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let limit = u64::try_from(LINE_SIZE_MAX).unwrap_or(u64::MAX);
        match lines.by_ref().take(limit).read_until(b'\n', &mut bytes) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        output.say(&line);
        // A hint belongs to the error above it.
        if !line.is_empty() && !line.starts_with("hint:") {
            *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(line);
        }
    }
}
