//! Keeps account and device keys on disk.
//!
//! An account's key is a file of its own in the format that Ethereum tools share (Web3 Secret Storage, version 3: scrypt, AES-128-CTR,
//! Keccak-256), named after the account. It comes from a BIP-39 phrase (12 English words, `m/44'/60'/0'/0/0`) that is shown once and
//! never stored. A device's key is an ed25519 seed in a file that only its owner may read: it earns nothing by itself, must work
//! unattended, and so has no password.
//!
//! Invariants: an existing file is never overwritten; a file appears whole or not at all; what is written can be opened again by other
//! tools; a secret or password is in no error, log or debug text.
//!
//! What it does not do: ask for passwords, sign transactions (the signer it hands out does), wipe memory beyond what the
//! signer's own types wipe.

mod account;
mod device;
mod file;
mod keystore;

pub use account::{Account, Created, Import, ImportError, ListError, UnlockError, Wallet};
pub use device::{DeviceKey, DeviceKeyError};
pub use file::WriteError;
pub use keystore::{Cost, LockedError};
