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

/// How long it goes on at most where its threads do not run all the time.
const WALL_MAX: Duration = Duration::from_secs(30);

/// Largest number of steps of a measurement.
const STEPS_MAX: u32 = 10_000;

/// How a run is computed on this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    pub(crate) threads: usize,
    pub(crate) isa: Isa,
    pub(crate) activations: Activations,
}

/// By which time a speed is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// By the clock on the wall.
    Wall,
    /// By the time in which the threads of this process ran; by the clock on the wall where the system does not say it.
    Processor,
}

/// Returns the number of tokens per second that this machine trains on. The text and the parameters are made up: the
/// time does not depend on them. The first step is not counted unless it is the only one, since it also pays for
/// memory that is new.
///
/// # Errors
/// [`JobError`] when the specification can't be computed.
pub(crate) fn measure(spec: &RunSpec, machine: Machine, clock: Clock) -> Result<u64, JobError> {
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
    let begun = now();
    let threads = u32::try_from(machine.threads).unwrap_or(1).max(1);
    let ran = (clock == Clock::Processor).then(processor_time).flatten();
    let time = || match ran.zip(processor_time()) {
        Some((before, after)) => after.saturating_sub(before) / threads,
        None => now().duration_since(begun),
    };
    let (mut first, mut last, mut steps) = (Duration::ZERO, Duration::ZERO, 0);
    let result = verification::execute(&job, &mut |step: StepReport| {
        (last, steps) = (time(), step.step);
        if step.step == 1 {
            first = last;
        }
        match last < BUDGET && now().duration_since(begun) < WALL_MAX {
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
        0 | 1 => (1, last),
        more => (u64::from(more - 1), last.saturating_sub(first)),
    };
    let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
    Ok(counted.saturating_mul(trial.tokens_per_step()).saturating_mul(1_000_000) / microseconds)
}

#[expect(clippy::disallowed_methods, reason = "the speed of a machine is wall-clock speed")]
fn now() -> Instant {
    Instant::now()
}

/// Returns how long the threads of this process have run, if the system says it.
fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    ran(&text)
}

/// Reads user and system time of a process, in hundredths of a second (`proc(5)`, fields 14 and 15). Its name may contain anything.
fn ran(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(Duration::from_millis(user.checked_add(system)?.checked_mul(10)?))
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
        let [tiny, small] = [tiny, small].map(|spec| measure(&spec, machine, Clock::Wall).unwrap());
        assert!(0 < small && small * 2 < tiny, "{small} and {tiny} tokens per second");
        let held = measure(&RunSpec::small(4, [7; 32]), machine, Clock::Processor).unwrap();
        assert!(0 < held, "{held}");
    }

    #[test]
    fn the_time_of_a_process_is_read_whatever_its_name() {
        let text = "42 (a) R 1 (b) S 1 42 42 0 -1 4194304 1 2 3 4 150 25 7 8 20 0 3 0 9 10 11";
        assert_eq!(ran(text), Some(Duration::from_millis(1_750)));
        for wrong in ["", "42 (a", "42 (a) S 1 42", "42 (a) S 1 42 42 0 -1 0 1 2 3 4 x 25"] {
            assert_eq!(ran(wrong), None, "{wrong}");
        }
    }
}
