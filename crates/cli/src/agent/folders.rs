//! Where the agent keeps what.
//!
//! With `GLEANER_HOME` everything is there. Else limits are below `XDG_CONFIG_HOME`, the socket below `XDG_RUNTIME_DIR`, and the rest in gleaner's data folder.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::failure::Hint as _;
use crate::paths;
use crate::shell::variable;

/// Socket of the agent of the whole machine.
pub(crate) const SYSTEM_SOCKET: &str = "/var/lib/gleaner/agent/agent.sock";

/// Folders and files of the agent.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    /// The file of limits.
    pub(crate) config: PathBuf,
    /// The socket; its folder is the agent's alone.
    pub(crate) socket: PathBuf,
    /// What it said last, beside the socket.
    pub(crate) status: PathBuf,
    /// A file that is locked while an agent runs.
    pub(crate) lock: PathBuf,
    /// A pause that outlives it.
    pub(crate) pause: PathBuf,
    /// What the work took and brought.
    pub(crate) books: PathBuf,
    /// What its account said last.
    pub(crate) orders: PathBuf,
    /// The worker's folder.
    pub(crate) worker: PathBuf,
}

impl Folders {
    /// Finds them.
    ///
    /// # Errors
    /// When the environment says no folder.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let home = paths::home()?;
        let usual = Self::below(&home);
        if variable("GLEANER_HOME").is_some() {
            return Ok(usual);
        }
        let xdg = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let config = match xdg("XDG_CONFIG_HOME") {
            Some(folder) => folder.join("gleaner"),
            None => user_folder()?.join(".config/gleaner"),
        };
        let usual = Self { config: config.join("agent.toml"), ..usual };
        Ok(match xdg("XDG_RUNTIME_DIR").map(|folder| folder.join("gleaner")) {
            Some(runtime) => Self {
                socket: runtime.join("agent.sock"),
                status: runtime.join("status.json"),
                ..usual
            },
            None => usual,
        })
    }

    /// Returns those of an agent that keeps everything below `home`.
    pub(crate) fn below(home: &Path) -> Self {
        Self {
            config: home.join("agent.toml"),
            socket: home.join("agent/agent.sock"),
            status: home.join("agent/status.json"),
            lock: home.join("agent.lock"),
            pause: home.join("agent-pause.json"),
            books: home.join("agent-books.json"),
            orders: home.join("agent-orders.json"),
            worker: home.join("worker"),
        }
    }

    /// Returns where books are put aside that can't be read.
    pub(crate) fn damaged_books(&self) -> PathBuf {
        self.books.with_extension("damaged")
    }

    /// Returns where an agent may answer, the likeliest place first: what is started at login has a runtime folder, and a command over SSH or from cron may have none.
    ///
    /// # Errors
    /// As [`paths::home`].
    pub(crate) fn sockets(&self) -> anyhow::Result<Vec<PathBuf>> {
        let usual = Self::below(&paths::home()?).socket;
        let runtime = (variable("GLEANER_HOME").is_none()).then(runtime_folder).flatten();
        let runtime = runtime.map(|folder| folder.join("gleaner/agent.sock"));
        let system = PathBuf::from(SYSTEM_SOCKET);
        Ok([Some(self.socket.clone()), Some(usual), runtime, Some(system)]
            .into_iter()
            .flatten()
            .collect())
    }

    /// Returns the given file of limits, or the usual one.
    pub(crate) fn config_or(&self, given: Option<PathBuf>) -> PathBuf {
        // The agent's file is compared with that of a command that was started in another folder.
        given.map_or_else(|| self.config.clone(), |path| std::path::absolute(&path).unwrap_or(path))
    }
}

/// Returns the folder that systems make for what a user runs, whether or not the environment names it.
#[cfg(target_os = "linux")]
fn runtime_folder() -> Option<PathBuf> {
    use std::os::unix::fs::MetadataExt as _;
    let user = std::fs::metadata("/proc/self").ok()?.uid();
    Some(PathBuf::from(format!("/run/user/{user}"))).filter(|folder| folder.is_dir())
}

/// Returns none: the agent runs on Linux only.
#[cfg(not(target_os = "linux"))]
fn runtime_folder() -> Option<PathBuf> {
    None
}

/// Returns the user's home folder.
///
/// # Errors
/// When `HOME` is not set.
pub(crate) fn user_folder() -> anyhow::Result<PathBuf> {
    let home = variable("HOME").map(PathBuf::from);
    home.context(
        "there is no configuration folder: GLEANER_HOME, XDG_CONFIG_HOME and HOME are not set",
    )
    .hint("export GLEANER_HOME=/a/folder/of/yours")
}
