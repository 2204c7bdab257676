//! The report as a JSON document with stable keys.
//!
//! Shares are from 0 to 1. Figures that are exact fractions are rounded to 12 decimals, and given as fractions below `exact`. A figure without a
//! value, such as any share of nothing, is null.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use concentration::Ratio;
use serde::Serialize;

use crate::{amount::decimal_text, drawing::Curves, report::number};

/// Coefficients by threshold, such as `"1/3"`.
pub type CoefficientsDocument = BTreeMap<String, Option<usize>>;

/// What a table or ledger says about who holds what.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Where the amounts come from.
    pub source: String,
    /// What a holder is: `row`, or the column of labels, or `address`.
    pub unit: String,
    /// Number of holders; those of nothing are left out unless `zeros_kept`.
    pub count: usize,
    /// Gini coefficient, 0 to (n−1)/n.
    pub gini: Option<f64>,
    /// Gini coefficient times n/(n−1).
    pub gini_unbiased: Option<f64>,
    /// Herfindahl–Hirschman index, 0 to 10,000.
    pub hhi: Option<f64>,
    /// Number of equal holders with the same HHI.
    pub effective_count_by_hhi: Option<f64>,
    /// Theil's T, nats.
    pub theil_nats: Option<f64>,
    /// Theil's T of the rows, between entities and within them; only with labels.
    pub theil_parts_nats: Option<TheilDocument>,
    /// Shannon's entropy, bits.
    pub entropy_bits: Option<f64>,
    /// Shannon's entropy by its maximum, 0 to 1.
    pub entropy_normalised: Option<f64>,
    /// Number of equal holders with the same entropy.
    pub effective_count_by_entropy: Option<f64>,
    /// Rényi entropies in bits, by order: `0`, `2`, `infinity`.
    pub renyi_bits: BTreeMap<String, Option<f64>>,
    /// Share of the largest.
    pub top1: Option<f64>,
    /// Share of the ten largest.
    pub top10: Option<f64>,
    /// Share of the largest hundredth.
    pub top_1_percent: Option<f64>,
    /// How many of the largest have more than each threshold.
    pub nakamoto: CoefficientsDocument,
    /// How many of the largest have each threshold or more.
    pub nakamoto_at_least: CoefficientsDocument,
    /// Sum of all amounts, exact.
    pub total: String,
    /// Whether holders of nothing count.
    pub zeros_kept: bool,
    /// Rows of 0 that were left out.
    pub zeros_dropped: usize,
    /// Rows without an amount, left out.
    pub empty_rows: usize,
    /// The exact fractions.
    pub exact: BTreeMap<String, Option<[String; 2]>>,
    /// What has no label; only with labels.
    pub unlabelled: Option<UnlabelledDocument>,
    /// For each figure, its two ends: every row without a label is an entity, and all are one. The figures above are the latter.
    pub interval: Option<BTreeMap<String, [Option<f64>; 2]>>,
    /// Coefficients of subsystems, as asked for.
    pub subsystems: Vec<SubsystemDocument>,
    /// The subsystem with the least coefficient.
    pub weakest: Option<String>,
    /// Voting power; none where nobody can pass the quota.
    pub power: Option<PowerDocument>,
    /// How often the largest decide a vote, at each turnout.
    pub decisiveness: Vec<DecisivenessDocument>,
    /// Of the largest, what is theirs of what they vote with; of the votes of a house only, whoever asks for the report adds them.
    pub delegation: Vec<DelegateDocument>,
    /// Figures that a reader should be warned of, with their bounds; whoever asks for the report adds them.
    pub alarms: Vec<AlarmDocument>,
    /// What is drawn.
    #[serde(skip)]
    pub(crate) curves: Curves,
}

/// Theil's T in two parts, nats.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TheilDocument {
    /// Between entities.
    pub between: f64,
    /// Within entities.
    pub within: f64,
}

/// Rows without a label.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct UnlabelledDocument {
    /// How many.
    pub rows: usize,
    /// Their share of the sum.
    pub share: Option<f64>,
}

/// A subsystem.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SubsystemDocument {
    /// Its name: the column.
    pub name: String,
    /// Its threshold.
    pub threshold: String,
    /// Number of entities.
    pub count: usize,
    /// How many of the largest have more than the threshold, where all rows without a label are one entity.
    pub nakamoto: Option<usize>,
    /// The same, where each is an entity of its own.
    pub nakamoto_all_distinct: Option<usize>,
}

/// Voting power of the largest.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PowerDocument {
    /// What part of all must be passed.
    pub quota: String,
    /// `counted`: exact. `grid`: exact but for the rounding of floats. `ocean`: errors below 0.001.
    pub method: &'static str,
    /// How far the Shapley–Shubik indices were from adding up to 1 before they were made to.
    pub shapley_gap: f64,
    /// The largest holders.
    pub holders: Vec<HolderDocument>,
}

/// Voting power of a holder.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HolderDocument {
    /// Its label, or `#1` for the largest row.
    pub name: String,
    /// What it holds, exact.
    pub amount: String,
    /// Its share.
    pub share: f64,
    /// Probability that it decides a vote of everybody, all others being for or against with probability ½.
    pub banzhaf: f64,
    /// The same as a part of the sum over all holders.
    pub banzhaf_normalised: f64,
    /// Shapley–Shubik index.
    pub shapley: f64,
}

/// How often the largest decide.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DecisivenessDocument {
    /// Probability with which each holder votes.
    pub turnout: f64,
    /// Part of everything that must be for, if there is a quorum.
    pub quorum: Option<String>,
    /// Number of votes drawn.
    pub draws: u64,
    /// Of the largest, in their order.
    pub holders: Vec<EstimateDocument>,
}

/// An estimate of a probability.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EstimateDocument {
    /// The holder.
    pub name: String,
    /// Probability that its vote decides.
    pub probability: f64,
    /// Standard error.
    pub standard_error: f64,
}

/// A voter, after delegation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DelegateDocument {
    /// The voter.
    pub name: String,
    /// What it votes with, exact.
    pub votes: String,
    /// What it holds itself, exact.
    pub own: String,
    /// The one by the other: above 1 where others have delegated to it; null where it holds nothing.
    pub amplification: Option<f64>,
}

impl DelegateDocument {
    /// Of amounts in units of `10^-decimals`.
    #[must_use]
    pub fn of(name: String, votes: U256, own: U256, decimals: usize) -> Self {
        Self {
            name,
            votes: decimal_text(votes, decimals),
            own: decimal_text(own, decimals),
            amplification: number(Ratio::new(votes, own)),
        }
    }
}

/// A figure that says whether power is in too few hands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlarmDocument {
    /// Its key.
    pub figure: &'static str,
    /// What it says, in words.
    pub about: String,
    /// Its value.
    pub value: f64,
    /// The value at which it begins to warn.
    pub bound: f64,
    /// Whether it warns.
    pub is_raised: bool,
}
