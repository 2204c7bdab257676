//! What computes, and what sensors see of the rest of the machine.

use std::path::Path;
use std::thread;
use std::time::Duration;

use ::agent::Sensor;
use ::agent::limits::Limits;
use model::instructions::Isa;
use sensors::{
    Energy, Memory, Metered, Network, Options, Quality, Reading, Readings, Seen, Sense as _,
    Sensors, now,
};

use super::Check;

/// Time between two readings: a load is that between them.
const BETWEEN: Duration = Duration::from_secs(1);

/// Which instructions train here.
pub(super) fn processor() -> Check {
    let name = benchmark::processor().unwrap_or_else(|| "a processor without a name".to_owned());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let sets = Isa::ALL.into_iter().filter(|isa| isa.is_available()).map(|isa| isa.to_string());
    let sets: Vec<String> = sets.collect();
    let found = format!("{name}, {cores} cores: {}", sets.join(", "));
    if Isa::detect() == Isa::Scalar {
        let change = "nothing: it has no vector instructions that Gleaner uses, so it trains correctly and slowly";
        return Check::advice("processor", found, change);
    }
    Check::good("processor", found)
}

/// Whether the widest instructions compute the bytes that all machines must compute.
pub(super) fn kernels() -> anyhow::Result<Check> {
    let isa = Isa::detect();
    let findings = benchmark::findings(isa)?;
    let different: Vec<_> =
        findings.iter().filter(|finding| !finding.is_match()).map(|finding| finding.name).collect();
    if different.is_empty() {
        let found = format!("all {} operators of {isa} compute the expected bytes", findings.len());
        return Ok(Check::good("kernels", found));
    }
    let found = format!("{isa} computes other bytes in: {}", different.join(", "));
    let change = "GLEANER_ISA=scalar, and report it with the name of the processor; `gleaner doctor kernels` compares all instruction sets";
    Ok(Check::bad("kernels", found, change))
}

/// Looks at memory, disk, clock, network and energy, and at what each sensor sees.
pub(super) fn checks(limits: &Limits, folder: &Path) -> Vec<Check> {
    let options = Options {
        root: "/".into(),
        own_process: std::process::id(),
        disk: nearest(folder).to_owned(),
        exclusive: limits.programs.exclusive.iter().cloned().collect(),
        metered: Metered::Detect,
    };
    let mut sensors = Sensors::new(options);
    // The first load is of no time.
    sensors.read(now());
    thread::sleep(BETWEEN);
    let at = now();
    let readings = sensors.read(at);
    let mut checks = of_readings(&readings, limits, folder);
    checks.push(clock(&sensors::clock_error_ms()));
    checks.push(meters(&sensors.energy(at), limits));
    checks
}

/// Returns the folder, or the nearest one above it that exists.
fn nearest(folder: &Path) -> &Path {
    folder.ancestors().find(|each| each.is_dir()).unwrap_or(Path::new("/"))
}

fn of_readings(readings: &Readings, limits: &Limits, folder: &Path) -> Vec<Check> {
    let machine = &limits.machine;
    let mut checks = Vec::new();
    checks.extend(seen(Sensor::Memory, &readings.memory, limits, |memory| {
        self::memory(memory, machine.memory_mib.into(), machine.memory_left_mib.into())
    }));
    checks.extend(seen(Sensor::Disk, &readings.disk, limits, |&free| {
        disk(free, machine.disk_mib.into(), machine.disk_left_mib.into(), folder)
    }));
    checks.extend(seen(Sensor::Network, &readings.network, limits, |network| {
        self::network(network, limits.network.on_metered)
    }));
    checks.push(sensor(Sensor::Input, &readings.input, limits));
    checks.push(sensor(Sensor::Load, &readings.load, limits));
    checks.push(sensor(Sensor::Gpu, &readings.gpu, limits));
    checks.push(sensor(Sensor::FullScreen, &readings.full_screen, limits));
    checks.push(sensor(Sensor::Call, &readings.call, limits));
    checks.push(sensor(Sensor::Exclusive, &readings.exclusive, limits));
    checks.push(sensor(Sensor::Power, &readings.power, limits));
    checks.push(sensor(Sensor::Heat, &readings.heat, limits));
    checks.push(sensor(Sensor::Time, &readings.time, limits));
    checks
}

/// Judges what a sensor saw, or says that it sees nothing.
fn seen<T>(
    which: Sensor,
    reading: &Reading<T>,
    limits: &Limits,
    judge: impl Fn(&T) -> Check,
) -> Option<Check> {
    match &reading.seen {
        Seen::Known(value) => Some(judge(value)),
        Seen::Unknown(_) => Some(sensor(which, reading, limits)),
    }
}

/// Says whether a sensor sees anything. What it can't see counts as in use, unless the owner has said that it may be missing.
fn sensor<T>(which: Sensor, reading: &Reading<T>, limits: &Limits) -> Check {
    let name = format!("sensor {}", which.name().replace('_', " "));
    let reason = match &reading.seen {
        Seen::Known(_) => return Check::good(&name, reading.source.clone()),
        Seen::Unknown(reason) => format!("sees nothing: {reason} ({})", reading.source),
    };
    if limits.sensors.may_be_missing.contains(&which) {
        let change = "nothing: your limits say that it may be missing";
        return Check::advice(&name, reason, change);
    }
    let change = format!(
        "let it see; or, if this machine has nothing of the kind, sensors.may_be_missing = [\"{}\"] in your limits: until then the machine counts as in use",
        which.name()
    );
    Check::bad(&name, reason, change)
}

fn gib(bytes: u64) -> String {
    let tenths = bytes / ((1 << 30) / 10);
    format!("{}.{} GiB", tenths / 10, tenths % 10)
}

fn memory(memory: &Memory, work_mib: u64, left_mib: u64) -> Check {
    let found = format!(
        "{} of {} available; the worker may take {work_mib} MiB and leaves {left_mib} MiB",
        gib(memory.available_bytes),
        gib(memory.total_bytes)
    );
    let needed = work_mib.saturating_add(left_mib) << 20;
    if memory.total_bytes < needed {
        let change = "lower machine.memory_mib or machine.memory_left_mib: the machine does not have as much";
        return Check::bad("memory", found, change);
    }
    if memory.available_bytes < needed {
        let change =
            "nothing, if other programs take less at other times; else lower machine.memory_mib";
        return Check::advice("memory", found, change);
    }
    Check::good("memory", found)
}

fn disk(free: u64, work_mib: u64, left_mib: u64, folder: &Path) -> Check {
    let found = format!(
        "{} free for {}; the worker may take {work_mib} MiB, twice for a moment, and leaves {left_mib} MiB",
        gib(free),
        folder.display()
    );
    let change = "make room, give --data-dir on another disk, or lower machine.disk_left_mib and machine.disk_mib";
    if free < left_mib << 20 {
        return Check::bad("disk", found, change);
    }
    if free < left_mib.saturating_add(work_mib.saturating_mul(2)) << 20 {
        return Check::advice("disk", found, change);
    }
    Check::good("disk", found)
}

fn network(network: &Network, on_metered: bool) -> Check {
    match *network {
        Network { is_online: false, .. } => {
            let change = "connect it; the agent goes on by itself then";
            Check::bad("network", "there is no way to the internet", change)
        }
        Network { is_metered: true, .. } if !on_metered => {
            let change = "network.on_metered = true, if its traffic costs you nothing";
            Check::bad("network", "metered: the agent does not use it", change)
        }
        Network { is_metered, .. } => {
            Check::good("network", if is_metered { "metered, and allowed" } else { "not metered" })
        }
    }
}

/// Says whether something keeps the clock right: hours, tariffs and deadlines are read by it.
fn clock(error_ms: &Seen<Option<u64>>) -> Check {
    let change = "a program that does, as in: sudo timedatectl set-ntp true";
    match error_ms {
        Seen::Known(Some(error)) => Check::good("clock", format!("kept right, to {error} ms")),
        Seen::Known(None) => Check::advice("clock", "nothing keeps it right", change),
        Seen::Unknown(reason) => {
            Check::advice("clock", format!("nobody knows what keeps it right: {reason}"), change)
        }
    }
}

fn meters(meters: &[Energy], limits: &Limits) -> Check {
    let named = |quality| {
        let of = meters.iter().filter(|meter| meter.quality == quality);
        of.map(|meter| meter.source.as_str()).collect::<Vec<_>>().join(", ")
    };
    let (measured, estimated) = (named(Quality::Measured), named(Quality::Estimated));
    if !measured.is_empty() {
        return Check::good("energy", format!("counted by {measured}"));
    }
    let energy = &limits.energy;
    let assumed = format!(
        "energy.idle_watts = {} and energy.full_watts = {}",
        energy.idle_watts, energy.full_watts
    );
    let found = match estimated.is_empty() {
        true => format!("no meter that this user may read: {assumed} are assumed"),
        false => format!("no counter that this user may read: estimated by {estimated}"),
    };
    let change = "sudo chmod a+r /sys/class/powercap/*/energy_uj, where the processor counts; else measure it at the plug and write these limits";
    Check::advice("energy", found, change)
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    const GIB: u64 = 1 << 30;

    #[track_caller]
    fn check(found: &Check, verdict: Verdict, words: &str) {
        assert_eq!(found.verdict, verdict, "{found:?}");
        let text = format!("{} {}", found.found, found.change.as_deref().unwrap_or_default());
        assert!(text.contains(words), "{found:?}");
        assert_eq!(found.change.is_none(), verdict == Verdict::Good, "{found:?}");
    }

    #[test]
    fn room_is_compared_with_what_the_owner_allows() {
        let of = |available, total| {
            memory(&Memory { available_bytes: available, total_bytes: total }, 2048, 1024)
        };
        check(&of(3 * GIB, 3 * GIB), Verdict::Good, "3.0 GiB of 3.0 GiB");
        check(&of(3 * GIB - 1, 4 * GIB), Verdict::Advice, "at other times");
        check(&of(2 * GIB, 3 * GIB - 1), Verdict::Bad, "memory_mib");
        let free = |bytes| disk(bytes, 1024, 5120, Path::new("/work"));
        check(&free(7 * GIB), Verdict::Good, "/work");
        check(&free(7 * GIB - 1), Verdict::Advice, "--data-dir");
        check(&free(5 * GIB - 1), Verdict::Bad, "make room");
    }

    #[test]
    fn a_metered_network_is_as_good_as_the_owner_says() {
        let of =
            |is_online, is_metered, allowed| network(&Network { is_online, is_metered }, allowed);
        check(&of(true, false, false), Verdict::Good, "not metered");
        check(&of(true, true, true), Verdict::Good, "allowed");
        check(&of(true, true, false), Verdict::Bad, "on_metered");
        check(&of(false, true, true), Verdict::Bad, "connect");
    }

    #[test]
    fn a_blind_sensor_keeps_the_agent_from_working_unless_the_owner_says_otherwise() {
        let blind: Reading<()> = Reading {
            seen: Seen::Unknown("no display".to_owned()),
            source: "/tmp/.X11-unix".to_owned(),
            at: now(),
        };
        let mut limits = Limits::default();
        check(
            &sensor(Sensor::FullScreen, &blind, &limits),
            Verdict::Bad,
            "may_be_missing = [\"full_screen\"]",
        );
        limits.sensors.may_be_missing.insert(Sensor::FullScreen);
        check(&sensor(Sensor::FullScreen, &blind, &limits), Verdict::Advice, "no display");
        let sees = Reading { seen: Seen::Known(()), ..blind };
        check(&sensor(Sensor::FullScreen, &sees, &limits), Verdict::Good, "X11");
    }

    #[test]
    fn energy_is_counted_or_assumed() {
        let meter = |quality| Energy { source: "rapl".to_owned(), microjoules: 1, quality };
        let limits = Limits::default();
        check(&meters(&[meter(Quality::Measured)], &limits), Verdict::Good, "rapl");
        check(&meters(&[meter(Quality::Estimated)], &limits), Verdict::Advice, "estimated by rapl");
        check(&meters(&[], &limits), Verdict::Advice, "idle_watts = 40");
        check(&clock(&Seen::Known(Some(3))), Verdict::Good, "3 ms");
        check(&clock(&Seen::Known(None)), Verdict::Advice, "set-ntp");
        check(&clock(&Seen::Unknown("no call".to_owned())), Verdict::Advice, "no call");
    }

    #[test]
    fn a_folder_that_is_not_there_yet_is_on_the_disk_of_the_one_above() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(nearest(&folder.path().join("a/b")), folder.path());
    }
}
