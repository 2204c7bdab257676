//! Project checks that no lint makes.
//!
//! - `cargo xtask tidy`: dependencies between crates against the table in `ARCHITECTURE.md`, crate names,
//!   manifests, file sizes, test data.
//! - `cargo xtask check`: runs the checks of CI locally.
//! - `cargo xtask mutate [NAME...]`: breaks the rules one by one, in a copy of the tree, and looks whether a test notices.
//! - `cargo xtask deep [NAME...] [--calls N] [--seconds N] [--from SEED]`: compares native modules with the bytecode that they reproduce, in random calls.
//!
//! It reads the tree and `cargo metadata`, changes nothing, and says for every finding what to do.

mod arrows;
mod deep;
mod files;
mod manifests;
mod mutate;
mod workspace;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, bail, ensure};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["tidy"] => tidy(&root()),
        ["check"] => check(&root()),
        ["mutate", ref names @ ..] => mutate::mutate(&root(), names),
        ["deep", ref rest @ ..] => deep::deep(&root(), rest),
        _ => {
            eprintln!(
                "usage: cargo xtask tidy | check | mutate [NAME...] | deep [NAME...] [--calls N] [--seconds N] [--from SEED]"
            );
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the root of the repository: the folder above this crate, as cargo says when it runs this program, which may have been
/// compiled where the repository was before.
fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
        .parent()
        .expect("xtask lies one level below the root")
        .to_path_buf()
}

fn tidy(root: &Path) -> anyhow::Result<()> {
    let packages = workspace::packages(root)?;
    let files = files::walk(root)?;
    let page = root.join("ARCHITECTURE.md");
    let architecture = std::fs::read_to_string(&page).with_context(|| {
        format!("{}: cannot be read: it holds the table of crates", page.display())
    })?;

    let mut findings = arrows::findings(&architecture, &packages);
    findings.extend(manifests::findings(&packages)?);
    findings.extend(files::findings(root, &files)?);
    for finding in &findings {
        eprintln!("tidy: {finding}");
    }
    if !findings.is_empty() {
        bail!("{} findings in {} crates and {} files", findings.len(), packages.len(), files.len());
    }
    eprintln!("tidy: {} crates and {} files are in order", packages.len(), files.len());
    Ok(())
}

fn check(root: &Path) -> anyhow::Result<()> {
    let script = root.join(".ci/run");
    let status = Command::new("bash")
        .arg(&script)
        .current_dir(root)
        .status()
        .with_context(|| format!("bash {}: cannot be started", script.display()))?;
    ensure!(status.success(), "{} ended with {status}", script.display());
    Ok(())
}
