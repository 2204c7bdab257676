//! Checks names and manifests of the crates, and that each begins with docs.

use std::fs;

use anyhow::Context;

use crate::workspace::Package;

/// Names without meaning: a thing used by two crates has a name, or it is two things.
const BANNED_NAMES: [&str; 7] = ["utils", "util", "common", "core", "types", "helpers", "misc"];

/// Returns every crate whose name, manifest or first line breaks the rules.
pub(crate) fn findings(packages: &[Package]) -> anyhow::Result<Vec<String>> {
    let mut findings = Vec::new();
    for package in packages {
        let name = &package.name;
        let read = |path: &std::path::Path| {
            fs::read_to_string(path).with_context(|| format!("{}: cannot be read", path.display()))
        };
        if name.split('-').any(|word| BANNED_NAMES.contains(&word)) {
            findings
                .push(format!("{name}: the name does not say what the crate is: name its idea"));
        }
        if package.description.trim().is_empty() {
            findings.push(format!("{name}: has no description: state its idea in one sentence"));
        }
        for root in &package.roots {
            if !read(root)?.starts_with("//! ") {
                findings.push(format!("{}: does not begin with `//!` docs", root.display()));
            }
        }
        findings.extend(lines(name, &read(&package.manifest)?));
    }
    Ok(findings)
}

/// Returns the errors in the text of one manifest.
fn lines(name: &str, manifest: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let mut section = "";
    let mut has_lints = false;
    for line in
        manifest.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']);
        } else if section == "lints" {
            has_lints |= line.replace(' ', "") == "workspace=true";
        } else if section.ends_with("dependencies")
            && !line.replace(' ', "").contains("workspace=true")
        {
            findings.push(format!(
                "{name}: `{line}` has a version: keep versions in the root Cargo.toml"
            ));
        }
    }
    if !has_lints {
        findings.push(format!(
            "{name}: does not use the lints of the workspace: add [lints] workspace = true"
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_takes_lints_and_versions_from_the_root() {
        let good = "[lints]\nworkspace = true\n\n[dependencies]\nunits.workspace = true\nserde = { workspace = true }\n";
        assert_eq!(lines("a", good), Vec::<String>::new());
        let versioned = good.replace("{ workspace = true }", "\"1\"");
        assert!(lines("a", &versioned)[0].contains("serde = \"1\""));
        assert!(lines("a", "[package]\nname = \"a\"\n")[0].contains("lints"));
    }

    #[test]
    fn a_crate_needs_a_telling_name_a_description_and_docs() {
        let folder = tempfile::tempdir().unwrap();
        let (manifest, root) = (folder.path().join("Cargo.toml"), folder.path().join("lib.rs"));
        fs::write(&manifest, "[lints]\nworkspace = true\n").unwrap();
        let mut package = Package {
            name: "wall".into(),
            description: "Stands.".into(),
            manifest,
            roots: vec![root.clone()],
            uses: Default::default(),
        };
        fs::write(&root, "//! Stands.\n").unwrap();
        assert_eq!(findings(std::slice::from_ref(&package)).unwrap(), Vec::<String>::new());
        fs::write(&root, "mod brick;\n").unwrap();
        (package.name, package.description) = ("wall-utils".into(), String::new());
        assert_eq!(findings(&[package]).unwrap().len(), 3);
    }
}
