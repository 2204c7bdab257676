//! How much a round computes, from the bytes of a run's specification.
//!
//! The terms of a run say how many tokens a round has, and its owner wrote them; what is computed says the specification, whose
//! digest the referees' replays go by. So the specification is read here, and terms that say something else count for nothing:
//! otherwise an owner could have its own devices paid for more tokens than they train on.
//!
//! Only the beginning is read: `{"model":{"layers":N,"width":N,"heads":N,"context":N,"vocabulary":N,"hidden":N},"seed":"…",
//! "rounds":N,"warmup_rounds":N,"warmup_steps":N,"steps_per_round":N,"batch":N,` in the canonical form of `verification::RunSpec`:
//! these fields, this order, no spaces, decimal digits without leading zeros. A specification that goes on with something invalid
//! can't be trained or replayed by anybody, so no check of it is upheld.

use thiserror::Error;

/// Largest size of a specification, in bytes; as in `verification`.
pub const SPECIFICATION_SIZE_MAX: usize = 16 << 10;

/// Hexadecimal digits of a seed.
const SEED_DIGITS: usize = 64;

/// The sizes of a model and of its rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Specification {
    layers: u64,
    width: u64,
    heads: u64,
    context: u64,
    vocabulary: u64,
    hidden: u64,
    /// Number of rounds.
    pub rounds: u64,
    /// Number of them that are warm-up rounds, at the beginning.
    pub warmup_rounds: u64,
    warmup_steps: u64,
    steps_per_round: u64,
    batch: u64,
}

/// Why a specification is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SpecificationError {
    /// The bytes are not in the canonical form.
    #[error("the specification is not in its canonical form at byte {at}")]
    NotCanonical {
        /// Where.
        at: usize,
    },
    /// A number is out of its bounds.
    #[error("the specification says {field} = {value}: give 1 to {most}")]
    OutOfBounds {
        /// The field.
        field: &'static str,
        /// Its value.
        value: u64,
        /// The largest value.
        most: u64,
    },
}

impl Specification {
    /// Reads the beginning of a specification's bytes.
    ///
    /// # Errors
    /// When they are not in the canonical form, or a number is out of its bounds.
    pub fn read(bytes: &[u8]) -> Result<Self, SpecificationError> {
        if bytes.len() > SPECIFICATION_SIZE_MAX {
            return Err(SpecificationError::NotCanonical { at: SPECIFICATION_SIZE_MAX });
        }
        let mut reader = Reader { rest: bytes, at: 0 };
        reader.expect(b"{\"model\":{\"layers\":")?;
        let layers = reader.number("layers", 1 << 10)?;
        let width = reader.field("width", 1 << 16)?;
        let heads = reader.field("heads", 1 << 10)?;
        let context = reader.field("context", 1 << 16)?;
        let vocabulary = reader.field("vocabulary", 256)?;
        let hidden = reader.field("hidden", 1 << 18)?;
        reader.expect(b"},\"seed\":\"")?;
        reader.seed()?;
        reader.expect(b"\"")?;
        let rounds = reader.field("rounds", 100_000)?;
        let warmup_rounds = reader.field_or_zero("warmup_rounds", 100_000)?;
        let warmup_steps = reader.field("warmup_steps", 10_000)?;
        let steps_per_round = reader.field("steps_per_round", 10_000)?;
        let batch = reader.field("batch", 4_096)?;
        reader.expect(b",")?;
        Ok(Self {
            layers,
            width,
            heads,
            context,
            vocabulary,
            hidden,
            rounds,
            warmup_rounds,
            warmup_steps,
            steps_per_round,
            batch,
        })
    }

    /// Returns the number of tokens of one device in a round.
    #[must_use]
    pub fn tokens(&self, round: u64) -> u64 {
        let steps =
            if round < self.warmup_rounds { self.warmup_steps } else { self.steps_per_round };
        steps.saturating_mul(self.batch).saturating_mul(self.context)
    }

    /// Returns the floating-point operations of a forward and backward pass for each token: six for each parameter of a matrix, the
    /// embedding once, and `6 · width · context` a layer for causal attention.
    ///
    /// Source: `model::Config::training_flops`, which it is compared with.
    #[must_use]
    pub fn operations_per_token(&self) -> u128 {
        let [layers, width, context] = [self.layers, self.width, self.context].map(u128::from);
        let [vocabulary, hidden] = [self.vocabulary, self.hidden].map(u128::from);
        let square = width.saturating_mul(width).saturating_mul(4);
        let inner = width.saturating_mul(hidden).saturating_mul(3);
        let attention = width.saturating_mul(context);
        let layer = square.saturating_add(inner).saturating_add(attention);
        let embedding = vocabulary.saturating_mul(width);
        layers.saturating_mul(layer).saturating_add(embedding).saturating_mul(6)
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
        self.at = self.at.saturating_add(count);
    }

    fn stop<T>(&self) -> Result<T, SpecificationError> {
        Err(SpecificationError::NotCanonical { at: self.at })
    }

    fn expect(&mut self, text: &[u8]) -> Result<(), SpecificationError> {
        if !self.rest.starts_with(text) {
            return self.stop();
        }
        self.take(text.len());
        Ok(())
    }

    fn seed(&mut self) -> Result<(), SpecificationError> {
        let digits = self.rest.get(..SEED_DIGITS).unwrap_or_default();
        let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        if digits.len() != SEED_DIGITS || !digits.iter().all(is_digit) {
            return self.stop();
        }
        self.take(SEED_DIGITS);
        Ok(())
    }

    fn field(&mut self, field: &'static str, most: u64) -> Result<u64, SpecificationError> {
        self.name(field)?;
        self.number(field, most)
    }

    fn field_or_zero(&mut self, field: &'static str, most: u64) -> Result<u64, SpecificationError> {
        self.name(field)?;
        if self.rest.starts_with(b"0") {
            self.take(1);
            return Ok(0);
        }
        self.number(field, most)
    }

    fn name(&mut self, field: &str) -> Result<(), SpecificationError> {
        self.expect(b",\"")?;
        self.expect(field.as_bytes())?;
        self.expect(b"\":")
    }

    /// Reads a number from 1 to `most`.
    fn number(&mut self, field: &'static str, most: u64) -> Result<u64, SpecificationError> {
        let count = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let digits = self.rest.get(..count).unwrap_or_default();
        if count == 0 || count > 18 || (count > 1 && digits.first() == Some(&b'0')) {
            return self.stop();
        }
        let value = digits.iter().fold(0_u64, |value, digit| {
            value.saturating_mul(10).saturating_add(u64::from(digit.saturating_sub(b'0')))
        });
        if value == 0 || value > most {
            return Err(SpecificationError::OutOfBounds { field, value, most });
        }
        self.take(count);
        Ok(value)
    }
}
