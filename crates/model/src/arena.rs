//! Memory for the activations and gradients of a number of sequences, allocated once.

use crate::config::Config;

/// The activations of a layer; `R` rows, one for each token.
pub(crate) struct Kept {
    /// `(R)` scales of the norm before attention.
    pub(crate) attention_scales: Vec<f32>,
    /// `(R, C)` normalized input of attention.
    pub(crate) attention_input: Vec<f32>,
    /// `(R, 3C)` queries and keys after rotation, and values.
    pub(crate) qkv: Vec<f32>,
    /// `(R, C)` heads' outputs.
    pub(crate) attended: Vec<f32>,
    /// `(R, C)` residual stream between attention and SwiGLU.
    pub(crate) middle: Vec<f32>,
    /// `(R)` scales of the norm before SwiGLU.
    pub(crate) mlp_scales: Vec<f32>,
    /// `(R, C)` normalized input of SwiGLU.
    pub(crate) mlp_input: Vec<f32>,
    /// `(R, 2H)` gate and up.
    pub(crate) gate_up: Vec<f32>,
    /// `(R, H)` `silu(gate) · up`.
    pub(crate) hidden: Vec<f32>,
}

/// Gradients of one layer at a time.
pub(crate) struct Gradients {
    /// `(R, C)` of the layer's output.
    pub(crate) output: Vec<f32>,
    /// `(R, C)` of the residual stream between attention and SwiGLU.
    pub(crate) middle: Vec<f32>,
    /// `(R, C)` of the layer's input.
    pub(crate) input: Vec<f32>,
    /// `(R, H)`.
    pub(crate) hidden: Vec<f32>,
    /// `(R, 2H)`.
    pub(crate) gate_up: Vec<f32>,
    /// `(R, C)` of the input of SwiGLU, after the norm.
    pub(crate) mlp_input: Vec<f32>,
    /// `(R, C)`.
    pub(crate) attended: Vec<f32>,
    /// `(R, 3C)`.
    pub(crate) qkv: Vec<f32>,
    /// `(R, C)` of the input of attention, or of the output matrix, after the norm.
    pub(crate) normed: Vec<f32>,
}

/// The sequences of one thread.
pub(crate) struct Shard {
    /// Number of sequences in use.
    pub(crate) sequences: usize,
    /// Number of tokens per sequence.
    pub(crate) time: usize,
    /// The activations of each layer, or of one that each layer overwrites.
    pub(crate) layers: Vec<Kept>,
    /// `(R, C)` residual stream before each layer, and after the last.
    pub(crate) residuals: Vec<Vec<f32>>,
    /// `(R)` scales of the last norm.
    pub(crate) final_scales: Vec<f32>,
    /// `(R, C)` input of the output matrix.
    pub(crate) final_input: Vec<f32>,
    /// `(R, V)` logits, then their gradient.
    pub(crate) logits: Vec<f32>,
    /// `(R)` losses in nats.
    pub(crate) losses: Vec<f32>,
    pub(crate) gradients: Gradients,
}

/// Which activations a trainer keeps for the backward pass. Changes time and memory, never the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activations {
    /// All activations of every layer.
    Keep,
    /// The input of each layer; the others are computed a second time, which takes about a third more time.
    Recompute,
}

/// The passes that a shard is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passes {
    Forward,
    ForwardAndBack(Activations),
}

impl Shard {
    /// Allocates buffers for `sequences` sequences of the model's context.
    pub(crate) fn new(config: &Config, sequences: usize, passes: Passes) -> Self {
        Self::build(config, sequences, passes, &mut |size| vec![0.0; size])
    }

    /// Returns the number of values in a shard's buffers.
    pub(crate) fn size(config: &Config, sequences: usize, passes: Passes) -> usize {
        let mut sum = 0;
        Self::build(config, sequences, passes, &mut |size| {
            sum += size;
            Vec::new()
        });
        sum
    }

    fn build(
        config: &Config,
        sequences: usize,
        passes: Passes,
        buffer: &mut dyn FnMut(usize) -> Vec<f32>,
    ) -> Self {
        let &Config { width, hidden, vocabulary, layers, .. } = config;
        let rows = sequences * config.context;
        let mut zeros = |columns: usize| buffer(rows * columns);
        let kept = match passes {
            Passes::ForwardAndBack(Activations::Keep) => layers,
            Passes::ForwardAndBack(Activations::Recompute) | Passes::Forward => 1,
        };
        let mut layer = || Kept {
            attention_scales: zeros(1),
            attention_input: zeros(width),
            qkv: zeros(3 * width),
            attended: zeros(width),
            middle: zeros(width),
            mlp_scales: zeros(1),
            mlp_input: zeros(width),
            gate_up: zeros(2 * hidden),
            hidden: zeros(hidden),
        };
        let kept = (0..kept).map(|_| layer()).collect();
        let residuals = (0..=layers).map(|_| zeros(width)).collect();
        let (final_scales, final_input) = (zeros(1), zeros(width));
        let (logits, losses) = (zeros(vocabulary), zeros(1));
        let mut back = |columns: usize| match passes {
            Passes::Forward => Vec::new(),
            Passes::ForwardAndBack(_) => zeros(columns),
        };
        let gradients = Gradients {
            output: back(width),
            middle: back(width),
            input: back(width),
            hidden: back(hidden),
            gate_up: back(2 * hidden),
            mlp_input: back(width),
            attended: back(width),
            qkv: back(3 * width),
            normed: back(width),
        };
        Self {
            sequences: 0,
            time: config.context,
            layers: kept,
            residuals,
            final_scales,
            final_input,
            logits,
            losses,
            gradients,
        }
    }

    /// Returns the index in `layers` for a layer.
    pub(crate) fn slot(&self, layer: usize) -> usize {
        layer.min(self.layers.len() - 1)
    }

    /// Returns the activations of a layer.
    pub(crate) fn kept(&self, layer: usize) -> &Kept {
        &self.layers[self.slot(layer)]
    }

    /// Returns the number of rows in use.
    pub(crate) fn rows(&self) -> usize {
        self.sequences * self.time
    }
}
