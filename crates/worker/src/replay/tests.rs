use super::*;
use crate::audits::Running;
use calculator::InProcess;
use machine::Threads;
use model::{Activations, instructions::Isa};
use verification::RunSpec;

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

const SUBJECT: DeviceId = DeviceId::from_bytes([1; 32]);

fn case(commitment: Commitment) -> Case {
    Case { round: 0, subject: SUBJECT, base: Digest::ZERO, commitment }
}

#[test]
fn a_commitment_is_judged_by_all_that_it_names() {
    let (root, update) = (digest(4), digest(5));
    let replay = Replay::Done { leaves: Vec::new(), root, update };
    let honest = Commitment { seal: units::seal(&SUBJECT, &root), update };
    assert_eq!(replay.judge(&case(honest)), Finding::Passed { root });
    let other = DeviceId::from_bytes([2; 32]);
    let made_up = Commitment { seal: units::seal(&SUBJECT, &digest(9)), ..honest };
    let poisoned = Commitment { update: digest(9), ..honest };
    let copied = Commitment { seal: units::seal(&other, &root), ..honest };
    for lie in [made_up, poisoned, copied] {
        assert_eq!(replay.judge(&case(lie)), Finding::Mismatch, "{lie:?}");
    }
    let missing = Replay::Unavailable { reason: String::new() };
    assert_eq!(missing.judge(&case(honest)), Finding::Unavailable);
    assert_eq!(Replay::Differs { leaf: 1 }.judge(&case(honest)), Finding::Mismatch);
    let diverged = Replay::NoResult { reason: String::new() };
    assert_eq!(diverged.judge(&case(honest)), Finding::Mismatch);
}

#[test]
fn only_what_fails_everywhere_speaks_against_a_device() {
    let no_result = found(Err(JobError::Diverged { step: 3 }));
    assert!(matches!(no_result, Replay::NoResult { .. }), "{no_result:?}");
    for error in [
        JobError::WrongModel { count: 1, expected: 2 },
        JobError::NoSuchRound { round: 9, rounds: 4 },
        JobError::CalledOff { step: 1 },
    ] {
        let replay = found(Err(error));
        assert!(matches!(replay, Replay::Unavailable { .. }), "{replay:?}");
    }
}

/// A device's round, by this device or another one that repeats it.
fn order(isa: Isa) -> Order {
    let small = RunSpec::small(4, [7; 32]);
    let model =
        model::Config { layers: 1, width: 32, heads: 2, context: 32, hidden: 64, ..small.model };
    let spec = RunSpec { model, shards_per_round: 1, batch: 2, steps_per_round: 3, ..small };
    let base = model::initial_parameters(&spec.model, &spec.seed.0);
    let text: Vec<u8> = (0..400_usize).map(|at| (at % 251).to_le_bytes()[0]).collect();
    Order {
        base_digest: model::state_digest(&base),
        spec: Arc::new(spec),
        round: 3,
        device: SUBJECT,
        base: Arc::new(base),
        shards: vec![Arc::new(text)],
        threads: 1,
        isa,
        activations: Activations::Keep,
        spare: Some(Arc::default()),
        leaves: None,
        is_saved: false,
    }
}

#[tokio::test]
async fn work_at_idle_priority_and_on_other_instructions_is_the_same() {
    let (_running, called_off) = Running::start();
    let here: Arc<dyn Calculator> = Arc::new(InProcess);
    let done = here.calculate(order(Isa::detect()), &called_off, &mut |_| {}).unwrap();
    let Ok(Comparison::Whole(done)) = done else { panic!("{done:?}") };
    for (isa, priority) in [(Isa::Scalar, Priority::Idle), (Isa::detect(), Priority::Usual)] {
        for leaves in [None, Some(done.leaves.clone())] {
            let order = Order { leaves, ..order(isa) };
            let again = compute((&here, order), (&Threads, priority), &called_off).await.unwrap();
            let Ok(Comparison::Whole(again)) = again else { panic!("{again:?}") };
            assert_eq!((again.root, again.update_digest), (done.root, done.update_digest));
        }
    }
    let mut leaves = done.leaves.clone();
    leaves[2] = digest(9);
    let order = Order { leaves: Some(leaves), ..order(Isa::detect()) };
    let compared = compute((&here, order), (&Threads, Priority::Usual), &called_off).await;
    assert_eq!(compared.unwrap(), Ok(Comparison::Differs { leaf: 2 }));
    let seal = units::seal(&SUBJECT, &done.root);
    let commitment = Commitment { seal, update: done.update_digest };
    let (leaves, root, update) = (done.leaves, done.root, done.update_digest);
    let replay = Replay::Done { leaves, root, update };
    assert_eq!(replay.judge(&case(commitment)), Finding::Passed { root: done.root });
}

#[tokio::test]
async fn a_replay_that_is_not_needed_stops() {
    let (running, called_off) = Running::start();
    drop(running);
    let here: Arc<dyn Calculator> = Arc::new(InProcess);
    let job = (&here, order(Isa::detect()));
    let stopped = compute(job, (&Threads, Priority::Idle), &called_off).await.unwrap();
    assert_eq!(stopped.unwrap_err(), JobError::CalledOff { step: 1 });
}
