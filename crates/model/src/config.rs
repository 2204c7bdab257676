//! The sizes that define a model.

use serde::{Deserialize, Serialize};

/// Largest vocabulary: tokens are bytes.
pub const VOCABULARY_MAX: usize = 256;
/// Largest context: with a longer one the rotary angles lose precision.
pub const CONTEXT_MAX: usize = 65_536;
/// Largest parameter count: what one machine can hold in memory.
pub const PARAMETERS_MAX: usize = 1 << 32;

/// The sizes of a model. They determine the names, shapes and order of its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Number of transformer layers.
    pub layers: usize,
    /// Number of values per token between layers.
    pub width: usize,
    /// Number of attention heads; `width / heads` must be even.
    pub heads: usize,
    /// Number of tokens that a prediction can depend on, and the length of a training sequence.
    pub context: usize,
    /// Number of distinct tokens, at most 256: a token is a byte.
    pub vocabulary: usize,
    /// Inner width of the SwiGLU layer, usually about `8/3 · width`.
    pub hidden: usize,
}

/// Why sizes are invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A size is zero.
    #[error("model size `{name}` is 0: give at least 1")]
    Zero {
        /// The size.
        name: &'static str,
    },
    /// The width can't be divided among the heads into even parts.
    #[error("width {width} does not split into {heads} heads of an even width: choose a multiple of {}", 2 * heads)]
    Heads {
        /// The width.
        width: usize,
        /// Number of heads.
        heads: usize,
    },
    /// A size is above its bound.
    #[error("model size `{name}` is {value}, above the maximum {maximum}: give less")]
    TooLarge {
        /// The size.
        name: &'static str,
        /// Its value.
        value: usize,
        /// The maximum.
        maximum: usize,
    },
}

impl Config {
    /// Checks that the sizes are valid.
    ///
    /// # Errors
    /// [`ConfigError`] names the first invalid size.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let bounded = [
            ("layers", self.layers, 1 << 10),
            ("width", self.width, 1 << 16),
            ("heads", self.heads, 1 << 10),
            ("context", self.context, CONTEXT_MAX),
            ("vocabulary", self.vocabulary, VOCABULARY_MAX),
            ("hidden", self.hidden, 1 << 18),
        ];
        for (name, value, maximum) in bounded {
            if value == 0 {
                return Err(ConfigError::Zero { name });
            }
            if value > maximum {
                return Err(ConfigError::TooLarge { name, value, maximum });
            }
        }
        if !self.width.is_multiple_of(2 * self.heads) {
            return Err(ConfigError::Heads { width: self.width, heads: self.heads });
        }
        let value = self.parameter_count();
        if value > PARAMETERS_MAX {
            return Err(ConfigError::TooLarge {
                name: "parameters",
                value,
                maximum: PARAMETERS_MAX,
            });
        }
        Ok(())
    }

    /// Returns the number of parameters; the embedding counts once, since it is tied to the output.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.vocabulary * self.width + self.layers * self.layer_parameter_count() + self.width
    }

    /// Returns the number of values per head.
    #[must_use]
    pub fn head_width(&self) -> usize {
        self.width / self.heads
    }

    /// Returns the floating-point operations of one forward and backward pass over `tokens` tokens: `6 · parameters`
    /// per token for the matrix products, and `6 · width · context` per token and layer for causal attention.
    /// Operations repeated to save memory are not counted.
    #[must_use]
    pub fn training_flops(&self, tokens: usize) -> f64 {
        let matrices = self.parameter_count() - self.width * (2 * self.layers + 1);
        let per_token = 6 * matrices + 6 * self.layers * self.width * self.context;
        #[expect(clippy::cast_precision_loss, reason = "a figure for display; 53 bits are enough")]
        let flops = per_token as f64 * tokens as f64;
        flops
    }

    pub(crate) fn layer_parameter_count(&self) -> usize {
        4 * self.width * self.width + 3 * self.width * self.hidden + 2 * self.width
    }
}
