//! How fast this machine trains which model: measured once, and kept in the worker's folder for a day.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use worker::Offer;

use crate::join::Args;

/// Name of the file.
const NAME: &str = "speeds.json";

/// How long a speed is believed, in seconds: programs and machines change.
const AGE_SECONDS_MAX: u64 = 86_400;

/// Speeds that are kept; the oldest one goes first.
const SPEEDS_MAX: usize = 256;

/// Size of a file that is read.
const FILE_SIZE_MAX: u64 = 1 << 20;

/// How a speed that is not known is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::join) enum Measuring {
    /// By the clock on the wall.
    Usual,
    /// By the time in which this process ran, because others hold it down.
    OfAProcessHeldDown,
    /// Not at all; then an old speed is better than none.
    Never,
}

/// Measured speeds.
#[derive(Debug)]
pub(in crate::join) struct Speeds {
    path: PathBuf,
    known: BTreeMap<String, Speed>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Speed {
    tokens_per_second: u64,
    measured_unix_seconds: u64,
}

impl Speeds {
    /// Reads those in a worker's folder. A file that is damaged is as good as none.
    pub(in crate::join) fn open(folder: &Path) -> Self {
        let path = folder.join(NAME);
        let is_small = std::fs::metadata(&path).is_ok_and(|file| file.len() <= FILE_SIZE_MAX);
        let bytes = if is_small { std::fs::read(&path).unwrap_or_default() } else { Vec::new() };
        Self { path, known: serde_json::from_slice(&bytes).unwrap_or_default() }
    }

    /// Returns the speed at which this machine trains an offer's model; `None` if it is not known and not to be measured.
    ///
    /// # Errors
    /// When it can't be measured.
    pub(in crate::join) async fn of(
        &mut self,
        offer: &Offer,
        args: &Args,
        measuring: Measuring,
    ) -> anyhow::Result<Option<u64>> {
        let isa = args.isa.choose()?;
        let key = format!("{} {} {isa:?} {}", offer.spec(), args.threads, args.memory);
        if let Some(speed) = self.known(&key, measuring, unix_seconds()) {
            return Ok(Some(speed));
        }
        let measured = match measuring {
            Measuring::Usual => offer.measure().await,
            Measuring::OfAProcessHeldDown => offer.measure_held().await,
            Measuring::Never => return Ok(None),
        };
        let speed = measured.context("this machine's speed can't be measured")?;
        self.keep(key, speed, unix_seconds());
        Ok(Some(speed))
    }

    fn known(&self, key: &str, measuring: Measuring, now: u64) -> Option<u64> {
        let speed = self.known.get(key)?;
        let is_young = now.abs_diff(speed.measured_unix_seconds) < AGE_SECONDS_MAX;
        (is_young || measuring == Measuring::Never).then_some(speed.tokens_per_second)
    }

    fn keep(&mut self, key: String, tokens_per_second: u64, now: u64) {
        self.known.insert(key, Speed { tokens_per_second, measured_unix_seconds: now });
        while SPEEDS_MAX < self.known.len() {
            let age = |(key, speed): (&String, &Speed)| (speed.measured_unix_seconds, key.clone());
            let Some((_, oldest)) = self.known.iter().map(age).min() else { break };
            self.known.remove(&oldest);
        }
        if let Err(error) = self.write() {
            tracing::warn!("{}: speeds can't be kept: {error:#}", self.path.display());
        }
    }

    /// Writes the file whole or not at all: another process may read it.
    fn write(&self) -> anyhow::Result<()> {
        let folder = self.path.parent().context("the file has no folder")?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&mut file, &self.known)?;
        file.persist(&self.path)?;
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "the age of a file outlives this process")]
fn unix_seconds() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_kept_for_a_day_and_the_oldest_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let mut speeds = Speeds::open(folder.path());
        speeds.keep("a".to_owned(), 7, 1_000);
        let again = Speeds::open(folder.path());
        assert_eq!(again.known("a", Measuring::Usual, 1_000 + AGE_SECONDS_MAX - 1), Some(7));
        assert_eq!(again.known("a", Measuring::Usual, 1_000 + AGE_SECONDS_MAX), None);
        assert_eq!(again.known("a", Measuring::Never, 1_000 + AGE_SECONDS_MAX), Some(7));
        assert_eq!(again.known("b", Measuring::Never, 1_000), None);
        for index in 0..SPEEDS_MAX {
            speeds.keep(format!("more {index}"), 8, 2_000);
        }
        let again = Speeds::open(folder.path());
        assert_eq!(again.known.len(), SPEEDS_MAX);
        assert_eq!(again.known("a", Measuring::Never, 2_000), None);
        std::fs::write(folder.path().join(NAME), "{").unwrap();
        assert!(Speeds::open(folder.path()).known.is_empty());
    }
}
