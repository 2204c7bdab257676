//! The folder of a demo, with the flags it was started with.

use std::fs;
use std::path::{Path, PathBuf};

use abi::convert;
use alloy_signer_local::PrivateKeySigner;
use anyhow::{Context as _, ensure};
use corpus::Corpus;
use serde::{Deserialize, Serialize};
use units::AccountId;

use super::Args;
use crate::failure::Hint as _;
use crate::paths;

/// The flags that must be equal to continue a demo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Marker {
    seed: u64,
    workers: u16,
    rounds: u32,
    corpus: Option<PathBuf>,
    /// Digest of the text's manifest: the file may have changed, or this program's own text.
    #[serde(default)]
    text: String,
    cheats: u16,
    crashes: u16,
    #[serde(default)]
    govern: bool,
    is_finished: bool,
}

/// The folder of one demo.
pub(super) struct Folder {
    path: PathBuf,
    marker: Marker,
}

impl Folder {
    /// Returns the folder in `args`, or the newest unfinished one of the same demo, or a new one.
    pub(super) fn open(args: &Args, corpus: &Corpus) -> anyhow::Result<Self> {
        let marker = Marker {
            seed: args.seed,
            workers: args.workers,
            rounds: args.rounds,
            corpus: args.corpus.clone(),
            text: corpus.manifest().digest().to_string(),
            cheats: args.cheats,
            crashes: args.crashes,
            govern: args.govern,
            is_finished: false,
        };
        let path = match &args.data_dir {
            Some(path) => path.clone(),
            None => choose(&paths::home()?.join("demo"), &marker)?,
        };
        let shown = path.display();
        match read(&path)? {
            Some(found) if found == marker => {}
            Some(Marker { is_finished: true, .. }) => {
                return Err(anyhow::anyhow!(
                    "the demo in {shown} is finished; its model is in {shown}/trainer/model"
                ))
                .hint("choose another --data-dir, or delete this one");
            }
            Some(found) => {
                let other = if found.text == marker.text { "other flags" } else { "another text" };
                return Err(anyhow::anyhow!("{shown} contains a demo with {other}"))
                    .hint("use the same flags and text, or choose another --data-dir");
            }
            None => {
                let is_empty =
                    fs::read_dir(&path).map_or(true, |mut entries| entries.next().is_none());
                ensure!(
                    is_empty,
                    "{shown} is not empty and contains no demo: choose another --data-dir"
                );
                fs::create_dir_all(&path)
                    .with_context(|| format!("{shown}: folder can't be created"))?;
                write(&path, &marker)?;
            }
        }
        Ok(Self { path, marker })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the trainer's key, derived from the seed.
    pub(super) fn trainer(&self) -> anyhow::Result<PrivateKeySigner> {
        self.key("trainer", 0)
    }

    /// Returns the key of worker number `index`, derived from the seed.
    pub(super) fn worker(&self, index: usize) -> anyhow::Result<PrivateKeySigner> {
        self.key("worker", index)
    }

    /// Returns the accounts of the workers, derived from the seed.
    pub(super) fn accounts(&self, count: usize) -> Vec<AccountId> {
        let account = |index| self.worker(index).map(|key| convert::account(key.address()));
        (0..count).filter_map(|index| account(index).ok()).collect()
    }

    /// Records that this demo is finished.
    pub(super) fn finish(&self) -> anyhow::Result<()> {
        write(&self.path, &Marker { is_finished: true, ..self.marker.clone() })
    }

    fn key(&self, role: &str, index: usize) -> anyhow::Result<PrivateKeySigner> {
        let mut hasher = blake3::Hasher::new_derive_key("gleaner 2026 demo account v1");
        hasher
            .update(role.as_bytes())
            .update(&self.marker.seed.to_le_bytes())
            .update(&index.to_le_bytes());
        PrivateKeySigner::from_slice(hasher.finalize().as_bytes())
            .context("this seed gives no valid key: choose another")
    }
}

/// Returns the newest folder if it has the same unfinished demo, else the next number.
fn choose(home: &Path, marker: &Marker) -> anyhow::Result<PathBuf> {
    let mut newest = 0_u32;
    for entry in fs::read_dir(home).into_iter().flatten().flatten() {
        newest = newest.max(entry.file_name().to_string_lossy().parse().unwrap_or(0));
    }
    let last = home.join(newest.to_string());
    let is_same = newest > 0 && read(&last)?.as_ref() == Some(marker);
    Ok(if is_same { last } else { home.join((newest + 1).to_string()) })
}

fn read(folder: &Path) -> anyhow::Result<Option<Marker>> {
    let path = folder.join("demo.json");
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .with_context(|| format!("{} is damaged", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} can't be read", path.display())),
    }
}

fn write(folder: &Path, marker: &Marker) -> anyhow::Result<()> {
    let path = folder.join("demo.json");
    let bytes = serde_json::to_vec_pretty(marker).context("the marker can't be encoded")?;
    fs::write(&path, bytes).with_context(|| format!("{} can't be written", path.display()))
}
