//! What is fixed when an asset is created.

use alloy_primitives::U256;
use thiserror::Error;
use units::{AccountId, is_hidden};

/// Largest size of a name, in bytes of UTF-8.
pub const NAME_BYTES_MAX: usize = 64;
/// Largest size of a symbol, in bytes of UTF-8.
pub const SYMBOL_BYTES_MAX: usize = 16;
/// Largest size of a metadata URI, in bytes.
pub const URI_BYTES_MAX: usize = 256;
/// Largest number of decimals: one whole unit must be far below 2^256.
pub const DECIMALS_MAX: u8 = 36;

/// Terms of an asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Name, 1 to [`NAME_BYTES_MAX`] bytes without control characters and invisible characters.
    pub name: String,
    /// Symbol, 1 to [`SYMBOL_BYTES_MAX`] bytes without control characters and invisible characters.
    pub symbol: String,
    /// Decimals of one whole unit, for display only.
    pub decimals: u8,
    /// The largest supply, in the smallest unit; not 0.
    pub cap: U256,
    /// URI of the asset's metadata (ERC-1046); may be empty.
    pub uri: String,
    /// The first issuer.
    pub issuer: AccountId,
    /// What issuer and holders may do besides.
    pub powers: Powers,
}

/// What an asset's terms allow, beside minting by the issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Powers {
    /// The issuer may stop all balances from moving, and let them move again.
    pub pausable: bool,
    /// Holders may destroy what they hold.
    pub burnable: bool,
    /// The issuer may hand its role over.
    pub transferable: bool,
    /// The issuer may renounce its role for good.
    pub renounceable: bool,
}

/// Why terms are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TermsError {
    /// A text has the wrong length.
    #[error("{field} has {size} bytes: {min} to {max} are allowed")]
    Size {
        /// The field.
        field: &'static str,
        /// Bytes given.
        size: usize,
        /// Smallest size allowed.
        min: usize,
        /// Largest size allowed.
        max: usize,
    },
    /// A text contains a control character, such as a line break.
    #[error("{field} contains a control character: remove it")]
    ControlCharacter {
        /// The field.
        field: &'static str,
    },
    /// A text with a character that has no width, or that reverses the text around it.
    #[error("{field} holds U+{:04X}, an invisible character: remove it", u32::from(*character))]
    HiddenCharacter {
        /// The name of the field.
        field: &'static str,
        /// The first such character.
        character: char,
    },
    /// Too many decimals.
    #[error("{given} decimals: at most {DECIMALS_MAX} are allowed")]
    Decimals {
        /// Given.
        given: u8,
    },
    /// The cap is 0, so nothing could be minted.
    #[error("the cap is 0, so nothing could be minted: give at least 1")]
    NoCap,
    /// The issuer is the zero account, so nobody could mint.
    #[error("the issuer is the zero account, so nobody could mint: name an account")]
    NoIssuer,
}

impl Terms {
    /// Checks every bound.
    ///
    /// # Errors
    /// [`TermsError`] naming the field.
    pub fn check(&self) -> Result<(), TermsError> {
        check_text("name", &self.name, 1, NAME_BYTES_MAX)?;
        check_text("symbol", &self.symbol, 1, SYMBOL_BYTES_MAX)?;
        check_text("uri", &self.uri, 0, URI_BYTES_MAX)?;
        if self.decimals > DECIMALS_MAX {
            return Err(TermsError::Decimals { given: self.decimals });
        }
        if self.cap.is_zero() {
            return Err(TermsError::NoCap);
        }
        if self.issuer == AccountId::ZERO {
            return Err(TermsError::NoIssuer);
        }
        Ok(())
    }
}

fn check_text(field: &'static str, text: &str, min: usize, max: usize) -> Result<(), TermsError> {
    let size = text.len();
    if !(min..=max).contains(&size) {
        return Err(TermsError::Size { field, size, min, max });
    }
    if text.chars().any(char::is_control) {
        return Err(TermsError::ControlCharacter { field });
    }
    if let Some(character) = text.chars().find(|character| is_hidden(*character)) {
        return Err(TermsError::HiddenCharacter { field, character });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms() -> Terms {
        Terms {
            name: "n".repeat(NAME_BYTES_MAX),
            symbol: "Ä".into(),
            decimals: DECIMALS_MAX,
            cap: U256::MAX,
            uri: String::new(),
            issuer: AccountId::from_bytes([1; 20]),
            powers: Powers {
                pausable: true,
                burnable: true,
                transferable: true,
                renounceable: true,
            },
        }
    }

    #[test]
    fn terms_are_bounded() {
        let check = |change: fn(&mut Terms), expected| {
            let mut terms = terms();
            change(&mut terms);
            assert_eq!(terms.check(), expected);
        };
        let size = |field, size, min, max| Err(TermsError::Size { field, size, min, max });
        check(|_| {}, Ok(()));
        check(|terms| terms.uri = "u".repeat(256), Ok(()));
        check(|terms| terms.cap = U256::from(1), Ok(()));
        check(|terms| terms.name.push('n'), size("name", 65, 1, 64));
        check(|terms| terms.name.clear(), size("name", 0, 1, 64));
        check(|terms| terms.symbol = "Ä".repeat(9), size("symbol", 18, 1, 16));
        check(|terms| terms.uri = "u".repeat(257), size("uri", 257, 0, 256));
        let control = |field| Err(TermsError::ControlCharacter { field });
        check(|terms| terms.symbol = "A\n".into(), control("symbol"));
        check(|terms| terms.uri = "\u{9b}".into(), control("uri"));
        let hidden = |field, character| Err(TermsError::HiddenCharacter { field, character });
        check(|terms| terms.name = "BAR\u{202e}KCEN".into(), hidden("name", '\u{202e}'));
        check(|terms| terms.symbol = "GR\u{200b}AIN".into(), hidden("symbol", '\u{200b}'));
        check(|terms| terms.uri = "\u{feff}ipfs:".into(), hidden("uri", '\u{feff}'));
        check(|terms| terms.decimals = 37, Err(TermsError::Decimals { given: 37 }));
        check(|terms| terms.cap = U256::ZERO, Err(TermsError::NoCap));
        check(|terms| terms.issuer = AccountId::ZERO, Err(TermsError::NoIssuer));
    }
}
