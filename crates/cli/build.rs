//! Collects this repository's documentation and source into one text, the demo's default corpus.

use std::{env, fs, io, path::Path};

fn main() -> io::Result<()> {
    // Read when it runs: this program may have been compiled where the repository was before.
    let crate_folder = env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it for build scripts");
    let root = Path::new(&crate_folder).join("../..");
    let mut files = Vec::new();
    for folder in ["docs", "crates"] {
        gather(&root.join(folder), &mut files)?;
        println!("cargo::rerun-if-changed={}", root.join(folder).display());
    }
    for page in ["README.md", "ARCHITECTURE.md"] {
        let path = root.join(page);
        println!("cargo::rerun-if-changed={}", path.display());
        if path.exists() {
            files.push(path);
        }
    }
    files.sort();
    let mut text = String::new();
    for path in files {
        text.push_str(&fs::read_to_string(path)?);
        text.push('\n');
    }
    let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
    fs::write(Path::new(&out).join("corpus.txt"), text)
}

fn gather(folder: &Path, files: &mut Vec<std::path::PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_text =
            path.extension().is_some_and(|extension| extension == "md" || extension == "rs");
        if path.is_dir() {
            gather(&path, files)?;
        } else if is_text {
            files.push(path);
        }
    }
    Ok(())
}
