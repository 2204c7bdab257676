//! The owner's pause on disk, so that it outlives the agent: in wall-clock time, because the machine's own clock begins anew when it starts.
//!
//! What can't be read, or not yet, is a pause: who has told the machine to rest must not find it at work.

use std::io::ErrorKind;
use std::path::PathBuf;

use ::agent::Pause;
use sensors::Milliseconds;
use serde::{Deserialize, Serialize};

use super::daemon::write;

/// The longest pause that is asked for, in seconds: a clock that was set back makes none longer.
const SECONDS_MAX: u64 = 30 * 86_400;

/// What is in the file.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// When it ends; `None` if only the owner ends it.
    until_unix_seconds: Option<u64>,
    /// When it was asked for, if the clock was set then.
    #[serde(default)]
    at_unix_seconds: Option<u64>,
}

/// The file.
#[derive(Debug)]
pub(super) struct Keeper {
    path: PathBuf,
    /// One whose end is known when the clock is.
    waiting: Option<Kept>,
    problem: Option<String>,
}

impl Keeper {
    /// Reads the pause that was kept. `unix` is the time, if the clock is set.
    pub(super) fn open(
        path: PathBuf,
        now: Milliseconds,
        unix: Option<u64>,
    ) -> (Self, Option<Pause>) {
        let endless = Some(Pause { until: None, at: now });
        let read: Result<Option<Kept>, String> = match std::fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|it| it.to_string()),
        };
        let mut keeper = Self { path, waiting: None, problem: None };
        let pause = match read {
            Ok(None) => None,
            Ok(Some(kept)) => match (kept.until_unix_seconds, unix) {
                (Some(until), Some(unix)) => ending(until, kept, now, unix),
                (Some(_), None) => {
                    keeper.waiting = Some(kept);
                    endless
                }
                (None, _) => endless,
            },
            Err(error) => {
                let path = keeper.path.display();
                keeper.problem = Some(format!("{path}: {error}: it pauses until you resume it"));
                endless
            }
        };
        (keeper, pause)
    }

    /// Returns the pause whose end was not known before the clock was set, or that it is over.
    pub(super) fn look(&mut self, now: Milliseconds, unix: Option<u64>) -> Option<Option<Pause>> {
        let (kept, unix) = (self.waiting?, unix?);
        self.waiting = None;
        Some(ending(kept.until_unix_seconds?, kept, now, unix))
    }

    /// Writes a pause down, or that there is none.
    pub(super) fn keep(&mut self, pause: Option<Pause>, now: Milliseconds, unix: Option<u64>) {
        self.waiting = None;
        let written = match pause {
            None => match std::fs::remove_file(&self.path) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
            Some(Pause { until, .. }) => {
                let end = |until: Milliseconds| Some(unix? + until.since(now).div_ceil(1_000));
                let kept = Kept { until_unix_seconds: until.and_then(end), at_unix_seconds: unix };
                let bytes = serde_json::to_vec(&kept).map_err(Into::into);
                bytes.and_then(|bytes| write(&self.path, &bytes))
            }
        };
        let what = if pause.is_some() { "the pause" } else { "that the pause is over" };
        let of = |error| {
            format!("{}: {what} is forgotten when the agent ends: {error}", self.path.display())
        };
        self.problem = written.err().map(of);
    }

    /// Says what the owner has to know.
    pub(super) fn notice(&self) -> Option<&String> {
        self.problem.as_ref()
    }
}

/// Returns the pause that ends at a time, if that is not over.
fn ending(until: u64, kept: Kept, now: Milliseconds, unix: u64) -> Option<Pause> {
    let left = until.checked_sub(unix).filter(|left| 0 < *left)?;
    let whole = kept.at_unix_seconds.map_or(SECONDS_MAX, |at| until.saturating_sub(at));
    let left_ms = left.min(whole).min(SECONDS_MAX) * 1_000;
    Some(Pause { until: Some(Milliseconds(now.0.saturating_add(left_ms))), at: now })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Milliseconds = Milliseconds(5_000);
    const HOUR: u64 = 3_600;

    /// Keeps a pause of an hour at a time, and returns what is left of it, in seconds, when it is read at another one.
    fn left(asked: Option<u64>, read: Option<u64>) -> Option<Option<u64>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pause.json");
        let until = Milliseconds(NOW.0 + HOUR * 1_000);
        let (mut keeper, none) = Keeper::open(path.clone(), NOW, asked);
        assert_eq!(none, None);
        keeper.keep(Some(Pause { until: Some(until), at: NOW }), NOW, asked);
        assert_eq!(keeper.notice(), None);
        let (_, pause) = Keeper::open(path, NOW, read);
        pause.map(|pause| pause.until.map(|until| until.since(NOW) / 1_000))
    }

    #[test]
    fn a_pause_outlives_the_agent_and_no_clock_makes_it_longer() {
        let asked = 1_800_000_000;
        assert_eq!(left(Some(asked), Some(asked + 600)), Some(Some(HOUR - 600)));
        assert_eq!(left(Some(asked), Some(asked + HOUR)), None);
        // The clock was set back by a year meanwhile.
        assert_eq!(left(Some(asked), Some(asked - 365 * 86_400)), Some(Some(HOUR)));
        // A clock that was never set says no end.
        assert_eq!(left(None, Some(asked)), Some(None));
        assert_eq!(left(Some(asked), None), Some(None));
    }

    #[test]
    fn the_end_is_known_when_the_clock_is_set() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pause.json");
        std::fs::write(&path, r#"{"until_unix_seconds":1800003600}"#).unwrap();
        let (mut keeper, pause) = Keeper::open(path, NOW, None);
        assert_eq!(pause, Some(Pause { until: None, at: NOW }));
        assert_eq!(keeper.look(NOW, None), None);
        let until = Some(Milliseconds(NOW.0 + 600_000));
        let known = keeper.look(NOW, Some(1_800_003_000));
        assert_eq!(known, Some(Some(Pause { until, at: NOW })));
        assert_eq!(keeper.look(NOW, Some(1_800_003_001)), None, "told once");
    }

    #[test]
    fn what_can_not_be_read_or_written_is_a_pause_and_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pause.json");
        for damaged in ["", "{", r#"{"until":3}"#, "\u{0}\u{0}"] {
            std::fs::write(&path, damaged).unwrap();
            let (keeper, pause) = Keeper::open(path.clone(), NOW, Some(1));
            assert_eq!(pause, Some(Pause { until: None, at: NOW }), "{damaged:?}");
            assert!(keeper.notice().unwrap().contains("until you resume"), "{damaged:?}");
        }
        // A folder that is a file can't be written to.
        let (mut keeper, _) = Keeper::open(path.join("below/pause.json"), NOW, Some(1));
        keeper.keep(Some(Pause { until: None, at: NOW }), NOW, Some(1));
        assert!(keeper.notice().unwrap().contains("is forgotten"));
    }
}
