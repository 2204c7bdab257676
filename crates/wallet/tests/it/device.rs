use std::fs;

use ed25519_dalek::{Signature, VerifyingKey};
use wallet::{DeviceKey, DeviceKeyError};

/// A device that can't read its own file loses its identity on the ledger.
#[test]
fn the_file_of_a_key_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.key");
    let key = DeviceKey::store(&path, &[0xa5; 32]).unwrap();
    golden::check!("device.key.txt", &fs::read_to_string(&path).unwrap());
    assert_eq!(DeviceKey::load(&path).unwrap().device(), key.device());
}

#[test]
fn a_device_key_is_made_once_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("worker/device.key");
    assert!(matches!(DeviceKey::load(&path), Err(DeviceKeyError::Io { .. })));
    let made = DeviceKey::load_or_create(&path).unwrap();
    let again = DeviceKey::load_or_create(&path).unwrap();
    assert_eq!(made.seed(), again.seed());
    assert_eq!(made.device(), again.device());
    let other = DeviceKey::load_or_create(&folder.path().join("other.key")).unwrap();
    assert_ne!(made.device(), other.device());
    assert!(!format!("{made:?}").contains(fs::read_to_string(&path).unwrap().trim()));
}

#[test]
fn signatures_verify_and_are_the_published_ones() {
    // RFC 8032, section 7.1, test 1: the empty message.
    let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.key");
    fs::write(&path, seed).unwrap();
    restrict(&path, 0o600);
    let key = DeviceKey::load(&path).unwrap();
    assert_eq!(
        key.device().to_string(),
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    );
    let verifying = VerifyingKey::from_bytes(key.device().as_bytes()).unwrap();
    assert!(verifying.verify_strict(b"", &Signature::from_bytes(&key.sign(b""))).is_ok());
    assert!(verifying.verify_strict(b"other", &Signature::from_bytes(&key.sign(b""))).is_err());
    let start: String = key.sign(b"")[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(start, "e5564300c360ac72");
}

#[test]
fn a_damaged_key_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.key");
    for text in
        ["", "ab", "zz".repeat(32).as_str(), "ab".repeat(33).as_str(), "a".repeat(5000).as_str()]
    {
        fs::write(&path, text).unwrap();
        restrict(&path, 0o600);
        assert!(
            matches!(DeviceKey::load_or_create(&path), Err(DeviceKeyError::Damaged { .. })),
            "{text}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "left as it was");
    }
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.key");
    DeviceKey::load_or_create(&path).unwrap();
    restrict(&path, 0o640);
    let refused = DeviceKey::load_or_create(&path).unwrap_err();
    assert!(matches!(refused, DeviceKeyError::Exposed { .. }), "{refused}");
    restrict(&path, 0o400);
    DeviceKey::load_or_create(&path).unwrap();
}

#[cfg(unix)]
fn restrict(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn restrict(_path: &std::path::Path, _mode: u32) {}
