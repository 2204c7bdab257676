//! Generates text with a model, one byte at a time.

use crate::arena::{Passes, Shard};
use crate::attention::Tools;
use crate::config::Config;
use crate::functions::exp;
use crate::instructions::{Checked, Isa};
use crate::layer::{Shape, forward};
use crate::layout::split;
use crate::philox::Philox;
use crate::trainer::{TrainerError, check_tokens};
use crate::workers::Bench;

/// How the next token is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// Divides the logits; 0 always chooses the most likely token.
    pub temperature: f32,
    /// Number of most likely tokens to draw from; of equal ones the lower token comes first.
    pub top_k: usize,
    /// Seed of the draws: the same seed gives the same text.
    pub seed: [u8; 32],
}

/// Draws tokens from a model. Runs on one thread; each token costs one forward pass over the context.
pub struct Sampler {
    shape: Shape,
    isa: Checked,
    shard: Shard,
    bench: Bench,
    sampling: Sampling,
    philox: Philox,
    drawn: u64,
}

impl Sampler {
    /// Allocates what a forward pass over one sequence needs.
    ///
    /// # Errors
    /// [`TrainerError`] when the sizes are invalid or the processor lacks the instructions.
    pub fn new(config: &Config, isa: Isa, sampling: Sampling) -> Result<Self, TrainerError> {
        config.validate()?;
        Ok(Self {
            shape: Shape::new(*config),
            isa: Checked::new(isa).ok_or(TrainerError::Unavailable { isa })?,
            shard: Shard::new(config, 1, Passes::Forward),
            bench: Bench::new(config),
            sampling,
            philox: Philox::derive("gleaner 2026 sampling v1", &sampling.seed),
            drawn: 0,
        })
    }

    /// Returns the logits `(V)` of the token after `text`, of which the last `context` tokens are used.
    ///
    /// # Panics
    /// When `text` is empty or has a token outside the vocabulary, and when `params` do not fit the model.
    pub fn logits(&mut self, params: &[f32], text: &[u8]) -> &[f32] {
        let config = self.shape.config;
        assert!(!text.is_empty(), "the text must have at least one token");
        assert_eq!(
            params.len(),
            config.parameter_count(),
            "the parameters must have the length of the model"
        );
        let seen = &text[text.len().saturating_sub(config.context)..];
        check_tokens(&config, seen);
        self.shard.sequences = 1;
        self.shard.time = seen.len();
        let weights = split(&config, params);
        let mut tools: Tools<'_> = self.bench.tools(self.isa);
        forward(&self.shape, &weights, seen, &mut self.shard, &mut tools);
        &self.shard.logits[(seen.len() - 1) * config.vocabulary..][..config.vocabulary]
    }

    /// Draws the token that follows `text`.
    ///
    /// # Panics
    /// As [`Sampler::logits`].
    pub fn next_token(&mut self, params: &[f32], text: &[u8]) -> u8 {
        let [word, ..] = self.philox.block_at(self.drawn);
        self.drawn += 1;
        let Sampling { temperature, top_k, .. } = self.sampling;
        draw(self.logits(params, text), (temperature, top_k), word)
    }
}

/// Returns the token that a random 32-bit `word` chooses.
fn draw(logits: &[f32], (temperature, top_k): (f32, usize), word: u32) -> u8 {
    let mut ranked: Vec<(u8, f32)> = (0_u8..=u8::MAX).zip(logits.iter().copied()).collect();
    ranked.sort_by(|(a, left), (b, right)| right.total_cmp(left).then(a.cmp(b)));
    let (likeliest, largest) = *ranked.first().expect("the vocabulary is not empty");
    if temperature <= 0.0 {
        return likeliest;
    }
    ranked.truncate(top_k.max(1));
    let weight = |logit: f32| f64::from(exp((logit - largest) / temperature));
    let total: f64 = ranked.iter().map(|(_, logit)| weight(*logit)).sum();
    let mut left = f64::from(word) / 4_294_967_296.0 * total;
    for (token, logit) in &ranked {
        left -= weight(*logit);
        if left < 0.0 {
            return *token;
        }
    }
    likeliest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_the_weights() {
        let logits = [0.0, 2.0, 1.0, 2.0];
        // Ranked 1, 3, 2, 0 with weights 1, 1, e^-1, e^-2 of 2.5032.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let share = |x: f64| (x * 4_294_967_296.0 / 2.503_215) as u32;
        let cases =
            [(0.0, 1), (0.99, 1), (1.01, 3), (1.99, 3), (2.01, 2), (2.36, 2), (2.37, 0), (2.5, 0)];
        for (x, expected) in cases {
            assert_eq!(draw(&logits, (1.0, 4), share(x)), expected, "at {x}");
        }
        assert_eq!(
            draw(&logits, (0.0, 4), u32::MAX),
            1,
            "temperature 0 chooses the most likely token"
        );
        assert_eq!(draw(&logits, (9.0, 1), u32::MAX), 1, "top_k 1 chooses the most likely token");
        assert_eq!(
            draw(&logits, (1.0, 2), u32::MAX),
            3,
            "top_k 2 draws from the two most likely tokens"
        );
    }
}
