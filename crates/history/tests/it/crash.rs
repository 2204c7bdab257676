//! Killed at any moment while it is built, it goes on from its last durable step.

use crate::chain::{ACCOUNTS, DEVELOPMENT, Draft, add, catch_up, opened, reader, transfer_log};
use history::{Index, Options};
use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

/// Tells the child process what to do; unset in an ordinary run.
const DIRECTORY: &str = "HISTORY_TEST_CRASH_DIRECTORY";
const BLOCKS: u64 = 90;

/// The child: builds the index, says after each step how far it is, and then waits to be killed.
#[test]
fn child_builds_until_it_is_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let store = opened(Path::new(&directory), DEVELOPMENT);
    let index = Index::open(Path::new(&directory), Options::STANDARD).unwrap();
    let mut stdout = std::io::stdout();
    loop {
        let progress = index.advance(&store.reader().unwrap()).unwrap();
        writeln!(stdout, "\nnext {}", progress.next).unwrap();
        stdout.flush().unwrap();
        if !progress.is_behind {
            std::thread::park();
        }
    }
}

struct Builder {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Builder {
    fn start(directory: &OsStr) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::child_builds_until_it_is_killed", "--nocapture"])
            .env(DIRECTORY, directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// How far the child says it is after its next step.
    fn next(&mut self) -> u64 {
        let mut line = String::new();
        loop {
            line.clear();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "the child ended by itself");
            if let Some(next) = line.trim().strip_prefix("next ") {
                return next.parse().unwrap();
            }
        }
    }
}

#[test]
fn killed_while_it_is_built_it_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path(), DEVELOPMENT);
    let logs = (0..100).map(|at| transfer_log(ACCOUNTS[3], ACCOUNTS[1], ACCOUNTS[2], at));
    let draft = Draft::logs(ACCOUNTS[1], logs.collect());
    // Some 4,500 entries a block: a step takes four of them, and every fourth step is synced.
    (0..BLOCKS).for_each(|_| add(&store, 0, &vec![draft.clone(); 5]));
    drop(store);
    let mut resumed_at = Vec::new();
    for steps in [1, 6, 5] {
        let mut builder = Builder::start(directory.path().as_os_str());
        let start = builder.next();
        resumed_at.push(start);
        // The child is somewhere in a later step when it is hit.
        let reached = (1..steps).fold(start, |_, _| builder.next());
        assert!(reached < BLOCKS, "it was not at the end");
        builder.child.kill().unwrap();
        builder.child.wait().unwrap();
    }
    assert!(resumed_at.is_sorted(), "{resumed_at:?}: what is on the disk stays");
    assert!(resumed_at[2] > 16, "{resumed_at:?}: it goes on from there");

    let store = opened(directory.path(), DEVELOPMENT);
    let index = Index::open(directory.path(), Options::STANDARD).unwrap();
    let view = index.snapshot().unwrap().unwrap().view(reader(&store)).unwrap();
    let last = view.coverage().last;
    assert!((16..BLOCKS).contains(&last), "{last}");
    catch_up(&index, &store);
    drop(index);
    // As if it had never been killed.
    let other = tempfile::tempdir().unwrap();
    let untouched = Index::open(other.path(), Options::STANDARD).unwrap();
    catch_up(&untouched, &store);
    let index = Index::open(directory.path(), Options::STANDARD).unwrap();
    let lists = |index: &Index| {
        let view = index.snapshot().unwrap().unwrap().view(reader(&store)).unwrap();
        assert!(view.coverage().is_whole());
        let mut found = Vec::new();
        let mut before = None;
        loop {
            let request = history::PageRequest { before, limit: 100 };
            let page = view.transfers(&ACCOUNTS[1], request).unwrap();
            found.extend(page.items.iter().map(|entry| (entry.position, entry.log_index)));
            before = page.next;
            if before.is_none() || found.len() >= 3_000 {
                return found;
            }
        }
    };
    let found = lists(&index);
    assert_eq!(found.len(), 3_000);
    assert_eq!(found, lists(&untouched));
}
