//! Signatures of devices (ed25519) and of accounts (secp256k1).

use abi::ModuleErrors;
use alloy_primitives::{Address, B256, U256, uint};
use ed25519_dalek::{Signature, VerifyingKey};
use native_kit::{Failure, Host};

/// Gas for verifying an ed25519 signature. In our measurement `verify_strict` takes about as long as libsecp256k1's
/// recovery, for which Ethereum charges 3,000; pure-Rust code on other machines is slower, so it costs more.
const SIGNATURE_GAS: u64 = 5_000;

/// Gas for recovering the signer of a digest, the same as Ethereum's ECRECOVER.
pub(crate) const RECOVER_GAS: u64 = 3_000;
/// Half the order of secp256k1: of the two `s` that fit a signature, only the lower is valid (EIP-2).
const S_MAX: U256 = uint!(0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0_U256);

/// Why an account's signature is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadRecovery {
    /// Its `s` is the higher of the two that fit.
    HighS,
    /// It is none.
    Malformed,
}

/// Returns the account that has signed a digest. The caller charges [`RECOVER_GAS`].
pub(crate) fn recover(digest: B256, v: u8, r: B256, s: B256) -> Result<Address, BadRecovery> {
    if U256::from_be_bytes(s.0) > S_MAX {
        return Err(BadRecovery::HighS);
    }
    signer(&digest, v, &r, &s).ok_or(BadRecovery::Malformed)
}

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
