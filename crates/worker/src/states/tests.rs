use compression::{Change, Selection, compress};

use super::*;

fn base(run: u64, round: u32, digest: Digest) -> BaseOf {
    BaseOf { run, round, digest }
}

/// The base states of a run's rounds, and the outer updates between them.
fn run_of(spec: &RunSpec, count: u32) -> Vec<(BaseOf, Arc<Vec<f32>>, Step)> {
    let mut parameters = model::initial_parameters(&spec.model, &spec.seed.0);
    let mut states: Vec<(BaseOf, Arc<Vec<f32>>, Step)> = Vec::new();
    for round in 0..count {
        let from = states.last().map_or(Digest::from_bytes([0; 32]), |(base, ..)| base.digest);
        let change: Vec<f32> =
            parameters.iter().map(|value| if round == 0 { 0.0 } else { value * 0.125 }).collect();
        let update =
            compress(Change::Given(&change), spec.format_down(), Selection::Largest).unwrap();
        apply_outer(spec, &mut parameters, &update).unwrap();
        let whole = Arc::new(parameters.clone());
        let base = base(1, round, model::state_digest(&parameters));
        states.push((base, whole, (from, Arc::new(update))));
    }
    states
}

fn spec() -> RunSpec {
    let mut spec = RunSpec::small(9, [7; 32]);
    spec.model.layers = 1;
    spec.model.width = 16;
    spec.model.hidden = 16;
    spec
}

fn wholes(states: &States) -> usize {
    states.held.iter().filter(|held| held.whole.is_some()).count()
        + usize::from(states.expected.is_some())
}

#[test]
fn the_newest_states_are_held() {
    let mut states = States::new(STATES_HELD_MAX);
    let digest = |byte: u32| Digest::from_bytes([u8::try_from(byte).unwrap(); 32]);
    let max = u32::try_from(STATES_HELD_MAX).unwrap();
    for round in 0..=max {
        states.hold(base(1, round, digest(round)), Arc::new(vec![]), None);
    }
    assert!(states.find(&digest(0)).is_none());
    assert!(states.find(&digest(max)).is_some());
    let next = max + 1;
    let step = (digest(max), Arc::new(Vec::new()));
    states.expect(base(1, next, digest(next)), Arc::new(Vec::new()), step);
    assert!(states.find(&digest(1)).is_some(), "what may never come pushes nothing out");
    assert!(states.find(&digest(next)).is_some());
    assert!(states.find(&digest(1)).is_none(), "what came does");
    states.hold(base(1, 0, digest(0)), Arc::new(vec![]), None);
    assert!(states.find(&digest(0)).is_none(), "what an old audit needed pushes nothing out");
    states.limit(1);
    assert!(states.find(&digest(max)).is_none());
    assert!(states.find(&digest(next)).is_some());
    states.hold(base(2, 0, digest(9)), Arc::new(vec![]), None);
    assert!(states.find(&digest(next)).is_none(), "another run begins anew");
    assert!(states.find(&digest(9)).is_some());
}

#[test]
fn states_between_are_made_again_from_the_oldest() {
    let (spec, mut states) = (spec(), States::new(STATES_HELD_MAX));
    let all = run_of(&spec, 12);
    for (round, (base, whole, step)) in all.iter().enumerate() {
        states.expect(*base, Arc::clone(whole), step.clone());
        assert!(wholes(&states) <= 2, "{} whole states before round {round}", wholes(&states));
        assert!(states.find(&base.digest).unwrap().is_whole(), "the newest costs nothing");
        // As a worker does once it has committed.
        if let Some((second, kept)) = states.fold() {
            let made = kept.restore(&spec).unwrap();
            states.unfold(&second, made);
        }
        assert!(wholes(&states) <= 2, "{} whole states after round {round}", wholes(&states));
        for (base, whole, _) in &all[(round + 1).saturating_sub(STATES_HELD_MAX)..=round] {
            let found = states.find(&base.digest).unwrap().restore(&spec).unwrap();
            assert_eq!(model::state_digest(&found), model::state_digest(whole));
        }
    }
}

#[test]
fn an_expected_state_that_comes_late_is_not_made_from_another_one() {
    let (spec, mut states) = (spec(), States::new(STATES_HELD_MAX));
    let all = run_of(&spec, 4);
    let (first, second, last) = (&all[0], &all[1], &all[3]);
    states.hold(first.0, Arc::clone(&first.1), None);
    states.expect(second.0, Arc::clone(&second.1), second.2.clone());
    let other = base(1, 1, Digest::from_bytes([9; 32]));
    states.hold(other, Arc::new(vec![0.0]), None);
    assert!(states.find(&second.0.digest).is_some());
    states.hold(last.0, Arc::clone(&last.1), None);
    assert!(states.fold().is_none());
    assert_eq!(states.find(&second.0.digest).unwrap().restore(&spec), Some(Arc::clone(&second.1)));
}

/// Folding waits for the machine, and rounds may be shorter than that.
#[test]
fn rounds_that_come_before_a_fold_push_out_nothing_that_is_needed() {
    let (spec, mut states) = (spec(), States::new(STATES_HELD_MAX));
    let all = run_of(&spec, 24);
    let mut folded = None;
    for (round, (base, whole, step)) in all.iter().enumerate() {
        states.expect(*base, Arc::clone(whole), step.clone());
        assert!(states.find(&base.digest).is_some());
        // Three rounds pass while one fold is done.
        match (round % 3, folded.take()) {
            (0, _) => folded = states.fold(),
            (2, Some((oldest, kept))) => {
                let made = Kept::restore(kept, &spec).unwrap();
                states.unfold(&oldest, made);
            }
            (_, waiting) => folded = waiting,
        }
        assert!(wholes(&states) <= 3, "{} whole states after round {round}", wholes(&states));
        // As when the device connects again.
        states.limit(STATES_HELD_MAX);
        for (base, whole, _) in &all[(round + 1).saturating_sub(STATES_HELD_MAX)..=round] {
            let found = states.find(&base.digest).expect("one of the newest").restore(&spec);
            assert_eq!(found.as_ref(), Some(whole), "round {} after {round}", base.round);
        }
    }
}

#[test]
fn states_that_are_never_folded_are_bounded_and_sound() {
    let (spec, mut states) = (spec(), States::new(STATES_HELD_MAX));
    let all = run_of(&spec, 12);
    for (round, (base, whole, step)) in all.iter().enumerate() {
        states.hold(*base, Arc::clone(whole), Some(step.clone()));
        // Folded once, and what it asks for is not done.
        if round == 4 {
            let _ = states.fold();
        }
        assert!(states.held.len() <= STATES_HELD_MAX + UNFOLDED_MAX);
        assert!(wholes(&states) <= STATES_HELD_MAX + 1);
        for (base, whole, _) in &all[..=round] {
            if let Some(kept) = states.find(&base.digest) {
                assert_eq!(kept.restore(&spec).as_ref(), Some(whole));
            }
        }
        assert!(states.find(&base.digest).is_some());
    }
    states.limit(2);
    assert!(wholes(&states) <= 2);
    if let Some((oldest, kept)) = states.fold() {
        states.unfold(&oldest, kept.restore(&spec).unwrap());
    }
    assert!(states.held.len() <= 2 && states.held[0].whole.is_some());
}
