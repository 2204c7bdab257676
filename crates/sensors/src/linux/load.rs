//! What programs other than ours use of the processor, and who waits.
//!
//! What is ours is this process and everything below it. Its time is subtracted from the machine's.
//!
//! Pressure is the machine's, and a worker of lowest priority waits whenever somebody else computes. So what the worker's own control group says is
//! subtracted: pressure is a share of time in which *somebody* waited, so the difference is the least share in which somebody else did. Without a
//! control group for the worker nothing is subtracted, and others seem to wait more than they do.

use std::path::{Path, PathBuf};

use crate::linux::root::Root;
use crate::{Load, Milliseconds, Seen};

/// Where load is read.
pub(crate) const SOURCE: &str = "/proc/stat, /proc/pressure";

/// Ticks of `/proc/stat` in a second: fixed at 100 for programs.
const TICKS_PER_SECOND: u64 = 100;

/// The most processes of ours that are counted.
const OURS_MAX: usize = 4096;

/// Remembers the last counters, because load is a difference.
#[derive(Debug)]
pub(crate) struct Meter {
    own_process: u32,
    worker_cgroup: Option<PathBuf>,
    last: Option<Counters>,
}

#[derive(Clone, Copy, Debug)]
struct Counters {
    at: Milliseconds,
    busy_ticks: u64,
    our_ticks: u64,
}

impl Meter {
    /// Begins with the process whose time, and that of its descendants, is ours.
    pub(crate) fn new(own_process: u32) -> Self {
        Self { own_process, worker_cgroup: None, last: None }
    }

    /// Names the control group (version 2) of the worker, whose waiting is not that of others.
    pub(crate) fn set_worker_cgroup(&mut self, folder: Option<&Path>) {
        self.worker_cgroup = folder.map(Path::to_path_buf);
    }

    /// Reads the load since the last call. The first call reads since the machine started.
    pub(crate) fn read(&mut self, root: &Root, now: Milliseconds) -> Seen<Load> {
        match self.try_read(root, now) {
            Ok(load) => Seen::Known(load),
            Err(reason) => Seen::Unknown(reason),
        }
    }

    fn try_read(&mut self, root: &Root, now: Milliseconds) -> Result<Load, String> {
        let counters = Counters {
            at: now,
            busy_ticks: busy_ticks(&root.text("proc/stat")?)?,
            our_ticks: tree_ticks(root, self.own_process),
        };
        let (elapsed, busy, ours) = match self.last {
            Some(last) => (
                now.since(last.at),
                counters.busy_ticks.saturating_sub(last.busy_ticks),
                counters.our_ticks.saturating_sub(last.our_ticks),
            ),
            None => (now.0, counters.busy_ticks, counters.our_ticks),
        };
        // Two calls within a few ticks would divide by almost nothing: what was counted is kept for the next one.
        if self.last.is_none() || 50 <= elapsed {
            self.last = Some(counters);
        }
        let permille =
            busy.saturating_sub(ours).saturating_mul(1_000_000 / TICKS_PER_SECOND) / elapsed.max(1);
        Ok(Load {
            cores_permille: u32::try_from(permille).unwrap_or(u32::MAX),
            cpu_wait_bps: self.wait(root, "cpu")?,
            memory_wait_bps: self.wait(root, "memory")?,
            io_wait_bps: self.wait(root, "io")?,
        })
    }

    fn wait(&self, root: &Root, resource: &str) -> Result<u32, String> {
        let file = format!("proc/pressure/{resource}");
        let all = some_avg10(&root.text(&file)?).ok_or(format!("/{file}: has no `some avg10`"))?;
        let ours = self
            .worker_cgroup
            .as_ref()
            .and_then(|folder| {
                std::fs::read_to_string(folder.join(format!("{resource}.pressure"))).ok()
            })
            .and_then(|text| some_avg10(&text))
            .unwrap_or(0);
        Ok(all.saturating_sub(ours))
    }
}

/// Returns the ticks in which all processors together did something: idle, waiting for disks, and time that is counted twice (guests) left out.
fn busy_ticks(stat: &str) -> Result<u64, String> {
    let line = stat
        .lines()
        .find_map(|line| line.strip_prefix("cpu "))
        .ok_or("/proc/stat: has no line `cpu`")?;
    let mut fields = [0_u64; 7];
    let mut words = line.split_whitespace();
    for field in &mut fields {
        *field = words
            .next()
            .and_then(|word| word.parse().ok())
            .ok_or("/proc/stat: line `cpu` has fewer than seven numbers")?;
    }
    let [user, nice, system, _idle, _wait, interrupts, soft_interrupts] = fields;
    [user, nice, system, interrupts, soft_interrupts]
        .iter()
        .try_fold(0_u64, |sum, ticks| sum.checked_add(*ticks))
        .ok_or_else(|| "/proc/stat: counters are too large".into())
}

/// Returns the ticks that a process and all below it used, those included that have ended and been waited for.
fn tree_ticks(root: &Root, process: u32) -> u64 {
    let mut sum = 0_u64;
    let mut open = vec![process];
    let mut count = 0;
    while let Some(process) = open.pop() {
        count += 1;
        if OURS_MAX < count {
            break;
        }
        let Ok(stat) = root.text(&format!("proc/{process}/stat")) else { continue };
        sum = sum.saturating_add(process_ticks(&stat).unwrap_or(0));
        // A thread's children are listed with the thread.
        for thread in root.names(&format!("proc/{process}/task")) {
            let children = root.text(&format!("proc/{process}/task/{thread}/children"));
            open.extend(
                children
                    .iter()
                    .flat_map(|text| text.split_whitespace())
                    .filter_map(|id| id.parse::<u32>().ok()),
            );
        }
    }
    sum
}

/// Returns utime + stime + cutime + cstime of `/proc/<pid>/stat`, whose second field may hold spaces and parentheses.
fn process_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut sum = 0_u64;
    for word in after_name.split_whitespace().skip(11).take(4) {
        sum = sum.checked_add(word.parse().ok()?)?;
    }
    Some(sum)
}

/// Returns `some avg10` in hundredths of a percent.
fn some_avg10(text: &str) -> Option<u32> {
    let line = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let word = line.split_whitespace().find_map(|word| word.strip_prefix("avg10="))?;
    let (whole, part) = word.split_once('.')?;
    let part = part.get(..2)?.parse::<u32>().ok()?;
    whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_is_not_a_field() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 0 0 0 0 0 10 20 3 4 39 19 1 0";
        assert_eq!(process_ticks(stat), Some(37));
        assert_eq!(process_ticks("7 (a"), None);
    }

    #[test]
    fn pressure_is_read_to_the_hundredth() {
        let check = |text: &str, expected| assert_eq!(some_avg10(text), expected, "{text}");
        check("some avg10=12.34 avg60=0.00 avg300=0.00 total=5\nfull avg10=99.99", Some(1234));
        check("some avg10=0.00 avg60=1.00", Some(0));
        check("full avg10=1.00", None);
        check("some avg10=1", None);
        check("some avg10=-1.00", None);
    }
}
