//! Runs long computations beside the event loop.
//!
//! Coordinator and worker are given a [`Machine`]. On a real one, [`Threads`], each computation has a thread of its own. A
//! simulated one can compute in the only thread there is, and let its clock advance by the [`Effort`].
//!
//! The crate does not know what is computed, nor how many threads it uses itself.

use std::{
    fmt, io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::oneshot;

/// How urgent a computation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// As urgent as any other of this machine.
    Usual,
    /// It uses what other programs leave idle.
    Idle,
}

/// How much there is to compute, and for how long it is wanted.
#[derive(Clone, Debug)]
pub struct Effort {
    /// What is computed, in a word: the name of its thread.
    pub name: &'static str,
    /// Number of training steps that it takes; 0 for what takes less than one.
    pub steps: u32,
    /// How urgent it is.
    pub priority: Priority,
    /// Becomes true when nobody wants the result any more. The computation itself looks at it after each step.
    pub called_off: Arc<AtomicBool>,
}

impl Effort {
    /// An effort of so many training steps, at the usual priority.
    #[must_use]
    pub fn of(steps: u32) -> Self {
        Self { name: "computation", steps, priority: Priority::Usual, called_off: Arc::default() }
    }

    /// Returns whether nobody wants the result any more.
    #[must_use]
    pub fn is_called_off(&self) -> bool {
        self.called_off.load(Ordering::Relaxed)
    }
}

/// A computation.
pub type Work = Box<dyn FnOnce() + Send>;

/// The end of a computation: done, or dropped because it was called off.
pub type Ended = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// Something that computes.
pub trait Machine: fmt::Debug + Send + Sync {
    /// Runs `work` without blocking whoever waits for it. Work that is called off may be dropped instead. It goes on when
    /// nobody waits any more.
    ///
    /// # Errors
    /// When the machine can't begin.
    fn run(&self, effort: Effort, work: Work) -> Ended;
}

/// Why a computation has no result.
#[derive(Debug, thiserror::Error)]
pub enum Interrupted {
    /// The machine could not begin.
    #[error("no thread for a computation")]
    NoThread(#[source] io::Error),
    /// Nobody wanted it any more, or it panicked.
    #[error("a computation was called off, or panicked")]
    Dropped,
}

/// Runs `work` on the machine and returns its result.
///
/// # Errors
/// [`Interrupted`].
pub async fn run<T: Send + 'static>(
    machine: &dyn Machine,
    effort: Effort,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Interrupted> {
    let (sender, mut result) = oneshot::channel();
    let work = move || {
        // Whoever has waited for it may be gone.
        let _ = sender.send(work());
    };
    machine.run(effort, Box::new(work)).await.map_err(Interrupted::NoThread)?;
    result.try_recv().map_err(|_| Interrupted::Dropped)
}

/// This machine: each computation runs in a thread of its own, since a thread's priority can't be raised again.
#[derive(Clone, Copy, Debug)]
pub struct Threads;

impl Machine for Threads {
    fn run(&self, effort: Effort, work: Work) -> Ended {
        let (sender, ended) = oneshot::channel::<()>();
        let name = effort.name;
        let computing = move || {
            if effort.priority == Priority::Idle {
                yield_to_others();
            }
            work();
            drop(sender);
        };
        let begun = std::thread::Builder::new().name(name.to_owned()).spawn(computing);
        Box::pin(async {
            begun?;
            // It says nothing but that it has ended, also when it panicked.
            let _ended = ended.await;
            Ok(())
        })
    }
}

/// Gives this thread, and those that it starts, the lowest priority.
#[cfg(target_os = "linux")]
fn yield_to_others() {
    // On Linux a priority belongs to a thread, though POSIX says to a process.
    if let Err(error) = rustix::process::setpriority_process(None, 19) {
        tracing::debug!(%error, "a computation runs at the usual priority");
    }
}

/// Elsewhere the priority belongs to the whole process, which does more than this.
#[cfg(not(target_os = "linux"))]
fn yield_to_others() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_computation_has_a_result_and_a_thread_of_its_own() {
        let here = std::thread::current().id();
        let there = run(&Threads, Effort::of(0), || std::thread::current().id()).await.unwrap();
        assert_ne!(here, there);
        let panics = run(&Threads, Effort::of(0), || panic!("as tested")).await;
        assert!(matches!(panics, Err(Interrupted::Dropped)));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn idle_work_yields_to_others_and_no_other_work_does() {
        let priority = || rustix::process::getpriority_process(None).unwrap();
        let before = priority();
        let idle = Effort { priority: Priority::Idle, ..Effort::of(0) };
        assert_eq!(run(&Threads, idle, priority).await.unwrap(), 19);
        assert_eq!(run(&Threads, Effort::of(0), priority).await.unwrap(), before);
    }

    #[tokio::test]
    async fn work_goes_on_when_nobody_waits() {
        let (sender, done) = oneshot::channel();
        let work = move || {
            std::thread::sleep(std::time::Duration::from_millis(50));
            let _ = sender.send(7);
        };
        drop(Threads.run(Effort::of(0), Box::new(work)));
        assert_eq!(done.await, Ok(7));
    }
}
