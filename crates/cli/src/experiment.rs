//! `gleaner experiment`: measures what the rules of a training run are worth, and plays whole networks.

mod network;

use economy::{HonestRun, STRATEGIES, StrategyRow, cost_of_honesty, remaining, strategy};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::output::{Output, table};

/// Flags of `gleaner experiment`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Play strategies against the rules, and print what each of them gains against honest work
    Strategies(StrategiesArgs),
    /// Play whole networks in virtual time, with losses, crashes, partitions and cheats, and say what did not hold
    Network(network::Args),
}

/// Flags of `gleaner experiment strategies`.
#[derive(Debug, clap::Args)]
struct StrategiesArgs {
    /// Runs to play of each strategy; 1000 take some minutes
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    runs: u32,
    /// Seed of the draws: the same seed gives the same table
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Keys of `gleaner experiment strategies --json`. Gains are in rounds' pay for each round that the strategy's seats
/// committed in, against honest work.
#[derive(Serialize)]
struct Document {
    strategies: Vec<RowDocument>,
    remaining: Vec<RowDocument>,
    cost_of_honesty: Vec<CostDocument>,
}

#[derive(Serialize)]
struct RowDocument {
    name: &'static str,
    runs: u32,
    gain: f64,
    gain_low: f64,
    gain_high: f64,
    honest_harmed: u32,
    gain_by_cost: Vec<GainDocument>,
}

/// The gain when computing a round costs this part of its pay.
#[derive(Serialize)]
struct GainDocument {
    cost: f64,
    gain: f64,
}

/// What audits cost a run in which everybody is honest.
#[derive(Serialize)]
struct CostDocument {
    seats: u16,
    /// The warm-up rounds included.
    rounds: u32,
    warmup_rounds: u32,
    /// The work that was repeated, as a part of the work that was done.
    replayed: f64,
    /// The part of it that the owner's device has repeated, as a part of the work that was done, too.
    replayed_by_owner: f64,
}

/// Plays the strategies and prints the table.
///
/// # Errors
/// When stdout can't be written, or a simulated network did not hold.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    match args.command {
        Command::Strategies(args) => strategies(&args, output),
        Command::Network(args) => network::run(&args, output),
    }
}

fn strategies(args: &StrategiesArgs, output: &Output) -> anyhow::Result<()> {
    let StrategiesArgs { runs, seed } = *args;
    let bar = progress(output, STRATEGIES);
    let mut strategies = Vec::with_capacity(STRATEGIES);
    while let Some(row) = strategy(strategies.len(), runs, seed) {
        bar.inc(1);
        bar.set_message(row.name);
        strategies.push(row);
        if !output.is_live() {
            output.say(&format!("{} of {STRATEGIES} strategies", strategies.len()));
        }
    }
    bar.finish_and_clear();
    let remaining = remaining(runs, seed);
    let honest_runs = [HonestRun::LONG, HonestRun::SHORT];
    let costs = honest_runs.map(|run| cost_document(run, runs.min(1_000), seed));
    let text = text(&strategies, &remaining, &costs);
    let document = Document {
        strategies: strategies.iter().map(row_document).collect(),
        remaining: remaining.iter().map(row_document).collect(),
        cost_of_honesty: costs.into(),
    };
    output.print(&document, &text)
}

fn progress(output: &Output, count: usize) -> ProgressBar {
    let target =
        if output.is_live() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let length = u64::try_from(count).unwrap_or(u64::MAX);
    let bar = ProgressBar::with_draw_target(Some(length), target);
    let style = ProgressStyle::with_template("{bar:24} {pos}/{len}  {elapsed}  {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn row_document(row: &StrategyRow) -> RowDocument {
    let gain_by_cost = row.gain_by_cost.iter();
    RowDocument {
        name: row.name,
        runs: row.runs,
        gain: row.gain,
        gain_low: row.gain_low,
        gain_high: row.gain_high,
        honest_harmed: row.honest_harmed,
        gain_by_cost: gain_by_cost.map(|&(cost, gain)| GainDocument { cost, gain }).collect(),
    }
}

fn cost_document(run: HonestRun, runs: u32, seed: u64) -> CostDocument {
    let cost = cost_of_honesty(run, runs, seed);
    CostDocument {
        seats: run.seats,
        rounds: run.rounds,
        warmup_rounds: run.warmup_rounds,
        replayed: cost.replayed,
        replayed_by_owner: cost.replayed_by_owner,
    }
}

fn text(strategies: &[StrategyRow], remaining: &[StrategyRow], costs: &[CostDocument]) -> String {
    let costs: Vec<String> = costs
        .iter()
        .map(|cost| {
            let (all, by_owner) = (100.0 * cost.replayed, 100.0 * cost.replayed_by_owner);
            let (rounds, seats) = (cost.rounds, cost.seats);
            format!("{rounds} rounds, {seats} seats: {all:.1} % ({by_owner:.1} % by the owner)")
        })
        .collect();
    let runs = strategies.first().map_or(0, |row| row.runs);
    format!(
        "Gain in rounds' pay per round, against honest work, at the cost that is best for the strategy; {runs} runs each, \
         95 % intervals.\n\n{}\n\nWhat remains: seats that trust each other can save the replay of each other's true work, and while the \
         owner's device is off, newcomers make paid work for auditors. No work that was not done is paid.\n\n{}\n\nAudits add to the work of a run without cheats: {}",
        rows(strategies),
        rows(remaining),
        costs.join("; ")
    )
}

fn rows(rows: &[StrategyRow]) -> String {
    let head = ["strategy", "gain", "low", "high", "at cost 0.2", "0.5", "0.9", "honest harmed"];
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let mut cells = vec![row.name.to_owned()];
            let gains = [row.gain, row.gain_low, row.gain_high].into_iter();
            let by_cost = row.gain_by_cost.iter().map(|(_, gain)| *gain);
            cells.extend(gains.chain(by_cost).map(|gain| format!("{gain:+.4}")));
            cells.push(row.honest_harmed.to_string());
            cells
        })
        .collect();
    table(&head, &rows)
}
