//! Keys of X servers, from the files that their command lines name.
//!
//! A service does not have the environment of a desktop, which says where the key is. Whoever may read the key's file may connect; for
//! others it stays closed.

use std::fs::File;
use std::io::Read;

use crate::linux::root::Root;

/// The only kind of key that local servers use.
const KIND: &[u8] = b"MIT-MAGIC-COOKIE-1";

/// The longest file of keys, in bytes.
const SIZE_MAX: u64 = 1 << 16;

/// The most keys that are tried.
const KEYS_MAX: usize = 16;

/// A key: its kind, and its bytes.
pub(crate) type Key = (Vec<u8>, Vec<u8>);

/// Returns the keys for a display that this process may read.
pub(crate) fn keys(root: &Root, number: u16) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    for process in root.processes() {
        let line = root.text(&format!("proc/{process}/cmdline")).unwrap_or_default();
        let Some(path) = file_of(&line) else { continue };
        let mut bytes = Vec::new();
        let opened = File::open(root.path(path.trim_start_matches('/')));
        if opened.and_then(|file| file.take(SIZE_MAX).read_to_end(&mut bytes)).is_ok() {
            keys.extend(entries(&bytes, number).map(|key| (KIND.to_vec(), key.to_vec())));
        }
    }
    keys.sort();
    keys.dedup();
    keys.truncate(KEYS_MAX);
    keys
}

/// Returns the file of keys that a command line names, if it is that of an X server.
fn file_of(line: &str) -> Option<&str> {
    let mut words = line.split('\0');
    // Servers are called X, Xorg, Xvnc and so on.
    words.next()?.rsplit('/').next().filter(|name| name.starts_with('X'))?;
    words.find(|word| *word == "-auth")?;
    words.next().filter(|path| path.starts_with('/'))
}

/// Reads entries `family, address, number, kind, key`, all but the first with their size before them, and returns keys for a display.
fn entries(bytes: &[u8], number: u16) -> impl Iterator<Item = &[u8]> {
    let number = number.to_string();
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let family = rest.get(..2)?;
        rest = &rest[family.len()..];
        let (_address, of, kind, key) =
            (part(&mut rest)?, part(&mut rest)?, part(&mut rest)?, part(&mut rest)?);
        // An entry without a number is for every display.
        Some((kind == KIND && (of.is_empty() || of == number.as_bytes())).then_some(key))
    })
    .flatten()
}

/// Takes a part with its size before it.
fn part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let size = usize::from(u16::from_be_bytes(rest.get(..2)?.try_into().ok()?));
    let part = rest.get(2..size.checked_add(2)?)?;
    *rest = &rest[2 + size..];
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_display_and_of_all_displays_are_read() {
        let mut bytes = Vec::new();
        for (number, kind, key) in [
            ("7", "XDM", "no"),
            ("7", "MIT-MAGIC-COOKIE-1", "seven"),
            ("8", "MIT-MAGIC-COOKIE-1", "eight"),
            ("", "MIT-MAGIC-COOKIE-1", "all"),
        ] {
            bytes.extend([1, 0]);
            for part in ["host", number, kind, key] {
                bytes.extend(u16::try_from(part.len()).unwrap().to_be_bytes());
                bytes.extend(part.as_bytes());
            }
        }
        let found: Vec<&[u8]> = entries(&bytes, 7).collect();
        assert_eq!(found, [&b"seven"[..], b"all"]);
        for end in 0..bytes.len() {
            assert!(entries(&bytes[..end], 7).count() < 2);
        }
    }

    #[test]
    fn only_servers_name_files_of_keys() {
        let check = |line: &str, expected| assert_eq!(file_of(line), expected, "{line}");
        check(
            "/usr/lib/xorg/Xorg\0vt2\0-auth\0/run/user/1000/gdm/Xauthority\0",
            Some("/run/user/1000/gdm/Xauthority"),
        );
        check("/usr/bin/program\0-auth\0/etc/shadow\0", None);
        check("Xvfb\0:1\0-auth\0", None);
        check("Xvfb\0:1\0", None);
        check("", None);
    }
}
