//! `gleaner measure votes`: the alarms, after each vote of a table of ballots.

use std::path::PathBuf;

use anyhow::Context as _;
use holdings_report::{
    ALARM_VOTES, BallotColumns, Replay, ReplayError, ReplayedVote, SheetError, replay,
};
use indicatif::{ProgressBar, ProgressStyle};

use super::{parse_delimiter, read, source_of};
use crate::failure::Hint as _;
use crate::output::{Output, table};

/// Most characters of a name in the table.
const NAME_MAX: usize = 44;

/// Flags of `gleaner measure votes`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Table of ballots, whose first line names the columns; - reads stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Column of the votes: in the order of their numbers, or else of their first ballots
    #[arg(long, value_name = "COLUMN", default_value = "vote")]
    vote: String,
    /// Column of the voters
    #[arg(long, value_name = "COLUMN", default_value = "voter")]
    voter: String,
    /// Column of what they chose
    #[arg(long, value_name = "COLUMN", default_value = "choice")]
    choice: String,
    /// Column of what their ballots weigh
    #[arg(long, value_name = "COLUMN", default_value = "weight")]
    weight: String,
    /// Votes that are shown, the newest ones
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    last: u32,
    /// Character between two cells [default: the comma; a semicolon or tab where the first line has no comma]
    #[arg(long, value_name = "CHARACTER", value_parser = parse_delimiter)]
    delimiter: Option<u8>,
}

/// Prints the votes with their alarms.
///
/// # Errors
/// When the file can't be read or is no table of ballots.
pub(super) fn run(args: &Args, output: &Output) -> anyhow::Result<()> {
    let source = source_of(&args.file);
    let bytes = read(&args.file).with_context(|| source.clone())?;
    let columns = BallotColumns {
        vote: &args.vote,
        voter: &args.voter,
        choice: &args.choice,
        weight: &args.weight,
        delimiter: args.delimiter,
    };
    let bar = if output.is_live() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{bar:24} {pos}/{len} votes  {elapsed}");
    bar.set_style(style.context("the template is fixed")?);
    let replay = replay(&bytes, columns, usize::try_from(args.last)?, &mut |done, all| {
        bar.set_length(u64::try_from(all).unwrap_or(u64::MAX));
        bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
    });
    bar.finish_and_clear();
    let replay = match replay {
        Err(error @ ReplayError::Sheet(SheetError::NoSuchColumn { .. })) => {
            return Err(error)
                .context(source)
                .hint("--vote, --voter, --choice and --weight name columns of the first line");
        }
        replay => replay.with_context(|| source)?,
    };
    output.print(&replay, &text(&replay))
}

fn text(replay: &Replay) -> String {
    let names = ["vote", "ballots", "largest", "share", "turnout", "blocs, bits", "decides", ""];
    let rows: Vec<_> = replay.votes.iter().map(row).collect();
    let raised = replay.votes.iter().filter(|vote| vote.is_raised()).count();
    let bounds = replay.votes.iter().flat_map(|vote| &vote.alarms);
    let bounds: std::collections::BTreeMap<_, _> =
        bounds.map(|alarm| (alarm.figure, alarm.bound)).collect();
    let bounds: Vec<_> = bounds.iter().map(|(figure, bound)| format!("{figure} {bound}")).collect();
    let mut notes = vec![format!("alarms raised after {raised} of {} votes", replay.votes.len())];
    if !bounds.is_empty() {
        notes.push(format!("bounds: {}", bounds.join(", ")));
    }
    match replay.replaced_ballots {
        0 => {}
        1 => notes.push("one ballot was replaced by a later one of its voter".to_owned()),
        count => notes.push(format!("{count} ballots were replaced by later ones of their voters")),
    }
    format!("{}\n\n{}", table(&names, &rows), notes.join("; "))
}

fn row(vote: &ReplayedVote) -> Vec<String> {
    let percent =
        |part: Option<f64>| part.map_or_else(String::new, |part| format!("{:.2} %", part * 100.0));
    let value = |figure: &str| {
        let alarm = vote.alarms.iter().find(|alarm| alarm.figure == figure);
        alarm.map_or_else(String::new, |alarm| format!("{:.3}", alarm.value))
    };
    let shown = |name: &str| name.chars().filter(|it| !it.is_control()).take(NAME_MAX).collect();
    let few = if vote.window < ALARM_VOTES { " (few votes)" } else { "" };
    let verdict = if vote.is_raised() { format!("ALARM{few}") } else { String::new() };
    vec![
        shown(&vote.vote),
        vote.ballots.to_string(),
        shown(&vote.largest),
        percent(vote.largest_share),
        percent(vote.turnout),
        value("voting_bloc_entropy_bits"),
        value("decisiveness_at_usual_turnout"),
        verdict,
    ]
}
