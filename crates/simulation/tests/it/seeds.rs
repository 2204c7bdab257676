//! Whole networks, from their seeds.

use std::time::Duration;

use simulation::{Part, Plan, PlannedEnding, Recording, network::Quality, simulate};
use worker::Behaviour;

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

/// Devices that are equally fast commit one right after the other, while the coordinator reads the ledger.
#[test]
fn where_nothing_is_lost_every_update_is_aggregated() {
    for seed in 0..12 {
        let mut plan = Plan {
            quality: Quality::GOOD,
            faults: Vec::new(),
            ending: PlannedEnding::Complete,
            is_thief: false,
            ..Plan::of(seed)
        };
        for part in &mut plan.cast {
            *part = Part {
                behaviour: Behaviour::Honest,
                step: Duration::from_secs(2),
                begins: Duration::ZERO,
            };
        }
        let outcome = simulate(&plan, Recording::Digest);
        let settled = outcome.result.unwrap_or_else(|reason| panic!("seed {seed}: {reason}"));
        assert_eq!(settled.aggregated, settled.commitments, "seed {seed}");
        assert_eq!(settled.verified, settled.commitments, "seed {seed}");
        // Blocks cost their rounds no time.
        assert!(settled.started_ahead * 2 > settled.commitments, "seed {seed}: {settled:?}");
    }
}

/// Devices give their commitments to a node, and nothing to a coordinator that has not seen them in a block.
#[test]
fn a_coordinator_that_drops_commitments_gets_no_update_for_nothing_and_pays() {
    for seed in [1, 2, 3] {
        let plan = Plan { is_thief: true, ending: PlannedEnding::Complete, ..Plan::of(seed) };
        let outcome = simulate(&plan, Recording::Digest);
        let settled = outcome.result.unwrap_or_else(|reason| panic!("seed {seed}: {reason}"));
        assert!(settled.verified > 10, "{settled:?}");
    }
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
