//! What others feel.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::Context;
use sensors::{Metered, Options, Sense, Sensors};

#[expect(clippy::disallowed_methods, reason = "it measures time")]
fn now() -> Instant {
    Instant::now()
}

/// Sleeps for a millisecond again and again, and prints how much too late it woke up, in microseconds: median, 99 %, 99.9 %, most.
pub(crate) fn latency(seconds: u64) -> anyhow::Result<()> {
    let wanted = Duration::from_millis(1);
    let mut late = Vec::new();
    let end = now() + Duration::from_secs(seconds);
    loop {
        let begun = now();
        if end <= begun {
            break;
        }
        std::thread::sleep(wanted);
        late.push(begun.elapsed().saturating_sub(wanted).as_micros());
    }
    late.sort_unstable();
    let part =
        |permille: usize| late.get((late.len() * permille / 1000).min(late.len() - 1)).copied();
    println!(
        "{{\"count\": {}, \"p50_us\": {}, \"p99_us\": {}, \"p999_us\": {}, \"max_us\": {}}}",
        late.len(),
        part(500).context("no sleep")?,
        part(990).context("no sleep")?,
        part(999).context("no sleep")?,
        late.last().context("no sleep")?
    );
    Ok(())
}

/// Reads all sensors every second beside a watcher, and prints which share of a core that took, in hundredths of a percent, and the memory of this program.
pub(crate) fn sensors(seconds: u64) -> anyhow::Result<()> {
    let mut sensors = Sensors::new(Options {
        root: "/".into(),
        own_process: std::process::id(),
        disk: ".".into(),
        exclusive: vec!["a-game".into()],
        metered: Metered::Detect,
    });
    let _watcher = sensors.watch(|_| {})?;
    let ticks = || -> anyhow::Result<u64> {
        fs::read_dir("/proc/self/task")?
            .map(|thread| -> anyhow::Result<u64> {
                let text = fs::read_to_string(thread?.path().join("schedstat"))?;
                Ok(text.split(' ').next().unwrap_or("0").parse()?)
            })
            .sum()
    };
    let (begun, before) = (now(), ticks()?);
    for _ in 0..seconds {
        std::hint::black_box(sensors.read(sensors::now()));
        std::thread::sleep(Duration::from_secs(1));
    }
    let share = u128::from(ticks()? - before) * 10_000 / begun.elapsed().as_nanos();
    let status = fs::read_to_string("/proc/self/status")?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    println!("{{\"core_bps\": {share}, \"resident\": \"{}\"}}", resident.trim());
    Ok(())
}
