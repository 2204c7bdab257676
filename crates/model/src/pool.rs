//! A pool of permanent threads, so that a phase of a step costs a wake-up and no allocation.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// The work that every thread of a pool does once, the calling one included.
type Work<'a> = &'a (dyn Fn() + Sync);

/// The calling thread and a number of others, which wait for work and end with the pool.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// Number of calls of [`Pool::run`].
    round: u64,
    work: Option<Work<'static>>,
    /// Number of threads, without the calling one, that have not finished this round.
    busy: usize,
    has_panicked: bool,
    is_closing: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `is_over` returns true.
    fn wait(&self, is_over: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let waited = self.changed.wait_while(self.lock(), |state| !is_over(state));
        waited.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    /// Returns a pool of `threads`, the calling one included.
    pub(crate) fn new(threads: usize) -> Self {
        let state = State { round: 0, work: None, busy: 0, has_panicked: false, is_closing: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let one = |_| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || serve(&shared))
        };
        Self { threads: (1..threads).map(one).collect(), shared }
    }

    /// Runs `work` once on every thread and returns when all have finished.
    ///
    /// # Panics
    /// When `work` panics on any thread, after all have finished.
    pub(crate) fn run(&mut self, work: Work<'_>) {
        if self.threads.is_empty() {
            return work();
        }
        #[expect(unsafe_code, reason = "a permanent thread can only borrow what outlives it")]
        // SAFETY: no thread uses the reference after this function: each uses it once per round and then lowers
        // `busy`; below, this function waits for `busy` to reach zero and removes the reference, whether or not its
        // own call of `work` panics.
        let lent = unsafe { std::mem::transmute::<Work<'_>, Work<'static>>(work) };
        {
            let mut state = self.shared.lock();
            state.round += 1;
            state.work = Some(lent);
            state.busy = self.threads.len();
        }
        self.shared.changed.notify_all();
        let result = catch_unwind(AssertUnwindSafe(work));
        let mut state = self.shared.wait(|state| state.busy == 0);
        state.work = None;
        let has_panicked = std::mem::take(&mut state.has_panicked);
        drop(state);
        if let Err(panic) = result {
            resume_unwind(panic);
        }
        assert!(!has_panicked, "a thread of the pool panicked: its message is above");
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().is_closing = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            thread.join().expect("panics of work are caught");
        }
    }
}

/// Runs one thread of a pool.
fn serve(shared: &Shared) {
    let mut seen = 0;
    loop {
        let state = shared.wait(|state| state.is_closing || state.round != seen);
        if state.is_closing {
            return;
        }
        seen = state.round;
        let work = state.work.expect("a round has work until all have finished");
        drop(state);
        let result = catch_unwind(AssertUnwindSafe(work));
        let mut state = shared.lock();
        state.has_panicked |= result.is_err();
        state.busy -= 1;
        let is_last = state.busy == 0;
        drop(state);
        if is_last {
            shared.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Checks that every thread runs the work exactly once.
    #[test]
    fn work_runs_once_on_every_thread() {
        for threads in [1, 2, 5] {
            let mut pool = Pool::new(threads);
            for _ in 0..50 {
                let (pooled, scoped) = (AtomicUsize::new(0), AtomicUsize::new(0));
                let count = |counter: &AtomicUsize| counter.fetch_add(1, Ordering::Relaxed);
                pool.run(&|| {
                    count(&pooled);
                });
                thread::scope(|scope| {
                    (0..threads).for_each(|_| {
                        scope.spawn(|| count(&scoped));
                    });
                });
                assert_eq!(pooled.into_inner(), scoped.into_inner());
            }
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
        let mut pool = Pool::new(3);
        let caller = thread::current().id();
        for on_caller in [true, false] {
            let result = catch_unwind(AssertUnwindSafe(|| {
                pool.run(&|| {
                    assert!((thread::current().id() == caller) != on_caller, "on purpose")
                });
            }));
            assert!(result.is_err());
            pool.run(&|| {});
        }
    }
}
