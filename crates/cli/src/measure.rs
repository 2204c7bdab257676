//! `gleaner measure`: who holds what, and what power it gives.

mod alarms;
mod attack;
mod ledger;
mod pools;
mod power;
mod process;
mod reference;
mod series;
mod votes;

use std::borrow::Cow;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use alloy_primitives::U256;
use anyhow::{Context as _, ensure};
use clap::ArgGroup;
use concentration::{Threshold, Zeros};
use holdings_report::{
    Question, Report, Sheet, SheetColumns, SheetError, SubsystemQuestion, draw, read_sheet,
};

use self::ledger::Seen;
use crate::failure::{Hint as _, WrongUsage};
use crate::options::LedgerArgs;
use crate::output::Output;

/// Largest file that is read.
const FILE_SIZE_MAX: u64 = 8 << 30;

/// Flags of `gleaner measure`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    // clap takes what a flag requires for given where that conflicts with another: so flags of a table name what they do not go with.
    group = ArgGroup::new("of_ledger").args(["asset", "house", "rewards"]),
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Table of amounts, whose first line names the columns; - reads stdin
    #[arg(long, value_name = "FILE", conflicts_with = "of_ledger")]
    csv: Option<PathBuf>,
    #[command(flatten)]
    table: TableArgs,
    /// Column of labels of another subsystem, with the part that gives control: the weakest is named
    #[arg(long, value_name = "COLUMN[:THRESHOLD]", requires = "csv", conflicts_with = "of_ledger")]
    subsystem: Vec<String>,
    /// Measure an asset of a ledger at its newest block: GRAIN, or the address of an ERC-20 asset
    #[arg(long, value_name = "GRAIN|ADDRESS", value_parser = ledger::parse_asset)]
    asset: Option<ledger::Asset>,
    /// Measure the votes of a house
    #[arg(long, value_name = "HOUSE")]
    house: Option<power::House>,
    /// With --house: only what was cast on this proposal, by its number
    #[arg(long, value_name = "NUMBER", requires = "house", conflicts_with_all = ["csv", "asset", "rewards"])]
    proposal: Option<u64>,
    /// Measure what accounts were paid as rewards for work: new GRAIN, not what the escrows of projects pay
    #[arg(long)]
    rewards: bool,
    /// Block of the ledger that is measured, through a node [default: the newest]
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["csv", "data_dir"])]
    height: Option<u64>,
    /// Measure from this block on, at blocks evenly spaced up to --height
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["csv", "data_dir", "proposal", "quota", "turnout", "quorum"])]
    since: Option<u64>,
    /// With --since: how many blocks are measured
    #[arg(long, value_name = "NUMBER", requires = "since", conflicts_with_all = ["csv", "data_dir", "proposal"], default_value_t = 20, value_parser = clap::value_parser!(u64).range(2..=512))]
    points: u64,
    /// Column of times, such as blocks, days or votes: each is measured by itself
    #[arg(long, value_name = "COLUMN", requires = "csv", conflicts_with_all = ["of_ledger", "subsystem", "quota", "turnout", "quorum"])]
    over: Option<String>,
    /// Folder of the ledger, whose node is stopped: all accounts are read from it
    #[arg(long, value_name = "DIR", requires = "asset", conflicts_with_all = ["csv", "house", "rewards"])]
    data_dir: Option<PathBuf>,
    /// Count what pools of Uniswap v2 and v3 hold for the owners of their shares and positions
    #[arg(long, requires = "asset", conflicts_with_all = ["csv", "house", "rewards", "data_dir"])]
    through_pools: bool,
    /// Further threshold, such as 0.66 or 3/5, besides 1/3, 1/2 and 2/3
    #[arg(long, value_name = "PART")]
    threshold: Vec<Threshold>,
    /// Part of everything that a side must pass to win, for voting power
    #[arg(long, value_name = "PART", default_value = "1/2")]
    quota: Threshold,
    /// Turnout at which to estimate how often the largest decide a vote
    #[arg(long, value_name = "PART", default_values = ["100%", "10%"])]
    turnout: Vec<Threshold>,
    /// Part of everything that must be for, in those votes [default: no quorum]
    #[arg(long, value_name = "PART")]
    quorum: Option<Threshold>,
    /// Count holders of nothing
    #[arg(long)]
    keep_zeros: bool,
    /// Draw the Lorenz curve, and power against holdings; with --since or --over, the figures over time
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// Where a table has what; of a command with the group `of_ledger`, with which these flags do not go.
#[derive(Debug, clap::Args)]
struct TableArgs {
    /// Column of amounts
    #[arg(long, value_name = "COLUMN", requires = "csv", conflicts_with = "of_ledger")]
    value: Option<String>,
    /// Column of labels: rows with the same label are one holder, rows without one are an interval
    #[arg(long, value_name = "COLUMN", requires = "csv", conflicts_with = "of_ledger")]
    by: Option<String>,
    /// Character between two cells [default: the comma; a semicolon or tab where the first line has no comma]
    #[arg(long, value_name = "CHARACTER", requires = "csv", conflicts_with = "of_ledger", value_parser = parse_delimiter)]
    delimiter: Option<u8>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Compute published reference values from a folder of data, and put them beside the published ones
    Reference(reference::Args),
    /// Say how many votes win, and what they cost: bought, borrowed, paid for, or of bought identities
    Attack(Box<attack::Args>),
    /// Say how fair the process around a ledger's votes is: who proposes, whether anybody is ever against, how much time there is
    Process(process::Args),
    /// Play the votes of a table of ballots again, and say after which of them the alarms are raised
    Votes(votes::Args),
}

impl Args {
    fn pools(&self) -> ledger::Pools {
        match self.through_pools {
            true => ledger::Pools::AreLookedThrough,
            false => ledger::Pools::AreHolders,
        }
    }
}

/// Measures a table or a ledger, or computes reference values.
///
/// # Errors
/// When the source can't be read or is no table of amounts, or the drawing can't be written.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    match &args.command {
        Some(Command::Reference(args)) => return reference::run(args, output),
        Some(Command::Attack(args)) => return attack::run(args, output),
        Some(Command::Process(args)) => return process::run(args, output),
        Some(Command::Votes(args)) => return votes::run(args, output),
        None => {}
    }
    if args.since.is_some() || args.over.is_some() {
        return series::run(&args, output);
    }
    let report = match (&args.csv, args.asset, args.house) {
        (Some(path), _, _) => measure_table(path, &args)?,
        (None, Some(asset), _) => {
            let found = match &args.data_dir {
                Some(folder) => ledger::of_folder(asset, folder)?,
                None => {
                    let at = (args.height, args.pools());
                    ledger::of_node(asset, at, &mut Seen::default(), &args.ledger)?
                }
            };
            measure_ledger(&found, None, &args, output)?
        }
        (None, None, Some(house)) => measure_house(house, &args, output)?,
        (None, None, None) if args.rewards => {
            let found = power::rewards(args.height, &mut Seen::default(), &args.ledger)?;
            measure_ledger(&found, None, &args, output)?
        }
        (None, None, None) => {
            let what =
                "nothing to measure: give --csv FILE, --asset GRAIN, --house stake or --rewards";
            return Err(WrongUsage(what.to_owned()).into());
        }
    };
    write_drawing(&args, || draw(&report))?;
    output.print(&report, &report.text())
}

/// Writes the drawing, if one is asked for.
fn write_drawing(args: &Args, drawing: impl FnOnce() -> String) -> anyhow::Result<()> {
    let Some(path) = &args.svg else { return Ok(()) };
    let shown = path.display();
    fs::write(path, drawing()).with_context(|| format!("{shown}: can't be written"))
}

fn measure_table(path: &Path, args: &Args) -> anyhow::Result<Report> {
    let source = source_of(path);
    let bytes = read(path).with_context(|| source.clone())?;
    let subsystems = args.subsystem.iter().map(|text| parse_subsystem(text));
    let subsystems = subsystems.collect::<anyhow::Result<Vec<_>>>()?;
    let labels: Vec<&str> = args
        .table
        .by
        .as_deref()
        .into_iter()
        .chain(subsystems.iter().map(|(name, _)| *name))
        .collect();
    let sheet = sheet(&bytes, &labels, &args.table).with_context(|| source.clone())?;
    let (by, others) = sheet.labels.split_at(usize::from(args.table.by.is_some()));
    let questions = subsystems.iter().zip(others);
    let questions: Vec<SubsystemQuestion<'_>> = questions
        .map(|((name, threshold), labels)| SubsystemQuestion {
            name,
            labels,
            threshold: *threshold,
        })
        .collect();
    let rows = Rows {
        source: source.clone(),
        unit: args.table.by.as_deref().unwrap_or("row"),
        amounts: &sheet.amounts,
        decimals: sheet.decimals,
        labels: by.first().map(Vec::as_slice),
        empty_rows: sheet.empty_count,
        usual_turnout: None,
    };
    measure(rows, &questions, args).with_context(|| source.clone())
}

/// Measures the votes of a house, with what is delegated and the alarms; or what was cast on one proposal.
fn measure_house(house: power::House, args: &Args, output: &Output) -> anyhow::Result<Report> {
    if let Some(number) = args.proposal {
        let found = power::cast(house, (number, args.height), &args.ledger)?;
        return measure_ledger(&found, None, args, output);
    }
    let found = power::of_house(house, args.height, &mut Seen::default(), &args.ledger)?;
    let recent = alarms::recent(house, args.height, &args.ledger)?;
    let turnout = recent.as_ref().map(|recent| recent.turnout);
    let mut report = measure_ledger(&found, turnout, args, output)?;
    report.delegation = power::delegation(house, &found, &args.ledger)?;
    if let Some(recent) = recent {
        report.alarms = recent.alarms(report.decisiveness.last());
    }
    Ok(report)
}

/// Reads the column of amounts and these columns of labels.
fn sheet<'a>(bytes: &'a [u8], labels: &[&str], table: &TableArgs) -> anyhow::Result<Sheet<'a>> {
    let Some(value) = &table.value else {
        let what = "--value is missing: name the column of amounts";
        return Err(WrongUsage(what.to_owned()).into());
    };
    let columns = SheetColumns { value, labels, delimiter: table.delimiter };
    match read_sheet(bytes, columns) {
        Err(error @ SheetError::NoSuchColumn { .. }) => {
            Err(error).hint("--value, --by, --over and --subsystem name columns of the first line")
        }
        sheet => Ok(sheet?),
    }
}

fn measure_ledger(
    found: &ledger::Found,
    usual_turnout: Option<Threshold>,
    args: &Args,
    output: &Output,
) -> anyhow::Result<Report> {
    if let Some(gap) = found.gap() {
        output.say(&format!("note: {gap}"));
    }
    let labels: Vec<Cow<'_, str>> =
        found.holders.iter().map(|(address, _)| Cow::Owned(address.to_checksum(None))).collect();
    let amounts: Vec<U256> = found.holders.iter().map(|(_, amount)| *amount).collect();
    let rows = Rows {
        source: format!("{} at block {}", found.name, found.height),
        unit: "address",
        amounts: &amounts,
        decimals: usize::from(found.decimals),
        labels: Some(&labels),
        empty_rows: 0,
        usual_turnout,
    };
    measure(rows, &[], args)
}

/// What was read.
struct Rows<'a> {
    source: String,
    unit: &'a str,
    amounts: &'a [U256],
    decimals: usize,
    labels: Option<&'a [Cow<'a, str>]>,
    empty_rows: usize,
    /// A turnout besides those that are asked for: the last.
    usual_turnout: Option<Threshold>,
}

fn measure(
    rows: Rows<'_>,
    subsystems: &[SubsystemQuestion<'_>],
    args: &Args,
) -> anyhow::Result<Report> {
    let turnouts: Vec<_> = args.turnout.iter().copied().chain(rows.usual_turnout).collect();
    let question = Question {
        source: rows.source,
        unit: rows.unit,
        amounts: rows.amounts,
        decimals: rows.decimals,
        labels: rows.labels,
        empty_rows: rows.empty_rows,
        zeros: if args.keep_zeros { Zeros::Keep } else { Zeros::Drop },
        thresholds: &args.threshold,
        subsystems,
        quota: args.quota,
        turnouts: &turnouts,
        quorum: args.quorum,
    };
    Ok(holdings_report::measure(&question)?)
}

/// What a file is called: stdin for `-`.
fn source_of(path: &Path) -> String {
    if path == Path::new("-") { "stdin".to_owned() } else { path.display().to_string() }
}

/// Reads a file, or stdin for `-`.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let size = if path == Path::new("-") {
        std::io::stdin().lock().take(FILE_SIZE_MAX + 1).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(FILE_SIZE_MAX + 1).read_to_end(&mut bytes))
    };
    let size = size.context("can't be read")?;
    ensure!(
        u64::try_from(size).unwrap_or(u64::MAX) <= FILE_SIZE_MAX,
        "larger than {FILE_SIZE_MAX} bytes: measure a part of it"
    );
    Ok(bytes)
}

/// `asn` or `asn:1/3`; the part is a third unless it is given.
fn parse_subsystem(text: &str) -> anyhow::Result<(&str, Threshold)> {
    match text.rsplit_once(':') {
        None => Ok((text, Threshold::THIRD)),
        Some((name, threshold)) => {
            let threshold = threshold.parse::<Threshold>();
            let threshold =
                threshold.map_err(|error| WrongUsage(format!("--subsystem {text}: {error}")))?;
            Ok((name, threshold))
        }
    }
}

fn parse_delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        b"\\t" => Ok(b'\t'),
        _ => Err("write one character, such as ; or \\t".to_owned()),
    }
}
