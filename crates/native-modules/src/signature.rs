//! Signatures of devices.

use abi::ModuleErrors;
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
