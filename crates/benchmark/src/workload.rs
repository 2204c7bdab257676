//! Named workloads: sizes, and parameters and batches from a seed.

use std::fmt;

use model::Config;
use model::philox::Philox;
use optimizer::{HyperParameters, MatrixParameters};

/// The seed of everything random.
const SEED: [u8; 32] = *b"gleaner 2026 benchmark workload ";

/// Constants of AdamW: the defaults of a run.
pub(crate) const HYPER: HyperParameters =
    HyperParameters { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, clip_norm: 1.0 };

/// Constants of Muon: those of a run.
pub(crate) const MATRIX: MatrixParameters = MatrixParameters { momentum: 0.95, rate: 6.0 };

/// Constant learning rate of the workloads.
pub(crate) const LEARNING_RATE: f32 = 1e-3;

/// A named size, so that figures can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Two layers of width 64: for tests, and for instructions that are too slow for larger sizes.
    Tiny,
    /// Four layers of width 128, context 128, batch 8: 0.8 million parameters, the model of `gleaner demo`.
    Demo,
    /// Six layers of width 256, context 256, batch 8: 4.8 million parameters. Published figures use this one.
    Canonical,
    /// Eight layers of width 512, context 256, batch 8: 25 million parameters.
    Medium,
    /// Twelve layers of width 768, context 512, batch 4: 85 million parameters.
    Large,
    /// Fourteen layers of width 768, context 512, batch 4: 99 million parameters, for machines with little memory.
    Huge,
}

impl Size {
    /// All sizes, in ascending order.
    pub const ALL: [Self; 6] =
        [Self::Tiny, Self::Demo, Self::Canonical, Self::Medium, Self::Large, Self::Huge];

    /// Returns the workload of this size.
    #[must_use]
    pub fn workload(self) -> Workload {
        let sizes = |layers, width, heads, context, hidden| Config {
            layers,
            width,
            heads,
            context,
            vocabulary: 256,
            hidden,
        };
        let (config, batch) = match self {
            Self::Tiny => (sizes(2, 64, 4, 64, 176), 2),
            Self::Demo => (sizes(4, 128, 4, 128, 352), 8),
            Self::Canonical => (sizes(6, 256, 8, 256, 688), 8),
            Self::Medium => (sizes(8, 512, 8, 256, 1376), 8),
            Self::Large => (sizes(12, 768, 12, 512, 2048), 4),
            Self::Huge => (sizes(14, 768, 12, 512, 2048), 4),
        };
        Workload { config, batch }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tiny => "tiny",
            Self::Demo => "demo",
            Self::Canonical => "canonical",
            Self::Medium => "medium",
            Self::Large => "large",
            Self::Huge => "huge",
        })
    }
}

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let mut all = Self::ALL.into_iter();
        all.find(|size| size.to_string() == name).ok_or_else(|| {
            "unknown size: give tiny, demo, canonical, medium, large or huge".to_owned()
        })
    }
}

/// A model and the batches it is trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workload {
    /// The model.
    pub config: Config,
    /// Sequences per step.
    pub batch: usize,
}

impl Workload {
    /// Returns the parameters before the first step.
    #[must_use]
    pub fn initial_parameters(&self) -> Vec<f32> {
        model::initial_parameters(&self.config, &SEED)
    }

    /// Returns the number of tokens per step.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.batch * self.config.context
    }
}

/// The text is shorter than one sequence and the token after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text has {size} bytes: give at least {needed}")]
pub struct TextTooShort {
    /// Size of the text in bytes.
    pub size: usize,
    /// Smallest size: a sequence and the token after it.
    pub needed: usize,
}

/// Sequences to train on, each with the token that follows it; they depend on workload, text and step only.
#[derive(Debug, Clone)]
pub struct Batches {
    workload: Workload,
    text: Option<Vec<u8>>,
}

impl Batches {
    /// Returns one batch of random bytes, the same at each step: the speed does not depend on the bytes, and a
    /// falling loss shows that the step works.
    #[must_use]
    pub fn of_noise(workload: Workload) -> Self {
        Self { workload, text: None }
    }

    /// Returns windows of a text, drawn again at each step.
    ///
    /// # Errors
    /// When the text is shorter than a window.
    pub fn of_text(workload: Workload, text: Vec<u8>) -> Result<Self, TextTooShort> {
        let needed = workload.config.context + 1;
        if text.len() < needed {
            return Err(TextTooShort { size: text.len(), needed });
        }
        Ok(Self { workload, text: Some(text) })
    }

    /// Returns the sequences of a step, one after the other: `context + 1` bytes each.
    #[must_use]
    pub fn windows(&self, step: usize) -> Vec<u8> {
        let Workload { config, batch } = self.workload;
        let length = config.context + 1;
        let mut windows = Vec::with_capacity(batch * length);
        match &self.text {
            None => {
                let philox = Philox::derive("gleaner 2026 benchmark noise v1", &SEED);
                let words = (0..).flat_map(|index| philox.block_at(index));
                windows.extend(words.flat_map(u32::to_le_bytes).take(batch * length));
            }
            Some(text) => {
                let philox = Philox::derive("gleaner 2026 benchmark windows v1", &SEED);
                let places = text.len() - length + 1;
                let first = wide(step * batch);
                for [low, high, ..] in (first..).map(|index| philox.block_at(index)).take(batch) {
                    let number = u64::from(low) | u64::from(high) << 32;
                    let place = usize::try_from(number % wide(places)).expect("below a length");
                    windows.extend_from_slice(&text[place..][..length]);
                }
            }
        }
        windows
    }

    /// Splits [`Batches::windows`] into tokens and the token that follows each.
    pub(crate) fn fill(&self, step: usize, tokens: &mut Vec<u8>, targets: &mut Vec<u8>) {
        tokens.clear();
        targets.clear();
        for window in self.windows(step).chunks_exact(self.workload.config.context + 1) {
            tokens.extend_from_slice(&window[..window.len() - 1]);
            targets.extend_from_slice(&window[1..]);
        }
    }
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).expect("usize has at most 64 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_what_their_docs_say() {
        let counts = Size::ALL.map(|size| size.workload().config.parameter_count());
        assert_eq!(counts, [117_056, 836_736, 4_812_032, 25_436_672, 85_150_464, 99_309_312]);
        for size in Size::ALL {
            size.workload().config.validate().unwrap();
            assert_eq!(size.to_string().parse(), Ok(size));
        }
    }

    #[test]
    fn batches_are_cut_into_tokens_and_targets() {
        let workload = Size::Tiny.workload();
        let text: Vec<u8> = (0..=255).cycle().take(1000).collect();
        let batches = Batches::of_text(workload, text).unwrap();
        let (mut tokens, mut targets) = (vec![], vec![]);
        batches.fill(3, &mut tokens, &mut targets);
        assert_eq!(tokens.len(), workload.tokens());
        assert!(tokens.iter().zip(&targets).all(|(token, next)| token.wrapping_add(1) == *next));
        assert_ne!(batches.windows(3), batches.windows(4));
        let noise = Batches::of_noise(workload);
        assert_eq!(noise.windows(0), noise.windows(7));
        assert_eq!(noise.windows(0).len(), 2 * 65);
        let short = Batches::of_text(workload, vec![0; 64]).unwrap_err();
        assert_eq!(short, TextTooShort { size: 64, needed: 65 });
    }
}
