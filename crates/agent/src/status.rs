//! What the agent says of itself: the document that `gleaner status --json` prints, and what is asked of it.

use sensors::Milliseconds;
use serde::{Deserialize, Serialize};

use crate::earn::Sums;
use crate::limits::{Money, Setting};
use crate::policy::{Decision, Offer};

/// The version of [`Status`]: its keys are only added to within one.
pub const STATUS_VERSION: u32 = 1;

/// How the agent is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// [`STATUS_VERSION`].
    pub version: u32,
    /// One line for people: what the worker does, and the first reason.
    pub text: String,
    /// What the worker may do, and why not more.
    pub decision: Decision,
    /// The worker.
    pub worker: WorkerStatus,
    /// What the project pays that is worked for, or would be, if that is known.
    #[serde(default)]
    pub offer: Option<Offer>,
    /// What the owner has to know beside the decision, for instance that the file of limits can't be read.
    #[serde(default)]
    pub notices: Vec<String>,
    /// Since when the ledger has not answered the worker, while it does not.
    #[serde(default)]
    pub ledger_silent_since: Option<Milliseconds>,
    /// What the machine draws, in milliwatts, if a meter says it.
    pub milliwatts: Option<u64>,
    /// What work took and brought.
    #[serde(default)]
    pub earned: EarnedStatus,
    /// The owner's page, for a browser on this machine.
    pub page: Option<String>,
    /// The account that is paid.
    pub account: String,
    /// The file of limits that was read, or would be if it existed.
    pub config: String,
    /// The version of the account's policy that tightens them, if there is one.
    pub policy_version: Option<u64>,
    /// When the agent started.
    pub started: Milliseconds,
    /// The number of the agent's process.
    pub process: u32,
    /// What protects the owner beside the policy, and what is missing.
    pub protections: Vec<ProtectionStatus>,
}

/// What work took and brought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarnedStatus {
    /// The currency of the amounts of money; `None` where what GRAIN is worth or a price of energy is not known.
    pub currency: Option<String>,
    /// Since midnight.
    pub today: EarnedSums,
    /// Since the books began.
    pub total: EarnedSums,
}

/// Sums of a day, or of all time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarnedSums {
    /// Seconds in which the worker ran.
    pub worked_seconds: u64,
    /// What the account was paid, in the smallest unit.
    pub paid: String,
    /// Energy beyond what the machine draws without the worker that meters counted, in joules.
    pub measured_joules: u64,
    /// Such energy that was estimated, in joules.
    pub estimated_joules: u64,
    /// What was paid, in the currency, as GRAIN was worth then.
    pub gross: Option<Money>,
    /// What the energy cost.
    pub energy: Option<Money>,
    /// What the owner is left with.
    pub net: Option<Money>,
}

impl EarnedStatus {
    /// Says the sums of today and of all time.
    #[must_use]
    pub fn new(today: &Sums, total: &Sums, currency: Option<&str>) -> Self {
        let say = |sums: &Sums| EarnedSums {
            worked_seconds: sums.worked_ms / 1_000,
            paid: sums.paid_wei.to_string(),
            measured_joules: sums.measured_microjoules / 1_000_000,
            estimated_joules: sums.estimated_microjoules / 1_000_000,
            gross: currency.map(|_| sums.gross()),
            energy: currency.map(|_| sums.energy()),
            net: currency.map(|_| sums.net()),
        };
        Self { currency: currency.map(str::to_owned), today: say(today), total: say(total) }
    }
}

/// How the worker is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerStatus {
    /// The number of its process, if it runs.
    pub process: Option<u32>,
    /// When it was started, if it runs.
    pub started: Option<Milliseconds>,
    /// How often it was started.
    pub start_count: u64,
    /// Its last words.
    pub last_line: Option<String>,
}

/// A protection of the owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtectionStatus {
    /// What it is for.
    pub name: String,
    /// Whether it holds.
    pub is_held: bool,
    /// By which means, or what is there instead and why.
    pub text: String,
    /// Why it is missing: the end of the text.
    #[serde(default)]
    pub reason: Option<String>,
    /// The command that grants it, where it is missing.
    pub grant: Option<String>,
}

/// Protections that are missing for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing<'a> {
    /// What each is for, and what is there instead.
    pub what: Vec<String>,
    /// Why, if that is not said with them.
    pub reason: Option<&'a str>,
    /// What grants all of them.
    pub grant: &'a str,
}

/// Returns the protections that are missing, those together that are missing for the same reason.
#[must_use]
pub fn missing(protections: &[ProtectionStatus]) -> Vec<Missing<'_>> {
    let mut all: Vec<Missing<'_>> = Vec::new();
    for protection in protections.iter().filter(|protection| !protection.is_held) {
        let ProtectionStatus { name, text, reason, grant, .. } = protection;
        let (reason, grant) = (reason.as_deref(), grant.as_deref().unwrap_or_default());
        let end = reason.map(|reason| format!(", because {reason}"));
        let text = end.and_then(|end| text.strip_suffix(&end)).unwrap_or(text);
        let what = format!("{name}: {text}");
        match all.iter_mut().find(|one| (one.reason, one.grant) == (reason, grant)) {
            Some(one) => one.what.push(what),
            None => all.push(Missing { what: vec![what], reason, grant }),
        }
    }
    all
}

/// What is asked of the agent: one line of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// How it is.
    Status,
    /// What limits hold, and where they come from.
    Limits,
    /// To pause, for so many seconds, or until it is told to resume.
    Pause {
        /// For how long.
        seconds: Option<u32>,
    },
    /// To resume.
    Resume,
    /// To end.
    Stop,
}

/// What it answers: one line of JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// How it is, after what was asked.
    Status {
        /// It.
        status: Box<Status>,
    },
    /// Its limits.
    Limits {
        /// They.
        settings: Vec<Setting>,
    },
    /// Why it did not do what was asked.
    Refused {
        /// The reason.
        text: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_for_the_same_reason_is_said_together() {
        let protection = |name: &str, is_held, text: &str, reason: Option<&str>, grant: &str| {
            let (name, text) = (name.to_owned(), text.to_owned());
            let (reason, grant) = (reason.map(str::to_owned), Some(grant.to_owned()));
            ProtectionStatus { name, is_held, text, reason, grant }
        };
        let all = [
            protection("a", false, "x instead, because r", Some("r"), "do"),
            protection("b", true, "by y", None, "do"),
            protection("c", false, "z instead, because r", Some("r"), "do"),
            protection("d", false, "z instead, because q", Some("q"), "do"),
            // As an older agent says it.
            protection("e", false, "z instead, because q", None, "do"),
        ];
        let what = |what: &[&str]| what.iter().map(|&one| one.to_owned()).collect();
        let expected = [
            Missing {
                what: what(&["a: x instead", "c: z instead"]),
                reason: Some("r"),
                grant: "do",
            },
            Missing { what: what(&["d: z instead"]), reason: Some("q"), grant: "do" },
            Missing { what: what(&["e: z instead, because q"]), reason: None, grant: "do" },
        ];
        assert_eq!(missing(&all), expected);
    }

    #[test]
    fn requests_are_lines_that_anybody_can_write() {
        let check = |text: &str, expected: Request| {
            assert_eq!(serde_json::from_str::<Request>(text).unwrap(), expected);
        };
        check(r#"{"command":"status"}"#, Request::Status);
        check(r#"{"command":"pause","seconds":3600}"#, Request::Pause { seconds: Some(3_600) });
        check(r#"{"command":"pause"}"#, Request::Pause { seconds: None });
        check(r#"{"command":"stop"}"#, Request::Stop);
        for wrong in [r#"{"command":"raise"}"#, r#"{"cores":9}"#, "3", ""] {
            assert!(serde_json::from_str::<Request>(wrong).is_err(), "{wrong}");
        }
    }
}
