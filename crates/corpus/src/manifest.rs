//! The content of a corpus, by digest.
//!
//! ```text
//! version u8 | shard count u32 LE | (digest 32 bytes | size u32 LE) for each shard, then for the validation text
//! ```

use thiserror::Error;
use units::Digest;

/// Largest number of shards in a corpus.
pub const SHARD_COUNT_MAX: usize = 1 << 16;

/// Largest size of a shard, in bytes.
pub const SHARD_SIZE_MAX: usize = 16 << 20;

/// Largest size of the validation text, in bytes: a little more than a twentieth of the largest corpus.
const VALIDATION_SIZE_MAX: usize = 128 << 20;

const VERSION: u8 = 1;
const PIECE_SIZE: usize = 36;

/// A content-addressed piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// BLAKE3 of the bytes, which identifies them.
    pub digest: Digest,
    /// Number of bytes.
    pub size: u32,
}

/// The shards and the validation text of a corpus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Shards in the order of the text.
    pub shards: Vec<Piece>,
    /// The text that is kept for validation.
    pub validation: Piece,
}

/// Why bytes are not a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ManifestError {
    /// The manifest has another version.
    #[error("manifest has version {0}, {VERSION} expected: update this program or the sender's")]
    Version(u8),
    /// The size does not match the number of shards.
    #[error("manifest of {size} bytes is cut short or has trailing bytes")]
    Size {
        /// Size of the given bytes.
        size: usize,
    },
    /// There is no shard, or there are too many.
    #[error("manifest with {0} shards: 1 to {SHARD_COUNT_MAX} are allowed")]
    ShardCount(u32),
    /// A piece is empty or too large.
    #[error("manifest with a piece of {0} bytes, which is empty or too large")]
    PieceSize(u32),
}

impl Piece {
    /// Returns digest and size of `bytes`.
    ///
    /// # Panics
    /// When there are 4 GiB or more of them.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            digest: Digest::of(bytes),
            size: u32::try_from(bytes.len()).expect("a piece is smaller than 4 GiB"),
        }
    }

    /// Returns whether `bytes` have this digest and size.
    #[must_use]
    pub fn is(&self, bytes: &[u8]) -> bool {
        usize::try_from(self.size) == Ok(bytes.len()) && Self::of(bytes) == *self
    }
}

impl Manifest {
    /// Returns the canonical bytes: each manifest has one encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let count = u32::try_from(self.shards.len()).expect("at most SHARD_COUNT_MAX shards");
        let mut bytes = vec![VERSION];
        bytes.extend(count.to_le_bytes());
        for piece in self.shards.iter().chain([&self.validation]) {
            bytes.extend(piece.digest.as_bytes());
            bytes.extend(piece.size.to_le_bytes());
        }
        bytes
    }

    /// Parses the bytes of [`Manifest::encode`].
    ///
    /// # Errors
    /// When the bytes are not exactly a manifest within its bounds. Never panics, allocates no more than the bytes given.
    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestError> {
        let size_error = ManifestError::Size { size: bytes.len() };
        let Some((&[version, a, b, c, d], pieces)) = bytes.split_first_chunk::<5>() else {
            return Err(size_error);
        };
        if version != VERSION {
            return Err(ManifestError::Version(version));
        }
        let named = u32::from_le_bytes([a, b, c, d]);
        let count = usize::try_from(named).unwrap_or(usize::MAX);
        if count == 0 || count > SHARD_COUNT_MAX {
            return Err(ManifestError::ShardCount(named));
        }
        if pieces.len() != (count + 1) * PIECE_SIZE {
            return Err(size_error);
        }
        let (shards, validation) = pieces.split_at(count * PIECE_SIZE);
        let shards = shards
            .chunks_exact(PIECE_SIZE)
            .map(|piece| decode_piece(piece, SHARD_SIZE_MAX))
            .collect::<Result<_, _>>()?;
        Ok(Self { shards, validation: decode_piece(validation, VALIDATION_SIZE_MAX)? })
    }

    /// Returns BLAKE3 of [`Manifest::encode`]: the corpus digest in the terms of a run.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.encode())
    }
}

/// Parses a piece from exactly [`PIECE_SIZE`] bytes.
fn decode_piece(bytes: &[u8], size_max: usize) -> Result<Piece, ManifestError> {
    let (digest, size) = bytes.split_first_chunk::<32>().expect("a piece is longer than a digest");
    let size = u32::from_le_bytes(size.try_into().expect("four bytes follow the digest"));
    if size == 0 || usize::try_from(size).map_or(true, |size| size > size_max) {
        return Err(ManifestError::PieceSize(size));
    }
    Ok(Piece { digest: Digest::from_bytes(*digest), size })
}
