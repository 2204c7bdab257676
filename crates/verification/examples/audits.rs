//! Audits honest rounds: each is done by one machine and replayed by another, and every difference is counted.
//!
//! ```text
//! cargo run --release -p verification --example audits -- [COUNT=10000] [FIRST=0]
//! ```
//!
//! A job follows from its number, and so do the two ways to compute it: instruction set, threads, activations kept or
//! not. Every pair of ways comes up. Exits with 1 when there was a mismatch.

#[path = "../tests/it/jobs.rs"]
mod jobs;

use std::{error::Error, io::Write as _, process::ExitCode};

use jobs::{SmallJob, machines};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let count: u64 = arguments.next().map_or(Ok(10_000), |count| count.parse())?;
    let first: u64 = arguments.next().map_or(Ok(0), |first| first.parse())?;
    let machines = machines();
    let ways = u64::try_from(machines.len())?;
    let mut mismatches = 0_u64;
    let mut out = std::io::stdout();
    for number in first..first + count {
        let job = SmallJob::new(number);
        let subject = machines[usize::try_from(number % ways)?];
        let auditor = machines[usize::try_from(number / ways % ways)?];
        let (work, replay) = (job.run(subject)?, job.run(auditor)?);
        if work.root != replay.root || work.update != replay.update {
            mismatches += 1;
            writeln!(out, "job {number}: {subject:?} and {auditor:?} differ")?;
        }
    }
    writeln!(out, "{count} audits over {ways} ways to compute: {mismatches} mismatches")?;
    Ok(if mismatches == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
