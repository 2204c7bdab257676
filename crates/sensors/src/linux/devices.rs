//! Input devices of the kernel, listened to without taking anything away from others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

use crate::linux::notes;
use crate::linux::root::Root;

/// The most devices that are listened to.
const DEVICES_MAX: usize = 256;

/// Bits of `capabilities/ev`: keys, relative and absolute axes, and repetition, which only keyboards have.
const KEY: u64 = 1 << 1;
const RELATIVE: u64 = 1 << 2;
const ABSOLUTE: u64 = 1 << 3;
const REPEAT: u64 = 1 << 20;

/// Bit of `properties`: it measures how the machine is moved, and never rests.
const ACCELEROMETER: u64 = 1 << 6;

/// The devices that are listened to.
#[derive(Debug, Default)]
pub(crate) struct Devices {
    open: BTreeMap<String, File>,
    refused: BTreeSet<String>,
    /// Keyboards and pointers, as opposed to buttons of the case.
    hands: BTreeSet<String>,
}

impl Devices {
    /// Opens devices that are new, and forgets those that are gone.
    pub(crate) fn look(&mut self, root: &Root) {
        let mut there = BTreeSet::new();
        self.refused.clear();
        self.hands.clear();
        for name in root.names("sys/class/input").into_iter().take(DEVICES_MAX) {
            if !name.starts_with("event") {
                continue;
            }
            let bits = |file: &str| {
                let text =
                    root.word(&format!("sys/class/input/{name}/device/{file}")).unwrap_or_default();
                // The lowest word is the last.
                text.split_whitespace()
                    .last()
                    .and_then(|word| u64::from_str_radix(word, 16).ok())
                    .unwrap_or(0)
            };
            let abilities = bits("capabilities/ev");
            if abilities & (KEY | RELATIVE | ABSOLUTE) == 0
                || bits("properties") & ACCELEROMETER != 0
            {
                continue;
            }
            let path = format!("dev/input/{name}");
            there.insert(path.clone());
            if !self.open.contains_key(&path) {
                // O_NONBLOCK
                let opened =
                    OpenOptions::new().read(true).custom_flags(0o4000).open(root.path(&path));
                match opened {
                    Ok(file) => drop(self.open.insert(path.clone(), file)),
                    Err(_) => drop(self.refused.insert(format!("/{path}"))),
                }
            }
            if abilities & (RELATIVE | ABSOLUTE | REPEAT) != 0 && self.open.contains_key(&path) {
                self.hands.insert(format!("/{path}"));
            }
        }
        self.open.retain(|path, _| there.contains(path));
    }

    /// Returns what can be waited for.
    pub(crate) fn handles(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.open.values().map(AsFd::as_fd)
    }

    /// Takes everything that devices have to say, and names one that said something. A device that fails is opened again at the next look.
    pub(crate) fn take(&mut self) -> Option<String> {
        let mut heard = None;
        let mut gone = Vec::new();
        for (path, file) in &mut self.open {
            let mut buffer = [0_u8; 24 * 64];
            loop {
                match file.read(&mut buffer) {
                    Ok(0) => gone.push(path.clone()),
                    Ok(size) => {
                        heard = Some(format!("/{path}"));
                        if size == buffer.len() {
                            continue;
                        }
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(_) => gone.push(path.clone()),
                }
                break;
            }
        }
        for path in gone {
            self.open.remove(&path);
        }
        heard
    }

    /// Says which devices are listened to.
    pub(crate) fn noted(&self) -> notes::Devices {
        notes::Devices { heard: self.hands.clone(), refused: self.refused.clone() }
    }
}
