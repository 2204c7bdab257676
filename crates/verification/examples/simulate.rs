//! Trains with several workers in one process, without network or ledger, to measure the effect of settings.
//!
//! ```text
//! cargo run --release -p verification --example simulate -- TEXT [workers=4] [cores=1] [every=0] [rest=0] [FIELD=VALUE …]
//! ```
//!
//! FIELD is a field of the specification (`steps_per_round=25`) or of its model (`width=128`). `every` is the number
//! of rounds between evaluations, 0 for one at the end; after `rest` rounds the outer momentum is lost, as with the
//! coordinator of a run that is taken over; `cores` is the number of workers that train at the same time.

use std::{error::Error, io::Write as _, ops::ControlFlow, path::Path, thread, time::Instant};

use corpus::{Corpus, Cut, Draw, assignment};
use model::{Activations, Execution, Trainer, instructions::Isa};
use serde_json::Value;
use units::DeviceId;
use verification::{
    Contribution, Job, Outcome, OuterState, RunSpec, Spare, advance, evaluate, execute,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

struct Options {
    spec: RunSpec,
    workers: u8,
    cores: usize,
    every: u64,
    rest: u32,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("give the path of a text")?;
    let Options { spec, workers, cores, every, rest } = parse(arguments)?;
    let corpus = Corpus::from_path(Path::new(&path), &Cut::for_context(spec.model.context))?;
    #[expect(clippy::disallowed_methods, reason = "an example may measure how long it takes")]
    let started = Instant::now();
    let mut simulation = Simulation::new(&spec, &corpus, workers);
    let batch = usize::try_from(spec.batch)?;
    let execution =
        Execution { batch, threads: cores, isa: Isa::detect(), activations: Activations::Keep };
    let mut evaluator = Trainer::new(&spec.model, execution)?;
    let mut training_seconds = 0.0;
    for round in 0..spec.rounds {
        let before = started.elapsed().as_secs_f64();
        if rest > 0 && round == rest {
            simulation.outer = OuterState::new(simulation.parameters.len());
        }
        simulation.round(round, cores)?;
        training_seconds += started.elapsed().as_secs_f64() - before;
        let done = u64::from(round) + 1;
        if done == u64::from(spec.rounds) || (every > 0 && done.is_multiple_of(every)) {
            let loss = evaluate(&spec, &simulation.parameters, corpus.evaluated(), &mut evaluator)?;
            simulation.report(round, loss, training_seconds)?;
        }
    }
    Ok(())
}

/// Returns the default options, changed by `name=value` arguments.
fn parse(arguments: impl Iterator<Item = String>) -> Result<Options> {
    let (mut workers, mut rounds, mut cores, mut every, mut rest) = (4, 24, 1, 0, 0);
    let mut fields = Vec::new();
    for argument in arguments {
        let (name, value) = argument
            .split_once('=')
            .ok_or_else(|| format!("{argument} is not an option: give name=value"))?;
        match name {
            "workers" => workers = value.parse()?,
            "rounds" => rounds = value.parse()?,
            "cores" => cores = value.parse()?,
            "every" => every = value.parse()?,
            "rest" => rest = value.parse()?,
            _ => fields.push((name.to_owned(), serde_json::from_str::<Value>(value)?)),
        }
    }
    let mut spec = serde_json::to_value(RunSpec::small(rounds, [7; 32]))?;
    for (name, value) in fields {
        let is_known = spec.get(&name).is_some();
        let place = if is_known { &mut spec } else { &mut spec["model"] };
        if place.get(&name).is_none() {
            return Err(format!("unknown option {name}: give workers, cores, every, rest, or a field of the specification or its model").into());
        }
        place[name.as_str()] = value;
    }
    let spec: RunSpec = serde_json::from_value(spec)?;
    spec.validate()?;
    Ok(Options { spec, workers, cores, every, rest })
}

struct Simulation<'a> {
    spec: &'a RunSpec,
    corpus: &'a Corpus,
    parameters: Vec<f32>,
    outer: OuterState,
    workers: u8,
    loss_mean: f32,
    size_up: usize,
    size_down: usize,
    tokens: u64,
    spare: Spare,
}

impl<'a> Simulation<'a> {
    fn new(spec: &'a RunSpec, corpus: &'a Corpus, workers: u8) -> Self {
        let parameters = model::initial_parameters(&spec.model, &spec.seed.0);
        let count = parameters.len();
        Self {
            spec,
            corpus,
            parameters,
            outer: OuterState::new(count),
            workers,
            loss_mean: 0.0,
            size_up: 0,
            size_down: 0,
            tokens: 0,
            spare: Spare::default(),
        }
    }

    /// Runs one round of all workers, `cores` of them at a time.
    fn round(&mut self, round: u32, cores: usize) -> Result<()> {
        let devices: Vec<DeviceId> =
            (0..self.workers).map(|index| DeviceId::from_bytes([index; 32])).collect();
        let mut outcomes = Vec::new();
        for devices in devices.chunks(cores) {
            let together = thread::scope(|scope| {
                let threads: Vec<_> = devices
                    .iter()
                    .map(|device| scope.spawn(|| self.train(round, *device)))
                    .collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().map_err(|_| "a worker panicked"))
                    .collect::<Vec<_>>()
            });
            for outcome in together {
                outcomes.push(outcome??);
            }
        }
        let contributions: Vec<Contribution<'_>> = devices
            .iter()
            .zip(&outcomes)
            .map(|(device, outcome)| Contribution { device: *device, encoded: &outcome.update })
            .collect();
        let advanced =
            advance(self.spec, round, &self.parameters, &self.outer, &contributions, cores)?;
        self.size_up += outcomes[0].update.len();
        self.size_down += advanced.encoded.len();
        self.tokens += outcomes.iter().map(|outcome| outcome.tokens).sum::<u64>();
        self.loss_mean = outcomes[0].loss_mean;
        self.parameters = advanced.parameters;
        self.outer = advanced.state;
        Ok(())
    }

    fn train(&self, round: u32, device: DeviceId) -> std::result::Result<Outcome, String> {
        let draw = Draw { seed: &self.spec.seed.0, round, device: &device };
        let count = usize::try_from(self.spec.shards_per_round).unwrap_or(usize::MAX);
        let shards: Vec<&[u8]> = assignment(&draw, self.corpus.shard_count(), count)
            .into_iter()
            .map(|index| self.corpus.shard(index))
            .collect();
        let job = Job {
            spec: self.spec,
            round,
            device,
            base: &self.parameters,
            shards: &shards,
            threads: 1,
            isa: Isa::detect(),
            activations: Activations::Keep,
            spare: Some(&self.spare),
        };
        execute(&job, &mut |_| ControlFlow::Continue(())).map_err(|error| format!("{error:?}"))
    }

    /// Prints one line: the losses, and by what factor less was sent than with an f32 gradient in every step.
    fn report(&self, round: u32, validation: f64, seconds: f64) -> Result<()> {
        let steps = f64::from(self.spec.steps_before(round + 1));
        let plain = steps * float(self.parameters.len()) * 4.0;
        let tokens = f64::from(u32::try_from(self.tokens)?);
        writeln!(
            std::io::stdout(),
            "round {:3}  validation {validation:.4}  last training {:.4}  steps {steps}  tokens {tokens}  \
             up {:.0}x  down {:.0}x  parameters {}  {seconds:.1} s  {:.0} tokens/s",
            round + 1,
            self.loss_mean,
            plain / float(self.size_up),
            plain / float(self.size_down),
            self.parameters.len(),
            tokens / seconds,
        )?;
        Ok(())
    }
}

fn float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::NAN, f64::from)
}
