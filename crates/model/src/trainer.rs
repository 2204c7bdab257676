//! Computes loss and gradient of a batch.

use crate::arena::{Activations, Passes, Shard};
use crate::config::{Config, ConfigError};
use crate::instructions::{Checked, Isa};
use crate::layer::{Shape, forward, head_back, layer_back, layer_forward, losses};
use crate::layout::{split, split_mut};
use crate::pool::Pool;
use crate::stopwatch::{Clock, Operator};
use crate::workers::{Bench, Crew, embedding_back, head_weights, layer_weights, share};

/// How a trainer runs. `batch` affects the result; the other fields only time and memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Execution {
    /// Largest number of sequences in a batch.
    pub batch: usize,
    /// Number of threads, the calling one included. More than `batch` speed up only the gradients of weights.
    pub threads: usize,
    /// Vector instructions; [`Isa::detect`] returns the fastest.
    pub isa: Isa,
    /// Whether to keep activations or to compute them again.
    pub activations: Activations,
}

/// Why a trainer can't be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrainerError {
    /// The model sizes are invalid.
    #[error("the model sizes are invalid")]
    Config(#[from] ConfigError),
    /// Batch or threads are 0.
    #[error("batch is {batch} and threads is {threads}: give at least 1 for each")]
    Empty {
        /// The given batch.
        batch: usize,
        /// The given number of threads.
        threads: usize,
    },
    /// The processor lacks the instructions.
    #[error("this processor has no {isa} instructions: use {}", Isa::detect())]
    Unavailable {
        /// The given instructions.
        isa: Isa,
    },
}

/// The memory and threads for training one model; allocated once.
pub struct Trainer {
    shape: Shape,
    batch: usize,
    isa: Checked,
    shards: Vec<Shard>,
    benches: Vec<Bench>,
    pool: Pool,
    activations: Activations,
}

impl Trainer {
    /// Allocates everything that a step needs.
    ///
    /// # Errors
    /// [`TrainerError`] says which argument is wrong.
    pub fn new(config: &Config, execution: Execution) -> Result<Self, TrainerError> {
        config.validate()?;
        let Execution { batch, threads, isa, activations } = execution;
        if batch == 0 || threads == 0 {
            return Err(TrainerError::Empty { batch, threads });
        }
        let checked = Checked::new(isa).ok_or(TrainerError::Unavailable { isa })?;
        let passes = Passes::ForwardAndBack(activations);
        let shards = shard_sizes(execution).map(|sequences| Shard::new(config, sequences, passes));
        Ok(Self {
            shape: Shape::new(*config),
            batch,
            isa: checked,
            shards: shards.collect(),
            benches: (0..threads).map(|_| Bench::new(config)).collect(),
            pool: Pool::new(threads),
            activations,
        })
    }

    /// Returns the number of bytes that a trainer of these sizes allocates, without allocating them; a step allocates
    /// nothing. Parameters, gradient and the state of the optimizer belong to the caller: four times four bytes per
    /// parameter with AdamW.
    #[must_use]
    pub fn memory_bytes(config: &Config, execution: Execution) -> usize {
        let passes = Passes::ForwardAndBack(execution.activations);
        let shards = shard_sizes(execution).map(|sequences| Shard::size(config, sequences, passes));
        let rotary = config.context * config.head_width();
        4 * (shards.sum::<usize>() + execution.threads * Bench::size(config) + rotary)
    }

    /// Returns the model's sizes.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.shape.config
    }

    /// Starts to measure the time of each kind of work with `clock`, from zero.
    pub fn measure(&mut self, clock: Clock) {
        self.benches.iter_mut().for_each(|bench| bench.watch.start(clock));
    }

    /// Returns the nanoseconds of each kind of work since [`Trainer::measure`], for each thread.
    pub fn spent(&self) -> impl Iterator<Item = [(Operator, u64); Operator::ALL.len()]> {
        self.benches.iter().map(|bench| bench.watch.spent())
    }

    /// Returns the mean loss in nats per token, and writes its gradient for every parameter to `gradient`.
    ///
    /// `tokens` and `targets` are `(B, T)` row-major, `B` at most the batch, `T` the context; `targets[i]` is the
    /// token after `tokens[i]`. The result depends on `B` and on the order of the sequences.
    ///
    /// # Panics
    /// On lengths that do not fit the model, and on tokens outside the vocabulary.
    pub fn loss_and_gradient(
        &mut self,
        params: &[f32],
        tokens: &[u8],
        targets: &[u8],
        gradient: &mut [f32],
    ) -> f32 {
        let Self { shape, isa, shards, benches, pool, activations, .. } = self;
        let mut crew = Crew { isa: *isa, pool, benches };
        assert_eq!(gradient.len(), params.len(), "there must be one gradient for each parameter");
        let loss = run_forward(shape, self.batch, (params, tokens, targets), shards, &mut crew);
        let config = shape.config;
        let weights = split(&config, params);
        let mut to = split_mut(&config, gradient);
        let isa = crew.isa;
        share(crew.pool, shards.iter_mut().zip(&mut *crew.benches), |shard, bench| {
            head_back(shape, &weights, shard, &mut bench.tools(isa));
        });
        head_weights(&config, &mut to, shards, &mut crew);
        for layer in (0..config.layers).rev() {
            let is_gone = *activations == Activations::Recompute && layer + 1 < config.layers;
            let weights = weights.layer(&config, layer);
            share(crew.pool, shards.iter_mut().zip(&mut *crew.benches), |shard, bench| {
                let mut tools = bench.tools(isa);
                if is_gone {
                    layer_forward(shape, layer, &weights, shard, &mut tools);
                }
                layer_back(shape, layer, &weights, shard, &mut tools);
            });
            layer_weights(&config, layer, &mut to.layer(&config, layer), shards, &mut crew);
            for shard in &mut *shards {
                let gradients = &mut shard.gradients;
                std::mem::swap(&mut gradients.output, &mut gradients.input);
            }
        }
        let mut tokens = tokens;
        crew.benches[0].watch.time(Operator::Residual, || {
            for shard in shards {
                let (here, rest) = tokens.split_at(shard.rows());
                embedding_back(config.width, here, &shard.gradients.output, to.embedding);
                tokens = rest;
            }
        });
        loss
    }

    /// Returns the mean loss in nats per token: the same bits as [`Trainer::loss_and_gradient`], without the gradient.
    ///
    /// # Panics
    /// As [`Trainer::loss_and_gradient`].
    pub fn loss(&mut self, params: &[f32], tokens: &[u8], targets: &[u8]) -> f32 {
        let Self { shape, isa, shards, benches, pool, .. } = self;
        let mut crew = Crew { isa: *isa, pool, benches };
        run_forward(shape, self.batch, (params, tokens, targets), shards, &mut crew)
    }
}

/// Returns the number of sequences in each thread's shard.
fn shard_sizes(execution: Execution) -> impl Iterator<Item = usize> {
    let Execution { batch, threads, .. } = execution;
    let most = batch.div_ceil(threads.max(1)).max(1);
    (0..batch).step_by(most).map(move |first| most.min(batch - first))
}

/// Computes the forward pass and the losses of a batch; leaves the gradient of the logits in the shards.
fn run_forward(
    shape: &Shape,
    batch: usize,
    (params, tokens, targets): (&[f32], &[u8], &[u8]),
    shards: &mut [Shard],
    crew: &mut Crew<'_>,
) -> f32 {
    let config = &shape.config;
    check_batch(config, batch, tokens, targets);
    assert_eq!(
        params.len(),
        config.parameter_count(),
        "the parameters must have the length of the model"
    );
    let weights = split(config, params);
    let scale = 1.0 / narrow(count(tokens.len()));
    let (isa, size) = (crew.isa, batch.div_ceil(crew.benches.len()) * config.context);
    for (index, shard) in shards.iter_mut().enumerate() {
        let left = tokens.len().saturating_sub(index * size);
        shard.sequences = left.min(size) / config.context;
        shard.time = config.context;
    }
    let work = shards.iter_mut().zip(tokens.chunks(size).zip(targets.chunks(size)));
    share(crew.pool, work.zip(&mut *crew.benches), |(shard, (tokens, targets)), bench| {
        let mut tools = bench.tools(isa);
        forward(shape, &weights, tokens, shard, &mut tools);
        losses(shard, targets, scale, &tools);
    });
    let losses = shards.iter().flat_map(|shard| &shard.losses[..shard.rows()]);
    let (sum, rows) = losses.fold((0.0, 0), |(sum, rows), loss| (sum + f64::from(*loss), rows + 1));
    narrow(sum / count(rows))
}

fn check_batch(config: &Config, batch: usize, tokens: &[u8], targets: &[u8]) {
    let size = tokens.len();
    assert_eq!(size, targets.len(), "there must be one target for each token");
    assert!(
        size > 0 && size.is_multiple_of(config.context) && size <= batch * config.context,
        "the batch has {size} tokens: give 1 to {batch} whole sequences of {}",
        config.context
    );
    check_tokens(config, tokens);
    check_tokens(config, targets);
}

/// Checks that all tokens are in the vocabulary.
///
/// # Panics
/// When a token is outside the vocabulary.
pub(crate) fn check_tokens(config: &Config, tokens: &[u8]) {
    let largest = tokens.iter().copied().max().map_or(0, usize::from);
    assert!(largest < config.vocabulary, "token {largest} is outside the vocabulary");
}

#[expect(clippy::cast_precision_loss, reason = "counts of tokens are below 2^53")]
fn count(tokens: usize) -> f64 {
    tokens as f64
}

#[expect(clippy::cast_possible_truncation, reason = "rounds to the nearest f32")]
fn narrow(value: f64) -> f32 {
    value as f32
}
