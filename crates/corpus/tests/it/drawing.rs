use std::collections::BTreeSet;

use corpus::{BatchError, Batcher, Draw, assignment};
use proptest::prelude::*;
use units::DeviceId;

const SEED: [u8; 32] = [7; 32];

fn device(byte: u8) -> DeviceId {
    DeviceId::from_bytes([byte; 32])
}

proptest! {
    #[test]
    fn an_assignment_has_no_shard_twice(round in any::<u32>(), byte in any::<u8>(), shard_count in 0_usize..200, count in 0_usize..20) {
        let draw = Draw { seed: &SEED, round, device: &device(byte) };
        let shards = assignment(&draw, shard_count, count);
        prop_assert_eq!(&shards, &assignment(&draw, shard_count, count));
        prop_assert_eq!(shards.len(), count.min(shard_count));
        prop_assert!(shards.iter().all(|&shard| shard < shard_count));
        prop_assert_eq!(shards.iter().collect::<BTreeSet<_>>().len(), shards.len());
    }
}

#[test]
fn seed_round_and_device_each_matter() {
    let device = [device(1), device(2)];
    let of = |seed, round, device| assignment(&Draw { seed, round, device }, 1000, 8);
    let base = of(&SEED, 1, &device[0]);
    assert_ne!(base, of(&[8; 32], 1, &device[0]));
    assert_ne!(base, of(&SEED, 2, &device[0]));
    assert_ne!(base, of(&SEED, 1, &device[1]));
}

#[test]
fn draws_are_pinned() {
    let draw = Draw { seed: &SEED, round: 3, device: &device(5) };
    assert_eq!(assignment(&draw, 100, 6), PINNED_SHARDS);
    let text: Vec<u8> = (0..=255).collect();
    let (mut tokens, mut targets) = ([0; 4], [0; 4]);
    let batcher = Batcher::new(draw, &[&text], 2).unwrap();
    batcher.fill(1, &mut tokens, &mut targets);
    assert_eq!((tokens, targets), PINNED_BATCH);
}

const PINNED_SHARDS: [usize; 6] = [34, 49, 28, 43, 18, 85];
const PINNED_BATCH: ([u8; 4], [u8; 4]) = ([20, 21, 182, 183], [21, 22, 183, 184]);

#[test]
fn shards_are_drawn_evenly() {
    let mut drawn = [0_u32; 10];
    for round in 0..2000 {
        let draw = Draw { seed: &SEED, round, device: &device(1) };
        assignment(&draw, 10, 3).into_iter().for_each(|shard| drawn[shard] += 1);
    }
    // Mean 600, standard deviation 20.
    assert!(drawn.iter().all(|&count| (500..700).contains(&count)), "{drawn:?}");
}

#[test]
fn windows_come_from_all_shards_and_never_cross_one() {
    let (first, second) = ([b'a'; 40], [b'b'; 20]);
    let device = device(1);
    let draw = Draw { seed: &SEED, round: 0, device: &device };
    let batcher = Batcher::new(draw, &[&first, &second], 10).unwrap();
    let (mut tokens, mut targets) = (vec![0; 4000], vec![0; 4000]);
    batcher.fill(0, &mut tokens, &mut targets);
    let rows: Vec<_> = tokens.chunks(10).zip(targets.chunks(10)).collect();
    assert!(
        rows.iter()
            .all(|(tokens, targets)| tokens == targets
                && tokens.iter().all(|byte| *byte == tokens[0]))
    );
    // 30 of 40 places lie in the first shard.
    let first_count = rows.iter().filter(|(tokens, _)| tokens[0] == b'a').count();
    assert!((260..340).contains(&first_count), "{first_count}");
}

#[test]
fn targets_are_one_byte_on_and_steps_differ() {
    let text: Vec<u8> = (0..=255).collect();
    let device = device(1);
    let draw = Draw { seed: &SEED, round: 0, device: &device };
    let batcher = Batcher::new(draw, &[&text], 5).unwrap();
    let batch = |step| {
        let (mut tokens, mut targets) = (vec![0; 50], vec![0; 50]);
        batcher.fill(step, &mut tokens, &mut targets);
        (tokens, targets)
    };
    let (tokens, targets) = batch(0);
    assert!(tokens.iter().zip(&targets).all(|(token, target)| *target == token + 1));
    assert_ne!(batch(0), batch(1));
    assert_eq!(batch(1), batch(1));
}

#[test]
fn invalid_shards_are_refused() {
    let device = device(1);
    let draw = Draw { seed: &SEED, round: 0, device: &device };
    assert_eq!(Batcher::new(draw, &[], 5).unwrap_err(), BatchError::NoShard);
    let error = Batcher::new(draw, &[&[0; 9], &[0; 8]], 8).unwrap_err();
    assert_eq!(error, BatchError::ShardTooShort { position: 1, size: 8, window: 9 });
}
