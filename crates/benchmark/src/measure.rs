//! Runs and times training steps.

use std::time::Instant;

use model::instructions::{Checked, Isa};
use model::{Activations, Execution, Layout, Trainer, TrainerError, state_digest};
use optimizer::{Backend, Inner, InnerKind};
use units::Digest;

use crate::process;
use crate::workload::{Batches, HYPER, LEARNING_RATE, MATRIX, Workload};

/// Number of steps after which the digest of the parameters is computed.
pub const DIGEST_STEPS: usize = 10;

/// A run to measure.
#[derive(Debug, Clone)]
pub struct Run {
    /// Model and batch size.
    pub workload: Workload,
    /// Batches of the same workload.
    pub batches: Batches,
    /// Number of timed steps, at least one.
    pub steps: usize,
    /// Number of threads, the calling one included.
    pub threads: usize,
    /// Vector instructions.
    pub isa: Isa,
    /// The optimizer.
    pub optimizer: InnerKind,
    /// Whether to keep activations or to compute them again.
    pub activations: Activations,
}

/// A timed step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// Steps done.
    pub step: usize,
    /// Loss before the update, in nats per token.
    pub loss: f32,
    /// Wall-clock seconds of loss, gradient and optimizer.
    pub seconds: f64,
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// All timed steps.
    pub steps: Vec<StepReport>,
    /// Tokens per step.
    pub tokens: usize,
    /// Floating-point operations per step, by [`model::Config::training_flops`]; those of the optimizer are not counted.
    pub flops: f64,
    /// CPU seconds of all threads over the timed steps, if the operating system reports them.
    pub cpu_seconds: Option<f64>,
    /// Peak memory of the process in bytes, if the operating system reports it.
    pub peak_memory_bytes: Option<u64>,
    /// Digest of the parameters after [`DIGEST_STEPS`] steps, if there were that many.
    pub digest: Option<Digest>,
}

impl Measurement {
    /// Returns the seconds of the fastest step.
    ///
    /// # Panics
    /// Never: [`run`] does at least one step.
    #[must_use]
    pub fn best_seconds(&self) -> f64 {
        self.sorted()[0]
    }

    /// Returns the median of the steps' seconds; of an even number, the lower of the two middle values.
    ///
    /// # Panics
    /// Never: [`run`] does at least one step.
    #[must_use]
    pub fn median_seconds(&self) -> f64 {
        self.sorted()[(self.steps.len() - 1) / 2]
    }

    /// Returns the tokens per second for a step of `seconds`.
    #[must_use]
    pub fn tokens_per_second(&self, seconds: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a step has far fewer than 2^53 tokens")]
        let tokens = self.tokens as f64;
        tokens / seconds
    }

    /// Returns the GFLOP/s for a step of `seconds`.
    #[must_use]
    pub fn gflops(&self, seconds: f64) -> f64 {
        self.flops / seconds / 1e9
    }

    /// Returns the mean CPU milliseconds per step.
    #[must_use]
    pub fn cpu_ms_per_step(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 steps")]
        let steps = self.steps.len() as f64;
        Some(self.cpu_seconds? * 1e3 / steps)
    }

    fn sorted(&self) -> Vec<f64> {
        let mut seconds: Vec<f64> = self.steps.iter().map(|step| step.seconds).collect();
        seconds.sort_by(f64::total_cmp);
        seconds
    }
}

/// Why nothing was measured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The number of steps is 0.
    #[error("steps is 0: give at least 1")]
    NoSteps,
    /// The trainer could not be built.
    #[error("no trainer can be built for this workload")]
    Trainer(#[from] TrainerError),
}

/// Trains the workload and times every step; calls `on_step` after each, outside the timed part.
///
/// # Errors
/// When there are no steps, or the trainer can't be built.
pub fn run(run: &Run, on_step: &mut dyn FnMut(StepReport)) -> Result<Measurement, RunError> {
    if run.steps == 0 {
        return Err(RunError::NoSteps);
    }
    let mut training = Training::new(run)?;
    // Touches all memory; the result is discarded.
    training.step(0);
    training.restart();
    let (mut steps, mut digest) = (Vec::with_capacity(run.steps), None);
    let cpu_before = process::cpu_seconds();
    for step in 0..run.steps {
        training.read(step);
        let before = now();
        let loss = training.train();
        let report = StepReport { step: step + 1, loss, seconds: before.elapsed().as_secs_f64() };
        steps.push(report);
        on_step(report);
        if report.step == DIGEST_STEPS {
            digest = Some(state_digest(&training.params));
        }
    }
    let cpu_after = process::cpu_seconds();
    Ok(Measurement {
        steps,
        tokens: run.workload.tokens(),
        flops: run.workload.config.training_flops(run.workload.tokens()),
        cpu_seconds: cpu_after.zip(cpu_before).map(|(after, before)| after - before),
        peak_memory_bytes: process::peak_memory_bytes(),
        digest,
    })
}

/// Returns the default execution of a trainer.
pub(crate) fn execution(workload: &Workload, threads: usize, isa: Isa) -> Execution {
    Execution { batch: workload.batch, threads, isa, activations: Activations::Keep }
}

/// The state that changes from step to step.
struct Training<'a> {
    run: &'a Run,
    trainer: Trainer,
    optimizer: Inner,
    params: Vec<f32>,
    gradient: Vec<f32>,
    tokens: Vec<u8>,
    targets: Vec<u8>,
}

impl<'a> Training<'a> {
    fn new(run: &'a Run) -> Result<Self, TrainerError> {
        let workload = &run.workload;
        let params = workload.initial_parameters();
        let isa = Checked::new(run.isa).ok_or(TrainerError::Unavailable { isa: run.isa })?;
        let backend = Backend { isa, threads: run.threads };
        let layout = Layout::new(&workload.config);
        let execution = execution(workload, run.threads, run.isa);
        let execution = Execution { activations: run.activations, ..execution };
        Ok(Self {
            run,
            trainer: Trainer::new(&workload.config, execution)?,
            optimizer: Inner::new(run.optimizer, &layout, HYPER, MATRIX, backend),
            gradient: vec![0.0; params.len()],
            params,
            tokens: Vec::new(),
            targets: Vec::new(),
        })
    }

    fn restart(&mut self) {
        self.params = self.run.workload.initial_parameters();
        self.optimizer.reset();
    }

    fn step(&mut self, step: usize) -> f32 {
        self.read(step);
        self.train()
    }

    fn read(&mut self, step: usize) {
        self.run.batches.fill(step, &mut self.tokens, &mut self.targets);
    }

    fn train(&mut self) -> f32 {
        let Self { trainer, optimizer, params, gradient, tokens, targets, .. } = self;
        let loss = trainer.loss_and_gradient(params, tokens, targets, gradient);
        optimizer.step(params, gradient, LEARNING_RATE);
        loss
    }
}

#[expect(clippy::disallowed_methods, reason = "this crate measures time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Size;

    #[test]
    fn a_run_counts_its_steps_and_learns() {
        let workload = Size::Tiny.workload();
        let batches = Batches::of_noise(workload);
        let isa = Isa::detect();
        let optimizer = InnerKind::AdamW;
        let activations = Activations::Keep;
        let what = Run { workload, batches, steps: 12, threads: 2, isa, optimizer, activations };
        let mut heard = 0;
        let found = run(&what, &mut |report| heard = report.step).unwrap();
        assert_eq!((heard, found.steps.len(), found.tokens), (12, 12, 128));
        assert!(found.steps[11].loss < found.steps[0].loss, "{:?}", found.steps);
        assert!(found.best_seconds() <= found.median_seconds());
        assert!(found.digest.is_some());
        let lean = Run { threads: 1, activations: Activations::Recompute, ..what.clone() };
        let again = run(&lean, &mut |_| {}).unwrap();
        assert_eq!(again.digest, found.digest);
        assert_eq!(run(&Run { steps: 0, ..what }, &mut |_| {}), Err(RunError::NoSteps));
    }
}
