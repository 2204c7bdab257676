//! Which project to work for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use units::Wei;

use crate::limits::Earning;

/// Tags of one project that count.
pub const TAGS_MAX: usize = 32;

/// One unit of work, divided by the largest weight, is still this much.
const UNIT: u64 = 1_000_000_000;

/// A project that could be worked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its number.
    pub project: u64,
    /// Its tags.
    pub tags: Vec<String>,
    /// What it pays this machine for an hour.
    pub per_hour: Wei,
}

/// How much each interest has had so far: the work done for it, divided by its weight.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shares(BTreeMap<String, u64>);

impl Shares {
    /// Returns the project to work for next: the place of one of `candidates`.
    ///
    /// With interests it is one of the interest that is furthest behind its weight, the best paid of those; without, the best paid one, and the
    /// `current` one stays until another pays more by the owner's margin. One that pays less than the owner's floor never is.
    #[must_use]
    pub fn choose(
        &self,
        candidates: &[Candidate],
        current: Option<u64>,
        earning: &Earning,
    ) -> Option<usize> {
        let pays = |candidate: &Candidate| earning.floor_per_hour.0 <= candidate.per_hour;
        let paid = candidates.iter().enumerate().filter(|(_, candidate)| pays(candidate));
        let wanted = paid.filter_map(|(place, candidate)| {
            let had = match interest(candidate, earning) {
                None if earning.interests.is_empty() => 0,
                None => return None,
                Some((tag, _)) => self.0.get(tag).copied().unwrap_or(0),
            };
            Some((had, candidate, place))
        });
        let wanted: Vec<_> = wanted.collect();
        let least = wanted.iter().map(|(had, ..)| *had).min()?;
        let next: Vec<_> = wanted.into_iter().filter(|(had, ..)| *had == least).collect();
        // Of several that pay the same, the oldest.
        let best = next.iter().max_by_key(|(_, candidate, _)| {
            (candidate.per_hour, std::cmp::Reverse(candidate.project))
        })?;
        let stays = next.iter().find(|(_, candidate, _)| Some(candidate.project) == current);
        let margin = u128::from(earning.switch_margin_percent);
        let is_worth = |own: &Candidate| {
            let enough = own.per_hour.as_u128().saturating_mul(100 + margin);
            enough < best.1.per_hour.as_u128().saturating_mul(100)
        };
        match stays {
            Some((_, own, place)) if !is_worth(own) => Some(*place),
            _ => Some(best.2),
        }
    }

    /// Notes work for a project, in any unit that is the same for all: rounds, or seconds.
    pub fn worked(&mut self, candidate: &Candidate, amount: u32, earning: &Earning) {
        let Some((tag, weight)) = interest(candidate, earning) else { return };
        let more = u64::from(amount).saturating_mul(UNIT) / u64::from(weight);
        let had = self.0.entry(tag.to_owned()).or_default();
        *had = had.saturating_add(more);
        self.0.retain(|tag, _| earning.interests.contains_key(tag));
    }

    /// Forgets how much an interest is behind that had nothing to work for, so that it does not take everything when it has: call it when the
    /// candidates change.
    pub fn catch_up(&mut self, candidates: &[Candidate], earning: &Earning) {
        let tags: Vec<&str> = candidates
            .iter()
            .filter_map(|candidate| interest(candidate, earning).map(|(tag, _)| tag))
            .collect();
        let present = tags.iter().filter_map(|tag| self.0.get(*tag));
        let Some(least) = present.copied().min() else { return };
        for tag in earning.interests.keys().filter(|tag| !tags.contains(&&tag[..])) {
            let had = self.0.entry(tag.clone()).or_default();
            *had = (*had).max(least);
        }
    }
}

/// Returns the interest that a project belongs to: the heaviest of its tags, with its weight. None if the owner wants none of them.
fn interest<'a>(candidate: &'a Candidate, earning: &Earning) -> Option<(&'a str, u32)> {
    let tags = candidate.tags.iter().take(TAGS_MAX);
    let weighed = tags.filter_map(|tag| Some((&tag[..], *earning.interests.get(tag)?)));
    let weighed = weighed.collect::<Vec<_>>();
    // A tag that the owner gave nothing keeps a project away, whatever else it is.
    if weighed.iter().any(|(_, weight)| *weight == 0) {
        return None;
    }
    weighed.into_iter().max_by_key(|(tag, weight)| (*weight, std::cmp::Reverse(*tag)))
}
