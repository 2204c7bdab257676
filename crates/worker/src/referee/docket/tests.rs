use super::*;
use abi::TrainingRuns::Ruling;
use training_run::Commitment;

const NAME: Name = Name { run: 7, round: 2, subject: DeviceId::from_bytes([1; 32]) };

fn case() -> Case {
    let digest = |byte| Digest::from_bytes([byte; 32]);
    let commitment = Commitment { seal: digest(4), update: digest(5) };
    Case { round: NAME.round, subject: NAME.subject, base: Digest::ZERO, commitment }
}

#[test]
fn data_that_cannot_be_had_is_tried_for_minutes() {
    let (mut docket, mut now) = (Docket::default(), Instant::now());
    let mut pauses = Vec::new();
    loop {
        let before = now;
        while docket.next(NAME, true, now) == Next::Wait {
            now += Duration::from_secs(1);
        }
        pauses.push(now.duration_since(before).as_secs());
        assert_eq!(docket.next(NAME, true, now), Next::Replay);
        if docket.is_last_try(NAME, now) {
            break;
        }
    }
    assert_eq!(pauses, [0, 10, 20, 40, 80, 160]);
}

/// Many disputes of a run whose coordinator is gone would else take a referee's hours.
#[test]
fn a_coordinator_that_cannot_be_reached_is_a_try_of_all_disputes_of_its_run() {
    let (mut docket, mut now) = (Docket::default(), Instant::now());
    let names: Vec<Name> = (0..20).map(|round| Name { round, ..NAME }).collect();
    let elsewhere = Name { run: 8, ..NAME };
    docket.next(elsewhere, true, now);
    let (mut dials, mut open) = (0, names.clone());
    while !open.is_empty() {
        let due = |docket: &mut Docket| {
            open.iter().copied().find(|name| docket.next(*name, true, now) == Next::Replay)
        };
        // The referee knows them all before it dials.
        names.iter().for_each(|name| drop(docket.next(*name, true, now)));
        let Some(name) = due(&mut docket) else {
            now += Duration::from_secs(1);
            continue;
        };
        dials += 1;
        docket.unreachable(7, |other| *other != name, now);
        if docket.is_last_try(name, now) {
            docket.rule(name, vec![], now);
            open.retain(|open| *open != name);
        }
    }
    assert_eq!(dials, 5 + names.len(), "the last try of each is its own");
    assert_eq!(docket.next(elsewhere, true, now), Next::Replay, "others are not concerned");
}

#[test]
fn a_ruling_is_given_to_the_node_until_the_ledger_has_it() {
    let (mut docket, mut now) = (Docket::default(), Instant::now());
    assert_eq!(docket.next(NAME, true, now), Next::Replay);
    docket.rule(NAME, vec![9], now);
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let before = now;
        while docket.next(NAME, true, now) == Next::Wait {
            now += Duration::from_secs(1);
        }
        assert_eq!(docket.next(NAME, true, now), Next::Submit(vec![9]), "it is not repeated");
        docket.submitted(NAME, now);
        pauses.push(now.duration_since(before).as_secs());
    }
    assert_eq!(pauses, [0, 8, 16, 32, 64, 128, 256, 300]);
    docket.keep(|_| false);
    assert_eq!((docket.runs(), docket.next(NAME, true, now)), (vec![], Next::Replay));
}

#[test]
fn a_dispute_that_is_too_large_is_left_alone() {
    let (mut docket, now) = (Docket::default(), Instant::now());
    docket.next(NAME, true, now);
    docket.postpone(NAME, now);
    assert_eq!(docket.next(NAME, true, now + POSTPONED - Duration::from_secs(1)), Next::Wait);
    assert_eq!(docket.next(NAME, true, now + POSTPONED), Next::Replay);
    docket.give_up(NAME);
    assert_eq!(docket.next(NAME, true, now + POSTPONED * 100), Next::Wait);
    assert_eq!(docket.runs(), [7]);
}

#[test]
fn a_ruling_is_signed_as_the_ledger_reads_it() {
    let key = DeviceKey::from_seed(&[3; 32]);
    let read = |replay: &Replay| {
        TrainingRuns::ruleCall::abi_decode(&ruling(&key, (5, 7), &case(), replay)).unwrap()
    };
    let [root, update] = [8, 9].map(|byte| Digest::from_bytes([byte; 32]));
    let call = read(&Replay::Done { leaves: Vec::new(), root, update });
    assert_eq!((call.run, call.round, call.subject.0), (7, 2, [1; 32]));
    assert_eq!((call.root.0, call.update.0), ([8; 32], [9; 32]));
    let found = Found::replayed(*root.as_bytes(), *update.as_bytes());
    let signed = statement::ruling(5, 7, 2, &[1; 32], &found);
    assert_eq!(call.referee.0, *key.device().as_bytes());
    assert_eq!(call.signature.to_vec(), key.sign(&signed));

    let differs = read(&Replay::Differs { leaf: 3 });
    assert_eq!((u8::from(differs.kind), differs.leaf), (u8::from(Ruling::Differs), 3));
    assert!(differs.root.is_zero() && differs.update.is_zero());

    let missing = read(&Replay::Unavailable { reason: String::new() });
    assert!(missing.root.is_zero() && missing.update.is_zero());
    assert_eq!(u8::from(missing.kind), u8::from(Ruling::Unavailable));
}

#[test]
fn nobody_can_commit_to_the_result_of_a_round_without_one() {
    let key = DeviceKey::from_seed(&[3; 32]);
    let diverged = Replay::NoResult { reason: String::new() };
    let call = ruling(&key, (5, 7), &case(), &diverged);
    let call = TrainingRuns::ruleCall::abi_decode(&call).unwrap();
    assert_eq!(u8::from(call.kind), u8::from(Ruling::Replayed));
    let root = abi::convert::digest(call.root);
    // A device that expects it commits to it; that changes what the referee says.
    let commitment = Commitment {
        seal: units::seal(&NAME.subject, &root),
        update: abi::convert::digest(call.update),
    };
    let next = ruling(&key, (5, 7), &Case { commitment, ..case() }, &diverged);
    let next = TrainingRuns::ruleCall::abi_decode(&next).unwrap();
    assert_ne!(units::seal(&NAME.subject, &abi::convert::digest(next.root)), commitment.seal);
    assert_ne!(abi::convert::digest(next.update), commitment.update);
}

/// A device has a moment to disclose its leaves, and can't hold up the referee by silence.
#[test]
fn leaves_are_waited_for_for_a_moment() {
    let (mut docket, now) = (Docket::default(), Instant::now());
    assert_eq!(docket.next(NAME, false, now), Next::Wait);
    assert_eq!(docket.next(NAME, false, now + LEAVES_MAX / 2), Next::Wait);
    assert_eq!(docket.next(NAME, true, now + LEAVES_MAX / 2), Next::Replay, "they are there");
    assert_eq!(docket.next(NAME, false, now + LEAVES_MAX), Next::Replay, "they never come");
}
