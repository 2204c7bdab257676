//! Loss and gradient of a batch.

use crate::arena::{Passes, Shard};
use crate::config::{Config, ConfigError};
use crate::instructions::{Checked, Isa};
use crate::layer::{Shape, forward, head_back, layer_back, losses};
use crate::layout::{split, split_mut};
use crate::stopwatch::{Clock, Operator};
use crate::workers::{Bench, embedding_back, head_weights, layer_weights, share};

/// How a trainer runs. `batch` shapes the result; `threads` and `isa` change the time only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Execution {
    /// Sequences in one batch at most.
    pub batch: usize,
    /// Threads, the calling one included. More than `batch` help only with the gradients of weights.
    pub threads: usize,
    /// Vector instructions; [`Isa::detect`] finds the fastest.
    pub isa: Isa,
}

/// Why a trainer can't be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrainerError {
    /// The sizes make no model.
    #[error("model sizes are wrong")]
    Config(#[from] ConfigError),
    /// Batch or threads are zero.
    #[error("a trainer needs at least 1 sequence and 1 thread, got {batch} and {threads}")]
    Empty {
        /// Sequences asked for.
        batch: usize,
        /// Threads asked for.
        threads: usize,
    },
    /// The processor lacks the instructions.
    #[error("this processor has no {isa} instructions: use {}", Isa::detect())]
    Unavailable {
        /// The instructions asked for.
        isa: Isa,
    },
}

/// The memory and the threads' tools for training one model; allocated once.
pub struct Trainer {
    shape: Shape,
    batch: usize,
    isa: Checked,
    shards: Vec<Shard>,
    benches: Vec<Bench>,
}

impl Trainer {
    /// Allocates everything a step needs.
    ///
    /// # Errors
    /// [`TrainerError`] says which argument is wrong.
    pub fn new(config: &Config, execution: Execution) -> Result<Self, TrainerError> {
        config.validate()?;
        let Execution { batch, threads, isa } = execution;
        if batch == 0 || threads == 0 {
            return Err(TrainerError::Empty { batch, threads });
        }
        let checked = Checked::new(isa).ok_or(TrainerError::Unavailable { isa })?;
        let per_shard = batch.div_ceil(threads);
        let shards = (0..batch).step_by(per_shard);
        let shards = shards
            .map(|first| Shard::new(config, per_shard.min(batch - first), Passes::ForwardAndBack));
        Ok(Self {
            shape: Shape::new(*config),
            batch,
            isa: checked,
            shards: shards.collect(),
            benches: (0..threads).map(|_| Bench::new(config)).collect(),
        })
    }

    /// The model's sizes.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.shape.config
    }

    /// From now on counts the time of each kind of work on `clock`, from zero.
    pub fn measure(&mut self, clock: Clock) {
        self.benches.iter_mut().for_each(|bench| bench.watch.start(clock));
    }

    /// Nanoseconds that each kind of work took since [`Trainer::measure`], for each thread.
    pub fn spent(&self) -> impl Iterator<Item = [(Operator, u64); Operator::ALL.len()]> {
        self.benches.iter().map(|bench| bench.watch.spent())
    }

    /// Mean loss in nats a token, and its gradient for every parameter, into `gradient` (overwritten).
    ///
    /// `tokens` and `targets` are `(B, T)` row-major, `B` at most the batch, `T` the context; `targets[i]` is what follows `tokens[i]`.
    /// `B` is part of the result, and so is the order of the sequences.
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
        let Self { shape, isa, shards, benches, .. } = self;
        assert_eq!(gradient.len(), params.len(), "one gradient for each parameter");
        let loss =
            run_forward(shape, (self.batch, *isa), (params, tokens, targets), shards, benches);
        let config = shape.config;
        let weights = split(&config, params);
        let mut to = split_mut(&config, gradient);
        share(shards.iter_mut().zip(&mut *benches), |shard, bench| {
            head_back(shape, &weights, shard, &mut bench.tools(*isa));
        });
        head_weights(&config, &mut to, shards, (*isa, benches));
        for (layer, weights) in weights.layers.iter().enumerate().rev() {
            share(shards.iter_mut().zip(&mut *benches), |shard, bench| {
                layer_back(shape, layer, weights, shard, &mut bench.tools(*isa));
            });
            layer_weights(&config, layer, &mut to.layers[layer], shards, (*isa, benches));
            for shard in &mut *shards {
                let gradients = &mut shard.gradients;
                std::mem::swap(&mut gradients.output, &mut gradients.input);
            }
        }
        let mut tokens = tokens;
        benches[0].watch.time(Operator::Residual, || {
            for shard in shards {
                let (here, rest) = tokens.split_at(shard.rows());
                embedding_back(config.width, here, &shard.gradients.output, to.embedding);
                tokens = rest;
            }
        });
        loss
    }

    /// Mean loss in nats a token: the same bits as from [`Trainer::loss_and_gradient`], without the gradient.
    ///
    /// # Panics
    /// As [`Trainer::loss_and_gradient`].
    pub fn loss(&mut self, params: &[f32], tokens: &[u8], targets: &[u8]) -> f32 {
        let Self { shape, isa, shards, benches, .. } = self;
        run_forward(shape, (self.batch, *isa), (params, tokens, targets), shards, benches)
    }
}

/// Forward pass and losses of a batch; leaves the gradient of the logits in the shards.
fn run_forward(
    shape: &Shape,
    (batch, isa): (usize, Checked),
    (params, tokens, targets): (&[f32], &[u8], &[u8]),
    shards: &mut [Shard],
    benches: &mut [Bench],
) -> f32 {
    let config = &shape.config;
    check_batch(config, batch, tokens, targets);
    assert_eq!(params.len(), config.parameter_count(), "parameters fit the model");
    let weights = split(config, params);
    let scale = 1.0 / narrow(count(tokens.len()));
    let mut work = Vec::with_capacity(shards.len());
    let (mut tokens, mut targets, capacity) = (tokens, targets, batch.div_ceil(benches.len()));
    for (shard, bench) in shards.iter_mut().zip(benches) {
        let size = tokens.len().min(capacity * config.context);
        shard.sequences = size / config.context;
        shard.time = config.context;
        let (here, rest) = tokens.split_at(size);
        let (targets_here, targets_rest) = targets.split_at(size);
        (tokens, targets) = (rest, targets_rest);
        work.push(((shard, bench), (here, targets_here)));
    }
    share(work.into_iter(), |(shard, bench), (tokens, targets)| {
        if !tokens.is_empty() {
            let mut tools = bench.tools(isa);
            forward(shape, &weights, tokens, shard, &mut tools);
            losses(shard, targets, scale, &tools);
        }
    });
    let losses = shards.iter().flat_map(|shard| &shard.losses[..shard.rows()]);
    let (sum, rows) = losses.fold((0.0, 0), |(sum, rows), loss| (sum + f64::from(*loss), rows + 1));
    narrow(sum / count(rows))
}

fn check_batch(config: &Config, batch: usize, tokens: &[u8], targets: &[u8]) {
    let size = tokens.len();
    assert_eq!(size, targets.len(), "one target for each token");
    assert!(
        size > 0 && size.is_multiple_of(config.context) && size <= batch * config.context,
        "tokens are 1 to {batch} whole sequences of {}, got {size}",
        config.context
    );
    check_tokens(config, tokens);
    check_tokens(config, targets);
}

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
