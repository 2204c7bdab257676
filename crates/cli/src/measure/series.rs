//! The figures over time: of a ledger at many blocks, or of a table with a column of times.

use std::path::Path;

use anyhow::{Context as _, ensure};
use concentration::{Holdings, THRESHOLDS, Threshold, Zeros};
use holdings_report::{Series, SeriesPoint, TimedRows, draw_series};

use super::{Args, ledger, ledger::Seen, power, read, sheet, source_of, write_drawing};
use crate::failure::WrongUsage;
use crate::output::Output;
use crate::shell;

/// Measures over time, and prints and draws it.
///
/// # Errors
/// As for one measurement.
pub(super) fn run(args: &Args, output: &Output) -> anyhow::Result<()> {
    let zeros = if args.keep_zeros { Zeros::Keep } else { Zeros::Drop };
    let series = match (&args.csv, &args.over, args.since) {
        (Some(path), Some(over), _) => of_table(path, over, zeros, args)?,
        (_, _, Some(since)) => of_ledger(since, zeros, args, output)?,
        _ => {
            let what = "--over names a column of a table, --since a block of a ledger";
            return Err(WrongUsage(what.to_owned()).into());
        }
    };
    write_drawing(args, || draw_series(&series))?;
    output.print(&series, &series.text())
}

fn thresholds(args: &Args) -> Vec<Threshold> {
    THRESHOLDS.iter().chain(&args.threshold).copied().collect()
}

fn of_table(path: &Path, over: &str, zeros: Zeros, args: &Args) -> anyhow::Result<Series> {
    let source = source_of(path);
    let bytes = read(path).with_context(|| source.clone())?;
    let labels: Vec<&str> = std::iter::once(over).chain(args.table.by.as_deref()).collect();
    let sheet = sheet(&bytes, &labels, &args.table).with_context(|| source.clone())?;
    let rows = TimedRows {
        times: sheet.labels.first().map_or(&[], Vec::as_slice),
        amounts: &sheet.amounts,
        decimals: sheet.decimals,
        labels: sheet.labels.get(1).map(Vec::as_slice),
    };
    let points = rows.points(zeros, &thresholds(args)).with_context(|| source.clone())?;
    let unit = args.table.by.as_deref().unwrap_or("row").to_owned();
    let empty_rows = sheet.empty_count + rows.untimed_count();
    Ok(Series { source, unit, over: over.to_owned(), points, empty_rows })
}

fn of_ledger(since: u64, zeros: Zeros, args: &Args, output: &Output) -> anyhow::Result<Series> {
    let to = shell::block_on_until_interrupted(async {
        ledger::at(args.height, &args.ledger).await.map(|(_, height)| height)
    })?;
    ensure!(since <= to, "--since {since} is above block {to}, the last that is measured");
    let mut heights: Vec<u64> =
        (0..args.points).map(|index| place(since, to, index, args.points)).collect();
    heights.dedup();
    let (mut name, mut points, mut missing) = (None, Vec::new(), None);
    let mut seen = Seen::default();
    for (index, height) in heights.iter().enumerate() {
        if output.is_live() {
            output.say(&format!("block {height}: {} of {}", index + 1, heights.len()));
        }
        match of_block(*height, &mut seen, args) {
            Ok(found) => {
                let amounts = found.holders.iter().map(|(_, amount)| *amount);
                let holdings = Holdings::new(amounts, zeros)?;
                let decimals = usize::from(found.decimals);
                points.push(SeriesPoint::of(
                    height.to_string(),
                    &holdings,
                    decimals,
                    &thresholds(args),
                ));
                name = Some(found.name);
            }
            // An asset begins at some block.
            Err(error) if points.is_empty() && error.is::<ledger::NoSuchAsset>() => {
                missing = Some((*height, error));
            }
            Err(error) => return Err(error),
        }
    }
    match (name, missing) {
        (Some(name), missing) => {
            if let Some((height, _)) = missing {
                output.say(&format!("note: at block {height} and before, the asset was not there"));
            }
            let (unit, over) = ("address".to_owned(), "block".to_owned());
            Ok(Series { source: name, unit, over, points, empty_rows: 0 })
        }
        (None, Some((_, error))) => Err(error),
        (None, None) => Err(anyhow::anyhow!("there is no block to measure")),
    }
}

/// Blocks evenly spaced from `since` to `to`, both among them.
fn place(since: u64, to: u64, index: u64, points: u64) -> u64 {
    let part = u128::from(to - since) * u128::from(index) / u128::from(points.max(2) - 1);
    since + u64::try_from(part).unwrap_or(u64::MAX)
}

/// What is measured, at a block.
fn of_block(height: u64, seen: &mut Seen, args: &Args) -> anyhow::Result<ledger::Found> {
    let height = Some(height);
    match (args.asset, args.house) {
        (Some(asset), _) => ledger::of_node(asset, (height, args.pools()), seen, &args.ledger),
        (None, Some(house)) => power::of_house(house, height, seen, &args.ledger),
        (None, None) => power::rewards(height, seen, &args.ledger),
    }
}
