//! What is worth telling the owner.

use serde::{Deserialize, Serialize};
use units::Wei;

use super::{Closing, Scheduled};

/// Terms under which a project pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Its number and name.
    pub project: String,
    /// What it pays this machine for an hour.
    #[serde(with = "crate::policy::wei")]
    pub per_hour: Wei,
    /// What one GRAIN is worth, in millionths of the owner's currency, if that is known.
    pub grain_price: Option<u64>,
    /// The revision of the ledger's rules.
    pub revision: u32,
}

/// How a device stands in a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It works.
    Good,
    /// It was dropped: it missed rounds.
    Dropped,
    /// It was expelled: its work or its audits were wrong.
    Expelled,
    /// The account has cut it off.
    Revoked,
}

/// Something that the owner may want to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Alert {
    /// A project pays more or less than before.
    Reward {
        /// Its number and name.
        project: String,
        /// By how many percent, less than nothing for less.
        percent: i64,
    },
    /// GRAIN is worth more or less.
    Price {
        /// By how many percent.
        percent: i64,
    },
    /// The ledger's rules have changed.
    Rules {
        /// Their revision now.
        revision: u32,
    },
    /// A revision of the ledger's rules was scheduled, or moved.
    RulesScheduled {
        /// It, and when it begins.
        #[serde(flatten)]
        scheduled: Scheduled,
        /// Where it was to begin before, if it was moved.
        moved_from: Option<u64>,
        /// The newest revision that this program knows.
        newest_known: u32,
    },
    /// A revision of the ledger's rules does not begin.
    RulesWithdrawn {
        /// Its number.
        revision: u32,
        /// Where it was to begin.
        height: u64,
    },
    /// A project that this device works for has ended early.
    Ended {
        /// It, and what is left of this device's seat.
        #[serde(flatten)]
        closing: Closing,
    },
    /// The device stands otherwise.
    Standing {
        /// The project; `the account` where that is meant.
        project: String,
        /// How it stands now.
        standing: Standing,
    },
}

impl Alert {
    /// Says it in one line.
    #[must_use]
    pub fn text(&self) -> String {
        let change = |percent: &i64| match percent {
            0.. => format!("{percent} % more"),
            _ => format!("{} % less", percent.unsigned_abs()),
        };
        match self {
            Self::Reward { project, percent } => format!("{project} pays {}", change(percent)),
            Self::Price { percent } => format!("GRAIN is worth {}", change(percent)),
            Self::Rules { revision } => format!("the ledger's rules are now revision {revision}"),
            Self::RulesScheduled { scheduled, moved_from, newest_known } => {
                let (revision, when) = (scheduled.revision, scheduled.when());
                let text = scheduled.warning(*newest_known).unwrap_or_else(|| {
                    format!("revision {revision} of the ledger's rules begins {when}: this program knows it")
                });
                let before = |height| format!(" (it was to begin at block {height})");
                text + &moved_from.map(before).unwrap_or_default()
            }
            Self::RulesWithdrawn { revision, height } => format!(
                "revision {revision} of the ledger's rules is withdrawn: it was to begin at block {height}"
            ),
            Self::Ended { closing } => closing.text(),
            Self::Standing { project, standing } => match standing {
                Standing::Good => format!("{project} accepts this device again"),
                Standing::Dropped => format!("{project} has dropped this device: it missed rounds"),
                Standing::Expelled => format!("{project} has expelled this device"),
                Standing::Revoked => "the account has cut this device off".to_owned(),
            },
        }
    }
}

/// Returns what has changed enough from `before` to `now` to tell the owner, of the same project or of another.
#[must_use]
pub fn alerts(before: &Terms, now: &Terms, reward_percent: u32) -> Vec<Alert> {
    let mut found = Vec::new();
    let is_much = |percent: &i64| u64::from(reward_percent) <= percent.unsigned_abs();
    if before.project == now.project {
        let percent = change_percent(before.per_hour.as_u128(), now.per_hour.as_u128());
        let reward = |percent| Alert::Reward { project: now.project.clone(), percent };
        found.extend(percent.filter(is_much).map(reward));
    }
    if let (Some(before), Some(now)) = (before.grain_price, now.grain_price) {
        let percent = change_percent(u128::from(before), u128::from(now));
        found.extend(percent.filter(is_much).map(|percent| Alert::Price { percent }));
    }
    if before.revision != now.revision {
        found.push(Alert::Rules { revision: now.revision });
    }
    found
}

/// Returns by how many percent `now` is more than `before`, towards zero; `None` for a change from nothing.
fn change_percent(before: u128, now: u128) -> Option<i64> {
    let part = |difference: u128| {
        let percent = difference.checked_mul(100).map(|hundred| hundred.checked_div(before));
        // What overflows is more than anybody asks for.
        i64::try_from(percent.unwrap_or(Some(u128::MAX))?).ok().or(Some(i64::MAX))
    };
    if before <= now { part(now - before) } else { part(before - now).map(|percent| -percent) }
}
