//! Workers to hold down.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use agent::{Cgroups, Hold, HoldOptions, Level};
use anyhow::Context;

/// Numbers that a thread works on: more than the cache next to a core holds.
const NUMBERS: usize = 1 << 18;

/// Computes on so many threads, for ever: sums and memory, as training does.
pub(crate) fn burn(threads: usize) -> anyhow::Result<()> {
    let work = || {
        let mut numbers = vec![1.0_f32; NUMBERS];
        loop {
            for number in &mut numbers {
                *number = number.mul_add(0.999_9, 0.000_1);
            }
            std::hint::black_box(&mut numbers);
        }
    };
    println!("ready");
    std::io::stdout().flush()?;
    for _ in 1..threads {
        std::thread::spawn(work);
    }
    work()
}

/// Computes on so many threads in micro-batches, and stands still between two of them when a line on stdin asks for it: says so, and goes on with the next line.
pub(crate) fn batches(threads: usize, milliseconds: u64) -> anyhow::Result<()> {
    let is_asked = Arc::new(AtomicBool::new(false));
    let (stopped, resumed) =
        (Arc::new(Barrier::new(threads + 1)), Arc::new(Barrier::new(threads + 1)));
    for _ in 0..threads {
        let (is_asked, stopped, resumed) =
            (Arc::clone(&is_asked), Arc::clone(&stopped), Arc::clone(&resumed));
        std::thread::spawn(move || {
            let mut numbers = vec![1.0_f32; NUMBERS];
            loop {
                let begun = now();
                while begun.elapsed() < Duration::from_millis(milliseconds) {
                    for number in &mut numbers {
                        *number = number.mul_add(0.999_9, 0.000_1);
                    }
                    std::hint::black_box(&mut numbers);
                }
                if is_asked.load(Ordering::Acquire) {
                    stopped.wait();
                    resumed.wait();
                }
            }
        });
    }
    println!("ready");
    std::io::stdout().flush()?;
    let mut lines = std::io::stdin().lines();
    while let Some(Ok(_)) = lines.next() {
        is_asked.store(true, Ordering::Release);
        stopped.wait();
        println!("stopped");
        std::io::stdout().flush()?;
        let Some(Ok(_)) = lines.next() else { break };
        is_asked.store(false, Ordering::Release);
        resumed.wait();
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "it measures time")]
fn now() -> Instant {
    Instant::now()
}

/// Takes memory, and gives it back only by ending.
pub(crate) fn fill(mebibytes: usize) -> anyhow::Result<()> {
    let mut memory = vec![0_u8; mebibytes << 20];
    for page in memory.chunks_mut(4096) {
        page[0] = 1;
    }
    std::hint::black_box(&mut memory);
    println!("ready");
    std::io::stdout().flush()?;
    loop {
        std::thread::park();
    }
}

/// Returns how many cores there are, and all of them as a level.
pub(crate) fn all_cores() -> (usize, Level) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores, Level::Full { cores_permille: u32::try_from(cores * 1000).unwrap_or(u32::MAX) })
}

/// Prepares a hold on this machine.
pub(crate) fn hold() -> Hold {
    hold_with(Cgroups::Use)
}

/// Prepares a hold, with or without control groups.
pub(crate) fn hold_with(cgroups: Cgroups) -> Hold {
    Hold::new(&HoldOptions { root: "/".into(), cgroups, memory_bytes_max: None })
}

/// Starts this program again as a worker, and waits until it works.
pub(crate) fn start(hold: &mut Hold, words: &[&str]) -> anyhow::Result<()> {
    let (_, level) = all_cores();
    let mut command = Command::new(std::env::current_exe()?);
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped());
    let pipes = hold.spawn(command, level)?;
    let mut line = String::new();
    BufReader::new(pipes.stdout.context("the worker has no output")?).read_line(&mut line)?;
    anyhow::ensure!(line == "ready\n", "the worker said {line:?}");
    Ok(())
}

/// Keeps a worker of a kind running until the input ends.
pub(crate) fn load(kind: &str) -> anyhow::Result<()> {
    let threads = all_cores().0.to_string();
    let mut held = hold();
    let mut plain = None;
    match kind {
        "none" => {}
        "held" => {
            start(&mut held, &["burn", &threads])?;
        }
        "nice19" => {
            let mut command = Command::new("nice");
            command.args(["-n", "19"]).arg(std::env::current_exe()?).args(["burn", &threads]);
            plain = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?);
        }
        _ => anyhow::bail!("the kinds of load are none, nice19 and held"),
    }
    println!("ready");
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    if let Some(mut child) = plain {
        child.kill()?;
        child.wait()?;
    }
    Ok(())
}
