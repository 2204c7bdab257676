//! What the owner of a machine notices: parts of `scripts/owner-first`, which runs them in turn.
//!
//! ```text
//! owner_first input :77 1000 input.csv    from a key to a frozen worker, on an X server and at a terminal
//! owner_first unplug 100 unplug.csv       from an unplugged adapter to a frozen worker
//! owner_first memory 2048                 memory that is back after a release
//! owner_first yield 300 30                from a decision to a worker that stands still, without control groups: by signal (0), or asked between micro-batches
//! owner_first latency 10                  how late a thread wakes up that sleeps for a millisecond
//! owner_first load held                   keeps a worker running until its input ends: none, nice19, held
//! owner_first sensors 60                  what reading all sensors every second costs
//! ```
#![cfg_attr(target_os = "linux", expect(clippy::print_stdout, reason = "prints measurements"))]

#[cfg(target_os = "linux")]
mod owner;
#[cfg(target_os = "linux")]
mod probes;
#[cfg(target_os = "linux")]
mod worker;

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["input", display, count, file] => owner::input(display, count.parse()?, file),
        ["unplug", count, file] => owner::unplug(count.parse()?, file),
        ["memory", mebibytes] => owner::memory(mebibytes.parse()?),
        ["yield", count, milliseconds] => owner::yields(count.parse()?, milliseconds.parse()?),
        ["latency", seconds] => probes::latency(seconds.parse()?),
        ["sensors", seconds] => probes::sensors(seconds.parse()?),
        ["load", kind] => worker::load(kind),
        ["burn", threads] => worker::burn(threads.parse()?),
        ["batches", threads, milliseconds] => {
            worker::batches(threads.parse()?, milliseconds.parse()?)
        }
        ["fill", mebibytes] => worker::fill(mebibytes.parse()?),
        _ => anyhow::bail!("see the first lines of this example for what it can do"),
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {}
