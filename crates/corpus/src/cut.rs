//! A text, cut into shards to train on and an end to validate on.

use std::path::Path;

use crate::manifest::{Manifest, Piece, SHARD_COUNT_MAX, SHARD_SIZE_MAX};
use crate::text::{self, CorpusError, TEXT_SIZE_MAX};

/// Bytes of a shard, unless the cut says otherwise: small enough to send while a round runs.
pub const SHARD_SIZE: usize = 64 << 10;

/// Bytes of the validation text that are evaluated at most, so that an evaluation stays short.
pub const VALIDATION_EVALUATED_SIZE_MAX: usize = 64 << 10;

/// One part in so many is kept for validation.
const VALIDATION_SHARE: usize = 20;

/// How far a cut may move to fall behind a line's end.
const LINE_SIZE_MAX: usize = 1 << 10;

/// How a text is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Bytes a model reads at once, and the one after them: every shard and the validation text hold at least one.
    pub window: usize,
    /// Bytes of a shard; the last one may be longer, by half or by a window.
    pub shard_size: usize,
}

/// A text ready to be trained on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corpus {
    text: Vec<u8>,
    /// Ends of the shards in `text`; validation is what follows the last.
    ends: Vec<usize>,
}

impl Cut {
    /// Shards of [`SHARD_SIZE`] for a model that reads `context` bytes at once.
    #[must_use]
    pub fn for_context(context: usize) -> Self {
        let window = context.saturating_add(1);
        Self { window, shard_size: SHARD_SIZE.max(window) }
    }

    /// The shortest text that can be cut: one window to train on, one to validate on, and room to cut at a character.
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

    /// Cuts a text that is already in memory; errors call it `the text`.
    ///
    /// # Errors
    /// When it is not UTF-8, or too small or too large.
    pub fn from_text(text: Vec<u8>, cut: &Cut) -> Result<Self, CorpusError> {
        let name = Path::new("the text");
        text::check_text(&text, name)?;
        Self::new(text, name, cut)
    }

    /// The list of shards and the validation text, by digest.
    #[must_use]
    pub fn manifest(&self) -> Manifest {
        let shards = (0..self.shard_count()).map(|index| Piece::of(self.shard(index))).collect();
        Manifest { shards, validation: Piece::of(self.validation()) }
    }

    /// Number of shards, at least one.
    #[must_use]
    pub fn shard_count(&self) -> usize {
        self.ends.len()
    }

    /// The bytes of a shard.
    ///
    /// # Panics
    /// When there is no such shard.
    #[must_use]
    pub fn shard(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.text[start..self.ends[index]]
    }

    /// All of the text that is kept for validation.
    #[must_use]
    pub fn validation(&self) -> &[u8] {
        &self.text[self.training_size()..]
    }

    /// The beginning of the validation text, at most [`VALIDATION_EVALUATED_SIZE_MAX`] bytes.
    #[must_use]
    pub fn evaluated(&self) -> &[u8] {
        let validation = self.validation();
        &validation[..validation.len().min(VALIDATION_EVALUATED_SIZE_MAX)]
    }

    /// Bytes of all shards together.
    #[must_use]
    pub fn training_size(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    fn new(text: Vec<u8>, path: &Path, cut: &Cut) -> Result<Self, CorpusError> {
        assert!(
            (1..=SHARD_SIZE_MAX / 2).contains(&cut.shard_size)
                && (2..=cut.shard_size).contains(&cut.window),
            "a window fits a shard, and a shard its bound: {cut:?}"
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
        Ok(Self { text, ends })
    }
}

/// Where validation begins: behind a line's end if one is near, else at a character, with a window left on both sides.
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

/// Shards of the asked size; a rest shorter than half a shard, or than a window, joins the one before.
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
