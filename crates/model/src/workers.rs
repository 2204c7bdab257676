//! Sharing out work to threads, and the gradients of weights.
//!
//! A step alternates two kinds of phases: over sequences (each thread its shard) and over weights (each thread some output rows of every
//! matrix, over all shards in order). A thread only writes what is its own, so safe scoped threads do.

use std::thread;

use crate::arena::Shard;
use crate::attention::{Scores, Tools};
use crate::config::Config;
use crate::gemm::{Packing, Product, Start, View, multiply};
use crate::instructions::Checked;
use crate::layout::{LayerSlices, Parts};
use crate::rows::gain_back;
use crate::stopwatch::{Operator, Stopwatch};

/// What belongs to one thread besides its shard.
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

    pub(crate) fn tools(&mut self, isa: Checked) -> Tools<'_> {
        Tools { isa, packing: &mut self.packing, scores: &mut self.scores, watch: &self.watch }
    }
}

/// Runs `work` once for each pair, on one thread each; the first pair on the calling thread.
pub(crate) fn share<A: Send, B: Send>(
    pairs: impl Iterator<Item = (A, B)>,
    work: impl Fn(A, B) + Sync,
) {
    let mut pairs = pairs;
    let Some((first_a, first_b)) = pairs.next() else { return };
    thread::scope(|scope| {
        let work = &work;
        for (a, b) in pairs {
            scope.spawn(move || work(a, b));
        }
        work(first_a, first_b);
    });
}

/// One matrix's gradient: `upstreamᵀ · input` over all rows of all shards, for some of its rows.
struct WeightTask<'a> {
    weight: Weight,
    first_row: usize,
    /// Rows of this task, whole.
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
    /// Gradient of the product's output, and the product's input.
    fn operands(self, shard: &Shard) -> (&[f32], &[f32]) {
        let gradients = &shard.gradients;
        match self {
            Self::Qkv { layer } => (&gradients.qkv, &shard.layers[layer].attention_input),
            Self::Output { layer } => (&gradients.middle, &shard.layers[layer].attended),
            Self::GateUp { layer } => (&gradients.gate_up, &shard.layers[layer].mlp_input),
            Self::Down { layer } => (&gradients.output, &shard.layers[layer].hidden),
            Self::Embedding => (&shard.logits, &shard.final_input),
        }
    }

    /// Columns of the operands: the weight's shape.
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

/// Tasks for each thread: every weight cut into as many parts as there are threads.
fn deal<'a>(
    config: &Config,
    weights: Vec<(Weight, &'a mut [f32])>,
    threads: usize,
) -> Vec<Vec<WeightTask<'a>>> {
    let mut dealt: Vec<Vec<WeightTask<'a>>> = (0..threads).map(|_| Vec::new()).collect();
    for (weight, gradient) in weights {
        let (rows, columns) = weight.shape(config);
        let part = rows.div_ceil(threads);
        for (index, (tasks, gradient)) in
            dealt.iter_mut().zip(gradient.chunks_mut(part * columns)).enumerate()
        {
            tasks.push(WeightTask { weight, first_row: index * part, gradient });
        }
    }
    dealt
}

/// Gradients of all weights of one layer.
pub(crate) fn layer_weights(
    config: &Config,
    layer: usize,
    gradient: &mut LayerSlices<&mut [f32]>,
    shards: &[Shard],
    (isa, benches): (Checked, &mut [Bench]),
) {
    let tasks = vec![
        (Weight::Qkv { layer }, &mut *gradient.qkv),
        (Weight::Output { layer }, &mut *gradient.output),
        (Weight::GateUp { layer }, &mut *gradient.gate_up),
        (Weight::Down { layer }, &mut *gradient.down),
    ];
    run(config, tasks, shards, (isa, &mut *benches));
    gradient.attention_norm.fill(0.0);
    gradient.mlp_norm.fill(0.0);
    benches[0].watch.time(Operator::Norm, || {
        for shard in shards {
            let (kept, size) = (&shard.layers[layer], shard.rows() * config.width);
            let upstream = &shard.gradients.normed[..size];
            let x = &shard.residuals[layer];
            gain_back(isa, upstream, x, &kept.attention_scales, gradient.attention_norm);
            let upstream = &shard.gradients.mlp_input[..size];
            gain_back(isa, upstream, &kept.middle, &kept.mlp_scales, gradient.mlp_norm);
        }
    });
}

/// Gradients of the output matrix, which is the embedding, and of the last norm.
pub(crate) fn head_weights(
    config: &Config,
    gradient: &mut Parts<&mut [f32]>,
    shards: &[Shard],
    (isa, benches): (Checked, &mut [Bench]),
) {
    run(config, vec![(Weight::Embedding, &mut *gradient.embedding)], shards, (isa, benches));
    gradient.final_norm.fill(0.0);
    for shard in shards {
        let upstream = &shard.gradients.normed[..shard.rows() * config.width];
        let x = &shard.residuals[config.layers];
        gain_back(isa, upstream, x, &shard.final_scales, gradient.final_norm);
    }
}

/// Adds the gradient that reaches the embedding through the tokens read, in the order of the tokens.
pub(crate) fn embedding_back(width: usize, tokens: &[u8], input: &[f32], embedding: &mut [f32]) {
    for (token, input) in tokens.iter().zip(input.chunks_exact(width)) {
        let row = &mut embedding[usize::from(*token) * width..][..width];
        for (sum, value) in row.iter_mut().zip(input) {
            *sum += value;
        }
    }
}

fn run(
    config: &Config,
    weights: Vec<(Weight, &mut [f32])>,
    shards: &[Shard],
    (isa, benches): (Checked, &mut [Bench]),
) {
    let dealt = deal(config, weights, benches.len());
    share(dealt.into_iter().zip(benches), |tasks, bench| {
        let mut tools = bench.tools(isa);
        for task in tasks {
            let watch = tools.watch;
            watch.time(Operator::WeightGradients, || task.run(config, shards, &mut tools));
        }
    });
}
