//! Divides work among threads, and computes the gradients of weights.
//!
//! A step alternates two kinds of phases: over sequences (each thread has its shard) and over weights (each thread
//! has some output rows of every matrix, over all shards in order). A thread only writes its own data, so no unsafe
//! code is needed.

use std::sync::{Mutex, PoisonError};

use crate::arena::Shard;
use crate::attention::{Scores, Tools};
use crate::config::Config;
use crate::gemm::{Packing, Product, Start, View, multiply};
use crate::instructions::Checked;
use crate::layout::{LayerSlices, Parts};
use crate::pool::Pool;
use crate::rows::gain_back;
use crate::stopwatch::{Operator, Stopwatch};

/// The buffers of one thread besides its shard.
pub(crate) struct Bench {
    packing: Packing,
    scores: Scores,
    pub(crate) watch: Stopwatch,
}

impl Bench {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            packing: Packing::new(),
            scores: Scores::new(config.context, config.head_width()),
            watch: Stopwatch::new(),
        }
    }

    /// Returns the number of values in the buffers.
    pub(crate) fn size(config: &Config) -> usize {
        Packing::SIZE + Scores::size(config.context, config.head_width())
    }

    pub(crate) fn tools(&mut self, isa: Checked) -> Tools<'_> {
        Tools { isa, packing: &mut self.packing, scores: &mut self.scores, watch: &self.watch }
    }
}

/// Runs `work` once for each pair, on any free thread.
pub(crate) fn share<A: Send, B: Send>(
    pool: &mut Pool,
    pairs: impl Iterator<Item = (A, B)> + Send,
    work: impl Fn(A, B) + Sync,
) {
    let pairs = Mutex::new(pairs);
    pool.run(&|| {
        loop {
            let pair = pairs.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((a, b)) = pair else { return };
            work(a, b);
        }
    });
}

/// The gradient of one matrix: `upstreamᵀ · input` over all rows of all shards, for some of its rows.
struct WeightTask<'a> {
    weight: Weight,
    first_row: usize,
    /// The rows of this task, each complete.
    gradient: &'a mut [f32],
}

#[derive(Clone, Copy)]
enum Weight {
    Qkv { layer: usize },
    Output { layer: usize },
    GateUp { layer: usize },
    Down { layer: usize },
    Embedding,
}

impl Weight {
    /// Returns the gradient of the product's output, and the product's input.
    fn operands(self, shard: &Shard) -> (&[f32], &[f32]) {
        let gradients = &shard.gradients;
        match self {
            Self::Qkv { layer } => (&gradients.qkv, &shard.kept(layer).attention_input),
            Self::Output { layer } => (&gradients.middle, &shard.kept(layer).attended),
            Self::GateUp { layer } => (&gradients.gate_up, &shard.kept(layer).mlp_input),
            Self::Down { layer } => (&gradients.output, &shard.kept(layer).hidden),
            Self::Embedding => (&shard.logits, &shard.final_input),
        }
    }

    /// Returns the columns of both operands: the weight's shape.
    fn shape(self, config: &Config) -> (usize, usize) {
        let &Config { width, hidden, vocabulary, .. } = config;
        match self {
            Self::Qkv { .. } => (3 * width, width),
            Self::Output { .. } => (width, width),
            Self::GateUp { .. } => (2 * hidden, width),
            Self::Down { .. } => (width, hidden),
            Self::Embedding => (vocabulary, width),
        }
    }
}

impl WeightTask<'_> {
    fn run(self, config: &Config, shards: &[Shard], tools: &mut Tools<'_>) {
        let (upstream_width, columns) = self.weight.shape(config);
        let rows = self.gradient.len() / columns;
        let mut start = Start::Zero;
        for shard in shards.iter().filter(|shard| shard.rows() > 0) {
            let (upstream, input) = self.weight.operands(shard);
            let product = Product {
                left: View::rows(&upstream[self.first_row..], upstream_width).transposed(),
                right: View::rows(input, columns),
                rows,
                depth: shard.rows(),
                columns,
                start,
            };
            multiply(tools.isa, product, self.gradient, columns, tools.packing);
            start = Start::Existing;
        }
    }
}

/// The threads and the buffers of each.
pub(crate) struct Crew<'a> {
    pub(crate) isa: Checked,
    pub(crate) pool: &'a mut Pool,
    pub(crate) benches: &'a mut [Bench],
}

impl Crew<'_> {
    /// Runs the tasks of some weights, each split into as many parts as there are threads.
    fn run<const COUNT: usize>(
        &mut self,
        config: &Config,
        weights: [(Weight, &mut [f32]); COUNT],
        shards: &[Shard],
    ) {
        let (isa, threads) = (self.isa, self.benches.len());
        let mut parts = weights.map(|(weight, gradient)| {
            let (rows, columns) = weight.shape(config);
            let part = rows.div_ceil(threads);
            let gradients = gradient.chunks_mut(part * columns).enumerate();
            gradients.map(move |(index, gradient)| WeightTask {
                weight,
                first_row: index * part,
                gradient,
            })
        });
        let dealt =
            self.benches.iter_mut().map(|bench| (parts.each_mut().map(Iterator::next), bench));
        share(self.pool, dealt, |tasks, bench| {
            let mut tools = bench.tools(isa);
            let watch = tools.watch;
            for task in tasks.into_iter().flatten() {
                watch.time(Operator::WeightGradients, || task.run(config, shards, &mut tools));
            }
        });
    }
}

/// Computes the gradients of all weights of one layer.
pub(crate) fn layer_weights(
    config: &Config,
    layer: usize,
    gradient: &mut LayerSlices<&mut [f32]>,
    shards: &[Shard],
    crew: &mut Crew<'_>,
) {
    let tasks = [
        (Weight::Qkv { layer }, &mut *gradient.qkv),
        (Weight::Output { layer }, &mut *gradient.output),
        (Weight::GateUp { layer }, &mut *gradient.gate_up),
        (Weight::Down { layer }, &mut *gradient.down),
    ];
    crew.run(config, tasks, shards);
    let isa = crew.isa;
    gradient.attention_norm.fill(0.0);
    gradient.mlp_norm.fill(0.0);
    crew.benches[0].watch.time(Operator::Norm, || {
        for shard in shards {
            let (kept, size) = (shard.kept(layer), shard.rows() * config.width);
            let upstream = &shard.gradients.normed[..size];
            let x = &shard.residuals[layer];
            gain_back(isa, upstream, x, &kept.attention_scales, gradient.attention_norm);
            let upstream = &shard.gradients.mlp_input[..size];
            gain_back(isa, upstream, &kept.middle, &kept.mlp_scales, gradient.mlp_norm);
        }
    });
}

/// Computes the gradients of the output matrix, which is the embedding, and of the last norm.
pub(crate) fn head_weights(
    config: &Config,
    gradient: &mut Parts<&mut [f32]>,
    shards: &[Shard],
    crew: &mut Crew<'_>,
) {
    crew.run(config, [(Weight::Embedding, &mut *gradient.embedding)], shards);
    let isa = crew.isa;
    gradient.final_norm.fill(0.0);
    for shard in shards {
        let upstream = &shard.gradients.normed[..shard.rows() * config.width];
        let x = &shard.residuals[config.layers];
        gain_back(isa, upstream, x, &shard.final_scales, gradient.final_norm);
    }
}

/// Adds the gradient that reaches the embedding through the input tokens, in the order of the tokens.
pub(crate) fn embedding_back(width: usize, tokens: &[u8], input: &[f32], embedding: &mut [f32]) {
    for (token, input) in tokens.iter().zip(input.chunks_exact(width)) {
        let row = &mut embedding[usize::from(*token) * width..][..width];
        for (sum, value) in row.iter_mut().zip(input) {
            *sum += value;
        }
    }
}
