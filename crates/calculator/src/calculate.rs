//! The interface, and its simplest form.

use std::{
    fmt,
    ops::ControlFlow,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::time::Instant;
use verification::{Comparison, JobError, Resume, StepReport};

use crate::order::{Order, Pace};

/// Something that computes rounds.
pub trait Calculator: fmt::Debug + Send + Sync {
    /// Computes the round, or as far of it as leads to the order's leaves. It blocks, and returns [`JobError::CalledOff`] soon after
    /// `called_off` has become true. `on_step` is told of each step.
    ///
    /// # Errors
    /// The inner one is that of the job and says something about the run. The outer one says something about this machine.
    fn calculate(
        &self,
        order: Order,
        called_off: &AtomicBool,
        on_step: &mut dyn FnMut(Pace),
    ) -> anyhow::Result<Result<Comparison, JobError>>;

    /// Saves the rounds that are worth it, ends all computations and begins no other: memory is wanted back. Waits for it, for
    /// at most `patience`. Returns whether all of them have ended.
    fn give_back(&self, patience: Duration) -> bool;
}

/// Computes in the calling thread, with all rights of this process. It saves nothing.
#[derive(Clone, Copy, Debug)]
pub struct InProcess;

impl Calculator for InProcess {
    fn calculate(
        &self,
        order: Order,
        called_off: &AtomicBool,
        on_step: &mut dyn FnMut(Pace),
    ) -> anyhow::Result<Result<Comparison, JobError>> {
        let clock = Clock::start(&order);
        let shards = order.shards();
        let from = Resume { leaves: order.leaves.as_deref(), saved: Vec::new() };
        Ok(verification::resume(&order.job(&shards), from, &mut |step, _| {
            on_step(clock.pace(step));
            if called_off.load(Ordering::Relaxed) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        }))
    }

    /// There is nothing to save, and the memory is this process's.
    fn give_back(&self, _patience: Duration) -> bool {
        false
    }
}

/// Measures the speed of a computation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    begun: Instant,
    tokens_per_step: u64,
    /// Steps that an earlier computation has done.
    before: u32,
}

impl Clock {
    pub(crate) fn start(order: &Order) -> Self {
        Self { begun: Instant::now(), tokens_per_step: order.spec.tokens_per_step(), before: 0 }
    }

    /// Counts the steps from this one on.
    #[cfg(target_os = "linux")]
    pub(crate) fn resume_at(&mut self, step: u32) {
        self.before = step.saturating_sub(1);
    }

    pub(crate) fn pace(&self, step: StepReport) -> Pace {
        let steps = u64::from(step.step.saturating_sub(self.before));
        let done = steps.saturating_mul(self.tokens_per_step).saturating_mul(1000);
        let milliseconds = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let speed = u32::try_from(done / milliseconds.max(1)).unwrap_or(u32::MAX);
        Pace { step, tokens_per_second: speed }
    }
}
