//! The parent's side: starts a child, gives it the order, and reads its answers.

mod memory;
mod serve;
mod unfinished;

pub use serve::serve;
pub use unfinished::Unfinished;

use std::{
    fs::File,
    io::{self, BufReader, Read, Write as _},
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::{net::UnixStream, process::ExitStatusExt as _},
    },
    path::PathBuf,
    process::{self, Command, Stdio},
    sync::{
        Condvar, Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use sandbox::Report;
use thiserror::Error;
use tokio::time::Instant;
use units::{Digest, merkle_root};
use verification::{Comparison, JobError, Outcome};

use crate::{
    calculate::{Calculator, Clock},
    codec::{self, Answer, Done, Expected, Nonsense},
    order::{Order, Pace},
};

/// How often the parent looks whether the result is still wanted.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How often a round is saved that nobody has asked to save: so much work a kill can cost.
const SAVE_EVERY: Duration = Duration::from_secs(60);

/// How long a child may take to say which rights it has given up.
const PROTECTIONS_MAX: Duration = Duration::from_secs(10);

/// How long a child may take to save and end. A step must end first.
const ENDING_MAX: Duration = Duration::from_secs(30);

/// What a child may use, as flags of its command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Memory that it may write to, in bytes.
    pub memory: u64,
    /// Size of a saved round, in bytes.
    pub file: u64,
}

/// Computes each round in a child of its own.
#[derive(Debug)]
pub struct Child {
    /// The program to start: this one.
    program: PathBuf,
    /// Returns the arguments of its command that [serves](serve).
    arguments: fn(Needs) -> Vec<String>,
    /// Memory that a child may write to, in bytes.
    memory_max: u64,
    unfinished: Option<Unfinished>,
    save_every: Duration,
    gives_back: AtomicBool,
    running: Mutex<usize>,
    has_ended: Condvar,
    /// Says once what is in force.
    said: Once,
}

/// Why a child gave no result.
#[derive(Debug, Error)]
pub enum ChildError {
    /// It said something else than an answer.
    #[error("the computing process broke its protocol: {reason}")]
    Nonsense {
        /// What it said.
        reason: String,
    },
    /// It ended without a result.
    #[error("the computing process ended without a result: {how}")]
    Ended {
        /// By which status or signal.
        how: String,
    },
    /// It met an internal error.
    #[error("the computing process could not go on: {reason}")]
    Broken {
        /// Its own words.
        reason: String,
    },
    /// Its outcome is not one of the ordered round.
    #[error("the computing process returned the outcome of another round: {what} differs")]
    Other {
        /// What differs.
        what: &'static str,
    },
}

impl Child {
    /// Returns the calculator that starts this program once more, with `arguments`. A child may use so much memory, and its rounds are
    /// saved in `unfinished`.
    #[must_use]
    pub fn new(
        arguments: fn(Needs) -> Vec<String>,
        memory_max: u64,
        unfinished: Option<Unfinished>,
    ) -> Self {
        // Also after the program's file was replaced by a later version.
        let program = PathBuf::from("/proc/self/exe");
        Self {
            program,
            arguments,
            memory_max,
            unfinished,
            save_every: SAVE_EVERY,
            gives_back: AtomicBool::new(false),
            running: Mutex::new(0),
            has_ended: Condvar::new(),
            said: Once::new(),
        }
    }

    /// As [`Self::new`], with another program.
    #[must_use]
    pub fn of_program(self, program: PathBuf) -> Self {
        Self { program, ..self }
    }

    /// As [`Self::new`], with rounds saved so often: a kill costs no more work than that.
    #[must_use]
    pub fn saving_every(self, save_every: Duration) -> Self {
        Self { save_every, ..self }
    }

    fn running(&self) -> MutexGuard<'_, usize> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, report: &Report) {
        self.said.call_once(|| {
            if report.is_whole() {
                tracing::info!(%report, "protections of the computing process");
            } else {
                tracing::warn!(%report, "the computing process is not fully confined");
            }
        });
    }

    /// Starts a child that computes nothing, and returns which rights it could give up.
    ///
    /// # Errors
    /// When it can't be started, or does not say.
    pub fn protections(&self) -> anyhow::Result<Report> {
        let mut running = self.open(&[0.0], &[], 0)?;
        running.socket.set_read_timeout(Some(PROTECTIONS_MAX))?;
        let nothing = Expected { steps: 0, leaves: 0, update_max: 0, parameters: 0 };
        match codec::read_answer(&mut running.socket, &nothing) {
            Ok(Answer::Ready(report)) => Ok(report),
            Ok(answer) => Err(ChildError::Nonsense { reason: format!("{answer:?}") }.into()),
            Err(Nonsense::Gone(error)) => Err(running.gone(error)),
            Err(nonsense) => Err(nonsense.into()),
        }
    }

    /// Starts a child and gives it the order.
    fn start(&self, order: &Order, slots: &[File]) -> anyhow::Result<Running> {
        let file = match slots.is_empty() {
            true => 0,
            false => verification::saved_size(&order.spec),
        };
        let mut running = self.open(&order.base, slots, file)?;
        running.socket.set_read_timeout(Some(LOOK_EVERY))?;
        let sent = codec::write_order(&mut running.socket, order);
        sent.map_err(|error| running.gone(error))?;
        Ok(running)
    }

    /// Starts a child that has the parameters and files, and waits for an order. It may write files of so many bytes.
    fn open(&self, base: &[f32], slots: &[File], file: u64) -> anyhow::Result<Running> {
        let base = memory::share(base).context("no shared memory for the parameters")?;
        let (socket, theirs) = UnixStream::pair().context("no connection to a child")?;
        let child = Command::new(&self.program)
            .args((self.arguments)(Needs { memory: self.memory_max, file }))
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("the computing process can't be started")?;
        let mut running = Running { child, socket };
        let mut handed = vec![base.as_fd()];
        handed.extend(slots.iter().map(std::os::fd::AsFd::as_fd));
        memory::hand_over(&running.socket, &handed).map_err(|error| running.gone(error))?;
        Ok(running)
    }

    /// Computes the order in a child.
    fn compute(
        &self,
        order: Order,
        (first_leaf, slots): (Digest, &[File]),
        called_off: &AtomicBool,
        on_step: &mut dyn FnMut(Pace),
    ) -> anyhow::Result<Result<Comparison, JobError>> {
        let running = self.start(&order, slots)?;
        let expected = Expected::of(&order.spec, order.round);
        let mut clock = Clock::start(&order);
        let tokens = order.spec.tokens(order.round);
        // The child has them.
        let order = Order { shards: Vec::new(), ..order };
        let watch = Watch {
            running,
            gives_back: &self.gives_back,
            called_off,
            is_saved: !slots.is_empty(),
            saved: Instant::now(),
            save_every: self.save_every,
            asked: 0,
            ending: None,
        };
        let mut answers = BufReader::new(watch);
        let (mut last, mut is_ready) = (0, false);
        loop {
            let answer = match codec::read_answer(&mut answers, &expected) {
                Ok(answer) => answer,
                Err(_) if answers.get_ref().is_unwanted() => {
                    return Ok(Err(JobError::CalledOff { step: last }));
                }
                Err(Nonsense::Gone(error)) => return Err(answers.get_mut().running.gone(error)),
                Err(nonsense) => {
                    let reason = format!("{:#}", anyhow::Error::from(nonsense));
                    return Err(ChildError::Nonsense { reason }.into());
                }
            };
            match answer {
                Answer::Ready(report) if !is_ready => {
                    is_ready = true;
                    self.say(&report);
                }
                Answer::Saved(step) if answers.get_ref().asked > 0 && step == last => {
                    answers.get_mut().asked -= 1;
                }
                Answer::Ready(_) | Answer::Saved(_) => {
                    let reason = format!("{answer:?} that nobody has asked for");
                    return Err(ChildError::Nonsense { reason }.into());
                }
                Answer::Paced(step) => {
                    if step.step <= last {
                        let reason = format!("step {} after step {last}", step.step);
                        return Err(ChildError::Nonsense { reason }.into());
                    }
                    if last == 0 {
                        clock.resume_at(step.step);
                        let done = step.step.saturating_sub(1);
                        tracing::info!(
                            round = order.round,
                            done,
                            "a round goes on after so many steps"
                        );
                    }
                    last = step.step;
                    on_step(clock.pace(step));
                }
                Answer::Whole(done) => {
                    let outcome = checked(done, first_leaf, tokens)?;
                    return Ok(Ok(Comparison::Whole(outcome)));
                }
                Answer::Differs(leaf) => return Ok(Ok(Comparison::Differs { leaf })),
                Answer::Failed(error) => return Ok(Err(error)),
                Answer::Broken(reason) => return Err(ChildError::Broken { reason }.into()),
            }
        }
    }
}

/// Returns the outcome, with everything that follows from its bytes computed here.
fn checked(done: Done, first_leaf: Digest, tokens: u64) -> Result<Outcome, ChildError> {
    let Done { leaves, update, loss_mean } = done;
    let update_digest = Digest::of(&update);
    if leaves.first() != Some(&first_leaf) {
        return Err(ChildError::Other { what: "the digest of the inputs" });
    }
    if leaves.last() != Some(&update_digest) {
        return Err(ChildError::Other { what: "the digest of the update" });
    }
    let root = merkle_root(&leaves);
    Ok(Outcome { leaves, root, update, update_digest, loss_mean, tokens })
}

impl Calculator for Child {
    fn calculate(
        &self,
        order: Order,
        called_off: &AtomicBool,
        on_step: &mut dyn FnMut(Pace),
    ) -> anyhow::Result<Result<Comparison, JobError>> {
        let shards = order.shards();
        // What a child could find wrong before its first step is found here, so it needs no words for it.
        if let Err(error) = verification::check(&order.job(&shards)) {
            return Ok(Err(error));
        }
        let first_leaf = order.first_leaf();
        let _counted = Counted::begin(self);
        if self.gives_back.load(Ordering::Relaxed) {
            return Ok(Err(JobError::CalledOff { step: 0 }));
        }
        let unfinished = self.unfinished.as_ref().filter(|_| order.is_saved);
        let size = verification::saved_size(&order.spec);
        let slots = unfinished.map_or_else(Vec::new, |files| files.open(&first_leaf, size));
        let result = self.compute(order, (first_leaf, &slots), called_off, on_step);
        // A round that is interrupted is continued; one that has ended in another way is not, if somebody still hears of it.
        let is_interrupted = match &result {
            _ if self.gives_back.load(Ordering::Relaxed) => true,
            Ok(Err(JobError::CalledOff { .. })) => true,
            Ok(_) => false,
            Err(error) => matches!(error.downcast_ref(), Some(ChildError::Ended { .. })),
        };
        if let Some(files) = unfinished.filter(|_| !is_interrupted) {
            files.clear();
        }
        result
    }

    fn give_back(&self, patience: Duration) -> bool {
        self.gives_back.store(true, Ordering::Relaxed);
        let is_running = |running: &mut usize| *running > 0;
        let waited = self.has_ended.wait_timeout_while(self.running(), patience, is_running);
        *waited.unwrap_or_else(PoisonError::into_inner).0 == 0
    }
}

/// Counts a computation until it is dropped.
struct Counted<'a>(&'a Child);

impl<'a> Counted<'a> {
    fn begin(child: &'a Child) -> Self {
        *child.running() += 1;
        Self(child)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        *self.0.running() -= 1;
        self.0.has_ended.notify_all();
    }
}

/// A child that is killed and waited for when this is dropped.
struct Running {
    child: process::Child,
    socket: UnixStream,
}

impl Running {
    /// Returns why a child is gone.
    fn gone(&mut self, error: io::Error) -> anyhow::Error {
        // After a failure of the connection it may still run.
        let _may_have_ended = self.child.kill();
        let how = match self.child.wait() {
            Ok(status) => match status.signal() {
                Some(signal) => format!("signal {signal}"),
                None => status.to_string(),
            },
            Err(error) => error.to_string(),
        };
        anyhow::Error::from(error).context(ChildError::Ended { how })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads from a child, and looks now and then whether the result is wanted and whether the round is to be saved.
struct Watch<'a> {
    running: Running,
    gives_back: &'a AtomicBool,
    called_off: &'a AtomicBool,
    is_saved: bool,
    /// When the round was begun, or its saving was asked for.
    saved: Instant,
    save_every: Duration,
    /// How often the child may still say that it has saved. A step may take longer than the pause between two requests.
    asked: u32,
    /// Until when the child must have ended.
    ending: Option<Instant>,
}

impl Watch<'_> {
    /// Whether the end of the child is no failure.
    fn is_unwanted(&self) -> bool {
        self.called_off.load(Ordering::Relaxed) || self.gives_back.load(Ordering::Relaxed)
    }

    /// # Errors
    /// When the result is not wanted any more.
    fn look(&mut self) -> io::Result<()> {
        if self.gives_back.load(Ordering::Relaxed) && self.is_saved {
            match self.ending {
                None => {
                    self.ending = Some(Instant::now() + ENDING_MAX);
                    self.asked += 1;
                    return self.running.socket.write_all(&[codec::END]);
                }
                Some(ending) if Instant::now() < ending => return Ok(()),
                Some(_) => return Err(io::ErrorKind::TimedOut.into()),
            }
        }
        if self.is_unwanted() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if self.is_saved && self.asked == 0 && self.saved.elapsed() >= self.save_every {
            (self.saved, self.asked) = (Instant::now(), 1);
            return self.running.socket.write_all(&[codec::SAVE]);
        }
        Ok(())
    }
}

impl Read for Watch<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // A child that says much keeps nothing else waiting.
            self.look().map_err(io::Error::other)?;
            match self.running.socket.read(buffer) {
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock
                            | io::ErrorKind::TimedOut
                            | io::ErrorKind::Interrupted
                    ) => {}
                other => return other,
            }
        }
    }
}
