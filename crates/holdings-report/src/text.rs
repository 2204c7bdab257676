//! The report as a table.

use concentration::Threshold;

use crate::document::{
    AlarmDocument, DecisivenessDocument, DelegateDocument, PowerDocument, Report,
};

/// Most characters of a name in a table.
const NAME_MAX: usize = 44;

impl Report {
    /// Writes the report for people, in lines. Names from the source are shown without characters that could steer a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mut parts = vec![self.head(), self.figures(), self.coefficients()];
        parts.extend(self.interval_text());
        parts.extend(self.subsystems_text());
        parts.extend(self.power.as_ref().map(power_text));
        parts.extend(self.decisiveness_text());
        parts.extend((!self.delegation.is_empty()).then(|| delegation_text(&self.delegation)));
        let alarms: Vec<String> = self.alarms.iter().map(alarm_text).collect();
        parts.extend((!alarms.is_empty()).then(|| alarms.join("\n")));
        parts.join("\n\n")
    }

    fn head(&self) -> String {
        let mut notes = Vec::new();
        match (self.zeros_kept, self.zeros_dropped) {
            (true, _) => notes.push("holders of 0 count".to_owned()),
            (false, 0) => {}
            (false, 1) => notes.push("one row of 0 left out".to_owned()),
            (false, dropped) => notes.push(format!("{dropped} rows of 0 left out")),
        }
        if self.empty_rows == 1 {
            notes.push("one row without an amount left out".to_owned());
        } else if self.empty_rows > 1 {
            notes.push(format!("{} rows without an amount left out", self.empty_rows));
        }
        let notes =
            if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
        format!(
            "{}: {} by {}, {} in all{notes}",
            cleaned(&self.source),
            holders(self.count),
            plain(&self.unit),
            self.total
        )
    }

    fn figures(&self) -> String {
        let row = |name: &str, value: Option<f64>, digits: usize, unit: &str| {
            let value =
                value.map_or_else(|| "none".to_owned(), |value| format!("{value:.digits$}"));
            vec![name.to_owned(), value, unit.to_owned()]
        };
        let renyi = |order: &str| self.renyi_bits.get(order).copied().flatten();
        let mut rows = vec![
            row("Gini", self.gini, 6, "0 to (n-1)/n"),
            row("Gini, unbiased", self.gini_unbiased, 6, "0 to 1"),
            row("HHI", self.hhi, 4, "0 to 10000"),
            row("equal holders, by HHI", self.effective_count_by_hhi, 2, ""),
            row("Theil T", self.theil_nats, 6, "nats"),
        ];
        // Where every entity is one row, there is nothing within.
        if let Some(parts) = self.theil_parts_nats.filter(|parts| parts.within > 0.0) {
            rows.push(row("  of rows: between", Some(parts.between), 6, "nats"));
            rows.push(row("  of rows: within", Some(parts.within), 6, "nats"));
        }
        rows.extend([
            row("Shannon entropy", self.entropy_bits, 6, "bits"),
            row("  of its maximum", self.entropy_normalised, 6, ""),
            row("equal holders, by entropy", self.effective_count_by_entropy, 2, ""),
            row("Renyi entropy, order 0", renyi("0"), 6, "bits"),
            row("  order 2", renyi("2"), 6, "bits"),
            row("  order infinity", renyi("infinity"), 6, "bits"),
            row("share of the largest", self.top1, 6, ""),
            row("  of the ten largest", self.top10, 6, ""),
            row("  of the largest 1 %", self.top_1_percent, 6, ""),
        ]);
        aligned(&rows, &[1])
    }

    fn coefficients(&self) -> String {
        let mut rows = vec![["holders with", "more than", "at least"].map(str::to_owned).to_vec()];
        let mut thresholds: Vec<_> = self.nakamoto.iter().collect();
        // By size: the keys of the document are in the order of their letters.
        thresholds.sort_by_key(|(text, _)| text.parse::<Threshold>().ok());
        for (threshold, strict) in thresholds {
            let loose = self.nakamoto_at_least.get(threshold).copied().flatten();
            rows.push(vec![threshold.clone(), count(*strict), count(loose)]);
        }
        aligned(&rows, &[1, 2])
    }

    fn interval_text(&self) -> Option<String> {
        let unlabelled = self.unlabelled?;
        let interval = self.interval.as_ref().filter(|_| unlabelled.rows > 0)?;
        let share = unlabelled.share.unwrap_or(0.0) * 100.0;
        let names = ["without a label, rows are", "each its own", "one entity"];
        let mut rows = vec![names.map(str::to_owned).to_vec()];
        let value = |value: &Option<f64>| value.map_or_else(|| "none".to_owned(), short);
        rows.extend(
            interval
                .iter()
                .map(|(name, ends)| vec![name.clone(), value(&ends[0]), value(&ends[1])]),
        );
        let head = format!("{} rows with {share:.2} % of the sum have no label", unlabelled.rows);
        Some(format!("{head}\n{}", aligned(&rows, &[1, 2])))
    }

    fn subsystems_text(&self) -> Option<String> {
        let weakest = self.weakest.as_ref()?;
        let head = ["subsystem", "entities", "threshold", "Nakamoto", "all distinct"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend(self.subsystems.iter().map(|subsystem| {
            vec![
                plain(&subsystem.name),
                subsystem.count.to_string(),
                subsystem.threshold.clone(),
                count(subsystem.nakamoto),
                count(subsystem.nakamoto_all_distinct),
            ]
        }));
        Some(format!("{}\nweakest: {}", aligned(&rows, &[1, 2, 3, 4]), plain(weakest)))
    }

    fn decisiveness_text(&self) -> Option<String> {
        let first = self.decisiveness.first()?;
        let percent = |at: &DecisivenessDocument| format!("at {} %", short(at.turnout * 100.0));
        let mut rows = vec![vec!["turnout".to_owned()]];
        rows[0].extend(self.decisiveness.iter().map(percent));
        for (rank, holder) in first.holders.iter().enumerate() {
            let mut row = vec![plain(&holder.name)];
            row.extend(self.decisiveness.iter().map(|at| {
                at.holders.get(rank).map_or_else(String::new, |estimate| {
                    format!("{:.4} +- {:.4}", estimate.probability, estimate.standard_error)
                })
            }));
            rows.push(row);
        }
        let quorum = first.quorum.as_ref().map_or_else(
            || "no quorum".to_owned(),
            |quorum| format!("a quorum of {quorum} of everything"),
        );
        let columns: Vec<usize> = (1..=self.decisiveness.len()).collect();
        Some(format!(
            "probability of deciding a vote in which others are for or against alike, {quorum}\n{}",
            aligned(&rows, &columns)
        ))
    }
}

fn power_text(power: &PowerDocument) -> String {
    let head = ["holder", "amount", "share", "Banzhaf", "normalised", "Shapley-Shubik"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(power.holders.iter().map(|holder| {
        let figures = [holder.share, holder.banzhaf, holder.banzhaf_normalised, holder.shapley];
        let mut row = vec![plain(&holder.name), holder.amount.clone()];
        row.extend(figures.map(|figure| format!("{figure:.6}")));
        row
    }));
    let how = match power.method {
        "counted" => "counted",
        "grid" => "computed on a grid",
        _ => "the largest on a grid, the rest as an ocean",
    };
    format!(
        "power where more than {} wins: {how}\n{}",
        power.quota,
        aligned(&rows, &[1, 2, 3, 4, 5])
    )
}

fn delegation_text(delegation: &[DelegateDocument]) -> String {
    let head = ["voter", "votes with", "holds", "times"].map(str::to_owned).to_vec();
    let row = |voter: &DelegateDocument| {
        let times = voter.amplification.map_or_else(|| "none".to_owned(), short);
        vec![plain(&voter.name), voter.votes.clone(), voter.own.clone(), times]
    };
    let rows: Vec<_> = std::iter::once(head).chain(delegation.iter().map(row)).collect();
    format!("after delegation\n{}", aligned(&rows, &[1, 2, 3]))
}

fn count(count: Option<usize>) -> String {
    count.map_or_else(|| "none".to_owned(), |count| count.to_string())
}

/// At most six decimals, without zeros at the end.
fn short(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// How many holders there are, in words.
pub(crate) fn holders(count: usize) -> String {
    if count == 1 { "1 holder".to_owned() } else { format!("{count} holders") }
}

/// Aligns columns, those of `right` to the right.
pub(crate) fn aligned(rows: &[Vec<String>], right: &[usize]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cell = |(column, cell): (usize, &String)| {
            let width = widths[column];
            if right.contains(&column) {
                format!("{cell:>width$}")
            } else {
                format!("{cell:<width$}")
            }
        };
        let cells: Vec<String> = row.iter().enumerate().map(cell).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A text of others on one line of a terminal, shortened.
pub(crate) fn plain(text: &str) -> String {
    let mut shown: String = cleaned(text).chars().take(NAME_MAX).collect();
    if text.chars().count() > NAME_MAX {
        shown.push('…');
    }
    shown
}

/// A text of others without characters that could steer a terminal or hide others.
pub(crate) fn cleaned(text: &str) -> String {
    let is_hidden = |character: char| {
        character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars()
        .map(|character| if is_hidden(character) { '\u{fffd}' } else { character })
        .collect()
}

fn alarm_text(alarm: &AlarmDocument) -> String {
    let state = if alarm.is_raised { "ALARM" } else { "no alarm" };
    format!("{state}: {}: {:.3}, bound {}", alarm.about, alarm.value, alarm.bound)
}
