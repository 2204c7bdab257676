//! The same figures at many times: how they have changed.

use std::{borrow::Cow, cmp::Ordering, collections::BTreeMap};

use alloy_primitives::U256;
use concentration::{Holdings, Summary, Threshold, TooLarge, Zeros, holders};
use serde::Serialize;

use crate::{
    amount::decimal_text,
    document::CoefficientsDocument,
    report::{coefficients, number},
    text::{aligned, cleaned, plain},
};

/// Figures over time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Series {
    /// Where the amounts come from.
    pub source: String,
    /// What a holder is.
    pub unit: String,
    /// What the times are: `block`, or a column.
    pub over: String,
    /// The figures, in order.
    pub points: Vec<SeriesPoint>,
    /// Rows of a table without a time or an amount, which are left out.
    pub empty_rows: usize,
}

/// Figures at one time, as in a [`Report`](crate::Report).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeriesPoint {
    /// The time.
    pub at: String,
    /// Number of holders.
    pub count: usize,
    /// Sum of all amounts, exact.
    pub total: String,
    /// Gini coefficient.
    pub gini: Option<f64>,
    /// Herfindahl–Hirschman index.
    pub hhi: Option<f64>,
    /// Shannon's entropy, bits.
    pub entropy_bits: Option<f64>,
    /// Share of the largest.
    pub top1: Option<f64>,
    /// Share of the ten largest.
    pub top10: Option<f64>,
    /// How many of the largest have more than each threshold.
    pub nakamoto: CoefficientsDocument,
}

impl SeriesPoint {
    /// Measures what is held at a time, in units of `10^-decimals`.
    #[must_use]
    pub fn of(at: String, holdings: &Holdings, decimals: usize, thresholds: &[Threshold]) -> Self {
        let summary = Summary::of(holdings, thresholds);
        Self {
            at,
            count: summary.count,
            total: decimal_text(holdings.total(), decimals),
            gini: number(summary.gini),
            hhi: number(summary.hhi),
            entropy_bits: summary.entropy_bits,
            top1: number(summary.top1),
            top10: number(summary.top10),
            nakamoto: coefficients(&summary, |at| at.more_than),
        }
    }
}

/// Rows of a table with the time of each.
#[derive(Clone, Copy, Debug)]
pub struct TimedRows<'a> {
    /// The time of each row. Where all are numbers they are in that order, else in the order of their first rows.
    pub times: &'a [Cow<'a, str>],
    /// The amounts.
    pub amounts: &'a [U256],
    /// Decimals of the amounts.
    pub decimals: usize,
    /// The label of each row, by which rows of one time are put together.
    pub labels: Option<&'a [Cow<'a, str>]>,
}

impl TimedRows<'_> {
    /// Returns how many rows have no time.
    #[must_use]
    pub fn untimed_count(&self) -> usize {
        self.times.iter().filter(|time| time.is_empty()).count()
    }

    /// Measures each time. Rows without a time are left out; of one time, those without a label are one holder.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn points(
        &self,
        zeros: Zeros,
        thresholds: &[Threshold],
    ) -> Result<Vec<SeriesPoint>, TooLarge> {
        let mut rows: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut times: Vec<&str> = Vec::new();
        for (row, time) in self.times.iter().map(Cow::as_ref).enumerate() {
            if !time.is_empty() {
                let rows = rows.entry(time).or_default();
                if rows.is_empty() {
                    times.push(time);
                }
                rows.push(row);
            }
        }
        sort_by_number(&mut times, |time| time);
        let point = |time: &str| {
            let rows = &rows[time];
            let amounts = rows.iter().map(|row| self.amounts[*row]);
            let labels = self.labels.map(|labels| rows.iter().map(|row| labels[*row].as_ref()));
            let holdings = holders(amounts, labels, zeros)?;
            Ok(SeriesPoint::of(time.to_owned(), &holdings, self.decimals, thresholds))
        };
        times.into_iter().map(point).collect()
    }
}

/// Puts things whose names are all numbers in the order of these; others stay as they are.
pub(crate) fn sort_by_number<T>(things: &mut [T], name: impl Fn(&T) -> &str) {
    let whole = |thing: &T| name(thing).parse::<i128>().ok();
    let number = |thing: &T| name(thing).parse::<f64>().ok().filter(|number| number.is_finite());
    // Of large whole numbers a float has not all digits.
    if things.iter().all(|thing| whole(thing).is_some()) {
        things.sort_by_key(whole);
    } else if things.iter().all(|thing| number(thing).is_some()) {
        things.sort_by(|left, right| {
            number(left).partial_cmp(&number(right)).unwrap_or(Ordering::Equal)
        });
    }
}

impl Series {
    /// Writes the series for people, a line for each time.
    #[must_use]
    pub fn text(&self) -> String {
        let thresholds = self.points.first().map_or_else(Vec::new, |point| {
            point.nakamoto.keys().map(String::as_str).collect::<Vec<_>>()
        });
        let over = plain(&self.over);
        let head = [over.as_str(), "holders", "total", "Gini", "HHI", "bits", "largest", "ten"];
        let head = head.into_iter().map(str::to_owned);
        let head = head.chain(thresholds.iter().map(|threshold| format!("> {threshold}")));
        let mut rows: Vec<Vec<String>> = vec![head.collect()];
        rows.extend(self.points.iter().map(row));
        let columns: Vec<usize> = (1..8 + thresholds.len()).collect();
        let left_out = match self.empty_rows {
            0 => String::new(),
            1 => " (one row without a time or an amount left out)".to_owned(),
            count => format!(" ({count} rows without a time or an amount left out)"),
        };
        let head = format!("{}, holders by {}{left_out}", cleaned(&self.source), plain(&self.unit));
        format!("{head}\n\n{}", aligned(&rows, &columns))
    }
}

fn row(point: &SeriesPoint) -> Vec<String> {
    let shown = |value: Option<f64>, digits: usize| {
        value.map_or_else(|| "none".to_owned(), |value| format!("{value:.digits$}"))
    };
    let mut row = vec![
        plain(&point.at),
        point.count.to_string(),
        point.total.clone(),
        shown(point.gini, 6),
        shown(point.hhi, 2),
        shown(point.entropy_bits, 4),
        shown(point.top1, 6),
        shown(point.top10, 6),
    ];
    let count =
        |count: &Option<usize>| count.map_or_else(|| "none".to_owned(), |count| count.to_string());
    row.extend(point.nakamoto.values().map(count));
    row
}
