//! Reads and writes frames.

use super::SnapshotError;
use std::io::{Read, Write};

const MAGIC: [u8; 16] = *b"gleaner snap 001";

/// Largest size of a frame. A genesis file is one frame, and so is a block.
const FRAME_SIZE_MAX: u32 = 256 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Genesis = 1,
    Headers = 2,
    Block = 3,
    Entries = 4,
    Codes = 5,
    End = 6,
}

const KINDS: [Kind; 6] =
    [Kind::Genesis, Kind::Headers, Kind::Block, Kind::Entries, Kind::Codes, Kind::End];

/// Returns the checksum of a frame after a frame with the checksum `before`.
fn checksum(before: &[u8; 32], kind: u8, size: u32, bytes: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(before).update(&[kind]).update(&size.to_be_bytes()).update(bytes);
    *hasher.finalize().as_bytes()
}

pub(super) struct FrameWriter<W> {
    out: W,
    checksum: [u8; 32],
}

impl<W: Write> FrameWriter<W> {
    pub(super) fn new(mut out: W) -> Result<Self, SnapshotError> {
        out.write_all(&MAGIC)?;
        Ok(Self { out, checksum: [0; 32] })
    }

    pub(super) fn write(&mut self, kind: Kind, bytes: &[u8]) -> Result<(), SnapshotError> {
        let size = u32::try_from(bytes.len()).ok().filter(|size| *size <= FRAME_SIZE_MAX);
        let size = size.ok_or_else(|| std::io::Error::other("a part is larger than 256 MiB"))?;
        self.checksum = checksum(&self.checksum, kind as u8, size, bytes);
        self.out.write_all(&[kind as u8])?;
        self.out.write_all(&size.to_be_bytes())?;
        self.out.write_all(bytes)?;
        self.out.write_all(&self.checksum)?;
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), SnapshotError> {
        Ok(self.out.flush()?)
    }
}

/// Reads frames one by one, in the order of their kinds.
pub(super) struct FrameReader<R> {
    source: R,
    checksum: [u8; 32],
    offset: u64,
    /// The frame that was read but not returned yet.
    ready: Option<(Kind, Vec<u8>)>,
}

impl<R: Read> FrameReader<R> {
    pub(super) fn new(source: R) -> Result<Self, SnapshotError> {
        let mut frames = Self { source, checksum: [0; 32], offset: 0, ready: None };
        let magic = frames.bytes(MAGIC.len())?;
        if magic != MAGIC {
            return Err(SnapshotError::NotASnapshot);
        }
        Ok(frames)
    }

    /// Returns the offset up to which the source was read.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn damaged(&self, what: &'static str) -> SnapshotError {
        SnapshotError::Damaged { offset: self.offset, what }
    }

    /// Returns the next frame if it has this kind.
    pub(super) fn next_if(&mut self, kind: Kind) -> Result<Option<Vec<u8>>, SnapshotError> {
        let ready = match self.ready.take() {
            Some(ready) => ready,
            None => self.read()?,
        };
        if ready.0 == kind {
            return Ok(Some(ready.1));
        }
        self.ready = Some(ready);
        Ok(None)
    }

    /// Returns the next frame, which must have this kind.
    pub(super) fn next(&mut self, kind: Kind) -> Result<Vec<u8>, SnapshotError> {
        self.next_if(kind)?.ok_or_else(|| self.damaged("its parts are not in order"))
    }

    pub(super) fn finish(mut self) -> Result<(), SnapshotError> {
        let is_at_end = self.ready.is_none() && self.source.read(&mut [0])? == 0;
        if is_at_end { Ok(()) } else { Err(self.damaged("bytes follow its end")) }
    }

    fn read(&mut self) -> Result<(Kind, Vec<u8>), SnapshotError> {
        let head = self.bytes(5)?;
        let kind = KINDS.into_iter().find(|kind| *kind as u8 == head[0]);
        let kind = kind.ok_or_else(|| self.damaged("a part of unknown kind"))?;
        let size = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        if size > FRAME_SIZE_MAX {
            return Err(self.damaged("a part is too large"));
        }
        let bytes = self.bytes(usize::try_from(size).expect("32 bits fit"))?;
        let found = self.bytes(32)?;
        self.checksum = checksum(&self.checksum, head[0], size, &bytes);
        if found != self.checksum {
            return Err(self.damaged("a part does not have its checksum"));
        }
        Ok((kind, bytes))
    }

    /// Reads `size` bytes without allocating more memory than there are bytes.
    fn bytes(&mut self, size: usize) -> Result<Vec<u8>, SnapshotError> {
        let mut bytes = Vec::new();
        self.source.by_ref().take(size as u64).read_to_end(&mut bytes)?;
        self.offset += bytes.len() as u64;
        if bytes.len() < size {
            return Err(self.damaged("it ends here"));
        }
        Ok(bytes)
    }
}
