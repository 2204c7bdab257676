//! Snapshots: the bytes after the checksums, so that the fuzzer gets behind them. One that is taken is a ledger that holds together.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use store::Store;

/// Parts of a good snapshot: kind and bytes.
fn good() -> &'static [(u8, Vec<u8>)] {
    static GOOD: OnceLock<Vec<(u8, Vec<u8>)>> = OnceLock::new();
    GOOD.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(folder.path()).expect("a store");
        store.initialize(&gleaner_fuzz::genesis()).expect("a chain");
        let mut bytes = Vec::new();
        store.export().expect("a head").write(&mut bytes, &mut |_| ()).expect("a snapshot");
        let (mut rest, mut parts) = (&bytes[16..], Vec::new());
        while let [kind, a, b, c, d, ..] = *rest {
            let size = u32::from_be_bytes([a, b, c, d]) as usize;
            parts.push((kind, rest[5..5 + size].to_vec()));
            rest = &rest[5 + size + 32..];
        }
        parts
    })
}

fn joined(parts: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let (mut bytes, mut checksum) = (b"gleaner snap 001".to_vec(), [0; 32]);
    for (kind, part) in parts {
        let size = u32::try_from(part.len()).expect("small").to_be_bytes();
        let part = [&[*kind][..], &size, part].concat();
        checksum = *blake3::hash(&[&checksum[..], &part].concat()).as_bytes();
        bytes.extend([&part[..], &checksum].concat());
    }
    bytes
}

// The first byte chooses: bytes as they are, or in the place of one part, or changed into one.
fuzz_target!(|input: &[u8]| {
    let Some((choice, input)) = input.split_first() else { return };
    let mut parts = good().to_vec();
    let index = usize::from(choice >> 2) % parts.len();
    let bytes = match choice % 4 {
        0 => input.to_vec(),
        1 => {
            parts[index].1 = input.to_vec();
            joined(&parts)
        }
        2 => {
            for pair in input.chunks_exact(3) {
                let part = &mut parts[index].1;
                let at = usize::from(u16::from_be_bytes([pair[0], pair[1]])) % part.len().max(1);
                if let Some(byte) = part.get_mut(at) {
                    *byte = pair[2];
                }
            }
            joined(&parts)
        }
        _ => {
            let at = input.len().min(parts[index].1.len());
            parts[index].1.splice(..at, input.iter().copied());
            joined(&parts)
        }
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("ledger");
    match store::import(&path, &bytes[..], None, &mut |_| ()) {
        Ok(_) => {
            let store = Store::open(&path).expect("what was taken opens");
            store.verify().expect("what was taken holds together");
        }
        Err(_) => assert!(!path.exists(), "what was refused is not there"),
    }
});
