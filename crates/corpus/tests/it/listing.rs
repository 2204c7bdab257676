use corpus::{Corpus, Cut, Manifest, ManifestError, Piece};
use proptest::prelude::*;

fn manifest() -> Manifest {
    let text = "a line of some text\n".repeat(40).into_bytes();
    Corpus::from_text(text, &Cut { window: 9, shard_size: 64 }).expect("long enough").manifest()
}

#[test]
fn a_manifest_round_trips() {
    let manifest = manifest();
    assert_eq!(manifest.shards.len(), 12);
    assert_eq!(Manifest::decode(&manifest.encode()), Ok(manifest));
}

#[test]
fn the_digest_depends_on_every_byte() {
    let text = "a line of some text\n".repeat(40).into_bytes();
    let cut = Cut { window: 9, shard_size: 64 };
    let digest = |text: Vec<u8>| Corpus::from_text(text, &cut).unwrap().manifest().digest();
    let original = digest(text.clone());
    for at in [0, 300, text.len() - 1] {
        let mut other = text.clone();
        other[at] = b'x';
        assert_ne!(digest(other), original);
    }
}

#[test]
fn a_piece_matches_only_its_bytes() {
    let piece = Piece::of(b"some bytes");
    assert!(piece.is(b"some bytes"));
    assert!(!piece.is(b"some byte"));
    assert!(!piece.is(b"some bytez"));
}

#[test]
fn bounds_are_kept() {
    let good = manifest().encode();
    let change = |at: usize, bytes: &[u8]| {
        let mut bad = good.clone();
        bad[at..at + bytes.len()].copy_from_slice(bytes);
        Manifest::decode(&bad)
    };
    assert_eq!(change(0, &[2]), Err(ManifestError::Version(2)));
    assert_eq!(change(1, &[0; 4]), Err(ManifestError::ShardCount(0)));
    assert_eq!(change(1, &[0xff; 4]), Err(ManifestError::ShardCount(u32::MAX)));
    assert_eq!(change(37, &[0; 4]), Err(ManifestError::PieceSize(0)));
    assert_eq!(change(37, &[0xff; 4]), Err(ManifestError::PieceSize(u32::MAX)));
    assert!(matches!(change(1, &[13, 0, 0, 0]), Err(ManifestError::Size { .. })));
    let longer = [good.as_slice(), &[0]].concat();
    assert!(matches!(Manifest::decode(&longer), Err(ManifestError::Size { .. })));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), shard_count in 0_u8..5) {
        let headed = [&[1, shard_count, 0, 0, 0][..], &bytes].concat();
        for bytes in [&bytes, &headed] {
            if let Ok(manifest) = Manifest::decode(bytes) {
                prop_assert_eq!(&manifest.encode(), bytes);
            }
        }
    }

    #[test]
    fn a_truncated_manifest_is_refused(cut in any::<prop::sample::Index>()) {
        let bytes = manifest().encode();
        prop_assert!(Manifest::decode(&bytes[..cut.index(bytes.len())]).is_err());
    }
}
