//! Signatures of devices and of accounts.

use abi::ModuleErrors;
use alloy_primitives::{Address, B256};
use ed25519_dalek::{Signature, VerifyingKey};
use native_kit::{Failure, Host};

/// Gas for verifying an ed25519 signature. In our measurement `verify_strict` takes about as long as libsecp256k1's
/// recovery, for which Ethereum charges 3,000; pure-Rust code on other machines is slower, so it costs more.
const SIGNATURE_GAS: u64 = 5_000;

/// Checks a device's signature over a statement.
pub(crate) fn check_signature(
    host: &mut dyn Host,
    device: &[u8; 32],
    statement: &[u8],
    signature: &[u8],
) -> Result<(), Failure> {
    host.charge(SIGNATURE_GAS)?;
    let bad = || Failure::revert(&ModuleErrors::BadSignature { device: device.into() });
    let key = VerifyingKey::from_bytes(device).map_err(|_| bad())?;
    let signature = Signature::from_slice(signature).map_err(|_| bad())?;
    key.verify_strict(statement, &signature).map_err(|_| bad())
}

/// Gas for recovering the signer of a digest, the same as Ethereum's ECRECOVER.
pub(crate) const RECOVER_GAS: u64 = 3_000;

/// Returns the account that has signed a digest, as Ethereum's ECRECOVER: of the two `s` that fit a signature, either is accepted.
/// `None` for an invalid signature. The caller charges [`RECOVER_GAS`].
pub(crate) fn signer(digest: &B256, v: u8, r: &B256, s: &B256) -> Option<Address> {
    if !matches!(v, 27 | 28) {
        return None;
    }
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&r[..]);
    signature[32..].copy_from_slice(&s[..]);
    // The code of the precompile, which refuses an r or s of zero or beyond the order.
    let word = revm::precompile::crypto().secp256k1_ecrecover(&signature, v - 27, &digest.0);
    word.ok().map(|word| Address::from_word(word.into()))
}
