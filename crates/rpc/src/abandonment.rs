//! Ends work that nobody waits for any more: its request took too long, or its client has gone.
//!
//! A thread can't be stopped from outside, so the work looks by itself: between two blocks, two executions, and at
//! every read of a state. The flag belongs to the thread, not to the parameters of each method: it concerns none of
//! their results.

use crate::error::{Answer, abandoned};
use execution::CallContext;
use node::Abandonable;
use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

thread_local! {
    /// The flag of the work that this thread does.
    static CURRENT: RefCell<Arc<AtomicBool>> = RefCell::default();
}

/// Abandons the work when it is dropped.
pub(crate) struct Interest(Arc<AtomicBool>);

/// The flag of one piece of work.
pub(crate) struct Work(Arc<AtomicBool>);

/// Returns both ends.
pub(crate) fn channel() -> (Interest, Work) {
    let flag = Arc::new(AtomicBool::new(false));
    (Interest(Arc::clone(&flag)), Work(flag))
}

impl Drop for Interest {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Work {
    /// Does the work on this thread, unless it is abandoned already.
    pub(crate) fn run<T>(self, work: impl FnOnce() -> Answer<T>) -> Answer<T> {
        CURRENT.set(self.0);
        let result = check().and_then(|()| work());
        CURRENT.set(Arc::default());
        result
    }
}

/// Fails once nobody waits for the work of this thread.
pub(crate) fn check() -> Answer<()> {
    match is_abandoned() {
        true => Err(abandoned()),
        false => Ok(()),
    }
}

/// Returns whether nobody waits for the work of this thread any more.
pub(crate) fn is_abandoned() -> bool {
    CURRENT.with_borrow(|current| current.load(Ordering::Relaxed))
}

/// Calls `use_flag` with the flag of this thread's work.
pub(crate) fn watching<T>(use_flag: impl FnOnce(&AtomicBool) -> T) -> T {
    let flag = CURRENT.with_borrow(Arc::clone);
    use_flag(&flag)
}

/// Calls `execute` with a context whose state can be read only while somebody waits for the result.
pub(crate) fn watched<DB, T>(
    context: CallContext<'_, DB>,
    execute: impl FnOnce(CallContext<'_, Abandonable<'_, DB>>) -> T,
) -> T {
    let CallContext { state, rules, environment, overrides } = context;
    watching(|is_abandoned| {
        let state = Abandonable { state, is_abandoned };
        execute(CallContext { state: &state, rules, environment, overrides })
    })
}

#[cfg(test)]
mod tests;
