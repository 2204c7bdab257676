//! Splits a text into shards for training and a part for validation.

use std::path::Path;

use crate::manifest::{Manifest, Piece, SHARD_COUNT_MAX, SHARD_SIZE_MAX};
use crate::text::{self, CorpusError, TEXT_SIZE_MAX};

/// Default size of a shard in bytes: small enough to send while a round runs.
pub const SHARD_SIZE: usize = 64 << 10;

/// Largest part of the validation text that is evaluated, in bytes, so that an evaluation stays short.
pub const VALIDATION_EVALUATED_SIZE_MAX: usize = 64 << 10;

/// The validation text is one part in this many.
const VALIDATION_SHARE: usize = 20;

/// How far a cut may move to fall after the end of a line.
const LINE_SIZE_MAX: usize = 1 << 10;

/// How a text is split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Bytes that a model reads at once, plus the one after them: every shard and the validation text have at least
    /// one window.
    pub window: usize,
    /// Size of a shard in bytes; the last one may be longer, by half or by a window.
    pub shard_size: usize,
}

/// A text prepared for training.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corpus {
    text: Vec<u8>,
    /// End of each shard in `text`; the validation text follows the last.
    ends: Vec<usize>,
    /// Of a validation text that is not here.
    absent: Option<Piece>,
}

/// Shards are not those of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these are not the {count} shards of the manifest: give all, in its order")]
pub struct NotTheShards {
    /// Number of shards in the manifest.
    pub count: usize,
}

impl Cut {
    /// Returns a split into shards of [`SHARD_SIZE`] for a model that reads `context` bytes at once.
    #[must_use]
    pub fn for_context(context: usize) -> Self {
        let window = context.saturating_add(1);
        Self { window, shard_size: SHARD_SIZE.max(window) }
    }

    /// Returns the size of the shortest text that can be split: one window to train on, one to validate on, and space
    /// to cut between characters.
    #[must_use]
    pub fn text_size_min(&self) -> usize {
        self.window.saturating_mul(2).saturating_add(4)
    }
}

impl Corpus {
    /// Reads a text file, or all files below a folder whose names don't begin with a dot, in the order of their paths.
    ///
    /// # Errors
    /// When something can't be read, is not UTF-8, or is too small or too large; the error names the path and what to do.
    pub fn from_path(path: &Path, cut: &Cut) -> Result<Self, CorpusError> {
        Self::new(text::read(path)?, path, cut)
    }

    /// Splits a text that is already in memory; errors call it `the text`.
    ///
    /// # Errors
    /// When it is not UTF-8, or too small or too large.
    pub fn from_text(text: Vec<u8>, cut: &Cut) -> Result<Self, CorpusError> {
        let name = Path::new("the text");
        text::check_text(&text, name)?;
        Self::new(text, name, cut)
    }

    /// Puts a corpus together from all its shards, without the validation text.
    ///
    /// # Errors
    /// [`NotTheShards`] when the shards are not those of the manifest, in its order.
    pub fn from_shards(manifest: &Manifest, shards: &[Vec<u8>]) -> Result<Self, NotTheShards> {
        let count = manifest.shards.len();
        let differing = |(piece, shard): (&Piece, &Vec<u8>)| !piece.is(shard);
        let mut pairs = manifest.shards.iter().zip(shards);
        if shards.len() != count || pairs.any(differing) {
            return Err(NotTheShards { count });
        }
        let ends = shards.iter().scan(0, |end: &mut usize, shard| {
            *end = end.saturating_add(shard.len());
            Some(*end)
        });
        Ok(Self { ends: ends.collect(), text: shards.concat(), absent: Some(manifest.validation) })
    }

    /// Returns the digests of the shards and of the validation text.
    #[must_use]
    pub fn manifest(&self) -> Manifest {
        let shards = (0..self.shard_count()).map(|index| Piece::of(self.shard(index))).collect();
        let validation = self.absent.unwrap_or_else(|| Piece::of(self.validation()));
        Manifest { shards, validation }
    }

    /// Returns the number of shards, at least one.
    #[must_use]
    pub fn shard_count(&self) -> usize {
        self.ends.len()
    }

    /// Returns the bytes of a shard.
    ///
    /// # Panics
    /// When `index` is not below [`Corpus::shard_count`].
    #[must_use]
    pub fn shard(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.text[start..self.ends[index]]
    }

    /// Returns the whole validation text; it is empty when it is not here.
    #[must_use]
    pub fn validation(&self) -> &[u8] {
        &self.text[self.training_size()..]
    }

    /// Returns the beginning of the validation text, at most [`VALIDATION_EVALUATED_SIZE_MAX`] bytes.
    #[must_use]
    pub fn evaluated(&self) -> &[u8] {
        let validation = self.validation();
        &validation[..validation.len().min(VALIDATION_EVALUATED_SIZE_MAX)]
    }

    /// Returns the size of all shards together, in bytes.
    #[must_use]
    pub fn training_size(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    fn new(text: Vec<u8>, path: &Path, cut: &Cut) -> Result<Self, CorpusError> {
        assert!(
            (1..=SHARD_SIZE_MAX / 2).contains(&cut.shard_size)
                && (2..=cut.shard_size).contains(&cut.window),
            "a window must fit a shard, and a shard its bound: {cut:?}"
        );
        if text.iter().all(u8::is_ascii_whitespace) {
            return Err(CorpusError::Empty { path: path.to_owned() });
        }
        let minimum = cut.text_size_min();
        if text.len() < minimum {
            return Err(CorpusError::TooSmall { path: path.to_owned(), size: text.len(), minimum });
        }
        if text.len() > TEXT_SIZE_MAX.min(SHARD_COUNT_MAX.saturating_mul(cut.shard_size)) {
            return Err(text::too_large(path));
        }
        let ends = shard_ends(training_size(&text, cut.window), cut);
        Ok(Self { text, ends, absent: None })
    }
}

/// Returns where the validation text begins: after the end of a line if one is near, else between two characters,
/// with a window left on both sides.
fn training_size(text: &[u8], window: usize) -> usize {
    let last = text.len() - window;
    let target = (text.len() - text.len() / VALIDATION_SHARE).clamp(window, last);
    let near = &text[target - 1..last.min(target + LINE_SIZE_MAX)];
    if let Some(offset) = near.iter().position(|&byte| byte == b'\n') {
        return target + offset;
    }
    let is_boundary = |at: &usize| text[*at] & 0xc0 != 0x80;
    (window..=target)
        .rev()
        .find(is_boundary)
        .or_else(|| (target..=last).find(is_boundary))
        .expect("a character has at most 4 bytes, and there are at least 5 places to choose from")
}

/// Returns the ends of shards of the requested size; a remainder shorter than half a shard, or than a window, is
/// added to the shard before.
fn shard_ends(training_size: usize, cut: &Cut) -> Vec<usize> {
    let mut ends: Vec<usize> =
        (1..=training_size / cut.shard_size).map(|n| n * cut.shard_size).collect();
    let rest = training_size % cut.shard_size;
    match ends.last_mut() {
        Some(end) if rest < (cut.shard_size / 2).max(cut.window) => *end = training_size,
        _ => ends.push(training_size),
    }
    ends
}
