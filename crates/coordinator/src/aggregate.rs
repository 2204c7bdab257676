//! The coordinator's model: states, aggregation of updates, losses.

use std::sync::Arc;

use anyhow::Context as _;
use model::{Activations, Execution, Trainer, instructions::Isa};
use units::{DeviceId, Digest};
use verification::{Contribution, OuterState, OuterStepError, RunSpec};

use crate::folder::{Folder, State};

/// Size of the validation text for the losses before and during a run; only the last loss uses the whole text. Measuring takes the
/// owner's machine a third of the time of training on as much text.
const PARTIAL_LOSS_BYTES_MAX: usize = 4 << 10;

/// Most threads that aggregate.
const AGGREGATING_THREADS_MAX: usize = 8;

/// Returns the number of threads that aggregate: all workers wait meanwhile, so it is not the number that the owner gives for what goes on
/// beside training.
fn aggregating_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(AGGREGATING_THREADS_MAX))
}

/// The aggregated updates lead out of the range of numbers.
#[derive(Debug, thiserror::Error)]
#[error("the new state is not finite: lower the learning rates")]
pub(crate) struct Diverged;

/// The result of a round, already on disk.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The new state.
    pub(crate) state: Digest,
    /// The encoded outer update that leads to it.
    pub(crate) update: Vec<u8>,
    /// Number of devices whose updates were aggregated.
    pub(crate) joined: usize,
    /// Updates that could not be used, and why.
    pub(crate) rejected: Vec<(DeviceId, String)>,
}

/// Parameters and outer state after the newest round; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Aggregator {
    spec: Arc<RunSpec>,
    validation: Arc<Vec<u8>>,
    threads: usize,
    isa: Isa,
    parameters: Arc<Vec<f32>>,
    outer: Arc<OuterState>,
}

impl Aggregator {
    /// Returns the state before the first round; `threads` and `isa` are used to measure losses.
    pub(crate) fn initial(
        spec: &Arc<RunSpec>,
        validation: Arc<Vec<u8>>,
        (threads, isa): (usize, Isa),
    ) -> Self {
        let parameters = model::initial_parameters(&spec.model, &spec.seed.0);
        let outer = Arc::new(OuterState::new(parameters.len()));
        Self {
            spec: Arc::clone(spec),
            validation,
            threads,
            isa,
            parameters: Arc::new(parameters),
            outer,
        }
    }

    /// Loads a state from disk.
    pub(crate) fn resume(&mut self, folder: &Folder, state: &Digest) -> anyhow::Result<()> {
        let kept = folder.state(state)?;
        let parameters = model::params_from_bytes(&self.spec.model, &kept.parameters)
            .context("the parameters on disk are damaged")?;
        self.outer = Arc::new(OuterState::from_bytes(&kept.outer, parameters.len())?);
        self.parameters = Arc::new(parameters);
        Ok(())
    }

    /// Forgets the momentum of the outer step, which is not public: where another coordinator, or another run, goes on from
    /// the same parameters, it starts from zero.
    pub(crate) fn rest(&mut self) {
        self.outer = Arc::new(OuterState::new(self.parameters.len()));
    }

    /// Goes on from the same state by another specification, whose model must be the same.
    pub(crate) fn respecify(&mut self, spec: &Arc<RunSpec>) {
        self.spec = Arc::clone(spec);
    }

    /// Returns the state's digest.
    pub(crate) fn digest(&self) -> Digest {
        model::state_digest(&self.parameters)
    }

    /// Returns the parameters.
    pub(crate) fn parameters(&self) -> &Arc<Vec<f32>> {
        &self.parameters
    }

    /// Returns the state as it is written to disk.
    pub(crate) fn state(&self) -> State {
        State { parameters: model::params_to_bytes(&self.parameters), outer: self.outer.to_bytes() }
    }

    /// Aggregates a round's updates into the next state. On `Err` nothing has changed.
    pub(crate) fn advance(
        &mut self,
        round: u32,
        updates: &[(DeviceId, Vec<u8>)],
    ) -> anyhow::Result<Step> {
        let contributions: Vec<_> = updates
            .iter()
            .map(|(device, encoded)| Contribution { device: *device, encoded })
            .collect();
        let advanced = verification::advance(
            &self.spec,
            round,
            &self.parameters,
            &self.outer,
            &contributions,
            aggregating_threads(),
        );
        let advanced = match advanced {
            Err(OuterStepError::Compress(_)) => return Err(Diverged.into()),
            advanced => advanced?,
        };
        let mut values = advanced.parameters.iter().chain(&advanced.state.momentum);
        if !values.all(|value| value.is_finite()) {
            return Err(Diverged.into());
        }
        self.parameters = Arc::new(advanced.parameters);
        self.outer = Arc::new(advanced.state);
        let rejected =
            advanced.rejected.into_iter().map(|(device, error)| (device, error.to_string()));
        Ok(Step {
            state: self.digest(),
            update: advanced.encoded,
            joined: advanced.joined.len(),
            rejected: rejected.collect(),
        })
    }

    /// Returns the validation loss in nats per byte, over the whole text; `None` if the text is not here.
    pub(crate) fn loss(&self) -> anyhow::Result<Option<f64>> {
        self.evaluate(&self.validation)
    }

    /// Returns the validation loss over the beginning of the text: faster, for display.
    pub(crate) fn partial_loss(&self) -> anyhow::Result<Option<f64>> {
        let least = self.spec.model.context.saturating_add(1);
        self.evaluate(
            &self.validation[..self.validation.len().min(PARTIAL_LOSS_BYTES_MAX.max(least))],
        )
    }

    fn evaluate(&self, text: &[u8]) -> anyhow::Result<Option<f64>> {
        if text.is_empty() {
            return Ok(None);
        }
        let batch = usize::try_from(self.spec.batch)?;
        let execution = Execution {
            batch,
            threads: self.threads,
            isa: self.isa,
            activations: Activations::Recompute, // no backward pass: memory for one layer is enough
        };
        let mut trainer = Trainer::new(&self.spec.model, execution)?;
        let loss = verification::evaluate(&self.spec, &self.parameters, text, &mut trainer)?;
        Ok(Some(loss))
    }
}
