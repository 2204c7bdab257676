//! `gleaner node export` and `gleaner node import`: a ledger's state in one file.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use alloy_primitives::B256;
use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use store::{SnapshotSummary, Store, StoreError, StoreOptions};

use crate::failure::Hint as _;
use crate::output::{Output, lines};
use crate::paths;

/// Flags of `gleaner node export`.
#[derive(Debug, clap::Args)]
pub(crate) struct ExportArgs {
    /// File to write; an existing one is replaced once the new one is complete
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Folder of the ledger, whose node is stopped [default: node in gleaner's data folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Flags of `gleaner node import`.
#[derive(Debug, clap::Args)]
pub(crate) struct ImportArgs {
    /// Snapshot file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Folder of the new ledger; must not exist, or be empty [default: node in gleaner's data folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Hash of the block to which it must belong, from a source that you trust
    #[arg(long, value_name = "HASH")]
    block_hash: Option<B256>,
}

/// The content of a snapshot, and its path.
#[derive(Serialize)]
struct Document {
    chain_id: u64,
    genesis_hash: B256,
    block_number: u64,
    block_hash: B256,
    state_root: B256,
    /// Number of accounts and slots.
    entries: u64,
    codes: u64,
    /// Size of the snapshot in bytes.
    size: u64,
    path: PathBuf,
}

impl Document {
    fn new(summary: SnapshotSummary, size: u64, path: &Path) -> Self {
        Self {
            chain_id: summary.chain_id,
            genesis_hash: summary.genesis_hash,
            block_number: summary.block_number,
            block_hash: summary.block_hash,
            state_root: summary.state_root,
            entries: summary.entry_count,
            codes: summary.code_count,
            size,
            path: path.to_owned(),
        }
    }

    /// Returns the text; `end` is its last line.
    fn text(&self, end: &str) -> String {
        let row = |name: &str, value: String| vec![name.to_owned(), value];
        let rows = lines(&[
            row("block", format!("{} {}", self.block_number, self.block_hash)),
            row("state", format!("accounts and slots: {}, codes: {}", self.entries, self.codes)),
            row("root", self.state_root.to_string()),
            row("chain", format!("{}, genesis {}", self.chain_id, self.genesis_hash)),
        ]);
        format!("{rows}\n\n{end}")
    }
}

/// Writes a snapshot of the ledger's head.
///
/// # Errors
/// When the ledger does not exist or is in use, or the file can't be written.
pub(crate) fn export(args: ExportArgs, output: &Output) -> anyhow::Result<()> {
    let data_dir = paths::or_home(args.data_dir, "node")?;
    let store = match Store::open_existing(&data_dir, StoreOptions::default()) {
        Err(error @ StoreError::AlreadyOpen { .. }) => {
            return Err(error).hint("stop its node first, or export a copy of the folder");
        }
        Err(error @ StoreError::Missing { .. }) => {
            return Err(error).hint("gleaner node export FILE --data-dir DIR");
        }
        Err(StoreError::Purpose { path, found: true }) => {
            bail!("{}: a development ledger has no snapshots", path.display())
        }
        store => store?,
    };
    let pending = store.export()?;
    let path = &args.file;
    let shown = path.display();
    let mut partial = path.clone().into_os_string();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let bar = spinner(output);
    let written = File::create(&partial).map_err(anyhow::Error::from).and_then(|file| {
        let mut out = BufWriter::with_capacity(1 << 20, file);
        let summary = pending.write(&mut out, &mut |count| bar.set_position(count))?;
        out.flush()?;
        out.get_ref().sync_all()?;
        fs::rename(&partial, path)?;
        Ok(summary)
    });
    bar.finish_and_clear();
    if written.is_err() {
        // The first error is reported.
        let _ = fs::remove_file(&partial);
    }
    let summary = written.with_context(|| format!("{shown}: no snapshot was written"))?;
    let size = fs::metadata(path).with_context(|| format!("{shown}: can't be read"))?.len();
    let document = Document::new(summary, size, path);
    output.print(&document, &document.text(&format!("{size} bytes written to {shown}")))
}

/// Creates a ledger from a snapshot.
///
/// # Errors
/// When the snapshot can't be read or is invalid, or the folder of the ledger is not empty.
pub(crate) fn import(args: ImportArgs, output: &Output) -> anyhow::Result<()> {
    let data_dir = paths::or_home(args.data_dir, "node")?;
    let shown = args.file.display();
    let file = File::open(&args.file).with_context(|| format!("{shown}: can't be read"))?;
    let size = file.metadata().with_context(|| format!("{shown}: can't be read"))?.len();
    let bar = bytes_bar(size, output);
    let trusted = args.block_hash.as_ref();
    let imported = store::import(&data_dir, file, trusted, &mut |read| bar.set_position(read));
    bar.finish_and_clear();
    let summary = imported.with_context(|| format!("{shown}: the snapshot was not imported"))?;
    let document = Document::new(summary, size, &data_dir);
    output.print(
        &document,
        &document.text(&format!("run it: gleaner node --data-dir {}", data_dir.display())),
    )?;
    if trusted.is_none() {
        output.say(&format!(
            "note: the snapshot was not verified; check with a source that you trust that block {} is {}, or import with --block-hash",
            document.block_number, document.block_hash
        ));
    }
    Ok(())
}

fn spinner(output: &Output) -> ProgressBar {
    let bar = if output.is_live() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{spinner} {human_pos} accounts and slots written");
    bar.with_style(style.expect("the template is fixed"))
}

fn bytes_bar(size: u64, output: &Output) -> ProgressBar {
    let bar = if output.is_live() { ProgressBar::new(size) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes} read, {eta} left");
    bar.with_style(style.expect("the template is fixed"))
}
