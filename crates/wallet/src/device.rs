//! The key of a device: its name on the network and in the ledger.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use alloy_primitives::hex;
use ed25519_dalek::{Signer as _, SigningKey};
use units::DeviceId;

use crate::file::{WriteError, random, write_new};

/// Why there is no device key.
#[derive(Debug, thiserror::Error)]
pub enum DeviceKeyError {
    /// Not a file that we wrote.
    #[error("{} is not a device key (64 hex digits): restore it from a copy, or remove it to become a new device", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Others on this machine can read it.
    #[error("{} can be read by other users: run chmod 600 on it", .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The disk refused.
    #[error("{} can't be read", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A new key could not be stored.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// An ed25519 key that signs statements and proves the device's network identity. Its `Debug` shows the public half.
#[derive(Clone)]
pub struct DeviceKey(SigningKey);

impl DeviceKey {
    /// The key in the file at `path`; made on first use.
    ///
    /// # Errors
    /// [`DeviceKeyError`].
    pub fn load_or_create(path: &Path) -> Result<Self, DeviceKeyError> {
        match Self::load(path) {
            Err(DeviceKeyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            loaded => return loaded,
        }
        Self::store(path, &random::<32>()?)
    }

    /// Writes the key with this seed to the file at `path`, unless a key is there; the key in the file.
    ///
    /// # Errors
    /// [`DeviceKeyError`].
    pub fn store(path: &Path, seed: &[u8; 32]) -> Result<Self, DeviceKeyError> {
        let text = format!("{}\n", hex::encode(seed));
        match write_new(path, text.as_bytes()) {
            // Another process may have been faster: the file decides.
            Ok(()) | Err(WriteError::AlreadyThere { .. }) => Self::load(path),
            Err(error) => Err(error.into()),
        }
    }

    /// The key in the file at `path`.
    ///
    /// # Errors
    /// [`DeviceKeyError`].
    pub fn load(path: &Path) -> Result<Self, DeviceKeyError> {
        let failed = |source| DeviceKeyError::Io { path: path.to_owned(), source };
        let damaged = || DeviceKeyError::Damaged { path: path.to_owned() };
        let metadata = fs::metadata(path).map_err(failed)?;
        if is_exposed(&metadata) {
            return Err(DeviceKeyError::Exposed { path: path.to_owned() });
        }
        if 100 < metadata.len() {
            return Err(damaged());
        }
        let bytes = fs::read(path).map_err(failed)?;
        let seed = hex::decode_to_array(bytes.trim_ascii()).map_err(|_| damaged())?;
        Ok(Self::from_seed(&seed))
    }

    /// The key with this seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The public half.
    #[must_use]
    pub fn device(&self) -> DeviceId {
        DeviceId::from_bytes(self.0.verifying_key().to_bytes())
    }

    /// Signs the bytes of a statement: `R` and `s`, 32 bytes each.
    #[must_use]
    pub fn sign(&self, statement: &[u8]) -> [u8; 64] {
        self.0.sign(statement).to_bytes()
    }

    /// The seed, for the transport, whose identity is this key. Handle with care.
    #[must_use]
    pub fn seed(&self) -> [u8; 32] {
        self.0.to_bytes()
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DeviceKey({})", self.device())
    }
}

#[cfg(unix)]
fn is_exposed(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0
}

#[cfg(not(unix))]
fn is_exposed(_metadata: &fs::Metadata) -> bool {
    false
}
