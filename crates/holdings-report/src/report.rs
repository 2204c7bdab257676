//! Measures what was read.

use std::{borrow::Cow, collections::BTreeMap};

use alloy_primitives::U256;
use concentration::{
    Coefficient, Groups, Holdings, Interval, Ratio, Strictness, Subsystem, Summary, THRESHOLDS,
    Threshold, TooLarge, Zeros,
    power::{ApproximatePower, ExactPower, Game, Method, Precision, approximate, exact},
    turnout::{Electorate, Rule},
    weakest,
};

use crate::{
    amount::decimal_text,
    document::{
        CoefficientsDocument, DecisivenessDocument, EstimateDocument, HolderDocument,
        PowerDocument, Report, SubsystemDocument, TheilDocument, UnlabelledDocument,
    },
    drawing::{Curves, PowerPoint},
};

/// Decimals of fractions in the document.
const DECIMALS: usize = 12;
/// Holders whose power is reported.
const HOLDERS_REPORTED: usize = 10;
/// Holders whose power is drawn.
const HOLDERS_DRAWN: usize = 200;
/// Steps of the Lorenz curve.
const CURVE_STEPS: usize = 200;
/// Most holders whose coalitions are counted; more are computed on a grid.
const COUNTED_MAX: usize = 16;
/// Votes drawn for each turnout.
pub(crate) const DRAWS: u64 = 20_000;
/// Seed of the draws: the same table gives the same report.
pub(crate) const SEED: u64 = 1;

/// Labels of the same rows by which another subsystem is measured.
#[derive(Clone, Debug)]
pub struct SubsystemQuestion<'a> {
    /// Its name.
    pub name: &'a str,
    /// The label of each row.
    pub labels: &'a [Cow<'a, str>],
    /// What part gives control.
    pub threshold: Threshold,
}

/// What is to be measured, and how.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Where the amounts come from.
    pub source: String,
    /// What a holder is.
    pub unit: &'a str,
    /// The amounts, in units of `10^-decimals`.
    pub amounts: &'a [U256],
    /// Decimals of the amounts.
    pub decimals: usize,
    /// The label of each row, by which rows are put together; `None` measures rows.
    pub labels: Option<&'a [Cow<'a, str>]>,
    /// Rows that had no amount.
    pub empty_rows: usize,
    /// Whether holders of nothing count.
    pub zeros: Zeros,
    /// Thresholds besides the usual three.
    pub thresholds: &'a [Threshold],
    /// Further subsystems.
    pub subsystems: &'a [SubsystemQuestion<'a>],
    /// What part of all passes a vote, strictly.
    pub quota: Threshold,
    /// Turnouts for which decisiveness is estimated.
    pub turnouts: &'a [Threshold],
    /// Part of everything that must be for, in those votes.
    pub quorum: Option<Threshold>,
}

/// Why there is no report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// The amounts are too large.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// Measures everything that the question asks for.
///
/// # Errors
/// [`ReportError`].
pub fn measure(question: &Question<'_>) -> Result<Report, ReportError> {
    let thresholds = thresholds(question);
    let subject = Subject::of(question)?;
    let holdings = &subject.ends.one_entity;
    let summary = Summary::of(holdings, &thresholds);
    let is_labelled = question.labels.is_some();
    let distinct = is_labelled.then(|| Summary::of(&subject.ends.all_distinct, &thresholds));
    let interval = distinct.as_ref().map(|distinct| interval(distinct, &summary));
    let (subsystems, weakest) = subsystems(question)?;
    let power = power(question, &subject);
    let (power, points) = power.map_or((None, Vec::new()), |(power, points)| (Some(power), points));
    let curve = holdings.lorenz_curve(CURVE_STEPS);
    let curve = curve.iter().map(|(x, y)| (x.to_f64(), y.to_f64())).collect();
    let dropped = match question.zeros {
        Zeros::Drop => question.amounts.iter().filter(|amount| amount.is_zero()).count(),
        Zeros::Keep => 0,
    };
    Ok(Report {
        source: question.source.clone(),
        unit: question.unit.to_owned(),
        count: summary.count,
        gini: number(summary.gini),
        gini_unbiased: number(summary.gini_unbiased),
        hhi: number(summary.hhi),
        effective_count_by_hhi: number(summary.effective_count_by_hhi),
        theil_nats: summary.theil_nats,
        theil_parts_nats: subject.theil,
        entropy_bits: summary.entropy_bits,
        entropy_normalised: summary.entropy_normalised,
        effective_count_by_entropy: summary.effective_count_by_entropy,
        renyi_bits: renyi(&summary),
        top1: number(summary.top1),
        top10: number(summary.top10),
        top_1_percent: number(summary.top_percent),
        nakamoto: coefficients(&summary, |at| at.more_than),
        nakamoto_at_least: coefficients(&summary, |at| at.at_least),
        total: decimal_text(holdings.total(), question.decimals),
        zeros_kept: question.zeros == Zeros::Keep,
        zeros_dropped: dropped,
        empty_rows: question.empty_rows,
        exact: exact_fractions(&summary),
        unlabelled: subject.unlabelled,
        interval,
        subsystems,
        weakest,
        decisiveness: decisiveness(question, &subject),
        power,
        delegation: Vec::new(),
        alarms: Vec::new(),
        curves: Curves { lorenz: curve, power: points, gini: number(summary.gini) },
    })
}

/// The usual thresholds, then others that were asked for, each once.
fn thresholds(question: &Question<'_>) -> Vec<Threshold> {
    let mut thresholds = THRESHOLDS.to_vec();
    for threshold in question.thresholds {
        if !thresholds.contains(threshold) {
            thresholds.push(*threshold);
        }
    }
    thresholds
}

/// The distribution at both ends, and the names of the largest.
struct Subject {
    ends: Interval<Holdings>,
    names: Vec<String>,
    theil: Option<TheilDocument>,
    unlabelled: Option<UnlabelledDocument>,
}

impl Subject {
    fn of(question: &Question<'_>) -> Result<Self, TooLarge> {
        let amounts = question.amounts.iter().copied();
        let Some(labels) = question.labels else {
            let rows = Holdings::new(amounts, question.zeros)?;
            let names = (1..=rows.count().min(HOLDERS_DRAWN)).map(|rank| format!("#{rank}"));
            return Ok(Self {
                names: names.collect(),
                ends: Interval { all_distinct: rows.clone(), one_entity: rows },
                theil: None,
                unlabelled: None,
            });
        };
        let rows = labels.iter().map(AsRef::as_ref).zip(amounts);
        let groups = Groups::new(rows, question.zeros);
        let ends = groups.holdings(question.zeros)?;
        let share = groups.unlabelled_share()?;
        let parts = groups.theil_parts()?;
        Ok(Self {
            names: names(&groups, &ends.one_entity)?,
            ends,
            theil: parts
                .map(|parts| TheilDocument { between: parts.between, within: parts.within }),
            unlabelled: Some(UnlabelledDocument {
                rows: groups.unlabelled_count(),
                share: number(share),
            }),
        })
    }
}

/// Names of the largest entities, in the order of what they hold, with the unlabelled in their place.
fn names(groups: &Groups<'_>, holdings: &Holdings) -> Result<Vec<String>, TooLarge> {
    let mut names = groups.entities()?.into_iter().peekable();
    let name = |amount: U256| match names.next_if(|(_, held)| *held == amount) {
        Some((name, _)) => name.to_owned(),
        None => "(no label)".to_owned(),
    };
    Ok(holdings.descending().take(HOLDERS_DRAWN).map(name).collect())
}

pub(crate) fn number(ratio: Option<Ratio>) -> Option<f64> {
    ratio.map(|ratio| ratio.decimal(DECIMALS).parse().expect("digits are a number"))
}

/// How many of the largest pass each threshold, by its name.
pub(crate) fn coefficients(
    summary: &Summary,
    count: fn(&Coefficient) -> Option<usize>,
) -> CoefficientsDocument {
    summary.coefficients.iter().map(|at| (at.threshold.to_string(), count(at))).collect()
}

fn renyi(summary: &Summary) -> BTreeMap<String, Option<f64>> {
    ["0", "2", "infinity"].map(str::to_owned).into_iter().zip(summary.renyi_bits).collect()
}

fn exact_fractions(summary: &Summary) -> BTreeMap<String, Option<[String; 2]>> {
    let fraction = |(name, ratio): (&str, Option<Ratio>)| {
        let parts = ratio.map(|ratio| <[String; 2]>::from(ratio.lowest_terms()));
        (name.to_owned(), parts)
    };
    let ratios = [
        ("gini", summary.gini),
        ("hhi", summary.hhi),
        ("top1", summary.top1),
        ("top10", summary.top10),
    ];
    ratios.into_iter().map(fraction).collect()
}

fn interval(distinct: &Summary, one: &Summary) -> BTreeMap<String, [Option<f64>; 2]> {
    let mut ends = BTreeMap::new();
    let count = |count: Option<usize>| count.map(|count| count as f64);
    let mut put = |name: &str, low, high| ends.insert(name.to_owned(), [low, high]);
    put("count", count(Some(distinct.count)), count(Some(one.count)));
    put("gini", number(distinct.gini), number(one.gini));
    put("hhi", number(distinct.hhi), number(one.hhi));
    put("entropy_bits", distinct.entropy_bits, one.entropy_bits);
    put("theil_nats", distinct.theil_nats, one.theil_nats);
    put("top1", number(distinct.top1), number(one.top1));
    put("top10", number(distinct.top10), number(one.top10));
    for (low, high) in distinct.coefficients.iter().zip(&one.coefficients) {
        let name = format!("nakamoto {}", low.threshold);
        put(&name, count(low.more_than), count(high.more_than));
    }
    ends
}

fn subsystems(
    question: &Question<'_>,
) -> Result<(Vec<SubsystemDocument>, Option<String>), TooLarge> {
    let mut measured = Vec::with_capacity(question.subsystems.len());
    for subsystem in question.subsystems {
        let labels = subsystem.labels.iter().map(AsRef::as_ref);
        let groups = Groups::new(labels.zip(question.amounts.iter().copied()), Zeros::Drop);
        measured.push(groups.holdings(Zeros::Drop)?);
    }
    let of = |(asked, ends): (&SubsystemQuestion<'_>, &Interval<Holdings>)| {
        let coefficients =
            ends.map(|holdings| holdings.threshold(asked.threshold, Strictness::MoreThan));
        SubsystemDocument {
            name: asked.name.to_owned(),
            threshold: asked.threshold.to_string(),
            count: ends.one_entity.count(),
            nakamoto: coefficients.one_entity,
            nakamoto_all_distinct: coefficients.all_distinct,
        }
    };
    let documents = question.subsystems.iter().zip(&measured).map(of).collect();
    let all: Vec<Subsystem<'_>> = question
        .subsystems
        .iter()
        .zip(&measured)
        .map(|(asked, ends)| Subsystem {
            name: asked.name,
            holdings: &ends.one_entity,
            threshold: asked.threshold,
            strictness: Strictness::MoreThan,
        })
        .collect();
    Ok((documents, weakest(&all).map(|weak| weak.name.to_owned())))
}

/// Power of the largest; `None` where nobody can pass the quota.
fn power(question: &Question<'_>, subject: &Subject) -> Option<(PowerDocument, Vec<PowerPoint>)> {
    let holdings = &subject.ends.one_entity;
    let game = Game::of_holdings(holdings, question.quota, Strictness::MoreThan).ok()?;
    let counted = if holdings.count() <= COUNTED_MAX { exact(&game) } else { None };
    let (method, power) = match counted.as_ref().and_then(as_floats) {
        Some(power) => ("counted", power),
        None => {
            let power = approximate(&game, Precision::STANDARD);
            let method = if power.method == Method::Grid { "grid" } else { "ocean" };
            (method, power)
        }
    };
    let normalised = power.banzhaf_normalised();
    let shares: Vec<f64> = holdings.shares().take(HOLDERS_DRAWN).collect();
    let holder = |(rank, amount): (usize, U256)| HolderDocument {
        name: subject.names[rank].clone(),
        amount: decimal_text(amount, question.decimals),
        share: shares[rank],
        banzhaf: power.banzhaf[rank],
        banzhaf_normalised: normalised[rank],
        shapley: power.shapley[rank],
    };
    let holders = holdings.descending().take(HOLDERS_REPORTED).enumerate().map(holder).collect();
    let point = |(rank, share): (usize, &f64)| PowerPoint {
        share: *share,
        banzhaf: normalised[rank],
        shapley: power.shapley[rank],
    };
    let points = shares.iter().enumerate().map(point).collect();
    let quota = question.quota.to_string();
    Some((PowerDocument { quota, method, shapley_gap: power.shapley_gap, holders }, points))
}

fn as_floats(counted: &ExactPower) -> Option<ApproximatePower> {
    let shapley = counted.shapley.as_ref()?;
    let quotient =
        |(numerator, denominator): &(u128, u128)| *numerator as f64 / *denominator as f64;
    Some(ApproximatePower {
        banzhaf: counted.banzhaf(),
        shapley: shapley.iter().map(quotient).collect(),
        shapley_gap: 0.0,
        method: Method::Grid,
    })
}

fn decisiveness(question: &Question<'_>, subject: &Subject) -> Vec<DecisivenessDocument> {
    let holdings = &subject.ends.one_entity;
    let of = |turnout: &Threshold| {
        DecisivenessDocument::of(holdings, &subject.names, *turnout, question.quorum)
    };
    question.turnouts.iter().filter_map(of).collect()
}

impl DecisivenessDocument {
    /// Estimates how often each of the largest decides; `None` where nobody holds anything.
    pub(crate) fn of(
        holdings: &Holdings,
        names: &[String],
        turnout: Threshold,
        quorum: Option<Threshold>,
    ) -> Option<Self> {
        if holdings.total().is_zero() {
            return None;
        }
        let turnout = turnout.to_f64();
        let electorate = Electorate::fair(holdings, turnout);
        let estimates =
            electorate.decisiveness(Rule::Governor { quorum }, HOLDERS_REPORTED, DRAWS, SEED);
        let holders = estimates.iter().zip(names).map(|(estimate, name)| EstimateDocument {
            name: name.clone(),
            probability: estimate.value,
            standard_error: estimate.standard_error,
        });
        Some(Self {
            turnout,
            quorum: quorum.map(|quorum| quorum.to_string()),
            draws: DRAWS,
            holders: holders.collect(),
        })
    }
}
