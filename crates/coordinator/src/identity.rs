//! What a folder belongs to: one ledger, run, specification, corpus and set of terms. Names what has changed since.

use std::fmt;

use ledger_views::runs::RunView;
use training_run::Terms;
use units::{Digest, Wei};

use crate::{Project, RunRecord};

/// A property of a run that is not what it was when the run was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The property, by its name in the project file if it has one.
    pub what: String,
    /// Its value when the run was opened.
    pub was: String,
    /// Its value now.
    pub now: String,
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} was {}, now it is {}", self.what, self.was, self.now)
    }
}

/// Returns in which way the ledger is not that of the record: its chain id, or its first block.
pub(crate) fn ledger_changes(record: &RunRecord, chain_id: u64, genesis: &Digest) -> Vec<Change> {
    let genesis = genesis.to_string();
    // Folders of earlier versions have no genesis block to compare with.
    let was = record.genesis.clone().unwrap_or_else(|| genesis.clone());
    differing([
        ("chain id of the ledger", record.chain_id.to_string(), chain_id.to_string()),
        ("first block of the ledger", was, genesis),
    ])
}

/// Returns in which way the project is not that of the run: name, budget, specification, corpus, terms.
pub(crate) fn project_changes(
    record: Option<&RunRecord>,
    (run, terms): (&RunView, &Terms),
    (project, now): (&Project, &Terms),
) -> Vec<Change> {
    let budget = project.budget.unwrap_or(run.deposited);
    let mut changes = differing([
        ("name", run.name.clone(), project.name.clone()),
        ("corpus", shortened(&terms.corpus), shortened(&now.corpus)),
        ("budget", grain(run.deposited), grain(budget)),
    ]);
    changes.extend(differing(
        conditions(terms)
            .into_iter()
            .zip(conditions(now))
            .map(|((name, was), (_, now))| (name, was, now)),
    ));
    if terms.spec != now.spec {
        changes.extend(specification_changes(record, terms, project));
    }
    changes
}

/// Returns the changed fields of the specification; only the digests when the folder does not hold the old one.
fn specification_changes(
    record: Option<&RunRecord>,
    terms: &Terms,
    project: &Project,
) -> Vec<Change> {
    let now = serde_json::to_value(&project.spec).unwrap_or_default();
    let was = record.and_then(|record| record.specification.clone()).unwrap_or_default();
    let mut changes = Vec::new();
    field_changes("", &was, &now, &mut changes);
    if changes.is_empty() || was.is_null() {
        let (was, now) = (shortened(&terms.spec), shortened(&project.spec.digest()));
        return vec![Change { what: "specification".to_owned(), was, now }];
    }
    changes
}

/// Appends the fields in which two JSON objects differ, by their path.
fn field_changes(
    path: &str,
    was: &serde_json::Value,
    now: &serde_json::Value,
    changes: &mut Vec<Change>,
) {
    let (Some(before), Some(after)) = (was.as_object(), now.as_object()) else {
        if was != now {
            changes.push(Change {
                what: path.to_owned(),
                was: was.to_string(),
                now: now.to_string(),
            });
        }
        return;
    };
    let added = after.keys().filter(|name| !before.contains_key(*name));
    for name in before.keys().chain(added) {
        let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let value = |object: &serde_json::Map<_, _>| object.get(name).cloned().unwrap_or_default();
        field_changes(&inner, &value(before), &value(after), changes);
    }
}

/// Returns the conditions of payment and audit, under their names in the project file.
fn conditions(terms: &Terms) -> Vec<(&'static str, String)> {
    let per_million = terms.price_per_token.as_u128().saturating_mul(1_000_000);
    vec![
        ("price_per_million_tokens", grain(Wei::new(per_million))),
        ("audit_rate_bps", terms.audit_rate.as_u16().to_string()),
        ("audit_pay_bps", terms.audit_pay.as_u16().to_string()),
        ("quorum_bps", terms.quorum.as_u16().to_string()),
        ("workers_min", terms.seats_min.to_string()),
        ("workers_max", terms.seats_max.to_string()),
        ("round_seconds", terms.round_seconds.to_string()),
        ("audit_seconds", terms.audit_seconds.to_string()),
        ("stall_seconds", terms.stall_seconds.to_string()),
        ("relay_fee", terms.relay_fee.to_grain()),
    ]
}

fn differing(values: impl IntoIterator<Item = (&'static str, String, String)>) -> Vec<Change> {
    let values = values.into_iter().filter(|(_, was, now)| was != now);
    values.map(|(what, was, now)| Change { what: what.to_owned(), was, now }).collect()
}

fn grain(amount: Wei) -> String {
    format!("{} GRAIN", amount.to_grain())
}

/// The first digits of a digest: enough to tell two of them apart.
fn shortened(digest: &Digest) -> String {
    let digits: String = digest.to_string().chars().take(12).collect();
    format!("{digits}…")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn another_ledger_is_named() {
        let record = RunRecord {
            chain_id: 7,
            run: 1,
            spec: String::new(),
            genesis: Some(Digest::ZERO.to_string()),
            specification: None,
            coordinator: None,
            rewound: None,
        };
        assert_eq!(ledger_changes(&record, 7, &Digest::ZERO), []);
        let other = ledger_changes(&record, 8, &Digest::ZERO);
        assert_eq!(other[0].to_string(), "chain id of the ledger was 7, now it is 8");
        let other = ledger_changes(&record, 7, &Digest::from_bytes([1; 32]));
        assert_eq!(other.len(), 1);
        assert!(other[0].what.contains("first block"), "{other:?}");
        let earlier = RunRecord { genesis: None, ..record };
        assert_eq!(ledger_changes(&earlier, 7, &Digest::from_bytes([1; 32])), []);
    }

    #[test]
    fn fields_are_named_by_their_path() {
        let mut changes = Vec::new();
        let (was, now) = (json!({ "a": { "b": 1 }, "c": 2 }), json!({ "a": { "b": 3 }, "d": 4 }));
        field_changes("", &was, &now, &mut changes);
        let changes: Vec<_> = changes.iter().map(ToString::to_string).collect();
        assert_eq!(
            changes,
            ["a.b was 1, now it is 3", "c was 2, now it is null", "d was null, now it is 4"]
        );
    }
}
