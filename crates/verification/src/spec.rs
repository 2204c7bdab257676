//! Everything a device must know to do its part of a run.

use std::{fmt, str::FromStr};

use compression::Density;
use model::{Activations, Execution, Trainer, instructions::Isa};
use optimizer::InnerKind;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use units::Digest;

/// Bytes of a specification at most.
const SPEC_SIZE_MAX: usize = 16 << 10;

/// Memory that training a specification may take at most: a worker refuses more before it allocates anything.
const TRAINING_BYTES_MAX: u64 = 64 << 30;

/// The seed of a run, from which initial parameters and all data draws follow; 64 hexadecimal digits in JSON.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Seed(pub [u8; 32]);

/// How a run trains. Rates are plain f32 and travel in JSON as the shortest decimal that reads back to the same bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSpec {
    /// The network.
    pub model: model::Config,
    /// Randomness of the run.
    pub seed: Seed,
    /// Rounds in all, warm-up rounds among them.
    pub rounds: u32,
    /// Rounds at the beginning that are shorter and denser, while the parameters still move far.
    pub warmup_rounds: u32,
    /// Inner steps of a warm-up round.
    pub warmup_steps: u32,
    /// Inner steps of every later round.
    pub steps_per_round: u32,
    /// Windows a step.
    pub batch: u32,
    /// Shards a device reads in a round.
    pub shards_per_round: u32,
    /// State digests a round, evenly spread; fewer when a round has fewer steps.
    pub segments: u32,

    /// The inner optimizer: `adamw`, or `muon` for matrices and AdamW for embedding and norms.
    pub optimizer: InnerKind,
    /// Highest inner learning rate; that of matrices is six times as high with Muon.
    pub learning_rate: f32,
    /// Learning rate at the end, as a part of the highest.
    pub learning_rate_floor: f32,
    /// Steps of the run over which the learning rate rises at its beginning.
    pub rise_steps: u32,
    /// Steps over which it rises at the beginning of every round, because the inner optimizer starts fresh.
    pub ramp_steps: u32,
    /// AdamW: how much of the mean gradient stays.
    pub beta1: f32,
    /// AdamW: how much of the mean square stays.
    pub beta2: f32,
    /// AdamW: decoupled weight decay of matrices.
    pub weight_decay: f32,
    /// Largest norm of a gradient; larger ones are scaled down.
    pub clip_norm: f32,

    /// Values that travel of 4096, up, in ordinary rounds.
    pub density_per_chunk: u16,
    /// Values that travel of 4096, up, in warm-up rounds.
    pub warmup_density_per_chunk: u16,
    /// Values that travel of 4096, down, in every round.
    pub density_down_per_chunk: u16,
    /// Part of an error-feedback memory that is still believed a round later.
    pub memory_decay: f32,
    /// Outer learning rate.
    pub outer_learning_rate: f32,
    /// Outer Nesterov momentum.
    pub outer_momentum: f32,
}

/// Why a specification is not one.
#[derive(Debug, Error)]
pub enum SpecError {
    /// Too long, or not the JSON of a specification.
    #[error("specification can't be read: {reason}")]
    Unreadable {
        /// What is wrong.
        reason: String,
    },
    /// Readable, but not the one way to write it.
    #[error("specification is not in its canonical form: write it with this program")]
    NotCanonical,
    /// A value out of its bounds.
    #[error("specification has {field} = {value}: {allowed} is allowed")]
    OutOfBounds {
        /// The field.
        field: &'static str,
        /// What it says.
        value: String,
        /// What it may say.
        allowed: &'static str,
    },
    /// A network that can't be built.
    #[error("specification has an impossible model")]
    Model(#[source] model::ConfigError),
}

impl RunSpec {
    /// The settings for a small model on a few ordinary machines; `docs/measurements.md` says how they were chosen.
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
            learning_rate: 3e-3,
            learning_rate_floor: 0.1,
            rise_steps: 20,
            ramp_steps: 3,
            beta1: 0.9,
            beta2: 0.95,
            weight_decay: 0.1,
            clip_norm: 1.0,
            density_per_chunk: 1024,
            warmup_density_per_chunk: 4096,
            density_down_per_chunk: 4096,
            memory_decay: 0.95,
            outer_learning_rate: 0.7,
            outer_momentum: 0.9,
        }
    }

    /// Canonical JSON: the fields in their order, without spaces. Its BLAKE3 is the specification's name.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers and strings always become JSON")
    }

    /// Reads and validates what [`RunSpec::to_bytes`] wrote.
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

    /// BLAKE3 of [`RunSpec::to_bytes`].
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_bytes())
    }

    /// Checks that a device can do what is asked, and that no field asks for the impossible.
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
                "256, since tokens are bytes,",
            ),
            ("rounds", self.rounds, 1, 100_000, "1 to 100000"),
            ("warmup_rounds", self.warmup_rounds, 0, self.rounds, "0 to the number of rounds"),
            ("warmup_steps", self.warmup_steps, 1, 10_000, "1 to 10000"),
            ("steps_per_round", self.steps_per_round, 1, 10_000, "1 to 10000"),
            ("batch", self.batch, 1, 4096, "1 to 4096"),
            ("shards_per_round", self.shards_per_round, 1, 4096, "1 to 4096"),
            ("segments", self.segments, 1, 256, "1 to 256"),
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
            let allowed = "what trains in 64 GiB of memory";
            return Err(SpecError::OutOfBounds { field: "batch", value, allowed });
        }
        Ok(())
    }

    /// Memory that a device needs to train, in bytes: what the trainer allocates, and for each parameter 16 bytes (itself, gradient, moments),
    /// 8 (the round's base, error feedback before and after) and 8 for room, the update and the matrices of Muon.
    #[must_use]
    pub fn training_bytes(&self, threads: usize, activations: Activations) -> u64 {
        let execution =
            Execution { batch: to_usize(self.batch), threads, isa: Isa::Scalar, activations };
        let trainer = Trainer::memory_bytes(&self.model, execution);
        let parameters = self.model.parameter_count().saturating_mul(32);
        u64::try_from(trainer.saturating_add(parameters)).unwrap_or(u64::MAX)
    }

    /// Inner steps of a round.
    #[must_use]
    pub fn steps(&self, round: u32) -> u32 {
        if round < self.warmup_rounds { self.warmup_steps } else { self.steps_per_round }
    }

    /// Inner steps of all rounds before `round`.
    #[must_use]
    pub fn steps_before(&self, round: u32) -> u32 {
        let warmup = round.min(self.warmup_rounds);
        warmup * self.warmup_steps + (round - warmup) * self.steps_per_round
    }

    /// Inner steps of the whole run, for one device.
    #[must_use]
    pub fn steps_total(&self) -> u32 {
        self.steps_before(self.rounds)
    }

    /// Bytes of text that a step trains on.
    #[must_use]
    pub fn tokens_per_step(&self) -> u64 {
        let context = u64::try_from(self.model.context).expect("usize has at most 64 bits");
        u64::from(self.batch) * context
    }

    /// Bytes of text that one device trains on in a round: what it is paid for.
    #[must_use]
    pub fn tokens(&self, round: u32) -> u64 {
        u64::from(self.steps(round)) * self.tokens_per_step()
    }

    /// Values of a chunk that travel up in a round.
    ///
    /// # Panics
    /// When the specification is not [valid](RunSpec::validate).
    #[must_use]
    pub fn density(&self, round: u32) -> Density {
        let is_warmup = round < self.warmup_rounds;
        valid(if is_warmup { self.warmup_density_per_chunk } else { self.density_per_chunk })
    }

    /// Values of a chunk that travel down.
    ///
    /// # Panics
    /// When the specification is not [valid](RunSpec::validate).
    #[must_use]
    pub fn density_down(&self) -> Density {
        valid(self.density_down_per_chunk)
    }

    /// Steps of a round after which the state's digest becomes a leaf: rising, the last one is the last step.
    pub(crate) fn segment_ends(&self, round: u32) -> Vec<u32> {
        let steps = self.steps(round);
        let count = self.segments.min(steps);
        (1..=count).map(|segment| steps * segment / count).collect()
    }

    fn validate_rates(&self) -> Result<(), SpecError> {
        let rates = [
            ("learning_rate", self.learning_rate, 1e-8..=1.0, "1e-8 to 1"),
            ("learning_rate_floor", self.learning_rate_floor, 0.0..=1.0, "0 to 1"),
            ("beta1", self.beta1, 0.0..=0.9999, "0 to 0.9999"),
            ("beta2", self.beta2, 0.0..=0.9999, "0 to 0.9999"),
            ("weight_decay", self.weight_decay, 0.0..=10.0, "0 to 10"),
            ("clip_norm", self.clip_norm, 1e-6..=1e6, "1e-6 to 1e6"),
            ("memory_decay", self.memory_decay, 0.0..=1.0, "0 to 1"),
            ("outer_learning_rate", self.outer_learning_rate, 1e-6..=10.0, "1e-6 to 10"),
            ("outer_momentum", self.outer_momentum, 0.0..=0.999, "0 to 0.999"),
        ];
        for (field, value, range, allowed) in rates {
            // Minus zero is in the range, but would be a second way to write zero.
            if !range.contains(&value) || value.is_sign_negative() {
                return Err(SpecError::OutOfBounds { field, value: value.to_string(), allowed });
            }
        }
        Ok(())
    }
}

/// Densities are checked by [`RunSpec::validate`]; a specification that was built by hand must be, too.
fn valid(per_chunk: u16) -> Density {
    Density::new(per_chunk).expect("a validated specification")
}

/// The bound is far above anything that is allowed.
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
            .map_err(|_| format!("a seed is 64 hexadecimal digits, not {text:?}"))?;
        Ok(Self(*digest.as_bytes()))
    }
}

#[cfg(test)]
mod tests;
