//! What an owner does, and how soon the worker yields.

use std::fmt::Write as _;
use std::fs;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use agent::{Cgroups, Released};
use anyhow::Context;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use sensors::{EventKind, Metered, Options, Sensors, Watcher};
use x11rb::connection::Connection;
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

use crate::worker::{all_cores, hold, hold_with, start};

/// An event that has not been told after so long is missed.
const MISSED: Duration = Duration::from_secs(2);

/// When an event was told, and when the worker stood still.
struct Told {
    source: String,
    kind: EventKind,
    told: Instant,
    frozen: Instant,
}

#[expect(clippy::disallowed_methods, reason = "it measures time")]
fn now() -> Instant {
    Instant::now()
}

fn sensors(root: &str) -> Sensors {
    Sensors::new(Options {
        root: root.into(),
        own_process: std::process::id(),
        disk: ".".into(),
        exclusive: Vec::new(),
        metered: Metered::No,
    })
}

/// Freezes the worker whenever something is told.
fn watch(sensors: &Sensors, freezer: agent::Freezer) -> anyhow::Result<(Watcher, Receiver<Told>)> {
    let (sender, told_events) = channel();
    let watcher = sensors.watch(move |event| {
        let told = now();
        if let Err(error) = freezer.freeze() {
            eprintln!("not frozen: {error}");
        }
        // The receiver is gone only at the end.
        let _end =
            sender.send(Told { source: event.source, kind: event.kind, told, frozen: now() });
    })?;
    Ok((watcher, told_events))
}

/// A terminal whose program reads every line.
fn terminal() -> anyhow::Result<(OwnedFd, String)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname(&master, Vec::new())?.into_string()?;
    // O_NOCTTY: it is not to become ours.
    let mut program = OpenOptions::new().read(true).write(true).custom_flags(0o400).open(&name)?;
    std::thread::spawn(move || {
        let mut line = [0; 256];
        while program.read(&mut line).is_ok_and(|size| 0 < size) {}
    });
    Ok((master, name))
}

/// Presses a key, moves the pointer or clicks, in turn.
fn touch(connection: &RustConnection, index: usize) -> anyhow::Result<()> {
    // Kinds of events of the protocol: key press and release, button press and release, motion.
    let root = connection.setup().roots.first().context("the display has no screen")?.root;
    let position = i16::try_from(index % 500)?;
    match index % 3 {
        0 => {
            connection.xtest_fake_input(2, 38, 0, root, 0, 0, 0)?;
            connection.xtest_fake_input(3, 38, 0, root, 0, 0, 0)?;
        }
        1 => drop(connection.xtest_fake_input(6, 0, 0, root, position, position, 0)?),
        _ => {
            connection.xtest_fake_input(4, 1, 0, root, 0, 0, 0)?;
            connection.xtest_fake_input(5, 1, 0, root, 0, 0, 0)?;
        }
    }
    connection.flush()?;
    Ok(())
}

/// Measures from an injected event to a frozen worker, as often on the display as at a terminal.
pub(crate) fn input(display: &str, count: usize, file: &str) -> anyhow::Result<()> {
    let (connection, _) = RustConnection::connect(Some(display)).context(display.to_owned())?;
    connection.xtest_get_version(2, 2)?.reply()?;
    let (master, terminal) = terminal()?;
    let mut hold = hold();
    let (cores, level) = all_cores();
    start(&mut hold, &["burn", &cores.to_string()])?;
    let (_watcher, events) = watch(&sensors("/"), hold.freezer())?;
    std::thread::sleep(Duration::from_secs(2));
    let sources = [format!("display {display}"), terminal];
    let mut rows = "source,event,told_us,frozen_us\n".to_owned();
    let (mut missed, mut others) = (0, 0);
    for index in 0..count * 2 {
        hold.apply(level)?;
        // Longer than a source rests after an event, and never in step with anything.
        std::thread::sleep(Duration::from_micros(130_000 + (index as u64 * 7919) % 50_000));
        others += events.try_iter().filter(|event| event.kind == EventKind::Input).count();
        hold.apply(level)?;
        let begun = now();
        if index % 2 == 0 {
            touch(&connection, index / 2)?;
        } else {
            rustix::io::write(&master, b"x\n")?;
        }
        let source = &sources[index % 2];
        let told = loop {
            match events.recv_timeout(MISSED) {
                Ok(event) if event.source == *source => break Some(event),
                Ok(_) => others += 1,
                Err(_) => break None,
            }
        };
        match told {
            Some(event) => {
                let since = |moment: Instant| moment.duration_since(begun).as_micros();
                writeln!(rows, "{source},{index},{},{}", since(event.told), since(event.frozen))?;
            }
            None => missed += 1,
        }
    }
    fs::write(file, rows).with_context(|| file.to_owned())?;
    println!("{{\"events\": {}, \"missed\": {missed}, \"others\": {others}}}", count * 2);
    Ok(())
}

/// Measures from an adapter that says that it is unplugged to a frozen worker, in a tree of files.
pub(crate) fn unplug(count: usize, file: &str) -> anyhow::Result<()> {
    let root = std::env::temp_dir().join(format!("owner-first-{}", std::process::id()));
    let supply = |name: &str, key: &str, value: &str| -> anyhow::Result<()> {
        let folder = root.join("sys/class/power_supply").join(name);
        fs::create_dir_all(&folder)?;
        // Written beside and renamed, as a driver never shows half a value.
        fs::write(root.join("value"), value)?;
        fs::rename(root.join("value"), folder.join(key))?;
        Ok(())
    };
    for (key, value) in [("type", "Battery"), ("capacity", "90"), ("status", "Full")] {
        supply("BAT0", key, value)?;
    }
    supply("AC", "type", "Mains")?;
    supply("AC", "online", "1")?;
    let mut hold = hold();
    let (cores, level) = all_cores();
    start(&mut hold, &["burn", &cores.to_string()])?;
    let root_name = root.to_str().context("the temporary folder has an odd name")?;
    let (watcher, events) = watch(&sensors(root_name), hold.freezer())?;
    let mut rows = "event,frozen_us\n".to_owned();
    let mut missed = 0;
    for index in 0..count {
        std::thread::sleep(Duration::from_millis(100 + (index as u64 * 7919) % 500));
        while events.try_recv().is_ok() {}
        hold.apply(level)?;
        let begun = now();
        supply("AC", "online", if index % 2 == 0 { "0" } else { "1" })?;
        match events.recv_timeout(MISSED) {
            Ok(event) => {
                writeln!(rows, "{index},{}", event.frozen.duration_since(begun).as_micros())?
            }
            Err(_) => missed += 1,
        }
    }
    drop(watcher);
    fs::remove_dir_all(&root)?;
    fs::write(file, rows).with_context(|| file.to_owned())?;
    println!("{{\"events\": {count}, \"missed\": {missed}}}");
    Ok(())
}

/// Returns the resident memory of a process in kibibytes: 0 once it has given it back.
fn resident_kibibytes(process: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
    let pages: u64 = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4
}

/// Measures how much memory is back, and how soon, after a worker that does not heed the request to end has been released.
///
/// What the machine has available would also tell of others, who take and give meanwhile.
pub(crate) fn memory(mebibytes: u64) -> anyhow::Result<()> {
    let mut hold = hold();
    start(&mut hold, &["fill", &mebibytes.to_string()])?;
    let process = hold.process().context("the worker ended")?;
    hold.apply(agent::Level::Frozen)?;
    let before = resident_kibibytes(process);
    anyhow::ensure!(mebibytes * 1024 <= before, "the worker has taken {before} KiB only");
    let begun = now();
    let (told, back_after) = channel();
    std::thread::spawn(move || {
        while before / 20 < resident_kibibytes(process) && begun.elapsed() < Duration::from_secs(60)
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        // The receiver waits for it.
        let _waits = told.send((begun.elapsed(), resident_kibibytes(process)));
    });
    let released = hold.release(Duration::ZERO);
    anyhow::ensure!(released == Released::Killed, "the worker ended by itself: {released:?}");
    let (after, left) = back_after.recv()?;
    println!(
        "{{\"taken_mib\": {}, \"back_mib\": {}, \"after_ms\": {}}}",
        before / 1024,
        before.saturating_sub(left) / 1024,
        after.as_millis()
    );
    Ok(())
}

/// Measures from a decision to a worker that stands still, without control groups: by signal, or by a worker that looks between micro-batches of so many
/// milliseconds. Both have all cores and the lowest priorities.
pub(crate) fn yields(count: usize, micro_batch_ms: u64) -> anyhow::Result<()> {
    let (cores, level) = all_cores();
    let mut took: Vec<u128> = Vec::new();
    // At odd moments, so that they fall anywhere into a micro-batch.
    let pause = |index: usize| Duration::from_micros(20_000 + (index as u64 * 7_919) % 50_000);
    if micro_batch_ms == 0 {
        let mut hold = hold_with(Cgroups::Without);
        start(&mut hold, &["burn", &cores.to_string()])?;
        for index in 0..count {
            hold.apply(level)?;
            std::thread::sleep(pause(index));
            let begun = now();
            hold.freezer().freeze()?;
            took.push(begun.elapsed().as_micros());
        }
    } else {
        let mut command = Command::new("nice");
        command.args(["-n", "19"]).arg(std::env::current_exe()?);
        command.args(["batches", &cores.to_string(), &micro_batch_ms.to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut asks = child.stdin.take().context("the worker has no input")?;
        let mut says = BufReader::new(child.stdout.take().context("the worker has no output")?);
        let mut line = String::new();
        says.read_line(&mut line)?;
        for index in 0..count {
            std::thread::sleep(pause(index));
            let begun = now();
            writeln!(asks, "stop")?;
            says.read_line(&mut line)?;
            took.push(begun.elapsed().as_micros());
            writeln!(asks, "go")?;
        }
        child.kill()?;
        child.wait()?;
    }
    took.sort_unstable();
    let part = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)];
    println!(
        "{{\"micro_batch_ms\": {micro_batch_ms}, \"count\": {}, \"median_us\": {}, \"p99_us\": {}, \"most_us\": {}}}",
        took.len(),
        part(50),
        part(99),
        part(100)
    );
    Ok(())
}
