//! The specification of a run: everything a device must know to do its work.

use std::{fmt, str::FromStr};

use compression::{Bits, Density, Format};
use model::{Activations, Execution, Trainer, instructions::Isa};
use optimizer::InnerKind;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use units::Digest;

/// Largest size of a specification, in bytes.
const SPEC_SIZE_MAX: usize = 16 << 10;

/// Largest number of segments of a round.
const SEGMENTS_MAX: u32 = 256;
/// Largest number of leaves of a round: those of its segments, of the job and of the update.
pub const LEAVES_MAX: usize = SEGMENTS_MAX as usize + 2;

/// Largest memory for training: a worker refuses a specification that needs more before it allocates anything.
const TRAINING_BYTES_MAX: u64 = 64 << 30;

/// The seed of a run, which determines initial parameters and all data draws; 64 hexadecimal digits in JSON.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Seed(pub [u8; 32]);

/// How a run trains. In JSON, f32 values are written as the shortest decimal that reads back to the same bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSpec {
    /// The model.
    pub model: model::Config,
    /// Randomness of the run.
    pub seed: Seed,
    /// Number of rounds, warm-up rounds included.
    pub rounds: u32,
    /// Number of rounds at the beginning that are shorter and denser, while the parameters still change a lot.
    pub warmup_rounds: u32,
    /// Inner steps of a warm-up round.
    pub warmup_steps: u32,
    /// Inner steps of every later round.
    pub steps_per_round: u32,
    /// Windows per step.
    pub batch: u32,
    /// Shards that a device reads per round.
    pub shards_per_round: u32,
    /// Number of state digests per round, evenly spaced; fewer when a round has fewer steps.
    pub segments: u32,

    /// The inner optimizer: `adamw`, or `muon` for matrices and AdamW for embedding and norms.
    pub optimizer: InnerKind,
    /// Largest inner learning rate; with Muon that of matrices is six times as high.
    pub learning_rate: f32,
    /// Learning rate at the end, as a fraction of the largest.
    pub learning_rate_floor: f32,
    /// Warmup: steps at the beginning of the run over which the learning rate rises.
    pub rise_steps: u32,
    /// Steps over which it rises at the beginning of every round, because the inner optimizer state is fresh.
    pub ramp_steps: u32,
    /// AdamW: decay of the first moment.
    pub beta1: f32,
    /// AdamW: decay of the second moment.
    pub beta2: f32,
    /// AdamW: decoupled weight decay of matrices.
    pub weight_decay: f32,
    /// Largest norm of a gradient; larger ones are scaled down.
    pub clip_norm: f32,

    /// How a worker selects the values that it sends: `largest`, or `drawn` with an expectation equal to the change.
    pub selection: SelectionKind,
    /// Values of 4096 that a worker sends in ordinary rounds.
    pub density_per_chunk: u16,
    /// Bits of each: its sign, and a level.
    pub bits_per_value: u8,
    /// Values of 4096 that a worker sends in warm-up rounds.
    pub warmup_density_per_chunk: u16,
    /// Bits of each.
    pub warmup_bits_per_value: u8,
    /// Values of 4096 that the coordinator sends in every round: the largest.
    pub density_down_per_chunk: u16,
    /// Bits of each.
    pub bits_down_per_value: u8,
    /// Outer learning rate.
    pub outer_learning_rate: f32,
    /// Outer Nesterov momentum.
    pub outer_momentum: f32,
}

/// How the values to send are selected; `largest` or `drawn` in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SelectionKind {
    /// The largest.
    Largest,
    /// Drawn, with the run's public randomness, by [priority sampling](compression::Selection::Drawn).
    Drawn,
}

/// Why a specification is refused.
#[derive(Debug, Error)]
pub enum SpecError {
    /// The bytes are too long, or not the JSON of a specification.
    #[error("specification can't be read: {reason}")]
    Unreadable {
        /// What is wrong.
        reason: String,
    },
    /// The bytes are valid JSON, but not in the canonical form.
    #[error("specification is not in its canonical form: write it with this program")]
    NotCanonical,
    /// A value is out of its bounds.
    #[error("specification: {field} is {value}: give {allowed}")]
    OutOfBounds {
        /// The field.
        field: &'static str,
        /// The given value.
        value: String,
        /// The allowed values.
        allowed: &'static str,
    },
    /// The model's sizes don't fit together.
    #[error("the specification's model is invalid")]
    Model(#[source] model::ConfigError),
}

impl RunSpec {
    /// Returns the settings for a small model on a few ordinary machines; `docs/measurements.md` says how they were
    /// chosen.
    #[must_use]
    pub fn small(rounds: u32, seed: [u8; 32]) -> Self {
        Self {
            model: model::Config {
                layers: 4,
                width: 128,
                heads: 4,
                context: 128,
                vocabulary: 256,
                hidden: 352,
            },
            seed: Seed(seed),
            rounds,
            warmup_rounds: rounds.div_ceil(8),
            warmup_steps: 8,
            steps_per_round: 16,
            batch: 8,
            shards_per_round: 4,
            segments: 4,
            optimizer: InnerKind::AdamW,
            learning_rate: 2e-3,
            learning_rate_floor: 0.1,
            rise_steps: 20,
            ramp_steps: 3,
            beta1: 0.9,
            beta2: 0.95,
            weight_decay: 0.1,
            clip_norm: 1.0,
            selection: SelectionKind::Drawn,
            density_per_chunk: 512,
            bits_per_value: 2,
            warmup_density_per_chunk: 4096,
            warmup_bits_per_value: 2,
            density_down_per_chunk: 4096,
            bits_down_per_value: 2,
            outer_learning_rate: 0.7,
            outer_momentum: 0.9,
        }
    }

    /// Returns the canonical JSON: the fields in their order, without spaces. Its BLAKE3 identifies the specification.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers and strings can always be written as JSON")
    }

    /// Parses and validates the bytes of [`RunSpec::to_bytes`].
    ///
    /// # Errors
    /// When the bytes are not the canonical JSON of a valid specification.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SpecError> {
        if bytes.len() > SPEC_SIZE_MAX {
            let reason = format!("{} bytes, at most {SPEC_SIZE_MAX} are allowed", bytes.len());
            return Err(SpecError::Unreadable { reason });
        }
        let spec: Self = serde_json::from_slice(bytes)
            .map_err(|error| SpecError::Unreadable { reason: error.to_string() })?;
        spec.validate()?;
        if spec.to_bytes() == bytes { Ok(spec) } else { Err(SpecError::NotCanonical) }
    }

    /// Returns BLAKE3 of [`RunSpec::to_bytes`].
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_bytes())
    }

    /// Checks that every field is within its bounds and that a device can do the work.
    ///
    /// # Errors
    /// The first field that is out of bounds.
    pub fn validate(&self) -> Result<(), SpecError> {
        self.model.validate().map_err(SpecError::Model)?;
        let counts = [
            (
                "model.vocabulary",
                to_u32(self.model.vocabulary),
                256,
                256,
                "256, since tokens are bytes",
            ),
            ("rounds", self.rounds, 1, 100_000, "1 to 100000"),
            ("warmup_rounds", self.warmup_rounds, 0, self.rounds, "0 to the number of rounds"),
            ("warmup_steps", self.warmup_steps, 1, 10_000, "1 to 10000"),
            ("steps_per_round", self.steps_per_round, 1, 10_000, "1 to 10000"),
            ("batch", self.batch, 1, 4096, "1 to 4096"),
            ("shards_per_round", self.shards_per_round, 1, 4096, "1 to 4096"),
            ("segments", self.segments, 1, SEGMENTS_MAX, "1 to 256"),
            ("rise_steps", self.rise_steps, 0, 1_000_000, "0 to 1000000"),
            ("ramp_steps", self.ramp_steps, 0, 10_000, "0 to 10000"),
            ("density_per_chunk", self.density_per_chunk.into(), 1, 4096, "1 to 4096"),
            (
                "warmup_density_per_chunk",
                self.warmup_density_per_chunk.into(),
                1,
                4096,
                "1 to 4096",
            ),
            ("density_down_per_chunk", self.density_down_per_chunk.into(), 1, 4096, "1 to 4096"),
            ("bits_per_value", self.bits_per_value.into(), 1, 4, "1 to 4"),
            ("warmup_bits_per_value", self.warmup_bits_per_value.into(), 1, 4, "1 to 4"),
            ("bits_down_per_value", self.bits_down_per_value.into(), 1, 4, "1 to 4"),
        ];
        for (field, value, least, most, allowed) in counts {
            if !(least..=most).contains(&value) {
                return Err(SpecError::OutOfBounds { field, value: value.to_string(), allowed });
            }
        }
        self.validate_rates()?;
        let bytes = self.training_bytes(1, Activations::Recompute);
        if bytes > TRAINING_BYTES_MAX {
            let value = self.batch.to_string();
            let allowed = "a model and batch that train in 64 GiB of memory";
            return Err(SpecError::OutOfBounds { field: "batch", value, allowed });
        }
        Ok(())
    }

    /// Returns the memory that a device needs to train, in bytes: what the trainer allocates, and for each parameter
    /// 16 bytes (parameter, gradient, moments), 4 (the round's base) and 8 for buffers, the update and the matrices of
    /// Muon.
    #[must_use]
    pub fn training_bytes(&self, threads: usize, activations: Activations) -> u64 {
        let execution =
            Execution { batch: to_usize(self.batch), threads, isa: Isa::Scalar, activations };
        let trainer = Trainer::memory_bytes(&self.model, execution);
        let parameters = self.model.parameter_count().saturating_mul(28);
        u64::try_from(trainer.saturating_add(parameters)).unwrap_or(u64::MAX)
    }

    /// Returns the number of inner steps of a round.
    #[must_use]
    pub fn steps(&self, round: u32) -> u32 {
        if round < self.warmup_rounds { self.warmup_steps } else { self.steps_per_round }
    }

    /// Returns the number of inner steps of all rounds before `round`.
    #[must_use]
    pub fn steps_before(&self, round: u32) -> u32 {
        let warmup = round.min(self.warmup_rounds);
        warmup * self.warmup_steps + (round - warmup) * self.steps_per_round
    }

    /// Returns the number of inner steps of the whole run, for one device.
    #[must_use]
    pub fn steps_total(&self) -> u32 {
        self.steps_before(self.rounds)
    }

    /// Returns the number of tokens (bytes of text) of a step.
    #[must_use]
    pub fn tokens_per_step(&self) -> u64 {
        let context = u64::try_from(self.model.context).expect("usize has at most 64 bits");
        u64::from(self.batch) * context
    }

    /// Returns the number of tokens of one device in a round: what it is paid for.
    #[must_use]
    pub fn tokens(&self, round: u32) -> u64 {
        u64::from(self.steps(round)) * self.tokens_per_step()
    }

    /// Returns how much a worker sends in a round.
    ///
    /// # Panics
    /// When the specification is not [valid](RunSpec::validate).
    #[must_use]
    pub fn format(&self, round: u32) -> Format {
        if round < self.warmup_rounds {
            valid(self.warmup_density_per_chunk, self.warmup_bits_per_value)
        } else {
            valid(self.density_per_chunk, self.bits_per_value)
        }
    }

    /// Returns how much the coordinator sends in every round.
    ///
    /// # Panics
    /// When the specification is not [valid](RunSpec::validate).
    #[must_use]
    pub fn format_down(&self) -> Format {
        valid(self.density_down_per_chunk, self.bits_down_per_value)
    }

    /// Returns the steps of a round after which the state's digest becomes a leaf: ascending, the last one is the
    /// last step.
    pub(crate) fn segment_ends(&self, round: u32) -> Vec<u32> {
        let steps = self.steps(round);
        let count = self.segments.min(steps);
        (1..=count).map(|segment| steps * segment / count).collect()
    }

    /// Returns the part of a round that a leaf of its tree stands for, or `None` when there is no such leaf.
    #[must_use]
    pub fn part(&self, round: u32, leaf: usize) -> Option<Part> {
        let ends = self.segment_ends(round);
        let Some(segment) = leaf.checked_sub(1) else { return Some(Part::Inputs) };
        if segment == ends.len() {
            return Some(Part::Update);
        }
        let last = *ends.get(segment)?;
        let first = segment.checked_sub(1).and_then(|before| ends.get(before)).unwrap_or(&0) + 1;
        Some(Part::Segment { number: segment + 1, count: ends.len(), first, last })
    }

    fn validate_rates(&self) -> Result<(), SpecError> {
        let rates = [
            ("learning_rate", self.learning_rate, 1e-8..=1.0, "1e-8 to 1"),
            ("learning_rate_floor", self.learning_rate_floor, 0.0..=1.0, "0 to 1"),
            ("beta1", self.beta1, 0.0..=0.9999, "0 to 0.9999"),
            ("beta2", self.beta2, 0.0..=0.9999, "0 to 0.9999"),
            ("weight_decay", self.weight_decay, 0.0..=10.0, "0 to 10"),
            ("clip_norm", self.clip_norm, 1e-6..=1e6, "1e-6 to 1e6"),
            ("outer_learning_rate", self.outer_learning_rate, 1e-6..=10.0, "1e-6 to 10"),
            ("outer_momentum", self.outer_momentum, 0.0..=0.999, "0 to 0.999"),
        ];
        for (field, value, range, allowed) in rates {
            // Minus zero is in the range, but would be a second encoding of zero.
            if !range.contains(&value) || value.is_sign_negative() {
                return Err(SpecError::OutOfBounds { field, value: value.to_string(), allowed });
            }
        }
        Ok(())
    }
}

/// The part of a round that a leaf of its tree stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What the device has computed from: specification, round, device, base state and shards.
    Inputs,
    /// The state at the end of a segment. All numbers count from 1.
    Segment {
        /// Number of the segment.
        number: usize,
        /// Number of segments.
        count: usize,
        /// Its first step.
        first: u32,
        /// Its last step.
        last: u32,
    },
    /// The compressed change of the round.
    Update,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inputs => f.write_str("the inputs"),
            Self::Segment { number, count, first, last } => {
                write!(f, "segment {number} of {count} (steps {first} to {last})")
            }
            Self::Update => f.write_str("the update"),
        }
    }
}

/// Returns the format. [`RunSpec::validate`] checks it; a caller that builds a specification by hand must call
/// that first.
fn valid(per_chunk: u16, bits: u8) -> Format {
    let density = Density::new(per_chunk).expect("the specification was validated");
    Format { density, bits: Bits::new(bits).expect("the specification was validated") }
}

/// Converts a size; one that does not fit becomes `u32::MAX`, far above every bound.
fn to_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

pub(crate) fn to_usize(value: u32) -> usize {
    usize::try_from(value).expect("usize has at least 32 bits")
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Digest::from_bytes(self.0).fmt(f)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Seed> for String {
    fn from(seed: Seed) -> Self {
        seed.to_string()
    }
}

impl TryFrom<String> for Seed {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digest = Digest::from_str(&text)
            .map_err(|_| format!("seed is {text:?}: give 64 hexadecimal digits"))?;
        Ok(Self(*digest.as_bytes()))
    }
}

#[cfg(test)]
mod tests;
