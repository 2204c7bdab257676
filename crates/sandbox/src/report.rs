//! What is in force.

use std::{fmt, path::PathBuf};

use thiserror::Error;

/// A protection of the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protection {
    /// No program that is started gains rights (`no_new_privs`).
    Privileges,
    /// Files that are not named can't be opened, made, moved or removed (Landlock).
    Files,
    /// No TCP port can be opened or connected to (Landlock, from Linux 6.7 on).
    Ports,
    /// No signal reaches other processes, and no abstract socket of theirs (Landlock, from Linux 6.12 on).
    Signals,
    /// System calls that computing does not need are refused (seccomp).
    Calls,
    /// Memory, size of files, core dumps and number of descriptors are bounded.
    Limits,
    /// The process ends with the one that started it.
    Parent,
}

impl Protection {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Privileges,
        Self::Files,
        Self::Ports,
        Self::Signals,
        Self::Calls,
        Self::Limits,
        Self::Parent,
    ];

    /// Returns its name, as in `docs/agent.md`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Privileges => "no new privileges",
            Self::Files => "files",
            Self::Ports => "TCP ports",
            Self::Signals => "signals to other processes",
            Self::Calls => "system calls",
            Self::Limits => "limits of memory and files",
            Self::Parent => "ends with its parent",
        }
    }

    /// Returns what would grant it, where it is missing.
    fn remedy(self) -> &'static str {
        match self {
            Self::Files => "Linux 5.13 or later with Landlock in its list of security modules",
            Self::Ports => "Linux 6.7 or later with Landlock in its list of security modules",
            Self::Signals => "Linux 6.12 or later with Landlock in its list of security modules",
            Self::Calls => "Linux with seccomp, on x86-64, ARM64 or RISC-V",
            Self::Privileges | Self::Limits | Self::Parent => "Linux",
        }
    }
}

/// Whether a protection is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is.
    InForce,
    /// This kernel has a part of it.
    Partly,
    /// This kernel does not have it, or has refused it.
    Missing,
    /// This process does without it, as it must.
    NotAsked,
}

/// Which protections are in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report([State; Protection::ALL.len()]);

impl Report {
    /// A report of nothing.
    pub const NOTHING: Self = Self([State::Missing; Protection::ALL.len()]);
    /// Size of [`Self::to_bytes`].
    pub const SIZE: usize = Protection::ALL.len();

    /// Returns the state of a protection.
    #[must_use]
    pub fn of(&self, protection: Protection) -> State {
        let found = Protection::ALL.iter().zip(self.0).find(|(each, _)| **each == protection);
        found.map_or(State::Missing, |(_, state)| state)
    }

    pub(crate) fn with(mut self, protection: Protection, state: State) -> Self {
        for (each, slot) in Protection::ALL.iter().zip(&mut self.0) {
            if *each == protection {
                *slot = state;
            }
        }
        self
    }

    /// Returns whether everything that was asked for is in force.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.missing().next().is_none()
    }

    /// Returns what was asked for and is not, or only partly, in force.
    pub fn missing(&self) -> impl Iterator<Item = (Protection, State)> + '_ {
        let all = Protection::ALL.into_iter().zip(self.0);
        all.filter(|(_, state)| matches!(state, State::Partly | State::Missing))
    }

    /// Returns a byte for each protection, for another process.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::SIZE] {
        self.0.map(|state| match state {
            State::Missing => 0,
            State::Partly => 1,
            State::InForce => 2,
            State::NotAsked => 3,
        })
    }

    /// Returns the report with these bytes.
    ///
    /// # Errors
    /// When a byte is not one of [`Self::to_bytes`].
    pub fn from_bytes(bytes: [u8; Self::SIZE]) -> Result<Self, UnknownReport> {
        let mut report = Self::NOTHING;
        for (slot, byte) in report.0.iter_mut().zip(bytes) {
            *slot = match byte {
                0 => State::Missing,
                1 => State::Partly,
                2 => State::InForce,
                3 => State::NotAsked,
                byte => return Err(UnknownReport(byte)),
            };
        }
        Ok(report)
    }
}

/// One line: what is in force, what is missing, and what would grant it.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = || Protection::ALL.into_iter().zip(self.0);
        let named = |wanted: State| {
            let names = all().filter(|(_, state)| *state == wanted).map(|(each, _)| each.name());
            names.collect::<Vec<_>>().join(", ")
        };
        let in_force = named(State::InForce);
        write!(f, "in force: {}", if in_force.is_empty() { "nothing" } else { &in_force })?;
        for (protection, state) in self.missing() {
            let how = if state == State::Partly { "only partly" } else { "not in force" };
            write!(f, "; {how}: {} (needs {})", protection.name(), protection.remedy())?;
        }
        Ok(())
    }
}

/// A byte that no report has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a report of protections has the byte {0}, 0 to 3 are allowed")]
pub struct UnknownReport(u8);

/// What a process that computes may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Memory that it may write to, in bytes.
    pub memory: u64,
    /// Address space, in bytes: memory, its program, and what threads reserve without using it.
    pub address_space: u64,
    /// Size of a file that it may write, in bytes.
    pub file: u64,
}

/// The files of a process; all others are out of its reach. A name that does not exist is no error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Folders in which it may do everything but execute.
    pub written: Vec<PathBuf>,
    /// Files and folders that it may read.
    pub read: Vec<PathBuf>,
    /// Programs that it may start.
    pub executed: Vec<PathBuf>,
}

/// What the kernel can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Whether to ask for Landlock.
    pub has_landlock: bool,
    /// Whether to ask for seccomp.
    pub has_seccomp: bool,
}

impl Kernel {
    /// Whatever there is.
    pub const THIS: Self = Self { has_landlock: true, has_seccomp: true };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_what_is_missing_and_what_would_grant_it() {
        let whole = Protection::ALL
            .iter()
            .fold(Report::NOTHING, |report, protection| report.with(*protection, State::InForce));
        assert!(whole.is_whole() && !whole.to_string().contains("not in force"), "{whole}");
        for protection in Protection::ALL {
            let missing = whole.with(protection, State::Missing);
            assert!(!missing.is_whole());
            let text = missing.to_string();
            let expected = format!("not in force: {} (needs Linux", protection.name());
            assert!(text.contains(&expected), "{text}");
            let partly = whole.with(protection, State::Partly);
            assert!(!partly.is_whole() && partly.to_string().contains("only partly"));
            assert!(whole.with(protection, State::NotAsked).is_whole());
        }
        assert!(Report::NOTHING.to_string().starts_with("in force: nothing; not in force"));
    }

    #[test]
    fn a_report_passes_between_processes() {
        let states = [State::Missing, State::Partly, State::InForce, State::NotAsked];
        let mut report = Report::NOTHING;
        for (protection, state) in Protection::ALL.into_iter().zip(states.into_iter().cycle()) {
            report = report.with(protection, state);
            assert_eq!(Report::from_bytes(report.to_bytes()), Ok(report));
        }
        let mut bytes = report.to_bytes();
        bytes[2] = 4;
        assert_eq!(Report::from_bytes(bytes), Err(UnknownReport(4)));
    }
}
