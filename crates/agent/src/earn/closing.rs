//! Projects that end before their last round.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use units::Wei;

use super::{Alert, rounded};

/// Projects that are watched.
pub const WATCHED_MAX: usize = 64;

/// Why no more rounds of a project open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// All rounds are done.
    Completed,
    /// Its owner cancelled it.
    Cancelled,
    /// Nothing happened in it for too long.
    Abandoned,
}

/// A project that has ended, and what is left of this device's seat in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// Its number.
    pub project: u64,
    /// Its name.
    pub name: String,
    /// Why.
    pub ending: Ending,
    /// Verified pay that is held back until it is settled.
    #[serde(with = "crate::policy::wei")]
    pub held_back: Wei,
    /// Rounds of this device whose audits are not over.
    pub unsettled: u32,
}

/// The projects that this device works for, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Watched(BTreeSet<u64>);

impl Watched {
    /// Returns their numbers.
    pub fn projects(&self) -> impl Iterator<Item = u64> {
        self.0.iter().copied()
    }

    /// Notes that this device works for a project. Of too many, the oldest is forgotten.
    pub fn watch(&mut self, project: u64) {
        self.0.insert(project);
        if WATCHED_MAX < self.0.len() {
            self.0.pop_first();
        }
    }

    /// Notes that this device does not work for a project any longer.
    pub fn forget(&mut self, project: u64) {
        self.0.remove(&project);
    }

    /// Takes the end of a project, and returns what the owner has to know: that one of theirs has ended early. It is watched no longer.
    pub fn end(&mut self, closing: &Closing) -> Option<Alert> {
        let is_watched = self.0.remove(&closing.project);
        (is_watched && closing.ending != Ending::Completed)
            .then(|| Alert::Ended { closing: closing.clone() })
    }
}

impl Closing {
    /// Says it in one line.
    pub(super) fn text(&self) -> String {
        let Self { project, name, ending, held_back, unsettled } = self;
        let why = match ending {
            Ending::Completed => "is completed",
            Ending::Cancelled => "was cancelled by its owner",
            Ending::Abandoned => "has ended early: nothing happened in it for too long",
        };
        let rounds = |count: &u32| match count {
            1 => "1 round waits".to_owned(),
            count => format!("{count} rounds wait"),
        };
        let held = match (*held_back, unsettled) {
            (Wei::ZERO, 0) => "nothing is held back of this device's pay".to_owned(),
            (held, 0) => format!("{} GRAIN are held back", rounded(held)),
            (Wei::ZERO, count) => format!("{} for the audits", rounds(count)),
            (held, count) => {
                format!("{} GRAIN are held back, {} for the audits", rounded(held), rounds(count))
            }
        };
        let next = if *held_back == Wei::ZERO && *unsettled == 0 {
            "collect rewards for its work with: gleaner claim".to_owned()
        } else {
            format!(
                "collect rewards for its work first (gleaner claim), then the rest is paid, or have it paid: gleaner project settle {project}"
            )
        };
        format!("project {project} ({name}) {why}; {held}; {next}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closing(project: u64, ending: Ending) -> Closing {
        let held_back = Wei::parse_grain("1.5").unwrap();
        Closing { project, name: "rye".to_owned(), ending, held_back, unsettled: 2 }
    }

    #[test]
    fn an_early_end_is_told_once_of_projects_that_are_worked_for() {
        let mut watched = Watched::default();
        assert_eq!(watched.end(&closing(1, Ending::Cancelled)), None);
        for project in 1..=3 {
            watched.watch(project);
        }
        watched = serde_json::from_str(&serde_json::to_string(&watched).unwrap()).unwrap();
        watched.forget(2);
        assert_eq!(watched.projects().collect::<Vec<_>>(), [1, 3]);
        let told = watched.end(&closing(1, Ending::Cancelled)).unwrap();
        assert_eq!(
            told.text(),
            "project 1 (rye) was cancelled by its owner; 1.5 GRAIN are held back, 2 rounds wait for the audits; collect rewards for its work first (gleaner claim), then the rest is paid, or have it paid: gleaner project settle 1"
        );
        assert_eq!(watched.end(&closing(1, Ending::Cancelled)), None);
        assert_eq!(watched.end(&closing(3, Ending::Completed)), None);
        assert_eq!(watched, Watched::default());
        for project in 0..200 {
            watched.watch(project);
        }
        assert_eq!(watched.projects().count(), WATCHED_MAX);
    }

    #[test]
    fn what_is_left_is_said() {
        let check = |held_back, unsettled, expected: &str| {
            let held_back = Wei::parse_grain(held_back).unwrap();
            let text = Closing { held_back, unsettled, ..closing(1, Ending::Abandoned) }.text();
            assert!(text.contains(expected), "{text}");
        };
        check("0", 0, "; nothing is held back of this device's pay; collect rewards");
        check("0", 1, "; 1 round waits for the audits; ");
        check("0.25", 0, "; 0.25 GRAIN are held back; ");
    }
}
