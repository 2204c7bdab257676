use std::fs;

use corpus::{Corpus, CorpusError, Cut, NotTheShards};
use proptest::prelude::*;

const CUT: Cut = Cut { window: 9, shard_size: 64 };

fn all(corpus: &Corpus) -> Vec<u8> {
    let shards = (0..corpus.shard_count()).flat_map(|index| corpus.shard(index).to_vec());
    shards.chain(corpus.validation().iter().copied()).collect()
}

proptest! {
    #[test]
    fn nothing_is_lost_or_read_twice(text in "[a-z \nüß€🦀]{0,600}", window in 2_usize..40) {
        let cut = Cut { window, shard_size: 64 };
        match Corpus::from_text(text.clone().into_bytes(), &cut) {
            Ok(corpus) => {
                prop_assert_eq!(all(&corpus), text.as_bytes());
                prop_assert!(corpus.validation().len() >= window);
                prop_assert!((0..corpus.shard_count()).all(|index| corpus.shard(index).len() >= window));
                prop_assert!((0..corpus.shard_count()).all(|index| corpus.shard(index).len() < 2 * 64));
                let is_character = std::str::from_utf8(corpus.validation()).is_ok();
                prop_assert!(is_character, "validation begins inside a character");
            }
            Err(CorpusError::Empty { .. }) => prop_assert!(text.trim().is_empty()),
            Err(CorpusError::TooSmall { size, minimum, .. }) => prop_assert!(size == text.len() && size < minimum),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}

#[test]
fn validation_is_the_last_twentieth_from_a_line_on() {
    let text = "to be or not to be\n".repeat(100).into_bytes();
    let corpus = Corpus::from_text(text.clone(), &CUT).unwrap();
    assert!(corpus.validation().starts_with(b"to be or"));
    assert_eq!(corpus.validation().len(), 19 * 5);
    assert_eq!(corpus.training_size(), 19 * 95);
    assert_eq!(corpus.evaluated(), corpus.validation());
}

#[test]
fn a_folder_is_read_in_order_without_hidden_files() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| fs::write(folder.path().join(name), text).unwrap();
    fs::create_dir_all(folder.path().join("b/.git")).unwrap();
    write("c.txt", b"third part of the text\n");
    write("a.txt", b"first part of the text");
    write("b/z.txt", b"second part of the text\n");
    write(".hidden", &[0xff; 100]);
    write("b/.git/index", &[0xff; 100]);
    let corpus = Corpus::from_path(folder.path(), &CUT).unwrap();
    let expected = "first part of the text\nsecond part of the text\nthird part of the text\n";
    assert_eq!(all(&corpus), expected.as_bytes());
    assert_eq!(corpus, Corpus::from_text(expected.into(), &CUT).unwrap());
}

#[test]
fn errors_name_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let refusal = |name: &str| Corpus::from_path(&at(name), &CUT).unwrap_err().to_string();

    assert!(refusal("nowhere").contains("nowhere can't be read"));
    assert!(refusal("").contains("contains no text"), "an empty folder");
    fs::write(at("blank"), " \n\t\n").unwrap();
    assert!(refusal("blank").contains("blank contains no text"));
    fs::write(at("short"), "too short").unwrap();
    assert!(refusal("short").contains("9 bytes of text"));
    assert!(refusal("short").contains("at least 22 are needed"));
    fs::write(at("latin"), b"Text in Latin-1: \xfc and some more of it").unwrap();
    assert!(refusal("latin").contains("latin is not UTF-8 text (first invalid byte at 17)"));
    assert!(refusal("").contains("latin is not UTF-8 text"), "the file in the folder is named");
    let cut = Corpus::from_text(b"half a character: \xe2\x82".to_vec(), &CUT).unwrap_err();
    assert!(matches!(cut, CorpusError::NotText { offset: 18, .. }));
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_at_once() {
    let scratch = tempfile::tempdir().unwrap();
    let socket = scratch.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for path in [socket.as_path(), std::path::Path::new("/dev/zero")] {
        let error = Corpus::from_path(path, &Cut::for_context(8)).unwrap_err().to_string();
        assert!(error.contains("not a file"), "{error}");
    }
}

#[test]
fn a_corpus_is_put_together_from_its_shards() {
    let text: String = (0..40).map(|line| format!("line {line} of the text\n")).collect();
    let whole = Corpus::from_text(text.into(), &CUT).unwrap();
    let manifest = whole.manifest();
    let shards: Vec<Vec<u8>> =
        (0..whole.shard_count()).map(|index| whole.shard(index).to_vec()).collect();
    let put_together = Corpus::from_shards(&manifest, &shards).unwrap();
    assert_eq!(put_together.manifest(), manifest);
    assert_eq!(put_together.shard_count(), whole.shard_count());
    assert!((0..shards.len()).all(|index| put_together.shard(index) == whole.shard(index)));
    assert_eq!(put_together.evaluated(), b"", "workers don't have the validation text");

    let refused = Err(NotTheShards { count: shards.len() });
    let mut swapped = shards.clone();
    swapped.swap(0, 1);
    assert_eq!(Corpus::from_shards(&manifest, &swapped), refused);
    assert_eq!(Corpus::from_shards(&manifest, &shards[1..]), refused);
    let mut damaged = shards;
    damaged[2][0] ^= 1;
    assert_eq!(Corpus::from_shards(&manifest, &damaged), refused);
}
