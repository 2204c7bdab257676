//! Prints the strategy table and the cost of honesty: `cargo run --release -p economy --example strategies -- RUNS SEED`.

use std::io::Write as _;

use economy::{HonestRun, StrategyRow, cost_of_honesty, remaining, strategy};

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let runs = arguments.next().and_then(|runs: u64| u32::try_from(runs).ok()).unwrap_or(100);
    let seed = arguments.next().unwrap_or(1);
    let mut out = std::io::stdout().lock();
    for row in (0..).map_while(|index| strategy(index, runs, seed)) {
        writeln!(out, "{}", line(&row))?;
    }
    writeln!(out, "\nwhat remains: no work that was not done is paid, but replays are saved")?;
    for row in remaining(runs, seed) {
        writeln!(out, "{}", line(&row))?;
    }
    writeln!(out, "\nwhat audits add to the work of a run without cheats")?;
    for run in [HonestRun::LONG, HonestRun::SHORT] {
        let cost = cost_of_honesty(run, runs, seed);
        let (all, by_owner) = (100.0 * cost.replayed, 100.0 * cost.replayed_by_owner);
        let HonestRun { seats, rounds, .. } = run;
        writeln!(out, "{rounds} rounds, {seats} seats: {all:.1} %, {by_owner:.1} % by the owner")?;
    }
    Ok(())
}

fn line(row: &StrategyRow) -> String {
    let by_cost: Vec<_> =
        row.gain_by_cost.iter().map(|(cost, gain)| format!("{cost}: {gain:+.3}")).collect();
    let (gain, low, high, harmed) = (row.gain, row.gain_low, row.gain_high, row.honest_harmed);
    let by_cost = by_cost.join(", ");
    format!("{:<72} {gain:+.4} [{low:+.4}, {high:+.4}]  harmed {harmed}  {by_cost}", row.name)
}
