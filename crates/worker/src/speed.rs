//! Measures how fast this machine trains a model: with the model, batch and threads of the run itself.

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use model::{Activations, instructions::Isa};
use units::DeviceId;
use verification::{Job, JobError, RunSpec, StepReport};

/// How long the measurement goes on; a first step that takes longer is finished.
const BUDGET: Duration = Duration::from_millis(700);

/// Largest number of steps of a measurement.
const STEPS_MAX: u32 = 10_000;

/// How a run is computed on this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    pub(crate) threads: usize,
    pub(crate) isa: Isa,
    pub(crate) activations: Activations,
}

/// Returns the number of tokens per second that this machine trains on. The text and the parameters are made up: the
/// time does not depend on them. The first step is not counted unless it is the only one, since it also pays for
/// memory that is new.
///
/// # Errors
/// [`JobError`] when the specification can't be computed.
pub(crate) fn measure(spec: &RunSpec, machine: Machine) -> Result<u64, JobError> {
    let trial = RunSpec {
        rounds: 1,
        warmup_rounds: 0,
        steps_per_round: STEPS_MAX,
        segments: 1,
        shards_per_round: 1,
        // Whatever the run's is: a diverging loss would end the measurement.
        learning_rate: 1e-8,
        ..spec.clone()
    };
    let base = model::initial_parameters(&trial.model, &trial.seed.0);
    let window = trial.model.context.saturating_add(1);
    let text: Vec<u8> =
        (0..window.saturating_mul(4)).map(|at| (at % 251).to_le_bytes()[0]).collect();
    let shards: [&[u8]; 1] = [&text];
    let job = Job {
        spec: &trial,
        round: 0,
        device: DeviceId::from_bytes([0; 32]),
        base: &base,
        shards: &shards,
        threads: machine.threads,
        isa: machine.isa,
        activations: machine.activations,
        spare: None,
    };
    let started = now();
    let (mut first, mut last, mut steps) = (started, started, 0);
    let result = verification::execute(&job, &mut |step: StepReport| {
        (last, steps) = (now(), step.step);
        if step.step == 1 {
            first = last;
        }
        match last.duration_since(started) < BUDGET {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    });
    match result {
        // What was trained on does not matter, nor whether it diverged.
        Ok(_) | Err(JobError::CalledOff { .. } | JobError::Diverged { .. }) => {}
        Err(error) => return Err(error),
    }
    let (counted, took) = match steps {
        0 | 1 => (1, last.duration_since(started)),
        more => (u64::from(more - 1), last.duration_since(first)),
    };
    let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
    Ok(counted.saturating_mul(trial.tokens_per_step()).saturating_mul(1_000_000) / microseconds)
}

#[expect(clippy::disallowed_methods, reason = "the speed of a machine is wall-clock speed")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten times the work takes longer, whatever the machine: nothing else is known about a machine that tests.
    #[test]
    fn a_larger_model_is_slower() {
        let machine = Machine { threads: 1, isa: Isa::detect(), activations: Activations::Keep };
        let small = RunSpec::small(4, [7; 32]);
        let tiny = RunSpec {
            model: model::Config {
                layers: 1,
                width: 32,
                heads: 2,
                context: 64,
                hidden: 64,
                ..small.model
            },
            ..small.clone()
        };
        let [tiny, small] = [tiny, small].map(|spec| measure(&spec, machine).unwrap());
        assert!(0 < small && small * 2 < tiny, "{small} and {tiny} tokens per second");
    }
}
