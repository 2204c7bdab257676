//! Forward and backward pass over one shard: everything that is independent between sequences. Gradients of weights
//! are in `workers`.

use crate::arena::Shard;
use crate::attention::{Heads, Tools, attend, attend_back};
use crate::config::Config;
use crate::functions::rotary_tables;
use crate::gemm::{Product, Start, View, multiply};
use crate::layout::{LayerSlices, Parts};
use crate::rows::{
    NormBack, Rotary, Turn, cross_entropy, norm, norm_back, rotate, swiglu, swiglu_back,
};
use crate::stopwatch::Operator;

/// A model's sizes with the tables of its rotary positions.
pub(crate) struct Shape {
    pub(crate) config: Config,
    cosines: Vec<f32>,
    sines: Vec<f32>,
}

impl Shape {
    pub(crate) fn new(config: Config) -> Self {
        let (cosines, sines) = rotary_tables(config.context, config.head_width());
        Self { config, cosines, sines }
    }

    fn heads(&self, time: usize) -> Heads {
        Heads { heads: self.config.heads, head_width: self.config.head_width(), time }
    }

    fn rotary(&self, time: usize) -> Rotary<'_> {
        let head_width = self.config.head_width();
        Rotary { cosines: &self.cosines, sines: &self.sines, head_width, time }
    }
}

/// Computes `x · weightᵀ` for a weight of shape `(columns, depth)`.
fn project(
    (x, weight): (&[f32], &[f32]),
    (rows, depth): (usize, usize),
    (start, out): (Start, &mut [f32]),
    tools: &mut Tools<'_>,
) {
    let columns = weight.len() / depth;
    let right = View::rows(weight, depth).transposed();
    let product = Product { left: View::rows(x, depth), right, rows, depth, columns, start };
    tools
        .watch
        .time(Operator::Forward, || multiply(tools.isa, product, out, columns, tools.packing));
}

/// Computes `upstream · weight` for a weight of shape `(depth, columns)`.
fn project_back(
    (upstream, weight): (&[f32], &[f32]),
    (rows, depth): (usize, usize),
    out: &mut [f32],
    tools: &mut Tools<'_>,
) {
    let columns = weight.len() / depth;
    let (left, right) = (View::rows(upstream, depth), View::rows(weight, columns));
    let product = Product { left, right, rows, depth, columns, start: Start::Zero };
    tools.watch.time(Operator::InputGradients, || {
        multiply(tools.isa, product, out, columns, tools.packing)
    });
}

/// Computes logits from tokens, keeping what the backward pass needs.
pub(crate) fn forward(
    shape: &Shape,
    weights: &Parts<&[f32]>,
    tokens: &[u8],
    shard: &mut Shard,
    tools: &mut Tools<'_>,
) {
    let watch = tools.watch;
    let &Parts { embedding, final_norm, .. } = weights;
    let &Config { width, layers, .. } = &shape.config;
    for (row, token) in shard.residuals[0].chunks_exact_mut(width).zip(tokens) {
        row.copy_from_slice(&embedding[usize::from(*token) * width..][..width]);
    }
    for layer in 0..layers {
        let weights = weights.layer(&shape.config, layer);
        layer_forward(shape, layer, &weights, shard, tools);
        layer_output(shape, layer, &weights, shard, tools);
    }
    let rows = shard.rows();
    let last = &shard.residuals[layers][..rows * width];
    watch.time(Operator::Norm, || {
        norm(tools.isa, last, final_norm, &mut shard.final_input, &mut shard.final_scales)
    });
    let operands = (&shard.final_input[..rows * width], embedding);
    project(operands, (rows, width), (Start::Zero, &mut shard.logits), tools);
}

/// Computes all of a layer except its output; the backward pass calls it to compute activations again.
pub(crate) fn layer_forward(
    shape: &Shape,
    layer: usize,
    weights: &LayerSlices<&[f32]>,
    shard: &mut Shard,
    tools: &mut Tools<'_>,
) {
    let watch = tools.watch;
    let &Config { width, hidden, .. } = &shape.config;
    let (rows, time) = (shard.rows(), shard.time);
    let size = rows * width;
    let x = &shard.residuals[layer][..size];
    let slot = shard.slot(layer);
    let kept = &mut shard.layers[slot];

    watch.time(Operator::Norm, || {
        norm(
            tools.isa,
            x,
            weights.attention_norm,
            &mut kept.attention_input,
            &mut kept.attention_scales,
        )
    });
    let operands = (&kept.attention_input[..size], weights.qkv);
    project(operands, (rows, width), (Start::Zero, &mut kept.qkv), tools);
    let qkv = &mut kept.qkv[..3 * size];
    let sequences = qkv.chunks_exact_mut(time * 3 * width);
    for (qkv, attended) in sequences.zip(kept.attended.chunks_exact_mut(time * width)) {
        watch.time(Operator::Rotary, || {
            rotate(tools.isa, qkv, (3 * width, 2 * width), shape.rotary(time), Turn::Forward);
        });
        watch.time(Operator::Attention, || attend(shape.heads(time), qkv, attended, tools));
    }
    watch.time(Operator::Residual, || kept.middle[..size].copy_from_slice(x));
    let operands = (&kept.attended[..size], weights.output);
    project(operands, (rows, width), (Start::Existing, &mut kept.middle), tools);

    let middle = &kept.middle[..size];
    watch.time(Operator::Norm, || {
        norm(tools.isa, middle, weights.mlp_norm, &mut kept.mlp_input, &mut kept.mlp_scales)
    });
    let operands = (&kept.mlp_input[..size], weights.gate_up);
    project(operands, (rows, width), (Start::Zero, &mut kept.gate_up), tools);
    watch.time(Operator::SwiGlu, || {
        swiglu(tools.isa, &kept.gate_up[..2 * rows * hidden], &mut kept.hidden, hidden)
    });
}

/// Computes a layer's output, the input of the next.
fn layer_output(
    shape: &Shape,
    layer: usize,
    weights: &LayerSlices<&[f32]>,
    shard: &mut Shard,
    tools: &mut Tools<'_>,
) {
    let watch = tools.watch;
    let &Config { width, hidden, .. } = &shape.config;
    let (rows, slot) = (shard.rows(), shard.slot(layer));
    let kept = &shard.layers[slot];
    let middle = &kept.middle[..rows * width];
    let out = &mut shard.residuals[layer + 1][..rows * width];
    watch.time(Operator::Residual, || out.copy_from_slice(middle));
    let operands = (&kept.hidden[..rows * hidden], weights.down);
    project(operands, (rows, hidden), (Start::Existing, out), tools);
}

/// Computes the losses of the shard's rows and replaces the logits by their gradient, times `scale`.
pub(crate) fn losses(shard: &mut Shard, targets: &[u8], scale: f32, tools: &Tools<'_>) {
    let watch = tools.watch;
    let rows = shard.rows();
    let vocabulary = shard.logits.len() / shard.losses.len();
    let logits = &mut shard.logits[..rows * vocabulary];
    watch.time(Operator::CrossEntropy, || {
        cross_entropy(tools.isa, logits, targets, &mut shard.losses[..rows], scale)
    });
}

/// Computes the gradient of the last layer's output from that of the logits.
pub(crate) fn head_back(
    shape: &Shape,
    weights: &Parts<&[f32]>,
    shard: &mut Shard,
    tools: &mut Tools<'_>,
) {
    let watch = tools.watch;
    let &Config { width, vocabulary, layers, .. } = &shape.config;
    let rows = shard.rows();
    let operands = (&shard.logits[..rows * vocabulary], weights.embedding);
    project_back(operands, (rows, vocabulary), &mut shard.gradients.normed, tools);
    let back = NormBack {
        upstream: &shard.gradients.normed[..rows * width],
        x: &shard.residuals[layers][..rows * width],
        scales: &shard.final_scales,
        gain: weights.final_norm,
        residual: &[],
    };
    watch.time(Operator::Norm, || norm_back(tools.isa, back, &mut shard.gradients.output));
}

/// Computes the gradient of a layer's input from that of its output, keeping the gradients that the weights need.
pub(crate) fn layer_back(
    shape: &Shape,
    layer: usize,
    weights: &LayerSlices<&[f32]>,
    shard: &mut Shard,
    tools: &mut Tools<'_>,
) {
    let watch = tools.watch;
    let &Config { width, hidden, .. } = &shape.config;
    let (rows, time) = (shard.rows(), shard.time);
    let size = rows * width;
    let kept = &shard.layers[shard.slot(layer)];
    let gradients = &mut shard.gradients;

    let operands = (&gradients.output[..size], weights.down);
    project_back(operands, (rows, width), &mut gradients.hidden, tools);
    let gate_up = &kept.gate_up[..2 * rows * hidden];
    watch.time(Operator::SwiGlu, || {
        swiglu_back(tools.isa, gate_up, &gradients.hidden, &mut gradients.gate_up, hidden)
    });
    let operands = (&gradients.gate_up[..2 * rows * hidden], weights.gate_up);
    project_back(operands, (rows, 2 * hidden), &mut gradients.mlp_input, tools);
    let back = NormBack {
        upstream: &gradients.mlp_input[..size],
        x: &kept.middle,
        scales: &kept.mlp_scales,
        gain: weights.mlp_norm,
        residual: &gradients.output,
    };
    watch.time(Operator::Norm, || norm_back(tools.isa, back, &mut gradients.middle));

    let operands = (&gradients.middle[..size], weights.output);
    project_back(operands, (rows, width), &mut gradients.attended, tools);
    let sequences = kept.qkv[..3 * size].chunks_exact(time * 3 * width);
    let upstream = gradients.attended.chunks_exact(time * width);
    let to_qkv = gradients.qkv.chunks_exact_mut(time * 3 * width);
    for ((qkv, upstream), gradient) in sequences.zip(upstream).zip(to_qkv) {
        watch.time(Operator::AttentionBack, || {
            attend_back(shape.heads(time), qkv, upstream, gradient, tools);
        });
        watch.time(Operator::Rotary, || {
            rotate(tools.isa, gradient, (3 * width, 2 * width), shape.rotary(time), Turn::Back);
        });
    }
    let to_qkv = &gradients.qkv[..3 * size];
    project_back((to_qkv, weights.qkv), (rows, 3 * width), &mut gradients.normed, tools);
    let back = NormBack {
        upstream: &gradients.normed[..size],
        x: &shard.residuals[layer],
        scales: &kept.attention_scales,
        gain: weights.attention_norm,
        residual: &gradients.middle,
    };
    watch.time(Operator::Norm, || norm_back(tools.isa, back, &mut gradients.input));
}
