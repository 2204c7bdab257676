//! Killed at any moment, the file reopens at a whole block.

use crate::chain::{grow, opened};
use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};
use store::Store;

/// Tells the child process what to do; unset in an ordinary run.
const DIRECTORY: &str = "STORE_TEST_CRASH_DIRECTORY";

/// The child: commits blocks for ever, and says so after each.
#[test]
fn child_commits_until_it_is_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let mut stdout = std::io::stdout();
    let store = opened(Path::new(&directory));
    loop {
        let number = grow(&store, 1)[0].header.number;
        writeln!(stdout, "\ncommitted {number}").unwrap();
        stdout.flush().unwrap();
    }
}

struct Writer {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Writer {
    fn start(directory: &OsStr) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::child_commits_until_it_is_killed", "--nocapture"])
            .env(DIRECTORY, directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// The height the child says it has committed next.
    fn next_height(&mut self) -> u64 {
        let mut line = String::new();
        loop {
            line.clear();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "the child ended by itself");
            if let Some(number) = line.trim().strip_prefix("committed ") {
                return number.parse().unwrap();
            }
        }
    }

    /// Kills with SIGKILL; the last height it had time to report.
    fn kill(mut self, last: u64) -> u64 {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        // A line cut short has no newline; it is no report.
        let whole = rest.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole
            .lines()
            .filter_map(|line| line.strip_prefix("committed ")?.parse().ok())
            .fold(last, u64::max)
    }
}

#[test]
fn killed_while_committing_it_reopens_at_a_whole_block() {
    let directory = tempfile::tempdir().unwrap();
    let mut height = 0;
    for iteration in 0..8_u64 {
        let mut writer = Writer::start(directory.path().as_os_str());
        for _ in 0..=iteration % 3 {
            let next = writer.next_height();
            assert_eq!(next, height + 1, "it goes on where it was");
            height = next;
        }
        // The child is somewhere in its next block; another stretch of work here moves the point where it is hit.
        let mut work = 0_u64;
        for round in 0..iteration * 40_000 {
            work = std::hint::black_box(work.wrapping_add(round));
        }
        let reported = writer.kill(height);

        let store = Store::open(directory.path()).unwrap();
        store.verify().unwrap();
        let head = store.reader().unwrap().head().number;
        assert!(head == reported || head == reported + 1, "reported {reported}, found {head}");
        height = head;
    }
}

#[test]
fn killed_while_being_made_it_is_made_again() {
    for iteration in 0..6_u64 {
        let directory = tempfile::tempdir().unwrap();
        let writer = Writer::start(directory.path().as_os_str());
        // As soon as the file appears, at the latest.
        while !directory.path().join("ledger.redb").exists() {
            std::hint::spin_loop();
        }
        let mut work = 0_u64;
        for round in 0..iteration * 100_000 {
            work = std::hint::black_box(work.wrapping_add(round));
        }
        let reported = writer.kill(0);
        let store = opened(directory.path());
        store.verify().unwrap();
        assert!(store.reader().unwrap().head().number >= reported);
    }
}
