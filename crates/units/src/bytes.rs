//! Identifiers made of bytes: digests, accounts, devices.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// The text is not the expected number of bytes in hex.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?} is not {expected} bytes in hex: give exactly that many, with or without 0x")]
pub struct ParseBytesError {
    /// The text given, cut short.
    pub text: String,
    /// Number of bytes expected.
    pub expected: usize,
}

macro_rules! bytes_type {
    ($(#[$doc:meta])* $name:ident, $size:literal, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $size]);

        impl $name {
            /// All bytes zero.
            pub const ZERO: Self = Self([0; $size]);

            /// Returns the identifier with these bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $size]) -> Self {
                Self(bytes)
            }

            /// Returns the bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $size] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str($prefix)?;
                self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!(stringify!($name), "({})"), self)
            }
        }

        /// Parses hex digits of either case, with or without `0x`.
        impl FromStr for $name {
            type Err = ParseBytesError;

            fn from_str(text: &str) -> Result<Self, ParseBytesError> {
                let refuse = || ParseBytesError { text: text.chars().take(80).collect(), expected: $size };
                let digits = text.strip_prefix("0x").unwrap_or(text);
                let mut bytes = [0; $size];
                if !digits.is_ascii() || digits.len() != bytes.len().saturating_mul(2) {
                    return Err(refuse());
                }
                for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
                    let pair = pair.iter().try_fold(0_u8, |value, &digit| {
                        let digit = char::from(digit).to_digit(16)?;
                        value.checked_mul(16)?.checked_add(u8::try_from(digit).ok()?)
                    });
                    *byte = pair.ok_or_else(refuse)?;
                }
                Ok(Self(bytes))
            }
        }
    };
}

bytes_type! {
    /// A BLAKE3-256 digest, shown as 64 hex digits.
    Digest, 32, ""
}
impl Digest {
    /// Returns the BLAKE3 digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        blake3::hash(bytes).into()
    }
}

impl From<blake3::Hash> for Digest {
    fn from(hash: blake3::Hash) -> Self {
        Self(hash.into())
    }
}

bytes_type! {
    /// A device: its ed25519 public key, shown as 64 hex digits.
    DeviceId, 32, ""
}
bytes_type! {
    /// An account of the ledger: 20 bytes, shown as `0x` and 40 hex digits in lower case.
    AccountId, 20, "0x"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_read_exactly_or_not_at_all() {
        let account = AccountId::from_bytes([0xab; 20]);
        assert_eq!(account.to_string(), format!("0x{}", "ab".repeat(20)));
        assert_eq!(account.to_string().parse(), Ok(account));
        assert_eq!("AB".repeat(20).parse(), Ok(account));
        for refused in [
            String::new(),
            "0x".into(),
            "ab".repeat(19),
            "ab".repeat(21),
            "+b".repeat(20),
            "é".repeat(20),
        ] {
            assert!(refused.parse::<AccountId>().is_err(), "{refused}");
        }
        let digest = Digest::of(b"barley");
        assert_eq!(digest.to_string().parse(), Ok(digest));
    }
}
