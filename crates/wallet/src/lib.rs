//! Keeps account and device keys on disk.
//!
//! An account's key is a file of its own in the format of Ethereum tools (Web3 Secret Storage, version 3: scrypt,
//! AES-128-CTR, Keccak-256), named after the account. It is derived from a BIP-39 phrase (12 English words,
//! `m/44'/60'/0'/0/0`) that is shown once and never stored. A device's key is an ed25519 seed in a file that only its
//! owner may read. It has no password, because it must work unattended and can't spend money.
//!
//! Invariants: an existing file is never overwritten; a file is complete or absent; other tools can unlock what is
//! written; no error, log or debug text contains a secret or password.
//!
//! The crate does not ask for passwords or sign transactions (the signer it returns does), and it does not wipe
//! memory beyond what the signer's own types wipe.

mod account;
mod device;
mod file;
mod keystore;

pub use account::{Account, Created, Import, ImportError, ListError, UnlockError, Wallet};
pub use device::{DeviceKey, DeviceKeyError};
pub use file::WriteError;
pub use keystore::{Cost, LockedError};
