//! A round that was interrupted, as bytes: what the rest of it depends on.
//!
//! | bytes | meaning |
//! | --- | --- |
//! | 16 | [`MAGIC`], with the version |
//! | 32 | digest of the job: its first leaf |
//! | 4, 8 | steps done; sum of their losses, f64 |
//! | 4, then 32 each | number of further leaves, and the leaves |
//! | 3 × 8 | number of parameters, of first and of second moments |
//! | 4 each | these values, f32 |
//! | 32 | BLAKE3 of all before it |
//!
//! Numbers are little-endian. Bytes that are damaged, incomplete or of another job are not continued: the round begins anew.

use std::io::{self, Read, Write};

use thiserror::Error;
use units::Digest;

use crate::spec::{LEAVES_MAX, RunSpec};

const MAGIC: &[u8; 16] = b"gleaner round v1";
const CONTEXT: &str = "gleaner 2026 unfinished round v1";

/// Size of what comes before the leaves.
const HEAD_SIZE: usize = 16 + 32 + 4 + 8 + 4;
/// Number of first bytes from which [`saved_step`] tells the step.
pub const SAVED_HEAD_SIZE: u64 = HEAD_SIZE as u64;

/// Number of values that are converted at a time.
const PIECE: usize = 16 << 10;

/// How far a round is, but for the values of its training.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Progress {
    /// Steps done.
    pub(crate) step: u32,
    /// Sum of their losses.
    pub(crate) losses: f64,
    /// Digests of the job and of the states so far.
    pub(crate) leaves: Vec<Digest>,
}

impl Progress {
    pub(crate) fn new(job: Digest) -> Self {
        Self { step: 0, losses: 0.0, leaves: vec![job] }
    }
}

/// Why a saved round can't be continued.
#[derive(Debug, Error)]
pub(crate) enum NotSaved {
    /// It can't be read.
    #[error("the saved round can't be read to its end")]
    Read(#[from] io::Error),
    /// It is not one, or is one of another job.
    #[error("the bytes are not those of this round")]
    Other,
    /// Its digest is wrong.
    #[error("the saved round is damaged")]
    Damaged,
}

/// Returns the largest size of a saved round in bytes: 12 for each parameter, and the leaves.
#[must_use]
pub fn saved_size(spec: &RunSpec) -> u64 {
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let values = count(spec.model.parameter_count()).saturating_mul(12);
    values.saturating_add(count(HEAD_SIZE + 32 * LEAVES_MAX + 24 + 32))
}

/// Returns the number of steps done in a saved round, from its first bytes, or `None` if they are not those of one. The rest is
/// not looked at.
#[must_use]
pub fn saved_step(first_bytes: &[u8]) -> Option<u32> {
    let head = first_bytes.first_chunk::<HEAD_SIZE>()?;
    head.starts_with(MAGIC).then_some(())?;
    Some(u32::from_le_bytes(*head.get(48..)?.first_chunk()?))
}

/// Writes a round.
pub(crate) fn write(
    to: &mut dyn Write,
    progress: &Progress,
    values: [&[f32]; 3],
) -> io::Result<()> {
    let mut to = Hashing { to, hasher: blake3::Hasher::new_derive_key(CONTEXT) };
    let [job, further @ ..] = &progress.leaves[..] else {
        unreachable!("the first leaf is that of the job");
    };
    let count = u32::try_from(further.len()).map_err(io::Error::other)?;
    let mut head = Vec::with_capacity(HEAD_SIZE + 32 * further.len() + 24);
    head.extend_from_slice(MAGIC);
    head.extend_from_slice(job.as_bytes());
    head.extend_from_slice(&progress.step.to_le_bytes());
    head.extend_from_slice(&progress.losses.to_bits().to_le_bytes());
    head.extend_from_slice(&count.to_le_bytes());
    further.iter().for_each(|leaf| head.extend_from_slice(leaf.as_bytes()));
    for values in values {
        let length = u64::try_from(values.len()).map_err(io::Error::other)?;
        head.extend_from_slice(&length.to_le_bytes());
    }
    to.write(&head)?;
    for values in values {
        let mut written = Ok(());
        model::for_each_bytes(values, |bytes| {
            if written.is_ok() {
                written = to.write(bytes);
            }
        });
        written?;
    }
    let Hashing { to, hasher } = to;
    to.write_all(hasher.finalize().as_bytes())?;
    to.flush()
}

struct Hashing<'a> {
    to: &'a mut dyn Write,
    hasher: blake3::Hasher,
}

impl Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.to.write_all(bytes)
    }
}

/// Reads a round.
pub(crate) struct Reader<'a> {
    from: &'a mut dyn Read,
    hasher: blake3::Hasher,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(from: &'a mut dyn Read) -> Self {
        Self { from, hasher: blake3::Hasher::new_derive_key(CONTEXT) }
    }

    /// Reads how far the round of this job is. The values come after it.
    ///
    /// # Errors
    /// When it is another job's, or not a round at all.
    pub(crate) fn progress(
        &mut self,
        job: &Digest,
        spec: &RunSpec,
        round: u32,
    ) -> Result<Progress, NotSaved> {
        let ends = spec.segment_ends(round);
        let (magic, of): ([u8; 16], [u8; 32]) = (self.array()?, self.array()?);
        if magic != *MAGIC || of != *job.as_bytes() {
            return Err(NotSaved::Other);
        }
        let step = u32::from_le_bytes(self.array()?);
        let losses = f64::from_bits(u64::from_le_bytes(self.array()?));
        let further = u32::from_le_bytes(self.array()?);
        let due = ends.iter().filter(|end| **end <= step).count();
        let is_right = (1..=spec.steps(round)).contains(&step) && losses.is_finite();
        if !is_right || usize::try_from(further) != Ok(due) {
            return Err(NotSaved::Other);
        }
        let mut leaves = vec![*job];
        for _ in 0..due {
            leaves.push(Digest::from_bytes(self.array()?));
        }
        Ok(Progress { step, losses, leaves })
    }

    /// Reads the values after [`Self::progress`], and the digest of all.
    ///
    /// # Errors
    /// When their numbers differ from those of this model, or the digest is wrong. Then `values` have changed nevertheless.
    pub(crate) fn values(mut self, values: [&mut [f32]; 3]) -> Result<(), NotSaved> {
        for values in &values {
            let length = u64::from_le_bytes(self.array()?);
            if usize::try_from(length) != Ok(values.len()) {
                return Err(NotSaved::Other);
            }
        }
        let mut bytes = vec![0; PIECE * 4];
        for values in values {
            for piece in values.chunks_mut(PIECE) {
                let bytes = bytes.get_mut(..piece.len() * 4).ok_or(NotSaved::Other)?;
                self.read(bytes)?;
                let (slots, _) = bytes.as_chunks::<4>();
                for (value, slot) in piece.iter_mut().zip(slots) {
                    *value = f32::from_le_bytes(*slot);
                }
            }
        }
        let mut digest = [0; 32];
        self.from.read_exact(&mut digest)?;
        if self.hasher.finalize().as_bytes() == &digest { Ok(()) } else { Err(NotSaved::Damaged) }
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.read(&mut bytes)?;
        Ok(bytes)
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.from.read_exact(bytes)?;
        self.hasher.update(bytes);
        Ok(())
    }
}
