//! What a computing process writes to its worker, read there until the first mistake: everything that is taken is within the round's bounds.
#![no_main]

use calculator::codec::{Answer, Expected, read_answer, write_answer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u16, &[u8])| {
    let (leaves, update_max, bytes) = input;
    let expected = Expected {
        steps: 100,
        leaves: usize::from(leaves),
        update_max: update_max.into(),
        parameters: 1000,
    };
    let mut from = bytes;
    while let Ok(answer) = read_answer(&mut from, &expected) {
        if let Answer::Whole(done) = &answer {
            assert!(done.leaves.len() == expected.leaves && done.loss_mean.is_finite());
            assert!(done.update.len() <= usize::from(update_max));
        }
        // Its text may have been shortened and cleaned.
        if matches!(answer, Answer::Broken(_)) {
            continue;
        }
        let mut again = Vec::new();
        write_answer(&mut again, &answer).expect("a vector takes all bytes");
        assert_eq!(read_answer(&mut &again[..], &expected).ok(), Some(answer));
    }
});
