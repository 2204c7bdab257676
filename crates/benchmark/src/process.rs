//! Figures of the operating system about this process. Available on Linux only.

use std::fs;

/// Ticks of `/proc/self/stat` per second: 100 on every architecture that Linux supports today.
const TICKS_PER_SECOND: f64 = 100.0;

/// Returns the peak memory of this process in bytes: `VmHWM`.
pub(crate) fn peak_memory_bytes() -> Option<u64> {
    peak_of(&fs::read_to_string("/proc/self/status").ok()?)
}

/// Returns the CPU seconds of all threads, ended ones included, in steps of 10 ms.
pub(crate) fn cpu_seconds() -> Option<f64> {
    seconds_of(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// Returns the model name of the processor, if the operating system reports it.
#[must_use]
pub fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn peak_of(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

fn seconds_of(stat: &str) -> Option<f64> {
    // The second field is the program's name in parentheses, which may contain spaces.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut ticks = fields.split(' ').skip(11).take(2).map(str::parse::<f64>);
    Some((ticks.next()?.ok()? + ticks.next()?.ok()?) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_read() {
        assert_eq!(peak_of("VmPeak:\t 9 kB\nVmHWM:\t   1024 kB\n"), Some(1 << 20));
        assert_eq!(peak_of("VmPeak:\t 9 kB\n"), None);
        let stat = "7 (a ) b) R 1 7 7 0 -1 4194304 90 0 0 0 150 25 0 0 20 0 1 0 42 8 9";
        assert_eq!(seconds_of(stat), Some(1.75));
        assert_eq!(seconds_of("7"), None);
    }
}
