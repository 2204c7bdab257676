//! The encrypted keystore format of Ethereum tools.
//!
//! Source: "Web3 Secret Storage Definition", version 3. The key derivation, cipher and hash are those of the
//! RustCrypto and alloy crates; this file only combines them. We write and read scrypt, not PBKDF2, which the
//! definition also allows.

use aes::{
    Aes128,
    cipher::{KeyIvInit as _, StreamCipher as _},
};
use alloy_primitives::{hex, keccak256};
use ctr::Ctr128BE;
use serde::{Deserialize, Serialize};
use units::AccountId;

use crate::file::{WriteError, random};

/// Largest memory for unlocking a file, in bytes: twice what geth's standard cost needs. A file could request any amount.
const MEMORY_SIZE_MAX: u64 = 512 << 20;
/// Largest number of passes over that memory.
const PASSES_MAX: u32 = 16;
/// Bytes in a scrypt block of `r = 1`.
const BLOCK_SIZE: u64 = 128;

/// scrypt's `r` and `p` of the files we write, as in geth and ethers.
const WIDTH: u32 = 8;
const PASSES: u32 = 1;

const CIPHER: &str = "aes-128-ctr";
const DERIVATION: &str = "scrypt";
const DERIVED_SIZE: u32 = 32;

/// The scrypt cost of guessing a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    log_n: u8,
}

impl Cost {
    /// N = 2^17, r = 8, p = 1: 128 MiB and most of a second per guess. The cost that ethers uses, and the minimum
    /// that OWASP's password storage cheat sheet recommends.
    pub const USUAL: Self = Self { log_n: 17 };
    /// N = 2^10: no protection. For tests, and for keys of temporary networks.
    pub const THROW_AWAY: Self = Self { log_n: 10 };
}

/// Why an encrypted key could not be unlocked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockedError {
    /// The password is wrong.
    #[error("wrong password")]
    WrongPassword,
    /// The file does not have this format, or uses an option that we don't support.
    #[error("the keystore can't be read: {reason}")]
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Keystore {
    version: u32,
    id: String,
    /// Not in the definition, but written by most tools, without `0x`; not trusted.
    #[serde(default)]
    address: String,
    // Some old tools wrote `Crypto`.
    #[serde(alias = "Crypto")]
    crypto: Crypto,
}

#[derive(Serialize, Deserialize)]
struct Crypto {
    cipher: String,
    cipherparams: CipherParameters,
    ciphertext: String,
    kdf: String,
    kdfparams: serde_json::Value,
    mac: String,
}

#[derive(Serialize, Deserialize)]
struct CipherParameters {
    iv: String,
}

#[derive(Serialize, Deserialize)]
struct ScryptParameters {
    dklen: u32,
    n: u64,
    p: u32,
    r: u32,
    salt: String,
}

/// The random values of a new file.
struct Draws {
    salt: [u8; 32],
    iv: [u8; 16],
    id: [u8; 16],
}

/// Returns a keystore file from which `password` gives `secret`.
pub(crate) fn lock(
    secret: &[u8; 32],
    account: &AccountId,
    password: &str,
    cost: Cost,
) -> Result<String, WriteError> {
    let draws = Draws { salt: random()?, iv: random()?, id: random()? };
    Ok(lock_with(secret, account, password, cost, &draws))
}

fn lock_with(
    secret: &[u8; 32],
    account: &AccountId,
    password: &str,
    cost: Cost,
    Draws { salt, iv, id }: &Draws,
) -> String {
    let n = 1_u64.checked_shl(cost.log_n.into()).expect("our costs are far below 2^64");
    let parameters =
        ScryptParameters { dklen: DERIVED_SIZE, n, p: PASSES, r: WIDTH, salt: hex::encode(salt) };
    let derived = derive(password, salt, &parameters).expect("our own parameters are valid");
    let mut ciphertext = *secret;
    apply_cipher(&derived, iv, &mut ciphertext);
    let keystore = Keystore {
        version: 3,
        id: uuid(*id),
        address: hex::encode(account.as_bytes()),
        crypto: Crypto {
            cipher: CIPHER.to_owned(),
            cipherparams: CipherParameters { iv: hex::encode(iv) },
            ciphertext: hex::encode(ciphertext),
            kdf: DERIVATION.to_owned(),
            kdfparams: serde_json::to_value(parameters)
                .expect("numbers and text can be written as JSON"),
            mac: hex::encode(code(&derived, &ciphertext)),
        },
    };
    serde_json::to_string_pretty(&keystore).expect("numbers and text become JSON")
}

/// Returns the secret in a keystore file.
pub(crate) fn unlock(text: &str, password: &str) -> Result<[u8; 32], LockedError> {
    let unreadable = |reason: &str| LockedError::Unreadable { reason: reason.to_owned() };
    let keystore: Keystore =
        serde_json::from_str(text).map_err(|error| unreadable(&error.to_string()))?;
    let crypto = keystore.crypto;
    if keystore.version != 3 {
        return Err(unreadable(&format!("version is {}: 3 is supported", keystore.version)));
    }
    if crypto.cipher != CIPHER || crypto.kdf != DERIVATION {
        return Err(unreadable(&format!(
            "cipher and key derivation are {} and {}: {CIPHER} and {DERIVATION} are supported",
            crypto.cipher, crypto.kdf
        )));
    }
    let parameters: ScryptParameters = serde_json::from_value(crypto.kdfparams)
        .map_err(|error| unreadable(&format!("kdfparams: {error}")))?;
    let salt = hex::decode(&parameters.salt).map_err(|_| unreadable("salt is not hex"))?;
    let iv: [u8; 16] = hex::decode_to_array(&crypto.cipherparams.iv)
        .map_err(|_| unreadable("iv is not 16 bytes in hex"))?;
    let mac: [u8; 32] =
        hex::decode_to_array(&crypto.mac).map_err(|_| unreadable("mac is not 32 bytes in hex"))?;
    let mut secret: [u8; 32] = hex::decode_to_array(&crypto.ciphertext)
        .map_err(|_| unreadable("ciphertext is not 32 bytes in hex"))?;
    let derived = derive(password, &salt, &parameters).map_err(|reason| unreadable(&reason))?;
    if code(&derived, &secret) != mac {
        return Err(LockedError::WrongPassword);
    }
    apply_cipher(&derived, &iv, &mut secret);
    Ok(secret)
}

/// Derives a key with scrypt, within the bounds above.
fn derive(password: &str, salt: &[u8], parameters: &ScryptParameters) -> Result<[u8; 32], String> {
    let ScryptParameters { dklen, n, p, r, .. } = *parameters;
    if dklen != DERIVED_SIZE {
        return Err(format!("dklen is {dklen}: {DERIVED_SIZE} is supported"));
    }
    if !n.is_power_of_two() || n == 1 {
        return Err(format!("scrypt N is {n}: it must be a power of two above 1"));
    }
    let memory = n.checked_mul(u64::from(r)).and_then(|blocks| blocks.checked_mul(BLOCK_SIZE));
    if memory.is_none_or(|memory| MEMORY_SIZE_MAX < memory) || PASSES_MAX < p {
        return Err(format!(
            "scrypt N = {n}, r = {r}, p = {p} needs more memory or time than allowed"
        ));
    }
    let log_n = u8::try_from(n.trailing_zeros()).expect("at most 63");
    let parameters = scrypt::Params::new(log_n, r, p)
        .map_err(|_| format!("scrypt N = {n}, r = {r}, p = {p} is not defined"))?;
    let mut derived = [0; 32];
    scrypt::scrypt(password.as_bytes(), salt, &parameters, &mut derived)
        .expect("32 bytes are a valid length");
    Ok(derived)
}

/// Returns the code that tells a right password from a wrong one.
fn code(derived: &[u8; 32], ciphertext: &[u8]) -> [u8; 32] {
    keccak256([&derived[16..], ciphertext].concat()).0
}

/// Encrypts or decrypts: in this mode both are the same operation.
fn apply_cipher(derived: &[u8; 32], iv: &[u8; 16], bytes: &mut [u8]) {
    let mut key = [0; 16];
    key.copy_from_slice(&derived[..16]);
    Ctr128BE::<Aes128>::new(&key.into(), iv.into()).apply_keystream(bytes);
}

/// Returns a random (version 4) UUID. Source: RFC 9562, section 5.4.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex::encode(bytes);
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 32] = [0x5a; 32];
    const ACCOUNT: AccountId = AccountId::from_bytes([3; 20]);

    fn plain() -> ScryptParameters {
        ScryptParameters { dklen: 32, n: 2, p: 1, r: 8, salt: String::new() }
    }

    #[test]
    fn scrypt_gives_the_published_vector() {
        // RFC 7914, section 12, third vector. The vector of the definition itself has N = 2^18 with r = 1, which
        // that RFC excludes.
        let parameters = ScryptParameters { n: 16384, ..plain() };
        let derived = derive("pleaseletmein", b"SodiumChloride", &parameters).unwrap();
        assert_eq!(
            hex::encode(derived),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
        );
        assert!(derive("", b"", &ScryptParameters { n: 1 << 18, r: 1, p: 8, ..plain() }).is_err());
    }

    #[test]
    fn only_the_right_password_unlocks() {
        let text = lock(&SECRET, &ACCOUNT, "correct horse", Cost::THROW_AWAY).unwrap();
        assert_eq!(unlock(&text, "correct horse"), Ok(SECRET));
        for wrong in ["", "correct", "correct horse ", "Correct horse"] {
            assert_eq!(unlock(&text, wrong), Err(LockedError::WrongPassword), "{wrong:?}");
        }
        let again = lock(&SECRET, &ACCOUNT, "correct horse", Cost::THROW_AWAY).unwrap();
        assert_ne!(text, again, "salt and iv are fresh");
        assert!(!text.contains(&hex::encode(SECRET)));
    }

    /// Keys are stored in this form: files of earlier versions must open, and other tools must read new files.
    #[test]
    fn a_file_stays_as_it_is() {
        let draws = Draws { salt: [1; 32], iv: [2; 16], id: [3; 16] };
        let text = lock_with(&SECRET, &ACCOUNT, "pässword", Cost::THROW_AWAY, &draws);
        golden::check!("keystore.json", &text);
        assert_eq!(unlock(&text, "pässword"), Ok(SECRET));
    }

    #[test]
    fn the_usual_cost_is_not_light() {
        assert_eq!(Cost::USUAL.log_n, 17);
    }

    #[test]
    fn a_damaged_or_hostile_file_is_refused_not_computed() {
        let good = lock(&SECRET, &ACCOUNT, "pw", Cost::THROW_AWAY).unwrap();
        let change = |from: &str, to: &str| {
            assert!(good.contains(from), "{from}");
            unlock(&good.replacen(from, to, 1), "pw")
        };
        let iv = serde_json::from_str::<Keystore>(&good).unwrap().crypto.cipherparams.iv;
        for (from, to, says) in [
            ("\"version\": 3", "\"version\": 1", "version is 1"),
            ("aes-128-ctr", "aes-128-cbc", "aes-128-cbc"),
            ("\"scrypt\"", "\"pbkdf2\"", "pbkdf2"),
            ("\"dklen\": 32", "\"dklen\": 8", "dklen is 8"),
            ("\"n\": 1024", "\"n\": 1000", "a power of two"),
            ("\"n\": 1024", "\"n\": 1", "a power of two"),
            ("\"n\": 1024", "\"n\": 0", "a power of two"),
            ("\"n\": 1024", "\"n\": 1073741824", "more memory"),
            ("\"n\": 1024", "\"n\": 9223372036854775808", "more memory"),
            ("\"r\": 8", "\"r\": 0", "not defined"),
            ("\"p\": 1", "\"p\": 0", "not defined"),
            ("\"p\": 1", "\"p\": 4000000000", "more memory or time"),
            ("\"mac\": \"", "\"mac\": \"00", "mac"),
            ("\"ciphertext\": \"", "\"ciphertext\": \"00", "ciphertext"),
            (iv.as_str(), "00", "iv"),
        ] {
            match change(from, to) {
                Err(LockedError::Unreadable { reason }) => {
                    assert!(reason.contains(says), "{to}: {reason}")
                }
                other => panic!("{to}: {other:?}"),
            }
        }
        assert!(matches!(unlock("", "pw"), Err(LockedError::Unreadable { .. })));
        assert!(matches!(unlock("{}", "pw"), Err(LockedError::Unreadable { .. })));
    }

    #[test]
    fn a_uuid_says_that_it_is_random() {
        assert_eq!(uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
