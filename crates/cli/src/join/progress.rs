//! `gleaner join --events`: what happens, for a program that started the worker; one line of JSON each.

use serde::{Deserialize, Serialize};
use worker::Event;

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Progress {
    /// It begins to work for a project.
    Chosen { project: u64, per_hour: String },
    /// It has its seat.
    Joined,
    /// A round of its own begins; rounds count from 0.
    RoundStarted { round: u32 },
    /// A round's work is on the ledger.
    Committed { round: u32, tokens: u64 },
    /// The round failed, or the connection was lost: nothing of its own is under way.
    Interrupted,
    /// The project has dropped this device.
    Dropped,
    /// The project has expelled this device.
    Expelled,
    /// The ledger has been asked for so many seconds, and has answered nothing.
    LedgerSilent { seconds: u32 },
    /// It answers again.
    LedgerAnswers,
}

impl Progress {
    /// Returns what a program is told of an event, if anything.
    pub(super) fn of(event: &Event) -> Option<Self> {
        Some(match event {
            Event::Joined => Self::Joined,
            Event::RoundStarted { round } => Self::RoundStarted { round: *round },
            Event::Committed { round, tokens, .. } => {
                Self::Committed { round: *round, tokens: *tokens }
            }
            Event::Disconnected { .. } | Event::Failed { .. } => Self::Interrupted,
            Event::Dropped => Self::Dropped,
            Event::Expelled { .. } => Self::Expelled,
            Event::Paced { .. }
            | Event::AuditStarted { .. }
            | Event::Audited { .. }
            | Event::Refused { .. } => return None,
        })
    }
}
