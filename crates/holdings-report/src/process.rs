//! How fair the process around votes is.

use concentration::{
    Strictness, THRESHOLDS,
    process::{Process, Proposal},
};
use serde::Serialize;

use crate::{document::CoefficientsDocument, report::number, text::cleaned};

/// Figures of a list of proposals. A figure without a value is null.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProcessReport {
    /// Where the proposals come from.
    pub source: String,
    /// How many proposals there are.
    pub proposals: usize,
    /// How many accounts made them.
    pub proposers: usize,
    /// How many of these made more than each part of them.
    pub nakamoto: CoefficientsDocument,
    /// The part of proposals with a fifth or more of the votes against: near 0, votes are a rubber stamp.
    pub opposed: Option<f64>,
    /// The median of `|yes - no| / (yes + no)`.
    pub median_margin: Option<f64>,
    /// The median time from post to vote, seconds.
    pub median_notice_seconds: Option<u64>,
}

impl ProcessReport {
    /// Measures proposals.
    #[must_use]
    pub fn of(source: String, proposals: &[Proposal<'_>]) -> Self {
        let Process { proposers, opposed, median_margin, median_notice_seconds } =
            Process::of(proposals);
        let coefficient = |part: concentration::Threshold| {
            (part.to_string(), proposers.threshold(part, Strictness::MoreThan))
        };
        Self {
            source,
            proposals: proposals.len(),
            proposers: proposers.count(),
            nakamoto: THRESHOLDS.map(coefficient).into_iter().collect(),
            opposed: number(opposed),
            median_margin: number(median_margin),
            median_notice_seconds,
        }
    }

    /// Writes the report for people.
    #[must_use]
    pub fn text(&self) -> String {
        let percent = |part: Option<f64>| {
            part.map_or_else(|| "none".to_owned(), |part| format!("{:.1} %", part * 100.0))
        };
        let notice = self.median_notice_seconds.map_or_else(
            || "none".to_owned(),
            |seconds| format!("{:.1} hours", seconds as f64 / 3_600.0),
        );
        let half = self.nakamoto.get("1/2").copied().flatten();
        let half = half.map_or_else(String::new, |count| {
            format!("; more than half of them by the {count} who made most")
        });
        format!(
            "{}: {} proposals by {} accounts{half}\n\
             a fifth or more against: {} of proposals (near 0, votes are a rubber stamp)\n\
             median margin: {}\n\
             median time from post to vote: {notice}",
            cleaned(&self.source),
            self.proposals,
            self.proposers,
            percent(self.opposed),
            percent(self.median_margin),
        )
    }
}
