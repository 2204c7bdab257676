//! Which shards a device reads in a round, and which windows of them in a step.
//!
//! Random bytes are the output of BLAKE3 in key-derivation mode over `seed ‖ round ‖ device`, and the step if there
//! is one: anyone who knows these can repeat the draw, and no two devices, rounds or steps share one.

use thiserror::Error;
use units::DeviceId;

/// The inputs of a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw<'a> {
    /// The run's seed.
    pub seed: &'a [u8; 32],
    /// The round.
    pub round: u32,
    /// The device that reads.
    pub device: &'a DeviceId,
}

/// Why no batch can be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BatchError {
    /// No shard is assigned.
    #[error("no shard is assigned: assign at least one")]
    NoShard,
    /// A shard is shorter than a window.
    #[error(
        "shard {position} of the assignment has {size} bytes, a window needs {window}: cut the text for this context"
    )]
    ShardTooShort {
        /// Position in the assignment.
        position: usize,
        /// Bytes of the shard.
        size: usize,
        /// Size of a window: the context and the byte after it.
        window: usize,
    },
}

/// Returns the shards that a device reads in a round: `count` different ones of `shard_count`, or all when there
/// are fewer.
///
/// The result holds indices into the manifest, in the order drawn. Every choice is equally likely.
#[must_use]
pub fn assignment(draw: &Draw<'_>, shard_count: usize, count: usize) -> Vec<usize> {
    let mut random = Random::new("gleaner 2026 shard assignment v1", draw, None);
    let mut shards: Vec<usize> = (0..shard_count).collect();
    let count = count.min(shard_count);
    for position in 0..count {
        let chosen = position + random.below(shard_count - position);
        shards.swap(position, chosen);
    }
    shards.truncate(count);
    shards
}

/// Draws the batches of a round.
#[derive(Clone, Debug)]
pub struct Batcher<'a> {
    draw: Draw<'a>,
    shards: Vec<&'a [u8]>,
    context: usize,
    /// Number of positions at which a window can begin, in all shards together.
    start_count: usize,
}

impl<'a> Batcher<'a> {
    /// Returns a batcher over the assigned shards, in the order of the assignment.
    ///
    /// # Errors
    /// When there is no shard, or one is not longer than `context`.
    pub fn new(draw: Draw<'a>, shards: &[&'a [u8]], context: usize) -> Result<Self, BatchError> {
        let short = shards.iter().position(|shard| shard.len() <= context);
        if let Some(position) = short {
            let size = shards[position].len();
            return Err(BatchError::ShardTooShort { position, size, window: context + 1 });
        }
        let start_count = shards.iter().map(|shard| shard.len() - context).sum();
        if start_count == 0 {
            return Err(BatchError::NoShard);
        }
        Ok(Self { draw, shards: shards.to_vec(), context, start_count })
    }

    /// Fills `tokens` and `targets`, both `(B, T)` row-major with `T` the context, with the batch of a step of this
    /// round.
    ///
    /// Each row is a window that begins at a position drawn uniformly from all positions of all shards; `targets`
    /// is the row one byte later.
    ///
    /// # Panics
    /// When the two differ in length, or the length is not a whole number of rows.
    pub fn fill(&self, step: u32, tokens: &mut [u8], targets: &mut [u8]) {
        assert_eq!(tokens.len(), targets.len(), "every token needs a target");
        assert_eq!(tokens.len() % self.context, 0, "the batch must be whole rows");
        let mut random = Random::new("gleaner 2026 batch v1", &self.draw, Some(step));
        let rows = tokens.chunks_exact_mut(self.context);
        for (tokens, targets) in rows.zip(targets.chunks_exact_mut(self.context)) {
            let window = self.window(random.below(self.start_count));
            tokens.copy_from_slice(&window[..self.context]);
            targets.copy_from_slice(&window[1..]);
        }
    }

    /// Returns the window at a position counted through all shards.
    fn window(&self, mut start: usize) -> &'a [u8] {
        for shard in &self.shards {
            let here = shard.len() - self.context;
            if start < here {
                return &shard[start..=start + self.context];
            }
            start -= here;
        }
        unreachable!("the draw is below the number of positions")
    }
}

/// A stream of random numbers.
struct Random(blake3::OutputReader);

impl Random {
    fn new(context: &str, draw: &Draw<'_>, step: Option<u32>) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(context);
        hasher.update(draw.seed).update(&draw.round.to_le_bytes()).update(draw.device.as_bytes());
        if let Some(step) = step {
            hasher.update(&step.to_le_bytes());
        }
        Self(hasher.finalize_xof())
    }

    /// Returns a uniform draw from `0..bound`: words of the incomplete last range are drawn again.
    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("usize has at most 64 bits");
        assert!(bound > 0, "the bound of a draw must not be 0");
        let uneven = (u64::MAX % bound + 1) % bound;
        loop {
            let mut word = [0; 8];
            self.0.fill(&mut word);
            let word = u64::from_le_bytes(word);
            if word <= u64::MAX - uneven {
                return usize::try_from(word % bound).expect("below a usize");
            }
        }
    }
}
