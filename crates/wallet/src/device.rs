//! The key of a device: its identity on the network and on the ledger.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use alloy_primitives::hex;
use ed25519_dalek::{Signer as _, SigningKey};
use units::DeviceId;

use crate::file::{WriteError, random, write_new};

/// Why a device key could not be loaded or stored.
#[derive(Debug, thiserror::Error)]
pub enum DeviceKeyError {
    /// The file is not a device key.
    #[error("{} is not a device key (64 hex digits): restore it from a copy, or remove it to create the key of a new device", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Other users of this machine can read the file.
    #[error("{} can be read by other users: run chmod 600 on it", .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The file can't be read.
    #[error("{} can't be read", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A new key could not be stored.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// An ed25519 key that signs statements and authenticates the device on the network. Its `Debug` shows the public key.
#[derive(Clone)]
pub struct DeviceKey(SigningKey);

impl DeviceKey {
    /// Returns the key in the file at `path`; creates it on first use.
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

    /// Writes the key with this seed to the file at `path`, unless there is one; returns the key in the file.
    ///
    /// # Errors
    /// [`DeviceKeyError`].
    pub fn store(path: &Path, seed: &[u8; 32]) -> Result<Self, DeviceKeyError> {
        let text = format!("{}\n", hex::encode(seed));
        match write_new(path, text.as_bytes()) {
            // Another process may have been faster, so the key is read from the file.
            Ok(()) | Err(WriteError::AlreadyThere { .. }) => Self::load(path),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the key in the file at `path`.
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

    /// Returns the key with this seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Returns the public key.
    #[must_use]
    pub fn device(&self) -> DeviceId {
        DeviceId::from_bytes(self.0.verifying_key().to_bytes())
    }

    /// Signs the bytes of a statement: `R` and `s`, 32 bytes each.
    #[must_use]
    pub fn sign(&self, statement: &[u8]) -> [u8; 64] {
        self.0.sign(statement).to_bytes()
    }

    /// Returns the secret seed, which the transport needs for the same identity. Keep it secret.
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
