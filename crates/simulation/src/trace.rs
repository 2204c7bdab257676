//! What happened, in its order.

use std::{
    fmt::Display,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;
use units::Digest;

/// Lines are hashed as they come, and kept if somebody wants to read them.
#[derive(Debug)]
pub(crate) struct Trace {
    started: Instant,
    is_kept: bool,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    hasher: blake3::Hasher,
    lines: Vec<String>,
    count: u64,
}

impl Trace {
    /// Begins a trace now. Without `is_kept` only the digest remains.
    pub(crate) fn new(is_kept: bool) -> Self {
        Self { started: Instant::now(), is_kept, log: Mutex::default() }
    }

    /// Adds a line: the virtual time, who, and what.
    pub(crate) fn note(&self, who: impl Display, what: impl Display) {
        let line = format!("{:>9} {who}: {what}", self.started.elapsed().as_millis());
        let mut log = self.log();
        log.hasher.update(line.as_bytes());
        log.hasher.update(b"\n");
        log.count += 1;
        if self.is_kept {
            log.lines.push(line);
        }
    }

    /// Returns the digest of all lines so far.
    pub(crate) fn digest(&self) -> Digest {
        Digest::from_bytes(*self.log().hasher.finalize().as_bytes())
    }

    /// Takes the kept lines.
    pub(crate) fn take_lines(&self) -> Vec<String> {
        std::mem::take(&mut self.log().lines)
    }

    /// Returns the number of lines so far.
    pub(crate) fn count(&self) -> u64 {
        self.log().count
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
