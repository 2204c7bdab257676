//! Runs the built binary in a folder of its own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The password of every wallet of these tests.
pub(crate) const PASSWORD: &str = "correct horse";

/// A genesis file: revisions of the rules with the heights at which they begin, and accounts with a million GRAIN each.
pub(crate) fn genesis(revisions: &[(u64, u64)], accounts: &[impl AsRef<str>]) -> Value {
    let revisions = revisions
        .iter()
        .map(|(revision, height)| json!({ "revision": revision, "height": height }));
    let funded = accounts.iter().map(|account| {
        (account.as_ref().to_owned(), json!({ "balance": "1000000000000000000000000" }))
    });
    json!({
        "chain_id": 77,
        "timestamp": 1_700_000_000,
        "gas_limit": 60_000_000,
        "base_fee": { "initial": 1_000_000_000, "minimum": 1_000_000, "change_denominator": 8, "elasticity": 2 },
        "fee_recipient": format!("0x{:040x}", 0),
        "commitment": 2,
        "revisions": revisions.collect::<Vec<_>>(),
        "accounts": funded.collect::<serde_json::Map<_, _>>(),
    })
}

/// A machine with its own home folder and an empty environment.
pub(crate) struct Machine {
    folder: TempDir,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gleaner"));
        command
            .args(args)
            .env_clear()
            .env("GLEANER_HOME", self.folder.path())
            .env("GLEANER_PASSWORD", PASSWORD);
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Finished {
        Finished::of(self.command(args).output().unwrap())
    }

    /// Runs a command, which must succeed, and parses the document on stdout.
    #[track_caller]
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let finished = self.run(&[args, &["--json"]].concat());
        assert_eq!(finished.code, 0, "gleaner {args:?}: {}", finished.stderr);
        serde_json::from_str(&finished.stdout).unwrap()
    }

    /// Returns an account in this machine's wallet, encrypted with a low cost, for tests only.
    pub(crate) fn account(&self) -> String {
        let wallet = wallet::Wallet::at(self.path("wallet")).with_cost(wallet::Cost::THROW_AWAY);
        let id = wallet.create(PASSWORD).unwrap().account.id;
        alloy_primitives::Address::from(*id.as_bytes()).to_checksum(None)
    }

    /// Starts a ledger that begins as `genesis` says.
    pub(crate) fn node_of(&self, genesis: &Value, args: &[&str]) -> RunningNode {
        std::fs::write(self.path("genesis.json"), genesis.to_string()).unwrap();
        self.node(&[args, &["--genesis", "genesis.json"]].concat())
    }

    /// Starts a node on a free port, its data in `node`.
    #[track_caller]
    pub(crate) fn node(&self, args: &[&str]) -> RunningNode {
        let port = if args.contains(&"--rpc") { &[][..] } else { &["--rpc", "127.0.0.1:0"] };
        let all = [&["node", "--json"], port, args].concat();
        let mut child = self.command(&all).stdout(Stdio::piped()).spawn().unwrap();
        let mut document = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // The output ends with the node, so a node that can't start does not block the test.
        while !document.ends_with("\n}\n") {
            let Some(line) = lines.next() else { panic!("the node ended with {:?}", child.wait()) };
            document += &line.unwrap();
            document += "\n";
        }
        let document: Value = serde_json::from_str(&document).unwrap();
        let text = |name: &str| document[name].as_str().unwrap().to_owned();
        let (url, data_dir) = (text("rpc"), text("data_dir").into());
        RunningNode { child, url, data_dir, document }
    }
}

/// A finished command.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().expect("not killed by a signal"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Checks that it ended with `code`, one `error: …` that contains each of `parts`, and nothing on stdout.
    #[track_caller]
    pub(crate) fn assert_fails(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.stdout, "");
        let errors = self.stderr.lines().filter(|line| line.starts_with("error: "));
        assert_eq!(errors.count(), 1, "{}", self.stderr);
        for part in parts {
            assert!(self.stderr.contains(part), "`{}` does not say `{part}`", self.stderr);
        }
    }
}

/// A node that is killed when dropped.
pub(crate) struct RunningNode {
    child: Child,
    /// What it printed when it was ready.
    pub(crate) document: Value,
    pub(crate) url: String,
    pub(crate) data_dir: PathBuf,
}

impl RunningNode {
    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    pub(crate) fn id(&self) -> String {
        self.child.id().to_string()
    }

    /// Kills it with `kill -9`.
    pub(crate) fn kill(mut self) {
        self.kill_now();
    }

    /// Kills it with `kill -9` and keeps the object.
    pub(crate) fn kill_now(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for it to end by itself.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for RunningNode {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the names in a folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
