use std::fs;

use verification::{OuterState, RunSpec};

use super::*;
use crate::State;

/// A run whose every round changes the parameters, with its folder.
struct Story {
    scratch: tempfile::TempDir,
    folder: Folder,
    spec: RunSpec,
    chain: Chain,
    states: Vec<Vec<f32>>,
}

fn small() -> RunSpec {
    let model =
        model::Config { layers: 1, width: 32, heads: 2, context: 32, vocabulary: 256, hidden: 64 };
    RunSpec { model, outer_momentum: 0.99, ..RunSpec::small(100, [3; 32]) }
}

impl Story {
    /// Runs `rounds` rounds; after each, forgets what no round from `oldest` on needs.
    fn tell(spec: RunSpec, rounds: u32, oldest: u32) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let folder = Folder::open(scratch.path()).unwrap();
        let mut parameters = model::initial_parameters(&spec.model, &spec.seed.0);
        let mut outer = OuterState::new(parameters.len());
        for (index, momentum) in outer.momentum.iter_mut().enumerate() {
            *momentum = f32::from(u8::try_from(index % 17).unwrap()) - 8.0;
        }
        let mut chain = Chain::default();
        chain.begin(model::state_digest(&parameters));
        let mut states = vec![parameters.clone()];
        for round in 0..rounds {
            let advanced =
                verification::advance(&spec, round, &parameters, &outer, &[], 1).unwrap();
            (parameters, outer) = (advanced.parameters, advanced.state);
            let state =
                State { parameters: model::params_to_bytes(&parameters), outer: outer.to_bytes() };
            folder.keep_update(&advanced.encoded).unwrap();
            folder.keep_state(&state).unwrap();
            chain.add(round, Link { update: Digest::of(&advanced.encoded), state: state.digest() });
            let needed = chain.needed(oldest, round + 1, &folder.held().unwrap());
            folder.forget(&needed).unwrap();
            states.push(parameters.clone());
        }
        Self { scratch, folder, spec, chain, states }
    }

    fn rebuilt(&self, rounds: u32) -> anyhow::Result<Vec<f32>> {
        rebuild(&self.folder, &self.spec, &self.chain, rounds)
    }

    fn size(&self, name: &str) -> (usize, u64) {
        let entries = fs::read_dir(self.scratch.path().join(name)).unwrap();
        let sizes: Vec<u64> =
            entries.map(|entry| entry.unwrap().metadata().unwrap().len()).collect();
        (sizes.len(), sizes.iter().sum())
    }
}

#[test]
fn every_state_of_the_last_rounds_is_rebuilt_from_few_whole_ones() {
    let story = Story::tell(small(), 90, 90);
    let first = (90 - (ROUNDS_NEEDED - 1)) / KEYFRAME_ROUNDS * KEYFRAME_ROUNDS;
    for rounds in first..=90 {
        let index = usize::try_from(rounds).unwrap();
        assert_eq!(story.rebuilt(rounds).unwrap(), story.states[index], "{rounds}");
    }
    // Those after 16, 32, 48, 64 and 80 rounds, and the newest six.
    assert_eq!(story.size("states").0, 11);
    assert_eq!(story.size("updates").0, 90 - 16);
}

#[test]
fn an_open_round_keeps_what_leads_to_it() {
    let story = Story::tell(small(), 90, 3);
    for rounds in [0, 3, 15, 16, 47, 90] {
        let index = usize::try_from(rounds).unwrap();
        assert_eq!(story.rebuilt(rounds).unwrap(), story.states[index], "{rounds}");
    }
}

/// What slow audits of fifty rounds of the demo cost: the figures of docs/measurements.md.
#[test]
fn fifty_open_rounds_take_little_room() {
    let story = Story::tell(RunSpec { outer_momentum: 0.99, ..RunSpec::small(60, [3; 32]) }, 55, 5);
    let state = verification::state_size(&story.spec);
    let ((whole, whole_size), (updates, updates_size)) =
        (story.size("states"), story.size("updates"));
    let before = 50 * (2 * state + 48);
    let begun = tokio::time::Instant::now();
    assert_eq!(story.rebuilt(47).unwrap(), story.states[47], "by as many updates as ever");
    let took = begun.elapsed();
    eprintln!(
        "state {state}; before {before}; now {whole} states of {whole_size} and {updates} updates of {updates_size}; rebuilt in {took:?}"
    );
    assert!((whole_size + updates_size) * 4 < before, "a quarter");
}

#[test]
fn a_damaged_state_is_rebuilt_from_the_one_before() {
    let story = Story::tell(small(), 40, 0);
    let path = |rounds: u32| {
        let digest = story.chain.state(rounds).unwrap().to_string();
        story.scratch.path().join("states").join(digest)
    };
    fs::write(path(32), "damaged").unwrap();
    assert_eq!(story.rebuilt(34).unwrap(), story.states[34]);
    // The first one follows from the seed.
    fs::remove_file(path(16)).unwrap();
    assert_eq!(story.rebuilt(34).unwrap(), story.states[34]);
    // An update that is missing can't be had otherwise.
    let update = story.chain.links[&33].update.to_string();
    fs::remove_file(story.scratch.path().join("updates").join(update)).unwrap();
    let error = format!("{:#}", story.rebuilt(34).unwrap_err());
    assert!(error.contains("neither state"), "{error}");
    assert_eq!(story.rebuilt(33).unwrap(), story.states[33]);
    assert!(story.rebuilt(41).is_err(), "there is no such state");
}

/// A run that was taken over begins with the states that workers had.
#[test]
fn a_state_to_which_nothing_leads_is_kept_whole() {
    let digest = |byte: u8| Digest::from_bytes([byte; 32]);
    let mut chain = Chain::default();
    chain.begin(digest(0));
    for byte in 1..31 {
        chain.add(u32::from(byte) - 1, Link { update: digest(100 + byte), state: digest(byte) });
    }
    let set = |bytes: &[u8]| bytes.iter().copied().map(digest).collect::<BTreeSet<Digest>>();
    // It has the states after 20 and 24 rounds, and what follows: 23 is lost.
    let held = Held {
        states: set(&[20, 21, 22, 24, 25, 30]),
        updates: set(&[121, 122, 125, 126, 127, 128, 129, 130]),
    };
    let needed = chain.needed(20, 30, &held);
    assert_eq!(needed.states, set(&[20, 24]));
    assert_eq!(needed.updates, held.updates);
    let within = |rounds: u32| chain.is_within(rounds, &needed);
    assert_eq!([19, 20, 22, 23, 24, 30].map(within), [false, true, true, false, true, true]);
}

#[test]
fn a_way_starts_at_the_newest_held_state() {
    let digest = |byte: u8| Digest::from_bytes([byte; 32]);
    let link = |byte: u8| Link { update: digest(100 + byte), state: digest(byte) };
    let mut chain = Chain::default();
    chain.begin(digest(0));
    for byte in 1..5 {
        chain.add(u32::from(byte) - 1, link(byte));
    }
    let way = |held: &[u8]| chain.way(3, |state| held.iter().any(|byte| digest(*byte) == *state));
    let expected = Way { rounds: 1, from: digest(1), links: vec![link(2), link(3)] };
    assert_eq!(way(&[0, 1, 4]), Some(expected));
    assert_eq!(way(&[3]).unwrap().links, []);
    assert_eq!(way(&[4]), None);
    assert_eq!(chain.update(2), Some(digest(103)));
    assert_eq!(chain.states().len(), 5);
}
