//! Disks that fail, write partially, or lose writes at a power cut: the ledger reopens at a whole block that is not
//! older than the last acknowledged one.
//!
//! Everything follows from a seed. `STORE_TEST_FAULTS` sets the number of seeds.

use crate::chain::{genesis, next_block};
use alloy_primitives::B256;
use redb::StorageBackend;
use std::{
    fs, io,
    sync::{Arc, Mutex},
};
use store::{Store, StoreError, StoreOptions};

/// Number of bytes that a disk writes completely or not at all.
const SECTOR_SIZE: usize = 512;

/// Pseudo-random numbers below a bound (splitmix64).
#[derive(Clone, Copy, Debug)]
struct Seed(u64);

impl Seed {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// The effect of the fault on the operation it hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It fails without effect, and so do all later ones.
    Dead,
    /// It fails without effect; later ones succeed.
    Refused,
    /// Half of it is done, then it fails; later ones succeed. A failing sync loses what it should sync.
    Torn,
    /// It and all later writes fail for lack of space. Syncs succeed.
    Full,
}

/// A write since the last sync.
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Change {
    fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Self::Length(length) => image.resize(*length, 0),
            Self::Write(offset, bytes) => {
                let end = offset + bytes.len();
                image.resize(image.len().max(end), 0);
                image[*offset..end].copy_from_slice(bytes);
            }
        }
    }
}

#[derive(Default)]
struct State {
    /// The content after a power cut.
    synced: Vec<u8>,
    /// The content as the process sees it.
    seen: Vec<u8>,
    unsynced: Vec<Change>,
    /// Operations until the fault; then it stays at zero.
    countdown: u64,
    fault: Option<Fault>,
}

impl State {
    /// Returns the fault of this operation, if any.
    fn hit(&mut self, is_sync: bool) -> Option<Fault> {
        let fault = self.fault?;
        let is_first = self.countdown == 1;
        self.countdown = self.countdown.saturating_sub(1);
        match fault {
            _ if self.countdown > 0 => None,
            Fault::Dead => Some(fault),
            Fault::Full => (!is_sync).then_some(fault),
            Fault::Refused | Fault::Torn => is_first.then_some(fault),
        }
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.seen);
        self.unsynced.push(change);
    }
}

#[derive(Clone, Default)]
struct Disk(Arc<Mutex<State>>);

impl std::fmt::Debug for Disk {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Disk")
    }
}

impl Disk {
    fn holding(image: Vec<u8>, countdown: u64, fault: Fault) -> Self {
        let (seen, unsynced, fault) = (image.clone(), Vec::new(), Some(fault));
        Self(Arc::new(Mutex::new(State { synced: image, seen, unsynced, countdown, fault })))
    }

    /// Returns the content that the next process finds after a kill.
    fn after_kill(&self) -> Vec<u8> {
        self.0.lock().unwrap().seen.clone()
    }

    /// Returns the content after a power cut: any subset of the writes since the last sync, in any order except where
    /// they overlap.
    fn after_power_cut(&self, seed: &mut Seed) -> Vec<u8> {
        let state = self.0.lock().unwrap();
        let mut image = state.synced.clone();
        let kept_of_four = seed.below(5);
        for change in &state.unsynced {
            let Change::Write(offset, bytes) = change else {
                change.apply(&mut image);
                continue;
            };
            let mut from = 0;
            while from < bytes.len() {
                let until = (from + SECTOR_SIZE - (offset + from) % SECTOR_SIZE).min(bytes.len());
                if seed.below(4) < kept_of_four {
                    Change::Write(offset + from, bytes[from..until].to_vec()).apply(&mut image);
                }
                from = until;
            }
        }
        image
    }
}

fn failure(fault: Fault) -> io::Error {
    match fault {
        Fault::Full => io::ErrorKind::StorageFull.into(),
        _ => io::Error::other("the disk has failed"),
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap()
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, io::Error> {
        Ok(self.0.lock().unwrap().seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        let state = self.0.lock().unwrap();
        let found = state.seen.get(index(offset)..index(offset) + out.len());
        out.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> Result<(), io::Error> {
        let mut state = self.0.lock().unwrap();
        if let Some(fault) = state.hit(false) {
            return Err(failure(fault));
        }
        state.change(Change::Length(index(length)));
        Ok(())
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        let mut state = self.0.lock().unwrap();
        if let Some(fault) = state.hit(true) {
            if fault == Fault::Torn {
                // As an operating system does after a failed write-back: it forgets the pending writes.
                state.unsynced.clear();
            }
            return Err(failure(fault));
        }
        state.synced = state.seen.clone();
        state.unsynced.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        let mut state = self.0.lock().unwrap();
        let fault = state.hit(false);
        let written = match fault {
            None => data,
            Some(Fault::Torn) => &data[..data.len() / 2],
            Some(_) => &[],
        };
        state.change(Change::Write(index(offset), written.to_vec()));
        fault.map_or(Ok(()), |fault| Err(failure(fault)))
    }
}

/// Uses the ledger until something fails; returns the last acknowledged head, and the block that was being added.
fn work(disk: &Disk, blocks: u64, blocks_max: Option<u64>) -> (Option<B256>, Option<B256>) {
    let (mut acknowledged, mut tried) = (None, None);
    let mut attempt = || {
        let options = StoreOptions { past_states_max: 3, blocks_max, ..StoreOptions::default() };
        let store = Store::open_on("simulated".into(), disk.clone(), options)?;
        store.initialize(&genesis())?;
        acknowledged = Some(store.reader()?.head().hash());
        for _ in 0..blocks {
            let block = next_block(&store);
            tried = Some(block.hash);
            store.commit(&block)?;
            acknowledged = Some(block.hash);
        }
        Ok::<_, StoreError>(())
    };
    if let Err(error) = attempt() {
        let is_told = matches!(
            error,
            StoreError::Io { .. } | StoreError::DiskFull { .. } | StoreError::Halted { .. }
        );
        assert!(is_told, "{error:?}");
    }
    (acknowledged, tried)
}

/// Runs one ledger with several faults; returns the heights at reopening.
fn live(mut seed: Seed) -> Vec<u64> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.redb");
    let (mut image, mut head, mut heights) = (Vec::new(), None, Vec::new());
    for _ in 0..6 {
        let fault = [Fault::Dead, Fault::Refused, Fault::Torn, Fault::Full][index(seed.below(4))];
        let disk = Disk::holding(image, 1 + seed.below(120), fault);
        let (acknowledged, tried) =
            work(&disk, 1 + seed.below(6), [None, Some(5)][index(seed.below(2))]);
        head = acknowledged.or(head);
        image = match seed.below(3) {
            0 => disk.after_kill(),
            _ => disk.after_power_cut(&mut seed),
        };
        // The next process opens a file with this content.
        fs::write(&path, &image).unwrap();
        let store = Store::open(directory.path()).unwrap_or_else(|error| {
            panic!("{seed:?}: after {fault:?} it does not open: {error:?}");
        });
        store.initialize(&genesis()).unwrap();
        store.verify().unwrap();
        let found = store.reader().unwrap().head().clone();
        let is_next = found.number > 0 && Some(found.parent_hash) == head;
        assert!(
            head.is_none()
                || Some(found.hash()) == head
                || (is_next && Some(found.hash()) == tried),
            "{seed:?}: after {fault:?} the head is {found:?}, acknowledged was {head:?}"
        );
        head = Some(found.hash());
        heights.push(found.number);
        drop(store);
        image = fs::read(&path).unwrap();
    }
    heights
}

#[test]
fn no_fault_of_a_disk_loses_a_block() {
    let count = std::env::var_os("STORE_TEST_FAULTS");
    let seeds = count.map_or(40, |count| count.to_str().unwrap().parse().unwrap());
    let lives: Vec<_> = (0..seeds).map(|seed| live(Seed(seed))).collect();
    assert!(lives.iter().all(|heights| heights.is_sorted()), "{lives:?}");
    let grown = lives.iter().filter(|heights| heights.last() > heights.first()).count();
    assert!(2 * grown > lives.len(), "most ledgers must continue after a fault: {lives:?}");
}
