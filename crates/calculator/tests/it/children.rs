//! A child computes what this process would, and what it does wrong is an error of that round.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use calculator::{Calculator as _, Child, InProcess, Needs, Order, Unfinished};
use tempfile::TempDir;
use verification::{Comparison, InnerKind, JobError, RunSpec};

use crate::order;

const MEMORY: u64 = 256 << 20;

fn arguments<const HOW: usize>(needs: Needs) -> Vec<String> {
    let how = WAYS[HOW];
    vec![how.to_owned(), needs.memory.to_string(), needs.file.to_string()]
}

const WAYS: [&str; 8] =
    ["serve", "abort", "silence", "step-back", "other-round", "flood", "huge", "words"];

fn child(arguments: fn(Needs) -> Vec<String>, unfinished: Option<Unfinished>) -> Child {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_calculate"));
    Child::new(arguments, MEMORY, unfinished).of_program(program)
}

fn honest() -> Child {
    child(arguments::<0>, None)
}

/// Computes with nobody watching.
fn compute(calculator: &dyn calculator::Calculator, order: Order) -> Result<Comparison, JobError> {
    calculator.calculate(order, &AtomicBool::new(false), &mut |_| {}).unwrap()
}

#[test]
fn a_child_computes_the_same_bytes() {
    for (byte, optimizer) in [(1, InnerKind::AdamW), (2, InnerKind::Muon)] {
        let order = order(byte, optimizer);
        let expected = compute(&InProcess, order.clone());
        let Ok(Comparison::Whole(whole)) = &expected else { panic!("{expected:?}") };
        assert_eq!(compute(&honest(), order.clone()), expected);
        // Compared with its own leaves, and with some that differ.
        let mut leaves = whole.leaves.clone();
        let compared = Order { leaves: Some(leaves.clone()), ..order.clone() };
        assert_eq!(compute(&honest(), compared), expected);
        leaves[2] = units::Digest::ZERO;
        let compared = Order { leaves: Some(leaves), ..order };
        assert_eq!(compute(&honest(), compared), Ok(Comparison::Differs { leaf: 2 }));
    }
}

#[test]
fn each_step_is_told() {
    let (order, mut steps) = (order(1, InnerKind::AdamW), Vec::new());
    let on_step = &mut |pace: calculator::Pace| steps.push(pace.step);
    honest().calculate(order, &AtomicBool::new(false), on_step).unwrap().unwrap();
    let told: Vec<u32> = steps.iter().map(|step| step.step).collect();
    assert_eq!(told, [1, 2, 3, 4]);
    assert!(steps.iter().all(|step| step.steps == 4 && step.loss > 0.0));
}

/// What says something about the run is the same error as in this process.
#[test]
fn errors_of_the_job_come_back() {
    let base = order(1, InnerKind::AdamW);
    let same = |order: Order| {
        let expected = compute(&InProcess, order.clone());
        assert!(expected.is_err());
        assert_eq!(compute(&honest(), order), expected);
    };
    same(Order { round: 9, ..base.clone() });
    same(Order { base: Arc::new(vec![0.0; 3]), ..base.clone() });
    same(Order { shards: vec![Arc::new(vec![1; 3])], ..base.clone() });
    same(Order { shards: Vec::new(), ..base.clone() });
    // Parameters with which the loss is no number.
    let diverging = vec![f32::MAX; base.base.len()];
    let base_digest = model::state_digest(&diverging);
    same(Order { base: Arc::new(diverging), base_digest, ..base });
}

#[test]
fn a_round_that_is_called_off_ends() {
    let called_off = AtomicBool::new(true);
    let silent = child(arguments::<2>, None);
    let ended = silent.calculate(order(1, InnerKind::AdamW), &called_off, &mut |_| {}).unwrap();
    assert_eq!(ended, Err(JobError::CalledOff { step: 0 }));
    let ended = honest().calculate(order(1, InnerKind::AdamW), &called_off, &mut |_| {}).unwrap();
    assert!(matches!(ended, Err(JobError::CalledOff { .. })), "{ended:?}");
}

/// Whatever a child says: an error of that round that says what it was, and the next round goes on.
#[test]
fn a_child_that_breaks_the_protocol_is_an_error_of_its_round() {
    let check = |arguments: fn(Needs) -> Vec<String>, expected: &str| {
        let bad = child(arguments, None);
        let order = order(1, InnerKind::AdamW);
        let error = bad.calculate(order, &AtomicBool::new(false), &mut |_| {}).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains(expected), "`{text}` does not say `{expected}`");
    };
    check(arguments::<1>, "ended without a result: signal 6");
    check(arguments::<3>, "step 1 after step 2");
    check(arguments::<4>, "the outcome of another round: the digest of the inputs differs");
    check(arguments::<5>, "Saved(1) that nobody has asked for");
    check(arguments::<6>, "size of the update is");
    check(arguments::<7>, "kind of an answer is 72");
}

/// A round that needs more memory than the owner gives ends as an error; this process and its memory are not touched.
#[test]
fn a_child_has_the_owners_memory_and_no_more() {
    let large = RunSpec {
        model: model::Config {
            layers: 8,
            width: 512,
            heads: 8,
            hidden: 1376,
            ..RunSpec::small(3, [1; 32]).model
        },
        batch: 64,
        ..RunSpec::small(3, [1; 32])
    };
    let base = model::initial_parameters(&large.model, &large.seed.0);
    let order = Order {
        base_digest: model::state_digest(&base),
        base: Arc::new(base),
        spec: Arc::new(large),
        shards: vec![Arc::new(vec![b'x'; 4096])],
        ..order(1, InnerKind::AdamW)
    };
    let small = Child::new(arguments::<0>, 64 << 20, None)
        .of_program(PathBuf::from(env!("CARGO_BIN_EXE_calculate")));
    let error = small.calculate(order, &AtomicBool::new(false), &mut |_| {}).unwrap_err();
    assert!(format!("{error:#}").contains("ended without a result"), "{error:#}");
}

/// Interrupts a round after each of its steps and continues it with another number of threads.
#[test]
fn memory_given_back_costs_no_step_and_no_byte() {
    let mut continued_count = 0;
    for (byte, optimizer) in [(1, InnerKind::AdamW), (2, InnerKind::Muon)] {
        let order = |byte, optimizer| {
            let order = order(byte, optimizer);
            let spec = RunSpec { steps_per_round: 80, ..order.spec.as_ref().clone() };
            Order { spec: Arc::new(spec), ..order }
        };
        let expected = compute(&InProcess, order(byte, optimizer));
        for until in [1, 9, 30, 60] {
            let folder = TempDir::new().unwrap();
            let unfinished = || Some(Unfinished::new(folder.path().join("unfinished"), 1 << 30));
            let first = child(arguments::<0>, unfinished());
            let mut last = 0;
            let interrupted = first
                .calculate(order(byte, optimizer), &AtomicBool::new(false), &mut |pace| {
                    last = pace.step.step;
                    if last == until {
                        // From another thread in a worker; here it returns at once, before anything has ended.
                        assert!(!first.give_back(Duration::ZERO));
                    }
                })
                .unwrap();
            // The child may have been a step ahead, or done.
            if interrupted == expected {
                continue;
            }
            assert!(matches!(interrupted, Err(JobError::CalledOff { .. })), "{interrupted:?}");
            assert!(first.give_back(Duration::from_secs(9)), "nothing runs any more");
            let second = child(arguments::<0>, unfinished());
            let again = Order { threads: 1, ..order(byte, optimizer) };
            let (mut begun_at, threads) = (0, again.threads);
            let continued = second
                .calculate(again, &AtomicBool::new(false), &mut |pace| {
                    begun_at = if begun_at == 0 { pace.step.step } else { begun_at };
                })
                .unwrap();
            assert_eq!(continued, expected, "{threads} threads, after step {until}");
            assert!(begun_at == 0 || begun_at > until, "step {begun_at} was done twice");
            continued_count += u32::from(begun_at > 0);
            assert_eq!(std::fs::read_dir(folder.path().join("unfinished")).unwrap().count(), 0);
        }
    }
    assert!(continued_count > 0, "all were done before they could be interrupted");
}

/// A round that is called off ends by `SIGKILL`, wherever it is, also while it saves: what was saved before is enough.
#[test]
fn a_killed_round_goes_on_from_what_was_saved() {
    let order = || {
        let order = order(4, InnerKind::AdamW);
        let spec = RunSpec { steps_per_round: 300, ..order.spec.as_ref().clone() };
        Order { spec: Arc::new(spec), ..order }
    };
    let expected = compute(&InProcess, order());
    let mut continued_count = 0;
    for until in [1, 20, 77, 150, 280] {
        let folder = TempDir::new().unwrap();
        let unfinished = || Some(Unfinished::new(folder.path().to_owned(), 1 << 30));
        let killed = child(arguments::<0>, unfinished()).saving_every(Duration::ZERO);
        let called_off = AtomicBool::new(false);
        let ended = killed
            .calculate(order(), &called_off, &mut |pace| {
                called_off.store(pace.step.step >= until, Ordering::Relaxed);
            })
            .unwrap();
        if ended == expected {
            continue;
        }
        assert!(matches!(ended, Err(JobError::CalledOff { .. })), "{ended:?}");
        let mut begun_at = 0;
        let again = Order { threads: 1, ..order() };
        let continued = child(arguments::<0>, unfinished())
            .calculate(again, &AtomicBool::new(false), &mut |pace| {
                begun_at = if begun_at == 0 { pace.step.step } else { begun_at };
            })
            .unwrap();
        assert_eq!(continued, expected, "after step {until}");
        continued_count += u32::from(begun_at > 1);
    }
    assert!(continued_count > 0, "nothing was saved in time");
}
