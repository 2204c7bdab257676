//! `gleaner experiment network`: plays whole networks from seeds, and says what did not hold.

use std::ops::Range;
use std::time::Duration;

use anyhow::ensure;
use serde::Serialize;
use simulation::{Outcome, Plan, Recording, Settled, simulate};

use super::progress;
use crate::output::Output;

/// How often the progress is said, in seeds, when it is not drawn.
const SAID_EACH: usize = 50;

/// Devices and rounds of a plan of which only the other number was given.
const DEVICES: u16 = 8;
const ROUNDS: u32 = 5;

/// Flags of `gleaner experiment network`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Seeds to play, FIRST..END without END
    #[arg(long, value_name = "FIRST..END", default_value = "0..100", value_parser = seeds)]
    seeds: Range<u64>,
    /// Number of devices [default: 4 to 10, drawn from the seed]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=1_024))]
    devices: Option<u16>,
    /// Number of rounds [default: 3 to 6, drawn from the seed]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rounds: Option<u32>,
    /// Print what happens, line by line
    #[arg(long)]
    trace: bool,
}

/// Keys of `gleaner experiment network --json`.
#[derive(Debug, Default, Serialize)]
struct Document {
    seeds: usize,
    failed: Vec<Failure>,
    virtual_seconds: u64,
    blocks: u64,
    events: u64,
    rounds: u64,
    commitments: usize,
    verified: usize,
    /// Commitments that count because the data of their audit could not be had.
    excused: usize,
    devices_expelled: usize,
    #[serde(skip)]
    virtual_time: Duration,
}

#[derive(Debug, Serialize)]
struct Failure {
    seed: u64,
    reason: String,
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let wrong = || "give FIRST..END, for example 0..1000".to_owned();
    let (first, end) = text.split_once("..").ok_or_else(wrong)?;
    let [Ok(first), Ok(end)] = [first, end].map(str::parse) else { return Err(wrong()) };
    if first < end { Ok(first..end) } else { Err(wrong()) }
}

/// Plays the seeds, and prints what they came to.
///
/// # Errors
/// When something did not hold.
pub(super) fn run(args: &Args, output: &Output) -> anyhow::Result<()> {
    let count = usize::try_from(args.seeds.end.saturating_sub(args.seeds.start))?;
    let bar = progress(output, count);
    let mut document = Document::default();
    for seed in args.seeds.clone() {
        let recording = if args.trace { Recording::Lines } else { Recording::Digest };
        let outcome = simulate(&plan(args, seed), recording);
        outcome.lines.iter().for_each(|line| output.say(line));
        if let Err(reason) = &outcome.result {
            bar.suspend(|| output.say(&failure(args, seed, reason)));
        }
        document.add(outcome);
        bar.inc(1);
        bar.set_message(format!("{} failed", document.failed.len()));
        if !output.is_live() && document.seeds.is_multiple_of(SAID_EACH) {
            output.say(&format!("{} of {count} seeds", document.seeds));
        }
    }
    bar.finish_and_clear();
    output.print(&document, &document.text())?;
    let failed: Vec<u64> = document.failed.iter().map(|failure| failure.seed).collect();
    ensure!(failed.is_empty(), "{} of {count} seeds failed: {failed:?}", failed.len());
    Ok(())
}

fn plan(args: &Args, seed: u64) -> Plan {
    match (args.devices, args.rounds) {
        (None, None) => Plan::of(seed),
        (devices, rounds) => {
            Plan::sized(seed, devices.unwrap_or(DEVICES), rounds.unwrap_or(ROUNDS))
        }
    }
}

/// Returns what did not hold, and how to repeat it.
fn failure(args: &Args, seed: u64, reason: &str) -> String {
    let devices = args.devices.map(|devices| format!(" --devices {devices}")).unwrap_or_default();
    let rounds = args.rounds.map(|rounds| format!(" --rounds {rounds}")).unwrap_or_default();
    let end = seed.saturating_add(1);
    format!(
        "seed {seed}: {reason}\nreproduce: gleaner experiment network --seeds {seed}..{end}{devices}{rounds} --trace"
    )
}

impl Document {
    fn add(&mut self, outcome: Outcome) {
        self.seeds += 1;
        self.virtual_time += outcome.virtual_time;
        self.virtual_seconds = self.virtual_time.as_secs();
        self.blocks += outcome.height;
        self.events += outcome.events;
        match outcome.result {
            Ok(Settled { rounds, commitments, verified, expelled, excused, .. }) => {
                self.rounds += u64::from(rounds);
                self.commitments += commitments;
                self.verified += verified;
                self.devices_expelled += expelled;
                self.excused += excused;
            }
            Err(reason) => self.failed.push(Failure { seed: outcome.seed, reason }),
        }
    }

    fn text(&self) -> String {
        let minutes = self.virtual_seconds / 60;
        format!(
            "{} networks, {} failed: {minutes} virtual minutes, {} rounds, {} commitments, {} of them verified ({} because their data could not be had), {} devices expelled, {} blocks, {} events",
            self.seeds,
            self.failed.len(),
            self.rounds,
            self.commitments,
            self.verified,
            self.excused,
            self.devices_expelled,
            self.blocks,
            self.events
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_a_range() {
        assert_eq!(seeds("7..9"), Ok(7..9));
        for wrong in ["7", "9..7", "7..7", "..", "a..b", "7..9..11", "-1..3"] {
            assert!(seeds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_failure_says_how_to_repeat_it() {
        let args = Args { seeds: 0..9, devices: Some(20), rounds: None, trace: false };
        let text = failure(&args, 4, "money is missing");
        assert!(text.starts_with("seed 4: money is missing"), "{text}");
        assert!(text.ends_with("--seeds 4..5 --devices 20 --trace"), "{text}");
    }
}
