//! A run of training steps, and how fast it was.

use std::time::Instant;

use model::instructions::{Checked, Isa};
use model::{Activations, Execution, Layout, Trainer, TrainerError, state_digest};
use optimizer::{Inner, InnerKind, Means};
use units::Digest;

use crate::process;
use crate::workload::{Batches, HYPER, LEARNING_RATE, MATRIX, Workload};

/// After so many steps the digest of the parameters is taken.
pub const DIGEST_STEPS: usize = 10;

/// What to run.
#[derive(Debug, Clone)]
pub struct Run {
    /// Model and batch size.
    pub workload: Workload,
    /// What it reads; of the same workload.
    pub batches: Batches,
    /// Steps to time, at least one.
    pub steps: usize,
    /// Threads, the calling one included.
    pub threads: usize,
    /// Vector instructions.
    pub isa: Isa,
    /// What moves the parameters.
    pub optimizer: InnerKind,
    /// Time or memory.
    pub activations: Activations,
}

/// A timed step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// Steps done.
    pub step: usize,
    /// Loss before the update, in nats a token.
    pub loss: f32,
    /// Wall-clock seconds of loss, gradient and optimizer.
    pub seconds: f64,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// Every timed step.
    pub steps: Vec<StepReport>,
    /// Tokens of a step.
    pub tokens: usize,
    /// Floating-point operations of a step, by [`model::Config::training_flops`]; those of the optimizer are not counted.
    pub flops: f64,
    /// Processor seconds of all threads over the timed steps, where the system says.
    pub cpu_seconds: Option<f64>,
    /// Most memory the process ever held, in bytes, where the system says.
    pub peak_memory_bytes: Option<u64>,
    /// Digest of the parameters after [`DIGEST_STEPS`], if there were as many.
    pub digest: Option<Digest>,
}

impl Measurement {
    /// Seconds of the quickest step.
    ///
    /// # Panics
    /// Never: [`run`] makes at least one step.
    #[must_use]
    pub fn best_seconds(&self) -> f64 {
        self.sorted()[0]
    }

    /// Seconds of the step in the middle; of an even number, the quicker of two.
    ///
    /// # Panics
    /// Never: [`run`] makes at least one step.
    #[must_use]
    pub fn median_seconds(&self) -> f64 {
        self.sorted()[(self.steps.len() - 1) / 2]
    }

    /// Tokens a second, for a step of so many seconds.
    #[must_use]
    pub fn tokens_per_second(&self, seconds: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a step has far fewer than 2^53 tokens")]
        let tokens = self.tokens as f64;
        tokens / seconds
    }

    /// Billions of operations a second, for a step of so many seconds.
    #[must_use]
    pub fn gflops(&self, seconds: f64) -> f64 {
        self.flops / seconds / 1e9
    }

    /// Processor milliseconds a step, the mean.
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
    /// Nothing to time.
    #[error("0 steps measure nothing: give at least 1")]
    NoSteps,
    /// The model can't be trained here.
    #[error("no trainer for this workload")]
    Trainer(#[from] TrainerError),
}

/// Trains the workload and times every step; `on_step` hears of each, outside the time.
///
/// # Errors
/// When there are no steps, or the trainer can't be made.
pub fn run(run: &Run, on_step: &mut dyn FnMut(StepReport)) -> Result<Measurement, RunError> {
    if run.steps == 0 {
        return Err(RunError::NoSteps);
    }
    let mut training = Training::new(run)?;
    // Touches all memory; its result is thrown away.
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

/// How a trainer runs here unless told otherwise.
pub(crate) fn execution(workload: &Workload, threads: usize, isa: Isa) -> Execution {
    Execution { batch: workload.batch, threads, isa, activations: Activations::Keep }
}

/// All that changes from step to step.
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
        let means = Means { isa, threads: run.threads };
        let layout = Layout::new(&workload.config);
        let execution = execution(workload, run.threads, run.isa);
        let execution = Execution { activations: run.activations, ..execution };
        Ok(Self {
            run,
            trainer: Trainer::new(&workload.config, execution)?,
            optimizer: Inner::new(run.optimizer, &layout, HYPER, MATRIX, means),
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

#[expect(clippy::disallowed_methods, reason = "measuring is what the crate is for")]
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
