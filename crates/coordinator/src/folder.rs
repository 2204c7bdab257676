//! The coordinator's files, from which a run continues after a crash.
//!
//! ```text
//! <folder>/coordinator.key   network identity, 32 bytes, mode 0600
//! <folder>/run.json          the run and ledger of this folder
//! <folder>/in-use            held by the process that drives the run, and names it
//! <folder>/states/<digest>   the parameters after a round and the outer step's own state
//! <folder>/updates/<digest>  the outer update that led to a state from the one before
//! <folder>/pieces/<digest>   specification, manifest and shards of a run that was taken over without its corpus
//! ```
//!
//! A state and the update that led to it are on disk *before* their digests are on the ledger. Only the newest states stay,
//! and those from which updates lead to the older ones that audits and disputes may need (`chain`).

use std::{
    collections::BTreeSet,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use units::Digest;

use crate::chain::Held;

/// Number of newest states that are kept whole, so that a new run can start from them.
pub(crate) const STATES_KEPT_MAX: usize = 6;

/// Magic and version at the beginning of a state file.
const STATE_MAGIC: &[u8; 8] = b"GLNRST01";

/// Why the folder could not be used.
#[derive(Debug, Error)]
pub enum FolderError {
    /// Reading or writing failed.
    #[error("{path} can't be used: check that the disk has free space and that you may write to the folder", path = .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Another process drives the run of this folder.
    #[error("folder {path} is in use by {holder}: stop it, or use another --data-dir", path = .path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
        /// The process, as far as it is known.
        holder: String,
    },
    /// The operating system gave no random bytes.
    #[error("no random bytes for a new key: {reason}")]
    NoRandomness {
        /// The error of the operating system.
        reason: String,
    },
    /// A file is damaged, or of another program.
    #[error("{path} is damaged ({reason}): restore it, or start again with another --data-dir", path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The error.
        reason: String,
    },
}

/// The run that a folder drives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Chain id of the ledger.
    pub chain_id: u64,
    /// The run's id on the ledger.
    pub run: u64,
    /// Digest of the run's specification, to detect another project in the same folder.
    pub spec: String,
    /// Hash of the ledger's first block; folders of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genesis: Option<String>,
    /// The specification, so that a change of it can be named; folders of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub specification: Option<serde_json::Value>,
    /// Key of the coordinator that drove it from this folder; folders of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinator: Option<String>,
    /// Where the run began, if it started from a state of an earlier run of this folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewound: Option<Rewound>,
}

/// The beginning of a run that continues an earlier one from one of its states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewound {
    /// The earlier run.
    pub run: u64,
    /// Rounds of the earlier run that are kept.
    pub rounds: u32,
    /// Rounds of the project that are done before this run begins, over all earlier runs.
    pub rounds_before: u32,
}

/// Parameters after a round, with the state of the outer step for the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Raw little-endian parameters; their digest is the state digest.
    pub parameters: Vec<u8>,
    /// Outer momentum, as `verification` encodes it.
    pub outer: Vec<u8>,
}

impl State {
    /// Returns a state whose outer step has no momentum.
    pub(crate) fn at_rest(parameters: Vec<u8>) -> Self {
        let outer = vec![0; parameters.len()];
        Self { parameters, outer }
    }

    /// Returns the state digest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.parameters)
    }
}

/// A coordinator's folder.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
    /// Locked until the last clone is dropped, or the process ends.
    _lock: Arc<fs::File>,
}

impl Folder {
    /// Opens the folder for this process alone, and creates it if needed.
    ///
    /// # Errors
    /// When it can't be created, or another process has it open.
    pub fn open(root: &Path) -> Result<Self, FolderError> {
        for name in ["states", "updates", "pieces"] {
            let path = root.join(name);
            fs::create_dir_all(&path).map_err(|source| FolderError::Io { path, source })?;
        }
        Ok(Self { root: root.to_owned(), _lock: Arc::new(lock(root)?) })
    }

    /// Returns the folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Returns the path of the finished model.
    #[must_use]
    pub fn model_path(&self) -> PathBuf {
        self.root.join("model")
    }

    /// Returns the run of this folder, if there is one.
    ///
    /// # Errors
    /// When the record can't be read or is damaged.
    pub fn run(&self) -> Result<Option<RunRecord>, FolderError> {
        let path = self.root.join("run.json");
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| FolderError::Damaged { path, reason: error.to_string() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(FolderError::Io { path, source }),
        }
    }

    /// Moves the model of an earlier run aside.
    ///
    /// # Errors
    /// When it can't be moved.
    pub fn set_model_aside(&self, run: u64) -> Result<(), FolderError> {
        let (path, aside) = (self.model_path(), self.root.join(format!("model-of-run-{run}")));
        match fs::rename(&path, aside) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(FolderError::Io { path, source })
            }
            _ => Ok(()),
        }
    }

    /// Records the run of this folder.
    ///
    /// # Errors
    /// When the record can't be written.
    pub fn keep_run(&self, record: &RunRecord) -> Result<(), FolderError> {
        let bytes = serde_json::to_vec_pretty(record).expect("a flat record always encodes");
        write_whole(&self.root.join("run.json"), &bytes)
    }

    /// Writes a state.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn keep_state(&self, state: &State) -> Result<(), FolderError> {
        let size = (state.parameters.len() as u64).to_le_bytes();
        let outer = Digest::of(&state.outer);
        let parts: [&[u8]; 5] =
            [STATE_MAGIC, &size, outer.as_bytes(), &state.parameters, &state.outer];
        write_parts(&self.state_path(&state.digest()), &parts)
    }

    /// Writes an outer update.
    ///
    /// # Errors
    /// When the file can't be written.
    pub(crate) fn keep_update(&self, update: &[u8]) -> Result<(), FolderError> {
        write_whole(&self.update_path(&Digest::of(update)), update)
    }

    /// Reads an outer update and checks its digest.
    ///
    /// # Errors
    /// When it is missing or damaged.
    pub(crate) fn update(&self, digest: &Digest) -> Result<Vec<u8>, FolderError> {
        let path = self.update_path(digest);
        let bytes =
            fs::read(&path).map_err(|source| FolderError::Io { path: path.clone(), source })?;
        if Digest::of(&bytes) != *digest {
            let reason = "its digest does not match".to_owned();
            return Err(FolderError::Damaged { path, reason });
        }
        Ok(bytes)
    }

    /// Writes a part of the project.
    ///
    /// # Errors
    /// When the file can't be written.
    pub(crate) fn keep_piece(&self, piece: &[u8]) -> Result<(), FolderError> {
        write_whole(&self.piece_path(&Digest::of(piece)), piece)
    }

    /// Returns a part of the project, unless it is missing or damaged.
    pub(crate) fn piece(&self, digest: &Digest) -> Option<Vec<u8>> {
        fs::read(self.piece_path(digest)).ok().filter(|bytes| Digest::of(bytes) == *digest)
    }

    /// Reads a state and checks its digest.
    ///
    /// # Errors
    /// When it is missing or damaged.
    pub fn state(&self, digest: &Digest) -> Result<State, FolderError> {
        let path = self.state_path(digest);
        let bytes =
            fs::read(&path).map_err(|source| FolderError::Io { path: path.clone(), source })?;
        let damaged =
            |reason: &str| FolderError::Damaged { path: path.clone(), reason: reason.to_owned() };
        let (head, rest) =
            bytes.split_at_checked(48).ok_or_else(|| damaged("shorter than its header"))?;
        if &head[..8] != STATE_MAGIC {
            return Err(damaged("not a state file"));
        }
        let length = u64::from_le_bytes(head[8..16].try_into().expect("eight bytes"));
        let length = usize::try_from(length).map_err(|_| damaged("length out of range"))?;
        let (parameters, outer) =
            rest.split_at_checked(length).ok_or_else(|| damaged("cut short"))?;
        let state = State { parameters: parameters.to_vec(), outer: outer.to_vec() };
        if state.digest() != *digest || Digest::of(&state.outer).as_bytes() != &head[16..48] {
            return Err(damaged("its digest does not match"));
        }
        Ok(state)
    }

    /// Returns the digests of the states on disk that are whole.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn states(&self) -> Result<Vec<Digest>, FolderError> {
        let names = self.held()?.states;
        Ok(names.into_iter().filter(|digest| self.state(digest).is_ok()).collect())
    }

    /// Returns the digests of the states and updates on disk, some of which may be damaged.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub(crate) fn held(&self) -> Result<Held, FolderError> {
        let names = |name: &str| -> Result<BTreeSet<Digest>, FolderError> {
            let files = files(&self.root.join(name))?;
            let names = files.iter().filter_map(|(_, path)| path.file_name()?.to_str());
            Ok(names.filter_map(|name| name.parse().ok()).collect())
        };
        Ok(Held { states: names("states")?, updates: names("updates")? })
    }

    /// Removes the oldest states beyond the newest `STATES_KEPT_MAX`, and all updates, but none that are needed.
    ///
    /// # Errors
    /// When a file can't be removed.
    pub(crate) fn forget(&self, needed: &Held) -> Result<(), FolderError> {
        let states = files(&self.root.join("states"))?;
        let surplus = states.len().saturating_sub(STATES_KEPT_MAX);
        let keep: BTreeSet<_> = needed.states.iter().map(|it| self.state_path(it)).collect();
        let old = states.into_iter().take(surplus).filter(|(_, path)| !keep.contains(path));
        let keep: BTreeSet<_> = needed.updates.iter().map(|it| self.update_path(it)).collect();
        let updates = files(&self.root.join("updates"))?;
        let used = updates.into_iter().filter(|(_, path)| !keep.contains(path));
        for (_, path) in old.chain(used) {
            fs::remove_file(&path).map_err(|source| FolderError::Io { path, source })?;
        }
        Ok(())
    }

    fn state_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("states").join(digest.to_string())
    }

    fn piece_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("pieces").join(digest.to_string())
    }

    fn update_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("updates").join(digest.to_string())
    }

    /// Returns whether this folder has a key already.
    pub(crate) fn has_key(&self) -> bool {
        self.root.join("coordinator.key").exists()
    }

    /// Returns the key of this coordinator's network identity; on first use it is created with `make`.
    ///
    /// # Errors
    /// When the file can't be read or written, or is not 32 bytes long.
    pub fn key(
        &self,
        make: impl FnOnce() -> Result<[u8; 32], FolderError>,
    ) -> Result<[u8; 32], FolderError> {
        let path = self.root.join("coordinator.key");
        match fs::read(&path) {
            Ok(bytes) => bytes
                .try_into()
                .map_err(|_| FolderError::Damaged { path, reason: "a key is 32 bytes".to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = make()?;
                write_secret(&path, &key)?;
                Ok(key)
            }
            Err(source) => Err(FolderError::Io { path, source }),
        }
    }
}

/// Returns the files of a folder, oldest first.
fn files(folder: &Path) -> Result<Vec<(SystemTime, PathBuf)>, FolderError> {
    let io = |source| FolderError::Io { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let modified = entry.metadata().and_then(|about| about.modified()).map_err(io)?;
        files.push((modified, entry.path()));
    }
    files.sort();
    Ok(files)
}

/// Locks the folder's file `in-use` and writes this process into it. The system unlocks it when the process ends,
/// however it ends.
fn lock(root: &Path) -> Result<fs::File, FolderError> {
    let path = root.join("in-use");
    let io = |source| FolderError::Io { path: path.clone(), source };
    let mut options = fs::OpenOptions::new();
    let mut file =
        options.read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0).map_err(io)?;
            file.write_all(format!("process {}", std::process::id()).as_bytes()).map_err(io)?;
            Ok(file)
        }
        Err(fs::TryLockError::WouldBlock) => {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let holder = if text.is_empty() { "another process".to_owned() } else { text };
            Err(FolderError::InUse { path: root.to_owned(), holder })
        }
        Err(fs::TryLockError::Error(source)) => Err(io(source)),
    }
}

/// Writes to a temporary file, syncs, renames: after a crash there is the old file or the new one.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    write_parts(path, &[bytes])
}

fn write_parts(path: &Path, parts: &[&[u8]]) -> Result<(), FolderError> {
    let io = |source| FolderError::Io { path: path.to_owned(), source };
    let beside = path.with_extension("new");
    let mut file = fs::File::create(&beside).map_err(io)?;
    parts.iter().try_for_each(|part| file.write_all(part)).map_err(io)?;
    file.sync_all().map_err(io)?;
    fs::rename(&beside, path).map_err(io)
}

fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let write = || -> io::Result<()> {
        let mut file = options.open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| FolderError::Io { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(byte: u8) -> State {
        State { parameters: vec![byte; 100], outer: vec![byte ^ 1; 30] }
    }

    #[test]
    fn a_damaged_state_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = Folder::open(scratch.path()).unwrap();
        let kept = state(7);
        folder.keep_state(&kept).unwrap();
        assert_eq!(folder.state(&kept.digest()).unwrap(), kept);

        let path = folder.state_path(&kept.digest());
        let whole = fs::read(&path).unwrap();
        for position in [0, 9, 20, 60, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[position] ^= 1;
            fs::write(&path, &damaged).unwrap();
            assert!(
                matches!(folder.state(&kept.digest()), Err(FolderError::Damaged { .. })),
                "byte {position}"
            );
        }
        fs::write(&path, &whole[..80]).unwrap();
        assert!(matches!(folder.state(&kept.digest()), Err(FolderError::Damaged { .. })));
    }

    /// A coordinator of a later version reads the folder of an earlier one.
    #[test]
    fn the_files_of_a_folder_stay_as_they_are() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = Folder::open(scratch.path()).unwrap();
        let record = RunRecord {
            chain_id: 7,
            run: 300,
            spec: "ab".repeat(32),
            genesis: None,
            specification: None,
            coordinator: None,
            rewound: None,
        };
        let kept = state(7);
        folder.keep_run(&record).unwrap();
        folder.keep_state(&kept).unwrap();
        folder.key(|| Ok([3; 32])).unwrap();
        let state = format!("states/{}", kept.digest());
        let file = |name: &str| golden::hex(&fs::read(scratch.path().join(name)).unwrap());
        let record_text = fs::read_to_string(scratch.path().join("run.json")).unwrap();
        let text = format!(
            "run.json\n{record_text}\ncoordinator.key\n{}{state}\n{}",
            file("coordinator.key"),
            file(&state)
        );
        golden::check!("folder.txt", &text);
        assert_eq!(folder.run().unwrap(), Some(record));
        assert_eq!(folder.state(&kept.digest()).unwrap(), kept);
    }

    #[test]
    fn what_is_needed_is_kept() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = Folder::open(scratch.path()).unwrap();
        let first = state(0);
        let needed = Held {
            states: BTreeSet::from([first.digest()]),
            updates: BTreeSet::from([Digest::of(&[3])]),
        };
        for byte in 0..20 {
            folder.keep_state(&state(byte)).unwrap();
            folder.keep_update(&[byte]).unwrap();
            folder.forget(&needed).unwrap();
        }
        assert_eq!(folder.state(&first.digest()).unwrap(), first);
        assert!(folder.state(&state(1).digest()).is_err());
        assert_eq!(folder.state(&state(19).digest()).unwrap(), state(19));
        assert_eq!(folder.update(&Digest::of(&[3])).unwrap(), [3]);
        assert!(folder.update(&Digest::of(&[19])).is_err());
        fs::write(folder.update_path(&Digest::of(&[3])), [4]).unwrap();
        let damaged = folder.update(&Digest::of(&[3]));
        assert!(matches!(damaged, Err(FolderError::Damaged { .. })));
    }

    #[test]
    fn a_folder_is_open_once_and_says_by_whom() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = Folder::open(scratch.path()).unwrap();
        let clone = folder.clone();
        drop(folder);
        let error = Folder::open(scratch.path()).unwrap_err().to_string();
        let holder = format!("in use by process {}", std::process::id());
        assert!(error.contains(&holder), "{error}");
        drop(clone);
        Folder::open(scratch.path()).unwrap();
    }

    #[test]
    fn the_key_is_made_once() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = Folder::open(scratch.path()).unwrap();
        assert_eq!(folder.key(|| Ok([3; 32])).unwrap(), [3; 32]);
        assert_eq!(folder.key(|| Ok([4; 32])).unwrap(), [3; 32]);
    }
}
