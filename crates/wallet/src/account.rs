//! Accounts: created from a phrase, stored encrypted, unlocked with a password.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use abi::convert;
use alloy_primitives::{B256, hex};
use alloy_signer_local::{
    MnemonicBuilder, PrivateKeySigner,
    coins_bip39::{English, Entropy, Mnemonic, Wordlist as _},
};
use units::AccountId;

use crate::{
    file::{WriteError, random, write_new},
    keystore::{self, Cost, LockedError},
};

/// Largest keystore file that is read, in bytes; usual ones have about 600.
const FILE_SIZE_MAX: u64 = 64 << 10;

/// A folder of encrypted keys, one file per account.
#[derive(Clone, Debug)]
pub struct Wallet {
    folder: PathBuf,
    cost: Cost,
}

/// An account and the file that holds its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account.
    pub id: AccountId,
    /// The file with the encrypted key.
    pub path: PathBuf,
}

/// A new account. Its `Debug` does not show the phrase.
pub struct Created {
    /// The account.
    pub account: Account,
    /// The twelve words from which the key can be restored; stored nowhere.
    pub phrase: String,
}

impl std::fmt::Debug for Created {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Created").field("account", &self.account).finish_non_exhaustive()
    }
}

/// What an account is imported from.
#[derive(Clone, Copy)]
pub enum Import<'a> {
    /// English BIP-39 words; imports the first account of `m/44'/60'/0'/0`.
    Phrase(&'a str),
    /// 32 bytes in hex, with or without `0x`.
    PrivateKey(&'a str),
    /// The keystore file of another tool.
    Keystore {
        /// The text of the file.
        json: &'a str,
        /// Its password.
        password: &'a str,
    },
}

/// Why an account was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A word is not in the list.
    #[error("word {position} of the phrase is not in the English BIP-39 list: check its spelling")]
    UnknownWord {
        /// Position of the word, counted from 1.
        position: usize,
    },
    /// The number of words or their checksum is wrong.
    #[error(
        "the phrase is not valid: check that it has 12, 15, 18, 21 or 24 words in the right order"
    )]
    BadPhrase,
    /// The bytes are not a secp256k1 key.
    #[error("the private key is not valid: it must be 32 bytes in hex")]
    BadKey,
    /// The keystore to import could not be unlocked.
    #[error("the keystore to import could not be unlocked")]
    Keystore(#[from] LockedError),
    /// The key could not be stored.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Why accounts could not be listed.
#[derive(Debug, thiserror::Error)]
#[error("wallet folder {} can't be read", .folder.display())]
pub struct ListError {
    /// The folder.
    pub folder: PathBuf,
    source: io::Error,
}

/// Why a key could not be unlocked.
#[derive(Debug, thiserror::Error)]
pub enum UnlockError {
    /// The wallet has no such account.
    #[error("account {account} is not in wallet folder {}: list the accounts, or import it", .folder.display())]
    NotFound {
        /// The given account.
        account: AccountId,
        /// The wallet folder.
        folder: PathBuf,
    },
    /// The password is wrong.
    #[error("wrong password for {}", .path.display())]
    WrongPassword {
        /// The file with the encrypted key.
        path: PathBuf,
    },
    /// The file is damaged.
    #[error("{} is damaged: {reason}; restore it from a copy, or import the account from its phrase", .path.display())]
    Damaged {
        /// The file with the encrypted key.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file can't be read.
    #[error("{} can't be read", .path.display())]
    Io {
        /// The file with the encrypted key.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl Wallet {
    /// Returns the wallet in `folder`, which does not have to exist yet.
    #[must_use]
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), cost: Cost::USUAL }
    }

    /// Returns the same wallet, with another scrypt cost for new keys.
    #[must_use]
    pub fn with_cost(self, cost: Cost) -> Self {
        Self { cost, ..self }
    }

    /// Creates an account and stores its key encrypted with `password`.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn create(&self, password: &str) -> Result<Created, WriteError> {
        let mnemonic = Mnemonic::<English>::new_from_entropy(Entropy::Sixteen(random()?));
        let phrase = mnemonic.to_phrase();
        let signer = signer_from_phrase(&phrase).expect("a phrase made from entropy is valid");
        Ok(Created { account: self.store(&signer, password)?, phrase })
    }

    /// Stores the imported key encrypted with `password`.
    ///
    /// # Errors
    /// [`ImportError`]; an account that exists already is not changed.
    pub fn import(&self, import: Import<'_>, password: &str) -> Result<Account, ImportError> {
        let signer = match import {
            Import::Phrase(phrase) => signer_from_phrase(phrase)?,
            Import::PrivateKey(key) => {
                let bytes: [u8; 32] =
                    hex::decode_to_array(key.trim()).map_err(|_| ImportError::BadKey)?;
                PrivateKeySigner::from_bytes(&B256::from(bytes)).map_err(|_| ImportError::BadKey)?
            }
            Import::Keystore { json, password } => {
                let secret = keystore::unlock(json, password)?;
                PrivateKeySigner::from_bytes(&B256::from(secret))
                    .map_err(|_| ImportError::BadKey)?
            }
        };
        Ok(self.store(&signer, password)?)
    }

    /// Returns all accounts, sorted by id. Without a folder there are none; other files are ignored.
    ///
    /// # Errors
    /// [`ListError`].
    pub fn accounts(&self) -> Result<Vec<Account>, ListError> {
        let failed = |source| ListError { folder: self.folder.clone(), source };
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut accounts = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            let id = path
                .file_name()
                .and_then(|name| name.to_str()?.strip_suffix(".json")?.parse().ok());
            // Only the spelling that `unlock` would look for is accepted.
            accounts.extend(
                id.map(|id| Account { id, path })
                    .filter(|account| self.path(&account.id) == account.path),
            );
        }
        accounts.sort_by_key(|account| account.id);
        Ok(accounts)
    }

    /// Unlocks the account's key.
    ///
    /// # Errors
    /// [`UnlockError`].
    pub fn unlock(
        &self,
        account: &AccountId,
        password: &str,
    ) -> Result<PrivateKeySigner, UnlockError> {
        let path = self.path(account);
        let damaged = |reason: String| UnlockError::Damaged { path: path.clone(), reason };
        let text = match read_bounded(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(UnlockError::NotFound {
                    account: *account,
                    folder: self.folder.clone(),
                });
            }
            Err(source) => return Err(UnlockError::Io { path, source }),
        };
        let secret = keystore::unlock(&text, password).map_err(|error| match error {
            LockedError::WrongPassword => UnlockError::WrongPassword { path: path.clone() },
            LockedError::Unreadable { reason } => damaged(reason),
        })?;
        let signer = PrivateKeySigner::from_bytes(&B256::from(secret))
            .map_err(|_| damaged("it does not contain a valid key".into()))?;
        if account_of(&signer) == *account {
            Ok(signer)
        } else {
            Err(damaged(format!("it contains the key of {}", account_of(&signer))))
        }
    }

    fn store(&self, signer: &PrivateKeySigner, password: &str) -> Result<Account, WriteError> {
        let id = account_of(signer);
        let path = self.path(&id);
        if path.exists() {
            // Checked before the expensive part; `write_new` checks again.
            return Err(WriteError::AlreadyThere { path });
        }
        let text = keystore::lock(&signer.to_bytes().0, &id, password, self.cost)?;
        write_new(&path, text.as_bytes())?;
        Ok(Account { id, path })
    }

    fn path(&self, account: &AccountId) -> PathBuf {
        self.folder.join(format!("{account}.json"))
    }
}

fn account_of(signer: &PrivateKeySigner) -> AccountId {
    convert::account(signer.address())
}

/// Returns the signer of a phrase. Errors never contain the phrase.
fn signer_from_phrase(phrase: &str) -> Result<PrivateKeySigner, ImportError> {
    let words: Vec<String> = phrase.split_whitespace().map(str::to_lowercase).collect();
    if let Some(unknown) = words.iter().position(|word| English::get_index(word).is_err()) {
        return Err(ImportError::UnknownWord { position: unknown.saturating_add(1) });
    }
    MnemonicBuilder::from_phrase(words.join(" ")).build().map_err(|_| ImportError::BadPhrase)
}

fn read_bounded(path: &Path) -> io::Result<String> {
    use io::Read as _;
    let mut text = String::new();
    fs::File::open(path)?.take(FILE_SIZE_MAX).read_to_string(&mut text)?;
    Ok(text)
}
