//! Revisions: the rules of a block, by its height.
//!
//! Revision 1 holds from the genesis block on. A ledger's [`Schedule`] says at which heights later revisions begin: its
//! genesis file has the first entries, and votes add to them. A block is always executed by the rules of its own height, so a replay
//! of older blocks has the same result.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Most entries of a schedule.
pub const ACTIVATIONS_MAX: usize = 1_024;

/// The number of a set of rules. Each revision has the rules of the one before, except for what it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(u32);

impl Revision {
    /// The revision of every ledger whose schedule is empty.
    pub const FIRST: Self = Self(1);

    /// Returns revision `number`; [`Schedule`] accepts none below 1.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Returns its number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The height from which a revision holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activation {
    /// The revision that begins.
    pub revision: Revision,
    /// Height of its first block.
    pub height: u64,
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "revision {} from block {} on", self.revision, self.height)
    }
}

/// Which revision holds at which height. Entries are only added, moved or removed while they are in the future, so the newest schedule
/// of a ledger is correct for all of its blocks.
///
/// ```
/// use execution::{Activation, Revision, Schedule};
///
/// let second = Activation { revision: Revision::new(2), height: 120_000 };
/// let schedule = Schedule::new(vec![second])?;
/// assert_eq!(schedule.revision_at(119_999), Revision::FIRST);
/// assert_eq!(schedule.revision_at(120_000), Revision::new(2));
/// assert_eq!(schedule.first_beyond(Revision::FIRST), Some(second));
/// # Ok::<(), execution::ScheduleError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Activation>", into = "Vec<Activation>")]
pub struct Schedule(Vec<Activation>);

/// Why a list of activations is not a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Revision 1 begins with the genesis block, and is the lowest.
    #[error(
        "revision {revision} at height {height}: revision 1 begins at height 0, later ones are numbered from 2"
    )]
    First {
        /// Given.
        revision: Revision,
        /// Given.
        height: u64,
    },
    /// Revisions and heights must both rise.
    #[error(
        "revision {revision} at height {height} does not follow revision {before} at height {before_height}: both must rise"
    )]
    NotRising {
        /// Given.
        revision: Revision,
        /// Given.
        height: u64,
        /// Revision of the entry before.
        before: Revision,
        /// Height of the entry before.
        before_height: u64,
    },
    /// More than [`ACTIVATIONS_MAX`].
    #[error("{count} revisions are more than a schedule may have: at most {ACTIVATIONS_MAX}")]
    TooMany {
        /// Given.
        count: usize,
    },
}

impl Schedule {
    /// Revision 1 at every height.
    pub const FIRST: Self = Self(Vec::new());

    /// Returns a schedule with these entries, in order. An entry for revision 1 at height 0 may be left out.
    ///
    /// # Errors
    /// [`ScheduleError`] naming the entry.
    pub fn new(activations: Vec<Activation>) -> Result<Self, ScheduleError> {
        if activations.len() > ACTIVATIONS_MAX {
            return Err(ScheduleError::TooMany { count: activations.len() });
        }
        activations.into_iter().try_fold(Self::FIRST, Self::with)
    }

    /// Returns a schedule in which `revision` holds from the genesis block on.
    #[must_use]
    pub fn starting_with(revision: Revision) -> Self {
        let is_later = revision > Revision::FIRST;
        Self(is_later.then_some(Activation { revision, height: 0 }).into_iter().collect())
    }

    /// Returns this schedule with one more entry, whose revision and height must be above all others.
    ///
    /// # Errors
    /// [`ScheduleError`]
    pub fn with(mut self, next: Activation) -> Result<Self, ScheduleError> {
        let Activation { revision, height } = next;
        match self.0.last() {
            None if next == (Activation { revision: Revision::FIRST, height: 0 }) => {}
            None if revision <= Revision::FIRST => {
                return Err(ScheduleError::First { revision, height });
            }
            Some(last) if revision <= last.revision || height <= last.height => {
                let (before, before_height) = (last.revision, last.height);
                return Err(ScheduleError::NotRising { revision, height, before, before_height });
            }
            _ if self.0.len() >= ACTIVATIONS_MAX => {
                return Err(ScheduleError::TooMany { count: self.0.len().saturating_add(1) });
            }
            _ => self.0.push(next),
        }
        Ok(self)
    }

    /// Returns this schedule followed by what votes have scheduled, each a revision and its height. Whatever does not rise, which no vote can write, ends the
    /// list.
    pub(crate) fn followed_by(mut self, voted: impl IntoIterator<Item = (u32, u64)>) -> Self {
        for (revision, height) in voted {
            let (last_revision, last_height) = self.end();
            if revision <= last_revision || height <= last_height {
                break;
            }
            self.0.push(Activation { revision: Revision(revision), height });
        }
        self
    }

    /// Returns the last entry: a revision, and the height of its first block.
    pub(crate) fn end(&self) -> (u32, u64) {
        self.0.last().map_or((Revision::FIRST.0, 0), |last| (last.revision.0, last.height))
    }

    /// Returns the revision of the block at `height`.
    #[must_use]
    pub fn revision_at(&self, height: u64) -> Revision {
        let begun = self.0.iter().take_while(|activation| activation.height <= height);
        begun.last().map_or(Revision::FIRST, |activation| activation.revision)
    }

    /// Returns the first entry for a revision newer than `known`.
    #[must_use]
    pub fn first_beyond(&self, known: Revision) -> Option<Activation> {
        self.0.iter().find(|activation| activation.revision > known).copied()
    }

    /// Returns the entries in order; an empty list means revision 1 at every height.
    #[must_use]
    pub fn activations(&self) -> &[Activation] {
        &self.0
    }

    /// Returns whether revision 1 holds at every height.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<Vec<Activation>> for Schedule {
    type Error = ScheduleError;

    fn try_from(activations: Vec<Activation>) -> Result<Self, ScheduleError> {
        Self::new(activations)
    }
}

impl From<Schedule> for Vec<Activation> {
    fn from(schedule: Schedule) -> Self {
        schedule.0
    }
}

/// The error of a block whose rules this program does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this binary knows revisions 1 to {known}; the ledger switches to revision {revision} at height {height}: install a newer gleaner"
)]
pub struct UnknownRevision {
    /// The newest revision that this program knows.
    pub known: Revision,
    /// The first revision that it does not know.
    pub revision: Revision,
    /// Height of that revision's first block.
    pub height: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(entries: &[(u32, u64)]) -> Result<Schedule, ScheduleError> {
        let entry = |(revision, height): &(u32, u64)| Activation {
            revision: Revision(*revision),
            height: *height,
        };
        Schedule::new(entries.iter().map(entry).collect())
    }

    #[test]
    fn a_revision_holds_from_its_height_on() {
        let check = |entries: &[(u32, u64)], height, expected| {
            let found = schedule(entries).unwrap().revision_at(height);
            assert_eq!(found, Revision(expected), "{entries:?} at {height}");
        };
        check(&[], 0, 1);
        check(&[], u64::MAX, 1);
        check(&[(3, 0)], 0, 3);
        check(&[(2, 5), (4, 9)], 4, 1);
        check(&[(2, 5), (4, 9)], 5, 2);
        check(&[(2, 5), (4, 9)], 8, 2);
        check(&[(2, 5), (4, 9)], 9, 4);
        check(&[(2, 5), (4, 9)], u64::MAX, 4);
    }

    #[test]
    fn revisions_and_heights_rise() {
        for entries in [
            &[(0, 0)][..],
            &[(0, 4)],
            &[(1, 1)],
            &[(2, 5), (2, 6)],
            &[(3, 5), (2, 6)],
            &[(2, 5), (3, 5)],
            &[(2, 5), (3, 4)],
            &[(2, 0), (1, 1)],
        ] {
            schedule(entries).unwrap_err();
        }
        let many: Vec<_> = (2..).zip(1..).take(ACTIVATIONS_MAX + 1).collect();
        assert!(schedule(&many[1..]).is_ok());
        assert_eq!(schedule(&many), Err(ScheduleError::TooMany { count: ACTIVATIONS_MAX + 1 }));
        let full = schedule(&many[1..]).unwrap();
        let next = Activation { revision: Revision(9_999), height: 9_999 };
        assert_eq!(full.with(next), Err(ScheduleError::TooMany { count: ACTIVATIONS_MAX + 1 }));
    }

    #[test]
    fn the_first_revision_needs_no_entry() {
        assert_eq!(schedule(&[(1, 0)]), Ok(Schedule::FIRST));
        assert_eq!(schedule(&[(1, 0), (2, 7)]), schedule(&[(2, 7)]));
        assert_eq!(Schedule::starting_with(Revision::FIRST), Schedule::FIRST);
        assert_eq!(Ok(Schedule::starting_with(Revision(3))), schedule(&[(3, 0)]));
    }

    #[test]
    fn the_first_unknown_revision_is_found() {
        let schedule = schedule(&[(2, 5), (4, 9), (5, 11)]).unwrap();
        let beyond = |known| schedule.first_beyond(Revision(known)).map(|entry| entry.height);
        let expected = [Some(5), Some(9), Some(9), Some(11), None];
        assert_eq!([1, 2, 3, 4, 5].map(beyond), expected);
    }
}
