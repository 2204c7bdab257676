//! Projects that are not tried for a while, because they failed, are full, or do not suit this machine.
//!
//! The pause grows with each failure, so that a dead project costs little, and one that comes back is found.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Pause after the first failure; it doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_secs(15);
const PAUSE_MAX: Duration = Duration::from_secs(3600);

/// The projects that are skipped.
#[derive(Debug, Default)]
pub(super) struct Skips {
    by_project: BTreeMap<u64, Skip>,
}

#[derive(Debug)]
struct Skip {
    reason: String,
    pause: Duration,
    until: Instant,
}

impl Skips {
    /// Returns whether a project may be tried.
    pub(super) fn is_due(&self, project: u64, now: Instant) -> bool {
        self.by_project.get(&project).is_none_or(|skip| skip.until <= now)
    }

    /// Skips a project for a while. Returns what to tell the owner, unless it was told already.
    pub(super) fn add(&mut self, project: u64, reason: String, now: Instant) -> Option<String> {
        let before = self.by_project.get(&project);
        let pause = before.map_or(PAUSE, |skip| (skip.pause * 2).min(PAUSE_MAX));
        let is_new = before.is_none_or(|skip| skip.reason != reason);
        let said = is_new.then(|| format!("project {project} is skipped for now: {reason}"));
        self.by_project.insert(project, Skip { reason, pause, until: now + pause });
        said
    }

    /// Forgets the failures of a project: it works.
    pub(super) fn clear(&mut self, project: u64) {
        self.by_project.remove(&project);
    }

    /// Returns whether any project is skipped.
    pub(super) fn is_empty(&self) -> bool {
        self.by_project.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any time will do as the first one")]
    fn pauses_grow_and_reasons_are_told_once() {
        let (mut skips, mut now) = (Skips::default(), Instant::now());
        let mut said = Vec::new();
        let mut pauses = Vec::new();
        for reason in ["dead", "dead", "full", "full", "full", "dead", "dead", "dead", "dead"] {
            assert!(skips.is_due(7, now));
            said.extend(skips.add(7, reason.to_owned(), now));
            let begun = now;
            while !skips.is_due(7, now) {
                now += Duration::from_secs(1);
            }
            pauses.push(now.duration_since(begun).as_secs());
        }
        assert_eq!(pauses, [15, 30, 60, 120, 240, 480, 960, 1920, 3600]);
        assert_eq!(
            said,
            ["dead", "full", "dead"].map(|it| format!("project 7 is skipped for now: {it}"))
        );
        assert!(skips.is_due(8, now), "another project is not skipped");
        skips.add(7, "dead".to_owned(), now);
        skips.clear(7);
        assert!(skips.is_due(7, now) && skips.is_empty());
    }
}
