//! Stops and continues a worker and its children by signals, where control groups cannot.
//!
//! A worker leads a session. Its processes are those of the session, and all descendants of the worker, so that only one that both begins a session of
//! its own and outlives its parent is missed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::hold::child;

/// How often the list of processes is read again while new ones appear.
const SCANS_MAX: usize = 20;

/// What `/proc/<pid>/stat` says of a process.
#[derive(Clone, Copy, Debug)]
struct Stat {
    process: i32,
    state: u8,
    parent: i32,
    session: i32,
}

/// Stops a worker and its children: when this returns, none of them executes an instruction of its program any more.
///
/// A process with a pending signal cannot fork. So when all that there are have been told, and no other has appeared, that is all.
///
/// # Errors
/// The processes that were still being found.
pub(super) fn stop(root: &Path, leader: Pid) -> Result<(), Vec<i32>> {
    // At once for most; what is left is found one by one.
    let _gone = kill_process_group(leader, Signal::STOP);
    let mut told = BTreeSet::new();
    for _ in 0..SCANS_MAX {
        let new: Vec<i32> = members(root, leader)
            .into_iter()
            .filter(|stat| !matches!(stat.state, b'T' | b't' | b'Z' | b'X'))
            .map(|stat| stat.process)
            .filter(|process| told.insert(*process))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        signal(&new, Signal::STOP);
    }
    Err(told.into_iter().collect())
}

/// Lets a worker and its children continue.
pub(super) fn resume(root: &Path, leader: Pid) {
    let _gone = kill_process_group(leader, Signal::CONT);
    let stopped: Vec<i32> = members(root, leader)
        .into_iter()
        .filter(|stat| matches!(stat.state, b'T' | b't'))
        .map(|stat| stat.process)
        .collect();
    signal(&stopped, Signal::CONT);
}

/// Kills a worker and its children, and gives their memory back at once.
///
/// A process of lowest priority may wait long for its turn to die, and would keep its memory until then; it is freed in this process's turn.
/// All are stopped and listed before the first one dies: its children are no longer its descendants then.
pub(super) fn kill(root: &Path, leader: Pid) {
    let _running = stop(root, leader);
    let listed: Vec<i32> = members(root, leader).into_iter().map(|stat| stat.process).collect();
    end(&listed);
    let mut told: BTreeSet<i32> = listed.into_iter().collect();
    for _ in 0..SCANS_MAX {
        let new: Vec<i32> = members(root, leader)
            .into_iter()
            .filter(|stat| !matches!(stat.state, b'Z' | b'X'))
            .map(|stat| stat.process)
            .filter(|process| told.insert(*process))
            .collect();
        if new.is_empty() {
            return;
        }
        end(&new);
    }
}

fn end(processes: &[i32]) {
    signal(processes, Signal::KILL);
    for process in processes.iter().copied().filter_map(Pid::from_raw) {
        child::free_memory(process);
    }
}

/// Limits a worker and its children to so many cores, rounded up, the last ones that this process may use. New threads inherit it.
pub(super) fn use_cores(root: &Path, leader: Pid, cores_permille: u32) {
    let Ok(allowed) = sched_getaffinity(None) else { return };
    let count = usize::try_from(cores_permille.div_ceil(1000)).unwrap_or(usize::MAX).max(1);
    let mut chosen = CpuSet::new();
    for core in (0..CpuSet::MAX_CPU).rev().filter(|core| allowed.is_set(*core)).take(count) {
        chosen.set(core);
    }
    // A thread that began meanwhile may have inherited what was before.
    let mut told = BTreeSet::new();
    for _ in 0..SCANS_MAX {
        let new: Vec<i32> =
            threads(root, leader).into_iter().filter(|thread| told.insert(*thread)).collect();
        if new.is_empty() {
            return;
        }
        for thread in new {
            let Some(thread) = Pid::from_raw(thread) else { continue };
            // It may have ended since it was listed.
            let _gone = sched_setaffinity(Some(thread), &chosen);
        }
    }
}

fn threads(root: &Path, leader: Pid) -> Vec<i32> {
    members(root, leader)
        .into_iter()
        .filter_map(|stat| fs::read_dir(root.join(format!("proc/{}/task", stat.process))).ok())
        .flat_map(Iterator::flatten)
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

fn signal(processes: &[i32], signal: Signal) {
    for process in processes.iter().filter_map(|process| Pid::from_raw(*process)) {
        // It may have ended since it was listed.
        let _gone = kill_process(process, signal);
    }
}

fn members(root: &Path, leader: Pid) -> Vec<Stat> {
    let leader = leader.as_raw_nonzero().get();
    let mut all: Vec<Stat> = fs::read_dir(root.join("proc"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter_map(|process| {
            stat(&fs::read_to_string(root.join(format!("proc/{process}/stat"))).ok()?)
        })
        .collect();
    let mut inside = BTreeSet::from([leader]);
    // Parents usually have lower numbers than their children; where they do not, another pass finds them.
    all.sort_by_key(|stat| stat.process);
    loop {
        let before = inside.len();
        for stat in &all {
            if stat.session == leader || inside.contains(&stat.parent) {
                inside.insert(stat.process);
            }
        }
        if inside.len() == before {
            break;
        }
    }
    all.retain(|stat| inside.contains(&stat.process));
    all
}

/// Reads `pid (name) state parent group session …`; a name may hold spaces and parentheses.
fn stat(text: &str) -> Option<Stat> {
    let (process, _) = text.split_once(' ')?;
    let (_, rest) = text.rsplit_once(") ")?;
    let mut words = rest.split(' ');
    let state = *words.next()?.as_bytes().first()?;
    let parent = words.next()?.parse().ok()?;
    let session = words.nth(1)?.parse().ok()?;
    Some(Stat { process: process.parse().ok()?, state, parent, session })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_move_the_fields() {
        let found = stat("12 (a) S (b) T 7 12 9 0 -1").unwrap();
        assert_eq!((found.process, found.state, found.parent, found.session), (12, b'T', 7, 9));
        assert!(stat("12 (a").is_none());
    }
}
