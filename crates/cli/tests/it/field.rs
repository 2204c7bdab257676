//! A ledger, a trainer and workers in processes of their own, with a model so small that a round takes a moment.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Finished, Machine, RunningNode};

/// Longer than any step here on a busy machine, and shorter than the deadlines of [`project`]: a run that only
/// continues at a deadline fails.
const PATIENCE: Duration = Duration::from_secs(100);

/// Returns a project of `rounds` rounds; `terms` are lines of its `[terms]`.
pub(crate) fn project(rounds: u32, terms: &str) -> String {
    format!(
        "name = 'barley'\ncorpus = 'corpus.txt'\n\
         [model]\nlayers = 1\nwidth = 32\nheads = 2\ncontext = 32\nhidden = 64\n\
         [training]\nrounds = {rounds}\nsteps_per_round = 3\nwarmup_steps = 3\nbatch = 4\nseed = 5\n\
         [terms]\nworkers_min = 2\nworkers_max = 2\nround_seconds = 600\naudit_seconds = 600\nrelay_fee = '0'\n{terms}"
    )
}

/// Writes a text regular enough that a few steps lower the loss.
pub(crate) fn write_corpus(path: &Path, lines: usize) {
    let who = ["the miller", "a child", "her neighbour", "the old man", "the widow"];
    let does = ["gathers", "carries", "counts", "leaves", "finds", "keeps", "shares"];
    let what = ["the barley", "what is left", "a handful of grain", "the last sheaf"];
    let line = |index: usize| {
        let (who, does) = (who[index % who.len()], does[index / 2 % does.len()]);
        format!("{who} {does} {}, {index}.\n", what[index / 3 % what.len()])
    };
    fs::write(path, (0..lines).map(line).collect::<String>()).unwrap();
}

/// A node, and a funded account that can train the project in `project.toml`.
pub(crate) struct Field {
    pub(crate) machine: Machine,
    pub(crate) node: RunningNode,
}

impl Field {
    #[track_caller]
    pub(crate) fn new(project: &str) -> Self {
        let machine = Machine::new();
        let owner = machine.account();
        write_corpus(&machine.path("corpus.txt"), 1000);
        fs::write(machine.path("project.toml"), project).unwrap();
        let node = machine.node(&["--fund", &format!("{owner}=1000")]);
        Self { machine, node }
    }

    /// Kills the node with `kill -9` and starts it again.
    #[track_caller]
    pub(crate) fn restart_node(&mut self) {
        let address = self.node.address().to_owned();
        self.node.kill_now();
        self.node = self.machine.node(&["--rpc", &address]);
    }

    pub(crate) fn train(&self) -> Running {
        let args = ["train", "project.toml", "--json", "--rpc", &self.node.url];
        Running::start(self.machine.command(&args))
    }

    /// Starts worker number `index`, with a key and an account of its own: devices of one account don't audit each other.
    pub(crate) fn join(&self, index: u8, flags: &[&str]) -> Running {
        self.join_project(index, "1", flags)
    }

    /// As [`Self::join`], for another project than the first.
    pub(crate) fn join_project(&self, index: u8, project: &str, flags: &[&str]) -> Running {
        self.join_any(index, &[&["--project", project], flags].concat())
    }

    /// Starts a worker that chooses its projects.
    pub(crate) fn join_any(&self, index: u8, flags: &[&str]) -> Running {
        Running::start(self.worker(index, flags))
    }

    /// Returns the command that starts worker number `index`.
    pub(crate) fn worker(&self, index: u8, flags: &[&str]) -> Command {
        let folder = self.machine.path(&format!("worker-{index}"));
        if !folder.exists() {
            fs::create_dir(&folder).unwrap();
            wallet::DeviceKey::store(&folder.join("device.key"), &[index; 32]).unwrap();
        }
        let (folder, account) = (folder.to_str().unwrap(), format!("0x{index:040x}"));
        let args = ["join", "--account", &account, "--rpc", &self.node.url];
        let args = [&args[..], &["--data-dir", folder, "--stop-with-stdin", "--json"], flags];
        self.machine.command(&args.concat())
    }
}

/// A running command; killed when dropped.
pub(crate) struct Running {
    child: Child,
    said: mpsc::Receiver<String>,
    stdout: Option<JoinHandle<String>>,
    stderr: String,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let stdout = thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).unwrap();
            text
        });
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (say, said) = mpsc::channel();
        thread::spawn(move || {
            for line in stderr.lines() {
                // The test may have failed already.
                let _ = say.send(line.unwrap());
            }
        });
        Self { child, said, stdout: Some(stdout), stderr: String::new() }
    }

    /// Waits until it has printed `words` on stderr.
    #[track_caller]
    pub(crate) fn until(&mut self, words: &str) {
        loop {
            let Ok(line) = self.said.recv_timeout(PATIENCE) else {
                panic!("it never said `{words}`, but: {}", self.stderr)
            };
            self.stderr += &line;
            self.stderr.push('\n');
            if line.contains(words) {
                return;
            }
        }
    }

    /// Kills it with `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Interrupts it with `kill -INT`.
    pub(crate) fn interrupt(&self) {
        self.signal("-INT");
    }

    /// Sends it a signal, such as `-TERM`.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// What was read of its stderr so far.
    pub(crate) fn stderr(&self) -> &str {
        &self.stderr
    }

    /// Waits for it to end by itself.
    #[track_caller]
    pub(crate) fn end(mut self) -> Finished {
        loop {
            match self.said.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.stderr += &line;
                    self.stderr.push('\n');
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs: {}", self.stderr),
            }
        }
        let code = self.child.wait().unwrap().code().expect("not killed by a signal");
        let stdout = self.stdout.take().unwrap().join().unwrap();
        Finished { code, stdout, stderr: std::mem::take(&mut self.stderr) }
    }

    /// Waits for a successful end, and parses the document on stdout.
    #[track_caller]
    pub(crate) fn document(self) -> Value {
        let finished = self.end();
        assert_eq!(finished.code, 0, "{}", finished.stderr);
        serde_json::from_str(&finished.stdout).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Checks what must hold of every finished run: all keys exist, and the amounts add up.
#[track_caller]
pub(crate) fn assert_report(document: &Value, rounds: u32) {
    let keys = [
        (
            "run",
            "id rounds_completed tokens_verified loss_initial loss_final model_path model_digest",
        ),
        ("traffic", "update_bytes_up update_bytes_down fp32_every_step_bytes"),
        ("audits", "performed passed failed"),
        ("escrow", "deposited paid refunded"),
    ];
    for (section, names) in keys {
        for name in names.split(' ') {
            assert!(!document[section][name].is_null(), "no {section}.{name} in {document:#}");
        }
    }
    let payouts = document["payouts"].as_array().unwrap();
    for payout in payouts {
        for name in ["account", "device", "tokens_verified", "paid"] {
            assert!(!payout[name].is_null(), "no {name} in {payout:#}");
        }
    }
    let run = &document["run"];
    assert_eq!(run["rounds_completed"], rounds);
    assert!(run["loss_final"].as_f64().unwrap() < run["loss_initial"].as_f64().unwrap(), "{run:#}");
    let tokens = payouts.iter().map(|payout| payout["tokens_verified"].as_u64().unwrap());
    assert_eq!(tokens.sum::<u64>(), run["tokens_verified"].as_u64().unwrap(), "{document:#}");
    let escrow = &document["escrow"];
    let paid = amount(&escrow["paid"]);
    assert_eq!(amount(&escrow["deposited"]), paid + amount(&escrow["refunded"]), "{escrow:#}");
    assert_eq!(payouts.iter().map(|payout| amount(&payout["paid"])).sum::<u128>(), paid);
    assert!(0 < paid, "{escrow:#}");
}

/// Returns a decimal string of the smallest unit.
#[track_caller]
pub(crate) fn amount(value: &Value) -> u128 {
    value.as_str().unwrap().parse().unwrap()
}

/// Returns command lines of processes that contain `folder`; none on systems without `/proc`.
pub(crate) fn processes_in(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let lines = entries.filter_map(|entry| fs::read(entry.unwrap().path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(folder)).collect()
}
