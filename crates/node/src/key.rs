//! The node's signing key on disk.

use crate::error::OpenError;
use alloy_primitives::hex;
use ed25519_dalek::SigningKey;
use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

/// Name of the file in the data directory.
const FILE_NAME: &str = "node.key";

/// Reads the key in `directory`, or creates one that only the owner of the process can read.
///
/// Call it while the directory's ledger is open: that lock keeps two nodes from creating two keys.
pub(crate) fn load_or_create(directory: &Path) -> Result<SigningKey, OpenError> {
    let path = directory.join(FILE_NAME);
    match fs::read_to_string(&path) {
        Ok(text) => {
            let seed: [u8; 32] = hex::decode(text.trim())
                .ok()
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or_else(|| OpenError::KeyMalformed { path: path.clone() })?;
            Ok(SigningKey::from_bytes(&seed))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => create(path),
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            Err(OpenError::KeyMalformed { path })
        }
        Err(source) => Err(OpenError::KeyFile { path, source }),
    }
}

fn create(path: PathBuf) -> Result<SigningKey, OpenError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|error| OpenError::Randomness { reason: error.to_string() })?;
    write_private(&path, &hex::encode(seed))
        .map_err(|source| OpenError::KeyFile { path, source })?;
    Ok(SigningKey::from_bytes(&seed))
}

/// Writes to a temporary file and renames it, so that a crash leaves no incomplete key.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let draft = path.with_extension("key.new");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    // The folder is synced, so that the name also survives a power cut.
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_is_loaded_and_its_file_is_private() {
        let directory = tempfile::tempdir().unwrap();
        let first = load_or_create(directory.path()).unwrap();
        let again = load_or_create(directory.path()).unwrap();
        assert_eq!(first.to_bytes(), again.to_bytes());
        #[cfg(unix)]
        {
            let metadata = fs::metadata(directory.path().join(FILE_NAME)).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
        let other = tempfile::tempdir().unwrap();
        assert_ne!(load_or_create(other.path()).unwrap().to_bytes(), first.to_bytes());
    }

    #[test]
    fn a_file_that_is_no_key_is_named_and_left_alone() {
        for content in [&b""[..], b"abc", &[b'z'; 64], &[0xff; 32]] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join(FILE_NAME);
            fs::write(&path, content).unwrap();
            let error = load_or_create(directory.path()).unwrap_err();
            assert!(matches!(error, OpenError::KeyMalformed { .. }), "{error}");
            assert!(error.to_string().contains(&path.display().to_string()));
            assert_eq!(fs::read(&path).unwrap(), content);
        }
    }
}
