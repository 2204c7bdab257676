use std::fs;

use alloy_signer::Signer as _;
use alloy_signer_local::PrivateKeySigner;
use tempfile::TempDir;
use units::AccountId;
use wallet::{Cost, Import, ImportError, LockedError, UnlockError, Wallet, WriteError};

/// The phrase of Ethereum development tools, and its first account and key.
const PHRASE: &str = "test test test test test test test test test test test junk";
const FIRST: &str = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

fn wallet() -> (TempDir, Wallet) {
    let folder = tempfile::tempdir().unwrap();
    let wallet = Wallet::at(folder.path().join("deep/wallet")).with_cost(Cost::THROW_AWAY);
    (folder, wallet)
}

fn first() -> AccountId {
    FIRST.parse().unwrap()
}

#[test]
fn a_new_account_comes_back_from_file_and_phrase() {
    let (_folder, wallet) = wallet();
    assert_eq!(wallet.accounts().unwrap(), []);
    let made = wallet.create("pw").unwrap();
    assert_eq!(made.phrase.split(' ').count(), 12);
    assert!(!format!("{made:?}").contains(&made.phrase));
    assert_eq!(wallet.accounts().unwrap(), std::slice::from_ref(&made.account));
    let signer = wallet.unlock(&made.account.id, "pw").unwrap();
    assert_eq!(signer.address().into_array(), *made.account.id.as_bytes());

    let (_folder, other) = self::wallet();
    assert_eq!(other.import(Import::Phrase(&made.phrase), "other").unwrap().id, made.account.id);
    assert_eq!(other.unlock(&made.account.id, "other").unwrap(), signer);
    assert_ne!(wallet.create("pw").unwrap().account.id, made.account.id);
    assert_eq!(wallet.accounts().unwrap().len(), 2);
}

#[test]
fn known_phrases_and_keys_give_known_accounts() {
    for import in [
        Import::Phrase(PHRASE),
        Import::Phrase("  TEST test test test\ntest test test test test test test junk\n"),
        Import::PrivateKey(KEY),
        Import::PrivateKey(&KEY[2..]),
    ] {
        let (_folder, wallet) = wallet();
        assert_eq!(wallet.import(import, "pw").unwrap().id, first());
    }
}

#[test]
fn other_tools_open_what_we_write() {
    let (_folder, wallet) = wallet();
    let account = wallet.import(Import::PrivateKey(KEY), "pässword").unwrap();
    let theirs = PrivateKeySigner::decrypt_keystore(&account.path, "pässword").unwrap();
    assert_eq!(theirs, wallet.unlock(&first(), "pässword").unwrap());

    let json = fs::read_to_string(&account.path).unwrap();
    let (_folder, other) = self::wallet();
    let import = Import::Keystore { json: &json, password: "pässword" };
    assert_eq!(other.import(import, "new").unwrap().id, first());
    assert_eq!(other.unlock(&first(), "new").unwrap(), theirs);
}

#[test]
fn a_wrong_password_is_told_from_a_damaged_file() {
    let (_folder, wallet) = wallet();
    let account = wallet.import(Import::Phrase(PHRASE), "right").unwrap();
    let wrong = wallet.unlock(&first(), "wrong").unwrap_err();
    assert!(
        matches!(&wrong, UnlockError::WrongPassword { path } if *path == account.path),
        "{wrong:?}"
    );
    assert!(wrong.to_string().starts_with("wrong password for "), "{wrong}");

    let text = fs::read_to_string(&account.path).unwrap();
    fs::remove_file(&account.path).unwrap();
    let gone = wallet.unlock(&first(), "right").unwrap_err();
    assert!(matches!(gone, UnlockError::NotFound { account, .. } if account == first()));
    fs::write(&account.path, &text[..text.len() / 2]).unwrap();
    assert!(matches!(wallet.unlock(&first(), "right"), Err(UnlockError::Damaged { .. })));
    // A file with the key of one account, named after another.
    let second = wallet.create("right").unwrap().account;
    fs::copy(&second.path, &account.path).unwrap();
    let swapped = wallet.unlock(&first(), "right").unwrap_err();
    assert!(swapped.to_string().contains(&second.id.to_string()), "{swapped}");
}

#[test]
fn a_key_is_never_overwritten() {
    let (_folder, wallet) = wallet();
    let account = wallet.import(Import::Phrase(PHRASE), "first").unwrap();
    let again = wallet.import(Import::PrivateKey(KEY), "second").unwrap_err();
    assert!(
        matches!(&again, ImportError::Write(WriteError::AlreadyThere { path }) if *path == account.path),
        "{again:?}"
    );
    wallet.unlock(&first(), "first").unwrap();
    let names: Vec<_> = fs::read_dir(account.path.parent().unwrap()).unwrap().collect();
    assert_eq!(names.len(), 1, "no unfinished file is left: {names:?}");
}

#[test]
fn invalid_secrets_are_refused_and_not_quoted() {
    let (_folder, wallet) = wallet();
    let swapped = PHRASE.replace("junk", "test");
    for (import, says) in [
        (Import::Phrase("test test jnuk"), "word 3 of the phrase"),
        (Import::Phrase(&swapped), "phrase is not valid"),
        (Import::Phrase("test test"), "phrase is not valid"),
        (Import::Phrase(""), "phrase is not valid"),
        (Import::PrivateKey("0x1234"), "private key is not valid"),
        (Import::PrivateKey(&"00".repeat(32)), "private key is not valid"),
        (Import::PrivateKey(&"ff".repeat(32)), "private key is not valid"),
        (
            Import::Keystore { json: "{}", password: "pw" },
            "keystore to import could not be unlocked",
        ),
    ] {
        let error = wallet.import(import, "pw").unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert!(
            !error.to_string().contains("test test") && !error.to_string().contains("jnuk"),
            "{error}"
        );
    }
    assert_eq!(wallet.accounts().unwrap(), [], "nothing was stored");

    let (_folder, other) = self::wallet();
    let account = other.import(Import::Phrase(PHRASE), "right").unwrap();
    let json = fs::read_to_string(account.path).unwrap();
    let wrong =
        wallet.import(Import::Keystore { json: &json, password: "wrong" }, "pw").unwrap_err();
    assert!(matches!(wrong, ImportError::Keystore(LockedError::WrongPassword)), "{wrong}");
}

#[test]
fn other_files_in_the_folder_are_left_alone() {
    let (_folder, wallet) = wallet();
    let account = wallet.import(Import::Phrase(PHRASE), "pw").unwrap();
    let folder = account.path.parent().unwrap();
    for name in [
        "notes.txt",
        "0x12.json",
        ".unfinished",
        &format!("{}.json", &FIRST[2..]),
        &format!("{FIRST}.json.bak"),
    ] {
        fs::write(folder.join(name), "x").unwrap();
    }
    assert_eq!(wallet.accounts().unwrap(), [account]);
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_a_key() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_folder, wallet) = wallet();
    let account = wallet.import(Import::Phrase(PHRASE), "pw").unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&account.path), 0o600);
    assert_eq!(mode(account.path.parent().unwrap()), 0o700);
}

#[test]
fn a_folder_that_is_a_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wallet");
    fs::write(&path, "x").unwrap();
    let wallet = Wallet::at(&path).with_cost(Cost::THROW_AWAY);
    assert!(wallet.accounts().unwrap_err().to_string().contains(path.to_str().unwrap()));
    assert!(matches!(wallet.create("pw"), Err(WriteError::Io { .. })));
}

#[test]
fn a_signer_signs_for_its_account() {
    let (_folder, wallet) = wallet();
    wallet.import(Import::Phrase(PHRASE), "pw").unwrap();
    let signer = wallet.unlock(&first(), "pw").unwrap();
    assert_eq!(signer.with_chain_id(Some(7)).address().into_array(), *first().as_bytes());
}
