//! A process killed at any moment leaves a file that reopens at a whole block.

use crate::chain::{grow, opened};
use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};
use store::Store;

/// Set only in the child process: its directory.
const DIRECTORY: &str = "STORE_TEST_CRASH_DIRECTORY";

/// The child process: commits blocks for ever, and reports each.
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

    /// Waits for the child's next report and returns its height.
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

    /// Kills the child with SIGKILL; returns the last reported height.
    fn kill(mut self, last: u64) -> u64 {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        // A line without newline is incomplete and not a report.
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
            assert_eq!(next, height + 1, "it continues with the next block");
            height = next;
        }
        // The child is writing its next block; different amounts of work here vary the time of the kill.
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
        // Waits at most until the file appears.
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
