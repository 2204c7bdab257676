//! Reads `cargo metadata`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;

/// One crate of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    /// Name in its manifest.
    pub(crate) name: String,
    /// `package.description`, empty when there is none.
    pub(crate) description: String,
    /// The files `lib.rs` and `main.rs`, which begin with the crate's docs.
    pub(crate) manifest: PathBuf,
    /// `lib.rs` or `main.rs`: where its docs open.
    pub(crate) roots: Vec<PathBuf>,
    /// Names of workspace crates that it uses outside its tests.
    pub(crate) uses: BTreeSet<String>,
}

/// Returns the crates of the workspace at `root`, as cargo reports them.
pub(crate) fn packages(root: &Path) -> anyhow::Result<Vec<Package>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .context("cargo metadata: cannot be started")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value =
        serde_json::from_slice(&output.stdout).context("cargo metadata: not JSON")?;
    let packages = metadata["packages"].as_array().context("cargo metadata: no packages")?;
    packages.iter().map(package).collect()
}

fn package(value: &Value) -> anyhow::Result<Package> {
    let name = text(value, "name")?;
    let dependencies = value["dependencies"]
        .as_array()
        .context("cargo metadata: a package without dependencies")?;
    // The kind is null for normal dependencies; a path means a crate of this workspace. Tests may use any.
    let ours = dependencies.iter().filter(|one| one["kind"] != "dev" && one["path"].is_string());
    let targets =
        value["targets"].as_array().context("cargo metadata: a package without targets")?;
    let is_root = |target: &&Value| {
        let kinds = target["kind"].as_array();
        kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "lib" || kind == "bin"))
    };
    Ok(Package {
        description: value["description"].as_str().unwrap_or_default().to_owned(),
        manifest: text(value, "manifest_path")?.into(),
        roots: targets
            .iter()
            .filter(is_root)
            .map(|target| text(target, "src_path").map(PathBuf::from))
            .collect::<Result<_, _>>()?,
        uses: ours.map(|one| text(one, "name")).collect::<Result<_, _>>()?,
        name,
    })
}

fn text(value: &Value, key: &str) -> anyhow::Result<String> {
    Ok(value[key].as_str().with_context(|| format!("cargo metadata: {key} is missing"))?.to_owned())
}
