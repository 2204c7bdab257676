//! The position of each tensor in the flat vector of parameters.

use std::ops::Range;

use crate::config::Config;

/// One named tensor inside the flat vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// The name in a saved model, as in Llama.
    pub name: String,
    /// Rows and columns, `(out, in)`, or one length; row-major.
    pub shape: Vec<usize>,
    /// Range in the flat vector.
    pub range: Range<usize>,
}

/// All tensors of a model, in the order of the flat vector, without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    tensors: Vec<Tensor>,
}

impl Layout {
    /// Returns the layout of a model: embedding, then each layer, then the last norm.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let &Config { width, hidden, vocabulary, .. } = config;
        let mut layout = Self { tensors: Vec::new() };
        layout.push("model.embed_tokens.weight".to_owned(), vec![vocabulary, width]);
        for layer in 0..config.layers {
            let named = |name: &str| format!("model.layers.{layer}.{name}.weight");
            layout.push(named("input_layernorm"), vec![width]);
            for projection in ["q_proj", "k_proj", "v_proj", "o_proj"] {
                layout.push(named(&format!("self_attn.{projection}")), vec![width, width]);
            }
            layout.push(named("post_attention_layernorm"), vec![width]);
            layout.push(named("mlp.gate_proj"), vec![hidden, width]);
            layout.push(named("mlp.up_proj"), vec![hidden, width]);
            layout.push(named("mlp.down_proj"), vec![width, hidden]);
        }
        layout.push("model.norm.weight".to_owned(), vec![width]);
        assert_eq!(
            layout.parameter_count(),
            config.parameter_count(),
            "the tensors must fill the vector"
        );
        layout
    }

    /// Returns the tensors, ascending by range.
    #[must_use]
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// Returns the length of the flat vector.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.tensors.last().map_or(0, |tensor| tensor.range.end)
    }

    /// Returns the ranges with weight decay: matrices, not norms. Ascending; neighbours are merged.
    #[must_use]
    pub fn decayed(&self) -> Vec<Range<usize>> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for tensor in self.tensors.iter().filter(|tensor| tensor.shape.len() == 2) {
            match ranges.last_mut() {
                Some(last) if last.end == tensor.range.start => last.end = tensor.range.end,
                _ => ranges.push(tensor.range.clone()),
            }
        }
        ranges
    }

    fn push(&mut self, name: String, shape: Vec<usize>) {
        let start = self.parameter_count();
        let end = start + shape.iter().product::<usize>();
        self.tensors.push(Tensor { name, shape, range: start..end });
    }
}

/// The parameters, or the gradient, of one layer, split as the passes need them.
pub(crate) struct LayerSlices<T> {
    pub(crate) attention_norm: T,
    /// Queries, keys and values as one `(3C, C)` matrix.
    pub(crate) qkv: T,
    pub(crate) output: T,
    pub(crate) mlp_norm: T,
    /// Gate and up as one `(2H, C)` matrix.
    pub(crate) gate_up: T,
    pub(crate) down: T,
}

/// All parameters, or the whole gradient, split into parts.
pub(crate) struct Parts<T> {
    pub(crate) embedding: T,
    /// All layers, one after the other.
    pub(crate) layers: T,
    pub(crate) final_norm: T,
}

/// Splits all parameters into embedding, layers and last norm.
pub(crate) fn split<'a>(config: &Config, values: &'a [f32]) -> Parts<&'a [f32]> {
    let (embedding, rest) = values.split_at(config.vocabulary * config.width);
    let (layers, final_norm) = rest.split_at(config.layers * config.layer_parameter_count());
    Parts { embedding, layers, final_norm }
}

/// Splits a whole gradient into embedding, layers and last norm.
pub(crate) fn split_mut<'a>(config: &Config, values: &'a mut [f32]) -> Parts<&'a mut [f32]> {
    let (embedding, rest) = values.split_at_mut(config.vocabulary * config.width);
    let (layers, final_norm) = rest.split_at_mut(config.layers * config.layer_parameter_count());
    Parts { embedding, layers, final_norm }
}

impl<'a> Parts<&'a [f32]> {
    pub(crate) fn layer(&self, config: &Config, layer: usize) -> LayerSlices<&'a [f32]> {
        let size = config.layer_parameter_count();
        split_layer(config, &self.layers[layer * size..][..size])
    }
}

impl Parts<&mut [f32]> {
    pub(crate) fn layer(&mut self, config: &Config, layer: usize) -> LayerSlices<&mut [f32]> {
        let size = config.layer_parameter_count();
        split_layer_mut(config, &mut self.layers[layer * size..][..size])
    }
}

fn split_layer<'a>(config: &Config, layer: &'a [f32]) -> LayerSlices<&'a [f32]> {
    let &Config { width, hidden, .. } = config;
    let (attention_norm, rest) = layer.split_at(width);
    let (qkv, rest) = rest.split_at(3 * width * width);
    let (output, rest) = rest.split_at(width * width);
    let (mlp_norm, rest) = rest.split_at(width);
    let (gate_up, down) = rest.split_at(2 * hidden * width);
    LayerSlices { attention_norm, qkv, output, mlp_norm, gate_up, down }
}

fn split_layer_mut<'a>(config: &Config, layer: &'a mut [f32]) -> LayerSlices<&'a mut [f32]> {
    let &Config { width, hidden, .. } = config;
    let (attention_norm, rest) = layer.split_at_mut(width);
    let (qkv, rest) = rest.split_at_mut(3 * width * width);
    let (output, rest) = rest.split_at_mut(width * width);
    let (mlp_norm, rest) = rest.split_at_mut(width);
    let (gate_up, down) = rest.split_at_mut(2 * hidden * width);
    LayerSlices { attention_norm, qkv, output, mlp_norm, gate_up, down }
}
