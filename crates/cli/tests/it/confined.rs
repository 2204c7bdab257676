//! What a worker's processes can't do, seen from outside, and what becomes of a round when memory is wanted back.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::field::{Field, Running, assert_report, project};

/// How often memory is wanted back.
const RECLAIMS: u32 = 8;

/// Returns a project with a round that takes a while, for two workers.
fn long() -> String {
    let short = project(2, "");
    let long = short.replace("steps_per_round = 3", "steps_per_round = 1000");
    long.replace("warmup_steps = 3", "warmup_steps = 1000").replace("batch = 4", "batch = 32")
}

/// Returns the processes that a process has started.
fn children(id: u32) -> Vec<PathBuf> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{id}/task")) else { return Vec::new() };
    let mut found = Vec::new();
    for task in tasks.flatten() {
        let ids = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(ids.split_whitespace().map(|id| Path::new("/proc").join(id)));
    }
    found
}

fn status(process: &Path, name: &str) -> String {
    let status = fs::read_to_string(process.join("status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.trim_start_matches(':').trim().to_owned()
}

/// Waits for the worker's computing process to be confined, and returns its folder in `/proc`.
fn computing(worker: &Running) -> PathBuf {
    let is_confined = |process: &PathBuf| {
        status(process, "NoNewPrivs") == "1"
            && fs::read_to_string(process.join("cmdline")).unwrap_or_default().contains("compute")
            && status(process, "Threads") != "1"
    };
    for _ in 0..10_000 {
        if let Some(process) = children(worker.id()).into_iter().find(is_confined) {
            return process;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("there is no computing process: {}", worker.stderr())
}

#[test]
fn the_computing_process_has_nothing() {
    let field = Field::new(&long());
    let mut train = field.train();
    train.until("is open");
    let workers = [1, 2].map(|index| field.join(index, &[]));
    let process = computing(&workers[0]);
    let has_seccomp = Path::new("/proc/sys/kernel/seccomp/actions_avail").exists();
    assert_eq!(status(&process, "Seccomp"), if has_seccomp { "2" } else { "" });
    assert_eq!(fs::read(process.join("environ")).unwrap(), b"");
    let open: Vec<String> = fs::read_dir(process.join("fd"))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .map(|path| path.display().to_string())
        .collect();
    let is_known = |path: &String| {
        ["socket:", "/dev/null", "/memfd:parameters"].iter().any(|known| path.starts_with(known))
            || path.contains("/worker-1/unfinished/")
    };
    assert!(open.iter().all(is_known), "{open:?}");
    assert!(!open.is_empty());
    // The worker itself, too.
    let worker = PathBuf::from(format!("/proc/{}", workers[0].id()));
    assert_eq!(status(&worker, "NoNewPrivs"), "1");
    // One that is killed is an error of that round, and the round is done again.
    let id = process.file_name().unwrap().to_str().unwrap().to_owned();
    let [mut first, _second] = workers;
    assert!(std::process::Command::new("kill").args(["-9", &id]).status().unwrap().success());
    first.until("the computing process ended without a result: signal 9");
    first.until("tokens done");
}

#[test]
fn a_worker_that_gives_memory_back_goes_on_where_it_was() {
    let field = Field::new(&long());
    let mut train = field.train();
    train.until("is open");
    let _other = field.join(2, &[]);
    let start = || {
        let mut command = field.worker(1, &["--project", "1", "--keep-seat"]);
        command.env("GLEANER_LOG", "warn,calculator=info");
        Running::start(command)
    };
    let first = start();
    computing(&first);
    first.signal("-TERM");
    let ended = first.end();
    assert_eq!(ended.code, 130, "{ended:?}");
    let folder = field.machine.path("worker-1").join("unfinished");
    let sizes = || -> u64 {
        let entries = fs::read_dir(&folder).unwrap();
        entries.map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
    };
    assert!(sizes() > 0, "nothing was saved: {ended:?}");
    let mut second = start();
    second.until("a round goes on after so many steps");
    let line = second.stderr().lines().last().unwrap().to_owned();
    assert!(!line.contains("done=0"), "the round begins anew: {line}");
    second.until("round 1: ");
    second.until("tokens done");
    train.until("round 1 done");
}

#[test]
fn a_worker_that_is_reclaimed_at_random_moments_does_work_of_the_same_bytes() {
    // Its auditor says nothing while it repeats a round, so it may not take minutes.
    let field = Field::new(&long().replace("1000", "700"));
    let mut train = field.train();
    train.until("is open");
    let _other = field.join(2, &[]);
    let mut random = 18_u64;
    let mut below = |most: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) % most
    };
    let start = || {
        let mut command = field.worker(1, &["--project", "1", "--keep-seat"]);
        command.env("GLEANER_LOG", "warn,calculator=info");
        Running::start(command)
    };
    // Its memory is wanted back again and again; now and then it has not even time to save.
    let mut said = String::new();
    for index in 0..RECLAIMS {
        let mut worker = start();
        computing(&worker);
        std::thread::sleep(Duration::from_millis(below(600)));
        if index % 4 == 3 {
            worker.until("joined");
            said += worker.stderr();
            worker.kill();
        } else {
            worker.signal("-TERM");
            let ended = worker.end();
            assert_eq!(ended.code, 130, "{ended:?}");
            said += &ended.stderr;
        }
        // A fast machine.
        if said.contains("tokens done") {
            break;
        }
    }
    let went_on: Vec<&str> =
        said.lines().filter(|line| line.contains("a round goes on after so many steps")).collect();
    assert!(went_on.iter().filter(|line| !line.contains("done=0")).count() >= 2, "{said}");
    let mut worker = (!said.contains("tokens done")).then(start);
    if let Some(worker) = &mut worker {
        worker.until("tokens done");
    }
    // Work without a stake is always repeated by another device, from the beginning and without a break: it finds the same bytes.
    let report = train.document();
    assert_report(&report, 2);
    assert_eq!(report["audits"]["failed"], 0, "{report:#}");
    let audits = report["audits"]["passed"].as_u64().unwrap();
    assert!(2 <= audits, "each device's first round at least: {report:#}");
    let account = format!("0x{:040x}", 1);
    let payouts = report["payouts"].as_array().unwrap().iter();
    let own = payouts
        .filter(|payout| payout["account"].as_str().unwrap().to_lowercase() == account)
        .map(|payout| payout["tokens_verified"].as_u64().unwrap());
    assert!(0 < own.sum::<u64>(), "{report:#}");
}

#[test]
fn in_process_says_what_is_lost() {
    let field = Field::new(&project(2, ""));
    let mut train = field.train();
    train.until("is open");
    let mut workers = [1, 2].map(|index| field.join(index, &["--in-process"]));
    for worker in &mut workers {
        worker.until("--in-process: texts and parameters of strangers are computed");
        worker.until("tokens done");
        assert!(children(worker.id()).is_empty());
    }
}
