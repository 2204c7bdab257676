//! `gleaner join` from outside: what it chooses, refuses and says, and how it ends.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::field::{Field, Running, project};

/// How long a worker may take to leave, and the time that a busy machine needs to end a process.
const LEAVING_MAX: Duration = Duration::from_secs(2);

#[test]
fn a_folder_has_one_worker() {
    let field = Field::new(&project(3, ""));
    let mut train = field.train();
    train.until("is open");
    let mut first = field.join(1, &[]);
    first.until("joins project 1");
    let second = field.join(1, &[]).end();
    second.assert_fails(1, &["another gleaner join works in folder", "--data-dir"]);
}

#[test]
fn a_copied_device_key_is_told() {
    let field = Field::new(&project(3, ""));
    let mut train = field.train();
    train.until("is open");
    let mut first = field.join(1, &[]);
    first.until("joined");
    // Another machine with the same key: a folder of its own, and the key of the first.
    let copy = field.machine.path("worker-9");
    fs::create_dir(&copy).unwrap();
    fs::copy(field.machine.path("worker-1").join("device.key"), copy.join("device.key")).unwrap();
    let mut second = field.join(9, &[]);
    second.until("joins project 1");
    let first = first.end();
    first.assert_fails(1, &["has connected with this device's key", "device.key"]);
    // The other one goes on.
    let third = field.join(2, &[]);
    train.until("round 1 done");
    drop((second, third));
}

#[test]
fn joining_says_what_can_be_expected() {
    let field = Field::new(&project(20, ""));
    let mut train = field.train();
    train.until("is open");
    let mut worker = field.join(1, &[]);
    worker.until("project 1: 20 of 20 rounds left");
    worker.until("joined");
    let text = worker.stderr().to_owned();
    for part in [
        "GRAIN a million tokens",
        "tokens a second",
        "GRAIN an hour in all",
        "the pay of the first 13 rounds is held back until it ends or this device leaves: about",
        "then each round is paid: about",
        "with 0.06 repeated rounds of others for each own one",
    ] {
        assert!(text.contains(part), "`{text}` does not say `{part}`");
    }
}

#[test]
fn what_the_owner_does_not_want_is_refused() {
    let field = Field::new(&project(3, ""));
    let mut train = field.train();
    train.until("is open");
    let check = |flags: &[&str], parts: &[&str]| field.join(1, flags).end().assert_fails(1, parts);
    check(&["--min-per-hour", "1000000"], &["it would pay about", "--min-per-hour"]);
    check(&["--memory", "30"], &["bytes of memory", "--memory"]);
    check(&["--disk", "0"], &["may be kept on disk", "--disk"]);
    let unseated = train;
    drop(unseated);
}

#[test]
fn a_dead_project_is_skipped_and_the_next_one_worked_for() {
    let field = Field::new(&project(3, ""));
    // It pays best, and its trainer is gone.
    let rich = project(3, "price_per_million_tokens = '900'\n");
    fs::write(field.machine.path("rich.toml"), rich.replace("barley", "oats")).unwrap();
    let args = ["train", "rich.toml", "--json", "--rpc", &field.node.url];
    let mut dead = Running::start(field.machine.command(&args));
    dead.until("project 1 is open");
    dead.kill();
    let mut train = field.train();
    train.until("project 2 is open");
    let mut workers = [1, 2].map(|index| field.join_any(index, &[]));
    for worker in &mut workers {
        worker.until("project 1 is skipped for now");
        worker.until("joins project 2");
    }
    train.until("round 2 done");
}

#[test]
fn a_project_that_does_not_fit_is_skipped_and_the_next_one_worked_for() {
    let field = Field::new(&project(3, ""));
    let large = project(3, "price_per_million_tokens = '900'\n");
    let large = large.replace("layers = 1\nwidth = 32", "layers = 8\nwidth = 256");
    fs::write(field.machine.path("large.toml"), large.replace("barley", "oats")).unwrap();
    let args = ["train", "large.toml", "--json", "--rpc", &field.node.url];
    let mut large = Running::start(field.machine.command(&args));
    large.until("project 1 is open");
    let mut train = field.train();
    train.until("project 2 is open");
    let mut workers = [1, 2].map(|index| field.join_any(index, &["--memory", "90"]));
    for worker in &mut workers {
        worker.until("project 1 is skipped for now");
        worker.until("joins project 2");
    }
    train.until("round 2 done");
}

#[test]
fn a_worker_that_dials_leaves_at_once() {
    let field = Field::new(&project(3, ""));
    let mut train = field.train();
    train.until("is open");
    train.kill();
    for signal in signals() {
        let mut worker = field.join(1, &[]);
        worker.until("trying again");
        assert_leaves_at_once(worker, signal);
    }
}

#[test]
fn a_worker_that_trains_leaves_at_once() {
    let field = Field::new(&project(50, "workers_max = 3\n").replace("workers_max = 2\n", ""));
    let mut train = field.train();
    train.until("is open");
    let _others = [field.join(1, &[]), field.join(2, &[])];
    for signal in signals() {
        let mut worker = field.join(3, &[]);
        worker.until("started");
        assert_leaves_at_once(worker, signal);
    }
}

/// Signals that end a worker. One that was started to outlive its terminal, as these are when the tests are (by nohup), goes on.
fn signals() -> Vec<&'static str> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let ends_with_the_terminal = ignored.is_some_and(|mask| mask & 1 == 0);
    let mut signals = vec!["-INT", "-TERM"];
    signals.extend(ends_with_the_terminal.then_some("-HUP"));
    signals
}

fn assert_leaves_at_once(worker: Running, signal: &str) {
    let begun = now();
    worker.signal(signal);
    let finished = worker.end();
    assert_eq!(finished.code, 130, "{signal}: {finished:?}");
    assert!(begun.elapsed() < LEAVING_MAX, "{signal} took {:?}", begun.elapsed());
    assert_is_plain(&finished.stderr);
}

/// Nothing that only a developer understands, and nothing twice.
fn assert_is_plain(stderr: &str) {
    for noise in ["Endpoint dropped", "timed out: timed out", "Aborting"] {
        assert!(!stderr.contains(noise), "{stderr}");
    }
}

#[expect(clippy::disallowed_methods, reason = "how soon a process ends is what is tested")]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn a_silent_ledger_does_not_hold_a_stopped_worker() {
    let field = Field::new(&project(3, ""));
    // Accepts connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let account = format!("0x{:040x}", 1);
    let args = ["join", "--account", &account, "--rpc", &url];
    let worker = Running::start(field.machine.command(&args));
    std::thread::sleep(Duration::from_millis(500));
    let begun = now();
    worker.signal("-TERM");
    assert_eq!(worker.end().code, 130);
    assert!(begun.elapsed() < LEAVING_MAX, "{:?}", begun.elapsed());
}

#[test]
fn a_device_that_was_dropped_says_so_and_comes_back() {
    let terms = "quorum_bps = 6000\n";
    let project = project(60, terms)
        .replace("workers_max = 2", "workers_max = 3")
        .replace("workers_min = 2", "workers_min = 3")
        .replace("round_seconds = 600", "round_seconds = 3");
    let field = Field::new(&project);
    let mut train = field.train();
    train.until("is open");
    let _others = [field.join(1, &[]), field.join(2, &[])];
    // Each of its commitments comes a round too late, as from a machine that is too slow.
    let mut slow = field.join(3, &["--misbehave", "late"]);
    slow.until("has dropped this device");
    slow.until("joined");
    drop(train);
}

#[test]
fn a_full_disk_ends_the_worker_with_the_reason() {
    let field = Field::new(&project(3, ""));
    let mut train = field.train();
    train.until("is open");
    let _other = field.join(1, &[]);
    // No file of it may have more than 8 KiB: a shard has more, as on a disk without space.
    let worker = field.worker(2, &["--project", "1"]);
    let mut limited = Command::new("bash");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""]);
    limited.arg(worker.get_program()).args(worker.get_args()).env_clear();
    let finished = Running::start(limited).end();
    finished.assert_fails(1, &["can't be written: free some disk space", "shards"]);
    assert_eq!(
        finished.stderr.matches("joined").count(),
        1,
        "it does not come back: {}",
        finished.stderr
    );
}
