//! The schedule of rules, as far as votes extend it: which revision begins at which height.
//!
//! The genesis file's entries come first and stay. An entry that has begun stays too, and a new or moved one begins only after the block in which it is
//! voted, so whatever the schedule says of a block that exists is what it will always say. Before a revision can begin, operators have
//! [`NOTICE_BLOCKS`] to install a program that knows it.

use thiserror::Error;

/// The least number of blocks between a vote and the first block of what it schedules: three days of blocks of twelve seconds.
pub const NOTICE_BLOCKS: u64 = 21_600;
/// How many blocks ahead an entry may be at most, so that a slip of the pen does not block the schedule for centuries.
pub const HORIZON_BLOCKS: u64 = 20_000_000;
/// How many entries may wait for their height.
pub const WAITING_MAX: usize = 8;
/// How many entries votes may add in all, those that have begun included.
pub const VOTED_MAX: usize = 256;

/// A revision and the height of its first block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activation {
    /// The revision.
    pub revision: u32,
    /// Height of its first block.
    pub height: u64,
}

/// What votes have scheduled, after the entries of the genesis file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voted {
    /// The genesis file's last entry.
    founding: Activation,
    /// In order: revisions and heights rise.
    entries: Vec<Activation>,
}

/// Why the schedule stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ScheduleError {
    /// Revisions and heights must both rise from entry to entry.
    #[error(
        "revision {} at height {} does not fit beside revision {} at height {}: revisions and heights must both rise",
        given.revision, given.height, other.revision, other.height
    )]
    NotRising {
        /// What was asked for.
        given: Activation,
        /// The entry beside it.
        other: Activation,
    },
    /// Too soon, or too far ahead.
    #[error("height {height} is too soon or too far ahead: give {least} to {most}")]
    OutOfBand {
        /// What was asked for.
        height: u64,
        /// The smallest height.
        least: u64,
        /// The largest height.
        most: u64,
    },
    /// Votes have not scheduled this revision.
    #[error("no vote has scheduled revision {revision}")]
    NotScheduled {
        /// What was asked for.
        revision: u32,
    },
    /// It holds already.
    #[error("revision {revision} has begun at height {height}: what has begun stays")]
    Begun {
        /// The revision.
        revision: u32,
        /// Height of its first block.
        height: u64,
    },
    /// More than [`WAITING_MAX`] would wait, or votes would have added more than [`VOTED_MAX`].
    #[error("{count} entries are as many as there may be: wait until one has begun, or cancel one")]
    Full {
        /// How many there are.
        count: usize,
    },
}

impl Voted {
    /// Returns the schedule of these entries, as a module keeps them; `None` unless they rise and are few enough.
    #[must_use]
    pub fn new(founding: Activation, entries: Vec<Activation>) -> Option<Self> {
        let all = std::iter::once(&founding).chain(&entries);
        let rises = all.clone().zip(all.skip(1)).all(|(before, next)| before.is_below(*next));
        (rises && entries.len() <= VOTED_MAX).then_some(Self { founding, entries })
    }

    /// Returns the entries in order, those that have begun included.
    #[must_use]
    pub fn entries(&self) -> &[Activation] {
        &self.entries
    }

    /// Adds an entry after all others, by a vote in block `now`. On `Err` nothing has changed.
    ///
    /// # Errors
    /// [`ScheduleError`].
    pub fn schedule(&mut self, now: u64, given: Activation) -> Result<(), ScheduleError> {
        let waiting = self.entries.iter().filter(|entry| entry.height > now).count();
        if waiting >= WAITING_MAX {
            return Err(ScheduleError::Full { count: waiting });
        }
        if self.entries.len() >= VOTED_MAX {
            return Err(ScheduleError::Full { count: self.entries.len() });
        }
        let other = self.entries.last().copied().unwrap_or(self.founding);
        if !other.is_below(given) {
            return Err(ScheduleError::NotRising { given, other });
        }
        let (least, most) = band(now);
        check_band(given.height, least, most)?;
        self.entries.push(given);
        Ok(())
    }

    /// Moves an entry that has not begun, by a vote in block `now`; returns its height before. Later than it was, or with a notice as for a new one. On `Err`
    /// nothing has changed.
    ///
    /// # Errors
    /// [`ScheduleError`].
    pub fn reschedule(&mut self, now: u64, given: Activation) -> Result<u64, ScheduleError> {
        let index = self.waiting(now, given.revision)?;
        let before = index.checked_sub(1).and_then(|index| self.entries.get(index));
        let (before, next) = (before.copied().unwrap_or(self.founding), index.checked_add(1));
        let next = next.and_then(|index| self.entries.get(index)).copied();
        if !before.is_below(given) {
            return Err(ScheduleError::NotRising { given, other: before });
        }
        if let Some(other) = next.filter(|next| !given.is_below(*next)) {
            return Err(ScheduleError::NotRising { given, other });
        }
        let Some(entry) = self.entries.get_mut(index) else {
            return Err(ScheduleError::NotScheduled { revision: given.revision });
        };
        let (least, most) = band(now);
        let least = least.min(entry.height.saturating_add(1));
        check_band(given.height, least, most)?;
        let height = entry.height;
        entry.height = given.height;
        Ok(height)
    }

    /// Removes an entry that has not begun, by a vote in block `now`; returns its height. Later entries stay. On `Err` nothing has changed.
    ///
    /// # Errors
    /// [`ScheduleError`].
    pub fn cancel(&mut self, now: u64, revision: u32) -> Result<u64, ScheduleError> {
        let index = self.waiting(now, revision)?;
        Ok(self.entries.remove(index).height)
    }

    /// Returns the position of an entry that has not begun in block `now`.
    fn waiting(&self, now: u64, revision: u32) -> Result<usize, ScheduleError> {
        let index = self.entries.iter().position(|entry| entry.revision == revision);
        let index = index.ok_or(ScheduleError::NotScheduled { revision })?;
        match self.entries.get(index) {
            Some(Activation { height, .. }) if *height <= now => {
                Err(ScheduleError::Begun { revision, height: *height })
            }
            _ => Ok(index),
        }
    }
}

impl Activation {
    /// Returns whether both the revision and the height of `next` are higher.
    fn is_below(self, next: Self) -> bool {
        self.revision < next.revision && self.height < next.height
    }
}

/// Returns the least and the largest height of an entry that is voted in block `now`.
#[must_use]
pub fn band(now: u64) -> (u64, u64) {
    (now.saturating_add(NOTICE_BLOCKS), now.saturating_add(HORIZON_BLOCKS))
}

fn check_band(height: u64, least: u64, most: u64) -> Result<(), ScheduleError> {
    if (least..=most).contains(&height) {
        return Ok(());
    }
    Err(ScheduleError::OutOfBand { height, least, most })
}
