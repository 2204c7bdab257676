//! Revisions of the ledger's rules that have not begun.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Alert;

/// Revisions of one schedule that are looked at, those that begin first.
pub const SCHEDULED_MAX: usize = 16;

/// A revision that has not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheduled {
    /// Its number.
    pub revision: u32,
    /// Height of its first block.
    pub height: u64,
    /// About how long until then, as fast as the last blocks came; `None` while there are too few of them.
    pub in_seconds: Option<u64>,
}

/// What the ledger says of its rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Height at which it was asked.
    pub height: u64,
    /// The revisions that have not begun, in order.
    pub ahead: Vec<Scheduled>,
}

/// What the owner was told of the schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ToldSchedule {
    height: u64,
    /// Heights by revision.
    ahead: BTreeMap<u32, u64>,
}

impl ToldSchedule {
    /// Takes what the ledger says, and returns what has changed: a revision that was not told before, one that was moved, one that was withdrawn. One that has
    /// begun is none of these. The answer of a node that is behind the one before says nothing new.
    pub fn take(&mut self, now: &Schedule, newest_known: u32) -> Vec<Alert> {
        if now.height < self.height {
            return Vec::new();
        }
        self.height = now.height;
        let ahead = || now.ahead.iter().take(SCHEDULED_MAX);
        let heights = ahead().map(|one| (one.revision, one.height)).collect();
        let before = std::mem::replace(&mut self.ahead, heights);
        let is_withdrawn = |(revision, height): &(&u32, &u64)| {
            now.height < **height && !self.ahead.contains_key(revision)
        };
        let withdrawn = before.iter().filter(is_withdrawn);
        let withdrawn = withdrawn.map(|(revision, height)| Alert::RulesWithdrawn {
            revision: *revision,
            height: *height,
        });
        let told = ahead().filter(|one| before.get(&one.revision) != Some(&one.height));
        let told = told.map(|one| Alert::RulesScheduled {
            scheduled: *one,
            moved_from: before.get(&one.revision).copied(),
            newest_known,
        });
        withdrawn.chain(told).collect()
    }
}

impl Scheduled {
    /// Says when it begins.
    pub(super) fn when(&self) -> String {
        let Self { height, in_seconds, .. } = self;
        match in_seconds.map(|seconds| seconds / 60) {
            None => format!("at block {height}"),
            Some(minutes @ ..120) => format!("at block {height}, in about {minutes} minutes"),
            Some(minutes @ ..2_880) => {
                format!("at block {height}, in about {} hours", minutes / 60)
            }
            Some(minutes) => format!("at block {height}, in about {} days", minutes / 1_440),
        }
    }

    /// Says to an owner that this program does not know it.
    #[must_use]
    pub fn warning(&self, newest_known: u32) -> Option<String> {
        (newest_known < self.revision).then(|| {
            format!(
                "install a newer gleaner before revision {} of the ledger's rules begins {}: this one knows revisions up to {newest_known}",
                self.revision,
                self.when()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_told_once_and_when_it_is_moved_or_withdrawn() {
        let mut told = ToldSchedule::default();
        let mut take = |height, ahead: &[(u32, u64)]| {
            let scheduled = |&(revision, height)| Scheduled { revision, height, in_seconds: None };
            let now = Schedule { height, ahead: ahead.iter().map(scheduled).collect() };
            // As over a restart.
            told = serde_json::from_str(&serde_json::to_string(&told).unwrap()).unwrap();
            told.take(&now, 6).iter().map(Alert::text).collect::<Vec<_>>()
        };
        assert_eq!(take(10, &[]), [""; 0]);
        let six = "revision 6 of the ledger's rules begins at block 100: this program knows it";
        let seven = "install a newer gleaner before revision 7 of the ledger's rules begins at block 200: this one knows revisions up to 6";
        assert_eq!(take(20, &[(6, 100), (7, 200)]), [six, seven]);
        assert_eq!(take(21, &[(6, 100), (7, 200)]), [""; 0]);
        // A node that is behind.
        assert_eq!(take(15, &[]), [""; 0]);
        let moved = format!("{seven} (it was to begin at block 200)").replacen("200", "300", 1);
        assert_eq!(take(22, &[(6, 100), (7, 300)]), [moved]);
        // It has begun.
        assert_eq!(take(100, &[(7, 300)]), [""; 0]);
        let withdrawn =
            "revision 7 of the ledger's rules is withdrawn: it was to begin at block 300";
        assert_eq!(take(101, &[]), [withdrawn]);
        assert_eq!(take(102, &[(7, 300)]), [seven.replacen("200", "300", 1)]);
        // A schedule without end is cut.
        let many: Vec<_> = (8..1_000).map(|revision| (revision, 400)).collect();
        assert_eq!(take(103, &many).len(), 1 + SCHEDULED_MAX);
    }

    #[test]
    fn it_is_said_about_when() {
        let check = |in_seconds, expected: &str| {
            let scheduled = Scheduled { revision: 1, height: 9, in_seconds };
            assert_eq!(scheduled.when(), format!("at block 9{expected}"));
        };
        check(None, "");
        check(Some(0), ", in about 0 minutes");
        check(Some(7_199), ", in about 119 minutes");
        check(Some(7_200), ", in about 2 hours");
        check(Some(172_800), ", in about 2 days");
        check(Some(u64::MAX), ", in about 213503982334601 days");
    }
}
