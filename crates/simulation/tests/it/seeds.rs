//! Whole networks, from their seeds.

use simulation::{Plan, Recording, simulate};

/// Plays a seed, and stops with the way to repeat it if something does not hold.
fn play(seed: u64) {
    let outcome = simulate(&Plan::of(seed), Recording::Digest);
    if let Some(failure) = outcome.failure() {
        panic!("{failure}");
    }
}

// In four parts, which run beside each other.

#[test]
fn what_must_hold_holds_for_seeds_0_to_9() {
    (0..10).for_each(play);
}

#[test]
fn what_must_hold_holds_for_seeds_10_to_19() {
    (10..20).for_each(play);
}

#[test]
fn what_must_hold_holds_for_seeds_20_to_29() {
    (20..30).for_each(play);
}

#[test]
fn what_must_hold_holds_for_seeds_30_to_39() {
    (30..40).for_each(play);
}

/// Without a coordinator and an auditing device nobody has the data of an audit, so a cheat's work counts, and becomes its stake:
/// later work of it is not always drawn.
#[test]
fn data_that_is_gone_for_good_is_the_owners_loss() {
    play(80);
}

/// All devices are dropped in the first round while paths are cut, and come back: the round opens again, and those that had finished it
/// state again what was refused while they had no seat.
#[test]
fn a_round_that_everybody_left_is_done_by_those_who_come_back() {
    play(30164);
}

#[test]
fn a_seed_repeats_its_history() {
    for seed in [3, 11] {
        let [first, second] = [(); 2].map(|()| simulate(&Plan::of(seed), Recording::Lines));
        let mut pairs = first.lines.iter().zip(&second.lines);
        if let Some((one, other)) = pairs.find(|(one, other)| one != other) {
            panic!("seed {seed} took two ways:\n{one}\n{other}");
        }
        assert_eq!(first.lines.len(), second.lines.len());
        assert_eq!((first.trace, first.state_root), (second.trace, second.state_root));
        assert!(first.events > 100, "{} events", first.events);
    }
}

#[test]
fn another_seed_has_another_history() {
    let [one, other] = [5, 6].map(|seed| simulate(&Plan::of(seed), Recording::Digest));
    assert_ne!(one.trace, other.trace);
}
