//! Checks sizes and places of files, and that the origin of test data is documented.
//!
//! Test data is in folders named `testdata`; each has a `PROVENANCE.md` that names every file of it by its path
//! below the folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// Longest Rust file, in lines.
const LINES_MAX: usize = 800;

/// Largest file kept in the repository, in bytes.
const SIZE_MAX: u64 = 1 << 20;

/// The file that documents the origin of each file of a `testdata` folder.
const PROVENANCE: &str = "PROVENANCE.md";

/// Returns every file of the repository, sorted, except those that git keeps for itself or ignores.
pub(crate) fn walk(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let ignore = root.join(".gitignore");
    let text = fs::read_to_string(&ignore)
        .with_context(|| format!("{}: cannot be read", ignore.display()))?;
    let mut skipped = vec![root.join(".git")];
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        // Only patterns that this function understands, so that it and git agree.
        ensure!(
            line.starts_with('/') && !line.contains('*'),
            ".gitignore: `{line}`: write plain paths from the root"
        );
        skipped.push(root.join(line.trim_matches('/')));
    }
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)
            .with_context(|| format!("{}: cannot be read", folder.display()))?
        {
            let entry = entry?;
            let path = entry.path();
            if skipped.contains(&path) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Returns every file that is too long, too large, misplaced or of undocumented origin.
pub(crate) fn findings(root: &Path, files: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    let mut findings = Vec::new();
    for path in files {
        let shown = path.strip_prefix(root).unwrap_or(path).display();
        let size =
            fs::symlink_metadata(path).with_context(|| format!("{shown}: cannot be read"))?.len();
        if SIZE_MAX < size {
            findings.push(format!(
                "{shown}: {size} bytes, the limit is {SIZE_MAX}: generate or download it instead"
            ));
        }
        if path.file_name().is_some_and(|name| name == "mod.rs") {
            findings.push(format!("{shown}: name the module's file beside its folder, not mod.rs"));
        }
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text =
                fs::read_to_string(path).with_context(|| format!("{shown}: cannot be read"))?;
            let count = text.lines().count();
            if LINES_MAX < count {
                findings.push(format!(
                    "{shown}: {count} lines, the limit is {LINES_MAX}: split it by idea"
                ));
            }
        }
        if let Some(folder) = path.ancestors().skip(1).find(|folder| folder.ends_with("testdata")) {
            findings.extend(origin(folder, path));
        }
    }
    Ok(findings)
}

fn origin(folder: &Path, path: &Path) -> Option<String> {
    let name =
        path.strip_prefix(folder).expect("the folder is an ancestor of the file").to_str()?;
    let page = folder.join(PROVENANCE);
    let text = fs::read_to_string(&page).unwrap_or_default();
    (name != PROVENANCE && !text.contains(&format!("`{name}`")))
        .then(|| format!("{}: does not say where `{name}` comes from", page.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let folder = tree(files);
        let findings = findings(folder.path(), &walk(folder.path()).unwrap()).unwrap();
        assert_eq!(findings.len(), expected.len(), "{findings:#?}");
        for (finding, part) in findings.iter().zip(expected) {
            assert!(finding.contains(part), "{finding} does not say {part}");
        }
    }

    #[test]
    fn sizes_have_limits() {
        let (long, longer) = ("a\n".repeat(LINES_MAX), "a\n".repeat(LINES_MAX + 1));
        check(&[(".gitignore", "/target\n"), ("src/a.rs", &long), ("target/b.rs", &longer)], &[]);
        check(&[(".gitignore", ""), ("src/a.rs", &longer)], &["801 lines"]);
        let size = usize::try_from(SIZE_MAX).unwrap();
        check(&[(".gitignore", ""), ("a.bin", &"a".repeat(size))], &[]);
        check(&[(".gitignore", ""), ("a.bin", &"a".repeat(size + 1))], &["1048577 bytes"]);
    }

    #[test]
    fn modules_are_named_after_themselves() {
        check(&[(".gitignore", ""), ("src/pool/mod.rs", "")], &["src/pool/mod.rs"]);
    }

    #[test]
    fn test_data_has_an_origin() {
        let data = ("a/testdata/x/y.json", "{}");
        check(&[(".gitignore", ""), data], &["`x/y.json`"]);
        check(
            &[(".gitignore", ""), data, ("a/testdata/PROVENANCE.md", "`y.json`: by hand")],
            &["`x/y.json`"],
        );
        check(
            &[(".gitignore", ""), data, ("a/testdata/PROVENANCE.md", "`x/y.json`: by hand")],
            &[],
        );
    }

    #[test]
    fn patterns_it_does_not_understand_are_refused() {
        let folder = tree(&[(".gitignore", "*.log\n")]);
        assert!(walk(folder.path()).unwrap_err().to_string().contains("*.log"));
    }
}
