//! The work of one device in one round.

use std::{
    fmt,
    io::{self, Read, Write},
    ops::ControlFlow,
    sync::{Mutex, MutexGuard, PoisonError},
};

use compression::{Change, CompressError, Selection, compress};
use corpus::{BatchError, Batcher, Draw};
use model::instructions::{Checked, Isa};
use model::philox::Philox;
use model::{Activations, Config, Execution, Layout, Trainer, TrainerError};
use optimizer::{Backend, HyperParameters, Inner, MatrixParameters, Schedule};
use thiserror::Error;
use units::{DeviceId, Digest, merkle_root};

use crate::spec::{RunSpec, SelectionKind, to_usize};
use crate::unfinished::{self, NotSaved, Progress};

/// Epsilon of AdamW, which avoids a division by zero. Part of the protocol, like the rest of this file.
const EPSILON: f32 = 1e-8;

/// Muon: decay of the momentum, and the learning rate of matrices as a multiple of the learning rate. Part of the
/// protocol too.
const MATRIX: MatrixParameters = MatrixParameters { momentum: 0.95, rate: 6.0 };

/// All inputs of a device's round, and how to compute it.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// A [valid](RunSpec::validate) specification of the run.
    pub spec: &'a RunSpec,
    /// The round.
    pub round: u32,
    /// The device whose round it is: the own one, or an audited one.
    pub device: DeviceId,
    /// Parameters at the start of the round.
    pub base: &'a [f32],
    /// The assigned shards, in the order of [`corpus::assignment`].
    pub shards: &'a [&'a [u8]],
    /// Number of threads; the result does not depend on it.
    pub threads: usize,
    /// Vector instructions; the result does not depend on them.
    pub isa: Isa,
    /// Whether to keep activations or to compute them again; the result does not depend on it.
    pub activations: Activations,
    /// Where a trainer is taken from and put back; the result does not depend on it.
    pub spare: Option<&'a Spare>,
}

/// Keeps the trainer of one round for the next: its memory need not be allocated and cleared again.
#[derive(Default)]
pub struct Spare(Mutex<Option<(Config, Execution, Trainer)>>);

impl Spare {
    /// Frees what is kept.
    pub fn clear(&self) {
        self.lock().take();
    }

    /// Returns the kept trainer if it is such a one, and frees any other.
    fn take(&self, config: &Config, execution: Execution) -> Option<Trainer> {
        let (kept_config, kept_execution, trainer) = self.lock().take()?;
        (kept_config == *config && kept_execution == execution).then_some(trainer)
    }

    /// Keeps a trainer, unless another one is kept.
    fn put(&self, config: Config, execution: Execution, trainer: Trainer) {
        self.lock().get_or_insert((config, execution, trainer));
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Config, Execution, Trainer)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Spare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Spare").field(&self.lock().is_some()).finish()
    }
}

/// The result of a round.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Digests under the root: job, state at the end of each segment, update.
    pub leaves: Vec<Digest>,
    /// Merkle root of the leaves: secret until an audit.
    pub root: Digest,
    /// The encoded update.
    pub update: Vec<u8>,
    /// BLAKE3 of the encoded update.
    pub update_digest: Digest,
    /// Mean loss of the steps, in nats per token.
    pub loss_mean: f32,
    /// Tokens trained on.
    pub tokens: u64,
}

/// A round, compared with leaves.
#[derive(Clone, Debug, PartialEq)]
pub enum Comparison {
    /// The round was repeated to its end. Its update may still differ.
    Whole(Outcome),
    /// The work does not lead to this leaf, so the rest was not repeated.
    Differs {
        /// Index of the leaf.
        leaf: usize,
    },
}

/// Progress of a round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// Steps done.
    pub step: u32,
    /// Steps of this round.
    pub steps: u32,
    /// Loss of the step before its update, in nats per token.
    pub loss: f32,
}

/// Why a round has no outcome.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JobError {
    /// `on_step` asked to stop.
    #[error("stopped after step {step}")]
    CalledOff {
        /// Steps done.
        step: u32,
    },
    /// The round is outside the run.
    #[error("round {round} does not exist: the run has {rounds} rounds, counted from 0")]
    NoSuchRound {
        /// The given round.
        round: u32,
        /// Number of rounds of the run.
        rounds: u32,
    },
    /// The base has the wrong length for the model.
    #[error("base of {count} parameters, the run's model has {expected}")]
    WrongModel {
        /// Length of the base.
        count: usize,
        /// The length for the run's model.
        expected: usize,
    },
    /// The model can't be trained on this machine.
    #[error("no trainer can be built for this model")]
    Trainer(#[from] TrainerError),
    /// No batch can be drawn from the shards.
    #[error("no batch can be drawn")]
    Batch(#[from] BatchError),
    /// The loss is not finite.
    #[error("loss is not finite at step {step}: the training diverged, lower the learning rate")]
    Diverged {
        /// Steps done before it.
        step: u32,
    },
    /// The pseudo-gradient can't be compressed.
    #[error("update can't be compressed")]
    Compress(#[from] CompressError),
}

/// Trains the round, compresses its pseudo-gradient, and commits to both.
///
/// `on_step` is called after every step and may stop the round.
///
/// # Errors
/// When the job does not fit its specification, the training diverges, or `on_step` stops the round.
pub fn execute(
    job: &Job<'_>,
    on_step: &mut dyn FnMut(StepReport) -> ControlFlow<()>,
) -> Result<Outcome, JobError> {
    match resume(job, Resume::NOTHING, &mut |report, _| on_step(report))? {
        Comparison::Whole(outcome) => Ok(outcome),
        Comparison::Differs { .. } => unreachable!("there was nothing to compare with"),
    }
}

/// Trains the round as far as the work leads to `leaves`: job, state at the end of each segment, update. It stops at the
/// first state that differs.
///
/// # Errors
/// As [`execute`].
pub fn compare(
    job: &Job<'_>,
    leaves: &[Digest],
    on_step: &mut dyn FnMut(StepReport) -> ControlFlow<()>,
) -> Result<Comparison, JobError> {
    let from = Resume { leaves: Some(leaves), ..Resume::NOTHING };
    resume(job, from, &mut |report, _| on_step(report))
}

/// Returns the index of the first leaf in which two rounds differ.
#[must_use]
pub fn first_difference(own: &[Digest], others: &[Digest]) -> Option<usize> {
    (0..own.len().max(others.len())).find(|&leaf| own.get(leaf) != others.get(leaf))
}

/// What a round is continued from and compared with.
#[derive(Default)]
pub struct Resume<'a> {
    /// The leaves of [`compare`]; without them the round is trained to its end.
    pub leaves: Option<&'a [Digest]>,
    /// Saved rounds, the best one first. The first that is whole and of this job is continued, else the round begins anew.
    pub saved: Vec<&'a mut dyn Read>,
}

impl Resume<'_> {
    /// A round from its beginning to its end.
    const NOTHING: Self = Self { leaves: None, saved: Vec::new() };
}

/// A round after one of its steps.
pub struct Standing<'a> {
    training: &'a Training<'a>,
    progress: &'a Progress,
}

impl Standing<'_> {
    /// Writes all that the rest of the round depends on: [`saved_size`](crate::saved_size) bytes at most. [`resume`] continues
    /// from them, and the outcome has the same bytes.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn save(&self, to: &mut dyn Write) -> io::Result<()> {
        let (first, second) = self.training.optimizer.moments();
        unfinished::write(to, self.progress, [&self.training.parameters, first, second])
    }
}

/// As [`execute`], or as [`compare`] when there are leaves; continues a saved round. The result does not depend on whether
/// and where it was interrupted.
///
/// # Errors
/// As [`execute`].
pub fn resume(
    job: &Job<'_>,
    from: Resume<'_>,
    on_step: &mut dyn FnMut(StepReport, &Standing<'_>) -> ControlFlow<()>,
) -> Result<Comparison, JobError> {
    check(job)?;
    let Resume { leaves: expected, saved } = from;
    let differs = |leaves: &[Digest]| {
        let expected = expected?;
        (0..leaves.len()).find(|&leaf| expected.get(leaf) != leaves.get(leaf))
    };
    let (steps, segment_ends) = (job.spec.steps(job.round), job.spec.segment_ends(job.round));
    let mut progress = Progress::new(job_digest(job));
    if let Some(leaf) = differs(&progress.leaves) {
        return Ok(Comparison::Differs { leaf });
    }
    let mut training = Training::new(job)?;
    for from in saved {
        match training.restore(&progress, from) {
            Ok(restored) => {
                progress = restored;
                break;
            }
            // What was read is overwritten.
            Err(_) => training.restart(),
        }
    }
    if let Some(leaf) = differs(&progress.leaves) {
        return Ok(Comparison::Differs { leaf });
    }
    for step in progress.step..steps {
        let loss = training.step(step);
        if !loss.is_finite() {
            return Err(JobError::Diverged { step });
        }
        progress.losses += f64::from(loss);
        progress.step = step + 1;
        if segment_ends.contains(&progress.step) {
            progress.leaves.push(training.digest());
            if let Some(leaf) = differs(&progress.leaves) {
                return Ok(Comparison::Differs { leaf });
            }
        }
        let report = StepReport { step: progress.step, steps, loss };
        let standing = Standing { training: &training, progress: &progress };
        if on_step(report, &standing).is_break() {
            return Err(JobError::CalledOff { step: progress.step });
        }
    }
    training.finish(progress).map(Comparison::Whole)
}

/// Returns an outcome without doing the work, for tests that show that cheating does not pay: `made_up` replaces the
/// pseudo-gradient, and no training leads to the root. The update decodes like any other, and the inputs are the right ones:
/// they are public.
///
/// # Errors
/// When `made_up` can't be compressed.
pub fn fabricate(job: &Job<'_>, made_up: &[f32]) -> Result<Outcome, JobError> {
    let (spec, round) = (job.spec, job.round);
    let update = compress_for(spec, round, &job.device, Change::Given(made_up))?;
    let mut leaves = vec![job_digest(job)];
    leaves.resize(spec.segment_ends(round).len() + 1, Digest::of(&update));
    Ok(Outcome::new(update, leaves, 0.0, spec.tokens(round)))
}

/// Compresses a device's change; its draws follow from the run's seed, the round and the device.
fn compress_for(
    spec: &RunSpec,
    round: u32,
    device: &DeviceId,
    change: Change<'_>,
) -> Result<Vec<u8>, CompressError> {
    let mut hasher = blake3::Hasher::new_derive_key("gleaner 2026 update draws v1");
    hasher.update(&spec.seed.0).update(&round.to_le_bytes()).update(device.as_bytes());
    let philox =
        Philox::derive("gleaner 2026 update draws of a round v1", hasher.finalize().as_bytes());
    let numbers = |index| philox.block_at(index);
    let selection = match spec.selection {
        SelectionKind::Largest => Selection::Largest,
        SelectionKind::Drawn => Selection::Drawn(&numbers),
    };
    compress(change, spec.format(round), selection)
}

impl Outcome {
    /// Returns the outcome for `leaves`, which hold the digests of job and states, and adds that of the update.
    fn new(update: Vec<u8>, mut leaves: Vec<Digest>, loss_mean: f32, tokens: u64) -> Self {
        let update_digest = Digest::of(&update);
        leaves.push(update_digest);
        Self { root: merkle_root(&leaves), leaves, update, update_digest, loss_mean, tokens }
    }
}

/// The state that changes from step to step of a round.
struct Training<'a> {
    job: &'a Job<'a>,
    batcher: Batcher<'a>,
    schedule: Schedule,
    trainer: Trainer,
    optimizer: Inner,
    parameters: Vec<f32>,
    gradient: Vec<f32>,
    tokens: Vec<u8>,
    targets: Vec<u8>,
}

impl<'a> Training<'a> {
    fn new(job: &'a Job<'a>) -> Result<Self, JobError> {
        let spec = job.spec;
        let draw = Draw { seed: &spec.seed.0, round: job.round, device: &job.device };
        let batch = to_usize(spec.batch);
        let execution = execution(job);
        let spare = job.spare.and_then(|spare| spare.take(&spec.model, execution));
        Ok(Self {
            job,
            batcher: Batcher::new(draw, job.shards, spec.model.context)?,
            schedule: schedule(spec),
            trainer: spare.map_or_else(|| Trainer::new(&spec.model, execution), Ok)?,
            optimizer: optimizer(job)?,
            parameters: job.base.to_vec(),
            gradient: vec![0.0; job.base.len()],
            tokens: vec![0; batch * spec.model.context],
            targets: vec![0; batch * spec.model.context],
        })
    }

    /// Goes on where the saved round was. After an error the training is not that of any round.
    fn restore(&mut self, begun: &Progress, from: &mut dyn Read) -> Result<Progress, NotSaved> {
        let spec = self.job.spec;
        let mut reader = unfinished::Reader::new(from);
        let progress = reader.progress(&begun.leaves[0], spec, self.job.round)?;
        let (first, second) = self.optimizer.resume(progress.step);
        reader.values([&mut self.parameters, first, second])?;
        Ok(progress)
    }

    /// Goes back to the beginning of the round.
    fn restart(&mut self) {
        self.parameters.copy_from_slice(self.job.base);
        self.optimizer.reset();
    }

    /// Compresses the change of the round and commits to it.
    fn finish(self, progress: Progress) -> Result<Outcome, JobError> {
        let Self { job, parameters, trainer, .. } = self;
        if let Some(spare) = job.spare {
            spare.put(job.spec.model, execution(job), trainer);
        }
        let (spec, round) = (job.spec, job.round);
        let change = Change::Between { before: job.base, after: &parameters };
        let update = compress_for(spec, round, &job.device, change)?;
        let Progress { leaves, losses, step } = progress;
        #[expect(clippy::cast_possible_truncation, reason = "a mean of f32 losses, for people")]
        let loss_mean = (losses / f64::from(step)) as f32;
        Ok(Outcome::new(update, leaves, loss_mean, spec.tokens(round)))
    }

    /// Does one step and returns the loss before it.
    fn step(&mut self, step: u32) -> f32 {
        let Self { parameters, gradient, tokens, targets, .. } = self;
        self.batcher.fill(step, tokens, targets);
        let loss = self.trainer.loss_and_gradient(parameters, tokens, targets, gradient);
        let step_of_run = self.job.spec.steps_before(self.job.round) + step;
        let learning_rate = self.schedule.at(u64::from(step_of_run), u64::from(step));
        self.optimizer.step(parameters, gradient, learning_rate);
        loss
    }

    /// Hashes parameters and all moments, in little-endian f32.
    fn digest(&self) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key("gleaner 2026 segment state v1");
        let (first, second) = self.optimizer.moments();
        for values in [&self.parameters, first, second] {
            model::for_each_bytes(values, |bytes| {
                hasher.update(bytes);
            });
        }
        hasher.finalize().into()
    }
}

/// Hashes the inputs. It binds the root to them, so that a root computed from other inputs that happen to round to
/// the same result can't open the same seal.
fn job_digest(job: &Job<'_>) -> Digest {
    job_digest_of((job.spec, job.round), &job.device, &model::state_digest(job.base), job.shards)
}

/// Returns the first leaf of a round, of which the base is known by its digest.
#[must_use]
pub fn job_digest_of(
    (spec, round): (&RunSpec, u32),
    device: &DeviceId,
    base: &Digest,
    shards: &[&[u8]],
) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("gleaner 2026 job v2");
    hasher.update(spec.digest().as_bytes());
    hasher.update(&round.to_le_bytes());
    hasher.update(device.as_bytes());
    hasher.update(base.as_bytes());
    for shard in shards {
        hasher.update(Digest::of(shard).as_bytes());
    }
    hasher.finalize().into()
}

/// Checks that a job fits its specification and this machine, without computing anything.
///
/// # Errors
/// The one that [`execute`] would return before its first step.
pub fn check(job: &Job<'_>) -> Result<(), JobError> {
    if job.round >= job.spec.rounds {
        return Err(JobError::NoSuchRound { round: job.round, rounds: job.spec.rounds });
    }
    let expected = job.spec.model.parameter_count();
    let count = job.base.len();
    if count != expected {
        return Err(JobError::WrongModel { count, expected });
    }
    if job.threads == 0 || job.spec.batch == 0 {
        let (batch, threads) = (to_usize(job.spec.batch), job.threads);
        return Err(TrainerError::Empty { batch, threads }.into());
    }
    Checked::new(job.isa).ok_or(TrainerError::Unavailable { isa: job.isa })?;
    let draw = Draw { seed: &job.spec.seed.0, round: job.round, device: &job.device };
    Batcher::new(draw, job.shards, job.spec.model.context)?;
    Ok(())
}

fn execution(job: &Job<'_>) -> Execution {
    let &Job { threads, isa, activations, .. } = job;
    Execution { batch: to_usize(job.spec.batch), threads, isa, activations }
}

fn optimizer(job: &Job<'_>) -> Result<Inner, TrainerError> {
    let spec = job.spec;
    let hyper = HyperParameters {
        beta1: spec.beta1,
        beta2: spec.beta2,
        epsilon: EPSILON,
        weight_decay: spec.weight_decay,
        clip_norm: spec.clip_norm,
    };
    let isa = Checked::new(job.isa).ok_or(TrainerError::Unavailable { isa: job.isa })?;
    let backend = Backend { isa, threads: job.threads };
    Ok(Inner::new(spec.optimizer, &Layout::new(&spec.model), hyper, MATRIX, backend))
}

fn schedule(spec: &RunSpec) -> Schedule {
    Schedule {
        peak: spec.learning_rate,
        floor: spec.learning_rate * spec.learning_rate_floor,
        warmup_steps: spec.rise_steps.into(),
        total_steps: spec.steps_total().into(),
        ramp_steps: spec.ramp_steps.into(),
    }
}
