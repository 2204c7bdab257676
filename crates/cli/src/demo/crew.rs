//! The demo's workers: processes of this program that always end with it.
//!
//! A worker's stdin is a pipe that only the demo holds. When the demo ends, even by `kill -9`, the pipe is closed and
//! the worker stops. Workers are in process groups of their own, so that Ctrl-C reaches only the demo, which then
//! stops them.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::Context as _;
use model::instructions::Isa;
use units::{AccountId, DeviceId};
use wallet::DeviceKey;

/// How long a worker may take to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(5);
const STOP_POLL: Duration = Duration::from_millis(20);

/// The options of one worker.
pub(super) struct Post<'a> {
    pub(super) rpc: &'a str,
    pub(super) run: u64,
    pub(super) account: AccountId,
    pub(super) folder: PathBuf,
    pub(super) part: Part,
    pub(super) isa: Isa,
}

/// What a worker of the demo does.
pub(super) enum Part {
    /// The assigned work.
    Honest,
    /// It makes its work up.
    Cheat,
    /// It makes its work up, and vouches for others that do.
    Colluder {
        /// Folder in which they tell each other their roots.
        shared: PathBuf,
    },
}

/// The running workers.
#[derive(Default)]
pub(super) struct Crew {
    children: BTreeMap<DeviceId, Child>,
}

impl Crew {
    /// Starts a worker; its messages go to `worker.log` in its folder.
    pub(super) fn start(&mut self, device: DeviceId, post: &Post<'_>) -> anyhow::Result<()> {
        fs::create_dir_all(&post.folder)
            .with_context(|| format!("{} can't be created", post.folder.display()))?;
        let log = post.folder.join("worker.log");
        let log =
            File::create(&log).with_context(|| format!("{} can't be written", log.display()))?;
        let program = std::env::current_exe().context("this program's own path is unknown")?;
        let mut command = Command::new(program);
        command
            .arg("join")
            .args([
                "--rpc",
                post.rpc,
                "--project",
                &post.run.to_string(),
                "--account",
                &post.account.to_string(),
            ])
            .arg("--data-dir")
            .arg(&post.folder)
            .args(["--threads", "1", "--isa", &post.isa.to_string(), "--stop-with-stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log);
        match &post.part {
            Part::Honest => {}
            Part::Cheat => {
                command.args(["--misbehave", "made-up"]);
            }
            Part::Colluder { shared } => {
                command.args(["--misbehave", "colluder", "--accomplices"]).arg(shared);
            }
        }
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().context("a worker process can't be started")?;
        self.children.insert(device, child);
        Ok(())
    }

    /// Kills a worker, as a power cut would.
    pub(super) fn kill(&mut self, device: &DeviceId) -> anyhow::Result<()> {
        if let Some(mut child) = self.children.remove(device) {
            child.kill().context("a worker can't be killed")?;
            child.wait().context("a killed worker can't be waited for")?;
        }
        Ok(())
    }

    /// Returns the workers that ended by themselves since the last call, with their exit status.
    pub(super) fn ended(&mut self) -> Vec<(DeviceId, String)> {
        let mut ended = Vec::new();
        for (device, child) in &mut self.children {
            if let Ok(Some(status)) = child.try_wait() {
                ended.push((*device, status.to_string()));
            }
        }
        for (device, _) in &ended {
            self.children.remove(device);
        }
        ended
    }

    /// Stops all workers: first by request, then by force.
    pub(super) fn stop(&mut self) {
        for child in self.children.values_mut() {
            drop(child.stdin.take());
        }
        let polls = STOP_PATIENCE.as_millis() / STOP_POLL.as_millis();
        for _ in 0..polls {
            self.ended();
            if self.children.is_empty() {
                return;
            }
            thread::sleep(STOP_POLL);
        }
        for (_, mut child) in std::mem::take(&mut self.children) {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Returns the device key of the demo's worker number `index`, derived from the seed, so that two demos train the
/// same model.
///
/// For temporary ledgers only: anyone who knows the seed knows the key.
pub(super) fn device_seed(seed: u64, index: usize) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("gleaner 2026 demo device v1");
    hasher.update(&seed.to_le_bytes());
    hasher.update(&index.to_le_bytes());
    *hasher.finalize().as_bytes()
}

/// Writes a worker's key to its folder; returns the device.
pub(super) fn give_key(folder: &Path, seed: &[u8; 32]) -> anyhow::Result<DeviceId> {
    fs::create_dir_all(folder).with_context(|| format!("{} can't be created", folder.display()))?;
    let path = folder.join("device.key");
    Ok(DeviceKey::store(&path, seed)?.device())
}

/// Returns the folder of worker number `index`.
pub(super) fn folder(root: &Path, index: usize) -> PathBuf {
    root.join(format!("worker-{}", index.saturating_add(1)))
}
