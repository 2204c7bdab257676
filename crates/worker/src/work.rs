//! The computing part of a worker, without network or ledger: trains a round, or replays another device's.

use std::{ops::ControlFlow, sync::Arc};

use model::{Activations, instructions::Isa};
use tokio::time::Instant;
use units::{DeviceId, Digest};
use verification::{Comparison, Job, JobError, Outcome, RunSpec, Spare, StepReport};

/// All inputs of one device's round.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    /// The run's specification.
    pub(crate) spec: Arc<RunSpec>,
    /// The round.
    pub(crate) round: u32,
    /// The device whose round it is: this one, or an audited one.
    pub(crate) device: DeviceId,
    /// Parameters at the start of the round.
    pub(crate) base: Arc<Vec<f32>>,
    /// The assigned shards, in the order of the assignment.
    pub(crate) shards: Vec<Arc<Vec<u8>>>,
    /// Number of threads.
    pub(crate) threads: usize,
    /// Vector instructions.
    pub(crate) isa: Isa,
    /// Whether there is enough memory to keep the activations for the backward pass.
    pub(crate) activations: Activations,
    /// Where a trainer is taken from and put back.
    pub(crate) spare: Option<Arc<Spare>>,
}

impl Assignment {
    /// Returns the assigned shards.
    pub(crate) fn shards(&self) -> Vec<&[u8]> {
        self.shards.iter().map(|shard| shard.as_slice()).collect()
    }

    /// Returns the job that it is, with its [shards](Self::shards).
    pub(crate) fn job<'a>(&'a self, shards: &'a [&'a [u8]]) -> Job<'a> {
        Job {
            spec: &self.spec,
            round: self.round,
            device: self.device,
            base: &self.base,
            shards,
            threads: self.threads,
            isa: self.isa,
            activations: self.activations,
            spare: self.spare.as_deref(),
        }
    }
}

/// Progress and speed of a computation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Progress and loss.
    pub step: StepReport,
    /// Average speed in this round so far.
    pub tokens_per_second: u32,
}

/// Computes the round. `on_step` may stop it.
///
/// # Errors
/// [`JobError::CalledOff`] when `on_step` stops the round; otherwise the error of the job.
pub(crate) fn compute(
    assignment: &Assignment,
    on_step: &mut dyn FnMut(Pace) -> ControlFlow<()>,
) -> Result<Outcome, JobError> {
    paced(assignment, on_step, |job, on_step| verification::execute(job, on_step))
}

/// Computes the round as far as it leads to `leaves`. `on_step` may stop it.
///
/// # Errors
/// As [`compute`].
pub(crate) fn compare(
    assignment: &Assignment,
    leaves: &[Digest],
    on_step: &mut dyn FnMut(Pace) -> ControlFlow<()>,
) -> Result<Comparison, JobError> {
    paced(assignment, on_step, |job, on_step| verification::compare(job, leaves, on_step))
}

fn paced<T>(
    assignment: &Assignment,
    on_step: &mut dyn FnMut(Pace) -> ControlFlow<()>,
    work: impl FnOnce(&Job<'_>, &mut dyn FnMut(StepReport) -> ControlFlow<()>) -> T,
) -> T {
    let started = Instant::now();
    let tokens_per_step = assignment.spec.tokens_per_step();
    let shards = assignment.shards();
    let job = assignment.job(&shards);
    work(&job, &mut |step: StepReport| {
        let done = u64::from(step.step) * tokens_per_step * 1000;
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        let tokens_per_second = u32::try_from(done / milliseconds).unwrap_or(u32::MAX);
        on_step(Pace { step, tokens_per_second })
    })
}
